//! Auxiliary routes of Ollama's API: version, models, embeddings, and the operations on models that are not supported.
//!
//! <https://docs.ollama.com/api>

use super::super::auxiliary::{AuxiliaryKind, AuxiliaryRoute, GET_AND_HEAD};
use super::OllamaApi;
use super::embeddings::OllamaEmbeddings;
use super::model_list::{Model, RunningModelList, TagList};
use crate::canonical::time::rfc3339;
use crate::json::{Object, decode_string, encode_string};

/// A version from which on every feature that clients may use exists.
const VERSION: &str = r#"{"version":"0.13.0"}"#;

pub(super) static ROUTES: [AuxiliaryRoute; 13] = [
    AuxiliaryRoute {
        prefixes: &[""],
        path: "/",
        methods: GET_AND_HEAD,
        kind: AuxiliaryKind::Greeting("Ollama is running"),
    },
    route(GET_AND_HEAD, "/version", AuxiliaryKind::Constant(VERSION)),
    route(GET_AND_HEAD, "/tags", AuxiliaryKind::ModelList(&TagList)),
    route(GET_AND_HEAD, "/ps", AuxiliaryKind::ModelList(&RunningModelList)),
    route("POST", "/show", AuxiliaryKind::Model(&Model)),
    route("POST", "/embed", AuxiliaryKind::Embeddings(&OllamaEmbeddings::Embed)),
    route("POST", "/embeddings", AuxiliaryKind::Embeddings(&OllamaEmbeddings::Embeddings)),
    route(
        "POST",
        "/pull",
        AuxiliaryKind::Unsupported(
            "pull is not possible here: the models are another service's, and stay there",
        ),
    ),
    route(
        "POST",
        "/create",
        AuxiliaryKind::Unsupported(
            "create is not possible here: the models are another service's, and stay there",
        ),
    ),
    route(
        "DELETE, POST",
        "/delete",
        AuxiliaryKind::Unsupported(
            "delete is not possible here: the models are another service's, and stay there",
        ),
    ),
    route(
        "POST",
        "/copy",
        AuxiliaryKind::Unsupported(
            "copy is not possible here: the models are another service's, and stay there",
        ),
    ),
    route(
        "POST",
        "/push",
        AuxiliaryKind::Unsupported(
            "push is not possible here: the models are another service's, and stay there",
        ),
    ),
    route(
        "HEAD, POST",
        "/blobs/{digest}",
        AuxiliaryKind::Unsupported(
            "create is not possible here: the models are another service's, and stay there",
        ),
    ),
];

const fn route(methods: &'static str, path: &'static str, kind: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/api"], path, methods, kind }
}

/// Encodes the response to a request without a prompt, which only loads the model, or with `keep_alive` 0 unloads it. `None`
/// for every other request.
pub(super) fn load_response(api: OllamaApi, body: &[u8], created: u64) -> Option<String> {
    let object = Object::parse(body).ok()?;
    let model = object.str("model").filter(|model| !model.is_empty())?;
    let has_content = |key: &str| object.non_null(key).is_some_and(|v| !matches!(v.trim(), "\"\"" | "[]"));
    let (has_prompt, key, empty) = match api {
        OllamaApi::Chat => (has_content("messages"), "message", r#"{"role":"assistant","content":""}"#),
        OllamaApi::Generate => (has_content("prompt") || has_content("images"), "response", "\"\""),
    };
    if has_prompt {
        return None;
    }
    let keep_alive = object.non_null("keep_alive");
    let keep_alive = keep_alive.map(|value| decode_string(value).unwrap_or_else(|| value.trim().into()));
    let unloads =
        keep_alive.is_some_and(|value| value.trim_end_matches(char::is_alphabetic).parse() == Ok(0.0));
    let mut response = Object::new();
    response.set("model", encode_string(&model));
    response.set("created_at", encode_string(&rfc3339(created)));
    response.set(key, empty);
    response.set("done", "true");
    response.set("done_reason", if unloads { "\"unload\"" } else { "\"load\"" });
    Some(response.to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_prompt_loads_or_unloads() {
        let reason = |body: &str, api| load_response(api, body.as_bytes(), 0).map(|a| a.contains("unload"));
        assert_eq!(reason(r#"{"model":"m"}"#, OllamaApi::Chat), Some(false));
        assert_eq!(reason(r#"{"model":"m","messages":[],"keep_alive":"0s"}"#, OllamaApi::Chat), Some(true));
        assert_eq!(reason(r#"{"model":"m","messages":[{}]}"#, OllamaApi::Chat), None);
        assert_eq!(
            reason(r#"{"model":"m","prompt":"","keep_alive":"5m"}"#, OllamaApi::Generate),
            Some(false)
        );
        assert_eq!(reason(r#"{"model":"m","images":["x"]}"#, OllamaApi::Generate), None);
        assert_eq!(reason("{}", OllamaApi::Generate), None);
        assert_eq!(
            load_response(OllamaApi::Generate, br#"{"model":"m","keep_alive":0}"#, 0).unwrap(),
            r#"{"model":"m","created_at":"1970-01-01T00:00:00Z","response":"","done":true,"done_reason":"unload"}"#
        );
    }
}
