//! Events as a stream: strictly what OpenAI sends.
//!
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use super::super::Encoder;
use super::decode::word;
use super::repair::{TagWriter, write_usage};
use super::response::not_a_stream;
use super::{NAME, citations, error, reasoning_details, tool_call};
use crate::canonical::{
    BlockKind, Citation, CitedSources, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, Logprobs,
    NumberedList, REASONING_DETAILS, ReasoningStyle, ResponseContext, ResponseSpec, StreamUsage, TextLength,
    Usage,
};
use crate::error::Error;
use crate::framing::write_event;
use crate::json::{Object, encode_string};
use std::collections::BTreeMap;

/// Writes a stream.
pub(super) struct ChatEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    id: String,
    model: String,
    created: u64,
    choices: NumberedList<ChoiceWriter>,
    usage: Option<Usage>,
    /// Members for the next chunk, of the answer as a whole.
    extra: Vec<(String, String)>,
    over: bool,
}

#[derive(Default)]
struct ChoiceWriter {
    role_sent: bool,
    /// Kind of each open block; for tool calls OpenAI's index.
    open: BTreeMap<u32, OpenBlock>,
    calls: u32,
    /// Whether reasoning stands open in the text.
    tags: TagWriter,
    /// Members for the next chunk of this choice.
    extra: Vec<(String, String)>,
    /// The reasoning that is open, in case it is signed.
    thoughts: PendingSignature,
    /// How many were signed.
    signed: usize,
    /// How long the text is, and was when its open block began.
    length: TextLength,
    from: TextLength,
    /// What the open block cites.
    cited: Vec<Citation>,
}

/// Reasoning while it streams: what must come back with it.
#[derive(Default)]
struct PendingSignature {
    signature: String,
    /// Whose signature it will be.
    extra: ExtraFields,
}

