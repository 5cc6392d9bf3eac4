//! The responses, whole and as lines of a stream, and errors.

use super::request::Message;
use crate::json::typed::wire_object;

wire_object! {
    /// A response of `/api/chat`, or one line of its stream.
    pub struct ChatResponse {
        /// The model that responded.
        model with_model: {String} = "model",
        /// When the line was written, in RFC 3339.
        created_at with_created_at: {String} = "created_at",
        /// The message; in a stream its increment.
        message with_message: {Message} = "message",
        /// Whether this is the last line.
        done with_done: (bool) = "done",
        /// Why the output ended: `stop`, `length`, `load` or `unload`; in the last line.
        done_reason with_done_reason: {String} = "done_reason",
        /// Nanoseconds of the whole request.
        total_duration with_total_duration: (u64) = "total_duration",
        /// Nanoseconds of loading the model.
        load_duration with_load_duration: (u64) = "load_duration",
        /// Tokens of the prompt; absent if the prompt was in the cache.
        prompt_eval_count with_prompt_eval_count: (u64) = "prompt_eval_count",
        /// Nanoseconds of evaluating the prompt.
        prompt_eval_duration with_prompt_eval_duration: (u64) = "prompt_eval_duration",
        /// Tokens of the response, thinking included.
        eval_count with_eval_count: (u64) = "eval_count",
        /// Nanoseconds of generating the response.
        eval_duration with_eval_duration: (u64) = "eval_duration",
    }
}

wire_object! {
    /// A response of `/api/generate`, or one line of its stream.
    pub struct GenerateResponse {
        /// The model that responded.
        model with_model: {String} = "model",
        /// When the line was written, in RFC 3339.
        created_at with_created_at: {String} = "created_at",
        /// The text; in a stream its increment.
        response with_response: {String} = "response",
        /// The reasoning before the text.
        thinking with_thinking: {String} = "thinking",
        /// Whether this is the last line.
        done with_done: (bool) = "done",
        /// Why the output ended: `stop`, `length`, `load` or `unload`; in the last line.
        done_reason with_done_reason: {String} = "done_reason",
        /// Tokens of the conversation, which a later request continues.
        context with_context: [i64] = "context",
        /// Nanoseconds of the whole request.
        total_duration with_total_duration: (u64) = "total_duration",
        /// Nanoseconds of loading the model.
        load_duration with_load_duration: (u64) = "load_duration",
        /// Tokens of the prompt; absent if the prompt was in the cache.
        prompt_eval_count with_prompt_eval_count: (u64) = "prompt_eval_count",
        /// Nanoseconds of evaluating the prompt.
        prompt_eval_duration with_prompt_eval_duration: (u64) = "prompt_eval_duration",
        /// Tokens of the response, thinking included.
        eval_count with_eval_count: (u64) = "eval_count",
        /// Nanoseconds of generating the response.
        eval_duration with_eval_duration: (u64) = "eval_duration",
    }
}

wire_object! {
    /// An error: <https://docs.ollama.com/api/errors>.
    pub struct ErrorResponse {
        /// A description of the error.
        error with_error: {String} = "error",
    }
}
