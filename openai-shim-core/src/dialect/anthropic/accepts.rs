//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>

use crate::accepts::literals::{layer, list, ranges};
use crate::accepts::{AcceptsLayer, ParamLayer};
use crate::dialect::params::{Params, param, same_name};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The parameters of sampling, which the API's second version no longer has:
/// <https://platform.claude.com/docs/en/api/migration-2026-10-21>.
const SAMPLING: [&str; 3] = ["temperature", "top_k", "top_p"];

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        clamp: ranges(&[("temperature", [0.0, 1.0]), ("top_p", [0.0, 1.0])]),
        removed_in: BTreeMap::from([(String::from("2026-10-21"), list(&SAMPLING))]),
        // <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>
        default_only_while_reasoning: list(&["temperature", "top_k"]),
        max_user_length: Some(256),
        require_max_tokens: true,
        max_choices: Some(1),
        drop_blank_stops: true
    }),
    ..AcceptsLayer::default()
});

/// The parameters.
pub(super) static PARAMS: Params = Params(&[
    same_name("max_tokens"),
    same_name("temperature"),
    same_name("top_p"),
    same_name("top_k"),
    param("stop", "stop_sequences"),
    param("user", "metadata.user_id"),
    param("reasoning_effort", "output_config.effort"),
    same_name("service_tier").with_values(&["\"auto\"", "\"default\""]),
]);
