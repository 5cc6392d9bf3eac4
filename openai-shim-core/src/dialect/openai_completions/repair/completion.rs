//! An object with choices, which is a response or a chunk: as the upstream sent it in, repaired out.

use super::super::completion_writer::CompletionIdentity;
use super::super::prompt_echo::{is_same_dialect, requested_prompt};
use super::super::usage;
use super::choice::RepairedChoice;
use crate::canonical::{
    DiagnosticCode, Diagnostics, NumberedList, ResponseContext, ResponseSpec, Usage, time,
};
use crate::dialect::listed_objects::{CHOICE, list_object};
use crate::error::UpstreamError;
use crate::extract::StopMatcher;
use crate::json::{Object, ValueKind, decode_string, value_kind};

/// The most choices of one object.
const MAX_CHOICES: usize = 4096;

/// The fields that are read; others are kept raw.
const KNOWN_FIELDS: [&str; 7] = ["id", "object", "created", "model", "choices", "usage", "error"];

/// The fields with a text in objects without choices, as servers of other completion APIs send them.
const TEXT_FIELDS: [&str; 4] = ["value", "content", "response", "generated_text"];

/// A response or chunk after its repair.
#[derive(Debug, Default)]
pub(in super::super) struct RepairedCompletion {
    pub(in super::super) choices: Vec<RepairedChoice>,
    pub(in super::super) usage: Option<RepairedUsage>,
    /// Other fields, raw.
    pub(in super::super) extra: Vec<(String, String)>,
    /// Everything but its choices came as OpenAI sends it.
    pub(in super::super) has_strict_fields: bool,
}

/// Token counts after their repair.
#[derive(Debug)]
pub(in super::super) struct RepairedUsage {
    pub(in super::super) counts: Usage,
    /// JSON in OpenAI's shape.
    pub(in super::super) json: String,
}

impl RepairedCompletion {
    /// Whether it came as OpenAI sends it.
    pub(in super::super) fn is_strict(&self) -> bool {
        self.has_strict_fields && self.choices.iter().all(|choice| choice.is_strict)
    }
}

/// Reads and repairs the objects of one response or stream.
pub(in super::super) struct CompletionReader {
    pub(in super::super) spec: ResponseSpec,
    context: ResponseContext,
    pub(in super::super) diagnostics: Diagnostics,
    /// The values that came first; they hold for the whole response.
    identity: Option<CompletionIdentity>,
    /// The stop sequences that are applied here, by choice.
    stops: NumberedList<ChoiceStops>,
}

/// The stop sequences of one choice.
struct ChoiceStops {
    matcher: StopMatcher,
    /// The bytes of the echoed prompt that are still to come: stop sequences do not apply to the prompt.
    prompt_bytes: usize,
}

