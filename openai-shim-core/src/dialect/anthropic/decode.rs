//! A stream as events.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use super::super::Decoder;
use super::usage::{self, Counts};
use super::{NAME, block, error, response};
use crate::canonical::{
    BlockKind, Code, Delta, Diagnostics, Event, Extra, FinishReason, REASONING_DETAILS, Usage, WHOLE_BLOCK,
    unfold,
};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, quote, raw, text_of};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The most blocks of one answer.
const MOST_BLOCKS: u32 = 4096;
/// The most bytes of blocks that are read whole.
const MOST_BYTES: usize = 16 << 20;

/// What is to be done with a frame where the client speaks this dialect too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be passed on as it is.
    #[default]
    Pass,
    /// There is nothing in it.
    Drop,
    /// It is not what the API would have sent here.
    Mend,
}

/// Reads a stream.
#[derive(Default)]
pub(super) struct MessagesDecoder {
    pub(super) notes: Diagnostics,
    pub(super) verdict: Verdict,
    /// What the last frame calls itself.
    pub(super) kind: String,
    pub(super) over: bool,
    started: bool,
    /// How many blocks the upstream began.
    begun: u32,
    /// Blocks that are open; calls may be side by side.
    open: Vec<Open>,
    calls: bool,
    finish: Option<FinishReason>,
    /// The next block's number in events.
    next: u32,
    counts: Counts,
    told: Option<Usage>,
    meaningful: bool,
    bytes: usize,
    /// The first bytes of a body that is no stream at all.
    foreign: Option<&'static str>,
}

/// Where a stream stands: for who goes on from there.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The block that is open; `None` in it for one that only this dialect knows.
    pub(super) open: Option<(u32, Option<BlockKind>)>,
    pub(super) calls: bool,
    pub(super) finish: Option<FinishReason>,
}

/// A block that is open.
struct Open {
    index: u64,
    /// Its number in events.
    block: u32,
    kind: Kind,
    /// Arguments came, or a signature; or the client has the block already.
    said: bool,
}

enum Kind {
    Text,
    Thinking,
    /// Encrypted thinking is complete when it begins.
    Redacted,
    /// With the input that stood in its beginning.
    Call(Option<String>),
    /// A block that only this dialect knows, and its input so far.
    Native(Object<'static>, String),
}

impl Decoder for MessagesDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.verdict = Verdict::Pass;
        match frame {
            Frame::Event { event, data } => self.data(event, data, out),
            Frame::Line(line) => {
                self.data(None, line, out);
                self.not_so();
            }
            Frame::Body(body) => self.body(body, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.verdict = Verdict::Mend;
        if self.over {
            return;
        }
        if self.finish.is_some() {
            self.notes.note(Code::DoneMissing, "", "message_stop");
            return self.complete(out);
        }
        let error = match self.foreign {
            _ if self.started => UpstreamError::Truncated,
            Some("HTML") => UpstreamError::malformed("The upstream answered with an HTML page."),
            Some(_) => UpstreamError::malformed(
                "The upstream answered with text that is neither JSON nor an event stream.",
            ),
            None if self.notes.has(Code::FrameCorrupt) => UpstreamError::Truncated,
            None => UpstreamError::Empty,
        };
        self.fail(error, out);
    }

    fn notes(&self) -> &Diagnostics {
        &self.notes
    }
}

impl MessagesDecoder {
    pub(super) fn standing(&self) -> Standing {
        let open = self.open.last().map(|open| {
            let kind = match &open.kind {
                Kind::Text => Some(BlockKind::Text),
                Kind::Thinking | Kind::Redacted => Some(BlockKind::Reasoning),
                Kind::Call(_) => Some(BlockKind::ToolCall { id: String::new(), name: String::new() }),
                Kind::Native(..) => None,
            };
            (open.block, kind)
        });
        Standing { open, calls: self.calls, finish: self.finish.clone() }
    }

