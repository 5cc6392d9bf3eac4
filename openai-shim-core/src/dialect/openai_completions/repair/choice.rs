//! One choice of an answer or a chunk, in whatever shape it came.

use super::super::logprobs;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, decode_string, encode_string, string_or_json, value_kind};

/// What one choice says.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct RepairedChoice {
    pub(in super::super) index: u32,
    pub(in super::super) text: String,
    /// In this dialect's shape.
    pub(in super::super) logprobs: Option<String>,
    /// Why it ended, in this dialect's word.
    pub(in super::super) finish: Option<&'static str>,
    /// Other members, raw.
    pub(in super::super) extra: Vec<(String, String)>,
    /// It came as OpenAI sends it.
    pub(in super::super) strict: bool,
    /// It says of itself that it goes on.
    pub(in super::super) goes_on: bool,
}

/// The words of upstreams for why an answer ended, in lower case, and OpenAI's for them.
const WORDS: &[(&str, &str)] = &[
    ("stop", "stop"),
    ("eos", "stop"),
    ("eos_token", "stop"),
    ("end", "stop"),
    ("end_turn", "stop"),
    ("complete", "stop"),
    ("completed", "stop"),
    ("done", "stop"),
    ("stop_sequence", "stop"),
    ("stop_token", "stop"),
    ("tool_calls", "stop"),
    ("length", "length"),
    ("max_tokens", "length"),
    ("max_output_tokens", "length"),
    ("max_length", "length"),
    ("model_length", "length"),
    ("content_filter", "content_filter"),
    ("sensitive", "content_filter"),
    ("safety", "content_filter"),
    ("content_filtered", "content_filter"),
    ("refusal", "content_filter"),
];

impl RepairedChoice {
    /// Reads a choice that stands at `at` in its list.
    pub(super) fn read(
        object: &Object<'_>,
        at: usize,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, UpstreamError> {
        let mut piece = Self { strict: true, ..Self::default() };
        piece.index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or_else(|| {
            diagnostics.record(DiagnosticCode::FieldFilled, "choices[].index", "");
            piece.strict = false;
            u32::try_from(at).unwrap_or_default()
        });
        piece.read_text(object, diagnostics);
        piece.read_logprobs(object, diagnostics);
        piece.read_finish(object, diagnostics)?;
        piece.extra.extend(
            object
                .iter()
                .filter(|(key, _)| !KNOWN.contains(key))
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        Ok(piece)
    }

    fn read_text(&mut self, object: &Object<'_>, diagnostics: &mut Diagnostics) {
        if let Some(own) = object.get("text").filter(|value| value_kind(value) == ValueKind::String) {
            self.text = decode_string(own).unwrap_or_default().into_owned();
            self.strict &= object.get("message").is_none() && object.get("delta").is_none();
            if !self.text.is_empty() || self.strict {
                return;
            }
        }
        self.strict = false;
        let chat = object.object("message").or_else(|| object.object("delta"));
        match chat {
            Some(said) => {
                diagnostics.record(DiagnosticCode::CompletionReshaped, "choices[]", "chat's");
                self.text = said
                    .get("content")
                    .map(|content| string_or_json(content).into_owned())
                    .unwrap_or_default();
                for key in ["reasoning_content", "tool_calls", "refusal"] {
                    let value = said.non_null(key).filter(|v| !matches!(v.trim(), "\"\"" | "[]"));
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
                    object.get("text").map(|own| string_or_json(own).into_owned()).unwrap_or_default();
            }
        }
    }

    fn read_logprobs(&mut self, object: &Object<'_>, diagnostics: &mut Diagnostics) {
        match object.get("logprobs") {
            Some(value) if value_kind(value) == ValueKind::Null => {}
            Some(value) if logprobs::is_strict(value) => self.logprobs = Some(value.to_owned()),
            Some(value) => {
                self.strict = false;
                match logprobs::read(value) {
                    Some(read) => {
                        diagnostics.record(DiagnosticCode::CompletionReshaped, "choices[].logprobs", "");
                        self.logprobs = Some(logprobs::write(&read, 0).0);
                    }
                    None => diagnostics.record(DiagnosticCode::FieldDropped, "choices[].logprobs", ""),
                }
            }
            None => {
                self.strict = false;
                diagnostics.record(DiagnosticCode::FieldFilled, "choices[].logprobs", "");
            }
        }
    }

    fn read_finish(
        &mut self,
        object: &Object<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), UpstreamError> {
        let Some(value) = object.get("finish_reason") else {
            self.strict = false;
            return Ok(());
        };
        let given = string_or_json(value);
        if given.is_empty() {
            self.goes_on = true;
            self.strict &= value_kind(value) == ValueKind::Null;
            return Ok(());
        }
        let lower = given.to_ascii_lowercase();
        if matches!(lower.as_str(), "error" | "network_error" | "abort") {
            return Err(UpstreamError::malformed("The upstream ended its answer with an error."));
        }
        let word = WORDS.iter().find(|(word, _)| *word == lower).map_or("stop", |(_, own)| *own);
        if given != word {
            self.strict = false;
            diagnostics.record(DiagnosticCode::FinishReasonMapped, "choices[].finish_reason", &given);
        }
        self.finish = Some(word);
        Ok(())
    }

    /// As a choice of OpenAI's.
    pub(in super::super) fn write(&self) -> String {
        super::write_choice(self.index, &self.text, self.logprobs.as_deref(), self.finish, &self.extra)
    }
}

/// Members that are read.
const KNOWN: [&str; 7] = ["text", "index", "logprobs", "finish_reason", "message", "delta", "role"];

/// Writes one choice.
pub(in super::super) fn write(
    index: u32,
    text: &str,
    logprobs: Option<&str>,
    finish: Option<&str>,
    extra: &[(String, String)],
) -> String {
    let mut object = Object::new();
    object.set("text", encode_string(text));
    object.set("index", index.to_string());
    object.set("logprobs", logprobs.unwrap_or("null").to_owned());
    object.set("finish_reason", finish.map_or_else(|| String::from("null"), encode_string));
    for (key, value) in extra.iter().filter(|(key, _)| !key.starts_with('.')) {
        object.set(key.clone(), value.clone());
    }
    object.to_json()
}
