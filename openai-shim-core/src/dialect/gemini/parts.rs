//! One part of a content, in requests and responses: JSON to `Block` and back.
//!
//! <https://ai.google.dev/api/caching#Part>

use super::extra_fields::{self, NATIVE_PART};
use super::json_keys::parse_object;
use super::names::{NAME, SIGNATURE_FORMAT, is_generated_id};
use super::partial_args::{PartialArgs, is_object};
use crate::canonical::media_type::{registered_name, type_of_name};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, REASONING_DETAILS, Text, issuer,
};
use crate::json::{Object, compact, encode_string, raw, string_or_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The fields of which a part has one, which is its kind.
const KIND_FIELDS: [&str; 5] = ["text", "inlineData", "fileData", "functionCall", "functionResponse"];

/// Reads a part of a response. A part that is neither text, thought nor function call is held as raw JSON. A function call
/// without an id gets an empty one.
pub(super) fn read_response_part(part: &str) -> Block {
    let native = || Block::Text {
        text: "".into(),
        extra: ExtraFields::new(NAME, vec![(NATIVE_PART.to_owned(), raw(part))]),
    };
    let Some(object) = parse_object(part) else { return native() };
    if object.non_null("functionCall").is_some() {
        return read_call(&object);
    }
    match object.str("text") {
        Some(text) => read_text(&text, &object),
        // A signature may have a part of its own.
        None if object.iter().all(|(key, _)| matches!(key, "thoughtSignature" | "thought")) => {
            read_text("", &object)
        }
        None => native(),
    }
}

/// Reads the media in a part of a response; nothing from other parts, and from pictures that belong to thoughts.
pub(super) fn read_response_media(part: &str) -> Vec<Block> {
    let is_thought = parse_object(part).is_some_and(|part| part.bool("thought") == Some(true));
    match read_request_part(part) {
        Block::Image(media) | Block::Audio(media) | Block::File(media) if is_thought => {
            drop(media);
            Vec::new()
        }
        block @ (Block::Image(_) | Block::Audio(_) | Block::File(_)) => vec![block],
        _ => Vec::new(),
    }
}

/// Reads a part of a request. A function call or response without an id gets an empty one.
pub(super) fn read_request_part(part: &str) -> Block {
    let native = || Block::Native { dialect: NAME, raw: raw(part) };
    let Some(object) = parse_object(part) else { return native() };
    let kinds: Vec<_> = KIND_FIELDS.into_iter().filter(|kind| object.non_null(kind).is_some()).collect();
    match kinds.as_slice() {
        ["text"] => read_text(&object.str("text").unwrap_or_default(), &object),
        ["functionCall"] => read_call(&object),
        ["functionResponse"] => read_result(&object),
        ["inlineData"] => match object.get("inlineData").and_then(parse_object) {
            Some(blob) => {
                let media_type = blob.str("mimeType").unwrap_or_default().into_owned();
                let data = blob.str("data").unwrap_or_default().into_owned();
                let mut media = Media::new(MediaSource::Base64 { media_type: media_type.clone(), data });
                media.name = blob.str("displayName").map(Cow::into_owned);
                media.extra = extra_fields::read(&object, &["inlineData"]);
                media_block(&media_type, media)
            }
            None => native(),
        },
        ["fileData"] => match object.get("fileData").and_then(parse_object) {
            Some(file) => {
                let uri = file.str("fileUri").unwrap_or_default().into_owned();
                let mut media = Media::new(match stored_file(&uri) {
                    Some(id) => MediaSource::FileId(id.to_owned()),
                    None => MediaSource::Url(uri),
                });
                media.name = file.str("displayName").map(Cow::into_owned);
                media.declared_type = file.str("mimeType").map(Cow::into_owned);
                media.extra = extra_fields::read(&object, &["fileData"]);
                media.extra.dialect = NAME;
                media
                    .extra
                    .members
                    .extend(object.get("fileData").map(|file| (String::from(".fileData"), raw(file))));
                media_block(&file.str("mimeType").unwrap_or_default(), media)
            }
            None => native(),
        },
        _ => native(),
    }
}

/// The id of a file that Google stores: its address, which only Google's own API opens, ends in it.
fn stored_file(uri: &str) -> Option<&str> {
    let (_, path) = uri.strip_prefix("https://generativelanguage.googleapis.com/")?.split_once('/')?;
    path.starts_with("files/").then_some(path)
}

fn media_block(media_type: &str, media: Media) -> Block {
    match registered_name(media_type).split('/').next() {
        Some("image") => Block::Image(Box::new(media)),
        Some("audio") => Block::Audio(Box::new(media)),
        _ => Block::File(Box::new(media)),
    }
}

fn read_text(text: &str, object: &Object<'_>) -> Block {
    if object.bool("thought") == Some(true) {
        let mut extra = extra_fields::read(object, &["text", "thought", "thoughtSignature"]);
        let signature = object.str("thoughtSignature").map(|signature| {
            let (signature, issuer) = split_issuer(&signature);
            if extra.is_empty() {
                extra = issuer;
            }
            signature
        });
        return Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra };
    }
    Block::Text { text: text.into(), extra: extra_fields::read(object, &["text"]) }
}

