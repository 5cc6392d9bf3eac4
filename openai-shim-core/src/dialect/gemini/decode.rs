//! A stream as events: chunks in, blocks out.

use super::super::Decoder;
use super::partial_args::PartialArgs;
use super::response::{KNOWN, is_answer, is_blocked};
use super::usage::{self, UsageCounts};
use super::{NAME, error, finish_reason, leftovers, parts, read};
use crate::canonical::{
    Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason,
    ResponseContext, Signature,
};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, encode_string, raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The most candidates, and the most calls of one stream.
const CANDIDATES: usize = 128;
const CALLS: usize = 2048;
/// The most bytes of one call's arguments.
const LARGEST: usize = 16 << 20;

/// Reads a stream.
pub(super) struct GeminiDecoder {
    context: ResponseContext,
    diagnostics: Diagnostics,
    started: bool,
    over: bool,
    /// Something came that is no JSON.
    unreadable: bool,
    /// The prompt was refused.
    blocked: bool,
    /// Parts came that only this dialect knows.
    pub(super) native: bool,
    candidates: Vec<Candidate>,
    calls: usize,
    counts: UsageCounts,
    /// What stood beside the counts when they were last said.
    beside: Vec<(String, Box<RawValue>)>,
    /// Members of the answer as a whole, as last said.
    said: Vec<(String, String)>,
}

struct Candidate {
    index: u32,
    next: u32,
    /// The open block of text or reasoning.
    open: Option<(u32, BlockKind)>,
    /// The open call: what follows may add arguments to it.
    call: Option<(u32, PartialArgs)>,
    called: bool,
    finish: Option<FinishReason>,
    said: Vec<(String, String)>,
}

