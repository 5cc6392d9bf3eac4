//! Tables of the fields of requests, with the JSON types that each may have. A JSON schema may be `true` or `false`.
//!
//! <https://docs.anthropic.com/en/api/messages>

use super::super::shape::Type::{Any, Bool, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, Style, refuse, refuse_structure, shape, warn};

pub(super) static REQUEST: Shape = shape("requests", &REQUEST_MEMBERS).in_style(Style::Dots);
static REQUEST_MEMBERS: [Member; 19] = [
    refuse("model", &[Text]),
    refuse("messages", &[List(&[Object(&MESSAGE)])]),
    refuse("system", &[Text, List(&[Text, Object(&BLOCK)])]),
    refuse_structure("max_tokens", &[Natural]),
    refuse("stream", &[Bool]),
    refuse("tools", &[List(&[Object(&TOOL)])]),
    warn("metadata", &[Object(&METADATA)]),
    warn("temperature", &[Number]),
    warn("thinking", &[Object(&THINKING)]),
    refuse("tool_choice", &[Object(&TOOL_CHOICE)]),
    warn("output_config", &[Object(&OUTPUT_CONFIG)]),
    refuse("output_format", &[Object(&FORMAT)]),
    refuse("stop_sequences", &[Text, List(&[Text])]),
    warn("top_p", &[Number]),
    warn("top_k", &[Natural]),
    warn("service_tier", &[Text]),
    warn("container", &[Text, Map]),
    warn("context_management", &[Object(&CONTEXT_MANAGEMENT)]),
    warn("mcp_servers", &[List(&[Map])]),
];

pub(super) static MESSAGE: Shape =
    shape("messages", &[refuse("role", &[Text]), refuse("content", &[Text, List(&[Text, Object(&BLOCK)])])])
        .with_example(r#"{"role": "user", "content": "…"}"#)
        .in_style(Style::Dots);

static BLOCK: Shape = shape("content blocks", &[refuse("type", &[Text]), warn("cache_control", &[Map])])
    .with_variants(&[
        (&["text"], &TEXT_BLOCK),
        (&["tool_result"], &TOOL_RESULT_BLOCK),
        (&["tool_use"], &TOOL_USE_BLOCK),
        (&["thinking"], &THINKING_BLOCK),
        (&["redacted_thinking"], &REDACTED_THINKING_BLOCK),
        (&["image"], &IMAGE),
        (&["document"], &DOCUMENT),
        (&["search_result"], &SEARCH_RESULT),
    ])
    .typed();
static TEXT_BLOCK: Shape = shape("texts", &[refuse("text", &[Text]), warn("citations", &[List(&[Map])])]);
static THINKING_BLOCK: Shape = shape("thoughts", &[warn("thinking", &[Text]), warn("signature", &[Text])]);
static REDACTED_THINKING_BLOCK: Shape = shape("thoughts", &[warn("data", &[Text])]);
static TOOL_USE_BLOCK: Shape =
    shape("calls", &[warn("id", &[Text]), refuse("name", &[Text]), warn("input", &[Map])]);
static TOOL_RESULT_BLOCK: Shape = shape("results", &TOOL_RESULT_MEMBERS);
static TOOL_RESULT_MEMBERS: [Member; 3] = [
    warn("tool_use_id", &[Text]),
    refuse("content", &[Text, List(&[Text, Object(&BLOCK)])]),
    warn("is_error", &[Bool]),
];
static IMAGE: Shape = shape("images", &[refuse("source", &[Object(&SOURCE)])]);
static DOCUMENT: Shape = shape(
    "documents",
    &[
        refuse("source", &[Object(&SOURCE)]),
        warn("title", &[Text]),
        warn("context", &[Text]),
        warn("citations", &[Map]),
    ],
);
static SEARCH_RESULT: Shape = shape("search results", &SEARCH_RESULT_MEMBERS);
static SEARCH_RESULT_MEMBERS: [Member; 4] = [
    warn("source", &[Text]),
    warn("title", &[Text]),
    refuse("content", &[List(&[Text, Object(&BLOCK)])]),
    warn("citations", &[Map]),
];
static SOURCE: Shape = shape("sources", &SOURCE_MEMBERS);
static SOURCE_MEMBERS: [Member; 6] = [
    refuse("type", &[Text]),
    refuse("media_type", &[Text]),
    refuse("data", &[Text]),
    refuse("url", &[Text]),
    refuse("file_id", &[Text]),
    refuse("content", &[Text, List(&[Text, Object(&BLOCK)])]),
];

static TOOL: Shape = shape(
    "tools",
    &[
        warn("type", &[Text]),
        refuse("name", &[Text]),
        warn("description", &[Text]),
        warn("input_schema", &[Map, Bool]),
        warn("strict", &[Bool]),
        warn("cache_control", &[Map]),
    ],
);
static TOOL_CHOICE: Shape = shape(
    "choices",
    &[refuse("type", &[Text]), refuse("name", &[Text]), warn("disable_parallel_tool_use", &[Bool])],
);
static THINKING: Shape =
    shape("options", &[warn("type", &[Text]), warn("budget_tokens", &[Natural]), warn("display", &[Text])]);
static OUTPUT_CONFIG: Shape =
    shape("options", &[warn("effort", &[Text]), refuse("format", &[Object(&FORMAT)])]);
static FORMAT: Shape = shape(
    "formats",
    &[refuse("type", &[Text]), warn("schema", &[Map, Bool]), warn("name", &[Text]), warn("strict", &[Any])],
);
static CONTEXT_MANAGEMENT: Shape = shape("options", &[warn("edits", &[List(&[Map])])]);
static METADATA: Shape = shape("options", &[warn("user_id", &[Text])]);
