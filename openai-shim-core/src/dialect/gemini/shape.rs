//! Tables of the fields of requests, with the JSON types that each may have. A JSON schema may be `true` or `false`. Numbers
//! may be strings, as protocol buffers allow.
//!
//! <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/api/embeddings>

use super::super::shape::Type::{Bool, Count, Integer, List, Map, Natural, Number, Object, Text};
use super::super::shape::{Member, Shape, Style, refuse, refuse_structure, shape, warn};

pub(super) static REQUEST: Shape = shape("requests", &REQUEST_MEMBERS).in_style(Style::Protobuf);
static REQUEST_MEMBERS: [Member; 9] = [
    // Google's own libraries also accept one content, or its text.
    refuse("contents", &[List(&[Text, Object(&CONTENT)]), Object(&CONTENT), Text]),
    refuse("systemInstruction", &[Text, Object(&CONTENT)]),
    refuse("tools", &[List(&[Object(&TOOL)]), Object(&TOOL)]),
    refuse("toolConfig", &[Object(&TOOL_CONFIG)]),
    refuse("generationConfig", &[Object(&CONFIG)]),
    warn("safetySettings", &[List(&[Map])]),
    warn("cachedContent", &[Text]),
    warn("model", &[Text]),
    warn("labels", &[Map]),
];

pub(super) static CONTENT: Shape = shape("contents", &CONTENT_MEMBERS)
    .with_example(r#"{"role": "user", "parts": [{"text": "…"}]}"#)
    .in_style(Style::Protobuf);
static CONTENT_MEMBERS: [Member; 2] =
    [refuse("role", &[Text]), refuse("parts", &[List(&[Object(&PART)]), Object(&PART)])];
static PART: Shape = shape("parts", &PART_MEMBERS);
static PART_MEMBERS: [Member; 10] = [
    refuse("text", &[Text]),
    warn("thought", &[Bool]),
    warn("thoughtSignature", &[Text]),
    refuse("inlineData", &[Object(&BLOB)]),
    refuse("fileData", &[Object(&FILE)]),
    refuse("functionCall", &[Object(&FUNCTION_CALL)]),
    refuse("functionResponse", &[Object(&FUNCTION_RESPONSE)]),
    warn("executableCode", &[Map]),
    warn("codeExecutionResult", &[Map]),
    warn("videoMetadata", &[Map]),
];
static BLOB: Shape =
    shape("blobs", &[refuse("mimeType", &[Text]), refuse("data", &[Text]), warn("displayName", &[Text])]);
static FILE: Shape =
    shape("files", &[refuse("mimeType", &[Text]), refuse("fileUri", &[Text]), warn("displayName", &[Text])]);
static FUNCTION_CALL: Shape = shape(
    "calls",
    &[
        warn("id", &[Text]),
        refuse("name", &[Text]),
        warn("args", &[Map]),
        warn("partialArgs", &[List(&[Map])]),
        warn("willContinue", &[Bool]),
    ],
);
static FUNCTION_RESPONSE: Shape = shape("results", &FUNCTION_RESPONSE_MEMBERS);
static FUNCTION_RESPONSE_MEMBERS: [Member; 6] = [
    warn("id", &[Text]),
    refuse("name", &[Text]),
    warn("response", &[Map]),
    refuse("parts", &[List(&[Object(&PART)])]),
    warn("willContinue", &[Bool]),
    warn("scheduling", &[Text]),
];

static TOOL: Shape = shape(
    "tools",
    &[
        refuse("functionDeclarations", &[List(&[Object(&FUNCTION)])]),
        warn("googleSearch", &[Map]),
        warn("codeExecution", &[Map]),
        warn("urlContext", &[Map]),
    ],
);
static FUNCTION: Shape = shape(
    "functions",
    &[
        refuse("name", &[Text]),
        warn("description", &[Text]),
        warn("parameters", &[Map]),
        warn("parametersJsonSchema", &[Map, Bool]),
        warn("response", &[Map]),
        warn("responseJsonSchema", &[Map, Bool]),
        warn("behavior", &[Text]),
    ],
);
static TOOL_CONFIG: Shape = shape(
    "options",
    &[refuse("functionCallingConfig", &[Object(&FUNCTION_CALLING)]), warn("retrievalConfig", &[Map])],
);
static FUNCTION_CALLING: Shape =
    shape("options", &[refuse("mode", &[Text]), refuse("allowedFunctionNames", &[List(&[Text])])]);

static CONFIG: Shape = shape("options", &CONFIG_MEMBERS);
static CONFIG_MEMBERS: [Member; 19] = [
    refuse_structure("maxOutputTokens", &[Natural]),
    warn("temperature", &[Number]),
    warn("thinkingConfig", &[Object(&THINKING)]),
    warn("topP", &[Number]),
    warn("topK", &[Natural]),
    refuse_structure("candidateCount", &[Count]),
    warn("seed", &[Integer]),
    warn("presencePenalty", &[Number]),
    warn("frequencyPenalty", &[Number]),
    refuse("stopSequences", &[List(&[Text])]),
    refuse("responseMimeType", &[Text]),
    refuse("responseSchema", &[Map]),
    refuse("responseJsonSchema", &[Map, Bool]),
    warn("responseModalities", &[List(&[Text])]),
    warn("responseLogprobs", &[Bool]),
    warn("logprobs", &[Integer]),
    warn("mediaResolution", &[Text]),
    warn("speechConfig", &[Map]),
    warn("imageConfig", &[Map]),
];
static THINKING: Shape = shape(
    "options",
    &[warn("thinkingBudget", &[Integer]), warn("thinkingLevel", &[Text]), warn("includeThoughts", &[Bool])],
);

/// A request of `:embedContent`.
pub(super) static EMBED: Shape = shape("requests", &EMBED_MEMBERS).in_style(Style::Protobuf);
static EMBED_MEMBERS: [Member; 6] = [
    refuse("content", &[Object(&EMBED_CONTENT)]),
    refuse_structure("outputDimensionality", &[Natural]),
    warn("model", &[Text]),
    warn("taskType", &[Text]),
    warn("title", &[Text]),
    refuse("embedContentConfig", &[Object(&EMBED_CONFIG)]),
];

/// The newer place of the parameters of embeddings.
static EMBED_CONFIG: Shape = shape(
    "requests",
    &[
        refuse_structure("outputDimensionality", &[Natural]),
        warn("taskType", &[Text]),
        warn("title", &[Text]),
        warn("autoTruncate", &[Bool]),
        warn("documentOcr", &[Bool]),
        warn("audioTrackExtraction", &[Bool]),
    ],
);

/// Content to embed: text only.
static EMBED_CONTENT: Shape = shape(
    "contents",
    &[warn("role", &[Text]), refuse("parts", &[List(&[Object(&EMBED_PART)]), Object(&EMBED_PART)])],
);
static EMBED_PART: Shape = shape("parts", &[refuse("text", &[Text])]);

/// A request of `:batchEmbedContents`.
pub(super) static EMBED_MANY: Shape =
    shape("requests", &[refuse("requests", &[List(&[Object(&EMBED)])])]).in_style(Style::Protobuf);

/// A request of `:countTokens` that contains a generation request.
pub(super) static COUNT: Shape =
    shape("requests", &[refuse("generateContentRequest", &[Map])]).in_style(Style::Protobuf);
