//! One choice of a response or chunk: as the upstream sent it in, repaired out.

use super::super::completion_writer::write_choice;
use super::super::{finish_reason, logprobs};
use crate::canonical::{BlockKind, Delta, DiagnosticCode, Diagnostics, Event, FinishReason, ResponseSummary};
use crate::dialect::openai_error::in_any_form;
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, decode_string, string_or_json, value_kind};

/// The fields that are read; others are kept raw.
const KNOWN_FIELDS: [&str; 7] = ["text", "index", "logprobs", "finish_reason", "message", "delta", "role"];

/// A choice after its repair.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct RepairedChoice {
    pub(in super::super) index: u32,
    pub(in super::super) text: String,
    /// JSON in this dialect's shape.
    pub(in super::super) logprobs: Option<String>,
    /// OpenAI's name for the finish reason.
    pub(in super::super) finish_reason: Option<&'static str>,
    /// The upstream's finish reason, where it is not known.
    pub(in super::super) unknown_reason: Option<String>,
    /// The finish reason means that the choice was interrupted or failed.
    pub(in super::super) failure: Option<UpstreamError>,
    /// Other fields, raw.
    pub(in super::super) extra: Vec<(String, String)>,
    /// It came as OpenAI sends it.
    pub(in super::super) is_strict: bool,
    /// It has an empty finish reason: the upstream states that more of the choice follows.
    pub(in super::super) is_unfinished: bool,
}

impl RepairedChoice {
    /// Reads the choice at `at` in its list.
    pub(super) fn read(object: &Object<'_>, at: usize, diagnostics: &mut Diagnostics) -> Self {
        let mut choice = Self { is_strict: true, ..Self::default() };
        choice.index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or_else(|| {
            diagnostics.record(DiagnosticCode::FieldFilled, "choices[].index", "");
            choice.is_strict = false;
            u32::try_from(at).unwrap_or_default()
        });
        choice.read_text(object, diagnostics);
        choice.read_logprobs(object, diagnostics);
        choice.read_finish_reason(object, diagnostics);
        choice.extra.extend(
            object
                .iter()
                .filter(|(key, _)| !KNOWN_FIELDS.contains(key))
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        choice
    }

    fn read_text(&mut self, object: &Object<'_>, diagnostics: &mut Diagnostics) {
        if let Some(text) = object.get("text").filter(|value| value_kind(value) == ValueKind::String) {
            self.text = decode_string(text).unwrap_or_default().into_owned();
            self.is_strict &= object.get("message").is_none() && object.get("delta").is_none();
            if !self.text.is_empty() || self.is_strict {
                return;
            }
        }
        self.is_strict = false;
        match object.object("message").or_else(|| object.object("delta")) {
            Some(message) => {
                diagnostics.record(DiagnosticCode::CompletionReshaped, "choices[]", "chat's");
                self.text = message
                    .get("content")
                    .map(|content| string_or_json(content).into_owned())
                    .unwrap_or_default();
                for key in ["reasoning_content", "tool_calls", "refusal"] {
                    let value = message.non_null(key).filter(|v| !matches!(v.trim(), "\"\"" | "[]"));
                    if value.is_some() {
                        diagnostics.record(
                            DiagnosticCode::FeatureUnsupported,
                            &format!("choices[].{key}"),
                            "",
                        );
                    }
                }
            }
            None => {
                diagnostics.record(DiagnosticCode::FieldFilled, "choices[].text", "");
                self.text =
                    object.get("text").map(|text| string_or_json(text).into_owned()).unwrap_or_default();
            }
        }
    }

    fn read_logprobs(&mut self, object: &Object<'_>, diagnostics: &mut Diagnostics) {
        match object.get("logprobs") {
            Some(value) if value_kind(value) == ValueKind::Null => {}
            Some(value) if logprobs::is_strict(value) => self.logprobs = Some(value.to_owned()),
            Some(value) => {
                self.is_strict = false;
                match logprobs::read(value) {
                    Some(read) => {
                        diagnostics.record(DiagnosticCode::CompletionReshaped, "choices[].logprobs", "");
                        self.logprobs = Some(logprobs::write(&read, 0).json);
                    }
                    None => diagnostics.record(DiagnosticCode::FieldDropped, "choices[].logprobs", ""),
                }
            }
            None => {
                self.is_strict = false;
                diagnostics.record(DiagnosticCode::FieldFilled, "choices[].logprobs", "");
            }
        }
    }

    fn read_finish_reason(&mut self, object: &Object<'_>, diagnostics: &mut Diagnostics) {
        let error = object.object("error").filter(|error| !error.is_empty());
        if let Some(error) = error.and_then(|_| in_any_form(object, diagnostics)) {
            (self.is_unfinished, self.is_strict) = (true, false);
            self.failure = Some(error);
            return;
        }
        let Some(value) = object.get("finish_reason") else {
            self.is_strict = false;
            return;
        };
        let upstream_name = string_or_json(value);
        if upstream_name.is_empty() {
            self.is_unfinished = true;
            self.is_strict &= value_kind(value) == ValueKind::Null;
            return;
        }
        let Some(reason) = FinishReason::read(&upstream_name) else {
            (self.is_unfinished, self.is_strict) = (true, false);
            return;
        };
        let name = finish_reason::name(&reason);
        if upstream_name != name {
            self.is_strict = false;
            let code = match reason {
                FinishReason::Failed { .. } => DiagnosticCode::FinishReasonFailed,
                FinishReason::Unknown(_) => DiagnosticCode::FinishReasonUnknown,
                _ => DiagnosticCode::FinishReasonMapped,
            };
            diagnostics.record(code, "choices[].finish_reason", &upstream_name);
        }
        match reason {
            FinishReason::Failed { word, message } => {
                (self.is_unfinished, self.is_strict) = (true, false);
                self.failure = Some(UpstreamError::failed(&word, message.as_deref()));
            }
            FinishReason::Unknown(word) => {
                self.finish_reason = Some(name);
                self.unknown_reason = Some(word);
            }
            _ => self.finish_reason = Some(name),
        }
    }

    /// Writes the choice as OpenAI does.
    pub(in super::super) fn write(&self) -> String {
        write_choice(self.index, &self.text, self.logprobs.as_deref(), self.finish_reason, &self.extra)
    }
}

/// Records a choice in the response's summary.
pub(in super::super) fn record_choice(choice: &RepairedChoice, summary: &mut ResponseSummary) {
    if !choice.text.is_empty() {
        let text = Delta::Text(choice.text.clone());
        summary.event(&Event::Open { choice: choice.index, block: 0, kind: BlockKind::Text });
        summary.event(&Event::Delta { choice: choice.index, block: 0, delta: text });
    }
    if let Some(name) = choice.finish_reason {
        let unknown = choice.unknown_reason.clone().map(FinishReason::Unknown);
        let reason = unknown.unwrap_or_else(|| finish_reason::parse(name));
        summary.event(&Event::Finish { choice: choice.index, reason });
    }
}
