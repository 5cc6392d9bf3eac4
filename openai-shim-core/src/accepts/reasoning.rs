//! How a side is asked for reasoning.

use crate::canonical::ReasoningParam;
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

rules! {
    /// How reasoning is requested.
    #[derive(Eq)]
    pub struct ReasoningRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::{ReasoningLayer, ReasoningParam};
    /// let reasoning = ReasoningLayer::default()
    ///     .with_param(ReasoningParam::ReasoningEffort)
    ///     .with_efforts(["low", "high"])
    ///     .with_budget("low", 1024);
    /// assert_eq!(reasoning.budgets.unwrap()["low"], 1024);
    /// ```
    ReasoningLayer {
        /// The parameter that requests reasoning. It is a choice among those of OpenAI's chat; other dialects have one each.
        pub param: ReasoningParam as with_param,
        /// The efforts that are accepted, from least to most; empty: all. The nearest one is sent. Beside a parameter that
        /// switches reasoning on and off, an effort is sent only if some are named here.
        pub efforts: Vec<String> as with_efforts(list),
        /// In which unit the amount of reasoning is accepted.
        pub amount: ReasoningAmount as with_amount,
        /// The token budget of each effort. Without one it is a share of the limit on the response's length.
        pub budgets: BTreeMap<String, u32> as with_budget(number),
        /// The smallest token budget; absent: any. Smaller ones are raised.
        pub min_budget: Option<u32> as with_min_budget(into),
        /// The largest token budget; absent: any. Larger ones are lowered.
        pub max_budget: Option<u32> as with_max_budget(into),
        /// The token budget must be below the limit on the response's length.
        pub budget_below_max_tokens: bool as with_budget_below_max_tokens,
        /// The feature of the API, selected by a header, with which the token budget may be larger; empty: none.
        pub larger_budget_feature: String as with_larger_budget_feature(into),
        /// The values of `thinking.type` that are accepted, in any dialect: `disabled`, `enabled`, `adaptive`,
        /// `between_tools`; empty: all. What is not among them is sent as the nearest one.
        pub modes: Vec<String> as with_modes(list),
        /// The greatest effort that is accepted while reasoning is off; empty: any.
        pub max_effort_off: String as with_max_effort_off(into),
        /// Whether a model reasons that is not asked to.
        pub default: ReasoningDefault as with_default,
        /// Models that reason by themselves and return their reasoning encrypted if they are asked to; `!` in front of a pattern
        /// excepts models. A provider's name with a slash is no part of the name.
        pub encrypted_models: Vec<String> as with_encrypted_models(list),
        /// Whether reasoning is shown.
        pub display: ReasoningVisibility as with_display,
        /// An effort concerns the whole response, and is accepted while reasoning is off.
        pub effort_of_response: bool as with_effort_of_response,
        /// Reasoning is accepted while a tool call is forced; otherwise it is switched off.
        pub with_forced_tools: bool as with_forced_tools = true,
        /// With a token budget, the last tool calls must follow the signed reasoning that led to them; otherwise reasoning is
        /// switched off.
        pub requires_signed_calls: bool as with_requires_signed_calls,
    }
}

keywords! {
    /// In which unit the amount of reasoning is accepted.
    ReasoningAmount {
        Any "An effort or a token budget, as the client sends it.",
        Effort "An effort: a token budget is sent as the nearest one.",
        Budget "A token budget: an effort is sent as one.",
    }
}

keywords! {
    /// Whether a model reasons that is not asked to.
    ReasoningDefault {
        Unknown "Unknown.",
        Off "It does not: to switch reasoning off, nothing has to be sent.",
        On "It does.",
    }
}

keywords! {
    /// Whether reasoning is shown.
    ReasoningVisibility {
        Any "The upstream decides: no parameter is sent.",
        Optional "As the client requests it.",
        OnRequest "Only on request: it is requested for clients that show it.",
        Never "Never, by an API like OpenAI's chat: a request to show it is dropped.",
    }
}
