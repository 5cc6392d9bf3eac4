//! The known fields of requests and their JSON types. A JSON schema may be `true` or `false`.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use super::super::shape::Type::{Any, Bool, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, refuse, refuse_structure, shape, warn};

pub(super) static REQUEST: Shape = shape("requests", &REQUEST_MEMBERS);
static REQUEST_MEMBERS: [Member; 31] = [
    refuse("model", &[Text]),
    refuse("input", &[Text, List(&[Object(&ITEM)])]),
    refuse("instructions", &[Text]),
    refuse("stream", &[Bool]),
    refuse("tools", &[List(&[Object(&TOOL)])]),
    refuse("tool_choice", &[Text, Object(&TOOL_CHOICE)]),
    warn("parallel_tool_calls", &[Bool]),
    refuse("text", &[Object(&TEXT_OPTIONS)]),
    warn("reasoning", &[Object(&REASONING_OPTIONS)]),
    refuse_structure("max_output_tokens", &[Natural]),
    warn("temperature", &[Number]),
    warn("top_p", &[Number]),
    warn("store", &[Bool]),
    warn("include", &[List(&[Text])]),
    refuse("previous_response_id", &[Text]),
    refuse("conversation", &[Text, Map]),
    refuse("prompt", &[Map]),
    warn("prompt_cache_key", &[Text]),
    warn("prompt_cache_retention", &[Text]),
    warn("prompt_cache_options", &[Map]),
    warn("metadata", &[Map]),
    warn("user", &[Text]),
    warn("service_tier", &[Text]),
    warn("safety_identifier", &[Text]),
    warn("truncation", &[Text]),
    warn("background", &[Bool]),
    warn("max_tool_calls", &[Natural]),
    warn("top_logprobs", &[Natural]),
    warn("stream_options", &[Object(&STREAM_OPTIONS)]),
    warn("context_management", &[List(&[Map])]),
    warn("client_metadata", &[Map]),
];

static STREAM_OPTIONS: Shape = shape("options", &[warn("include_obfuscation", &[Bool])]);
static TEXT_OPTIONS: Shape =
    shape("options", &[refuse("format", &[Object(&FORMAT)]), warn("verbosity", &[Text])]);
static FORMAT: Shape = shape(
    "formats",
    &[
        refuse("type", &[Text]),
        warn("name", &[Text]),
        warn("schema", &[Map, Bool]),
        warn("strict", &[Bool]),
        warn("description", &[Text]),
    ],
);
static REASONING_OPTIONS: Shape =
    shape("options", &[warn("effort", &[Text]), warn("summary", &[Text]), warn("generate_summary", &[Text])]);

