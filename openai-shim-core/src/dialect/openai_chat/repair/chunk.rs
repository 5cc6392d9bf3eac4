//! One chunk: as the upstream sent it in, repaired out.

use super::super::usage::{in_vendor_object, read as read_usage};
use super::held_chunk::OutgoingChunk;
use super::stream_state::{ChunkSink, StreamState, StreamedChoice};
use super::{merge_choices, usage};
use crate::canonical::{DiagnosticCode, StreamUsage};
use crate::dialect::listed_objects::{CHOICE, list_object};
use crate::json::{ListItem, Object, ValueKind, encode_array, value_kind};

/// The most fields, and bytes of one, that are taken from a chunk without choices.
const MAX_PRELUDE_FIELDS: usize = 16;
const MAX_PRELUDE_FIELD_BYTES: usize = 4096;

impl StreamState {
    /// Repairs one chunk and sends it. `changed`: the chunk differs from its source already.
    pub(super) fn chunk(
        &mut self,
        mut chunk: Object<'_>,
        choices: Vec<ListItem<'_>>,
        source: &[u8],
        mut changed: bool,
        sink: &mut dyn ChunkSink,
    ) {
        let made;
        let mut choices: Vec<ListItem<'_>> = choices;
        if choices.is_empty() {
            if list_object(&mut chunk, "choices", CHOICE, "choices", &mut self.diagnostics) {
                let json = chunk.to_json();
                if let Ok((chunk, choices)) = Object::parse_with_items(json.as_bytes(), "choices", "delta") {
                    self.chunk(chunk, choices, source, true, sink);
                }
                return;
            }
            let Some(choice) = take_top_level_message(&mut chunk) else {
                self.chunk_without_choices(chunk, source);
                return;
            };
            self.diagnostics.record(DiagnosticCode::MessageAsDelta, "message", "no choices around it");
            made = choice;
            let object = Object::parse(made.as_bytes()).ok();
            choices.push(ListItem { text: &made, object, inner: None });
            changed = true;
        }
        self.take_usage(&mut chunk, &choices);
        self.identity.repair(&mut chunk, &self.spec, &mut self.context, &mut self.diagnostics);
        let (mut written, mut ended_choices) = (Vec::with_capacity(choices.len()), Vec::new());
        let (mut has_content, mut is_late) = (false, false);
        for (at, ListItem { text, object, inner }) in choices.into_iter().enumerate() {
            let Some(mut choice) = object else {
                self.diagnostics.record(DiagnosticCode::FieldDropped, "choices[]", "no object");
                changed = true;
                continue;
            };
            let mut index = choice.u64("index").unwrap_or(at as u64);
            let merged = &mut self.merged_choices;
            if merge_choices::is_part(index, &choice, self.spec.n, merged, &mut self.diagnostics) {
                index = 0;
                choice.set("index", "0");
            }
            let was_finished = self.choice_mut(index).is_some_and(|choice| choice.is_finished());
            match self.repair_choice(choice, inner, text, at) {
                Ok(repaired) => {
                    changed |= repaired.changed;
                    ended_choices.extend(repaired.is_end.then_some(index));
                    has_content |= repaired.has_content;
                    is_late |= was_finished && repaired.json.is_some();
                    written.extend(repaired.json);
                }
                Err(error) => {
                    self.fail(&error, sink);
                    return;
                }
            }
        }
        if written.is_empty() {
            if !self.choices.iter().any(StreamedChoice::has_withheld) {
                self.diagnostics.record(DiagnosticCode::FrameForeign, "", "nothing left in it");
            }
            return;
        }
        if changed {
            chunk.set("choices", encode_array(&written));
        }
        for (key, value) in std::mem::take(&mut self.prelude) {
            if chunk.get(&key).is_none() {
                chunk.set(key, value);
            }
        }
        if is_late {
            self.diagnostics.record(DiagnosticCode::ContentAfterFinish, "", "");
        }
        let source = if chunk.is_changed() { None } else { Some(source) };
        self.summary.content |= has_content;
        self.emit(OutgoingChunk { chunk, source, ended_choices, is_late }, sink);
        self.close_if_stopped(sink);
    }

