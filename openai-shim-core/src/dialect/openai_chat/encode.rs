//! Canonical events in, a stream for a client out: strictly what OpenAI sends.
//!
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use super::citations::{self, cited_by_others};
use super::extra_fields::NAME;
use super::tag_writer::TagWriter;
use super::tool_call::{self, CallKind};
use super::{error, finish_reason, reasoning_details, usage};
use crate::canonical::{
    BlockKind, Citation, CitedSources, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList,
    ExtraFields, FinishReason, Logprobs, NumberedList, REASONING_DETAILS, ReasoningStyle, ResponseContext,
    ResponseSpec, StreamUsage, TextLength, Usage, arguments_to_input,
};
use crate::dialect::{Encoder, openai_service_tier};
use crate::error::{Error, UpstreamError};
use crate::framing::write_event;
use crate::json::{Object, encode_string};
use std::collections::BTreeMap;

/// The most bytes of a custom tool's input.
const MAX_INPUT_BYTES: usize = 16 << 20;

/// Encodes a stream.
pub(super) struct ChatEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    /// Empty until the stream starts.
    id: String,
    model: String,
    created: u64,
    choices: NumberedList<ChoiceWriter>,
    usage: Option<Usage>,
    /// Fields for the next chunk itself.
    extra: Vec<(String, String)>,
    has_ended: bool,
}

/// The state of one choice.
#[derive(Default)]
struct ChoiceWriter {
    has_sent_role: bool,
    open: BTreeMap<u32, OpenBlock>,
    /// How many tool calls began.
    calls: u32,
    /// For clients that read reasoning in the text.
    tags: TagWriter,
    /// Fields for this choice in its next chunk.
    extra: Vec<(String, String)>,
    /// What is signed in the open block of reasoning.
    pending_signature: PendingSignature,
    /// How many blocks of reasoning went out as `reasoning_details`.
    details: usize,
    /// The length of the text, and its length when the open block began.
    length: TextLength,
    block_start: TextLength,
    /// The citations of the open block.
    citations: Vec<Citation>,
}

/// The signature of a block of reasoning, which goes out when the block closes.
#[derive(Default)]
struct PendingSignature {
    signature: String,
    /// The fields that state the issuer.
    extra: ExtraFields,
}

enum OpenBlock {
    Text,
    Reasoning,
    Refusal,
    ToolCall {
        /// OpenAI's index of it.
        index: u32,
        has_arguments: bool,
    },
    /// The call of a custom tool, whose input is known when the arguments are complete.
    CustomCall {
        index: u32,
        arguments: String,
    },
}