    /// The beginning of a block was passed on. Whether it is one that only this dialect knows: then it is never told again.
    pub(super) fn native_passed(&mut self) -> bool {
        let Some(open) = self.open.last_mut() else { return false };
        let native = matches!(open.kind, Kind::Native(..));
        open.said |= native;
        native
    }

    /// The connection broke.
    pub(super) fn broke(&mut self, error: &UpstreamError, out: &mut Vec<Event>) {
        let cut = self.meaningful && matches!(error, UpstreamError::Transport { .. });
        self.fail(if cut { UpstreamError::Truncated } else { error.clone() }, out);
    }

    /// The frame may not be passed on as it is.
    fn not_so(&mut self) {
        if self.verdict == Verdict::Pass {
            self.verdict = Verdict::Mend;
        }
    }

    fn data(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        if data.is_empty() {
            self.verdict = Verdict::Drop;
            return;
        }
        if data == b"[DONE]" {
            self.notes.note(Code::FrameForeign, "", "[DONE]");
            self.verdict = Verdict::Drop;
            return;
        }
        if self.over {
            self.notes.note(Code::DataAfterDone, "", "");
            self.verdict = Verdict::Drop;
            return;
        }
        match Object::parse(data) {
            Ok(object) => self.object(event, &object, out),
            Err(_) if data.contains(&b'\n') && data.starts_with(b"{") => {
                for line in data.split(|b| *b == b'\n') {
                    self.data(None, line, out);
                }
                self.not_so();
            }
            Err(_) => {
                self.verdict = Verdict::Drop;
                if !self.started && !data.starts_with(b"{") {
                    self.foreign = Some("text");
                } else {
                    self.notes.note(Code::FrameCorrupt, "", "not JSON");
                }
            }
        }
    }

    /// The whole body at once.
    fn body(&mut self, body: &[u8], out: &mut Vec<Event>) {
        self.verdict = Verdict::Mend;
        if body.starts_with(b"<") {
            self.foreign = Some("HTML");
            return;
        }
        match Object::parse(body) {
            Ok(object) => self.object(None, &object, out),
            Err(e) if e.is_eof() => self.fail(UpstreamError::Truncated, out),
            Err(_) => self.foreign = Some("text"),
        }
    }

    fn object(&mut self, event: Option<&str>, object: &Object<'_>, out: &mut Vec<Event>) {
        let kind = object.str("type").map(Cow::into_owned);
        let kind = kind.as_deref().or(event).unwrap_or_default();
        kind.clone_into(&mut self.kind);
        match kind {
            "message_start" => self.start(object, out),
            "content_block_start" => self.block_start(object, out),
            "content_block_delta" => self.block_delta(object, out),
            "content_block_stop" => self.block_stop(object, out),
            "message_delta" => self.message_delta(object, out),
            "message_stop" => {
                if self.finish.is_none() || !self.open.is_empty() {
                    self.not_so();
                }
                self.complete(out);
            }
            "ping" => {}
            _ if error::is_error(object) => {
                let error = error::in_body(object, &mut self.notes);
                self.fail(error, out);
            }
            "message" if !self.started => self.whole(object, out),
            "error" => {
                self.fail(UpstreamError::malformed("The upstream reported an error in its stream."), out)
            }
            _ => {
                self.notes.note(Code::FrameForeign, "", kind);
                // A newer event of this API passes where it is one.
                if event != Some(kind) || kind.is_empty() {
                    self.verdict = Verdict::Drop;
                }
            }
        }
    }

    /// A whole answer instead of a stream.
    fn whole(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let response = response::read(object, &mut self.notes);
        (self.started, self.over, self.verdict) = (true, true, Verdict::Mend);
        out.extend(unfold(&response));
    }

    fn begin(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            self.not_so();
            self.notes.note(Code::FieldFilled, "message_start", "");
            out.push(Event::Start { id: None, model: None, created: None });
        }
    }

