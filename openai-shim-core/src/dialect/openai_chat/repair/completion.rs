//! A complete answer.

use super::super::error;
use super::identity::Identity;
use super::text_extractor::{self, ChatTextExtractor, add_calls};
use super::{completion_tool_calls, content, finish_reason, logprobs, merge_choices, usage};
use crate::canonical::{
    DiagnosticCode, Diagnostics, FinishReason, ResponseContext, ResponseSpec, ResponseSummary,
};
use crate::error::{ErrorKind, StatusError, UpstreamError};
use crate::json::{ListItem, Object, ValueKind, value_kind};

/// Mends a complete answer; the mended members, and what was seen in it.
pub(in super::super) fn whole<'a>(
    body: &'a [u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<(Object<'a>, ResponseSummary), UpstreamError> {
    let (mut answer, listed) = parse(body)?;
    // Also beside choices: an answer that failed is no answer.
    if error::is_error(&answer) {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
        return Err(error::in_body(&answer, diagnostics).unwrap_or(UpstreamError::Empty));
    }
    let made = if listed.is_empty() {
        Some(alone(&mut answer, diagnostics).ok_or(UpstreamError::Empty)?)
    } else {
        merge_choices::whole(&listed, spec.n, diagnostics)
    };
    let mut changed = made.is_some();
    let listed = match &made {
        Some(made) => parse(made.as_bytes())?.1,
        None => listed,
    };
    let mut summary = ResponseSummary::for_spec(spec);
    Identity::mend_whole(&mut answer, spec, context, diagnostics);
    let mut mended = Vec::with_capacity(listed.len());
    for (at, ListItem { text, object, inner }) in listed.into_iter().enumerate() {
        let Some(mut choice) = object else {
            diagnostics.record(DiagnosticCode::FieldDropped, "choices[]", "no object");
            changed = true;
            continue;
        };
        let message = mend_choice(&mut choice, inner, at, spec, context, &mut summary, diagnostics)?;
        changed |= choice.is_changed();
        mended.push((text, choice, message));
    }
    if mended.is_empty() {
        return Err(UpstreamError::Empty);
    }
    if changed {
        let mut written = String::with_capacity(body.len() + 64);
        for (at, (text, choice, message)) in mended.iter().enumerate() {
            written.push(if at == 0 { '[' } else { ',' });
            if message.is_changed() {
                choice.write_with("message", message, &mut written);
            } else if choice.is_changed() {
                written.push_str(&choice.to_json());
            } else {
                written.push_str(text);
            }
        }
        written.push(']');
        answer.set("choices", written);
    }
    mend_usage(&mut answer, &mut summary, diagnostics);
    Ok((answer, summary))
}

/// The members of an answer, and its choices with their messages.
fn parse(body: &[u8]) -> Result<(Object<'_>, Vec<ListItem<'_>>), UpstreamError> {
    Object::parse_with_items(body, "choices", "message").map_err(|e| {
        if e.is_eof() {
            return UpstreamError::Truncated;
        }
        let what = if body.starts_with(b"<") { "an HTML page" } else { "a body that is no JSON object" };
        UpstreamError::malformed(format!("The upstream answered with {what} instead of a completion."))
    })
}

