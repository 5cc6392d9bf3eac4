//! The rest of Ollama's API: what is there, what it can do, vectors, and why models are not fetched or deleted here.
//!
//! <https://docs.ollama.com/api>

use super::super::auxiliary::{AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, GET, ModelApi};
use super::OllamaApi;
use super::embeddings::{EMBED, EMBEDDINGS};
use super::model_list::{names, ps, show, tags};
use crate::canonical::time::rfc3339;
use crate::error::{ClientError, ErrorKind, short_name};
use crate::json::{Object, decode_string, encode_string};

/// Clients are told a version from which on all that they may ask for exists.
const VERSION: &str = r#"{"version":"0.13.0"}"#;

pub(super) static ROUTES: [AuxiliaryRoute; 13] = [
    AuxiliaryRoute {
        prefixes: &[""],
        path: "/",
        methods: GET,
        side: AuxiliaryKind::Greeting("Ollama is running"),
    },
    at(GET, "/version", AuxiliaryKind::Fixed(VERSION)),
    at(GET, "/tags", AuxiliaryKind::Models(tags)),
    at(GET, "/ps", AuxiliaryKind::Models(ps)),
    at("POST", "/show", AuxiliaryKind::Model(&MODEL)),
    at("POST", "/embed", AuxiliaryKind::Embed(&EMBED)),
    at("POST", "/embeddings", AuxiliaryKind::Embed(&EMBEDDINGS)),
    at(
        "POST",
        "/pull",
        AuxiliaryKind::Refused("pull is not possible here: the models are another service's, and stay there"),
    ),
    at(
        "POST",
        "/create",
        AuxiliaryKind::Refused(
            "create is not possible here: the models are another service's, and stay there",
        ),
    ),
    at(
        "DELETE, POST",
        "/delete",
        AuxiliaryKind::Refused(
            "delete is not possible here: the models are another service's, and stay there",
        ),
    ),
    at(
        "POST",
        "/copy",
        AuxiliaryKind::Refused("copy is not possible here: the models are another service's, and stay there"),
    ),
    at(
        "POST",
        "/push",
        AuxiliaryKind::Refused("push is not possible here: the models are another service's, and stay there"),
    ),
    at(
        "HEAD, POST",
        "/blobs/{digest}",
        AuxiliaryKind::Refused(
            "create is not possible here: the models are another service's, and stay there",
        ),
    ),
];

const fn at(methods: &'static str, path: &'static str, side: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/api"], path, methods, side }
}

static MODEL: ModelApi = ModelApi {
    names: |asking: &AuxiliaryRequest<'_>| names(asking.body),
    write: show,
    // Ollama's own words: clients look for them.
    unknown: |name| {
        ClientError::new(ErrorKind::NotFound, format!("model '{}' not found", short_name(name))).at("model")
    },
};

/// What a request that asks nothing is answered: it only loads the model, or with `keep_alive` 0 unloads it. `None` for
/// any other request.
pub(super) fn loaded(form: OllamaApi, body: &[u8], created: u64) -> Option<String> {
    let object = Object::parse(body).ok()?;
    let model = object.str("model").filter(|model| !model.is_empty())?;
    let asks = |key: &str| object.non_null(key).is_some_and(|v| !matches!(v.trim(), "\"\"" | "[]"));
    let (spec, key, empty) = match form {
        OllamaApi::Chat => (asks("messages"), "message", r#"{"role":"assistant","content":""}"#),
        OllamaApi::Generate => (asks("prompt") || asks("images"), "response", "\"\""),
    };
    if spec {
        return None;
    }
    let keep =
        object.non_null("keep_alive").map(|keep| decode_string(keep).unwrap_or_else(|| keep.trim().into()));
    let off = keep.is_some_and(|keep| keep.trim_end_matches(char::is_alphabetic).parse() == Ok(0.0));
    let mut answer = Object::new();
    answer.set("model", encode_string(&model));
    answer.set("created_at", encode_string(&rfc3339(created)));
    answer.set(key, empty);
    answer.set("done", "true");
    answer.set("done_reason", if off { "\"unload\"" } else { "\"load\"" });
    Some(answer.to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loading_and_unloading_ask_nothing() {
        let reason = |body: &str, form| loaded(form, body.as_bytes(), 0).map(|a| a.contains("unload"));
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
            loaded(OllamaApi::Generate, br#"{"model":"m","keep_alive":0}"#, 0).unwrap(),
            r#"{"model":"m","created_at":"1970-01-01T00:00:00Z","response":"","done":true,"done_reason":"unload"}"#
        );
    }
}
