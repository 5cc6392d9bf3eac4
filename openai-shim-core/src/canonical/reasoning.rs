//! Reasoning as a request asks for it: whether, how much, what of it is shown, and in which parameter that stands.

use crate::error::static_text::{self, StaticText};
use crate::overlay::Rule;
use serde::{Deserialize, Serialize};

/// Whether and how much the model reasons, and what of it is shown.
///
/// A decoder sets what the client sent. Normalization changes it to what the upstream accepts; an encoder spells every field
/// that is set.
///
/// ```
/// use openai_shim_core::canonical::{Reasoning, ReasoningMode};
/// use openai_shim_core::exchange::ClientRequest;
/// use openai_shim_core::dialect;
/// let body = r#"{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000},
///     "messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("anthropic-messages")?, "/v1/messages", body.into())?;
/// let reasoning: &Reasoning = &request.request().reasoning;
/// assert_eq!((reasoning.mode, reasoning.budget), (Some(ReasoningMode::On), Some(2000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Reasoning {
    /// Whether, and when, the model reasons.
    pub mode: Option<ReasoningMode>,
    /// The reasoning effort, by OpenAI's names (`minimal`, `low`, `medium`, `high`, …); `none` is the mode
    /// [`Off`](ReasoningMode::Off).
    pub effort: Option<String>,
    /// The effort is that of the whole response: a model that reasons only on request does not reason because of it.
    pub effort_of_response: bool,
    /// The reasoning budget in tokens.
    pub budget: Option<u64>,
    /// What of the reasoning is shown.
    pub display: Option<ReasoningDisplay>,
    /// The client shows reasoning although it did not request that.
    pub shown_by_default: bool,
    /// The parameters in which the client sent it.
    pub params: ReasoningParams,
    /// The parameter in which the upstream gets it.
    #[serde(with = "any_param")]
    pub param: ReasoningParam,
    /// The client's name of the field, for diagnostics.
    #[serde(deserialize_with = "static_text::deserialize")]
    pub field: StaticText,
}

/// Whether, and when, a model reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ReasoningMode {
    /// It does not.
    Off,
    /// It does.
    On,
    /// It decides itself.
    Adaptive,
    /// Only between tool calls.
    BetweenTools,
}

/// What of the reasoning is shown.
///
/// ```
/// use openai_shim_core::canonical::{Reasoning, ReasoningDisplay};
/// let mut reasoning = Reasoning::default();
/// reasoning.display = Some(ReasoningDisplay::Omitted);
/// assert!(reasoning.mode.is_none()); // whether the model reasons is another question
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ReasoningDisplay {
    /// Nothing.
    Omitted,
    /// A summary, or all of it.
    Auto,
    /// A short summary.
    Concise,
    /// A long summary.
    Detailed,
}

/// The parameter that requests reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasoningParam {
    /// As the client sends it; `reasoning_effort` for clients of other dialects.
    #[default]
    Any,
    /// `reasoning_effort`, OpenAI's.
    ReasoningEffort,
    /// `reasoning: {effort}`, OpenRouter's.
    Reasoning,
    /// `thinking: {type: enabled | disabled}`, DeepSeek's and Z.ai's.
    Thinking,
    /// `enable_thinking`, Qwen's.
    EnableThinking,
    /// `chat_template_kwargs: {enable_thinking}`, vLLM's and SGLang's.
    ChatTemplateKwargs,
    /// None: a request for reasoning is dropped.
    Unsupported,
    /// The dialect's own, which takes an effort only.
    #[serde(skip)]
    OwnEffort,
    /// The dialect's own, which takes on and off, or an effort.
    #[serde(skip)]
    OwnSwitch,
    /// The dialect's own, which takes on and off, an effort, or a token budget.
    #[serde(skip)]
    OwnBudget,
}

impl ReasoningParam {
    /// Whether it is a parameter of OpenAI's chat.
    pub fn is_of_chat(self) -> bool {
        !matches!(self, Self::OwnEffort | Self::OwnSwitch | Self::OwnBudget)
    }

    /// Whether it can say that the model reasons, without saying how much.
    pub fn has_switch(self) -> bool {
        !matches!(self, Self::Any | Self::ReasoningEffort | Self::OwnEffort | Self::Unsupported)
    }

    /// Whether it can contain a token budget.
    pub fn has_budget(self) -> bool {
        matches!(self, Self::Reasoning | Self::EnableThinking | Self::OwnBudget)
    }

    /// Whether an effort has a place in it. The others are switches: an effort stands beside them, where it is accepted.
    pub fn has_effort(self) -> bool {
        !matches!(self, Self::Thinking | Self::EnableThinking | Self::ChatTemplateKwargs)
    }
}

