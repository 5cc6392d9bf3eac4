//! The rules for requests that a profile states, one struct for each section; a user writes the same keys in TOML.
//!
//! The default of every rule changes nothing in a request.

use crate::canonical::ChatTemplate;
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

rules! {
    /// Which parameters an upstream accepts, by their name on the wire.
    pub struct ParamRules, ParamLayer {
        /// Parameters that are dropped.
        pub drop: Vec<String>,
        /// If any are named here, every other parameter is dropped.
        pub allow: Vec<String>,
        /// Parameters that are sent under another name; one that maps to itself is not renamed.
        pub rename: BTreeMap<String, String>,
        /// Parameters that are moved into a range: `[low, high]`.
        pub clamp: BTreeMap<String, [f64; 2]>,
        /// `max_tokens` is required: the configured default is sent if the client sent none.
        pub require_max_tokens: bool,
        /// The largest `n`; absent: any. For more choices several requests are sent.
        pub max_choices: Option<u32>,
        /// How many stop sequences are accepted; absent: any number. The shim applies the others itself.
        pub max_stop_sequences: Option<u32>,
    }
}

rules! {
    /// Which messages an upstream accepts.
    #[derive(Eq)]
    pub struct MessageRules, MessageLayer {
        /// Roles that are sent under another name (`developer` as `system`). A system message that is sent as `user` joins
        /// the user's next message.
        pub roles: BTreeMap<String, String>,
        /// The JSON type of text content.
        pub content: ContentType,
        /// Types of content parts that are accepted besides text (`image`, `audio`, `file`); absent: all. Others are refused
        /// by name.
        pub input_modalities: Option<Vec<String>>,
        /// Images, audio and files are accepted as data URLs only; other URLs are refused by name.
        pub data_urls_only: bool,
        /// The content of an assistant message that only calls tools.
        pub tool_call_content: ToolCallContent,
        /// Assistant messages without content and tool calls are dropped.
        pub drop_empty_assistant: bool,
        /// Fields of messages that are dropped.
        pub drop_fields: Vec<String>,
        /// Fields of messages that are `null` are dropped.
        pub drop_null_fields: bool,
        /// Which messages keep their `name`.
        pub name_field: MessageNamePolicy,
        /// Tool results contain the tool's name.
        pub tool_result_name: bool,
        /// System messages are merged into one and put first.
        pub merge_system: bool,
        /// Adjacent messages of one role are merged.
        pub merge_same_role: bool,
        /// An assistant message is inserted between a tool result and a user message.
        pub assistant_after_tool: bool,
        /// What happens to an assistant message at the end of the conversation.
        pub prefill: PrefillPolicy,
        /// Which tool call ids are accepted.
        pub tool_call_ids: ToolCallIdFormat,
        /// What happens to the reasoning of earlier turns.
        pub reasoning_history: ReasoningHistory,
        /// Signatures of tool calls must come back: the call's id contains them, for clients that keep nothing else.
        pub signatures_in_ids: bool,
        /// The signature of a tool call whose own is unknown, for upstreams that refuse unsigned calls; empty: none.
        pub placeholder_signature: String,
        /// How messages become one prompt, for upstreams that accept text completions only. A layer replaces the template as
        /// a whole.
        pub chat_template: ChatTemplate,
    }
}

rules! {
    /// Which tools, and which choice among them, an upstream accepts.
    #[derive(Eq)]
    pub struct ToolRules, ToolLayer {
        /// How `tool_choice: "required"` is sent.
        pub required_choice: ToolChoiceSupport,
        /// How the choice of one function by name is sent.
        pub named_choice: ToolChoiceSupport,
        /// `strict` is dropped from functions.
        pub drop_strict: bool,
        /// Keywords that are dropped from schemas.
        pub drop_schema_keywords: Vec<String>,
        /// `$ref` in schemas is replaced by the schema that it refers to.
        pub inline_refs: bool,
        /// Schemas of strict functions get every key required and `additionalProperties: false`.
        pub close_strict_schemas: bool,
        /// Tools that the history calls are declared, even if the client no longer offers any.
        pub declare_from_history: bool,
    }
}