fn read_call(object: &Object<'_>) -> Block {
    let function = object.get("functionCall").and_then(parse_object).unwrap_or_default();
    let mut extra = extra_fields::read(object, &["functionCall", "thoughtSignature"]);
    let mapped = ["id", "name", "args", "partialArgs", "willContinue"];
    let mut function_extra = Object::new();
    for (key, value) in function.iter().filter(|(k, _)| !mapped.contains(k)) {
        function_extra.set(key, value);
    }
    if !function_extra.is_empty() {
        extra = ExtraFields::new(NAME, extra.into_members());
        extra.members.push((String::from("functionCall"), raw(function_extra.to_json())));
    }
    let mut arguments = PartialArgs::default();
    arguments.push(&function);
    Block::ToolCall {
        id: function.str("id").unwrap_or_default().into_owned(),
        name: function.str("name").unwrap_or_default().into_owned(),
        arguments: arguments.into_json(),
        signature: object.str("thoughtSignature").map(|signature| signature.into_owned().into()),
        extra,
    }
}

/// Reads a function response. Its object is the output, unless the only field is `output` or `error`.
fn read_result(object: &Object<'_>) -> Block {
    let function = object.get("functionResponse").and_then(parse_object).unwrap_or_default();
    let response = compact(function.get("response").unwrap_or("{}"));
    let response = response.as_ref();
    let (text, is_error) = response_text(response);
    let mut blocks = vec![Block::text(text)];
    for part in function.array("parts").unwrap_or_default() {
        blocks.push(read_request_part(part));
    }
    let mut extra = extra_fields::read(object, &["functionResponse"]);
    let function_extra: Vec<_> = function
        .iter()
        .filter(|(key, _)| !matches!(*key, "id" | "parts"))
        .map(|(key, value)| {
            let is_mapped = ["name", "response"].contains(&key);
            (format!("{}functionResponse.{key}", if is_mapped { "." } else { "" }), raw(value))
        })
        .collect();
    extra = ExtraFields::new(NAME, [extra.into_members(), function_extra].concat());
    Block::ToolResult { id: function.str("id").unwrap_or_default().into_owned(), blocks, is_error, extra }
}

/// Returns the text of a function's response, and whether it is an error.
pub(super) fn response_text(response: &str) -> (Cow<'_, str>, bool) {
    let object = Object::parse(response.as_bytes()).unwrap_or_default();
    let mut fields = [object.original("output"), object.original("error")];
    if object.iter().count() != 1 {
        fields = [None, None];
    }
    match fields {
        [Some(output), _] => (string_or_json(output), false),
        [_, Some(error)] => (string_or_json(error), true),
        _ => (string_or_json(response), false),
    }
}

/// Splits a signature from its issuer. Signatures are base64 here; one of another API, with its issuer, is encoded once more.
fn split_issuer(signature: &str) -> (String, ExtraFields) {
    let bytes = STANDARD.decode(signature).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match bytes.as_deref().and_then(issuer::split_issuer) {
        Some((signature, issuer)) => (signature.to_owned(), issuer),
        None => {
            let format = (String::from("format"), raw(encode_string(SIGNATURE_FORMAT)));
            (signature.to_owned(), ExtraFields::new(REASONING_DETAILS, vec![format]))
        }
    }
}

/// Adds the issuer to a signature of another API.
fn with_issuer<'s>(signature: &'s str, extra: &ExtraFields) -> Cow<'s, str> {
    match issuer::tag_issuer(signature, extra, SIGNATURE_FORMAT) {
        Cow::Owned(tagged) => Cow::Owned(STANDARD.encode(tagged)),
        untagged @ Cow::Borrowed(_) => untagged,
    }
}

/// Writes a thought.
pub(super) fn write_thought(text: &str, signature: Option<&str>, extra: &ExtraFields) -> String {
    let mut part = Object::new();
    part.set("text", encode_string(text));
    part.set("thought", "true");
    if let Some(signature) = signature {
        part.set("thoughtSignature", encode_string(&with_issuer(signature, extra)));
    }
    extra_fields::write(&mut part, extra);
    part.to_json()
}

