//! The fields of a listed model → the `capabilities` of Ollama's `/api/show`.
//!
//! <https://docs.ollama.com/api-reference/show-model-details>

use crate::json::{Object, ValueKind, decode_string, value_kind};

/// The capabilities of a model whose list has none: clients hide the features that are missing here, and to use one that the
/// model lacks does no harm.
const DEFAULT_CAPABILITIES: [&str; 3] = ["completion", "tools", "vision"];

/// Returns Ollama's name of a capability for any of the names that lists have for it.
fn capability(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    Some(match name.as_str() {
        "completion" | "completions" | "chat" | "completion_chat" | "chat_completion" => "completion",
        "tools" | "tool_use" | "tool_choice" | "function_calling" | "tool_calls" | "tool_calling" => "tools",
        "vision" | "image" | "image_input" | "multimodal" | "vlm" => "vision",
        "thinking" | "reasoning" | "include_reasoning" | "reasoning_effort" => "thinking",
        "embedding" | "embeddings" => "embedding",
        "insert" | "fim" | "completion_fim" => "insert",
        _ => return None,
    })
}

/// A field of a listed model with capabilities, and the capabilities whose absence in it means something.
struct Source<'m> {
    value: Option<&'m str>,
    covers_tools: bool,
    covers_vision: bool,
}

/// Returns the capabilities of a model: those in its fields, and the default ones that no field covers.
pub(super) fn capabilities(model: &Object<'_>) -> Vec<&'static str> {
    let architecture = model.object("architecture").unwrap_or_default();
    let source = |value, covers_tools, covers_vision| Source { value, covers_tools, covers_vision };
    let sources = [
        source(model.get("capabilities"), true, true),
        source(model.get("supported_parameters"), true, false),
        source(model.get("supported_features"), true, false),
        source(model.get("input_modalities"), false, true),
        source(architecture.get("input_modalities"), false, true),
        source(model.get("type"), false, false),
    ];
    let mut listed: Vec<&'static str> = Vec::new();
    let (mut tools_covered, mut vision_covered) = (false, false);
    for Source { value, covers_tools, covers_vision } in sources {
        let Some(value) = value.filter(|value| value_kind(value) != ValueKind::Null) else { continue };
        tools_covered |= covers_tools;
        vision_covered |= covers_vision;
        listed.extend(decode(value));
    }
    if listed.contains(&"embedding") && !listed.contains(&"completion") {
        return vec!["embedding"];
    }
    let defaults = DEFAULT_CAPABILITIES.iter().copied().filter(|name| match *name {
        "completion" => true,
        "vision" => !vision_covered,
        _ => !tools_covered,
    });
    let mut all: Vec<&'static str> = defaults.collect();
    for name in std::iter::once("completion").chain(listed) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// Decodes capabilities from a list of names, an object with booleans, or one name.
fn decode(value: &str) -> Vec<&'static str> {
    match value_kind(value) {
        ValueKind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).unwrap_or_default();
            items.iter().filter_map(|item| capability(&decode_string(item.get())?)).collect()
        }
        ValueKind::Object => {
            let object = Object::parse(value.as_bytes()).unwrap_or_default();
            let enabled = object.iter().filter(|(_, value)| value.trim() == "true");
            enabled.filter_map(|(key, _)| capability(key)).collect()
        }
        _ => decode_string(value).and_then(|name| capability(&name)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(json: &str) -> String {
        capabilities(&Object::parse(json.as_bytes()).unwrap()).join(" ")
    }

    #[test]
    fn capabilities_are_those_of_the_list_and_defaults() {
        for (json, expected) in [
            (r#"{"id":"m"}"#, "completion tools vision"),
            (r#"{"capabilities":["completion","multimodal"]}"#, "completion vision"),
            (
                r#"{"capabilities":{"completion_chat":true,"function_calling":true,"vision":false}}"#,
                "completion tools",
            ),
            (
                r#"{"supported_parameters":["tools","reasoning","top_p"],"architecture":{"input_modalities":["text","image"]}}"#,
                "completion tools thinking vision",
            ),
            (r#"{"architecture":{"input_modalities":["text"]}}"#, "completion tools"),
            (r#"{"type":"chat"}"#, "completion tools vision"),
            (r#"{"type":"embeddings"}"#, "embedding"),
            (r#"{"type":"model"}"#, "completion tools vision"),
            (r#"{"type":"vlm","capabilities":["tool_use"]}"#, "completion tools vision"),
        ] {
            assert_eq!(joined(json), expected, "{json}");
        }
    }
}
