//! What a model can do, in Ollama's words for it.

use crate::json::{Object, ValueKind, decode_string, value_kind};

/// What a model is said to be able to do of which its list says nothing: clients hide what is not named here, and asking
/// for it is no harm.
const UNSAID: [&str; 3] = ["completion", "tools", "vision"];

/// Ollama's word for an ability, from the words that others have for it.
fn ability(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    Some(match word.as_str() {
        "completion" | "completions" | "chat" | "completion_chat" | "chat_completion" => "completion",
        "tools" | "tool_use" | "tool_choice" | "function_calling" | "tool_calls" | "tool_calling" => "tools",
        "vision" | "image" | "image_input" | "multimodal" | "vlm" => "vision",
        "thinking" | "reasoning" | "include_reasoning" | "reasoning_effort" => "thinking",
        "embedding" | "embeddings" => "embedding",
        "insert" | "fim" | "completion_fim" => "insert",
        _ => return None,
    })
}

/// What a model can do: what its list says of it, and what is assumed where that says nothing.
pub(super) fn capabilities(model: &Object<'_>) -> Vec<&'static str> {
    let architecture = model.object("architecture").unwrap_or_default();
    // Where it is said, and whether that speaks of tools and of pictures.
    let places = [
        (model.get("capabilities"), true, true),
        (model.get("supported_parameters"), true, false),
        (model.get("supported_features"), true, false),
        (model.get("input_modalities"), false, true),
        (architecture.get("input_modalities"), false, true),
        (model.get("type"), false, false),
    ];
    let (mut said, mut of_tools, mut of_pictures): (Vec<&'static str>, _, _) = (Vec::new(), false, false);
    for (value, tools, pictures) in places {
        let words = abilities(value.unwrap_or("null"));
        if !matches!(value.map(value_kind), None | Some(ValueKind::Null)) {
            (of_tools, of_pictures) = (of_tools || tools, of_pictures || pictures);
        }
        said.extend(words);
    }
    if said.contains(&"embedding") && !said.contains(&"completion") {
        return vec!["embedding"];
    }
    let assumed = UNSAID.iter().copied().filter(|word| match *word {
        "completion" => true,
        "vision" => !of_pictures,
        _ => !of_tools,
    });
    let mut all: Vec<&'static str> = assumed.collect();
    for word in std::iter::once("completion").chain(said) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

/// The abilities in a list of words, in an object of switches, or in one word.
fn abilities(value: &str) -> Vec<&'static str> {
    match value_kind(value) {
        ValueKind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).unwrap_or_default();
            items.iter().filter_map(|item| ability(&decode_string(item.get())?)).collect()
        }
        ValueKind::Object => {
            let object = Object::parse(value.as_bytes()).unwrap_or_default();
            let able = object.iter().filter(|(_, value)| value.trim() == "true");
            able.filter_map(|(key, _)| ability(key)).collect()
        }
        _ => decode_string(value).and_then(|word| ability(&word)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(json: &str) -> String {
        capabilities(&Object::parse(json.as_bytes()).unwrap()).join(" ")
    }

    #[test]
    fn abilities_are_what_the_list_says() {
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
            assert_eq!(able(json), expected, "{json}");
        }
    }
}