// Other dialects have one parameter each: a layer can choose among those of OpenAI's chat only.
impl Rule for ReasoningParam {
    fn set(&mut self, value: &Self) {
        if self.is_of_chat() || *value == Self::Unsupported {
            *self = *value;
        }
    }
}

/// A parameter in JSON, also one that no layer can choose.
mod any_param {
    use super::{CHAT_PARAMS, ReasoningParam};
    use serde::{Deserialize, Deserializer, Serializer};

    const OTHERS: [ReasoningParam; 5] = [
        ReasoningParam::Any,
        ReasoningParam::Unsupported,
        ReasoningParam::OwnEffort,
        ReasoningParam::OwnSwitch,
        ReasoningParam::OwnBudget,
    ];

    pub(super) fn serialize<S: Serializer>(param: &ReasoningParam, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{param:?}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ReasoningParam, D::Error> {
        let name = String::deserialize(deserializer)?;
        let mut all = CHAT_PARAMS.into_iter().chain(OTHERS);
        all.find(|param| format!("{param:?}") == name)
            .ok_or_else(|| serde::de::Error::custom(format_args!("there is no parameter {name:?}")))
    }
}

/// The parameters of OpenAI's chat.
const CHAT_PARAMS: [ReasoningParam; 5] = [
    ReasoningParam::ReasoningEffort,
    ReasoningParam::Reasoning,
    ReasoningParam::Thinking,
    ReasoningParam::EnableThinking,
    ReasoningParam::ChatTemplateKwargs,
];

/// A set of parameters that request reasoning.
///
/// ```
/// use openai_shim_core::canonical::{Reasoning, ReasoningParam, ReasoningParams};
/// let reasoning = Reasoning::default();
/// assert_eq!((reasoning.params, reasoning.param), (ReasoningParams::default(), ReasoningParam::Any));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasoningParams(u16);

impl ReasoningParams {
    /// Adds a parameter.
    pub fn insert(&mut self, param: ReasoningParam) {
        self.0 |= 1 << param as u16;
    }

    /// Whether a parameter is in the set.
    pub fn contains(self, param: ReasoningParam) -> bool {
        self.0 & (1 << param as u16) != 0
    }

    /// Whether one of OpenAI's chat is in the set.
    pub fn has_chat(self) -> bool {
        self.first_of_chat().is_some()
    }

    /// The first one of OpenAI's chat.
    pub fn first_of_chat(self) -> Option<ReasoningParam> {
        CHAT_PARAMS.into_iter().find(|param| self.contains(*param))
    }
}

/// The key of a message's extra field that marks reasoning which the client sent in `reasoning`.
pub const REASONING_TEXT: &str = ".reasoning";

/// The key of a message's extra field that marks reasoning which the client sent in `reasoning_content` beside `reasoning`.
pub const REASONING_CONTENT: &str = ".reasoning_content";

/// The field of OpenAI's chat in which earlier reasoning is sent back.
///
/// ```
/// use openai_shim_core::canonical::{ReasoningField, Request};
/// assert_eq!(Request::default().reasoning_field, ReasoningField::default());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasoningField {
    /// The client's; `reasoning_content` for clients of other dialects.
    #[default]
    Any,
    /// `reasoning_content`.
    ReasoningContent,
    /// `reasoning`.
    Reasoning,
    /// `reasoning_content` and `reasoning`.
    Both,
    /// Between `<think>` and `</think>`, at the beginning of the content.
    ThinkTags,
    /// None: reasoning, and signatures of tool calls, are dropped.
    None,
}

impl Rule for ReasoningField {}

impl Reasoning {
    /// Sets what an effort of this name means: `none` is the mode [`Off`](ReasoningMode::Off).
    pub fn set_effort(&mut self, effort: String) {
        if effort == "none" {
            self.mode = Some(ReasoningMode::Off);
        } else if !effort.is_empty() {
            self.effort = Some(effort);
        }
    }

    /// Switches reasoning on or off. What switches it off counts, whatever else the client sends.
    pub fn set_enabled(&mut self, is_enabled: bool) {
        if !is_enabled {
            self.mode = Some(ReasoningMode::Off);
        } else if self.mode.is_none() {
            self.mode = Some(ReasoningMode::On);
        }
    }

    /// Whether anything about reasoning was requested.
    pub fn is_requested(&self) -> bool {
        self.mode.is_some() || self.effort.is_some() || self.budget.is_some() || self.display.is_some()
    }

    /// Whether it is switched off.
    pub fn is_off(&self) -> bool {
        self.mode == Some(ReasoningMode::Off)
    }

    /// The client's name of the field.
    pub fn field_path(&self) -> &'static str {
        if self.field.is_empty() { "reasoning" } else { self.field }
    }
}
