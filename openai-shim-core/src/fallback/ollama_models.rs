//! The rest of Ollama's API, from a list of models in OpenAI's shape: what is there, what it can do, and why models are
//! not fetched or deleted here.
//!
//! <https://docs.ollama.com/api/tags>, <https://docs.ollama.com/api-reference/show-model-details>,
//! <https://docs.ollama.com/api/ps>

use super::models::ListedModel;
use crate::canonical::time::{rfc3339, seconds};
use crate::error::{ClientError, ErrorKind};
use crate::json::{Kind, Object, peek, quote, text};
use std::fmt::Write as _;

/// What a model is said to be able to do of which its list says nothing: clients hide what is not named here, and asking
/// for it is no harm.
pub const CAPABILITIES: [&str; 3] = ["completion", "tools", "vision"];

/// Where no time is known: the zero of Go's times, which Ollama's own command line shows as "Never".
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A model behind an API is never unloaded.
const FOREVER: &str = "9999-12-31T23:59:59Z";

/// What `GET /api/version` answers.
///
/// ```
/// assert_eq!(openai_shim_core::fallback::ollama_models::version("0.13.0"), r#"{"version":"0.13.0"}"#);
/// ```
pub fn version(version: &str) -> String {
    format!(r#"{{"version":{}}}"#, quote(version))
}

/// What `GET /api/tags` answers: every model.
///
/// ```
/// use openai_shim_core::fallback::{models::ListedModel, ollama_models::tags};
/// let list = tags(&[ListedModel::new("m", "me")]);
/// assert!(list.starts_with(r#"{"models":[{"name":"m","model":"m","modified_at":"0001-01-01T00:00:00Z","size":0,"#));
/// ```
pub fn tags(models: &[ListedModel]) -> String {
    list(models, |model, item| {
        item.set("modified_at", quote(&modified(model)));
        item.set("size", "0");
    })
}

/// What `GET /api/ps` answers: every model, for each can answer at once.
pub fn ps(models: &[ListedModel]) -> String {
    list(models, |model, item| {
        item.set("size", "0");
        item.set("expires_at", quote(FOREVER));
        item.set("size_vram", "0");
        if let Some(length) = context_length(model) {
            item.set("context_length", length.to_string());
        }
    })
}

fn list(models: &[ListedModel], more: impl Fn(&Object<'_>, &mut Object<'static>)) -> String {
    let items: Vec<_> = models
        .iter()
        .map(|listed| {
            let model = Object::parse(listed.json.as_bytes()).unwrap_or_default();
            let mut item = Object::new();
            item.set("name", quote(&listed.id));
            item.set("model", quote(&listed.id));
            more(&model, &mut item);
            item.set("digest", quote(&digest(&listed.id)));
            item.set("details", details(&model));
            item.to_json()
        })
        .collect();
    format!(r#"{{"models":[{}]}}"#, items.join(","))
}

/// What `POST /api/show` answers. `unsaid` is what a model can do of which its list says nothing; [`CAPABILITIES`], or
/// what is configured.
///
/// # Errors
/// The body names no model, or one that there is not.
pub fn show(models: &[ListedModel], body: &[u8], unsaid: &[&str]) -> Result<String, ClientError> {
    let name = named(body)?;
    let Some(listed) = find(models, &name) else {
        // Ollama's own words: clients look for them.
        let message = format!("model '{name}' not found");
        return Err(ClientError::new(ErrorKind::NotFound, message).at("model"));
    };
    let model = Object::parse(listed.json.as_bytes()).unwrap_or_default();
    let family = family(&model);
    let mut info = Object::new();
    info.set("general.architecture", quote(&family));
    info.set("general.basename", quote(&listed.id));
    if let Some(length) = context_length(&model) {
        info.set(format!("{family}.context_length"), length.to_string());
    }
    let mut answer = Object::new();
    for key in ["license", "modelfile", "parameters", "template"] {
        answer.set(key, "\"\"");
    }
    answer.set("details", details(&model));
    answer.set("model_info", info.to_json());
    let able: Vec<_> = capabilities(&model, unsaid).into_iter().map(quote).collect();
    answer.set("capabilities", format!("[{}]", able.join(",")));
    answer.set("modified_at", quote(&modified(&model)));
    Ok(answer.to_json())
}

/// The model that a body names, under the new name for it or the old.
fn named(body: &[u8]) -> Result<String, ClientError> {
    let object = Object::parse(body)
        .map_err(|_| ClientError::invalid("The request body must be a JSON object with `model`."))?;
    ["model", "name"]
        .iter()
        .find_map(|key| object.str(key).filter(|name| !name.is_empty()))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| ClientError::invalid("`model` is missing.").at("model"))
}

/// The model of that name; `:latest` is what Ollama's clients add to names without a tag.
pub fn find<'m>(models: &'m [ListedModel], name: &str) -> Option<&'m ListedModel> {
    let bare = name.strip_suffix(":latest").unwrap_or(name);
    models.iter().find(|model| model.id == name).or_else(|| models.iter().find(|model| model.id == bare))
}

