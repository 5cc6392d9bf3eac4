//! What Google's Gemini API accepts; a profile's rules lie over it.
//!
//! <https://ai.google.dev/api/generate-content>,
//! <https://pub.dev/documentation/googleapis/latest/aiplatform_v1/GoogleCloudAiplatformV1GenerationConfig/responseJsonSchema.html>
//! (the keywords), <https://github.com/anomalyco/opencode/pull/14659> (nothing beside `anyOf`)

use crate::accepts::literals::{layer, list, map, numbers, ranges, shared, text};
use crate::accepts::{
    AcceptsLayer, AnyOfSiblings, AuxiliaryLayer, MediaLayer, MessageLayer, ParamLayer, ReasoningLayer,
    ReasoningParam, ReasoningVisibility, RefSupport, RerankFormat, ResponseFormatLayer,
    ResponseFormatSupport, SchemaLayer, SystemPosition, ToolChoiceSupport, ToolLayer, ToolNameFormat,
    ToolPairing,
};
use crate::dialect::params::{Params, param};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        clamp: ranges(&[("generationConfig.temperature", [0.0, 2.0]), ("generationConfig.topP", [0.0, 1.0])]),
        min_output_tokens: Some(1),
        max_stop_sequences: Some(5)
    }),
    messages: layer!(MessageLayer {
        system_position: SystemPosition::Front,
        require_user: true,
        tool_pairing: ToolPairing::Together,
        object_arguments: true,
        drop_empty_text: true,
    }),
    media: media(),
    tools: ToolLayer {
        schema: layer!(SchemaLayer { omit_empty: true, ..schema() }),
        ..layer!(ToolLayer {
            // <https://github.com/googleapis/python-genai/blob/main/google/genai/types.py> (`FunctionDeclaration`)
            names: ToolNameFormat::Dotted128,
            unique_names: true,
            allowed_choice: ToolChoiceSupport::Native,
            choice_needs_functions: true,
        })
    },
    response_format: ResponseFormatLayer {
        schema: schema(),
        ..layer!(ResponseFormatLayer { text_enum: ResponseFormatSupport::Native })
    },
    reasoning: reasoning(),
    // <https://github.com/vercel/ai/pull/16575>
    embeddings: layer!(AuxiliaryLayer { max_items: Some(100) }),
    rerank: layer!(AuxiliaryLayer { format: RerankFormat::None }),
    speech: speech(),
    // A transcript comes without times: the formats that have them cannot be made of it.
    transcription: layer!(AuxiliaryLayer { formats: shared(&["json", "text"]) }),
    images: images(),
    ..AcceptsLayer::default()
});

/// `thinkingConfig`: <https://ai.google.dev/gemini-api/docs/thinking>. The budgets of the efforts are those of Google's own
/// API like OpenAI's. All models take budgets, and only the newest take levels.
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnBudget,
        budgets: numbers(&[
            ("minimal", 1024),
            ("low", 1024),
            ("medium", 8192),
            ("high", 24_576),
            ("xhigh", 24_576),
            ("max", 24_576),
        ]),
        display: ReasoningVisibility::OnRequest,
    })
}

/// Speech. The audio is raw samples, which is `pcm`, and `wav` behind a header. OpenAI's voices get voices of a similar character,
/// and Google's own keep their names.
///
/// <https://ai.google.dev/gemini-api/docs/speech-generation>,
/// <https://developers.openai.com/api/docs/guides/text-to-speech#voice-options>
fn speech() -> AuxiliaryLayer {
    let openais = [
        ("alloy", "Kore"),
        ("ash", "Orus"),
        ("ballad", "Algieba"),
        ("cedar", "Charon"),
        ("coral", "Aoede"),
        ("echo", "Puck"),
        ("fable", "Iapetus"),
        ("marin", "Sulafat"),
        ("nova", "Leda"),
        ("onyx", "Algenib"),
        ("sage", "Despina"),
        ("shimmer", "Zephyr"),
        ("verse", "Fenrir"),
    ];
    let own = OWN_VOICES.iter().map(|name| (*name, *name));
    layer!(AuxiliaryLayer {
        formats: shared(&["wav", "pcm"]),
        voices: map(&openais.into_iter().chain(own).collect::<Vec<_>>()),
    })
}

/// The voices that Google has prepared: <https://ai.google.dev/gemini-api/docs/speech-generation#voices>.
const OWN_VOICES: [&str; 30] = [
    "Achernar",
    "Achird",
    "Algenib",
    "Algieba",
    "Alnilam",
    "Aoede",
    "Autonoe",
    "Callirrhoe",
    "Charon",
    "Despina",
    "Enceladus",
    "Erinome",
    "Fenrir",
    "Gacrux",
    "Iapetus",
    "Kore",
    "Laomedeia",
    "Leda",
    "Orus",
    "Puck",
    "Pulcherrima",
    "Rasalgethi",
    "Sadachbia",
    "Sadaltager",
    "Schedar",
    "Sulafat",
    "Umbriel",
    "Vindemiatrix",
    "Zephyr",
    "Zubenelgenubi",
];

/// Pictures: one a request, by ratio and resolution, in a format that the model chooses.
///
/// <https://ai.google.dev/gemini-api/docs/image-generation#aspect_ratios>
fn images() -> AuxiliaryLayer {
    layer!(AuxiliaryLayer {
        max_items: Some(1),
        aspect_ratios: shared(&["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]),
        resolutions: shared(&["1K", "2K", "4K"]),
    })
}

/// The parameters.
pub(super) static PARAMS: Params = Params(&[
    param("max_tokens", "generationConfig.maxOutputTokens"),
    param("temperature", "generationConfig.temperature"),
    param("top_p", "generationConfig.topP"),
    param("top_k", "generationConfig.topK"),
    param("frequency_penalty", "generationConfig.frequencyPenalty"),
    param("presence_penalty", "generationConfig.presencePenalty"),
    param("seed", "generationConfig.seed"),
    param("n", "generationConfig.candidateCount"),
    param("stop", "generationConfig.stopSequences"),
    param("logprobs", "generationConfig.responseLogprobs"),
]);

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        // Only from the third generation on.
        in_tool_results: Vec::new(),
        beside_results: true,
        in_system: Vec::new(),
        // <https://ai.google.dev/gemini-api/docs/image-understanding>
        image_types: list(&["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"]),
        file_id_prefix: text("files/"),
        image_details: Some(Vec::new()),
        named: Vec::new(),
    })
}

/// The schemas of `parametersJsonSchema` and `responseJsonSchema`.
fn schema() -> SchemaLayer {
    layer!(SchemaLayer {
        keywords: shared(&[
            "$id",
            "$defs",
            "$ref",
            "$anchor",
            "type",
            "format",
            "title",
            "description",
            "enum",
            "items",
            "prefixItems",
            "minItems",
            "maxItems",
            "minimum",
            "maximum",
            "anyOf",
            "oneOf",
            "properties",
            "additionalProperties",
            "required",
            "propertyOrdering",
        ]),
        current_draft: true,
        const_as_enum: true,
        nullable_as_null: true,
        any_of_siblings: AnyOfSiblings::Nothing,
        boolean_schemas: false,
        refs: RefSupport::Alone,
        tolerant: true,
    })
}
