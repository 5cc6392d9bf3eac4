//! Which parameters a side accepts.

use crate::overlay::rules;
use serde_json::Value;
use std::collections::BTreeMap;

rules! {
    /// Which parameters an upstream accepts, by their name on the wire; a dot leads into an object
    /// (`generationConfig.topK`, `options.num_ctx`).
    pub struct ParamRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::ParamLayer;
    /// let params = ParamLayer::default()
    ///     .with_drop(["...", "seed"]) // besides what the layer below drops
    ///     .with_rename("temperature", "heat")
    ///     .with_clamp("top_p", 0.0, 0.9)
    ///     .with_set("safe", true)
    ///     .with_max_choices(1);
    /// assert_eq!(params.clamp.unwrap()["top_p"], [0.0, 0.9]);
    /// ```
    ParamLayer {
        /// Parameters that are dropped. A path drops a member of a parameter, or of every item of a list
        /// (`tools.cache_control`).
        pub drop: Vec<String> as with_drop(list),
        /// Parameters and headers that are sent only if the client sends them: a default, or what a dialect adds of its own
        /// accord (`store`, `tools.strict`, `anthropic-version`), is left out.
        pub client_only: Vec<String> as with_client_only(list),
        /// A parameter that the upstream does not know makes it answer with the status 500.
        pub refused_with_500: bool as with_refused_with_500,
        /// If any are named here, every other parameter is dropped.
        pub allow: Vec<String> as with_allow(list),
        /// Parameters that are sent under another name; one that maps to itself is not renamed.
        pub rename: BTreeMap<String, String> as with_rename(text),
        /// Parameters that are moved into a range: `[low, high]`.
        pub clamp: BTreeMap<String, [f64; 2]> as with_clamp(range),
        /// Parameters that are accepted with their default value only: any other value is dropped.
        pub default_only: Vec<String> as with_default_only(list),
        /// The same, while the request asks for reasoning.
        pub default_only_while_reasoning: Vec<String> as with_default_only_while_reasoning(list),
        /// Parameters that are moved into a range, `[low, high]`, while the request asks for reasoning.
        pub clamp_while_reasoning: BTreeMap<String, [f64; 2]> as with_clamp_while_reasoning(range),
        /// Parameters that are accepted with their default value only, unless the request switches reasoning off: the model reasons by itself.
        pub default_only_unless_reasoning_off: Vec<String> as with_default_only_unless_reasoning_off(list),
        /// Parameters that are dropped beside another one.
        pub exclusive: BTreeMap<String, String> as with_exclusive(text),
        /// Parameters that the API no longer has, by the first version (in the header that states it) without them.
        pub removed_in: BTreeMap<String, Vec<String>> as with_removed_in(lists),
        /// Parameters that have this value, whatever the client sent, where functions are offered.
        pub force_with_tools: BTreeMap<String, Value> as with_force_with_tools(json),
        /// Parameters that are sent if the client sent none, with any value.
        pub set: BTreeMap<String, Value> as with_set(json),
        /// Parameters that have this value, whatever the client sent.
        pub force: BTreeMap<String, Value> as with_force(json),
        /// A limit is required: where neither the client nor the configuration sets one, `max_output_tokens` is sent, or
        /// 4096.
        pub require_max_tokens: bool as with_require_max_tokens,
        /// The least limit on the output, whatever its name; lower ones are raised to it.
        pub min_output_tokens: Option<u64> as with_min_output_tokens(into),
        /// The largest limit on the output that the model takes, whatever its name; higher ones are lowered to it.
        pub max_output_tokens: Option<u64> as with_max_output_tokens(into),
        /// The most characters of the end user's identifier; a longer one is cut.
        pub max_user_length: Option<u32> as with_max_user_length(into),
        /// The largest `n`; absent: any. For more choices several requests are sent.
        pub max_choices: Option<u32> as with_max_choices(into),
        /// `logprobs` is the number of alternatives of each token, and not a switch beside `top_logprobs`.
        pub logprobs_as_count: bool as with_logprobs_as_count,
        /// How many stop sequences are accepted; absent: any number. The shim applies the others itself.
        pub max_stop_sequences: Option<u32> as with_max_stop_sequences(into),
        /// Stop sequences of white space only are dropped.
        pub drop_blank_stops: bool as with_drop_blank_stops,
    }
}
