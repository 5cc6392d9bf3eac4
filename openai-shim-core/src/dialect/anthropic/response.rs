//! Whole answers: read from upstreams, written for clients.
//!
//! <https://docs.anthropic.com/en/api/messages#response-id>

use super::usage::{self, UsageCounts};
use super::{FORMAT, NAME, content_block, error};
use crate::canonical::{
    Block, Choice, Citation, DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Logprobs, Response,
    ResponseContext, ResponseSpec, WHOLE_BLOCK, issuer,
};
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The members of a message that the canonical model has a place for.
pub(super) const SAID: [&str; 8] =
    ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"];

/// Reads an answer.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Response, UpstreamError> {
    let object = match Object::parse(body) {
        Ok(object) => object,
        Err(_) if body.starts_with(b"<") => {
            return Err(UpstreamError::malformed("The upstream answered with an HTML page."));
        }
        Err(e) if e.is_eof() => return Err(UpstreamError::Truncated),
        Err(_) => return Err(UpstreamError::malformed("The upstream's answer is no JSON object.")),
    };
    if error::is_error(&object) {
        return Err(error::in_body(&object, diagnostics));
    }
    Ok(read(&object, diagnostics))
}

/// Reads a message.
pub(super) fn read(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Response {
    let mut response = Response::default();
    response.id = object.str("id").map(Cow::into_owned).filter(|id| !id.is_empty());
    response.model = object.str("model").map(Cow::into_owned).filter(|model| !model.is_empty());
    let mut extra = rest(object, &SAID);
    let mut choice = Choice::default();
    let mut blocks = Vec::new();
    match object.non_null("content").map(|content| (value_kind(content), content)) {
        Some((ValueKind::Array, _)) => {
            for (i, item) in object.array("content").unwrap_or_default().into_iter().enumerate() {
                match content_block::read(item) {
                    Some(block) => blocks.push(block),
                    None => {
                        diagnostics.record(DiagnosticCode::FrameCorrupt, &format!("content[{i}]"), "no block")
                    }
                }
            }
        }
        Some((ValueKind::String, content)) => {
            diagnostics.record(DiagnosticCode::ContentRewritten, "content", "a text instead of blocks");
            blocks.push(Block::text(string_or_json(content)));
        }
        Some(_) => diagnostics.record(DiagnosticCode::FrameCorrupt, "content", "no list of blocks"),
        None => {}
    }
    if blocks.iter().any(|block| matches!(block, Block::ToolCall { name, .. } if name.is_empty())) {
        diagnostics.record(DiagnosticCode::ToolNameMissing, "content[].name", "");
    }
    choice.blocks = blocks.into_iter().map(answered).collect();
    if let Some(word) = object.str("stop_reason").filter(|word| !word.is_empty()) {
        let (reason, special) =
            read_reason(&word, object.str("stop_sequence").map(Cow::into_owned), diagnostics);
        choice.finish = Some(reason);
        extra.extend(special);
    }
    if let Some(said) = object.object("usage") {
        let mut counts = UsageCounts::default();
        counts.read(&said);
        response.usage = counts.usage();
        extra.extend(usage::leftovers(&said));
    }
    if !extra.is_empty() {
        response.extra = ExtraFields::new(NAME, extra);
    }
    response.choices.push(choice);
    response
}

/// Whether a message has what the API's types demand, whatever its blocks are.
pub(super) fn is_message(object: &Object<'_>) -> bool {
    let words = ["id", "model"].iter().all(|key| object.str(key).is_some_and(|said| !said.is_empty()));
    let fixed = object.str("type").as_deref() == Some("message")
        && object.str("role").as_deref() == Some("assistant");
    let or_null = |key: &str| {
        object.get(key).is_some_and(|r| matches!(value_kind(r), ValueKind::String | ValueKind::Null))
    };
    let usage = object.object("usage").unwrap_or_default();
    let counted = usage.u64("input_tokens").is_some() && is_counted(&usage);
    let list = object.get("content").is_some_and(|content| value_kind(content) == ValueKind::Array);
    words && fixed && counted && list && or_null("stop_reason") && or_null("stop_sequence")
}

/// Whether counts are numbers, and the one that is always there is.
pub(super) fn is_counted(usage: &Object<'_>) -> bool {
    usage.u64("output_tokens").is_some()
        && usage
            .iter()
            .filter(|(key, _)| key.ends_with("_tokens"))
            .all(|(key, count)| usage.u64(key).is_some() || value_kind(count) == ValueKind::Null)
}

/// Whether a block has what the API's types demand.
pub(super) fn is_block(block: &Object<'_>) -> bool {
    let has = |key: &str| block.str(key).is_some();
    match block.str("type").as_deref() {
        Some("text") => has("text"),
        Some("thinking") => has("thinking") && has("signature"),
        Some("redacted_thinking") => has("data"),
        Some("tool_use") => {
            block.str("id").is_some_and(|id| !id.is_empty())
                && has("name")
                && block.get("input").is_some_and(|input| value_kind(input) == ValueKind::Object)
        }
        other => other.is_some(),
    }
}

/// Reads citations: those of what was found on the web, or given with its address. Those of documents are the API's own.
pub(super) fn citations(json: &str, out: &mut Vec<Citation>) -> bool {
    let mut all = true;
    for one in super::super::citations::objects(json) {
        let url = one.str("url").or_else(|| one.str("source")).filter(|url| url.contains("://"));
        match url {
            Some(url) => out.push(Citation::new(&url, one.str("title").as_deref(), None)),
            None => all = false,
        }
    }
    all
}

/// A block of an answer: what only this dialect knows is text without words.
fn answered(block: Block) -> Block {
    match block {
        Block::Native { raw, .. } => Block::Text {
            text: "".into(),
            extra: ExtraFields::new(NAME, vec![(WHOLE_BLOCK.to_owned(), raw)]),
        },
        other => other,
    }
}

/// Members without a place; `null` says nothing.
pub(super) fn rest(object: &Object<'_>, known: &[&str]) -> Vec<(String, Box<RawValue>)> {
    let members = object.iter().filter(|(k, v)| !known.contains(k) && v.trim() != "null");
    members.map(|(k, v)| (k.to_owned(), raw(v))).collect()
}

/// A stop reason's meaning, and what more it says.
pub(super) fn read_reason(
    word: &str,
    sequence: Option<String>,
    diagnostics: &mut Diagnostics,
) -> (FinishReason, Option<(String, Box<RawValue>)>) {
    let reason = match word {
        "end_turn" => FinishReason::Stop,
        "max_tokens" => FinishReason::Length,
        "stop_sequence" => {
            // Which one it was is not told everywhere.
            let told = sequence.as_deref().map(|s| (String::from("stop_sequence"), raw(encode_string(s))));
            return (FinishReason::StopSequence(sequence), told);
        }
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::Refusal,
        _ => {
            let known = meaning(word);
            if known.is_none() {
                diagnostics.record(DiagnosticCode::FinishReasonMapped, "stop_reason", word);
            }
            if let Some(foreign) = foreign_reason(word) {
                return (foreign, None);
            }
            let special = (String::from("stop_reason"), raw(encode_string(word)));
            return (known.unwrap_or(FinishReason::Stop), Some(special));
        }
    };
    (reason, None)
}

/// Words that are not this API's; gateways send them all the same.
pub(super) fn foreign_reason(word: &str) -> Option<FinishReason> {
    match word {
        "stop" | "end" => Some(FinishReason::Stop),
        "length" => Some(FinishReason::Length),
        "tool_calls" | "function_call" => Some(FinishReason::ToolCalls),
        "content_filter" => Some(FinishReason::ContentFilter),
        _ => None,
    }
}

/// What words mean that have no reason of their own elsewhere.
fn meaning(word: &str) -> Option<FinishReason> {
    match word {
        "pause_turn" => Some(FinishReason::Stop),
        "model_context_window_exceeded" => Some(FinishReason::Length),
        _ => None,
    }
}

/// The words for a reason: of what was said follows what ended it.
pub(super) fn write_reason(
    reason: Option<&FinishReason>,
    calls: bool,
    refused: bool,
    extra: &ExtraFields,
) -> (String, String) {
    let reason = reason.unwrap_or(&FinishReason::Stop);
    let special = (extra.dialect == NAME).then(|| extra.get("stop_reason")).flatten();
    if let Some(special) = special
        && meaning(special.trim_matches('"')).as_ref() == Some(reason)
    {
        return (special.to_owned(), String::from("null"));
    }
    let word = match reason {
        FinishReason::StopSequence(Some(sequence)) => {
            return (String::from("\"stop_sequence\""), encode_string(sequence));
        }
        FinishReason::Length => "max_tokens",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
        _ if calls => "tool_use",
        _ if refused => "refusal",
        FinishReason::Stop | FinishReason::StopSequence(None) | FinishReason::ToolCalls => "end_turn",
    };
    (encode_string(word), String::from("null"))
}

/// Writes an answer.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut message = Object::new();
    message.set("id", encode_string(&response.id.clone().unwrap_or_else(|| context.new_id("msg_"))));
    message.set("type", "\"message\"");
    message.set("role", "\"assistant\"");
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    message.set("model", encode_string(model));
    if response.choices.len() > 1 {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices[1]", "more than one answer");
    }
    let none = Choice::default();
    let choice = response.choices.first().unwrap_or(&none);
    let (mut content, mut calls, mut refused) = (Vec::new(), false, false);
    for (i, block) in choice.blocks.iter().enumerate() {
        calls |= matches!(block, Block::ToolCall { .. });
        refused |= matches!(block, Block::Refusal(_));
        content.extend(write(block, &format!("content[{i}]"), context, diagnostics));
    }
    message.set("content", format!("[{}]", content.join(",")));
    let (reason, sequence) = write_reason(choice.finish.as_ref(), calls, refused, &response.extra);
    message.set("stop_reason", reason);
    message.set("stop_sequence", sequence);
    if response.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    message.set("usage", usage::write(response.usage.unwrap_or_default(), &response.extra));
    for (key, value) in response.extra.of(NAME) {
        if message.get(key).is_none() {
            message.set(key.as_str(), value.get());
        }
    }
    let logprobs = choice.logprobs.as_ref().map(Logprobs::to_extra).unwrap_or_default();
    for extra in [&response.extra, &choice.extra, &logprobs] {
        content_block::note_lost(extra, "", diagnostics);
    }
    let mut out = Vec::new();
    message.write(&mut out);
    out
}

/// Writes a block of an answer; nothing for one that says nothing.
fn write(
    block: &Block,
    at: &str,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    match block {
        Block::Text { text, extra } if text.is_empty() && extra.of(NAME).is_empty() => {
            content_block::note_lost(extra, at, diagnostics);
            None
        }
        Block::Refusal(text) if text.is_empty() => None,
        Block::Reasoning { text, signature, extra } => {
            content_block::note_lost(extra, at, diagnostics);
            let signature = issuer::tag_issuer(signature.as_deref().unwrap_or_default(), extra, FORMAT);
            if text.is_empty() && signature.is_empty() {
                return None;
            }
            Some(content_block::write_thinking(text, &signature, extra))
        }
        Block::ToolCall { id, name, arguments, signature, extra } if id.is_empty() => {
            let id = context.new_id("toolu_");
            let id = content_block::carrying(&id, signature.as_deref(), at, diagnostics);
            content_block::note_lost(extra, at, diagnostics);
            Some(content_block::tool_use(&id, name, &content_block::input(arguments, at, diagnostics), extra))
        }
        other => content_block::write(other, at, diagnostics),
    }
}
