//! What a row can say, one section each; a user writes the same words in TOML.
//!
//! Every rule's default asks nothing of a request. Rules for a model are put `over` the row's own: lists grow, switches
//! that are on stay on, and a word that is not the default wins.

use crate::canonical::ChatTemplate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which parameters an upstream takes, by their name on the wire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ParamRules {
    /// Left out.
    pub drop: Vec<String>,
    /// If any are named here, every other one is left out.
    pub allow: Vec<String>,
    /// Sent under another name.
    pub rename: BTreeMap<String, String>,
    /// Moved into a range: `[low, high]`.
    pub clamp: BTreeMap<String, [f64; 2]>,
    /// It wants `max_tokens`: the configured default is sent when the client sent none.
    pub require_max_tokens: bool,
    /// `n` must be 1: for more answers it is asked several times.
    pub single_choice: bool,
    /// How many stop sequences it takes; we apply the others ourselves.
    pub max_stop_sequences: Option<u32>,
}

/// Which messages an upstream takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MessageRules {
    /// Roles sent under another name (`developer` as `system`). A system message sent as `user` joins the user's next one.
    pub roles: BTreeMap<String, String>,
    /// Lists of text parts are sent as one string.
    pub flatten_text: bool,
    /// A string is sent as a list of one text part.
    pub parts_only: bool,
    /// Kinds of parts that it reads besides text (`image`, `audio`, `file`); absent: all. Others are refused by name.
    pub input_modalities: Option<Vec<String>>,
    /// Pictures, sounds and files are read from data URLs only; addresses are refused by name.
    pub data_urls_only: bool,
    /// An assistant message that only calls tools gets `""` instead of `null` content.
    pub empty_content: bool,
    /// An assistant message that only calls tools gets `null` instead of `""` content.
    pub null_content: bool,
    /// Assistant messages that say nothing and call nothing are left out.
    pub drop_empty_assistant: bool,
    /// Members that are left out.
    pub drop_fields: Vec<String>,
    /// Members that are `null` are left out.
    pub drop_null_fields: bool,
    /// Which messages keep their `name`.
    pub name_field: MessageNamePolicy,
    /// A tool's result carries the tool's name.
    pub tool_result_name: bool,
    /// System messages are merged into one and put first.
    pub merge_system: bool,
    /// Adjacent messages of one role are merged.
    pub merge_same_role: bool,
    /// Between a tool's result and a user message an assistant message is put.
    pub assistant_after_tool: bool,
    /// What happens to an assistant message at the end.
    pub prefill: PrefillPolicy,
    /// Which ids of tool calls it takes.
    pub tool_call_ids: ToolCallIdFormat,
    /// What happens to reasoning in the history.
    pub reasoning_history: ReasoningHistory,
    /// The signature of a tool call must come back: it is carried in the call's id, for clients that keep nothing else.
    pub signatures_in_ids: bool,
    /// What a call is signed with whose signature nobody knows, because unsigned ones are refused; empty: nothing.
    pub placeholder_signature: String,
    /// How a conversation becomes a prompt, for upstreams of text completions, which take nothing else.
    pub chat_template: ChatTemplate,
}

/// Which tools, and which choice among them, an upstream takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ToolRules {
    /// How `tool_choice: "required"` is said.
    pub required_choice: ToolChoiceSupport,
    /// How one function is demanded by name.
    pub named_choice: ToolChoiceSupport,
    /// `strict` is left out of functions.
    pub drop_strict: bool,
    /// Keywords left out of schemas.
    pub drop_schema_keywords: Vec<String>,
    /// Schemas are sent with `$ref` replaced by what it refers to.
    pub inline_refs: bool,
    /// Schemas of strict functions get every key required and `additionalProperties: false`.
    pub close_strict_schemas: bool,
    /// Tools that the history calls are declared, even if the client offers none any more.
    pub declare_from_history: bool,
}

/// Which forms of answers an upstream can be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResponseFormatRules {
    /// How a JSON schema is asked for.
    pub json_schema: ResponseFormatSupport,
    /// How any JSON object is asked for.
    pub json_object: ResponseFormatSupport,
    /// `text`, which is the default anyway, is left out.
    pub omit_text: bool,
    /// Where a form is asked for, a stream is not: the answer comes whole, and is cut into a stream.
    pub disable_streaming: bool,
}

/// How an upstream is told to think.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReasoningRules {
    /// Under which name.
    pub param: ReasoningParam,
    /// The efforts that it knows, from least to most; empty: all. The nearest one is sent.
    pub efforts: Vec<String>,
    /// It is told in tokens, and knows no words for it.
    pub use_token_budget: bool,
}

/// How an upstream streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StreamingSupport {
    /// It streams at all. If not it is asked for a whole answer, and the client gets a simulated stream.
    pub supported: bool,
    /// It takes `stream_options`, so usage can be asked for.
    pub accepts_options: bool,
    /// It only streams: also whole answers are asked for as streams, and folded.
    pub required: bool,
}