/// A message without choices around it: the answer that it should have been in.
fn alone(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let message =
        answer.non_null("message").filter(|m| value_kind(m) == ValueKind::Object).map(str::to_owned)?;
    diagnostics.record(DiagnosticCode::MessageAsDelta, "message", "no choices around it");
    answer.remove("message");
    answer.remove("choices");
    let reason = answer.remove("done_reason").filter(|r| value_kind(r) == ValueKind::String);
    let reason = reason.map(|r| format!(r#","finish_reason":{r}"#)).unwrap_or_default();
    Some(format!(r#"{{"choices":[{{"index":0,"message":{message}{reason}}}]}}"#))
}

/// The reason that an upstream gave.
enum UpstreamReason {
    None,
    Known(&'static str),
    Other(String),
}

impl UpstreamReason {
    fn read(choice: &Object<'_>) -> Self {
        match choice.str("finish_reason").filter(|given| !given.is_empty()) {
            None => Self::None,
            Some(given) => match finish_reason::word(&given) {
                finish_reason::ReasonClass::Known(word) => Self::Known(word),
                _ => Self::Other(given.into_owned()),
            },
        }
    }
}

/// Puts a choice right; its message, which stands in it once it is written.
fn mend_choice<'a>(
    choice: &mut Object<'a>,
    message: Option<Object<'a>>,
    at: usize,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    summary: &mut ResponseSummary,
    diagnostics: &mut Diagnostics,
) -> Result<Object<'a>, UpstreamError> {
    if choice.u64("index").is_none() {
        diagnostics.record(DiagnosticCode::FieldFilled, "choices[].index", "");
        choice.set("index", at.to_string());
    }
    let mut message = message.unwrap_or_else(|| other_message(choice, diagnostics));
    let mut given = UpstreamReason::read(choice);
    let cut = matches!(given, UpstreamReason::Known("length"));
    if message.str("role").as_deref() != Some("assistant") {
        diagnostics.record(DiagnosticCode::RoleFilled, "choices[].message.role", "");
        message.set_first("role", "\"assistant\"");
    }
    content::mend(&mut message, "choices[].message", diagnostics);
    if !text_extractor::is_needless(&message, spec) {
        let mut voice = ChatTextExtractor::new(spec);
        let voiced = voice.extract(&mut message, true, "choices[].message", diagnostics);
        if voiced.stops {
            given = UpstreamReason::Known("stop");
        }
        let mut recovered = voiced.calls;
        recovered.retain(|(name, arguments)| !completion_tool_calls::has(&message, name, arguments));
        add_calls(&mut message, &recovered, None, context);
        if !cut && !voice.is_as_asked(spec.required_json_fields.as_ref()) {
            diagnostics.record(DiagnosticCode::JsonInvalid, "choices[].message.content", "");
        }
    }
    let calls = completion_tool_calls::mend(&mut message, cut, spec, context, diagnostics);
    let legacy = !calls && message.non_null("function_call").is_some();
    settle_content(&mut message, calls || legacy, diagnostics);
    if message.is_changed() {
        // Its place; it is written there once, with all the rest.
        choice.set("message", "{}");
    }
    logprobs::mend(choice, diagnostics);
    let finish = finish_reason(choice, given, calls, legacy, spec, diagnostics)?;
    summary.content |= calls || legacy || says(&message, "content") || says(&message, "reasoning_content");
    summary.content |= message.non_null("audio").is_some() || message.non_null("images").is_some();
    summary.refusal |= says(&message, "refusal");
    if at == 0 {
        summary.finish = Some(finish);
    }
    Ok(message)
}

/// The message of a choice that has none by that name.
fn other_message<'a>(choice: &mut Object<'a>, diagnostics: &mut Diagnostics) -> Object<'a> {
    diagnostics.record(DiagnosticCode::MessageAsDelta, "choices[].message", "");
    let delta = choice.inner("delta");
    let text = choice.get("text").filter(|t| value_kind(t) == ValueKind::String).map(str::to_owned);
    choice.remove("delta");
    choice.remove("message");
    let mut message = delta.unwrap_or_default();
    if let Some(text) = text {
        choice.remove("text");
        message.set("content", text);
    }
    message.set_first("role", "\"assistant\"");
    message
}

/// Content is null beside calls that say nothing, and a text otherwise.
fn settle_content(message: &mut Object<'_>, calls: bool, diagnostics: &mut Diagnostics) {
    let missing = message.get("content").is_none();
    let empty = message.get("content").is_some_and(|c| c.trim() == "\"\"");
    let null = message.get("content").is_some_and(|c| value_kind(c) == ValueKind::Null);
    let otherwise = calls || says(message, "refusal") || message.non_null("audio").is_some();
    if otherwise && (missing || (calls && empty)) {
        diagnostics.record(DiagnosticCode::FieldFilled, "choices[].message.content", "");
        message.set("content", "null");
    } else if !otherwise && (missing || null) {
        diagnostics.record(DiagnosticCode::FieldFilled, "choices[].message.content", "");
        message.set("content", "\"\"");
    }
    if message.get("refusal").is_none() {
        diagnostics.record(DiagnosticCode::FieldFilled, "choices[].message.refusal", "");
        message.set("refusal", "null");
    }
}

fn says(message: &Object<'_>, key: &str) -> bool {
    message.get(key).is_some_and(|v| value_kind(v) == ValueKind::String && v.trim() != "\"\"")
}

fn finish_reason(
    choice: &mut Object<'_>,
    given: UpstreamReason,
    calls: bool,
    legacy: bool,
    spec: &ResponseSpec,
    diagnostics: &mut Diagnostics,
) -> Result<FinishReason, UpstreamError> {
    const AT: &str = "choices[].finish_reason";
    let word = match given {
        UpstreamReason::Known(word) => word,
        UpstreamReason::Other(given) => match finish_reason::word(&given) {
            finish_reason::ReasonClass::Known(word) => word,
            finish_reason::ReasonClass::Mapped(word) => {
                diagnostics.record(DiagnosticCode::FinishReasonMapped, AT, &given);
                word
            }
            finish_reason::ReasonClass::Failure => {
                let text = "The upstream reported that the answer failed.";
                let error = StatusError::new(502, ErrorKind::Upstream, text);
                return Err(UpstreamError::Status(Box::new(error)));
            }
        },
        UpstreamReason::None => {
            diagnostics.record(DiagnosticCode::FinishReasonDerived, AT, "");
            match (legacy, calls) {
                (true, _) => "function_call",
                (false, true) => "tool_calls",
                (false, false) => "stop",
            }
        }
    };
    let settled = if legacy { word } else { finish_reason::reconcile(word, calls, spec.named_tool) };
    if settled != word {
        diagnostics.record(DiagnosticCode::FinishReasonDerived, AT, "");
    }
    if choice.str("finish_reason").as_deref() != Some(settled) {
        choice.set("finish_reason", format!("\"{settled}\""));
    }
    Ok(finish_reason::reason(settled))
}

fn mend_usage(answer: &mut Object<'_>, summary: &mut ResponseSummary, diagnostics: &mut Diagnostics) {
    match answer.get("usage").filter(|given| value_kind(given) == ValueKind::Object) {
        Some(given) => {
            let (usage, mended) = usage::settle(given, diagnostics);
            summary.usage = usage;
            if let Some(mended) = mended {
                answer.set("usage", mended);
            }
        }
        None => {
            diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
            answer.set("usage", r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#);
        }
    }
}
