//! The built-in rows: their form, how they are chosen, and what some of them say.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use openai_shim_core::canonical::{ReasoningTags, Severity};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::profile::{
    ContentType, MessageNamePolicy, ParamRules, PrefillPolicy, ReasoningHistory, ReasoningParam,
    ResponseFormatSupport, ToolCallContent, ToolCallIdFormat, ToolChoiceSupport, ToolRules, profile_for,
    profiles,
};
use openai_shim_core::{Context, Diagnostic, PayloadKind, Profile, dialect, profile};
use serde_json::Value;

#[test]
fn every_profile_has_a_description_and_sources() {
    for row in profiles() {
        assert!(!row.description.is_empty() && !row.description.ends_with('.'), "{}", row.name);
        assert!(!row.sources.is_empty() || row.name == "compatible", "{} has no source", row.name);
        for source in &row.sources {
            let (place, ids) = source.split_once(" (").unwrap_or((source, "R0)"));
            assert!(place.starts_with("https://") || place.starts_with("corpus: "), "{}: {source}", row.name);
            for id in ids.trim_end_matches(')').split(' ') {
                let (kind, number) = id.split_at(1);
                assert!("RASTEMD".contains(kind) && number.parse::<u8>().is_ok(), "{}: {source}", row.name);
            }
        }
        let mut sources = row.sources.clone();
        sources.dedup();
        assert_eq!(sources, row.sources, "{} names a source twice", row.name);
    }
}

#[test]
fn profile_names_are_unique_and_kebab_case() {
    let mut names: Vec<&str> = profiles().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names[..2], ["openai", "compatible"]);
    for name in &names {
        let is_part_valid = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(name.split('-').all(is_part_valid), "{name}");
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn host_selects_at_most_one_profile() {
    for row in profiles() {
        for host in &row.hosts {
            let authority = match host.strip_prefix("*.") {
                Some(domain) => format!("some.{domain}"),
                None if host.starts_with(':') => format!("192.168.0.7{host}"),
                None => host.clone(),
            };
            let owners: Vec<_> =
                profiles().iter().filter(|other| other.matches(&authority)).map(|p| &p.name).collect();
            assert_eq!(owners, [&row.name], "{authority}");
        }
    }
    assert_eq!(profile_for("llm.example.com:8443").name, "compatible");
}

#[test]
fn base_url_selects_its_profile() {
    for row in profiles() {
        let Some((scheme, rest)) = row.base_url.split_once("://") else {
            assert!(row.base_url.is_empty() && row.hosts.is_empty(), "{} has no base URL", row.name);
            continue;
        };
        let authority = rest.split('/').next().unwrap();
        assert!(scheme == "https" || authority.starts_with("127.0.0.1"), "{}", row.base_url);
        assert!(!row.base_url.ends_with('/'), "{}", row.base_url);
        if scheme == "https" || !row.hosts.is_empty() {
            assert_eq!(profile_for(authority).name, row.name, "{}", row.base_url);
        }
    }
}

#[test]
fn every_profile_has_a_registered_dialect() {
    for row in profiles() {
        assert!(dialect(&row.dialect).is_ok(), "{}: {}", row.name, row.dialect);
    }
}

#[test]
fn profile_survives_serialization() {
    for row in profiles() {
        let text = serde_json::to_string(row).unwrap();
        assert_eq!(&serde_json::from_str::<Profile>(&text).unwrap(), row);
    }
}

/// What every client sends is lost nowhere: a row that changes it is wrong.
#[test]
fn ordinary_request_has_no_losses() {
    let body = br#"{"model":"m","stream":true,"temperature":0.7,"top_p":0.9,"max_tokens":100,"tool_choice":"auto",
        "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hi."}]}],
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#;
    for row in profiles() {
        let losses = sent(row, body);
        assert!(losses.is_empty(), "{}: {losses:?}", row.name);
    }
}

