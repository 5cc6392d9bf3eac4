//! How a side is asked for reasoning.

use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

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
