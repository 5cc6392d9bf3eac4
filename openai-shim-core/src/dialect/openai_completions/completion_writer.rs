//! The parts of a response or of a chunk, which have the same shape here, in; OpenAI's JSON out.

use crate::json::{Object, encode_string};

/// The fields that are the same in all chunks of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CompletionIdentity {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) model: String,
}

/// Writes a response or a chunk.
pub(super) fn write_completion(
    identity: &CompletionIdentity,
    choices: &[String],
    usage: Option<&str>,
    extra: &[(String, String)],
) -> String {
    let mut object = Object::new();
    object.set("id", encode_string(&identity.id));
    object.set("object", "\"text_completion\"");
    object.set("created", identity.created.to_string());
    object.set("model", encode_string(&identity.model));
    object.set("choices", format!("[{}]", choices.join(",")));
    if let Some(usage) = usage {
        object.set("usage", usage);
    }
    write_extra(&mut object, extra);
    object.to_json()
}

/// Writes a choice.
pub(super) fn write_choice(
    index: u32,
    text: &str,
    logprobs: Option<&str>,
    finish_reason: Option<&str>,
    extra: &[(String, String)],
) -> String {
    let mut object = Object::new();
    object.set("text", encode_string(text));
    object.set("index", index.to_string());
    object.set("logprobs", logprobs.unwrap_or("null").to_owned());
    object.set("finish_reason", finish_reason.map_or_else(|| String::from("null"), encode_string));
    write_extra(&mut object, extra);
    object.to_json()
}

/// Writes extra fields. Keys with a dot are this program's own.
fn write_extra(object: &mut Object<'_>, extra: &[(String, String)]) {
    for (key, value) in extra.iter().filter(|(key, _)| !key.starts_with('.')) {
        object.set(key.clone(), value.clone());
    }
}