/// Whose row is whose, where the recordings use another name.
const RECORDED: [(&str, &str); 10] = [
    ("alibaba", "dashscope"),
    ("anthropic", "anthropic-openai"),
    ("azure", "azure-deployments"),
    ("bedrock", "bedrock-openai"),
    ("copilot", "github-copilot"),
    ("gemini", "gemini-openai"),
    ("llama.cpp", "llama-cpp"),
    ("mistral.rs", "mistral-rs"),
    ("other:crusoecloud", "crusoe"),
    ("lmstudio", "lm-studio"),
];

/// What an upstream is known to have taken its row does not take from it.
#[test]
fn recorded_successful_requests_have_no_losses() {
    let Some(shared) = common::shared("recorded_successful_requests_have_no_losses") else { return };
    let lines = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")).unwrap();
    let mut judged = 0;
    for line in lines.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        let provider = recording["provider"].as_str().unwrap_or_default();
        let name = RECORDED.iter().find(|(theirs, _)| *theirs == provider).map_or(provider, |(_, row)| row);
        let (Ok(row), Some(200)) = (profile(name), recording["response"]["status"].as_u64()) else {
            continue;
        };
        let body = match &recording["request"]["body"] {
            Value::String(text) => text.clone(),
            body @ Value::Object(_) => body.to_string(),
            _ => continue,
        };
        let losses: Vec<_> = sent(&row, body.as_bytes())
            .into_iter()
            // A temperature of 1 is what such models have anyway.
            .filter(|loss| !(loss.path == "temperature" && body.contains(r#""temperature":1"#)))
            .collect();
        assert!(losses.is_empty(), "{name}: {losses:?} of {}", recording["path"]);
        judged += 1;
    }
    assert!(judged > 1500, "{judged}");
}

/// What of a request is lost on its way to an upstream.
fn sent(row: &Profile, body: &[u8]) -> Vec<Diagnostic> {
    let conversion = convert(&ConversionInput {
        from: common::chat(),
        to: common::chat(),
        profile: row.clone(),
        kind: PayloadKind::Request,
        body,
        request: None,
        status: None,
        context: Context::fixed(),
    });
    conversion.diagnostics.iter().filter(|d| d.severity() >= Severity::Warning).cloned().collect()
}

/// Names that the vendors use.
const MODELS: [(&str, &[&str]); 26] = [
    ("anthropic", &CLAUDE),
    ("compatible", &CLAUDE),
    ("gemini", &["gemini-3-pro-preview"]),
    ("gemini-openai", &["gemini-3-pro-preview"]),
    ("openai", &OPENAI),
    ("azure", &OPENAI),
    ("azure-deployments", &OPENAI),
    ("github-copilot", &["o1", "o3-mini", "o4-mini", "gpt-5-mini"]),
    ("mistral", &["devstral-medium-latest", "mistral-medium-latest"]),
    ("anthropic-openai", &["claude-opus-4-6", "claude-opus-4-7", "claude-sonnet-4-6-20260101"]),
    ("deepseek", &["deepseek-chat", "deepseek-reasoner", "deepseek-v4-flash", "deepseek-v4-pro"]),
    (
        "xai",
        &[
            "grok-3-mini-fast",
            "grok-4",
            "grok-4-1-fast-reasoning",
            "grok-4.20-0309-non-reasoning",
            "grok-4.3",
            "grok-code-fast-1",
            "grok-build-0.1",
        ],
    ),
    ("moonshot", &["moonshot-v1-8k", "kimi-k2.6", "kimi-k2.7-code-highspeed", "kimi-k3"]),
    ("zai", &["glm-4.6", "glm-5", "glm-5-turbo", "glm-5.1"]),
    ("dashscope", &["qwen3-32b", "qwen3-235b-a22b-thinking-2507", "qwq-32b", "qvq-72b-preview"]),
    ("groq", &["llama-3.1-8b-instant", "llama-3.3-70b-versatile", "openai/gpt-oss-120b"]),
    ("nvidia", &["mistralai/mistral-small-24b-instruct"]),
    ("vertex-openai", &["google/gemini-3-flash-preview"]),
    ("modelscope", &["Qwen/Qwen3-32B", "Qwen/Qwen3-235B-A22B-Thinking-2507", "Qwen/QwQ-32B"]),
    ("siliconflow", &["Qwen/Qwen3-8B"]),
    ("github-models", &GITHUB),
    ("vllm", &WEIGHTS),
    ("llama-cpp", &WEIGHTS),
    ("tgi", &WEIGHTS),
    ("sglang", &WEIGHTS),
    ("mistral-rs", &WEIGHTS),
];

const OPENAI: [&str; 24] = [
    "gpt-3.5-turbo-instruct",
    "davinci-002",
    "babbage-002",
    "ft:davinci-002:org::1",
    "ft:babbage-002:org::1",
    "o1-mini-2024-09-12",
    "o1-preview",
    "o1",
    "o3",
    "o3-mini",
    "o3-2025-04-16",
    "o4-mini",
    "gpt-5",
    "gpt-5-2025-08-07",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5-pro",
    "gpt-5-chat-latest",
    "gpt-5.1",
    "gpt-5.1-2025-11-13",
    "gpt-5.2",
    "gpt-5.4-mini",
    "gpt-4o",
    "gpt-4.1",
];

const GITHUB: [&str; 16] = [
    "openai/o1-mini",
    "openai/o1-preview",
    "openai/o1",
    "openai/o3",
    "openai/o3-mini",
    "openai/o3-2025-04-16",
    "openai/o4-mini",
    "openai/gpt-5",
    "openai/gpt-5-2025-08-07",
    "openai/gpt-5-mini",
    "openai/gpt-5-nano",
    "openai/gpt-5-pro",
    "openai/gpt-5.1",
    "openai/gpt-5.1-2025-11-13",
    "openai/gpt-5.2",
    "openai/gpt-5.4",
];

const CLAUDE: [&str; 9] = [
    "claude-3-7-sonnet-20250219",
    "claude-opus-4-0",
    "claude-opus-4-1-20250805",
    "claude-opus-4-5-20251101",
    "claude-opus-4-20250514",
    "claude-sonnet-4-0",
    "anthropic/claude-sonnet-4-5",
    "claude-sonnet-4-20250514",
    "claude-haiku-4-5",
];

const WEIGHTS: [&str; 6] = [
    "google/gemma-2-9b-it",
    "gemma2:9b",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "google/gemma-3-27b-it",
    "Qwen/Qwen3-8B",
];

#[test]
fn every_model_override_matches_a_model() {
    for row in profiles().iter().filter(|row| !row.model_overrides.is_empty()) {
        let known = MODELS.iter().find(|(name, _)| *name == row.name);
        let (_, models) = known.unwrap_or_else(|| panic!("{} needs names of models", row.name));
        for rules in &row.model_overrides {
            for name in &rules.matches {
                let mut probe = row.clone();
                let mut only = rules.clone();
                (only.matches, only.params.drop) = (vec![name.clone()], Some(vec!["probe".to_owned()]));
                probe.model_overrides = vec![only];
                let fits = |model: &&str| probe.for_model(model).params.drop.contains(&"probe".to_owned());
                assert!(models.iter().any(fits), "{}: {name}", row.name);
            }
        }
    }
}

/// What a row says for a model.
type Fact = (&'static str, &'static str, fn(&Profile) -> bool);

fn drops(row: &Profile, param: &str) -> bool {
    row.params.drop.iter().any(|name| name == param)
}

fn renames(row: &Profile, from: &str, to: &str) -> bool {
    row.params.rename.get(from).is_some_and(|name| name == to)
}

fn role(row: &Profile, from: &str) -> Option<String> {
    row.messages.roles.get(from).cloned()
}

const FACTS: [Fact; 56] = [
    ("openai", "gpt-4o", |row| row.params == ParamRules::default() && row.messages.roles.is_empty()),
    ("openai", "gpt-4o", |row| row.messages.tool_call_ids == ToolCallIdFormat::Max40),
    ("openai", "gpt-5-nano", |row| renames(row, "max_tokens", "max_completion_tokens")),
    ("openai", "gpt-5-nano", |row| drops(row, "temperature") && row.params.max_stop_sequences == Some(0)),
    ("openai", "gpt-5-nano", |row| row.reasoning.efforts == ["minimal", "low", "medium", "high"]),
    ("openai", "gpt-5.1", |row| {
        !drops(row, "temperature") && !row.reasoning.efforts.contains(&"minimal".into())
    }),
    ("openai", "gpt-5-chat-latest", |row| !drops(row, "temperature") && row.reasoning.efforts.is_empty()),
    ("openai", "gpt-5.5", |row| row.params.max_stop_sequences.is_none()),
    ("mistral", "devstral-medium-latest", |row| row.messages.assistant_after_tool),
    ("ollama", "llama3.2", |row| row.tools.required_choice == ToolChoiceSupport::Auto && !drops(row, "n")),
    ("openai", "o3-mini", |row| drops(row, "parallel_tool_calls") && row.params.max_stop_sequences.is_none()),
    ("openai", "o1-mini", |row| role(row, "system").as_deref() == Some("user")),
    ("compatible", "any", |row| role(row, "developer").as_deref() == Some("system") && !drops(row, "n")),
    ("azure", "gpt-5", |row| {
        row.auth.header == "api-key" && row.auth.prefix.is_empty() && drops(row, "top_p")
    }),
    ("azure-deployments", "gpt-4o", |row| {
        row.paths.generate.contains("{model}") && row.paths.query_params.contains_key("api-version")
    }),
    ("github-models", "openai/o3", |row| drops(row, "temperature") && !row.has_model_list),
    ("github-copilot", "gpt-5-mini", |row| !drops(row, "temperature")),
    ("anthropic-openai", "claude-3-5-haiku-latest", |row| row.messages.prefill == PrefillPolicy::Keep),
    ("anthropic-openai", "claude-opus-4-6", |row| {
        row.messages.prefill == PrefillPolicy::Continue && row.tools.declare_from_history
    }),
    ("anthropic-openai", "claude-opus-4-6", |row| row.params.clamp["temperature"][1] < 1.1),
    ("gemini-openai", "gemini-3-flash", |row| drops(row, "frequency_penalty") && !drops(row, "temperature")),
    ("mistral", "mistral-small-latest", |row| {
        renames(row, "max_completion_tokens", "max_tokens") && renames(row, "seed", "random_seed")
    }),
    ("mistral", "mistral-small-latest", |row| {
        row.messages.tool_call_ids == ToolCallIdFormat::Alnum9 && !row.stream.accepts_options
    }),
    ("mistral", "mistral-small-latest", |row| row.tools.required_choice == ToolChoiceSupport::Native),
    ("mistral", "mistral-small-latest", |row| !row.messages.assistant_after_tool && !row.tools.drop_strict),
    ("mistral", "mistral-small-latest", |row| {
        row.messages.name_field == MessageNamePolicy::Tool && row.messages.prefill == PrefillPolicy::Prefix
    }),
    ("deepseek", "deepseek-v4-pro", |row| {
        row.response_format.json_schema == ResponseFormatSupport::JsonObject
    }),
    ("deepseek", "deepseek-v4-pro", |row| row.messages.reasoning_history == ReasoningHistory::Restore),
    ("deepseek", "deepseek-v4-flash", |row| row.messages.input_modalities.as_deref() == Some(&[])),
    ("deepseek", "deepseek-v4-flash-vision-exp", |row| row.messages.input_modalities.is_none()),
    ("deepseek", "deepseek-v4-pro", |row| row.tools.required_choice == ToolChoiceSupport::Native),
    ("deepseek", "deepseek-reasoner", |row| row.tools.named_choice == ToolChoiceSupport::Auto),
    ("xai", "grok-4.5", |row| {
        drops(row, "presence_penalty") && row.reasoning.param == ReasoningParam::ReasoningEffort
    }),
    ("xai", "grok-4-0709", |row| row.reasoning.param == ReasoningParam::Unsupported),
    ("xai", "grok-3", |row| row.params.drop.is_empty() && row.messages.name_field == MessageNamePolicy::Drop),
    ("perplexity", "sonar", |row| {
        row.messages.merge_same_role && row.response_format.json_object == ResponseFormatSupport::JsonSchema
    }),
    ("moonshot", "moonshot-v1-8k", |row| !drops(row, "temperature") && row.params.rename.is_empty()),
    ("moonshot", "kimi-k2.6", |row| {
        drops(row, "temperature") && row.reasoning.param == ReasoningParam::Thinking
    }),
    ("moonshot", "kimi-k3", |row| {
        row.tools.required_choice == ToolChoiceSupport::Native
            && row.tools.named_choice == ToolChoiceSupport::Required
    }),
    ("zai", "glm-4.6", |row| {
        row.reasoning.param == ReasoningParam::Thinking
            && row.tools.required_choice == ToolChoiceSupport::Auto
    }),
    ("zai", "glm-5.2", |row| {
        row.reasoning.param == ReasoningParam::ReasoningEffort && row.params.max_stop_sequences == Some(1)
    }),
    ("dashscope", "qwen3-32b", |row| row.stream.required),
    ("dashscope", "qwen-plus", |row| {
        !row.stream.required && row.reasoning.param == ReasoningParam::EnableThinking
    }),
    ("groq", "openai/gpt-oss-20b", |row| {
        row.params.max_choices == Some(1) && drops(row, "logprobs") && row.response_format.disable_streaming
    }),
    ("groq", "openai/gpt-oss-20b", |row| row.response_format.json_schema == ResponseFormatSupport::Native),
    ("groq", "llama-3.3-70b-versatile", |row| {
        row.response_format.json_schema == ResponseFormatSupport::JsonObject
    }),
    ("groq", "llama-3.3-70b-versatile", |row| {
        row.messages.reasoning_history == ReasoningHistory::Drop && role(row, "developer").is_none()
    }),
    ("cerebras", "gpt-oss-120b", |row| row.params.drop.is_empty() && row.tools == ToolRules::default()),
    ("sambanova", "DeepSeek-V3.1", |row| {
        row.messages.content == ContentType::String && row.tools.drop_strict
    }),
    ("openrouter", "openai/o3", |row| {
        row.reasoning.param == ReasoningParam::Reasoning && row.params == ParamRules::default()
    }),
    ("portkey", "gpt-4o", |row| row.auth.header == "x-portkey-api-key"),
    ("lm-studio", "any", |row| {
        row.response_format.json_object == ResponseFormatSupport::JsonSchema
            && row.tools.named_choice == ToolChoiceSupport::Required
    }),
    ("ollama", "llama3.2", |row| {
        row.params.max_choices == Some(1) && row.messages.tool_call_content == ToolCallContent::Empty
    }),
    ("litserve", "any", |row| row.tools.required_choice == ToolChoiceSupport::Any && !row.has_model_list),
    ("vllm", "Qwen/Qwen3-8B", |row| {
        row.reasoning.param == ReasoningParam::ChatTemplateKwargs && row.params == ParamRules::default()
    }),
    ("vllm", "google/gemma-2-9b-it", |row| {
        role(row, "system").as_deref() == Some("user") && row.messages.merge_same_role
    }),
];

#[test]
fn profiles_satisfy_their_upstreams() {
    for (i, (name, model, holds)) in FACTS.iter().enumerate() {
        let row = profile(name).unwrap();
        assert!(holds(&row.for_model(model)), "fact {i}: {name}, {model}");
    }
    // No built-in profile changes the text of responses.
    assert!(profiles().iter().all(|row| row.responses.reasoning_tags == ReasoningTags::Leading));
}
