//! Streams: an upstream's frames, each with one chunk, to events.
//!
//! <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>

use super::super::Decoder;
use super::emitted_fields::EmittedFields;
use super::json_keys::parse_object;
use super::names::NAME;
use super::partial_args::PartialArgs;
use super::repeated_calls::RepeatedCalls;
use super::response_object::{MAPPED_CANDIDATE_FIELDS, MAPPED_FIELDS, is_prompt_blocked, is_response};
use super::usage::{self, UsageCounts};
use super::{error, extra_fields, finish_reason, logprobs, parts};
use crate::canonical::{
    Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason,
    ResponseContext, Signature, html_page,
};
use crate::dialect::json_syntax::repair_json;
use crate::dialect::openai_error::of_error_event;
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, RawJson, encode_string, is_json_fragment, objects_in, raw};
use std::borrow::Cow;

/// The most candidates of one stream.
const MAX_CANDIDATES: usize = 128;
/// The most tool calls of one stream.
const MAX_TOOL_CALLS: usize = 2048;
/// The most bytes of one tool call's arguments.
const MAX_ARGUMENT_BYTES: usize = 16 << 20;

/// Decodes a stream.
pub(super) struct GeminiDecoder {
    context: ResponseContext,
    diagnostics: Diagnostics,
    phase: Phase,
    is_prompt_blocked: bool,
    /// The client has this dialect: it gets reasons that mean a failure as they are.
    passes_failures: bool,
    /// A chunk with content could not be read.
    is_corrupt: bool,
    /// Whether any part is one that only this dialect has.
    pub(super) has_native_parts: bool,
    choices: Vec<ChoiceReader>,
    tool_calls: usize,
    repeated_calls: RepeatedCalls,
    counts: UsageCounts,
    /// The extra fields of the last `usageMetadata`.
    usage_extra: Vec<(String, RawJson)>,
    emitted_extra: EmittedFields,
    /// The last chunk, if it had to be repaired before it could be parsed, or without calls that it repeats.
    pub(super) repaired_chunk: Option<String>,
}

/// How far the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No chunk of a response arrived. `has_invalid_json`: something that is no JSON did.
    AwaitingStart { has_invalid_json: bool },
    /// The response has started.
    InResponse,
    /// `Event::End` or `Event::Error` went out.
    Ended,
}

/// One candidate, which is a choice in our model.
#[derive(Default)]
struct ChoiceReader {
    index: u32,
    next_block: u32,
    /// The open block of text or reasoning.
    open: Option<OpenBlock>,
    /// The open tool call: later parts may add arguments to it.
    open_call: Option<OpenCall>,
    has_tool_calls: bool,
    finish_reason: Option<FinishReason>,
    emitted_extra: EmittedFields,
}

/// A block of text or reasoning that is open.
struct OpenBlock {
    block: u32,
    kind: BlockKind,
}

/// A tool call that is open.
struct OpenCall {
    block: u32,
    arguments: PartialArgs,
}

impl GeminiDecoder {
    pub(super) fn new(context: ResponseContext) -> Self {
        Self {
            context,
            diagnostics: Diagnostics::default(),
            phase: Phase::AwaitingStart { has_invalid_json: false },
            is_prompt_blocked: false,
            passes_failures: false,
            is_corrupt: false,
            has_native_parts: false,
            choices: Vec::new(),
            tool_calls: 0,
            repeated_calls: RepeatedCalls::default(),
            counts: UsageCounts::default(),
            usage_extra: Vec::new(),
            emitted_extra: EmittedFields::default(),
            repaired_chunk: None,
        }
    }

    /// A decoder for a client of this dialect, which gets reasons that mean a failure as they are.
    pub(super) fn observing(context: ResponseContext) -> Self {
        Self { passes_failures: true, ..Self::new(context) }
    }

    /// Whether a part of the response is missing: its finish reason is not true.
    pub(super) fn lacks_content(&self) -> bool {
        self.is_corrupt
    }

