//! The route table: from method, path and headers to a dialect's endpoint, an auxiliary route or a page.

use crate::observe::access_log::PAGE_LABEL;
use http::{HeaderMap, Method};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, AuxiliaryRoute, GET_AND_HEAD};
use openai_shim_core::dialect::route_lookup;

/// Paths that this server answers itself: the front page, health, metrics, adaptations.
pub(crate) const PAGES: [&str; 5] = ["/", "/healthz", "/readyz", "/metrics", "/learned"];

/// The label of forwarded routes in logs and metrics.
pub(crate) const FORWARD_LABEL: &str = "forward";

/// What a path stands for.
#[derive(Clone, Copy)]
pub(crate) enum MatchedRoute {
    /// An endpoint that generates: chats, responses, completions. `methods`: those that it accepts.
    Generate { dialect: Dialect, methods: &'static str },
    /// A model list, a token count, embeddings, …
    Auxiliary { dialect: Dialect, route: &'static AuxiliaryRoute },
    /// One of [`PAGES`].
    Page(&'static str),
}

impl MatchedRoute {
    /// The route's label in logs and metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Generate { dialect, .. } => dialect.name(),
            Self::Auxiliary { route, .. } => auxiliary_label(route),
            Self::Page(_) => PAGE_LABEL,
        }
    }

    /// The methods that the route accepts, as in the `Allow` header.
    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Generate { methods, .. } => methods,
            Self::Auxiliary { route, .. } => route.methods,
            Self::Page(_) => GET_AND_HEAD,
        }
    }
}

/// The label of an auxiliary route in logs and metrics.
pub(crate) fn auxiliary_label(route: &'static AuxiliaryRoute) -> &'static str {
    match route.kind {
        AuxiliaryKind::ModelList(_) | AuxiliaryKind::Model(_) => "models",
        AuxiliaryKind::TokenCount(_) => "count",
        AuxiliaryKind::StoredResponse(..) => "kept",
        AuxiliaryKind::Embeddings(_)
        | AuxiliaryKind::Rerank
        | AuxiliaryKind::Media(_)
        | AuxiliaryKind::Forward
        | AuxiliaryKind::ForwardIfServed(_)
        | AuxiliaryKind::ForwardChecked(_) => FORWARD_LABEL,
        _ => route.path,
    }
}

/// Finds the route of a path: generating endpoints first, then pages, then auxiliary routes.
pub(crate) fn find_route(method: &Method, path: &str, headers: &HeaderMap) -> Option<MatchedRoute> {
    if let Some((dialect, endpoint)) = route_lookup::generation_route(path) {
        return Some(MatchedRoute::Generate { dialect, methods: endpoint.method });
    }
    if let Some(page) = PAGES.iter().find(|page| **page == path) {
        return Some(MatchedRoute::Page(page));
    }
    let (dialect, route) = route_lookup::auxiliary_route(method.as_str(), path, headers)?;
    Some(MatchedRoute::Auxiliary { dialect, route })
}

/// Beginnings of paths that some clients use for `/v1`: Google's layer for OpenAI's clients, LM Studio's API, a base URL with `/v1` for
/// a client that adds it, and a base URL without it.
const OTHER_BEGINNINGS: [&str; 4] = ["/v1beta/openai", "/api/v0", "/v1/v1", ""];

/// The route of a path that has none itself under its usual path; returns that path.
pub(crate) fn find_usual_route(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<(String, MatchedRoute)> {
    OTHER_BEGINNINGS.iter().find_map(|beginning| {
        let rest = path.strip_prefix(beginning).filter(|rest| rest.starts_with('/'))?;
        let usual = format!("/v1{rest}");
        let route = find_route(method, &usual, headers)?;
        Some((usual, route))
    })
}

/// Joins repeated slashes and removes the one at the end.
pub(crate) fn normalize_path(path: &str) -> String {
    let mut normalized = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        normalized.push('/');
        normalized.push_str(segment);
    }
    if normalized.is_empty() { String::from("/") } else { normalized }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn repeated_and_trailing_slashes_of_a_path_are_removed() {
        assert_eq!(normalize_path("/v1//models/"), "/v1/models");
        assert_eq!(normalize_path("//"), "/");
    }

    fn found(method: Method, path: &str) -> Option<(&'static str, &'static str, String)> {
        match find_route(&method, path, &HeaderMap::new())? {
            MatchedRoute::Auxiliary { dialect, route } => {
                Some((dialect.name(), route.path, route.matches(path)?.1))
            }
            _ => None,
        }
    }

    #[test]
    fn model_id_with_slashes_or_escapes_matches_the_model_route() {
        for path in ["/v1/models/org/name:free", "/v1/models/org%2Fname%3Afree"] {
            let id = String::from("org/name:free");
            assert_eq!(found(Method::GET, path), Some(("openai-chat", "/models/{model}", id)), "{path}");
        }
    }

    #[test]
    fn name_that_climbs_out_of_its_path_matches_no_route() {
        for path in [
            "/v1/audio/../models",
            "/v1/audio/%2e%2e/models",
            "/v1/audio/x%2f..%2fmodels",
            "/v1/responses/..",
            "/v1beta/models/%2e%2e:countTokens",
            "/v1beta/models/a%5c..%5cb:embedContent",
        ] {
            assert_eq!(found(Method::POST, path), None, "{path}");
        }
        assert!(found(Method::POST, "/v1/audio/speech").is_some());
    }

    #[test]
    fn path_with_several_routes_matches_the_most_specific_one_with_the_method() {
        let route = |method, path| found(method, path).map(|(dialect, route, _)| (dialect, route));
        for (method, path, expected) in [
            (Method::POST, "/v1/models/m:countTokens", ("gemini", "/models/{model}:countTokens")),
            (Method::POST, "/v1/responses/input_tokens", ("openai-responses", "/responses/input_tokens")),
            (Method::GET, "/v1/responses/r", ("openai-responses", "/responses/{id}")),
            (Method::GET, "/v1/responses/r/input_items", ("openai-responses", "/responses/{id}/input_items")),
            (Method::POST, "/v1/responses/compact", ("openai-responses", "/responses/{rest}")),
            (Method::DELETE, "/v1beta/models/m", ("gemini", "/models/{model}")),
        ] {
            assert_eq!(route(method, path), Some(expected), "{path}");
        }
    }

    #[test]
    fn unknown_path_gets_the_dialect_whose_paths_begin_like_it() {
        let mut anthropic = HeaderMap::new();
        anthropic.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        for (path, without_header, with_header) in [
            ("/v1/messages/batches", "anthropic-messages", "anthropic-messages"),
            ("/v1/nowhere", "openai-chat", "anthropic-messages"),
            ("/nowhere", "openai-chat", "anthropic-messages"),
            ("/api/nowhere", "ollama-chat", "ollama-chat"),
            ("/api/openai/v1/nowhere", "openai-chat", "openai-chat"),
            ("/v1beta/nowhere", "gemini", "gemini"),
            ("/v1beta", "gemini", "gemini"),
        ] {
            let name = |headers: &HeaderMap| route_lookup::closest_dialect(path, headers).map(Dialect::name);
            assert_eq!(
                (name(&HeaderMap::new()), name(&anthropic)),
                (Some(without_header), Some(with_header)),
                "{path}"
            );
        }
    }
}
