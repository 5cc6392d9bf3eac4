//! The fields of requests that are known, and their types: what a request is checked against. A JSON schema may be a boolean.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>, <https://platform.openai.com/docs/api-reference/embeddings>

use super::super::shape::Type::{Any, Bool, Count, Integer, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, refuse, refuse_structure, shape, warn};

pub(super) static REQUEST: Shape = shape("requests", &REQUEST_FIELDS);
static REQUEST_FIELDS: [Member; 40] = [
    refuse("model", &[Text]),
    refuse("messages", &[List(&[Object(&MESSAGE)])]),
    refuse("stream", &[Bool]),
    warn("temperature", &[Number]),
    refuse("tools", &[List(&[Object(&TOOL)])]),
    warn("stream_options", &[Object(&STREAM_OPTIONS)]),
    refuse_structure("max_tokens", &[Natural]),
    refuse_structure("max_completion_tokens", &[Natural]),
    refuse("tool_choice", &[Text, Object(&TOOL_CHOICE)]),
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
    refuse("response_format", &[Object(&RESPONSE_FORMAT)]),
    warn("logprobs", &[Bool]),
    warn("top_logprobs", &[Natural]),
    warn("logit_bias", &[Map]),
    refuse("prompt", &[Text, List(&[Any])]),
    refuse("functions", &[List(&[Object(&FUNCTION)])]),
    refuse("function_call", &[Text, Object(&CHOSEN_FUNCTION)]),
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
    shape("messages", &MESSAGE_FIELDS).with_example(r#"{"role": "user", "content": "…"}"#);
static MESSAGE_FIELDS: [Member; 11] = [
    refuse("role", &[Text]),
    refuse("content", &[Text, List(&[Text, Object(&PART)])]),
    refuse("tool_calls", &[List(&[Object(&TOOL_CALL)])]),
    warn("tool_call_id", &[Text]),
    warn("name", &[Text]),
    warn("refusal", &[Text]),
    warn("reasoning_content", &[Text]),
    warn("reasoning_details", &[List(&[Map])]),
    warn("function_call", &[Object(&FUNCTION_CALL)]),
    warn("audio", &[Map]),
    warn("annotations", &[List(&[Map])]),
];

static PART: Shape = shape("parts", &[refuse("type", &[Text])]).with_variants(&[
    (&["text"], &TEXT),
    (&["image_url"], &IMAGE),
    (&["input_audio"], &AUDIO),
    (&["file"], &FILE),
    (&["document_url"], &DOCUMENT),
    (&["refusal"], &REFUSAL),
]);
static TEXT: Shape = shape("texts", &[refuse("text", &[Text])]);
static IMAGE: Shape = shape("images", &[refuse("image_url", &[Text, Object(&IMAGE_URL)])]);
static IMAGE_URL: Shape = shape("addresses", &[refuse("url", &[Text]), warn("detail", &[Text])]);
/// Mistral accepts a string with the base64 data in place of the object.
static AUDIO: Shape = shape("sounds", &[refuse("input_audio", &[Text, Object(&AUDIO_DATA)])]);
static AUDIO_DATA: Shape = shape("sounds", &[refuse("data", &[Text]), refuse("format", &[Text])]);
static FILE: Shape = shape("files", &[refuse("file", &[Object(&FILE_DATA)])]);
static FILE_DATA: Shape =
    shape("files", &[refuse("file_data", &[Text]), refuse("file_id", &[Text]), warn("filename", &[Text])]);
/// Mistral's.
static DOCUMENT: Shape = shape(
    "documents",
    &[refuse("document_url", &[Text, Object(&DOCUMENT_URL)]), warn("document_name", &[Text])],
);
static DOCUMENT_URL: Shape = shape("addresses", &[refuse("url", &[Text])]);
static REFUSAL: Shape = shape("refusals", &[refuse("refusal", &[Text])]);

static TOOL_CALL: Shape = shape("tool calls", &TOOL_CALL_FIELDS);
static TOOL_CALL_FIELDS: [Member; 4] = [
    warn("id", &[Text]),
    warn("type", &[Text]),
    refuse("function", &[Object(&FUNCTION_CALL)]),
    refuse("custom", &[Object(&CUSTOM_CALL)]),
];
/// Arguments of another type than a string are accepted, and written as one.
static FUNCTION_CALL: Shape = shape("calls", &[refuse("name", &[Text]), warn("arguments", &[Any])]);
static CUSTOM_CALL: Shape = shape("calls", &[refuse("name", &[Text]), warn("input", &[Any])]);

pub(super) static TOOL: Shape = shape("tools", &TOOL_FIELDS);
static TOOL_FIELDS: [Member; 3] =
    [warn("type", &[Text]), refuse("function", &[Object(&FUNCTION)]), refuse("custom", &[Object(&CUSTOM)])];
pub(super) static FUNCTION: Shape = shape("functions", &FUNCTION_FIELDS);
static FUNCTION_FIELDS: [Member; 4] = [
    refuse("name", &[Text]),
    warn("description", &[Text]),
    warn("parameters", &[Map, Bool]),
    warn("strict", &[Bool]),
];
static CUSTOM: Shape =
    shape("tools", &[refuse("name", &[Text]), warn("description", &[Text]), warn("format", &[Map])]);

static TOOL_CHOICE: Shape = shape(
    "choices",
    &[
        warn("type", &[Text]),
        refuse("function", &[Object(&CHOSEN_FUNCTION)]),
        refuse("custom", &[Object(&CHOSEN_FUNCTION)]),
        refuse("allowed_tools", &[Object(&ALLOWED_TOOLS)]),
        warn("mode", &[Text]),
        refuse("tools", &[List(&[Map])]),
    ],
);
static ALLOWED_TOOLS: Shape = shape("choices", &[warn("mode", &[Text]), refuse("tools", &[List(&[Map])])]);
static CHOSEN_FUNCTION: Shape = shape("functions", &[refuse("name", &[Text])]);

static RESPONSE_FORMAT: Shape =
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

/// The fields of a request to `/audio/speech`.
pub(super) static SPEECH: Shape = shape("requests", &SPEECH_FIELDS);
static SPEECH_FIELDS: [Member; 7] = [
    refuse("model", &[Text]),
    refuse("input", &[Text]),
    refuse("voice", &[Text, Map]),
    refuse("instructions", &[Text]),
    refuse("speed", &[Number]),
    refuse("response_format", &[Text]),
    refuse("stream_format", &[Text]),
];

/// The fields of a request to `/audio/transcriptions` and `/audio/translations`, which are forms: JSON has no file.
pub(super) static TRANSCRIPTION: Shape = shape("requests", &TRANSCRIPTION_FIELDS);
static TRANSCRIPTION_FIELDS: [Member; 7] = [
    refuse("model", &[Text]),
    refuse("file", &[Text]),
    refuse("language", &[Text]),
    refuse("prompt", &[Text]),
    refuse("temperature", &[Number]),
    refuse("response_format", &[Text]),
    refuse("stream", &[Bool]),
];

/// The fields of a request to `/images/…`.
pub(super) static IMAGES: Shape = shape("requests", &IMAGES_FIELDS);
static IMAGES_FIELDS: [Member; 17] = [
    refuse("model", &[Text]),
    refuse("prompt", &[Text]),
    refuse("image", &[Text]),
    refuse("images", &[List(&[Map])]),
    refuse("n", &[Natural]),
    refuse("size", &[Text]),
    refuse("response_format", &[Text]),
    refuse("output_format", &[Text]),
    refuse("output_compression", &[Natural]),
    refuse("stream", &[Bool]),
    refuse("partial_images", &[Natural]),
    warn("quality", &[Text]),
    warn("style", &[Text]),
    warn("background", &[Text]),
    warn("moderation", &[Text]),
    warn("user", &[Text]),
    warn("input_fidelity", &[Text]),
];

/// The fields of a request to `/embeddings`.
pub(super) static EMBEDDING: Shape = shape("requests", &EMBEDDING_FIELDS);
static EMBEDDING_FIELDS: [Member; 8] = [
    refuse("model", &[Text]),
    refuse("input", &[Text, List(&[Text, Natural, List(&[Natural])])]),
    refuse_structure("dimensions", &[Natural]),
    warn("encoding_format", &[Text]),
    warn("user", &[Text]),
    warn("input_type", &[Text]),
    warn("task", &[Text]),
    warn("task_type", &[Text]),
];
