//! An object with choices: a whole answer or one chunk of a stream, which have one shape here.

use super::super::{is_own, prompt, usage};
use super::RepairedChoice;
use crate::canonical::{DiagnosticCode, Diagnostics, NumberedList, ResponseContext, ResponseSpec, Usage};
use crate::error::UpstreamError;
use crate::extract::StopMatcher;
use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};

/// Who answered, and when. The first values hold for the whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct CompletionIdentity {
    pub(in super::super) id: String,
    pub(in super::super) created: u64,
    pub(in super::super) model: String,
}

/// What one object says.
#[derive(Debug, Default)]
pub(in super::super) struct RepairedCompletion {
    pub(in super::super) pieces: Vec<RepairedChoice>,
    /// Token counts, and their JSON in OpenAI's shape.
    pub(in super::super) usage: Option<(Usage, String)>,
    /// Other members, raw.
    pub(in super::super) extra: Vec<(String, String)>,
    /// Everything but its choices is as OpenAI sends it.
    pub(in super::super) strict: bool,
}

impl RepairedCompletion {
    /// Whether nothing of it needs mending.
    pub(in super::super) fn is_strict(&self) -> bool {
        self.strict && self.pieces.iter().all(|piece| piece.strict)
    }
}

/// Reads the objects of one answer.
pub(in super::super) struct CompletionReader {
    pub(in super::super) spec: ResponseSpec,
    pub(in super::super) context: ResponseContext,
    pub(in super::super) diagnostics: Diagnostics,
    head: Option<CompletionIdentity>,
    /// Stop sequences that are applied here, by choice; and how many bytes of the prompt come before the answer.
    stops: NumberedList<(StopMatcher, usize)>,
}

/// The most answers of one request.
const MOST: usize = 4096;

/// Members that are read.
const KNOWN: [&str; 7] = ["id", "object", "created", "model", "choices", "usage", "error"];

/// Members that hold a text where there are no choices, as servers of other completion APIs have them.
const TEXTS: [&str; 4] = ["value", "content", "response", "generated_text"];

