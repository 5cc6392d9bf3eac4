//! Names that the semantic conventions have for what is configured here: operations, providers, routes, errors.

use crate::config::{UpstreamConfig, UpstreamLocation};
use openai_shim_core::UpstreamError;
use opentelemetry::KeyValue;
use std::borrow::Cow;
use std::sync::Arc;

/// What spans and metrics say of an upstream.
#[derive(Debug)]
pub(crate) struct UpstreamAttributes {
    pub(super) name: Arc<str>,
    /// The provider and, if the upstream is not inside this process, the server's address and port.
    pub(super) attributes: Vec<KeyValue>,
}

impl UpstreamAttributes {
    pub(crate) fn new(upstream: &UpstreamConfig) -> Self {
        let mut attributes = vec![KeyValue::new("gen_ai.provider.name", provider(&upstream.profile.name))];
        attributes.extend(server_of(upstream));
        Self { name: upstream.name.as_str().into(), attributes }
    }

    /// The server's address and port.
    pub(super) fn server(&self) -> &[KeyValue] {
        self.attributes.get(1..).unwrap_or_default()
    }
}

fn server_of(upstream: &UpstreamConfig) -> Vec<KeyValue> {
    let UpstreamLocation::Http(base) = &upstream.target else { return Vec::new() };
    let Ok(url) = url::Url::parse(base) else { return Vec::new() };
    let address = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let mut attributes = vec![KeyValue::new("server.address", Arc::<str>::from(address))];
    attributes.extend(url.port_or_known_default().map(|port| KeyValue::new("server.port", i64::from(port))));
    attributes
}

/// Well-known values of `gen_ai.provider.name`, by the beginning of a profile's name.
const PROVIDERS: [(&str, &str); 14] = [
    ("anthropic", "anthropic"),
    ("azure", "azure.ai.openai"),
    ("bedrock", "aws.bedrock"),
    ("cohere", "cohere"),
    ("deepseek", "deepseek"),
    ("gemini", "gcp.gemini"),
    ("groq", "groq"),
    ("mistral", "mistral_ai"),
    ("moonshot", "moonshot_ai"),
    ("openai", "openai"),
    ("perplexity", "perplexity"),
    ("vertex", "gcp.vertex_ai"),
    ("watsonx", "ibm.watsonx.ai"),
    ("xai", "x_ai"),
];

/// The provider's name; for one that the conventions do not know, the profile's.
fn provider(profile: &str) -> Arc<str> {
    let known = PROVIDERS.iter().find(|(beginning, _)| profile.split('-').next() == Some(beginning));
    known.map_or(profile, |(_, provider)| provider).into()
}

/// The operation of a route: that of a client's dialect, or of a path that is translated as well. The conventions know the
/// first four; custom values are allowed.
pub(super) fn operation(route: &str, path: &str) -> &'static str {
    const PATHS: [&str; 7] =
        ["edits", "generations", "rerank", "speech", "transcriptions", "translations", "variations"];
    match route {
        "openai-completions" | "ollama-generate" => "text_completion",
        "gemini" => "generate_content",
        dialect if openai_shim_core::dialect(dialect).is_ok() => "chat",
        _ if path.contains("embed") || path.contains("Embed") => "embeddings",
        _ => PATHS.into_iter().find(|end| path.ends_with(end)).unwrap_or("_OTHER"),
    }
}

/// A generation's path without what differs between requests: models in it.
pub(super) fn route(path: &str) -> Cow<'_, str> {
    match path.split_once("/models/") {
        Some((before, after)) => {
            let method = after.rsplit_once(':').map(|(_, method)| format!(":{method}")).unwrap_or_default();
            format!("{before}/models/{{model}}{method}").into()
        }
        None => path.into(),
    }
}

/// The method, if it is one that the conventions know.
pub(super) fn method(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

/// Why an attempt was not the answer: a status, or what went wrong.
pub(super) fn upstream_error(error: &UpstreamError) -> Cow<'static, str> {
    match error {
        UpstreamError::Status(status) => status.status.to_string().into(),
        UpstreamError::Malformed { .. } => "malformed".into(),
        UpstreamError::Empty => "empty".into(),
        UpstreamError::Failed { .. } => "failed".into(),
        UpstreamError::Truncated => "truncated".into(),
        UpstreamError::Transport { .. } => "transport".into(),
        UpstreamError::Timeout { .. } => "timeout".into(),
        UpstreamError::TooLarge { .. } => "too-large".into(),
        _ => "_OTHER".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_has_the_name_of_the_conventions_or_that_of_its_profile() {
        let names = ["openai-responses", "mistral", "vertex-openai", "vllm", "openrouter"].map(provider);
        assert_eq!(
            names.each_ref().map(|name| &**name),
            ["openai", "mistral_ai", "gcp.vertex_ai", "vllm", "openrouter"]
        );
    }

    #[test]
    fn operation_is_told_from_route_and_path() {
        assert_eq!(operation("anthropic-messages", "/v1/messages"), "chat");
        for path in ["/v1/embeddings", "/api/embed", "/v1beta/models/m:batchEmbedContents"] {
            assert_eq!(operation("forward", path), "embeddings");
        }
        assert_eq!(operation("forward", "/v2/rerank"), "rerank");
    }

    #[test]
    fn route_has_no_model() {
        assert_eq!(
            route("/v1beta/models/a/b:streamGenerateContent"),
            "/v1beta/models/{model}:streamGenerateContent"
        );
        assert_eq!(route("/v1/chat/completions"), "/v1/chat/completions");
    }
}