    /// Decodes one chunk; returns whether it is part of a response.
    pub(super) fn push_chunk(&mut self, data: &[u8], out: &mut Vec<Event>) -> bool {
        self.repaired_chunk = None;
        let text = String::from_utf8_lossy(data);
        if matches!(text, Cow::Owned(_)) {
            self.diagnostics.record(DiagnosticCode::EncodingInvalid, "", "");
        }
        let text = text.trim();
        if self.is_ended() || text.is_empty() || text == "[DONE]" {
            return false;
        }
        let Some(chunk) = parse_object(text) else {
            if matches!(self.phase, Phase::AwaitingStart { .. }) && text.starts_with('<') {
                self.fail(html_page("an answer"), out);
                return false;
            }
            if let Some(repaired) = repair_json(text.as_bytes(), &mut self.diagnostics) {
                let is_response = self.push_chunk(repaired.as_bytes(), out);
                self.repaired_chunk.get_or_insert(repaired);
                return is_response;
            }
            if let Phase::AwaitingStart { has_invalid_json } = &mut self.phase {
                *has_invalid_json = true;
            }
            let is_finished =
                !self.choices.is_empty() && self.choices.iter().all(|c| c.finish_reason.is_some());
            self.is_corrupt |= !is_finished && is_json_fragment(data);
            self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "");
            return false;
        };
        if let Some(error) = error::in_body(&chunk, text, &mut self.diagnostics) {
            self.error(error, out);
            return false;
        }
        if !is_response(&chunk) {
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "");
            return false;
        }
        if let Some(shortened) = self.repeated_calls.drop_from(text, &mut self.diagnostics)
            && let Some(chunk) = parse_object(&shortened)
        {
            self.chunk(&chunk, out);
            self.repaired_chunk = Some(shortened);
            return true;
        }
        self.chunk(&chunk, out);
        true
    }

    fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Ends the stream with an error that the upstream reports.
    fn error(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        let code = match self.phase {
            Phase::AwaitingStart { .. } => DiagnosticCode::StatusPromoted,
            Phase::InResponse | Phase::Ended => DiagnosticCode::ErrorInStream,
        };
        self.diagnostics.record(code, "error", "");
        self.fail(error, out);
    }

    /// Ends the stream with the error of an event that is named so. Returns false if it is none.
    pub(super) fn error_event(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) -> bool {
        if event != Some("error") || self.is_ended() {
            return false;
        }
        let json = std::str::from_utf8(data).unwrap_or_default();
        let own = parse_object(json).and_then(|object| error::in_body(&object, json, &mut self.diagnostics));
        let Some(error) = own.or_else(|| of_error_event(event, data.trim_ascii())) else { return false };
        self.error(error, out);
        true
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.phase = Phase::Ended;
        out.push(Event::Error(error));
    }

    fn chunk(&mut self, chunk: &Object<'_>, out: &mut Vec<Event>) {
        if matches!(self.phase, Phase::AwaitingStart { .. }) {
            self.phase = Phase::InResponse;
            out.push(Event::Start {
                id: chunk.str("responseId").filter(|id| !id.is_empty()).map(Cow::into_owned),
                model: chunk.str("modelVersion").map(Cow::into_owned),
                created: None,
            });
        }
        self.is_prompt_blocked |= is_prompt_blocked(chunk);
        let extra = self.emitted_extra.changed(extra_fields::read(chunk, &MAPPED_FIELDS));
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: extra.into() });
        }
        if let Some(usage) = chunk.get("usageMetadata").and_then(parse_object) {
            usage::report_malformed_counts(&usage, &mut self.diagnostics);
            self.counts.update(&usage);
            self.usage_extra = usage::extra_fields(&usage);
        }
        for (i, item) in chunk.array("candidates").unwrap_or_default().into_iter().enumerate() {
            let Some(candidate) = parse_object(item) else { continue };
            self.candidate(&candidate, i, out);
            if self.is_ended() {
                return;
            }
        }
    }

    fn candidate(&mut self, object: &Object<'_>, i: usize, out: &mut Vec<Event>) {
        let default_index = u32::try_from(i).unwrap_or(u32::MAX);
        let index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(default_index);
        let Some(position) = self.find_or_add_choice(index) else {
            let message = format!("The upstream sent more than {MAX_CANDIDATES} candidates.");
            return self.fail(UpstreamError::TooLarge { message }, out);
        };
        let logprobs = object.get(logprobs::FIELD).and_then(logprobs::read);
        if let Some(logprobs) = &logprobs {
            out.push(Event::Extra { choice: Some(index), extra: logprobs.to_extra() });
        }
        let content = object.get("content").and_then(parse_object).unwrap_or_default();
        for part in content.array("parts").unwrap_or_default() {
            self.part(position, part, out);
            if self.is_ended() {
                return;
            }
        }
        let Some(choice) = self.choices.get_mut(position) else { return };
        let mut extra = extra_fields::read(object, &MAPPED_CANDIDATE_FIELDS);
        if logprobs.is_some() {
            extra.members.retain(|(key, _)| key != logprobs::FIELD);
        }
        let mut extra = choice.emitted_extra.changed(extra);
        if let Some(json) = object.non_null("finishReason") {
            let reason = finish_reason::read(json, object.non_null("finishMessage"), &mut self.diagnostics);
            if json.trim() != encode_string(finish_reason::write(&reason)) {
                extra = ExtraFields::new(NAME, extra.into_members());
                extra.members.push((String::from("finishReason"), raw(json)));
            }
            choice.finish_reason = Some(reason);
        }
        if !extra.is_empty() {
            out.push(Event::Extra { choice: Some(index), extra: extra.into() });
        }
    }

    fn part(&mut self, position: usize, part: &str, out: &mut Vec<Event>) {
        let Some(choice) = self.choices.get_mut(position) else { return };
        let function =
            parse_object(part).and_then(|part| Some(parse_object(part.get("functionCall")?)?.into_owned()));
        if let (Some(function), Some(call)) = (&function, &mut choice.open_call)
            && function.str("name").is_none_or(|name| name.is_empty())
        {
            // A function call without a name continues the one before it.
            call.arguments.push(function);
            if call.arguments.size > MAX_ARGUMENT_BYTES {
                let message =
                    format!("The arguments of one call are longer than {MAX_ARGUMENT_BYTES} bytes.");
                self.fail(UpstreamError::TooLarge { message }, out);
            }
            return;
        }
        choice.close_call(out);
        match parts::read_response_part(part) {
            Block::ToolCall { id, name, signature, extra, .. } => {
                self.tool_calls += 1;
                if self.tool_calls > MAX_TOOL_CALLS {
                    let message = format!("The upstream sent more than {MAX_TOOL_CALLS} tool calls.");
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
                    let path = "candidates[].content.parts[].functionCall.id";
                    self.diagnostics.record(DiagnosticCode::ToolIdSynthesized, path, "");
                    self.context.new_id("call_")
                } else {
                    id
                };
                let mut arguments = PartialArgs::default();
                arguments.push(&function.unwrap_or_default());
                let signature = signature.map(Signature::into_string);
                let block = choice.open(BlockKind::ToolCall { id, name, signature }, out);
                choice.emit_extra(block, extra, out);
                choice.open_call = Some(OpenCall { block, arguments });
                choice.has_tool_calls = true;
            }
            Block::Reasoning { text, signature, extra } => {
                let block = choice.open(BlockKind::Reasoning, out);
                choice.emit_text(block, text.into_string(), out);
                // Details of the signature precede it, other fields follow it.
                let (details, extra) = if extra.dialect == NAME {
                    (ExtraFields::default(), extra)
                } else {
                    (extra, ExtraFields::default())
                };
                choice.emit_extra(block, details, out);
                if let Some(signature) = signature {
                    let delta = Delta::Signature(signature.into_string());
                    out.push(Event::Delta { choice: choice.index, block, delta });
                }
                choice.emit_extra(block, extra, out);
            }
            Block::Text { text, extra } if !text.is_empty() || !extra.is_empty() => {
                self.has_native_parts |= extra.get(extra_fields::NATIVE_PART).is_some();
                let block = choice.open(BlockKind::Text, out);
                choice.emit_text(block, text.into_string(), out);
                choice.emit_extra(block, extra, out);
            }
            _ => {}
        }
    }

    /// Returns the position of a choice, which is added if it is new; `None` if there are too many.
    fn find_or_add_choice(&mut self, index: u32) -> Option<usize> {
        let choices = &mut self.choices;
        choices.iter().position(|choice| choice.index == index).or_else(|| {
            choices.push(ChoiceReader { index, ..ChoiceReader::default() });
            (choices.len() <= MAX_CANDIDATES).then_some(choices.len() - 1)
        })
    }

    /// Emits the end of a stream that is in `phase`, if nothing is missing.
    fn complete(&mut self, phase: Phase, out: &mut Vec<Event>) -> Result<(), UpstreamError> {
        match phase {
            Phase::AwaitingStart { has_invalid_json: true } => {
                return Err(UpstreamError::malformed(
                    "The upstream answered with text that is not a stream of JSON objects.",
                ));
            }
            Phase::AwaitingStart { has_invalid_json: false } => return Err(UpstreamError::Empty),
            Phase::InResponse | Phase::Ended => {}
        }
        let mut is_truncated = false;
        for choice in &mut self.choices {
            let awaits_arguments = choice.open_call.as_ref().is_some_and(|call| call.arguments.will_continue);
            if choice.finish_reason.is_none() && awaits_arguments {
                is_truncated = true;
                continue;
            }
            choice.close_call(out);
            choice.close_text(out);
            is_truncated |= choice.finish_reason.is_none();
        }
        if is_truncated {
            self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
            return Err(UpstreamError::Truncated);
        }
        if self.is_corrupt {
            return Err(UpstreamError::unreadable_part());
        }
        let failure = self.choices.iter().find_map(|choice| match &choice.finish_reason {
            Some(FinishReason::Failed { word, message }) => {
                Some(UpstreamError::failed(word, message.as_deref()))
            }
            _ => None,
        });
        if let Some(failure) = failure.filter(|_| !self.passes_failures) {
            return Err(failure);
        }
        for choice in &mut self.choices {
            let reason = match choice.finish_reason.take() {
                Some(FinishReason::Stop) if choice.has_tool_calls => FinishReason::ToolCalls,
                reason => reason.unwrap_or(FinishReason::Stop),
            };
            out.push(Event::Finish { choice: choice.index, reason });
        }
        if self.choices.is_empty() {
            if !self.is_prompt_blocked {
                return Err(UpstreamError::Empty);
            }
            out.push(Event::Finish { choice: 0, reason: FinishReason::ContentFilter });
        }
        if let Some(usage) = self.counts.usage() {
            out.push(Event::Usage(usage));
        }
        if !self.usage_extra.is_empty() {
            let extra = ExtraFieldList::new(NAME, std::mem::take(&mut self.usage_extra));
            out.push(Event::Extra { choice: None, extra });
        }
        out.push(Event::End);
        Ok(())
    }
}

