//! Auxiliary routes: model list, one model, token counts and embeddings in Gemini's format, and the API's headers.
//!
//! <https://ai.google.dev/api/models>, <https://ai.google.dev/api/tokens>, <https://ai.google.dev/api/embeddings>

use super::super::auxiliary::{
    ANY_METHOD, AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, DialectHeaders, GET_AND_HEAD, ModelApi,
    ModelListApi, PostRequest, ResetForm, TokenCountApi,
};
use super::super::url::{percent_decode, query_param, split_query};
use super::embeddings::GeminiEmbeddings;
use super::request_path::bare;
use super::{camelized, read, shape};
use crate::canonical::{Diagnostics, ListedModel, ModelKind};
use crate::error::ClientError;
use crate::json::{Object, encode_string, reported_count};

pub(super) static ROUTES: [AuxiliaryRoute; 9] = [
    route("POST", "/models/{model}:countTokens", AuxiliaryKind::TokenCount(&TokenCount)),
    route(
        "POST",
        "/models/{model}:batchEmbedContents",
        AuxiliaryKind::Embeddings(&GeminiEmbeddings::BatchEmbedContents),
    ),
    route("POST", "/models/{model}:embedContent", AuxiliaryKind::Embeddings(&GeminiEmbeddings::EmbedContent)),
    route(GET_AND_HEAD, "/models", AuxiliaryKind::ModelList(&ModelList)),
    route(GET_AND_HEAD, "/models/{model}", AuxiliaryKind::Model(&Model)),
    if_served(&["/v1beta", "/upload/v1beta"], "/files{/rest}", "files"),
    if_served(&["/v1beta"], "/cachedContents{/rest}", "cached contents"),
    if_served(&["/v1beta"], "/batches{/rest}", "batches"),
    if_served(&["/v1beta"], "/models/{model}:batchGenerateContent", "batches"),
];

const fn if_served(
    prefixes: &'static [&'static str],
    path: &'static str,
    what: &'static str,
) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes, path, methods: ANY_METHOD, kind: AuxiliaryKind::ForwardIfServed(what) }
}

const fn route(methods: &'static str, path: &'static str, kind: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/v1beta", "/v1"], path, methods, kind }
}

pub(super) static HEADERS: DialectHeaders = DialectHeaders {
    identifying: &["x-goog-api-key", "x-goog-api-client"],
    feature_headers: &[],
    api_version: None,
    key_parameter: Some("key"),
    request_id: None,
    rate_limit_prefix: "x-ratelimit-",
    common_rate_limits: &[],
    rate_limit_resets: &[],
    rate_limit_reset_form: ResetForm::Duration,
};

/// `POST …/models/{model}:countTokens`
#[derive(Debug)]
struct TokenCount;

impl TokenCountApi for TokenCount {
    /// The request for generation may be nested as `generateContentRequest`.
    fn generation_request(&self, request: &AuxiliaryRequest<'_>) -> Result<PostRequest, ClientError> {
        let (resource, _) = request.path.rsplit_once(':').unwrap_or((request.path, ""));
        let text = std::str::from_utf8(request.body).unwrap_or_default();
        let mut nested = None;
        if let Ok(body) = Object::parse(text.as_bytes()) {
            shape::COUNT.check(&body, &mut Diagnostics::default())?;
            nested = camelized(body).non_null("generateContentRequest").map(str::to_owned);
        }
        let body = nested.map_or_else(|| request.body.to_vec(), String::into_bytes);
        Ok(PostRequest::new(format!("{resource}:generateContent"), body))
    }

