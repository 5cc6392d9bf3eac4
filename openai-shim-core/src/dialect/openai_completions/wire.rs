//! The objects of the legacy API as types, for building and reading payloads by hand.
//!
//! Fields that a type does not have, or whose value has another type, stay raw in `extra`: reading and writing loses nothing.
//!
//! ```
//! use openai_shim_core::dialect::openai_completions::wire::{Completion, CompletionRequest};
//!
//! let request = CompletionRequest::new("gpt-3.5-turbo-instruct", "Once").with_max_tokens(16).with_stop(["\n", "."]);
//! assert_eq!(
//!     serde_json::to_string(&request)?,
//!     r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Once","max_tokens":16,"stop":["\n","."]}"#
//! );
//!
//! let answer: Completion = serde_json::from_str(r#"{"id":"cmpl-1","choices":[{"text":" upon","index":0}]}"#)?;
//! assert_eq!(answer.choices.unwrap()[0].text.as_deref(), Some(" upon"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::dialect::typed_request::typed_request;
use crate::json::typed::{from_text, wire_object, wire_union};
use crate::json::{Number, RawJson};

wire_object! {
    /// A request: <https://platform.openai.com/docs/api-reference/completions/create>.
    pub struct CompletionRequest {
        /// The model's id.
        model with_model: {String} = "model",
        /// A string, strings, token ids, or lists of token ids.
        prompt with_prompt: {Prompt} = "prompt",
        /// The text after the output.
        suffix with_suffix: {String} = "suffix",
        /// The most tokens of the output; OpenAI's default is 16.
        max_tokens with_max_tokens: (u64) = "max_tokens",
        /// Sampling temperature, 0 to 2.
        temperature with_temperature: {Number} = "temperature",
        /// Nucleus sampling, 0 to 1.
        top_p with_top_p: {Number} = "top_p",
        /// How many choices for each prompt.
        n with_n: (u32) = "n",
        /// How many candidates to generate; the best `n` are returned.
        best_of with_best_of: (u32) = "best_of",
        /// Whether the prompt stands in front of the output.
        echo with_echo: (bool) = "echo",
        /// How many likely tokens to return for each position, 0 to 5.
        logprobs with_logprobs: (u32) = "logprobs",
        /// Whether to stream the response.
        stream with_stream: (bool) = "stream",
        /// Options of the stream.
        stream_options with_stream_options: {StreamOptions} = "stream_options",
        /// Stop sequences: a string, or a list of up to four.
        stop with_stop: {Stop} = "stop",
        /// Penalty for tokens by how often they occurred, -2 to 2.
        frequency_penalty with_frequency_penalty: {Number} = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        presence_penalty with_presence_penalty: {Number} = "presence_penalty",
        /// Biases by token id.
        logit_bias with_logit_bias: {RawJson} = "logit_bias",
        /// A seed.
        seed with_seed: (i64) = "seed",
        /// An identifier of the end user.
        user with_user: {String} = "user",
    }
}

impl CompletionRequest {
    /// A request for the text after a prompt.
    pub fn new(model: impl Into<String>, prompt: impl Into<Prompt>) -> Self {
        Self::default().with_model(model).with_prompt(prompt)
    }
}

wire_union! {
    /// What the output continues.
    pub enum Prompt {
        /// A text.
        Text(String),
        /// Several texts: each has its own choices.
        Texts(Vec<String>),
        /// A text as token ids.
        Tokens(Vec<u32>),
        /// Several texts as token ids.
        TokenLists(Vec<Vec<u32>>),
    }
}

wire_union! {
    /// Stop sequences.
    pub enum Stop {
        /// One.
        One(String),
        /// Up to four.
        Many(Vec<String>),
    }
}

from_text!(Prompt { Texts }, Stop { Many });

wire_object! {
    /// Options of a stream.
    pub struct StreamOptions {
        /// Whether a last chunk has the token counts.
        include_usage with_include_usage: (bool) = "include_usage",
    }
}

wire_object! {
    /// A non-streaming response, or one chunk: <https://platform.openai.com/docs/api-reference/completions/object>.
    pub struct Completion {
        /// Its id.
        id with_id: {String} = "id",
        /// `text_completion`.
        object with_object: {String} = "object",
        /// When it was created, in seconds since 1970.
        created with_created: (u64) = "created",
        /// The model that generated it.
        model with_model: {String} = "model",
        /// The alternatives.
        choices with_choices: [Choice] = "choices",
        /// Token counts.
        usage with_usage: {Usage} = "usage",
        /// The backend's configuration.
        system_fingerprint with_system_fingerprint: {String} = "system_fingerprint",
    }
}

wire_object! {
    /// One of the alternatives.
    pub struct Choice {
        /// Its text; in a stream the next part of it.
        text with_text: {String} = "text",
        /// Its number.
        index with_index: (u32) = "index",
        /// Log probabilities of its tokens.
        logprobs with_logprobs: {LogProbs} = "logprobs",
        /// The finish reason: `stop`, `length` or `content_filter`.
        finish_reason with_finish_reason: {String} = "finish_reason",
    }
}

wire_object! {
    /// Log probabilities: one item of each list for each token.
    pub struct LogProbs {
        /// Where tokens begin, in characters.
        text_offset with_text_offset: [u64] = "text_offset",
        /// Their log probabilities; the first token of a prompt has none.
        token_logprobs with_token_logprobs: [Option<Number>] = "token_logprobs",
        /// The tokens.
        tokens with_tokens: [String] = "tokens",
        /// The likeliest tokens of each position, raw.
        top_logprobs with_top_logprobs: [Option<RawJson>] = "top_logprobs",
    }
}

wire_object! {
    /// Token counts.
    pub struct Usage {
        /// Tokens of the prompt.
        prompt_tokens with_prompt_tokens: (u64) = "prompt_tokens",
        /// Tokens of the output.
        completion_tokens with_completion_tokens: (u64) = "completion_tokens",
        /// The sum of both.
        total_tokens with_total_tokens: (u64) = "total_tokens",
    }
}

typed_request!(super::DIALECT, "/v1/completions": CompletionRequest => Completion, Completion);
