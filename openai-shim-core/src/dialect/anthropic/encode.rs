//! Events as a stream: strictly what Anthropic sends.
//!
//! Blocks stand one after another here, and begin with the first thing said in them. Calls that a model writes side by
//! side wait until the one before them is complete.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use super::super::Encoder;
use super::decode::ResumePoint;
use super::repair::SentState;
use super::{FORMAT, NAME, content_block, error, response, usage, write_event};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, FinishReason, MemberIndex,
    REASONING_DETAILS, ResponseContext, ResponseSpec, Usage, WHOLE_BLOCK, issuer,
};
use crate::error::{Error, UpstreamError};
use crate::framing;
use crate::json::{Object, encode_string};
use std::collections::VecDeque;

/// The most bytes of calls that wait.
const MOST_HELD: usize = 16 << 20;

/// Writes a stream.
pub(super) struct MessagesEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    /// `Start` came.
    told: bool,
    /// `message_start` went out.
    started: bool,
    id: String,
    model: String,
    /// Blocks that are open or wait; the first one is being written.
    open: VecDeque<PendingBlock>,
    /// The next block's index.
    next: u32,
    held: usize,
    calls: bool,
    refused: bool,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    /// Members of the answer as a whole, in this dialect's own words.
    extra: ExtraFields,
    places: MemberIndex,
    /// `message_delta` went out.
    ended: bool,
    over: bool,
}

/// A block.
struct PendingBlock {
    block: u32,
    kind: BlockKind,
    /// It began.
    index: Option<u32>,
    extra: ExtraFields,
    /// What is known of the signature.
    marks: ExtraFields,
    /// The encrypted form, or the signature of another kind of model, as far as it came.
    sealed: String,
    /// What a call that waits has said.
    held: String,
    closed: bool,
}

