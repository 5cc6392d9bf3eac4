//! Which messages a side accepts.

use crate::canonical::{ChatTemplate, ReasoningField};
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The beginning of the line that Claude Code puts first into its system prompt, and that differs with each request:
/// <https://github.com/anthropics/claude-code/issues/68900>.
pub const REQUEST_NONCE: &str = "x-anthropic-billing-header:";

rules! {
    /// Which messages an upstream accepts.
    #[derive(Eq)]
    pub struct MessageRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::{ContentType, MessageLayer};
    /// let messages = MessageLayer::default()
    ///     .with_role("developer", "system")
    ///     .with_content(ContentType::String)
    ///     .with_merge_system(true);
    /// assert_eq!(messages.content, Some(ContentType::String));
    /// ```
    MessageLayer {
        /// Roles that are sent under another name (`developer` as `system`). A system message that is sent as `user` joins
        /// the user's next message.
        pub roles: BTreeMap<String, String> as with_role(text),
        /// The JSON type of text content.
        pub content: ContentType as with_content,
        /// Types of content parts that are accepted besides text (`image`, `audio`, `file`); absent: all. Others are refused
        /// by name.
        pub input_modalities: Option<Vec<String>> as with_input_modalities(list),
        /// Images, audio and files are accepted as data URLs only; other URLs are refused by name.
        pub data_urls_only: bool as with_data_urls_only,
        /// The content of an assistant message that only calls tools.
        pub tool_call_content: ToolCallContent as with_tool_call_content,
        /// Empty text is refused: it is dropped, and so is a message that has nothing else.
        pub drop_empty_text: bool as with_drop_empty_text,
        /// Text of white space only is refused: it is dropped as empty text is.
        pub drop_blank_text: bool as with_drop_blank_text,
        /// Lines of system messages that begin with one of these are dropped: text of a client that is meant for its own
        /// vendor only and changes with each request, so that no cache of the prompt is ever used.
        pub drop_system_lines: Vec<String> as with_drop_system_lines(list) = vec![String::from(REQUEST_NONCE)],
        /// Assistant messages without content and tool calls are dropped.
        pub drop_empty_assistant: bool as with_drop_empty_assistant,
        /// Fields of messages that are dropped.
        pub drop_fields: Vec<String> as with_drop_fields(list),
        /// Fields of messages that are `null` are dropped.
        pub drop_null_fields: bool as with_drop_null_fields,
        /// Which messages keep their `name`.
        pub name_field: MessageNamePolicy as with_name_field,
        /// Tool results contain the tool's name.
        pub tool_result_name: bool as with_tool_result_name,
        /// System messages are merged into one and put first.
        pub merge_system: bool as with_merge_system,
        /// Where system messages may stand; others are put first.
        pub system_position: SystemPosition as with_system_position,
        /// There must be a message besides the system messages: if there is none, the last of these is sent as `user`.
        pub require_user: bool as with_require_user,
        /// Adjacent messages of one role are merged.
        pub merge_same_role: bool as with_merge_same_role,
        /// An assistant message is inserted between a tool result and a user message.
        pub assistant_after_tool: bool as with_assistant_after_tool,
        /// What happens to an assistant message at the end of the conversation.
        pub prefill: PrefillPolicy as with_prefill,
        /// White space at the end of an assistant message at the end of the conversation is removed.
        pub trim_prefill: bool as with_trim_prefill,
        /// Which tool call ids are accepted.
        pub tool_call_ids: ToolCallIdFormat as with_tool_call_ids,
        /// The arguments of a call in the history must be a JSON object: others are put into one.
        pub object_arguments: bool as with_object_arguments,
        /// Where the results of tool calls must stand. A call without a result gets one that states so, a result without a
        /// call becomes a user message.
        pub tool_pairing: ToolPairing as with_tool_pairing,
        /// What happens to the reasoning of earlier turns.
        pub reasoning_history: ReasoningHistory as with_reasoning_history,
        /// The field of OpenAI's chat in which the reasoning of earlier turns is accepted.
        pub reasoning_field: ReasoningField as with_reasoning_field,
        /// What happens to the reasoning of earlier turns that has no signature, beside reasoning that has one.
        pub unsigned_reasoning: UnsignedReasoning as with_unsigned_reasoning,
        /// Signatures of tool calls must come back: the call's id contains them, for clients that keep nothing else.
        pub signatures_in_ids: bool as with_signatures_in_ids,
        /// The signature of a tool call whose own is unknown, for upstreams that refuse unsigned calls; empty: none.
        pub placeholder_signature: String as with_placeholder_signature(into),
        /// How messages become one prompt, for upstreams that accept text completions only. A layer replaces the template as
        /// a whole.
        pub chat_template: ChatTemplate as with_chat_template,
    }
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
        Max40 = "max_40" "At most 40 characters.",
        Max64 = "max_64" "At most 64 characters.",
        Word = "word" "Letters, digits, `_` and `-`.",
        Word64 = "word_64" "Up to 64 letters, digits, `_` and `-`.",
    }
}

keywords! {
    /// Where the results of tool calls must stand.
    ToolPairing {
        Any "Anywhere; calls and results may be missing.",
        Later "Behind their calls, wherever: each call has one result, and each result a call.",
        Adjacent "Directly behind the message with their calls: each call has one result, and each result a call.",
        Together "Directly behind the message with their calls, all in one message.",
    }
}

keywords! {
    /// Where system messages may stand.
    SystemPosition {
        Any "Anywhere.",
        AfterUser "In front; those of a client of the upstream's own dialect also directly behind messages of the user.",
        Front "In front.",
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
    /// What happens to the reasoning of earlier turns that has no signature.
    UnsignedReasoning { Keep "It is sent.", Drop "It is dropped: the upstream signs all of its own.", }
}
