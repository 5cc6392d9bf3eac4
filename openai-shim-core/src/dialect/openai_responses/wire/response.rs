//! The response, whole and as events, and errors.

use super::items::{Content, Item, Part};
use super::request::{Input, Tool, ToolChoice};
use crate::json::typed::wire_object;
use crate::json::{Number, RawJson};

wire_object! {
    /// A response: <https://platform.openai.com/docs/api-reference/responses/object>.
    pub struct ResponseObject {
        /// Its id.
        id with_id: {String} = "id",
        /// `response`.
        object with_object: {String} = "object",
        /// The time of its creation, in seconds since 1970.
        created_at with_created_at: {Number} = "created_at",
        /// `queued`, `in_progress`, `completed`, `incomplete`, `failed`, `cancelled`.
        status with_status: {String} = "status",
        /// The error of a failed response.
        error with_error: {ErrorObject} = "error",
        /// The reason of an incomplete response.
        incomplete_details with_incomplete_details: {IncompleteDetails} = "incomplete_details",
        /// The model that generated the response.
        model with_model: {String} = "model",
        /// The generated items.
        output with_output: [Item] = "output",
        /// Token counts.
        usage with_usage: {Usage} = "usage",
        /// The tools of the request.
        tools with_tools: [Tool] = "tools",
        /// The tool choice of the request.
        tool_choice with_tool_choice: {ToolChoice} = "tool_choice",
        /// The instructions of the request.
        instructions with_instructions: {Input} = "instructions",
        /// The metadata of the request.
        metadata with_metadata: {RawJson} = "metadata",
    }
}

impl ResponseObject {
    /// The text of all messages in `output`, joined.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for item in self.output.iter().flatten() {
            let Item::Message(message) = item else { continue };
            let Some(Content::Parts(parts)) = &message.content else { continue };
            for part in parts {
                if let Part::OutputText(text) = part {
                    out.push_str(text.text.as_deref().unwrap_or_default());
                }
            }
        }
        out
    }
}

wire_object! {
    /// The error of a failed response.
    pub struct ErrorObject {
        /// A machine-readable code: `server_error`, `rate_limit_exceeded`, …
        code with_code: {String} = "code",
        /// One sentence.
        message with_message: {String} = "message",
    }
}

wire_object! {
    /// The reason of an incomplete response.
    pub struct IncompleteDetails {
        /// `max_output_tokens` or `content_filter`.
        reason with_reason: {String} = "reason",
    }
}

wire_object! {
    /// Token counts.
    pub struct Usage {
        /// Tokens of the input, cached ones included.
        input_tokens with_input_tokens: (u64) = "input_tokens",
        /// Details of them.
        input_tokens_details with_input_tokens_details: {InputTokensDetails} = "input_tokens_details",
        /// Tokens of the output, reasoning included.
        output_tokens with_output_tokens: (u64) = "output_tokens",
        /// Details of them.
        output_tokens_details with_output_tokens_details: {OutputTokensDetails} = "output_tokens_details",
        /// All of them.
        total_tokens with_total_tokens: (u64) = "total_tokens",
    }
}

wire_object! {
    /// Details of the input's tokens.
    pub struct InputTokensDetails {
        /// Tokens read from a cache.
        cached_tokens with_cached_tokens: (u64) = "cached_tokens",
    }
}

wire_object! {
    /// Details of the output's tokens.
    pub struct OutputTokensDetails {
        /// Tokens of the reasoning.
        reasoning_tokens with_reasoning_tokens: (u64) = "reasoning_tokens",
    }
}

wire_object! {
    /// One event of a stream: <https://platform.openai.com/docs/api-reference/responses-streaming>.
    pub struct StreamEvent {
        /// `response.created`, `response.output_text.delta`, …
        kind with_kind: {String} = "type",
        /// The event's number, from 0 without gaps.
        sequence_number with_sequence_number: (u64) = "sequence_number",
        /// The response so far.
        response with_response: {ResponseObject} = "response",
        /// The item's index in `output`.
        output_index with_output_index: (u64) = "output_index",
        /// The item's id.
        item_id with_item_id: {String} = "item_id",
        /// The item so far.
        item with_item: {Item} = "item",
        /// The content part's index in the item.
        content_index with_content_index: (u64) = "content_index",
        /// The index of a section of the summary.
        summary_index with_summary_index: (u64) = "summary_index",
        /// The content part so far.
        part with_part: {Part} = "part",
        /// The increment of the text or the arguments.
        delta with_delta: {String} = "delta",
        /// The complete text.
        text with_text: {String} = "text",
        /// The complete arguments.
        arguments with_arguments: {String} = "arguments",
    }
}
