//! Auxiliary routes: model list, one model and token counts in Anthropic's format, and the API's headers.
//!
//! <https://docs.anthropic.com/en/api/models-list>, <https://docs.anthropic.com/en/api/messages-count-tokens>

use super::super::auxiliary::{
    ANY_METHOD, AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, DialectHeaders, GET_AND_HEAD, ModelApi,
    ModelListApi, PostRequest, ResetForm, TokenCountApi,
};
use super::super::url::{query_param, split_query};
use crate::canonical::ListedModel;
use crate::canonical::time::rfc3339;
use crate::error::ClientError;
use crate::json::{Object, encode_string, reported_count};

/// The route for generation.
pub(super) const MESSAGES: &str = "/v1/messages";

/// The suffix that turns the route for generation into that for token counts.
const COUNT_SUFFIX: &str = "/count_tokens";

pub(super) static ROUTES: [AuxiliaryRoute; 5] = [
    route("POST", "/messages/count_tokens", AuxiliaryKind::TokenCount(&TokenCount)),
    route(GET_AND_HEAD, "/models", AuxiliaryKind::ModelList(&ModelList)),
    route(GET_AND_HEAD, "/models/{model}", AuxiliaryKind::Model(&Model)),
    route(ANY_METHOD, "/messages/batches{/rest}", AuxiliaryKind::ForwardIfServed("batches")),
    route(ANY_METHOD, "/files{/rest}", AuxiliaryKind::ForwardIfServed("files")),
];

const fn route(methods: &'static str, path: &'static str, kind: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/v1"], path, methods, kind }
}

/// <https://docs.anthropic.com/en/api/rate-limits#response-headers>
pub(super) static HEADERS: DialectHeaders = DialectHeaders {
    identifying: &["anthropic-version"],
    feature_headers: &["anthropic-beta"],
    api_version: Some("anthropic-version"),
    key_parameter: None,
    request_id: Some("request-id"),
    rate_limit_prefix: "anthropic-ratelimit-",
    common_rate_limits: &[
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
    ],
    rate_limit_resets: &["anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset"],
    rate_limit_reset_form: ResetForm::Time,
};

/// `POST /v1/messages/count_tokens`
#[derive(Debug)]
struct TokenCount;

/// The parameters of a request for generation that a request for a count does not have.
const GENERATION_PARAMS: [&str; 10] = [
    "max_tokens",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
    "service_tier",
    "container",
    "inference_geo",
];

impl TokenCountApi for TokenCount {
    fn generation_request(&self, request: &AuxiliaryRequest<'_>) -> Result<PostRequest, ClientError> {
        Ok(PostRequest::new(MESSAGES, request.body))
    }

    fn encode_request(&self, path: &str, body: &[u8]) -> Option<PostRequest> {
        let (path, query) = split_query(path);
        let mut body = Object::parse(body).ok()?;
        for key in GENERATION_PARAMS {
            body.remove(key);
        }
        path.ends_with("/messages")
            .then(|| PostRequest::new(format!("{path}{COUNT_SUFFIX}{query}"), body.to_json()))
    }

    fn decode_response(&self, body: &[u8]) -> Option<u64> {
        Object::parse(body).ok()?.get("input_tokens").and_then(reported_count)
    }

