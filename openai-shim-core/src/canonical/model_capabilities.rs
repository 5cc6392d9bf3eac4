//! The fields of a listed model, in any server's terms, to what the model is for and what it can do.

use super::model_terms::{ModelKind, Topic, kind_of_name, topic};
use crate::json::{
    Object, ValueKind, decode_string, encode_array, encode_string, items, reported_count, value_kind,
};
use std::borrow::Cow;

/// What a model can do; `None`: its list does not say.
///
/// ```
/// use openai_shim_core::canonical::{ListedModel, ModelCapabilities, ModelKind};
/// let capabilities: ModelCapabilities = ListedModel::new("bge-reranker-v2-m3", "baai").capabilities();
/// assert_eq!((capabilities.kind, capabilities.vision), (ModelKind::Reranker, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelCapabilities {
    /// What it is for.
    pub kind: ModelKind,
    /// It calls tools.
    pub tools: Option<bool>,
    /// It sees images.
    pub vision: Option<bool>,
    /// It reasons.
    pub thinking: Option<bool>,
    /// It fills in the middle.
    pub insert: Option<bool>,
}

/// Fields with one word, or a list or object of terms, about what a model is for.
const KIND_FIELDS: [&str; 16] = [
    "type",
    "sub_type",
    "kind",
    "mode",
    "model_type",
    "task",
    "tasks",
    "task_type",
    "functions",
    "domain",
    "endpoints",
    "supported_endpoints",
    "supported_endpoint_types",
    "supportedGenerationMethods",
    "supported_generation_methods",
    "pipeline_tag",
];

/// Lists that have every parameter or feature of a model: a model without tools in them has none.
const COMPLETE_LISTS: [&str; 2] = ["supported_parameters", "supported_features"];

/// What is known of a model so far.
#[derive(Default)]
struct Evidence {
    kinds: Vec<ModelKind>,
    /// The list says that the model is no chat.
    is_no_chat: bool,
    tools: Option<bool>,
    vision: Option<bool>,
    thinking: Option<bool>,
    insert: Option<bool>,
}

impl Evidence {
    /// One statement: what is said once counts more than a silence elsewhere.
    fn note(&mut self, topic: Topic, is_true: bool) {
        let known = match topic {
            Topic::Kind(kind) if is_true => return self.kinds.push(kind),
            Topic::Kind(kind) => {
                self.is_no_chat |= kind == ModelKind::Chat;
                return;
            }
            Topic::Tools => &mut self.tools,
            Topic::Vision => &mut self.vision,
            Topic::Thinking => &mut self.thinking,
            Topic::Insert => &mut self.insert,
        };
        *known = Some(known.unwrap_or(false) || is_true);
    }

    /// The terms of a list; those in `complete` that are missing count as denied.
    fn note_list(&mut self, list: &str, complete: &[Topic]) {
        let terms = terms(list);
        let topics: Vec<_> = terms.iter().filter_map(|word| topic(word)).collect();
        if terms.is_empty() {
            return;
        }
        for topic in complete.iter().filter(|topic| !topics.contains(topic)) {
            self.note(*topic, false);
        }
        for topic in topics {
            self.note(topic, true);
        }
    }

    /// The members of an object: each whose value says yes or no. What is not there is not denied.
    fn note_object(&mut self, object: &Object<'_>) {
        for (key, value) in object.iter() {
            if let (Some(topic), Some(verdict)) = (topic(key), verdict(value)) {
                self.note(topic, verdict);
            }
        }
    }

    /// A field about what the model is for.
    fn note_kind(&mut self, value: &str) {
        let mut note = |word: &str| {
            match topic(word) {
                Some(Topic::Kind(kind)) => self.kinds.push(kind),
                // What a model is for is a picture; elsewhere the word means that it sees one.
                Some(Topic::Vision) if word == "image" => self.kinds.push(ModelKind::Image),
                _ => {}
            }
        };
        match value_kind(value) {
            ValueKind::String => decode_string(value).iter().for_each(|word| note(word)),
            ValueKind::Array => terms(value).iter().for_each(|word| note(word)),
            // Cloudflare: `task: {"name": "Text Generation"}`.
            ValueKind::Object => {
                let object = Object::parse(value.as_bytes()).unwrap_or_default();
                object.str("name").iter().for_each(|word| note(word));
            }
            _ => {}
        }
    }