impl CompletionReader {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            spec,
            context,
            diagnostics: Diagnostics::default(),
            head: None,
            stops: NumberedList::default(),
        }
    }

    /// Reads one object.
    pub(in super::super) fn read(
        &mut self,
        object: &Object<'_>,
    ) -> Result<RepairedCompletion, UpstreamError> {
        let mut answer = RepairedCompletion { strict: true, ..RepairedCompletion::default() };
        let mut read = KNOWN.to_vec();
        match object.array("choices") {
            Some(items) => self.choices(&items, &mut answer)?,
            None => read.extend(self.bare_text(object, &mut answer)),
        }
        self.read_head(object, &mut answer);
        self.read_usage(object, &mut answer);
        if object.get("error").is_some() {
            self.diagnostics.record(DiagnosticCode::NullDropped, "error", "");
            answer.strict = false;
        }
        for (key, value) in object.iter().filter(|(key, _)| !read.contains(key)) {
            if key == "system_fingerprint"
                && !matches!(value_kind(value), ValueKind::String | ValueKind::Null)
            {
                self.diagnostics.record(DiagnosticCode::FieldDropped, key, "");
                answer.strict = false;
                continue;
            }
            answer.extra.push((key.to_owned(), value.to_owned()));
        }
        if !self.spec.local_stops.is_empty() {
            answer.pieces.iter_mut().for_each(|piece| self.stop(piece));
        }
        Ok(answer)
    }

    fn choices(&mut self, items: &[&str], answer: &mut RepairedCompletion) -> Result<(), UpstreamError> {
        for (at, item) in items.iter().enumerate() {
            match Object::parse(item.as_bytes()) {
                Ok(choice) if at < MOST => {
                    answer.pieces.push(RepairedChoice::read(&choice, at, &mut self.diagnostics)?);
                }
                _ => {
                    self.diagnostics.record(DiagnosticCode::FieldDropped, "choices[]", "");
                    answer.strict = false;
                }
            }
        }
        Ok(())
    }

    /// An object without choices may be a text all the same; the members that were read.
    fn bare_text(&mut self, object: &Object<'_>, answer: &mut RepairedCompletion) -> Vec<&'static str> {
        answer.strict = false;
        let found = TEXTS
            .iter()
            .copied()
            .find(|key| object.get(key).is_some_and(|v| value_kind(v) == ValueKind::String));
        let Some(key) = found else { return Vec::new() };
        self.diagnostics.record(DiagnosticCode::CompletionReshaped, "", key);
        let limited =
            object.str("stop_type").as_deref() == Some("limit") || object.bool("stopped_limit") == Some(true);
        let ends = object.bool("stop").or_else(|| object.bool("done"));
        let mut piece = RepairedChoice { goes_on: ends == Some(false), ..RepairedChoice::default() };
        piece.text = object.str(key).unwrap_or_default().into_owned();
        piece.finish = (ends == Some(true)).then_some(if limited { "length" } else { "stop" });
        answer.pieces.push(piece);
        vec![key, "stop", "done"]
    }

    fn read_head(&mut self, object: &Object<'_>, answer: &mut RepairedCompletion) {
        let diagnostics = &mut self.diagnostics;
        let mut wrong = |code: DiagnosticCode, path: &str| {
            diagnostics.record(code, path, "");
            answer.strict = false;
        };
        if object.str("object").as_deref() != Some("text_completion") {
            wrong(DiagnosticCode::ObjectFilled, "object");
        }
        let pinned = self.head.clone();
        let id = object.get("id").and_then(decode_string).filter(|id| !id.is_empty());
        let id = match (id, &pinned) {
            (Some(id), Some(head)) if id == head.id => id.into_owned(),
            (Some(id), None) => id.into_owned(),
            (Some(_), Some(head)) => {
                wrong(DiagnosticCode::IdPinned, "id");
                head.id.clone()
            }
            (None, head) => {
                wrong(DiagnosticCode::IdSynthesized, "id");
                head.as_ref().map_or_else(|| self.context.new_id("cmpl-"), |head| head.id.clone())
            }
        };
        let given = object.get("created").map(|c| c.trim().trim_matches('"'));
        let whole = object.u64("created");
        let near = given.and_then(|c| c.parse::<f64>().ok()).filter(|c| *c >= 1.0 && *c < 1e12);
        let near = near.and_then(|c| format!("{:.0}", c.trunc()).parse().ok());
        let created = match (whole, &pinned) {
            (Some(created), Some(head)) if created == head.created => created,
            (Some(created), None) => created,
            (Some(_), Some(head)) => {
                wrong(DiagnosticCode::IdPinned, "created");
                head.created
            }
            (None, head) => {
                wrong(DiagnosticCode::CreatedFilled, "created");
                head.as_ref().map(|head| head.created).or(near).unwrap_or(self.spec.created)
            }
        };
        let model = object.get("model").and_then(decode_string).filter(|model| !model.is_empty());
        let model = match (model, &pinned) {
            (model, _) if self.spec.restore_alias => {
                answer.strict &= model.as_deref() == Some(self.spec.model.as_str());
                self.spec.model.clone()
            }
            (Some(model), Some(head)) if model == head.model => model.into_owned(),
            (Some(model), None) => model.into_owned(),
            (Some(_), Some(head)) => {
                wrong(DiagnosticCode::IdPinned, "model");
                head.model.clone()
            }
            (None, head) => {
                wrong(DiagnosticCode::ModelFilled, "model");
                head.as_ref().map_or_else(|| self.spec.model.clone(), |head| head.model.clone())
            }
        };
        self.head = Some(CompletionIdentity { id, created, model });
    }

    fn read_usage(&mut self, object: &Object<'_>, answer: &mut RepairedCompletion) {
        let Some(given) = object.non_null("usage") else { return };
        let Some(read) = usage::read(given) else {
            self.diagnostics.record(DiagnosticCode::FieldDropped, "usage", "");
            answer.strict = false;
            return;
        };
        let written = if usage::is_strict(given) {
            given.to_owned()
        } else {
            self.diagnostics.record(DiagnosticCode::UsageShaped, "usage", "");
            answer.strict = false;
            usage::write(read)
        };
        answer.usage = Some((read, written));
    }

    /// The head so far; a new one if nothing was read.
    pub(in super::super) fn head(&mut self) -> CompletionIdentity {
        let (spec, context, head) = (&self.spec, &mut self.context, &mut self.head);
        head.get_or_insert_with(|| CompletionIdentity {
            id: context.new_id("cmpl-"),
            created: spec.created,
            model: spec.model.clone(),
        })
        .clone()
    }

    /// Ends a text before a stop sequence that the upstream does not know.
    fn stop(&mut self, piece: &mut RepairedChoice) {
        let (stops, skip) = self.stops.get_or_insert_with(piece.index, || {
            let skip = if is_own(&self.spec) { prompt(&self.spec).map_or(0, |p| p.len()) } else { 0 };
            (StopMatcher::new(self.spec.local_stops.clone()), skip)
        });
        let begin = (*skip).min(piece.text.len());
        let (before, words) = piece.text.split_at_checked(begin).unwrap_or(("", piece.text.as_str()));
        *skip -= begin;
        let (mut out, over) = (before.to_owned(), stops.is_stopped());
        let stopped = stops.push(words, &mut out);
        if piece.finish.is_some() && !stopped {
            stops.finish(&mut out);
        }
        if over {
            // What follows a stop sequence was never said.
            piece.finish = None;
            piece.logprobs = None;
            piece.strict = false;
        } else if stopped {
            piece.finish = Some("stop");
            piece.strict = false;
        }
        if out != piece.text {
            piece.strict = false;
            piece.text = out;
        }
    }

    /// Whether every answer was ended here.
    pub(super) fn all_stopped(&self) -> bool {
        self.stops.len() >= self.spec.n.max(1) as usize && self.stops.iter().all(|(_, (s, _))| s.is_stopped())
    }

    /// What was held back because it might have been a stop sequence.
    pub(in super::super) fn release(&mut self) -> Vec<RepairedChoice> {
        let mut out = Vec::new();
        for (index, (stops, _)) in self.stops.iter_mut() {
            let mut text = String::new();
            stops.finish(&mut text);
            if !text.is_empty() {
                out.push(RepairedChoice { index, text, ..RepairedChoice::default() });
            }
        }
        out
    }
}

/// Writes an answer or a chunk.
pub(in super::super) fn write_object(
    head: &CompletionIdentity,
    choices: &[String],
    usage: Option<&str>,
    extra: &[(String, String)],
) -> String {
    let mut object = Object::new();
    object.set("id", encode_string(&head.id));
    object.set("object", "\"text_completion\"");
    object.set("created", head.created.to_string());
    object.set("model", encode_string(&head.model));
    object.set("choices", format!("[{}]", choices.join(",")));
    if let Some(usage) = usage {
        object.set("usage", usage);
    }
    for (key, value) in extra.iter().filter(|(key, _)| !key.starts_with('.')) {
        object.set(key.clone(), value.clone());
    }
    object.to_json()
}
