//! APIs of their own kind, spoken as they are: chosen by name, or by the dialect. The rows with hosts are those of the
//! layers that the same services have for OpenAI's clients.

use super::model_vendors::claude_in_tokens;
use super::{no_developer, row, signing_unsigned, text};
use crate::profile::{
    Auth, EndpointPaths, MessageRules, ParamRules, Profile, ResponseFormatRules, ResponseFormatSupport,
};

pub(super) fn rows() -> Vec<Profile> {
    vec![
        Profile {
            description: text("Anthropic's own API, `https://api.anthropic.com/v1`, chosen by its name"),
            sources: super::list(&["https://docs.anthropic.com/en/api/messages", "corpus: anthropic"]),
            dialect: text("anthropic-messages"),
            auth: key_in("x-api-key"),
            forward_headers: super::list(&["anthropic-version", "anthropic-beta"]),
            // Without a wish it lists twenty.
            paths: EndpointPaths { models: text("/models?limit=1000"), ..EndpointPaths::default() },
            params: ParamRules { single_choice: true, ..ParamRules::default() },
            messages: MessageRules::default(),
            // It knows schemas, and no word for any JSON.
            response_format: ResponseFormatRules {
                json_object: ResponseFormatSupport::Instruction,
                ..ResponseFormatRules::default()
            },
            model_overrides: vec![claude_in_tokens()],
            ..row("anthropic")
        },
        Profile {
            description: text(
                "Google's own API, `https://generativelanguage.googleapis.com/v1beta`, chosen by its name",
            ),
            sources: super::list(&[
                "https://ai.google.dev/api/generate-content",
                "https://ai.google.dev/gemini-api/docs/thought-signatures",
                "corpus: gemini",
            ]),
            dialect: text("gemini"),
            auth: key_in("x-goog-api-key"),
            forward_headers: Vec::new(),
            paths: EndpointPaths { models: text("/models?pageSize=1000"), ..EndpointPaths::default() },
            messages: MessageRules { signatures_in_ids: true, ..no_developer() },
            model_overrides: vec![signing_unsigned()],
            ..row("gemini")
        },
        Profile {
            description: text("OpenAI's Responses, chosen by its name"),
            sources: super::list(&[
                "https://platform.openai.com/docs/api-reference/responses",
                "corpus: openai-responses",
            ]),
            dialect: text("openai-responses"),
            forward_headers: super::openai_headers(),
            params: ParamRules { single_choice: true, ..ParamRules::default() },
            messages: MessageRules::default(),
            ..row("openai-responses")
        },
    ]
}

fn key_in(header: &str) -> Auth {
    Auth { header: text(header), prefix: String::new() }
}