pub(super) static ITEM: Shape =
    shape("items", &[refuse("type", &[Text]), warn("id", &[Text]), warn("status", &[Text])])
        .with_variants(&[
            (&["message", ""], &MESSAGE),
            (&["reasoning"], &REASONING_ITEM),
            (&["function_call"], &FUNCTION_CALL),
            (&["custom_tool_call"], &CUSTOM_CALL),
            (&["function_call_output", "custom_tool_call_output"], &CALL_OUTPUT),
            (&["local_shell_call", "shell_call", "computer_call"], &ACTION_CALL),
            (&["apply_patch_call"], &PATCH_CALL),
            (&["tool_search_call"], &SEARCH_CALL),
            (
                &[
                    "local_shell_call_output",
                    "shell_call_output",
                    "apply_patch_call_output",
                    "computer_call_output",
                ],
                &CLIENT_TOOL_OUTPUT,
            ),
            (&["tool_search_output"], &SEARCH_OUTPUT),
            (&["item_reference"], &ITEM_REFERENCE),
            (&["additional_tools"], &ADDITIONAL_TOOLS),
        ])
        .with_example(r#"{"role": "user", "content": "…"}"#);
static MESSAGE: Shape =
    shape("messages", &[refuse("role", &[Text]), refuse("content", &[Text, List(&[Text, Object(&PART)])])]);
static REASONING_ITEM: Shape = shape(
    "items",
    &[
        warn("summary", &[List(&[Text, Object(&PART)])]),
        warn("content", &[List(&[Text, Object(&PART)])]),
        warn("encrypted_content", &[Text]),
    ],
);
/// Arguments of another type are encoded as a string.
static FUNCTION_CALL: Shape = shape(
    "calls",
    &[
        refuse("call_id", &[Text]),
        refuse("name", &[Text]),
        warn("namespace", &[Text]),
        warn("arguments", &[Any]),
    ],
);
static CUSTOM_CALL: Shape = shape(
    "calls",
    &[refuse("call_id", &[Text]), refuse("name", &[Text]), warn("namespace", &[Text]), warn("input", &[Any])],
);
/// An output of another type is encoded as a string.
static CALL_OUTPUT: Shape = shape(
    "outputs",
    &[refuse("call_id", &[Text]), refuse("output", &[Text, List(&[Text, Object(&PART)]), Any])],
);
static ACTION_CALL: Shape = shape("calls", &ACTION_CALL_MEMBERS);
static ACTION_CALL_MEMBERS: [Member; 4] = [
    refuse("call_id", &[Text]),
    refuse("action", &[Map]),
    refuse("actions", &[List(&[Map])]),
    refuse("environment", &[Map]),
];
static PATCH_CALL: Shape = shape("calls", &[refuse("call_id", &[Text]), refuse("operation", &[Map])]);
static SEARCH_CALL: Shape =
    shape("calls", &[refuse("call_id", &[Text]), refuse("execution", &[Text]), refuse("arguments", &[Any])]);
static CLIENT_TOOL_OUTPUT: Shape = shape("outputs", &[refuse("call_id", &[Text]), refuse("output", &[Any])]);
static SEARCH_OUTPUT: Shape = shape("outputs", &SEARCH_OUTPUT_MEMBERS);
static SEARCH_OUTPUT_MEMBERS: [Member; 3] =
    [refuse("call_id", &[Text]), refuse("execution", &[Text]), refuse("tools", &[List(&[Object(&TOOL)])])];
static ITEM_REFERENCE: Shape = shape("references", &[refuse("id", &[Text])]);
static ADDITIONAL_TOOLS: Shape = shape("items", &[refuse("tools", &[List(&[Object(&TOOL)])])]);

static PART: Shape = shape("parts", &[refuse("type", &[Text])]).with_variants(&[
    (&["input_text", "output_text", "text", "summary_text", "reasoning_text"], &TEXT_PART),
    (&["refusal"], &REFUSAL),
    (&["input_image", "image_url"], &IMAGE),
    (&["input_file"], &FILE),
    (&["input_audio"], &AUDIO),
]);
static TEXT_PART: Shape = shape(
    "texts",
    &[refuse("text", &[Text]), warn("annotations", &[List(&[Map])]), warn("logprobs", &[List(&[Map])])],
);
static REFUSAL: Shape = shape("refusals", &[refuse("refusal", &[Text])]);
static IMAGE: Shape = shape(
    "images",
    &[refuse("image_url", &[Text, Object(&IMAGE_URL)]), refuse("file_id", &[Text]), warn("detail", &[Text])],
);
static IMAGE_URL: Shape = shape("addresses", &[refuse("url", &[Text]), warn("detail", &[Text])]);
static FILE: Shape = shape(
    "files",
    &[
        refuse("file_data", &[Text]),
        refuse("file_url", &[Text]),
        refuse("file_id", &[Text]),
        warn("filename", &[Text]),
    ],
);
static AUDIO: Shape = shape("sounds", &[refuse("input_audio", &[Object(&AUDIO_DATA)])]);
static AUDIO_DATA: Shape = shape("sounds", &[refuse("data", &[Text]), refuse("format", &[Text])]);

static TOOL: Shape = shape("tools", &[refuse("type", &[Text])]).with_variants(&[
    (&["function", ""], &FUNCTION),
    (&["custom"], &CUSTOM),
    (&["namespace"], &NAMESPACE),
    (&["shell"], &SHELL),
    (&["tool_search"], &TOOL_SEARCH),
]);
static FUNCTION: Shape = shape(
    "functions",
    &[
        refuse("name", &[Text]),
        warn("description", &[Text]),
        warn("parameters", &[Map, Bool]),
        warn("strict", &[Bool]),
        // The nested form of chat completions.
        refuse("function", &[Object(&NESTED_FUNCTION)]),
    ],
);
static NESTED_FUNCTION: Shape = shape(
    "functions",
    &[
        refuse("name", &[Text]),
        warn("description", &[Text]),
        warn("parameters", &[Map, Bool]),
        warn("strict", &[Bool]),
    ],
);
static CUSTOM: Shape = shape(
    "tools",
    &[refuse("name", &[Text]), warn("description", &[Text]), warn("format", &[Object(&GRAMMAR)])],
);
static GRAMMAR: Shape = shape(
    "formats",
    &[warn("type", &[Text]), warn("syntax", &[Text]), warn("definition", &[Text]), warn("grammar", &[Map])],
);
static SHELL: Shape = shape("tools", &[refuse("environment", &[Map])]);
static TOOL_SEARCH: Shape =
    shape("tools", &[refuse("execution", &[Text]), warn("description", &[Text]), warn("parameters", &[Map])]);
static NAMESPACE: Shape = shape("namespaces", &NAMESPACE_MEMBERS);
static NAMESPACE_MEMBERS: [Member; 3] =
    [refuse("name", &[Text]), warn("description", &[Text]), refuse("tools", &[List(&[Object(&TOOL)])])];

static CHOSEN_TOOL: Shape =
    shape("tools", &[refuse("type", &[Text]), refuse("name", &[Text]), refuse("server_label", &[Text])]);
static TOOL_CHOICE: Shape = shape(
    "choices",
    &[
        refuse("type", &[Text]),
        refuse("name", &[Text]),
        refuse("mode", &[Text]),
        refuse("tools", &[List(&[Object(&CHOSEN_TOOL)])]),
    ],
);