/// Writes a text, and the native part that its extra fields hold.
pub(super) fn write_text(text: &Text, extra: &ExtraFields, out: &mut Vec<String>) {
    let native = extra.of(NAME).iter().filter(|(key, _)| key == NATIVE_PART);
    let has_other_fields = extra.of(NAME).iter().any(|(key, _)| key != NATIVE_PART);
    let position = out.len();
    out.extend(native.map(|(_, part)| part.as_str().to_owned()));
    if position == out.len() || has_other_fields || !text.is_empty() {
        let mut part = Object::new();
        part.set("text", text.to_json());
        extra_fields::write(&mut part, extra);
        out.insert(position, part.to_json());
    }
}

/// A function call that is ready to be written.
pub(super) struct FunctionCallPart<'c> {
    pub(super) id: &'c str,
    pub(super) name: &'c str,
    /// JSON text.
    pub(super) arguments: &'c str,
    pub(super) signature: Option<&'c str>,
    pub(super) extra: &'c ExtraFields,
}

impl FunctionCallPart<'_> {
    /// Writes the part. Arguments that are no JSON object are wrapped into one.
    pub(super) fn into_json(self, field_path: &str, diagnostics: &mut Diagnostics) -> String {
        let mut function = Object::new();
        if !self.id.is_empty() && !is_generated_id(self.id) {
            function.set("id", encode_string(self.id));
        }
        function.set("name", encode_string(self.name));
        let args = if self.arguments.trim().is_empty() {
            String::from("{}")
        } else if is_object(self.arguments) {
            self.arguments.to_owned()
        } else {
            let detail = "they are sent as one text";
            diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, field_path, detail);
            format!("{{\"arguments\":{}}}", encode_string(self.arguments))
        };
        function.set("args", args);
        let extra = self.extra.of(NAME);
        if let Some((_, fields)) = extra.iter().find(|(key, _)| key == "functionCall") {
            for (key, value) in Object::parse(fields.as_str().as_bytes()).unwrap_or_default().iter() {
                function.set(key.to_owned(), value.to_owned());
            }
        }
        let mut part = Object::new();
        part.set("functionCall", function.to_json());
        if let Some(signature) = self.signature {
            part.set("thoughtSignature", encode_string(signature));
        }
        for (key, value) in extra.iter().filter(|(key, _)| key != "functionCall") {
            part.set(key.clone(), value.as_str().to_owned());
        }
        part.to_json()
    }
}

/// Writes a block of media; `None`, and a diagnostic, for a file that Google cannot fetch.
pub(super) fn write_media(block: &Block, field_path: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let (media, usual_type) = match block {
        Block::Image(media) => (media, "image/jpeg"),
        Block::Audio(media) => (media, "audio/mpeg"),
        Block::File(media) => (media, "application/pdf"),
        _ => return None,
    };
    let mut part = Object::new();
    match &media.source {
        MediaSource::Base64 { media_type, data } => {
            let mut blob = Object::new();
            blob.set("mimeType", encode_string(&media_type_or_default(media_type)));
            blob.set("data", encode_string(data));
            if let Some(name) = media.name.as_ref().filter(|_| media.extra.dialect == NAME) {
                blob.set("displayName", encode_string(name));
            }
            part.set("inlineData", blob.to_json());
        }
        MediaSource::Url(uri) => {
            let mut file = Object::new();
            // Google's own clients may leave the type out, for addresses that it knows.
            let is_own = media.extra.dialect == NAME;
            if let Some(media_type) = type_of_name(uri) {
                file.set("mimeType", encode_string(media_type));
            } else if !is_own {
                diagnostics.record(DiagnosticCode::FieldFilled, field_path, "mimeType");
                file.set("mimeType", encode_string(usual_type));
            }
            file.set("fileUri", encode_string(uri));
            part.set("fileData", file.to_json());
        }
        MediaSource::FileId(id) if id.starts_with("files/") => {
            let uri = format!("https://generativelanguage.googleapis.com/v1beta/{id}");
            part.set("fileData", format!("{{\"fileUri\":{}}}", encode_string(&uri)));
        }
        MediaSource::FileId(_) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, field_path, "a file of another provider");
            return None;
        }
    }
    extra_fields::write(&mut part, &media.extra);
    Some(part.to_json())
}

/// Returns the media type of data: OpenAI names audio by its format alone.
fn media_type_or_default(media_type: &str) -> Cow<'_, str> {
    match media_type {
        "" => Cow::Borrowed("application/octet-stream"),
        full if full.contains('/') => Cow::Borrowed(full),
        format => registered_name(format),
    }
}
