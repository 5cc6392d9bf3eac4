//! Short forms for the literals of the table: profiles by how they are selected, and rules that many of them share.

pub(super) use crate::accepts::literals::{
    added, layer, list, map, numbers, ranges, shared, text, text_values,
};
use crate::accepts::{
    AuxiliaryLayer, MediaLayer, MessageLayer, ParamLayer, ReasoningDefault, ReasoningField, ReasoningLayer,
    ReasoningParam, RefSupport, RerankFormat, ResponseFormatLayer, SchemaLayer, ToolChoiceSupport, ToolLayer,
};
use crate::profile::definition::{ModelOverride, Profile};

/// A profile that its name selects.
pub(super) fn named(name: &str) -> Profile {
    Profile { name: text(name), messages: developer_as_system(), ..Profile::default() }
}

/// A profile that the URL's host selects.
pub(super) fn at_host(name: &str, url: &str) -> Profile {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let host = address.split_once('/').map_or(address, |(host, _)| host);
    Profile { base_url: text(url), hosts: list(&[host]), ..named(name) }
}

/// A profile of a server that runs anywhere; the URL is the usual one.
pub(super) fn anywhere(name: &str, url: &str) -> Profile {
    Profile { base_url: text(url), ..named(name) }
}

/// The dialects of servers that also have OpenAI's older completions.
pub(super) fn also_completions() -> Vec<String> {
    list(&["openai-completions"])
}

/// Headers by which OpenAI's clients name the account and request features.
pub(super) fn openai_headers() -> Vec<String> {
    list(&["openai-organization", "openai-project", "openai-beta"])
}

/// An override for some models.
pub(super) fn for_models(names: &[&str]) -> ModelOverride {
    ModelOverride { matches: list(names), ..ModelOverride::default() }
}

/// Google's third generation refuses unsigned calls, and accepts this placeholder as the signature of a call that it did not
/// make: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
pub(super) fn gemini_3_placeholder_signature() -> ModelOverride {
    ModelOverride {
        messages: layer!(MessageLayer { placeholder_signature: text("skip_thought_signature_validator") }),
        ..for_models(&["*gemini-3*", "*gemini-4*"])
    }
}

/// For servers that lack the role `developer`.
pub(super) fn developer_as_system() -> MessageLayer {
    layer!(MessageLayer { roles: map(&[("developer", "system")]) })
}

/// For servers that accept the token limit under its older name only.
pub(super) fn max_tokens_only() -> ParamLayer {
    layer!(ParamLayer { rename: map(&[("max_completion_tokens", "max_tokens")]) })
}

/// For servers and models that refuse some parameters.
pub(super) fn drop_params(names: &[&str]) -> ParamLayer {
    layer!(ParamLayer { drop: added(names) })
}

/// For servers that take so many texts in one request for embeddings.
pub(super) fn embeddings_at_most(max: u32) -> AuxiliaryLayer {
    layer!(AuxiliaryLayer { max_items: Some(max) })
}

/// For servers that rank documents in this form, at this path; empty: `/rerank`.
pub(super) fn rankings(format: RerankFormat, path: &str) -> AuxiliaryLayer {
    layer!(AuxiliaryLayer { format: format, path: text(path) })
}

/// For servers that rank no documents.
pub(super) fn no_rankings() -> AuxiliaryLayer {
    layer!(AuxiliaryLayer { format: RerankFormat::None })
}

/// For servers that cannot force a tool call.
pub(super) fn forced_choice_as_auto() -> ToolLayer {
    layer!(ToolLayer { required_choice: ToolChoiceSupport::Auto, named_choice: ToolChoiceSupport::Auto })
}

/// For servers that accept only these media, from users.
pub(super) fn media_from_users(kinds: &[&str]) -> MediaLayer {
    layer!(MediaLayer { in_user: list(kinds) })
}

