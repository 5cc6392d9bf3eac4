//! Model lists of any dialect, encoded as Ollama's `/api/tags`, `/api/ps` and `/api/show`. Fields of Ollama's own lists are
//! passed on; only fields that clients require are filled in.
//!
//! <https://docs.ollama.com/api/tags>, <https://docs.ollama.com/api-reference/show-model-details>,
//! <https://docs.ollama.com/api/ps>

use super::super::auxiliary::{AuxiliaryRequest, ModelApi, ModelListApi};
use super::capabilities;
use crate::canonical::ListedModel;
use crate::canonical::time::rfc3339;
use crate::error::{ClientError, ErrorKind, short_name};
use crate::json::{Object, ValueKind, encode_string, value_kind};
use std::fmt::Write as _;

/// The value of an unknown time: the zero of Go's times, which Ollama's own command line shows as "Never".
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The expiry of a model behind an API, which is never unloaded.
const FOREVER: &str = "9999-12-31T23:59:59Z";

/// `GET /api/tags`: every model.
#[derive(Debug)]
pub(super) struct TagList;

impl ModelListApi for TagList {
    fn encode_list(&self, models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
        Ok(encode_list(models, |listed, fields, item| {
            item.set("modified_at", encode_string(&modified_at(fields)));
            item.set("size", number(fields, "size"));
            item.set("capabilities", capabilities::encoded(listed));
        }))
    }
}

/// `GET /api/ps`: the loaded models, which are all of them, because each can respond at once.
#[derive(Debug)]
pub(super) struct RunningModelList;

impl ModelListApi for RunningModelList {
    fn encode_list(&self, models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
        Ok(encode_list(models, |listed, fields, item| {
            item.set("size", number(fields, "size"));
            item.set("expires_at", encode_string(FOREVER));
            item.set("size_vram", "0");
            if let Some(length) = listed.context_length() {
                item.set("context_length", length.to_string());
            }
        }))
    }
}

/// `POST /api/show`: one model.
#[derive(Debug)]
pub(super) struct Model;