impl Default for StreamingSupport {
    fn default() -> Self {
        Self { supported: true, accepts_options: true, required: false }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $first:ident $first_doc:literal, $($word:ident $word_doc:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            #[doc = $first_doc]
            #[default]
            $first,
            $(#[doc = $word_doc] $word,)*
        }

        impl $name {
            pub(super) fn overlay(self, base: Self) -> Self {
                if self == Self::default() { base } else { self }
            }
        }
    };
}

words! {
    /// Which messages keep their `name`.
    MessageNamePolicy { Keep "All.", Tool "Only tool results.", Drop "None.", }
}

words! {
    /// What happens to an assistant message at the end of the conversation.
    PrefillPolicy {
        Keep "It is sent as it is.",
        Prefix "It is sent with `prefix: true`.",
        Continue "It is sent as the user's wish to go on from there.",
    }
}

words! {
    /// Which ids of tool calls an upstream takes.
    ToolCallIdFormat {
        Any "Any.",
        Alnum9 "Nine letters and digits.",
        Max40 "At most forty characters.",
    }
}

words! {
    /// What happens to reasoning in the history.
    ReasoningHistory {
        Keep "It is sent if the client sends it.",
        Drop "It is left out.",
        Restore "It must come back: what the client does not send is put back where it is still known.",
    }
}

words! {
    /// How a forced choice among tools is said.
    ToolChoiceSupport {
        Native "As OpenAI says it.",
        Any "As the word `any`.",
        Required "As `required`, with no other tool on offer.",
        Auto "As `auto`, and a sentence that asks for it.",
    }
}

words! {
    /// How a form of answers is asked for.
    ResponseFormatSupport {
        Native "As OpenAI asks.",
        JsonSchema "As a JSON schema.",
        JsonObject "As `json_object`, and a sentence that tells the schema.",
        Instruction "As a sentence only.",
    }
}

words! {
    /// Under which name an upstream is told how much to think.
    ReasoningParam {
        ReasoningEffort "`reasoning_effort`, OpenAI's own.",
        Reasoning "`reasoning: {effort}`, OpenRouter's.",
        Thinking "`thinking: {type: enabled | disabled}`, DeepSeek's and Z.ai's.",
        EnableThinking "`enable_thinking`, Qwen's.",
        ChatTemplateKwargs "`chat_template_kwargs: {enable_thinking}`, vLLM's and SGLang's.",
        None "It cannot be told: the wish is left out.",
    }
}

fn list(more: &[String], base: &[String]) -> Vec<String> {
    let new = more.iter().filter(|item| !base.contains(item));
    base.iter().chain(new).cloned().collect()
}

fn map<V: Clone>(more: &BTreeMap<String, V>, base: &BTreeMap<String, V>) -> BTreeMap<String, V> {
    base.iter().chain(more).map(|(k, v)| (k.clone(), v.clone())).collect()
}

impl ParamRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            drop: list(&self.drop, &base.drop),
            allow: list(&self.allow, &base.allow),
            rename: map(&self.rename, &base.rename),
            clamp: map(&self.clamp, &base.clamp),
            require_max_tokens: self.require_max_tokens || base.require_max_tokens,
            single_choice: self.single_choice || base.single_choice,
            max_stop_sequences: self.max_stop_sequences.or(base.max_stop_sequences),
        }
    }
}

impl MessageRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            roles: map(&self.roles, &base.roles),
            flatten_text: self.flatten_text || base.flatten_text,
            parts_only: self.parts_only || base.parts_only,
            input_modalities: self.input_modalities.clone().or_else(|| base.input_modalities.clone()),
            data_urls_only: self.data_urls_only || base.data_urls_only,
            empty_content: self.empty_content || base.empty_content,
            null_content: self.null_content || base.null_content,
            drop_empty_assistant: self.drop_empty_assistant || base.drop_empty_assistant,
            drop_fields: list(&self.drop_fields, &base.drop_fields),
            drop_null_fields: self.drop_null_fields || base.drop_null_fields,
            name_field: self.name_field.overlay(base.name_field),
            tool_result_name: self.tool_result_name || base.tool_result_name,
            merge_system: self.merge_system || base.merge_system,
            merge_same_role: self.merge_same_role || base.merge_same_role,
            assistant_after_tool: self.assistant_after_tool || base.assistant_after_tool,
            prefill: self.prefill.overlay(base.prefill),
            tool_call_ids: self.tool_call_ids.overlay(base.tool_call_ids),
            reasoning_history: self.reasoning_history.overlay(base.reasoning_history),
            signatures_in_ids: self.signatures_in_ids || base.signatures_in_ids,
            placeholder_signature: if self.placeholder_signature.is_empty() {
                &base.placeholder_signature
            } else {
                &self.placeholder_signature
            }
            .clone(),
            chat_template: self.chat_template.overlay(&base.chat_template),
        }
    }
}

impl ToolRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            required_choice: self.required_choice.overlay(base.required_choice),
            named_choice: self.named_choice.overlay(base.named_choice),
            drop_strict: self.drop_strict || base.drop_strict,
            drop_schema_keywords: list(&self.drop_schema_keywords, &base.drop_schema_keywords),
            inline_refs: self.inline_refs || base.inline_refs,
            close_strict_schemas: self.close_strict_schemas || base.close_strict_schemas,
            declare_from_history: self.declare_from_history || base.declare_from_history,
        }
    }
}

impl ResponseFormatRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            json_schema: self.json_schema.overlay(base.json_schema),
            json_object: self.json_object.overlay(base.json_object),
            omit_text: self.omit_text || base.omit_text,
            disable_streaming: self.disable_streaming || base.disable_streaming,
        }
    }
}

impl ReasoningRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        let efforts = if self.efforts.is_empty() { base.efforts.clone() } else { self.efforts.clone() };
        Self {
            param: self.param.overlay(base.param),
            efforts,
            use_token_budget: self.use_token_budget || base.use_token_budget,
        }
    }
}

impl StreamingSupport {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            supported: self.supported && base.supported,
            accepts_options: self.accepts_options && base.accepts_options,
            required: self.required || base.required,
        }
    }
}
