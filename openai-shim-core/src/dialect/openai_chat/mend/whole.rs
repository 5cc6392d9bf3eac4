//! A complete answer.

use super::super::error;
use super::identity::Identity;
use super::voice::{Voice, add_calls};
use super::{content, finish, logprobs, merge, usage, whole_calls};
use crate::canonical::{Asked, Code, Diagnostics, FinishReason, Seen};
use crate::error::{ErrorKind, StatusError, UpstreamError};
use crate::json::{Kind, Object, peek};

/// Mends a complete answer; the mended members, and what was seen in it.
pub(in super::super) fn whole<'a>(
    body: &'a [u8],
    asked: &mut Asked,
    notes: &mut Diagnostics,
) -> Result<(Object<'a>, Seen), UpstreamError> {
    let mut answer = parse(body)?;
    // Also beside choices: an answer that failed is no answer.
    if error::is_error(&answer) {
        notes.note(Code::StatusPromoted, "", "an error came as a success");
        return Err(error::in_body(&answer, notes).unwrap_or(UpstreamError::Empty));
    }
    let listed = choices(&mut answer, notes);
    let before = listed.len();
    let choices = merge::whole(listed, asked.n, notes);
    if choices.is_empty() {
        return Err(UpstreamError::Empty);
    }
    let mut seen = Seen::keeping(asked);
    Identity::new("chat.completion").mend(&mut answer, asked, notes);
    let mut written = Vec::with_capacity(choices.len());
    let mut changed = choices.len() != before;
    for (at, item) in choices.iter().enumerate() {
        let Ok(mut choice) = Object::parse(item.as_bytes()) else {
            notes.note(Code::FieldDropped, "choices[]", "no object");
            changed = true;
            continue;
        };
        mend_choice(&mut choice, at, asked, &mut seen, notes)?;
        changed |= choice.is_changed();
        written.push(if choice.is_changed() { choice.to_json() } else { item.clone() });
    }
    if written.is_empty() {
        return Err(UpstreamError::Empty);
    }
    if changed || answer.get("choices").is_none() {
        answer.set("choices", format!("[{}]", written.join(",")));
    }
    mend_usage(&mut answer, &mut seen, notes);
    Ok((answer, seen))
}

fn parse(body: &[u8]) -> Result<Object<'_>, UpstreamError> {
    Object::parse(body).map_err(|e| {
        if e.is_eof() {
            return UpstreamError::Truncated;
        }
        let what = if body.starts_with(b"<") { "an HTML page" } else { "a body that is no JSON object" };
        UpstreamError::malformed(format!("The upstream answered with {what} instead of a completion."))
    })
}