    /// What goes into a model or comes out of it, if the member says that.
    fn note_modalities(&mut self, key: &str, value: &str) {
        match key {
            "input_modalities" | "inputModalities" | "input" | "inputs" | "supported_input_modalities" => {
                self.note_inputs(value);
            }
            "output_modalities"
            | "outputModalities"
            | "output"
            | "outputs"
            | "supported_output_modalities" => self.note_outputs(value),
            // `text+image->text`
            "modality" => {
                let modality = decode_string(value).unwrap_or_default();
                let Some((inputs, outputs)) = modality.split_once("->") else { return };
                let list =
                    |side: &str| encode_array(&side.split(['+', ',']).map(encode_string).collect::<Vec<_>>());
                self.note_inputs(&list(inputs));
                self.note_outputs(&list(outputs));
            }
            _ => {}
        }
    }

    /// What goes into a model, as a list of modalities.
    fn note_inputs(&mut self, list: &str) {
        let terms = terms(list);
        if !terms.is_empty() {
            self.note(Topic::Vision, terms.iter().any(|word| word.eq_ignore_ascii_case("image")));
        }
    }

    /// What comes out of a model, as a list of modalities.
    fn note_outputs(&mut self, list: &str) {
        let terms = terms(list);
        let has = |name: &str| terms.iter().any(|word| word.to_ascii_lowercase().starts_with(name));
        if has("text") {
            self.kinds.push(ModelKind::Chat);
        } else if let Some((_, kind)) = [
            ("embedding", ModelKind::Embedding),
            ("rerank", ModelKind::Reranker),
            ("image", ModelKind::Image),
            ("audio", ModelKind::Speech),
            ("speech", ModelKind::Speech),
            ("video", ModelKind::Other),
        ]
        .iter()
        .find(|(name, _)| has(name))
        {
            self.kinds.push(*kind);
        }
    }
}

/// The strings of a list, and the ids of its objects (watsonx: `functions: [{"id": "text_chat"}]`).
fn terms(list: &str) -> Vec<Cow<'_, str>> {
    let id = |item| Some(Cow::Owned(Object::parse(str::as_bytes(item)).ok()?.str("id")?.into_owned()));
    items(list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|item| decode_string(item).or_else(|| id(item)))
        .collect()
}

/// Whether a value says yes or no; `None` for what says neither. An object says it in `supported`, as Anthropic's do.
fn verdict(value: &str) -> Option<bool> {
    match value_kind(value) {
        ValueKind::Bool => Some(value.trim() == "true"),
        ValueKind::Object => {
            let object = Object::parse(value.as_bytes()).ok()?;
            ["supported", "enabled"]
                .iter()
                .find_map(|key| object.bool(key))
                // Volcengine: `tools: {"function_calling": false}`.
                .or_else(|| {
                    (!object.is_empty()).then(|| object.iter().any(|(_, value)| value.trim() != "false"))
                })
        }
        ValueKind::Array => Some(items(value).is_some_and(|items| !items.is_empty())),
        ValueKind::Number => Some(reported_count(value)? > 0),
        ValueKind::String => match &*decode_string(value)?.to_ascii_lowercase() {
            "true" | "yes" | "supported" => Some(true),
            "false" | "no" | "unsupported" | "none" => Some(false),
            _ => None,
        },
        ValueKind::Null => None,
    }
}