    /// Keeps what a chunk without choices has for other chunks: usage, or fields in front of the first choices.
    fn chunk_without_choices(&mut self, chunk: Object<'_>, source: &[u8]) {
        if chunk.non_null("usage").and_then(read_usage).is_some() {
            self.keep_usage_chunk(chunk.into_owned(), source);
            return;
        }
        self.usage.in_vendor_object = in_vendor_object(&chunk).or(self.usage.in_vendor_object.take());
        self.diagnostics.record(DiagnosticCode::FrameForeign, "", "no choices");
        if self.choices.is_empty() && chunk.get("choices").is_some() {
            let repaired = ["id", "object", "created", "model", "choices", "usage", "system_fingerprint"];
            for (key, value) in chunk.iter().filter(|(key, _)| !repaired.contains(key)) {
                if self.prelude.len() < MAX_PRELUDE_FIELDS && value.len() < MAX_PRELUDE_FIELD_BYTES {
                    self.prelude.push((key.to_owned(), value.to_owned()));
                }
            }
        }
    }

    /// Keeps a chunk that has usage and no choices for the end of the stream.
    fn keep_usage_chunk(&mut self, mut chunk: Object<'static>, source: &[u8]) {
        let json = chunk.get("usage").unwrap_or_default().to_owned();
        if chunk.get("choices").is_none() {
            chunk.set("choices", "[]");
        }
        self.identity.repair(&mut chunk, &self.spec, &mut self.context, &mut self.diagnostics);
        if let Some(repaired) = usage::repair(&json, &mut self.diagnostics).json {
            chunk.set("usage", repaired);
        }
        self.usage.chunk = Some(if chunk.is_changed() {
            let mut out = Vec::new();
            chunk.write(&mut out);
            out
        } else {
            source.to_vec()
        });
        if self.usage.json.is_some() {
            self.diagnostics.record(DiagnosticCode::UsageMoved, "usage", "an earlier one was replaced");
        } else if self.spec.stream_usage != StreamUsage::Client {
            self.record_unrequested_usage();
        }
        self.usage.json = Some(json);
    }

    fn record_unrequested_usage(&mut self) {
        // Where only this program requested usage, leaving it out is no loss to the client.
        if self.spec.stream_usage != StreamUsage::Injected {
            self.diagnostics.record(DiagnosticCode::UsageNotRequested, "usage", "");
        }
    }

    /// Takes usage out of a chunk that has choices.
    fn take_usage(&mut self, chunk: &mut Object<'_>, choices: &[ListItem<'_>]) {
        if self.spec.stream_usage == StreamUsage::Injected
            && chunk.get("usage").is_some_and(|usage| usage.trim() == "null")
        {
            // The upstream sends this null because this program requested usage, not the client.
            chunk.remove("usage");
        }
        // Moonshot sends it inside the choice.
        let in_choice = || Some(choices.first()?.object.as_ref()?.non_null("usage")?.to_owned());
        let Some(json) = chunk.non_null("usage").map(str::to_owned).or_else(in_choice) else {
            self.usage.in_vendor_object = in_vendor_object(chunk).or(self.usage.in_vendor_object.take());
            return;
        };
        if chunk.non_null("usage").is_some() {
            chunk.remove("usage");
        }
        if read_usage(&json).is_some() {
            if self.spec.stream_usage == StreamUsage::Client {
                self.diagnostics.record(DiagnosticCode::UsageMoved, "usage", "");
            } else {
                self.record_unrequested_usage();
            }
            self.usage.json = Some(json);
            self.usage.chunk = None;
        } else {
            self.diagnostics.record(DiagnosticCode::UsageShaped, "usage", "incomplete");
        }
    }
}

/// Takes a message that has no choices around it, as Ollama's own API streams it; returns it as a choice.
fn take_top_level_message(chunk: &mut Object<'_>) -> Option<String> {
    let message = chunk.non_null("message").filter(|m| value_kind(m) == ValueKind::Object)?.to_owned();
    chunk.remove("message");
    let reason = chunk.remove("done_reason").filter(|r| value_kind(r) == ValueKind::String);
    let reason = match (chunk.bool("done"), reason) {
        (Some(true), Some(reason)) => reason.into_owned(),
        (Some(true), None) => String::from("\"stop\""),
        _ => String::from("null"),
    };
    Some(format!(r#"{{"index":0,"message":{message},"finish_reason":{reason}}}"#))
}
