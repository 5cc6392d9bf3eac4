//! `echo`: whether the client's prompt stands in front of the output, and whether the upstream has put it there.

use super::extra_fields::NAME;
use crate::canonical::ResponseSpec;
use crate::json::decode_string;
use std::borrow::Cow;

/// The echoed parameter of a client of this dialect that requested the prompt in front of the output: the prompt.
pub(super) const PROMPT_KEY: &str = "prompt";

/// The echoed parameter of a client of this dialect that did not.
pub(super) const NO_PROMPT_KEY: &str = "own";

/// The extra field of a response or stream in which the upstream has put the prompt in front of the output.
pub(super) const ECHOED_KEY: &str = ".echoed";

/// Whether the client uses this dialect, too: it gets the text unchanged then.
pub(super) fn is_same_dialect(spec: &ResponseSpec) -> bool {
    !spec.echoed_params.of(NAME).is_empty()
}

/// Returns the prompt, if the client requested it in front of the output.
pub(super) fn requested_prompt(spec: &ResponseSpec) -> Option<String> {
    let prompt = spec.echoed_params.of(NAME).iter().find(|(key, _)| key == PROMPT_KEY);
    prompt.and_then(|(_, value)| decode_string(value.as_str())).map(Cow::into_owned)
}
