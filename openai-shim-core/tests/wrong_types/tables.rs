//! Compares the tables of known members with the wire types and with the keys that decoders read.

use openai_shim_core::dialect::auxiliary::AuxiliaryKind;
use openai_shim_core::dialect::shape::{Shape, Type};
use openai_shim_core::dialect::{
    DIALECTS, anthropic, gemini, ollama, openai_chat, openai_completions, openai_responses,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Returns every key of a dialect's tables with its allowed types.
fn keys(shape: &'static Shape) -> BTreeMap<&'static str, Vec<Type>> {
    let (mut open, mut known, mut keys) = (vec![shape], Vec::new(), BTreeMap::<_, Vec<Type>>::new());
    while let Some(shape) = open.pop() {
        if known.iter().any(|other| std::ptr::eq(*other, shape)) {
            continue;
        }
        known.push(shape);
        open.extend(shape.variants.iter().map(|(_, own)| *own));
        for member in shape.members {
            keys.entry(member.key).or_default().extend(member.types);
            super::inner(member.types, &mut open);
        }
    }
    keys
}

/// Returns the tables of a dialect, including those of its auxiliary routes.
fn of(folder: &str) -> BTreeMap<&'static str, Vec<Type>> {
    let mut all = BTreeMap::<_, Vec<Type>>::new();
    for dialect in DIALECTS.iter().filter(|dialect| dialect.name().starts_with(folder)) {
        let embeddings = super::auxiliary().filter(|(name, ..)| *name == dialect.name());
        let media = dialect.auxiliary_routes().iter().filter_map(|route| match route.kind {
            AuxiliaryKind::Media(api) => Some(api.request_shape()),
            _ => None,
        });
        let shapes = embeddings.map(|(.., embedding)| embedding.request_shape()).chain(media);
        let shapes = shapes.chain([dialect.request_shape()]);
        for (key, types) in shapes.flat_map(keys) {
            all.entry(key).or_default().extend(types);
        }
    }
    all
}

/// The wire types that have several forms.
const SEVERAL: [&str; 16] = [
    "RawJson",
    "Container",
    "Content",
    "Conversation",
    "Format",
    "FunctionChoice",
    "Input",
    "KeepAlive",
    "Prompt",
    "ResponseFormat",
    "Stop",
    "System",
    "TextFormat",
    "Think",
    "Thinking",
    "ToolChoice",
];

/// Whether a table and the wire type agree on the type of a member.
fn agree(wire: &str, types: &[Type]) -> bool {
    types.iter().any(|own| {
        matches!(own, Type::Any)
            || match wire.split('<').next().unwrap() {
                "String" => matches!(own, Type::Text),
                "bool" => matches!(own, Type::Bool),
                "Number" => matches!(own, Type::Number | Type::Natural | Type::Integer),
                "u32" | "u64" | "i64" => matches!(own, Type::Count | Type::Natural | Type::Integer),
                "Vec" => matches!(own, Type::List(_)),
                // A member with several types is a union or a raw value.
                name if SEVERAL.contains(&name) => !matches!(own, Type::Bool),
                _ => matches!(own, Type::Object(_) | Type::Map),
            }
    })
}

#[test]
fn the_tables_have_what_the_wire_types_have() {
    use {anthropic::wire as a, gemini::wire as g, ollama::wire as o};
    use {openai_chat::wire as c, openai_completions::wire as p, openai_responses::wire as r};
    type Members = &'static [(&'static str, &'static str)];
    let wires: [(&str, &[Members]); 6] = [
        (
            "openai-chat",
            &[
                c::ChatRequest::MEMBERS,
                c::StreamOptions::MEMBERS,
                c::Message::MEMBERS,
                c::FunctionCall::MEMBERS,
                c::Tool::MEMBERS,
                c::Function::MEMBERS,
            ],
        ),
        ("openai-completions", &[p::CompletionRequest::MEMBERS, p::StreamOptions::MEMBERS]),
        (
            "openai-responses",
            &[
                r::ResponsesRequest::MEMBERS,
                r::TextOptions::MEMBERS,
                r::ReasoningOptions::MEMBERS,
                r::Tool::MEMBERS,
                r::InputMessage::MEMBERS,
                r::MessageItem::MEMBERS,
                r::ReasoningItem::MEMBERS,
                r::FunctionCall::MEMBERS,
                r::CustomCall::MEMBERS,
                r::ToolOutput::MEMBERS,
                r::TextPart::MEMBERS,
                r::OutputText::MEMBERS,
                r::RefusalPart::MEMBERS,
                r::ImagePart::MEMBERS,
                r::FilePart::MEMBERS,
            ],
        ),
        (
            "anthropic",
            &[
                a::MessagesRequest::MEMBERS,
                a::MessageParam::MEMBERS,
                a::Tool::MEMBERS,
                a::ToolMode::MEMBERS,
                a::ToolName::MEMBERS,
                a::ThinkingEnabled::MEMBERS,
                a::ThinkingAdaptive::MEMBERS,
                a::Metadata::MEMBERS,
                a::TextBlock::MEMBERS,
                a::ImageBlock::MEMBERS,
                a::DocumentBlock::MEMBERS,
                a::ThinkingBlock::MEMBERS,
                a::RedactedThinkingBlock::MEMBERS,
                a::ToolUseBlock::MEMBERS,
                a::ToolResultBlock::MEMBERS,
            ],
        ),
        (
            "ollama",
            &[o::ChatRequest::MEMBERS, o::GenerateRequest::MEMBERS, o::Options::MEMBERS, o::Message::MEMBERS],
        ),
        (
            "gemini",
            &[
                g::GenerateContentRequest::MEMBERS,
                g::Content::MEMBERS,
                g::Part::MEMBERS,
                g::Blob::MEMBERS,
                g::FileData::MEMBERS,
                g::FunctionCall::MEMBERS,
                g::FunctionResponse::MEMBERS,
                g::Tool::MEMBERS,
                g::FunctionDeclaration::MEMBERS,
                g::GenerationConfig::MEMBERS,
            ],
        ),
    ];
    for (name, members) in wires {
        let keys = of(name);
        for (key, wire) in members.iter().copied().flatten() {
            let types = keys.get(key).unwrap_or_else(|| panic!("{name}: no table has {key}"));
            assert!(agree(wire, types), "{name}: {key} is {wire} on the wire, and {types:?} in the tables");
        }
    }
}

/// Members of any type: the value becomes text, or is checked by its reader.
const ANY: [(&str, &str); 9] = [
    ("openai-chat", "arguments"),
    ("openai-chat", "input"),
    ("openai-chat", "prompt"),
    ("openai-completions", "prompt"),
    ("openai-responses", "arguments"),
    ("openai-responses", "input"),
    ("openai-responses", "output"),
    ("anthropic", "strict"),
    ("ollama", "arguments"),
];

#[test]
fn few_members_may_be_anything() {
    for name in ["openai-chat", "openai-completions", "openai-responses", "anthropic", "ollama", "gemini"] {
        for (key, types) in of(name) {
            let any = types.iter().any(|own| matches!(own, Type::Any | Type::List([Type::Any])));
            assert!(!any || ANY.contains(&(name, key)), "{name}: {key}");
        }
    }
}

/// The files that decode requests, by the first part of the dialect's name.
const READERS: [(&str, &[&str]); 6] = [
    (
        "openai-chat",
        &[
            "openai_chat/request.rs",
            "openai_chat/request/decode_message.rs",
            "openai_chat/request/tools.rs",
            "openai_chat/embeddings.rs",
        ],
    ),
    ("openai-completions", &["openai_completions/request.rs"]),
    (
        "openai-responses",
        &[
            "openai_responses/request.rs",
            "openai_responses/request/decode_input.rs",
            "openai_responses/content_part.rs",
            "openai_responses/reasoning_item.rs",
            "openai_responses/tool_call.rs",
            "openai_responses/tools.rs",
        ],
    ),
    (
        "anthropic",
        &[
            "anthropic/request.rs",
            "anthropic/request/params.rs",
            "anthropic/request/tools.rs",
            "anthropic/content_block.rs",
        ],
    ),
    (
        "ollama",
        &[
            "ollama/request.rs",
            "ollama/request/message.rs",
            "ollama/request/generate.rs",
            "ollama/request/options.rs",
            "ollama/tool_call.rs",
            "ollama/embeddings.rs",
        ],
    ),
    (
        "gemini",
        &[
            "gemini/request.rs",
            "gemini/generation_config.rs",
            "gemini/contents.rs",
            "gemini/parts.rs",
            "gemini/tools.rs",
            "gemini/embeddings.rs",
        ],
    ),
];

/// Keys that these files read from other JSON: responses, JSON schemas, tool results.
const NOT_OF_REQUESTS: [(&str, &[&str]); 6] = [
    (
        "openai-chat",
        &[
            "messages",
            "usage",
            "data",
            "embedding",
            "embeddings",
            "object",
            "index",
            "total_tokens",
            "prompt_tokens",
        ],
    ),
    ("openai-completions", &["prompt_embeds"]),
    ("openai-responses", &["messages", "url", "title", "start_index", "end_index", "properties", "input"]),
    ("anthropic", &["properties", "required", "additionalProperties"]),
    ("ollama", &["embeddings", "embedding", "prompt_eval_count", "model"]),
    (
        "gemini",
        &[
            "embeddings",
            "embedding",
            "values",
            "usageMetadata",
            "promptTokenCount",
            "type",
            "enum",
            "properties",
        ],
    ),
];

#[test]
fn no_decoder_reads_a_member_that_is_in_no_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialect");
    let mut read = 0;
    for (name, files) in READERS {
        let known = of(name);
        let (_, others) = NOT_OF_REQUESTS.iter().find(|(own, _)| *own == name).unwrap();
        for file in files {
            let code = std::fs::read_to_string(src.join(file)).unwrap();
            let code = code.split("#[cfg(test)]").next().unwrap();
            for getter in [
                ".str(\"",
                ".u64(\"",
                ".bool(\"",
                ".object(\"",
                ".array(\"",
                ".get(\"",
                ".non_null(\"",
                ".inner(\"",
            ] {
                for key in code.split(getter).skip(1).filter_map(|rest| rest.split('"').next()) {
                    read += 1;
                    assert!(
                        known.contains_key(key) || others.contains(&key),
                        "{file} reads {key}, and no table of {name} says which types it may have"
                    );
                }
            }
        }
    }
    assert!(read > 150, "{read}");
}