impl ChatEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            id: String::new(),
            model: spec.model.clone(),
            created: spec.created,
            spec,
            context,
            diagnostics: Diagnostics::default(),
            choices: NumberedList::default(),
            usage: None,
            extra: Vec::new(),
            has_ended: false,
        }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceWriter {
        self.choices.get_or_insert_with(index, ChoiceWriter::default)
    }

    /// Writes a chunk of one choice. `delta` is the fields of an object, `finish_reason` is JSON.
    fn write_choice(&mut self, index: u32, delta: &str, finish_reason: &str, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let role = if choice.has_sent_role { "" } else { "\"role\":\"assistant\"" };
        choice.has_sent_role = true;
        let comma = if role.is_empty() || delta.is_empty() { "" } else { "," };
        let mut object = Object::new();
        object.set("index", index.to_string());
        object.set("delta", format!("{{{role}{comma}{delta}}}"));
        object.set("logprobs", "null");
        object.set("finish_reason", finish_reason);
        for (key, value) in std::mem::take(&mut choice.extra) {
            object.set(key, value);
        }
        let choices = format!("[{}]", object.to_json());
        self.write_chunk(&choices, None, out);
    }

    fn write_chunk(&mut self, choices: &str, usage: Option<String>, out: &mut Vec<u8>) {
        let mut chunk = Object::new();
        chunk.set("id", encode_string(&self.id));
        chunk.set("object", "\"chat.completion.chunk\"");
        chunk.set("created", self.created.to_string());
        chunk.set("model", encode_string(&self.model));
        for (key, value) in std::mem::take(&mut self.extra) {
            chunk.set(key, value);
        }
        chunk.set("choices", choices);
        if let Some(usage) = usage {
            chunk.set("usage", usage);
        }
        write_event(out, |out| chunk.write(out));
    }

    fn open_block(&mut self, index: u32, block: u32, kind: &BlockKind, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        choice.block_start = choice.length;
        let open = match kind {
            BlockKind::Text => OpenBlock::Text,
            BlockKind::Reasoning => OpenBlock::Reasoning,
            BlockKind::Refusal => OpenBlock::Refusal,
            BlockKind::ToolCall { id, name, signature } => {
                let call = choice.calls;
                choice.calls += 1;
                let is_custom = CallKind::of_tool(name, &self.spec) == CallKind::Custom;
                let open = if is_custom {
                    OpenBlock::CustomCall { index: call, arguments: String::new() }
                } else {
                    OpenBlock::ToolCall { index: call, has_arguments: false }
                };
                self.choice(index).open.insert(block, open);
                self.open_call(index, call, CallStart { id, name, signature: signature.as_deref() }, out);
                return;
            }
        };
        choice.open.insert(block, open);
    }

    /// Writes the first delta of a tool call.
    fn open_call(&mut self, index: u32, call: u32, start: CallStart<'_>, out: &mut Vec<u8>) {
        let name = encode_string(start.name);
        if self.spec.legacy_functions {
            if call > 0 {
                self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "choices[].delta",
                    "more than one call for a legacy client",
                );
                return;
            }
            let delta = format!(r#""function_call":{{"name":{name},"arguments":""}}"#);
            self.write_choice(index, &delta, "null", out);
            return;
        }
        let id = if start.id.is_empty() { self.context.new_id("call_") } else { start.id.to_owned() };
        let mut delta = Object::new();
        delta.set("index", call.to_string());
        delta.set("id", encode_string(&id));
        let (kind, text_key) = CallKind::of_tool(start.name, &self.spec).keys();
        delta.set("type", encode_string(kind));
        delta.set(kind, format!(r#"{{"name":{name},"{text_key}":""}}"#));
        let delta = tool_call::write_signed(delta, start.signature);
        self.write_choice(index, &format!(r#""tool_calls":[{delta}]"#), "null", out);
    }

    fn delta(&mut self, index: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let (legacy, tagged) = (self.spec.legacy_functions, self.spec.reasoning == ReasoningStyle::Tags);
        let choice = self.choice(index);
        let Some(open) = choice.open.get_mut(&block) else { return };
        let field = match (delta, &mut *open) {
            (Delta::Text(text), OpenBlock::ToolCall { index, has_arguments }) => {
                *has_arguments |= !text.is_empty();
                if legacy && *index > 0 {
                    return;
                }
                write_arguments(*index, legacy, text)
            }
            (Delta::Text(text), OpenBlock::CustomCall { arguments, .. }) => {
                arguments.push_str(text);
                if arguments.len() > MAX_INPUT_BYTES {
                    let message = format!("The input of a tool has more than {MAX_INPUT_BYTES} bytes.");
                    self.event(&Event::Error(UpstreamError::TooLarge { message }), out);
                }
                return;
            }
            (Delta::Text(text), OpenBlock::Text) if tagged => {
                let text = choice.tags.write("", text, false);
                format!("\"content\":{}", encode_string(&text))
            }
            (Delta::Text(text), OpenBlock::Reasoning) if tagged => {
                let text = choice.tags.write(text, "", false);
                format!("\"content\":{}", encode_string(&text))
            }
            (Delta::Text(text), OpenBlock::Text) => {
                choice.length.add(text);
                format!("\"content\":{}", encode_string(text))
            }
            (Delta::Text(text), OpenBlock::Reasoning) if choice.pending_signature.extra.is_empty() => {
                format!("\"reasoning_content\":{}", encode_string(text))
            }
            (Delta::Text(text), OpenBlock::Reasoning) => {
                let extra = &choice.pending_signature.extra;
                let detail = reasoning_details::write_detail(Some(text), None, extra, choice.details);
                format!("\"reasoning_content\":{},\"reasoning_details\":[{detail}]", encode_string(text))
            }
            (Delta::Signature(signature), OpenBlock::Reasoning) => {
                choice.pending_signature.signature.push_str(signature);
                return;
            }
            (Delta::Native { dialect: REASONING_DETAILS, key, raw }, OpenBlock::Reasoning) => {
                if !choice.pending_signature.extra.set_detail(key, raw) {
                    self.diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
                return;
            }
            (Delta::Text(text), OpenBlock::Refusal) => format!("\"refusal\":{}", encode_string(text)),
            (Delta::Native { dialect: NAME, key, raw }, _) => {
                format!("{}:{}", encode_string(key), raw.as_str())
            }
            (
                Delta::Signature(signature),
                OpenBlock::ToolCall { index, .. } | OpenBlock::CustomCall { index, .. },
            ) if !legacy => {
                let mut call = Object::new();
                call.set("index", index.to_string());
                format!(r#""tool_calls":[{}]"#, tool_call::write_signed(call, Some(signature)))
            }
            // Such a key tells how its own dialect wrote something.
            (Delta::Native { key, .. }, _) if key.starts_with('.') => return,
            (Delta::Native { dialect, key, raw }, _) => {
                let extra = ExtraFields::new(dialect, vec![(key.clone(), raw.clone())]);
                let CitedSources { mut list, rest } = cited_by_others(&extra);
                choice.citations.append(&mut list);
                rest.report(NAME, "choices[].delta", &mut self.diagnostics);
                return;
            }
            (Delta::Signature(_), _) => {
                self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "choices[].delta",
                    "an opaque part",
                );
                return;
            }
        };
        self.write_choice(index, &field, "null", out);
    }

    /// Writes the citations of the text since `block_start`, whose end is known now.
    fn write_citations(&mut self, index: u32, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let (from, to) = (choice.block_start, choice.length);
        let citations = std::mem::take(&mut choice.citations);
        let list: Vec<_> = citations.iter().map(|citation| citations::write(citation, from, to)).collect();
        if !list.is_empty() {
            self.write_choice(index, &format!("\"annotations\":[{}]", list.join(",")), "null", out);
        }
    }

    fn close_block(&mut self, index: u32, block: u32, out: &mut Vec<u8>) {
        let legacy = self.spec.legacy_functions;
        let choice = self.choice(index);
        match choice.open.remove(&block) {
            Some(OpenBlock::Reasoning) => {
                let PendingSignature { signature, extra } = std::mem::take(&mut choice.pending_signature);
                let number = choice.details;
                choice.details += usize::from(!extra.is_empty() || !signature.is_empty());
                if !signature.is_empty() {
                    let detail = reasoning_details::write_detail(None, Some(&signature), &extra, number);
                    self.write_choice(index, &format!("\"reasoning_details\":[{detail}]"), "null", out);
                }
            }
            Some(OpenBlock::Text) => self.write_citations(index, out),
            // A call without arguments gets an empty object.
            Some(OpenBlock::ToolCall { index: call, has_arguments: false }) if !legacy || call == 0 => {
                let arguments = write_arguments(call, legacy, "{}");
                self.write_choice(index, &arguments, "null", out);
            }
            Some(OpenBlock::CustomCall { index: call, arguments }) => {
                let input = encode_string(&arguments_to_input(&arguments).unwrap_or(arguments));
                let delta = format!(r#""tool_calls":[{{"index":{call},"custom":{{"input":{input}}}}}]"#);
                self.write_choice(index, &delta, "null", out);
            }
            Some(OpenBlock::ToolCall { .. } | OpenBlock::Refusal) | None => {}
        }
    }

    fn finish_choice(&mut self, index: u32, reason: &FinishReason, out: &mut Vec<u8>) {
        // Citations that came outside of a block are of the whole text.
        self.choice(index).block_start = TextLength::default();
        self.write_citations(index, out);
        let has_calls = self.choice(index).calls > 0;
        let reason = match finish_reason::name(reason) {
            "stop" if has_calls && self.spec.legacy_functions => "function_call",
            "stop" if has_calls && !self.spec.named_tool => "tool_calls",
            "tool_calls" if !has_calls => "stop",
            "tool_calls" if self.spec.legacy_functions => "function_call",
            name => name,
        };
        let closing_tag = self.choice(index).tags.write("", "", true);
        let delta = if closing_tag.is_empty() {
            closing_tag
        } else {
            format!("\"content\":{}", encode_string(&closing_tag))
        };
        self.write_choice(index, &delta, &encode_string(reason), out);
    }

    /// Keeps fields of a choice, or of the chunk itself, for the next chunk.
    fn extra(&mut self, choice: Option<u32>, extra: &ExtraFieldList) {
        if let (Some(logprobs), Some(index)) = (Logprobs::of(extra), choice) {
            self.choice(index).extra.push((String::from("logprobs"), logprobs.write()));
            return;
        }
        let (tier, others) = openai_service_tier::take(extra);
        if extra.dialect != NAME {
            self.extra.extend(tier.map(|tier| (String::from("service_tier"), tier)));
        }
        let CitedSources { mut list, rest } = cited_by_others(&others);
        if !list.is_empty() {
            self.choice(choice.unwrap_or(0)).citations.append(&mut list);
        }
        let fields = extra.of(NAME).iter().map(|(k, v)| (k.clone(), v.as_str().to_owned()));
        match choice {
            Some(index) => self.choice(index).extra.extend(fields),
            None => self.extra.extend(fields),
        }
        rest.report(NAME, if choice.is_some() { "choices[]" } else { "" }, &mut self.diagnostics);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.spec.stream_usage == StreamUsage::Client {
            let usage = usage::write(self.usage.unwrap_or_default());
            if self.usage.is_none() {
                self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
            }
            self.write_chunk("[]", Some(usage), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.has_ended = true;
    }
}

/// What is known of a tool call when it begins.
struct CallStart<'e> {
    id: &'e str,
    name: &'e str,
    signature: Option<&'e str>,
}

impl Encoder for ChatEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.id = id.clone().unwrap_or_else(|| self.context.new_id("chatcmpl-"));
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
                self.created = created.unwrap_or(self.created);
            }
            Event::Open { choice, block, kind } => self.open_block(*choice, *block, kind, out),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => self.close_block(*choice, *block, out),
            Event::Finish { choice, reason } => self.finish_choice(*choice, reason, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => self.extra(*choice, extra),
            Event::Error(failure) => {
                error::encode_in_stream(&Error::Upstream(failure.clone()), out);
                self.has_ended = true;
            }
            Event::End => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_ended, true) && !self.id.is_empty() {
            error::encode_in_stream(&Error::Upstream(UpstreamError::Truncated), out);
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

/// Writes arguments of a call as a field of a delta; in the legacy form there is one call, without an index.
fn write_arguments(call: u32, legacy: bool, text: &str) -> String {
    let function = format!(r#"{{"arguments":{}}}"#, encode_string(text));
    if legacy {
        format!(r#""function_call":{function}"#)
    } else {
        format!(r#""tool_calls":[{{"index":{call},"function":{function}}}]"#)
    }
}
