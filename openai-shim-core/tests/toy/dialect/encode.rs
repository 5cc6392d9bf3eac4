//! Events to a client's lines.

use super::super::Encoder;
use super::error;
use super::wire::{NAME, write_call, write_end, write_line};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, FinishReason, ResponseSpec, Usage,
};
use crate::error::{Error, UpstreamError};
use crate::json::{Object, encode_string};

/// The limit of arguments that wait until their calls are complete.
const MAX_ARGUMENTS: usize = 8 << 20;
const MAX_CALLS: usize = 1024;

/// A call that is not written yet, because it or one before it is not complete.
struct Pending {
    block: u32,
    id: String,
    name: String,
    arguments: String,
    is_complete: bool,
}

/// Encodes one stream.
pub(super) struct ToyEncoder {
    diagnostics: Diagnostics,
    /// The client's name for the model, and whether it replaces the upstream's.
    model: String,
    restore_alias: bool,
    /// The first fields of the next line.
    head: Object<'static>,
    /// The open block, and whether it is text.
    open: Option<(u32, bool)>,
    /// Calls in the order in which they began: a line has complete calls only.
    pending: Vec<Pending>,
    bytes: usize,
    calls: usize,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
    started: bool,
    over: bool,
}

impl ToyEncoder {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        Self {
            diagnostics: Diagnostics::default(),
            model: spec.model.clone(),
            restore_alias: spec.restore_alias,
            head: Object::new(),
            open: None,
            pending: Vec::new(),
            bytes: 0,
            calls: 0,
            reason: None,
            usage: None,
            started: false,
            over: false,
        }
    }

    fn line(&mut self, key: &'static str, value: String, out: &mut Vec<u8>) {
        let mut line = std::mem::take(&mut self.head);
        line.set(key, value);
        write_line(out, &line.to_json());
    }

    fn fail(&mut self, failure: UpstreamError, out: &mut Vec<u8>) {
        error::encode_in_stream(&Error::Upstream(failure), out);
        self.over = true;
    }

    fn lost(&mut self, what: &str) {
        self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "says", what);
    }

    fn open(&mut self, block: u32, kind: &BlockKind, out: &mut Vec<u8>) {
        match kind {
            BlockKind::ToolCall { id, name, signature } => {
                if signature.is_some() {
                    self.lost("the signature of a call");
                }
                if self.calls + self.pending.len() == MAX_CALLS {
                    let message = format!("The answer has more than {MAX_CALLS} calls.");
                    return self.fail(UpstreamError::TooLarge { message }, out);
                }
                let (id, name) = (id.clone(), name.clone());
                self.pending.push(Pending { block, id, name, arguments: String::new(), is_complete: false });
            }
            BlockKind::Text => self.open = Some((block, true)),
            BlockKind::Refusal => {
                self.diagnostics.record(DiagnosticCode::ContentRewritten, "says", "a refusal as text");
                self.open = Some((block, true));
            }
            BlockKind::Reasoning => {
                self.lost("thoughts");
                self.open = Some((block, false));
            }
        }
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let Delta::Text(text) = delta else { return self.lost("an opaque part") };
        if let Some(call) = self.pending.iter_mut().find(|call| call.block == block) {
            call.arguments.push_str(text);
            self.bytes += text.len();
            if self.bytes > MAX_ARGUMENTS {
                let message = format!("The answer has more than {MAX_ARGUMENTS} bytes of arguments.");
                self.fail(UpstreamError::TooLarge { message }, out);
            }
        } else if self.open == Some((block, true)) && !text.is_empty() {
            self.line("says", encode_string(text), out);
        }
    }

    /// Writes the complete calls up to the first one that is not.
    fn flush(&mut self, out: &mut Vec<u8>) {
        let complete = self.pending.iter().take_while(|call| call.is_complete).count();
        for call in self.pending.drain(..complete).collect::<Vec<_>>() {
            self.bytes = self.bytes.saturating_sub(call.arguments.len());
            self.calls += 1;
            let json = write_call(&call.id, &call.name, &call.arguments, "calls[]", &mut self.diagnostics);
            self.line("calls", format!("[{json}]"), out);
        }
    }
}

impl Encoder for ToyEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        let choice = match event {
            Event::Open { choice, .. }
            | Event::Delta { choice, .. }
            | Event::Close { choice, .. }
            | Event::Finish { choice, .. }
            | Event::Extra { choice: Some(choice), .. } => *choice,
            _ => 0,
        };
        if self.over {
            return;
        }
        if choice > 0 {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "", "more than one answer");
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.started = true;
                if let Some(id) = id {
                    self.head.set("id", encode_string(id));
                }
                let model = model.as_ref().filter(|_| !self.restore_alias).unwrap_or(&self.model);
                self.head.set("model", encode_string(model));
                if let Some(created) = created {
                    self.head.set("at", created.to_string());
                }
            }
            Event::Open { block, kind, .. } => self.open(*block, kind, out),
            Event::Delta { block, delta, .. } => self.delta(*block, delta, out),
            Event::Close { block, .. } => {
                if let Some(call) = self.pending.iter_mut().find(|call| call.block == *block) {
                    call.is_complete = true;
                    self.flush(out);
                } else {
                    self.open = None;
                }
            }
            Event::Finish { reason, .. } => self.reason = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { extra, .. } => {
                for (key, value) in extra.of(NAME) {
                    self.head.set(key.clone(), value.as_str().to_owned());
                }
                extra.report(NAME, "", &mut self.diagnostics);
            }
            Event::Error(failure) => self.fail(failure.clone(), out),
            Event::End => {
                let mut line = std::mem::take(&mut self.head);
                write_end(&mut line, self.reason.as_ref(), self.usage, &mut self.diagnostics);
                write_line(out, &line.to_json());
                self.over = true;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.over && self.started {
            self.fail(UpstreamError::Truncated, out);
        }
        self.over = true;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