/// What a request that asks nothing is answered: it only loads the model, or with `keep_alive` 0 unloads it. `None` for
/// any other request. `chat`: it came to `/api/chat`. The answer is a whole one, and as a line a whole stream.
///
/// ```
/// use openai_shim_core::fallback::ollama_models::loaded;
/// let answer = loaded(br#"{"model":"m","keep_alive":0}"#, false, 0).unwrap();
/// assert_eq!(
///     answer,
///     r#"{"model":"m","created_at":"1970-01-01T00:00:00Z","response":"","done":true,"done_reason":"unload"}"#
/// );
/// assert_eq!(loaded(br#"{"model":"m","prompt":"hi"}"#, false, 0), None);
/// ```
pub fn loaded(body: &[u8], chat: bool, created: u64) -> Option<String> {
    let object = Object::parse(body).ok()?;
    let model = object.str("model").filter(|model| !model.is_empty())?;
    let asks = |key: &str| object.non_null(key).is_some_and(|v| !matches!(v.trim(), "\"\"" | "[]"));
    if if chat { asks("messages") } else { asks("prompt") || asks("images") } {
        return None;
    }
    let keep = object.non_null("keep_alive").map(|keep| text(keep).unwrap_or_else(|| keep.trim().into()));
    let off = keep.is_some_and(|keep| keep.trim_end_matches(char::is_alphabetic).parse() == Ok(0.0));
    let mut answer = Object::new();
    answer.set("model", quote(&model));
    answer.set("created_at", quote(&rfc3339(created)));
    if chat {
        answer.set("message", r#"{"role":"assistant","content":""}"#);
    } else {
        answer.set("response", "\"\"");
    }
    answer.set("done", "true");
    answer.set("done_reason", if off { "\"unload\"" } else { "\"load\"" });
    Some(answer.to_json())
}

/// Why `operation` (`pull`, `create`, `delete`, `copy`, `push`) is refused.
pub fn refusal(operation: &str) -> ClientError {
    let message =
        format!("{operation} is not possible here: the models are another service's, and stay there");
    ClientError::new(ErrorKind::Unsupported, message)
}

fn modified(model: &Object<'_>) -> String {
    let created = model.u64("created").or_else(|| model.str("created_at").and_then(|t| seconds(&t)));
    created.filter(|created| *created > 0).map_or_else(|| String::from(NEVER), rfc3339)
}

/// A name for the model in 64 digits, as long as a checksum is, because clients cut it; it is none.
fn digest(id: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut step = |byte: u8| {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        hash
    };
    let mut out = String::new();
    for part in 0..4 {
        step(part);
        let last = id.bytes().fold(0, |_, byte| step(byte));
        // Writing into memory cannot fail.
        let _ = write!(out, "{:016x}", last ^ (last >> 29));
    }
    out
}

fn details(model: &Object<'_>) -> String {
    let family = quote(&family(model));
    let quantization = quote(&model.str("quantization").unwrap_or_default());
    format!(
        r#"{{"parent_model":"","format":"","family":{family},"families":[{family}],"parameter_size":"","quantization_level":{quantization}}}"#
    )
}

/// The model's architecture where it is said, else whose model it is.
fn family(model: &Object<'_>) -> String {
    let said = ["arch", "owned_by"].iter().find_map(|key| model.str(key).filter(|word| !word.is_empty()));
    said.map_or_else(|| String::from("unknown"), std::borrow::Cow::into_owned)
}

/// How many tokens the model reads, under any of the names that servers have for it.
fn context_length(model: &Object<'_>) -> Option<u64> {
    const NAMES: [&str; 7] = [
        "context_length",
        "max_model_len",
        "context_window",
        "max_context_length",
        "max_context_window_tokens",
        "n_ctx_train",
        "max_input_tokens",
    ];
    let said = |object: &Object<'_>| NAMES.iter().find_map(|name| object.u64(name)).filter(|n| *n > 0);
    let inner = ["meta", "limits", "top_provider"];
    said(model).or_else(|| inner.iter().find_map(|key| model.object(key).and_then(|o| said(&o))))
}

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
fn capabilities<'c>(model: &Object<'_>, unsaid: &[&'c str]) -> Vec<&'c str> {
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
        if !matches!(value.map(peek), None | Some(Kind::Null)) {
            (of_tools, of_pictures) = (of_tools || tools, of_pictures || pictures);
        }
        said.extend(words);
    }
    if said.contains(&"embedding") && !said.contains(&"completion") {
        return vec!["embedding"];
    }
    let assumed = unsaid.iter().copied().filter(|word| match *word {
        "completion" => true,
        "vision" => !of_pictures,
        _ => !of_tools,
    });
    let mut all: Vec<&str> = assumed.collect();
    for word in std::iter::once("completion").chain(said) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

/// The abilities in a list of words, in an object of switches, or in one word.
fn abilities(value: &str) -> Vec<&'static str> {
    match peek(value) {
        Kind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).unwrap_or_default();
            items.iter().filter_map(|item| ability(&text(item.get())?)).collect()
        }
        Kind::Object => {
            let object = Object::parse(value.as_bytes()).unwrap_or_default();
            let able = object.iter().filter(|(_, value)| value.trim() == "true");
            able.filter_map(|(key, _)| ability(key)).collect()
        }
        _ => text(value).and_then(|word| ability(&word)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(json: &str) -> String {
        capabilities(&Object::parse(json.as_bytes()).unwrap(), &CAPABILITIES).join(" ")
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

    #[test]
    fn a_model_is_found_with_and_without_its_tag() {
        let models = [ListedModel::new("a", "x"), ListedModel::new("b:latest", "x")];
        for (name, found) in [("a", "a"), ("a:latest", "a"), ("b:latest", "b:latest")] {
            assert_eq!(find(&models, name).map(|m| m.id.as_str()), Some(found));
        }
        assert_eq!(find(&models, "b").map(|m| m.id.as_str()), None);
        let error = show(&models, br#"{"name":"c"}"#, &CAPABILITIES).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotFound, "model 'c' not found"));
        assert!(show(&models, br#"{"name":"a:latest"}"#, &CAPABILITIES).is_ok());
        assert_eq!(show(&models, b"{}", &CAPABILITIES).unwrap_err().kind, ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_digest_is_long_and_its_models_own() {
        let (a, b) = (digest("a"), digest("b"));
        assert_eq!((a.len(), b.len()), (64, 64));
        assert!(a != b && a[..12] != b[..12] && a == digest("a"));
    }

    #[test]
    fn loading_and_unloading_ask_nothing() {
        let reason = |body: &str, chat| loaded(body.as_bytes(), chat, 0).map(|a| a.contains("unload"));
        assert_eq!(reason(r#"{"model":"m"}"#, true), Some(false));
        assert_eq!(reason(r#"{"model":"m","messages":[],"keep_alive":"0s"}"#, true), Some(true));
        assert_eq!(reason(r#"{"model":"m","messages":[{}]}"#, true), None);
        assert_eq!(reason(r#"{"model":"m","prompt":"","keep_alive":"5m"}"#, false), Some(false));
        assert_eq!(reason(r#"{"model":"m","images":["x"]}"#, false), None);
        assert_eq!(reason("{}", false), None);
    }
}
