//! A non-streaming response: the upstream's body in, of OpenAI's shape out.

use super::super::error;
use super::super::usage::in_vendor_object;
use super::content::{self, has_text};
use super::finish_reason::{self, ReasonClass};
use super::identity::Identity;
use super::text_extractor::{self, ChatTextExtractor, add_calls};
use super::{completion_tool_calls, legacy_call, logprobs, merge_choices, usage};
use crate::canonical::{
    DiagnosticCode, Diagnostics, FinishReason, ResponseContext, ResponseSpec, ResponseSummary,
    foreign_object, html_page,
};
use crate::dialect::listed_objects::{CHOICE, list_object};
use crate::error::UpstreamError;
use crate::extract::TextEnd;
use crate::json::{ListItem, Object, ValueKind, value_kind};

const FINISH_REASON_PATH: &str = "choices[].finish_reason";

/// Repairs a response; returns it with its summary.
///
/// # Errors
/// The error that the upstream sent in the response's place or beside it, or why the body is no response.
pub(in super::super) fn repair_completion<'a>(
    body: &'a [u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<(Object<'a>, ResponseSummary), UpstreamError> {
    let (mut response, choices) = parse(body)?;
    // Also beside choices: a failed response is not used.
    if error::is_error(&response) {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
        return Err(error::in_any_form(&response, diagnostics).unwrap_or(UpstreamError::Empty));
    }
    let made = if choices.is_empty() {
        let made = if list_object(&mut response, "choices", CHOICE, "choices", diagnostics) {
            response.get("choices").map(|choices| format!(r#"{{"choices":{choices}}}"#))
        } else {
            take_top_level_message(&mut response, diagnostics)
        };
        Some(made.ok_or_else(|| without_choices(&response, diagnostics))?)
    } else {
        merge_choices::merge(&choices, spec.n, diagnostics)
    };
    let mut changed = made.is_some();
    let choices = match &made {
        Some(made) => parse(made.as_bytes())?.1,
        None => choices,
    };
    Identity::repair_completion(&mut response, spec, context, diagnostics);
    let summary = ResponseSummary::for_spec(spec);
    let mut repair = CompletionRepair { spec, context, summary, diagnostics };
    let mut repaired = Vec::with_capacity(choices.len());
    for (at, ListItem { text, object, inner }) in choices.into_iter().enumerate() {
        let Some(mut choice) = object else {
            repair.diagnostics.record(DiagnosticCode::FieldDropped, "choices[]", "no object");
            changed = true;
            continue;
        };
        let message = repair.choice(&mut choice, inner, at)?;
        changed |= choice.is_changed();
        repaired.push((text, choice, message));
    }
    if repaired.is_empty() {
        return Err(UpstreamError::Empty);
    }
    if changed {
        let mut written = String::with_capacity(body.len() + 64);
        for (at, (text, choice, message)) in repaired.iter().enumerate() {
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
        response.set("choices", written);
    }
    repair.usage(&mut response);
    Ok((response, repair.summary))
}

/// Parses a response, and its choices with their messages.
fn parse(body: &[u8]) -> Result<(Object<'_>, Vec<ListItem<'_>>), UpstreamError> {
    Object::parse_with_items(body, "choices", "message").map_err(|e| {
        if e.is_eof() {
            return UpstreamError::Truncated;
        }
        if body.starts_with(b"<") {
            return html_page("an answer");
        }
        UpstreamError::malformed(
            "The upstream answered with a body that is no JSON object instead of a completion.",
        )
    })
}

/// Returns the error for a response without choices: it is empty, or no completion at all.
fn without_choices(response: &Object<'_>, diagnostics: &mut Diagnostics) -> UpstreamError {
    if let Some(error) = error::in_any_form(response, diagnostics) {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
        return error;
    }
    if response.get("choices").is_some() || response.str("object").as_deref() == Some("chat.completion") {
        return UpstreamError::Empty;
    }
    foreign_object(response)
}

/// Takes a message that has no choices around it; returns an object with it as the only one of its `choices`.
fn take_top_level_message(response: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let message =
        response.non_null("message").filter(|m| value_kind(m) == ValueKind::Object).map(str::to_owned)?;
    diagnostics.record(DiagnosticCode::MessageAsDelta, "message", "no choices around it");
    response.remove("message");
    response.remove("choices");
    let reason = response.remove("done_reason").filter(|r| value_kind(r) == ValueKind::String);
    let reason = reason.map(|r| format!(r#","finish_reason":{r}"#)).unwrap_or_default();
    Some(format!(r#"{{"choices":[{{"index":0,"message":{message}{reason}}}]}}"#))
}

/// How a message calls tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallForm {
    None,
    ToolCalls,
    /// The legacy `function_call`.
    FunctionCall,
}

/// The repair of one response.
struct CompletionRepair<'r> {
    spec: &'r ResponseSpec,
    context: &'r mut ResponseContext,
    summary: ResponseSummary,
    diagnostics: &'r mut Diagnostics,
}

impl CompletionRepair<'_> {
    /// Repairs the choice at `at` in its list. Returns its message: where that is changed, the choice has only a placeholder
    /// for it, so that the message is written once.
    fn choice<'a>(
        &mut self,
        choice: &mut Object<'a>,
        message: Option<Object<'a>>,
        at: usize,
    ) -> Result<Object<'a>, UpstreamError> {
        if choice.u64("index").is_none() {
            self.diagnostics.record(DiagnosticCode::FieldFilled, "choices[].index", "");
            choice.set("index", at.to_string());
        }
        let mut message = message.unwrap_or_else(|| take_other_message(choice, self.diagnostics));
        let mut reason = self.read_reason(choice)?;
        let is_cut = matches!(reason, ReasonClass::Named("length") | ReasonClass::Unknown);
        if message.str("role").as_deref() != Some("assistant") {
            self.diagnostics.record(DiagnosticCode::RoleFilled, "choices[].message.role", "");
            message.set_first("role", "\"assistant\"");
        }
        content::repair(&mut message, "choices[].message", self.diagnostics);
        if !text_extractor::is_unneeded(&message, self.spec)
            && self.extract_text(&mut message, is_cut, &reason)
        {
            reason = ReasonClass::Named("stop");
        }
        let calls =
            if completion_tool_calls::repair(&mut message, self.spec, self.context, is_cut, self.diagnostics)
            {
                CallForm::ToolCalls
            } else if message.non_null("function_call").is_some() {
                legacy_call::repair_in_message(&mut message, self.diagnostics);
                CallForm::FunctionCall
            } else {
                CallForm::None
            };
        self.fill_message(&mut message, calls);
        if message.is_changed() {
            choice.set("message", "{}");
        }
        logprobs::repair(choice, self.diagnostics);
        let finish = self.finish_reason(choice, &reason, calls)?;
        let is_answer = calls != CallForm::None
            || has_text(&message, "content")
            || message.non_null("audio").is_some()
            || message.non_null("images").is_some();
        self.summary.answer |= is_answer;
        let has_reasoning = has_text(&message, "reasoning_content");
        self.summary.reasoning |= has_reasoning;
        self.summary.content |= is_answer || has_reasoning;
        self.summary.refusal |= has_text(&message, "refusal");
        if at == 0 {
            self.summary.finish = Some(finish);
        }
        Ok(message)
    }

    /// Takes reasoning, tool calls and stop sequences out of a message's text; returns whether a stop sequence matched.
    fn extract_text(&mut self, message: &mut Object<'_>, is_cut: bool, reason: &ReasonClass) -> bool {
        let mut extractor = ChatTextExtractor::new(self.spec);
        let end = if *reason == ReasonClass::Named("stop") { TextEnd::Complete } else { TextEnd::Cut };
        let mut extracted = extractor.extract(message, end, "choices[].message", self.diagnostics);
        extracted.calls.retain(|call| !completion_tool_calls::contains(message, &call.name, &call.arguments));
        add_calls(message, &extracted.calls, None, self.context);
        if !is_cut && !extractor.matches_json(self.spec.required_json_fields.as_deref()) {
            self.diagnostics.record(DiagnosticCode::JsonInvalid, "choices[].message.content", "");
        }
        extracted.is_stopped
    }

    /// Fills `content` and `refusal`: the content is null beside calls and in place of nothing but a refusal or audio, and
    /// a string otherwise.
    fn fill_message(&mut self, message: &mut Object<'_>, calls: CallForm) {
        let has_calls = calls != CallForm::None;
        let content = message.get("content");
        let is_missing = content.is_none();
        let is_empty = content.is_some_and(|c| c.trim() == "\"\"");
        let is_null = content.is_some_and(|c| value_kind(c) == ValueKind::Null);
        let may_be_null = has_calls || has_text(message, "refusal") || message.non_null("audio").is_some();
        if may_be_null && (is_missing || (has_calls && is_empty)) {
            self.diagnostics.record(DiagnosticCode::FieldFilled, "choices[].message.content", "");
            message.set("content", "null");
        } else if !may_be_null && (is_missing || is_null) {
            self.diagnostics.record(DiagnosticCode::FieldFilled, "choices[].message.content", "");
            message.set("content", "\"\"");
        }
        if message.get("refusal").is_none() {
            self.diagnostics.record(DiagnosticCode::FieldFilled, "choices[].message.refusal", "");
            message.set("refusal", "null");
        }
    }

    /// Reads the upstream's finish reason.
    fn read_reason(&mut self, choice: &Object<'_>) -> Result<ReasonClass, UpstreamError> {
        if let Some(error) = finish_reason::stated_error(choice, self.diagnostics) {
            return Err(error);
        }
        let Some(name) = choice.str("finish_reason").filter(|name| !name.is_empty()) else {
            return Ok(ReasonClass::None);
        };
        match finish_reason::classify(&name, FINISH_REASON_PATH, self.diagnostics) {
            ReasonClass::Failed(error) => Err(error),
            class => Ok(class),
        }
    }

    /// Writes the finish reason that fits the message.
    fn finish_reason(
        &mut self,
        choice: &mut Object<'_>,
        upstream: &ReasonClass,
        calls: CallForm,
    ) -> Result<FinishReason, UpstreamError> {
        let reason = match upstream {
            ReasonClass::Named(name) => name,
            ReasonClass::Unknown => "length",
            ReasonClass::Failed(_) | ReasonClass::None => {
                self.diagnostics.record(DiagnosticCode::FinishReasonDerived, FINISH_REASON_PATH, "");
                match calls {
                    CallForm::FunctionCall => "function_call",
                    CallForm::ToolCalls => "tool_calls",
                    CallForm::None => "stop",
                }
            }
        };
        let reconciled = match calls {
            CallForm::FunctionCall => reason,
            _ => finish_reason::reconcile(reason, calls == CallForm::ToolCalls, self.spec.named_tool),
        };
        if reconciled != reason && calls == CallForm::None {
            self.diagnostics.record(DiagnosticCode::ToolCallsMissing, FINISH_REASON_PATH, reason);
            if !self.spec.tools.is_empty() {
                return Err(UpstreamError::calls_missing(reason));
            }
        } else if reconciled != reason {
            self.diagnostics.record(DiagnosticCode::FinishReasonDerived, FINISH_REASON_PATH, "");
        }
        let unknown = match upstream {
            ReasonClass::Unknown => choice.str("finish_reason").map(std::borrow::Cow::into_owned),
            _ => None,
        };
        if choice.str("finish_reason").as_deref() != Some(reconciled) {
            choice.set("finish_reason", format!("\"{reconciled}\""));
        }
        Ok(unknown.map_or_else(|| super::super::finish_reason::parse(reconciled), FinishReason::Unknown))
    }

    /// Repairs the token counts, and fills missing ones with zeros.
    fn usage(&mut self, response: &mut Object<'_>) {
        match response.get("usage").filter(|value| value_kind(value) == ValueKind::Object) {
            Some(json) => {
                let repaired = usage::repair(json, self.diagnostics);
                self.summary.usage = repaired.reported;
                if let Some(json) = repaired.json {
                    response.set("usage", json);
                }
            }
            None => match in_vendor_object(response) {
                Some(json) => {
                    self.diagnostics.record(DiagnosticCode::UsageMoved, "usage", "");
                    let repaired = usage::repair(&json, self.diagnostics);
                    self.summary.usage = repaired.reported;
                    response.set("usage", repaired.json.unwrap_or(json));
                }
                None => {
                    self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
                    response.set("usage", r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#);
                }
            },
        }
    }
}

/// Takes the message of a choice that calls it `delta` or `text`.
fn take_other_message<'a>(choice: &mut Object<'a>, diagnostics: &mut Diagnostics) -> Object<'a> {
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