impl MessagesEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            id: String::new(),
            model: spec.model.clone(),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            told: false,
            started: false,
            open: VecDeque::new(),
            next: 0,
            held: 0,
            calls: false,
            refused: false,
            finish: None,
            usage: None,
            extra: ExtraFields::default(),
            places: MemberIndex::default(),
            ended: false,
            over: false,
        }
    }

    /// Goes on where frames were passed on as they came: what they began is begun.
    pub(super) fn adopt(
        &mut self,
        standing: &ResumePoint,
        wire: SentState,
        usage: Option<Usage>,
        out: &mut Vec<u8>,
    ) {
        self.usage = usage;
        (self.told, self.started, self.ended) = (wire.started, wire.started, wire.ended);
        (self.next, self.calls) = (wire.next, standing.calls);
        self.finish.clone_from(&standing.finish);
        match (wire.open, &standing.open) {
            (Some(index), Some((block, Some(kind)))) => {
                let mut slot = PendingBlock::new(*block, kind.clone());
                slot.index = Some(index);
                self.open.push_back(slot);
            }
            (Some(index), _) => Self::stop(index, out),
            (None, _) => {}
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        if self.id.is_empty() {
            self.id = self.context.new_id("msg_");
        }
        let mut message = Object::new();
        message.set("id", encode_string(&self.id));
        message.set("type", "\"message\"");
        message.set("role", "\"assistant\"");
        message.set("model", encode_string(&self.model));
        message.set("content", "[]");
        message.set("stop_reason", "null");
        message.set("stop_sequence", "null");
        message.set("usage", usage::write(self.usage.unwrap_or_default(), &self.extra));
        for (key, value) in std::mem::take(&mut self.extra.members) {
            if message.get(&key).is_none() {
                message.set(key, value.get().to_owned());
            }
        }
        write_event(
            out,
            "message_start",
            &format!(r#"{{"type":"message_start","message":{}}}"#, message.to_json()),
        );
    }

    /// Begins a block, and says nothing in it.
    fn begin(&mut self, content: &str, out: &mut Vec<u8>) -> u32 {
        self.start(out);
        let index = self.next;
        self.next += 1;
        let event = format!(r#"{{"type":"content_block_start","index":{index},"content_block":{content}}}"#);
        write_event(out, "content_block_start", &event);
        index
    }

    /// The index of the block that is being written, which begins if it did not.
    fn begun(&mut self, out: &mut Vec<u8>) -> u32 {
        let Some(slot) = self.open.front() else { return 0 };
        if let Some(index) = slot.index {
            return index;
        }
        let content = match &slot.kind {
            BlockKind::Text | BlockKind::Refusal => String::from(r#"{"type":"text","text":""}"#),
            BlockKind::Reasoning => String::from(r#"{"type":"thinking","thinking":"","signature":""}"#),
            BlockKind::ToolCall { id, name, signature } => {
                let id = if id.is_empty() { self.context.new_id("toolu_") } else { id.clone() };
                let id =
                    content_block::carrying(&id, signature.as_deref(), "content[]", &mut self.diagnostics);
                content_block::tool_use(&id, name, "{}", &slot.extra)
            }
        };
        let index = self.begin(&content, out);
        if let Some(slot) = self.open.front_mut() {
            slot.index = Some(index);
        }
        index
    }

    /// Says something in the block that is being written.
    fn say(&mut self, kind: &str, key: &str, value: &str, out: &mut Vec<u8>) {
        let index = self.begun(out).to_string();
        // There are hundreds of these in a stream: in pieces, without a text in between.
        out.extend_from_slice(b"event: content_block_delta\n");
        let before = [r#"{"type":"content_block_delta","index":"#, &index, r#","delta":{"type":""#, kind];
        let words = [r#"",""#, key, r#"":"#, value, "}}"];
        framing::write_event(out, |out| {
            before.iter().chain(&words).for_each(|part| out.extend_from_slice(part.as_bytes()));
        });
    }

    fn stop(index: u32, out: &mut Vec<u8>) {
        write_event(
            out,
            "content_block_stop",
            &format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
        );
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        // Blocks stand in the order of their numbers.
        let Ok(at) = self.open.binary_search_by_key(&block, |slot| slot.block) else { return };
        let Some(slot) = self.open.get_mut(at) else { return };
        match delta {
            Delta::Text(text) if text.is_empty() => {}
            Delta::Text(text) if at > 0 => {
                self.held += text.len();
                slot.held.push_str(text);
                if self.held > MOST_HELD {
                    let message = String::from("Calls side by side are larger than this service keeps.");
                    self.fail(&UpstreamError::TooLarge { message }, out);
                }
            }
            Delta::Text(text) => {
                let (kind, key) = match slot.kind {
                    BlockKind::Text | BlockKind::Refusal => ("text_delta", "text"),
                    BlockKind::Reasoning => ("thinking_delta", "thinking"),
                    BlockKind::ToolCall { .. } => ("input_json_delta", "partial_json"),
                };
                self.say(kind, key, &encode_string(text), out);
            }
            Delta::Signature(more) if slot.kind != BlockKind::Reasoning => match &mut slot.kind {
                // It goes into the call's id, as long as that was not said.
                BlockKind::ToolCall { signature, .. } if slot.index.is_none() => {
                    signature.get_or_insert_default().push_str(more);
                }
                _ => self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "content[]",
                    "a signature that came too late",
                ),
            },
            Delta::Signature(signature) if slot.is_plain() => {
                self.say("signature_delta", "signature", &encode_string(signature), out);
            }
            Delta::Signature(signature) => slot.sealed.push_str(signature),
            Delta::Native { dialect: REASONING_DETAILS, key, raw } => {
                if !slot.marks.set_detail(key, raw) {
                    self.diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
            }
            Delta::Native { dialect: NAME, key, raw } => match key.as_str() {
                WHOLE_BLOCK => self.whole_block(raw.get(), out),
                "citation" => self.say("citations_delta", "citation", raw.get(), out),
                "citations" => {
                    let list: Vec<&serde_json::value::RawValue> =
                        serde_json::from_str(raw.get()).unwrap_or_default();
                    for citation in list {
                        self.say("citations_delta", "citation", citation.get(), out);
                    }
                }
                _ => {
                    slot.extra.dialect = NAME;
                    slot.extra.members.push((key.clone(), raw.clone()));
                }
            },
            Delta::Native { key, .. } => {
                self.diagnostics.record(DiagnosticCode::ExtraDropped, "content[]", key)
            }
        }
    }

    /// A block that only this dialect knows, at once.
    fn whole_block(&mut self, block: &str, out: &mut Vec<u8>) {
        if let Some(index) = self.open.front_mut().and_then(|slot| slot.index.take()) {
            Self::stop(index, out);
        }
        let Ok(mut object) = Object::parse(block.as_bytes()) else { return };
        // The API itself sends the input of its calls as deltas, and all else in the beginning.
        let call = object.str("type").is_some_and(|kind| kind.ends_with("tool_use"));
        let input = object.get("input").filter(|_| call).map(str::to_owned);
        if input.is_some() {
            object.set("input", "{}");
        }
        let index = self.begin(&object.to_json(), out);
        if let Some(input) = input {
            let event = format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":{}}}}}"#,
                encode_string(&input)
            );
            write_event(out, "content_block_delta", &event);
        }
        Self::stop(index, out);
    }

    fn close(&mut self, block: u32, out: &mut Vec<u8>) {
        let Ok(at) = self.open.binary_search_by_key(&block, |slot| slot.block) else { return };
        let Some(slot) = self.open.get_mut(at) else { return };
        slot.closed = true;
        while self.open.front().is_some_and(|slot| slot.closed) {
            let call = self.open.front().is_some_and(|s| matches!(s.kind, BlockKind::ToolCall { .. }));
            if call {
                self.begun(out);
            }
            self.say_seal(out);
            if let Some(index) = self.open.pop_front().and_then(|slot| slot.index) {
                Self::stop(index, out);
            }
            // The next one says what it had to keep.
            let held = self.open.front_mut().map(|slot| std::mem::take(&mut slot.held)).unwrap_or_default();
            if !held.is_empty() {
                self.held = self.held.saturating_sub(held.len());
                self.say("input_json_delta", "partial_json", &encode_string(&held), out);
            }
        }
    }

    /// What came sealed is said at once, at the end of its block.
    fn say_seal(&mut self, out: &mut Vec<u8>) {
        let Some(slot) = self.open.front().filter(|slot| !slot.sealed.is_empty()) else { return };
        let data = encode_string(&issuer::tag_issuer(&slot.sealed, &slot.marks, FORMAT));
        if slot.index.is_some() || slot.marks.detail("type").is_none() {
            return self.say("signature_delta", "signature", &data, out);
        }
        let index = self.begin(&format!(r#"{{"type":"redacted_thinking","data":{data}}}"#), out);
        if let Some(slot) = self.open.front_mut() {
            slot.index = Some(index);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        while let Some(block) = self.open.front().map(|slot| slot.block) {
            self.close(block, out);
        }
        self.start(out);
        if !std::mem::replace(&mut self.ended, true) {
            self.message_delta(out);
        }
        write_event(out, "message_stop", r#"{"type":"message_stop"}"#);
        self.over = true;
    }

    fn message_delta(&mut self, out: &mut Vec<u8>) {
        let (reason, sequence) =
            response::write_reason(self.finish.as_ref(), self.calls, self.refused, &self.extra);
        let mut delta = Object::new();
        delta.set("stop_reason", reason);
        delta.set("stop_sequence", sequence);
        let mut event = Object::new();
        event.set("type", "\"message_delta\"");
        for (key, value) in &self.extra.members {
            match key.as_str() {
                "usage" | "stop_reason" | "stop_sequence" => {}
                "container" | "stop_details" => delta.set(key.as_str(), value.get()),
                _ => event.set(key.as_str(), value.get()),
            }
        }
        event.set("delta", delta.to_json());
        if self.usage.is_none() {
            self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
        }
        event.set("usage", usage::write(self.usage.unwrap_or_default(), &self.extra));
        write_event(out, "message_delta", &event.to_json());
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) {
            error::encode_in_stream(&Error::Upstream(failure.clone()), out);
        }
    }
}

impl PendingBlock {
    fn new(block: u32, kind: BlockKind) -> Self {
        let marks = ExtraFields::new(REASONING_DETAILS, Vec::new());
        let (extra, sealed, held) = (ExtraFields::default(), String::new(), String::new());
        Self { block, kind, index: None, extra, marks, sealed, held, closed: false }
    }

    /// A signature is this API's own, and may be said as it comes.
    fn is_plain(&self) -> bool {
        self.marks.detail("type").is_none() && self.marks.detail("format").is_none_or(|f| f == FORMAT)
    }
}

impl Encoder for MessagesEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                self.told = true;
                self.id = id.clone().unwrap_or_default();
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
            }
            Event::Open { choice: 0, kind, .. } if self.ended => {
                let what = if matches!(kind, BlockKind::Text) { "text" } else { "a block" };
                self.diagnostics.record(DiagnosticCode::ContentAfterFinish, what, "left out");
            }
            Event::Open { choice: 0, block, kind } => {
                self.calls |= matches!(kind, BlockKind::ToolCall { .. });
                self.refused |= matches!(kind, BlockKind::Refusal);
                self.open.push_back(PendingBlock::new(*block, kind.clone()));
            }
            Event::Delta { choice: 0, block, delta } => self.delta(*block, delta, out),
            Event::Close { choice: 0, block } => self.close(*block, out),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone()),
            Event::Open { .. } | Event::Finish { .. } => {
                self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "choices[1]",
                    "more than one answer",
                );
            }
            Event::Delta { .. } | Event::Close { .. } => {}
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { extra, .. } => {
                extra
                    .dropped_keys(NAME)
                    .for_each(|key| self.diagnostics.record(DiagnosticCode::ExtraDropped, "", key));
                self.extra.dialect = NAME;
                for (key, value) in extra.of(NAME) {
                    self.places.put(&mut self.extra.members, key.clone(), value.clone());
                }
            }
            Event::Error(failure) => self.fail(failure, out),
            Event::End => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.told {
            self.fail(&UpstreamError::Truncated, out);
        }
        self.over = true;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
