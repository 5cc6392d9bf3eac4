//! The fields of requests that are known, and their types: what a request is checked against.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create>

use super::super::shape::Type::{Any, Bool, Count, Integer, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, refuse, refuse_structure, shape, warn};

pub(super) static REQUEST: Shape = shape("requests", &REQUEST_FIELDS);
static REQUEST_FIELDS: [Member; 19] = [
    refuse("model", &[Text]),
    // Strings, token ids, or lists of token ids.
    refuse("prompt", &[Text, List(&[Any])]),
    refuse("stream", &[Bool]),
    refuse_structure("max_tokens", &[Natural]),
    warn("temperature", &[Number]),
    warn("top_p", &[Number]),
    warn("top_k", &[Natural]),
    refuse_structure("n", &[Count]),
    refuse("stop", &[Text, List(&[Text])]),
    warn("stream_options", &[Object(&STREAM_OPTIONS)]),
    warn("frequency_penalty", &[Number]),
    warn("presence_penalty", &[Number]),
    warn("seed", &[Integer]),
    warn("user", &[Text]),
    warn("echo", &[Bool]),
    warn("logprobs", &[Natural]),
    warn("logit_bias", &[Map]),
    warn("best_of", &[Natural]),
    warn("suffix", &[Text]),
];

static STREAM_OPTIONS: Shape =
    shape("options", &[warn("include_usage", &[Bool]), warn("include_obfuscation", &[Bool])]);