impl CompletionReader {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            spec,
            context,
            diagnostics: Diagnostics::default(),
            identity: None,
            stops: NumberedList::default(),
        }
    }

    /// Reads one object.
    pub(in super::super) fn read(
        &mut self,
        object: &Object<'_>,
    ) -> Result<RepairedCompletion, UpstreamError> {
        let mut completion = RepairedCompletion { has_strict_fields: true, ..RepairedCompletion::default() };
        let mut known = KNOWN_FIELDS.to_vec();
        let mut listed = None;
        if object.get("choices").is_some_and(|choices| value_kind(choices) == ValueKind::Object) {
            let mut object = object.clone();
            completion.has_strict_fields = false;
            list_object(&mut object, "choices", CHOICE, "choices", &mut self.diagnostics);
            listed = Some(object);
        }
        let object = listed.as_ref().unwrap_or(object);
        match object.array("choices") {
            Some(items) => self.read_choices(&items, &mut completion),
            None => known.extend(self.read_top_level_text(object, &mut completion)),
        }
        self.read_identity(object, &mut completion);
        self.read_usage(object, &mut completion);
        if object.get("error").is_some() {
            self.diagnostics.record(DiagnosticCode::NullDropped, "error", "");
            completion.has_strict_fields = false;
        }
        for (key, value) in object.iter().filter(|(key, _)| !known.contains(key)) {
            if key == "system_fingerprint"
                && !matches!(value_kind(value), ValueKind::String | ValueKind::Null)
            {
                self.diagnostics.record(DiagnosticCode::FieldDropped, key, "");
                completion.has_strict_fields = false;
                continue;
            }
            completion.extra.push((key.to_owned(), value.to_owned()));
        }
        if !self.spec.local_stops.is_empty() {
            completion.choices.iter_mut().for_each(|choice| self.apply_stops(choice));
        }
        Ok(completion)
    }

    fn read_choices(&mut self, items: &[&str], completion: &mut RepairedCompletion) {
        for (at, item) in items.iter().enumerate() {
            match Object::parse(item.as_bytes()) {
                Ok(choice) if at < MAX_CHOICES => {
                    completion.choices.push(RepairedChoice::read(&choice, at, &mut self.diagnostics));
                }
                _ => {
                    self.diagnostics.record(DiagnosticCode::FieldDropped, "choices[]", "");
                    completion.has_strict_fields = false;
                }
            }
        }
    }

    /// Reads an object without choices that has a text; returns the fields that were read.
    fn read_top_level_text(
        &mut self,
        object: &Object<'_>,
        completion: &mut RepairedCompletion,
    ) -> Vec<&'static str> {
        completion.has_strict_fields = false;
        let is_text = |key: &&str| object.get(key).is_some_and(|v| value_kind(v) == ValueKind::String);
        let Some(key) = TEXT_FIELDS.into_iter().find(is_text) else { return Vec::new() };
        self.diagnostics.record(DiagnosticCode::CompletionReshaped, "", key);
        let is_limited =
            object.str("stop_type").as_deref() == Some("limit") || object.bool("stopped_limit") == Some(true);
        let ends = object.bool("stop").or_else(|| object.bool("done"));
        let mut choice = RepairedChoice { is_unfinished: ends == Some(false), ..RepairedChoice::default() };
        choice.text = object.str(key).unwrap_or_default().into_owned();
        choice.finish_reason = (ends == Some(true)).then_some(if is_limited { "length" } else { "stop" });
        completion.choices.push(choice);
        vec![key, "stop", "done"]
    }

    fn read_identity(&mut self, object: &Object<'_>, completion: &mut RepairedCompletion) {
        let diagnostics = &mut self.diagnostics;
        let mut record = |code: DiagnosticCode, field_path: &str| {
            diagnostics.record(code, field_path, "");
            completion.has_strict_fields = false;
        };
        if object.str("object").as_deref() != Some("text_completion") {
            record(DiagnosticCode::ObjectFilled, "object");
        }
        let pinned = self.identity.take();
        let id = object.get("id").and_then(decode_string).filter(|id| !id.is_empty());
        let id = match (id, &pinned) {
            (Some(id), Some(pinned)) if id == pinned.id => id.into_owned(),
            (Some(id), None) => id.into_owned(),
            (Some(_), Some(pinned)) => {
                record(DiagnosticCode::IdPinned, "id");
                pinned.id.clone()
            }
            (None, pinned) => {
                record(DiagnosticCode::IdSynthesized, "id");
                pinned.as_ref().map_or_else(|| self.context.new_id("cmpl-"), |pinned| pinned.id.clone())
            }
        };
        let in_seconds = object.u64("created").filter(|time| time::to_seconds(*time) == *time);
        let created = match (in_seconds, &pinned) {
            (Some(created), Some(pinned)) if created == pinned.created => created,
            (Some(created), None) => created,
            (Some(_), Some(pinned)) => {
                record(DiagnosticCode::IdPinned, "created");
                pinned.created
            }
            (None, pinned) => {
                record(DiagnosticCode::CreatedFilled, "created");
                let pinned = pinned.as_ref().map(|pinned| pinned.created);
                let time = object.get("created").and_then(time::read_seconds);
                pinned.or(time).unwrap_or(self.spec.created)
            }
        };
        let model = object.get("model").and_then(decode_string).filter(|model| !model.is_empty());
        let model = match (model, &pinned) {
            (model, _) if self.spec.restore_alias => {
                completion.has_strict_fields &= model.as_deref() == Some(self.spec.model.as_str());
                self.spec.model.clone()
            }
            (Some(model), Some(pinned)) if model == pinned.model => model.into_owned(),
            (Some(model), None) => model.into_owned(),
            (Some(_), Some(pinned)) => {
                record(DiagnosticCode::IdPinned, "model");
                pinned.model.clone()
            }
            (None, pinned) => {
                record(DiagnosticCode::ModelFilled, "model");
                pinned.as_ref().map_or_else(|| self.spec.model.clone(), |pinned| pinned.model.clone())
            }
        };
        self.identity = Some(CompletionIdentity { id, created, model });
    }

    fn read_usage(&mut self, object: &Object<'_>, completion: &mut RepairedCompletion) {
        let Some(raw) = object.non_null("usage") else { return };
        let Some(counts) = usage::read(raw) else {
            self.diagnostics.record(DiagnosticCode::FieldDropped, "usage", "");
            completion.has_strict_fields = false;
            return;
        };
        let json = if usage::is_strict(raw) {
            raw.to_owned()
        } else {
            self.diagnostics.record(DiagnosticCode::UsageShaped, "usage", "");
            completion.has_strict_fields = false;
            usage::write(counts)
        };
        completion.usage = Some(RepairedUsage { counts, json });
    }

    /// Returns the identity of the response; makes one if no object came.
    pub(in super::super) fn identity(&mut self) -> CompletionIdentity {
        let (spec, context, identity) = (&self.spec, &mut self.context, &mut self.identity);
        identity
            .get_or_insert_with(|| CompletionIdentity {
                id: context.new_id("cmpl-"),
                created: spec.created,
                model: spec.model.clone(),
            })
            .clone()
    }

    /// Ends a choice's text before a stop sequence that the upstream was not sent.
    fn apply_stops(&mut self, choice: &mut RepairedChoice) {
        let stops = self.stops.get_or_insert_with(choice.index, || ChoiceStops {
            matcher: StopMatcher::new(self.spec.local_stops.clone()),
            prompt_bytes: if is_same_dialect(&self.spec) {
                requested_prompt(&self.spec).map_or(0, |prompt| prompt.len())
            } else {
                0
            },
        });
        let start = stops.prompt_bytes.min(choice.text.len());
        let (prompt, text) = choice.text.split_at_checked(start).unwrap_or(("", choice.text.as_str()));
        stops.prompt_bytes -= start;
        let (mut out, was_stopped) = (prompt.to_owned(), stops.matcher.is_stopped());
        let matches = stops.matcher.push(text, &mut out);
        if choice.finish_reason.is_some() && !matches {
            stops.matcher.finish(&mut out);
        }
        if was_stopped {
            // Text after a stop sequence is not part of the output.
            choice.finish_reason = None;
            choice.logprobs = None;
            choice.is_strict = false;
        } else if matches {
            choice.finish_reason = Some("stop");
            choice.is_strict = false;
        }
        if out != choice.text {
            choice.is_strict = false;
            choice.text = out;
        }
    }

    /// Whether stop sequences applied here ended every choice.
    pub(super) fn all_stopped(&self) -> bool {
        self.stops.len() >= self.spec.n.max(1) as usize
            && self.stops.iter().all(|(_, stops)| stops.matcher.is_stopped())
    }

    /// Returns the text that was withheld because it might have been the beginning of a stop sequence.
    pub(in super::super) fn take_withheld(&mut self) -> Vec<RepairedChoice> {
        let mut out = Vec::new();
        for (index, stops) in self.stops.iter_mut() {
            let mut text = String::new();
            stops.matcher.finish(&mut text);
            if !text.is_empty() {
                out.push(RepairedChoice { index, text, ..RepairedChoice::default() });
            }
        }
        out
    }
}