rules! {
    /// Which response formats an upstream accepts.
    #[derive(Eq)]
    pub struct ResponseFormatRules, ResponseFormatLayer {
        /// How a JSON schema is requested.
        pub json_schema: ResponseFormatSupport,
        /// How any JSON object is requested.
        pub json_object: ResponseFormatSupport,
        /// `text`, which is the default anyway, is dropped.
        pub omit_text: bool,
        /// With a response format no stream is requested: the client gets a simulated stream of the non-streaming
        /// response.
        pub disable_streaming: bool,
    }
}

rules! {
    /// How reasoning is requested.
    #[derive(Eq)]
    pub struct ReasoningRules, ReasoningLayer {
        /// The parameter that requests reasoning.
        pub param: ReasoningParam,
        /// The efforts that are accepted, from least to most; empty: all. The nearest one is sent.
        pub efforts: Vec<String>,
        /// The upstream takes a token budget and no effort level.
        pub use_token_budget: bool,
    }
}

rules! {
    /// How an upstream streams.
    #[derive(Eq)]
    pub struct StreamingSupport, StreamingLayer {
        /// Streams are supported; otherwise the client gets a simulated stream of the non-streaming response.
        pub supported: bool = true,
        /// `stream_options` is accepted, so that usage can be requested.
        pub accepts_options: bool = true,
        /// Every response is a stream: one for a non-streaming client is collected.
        pub required: bool,
    }
}

/// An enum of keywords in snake case, the first of which is the default.
macro_rules! keywords {
    (
        $(#[$doc:meta])*
        $name:ident { $first:ident $first_doc:literal, $($keyword:ident $(= $spelling:literal)? $keyword_doc:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            #[doc = $first_doc]
            #[default]
            $first,
            $(#[doc = $keyword_doc] $(#[serde(rename = $spelling)])? $keyword,)*
        }

        impl Rule for $name {}
    };
}

keywords! {
    /// The JSON type of text content in messages.
    ContentType {
        Any "A string or a list of parts, as the client sends it.",
        String "A string: lists of text parts are joined.",
        Parts "A list: a string is sent as a list of one text part.",
    }
}

keywords! {
    /// The content of an assistant message that only calls tools.
    ToolCallContent {
        Any "As the client sends it.",
        Empty "`\"\"`, never `null`.",
        Null "`null`, never `\"\"`.",
    }
}

keywords! {
    /// Which messages keep their `name`.
    MessageNamePolicy { Keep "All.", Tool "Only tool results.", Drop "None.", }
}

keywords! {
    /// What happens to an assistant message at the end of the conversation.
    PrefillPolicy {
        Keep "It is sent as it is.",
        Prefix "It is sent with `prefix: true`.",
        Continue "It is sent as a user message that asks to continue it.",
    }
}

keywords! {
    /// Which tool call ids an upstream accepts.
    ToolCallIdFormat {
        Any "Any.",
        Alnum9 = "alnum_9" "Nine letters and digits.",
        Max40 = "max_40" "At most forty characters.",
    }
}

keywords! {
    /// What happens to the reasoning of earlier turns.
    ReasoningHistory {
        Keep "It is sent if the client sends it.",
        Drop "It is dropped.",
        Restore "It is required: what the client does not send is restored where it is still known.",
    }
}

keywords! {
    /// How a forced tool choice is sent.
    ToolChoiceSupport {
        Native "As in OpenAI's API.",
        Any "As `any`.",
        Required "As `required`, and only that tool is offered.",
        Auto "As `auto`, and a sentence asks for the call.",
    }
}

keywords! {
    /// How a response format is requested.
    ResponseFormatSupport {
        Native "As in OpenAI's API.",
        JsonSchema "As a JSON schema.",
        JsonObject "As `json_object`, and a sentence states the schema.",
        Instruction "By a sentence only.",
    }
}

keywords! {
    /// The parameter that requests reasoning.
    ReasoningParam {
        ReasoningEffort "`reasoning_effort`, OpenAI's.",
        Reasoning "`reasoning: {effort}`, OpenRouter's.",
        Thinking "`thinking: {type: enabled | disabled}`, DeepSeek's and Z.ai's.",
        EnableThinking "`enable_thinking`, Qwen's.",
        ChatTemplateKwargs "`chat_template_kwargs: {enable_thinking}`, vLLM's and SGLang's.",
        Unsupported "None: `reasoning_effort` is dropped.",
    }
}