impl GeminiDecoder {
    pub(super) fn new(context: ResponseContext) -> Self {
        Self {
            context,
            diagnostics: Diagnostics::default(),
            started: false,
            over: false,
            unreadable: false,
            blocked: false,
            native: false,
            candidates: Vec::new(),
            calls: 0,
            counts: UsageCounts::default(),
            beside: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Takes one chunk; whether it belongs to an answer.
    pub(super) fn take(&mut self, data: &[u8], out: &mut Vec<Event>) -> bool {
        let text = String::from_utf8_lossy(data);
        let text = text.trim();
        if self.over || text.is_empty() || text == "[DONE]" {
            return false;
        }
        let Some(chunk) = read(text) else {
            self.unreadable = true;
            self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "");
            return false;
        };
        if let Some(error) = error::in_body(&chunk, &mut self.diagnostics) {
            let code =
                if self.started { DiagnosticCode::ErrorInStream } else { DiagnosticCode::StatusPromoted };
            self.diagnostics.record(code, "error", "");
            self.fail(error, out);
            return false;
        }
        if !is_answer(&chunk) {
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "");
            return false;
        }
        self.chunk(&chunk, out);
        true
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Error(error));
    }

    fn chunk(&mut self, chunk: &Object<'_>, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            out.push(Event::Start {
                id: chunk.str("responseId").filter(|id| !id.is_empty()).map(Cow::into_owned),
                model: chunk.str("modelVersion").map(Cow::into_owned),
                created: None,
            });
        }
        self.blocked |= is_blocked(chunk);
        let extra = fresh(leftovers(chunk, &KNOWN), &mut self.said);
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: extra.into() });
        }
        if let Some(counts) = chunk.get("usageMetadata").and_then(read) {
            self.counts.take(&counts);
            self.beside = usage::beside(&counts);
        }
        for (at, item) in chunk.array("candidates").unwrap_or_default().into_iter().enumerate() {
            let Some(candidate) = read(item) else { continue };
            self.candidate(&candidate, at, out);
            if self.over {
                return;
            }
        }
    }

    fn candidate(&mut self, object: &Object<'_>, at: usize, out: &mut Vec<Event>) {
        let position = u32::try_from(at).unwrap_or(u32::MAX);
        let index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(position);
        let Some(at) = self.at(index) else {
            let message = format!("The upstream sent more than {CANDIDATES} candidates.");
            return self.fail(UpstreamError::TooLarge { message }, out);
        };
        let content = object.get("content").and_then(read).unwrap_or_default();
        for part in content.array("parts").unwrap_or_default() {
            self.part(at, part, out);
            if self.over {
                return;
            }
        }
        let Some(candidate) = self.candidates.get_mut(at) else { return };
        let mut extra = fresh(leftovers(object, &["index", "content", "finishReason"]), &mut candidate.said);
        if let Some(word) = object.non_null("finishReason") {
            let reason = finish_reason::read(word, &mut self.diagnostics);
            if word.trim() != encode_string(finish_reason::write(&reason)) {
                extra = ExtraFields::new(NAME, extra.into_members());
                extra.members.push((String::from("finishReason"), raw(word)));
            }
            candidate.finish = Some(reason);
        }
        if !extra.is_empty() {
            out.push(Event::Extra { choice: Some(index), extra: extra.into() });
        }
    }

    fn part(&mut self, at: usize, part: &str, out: &mut Vec<Event>) {
        let Some(candidate) = self.candidates.get_mut(at) else { return };
        let function = read(part).and_then(|part| Some(read(part.get("functionCall")?)?.into_owned()));
        if let (Some(function), Some((_, arguments))) = (&function, &mut candidate.call)
            && function.str("name").is_none_or(|name| name.is_empty())
        {
            // A call without a name goes on with the last one.
            arguments.take(function);
            if arguments.size > LARGEST {
                let message = format!("The arguments of one call are longer than {LARGEST} bytes.");
                self.fail(UpstreamError::TooLarge { message }, out);
            }
            return;
        }
        candidate.end_call(out);
        match parts::read_answer(part) {
            Block::ToolCall { id, name, signature, extra, .. } => {
                self.calls += 1;
                if self.calls > CALLS {
                    let message = format!("The upstream sent more than {CALLS} tool calls.");
                    return self.fail(UpstreamError::TooLarge { message }, out);
                }
                if name.is_empty() {
                    self.diagnostics.record(
                        DiagnosticCode::ToolNameMissing,
                        "candidates[].content.parts[].functionCall",
                        "",
                    );
                }
                let id = if id.is_empty() {
                    let at = "candidates[].content.parts[].functionCall.id";
                    self.diagnostics.record(DiagnosticCode::ToolIdSynthesized, at, "");
                    self.context.new_id("call_")
                } else {
                    id
                };
                let mut arguments = PartialArgs::default();
                arguments.take(&function.unwrap_or_default());
                let block = candidate.open(
                    BlockKind::ToolCall { id, name, signature: signature.map(Signature::into_string) },
                    out,
                );
                candidate.native(block, extra, out);
                (candidate.call, candidate.called) = (Some((block, arguments)), true);
            }
            Block::Reasoning { text, signature, extra } => {
                let block = candidate.open(BlockKind::Reasoning, out);
                candidate.say(block, text.into_string(), out);
                let (marks, extra) = if extra.dialect == NAME {
                    (ExtraFields::default(), extra)
                } else {
                    (extra, ExtraFields::default())
                };
                candidate.native(block, marks, out);
                if let Some(signature) = signature {
                    let delta = Delta::Signature(signature.into_string());
                    out.push(Event::Delta { choice: candidate.index, block, delta });
                }
                candidate.native(block, extra, out);
            }
            Block::Text { text, extra } if !text.is_empty() || !extra.is_empty() => {
                self.native |= extra.get(parts::WHOLE).is_some();
                let block = candidate.open(BlockKind::Text, out);
                candidate.say(block, text.into_string(), out);
                candidate.native(block, extra, out);
            }
            _ => {}
        }
    }

    /// Where a candidate is; `None` if there are too many.
    fn at(&mut self, index: u32) -> Option<usize> {
        let candidates = &mut self.candidates;
        candidates.iter().position(|c| c.index == index).or_else(|| {
            candidates.push(Candidate {
                index,
                next: 0,
                open: None,
                call: None,
                called: false,
                finish: None,
                said: Vec::new(),
            });
            (candidates.len() <= CANDIDATES).then_some(candidates.len() - 1)
        })
    }

    /// What the stream's end says, if nothing is missing.
    fn end(&mut self, out: &mut Vec<Event>) -> Result<(), UpstreamError> {
        if !self.started {
            return Err(if self.unreadable {
                UpstreamError::malformed(
                    "The upstream answered with text that is not a stream of JSON objects.",
                )
            } else {
                UpstreamError::Empty
            });
        }
        let mut cut = false;
        for candidate in &mut self.candidates {
            if candidate.finish.is_none() && candidate.call.as_ref().is_some_and(|(_, a)| a.awaited) {
                cut = true;
                continue;
            }
            candidate.end_call(out);
            candidate.end_text(out);
            cut |= candidate.finish.is_none();
        }
        if cut {
            self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
            return Err(UpstreamError::Truncated);
        }
        for candidate in &mut self.candidates {
            let reason = match candidate.finish.take() {
                Some(FinishReason::Stop) if candidate.called => FinishReason::ToolCalls,
                reason => reason.unwrap_or(FinishReason::Stop),
            };
            out.push(Event::Finish { choice: candidate.index, reason });
        }
        if self.candidates.is_empty() {
            if !self.blocked {
                return Err(UpstreamError::Empty);
            }
            out.push(Event::Finish { choice: 0, reason: FinishReason::ContentFilter });
        }
        if let Some(usage) = self.counts.usage() {
            out.push(Event::Usage(usage));
        }
        if !self.beside.is_empty() {
            let extra = ExtraFieldList::new(NAME, std::mem::take(&mut self.beside));
            out.push(Event::Extra { choice: None, extra });
        }
        out.push(Event::End);
        Ok(())
    }
}

