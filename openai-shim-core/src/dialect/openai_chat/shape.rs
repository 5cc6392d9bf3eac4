//! The known members of requests. A JSON schema may be `true` or `false`.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>, <https://platform.openai.com/docs/api-reference/embeddings>

use super::super::shape::Type::{Any, Bool, Count, Integer, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, refuse, refuse_structure, shape, warn};

pub(super) static REQUEST: Shape = shape("requests", &REQUEST_MEMBERS);
static REQUEST_MEMBERS: [Member; 40] = [
    refuse("model", &[Text]),
    refuse("messages", &[List(&[Object(&MESSAGE)])]),
    refuse("stream", &[Bool]),
    warn("temperature", &[Number]),
    refuse("tools", &[List(&[Object(&TOOL)])]),
    warn("stream_options", &[Object(&STREAM_OPTIONS)]),
    refuse_structure("max_tokens", &[Natural]),
    refuse_structure("max_completion_tokens", &[Natural]),
    refuse("tool_choice", &[Text, Object(&CHOICE)]),
    warn("top_p", &[Number]),
    refuse("stop", &[Text, List(&[Text])]),
    refuse_structure("n", &[Count]),
    warn("top_k", &[Natural]),
    warn("min_p", &[Number]),
    warn("repetition_penalty", &[Number]),
    warn("frequency_penalty", &[Number]),
    warn("presence_penalty", &[Number]),
    warn("seed", &[Integer]),
    warn("user", &[Text]),
    warn("reasoning_effort", &[Text]),
    warn("parallel_tool_calls", &[Bool]),
    refuse("response_format", &[Object(&FORMAT)]),
    warn("logprobs", &[Bool]),
    warn("top_logprobs", &[Natural]),
    warn("logit_bias", &[Map]),
    refuse("prompt", &[Text, List(&[Any])]),
    refuse("functions", &[List(&[Object(&FUNCTION)])]),
    refuse("function_call", &[Text, Object(&CHOSEN)]),
    warn("verbosity", &[Text]),
    warn("modalities", &[List(&[Text])]),
    warn("audio", &[Map]),
    warn("prediction", &[Map]),
    warn("web_search_options", &[Map]),
    warn("store", &[Bool]),
    warn("metadata", &[Map]),
    warn("service_tier", &[Text]),
    warn("safety_identifier", &[Text]),
    warn("prompt_cache_key", &[Text]),
    warn("prompt_cache_retention", &[Text]),
    warn("prompt_cache_options", &[Map]),
];

static STREAM_OPTIONS: Shape =
    shape("options", &[warn("include_usage", &[Bool]), warn("include_obfuscation", &[Bool])]);

pub(super) static MESSAGE: Shape =
    shape("messages", &MESSAGE_MEMBERS).with_example(r#"{"role": "user", "content": "…"}"#);
static MESSAGE_MEMBERS: [Member; 11] = [
    refuse("role", &[Text]),
    refuse("content", &[Text, List(&[Text, Object(&PART)])]),
    refuse("tool_calls", &[List(&[Object(&CALL)])]),
    warn("tool_call_id", &[Text]),
    warn("name", &[Text]),
    warn("refusal", &[Text]),
    warn("reasoning_content", &[Text]),
    warn("reasoning_details", &[List(&[Map])]),
    warn("function_call", &[Object(&CALLED)]),
    warn("audio", &[Map]),
    warn("annotations", &[List(&[Map])]),
];

static PART: Shape = shape("parts", &[refuse("type", &[Text])]).with_variants(&[
    (&["text"], &TEXT),
    (&["image_url"], &IMAGE),
    (&["input_audio"], &AUDIO),
    (&["file"], &FILE),
    (&["refusal"], &REFUSAL),
]);
static TEXT: Shape = shape("texts", &[refuse("text", &[Text])]);
static IMAGE: Shape = shape("images", &[refuse("image_url", &[Text, Object(&ADDRESS)])]);
static ADDRESS: Shape = shape("addresses", &[refuse("url", &[Text]), warn("detail", &[Text])]);
/// Mistral takes the bytes alone, as a text.
static AUDIO: Shape = shape("sounds", &[refuse("input_audio", &[Text, Object(&SOUND)])]);
static SOUND: Shape = shape("sounds", &[refuse("data", &[Text]), refuse("format", &[Text])]);
static FILE: Shape = shape("files", &[refuse("file", &[Object(&DOCUMENT)])]);
static DOCUMENT: Shape =
    shape("files", &[refuse("file_data", &[Text]), refuse("file_id", &[Text]), warn("filename", &[Text])]);
static REFUSAL: Shape = shape("refusals", &[refuse("refusal", &[Text])]);

static CALL: Shape = shape("tool calls", &CALL_MEMBERS);
static CALL_MEMBERS: [Member; 4] = [
    warn("id", &[Text]),
    warn("type", &[Text]),
    refuse("function", &[Object(&CALLED)]),
    refuse("custom", &[Object(&CUSTOM_CALLED)]),
];
/// Arguments that are no text are written as one.
static CALLED: Shape = shape("calls", &[refuse("name", &[Text]), warn("arguments", &[Any])]);
static CUSTOM_CALLED: Shape = shape("calls", &[refuse("name", &[Text]), warn("input", &[Any])]);

pub(super) static TOOL: Shape = shape("tools", &TOOL_MEMBERS);
static TOOL_MEMBERS: [Member; 3] =
    [warn("type", &[Text]), refuse("function", &[Object(&FUNCTION)]), refuse("custom", &[Object(&CUSTOM)])];
pub(super) static FUNCTION: Shape = shape("functions", &FUNCTION_MEMBERS);
static FUNCTION_MEMBERS: [Member; 4] = [
    refuse("name", &[Text]),
    warn("description", &[Text]),
    warn("parameters", &[Map, Bool]),
    warn("strict", &[Bool]),
];
static CUSTOM: Shape =
    shape("tools", &[refuse("name", &[Text]), warn("description", &[Text]), warn("format", &[Map])]);

static CHOICE: Shape = shape(
    "choices",
    &[
        warn("type", &[Text]),
        refuse("function", &[Object(&CHOSEN)]),
        refuse("custom", &[Object(&CHOSEN)]),
        refuse("allowed_tools", &[Map]),
    ],
);
static CHOSEN: Shape = shape("functions", &[refuse("name", &[Text])]);

static FORMAT: Shape =
    shape("formats", &[refuse("type", &[Text]), refuse("json_schema", &[Object(&JSON_SCHEMA)])]);
static JSON_SCHEMA: Shape = shape(
    "schemas",
    &[
        warn("name", &[Text]),
        warn("schema", &[Map, Bool]),
        warn("strict", &[Bool]),
        warn("description", &[Text]),
    ],
);

/// Of `/embeddings`.
pub(super) static EMBEDDING: Shape = shape("requests", &EMBEDDING_MEMBERS);
static EMBEDDING_MEMBERS: [Member; 5] = [
    refuse("model", &[Text]),
    refuse("input", &[Text, List(&[Text, Natural, List(&[Natural])])]),
    refuse_structure("dimensions", &[Natural]),
    warn("encoding_format", &[Text]),
    warn("user", &[Text]),
];
