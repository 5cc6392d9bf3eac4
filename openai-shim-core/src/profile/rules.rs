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
    pub only: Vec<String>,
    /// Sent under another name.
    pub rename: BTreeMap<String, String>,
    /// Moved into a range: `[low, high]`.
    pub clamp: BTreeMap<String, [f64; 2]>,
    /// It wants `max_tokens`: the configured default is sent when the client sent none.
    pub wants_max_tokens: bool,
    /// `n` must be 1: for more answers it is asked several times.
    pub single_choice: bool,
    /// How many stop sequences it takes; we apply the others ourselves.
    pub most_stops: Option<u32>,
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
    pub media: Option<Vec<String>>,
    /// Pictures, sounds and files are read from data URLs only; addresses are refused by name.
    pub inline_media: bool,
    /// An assistant message that only calls tools gets `""` instead of `null` content.
    pub empty_content: bool,
    /// An assistant message that only calls tools gets `null` instead of `""` content.
    pub null_content: bool,
    /// Assistant messages that say nothing and call nothing are left out.
    pub drop_empty: bool,
    /// Members that are left out.
    pub drop: Vec<String>,
    /// Members that are `null` are left out.
    pub drop_nulls: bool,
    /// Which messages keep their `name`.
    pub names: MessageNamePolicy,
    /// A tool's result carries the tool's name.
    pub tool_name: bool,
    /// System messages are merged into one and put first.
    pub single_system: bool,
    /// Adjacent messages of one role are merged.
    pub alternate: bool,
    /// Between a tool's result and a user message an assistant message is put.
    pub bridge_tool_user: bool,
    /// What happens to an assistant message at the end.
    pub prefill: PrefillPolicy,
    /// Which ids of tool calls it takes.
    pub tool_ids: ToolCallIdFormat,
    /// What happens to reasoning in the history.
    pub reasoning: ReasoningHistory,
    /// The signature of a tool call must come back: it is carried in the call's id, for clients that keep nothing else.
    pub signatures_in_ids: bool,
    /// What a call is signed with whose signature nobody knows, because unsigned ones are refused; empty: nothing.
    pub sign_unsigned: String,
    /// How a conversation becomes a prompt, for upstreams of text completions, which take nothing else.
    pub template: ChatTemplate,
}

/// Which tools, and which choice among them, an upstream takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ToolRules {
    /// How `tool_choice: "required"` is said.
    pub required: ToolChoiceSupport,
    /// How one function is demanded by name.
    pub named: ToolChoiceSupport,
    /// `strict` is left out of functions.
    pub drop_strict: bool,
    /// Keywords left out of schemas.
    pub drop_keywords: Vec<String>,
    /// Schemas are sent with `$ref` replaced by what it refers to.
    pub inline_refs: bool,
    /// Schemas of strict functions get every key required and `additionalProperties: false`.
    pub close_strict: bool,
    /// Tools that the history calls are declared, even if the client offers none any more.
    pub declare_called: bool,
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
    pub drop_text: bool,
    /// Where a form is asked for, a stream is not: the answer comes whole, and is cut into a stream.
    pub whole: bool,
}

/// How an upstream is told to think.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReasoningRules {
    /// Under which name.
    pub switch: ReasoningParam,
    /// The efforts that it knows, from least to most; empty: all. The nearest one is sent.
    pub efforts: Vec<String>,
    /// It is told in tokens, and knows no words for it.
    pub in_tokens: bool,
}

/// How an upstream streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StreamingSupport {
    /// It streams at all. If not it is asked for a whole answer, and the client gets a simulated stream.
    pub supported: bool,
    /// It takes `stream_options`, so usage can be asked for.
    pub options: bool,
    /// It only streams: also whole answers are asked for as streams, and folded.
    pub only: bool,
}

impl Default for StreamingSupport {
    fn default() -> Self {
        Self { supported: true, options: true, only: false }
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
        Ask "It is sent as the user's wish to go on from there.",
    }
}

words! {
    /// Which ids of tool calls an upstream takes.
    ToolCallIdFormat {
        Any "Any.",
        Nine "Nine letters and digits.",
        Forty "At most forty characters.",
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
        Template "`chat_template_kwargs: {enable_thinking}`, vLLM's and SGLang's.",
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
            only: list(&self.only, &base.only),
            rename: map(&self.rename, &base.rename),
            clamp: map(&self.clamp, &base.clamp),
            wants_max_tokens: self.wants_max_tokens || base.wants_max_tokens,
            single_choice: self.single_choice || base.single_choice,
            most_stops: self.most_stops.or(base.most_stops),
        }
    }
}

impl MessageRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            roles: map(&self.roles, &base.roles),
            flatten_text: self.flatten_text || base.flatten_text,
            parts_only: self.parts_only || base.parts_only,
            media: self.media.clone().or_else(|| base.media.clone()),
            inline_media: self.inline_media || base.inline_media,
            empty_content: self.empty_content || base.empty_content,
            null_content: self.null_content || base.null_content,
            drop_empty: self.drop_empty || base.drop_empty,
            drop: list(&self.drop, &base.drop),
            drop_nulls: self.drop_nulls || base.drop_nulls,
            names: self.names.overlay(base.names),
            tool_name: self.tool_name || base.tool_name,
            single_system: self.single_system || base.single_system,
            alternate: self.alternate || base.alternate,
            bridge_tool_user: self.bridge_tool_user || base.bridge_tool_user,
            prefill: self.prefill.overlay(base.prefill),
            tool_ids: self.tool_ids.overlay(base.tool_ids),
            reasoning: self.reasoning.overlay(base.reasoning),
            signatures_in_ids: self.signatures_in_ids || base.signatures_in_ids,
            sign_unsigned: if self.sign_unsigned.is_empty() {
                &base.sign_unsigned
            } else {
                &self.sign_unsigned
            }
            .clone(),
            template: self.template.overlay(&base.template),
        }
    }
}

impl ToolRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            required: self.required.overlay(base.required),
            named: self.named.overlay(base.named),
            drop_strict: self.drop_strict || base.drop_strict,
            drop_keywords: list(&self.drop_keywords, &base.drop_keywords),
            inline_refs: self.inline_refs || base.inline_refs,
            close_strict: self.close_strict || base.close_strict,
            declare_called: self.declare_called || base.declare_called,
        }
    }
}

impl ResponseFormatRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            json_schema: self.json_schema.overlay(base.json_schema),
            json_object: self.json_object.overlay(base.json_object),
            drop_text: self.drop_text || base.drop_text,
            whole: self.whole || base.whole,
        }
    }
}

impl ReasoningRules {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        let efforts = if self.efforts.is_empty() { base.efforts.clone() } else { self.efforts.clone() };
        Self {
            switch: self.switch.overlay(base.switch),
            efforts,
            in_tokens: self.in_tokens || base.in_tokens,
        }
    }
}

impl StreamingSupport {
    pub(super) fn overlay(&self, base: &Self) -> Self {
        Self {
            supported: self.supported && base.supported,
            options: self.options && base.options,
            only: self.only || base.only,
        }
    }
}