    fn start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if self.started {
            self.notes.note(Code::FrameForeign, "", "a second message_start");
            self.verdict = Verdict::Drop;
            return;
        }
        self.started = true;
        let message = object.object("message").unwrap_or_default();
        let of = |key: &str| message.str(key).map(Cow::into_owned).filter(|said| !said.is_empty());
        let (id, model) = (of("id"), of("model"));
        if id.is_none() || model.is_none() || message.get("content").is_none() {
            self.not_so();
        }
        out.push(Event::Start { id, model, created: None });
        let extra = response::rest(&message, &response::SAID);
        self.aside(message.object("usage"), extra, out);
    }

    /// Counts and members of the answer as a whole.
    fn aside(
        &mut self,
        usage: Option<Object<'_>>,
        mut extra: Vec<(String, Box<RawValue>)>,
        out: &mut Vec<Event>,
    ) {
        if let Some(usage) = usage {
            self.counts.read(&usage);
            extra.extend(usage::leftovers(&usage));
        }
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: Extra::new(NAME, extra) });
        }
        self.tell_usage(out);
    }

    fn tell_usage(&mut self, out: &mut Vec<Event>) {
        let usage = self.counts.usage();
        if let Some(usage) = usage.filter(|_| usage != self.told) {
            self.told = Some(usage);
            out.push(Event::Usage(usage));
        }
    }

    fn block_start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.begin(out);
        let index = object.u64("index").unwrap_or(u64::from(self.begun));
        if !self.open.is_empty() || index != u64::from(self.begun) || self.finish.is_some() {
            self.notes.note(Code::FieldFilled, "index", "blocks that do not follow one another");
            self.not_so();
        }
        self.begun += 1;
        if self.begun > MOST_BLOCKS {
            return self.too_large("blocks", out);
        }
        let start = object.object("content_block").unwrap_or_default();
        let of = |key: &str| start.get(key).map(text_of).unwrap_or_default().into_owned();
        let said = match start.str("type").as_deref() {
            Some("text") => {
                let block = self.open_block(index, Kind::Text, out);
                (block, of("text"), response::rest(&start, &["type", "text", "citations"]))
            }
            Some("thinking") => {
                let block = self.open_block(index, Kind::Thinking, out);
                (block, of("thinking"), response::rest(&start, &["type", "thinking", "signature"]))
            }
            Some("redacted_thinking") => {
                let block = self.open_block(index, Kind::Redacted, out);
                let details = block::encrypted().into_iter();
                let delta = |(key, raw)| Delta::Native { dialect: REASONING_DETAILS, key, raw };
                out.extend(details.map(|d| Event::Delta { choice: 0, block, delta: delta(d) }));
                out.push(Event::Delta { choice: 0, block, delta: Delta::Signature(of("data")) });
                (block, String::new(), Vec::new())
            }
            Some("tool_use") => {
                let input = start.non_null("input").filter(|v| !matches!(v.trim(), "{}" | "\"\""));
                let input = input.map(|input| text_of(input).into_owned());
                let kind = BlockKind::ToolCall { id: of("id"), name: of("name") };
                let block = self.open_as(index, Kind::Call(input), kind, out);
                (block, String::new(), response::rest(&start, &["type", "id", "name", "input"]))
            }
            _ => {
                let kind = Kind::Native(start.into_owned(), String::new());
                self.open.push(Open { index, block: self.next, kind, said: false });
                return;
            }
        };
        let (block, text, extra) = said;
        for (key, raw) in extra {
            let delta = Delta::Native { dialect: NAME, key, raw };
            out.push(Event::Delta { choice: 0, block, delta });
        }
        if !text.is_empty() {
            out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
        }
    }

    fn open_block(&mut self, index: u64, kind: Kind, out: &mut Vec<Event>) -> u32 {
        let event = if matches!(kind, Kind::Text) { BlockKind::Text } else { BlockKind::Reasoning };
        self.open_as(index, kind, event, out)
    }

    /// Opens a block. Only calls may be open side by side.
    fn open_as(&mut self, index: u64, kind: Kind, event: BlockKind, out: &mut Vec<Event>) -> u32 {
        let call = matches!(kind, Kind::Call(_));
        self.calls |= call;
        self.meaningful |= call;
        let (stay, close): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|open| call && open.index != index && matches!(open.kind, Kind::Call(_)));
        for open in close {
            self.close(open, out);
        }
        self.open = stay;
        let block = self.next;
        self.next += 1;
        self.open.push(Open { index, block, kind, said: false });
        out.push(Event::Open { choice: 0, block, kind: event });
        block
    }

    fn block_delta(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.begin(out);
        let last = self.open.last().map_or(0, |open| open.index);
        let index = object.u64("index").unwrap_or(last);
        let delta = object.object("delta").unwrap_or_default();
        let kind = delta.str("type").map(Cow::into_owned).unwrap_or_default();
        let of = |key: &str| delta.get(key).map(text_of).unwrap_or_default().into_owned();
        let wanted = match kind.as_str() {
            "text_delta" => Some(Kind::Text),
            "thinking_delta" | "signature_delta" => Some(Kind::Thinking),
            _ => None,
        };
        let at = self.open.iter().position(|open| open.index == index);
        let fits = at.and_then(|at| self.open.get(at)).is_some_and(|open| {
            matches!(
                (&open.kind, kind.as_str()),
                (Kind::Text, "text_delta" | "citations_delta")
                    | (Kind::Thinking, "thinking_delta" | "signature_delta")
                    | (Kind::Call(_), "input_json_delta")
                    | (Kind::Native(..), _)
            )
        });
        let at = match (fits, wanted) {
            (true, _) => at,
            (false, Some(kind)) => {
                // Said into a block of another kind, or into none: it opens its own.
                self.notes.note(Code::FieldFilled, "content_block_start", "");
                self.not_so();
                self.open_block(index, kind, out);
                Some(self.open.len() - 1)
            }
            (false, None) => {
                self.notes.note(Code::FrameForeign, "delta", &kind);
                self.not_so();
                return;
            }
        };
        let Some(open) = at.and_then(|at| self.open.get_mut(at)) else { return };
        let block = open.block;
        let said = match (&mut open.kind, kind.as_str()) {
            (Kind::Native(start, input), _) => {
                self.bytes += absorb(start, input, &kind, &delta);
                if self.bytes > MOST_BYTES {
                    self.too_large("block", out);
                }
                return;
            }
            (_, "citations_delta") => {
                let Some(citation) = delta.non_null("citation") else { return };
                let (key, raw) = (String::from("citation"), raw(citation));
                Delta::Native { dialect: NAME, key, raw }
            }
            (_, "signature_delta") => {
                let (key, raw) = (String::from("format"), raw(quote(super::FORMAT)));
                let delta = Delta::Native { dialect: REASONING_DETAILS, key, raw };
                if !std::mem::replace(&mut open.said, true) {
                    out.push(Event::Delta { choice: 0, block, delta });
                }
                Delta::Signature(of("signature"))
            }
            (_, "thinking_delta") => Delta::Text(of("thinking")),
            (_, "text_delta") => Delta::Text(of("text")),
            _ => {
                let partial = of("partial_json");
                open.said |= !partial.is_empty();
                Delta::Text(partial)
            }
        };
        if !matches!(&said, Delta::Text(text) | Delta::Signature(text) if text.is_empty()) {
            self.meaningful = true;
            out.push(Event::Delta { choice: 0, block, delta: said });
        }
    }

    fn block_stop(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let index = object.u64("index").or(self.open.last().map(|open| open.index));
        match self.open.iter().position(|open| Some(open.index) == index) {
            Some(at) => {
                let open = self.open.remove(at);
                self.close(open, out);
            }
            None => {
                self.notes.note(Code::FrameForeign, "", "the end of a block that is not open");
                self.not_so();
            }
        }
    }

    fn close(&mut self, open: Open, out: &mut Vec<Event>) {
        let block = open.block;
        match open.kind {
            Kind::Native(..) if open.said => return,
            Kind::Native(mut start, input) => {
                if !input.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&input).is_ok() {
                    start.set("input", input);
                }
                // It stands between other blocks, and calls may be open beside it.
                let (calls, block) = (std::mem::take(&mut self.open), self.next);
                calls.into_iter().for_each(|call| self.close(call, out));
                self.next += 1;
                self.meaningful = true;
                let (key, raw) = (WHOLE_BLOCK.to_owned(), raw(start.to_json()));
                out.push(Event::Open { choice: 0, block, kind: BlockKind::Text });
                let delta = Delta::Native { dialect: NAME, key, raw };
                out.push(Event::Delta { choice: 0, block, delta });
                out.push(Event::Close { choice: 0, block });
                return;
            }
            Kind::Call(input) if !open.said => {
                let input = input.unwrap_or_else(|| String::from("{}"));
                out.push(Event::Delta { choice: 0, block, delta: Delta::Text(input) });
            }
            _ => {}
        }
        out.push(Event::Close { choice: 0, block });
    }

    fn message_delta(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.begin(out);
        let delta = object.object("delta").unwrap_or_default();
        let mut extra = response::rest(&delta, &["stop_reason", "stop_sequence"]);
        extra.extend(response::rest(object, &["type", "delta", "usage"]));
        match delta.str("stop_reason") {
            Some(_) if self.finish.is_some() => {
                self.notes.note(Code::FinishReasonRepeated, "stop_reason", "");
                self.not_so();
            }
            Some(word) => {
                let sequence = delta.str("stop_sequence").map(Cow::into_owned);
                let (reason, special) = response::read_reason(&word, sequence, &mut self.notes);
                self.finish = Some(reason);
                extra.extend(special);
            }
            None => self.not_so(),
        }
        if !self.open.is_empty() || object.get("usage").is_none() {
            self.not_so();
        }
        self.aside(object.object("usage"), extra, out);
    }

    /// The answer is complete.
    fn complete(&mut self, out: &mut Vec<Event>) {
        self.begin(out);
        while !self.open.is_empty() {
            let open = self.open.remove(0);
            self.close(open, out);
        }
        let reason = self.finish.clone().unwrap_or_else(|| {
            self.notes.note(Code::FinishReasonDerived, "stop_reason", "");
            if self.calls { FinishReason::ToolCalls } else { FinishReason::Stop }
        });
        out.push(Event::Finish { choice: 0, reason });
        self.tell_usage(out);
        out.push(Event::End);
        self.over = true;
    }

    fn too_large(&mut self, what: &str, out: &mut Vec<Event>) {
        let message = format!("The upstream's answer has more {what} than this service keeps.");
        self.fail(UpstreamError::TooLarge { message }, out);
    }

    /// The stream broke or reported an error.
    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.verdict = Verdict::Mend;
        match &error {
            UpstreamError::Truncated => self.notes.note(Code::StreamTruncated, "", ""),
            _ if self.meaningful => self.notes.note(Code::ErrorInStream, "", ""),
            UpstreamError::Status(_) => {
                self.notes.note(Code::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        out.push(Event::Error(error));
    }
}

/// Takes a delta into a block of which nothing else is known: text grows, all else is replaced. How many bytes that moved.
fn absorb(start: &mut Object<'static>, input: &mut String, kind: &str, delta: &Object<'_>) -> usize {
    if kind == "input_json_delta" {
        let partial = delta.get("partial_json").map(text_of).unwrap_or_default();
        input.push_str(&partial);
        return partial.len();
    }
    let mut moved = 0;
    for (key, value) in delta.iter().filter(|(key, _)| *key != "type") {
        let grown = match (start.str(key), crate::json::text(value)) {
            (Some(old), Some(new)) => quote(&format!("{old}{new}")),
            _ => value.to_owned(),
        };
        moved += key.len() + grown.len();
        start.set(key.to_owned(), grown);
    }
    moved
}