/// What OpenAI's own models read: images (<https://platform.openai.com/docs/guides/images-vision>), audio
/// (<https://github.com/openai/openai-python/blob/main/src/openai/types/chat/chat_completion_content_part_input_audio_param.py>),
/// and files that are documents, not videos (<https://platform.openai.com/docs/guides/pdf-files>).
pub(super) fn openai_media() -> MediaLayer {
    layer!(MediaLayer {
        image_types: list(&["image/png", "image/jpeg", "image/gif", "image/webp"]),
        audio_types: list(&["audio/wav", "audio/mpeg"]),
        file_types: list(&["application/*", "text/*"]),
    })
}

/// For servers that accept these words for an image's resolution only.
pub(super) fn image_details(known: &[&str]) -> MediaLayer {
    layer!(MediaLayer { image_details: Some(list(known)) })
}

/// For servers that accept these efforts only, and no other parameter than OpenAI's.
pub(super) fn effort_only(known: &[&str]) -> ReasoningLayer {
    layer!(ReasoningLayer { param: ReasoningParam::ReasoningEffort, ..efforts(known) })
}

/// For servers that accept these efforts only.
pub(super) fn efforts(known: &[&str]) -> ReasoningLayer {
    layer!(ReasoningLayer { efforts: list(known) })
}

/// For models that cannot stop reasoning and accept these efforts.
pub(super) fn always_reasons(known: &[&str]) -> ReasoningLayer {
    layer!(ReasoningLayer { default: ReasoningDefault::On, ..efforts(known) })
}

/// For servers that read the reasoning of earlier turns in another field than `reasoning_content`.
pub(super) fn reasoning_in(field: ReasoningField) -> MessageLayer {
    layer!(MessageLayer { reasoning_field: field })
}

/// For servers that take another parameter for reasoning.
pub(super) fn reasoning_by(param: ReasoningParam) -> ReasoningLayer {
    layer!(ReasoningLayer { param: param })
}

/// For servers that accept no references in the schemas of functions, and no keywords that name a schema.
pub(super) fn inline_schemas() -> ToolLayer {
    let schema = layer!(SchemaLayer { drop_keywords: shared(&["$id", "$schema"]), refs: RefSupport::Inline });
    ToolLayer { schema, ..ToolLayer::default() }
}

/// What OpenAI's own models accept beyond the rules of the dialect: a root without branches
/// (<https://github.com/langchain-ai/langchainjs/issues/9804>), the choice among some tools, and in strict schemas
/// (<https://platform.openai.com/docs/guides/structured-outputs>) fewer keywords.
pub(super) fn openai_tools() -> ToolLayer {
    ToolLayer {
        schema: layer!(SchemaLayer { plain_root: true }),
        strict_schema: openai_strict_schema(),
        ..layer!(ToolLayer { allowed_choice: ToolChoiceSupport::Native })
    }
}

/// The response formats that OpenAI's own models accept.
pub(super) fn openai_formats() -> ResponseFormatLayer {
    ResponseFormatLayer {
        schema: layer!(SchemaLayer { root_object: true }),
        strict_schema: layer!(SchemaLayer { plain_root: true, ..openai_strict_schema() }),
        // <https://platform.openai.com/docs/guides/structured-outputs#json-mode>
        ..layer!(ResponseFormatLayer { requires_json_word: true })
    }
}

fn openai_strict_schema() -> SchemaLayer {
    layer!(SchemaLayer {
        drop_keywords: shared(&[
            "minLength",
            "maxLength",
            "minProperties",
            "maxProperties",
            "uniqueItems",
            "contains",
            "minContains",
            "maxContains",
            "unevaluatedItems",
            "unevaluatedProperties",
            "patternProperties",
            "propertyNames",
            "dependentRequired",
            "dependentSchemas",
            "allOf",
            "not",
            "prefixItems",
            "if",
            "then",
            "else",
        ]),
        formats: shared(&[
            "date-time",
            "time",
            "date",
            "duration",
            "email",
            "hostname",
            "ipv4",
            "ipv6",
            "uuid",
        ]),
        plain_patterns: true,
        one_of_as_any_of: true,
        nullable_as_null: true,
        boolean_schemas: false,
        typed: true,
        refs: RefSupport::Alone,
    })
}
