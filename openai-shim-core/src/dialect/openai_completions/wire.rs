//! OpenAI's objects as types, for building and reading payloads by hand.
//!
//! Fields that a type does not have are kept raw in `extra`, so that reading and writing loses nothing. The translation itself
//! works on raw JSON (see the folder `repair`), because real servers deviate from these types.
//!
//! ```
//! use openai_shim_core::dialect::openai_completions::wire::{Completion, CompletionRequest};
//!
//! let mut request = CompletionRequest::default();
//! request.model = Some("gpt-3.5-turbo-instruct".into());
//! request.prompt = Some(openai_shim_core::json::raw("\"Once\""));
//! assert_eq!(serde_json::to_string(&request)?, r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Once"}"#);
//!
//! let answer: Completion = serde_json::from_str(r#"{"id":"cmpl-1","choices":[{"text":" upon","index":0}]}"#)?;
//! assert_eq!(answer.choices.unwrap()[0].text.as_deref(), Some(" upon"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request: <https://platform.openai.com/docs/api-reference/completions/create>.
    pub struct CompletionRequest {
        /// The model's id.
        pub model: String = "model",
        /// A string, strings, token ids, or lists of token ids.
        pub prompt: Box<RawValue> = "prompt",
        /// The text after the output.
        pub suffix: String = "suffix",
        /// The most tokens of the output; OpenAI's default is 16.
        pub max_tokens: u64 = "max_tokens",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling, 0 to 1.
        pub top_p: f64 = "top_p",
        /// How many choices for each prompt.
        pub n: u32 = "n",
        /// How many candidates to generate; the best `n` are returned.
        pub best_of: u32 = "best_of",
        /// Whether the prompt stands in front of the output.
        pub echo: bool = "echo",
        /// How many likely tokens to return for each position, 0 to 5.
        pub logprobs: u32 = "logprobs",
        /// Whether to stream the response.
        pub stream: bool = "stream",
        /// Options of the stream.
        pub stream_options: StreamOptions = "stream_options",
        /// Stop sequences: a string, or a list of up to four.
        pub stop: Box<RawValue> = "stop",
        /// Penalty for tokens by how often they occurred, -2 to 2.
        pub frequency_penalty: f64 = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        pub presence_penalty: f64 = "presence_penalty",
        /// Biases by token id.
        pub logit_bias: Box<RawValue> = "logit_bias",
        /// A seed.
        pub seed: i64 = "seed",
        /// An identifier of the end user.
        pub user: String = "user",
    }
}

wire_object! {
    /// Options of a stream.
    pub struct StreamOptions {
        /// Whether a last chunk has the token counts.
        pub include_usage: bool = "include_usage",
    }
}

wire_object! {
    /// A non-streaming response, or one chunk: <https://platform.openai.com/docs/api-reference/completions/object>.
    pub struct Completion {
        /// Its id.
        pub id: String = "id",
        /// `text_completion`.
        pub object: String = "object",
        /// When it was created, in seconds since 1970.
        pub created: u64 = "created",
        /// The model that generated it.
        pub model: String = "model",
        /// The alternatives.
        pub choices: Vec<Choice> = "choices",
        /// Token counts.
        pub usage: Usage = "usage",
        /// The backend's configuration.
        pub system_fingerprint: String = "system_fingerprint",
    }
}

wire_object! {
    /// One of the alternatives.
    pub struct Choice {
        /// Its text; in a stream the next part of it.
        pub text: String = "text",
        /// Its number.
        pub index: u32 = "index",
        /// Log probabilities of its tokens.
        pub logprobs: LogProbs = "logprobs",
        /// The finish reason: `stop`, `length` or `content_filter`.
        pub finish_reason: String = "finish_reason",
    }
}

wire_object! {
    /// Log probabilities: one item of each list for each token.
    pub struct LogProbs {
        /// Where tokens begin, in characters.
        pub text_offset: Vec<u64> = "text_offset",
        /// Their log probabilities; the first token of a prompt has none.
        pub token_logprobs: Vec<Option<f64>> = "token_logprobs",
        /// The tokens.
        pub tokens: Vec<String> = "tokens",
        /// The likeliest tokens of each position, raw.
        pub top_logprobs: Vec<Option<Box<RawValue>>> = "top_logprobs",
    }
}

wire_object! {
    /// Token counts.
    pub struct Usage {
        /// Tokens of the prompt.
        pub prompt_tokens: u64 = "prompt_tokens",
        /// Tokens of the output.
        pub completion_tokens: u64 = "completion_tokens",
        /// The sum of both.
        pub total_tokens: u64 = "total_tokens",
    }
}
