//! Events as a stream: server-sent events, or the items of a JSON array.
//!
//! <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>

use super::super::{Encoder, cited};
use super::{NAME, citations, error, finish_reason, parts, usage, wants_array};
use crate::canonical::{
    BlockKind, Citation, CitedSources, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList,
    ExtraFields, FinishReason, NumberedList, REASONING_DETAILS, ResponseContext, ResponseSpec, TextLength,
    Usage,
};
use crate::error::{Error, UpstreamError};
use crate::framing::write_event;
use crate::json::{Object, encode_string};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};

/// The form of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum StreamFraming {
    /// Server-sent events.
    Events,
    /// The items of a JSON array; whether one was written.
    Array(bool),
}

impl StreamFraming {
    pub(super) fn of(spec: &ResponseSpec) -> Self {
        if wants_array(spec) { Self::Array(false) } else { Self::Events }
    }

    /// Writes one chunk.
    pub(super) fn write(&mut self, json: &str, out: &mut Vec<u8>) {
        match self {
            Self::Events => write_event(out, |out| out.extend_from_slice(json.as_bytes())),
            Self::Array(begun) => {
                out.extend_from_slice(if *begun { b",\r\n" } else { b"[" });
                out.extend_from_slice(json.as_bytes());
                out.push(b'\n');
                *begun = true;
            }
        }
    }

    /// Nothing follows.
    pub(super) fn end(self, out: &mut Vec<u8>) {
        match self {
            Self::Events => {}
            Self::Array(begun) => out.extend_from_slice(if begun { b"]\n" } else { b"[]\n" }),
        }
    }
}