    fn encode_request(&self, path: &str, body: &[u8]) -> Option<PostRequest> {
        let (path, query) = split_query(path);
        let resource = path.strip_suffix(":generateContent")?;
        let mut nested = Object::parse(body).ok()?;
        nested.set_first("model", encode_string(&percent_decode(resource.trim_start_matches('/'))));
        let body = format!(r#"{{"generateContentRequest":{}}}"#, nested.to_json());
        Some(PostRequest::new(format!("{resource}:countTokens{query}"), body))
    }

    fn decode_response(&self, body: &[u8]) -> Option<u64> {
        read(std::str::from_utf8(body).ok()?)?.get("totalTokens").and_then(reported_count)
    }

    fn encode_response(&self, tokens: u64) -> String {
        format!(r#"{{"totalTokens":{tokens}}}"#)
    }
}

/// `GET …/models`
#[derive(Debug)]
struct ModelList;

impl ModelListApi for ModelList {
    /// Without `pageSize` all models are one page. A page token is the index of the page's first model.
    fn encode_list(&self, models: &[ListedModel], query: &str) -> Result<String, ClientError> {
        let number = |key: &str| match query_param(query, key) {
            None => Ok(0),
            Some(number) => {
                number.parse().map_err(|_| ClientError::invalid(format!("`{key}` is not valid.")).at(key))
            }
        };
        let start: usize = number("pageToken")?;
        let size = match number("pageSize")? {
            0 => models.len(),
            size => size,
        };
        let candidates = models.get(start..).unwrap_or_default();
        let page = candidates.get(..size.min(candidates.len())).unwrap_or_default();
        let items: Vec<_> = page.iter().map(encode_model).collect();
        let mut out = Object::new();
        out.set("models", format!("[{}]", items.join(",")));
        if candidates.len() > page.len() {
            out.set("nextPageToken", encode_string(&(start + page.len()).to_string()));
        }
        Ok(out.to_json())
    }
}

/// `GET …/models/{model}`
#[derive(Debug)]
struct Model;

impl ModelApi for Model {
    fn requested_ids(&self, request: &AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError> {
        Ok(vec![request.name.to_owned(), bare(request.name).to_owned()])
    }

    fn encode_model(&self, model: &ListedModel) -> String {
        encode_model(model)
    }
}

/// The fields of a model that only Google's own list has.
const NATIVE_FIELDS: [&str; 11] = [
    "baseModelId",
    "version",
    "description",
    "inputTokenLimit",
    "outputTokenLimit",
    "supportedGenerationMethods",
    "thinking",
    "temperature",
    "maxTemperature",
    "topP",
    "topK",
];

/// Encodes one model: the fields of Google's own list, or what follows from those of another one.
fn encode_model(listed: &ListedModel) -> String {
    let fields = listed.fields();
    let name = ["displayName", "display_name"].iter().find_map(|key| fields.str(key));
    let mut item = Object::new();
    item.set("name", encode_string(&format!("models/{}", listed.id)));
    item.set(
        "displayName",
        encode_string(name.filter(|name| !name.is_empty()).as_deref().unwrap_or(&listed.id)),
    );
    let is_native = fields.get("supportedGenerationMethods").is_some();
    for key in NATIVE_FIELDS {
        if let Some(value) = fields.non_null(key).filter(|_| is_native) {
            item.set(key, value.to_owned());
        }
    }
    if !is_native {
        if let Some(length) = listed.context_length() {
            item.set("inputTokenLimit", length.to_string());
        }
        if let Some(limit) = listed.max_output_tokens() {
            item.set("outputTokenLimit", limit.to_string());
        }
        let found = listed.capabilities();
        item.set("supportedGenerationMethods", methods(found.kind));
        if let Some(thinking) = found.thinking.filter(|_| found.kind == ModelKind::Chat) {
            item.set("thinking", thinking.to_string());
        }
    }
    item.to_json()
}

/// The methods of a model's kind that are served here.
fn methods(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Chat => r#"["generateContent","streamGenerateContent","countTokens"]"#,
        ModelKind::Embedding => r#"["embedContent","batchEmbedContents"]"#,
        _ => "[]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_tokens_lead_to_the_next_page() {
        let models = ["a", "b", "c"].map(|id| ListedModel::new(id, "me"));
        let page = |query: &str| {
            serde_json::from_str::<serde_json::Value>(&ModelList.encode_list(&models, query).unwrap())
        };
        let first = page("pageSize=2").unwrap();
        assert_eq!((first["models"].as_array().unwrap().len(), &first["nextPageToken"]), (2, &"2".into()));
        let second = page("pageSize=2&pageToken=2").unwrap();
        assert_eq!(second["models"][0]["name"], "models/c");
        assert!(second["nextPageToken"].is_null() && page("").unwrap()["models"][2].is_object());
        assert!(ModelList.encode_list(&models, "pageToken=x").is_err());
    }

    #[test]
    fn a_request_for_a_count_nests_the_request_for_generation() {
        let request =
            TokenCount.encode_request("/models/a%3Ab:generateContent?x=1", br#"{"contents":[]}"#).unwrap();
        let expected = r#"{"generateContentRequest":{"model":"models/a:b","contents":[]}}"#;
        assert_eq!(request, PostRequest::new("/models/a%3Ab:countTokens?x=1", expected));
    }
}