#[derive(Clone, Copy, PartialEq)]
enum OpenBlock {
    Text,
    Reasoning,
    Refusal,
    Call(u32, bool),
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
            over: false,
        }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceWriter {
        self.choices.get_or_insert_with(index, ChoiceWriter::default)
    }

    /// Writes one chunk of one choice.
    fn chunk(&mut self, index: u32, delta: &str, finish: &str, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let role = if choice.role_sent { "" } else { "\"role\":\"assistant\"" };
        choice.role_sent = true;
        let comma = if role.is_empty() || delta.is_empty() { "" } else { "," };
        let mut object = Object::new();
        object.set("index", index.to_string());
        object.set("delta", format!("{{{role}{comma}{delta}}}"));
        object.set("logprobs", "null");
        object.set("finish_reason", finish);
        for (key, value) in std::mem::take(&mut choice.extra) {
            object.set(key, value);
        }
        let choices = format!("[{}]", object.to_json());
        self.write(&choices, None, out);
    }

    fn write(&mut self, choices: &str, usage: Option<String>, out: &mut Vec<u8>) {
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

    fn open(&mut self, index: u32, block: u32, kind: &BlockKind, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let open = match kind {
            BlockKind::Text => OpenBlock::Text,
            BlockKind::Reasoning => OpenBlock::Reasoning,
            BlockKind::Refusal => OpenBlock::Refusal,
            BlockKind::ToolCall { .. } => {
                choice.calls += 1;
                OpenBlock::Call(choice.calls - 1, false)
            }
        };
        choice.open.insert(block, open);
        choice.from = choice.length;
        if let (BlockKind::ToolCall { id, name, signature }, OpenBlock::Call(call, _)) = (kind, open) {
            if self.spec.legacy_functions {
                if call > 0 {
                    self.diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        "choices[].delta",
                        "more than one call for a legacy client",
                    );
                    return;
                }
                let fragment =
                    format!(r#""function_call":{{"name":{},"arguments":""}}"#, encode_string(name));
                self.chunk(index, &fragment, "null", out);
                return;
            }
            let id = if id.is_empty() { self.context.new_id("call_") } else { id.clone() };
            let mut fragment = Object::new();
            fragment.set("index", call.to_string());
            fragment.set("id", encode_string(&id));
            fragment.set("type", "\"function\"");
            fragment.set("function", format!(r#"{{"name":{},"arguments":""}}"#, encode_string(name)));
            let fragment = tool_call::sign(fragment, signature.as_deref());
            self.chunk(index, &format!(r#""tool_calls":[{fragment}]"#), "null", out);
        }
    }

    fn delta(&mut self, index: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let (legacy, tagged) = (self.spec.legacy_functions, self.spec.reasoning == ReasoningStyle::Tags);
        let choice = self.choice(index);
        let Some(open) = choice.open.get_mut(&block) else { return };
        let member = match (delta, &mut *open) {
            (Delta::Text(text), OpenBlock::Call(call, said)) => {
                *said |= !text.is_empty();
                if legacy && *call > 0 {
                    return;
                }
                arguments(*call, legacy, text)
            }
            (Delta::Text(text), OpenBlock::Text | OpenBlock::Reasoning) if tagged => {
                let (thoughts, words) =
                    if *open == OpenBlock::Text { ("", text.as_str()) } else { (text.as_str(), "") };
                let text = choice.tags.put(thoughts, words, false);
                format!("\"content\":{}", encode_string(&text))
            }
            (Delta::Text(text), OpenBlock::Text) => {
                choice.length.add(text);
                format!("\"content\":{}", encode_string(text))
            }
            (Delta::Text(text), OpenBlock::Reasoning) if choice.thoughts.extra.is_empty() => {
                format!("\"reasoning_content\":{}", encode_string(text))
            }
            (Delta::Text(text), OpenBlock::Reasoning) => {
                let item = reasoning_details::write(Some(text), None, &choice.thoughts.extra, choice.signed);
                format!("\"reasoning_content\":{},\"reasoning_details\":[{item}]", encode_string(text))
            }
            (Delta::Signature(signature), OpenBlock::Reasoning) => {
                choice.thoughts.signature.push_str(signature);
                return;
            }
            (Delta::Native { dialect: REASONING_DETAILS, key, raw }, OpenBlock::Reasoning) => {
                if !choice.thoughts.extra.set_detail(key, raw) {
                    self.diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
                return;
            }
            (Delta::Text(text), OpenBlock::Refusal) => format!("\"refusal\":{}", encode_string(text)),
            (Delta::Native { dialect: NAME, key, raw }, _) => format!("{}:{}", encode_string(key), raw.get()),
            (Delta::Signature(signature), OpenBlock::Call(call, _)) if !legacy => {
                let mut fragment = Object::new();
                fragment.set("index", call.to_string());
                format!(r#""tool_calls":[{}]"#, tool_call::sign(fragment, Some(signature)))
            }
            // It says how its dialect wrote something.
            (Delta::Native { key, .. }, _) if key.starts_with('.') => return,
            (Delta::Native { dialect, key, raw }, _) => {
                let one = ExtraFields::new(dialect, vec![(key.clone(), raw.clone())]);
                let CitedSources { mut list, rest } = not_a_stream(&one);
                choice.cited.append(&mut list);
                if !rest.is_empty() {
                    self.diagnostics.record(DiagnosticCode::ExtraDropped, "choices[].delta", dialect);
                }
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
        self.chunk(index, &member, "null", out);
    }

    /// Says what the text cites, once it is known how long it is.
    fn cite(&mut self, index: u32, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let (from, to) = (choice.from, choice.length);
        let cited = std::mem::take(&mut choice.cited);
        let list: Vec<_> = cited.iter().map(|one| citations::write(one, from, to)).collect();
        if !list.is_empty() {
            self.chunk(index, &format!("\"annotations\":[{}]", list.join(",")), "null", out);
        }
    }

    fn close(&mut self, index: u32, block: u32, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let Some(open) = choice.open.remove(&block) else { return };
        if open == OpenBlock::Reasoning {
            let PendingSignature { signature, extra } = std::mem::take(&mut choice.thoughts);
            let number = choice.signed;
            choice.signed += usize::from(!extra.is_empty() || !signature.is_empty());
            if !signature.is_empty() {
                let item = reasoning_details::write(None, Some(&signature), &extra, number);
                self.chunk(index, &format!("\"reasoning_details\":[{item}]"), "null", out);
            }
            return;
        }
        if open == OpenBlock::Text {
            return self.cite(index, out);
        }
        if let OpenBlock::Call(call, false) = open {
            // A call without arguments calls with none.
            if !self.spec.legacy_functions || call == 0 {
                let fragment = arguments(call, self.spec.legacy_functions, "{}");
                self.chunk(index, &fragment, "null", out);
            }
        }
    }
}

impl Encoder for ChatEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
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
            Event::Open { choice, block, kind } => self.open(*choice, *block, kind, out),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => self.close(*choice, *block, out),
            Event::Finish { choice, reason } => {
                // What came after the text belongs to all of it.
                self.choice(*choice).from = TextLength::default();
                self.cite(*choice, out);
                let calls = self.choice(*choice).calls > 0;
                let word = match word(reason) {
                    "stop" if calls && self.spec.legacy_functions => "function_call",
                    "stop" if calls && !self.spec.named_tool => "tool_calls",
                    "tool_calls" if !calls => "stop",
                    "tool_calls" if self.spec.legacy_functions => "function_call",
                    word => word,
                };
                let rest = self.choice(*choice).tags.put("", "", true);
                let delta =
                    if rest.is_empty() { rest } else { format!("\"content\":{}", encode_string(&rest)) };
                self.chunk(*choice, &delta, &encode_string(word), out);
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => {
                if let (Some(logprobs), Some(index)) = (Logprobs::of(extra), choice) {
                    self.choice(*index).extra.push((String::from("logprobs"), logprobs.write()));
                    return;
                }
                let CitedSources { mut list, rest } = not_a_stream(extra);
                if !list.is_empty() {
                    self.choice(choice.unwrap_or(0)).cited.append(&mut list);
                }
                let members = extra.of(NAME).iter().map(|(k, v)| (k.clone(), v.get().to_owned()));
                match choice {
                    Some(index) => self.choice(*index).extra.extend(members),
                    None => self.extra.extend(members),
                }
                rest.report(NAME, if choice.is_some() { "choices[]" } else { "" }, &mut self.diagnostics);
            }
            Event::Error(failure) => {
                error::encode_in_stream(&Error::Upstream(failure.clone()), out);
                self.over = true;
            }
            Event::End => {
                if self.spec.stream_usage == StreamUsage::Client {
                    let usage = write_usage(self.usage.unwrap_or_default());
                    if self.usage.is_none() {
                        self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
                    }
                    self.write("[]", Some(usage), out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
                self.over = true;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) && !self.id.is_empty() {
            error::encode_in_stream(&Error::Upstream(crate::error::UpstreamError::Truncated), out);
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

/// Arguments of a call, as a member of a delta; in the legacy form there is one call, without an index.
fn arguments(call: u32, legacy: bool, text: &str) -> String {
    let function = format!(r#"{{"arguments":{}}}"#, encode_string(text));
    if legacy {
        format!(r#""function_call":{function}"#)
    } else {
        format!(r#""tool_calls":[{{"index":{call},"function":{function}}}]"#)
    }
}
