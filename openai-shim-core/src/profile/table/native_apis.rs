//! APIs of other dialects, selected by name or by the dialect. The same services' hosts select the profiles of their
//! OpenAI-compatible APIs.

use super::claude_params::claude_params;
use super::gpt_params::openai_params;
use super::helpers::{
    developer_as_system, for_models, gemini_3_placeholder_signature, layer, list, named, no_rankings,
    openai_formats, openai_headers, openai_media, openai_tools, shared, text,
};
use super::openai::reasoning_models;
use super::{claude_models, gemini_models};
use crate::accepts::{AuxiliaryLayer, FormatBesideTools, MediaLayer, MessageLayer, ResponseFormatLayer};
use crate::canonical::{AnswerQuirks, ReasoningTags};
use crate::profile::definition::{Auth, EndpointPaths, ModelOverride, Profile};

pub(super) fn profiles() -> Vec<Profile> {
    vec![
        Profile {
            description: text("Anthropic's own API, `https://api.anthropic.com/v1`, chosen by its name"),
            sources: list(&[
                "https://docs.anthropic.com/en/api/messages",
                "https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting",
                "https://platform.claude.com/docs/en/build-with-claude/effort",
                "https://platform.claude.com/docs/en/about-claude/models/migration-guide (R10 R33)",
                "https://platform.claude.com/docs/en/api/migration-2026-10-21 (R33)",
                "corpus: anthropic",
            ]),
            dialect: text("anthropic-messages"),
            auth: key_in("x-api-key"),
            forward_headers: list(&["anthropic-version", "anthropic-beta"]),
            // The default page has twenty models.
            paths: EndpointPaths { models: text("/models?limit=1000"), ..EndpointPaths::default() },
            messages: MessageLayer::default(),
            model_overrides: [claude_params(), claude_models::in_own_dialect()].concat(),
            responses: own_reasoning(),
            ..named("anthropic")
        },
        Profile {
            description: text(
                "Google's own API, `https://generativelanguage.googleapis.com/v1beta`, chosen by its name",
            ),
            sources: list(&[
                "https://ai.google.dev/api/generate-content",
                "https://ai.google.dev/gemini-api/docs/thought-signatures",
                "https://ai.google.dev/gemini-api/docs/thinking",
                "corpus: gemini",
            ]),
            dialect: text("gemini"),
            auth: key_in("x-goog-api-key"),
            forward_headers: Vec::new(),
            paths: EndpointPaths { models: text("/models?pageSize=1000"), ..EndpointPaths::default() },
            messages: layer!(MessageLayer { signatures_in_ids: true, ..developer_as_system() }),
            model_overrides: [
                vec![
                    gemini_3_placeholder_signature(),
                    gemini_3_media_in_results(),
                    gemini_2_format_without_tools(),
                    gemini_2_images(),
                    imagen(),
                ],
                gemini_models::in_own_dialect(),
            ]
            .concat(),
            responses: own_reasoning(),
            ..named("gemini")
        },
        Profile {
            description: text("OpenAI's Responses, chosen by its name"),
            sources: list(&[
                "https://platform.openai.com/docs/api-reference/responses",
                "corpus: openai-responses",
            ]),
            dialect: text("openai-responses"),
            forward_headers: openai_headers(),
            params: openai_params(),
            messages: MessageLayer::default(),
            tools: openai_tools(),
            response_format: openai_formats(),
            media: openai_media(),
            rerank: no_rankings(),
            model_overrides: reasoning_models(""),
            ..named("openai-responses")
        },
    ]
}

/// Google's third generation takes images and documents inside of a function's response:
/// <https://ai.google.dev/gemini-api/docs/function-calling#multimodal>.
fn gemini_3_media_in_results() -> ModelOverride {
    ModelOverride {
        media: layer!(MediaLayer { in_tool_results: list(&["image", "file"]) }),
        ..for_models(&["*gemini-3*", "*gemini-4*"])
    }
}

/// Before the third generation a response format is refused beside functions:
/// <https://github.com/symfony/ai/issues/803>.
fn gemini_2_format_without_tools() -> ModelOverride {
    ModelOverride {
        response_format: layer!(ResponseFormatLayer { beside_tools: FormatBesideTools::Nothing }),
        ..for_models(&["*gemini-2*"])
    }
}

/// <https://ai.google.dev/gemini-api/docs/image-generation#aspect_ratios>
fn gemini_2_images() -> ModelOverride {
    ModelOverride {
        images: layer!(AuxiliaryLayer { resolutions: shared(&["1K"]) }),
        ..for_models(&["*gemini-2*"])
    }
}

/// Imagen is asked by another method, and draws up to four pictures a request.
///
/// <https://ai.google.dev/gemini-api/docs/imagen>,
/// <https://github.com/googleapis/python-genai/blob/v1.52.0/google/genai/models.py> (`_GenerateImagesConfig_to_mldev`)
fn imagen() -> ModelOverride {
    ModelOverride {
        images: layer!(AuxiliaryLayer {
            predict: true,
            max_items: Some(4),
            aspect_ratios: shared(&["1:1", "3:4", "4:3", "9:16", "16:9"]),
            resolutions: shared(&["1K", "2K"]),
            formats: shared(&["png", "jpeg"]),
        }),
        ..for_models(&["*imagen-*"])
    }
}

fn key_in(header: &str) -> Auth {
    Auth { header: text(header), prefix: String::new() }
}

/// The vendor's models have a place of their own for reasoning: tags in their text were asked for by the client.
fn own_reasoning() -> AnswerQuirks {
    AnswerQuirks { reasoning_tags: ReasoningTags::Ignore, ..AnswerQuirks::default() }
}
