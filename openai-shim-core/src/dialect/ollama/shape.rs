//! Tables of the fields of requests, with the JSON types that each may have. A JSON schema may be `true` or `false`.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>, <https://docs.ollama.com/api/embed>

use super::super::shape::Type::{Any, Bool, Integer, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, refuse, refuse_structure, shape, warn};

/// A request of `/api/chat`.
pub(super) static CHAT: Shape = shape("requests", &CHAT_MEMBERS);
static CHAT_MEMBERS: [Member; 12] = [
    refuse("model", &[Text]),
    refuse("messages", &[List(&[Object(&MESSAGE)])]),
    refuse("stream", &[Bool]),
    refuse("options", &[Object(&OPTIONS)]),
    refuse("tools", &[List(&[Object(&TOOL)])]),
    refuse("format", &[Text, Map]),
    warn("think", &[Bool, Text]),
    warn("keep_alive", &[Number, Text]),
    warn("logprobs", &[Bool]),
    warn("top_logprobs", &[Natural]),
    warn("truncate", &[Bool]),
    warn("shift", &[Bool]),
];

/// A request of `/api/generate`.
pub(super) static GENERATE: Shape = shape("requests", &GENERATE_MEMBERS);
static GENERATE_MEMBERS: [Member; 17] = [
    refuse("model", &[Text]),
    refuse("prompt", &[Text]),
    refuse("stream", &[Bool]),
    refuse("system", &[Text]),
    refuse("options", &[Object(&OPTIONS)]),
    refuse("images", &[List(&[Text])]),
    refuse("format", &[Text, Map]),
    warn("think", &[Bool, Text]),
    warn("keep_alive", &[Number, Text]),
    warn("suffix", &[Text]),
    warn("template", &[Text]),
    warn("context", &[List(&[Integer])]),
    warn("raw", &[Bool]),
    warn("logprobs", &[Bool]),
    warn("top_logprobs", &[Natural]),
    warn("truncate", &[Bool]),
    warn("shift", &[Bool]),
];

static OPTIONS: Shape = shape("options", &OPTION_MEMBERS);
static OPTION_MEMBERS: [Member; 12] = [
    warn("temperature", &[Number]),
    warn("num_predict", &[Integer]),
    warn("num_ctx", &[Natural]),
    warn("num_keep", &[Integer]),
    warn("top_p", &[Number]),
    warn("top_k", &[Integer]),
    warn("min_p", &[Number]),
    warn("seed", &[Integer]),
    refuse("stop", &[Text, List(&[Text])]),
    warn("repeat_penalty", &[Number]),
    warn("presence_penalty", &[Number]),
    warn("frequency_penalty", &[Number]),
];

pub(super) static MESSAGE: Shape = shape(
    "messages",
    &[
        refuse("role", &[Text]),
        refuse("content", &[Text, List(&[Text, Object(&PART)])]),
        warn("thinking", &[Text]),
        refuse("images", &[List(&[Text])]),
        refuse("tool_calls", &[List(&[Object(&TOOL_CALL)])]),
        warn("tool_name", &[Text]),
        warn("tool_call_id", &[Text]),
        warn("name", &[Text]),
    ],
)
.with_example(r#"{"role": "user", "content": "…"}"#);
/// A content part, as OpenAI's clients send it.
static PART: Shape = shape(
    "parts",
    &[warn("type", &[Text]), refuse("text", &[Text]), refuse("image_url", &[Text, Object(&IMAGE_URL)])],
);
static IMAGE_URL: Shape = shape("addresses", &[refuse("url", &[Text]), warn("detail", &[Text])]);
static TOOL_CALL: Shape = shape(
    "tool calls",
    &[warn("id", &[Text]), warn("type", &[Text]), refuse("function", &[Object(&FUNCTION_CALL)])],
);
/// Arguments may have any type: they are rewritten as an object.
static FUNCTION_CALL: Shape = shape("calls", &[refuse("name", &[Text]), warn("arguments", &[Any])]);
static TOOL: Shape = shape("tools", &[warn("type", &[Text]), refuse("function", &[Object(&FUNCTION)])]);
static FUNCTION: Shape = shape(
    "functions",
    &[refuse("name", &[Text]), warn("description", &[Text]), warn("parameters", &[Map, Bool])],
);

/// A request of `/api/embed`.
pub(super) static EMBED: Shape = shape("requests", &EMBED_MEMBERS);
static EMBED_MEMBERS: [Member; 6] = [
    refuse("model", &[Text]),
    refuse("input", &[Text, List(&[Text])]),
    refuse_structure("dimensions", &[Natural]),
    warn("truncate", &[Bool]),
    warn("options", &[Map]),
    warn("keep_alive", &[Number, Text]),
];

/// A request of `/api/embeddings`.
pub(super) static EMBEDDINGS: Shape = shape("requests", &EMBEDDINGS_MEMBERS);
static EMBEDDINGS_MEMBERS: [Member; 5] = [
    refuse("model", &[Text]),
    refuse("prompt", &[Text]),
    refuse_structure("dimensions", &[Natural]),
    warn("options", &[Map]),
    warn("keep_alive", &[Number, Text]),
];