impl ChoiceReader {
    /// Returns the open block of this kind, or opens one; a tool call always opens one.
    fn open(&mut self, kind: BlockKind, out: &mut Vec<Event>) -> u32 {
        if let Some(open) = self.open.as_ref().filter(|open| open.kind == kind) {
            return open.block;
        }
        self.close_text(out);
        let block = self.next_block;
        self.next_block += 1;
        if !matches!(kind, BlockKind::ToolCall { .. }) {
            self.open = Some(OpenBlock { block, kind: kind.clone() });
        }
        out.push(Event::Open { choice: self.index, block, kind });
        block
    }

    fn emit_text(&self, block: u32, text: String, out: &mut Vec<Event>) {
        if !text.is_empty() {
            out.push(Event::Delta { choice: self.index, block, delta: Delta::Text(text) });
        }
    }

    fn emit_extra(&self, block: u32, extra: ExtraFields, out: &mut Vec<Event>) {
        let dialect = extra.dialect;
        out.extend(extra.into_members().into_iter().map(|(key, raw)| Event::Delta {
            choice: self.index,
            block,
            delta: Delta::Native { dialect, key, raw },
        }));
    }

    fn close_text(&mut self, out: &mut Vec<Event>) {
        if let Some(OpenBlock { block, .. }) = self.open.take() {
            out.push(Event::Close { choice: self.index, block });
        }
    }

    fn close_call(&mut self, out: &mut Vec<Event>) {
        if let Some(OpenCall { block, arguments }) = self.open_call.take() {
            self.emit_text(block, arguments.into_json(), out);
            out.push(Event::Close { choice: self.index, block });
        }
    }
}

/// Splits a chunk that is several; `None` for one, which is the rule.
pub(super) fn objects_in_chunk(data: &[u8]) -> Option<Vec<&[u8]>> {
    let is_seam = |at: usize| data.get(..at).is_some_and(|before| before.trim_ascii_end().ends_with(b"}"));
    let is_candidate = memchr::memchr_iter(b'{', data).any(is_seam);
    if is_candidate { objects_in(data.trim_ascii()) } else { None }
}

impl Decoder for GeminiDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        match frame {
            Frame::Event { event, data } if self.error_event(event, data, out) => {}
            Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data) => match objects_in_chunk(data)
            {
                Some(objects) => {
                    self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several chunks in one");
                    for object in objects {
                        self.push_chunk(object, out);
                    }
                }
                None => {
                    self.push_chunk(data, out);
                }
            },
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        if phase == Phase::Ended {
            return;
        }
        if let Err(error) = self.complete(phase, out) {
            out.push(Event::Error(error));
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
