//! One tool call of a message, in requests and responses: JSON to a [`Block`] and back.

use super::extra_fields::{NAME, unknown_fields};
use crate::canonical::{
    Block, CUSTOM_TOOL, ExtraFields, ResponseSpec, arguments_to_input, input_to_arguments,
};
use crate::json::{Object, RawJson, ValueKind, encode_string, raw, string_or_json, value_kind};

/// Of which kind of tool a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallKind {
    Function,
    Custom,
}

impl CallKind {
    /// The kind of a call in a request.
    pub(super) fn of_extra(extra: &ExtraFields) -> Self {
        if extra.of(NAME).iter().any(|(key, _)| key == CUSTOM_TOOL) { Self::Custom } else { Self::Function }
    }

    /// The kind of a call in an answer: that of the client's tool, or as the upstream stated it.
    pub(super) fn of_answer(name: &str, extra: &ExtraFields, spec: &ResponseSpec) -> Self {
        match Self::of_tool(name, spec) {
            Self::Function => Self::of_extra(extra),
            Self::Custom => Self::Custom,
        }
    }

    /// The kind of the client's tool.
    pub(super) fn of_tool(name: &str, spec: &ResponseSpec) -> Self {
        if spec.custom_tools.contains(name) { Self::Custom } else { Self::Function }
    }

    /// The keys of the called tool, and in it of the arguments or the input.
    pub(super) fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Function => ("function", "arguments"),
            Self::Custom => ("custom", "input"),
        }
    }
}

/// A tool call that was read.
pub(super) struct ReadCall {
    pub(super) block: Block,
    /// The arguments were not a string, so that the call cannot be sent as it came.
    pub(super) is_reshaped: bool,
}

/// Reads a tool call. A custom tool's input becomes arguments, and a mark stays.
pub(super) fn read(call: &str) -> ReadCall {
    let object = Object::parse(call.as_bytes()).unwrap_or_default();
    let is_custom = is_custom(&object);
    let function = object.object(if is_custom { "custom" } else { "function" }).unwrap_or_default();
    let arguments = function.get(if is_custom { "input" } else { "arguments" }).unwrap_or("\"\"");
    let is_reshaped = value_kind(arguments) != ValueKind::String;
    let mut extra = unknown_fields(&object, &["id", "type", "function", "index", "custom"]);
    let signature = signature(&object);
    if signature.is_some() {
        let fields = extra.into_members().into_iter();
        let fields: Vec<_> = fields.filter_map(|(key, value)| without_signature(key, value)).collect();
        extra = if fields.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, fields) };
    }
    let mut arguments = string_or_json(arguments).into_owned();
    if is_custom {
        arguments = input_to_arguments(&arguments);
        mark_custom(&mut extra, "true");
    }
    let block = Block::ToolCall {
        id: object.str("id").unwrap_or_default().into_owned(),
        name: function.str("name").unwrap_or_default().into_owned(),
        arguments,
        signature: signature.map(Into::into),
        extra,
    };
    ReadCall { block, is_reshaped }
}

/// Marks a custom tool, or a call or a result of one.
pub(super) fn mark_custom(extra: &mut ExtraFields, value: &str) {
    extra.dialect = NAME;
    extra.members.push((CUSTOM_TOOL.to_owned(), raw(value)));
}

/// Whether a call, or a delta of one, is a custom tool's. Some servers write both fields, one of them empty.
pub(super) fn is_custom(call: &Object<'_>) -> bool {
    let Some(custom) = call.object("custom") else { return false };
    match call.str("type").as_deref() {
        Some("custom") => true,
        Some("function") => false,
        _ => call.object("function").is_none() || custom.str("name").is_some_and(|name| !name.is_empty()),
    }
}

/// Where Google's OpenAI-compatible endpoints put the signature of a call, and where their clients send it back.
const SIGNATURE_PATH: [&str; 3] = ["extra_content", "google", "thought_signature"];

/// Returns the opaque signature of a call.
pub(super) fn signature(call: &Object<'_>) -> Option<String> {
    let [outer, inner, key] = SIGNATURE_PATH;
    Some(call.object(outer)?.object(inner)?.str(key)?.into_owned()).filter(|s| !s.is_empty())
}

/// Takes the signature out of an extra field of a call; returns `None` if nothing else is in the field.
fn without_signature(key: String, value: RawJson) -> Option<(String, RawJson)> {
    let [outer, inner, signature] = SIGNATURE_PATH;
    if key != outer {
        return Some((key, value));
    }
    let mut content = Object::parse(value.as_str().as_bytes()).ok()?.into_owned();
    let mut google = content.object(inner)?.into_owned();
    google.remove(signature);
    if google.is_empty() {
        content.remove(inner);
    } else {
        content.set(inner, google.to_json());
    }
    (!content.is_empty()).then(|| (key, raw(content.to_json())))
}

/// Writes a call with its signature.
pub(super) fn write_signed(mut call: Object<'_>, signature: Option<&str>) -> String {
    if let Some(signature) = signature {
        let [outer, inner, key] = SIGNATURE_PATH;
        let mut content = call.object(outer).map(Object::into_owned).unwrap_or_default();
        let mut google = content.object(inner).map(Object::into_owned).unwrap_or_default();
        google.set(key, encode_string(signature));
        content.set(inner, google.to_json());
        call.set(outer, content.to_json());
    }
    call.to_json()
}

/// Writes a tool call. The arguments of a custom tool's call become its input, also if they have another form.
pub(super) fn write(
    kind: CallKind,
    id: &str,
    name: &str,
    arguments: &str,
    signature: Option<&str>,
    extra: &ExtraFields,
) -> String {
    let mut call = Object::new();
    call.set("id", encode_string(id));
    let (key, text_key) = kind.keys();
    let input = (kind == CallKind::Custom).then(|| arguments_to_input(arguments)).flatten();
    let (name, text) = (encode_string(name), encode_string(input.as_deref().unwrap_or(arguments)));
    call.set("type", encode_string(key));
    call.set(key, format!(r#"{{"name":{name},"{text_key}":{text}}}"#));
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| key != CUSTOM_TOOL) {
        call.set(key.as_str(), value.as_str());
    }
    write_signed(call, signature)
}
