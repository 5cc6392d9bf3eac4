//! Which parameters a side accepts.

use crate::overlay::rules;
use std::collections::BTreeMap;

rules! {
    /// Which parameters an upstream accepts, by their name on the wire.
    pub struct ParamRules, ParamLayer {
        /// Parameters that are dropped. A path drops a member of a parameter, or of every item of a list
        /// (`tools.cache_control`).
        pub drop: Vec<String>,
        /// Parameters and headers that are sent only if the client sends them: a default, or what a dialect adds of its own
        /// accord (`store`, `tools.strict`, `anthropic-version`), is left out.
        pub client_only: Vec<String>,
        /// A parameter that the upstream does not know makes it answer with the status 500.
        pub refused_with_500: bool,
        /// If any are named here, every other parameter is dropped.
        pub allow: Vec<String>,
        /// Parameters that are sent under another name; one that maps to itself is not renamed.
        pub rename: BTreeMap<String, String>,
        /// Parameters that are moved into a range: `[low, high]`.
        pub clamp: BTreeMap<String, [f64; 2]>,
        /// `max_tokens` is required: the configured default is sent if the client sent none.
        pub require_max_tokens: bool,
        /// The largest `n`; absent: any. For more choices several requests are sent.
        pub max_choices: Option<u32>,
        /// How many stop sequences are accepted; absent: any number. The shim applies the others itself.
        pub max_stop_sequences: Option<u32>,
    }
}