impl ModelApi for Model {
    /// Ollama's clients add `:latest` to names without a tag.
    fn requested_ids(&self, request: &AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError> {
        let object = Object::parse(request.body)
            .map_err(|_| ClientError::invalid("The request body must be a JSON object with `model`."))?;
        let name = ["model", "name"].iter().find_map(|key| object.str(key).filter(|name| !name.is_empty()));
        let name = name.ok_or_else(|| ClientError::invalid("`model` is missing.").at("model"))?;
        let without_tag = name.strip_suffix(":latest").map(str::to_owned);
        Ok(std::iter::once(name.into_owned()).chain(without_tag).collect())
    }

    fn encode_model(&self, listed: &ListedModel) -> String {
        let fields = listed.fields();
        let family = family(&fields);
        let mut info = Object::new();
        info.set("general.architecture", encode_string(&family));
        info.set("general.basename", encode_string(&listed.id));
        if let Some(length) = listed.context_length() {
            info.set(format!("{family}.context_length"), length.to_string());
        }
        let mut response = Object::new();
        for key in ["license", "modelfile", "parameters", "template"] {
            response.set(key, "\"\"");
        }
        response.set("details", details(&fields));
        response.set("model_info", info.to_json());
        response.set("capabilities", capabilities::encoded(listed));
        response.set("modified_at", encode_string(&modified_at(&fields)));
        response.to_json()
    }

    /// Ollama's own message: clients search for it.
    fn unknown_model(&self, id: &str) -> ClientError {
        ClientError::new(ErrorKind::NotFound, format!("model '{}' not found", short_name(id))).at("model")
    }
}

/// Encodes a list; `add_fields` gets a model, its fields and the item to write to.
fn encode_list(
    models: &[ListedModel],
    add_fields: impl Fn(&ListedModel, &Object<'_>, &mut Object<'static>),
) -> String {
    let items: Vec<_> = models
        .iter()
        .map(|listed| {
            let fields = listed.fields();
            let mut item = Object::new();
            item.set("name", encode_string(&listed.id));
            item.set("model", encode_string(&listed.id));
            add_fields(listed, &fields, &mut item);
            let digest = fields.str("digest").filter(|digest| digest.len() >= 12);
            let digest = digest.map_or_else(|| pseudo_digest(&listed.id), std::borrow::Cow::into_owned);
            item.set("digest", encode_string(&digest));
            item.set("details", details(&fields));
            item.to_json()
        })
        .collect();
    format!(r#"{{"models":[{}]}}"#, items.join(","))
}

fn number(fields: &Object<'_>, key: &str) -> String {
    fields.u64(key).unwrap_or(0).to_string()
}

fn modified_at(fields: &Object<'_>) -> String {
    if let Some(time) = fields.str("modified_at").filter(|time| time.contains('T')) {
        return time.into_owned();
    }
    fields.u64("created").filter(|created| *created > 0).map_or_else(|| String::from(NEVER), rfc3339)
}

/// Returns 64 hexadecimal digits that identify the model. They are no checksum, but have the length of one, because clients
/// cut them.
fn pseudo_digest(id: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut step = |byte: u8| {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        hash
    };
    let mut out = String::new();
    for part in 0..4 {
        step(part);
        let last = id.bytes().fold(0, |_, byte| step(byte));
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{:016x}", last ^ (last >> 29));
    }
    out
}

fn details(fields: &Object<'_>) -> String {
    if let Some(details) = fields.get("details").filter(|details| value_kind(details) == ValueKind::Object) {
        return details.to_owned();
    }
    let family = encode_string(&family(fields));
    let quantization = encode_string(&fields.str("quantization").unwrap_or_default());
    format!(
        r#"{{"parent_model":"","format":"","family":{family},"families":[{family}],"parameter_size":"","quantization_level":{quantization}}}"#
    )
}

/// Returns the model's architecture if the list has it, else the model's owner.
fn family(fields: &Object<'_>) -> String {
    let details = fields.object("details").unwrap_or_default();
    let family = details.str("family").filter(|family| !family.is_empty()).map(std::borrow::Cow::into_owned);
    let family = family.or_else(|| {
        let found = ["arch", "owned_by"].iter().find_map(|key| fields.str(key).filter(|v| !v.is_empty()));
        found.map(std::borrow::Cow::into_owned)
    });
    family.unwrap_or_else(|| String::from("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_ollamas_own_list_are_passed_on() {
        let list = br#"{"models":[{"name":"a:1b","model":"a:1b","modified_at":"2025-05-04T17:37:44.706015396-07:00","size":3338801804,"digest":"a2af6cc3eb7f","details":{"family":"gemma3","parameter_size":"4.3B"}}]}"#;
        let models = crate::canonical::parse_models(list, "me").unwrap();
        let tags = TagList.encode_list(&models, "").unwrap();
        for field in ["44.706015396-07:00", ":3338801804,", "\"a2af6cc3eb7f\"", "\"4.3B\""] {
            assert!(tags.contains(field), "{tags}");
        }
        assert!(Model.encode_model(&models[0]).contains(r#""general.architecture":"gemma3""#));
    }

    #[test]
    fn other_models_have_only_the_fields_that_clients_require() {
        let tags = TagList.encode_list(&[ListedModel::new("m", "me")], "").unwrap();
        let start = r#"{"models":[{"name":"m","model":"m","modified_at":"0001-01-01T00:00:00Z","size":0,"#;
        assert!(tags.starts_with(start), "{tags}");
    }

    #[test]
    fn a_model_is_named_by_either_field_with_and_without_its_tag() {
        let ids =
            |body: &[u8]| Model.requested_ids(&AuxiliaryRequest { body, ..AuxiliaryRequest::default() });
        assert_eq!(ids(br#"{"model":"a:latest"}"#).unwrap(), ["a:latest", "a"]);
        assert_eq!(ids(br#"{"name":"b"}"#).unwrap(), ["b"]);
        assert!(ids(b"{}").is_err() && ids(b"x").is_err());
    }

    #[test]
    fn a_pseudo_digest_has_64_digits_and_identifies_its_model() {
        let (a, b) = (pseudo_digest("a"), pseudo_digest("b"));
        assert_eq!((a.len(), b.len()), (64, 64));
        assert!(a != b && a[..12] != b[..12] && a == pseudo_digest("a"));
    }
}