/// Reads a model's fields. Lists of Anthropic, Azure, Cloudflare, Cohere, Fireworks, GitHub Copilot, Google, LM Studio, llama.cpp,
/// Mistral, Ollama, OpenRouter, Together, Vercel and others have them at these places.
pub(super) fn read(id: &str, model: &Object<'_>) -> ModelCapabilities {
    let mut found = Evidence::default();
    found.note_object(model);
    for field in KIND_FIELDS.iter().filter_map(|field| model.get(field)) {
        found.note_kind(field);
    }
    for list in COMPLETE_LISTS.iter().filter_map(|field| model.get(field)) {
        found.note_list(list, &[Topic::Tools]);
    }
    for list in ["tags", "labels", "features", "model_ability", "task_ids"]
        .iter()
        .filter_map(|field| model.get(field))
    {
        found.note_list(list, &[]);
    }
    if let Some(value) = model.get("capabilities") {
        note_capabilities(value, model, &mut found);
    }
    model.iter().for_each(|(key, value)| found.note_modalities(key, value));
    for inner in ["architecture", "modalities", "metadata", "model_spec", "model_info", "features"] {
        let Some(object) = model.object(inner) else { continue };
        found.note_object(&object);
        if let Some(mode) = object.get("mode") {
            found.note_kind(mode);
        }
        for (key, value) in object.iter() {
            match key {
                // Venice, DeepInfra.
                "capabilities" => {
                    found.note_object(&Object::parse(value.as_bytes()).unwrap_or_default());
                }
                "tags" => found.note_list(value, &[]),
                _ => found.note_modalities(key, value),
            }
        }
    }
    // Hugging Face: what one of the providers of a model can do, the model can.
    for provider in model.array("providers").unwrap_or_default() {
        found.note_object(&Object::parse(provider.as_bytes()).unwrap_or_default());
    }
    // LM Studio says it by the type alone.
    match model.str("type").as_deref() {
        Some("vlm") => found.note(Topic::Vision, true),
        Some("llm") if model.str("arch").is_some() => found.note(Topic::Vision, false),
        _ => {}
    }
    let kind = if found.kinds.contains(&ModelKind::Chat) {
        ModelKind::Chat
    } else {
        let named = kind_of_name(id);
        let other = found.is_no_chat.then_some(ModelKind::Other);
        found.kinds.first().copied().or(named).or(other).unwrap_or(ModelKind::Chat)
    };
    ModelCapabilities {
        kind,
        tools: found.tools,
        vision: found.vision,
        thinking: found.thinking,
        insert: found.insert,
    }
}

fn note_capabilities(value: &str, model: &Object<'_>, found: &mut Evidence) {
    match value_kind(value) {
        ValueKind::Array => {
            let complete: &[Topic] = match model.str("type").as_deref() {
                // A list in words that are not known here denies nothing.
                _ if !terms(value).iter().any(|word| topic(word).is_some()) => &[],
                // llama.cpp lists sight, and never tools.
                Some("model") => &[Topic::Vision],
                // LM Studio lists tools only; its type says whether the model sees.
                Some(_) => &[Topic::Tools],
                None => &[Topic::Tools, Topic::Vision],
            };
            found.note_list(value, complete);
        }
        ValueKind::Object => {
            let object = Object::parse(value.as_bytes()).unwrap_or_default();
            found.note_object(&object);
            // GitHub Copilot.
            if let Some(kind) = object.get("type") {
                found.note_kind(kind);
            }
            if let Some(supports) = object.object("supports") {
                found.note_object(&supports);
            }
        }
        _ => found.note_kind(value),
    }
}

#[cfg(test)]
mod tests {
    use crate::canonical::parse_models;

    /// The kind, and the capabilities that are known: `+tools -vision`.
    fn read_model(json: &str) -> String {
        let list = format!("[{json}]");
        let models = parse_models(list.as_bytes(), "me").unwrap();
        let found = models[0].capabilities();
        let mut text = format!("{:?}", found.kind);
        for (name, known) in [
            ("tools", found.tools),
            ("vision", found.vision),
            ("thinking", found.thinking),
            ("insert", found.insert),
        ] {
            match known {
                Some(true) => text.extend([" +", name]),
                Some(false) => text.extend([" -", name]),
                None => {}
            }
        }
        text
    }

