//! One part of a content, in requests and answers.
//!
//! <https://ai.google.dev/api/caching#Part>

use super::contents::PIECES;
use super::partial_args::{PartialArgs, is_object};
use super::{FORMAT, NAME, leftovers, plain, read};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, REASONING_DETAILS, Text, issuer,
};
use crate::json::{Object, compact, encode_string, raw, string_or_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The key under which a part that only this dialect knows is kept whole.
pub(super) const WHOLE: &str = "part";

/// Members of a part that say what kind of part it is.
const KINDS: [&str; 5] = ["text", "inlineData", "fileData", "functionCall", "functionResponse"];

/// Reads a part of a model's answer; what is neither text, thought nor call is kept whole. A call without an id has an
/// empty one.
pub(super) fn read_answer(part: &str) -> Block {
    let whole = || Block::Text {
        text: "".into(),
        extra: ExtraFields::new(NAME, vec![(WHOLE.to_owned(), raw(part))]),
    };
    let Some(object) = read(part) else { return whole() };
    if object.non_null("functionCall").is_some() {
        return call(&object);
    }
    match object.str("text") {
        Some(words) => words_of(&words, &object),
        // A signature may come alone.
        None if object.iter().all(|(key, _)| matches!(key, "thoughtSignature" | "thought")) => {
            words_of("", &object)
        }
        None => whole(),
    }
}

/// Reads a part of a request; a call or a result without an id has an empty one.
pub(super) fn read_request(part: &str) -> Block {
    let native = || Block::Native { dialect: NAME, raw: raw(part) };
    let Some(object) = read(part) else { return native() };
    let kinds: Vec<_> = KINDS.into_iter().filter(|kind| object.non_null(kind).is_some()).collect();
    match kinds.as_slice() {
        ["text"] => words_of(&object.str("text").unwrap_or_default(), &object),
        ["functionCall"] => call(&object),
        ["functionResponse"] => result(&object),
        ["inlineData"] => match object.get("inlineData").and_then(read) {
            Some(blob) => {
                let media_type = blob.str("mimeType").unwrap_or_default().into_owned();
                let data = blob.str("data").unwrap_or_default().into_owned();
                let mut media = Media::new(MediaSource::Base64 { media_type: media_type.clone(), data });
                media.name = blob.str("displayName").map(Cow::into_owned);
                media.extra = leftovers(&object, &["inlineData"]);
                kind_of(&media_type, media)
            }
            None => native(),
        },
        ["fileData"] => match object.get("fileData").and_then(read) {
            Some(file) => {
                let uri = file.str("fileUri").unwrap_or_default().into_owned();
                let mut media = Media::new(MediaSource::Url(uri));
                media.name = file.str("displayName").map(Cow::into_owned);
                media.extra = leftovers(&object, &["fileData"]);
                media.extra.dialect = NAME;
                media
                    .extra
                    .members
                    .extend(object.get("fileData").map(|file| (String::from(".fileData"), raw(file))));
                kind_of(&file.str("mimeType").unwrap_or_default(), media)
            }
            None => native(),
        },
        _ => native(),
    }
}

fn kind_of(media_type: &str, media: Media) -> Block {
    match media_type.split('/').next() {
        Some("image") => Block::Image(Box::new(media)),
        Some("audio") => Block::Audio(Box::new(media)),
        _ => Block::File(Box::new(media)),
    }
}

fn words_of(words: &str, object: &Object<'_>) -> Block {
    if object.bool("thought") == Some(true) {
        let mut extra = leftovers(object, &["text", "thought", "thoughtSignature"]);
        let signature = object.str("thoughtSignature").map(|signature| {
            let (signature, made) = unsealed(&signature);
            if extra.is_empty() {
                extra = made;
            }
            signature
        });
        return Block::Reasoning { text: words.into(), signature: signature.map(Into::into), extra };
    }
    Block::Text { text: words.into(), extra: leftovers(object, &["text"]) }
}

fn call(object: &Object<'_>) -> Block {
    let function = object.get("functionCall").and_then(read).unwrap_or_default();
    let mut extra = leftovers(object, &["functionCall", "thoughtSignature"]);
    let known = ["id", "name", "args", "partialArgs", "willContinue"];
    let own: Vec<_> = function.iter().filter(|(k, _)| !known.contains(k)).collect();
    if !own.is_empty() {
        let mut rest = Object::new();
        for (key, value) in own {
            rest.set(key, value);
        }
        extra = ExtraFields::new(NAME, extra.into_members());
        extra.members.push((String::from("functionCall"), raw(rest.to_json())));
    }
    let mut arguments = PartialArgs::default();
    arguments.take(&function);
    Block::ToolCall {
        id: function.str("id").unwrap_or_default().into_owned(),
        name: function.str("name").unwrap_or_default().into_owned(),
        arguments: arguments.text(),
        signature: object.str("thoughtSignature").map(|sign| sign.into_owned().into()),
        extra,
    }
}

/// A result: `output` is what the tool said, `error` how it failed; without either the whole object is the output.
fn result(object: &Object<'_>) -> Block {
    let function = object.get("functionResponse").and_then(read).unwrap_or_default();
    let response = compact(function.get("response").unwrap_or("{}"));
    let response = response.as_ref();
    let said = Object::parse(response.as_bytes()).unwrap_or_default();
    let mut members = said.iter();
    let (words, is_error) = match (members.next(), members.next()) {
        (Some(("output", value)), None) => (string_or_json(value), false),
        (Some(("error", value)), None) => (string_or_json(value), true),
        _ => (string_or_json(response), false),
    };
    let mut blocks = vec![Block::text(words)];
    for part in function.array("parts").unwrap_or_default() {
        blocks.push(read_request(part));
    }
    let mut extra = leftovers(object, &["functionResponse"]);
    let kept: Vec<_> = function
        .iter()
        .filter(|(key, _)| *key != "id")
        .map(|(key, value)| {
            let read = ["name", "response", "parts"].contains(&key);
            (format!("{}functionResponse.{key}", if read { "." } else { "" }), raw(value))
        })
        .collect();
    extra = ExtraFields::new(NAME, [extra.into_members(), kept].concat());
    Block::ToolResult { id: function.str("id").unwrap_or_default().into_owned(), blocks, is_error, extra }
}

/// Puts the members that came with a part back to it.
pub(super) fn extend(part: &mut Object<'_>, extra: &ExtraFields) {
    for (key, value) in
        extra.of(NAME).iter().filter(|(key, _)| key != WHOLE && key != PIECES && !plain(key).contains('.'))
    {
        part.set(plain(key).to_owned(), value.get().to_owned());
    }
}

/// A signature, and who made it. Signatures are bytes in base64 here, and so is what stands for another API's.
fn unsealed(signature: &str) -> (String, ExtraFields) {
    let bytes = STANDARD.decode(signature).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match bytes.as_deref().and_then(issuer::split_issuer) {
        Some((own, made)) => (own.to_owned(), made),
        None => {
            let format = (String::from("format"), raw(encode_string(FORMAT)));
            (signature.to_owned(), ExtraFields::new(REASONING_DETAILS, vec![format]))
        }
    }
}

fn sealed<'s>(signature: &'s str, extra: &ExtraFields) -> Cow<'s, str> {
    match issuer::tag_issuer(signature, extra, FORMAT) {
        Cow::Owned(sealed) => Cow::Owned(STANDARD.encode(sealed)),
        own @ Cow::Borrowed(_) => own,
    }
}