/// Members that are new, or changed since they were last said.
fn fresh(extra: ExtraFields, said: &mut Vec<(String, String)>) -> ExtraFields {
    let mut members = Vec::new();
    for (key, value) in extra.into_members() {
        let room = said.len() < 64;
        match said.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) if old == value.get() => continue,
            Some((_, old)) => value.get().clone_into(old),
            None if room => said.push((key.clone(), value.get().to_owned())),
            None => {}
        }
        members.push((key, value));
    }
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

impl Candidate {
    /// The block of this kind that is open, or a new one; a call is always new.
    fn open(&mut self, kind: BlockKind, out: &mut Vec<Event>) -> u32 {
        if let Some((block, open)) = &self.open
            && *open == kind
        {
            return *block;
        }
        self.end_text(out);
        let block = self.next;
        self.next += 1;
        if !matches!(kind, BlockKind::ToolCall { .. }) {
            self.open = Some((block, kind.clone()));
        }
        out.push(Event::Open { choice: self.index, block, kind });
        block
    }

    fn say(&self, block: u32, text: String, out: &mut Vec<Event>) {
        if !text.is_empty() {
            out.push(Event::Delta { choice: self.index, block, delta: Delta::Text(text) });
        }
    }

    fn native(&self, block: u32, extra: ExtraFields, out: &mut Vec<Event>) {
        let dialect = extra.dialect;
        out.extend(extra.into_members().into_iter().map(|(key, raw)| Event::Delta {
            choice: self.index,
            block,
            delta: Delta::Native { dialect, key, raw },
        }));
    }

    fn end_text(&mut self, out: &mut Vec<Event>) {
        if let Some((block, _)) = self.open.take() {
            out.push(Event::Close { choice: self.index, block });
        }
    }

    fn end_call(&mut self, out: &mut Vec<Event>) {
        if let Some((block, arguments)) = self.call.take() {
            self.say(block, arguments.text(), out);
            out.push(Event::Close { choice: self.index, block });
        }
    }
}

impl Decoder for GeminiDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        match frame {
            Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data) => {
                self.take(data, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if let Err(error) = self.end(out) {
            out.push(Event::Error(error));
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
