//! What requests and responses share: calls, finish reasons, token counts, extra fields, lines.

use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Usage};
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};

/// The dialect's name, which also marks its extra fields.
pub(super) const NAME: &str = "toy";

/// A decoded call.
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// As JSON.
    pub(super) arguments: String,
}

/// Decodes `{"id":…,"tool":…,"with":…}`.
pub(super) fn read_call(json: &str, at: &str, diagnostics: &mut Diagnostics) -> Call {
    let object = Object::parse(json.as_bytes()).unwrap_or_default();
    let name = object.str("tool").unwrap_or_default().into_owned();
    if name.is_empty() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, at, "");
    }
    let arguments = match object.non_null("with") {
        // Arguments that are no JSON come as a string.
        Some(with) if value_kind(with) == ValueKind::String => {
            diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, &format!("{at}.with"), "");
            string_or_json(with).into_owned()
        }
        Some(with) => with.trim().to_owned(),
        None => String::from("{}"),
    };
    extra_fields(&object, &["id", "tool", "with"]).report("", at, diagnostics);
    Call { id: object.str("id").filter(|id| !id.is_empty()).map(Into::into), name, arguments }
}

/// Encodes a call.
pub(super) fn write_call(
    id: &str,
    name: &str,
    arguments: &str,
    at: &str,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut call = Object::new();
    call.set("id", encode_string(id));
    call.set("tool", encode_string(name));
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    if serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_ok() {
        call.set("with", arguments);
    } else {
        diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, &format!("{at}.with"), "");
        call.set("with", encode_string(arguments));
    }
    call.to_json()
}

/// The dialect's names of the finish reasons; the first one for a reason is encoded.
const ENDS: &[(&str, FinishReason)] = &[
    ("done", FinishReason::Stop),
    ("limit", FinishReason::Length),
    ("calls", FinishReason::ToolCalls),
    ("filter", FinishReason::ContentFilter),
    ("refused", FinishReason::Refusal),
];

/// Decodes a finish reason; `calls`: the response has tool calls.
pub(super) fn read_end(end: &str, calls: bool, diagnostics: &mut Diagnostics) -> FinishReason {
    let derived = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    match ENDS.iter().find(|(known, _)| *known == end) {
        Some((_, FinishReason::Stop)) => derived,
        Some((_, reason)) => reason.clone(),
        None => {
            diagnostics.record(DiagnosticCode::FinishReasonMapped, "end", end);
            derived
        }
    }
}

/// Sets the last fields of a response.
pub(super) fn write_end(
    line: &mut Object<'_>,
    reason: Option<&FinishReason>,
    usage: Option<Usage>,
    diagnostics: &mut Diagnostics,
) {
    let name = reason.and_then(|reason| ENDS.iter().find(|(_, known)| known == reason));
    line.set("end", encode_string(name.map_or("done", |(name, _)| name)));
    let Some(usage) = usage else { return };
    let mut tokens = Object::new();
    for (key, count) in [("read", usage.input), ("written", usage.output)] {
        if let Some(count) = count {
            tokens.set(key, count.to_string());
        }
    }
    if [usage.cached, usage.cache_written, usage.reasoning].iter().any(|n| n.is_some_and(|n| n > 0)) {
        diagnostics.record(DiagnosticCode::ExtraDropped, "tokens", "details");
    }
    line.set("tokens", tokens.to_json());
}

/// Decodes the token counts of a line.
pub(super) fn read_tokens(line: &Object<'_>) -> Option<Usage> {
    let tokens = line.object("tokens")?;
    let mut usage = Usage::default();
    (usage.input, usage.output) = (tokens.u64("read"), tokens.u64("written"));
    Some(usage)
}

/// Reads the fields that our model has no place for; `null` is the same as absence.
pub(super) fn extra_fields(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let others = object.iter().filter(|(k, v)| !known.contains(k) && v.trim() != "null");
    let members: Vec<_> = others.map(|(k, v)| (k.to_owned(), raw(v))).collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

/// Appends one line.
pub(super) fn write_line(out: &mut Vec<u8>, json: &str) {
    // A line break between JSON's tokens becomes a space; JSON strings contain none.
    out.extend(json.bytes().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }));
    out.push(b'\n');
}