pub(super) fn thought(words: &str, signature: Option<&str>, extra: &ExtraFields) -> String {
    let mut part = Object::new();
    part.set("text", encode_string(words));
    part.set("thought", "true");
    if let Some(signature) = signature {
        part.set("thoughtSignature", encode_string(&sealed(signature, extra)));
    }
    extend(&mut part, extra);
    part.to_json()
}

/// Writes text; with it what came in its place.
pub(super) fn words(words: &Text, extra: &ExtraFields, out: &mut Vec<String>) {
    let whole = extra.of(NAME).iter().filter(|(key, _)| key == WHOLE);
    let others = extra.of(NAME).iter().any(|(key, _)| key != WHOLE);
    let before = out.len();
    out.extend(whole.map(|(_, part)| part.get().to_owned()));
    if before == out.len() || others || !words.is_empty() {
        let mut part = Object::new();
        part.set("text", words.to_json());
        extend(&mut part, extra);
        out.insert(before, part.to_json());
    }
}

/// Writes a call. Arguments that are no object cannot be sent as such.
pub(super) fn write_call(
    (id, name, arguments): (&str, &str, &str),
    signature: Option<&str>,
    extra: &ExtraFields,
    (path, diagnostics): (&str, &mut Diagnostics),
) -> String {
    let mut function = Object::new();
    if !id.is_empty() && !super::is_minted(id) {
        function.set("id", encode_string(id));
    }
    function.set("name", encode_string(name));
    let args = if arguments.trim().is_empty() {
        String::from("{}")
    } else if is_object(arguments) {
        arguments.to_owned()
    } else {
        diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, path, "they are sent as one text");
        format!("{{\"arguments\":{}}}", encode_string(arguments))
    };
    function.set("args", args);
    if let Some(own) = extra.of(NAME).iter().find(|(key, _)| key == "functionCall") {
        for (key, value) in Object::parse(own.1.get().as_bytes()).unwrap_or_default().iter() {
            function.set(key.to_owned(), value.to_owned());
        }
    }
    let mut part = Object::new();
    part.set("functionCall", function.to_json());
    if let Some(signature) = signature {
        part.set("thoughtSignature", encode_string(signature));
    }
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| key != "functionCall") {
        part.set(key.clone(), value.get().to_owned());
    }
    part.to_json()
}

