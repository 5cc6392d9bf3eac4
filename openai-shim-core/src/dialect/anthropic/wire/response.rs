//! The response, whole and as events, and errors.

use super::content::{Block, Citation};
use crate::json::typed::wire_object;

wire_object! {
    /// A non-streaming response.
    pub struct Message {
        /// The id.
        id with_id: {String} = "id",
        /// Always `message`.
        kind with_kind: {String} = "type",
        /// Always `assistant`.
        role with_role: {String} = "role",
        /// The model that responded.
        model with_model: {String} = "model",
        /// The content.
        content with_content: [Block] = "content",
        /// `end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `pause_turn`, `refusal`,
        /// `model_context_window_exceeded`.
        stop_reason with_stop_reason: {String} = "stop_reason",
        /// The stop sequence that ended the output.
        stop_sequence with_stop_sequence: {String} = "stop_sequence",
        /// Token counts.
        usage with_usage: {Usage} = "usage",
    }
}

wire_object! {
    /// Token counts; `input_tokens` excludes tokens that a cache read or wrote.
    pub struct Usage {
        /// Tokens of the prompt that were neither read from the cache nor written to it.
        input_tokens with_input_tokens: (u64) = "input_tokens",
        /// Tokens of the response, thinking included.
        output_tokens with_output_tokens: (u64) = "output_tokens",
        /// Tokens written to the cache.
        cache_creation_input_tokens with_cache_creation_input_tokens: (u64) = "cache_creation_input_tokens",
        /// Tokens read from the cache.
        cache_read_input_tokens with_cache_read_input_tokens: (u64) = "cache_read_input_tokens",
        /// `standard`, `priority`, `batch`.
        service_tier with_service_tier: {String} = "service_tier",
    }
}

wire_object! {
    /// An event of a stream: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
    pub struct StreamEvent {
        /// `message_start`, `content_block_start`, `content_block_delta`, `content_block_stop`, `message_delta`,
        /// `message_stop`, `ping`, `error`.
        kind with_kind: {String} = "type",
        /// The message, in `message_start`.
        message with_message: {Message} = "message",
        /// The index of the block.
        index with_index: (u32) = "index",
        /// The block, in `content_block_start`.
        content_block with_content_block: {Block} = "content_block",
        /// An increment of a block, or the end of the message.
        delta with_delta: {Delta} = "delta",
        /// Token counts so far.
        usage with_usage: {Usage} = "usage",
        /// The error, in `error`.
        error with_error: {Error} = "error",
    }
}

wire_object! {
    /// An increment of a block, or the end of the message.
    pub struct Delta {
        /// `text_delta`, `input_json_delta`, `thinking_delta`, `signature_delta`, `citations_delta`.
        kind with_kind: {String} = "type",
        /// An increment of a text.
        text with_text: {String} = "text",
        /// An increment of a tool's input, which is JSON in the end.
        partial_json with_partial_json: {String} = "partial_json",
        /// An increment of thinking.
        thinking with_thinking: {String} = "thinking",
        /// The signature.
        signature with_signature: {String} = "signature",
        /// A source of the text.
        citation with_citation: {Citation} = "citation",
        /// Why the output ended.
        stop_reason with_stop_reason: {String} = "stop_reason",
        /// The stop sequence that ended the output.
        stop_sequence with_stop_sequence: {String} = "stop_sequence",
    }
}

wire_object! {
    /// An error response: <https://docs.anthropic.com/en/api/errors>.
    pub struct ErrorResponse {
        /// Always `error`.
        kind with_kind: {String} = "type",
        /// The error.
        error with_error: {Error} = "error",
        /// The request's id.
        request_id with_request_id: {String} = "request_id",
    }
}

wire_object! {
    /// An error.
    pub struct Error {
        /// `invalid_request_error`, `authentication_error`, `rate_limit_error`, `overloaded_error`, …
        kind with_kind: {String} = "type",
        /// A description of the error.
        message with_message: {String} = "message",
    }
}
