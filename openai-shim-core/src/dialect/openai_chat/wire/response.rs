//! The response, whole and as chunks, and errors.

use super::request::Message;
use crate::json::Number;
use crate::json::typed::wire_object;

wire_object! {
    /// A non-streaming response: <https://platform.openai.com/docs/api-reference/chat/object>.
    pub struct ChatCompletion {
        /// Its id.
        id with_id: {String} = "id",
        /// `chat.completion`.
        object with_object: {String} = "object",
        /// When it was created, in seconds since 1970.
        created with_created: (u64) = "created",
        /// The model that generated it.
        model with_model: {String} = "model",
        /// The alternatives.
        choices with_choices: [Choice] = "choices",
        /// Token counts.
        usage with_usage: {CompletionUsage} = "usage",
        /// The service tier.
        service_tier with_service_tier: {String} = "service_tier",
        /// The backend's configuration.
        system_fingerprint with_system_fingerprint: {String} = "system_fingerprint",
    }
}

wire_object! {
    /// One of the alternatives.
    pub struct Choice {
        /// Its number.
        index with_index: (u32) = "index",
        /// The model's message.
        message with_message: {Message} = "message",
        /// `stop`, `length`, `tool_calls`, `content_filter` or `function_call`.
        finish_reason with_finish_reason: {String} = "finish_reason",
        /// Log probabilities.
        logprobs with_logprobs: {LogProbs} = "logprobs",
    }
}

wire_object! {
    /// One chunk of a stream: <https://platform.openai.com/docs/api-reference/chat-streaming>.
    pub struct ChatCompletionChunk {
        /// The id, the same in all chunks.
        id with_id: {String} = "id",
        /// `chat.completion.chunk`.
        object with_object: {String} = "object",
        /// When the response was created, in seconds since 1970, the same in all chunks.
        created with_created: (u64) = "created",
        /// The model that generates the response.
        model with_model: {String} = "model",
        /// The increments of the choices; empty in the chunk with usage.
        choices with_choices: [ChunkChoice] = "choices",
        /// Token counts, in the last chunk only.
        usage with_usage: {CompletionUsage} = "usage",
        /// The service tier.
        service_tier with_service_tier: {String} = "service_tier",
        /// The backend's configuration.
        system_fingerprint with_system_fingerprint: {String} = "system_fingerprint",
    }
}

wire_object! {
    /// The increment of one choice.
    pub struct ChunkChoice {
        /// Its number.
        index with_index: (u32) = "index",
        /// The increment of the message.
        delta with_delta: {Message} = "delta",
        /// The finish reason, in the choice's last chunk.
        finish_reason with_finish_reason: {String} = "finish_reason",
        /// Log probabilities of the increment.
        logprobs with_logprobs: {LogProbs} = "logprobs",
    }
}

wire_object! {
    /// Log probabilities of a choice's tokens.
    pub struct LogProbs {
        /// The tokens of the content.
        content with_content: [TokenLogProb] = "content",
        /// The tokens of a refusal.
        refusal with_refusal: [TokenLogProb] = "refusal",
    }
}

wire_object! {
    /// The log probability of one token.
    pub struct TokenLogProb {
        /// The token.
        token with_token: {String} = "token",
        /// Its log probability; -9999 for a very unlikely token.
        logprob with_logprob: {Number} = "logprob",
        /// Its bytes: a character may have several tokens.
        bytes with_bytes: [u32] = "bytes",
        /// The likeliest tokens at this position, each without such a list.
        top_logprobs with_top_logprobs: [TokenLogProb] = "top_logprobs",
    }
}

wire_object! {
    /// Token counts.
    pub struct CompletionUsage {
        /// Tokens of the prompt, cached ones included.
        prompt_tokens with_prompt_tokens: (u64) = "prompt_tokens",
        /// Tokens of the output, reasoning included.
        completion_tokens with_completion_tokens: (u64) = "completion_tokens",
        /// The sum of both.
        total_tokens with_total_tokens: (u64) = "total_tokens",
        /// Details of the prompt: `cached_tokens`, `audio_tokens`.
        prompt_tokens_details with_prompt_tokens_details: {PromptTokensDetails} = "prompt_tokens_details",
        /// Details of the output: `reasoning_tokens`, `audio_tokens`, accepted and rejected predictions.
        completion_tokens_details with_completion_tokens_details: {CompletionTokensDetails} = "completion_tokens_details",
    }
}

wire_object! {
    /// Details of the prompt's tokens.
    pub struct PromptTokensDetails {
        /// Tokens read from a cache.
        cached_tokens with_cached_tokens: (u64) = "cached_tokens",
        /// Tokens of audio.
        audio_tokens with_audio_tokens: (u64) = "audio_tokens",
    }
}

wire_object! {
    /// Details of the output's tokens.
    pub struct CompletionTokensDetails {
        /// Tokens of the reasoning.
        reasoning_tokens with_reasoning_tokens: (u64) = "reasoning_tokens",
        /// Tokens of audio.
        audio_tokens with_audio_tokens: (u64) = "audio_tokens",
        /// Tokens of the prediction that the output has.
        accepted_prediction_tokens with_accepted_prediction_tokens: (u64) = "accepted_prediction_tokens",
        /// Tokens of the prediction that the output does not have.
        rejected_prediction_tokens with_rejected_prediction_tokens: (u64) = "rejected_prediction_tokens",
    }
}

wire_object! {
    /// An error response: <https://platform.openai.com/docs/guides/error-codes>.
    pub struct ErrorResponse {
        /// The error.
        error with_error: {ErrorObject} = "error",
    }
}

wire_object! {
    /// An error.
    pub struct ErrorObject {
        /// One sentence.
        message with_message: {String} = "message",
        /// `invalid_request_error`, `server_error`, …
        kind with_kind: {String} = "type",
        /// The field at fault.
        param with_param: {String} = "param",
        /// A machine-readable code.
        code with_code: {String} = "code",
    }
}
