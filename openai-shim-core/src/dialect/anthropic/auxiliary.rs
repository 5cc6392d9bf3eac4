//! Routes beside the messages': models, and the counting of tokens.
//!
//! <https://docs.anthropic.com/en/api/models-list>, <https://docs.anthropic.com/en/api/messages-count-tokens>

use super::super::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, DialectHeaders, GET, ModelApi, TokenCountApi, parameter,
};
use crate::canonical::ListedModel;
use crate::canonical::time::rfc3339;
use crate::error::ClientError;
use crate::json::{Object, encode_string};

/// The route of messages, as its own clients come to it.
pub(super) const MESSAGES: &str = "/v1/messages";

/// What is added to it where tokens are counted.
const COUNT: &str = "/count_tokens";

pub(super) static ROUTES: [AuxiliaryRoute; 3] = [
    at("POST", "/messages/count_tokens", AuxiliaryKind::Count(&COUNTING)),
    at(GET, "/models", AuxiliaryKind::Models(list)),
    at(GET, "/models/{model}", AuxiliaryKind::Model(&MODEL)),
];

const fn at(methods: &'static str, path: &'static str, side: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/v1"], path, methods, side }
}

/// <https://docs.anthropic.com/en/api/rate-limits#response-headers>
pub(super) static HEADERS: DialectHeaders = DialectHeaders {
    marks: &["anthropic-version"],
    feature_headers: &["anthropic-beta"],
    key_parameter: None,
    request_id: Some("request-id"),
    limits: "anthropic-ratelimit-",
    common_limits: &[
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
    ],
};

static COUNTING: TokenCountApi = TokenCountApi {
    counted: |asking: &AuxiliaryRequest<'_>| Ok((MESSAGES.to_owned(), asking.body.to_vec())),
    ask,
    read: |body| Object::parse(body).ok()?.u64("input_tokens"),
    write: |tokens| format!(r#"{{"input_tokens":{tokens}}}"#),
};

/// What an answer is asked with and a count is not.
const OF_ANSWERS: [&str; 10] = [
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

fn ask(path: &str, body: &[u8]) -> Option<(String, String)> {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut body = Object::parse(body).ok()?;
    for key in OF_ANSWERS {
        body.remove(key);
    }
    path.ends_with("/messages").then(|| (format!("{path}{COUNT}{query}"), body.to_json()))
}

static MODEL: ModelApi = ModelApi {
    names: |asking: &AuxiliaryRequest<'_>| Ok(vec![asking.name.to_owned()]),
    write: model,
    unknown: ClientError::unknown_model,
};

/// Pages are as long as the client asks; without a wish there is one, for clients seldom turn it.
fn list(models: &[ListedModel], query: &str) -> Result<String, ClientError> {
    let place = |key: &str| {
        let Some(id) = parameter(query, key) else { return Ok(None) };
        let place = models.iter().position(|model| model.id == id);
        place.map(Some).ok_or_else(|| ClientError::invalid(format!("`{key}` names no model.")).at(key))
    };
    let limit = match parameter(query, "limit") {
        None => models.len(),
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=1000).contains(limit))
            .ok_or_else(|| ClientError::invalid("`limit` must be a number from 1 to 1000.").at("limit"))?,
    };
    let (after, before) = (place("after_id")?, place("before_id")?);
    let rest = match (after, before) {
        (Some(after), _) => models.get(after + 1..),
        (None, Some(before)) => models.get(before.saturating_sub(limit)..before),
        (None, None) => Some(models),
    };
    let rest = rest.unwrap_or_default();
    let page = rest.get(..limit.min(rest.len())).unwrap_or_default();
    let more = match (after, before) {
        (None, Some(before)) => before > limit,
        _ => rest.len() > page.len(),
    };
    let items: Vec<_> = page.iter().map(model).collect();
    let id =
        |model: Option<&ListedModel>| model.map_or_else(|| String::from("null"), |m| encode_string(&m.id));
    Ok(format!(
        r#"{{"data":[{}],"has_more":{more},"first_id":{},"last_id":{}}}"#,
        items.join(","),
        id(page.first()),
        id(page.last())
    ))
}

/// What Anthropic says of a model.
const SAID: [&str; 7] =
    ["capabilities", "deprecated_at", "lifecycle", "line", "max_input_tokens", "max_tokens", "retires_at"];

/// One model: what it says of itself in this dialect, else what can be told from what it says in others.
fn model(listed: &ListedModel) -> String {
    let said = listed.fields();
    let name = ["display_name", "displayName", "name"].iter().find_map(|key| said.str(key));
    let name = name.filter(|name| !name.is_empty());
    let mut item = Object::new();
    item.set("type", "\"model\"");
    item.set("id", encode_string(&listed.id));
    item.set("display_name", encode_string(name.as_deref().unwrap_or(&listed.id)));
    let made = said.str("created_at").filter(|made| made.contains('T'));
    let made = made.map_or_else(|| rfc3339(said.u64("created").unwrap_or(0)), std::borrow::Cow::into_owned);
    item.set("created_at", encode_string(&made));
    // What is listed can be used.
    item.set("lifecycle", "\"active\"");
    if let Some(length) = listed.context_length() {
        item.set("max_input_tokens", length.to_string());
    }
    if said.str("type").as_deref() == Some("model") {
        for key in SAID {
            if let Some(value) = said.get(key) {
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
    fn pages_turn_both_ways() {
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
            let page = list(&models(), query).unwrap();
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
            assert!(list(&models(), query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_count_is_asked_with_what_a_count_depends_on() {
        let body = br#"{"model":"m","max_tokens":9,"stream":true,"system":"s","messages":[],"tools":[]}"#;
        let (path, body) = ask("/messages?beta=true", body).unwrap();
        assert_eq!(path, "/messages/count_tokens?beta=true");
        assert_eq!(body, r#"{"model":"m","system":"s","messages":[],"tools":[]}"#);
    }
}