/// A candidate; one without a part gets an empty text, because clients count on parts.
pub(super) fn candidate(parts: &str, index: u32, finish: Option<String>) -> Object<'static> {
    let parts = if parts.is_empty() { r#"{"text":""}"# } else { parts };
    let mut object = Object::new();
    object.set("content", format!(r#"{{"parts":[{parts}],"role":"model"}}"#));
    if let Some(finish) = finish {
        object.set("finishReason", finish);
    }
    object.set("index", index.to_string());
    object
}

/// Writes a stream.
pub(super) struct GeminiEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    form: StreamFraming,
    id: String,
    model: String,
    started: bool,
    over: bool,
    choices: NumberedList<ChoiceWriter>,
    usage: Option<Usage>,
    /// What this dialect's own upstream said beside the counts.
    beside: Vec<(String, Box<RawValue>)>,
    /// Members of the answer as a whole, for the next chunk.
    extra: Vec<(String, String)>,
    /// The feedback on the prompt was said: without an answer it stands alone.
    feedback: bool,
}

struct ChoiceWriter {
    index: u32,
    open: BTreeMap<u32, BlockKind>,
    /// How long the text is, and was when its open block began.
    length: TextLength,
    from: TextLength,
    /// What the open block cites, and what the ones before it do.
    cited: Vec<Citation>,
    sources: Vec<(Citation, TextLength, TextLength)>,
    /// What the answer cites as a whole.
    beside: Vec<Citation>,
    /// The signature of the thinking that is open, and what is known of it.
    signed: (String, ExtraFields),
    /// Calls are sent whole, and in their order.
    calls: VecDeque<PendingCall>,
    finish: Option<String>,
    said: bool,
    extra: Vec<(String, String)>,
}

impl ChoiceWriter {
    /// The call of this number that is not sent yet: they stand in the order of their numbers.
    fn call(&mut self, block: u32) -> Option<&mut PendingCall> {
        let at = self.calls.binary_search_by_key(&block, |call| call.block).ok()?;
        self.calls.get_mut(at)
    }
}

struct PendingCall {
    block: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
    extra: ExtraFields,
    closed: bool,
}

const AT: &str = "candidates[].content.parts";

impl GeminiEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            form: StreamFraming::of(&spec),
            id: String::new(),
            model: spec.model.clone(),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            started: false,
            over: false,
            choices: NumberedList::default(),
            usage: None,
            beside: Vec::new(),
            extra: Vec::new(),
            feedback: false,
        }
    }

    fn choice(&mut self, index: u32) -> Option<&mut ChoiceWriter> {
        Some(self.choices.get_or_insert_with(index, || ChoiceWriter {
            index,
            open: BTreeMap::new(),
            signed: Default::default(),
            length: TextLength::default(),
            from: TextLength::default(),
            cited: Vec::new(),
            sources: Vec::new(),
            beside: Vec::new(),
            calls: VecDeque::new(),
            finish: None,
            said: false,
            extra: Vec::new(),
        }))
    }

    /// Writes one part of one answer.
    fn part(&mut self, index: u32, part: &str, out: &mut Vec<u8>) {
        let Some(choice) = self.choice(index) else { return };
        choice.said = true;
        let mut candidate = candidate(part, index, None);
        for (key, value) in std::mem::take(&mut choice.extra) {
            candidate.set(key, value);
        }
        self.chunk(Some(&candidate.to_json()), None, out);
    }

    fn chunk(&mut self, candidates: Option<&str>, usage: Option<String>, out: &mut Vec<u8>) {
        let mut chunk = Object::new();
        if let Some(candidates) = candidates {
            chunk.set("candidates", format!("[{candidates}]"));
        }
        for (key, value) in std::mem::take(&mut self.extra) {
            chunk.set(key, value);
        }
        if let Some(usage) = usage {
            chunk.set("usageMetadata", usage);
        }
        chunk.set("modelVersion", encode_string(&self.model));
        chunk.set("responseId", encode_string(&self.id));
        self.form.write(&chunk.to_json(), out);
    }

    fn open(&mut self, index: u32, block: u32, kind: &BlockKind) {
        if *kind == BlockKind::Refusal {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, AT, "a refusal, as text");
        }
        let generated_id = match kind {
            BlockKind::ToolCall { id, .. } if id.is_empty() => Some(self.context.new_id("call_")),
            _ => None,
        };
        let Some(choice) = self.choice(index) else { return };
        if let BlockKind::ToolCall { id, name, signature } = kind {
            choice.calls.push_back(PendingCall {
                block,
                id: generated_id.unwrap_or_else(|| id.clone()),
                name: name.clone(),
                arguments: String::new(),
                signature: signature.clone(),
                extra: ExtraFields::new(NAME, Vec::new()),
                closed: false,
            });
        } else {
            choice.from = choice.length;
            choice.open.insert(block, kind.clone());
        }
    }

    fn delta(&mut self, index: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let Some(choice) = self.choice(index) else { return };
        if let Some(call) = choice.call(block) {
            match delta {
                Delta::Text(text) => call.arguments.push_str(text),
                Delta::Signature(more) => call.signature.get_or_insert_default().push_str(more),
                Delta::Native { dialect: NAME, key, raw } => {
                    call.extra.members.push((key.clone(), raw.clone()));
                }
                Delta::Native { .. } => {
                    self.diagnostics.record(DiagnosticCode::FeatureUnsupported, AT, "an opaque part")
                }
            }
            return;
        }
        let Some(kind) = choice.open.get(&block) else { return };
        let thinks = *kind == BlockKind::Reasoning;
        let none = ExtraFields::default();
        let part = match delta {
            Delta::Text(text) if thinks => parts::thought(text, None, &none),
            Delta::Text(text) => {
                choice.length.add(text);
                format!("{{\"text\":{}}}", encode_string(text))
            }
            Delta::Signature(more) if thinks => return choice.signed.0.push_str(more),
            Delta::Native { dialect: REASONING_DETAILS, key, raw } if thinks => {
                if !choice.signed.1.set_detail(key, raw) {
                    self.diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
                return;
            }
            Delta::Native { dialect: NAME, key, raw } if key == parts::WHOLE => raw.get().to_owned(),
            Delta::Native { dialect: NAME, key, raw } => {
                let own = ExtraFields::new(NAME, vec![(key.clone(), raw.clone())]);
                if thinks {
                    parts::thought("", None, &own)
                } else {
                    let mut written = Vec::new();
                    parts::words(&"".into(), &own, &mut written);
                    written.concat()
                }
            }
            // It says how its dialect wrote something.
            Delta::Native { dialect, key, .. } if *dialect != NAME && key.starts_with('.') => return,
            Delta::Native { dialect, key, raw } if !thinks => {
                let CitedSources { mut list, rest } =
                    cited(&ExtraFields::new(dialect, vec![(key.clone(), raw.clone())]));
                choice.cited.append(&mut list);
                if !rest.is_empty() {
                    self.diagnostics.record(DiagnosticCode::FeatureUnsupported, AT, "an opaque part");
                }
                return;
            }
            Delta::Signature(_) | Delta::Native { .. } => {
                self.diagnostics.record(DiagnosticCode::FeatureUnsupported, AT, "an opaque part");
                return;
            }
        };
        self.part(index, &part, out);
    }

    fn close(&mut self, index: u32, block: u32, out: &mut Vec<u8>) {
        let Some(choice) = self.choice(index) else { return };
        choice.open.remove(&block);
        let (from, to) = (choice.from, choice.length);
        choice.sources.extend(choice.cited.drain(..).map(|one| (one, from, to)));
        let (signature, extra) = std::mem::take(&mut choice.signed);
        if !signature.is_empty() {
            self.part(index, &parts::thought("", Some(&signature), &extra), out);
        }
        let Some(choice) = self.choice(index) else { return };
        if let Some(call) = choice.call(block) {
            call.closed = true;
        }
        loop {
            let Some(choice) = self.choice(index) else { return };
            if choice.calls.front().is_none_or(|call| !call.closed) {
                return;
            }
            let Some(call) = choice.calls.pop_front() else { return };
            let said = (call.id.as_str(), call.name.as_str(), call.arguments.as_str());
            let signature = call.signature.as_deref();
            let part = parts::write_call(said, signature, &call.extra, (AT, &mut self.diagnostics));
            self.part(index, &part, out);
        }
    }

    fn finish_choice(&mut self, index: u32, reason: &FinishReason) {
        if let Some(choice) = self.choice(index) {
            choice.finish.get_or_insert_with(|| encode_string(finish_reason::write(reason)));
        }
    }

    fn extra(&mut self, choice: Option<u32>, extra: &ExtraFieldList) {
        let CitedSources { list, rest } =
            if extra.dialect == NAME { CitedSources::default() } else { cited(extra) };
        if let (false, Some(choice)) = (list.is_empty(), self.choice(choice.unwrap_or(0))) {
            choice.beside.extend(list);
        }
        rest.report(NAME, if choice.is_some() { "candidates[]" } else { "" }, &mut self.diagnostics);
        for (key, value) in extra.of(NAME) {
            let member = (key.clone(), value.get().to_owned());
            match (choice, key.as_str()) {
                (Some(index), "finishReason") => {
                    if let Some(choice) = self.choice(index) {
                        choice.finish = Some(member.1);
                    }
                }
                (Some(index), _) => {
                    if let Some(choice) = self.choice(index) {
                        choice.extra.push(member);
                    }
                }
                (None, dotted) if dotted.contains('.') => self.beside.push((key.clone(), value.clone())),
                (None, key) => {
                    self.feedback |= key == "promptFeedback";
                    self.extra.push(member);
                }
            }
        }
    }

    /// The last chunk: how every answer ended, and the counts.
    fn end(&mut self, out: &mut Vec<u8>) {
        let said = self.choices.iter().any(|(_, choice)| choice.said);
        let candidates: Vec<_> = self
            .choices
            .iter_mut()
            .map(|(_, choice)| {
                let mut candidate = candidate("", choice.index, choice.finish.take());
                let all = (TextLength::default(), choice.length);
                choice.sources.extend(choice.beside.drain(..).map(|one| (one, all.0, all.1)));
                if !choice.sources.is_empty() {
                    candidate.set(citations::GROUNDING, citations::write(&choice.sources));
                }
                for (key, value) in std::mem::take(&mut choice.extra) {
                    candidate.set(key, value);
                }
                candidate.to_json()
            })
            .collect();
        usage::lost(self.usage.as_ref(), &mut self.diagnostics);
        let counts = usage::write(self.usage.as_ref(), &self.beside);
        if counts.is_none() {
            self.diagnostics.record(DiagnosticCode::UsageMissing, "usageMetadata", "");
        }
        let candidates = candidates.join(",");
        self.chunk(Some(candidates.as_str()).filter(|_| said || !self.feedback), counts, out);
        self.form.end(out);
        self.over = true;
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.form.write(&error::envelope(&Error::Upstream(error.clone())), out);
        self.form.end(out);
        self.over = true;
    }
}

impl Encoder for GeminiEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                self.started = true;
                self.id = id.clone().unwrap_or_else(|| self.context.new_id(""));
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
            }
            Event::Open { choice, block, kind } => self.open(*choice, *block, kind),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => self.close(*choice, *block, out),
            Event::Finish { choice, reason } => self.finish_choice(*choice, reason),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => self.extra(*choice, extra),
            Event::Error(error) => self.fail(error, out),
            Event::End => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.started && !self.over {
            self.fail(&UpstreamError::Truncated, out);
        }
        self.over = true;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