    #[test]
    fn every_servers_words_are_read() {
        for (server, json, expected) in [
            ("a bare list", r#"{"id":"m"}"#, "Chat"),
            (
                "Anthropic",
                r#"{"id":"m","type":"model","capabilities":{"image_input":{"supported":true},"thinking":{"supported":true,"types":{}},"batch":{"supported":false}}}"#,
                "Chat +vision +thinking",
            ),
            ("Anthropic", r#"{"id":"m","capabilities":{"image_input":{"supported":false}}}"#, "Chat -vision"),
            (
                "Azure",
                r#"{"id":"m","capabilities":{"fine_tune":false,"inference":true,"completion":true,"chat_completion":true,"embeddings":false}}"#,
                "Chat",
            ),
            (
                "Azure",
                r#"{"id":"m","capabilities":{"inference":true,"completion":false,"chat_completion":false,"embeddings":true}}"#,
                "Embedding",
            ),
            (
                "Azure",
                r#"{"id":"m","capabilities":{"inference":true,"completion":false,"chat_completion":false,"embeddings":false}}"#,
                "Other",
            ),
            (
                "GitHub Copilot",
                r#"{"id":"m","capabilities":{"family":"f","limits":{"max_output_tokens":4096},"object":"model_capabilities","supports":{"tool_calls":true,"vision":true,"max_thinking_budget":32000},"type":"chat"}}"#,
                "Chat +tools +vision +thinking",
            ),
            (
                "GitHub Copilot",
                r#"{"id":"m","capabilities":{"supports":{"dimensions":true},"type":"embeddings"}}"#,
                "Embedding",
            ),
            (
                "Mistral",
                r#"{"id":"m","capabilities":{"completion_chat":true,"completion_fim":true,"function_calling":true,"vision":false}}"#,
                "Chat +tools -vision +insert",
            ),
            (
                "Mistral",
                r#"{"id":"mistral-embed","capabilities":{"completion_chat":false,"completion_fim":false,"function_calling":false,"vision":false}}"#,
                "Embedding -tools -vision -insert",
            ),
            (
                "OpenRouter",
                r#"{"id":"m","architecture":{"modality":"text+image->text","input_modalities":["text","image"],"output_modalities":["text"]},"supported_parameters":["tools","tool_choice","reasoning","top_p"]}"#,
                "Chat +tools +vision +thinking",
            ),
            (
                "OpenRouter",
                r#"{"id":"m","architecture":{"input_modalities":["text"],"output_modalities":["text"]},"supported_parameters":["top_p"]}"#,
                "Chat -tools -vision",
            ),
            (
                "OpenRouter",
                r#"{"id":"m","architecture":{"input_modalities":["text"],"output_modalities":["embeddings"]}}"#,
                "Embedding -vision",
            ),
            (
                "OpenRouter",
                r#"{"id":"m","architecture":{"input_modalities":["text"],"output_modalities":["image"]}}"#,
                "Image -vision",
            ),
            ("Together", r#"{"id":"m","type":"chat"}"#, "Chat"),
            ("Together", r#"{"id":"m","type":"embedding"}"#, "Embedding"),
            ("Together", r#"{"id":"m","type":"rerank"}"#, "Reranker"),
            ("Together", r#"{"id":"m","type":"audio"}"#, "Speech"),
            ("Together", r#"{"id":"m","type":"moderation"}"#, "Other"),
            ("Together", r#"{"id":"m","type":"image"}"#, "Image"),
            (
                "LM Studio",
                r#"{"id":"m","type":"vlm","arch":"qwen2_vl","capabilities":["tool_use"]}"#,
                "Chat +tools +vision",
            ),
            ("LM Studio", r#"{"id":"m","type":"llm","arch":"llama"}"#, "Chat -vision"),
            ("LM Studio", r#"{"id":"m","type":"embeddings","arch":"nomic-bert"}"#, "Embedding"),
            (
                "LM Studio 1",
                r#"{"key":"m","type":"llm","capabilities":{"vision":true,"trained_for_tool_use":false}}"#,
                "Chat -tools +vision",
            ),
            ("llama.cpp", r#"{"id":"m","capabilities":["completion","multimodal"]}"#, "Chat -tools +vision"),
            (
                "Ollama",
                r#"{"name":"m","capabilities":["completion","tools","thinking"]}"#,
                "Chat +tools -vision +thinking",
            ),
            ("Ollama", r#"{"name":"m","capabilities":["embedding"]}"#, "Embedding -tools -vision"),
            (
                "Gemini",
                r#"{"name":"models/m","supportedGenerationMethods":["generateContent","countTokens"],"thinking":true}"#,
                "Chat +thinking",
            ),
            (
                "Gemini",
                r#"{"name":"models/m","supportedGenerationMethods":["embedContent","countTextTokens"]}"#,
                "Embedding",
            ),
            ("Gemini", r#"{"name":"models/m","supportedGenerationMethods":["predict"]}"#, "Other"),
            (
                "Fireworks",
                r#"{"id":"m","supports_chat":true,"supports_image_input":false,"supports_tools":true}"#,
                "Chat +tools -vision",
            ),
            ("Fireworks", r#"{"id":"m","supports_chat":false}"#, "Other"),
            ("Cohere", r#"{"name":"m","endpoints":["embed","classify"]}"#, "Embedding"),
            (
                "Vercel",
                r#"{"id":"m","type":"language","tags":["tool-use","vision","reasoning"]}"#,
                "Chat +tools +vision +thinking",
            ),
            ("OpenRouter", r#"{"id":"m","architecture":{"modality":"text->text"}}"#, "Chat -vision"),
            (
                "llama.cpp, as Ollama",
                r#"{"name":"m","model":"m","type":"model","tags":[""],"capabilities":["completion"],"details":{"format":"gguf"}}"#,
                "Chat -vision",
            ),
            ("Fireworks", r#"{"id":"m","kind":"EMBEDDING_MODEL"}"#, "Embedding"),
            ("Fireworks", r#"{"id":"m","kind":"FLUMINA_BASE_MODEL"}"#, "Image"),
            ("Fireworks", r#"{"id":"m","kind":"HF_BASE_MODEL"}"#, "Chat"),
            (
                "Bedrock",
                r#"{"modelId":"m","inputModalities":["TEXT","IMAGE"],"outputModalities":["TEXT"]}"#,
                "Chat +vision",
            ),
            (
                "Bedrock",
                r#"{"modelId":"m","inputModalities":["TEXT"],"outputModalities":["EMBEDDING"]}"#,
                "Embedding -vision",
            ),
            ("SiliconFlow", r#"{"id":"m","type":"text","sub_type":"embedding"}"#, "Embedding"),
            ("SiliconFlow", r#"{"id":"m","type":"text","sub_type":"chat"}"#, "Chat"),
            (
                "Novita",
                r#"{"id":"m","model_type":"chat","features":["function-calling","reasoning","serverless"]}"#,
                "Chat +tools +thinking",
            ),
            (
                "Hugging Face",
                r#"{"id":"m","architecture":{"input_modalities":["text"]},"providers":[{"supports_tools":false},{"supports_tools":true}]}"#,
                "Chat +tools -vision",
            ),
            (
                "LiteLLM",
                r#"{"model_name":"m","model_info":{"mode":"chat","supports_vision":true,"supports_function_calling":false,"supports_reasoning":null}}"#,
                "Chat -tools +vision",
            ),
            ("LiteLLM", r#"{"model_name":"m","model_info":{"mode":"embedding"}}"#, "Embedding"),
            ("unknown words", r#"{"id":"m","capabilities":["TG","FLAG_CHAT"]}"#, "Chat"),
            (
                "Gemini",
                r#"{"name":"m","supportedGenerationMethods":["bidiGenerateContent","countTokens"]}"#,
                "Other",
            ),
            ("Gemini", r#"{"name":"m","supportedGenerationMethods":["predictLongRunning"]}"#, "Other"),
            ("Gemini", r#"{"name":"m","supportedGenerationMethods":["generateAnswer"]}"#, "Other"),
            ("a name", r#"{"id":"BAAI/bge-m3"}"#, "Embedding"),
            ("a name", r#"{"id":"sentence-transformers/all-MiniLM-L6-v2"}"#, "Embedding"),
            ("a name", r#"{"id":"black-forest-labs/FLUX.1-schnell"}"#, "Image"),
            ("a name", r#"{"id":"gpt-image-1"}"#, "Image"),
            ("a name", r#"{"id":"gemini-2.5-flash-image"}"#, "Chat"),
            ("a name", r#"{"id":"sora-2"}"#, "Other"),
            ("OpenAI", r#"{"id":"text-embedding-3-small","object":"model"}"#, "Embedding"),
            ("OpenAI", r#"{"id":"gpt-4o-mini-tts","object":"model"}"#, "Speech"),
            ("vLLM", r#"{"id":"BAAI/bge-reranker-v2-m3","max_model_len":8192}"#, "Reranker"),
            (
                "watsonx",
                r#"{"model_id":"m","functions":[{"id":"embedding"}],"model_limits":{"max_sequence_length":512}}"#,
                "Embedding",
            ),
            ("watsonx", r#"{"model_id":"m","functions":[{"id":"rerank"}]}"#, "Reranker"),
            (
                "watsonx",
                r#"{"model_id":"m","functions":[{"id":"autoai_rag"},{"id":"text_chat"}],"task_ids":["function_calling","summarization"]}"#,
                "Chat +tools",
            ),
            (
                "Volcengine",
                r#"{"id":"m","domain":"VLM","task_type":["VisualQuestionAnswering"],"features":{"tools":{"function_calling":true}},"modalities":{"input_modalities":["text","image"],"output_modalities":["text"]}}"#,
                "Chat +tools +vision",
            ),
            (
                "Volcengine",
                r#"{"id":"m","domain":"Embedding","features":{"tools":{"function_calling":false}}}"#,
                "Embedding -tools",
            ),
            ("Databricks", r#"{"name":"m","task":"llm/v1/embeddings"}"#, "Embedding"),
            ("Databricks", r#"{"name":"m","task":"llm/v1/chat"}"#, "Chat"),
            ("LiteLLM", r#"{"id":"m","supported_endpoints":["/v1/audio/transcriptions"]}"#, "Speech"),
            ("LiteLLM", r#"{"id":"m","supported_endpoints":["/v1/chat/completions","/v1/batch"]}"#, "Chat"),
            ("new-api", r#"{"id":"m","supported_endpoint_types":["jina-rerank"]}"#, "Reranker"),
            ("new-api", r#"{"id":"m","supported_endpoint_types":["image-generation"]}"#, "Image"),
            ("Infinity", r#"{"id":"m","capabilities":["image_embed"]}"#, "Embedding -tools -vision"),
            (
                "Lemonade",
                r#"{"id":"m","recipe":"llamacpp","labels":["vision","tool-calling","hot"]}"#,
                "Chat +tools +vision",
            ),
            ("Lemonade", r#"{"id":"m","labels":["embeddings"]}"#, "Embedding"),
            ("Lemonade", r#"{"id":"m","labels":["reranking"]}"#, "Reranker"),
            ("a name", r#"{"id":"voyage-3.5"}"#, "Embedding"),
            ("a name", r#"{"id":"rerank-2-voyage"}"#, "Reranker"),
            ("a name", r#"{"id":"jina-clip-v2"}"#, "Embedding"),
            ("a name", r#"{"id":"FunAudioLLM/SenseVoiceSmall"}"#, "Speech"),
            ("an empty object", r#"{"id":"m","capabilities":{}}"#, "Chat"),
            ("an empty list", r#"{"id":"m","capabilities":[]}"#, "Chat"),
            ("nothing", r#"{"id":"m","capabilities":null}"#, "Chat"),
        ] {
            assert_eq!(read_model(json), expected, "{server}: {json}");
        }
    }
}