/// Writes media; `None`, with a note, where this dialect has no way to say it.
pub(super) fn media(media: &Media, (path, diagnostics): (&str, &mut Diagnostics)) -> Option<String> {
    let mut part = Object::new();
    match &media.source {
        MediaSource::Base64 { media_type, data } => {
            let mut blob = Object::new();
            blob.set("mimeType", encode_string(&full_type(media_type)));
            blob.set("data", encode_string(data));
            if let Some(name) = media.name.as_ref().filter(|_| media.extra.dialect == NAME) {
                blob.set("displayName", encode_string(name));
            }
            part.set("inlineData", blob.to_json());
        }
        MediaSource::Url(uri) => {
            let mut file = Object::new();
            if let Some(media_type) = type_of(uri) {
                file.set("mimeType", encode_string(media_type));
            }
            file.set("fileUri", encode_string(uri));
            part.set("fileData", file.to_json());
        }
        MediaSource::FileId(id) if id.starts_with("files/") => {
            let uri = format!("https://generativelanguage.googleapis.com/v1beta/{id}");
            part.set("fileData", format!("{{\"fileUri\":{}}}", encode_string(&uri)));
        }
        MediaSource::FileId(_) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, path, "a file of another provider");
            return None;
        }
    }
    extend(&mut part, &media.extra);
    Some(part.to_json())
}

/// OpenAI names audio by a bare format.
fn full_type(media_type: &str) -> Cow<'_, str> {
    match media_type {
        "" => Cow::Borrowed("application/octet-stream"),
        t if t.contains('/') => Cow::Borrowed(t),
        "mp3" => Cow::Borrowed("audio/mpeg"),
        format => Cow::Owned(format!("audio/{format}")),
    }
}

/// The media type that an address shows by its ending.
fn type_of(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => return None,
    })
}
