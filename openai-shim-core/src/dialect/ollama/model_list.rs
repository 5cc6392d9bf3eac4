//! Models as Ollama's clients read them, from a list of any kind. What the list says in Ollama's own words is kept; nothing
//! is made up but what clients cannot do without.
//!
//! <https://docs.ollama.com/api/tags>, <https://docs.ollama.com/api-reference/show-model-details>,
//! <https://docs.ollama.com/api/ps>

use super::capabilities::capabilities;
use crate::canonical::ListedModel;
use crate::canonical::time::rfc3339;
use crate::error::ClientError;
use crate::json::{Object, ValueKind, encode_string, value_kind};
use std::fmt::Write as _;

/// Where no time is known: the zero of Go's times, which Ollama's own command line shows as "Never".
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A model behind an API is never unloaded.
const FOREVER: &str = "9999-12-31T23:59:59Z";

/// What `GET /api/tags` answers: every model.
#[allow(clippy::unnecessary_wraps)] // the table's form
pub(super) fn tags(models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
    Ok(list(models, |_, model, item| {
        item.set("modified_at", encode_string(&modified(model)));
        item.set("size", number(model, "size"));
    }))
}

/// What `GET /api/ps` answers: every model, for each can answer at once.
#[allow(clippy::unnecessary_wraps)] // the table's form
pub(super) fn ps(models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
    Ok(list(models, |listed, model, item| {
        item.set("size", number(model, "size"));
        item.set("expires_at", encode_string(FOREVER));
        item.set("size_vram", "0");
        if let Some(length) = listed.context_length() {
            item.set("context_length", length.to_string());
        }
    }))
}

fn list(models: &[ListedModel], more: impl Fn(&ListedModel, &Object<'_>, &mut Object<'static>)) -> String {
    let items: Vec<_> = models
        .iter()
        .map(|listed| {
            let model = listed.fields();
            let mut item = Object::new();
            item.set("name", encode_string(&listed.id));
            item.set("model", encode_string(&listed.id));
            more(listed, &model, &mut item);
            let own = model.str("digest").filter(|digest| digest.len() >= 12);
            item.set(
                "digest",
                encode_string(&own.map_or_else(|| digest(&listed.id), std::borrow::Cow::into_owned)),
            );
            item.set("details", details(&model));
            item.to_json()
        })
        .collect();
    format!(r#"{{"models":[{}]}}"#, items.join(","))
}

/// What `POST /api/show` answers.
pub(super) fn show(listed: &ListedModel) -> String {
    let model = listed.fields();
    let family = family(&model);
    let mut info = Object::new();
    info.set("general.architecture", encode_string(&family));
    info.set("general.basename", encode_string(&listed.id));
    if let Some(length) = listed.context_length() {
        info.set(format!("{family}.context_length"), length.to_string());
    }
    let mut answer = Object::new();
    for key in ["license", "modelfile", "parameters", "template"] {
        answer.set(key, "\"\"");
    }
    answer.set("details", details(&model));
    answer.set("model_info", info.to_json());
    let able: Vec<_> = capabilities(&model).into_iter().map(encode_string).collect();
    answer.set("capabilities", format!("[{}]", able.join(",")));
    answer.set("modified_at", encode_string(&modified(&model)));
    answer.to_json()
}

/// The names that a body may mean: `:latest` is what Ollama's clients add to names without a tag.
pub(super) fn names(body: &[u8]) -> Result<Vec<String>, ClientError> {
    let object = Object::parse(body)
        .map_err(|_| ClientError::invalid("The request body must be a JSON object with `model`."))?;
    let name = ["model", "name"].iter().find_map(|key| object.str(key).filter(|name| !name.is_empty()));
    let name = name.ok_or_else(|| ClientError::invalid("`model` is missing.").at("model"))?;
    let bare = name.strip_suffix(":latest").map(str::to_owned);
    Ok(std::iter::once(name.into_owned()).chain(bare).collect())
}

fn number(model: &Object<'_>, key: &str) -> String {
    model.u64(key).unwrap_or(0).to_string()
}

fn modified(model: &Object<'_>) -> String {
    if let Some(own) = model.str("modified_at").filter(|own| own.contains('T')) {
        return own.into_owned();
    }
    model.u64("created").filter(|created| *created > 0).map_or_else(|| String::from(NEVER), rfc3339)
}

/// A name for the model in 64 digits, as long as a checksum is, because clients cut it; it is none.
fn digest(id: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut step = |byte: u8| {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        hash
    };
    let mut out = String::new();
    for part in 0..4 {
        step(part);
        let last = id.bytes().fold(0, |_, byte| step(byte));
        // Writing into memory cannot fail.
        let _ = write!(out, "{:016x}", last ^ (last >> 29));
    }
    out
}

fn details(model: &Object<'_>) -> String {
    if let Some(own) = model.get("details").filter(|own| value_kind(own) == ValueKind::Object) {
        return own.to_owned();
    }
    let family = encode_string(&family(model));
    let quantization = encode_string(&model.str("quantization").unwrap_or_default());
    format!(
        r#"{{"parent_model":"","format":"","family":{family},"families":[{family}],"parameter_size":"","quantization_level":{quantization}}}"#
    )
}

/// The model's architecture where it is said, else whose model it is.
fn family(model: &Object<'_>) -> String {
    let own = model.object("details").unwrap_or_default();
    let said = own.str("family").filter(|word| !word.is_empty()).map(std::borrow::Cow::into_owned);
    let said = said.or_else(|| {
        let word = ["arch", "owned_by"].iter().find_map(|key| model.str(key).filter(|word| !word.is_empty()));
        word.map(std::borrow::Cow::into_owned)
    });
    said.unwrap_or_else(|| String::from("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_in_ollamas_own_words_is_kept() {
        let list = br#"{"models":[{"name":"a:1b","model":"a:1b","modified_at":"2025-05-04T17:37:44.706015396-07:00","size":3338801804,"digest":"a2af6cc3eb7f","details":{"family":"gemma3","parameter_size":"4.3B"}}]}"#;
        let models = crate::canonical::parse_models(list, "me").unwrap();
        let tags = tags(&models, "").unwrap();
        for kept in ["44.706015396-07:00", ":3338801804,", "\"a2af6cc3eb7f\"", "\"4.3B\""] {
            assert!(tags.contains(kept), "{tags}");
        }
        assert!(show(&models[0]).contains(r#""general.architecture":"gemma3""#));
    }

    #[test]
    fn of_other_models_only_what_clients_need_is_said() {
        let tags = tags(&[ListedModel::new("m", "me")], "").unwrap();
        let start = r#"{"models":[{"name":"m","model":"m","modified_at":"0001-01-01T00:00:00Z","size":0,"#;
        assert!(tags.starts_with(start), "{tags}");
    }

    #[test]
    fn a_model_is_named_by_either_member_with_and_without_its_tag() {
        assert_eq!(names(br#"{"model":"a:latest"}"#).unwrap(), ["a:latest", "a"]);
        assert_eq!(names(br#"{"name":"b"}"#).unwrap(), ["b"]);
        assert!(names(b"{}").is_err() && names(b"x").is_err());
    }

    #[test]
    fn a_digest_is_long_and_its_models_own() {
        let (a, b) = (digest("a"), digest("b"));
        assert_eq!((a.len(), b.len()), (64, 64));
        assert!(a != b && a[..12] != b[..12] && a == digest("a"));
    }
}