/// The choices as raw texts, wherever they are.
fn choices(answer: &mut Object<'_>, notes: &mut Diagnostics) -> Vec<String> {
    let listed: Vec<String> =
        answer.array("choices").unwrap_or_default().into_iter().map(str::to_owned).collect();
    if !listed.is_empty() {
        return listed;
    }
    // A message without choices around it.
    match answer.non_null("message").filter(|m| peek(m) == Kind::Object).map(str::to_owned) {
        Some(message) => {
            notes.note(Code::MessageAsDelta, "message", "no choices around it");
            answer.remove("message");
            answer.remove("choices");
            let reason = answer.remove("done_reason").filter(|r| peek(r) == Kind::String);
            let reason = reason.map(|r| format!(r#","finish_reason":{r}"#)).unwrap_or_default();
            vec![format!(r#"{{"index":0,"message":{message}{reason}}}"#)]
        }
        None => Vec::new(),
    }
}

fn mend_choice(
    choice: &mut Object<'_>,
    at: usize,
    asked: &mut Asked,
    seen: &mut Seen,
    notes: &mut Diagnostics,
) -> Result<(), UpstreamError> {
    if choice.u64("index").is_none() {
        notes.note(Code::FieldFilled, "choices[].index", "");
        choice.set("index", at.to_string());
    }
    let mut message = message(choice, notes);
    let word = choice.str("finish_reason").map(std::borrow::Cow::into_owned);
    let cut = word.as_deref() == Some("length");
    if message.str("role").as_deref() != Some("assistant") {
        notes.note(Code::RoleFilled, "choices[].message.role", "");
        message.set_first("role", "\"assistant\"");
    }
    content::mend(&mut message, "choices[].message", notes);
    let mut voice = Voice::new(asked);
    let voiced = voice.take(&mut message, true, "choices[].message", notes);
    let word = if voiced.stops { Some(String::from("stop")) } else { word };
    let mut recovered = voiced.calls;
    recovered.retain(|(name, arguments)| !whole_calls::has(&message, name, arguments));
    add_calls(&mut message, &recovered, None, asked);
    if !cut && !voice.is_as_asked(asked.json.as_ref()) {
        notes.note(Code::JsonInvalid, "choices[].message.content", "");
    }
    let calls = whole_calls::mend(&mut message, asked, cut, notes);
    let legacy = !calls && message.non_null("function_call").is_some();
    if asked.keep_reasoning && calls {
        keep(&message, seen);
    }
    settle_content(&mut message, calls || legacy, notes);
    if message.is_changed() {
        choice.set("message", message.to_json());
    }
    logprobs::mend(choice, notes);
    let finish = finish_reason(choice, word.as_deref(), calls, legacy, asked, notes)?;
    seen.content |= calls || legacy || says(&message, "content") || says(&message, "reasoning_content");
    seen.content |= message.non_null("audio").is_some() || message.non_null("images").is_some();
    seen.refusal |= says(&message, "refusal");
    if at == 0 {
        seen.finish = Some(finish);
    }
    Ok(())
}

/// Keeps the reasoning that led to a call, for the next turn.
fn keep(message: &Object<'_>, seen: &mut Seen) {
    if let Some(thoughts) = message.str("reasoning_content") {
        seen.kept.thought(&thoughts);
    }
    let calls = message.array("tool_calls").unwrap_or_default();
    let first = calls.first().and_then(|call| Object::parse(call.as_bytes()).ok());
    if let Some(id) = first.as_ref().and_then(|call| call.str("id")) {
        seen.kept.called(&id);
    }
}

/// The message of a choice, under whatever name it came.
fn message(choice: &mut Object<'_>, notes: &mut Diagnostics) -> Object<'static> {
    if let Some(message) = choice.object("message") {
        return message.into_owned();
    }
    notes.note(Code::MessageAsDelta, "choices[].message", "");
    let delta = choice.object("delta").map(Object::into_owned);
    let text = choice.get("text").filter(|t| peek(t) == Kind::String).map(str::to_owned);
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
fn settle_content(message: &mut Object<'_>, calls: bool, notes: &mut Diagnostics) {
    let missing = message.get("content").is_none();
    let empty = message.get("content").is_some_and(|c| c.trim() == "\"\"");
    let null = message.get("content").is_some_and(|c| peek(c) == Kind::Null);
    let otherwise = calls || says(message, "refusal") || message.non_null("audio").is_some();
    if otherwise && (missing || (calls && empty)) {
        notes.note(Code::FieldFilled, "choices[].message.content", "");
        message.set("content", "null");
    } else if !otherwise && (missing || null) {
        notes.note(Code::FieldFilled, "choices[].message.content", "");
        message.set("content", "\"\"");
    }
    if message.get("refusal").is_none() {
        notes.note(Code::FieldFilled, "choices[].message.refusal", "");
        message.set("refusal", "null");
    }
}

fn says(message: &Object<'_>, key: &str) -> bool {
    message.get(key).is_some_and(|v| peek(v) == Kind::String && v.trim() != "\"\"")
}

fn finish_reason(
    choice: &mut Object<'_>,
    given: Option<&str>,
    calls: bool,
    legacy: bool,
    asked: &Asked,
    notes: &mut Diagnostics,
) -> Result<FinishReason, UpstreamError> {
    const AT: &str = "choices[].finish_reason";
    let word = match given.filter(|g| !g.is_empty()).map(|g| (finish::word(g), g)) {
        Some((finish::Word::Known(word), _)) => word,
        Some((finish::Word::Mapped(word), given)) => {
            notes.note(Code::FinishReasonMapped, AT, given);
            word
        }
        Some((finish::Word::Failure, _)) => {
            let text = "The upstream reported that the answer failed.";
            return Err(UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text))));
        }
        None => {
            notes.note(Code::FinishReasonDerived, AT, "");
            match (legacy, calls) {
                (true, _) => "function_call",
                (false, true) => "tool_calls",
                (false, false) => "stop",
            }
        }
    };
    let settled = if legacy { word } else { finish::reconcile(word, calls, asked.named_tool) };
    if settled != word {
        notes.note(Code::FinishReasonDerived, AT, "");
    }
    if choice.str("finish_reason").as_deref() != Some(settled) {
        choice.set("finish_reason", format!("\"{settled}\""));
    }
    Ok(finish::reason(settled))
}

fn mend_usage(answer: &mut Object<'_>, seen: &mut Seen, notes: &mut Diagnostics) {
    match answer.non_null("usage").map(str::to_owned) {
        Some(given) if peek(&given) == Kind::Object => {
            seen.usage = usage::read(&given);
            if let Some(mended) = usage::mend(&given, notes) {
                answer.set("usage", mended);
            }
        }
        _ => {
            notes.note(Code::UsageMissing, "usage", "");
            answer.set("usage", r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#);
        }
    }
}