    fn encode_response(&self, tokens: u64) -> String {
        format!(r#"{{"input_tokens":{tokens}}}"#)
    }
}

/// `GET /v1/models`
#[derive(Debug)]
struct ModelList;

impl ModelListApi for ModelList {
    /// Without `limit` all models are one page: few clients request a second page.
    fn encode_list(&self, models: &[ListedModel], query: &str) -> Result<String, ClientError> {
        let position = |key: &str| {
            let Some(id) = query_param(query, key) else { return Ok(None) };
            let position = models.iter().position(|model| model.id == id);
            position.map(Some).ok_or_else(|| ClientError::invalid(format!("`{key}` names no model.")).at(key))
        };
        let limit = match query_param(query, "limit") {
            None => models.len(),
            Some(limit) => {
                limit.parse().ok().filter(|limit| (1..=1000).contains(limit)).ok_or_else(|| {
                    ClientError::invalid("`limit` must be a number from 1 to 1000.").at("limit")
                })?
            }
        };
        let (after, before) = (position("after_id")?, position("before_id")?);
        let candidates = match (after, before) {
            (Some(after), _) => models.get(after + 1..),
            (None, Some(before)) => models.get(before.saturating_sub(limit)..before),
            (None, None) => Some(models),
        };
        let candidates = candidates.unwrap_or_default();
        let page = candidates.get(..limit.min(candidates.len())).unwrap_or_default();
        let has_more = match (after, before) {
            (None, Some(before)) => before > limit,
            _ => candidates.len() > page.len(),
        };
        let items: Vec<_> = page.iter().map(encode_model).collect();
        let id = |model: Option<&ListedModel>| {
            model.map_or_else(|| String::from("null"), |m| encode_string(&m.id))
        };
        Ok(format!(
            r#"{{"data":[{}],"has_more":{has_more},"first_id":{},"last_id":{}}}"#,
            items.join(","),
            id(page.first()),
            id(page.last())
        ))
    }
}

/// `GET /v1/models/{model}`
#[derive(Debug)]
struct Model;

impl ModelApi for Model {
    fn requested_ids(&self, request: &AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError> {
        Ok(vec![request.name.to_owned()])
    }

    fn encode_model(&self, model: &ListedModel) -> String {
        encode_model(model)
    }
}

/// The fields of a model that only Anthropic's own list has.
const NATIVE_FIELDS: [&str; 7] =
    ["capabilities", "deprecated_at", "lifecycle", "line", "max_input_tokens", "max_tokens", "retires_at"];

/// Encodes one model: the fields of Anthropic's own list, or what follows from those of another one.
fn encode_model(listed: &ListedModel) -> String {
    let fields = listed.fields();
    let name = ["display_name", "displayName", "name"].iter().find_map(|key| fields.str(key));
    let name = name.filter(|name| !name.is_empty());
    let mut item = Object::new();
    item.set("type", "\"model\"");
    item.set("id", encode_string(&listed.id));
    item.set("display_name", encode_string(name.as_deref().unwrap_or(&listed.id)));
    let created = fields.str("created_at").filter(|created| created.contains('T'));
    let created =
        created.map_or_else(|| rfc3339(fields.u64("created").unwrap_or(0)), std::borrow::Cow::into_owned);
    item.set("created_at", encode_string(&created));
    // A listed model can be used.
    item.set("lifecycle", "\"active\"");
    if let Some(length) = listed.context_length() {
        item.set("max_input_tokens", length.to_string());
    }
    if let Some(limit) = listed.max_output_tokens() {
        item.set("max_tokens", limit.to_string());
    }
    if fields.str("type").as_deref() == Some("model") {
        for key in NATIVE_FIELDS {
            if let Some(value) = fields.get(key) {
                item.set(key, value.to_owned());
            }
        }
    }
    item.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Vec<ListedModel> {
        ["a", "b", "c", "d"].map(|id| ListedModel::new(id, "me")).to_vec()
    }

    #[test]
    fn pages_follow_each_other_in_both_directions() {
        for (query, ids, more) in [
            ("", "abcd", false),
            ("limit=2", "ab", true),
            ("limit=2&after_id=b", "cd", false),
            ("limit=1&after_id=b", "c", true),
            ("after_id=d", "", false),
            ("before_id=c&limit=1", "b", true),
            ("before_id=c", "ab", false),
            ("limit=1000&beta=true", "abcd", false),
        ] {
            let page = ModelList.encode_list(&models(), query).unwrap();
            let page = Object::parse(page.as_bytes()).unwrap();
            let found: String = page
                .array("data")
                .unwrap()
                .iter()
                .map(|item| Object::parse(item.as_bytes()).unwrap().str("id").unwrap().into_owned())
                .collect();
            assert_eq!((found.as_str(), page.bool("has_more")), (ids, Some(more)), "{query}");
        }
        for query in ["limit=0", "limit=x", "limit=1001", "after_id=z"] {
            assert!(ModelList.encode_list(&models(), query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_request_for_a_count_has_only_what_tokens_depend_on() {
        let body = br#"{"model":"m","max_tokens":9,"stream":true,"system":"s","messages":[],"tools":[]}"#;
        let request = TokenCount.encode_request("/messages?beta=true", body).unwrap();
        let expected = r#"{"model":"m","system":"s","messages":[],"tools":[]}"#;
        assert_eq!(request, PostRequest::new("/messages/count_tokens?beta=true", expected));
    }
}
