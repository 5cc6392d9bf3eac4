//! Where the routes of an upstream are.

use crate::overlay::rules;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;

rules! {
    /// Paths of an upstream, relative to its base URL.
    #[derive(Eq)]
    pub struct EndpointPaths,
    ///
    /// ```
    /// use openai_shim_core::profile::{PathsLayer, ProfileLayer};
    /// let paths = PathsLayer::default().with_generate("/models/{model}:run").with_query_param("version", "2");
    /// let profile = ProfileLayer::inherit("vllm").with_paths(paths).build()?;
    /// assert_eq!(profile.paths.generate_url("/chat/completions", "a b"), "/models/a%20b:run?version=2");
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    PathsLayer {
        /// Where responses are generated; empty: the dialect's own path. `{model}` stands for the model's name.
        pub generate: String as with_generate(into),
        /// Where models are listed.
        pub models: String as with_models(into) = String::from("/models"),
        /// Where the other routes are (embeddings, images, speech): `{path}` stands for the route's own path, and `{model}` for the
        /// model's name; empty: the own path. Requests that name no model go to the own path.
        pub auxiliary: String as with_auxiliary(into),
        /// Paths that are forwarded as they come, with all below them: `/files`, `/batches`. All clients share what the upstream
        /// stores there.
        pub forward: Vec<String> as with_forward(list),
        /// Parameters that are added to the query of every URL (`api-version` and the like).
        pub query_params: BTreeMap<String, String> as with_query_param(text),
    }
}

/// Characters that are percent-encoded in a path segment or a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl EndpointPaths {
    /// A path with the query parameters that every URL gets, unless its own query has them.
    pub fn url(&self, path: &str) -> String {
        let mut url = path.to_owned();
        let own: Vec<&str> = path.split_once('?').map_or(Vec::new(), |(_, query)| query.split('&').collect());
        let is_own = |key: &str| own.iter().any(|pair| pair.split('=').next() == Some(key));
        for (key, value) in self.query_params.iter().filter(|(key, _)| !is_own(key)) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.extend(utf8_percent_encode(key, ESCAPED));
            url.push('=');
            url.extend(utf8_percent_encode(value, ESCAPED));
        }
        url
    }

    /// Where a route other than those that generate is, by its own path, which may have a query.
    pub fn auxiliary_url(&self, path: &str, model: &str) -> String {
        let is_named = !matches!(model, "" | "." | "..") || !self.auxiliary.contains("{model}");
        if self.auxiliary.is_empty() || !is_named {
            return self.url(path);
        }
        let model = utf8_percent_encode(model, ESCAPED).to_string();
        self.url(&self.auxiliary.replace("{model}", &model).replace("{path}", path))
    }

    /// Whether requests to a path are forwarded as they come.
    pub fn forwards(&self, path: &str) -> bool {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.forward.iter().any(|own| path.strip_prefix(own.as_str()).is_some_and(is_below))
    }

    /// Where responses of a model are generated; `dialect_path` is the dialect's own path.
    pub fn generate_url(&self, dialect_path: &str, model: &str) -> String {
        if self.generate.is_empty() {
            return self.url(dialect_path);
        }
        let model = utf8_percent_encode(model, ESCAPED).to_string();
        self.url(&self.generate.replace("{model}", &model))
    }
}
