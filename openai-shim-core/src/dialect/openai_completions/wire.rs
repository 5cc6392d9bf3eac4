//! OpenAI's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing. The translation itself works
//! on the raw members (see `mend`), because real servers do not keep to these types.
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
        /// A text, texts, token ids, or lists of token ids.
        pub prompt: Box<RawValue> = "prompt",
        /// What comes after the answer.
        pub suffix: String = "suffix",
        /// The longest answer in tokens; OpenAI's default is 16.
        pub max_tokens: u64 = "max_tokens",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling, 0 to 1.
        pub top_p: f64 = "top_p",
        /// How many answers to each prompt.
        pub n: u32 = "n",
        /// The best of how many answers.
        pub best_of: u32 = "best_of",
        /// Whether the prompt stands before the answer.
        pub echo: bool = "echo",
        /// How many alternatives per token, 0 to 5.
        pub logprobs: u32 = "logprobs",
        /// Whether to stream.
        pub stream: bool = "stream",
        /// Options of the stream.
        pub stream_options: StreamOptions = "stream_options",
        /// Where to stop: a text, or up to four.
        pub stop: Box<RawValue> = "stop",
        /// Penalty for tokens by how often they occurred, -2 to 2.
        pub frequency_penalty: f64 = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        pub presence_penalty: f64 = "presence_penalty",
        /// Biases by token id.
        pub logit_bias: Box<RawValue> = "logit_bias",
        /// A seed.
        pub seed: i64 = "seed",
        /// An end user's identifier.
        pub user: String = "user",
    }
}

wire_object! {
    /// Options of a stream.
    pub struct StreamOptions {
        /// Whether usage comes at the end.
        pub include_usage: bool = "include_usage",
    }
}

wire_object! {
    /// An answer, or one chunk of it: <https://platform.openai.com/docs/api-reference/completions/object>.
    pub struct Completion {
        /// The answer's id.
        pub id: String = "id",
        /// `text_completion`.
        pub object: String = "object",
        /// When it was made, in seconds since 1970.
        pub created: u64 = "created",
        /// The model that answered.
        pub model: String = "model",
        /// The answers.
        pub choices: Vec<Choice> = "choices",
        /// Token counts.
        pub usage: Usage = "usage",
        /// The configuration of the backend.
        pub system_fingerprint: String = "system_fingerprint",
    }
}

wire_object! {
    /// One of the answers.
    pub struct Choice {
        /// Its text, or the next part of it.
        pub text: String = "text",
        /// Which one.
        pub index: u32 = "index",
        /// How likely its tokens were.
        pub logprobs: LogProbs = "logprobs",
        /// Why it ended: `stop`, `length` or `content_filter`.
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
        /// The likeliest tokens in each place, raw.
        pub top_logprobs: Vec<Option<Box<RawValue>>> = "top_logprobs",
    }
}

wire_object! {
    /// Token counts.
    pub struct Usage {
        /// Of the prompt.
        pub prompt_tokens: u64 = "prompt_tokens",
        /// Of the answer.
        pub completion_tokens: u64 = "completion_tokens",
        /// Of both.
        pub total_tokens: u64 = "total_tokens",
    }
}
