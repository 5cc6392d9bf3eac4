//! The built-in profiles: their form, their selection, and the rules of some of them; profiles of a program and of a file.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::chat;

use openai_shim_core::accepts::{
    Accepts, ContentType, MediaLayer, MessageLayer, MessageNamePolicy, ParamLayer, PrefillPolicy,
    ReasoningHistory, ReasoningParam, ResponseFormatSupport, StreamingLayer, ToolCallContent,
    ToolCallIdFormat, ToolChoiceSupport,
};
use openai_shim_core::canonical::{ReasoningTags, Severity};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::profile::{Adaptation, AuthLayer, ModelOverride, PathsLayer, ProfileLayer, profiles};
use openai_shim_core::{Diagnostic, Profile, dialect, profile};
use serde_json::Value;

#[test]
fn every_profile_has_a_description_and_sources() {
    for upstream_profile in profiles() {
        assert!(
            !upstream_profile.description.is_empty() && !upstream_profile.description.ends_with('.'),
            "{}",
            upstream_profile.name
        );
        assert!(
            !upstream_profile.sources.is_empty() || upstream_profile.name == "compatible",
            "{} has no source",
            upstream_profile.name
        );
        for source in &upstream_profile.sources {
            let (place, ids) = source.split_once(" (").unwrap_or((source, "R0)"));
            assert!(
                place.starts_with("https://") || place.starts_with("corpus: "),
                "{}: {source}",
                upstream_profile.name
            );
            for id in ids.trim_end_matches(')').split(' ') {
                let (kind, number) = id.split_at(1);
                assert!(
                    "RASTEMD".contains(kind) && number.parse::<u8>().is_ok(),
                    "{}: {source}",
                    upstream_profile.name
                );
            }
        }
        let mut sources = upstream_profile.sources.clone();
        sources.dedup();
        assert_eq!(sources, upstream_profile.sources, "{} names a source twice", upstream_profile.name);
    }
}

#[test]
fn profile_names_are_unique_and_kebab_case() {
    let mut names: Vec<&str> =
        profiles().iter().map(|upstream_profile| upstream_profile.name.as_str()).collect();
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
    for upstream_profile in profiles() {
        for host in &upstream_profile.hosts {
            let authority = match host.strip_prefix("*.") {
                Some(domain) => format!("some.{domain}"),
                None if host.starts_with(':') => format!("192.168.0.7{host}"),
                None => host.clone(),
            };
            let owners: Vec<_> =
                profiles().iter().filter(|other| other.matches(&authority)).map(|p| &p.name).collect();
            assert_eq!(owners, [&upstream_profile.name], "{authority}");
        }
    }
    assert_eq!(Profile::for_authority("llm.example.com:8443").name, "compatible");
}

#[test]
fn base_url_selects_its_profile() {
    for upstream_profile in profiles() {
        let Some((scheme, rest)) = upstream_profile.base_url.split_once("://") else {
            assert!(
                upstream_profile.base_url.is_empty() && upstream_profile.hosts.is_empty(),
                "{} has no base URL",
                upstream_profile.name
            );
            continue;
        };
        let authority = rest.split('/').next().unwrap();
        assert!(scheme == "https" || authority.starts_with("127.0.0.1"), "{}", upstream_profile.base_url);
        assert!(!upstream_profile.base_url.ends_with('/'), "{}", upstream_profile.base_url);
        if scheme == "https" || !upstream_profile.hosts.is_empty() {
            assert_eq!(
                Profile::for_authority(authority).name,
                upstream_profile.name,
                "{}",
                upstream_profile.base_url
            );
        }
    }
}

#[test]
fn every_profile_has_a_registered_dialect() {
    for upstream_profile in profiles() {
        assert!(
            dialect(&upstream_profile.dialect).is_ok(),
            "{}: {}",
            upstream_profile.name,
            upstream_profile.dialect
        );
    }
}

#[test]
fn profile_survives_serialization() {
    for upstream_profile in profiles() {
        let text = serde_json::to_string(upstream_profile).unwrap();
        assert_eq!(&serde_json::from_str::<Profile>(&text).unwrap(), upstream_profile);
    }
}

/// Ordinary requests must have no losses with any profile.
#[test]
fn ordinary_request_has_no_losses() {
    let body = br#"{"model":"m","stream":true,"temperature":0.7,"top_p":0.9,"max_tokens":100,"tool_choice":"auto",
        "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hi."}]}],
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#;
    for upstream_profile in profiles() {
        let losses = sent(upstream_profile, body);
        assert!(losses.is_empty(), "{}: {losses:?}", upstream_profile.name);
    }
}

/// The profiles of vendors whose name in the recordings differs.
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

/// A profile must not remove anything from a request that its upstream has accepted.
#[test]
fn recorded_successful_requests_have_no_losses() {
    let Some(shared) = common::shared("recorded_successful_requests_have_no_losses") else { return };
    let lines = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")).unwrap();
    let mut judged = 0;
    for line in lines.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        let provider = recording["provider"].as_str().unwrap_or_default();
        let name = RECORDED
            .iter()
            .find(|(theirs, _)| *theirs == provider)
            .map_or(provider, |(_, upstream_profile)| upstream_profile);
        let (Ok(upstream_profile), Some(200)) = (profile(name), recording["response"]["status"].as_u64())
        else {
            continue;
        };
        let body = match &recording["request"]["body"] {
            Value::String(text) => text.clone(),
            body @ Value::Object(_) => body.to_string(),
            _ => continue,
        };
        let losses: Vec<_> = sent(&upstream_profile, body.as_bytes())
            .into_iter()
            // A temperature of 1 is the default of such models.
            .filter(|loss| !(loss.path == "temperature" && body.contains(r#""temperature":1"#)))
            .collect();
        assert!(losses.is_empty(), "{name}: {losses:?} of {}", recording["path"]);
        judged += 1;
    }
    assert!(judged > 1500, "{judged}");
}

/// Returns the losses of a request for an upstream.
fn sent(upstream_profile: &Profile, body: &[u8]) -> Vec<Diagnostic> {
    let conversion = convert(&ConversionInput::request(chat(), body).profile(upstream_profile.clone()));
    conversion.diagnostics.iter().filter(|d| d.severity() >= Severity::Warning).cloned().collect()
}

/// Model names of the vendors.
const MODELS: [(&str, &[&str]); 27] = [
    ("anthropic", &CLAUDE),
    ("compatible", &CLAUDE),
    ("gemini", &["gemini-3-pro-preview", "imagen-4.0-generate-001"]),
    ("gemini-openai", &["gemini-3-pro-preview"]),
    ("openai", &OPENAI),
    ("azure", &OPENAI),
    ("azure-deployments", &OPENAI),
    ("mistral", &["devstral-medium-latest", "mistral-medium-latest"]),
    ("anthropic-openai", &CLAUDE),
    ("openai-responses", &OPENAI),
    ("bedrock-openai", &BEDROCK),
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

const OPENAI: [&str; 30] = [
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
    "gpt-5.3",
    "gpt-5.5",
    "gpt-5.6",
    "gpt-5.1-chat-latest",
    "gpt-5-codex",
    "gpt-6-astra",
    "gpt-4o",
    "gpt-4.1",
];

const GITHUB: [&str; 22] = [
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
    "openai/gpt-5.3",
    "openai/gpt-5.5",
    "openai/gpt-5.6",
    "openai/gpt-5.1-chat-latest",
    "openai/gpt-5-codex",
    "openai/gpt-6-astra",
];

const CLAUDE: [&str; 29] = [
    "claude-3-7-sonnet-20250219",
    "claude-opus-4-0",
    "claude-opus-4-1-20250805",
    "claude-opus-4-5-20251101",
    "claude-opus-4-20250514",
    "claude-sonnet-4-0",
    "anthropic/claude-sonnet-4-5",
    "claude-sonnet-4-20250514",
    "claude-haiku-4-5",
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-sonnet-4-6-20260101",
    "anthropic/claude-opus-4.5",
    "anthropic/claude-sonnet-4.5",
    "anthropic/claude-haiku-4.5",
    "anthropic/claude-opus-4.6",
    "anthropic/claude-sonnet-4.6",
    "anthropic/claude-opus-4.7",
    "anthropic/claude-opus-4.8",
    "claude-opus-5",
    "claude-opus-5-5",
    "claude-sonnet-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-1",
    "claude-fable-5-2",
    "claude-mythos-5-1",
    "claude-mythos-5-2",
];

/// Names of models at Amazon.
const BEDROCK: [&str; 25] = [
    "us.anthropic.claude-opus-4-1-20250805-v1:0",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "us.anthropic.claude-opus-4-5-20251101-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-opus-4.5",
    "anthropic.claude-sonnet-4.5",
    "anthropic.claude-haiku-4.5",
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-opus-4.6",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-sonnet-4.6",
    "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4.7",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-opus-4.8",
    "anthropic.claude-opus-5-5",
    "anthropic.claude-sonnet-5-5",
    "anthropic.claude-haiku-5-5",
    "anthropic.claude-fable-5-1",
    "anthropic.claude-fable-5-2",
    "anthropic.claude-mythos-5-1",
    "anthropic.claude-mythos-5-2",
    "xai.grok-4.6",
    "xai.grok-4-6-v1",
];

/// Model names that only rules about reasoning tell apart.
const REASONING_MODELS: [(&str, &[&str]); 17] = [
    ("anthropic", &THINKING_CLAUDE),
    ("gemini", &THINKING_GEMINI),
    ("gemini-openai", &THINKING_GEMINI),
    ("vertex-openai", &THINKING_GEMINI),
    ("openai", &REASONING_OPENAI),
    ("openai-responses", &REASONING_OPENAI),
    ("azure", &REASONING_OPENAI),
    ("azure-deployments", &REASONING_OPENAI),
    ("github-models", &REASONING_GITHUB),
    ("mistral", &["mistral-medium-3.5", "mistral-small-4", "mistral-large-4"]),
    ("xai", &["grok-4.5", "grok-4.6", "grok-4.7"]),
    ("moonshot", &["kimi-k2.7"]),
    ("zai", &["glm-5.3"]),
    ("groq", &["qwen/qwen3-32b", "qwen/qwen3.8-27b"]),
    ("cerebras", &["gpt-oss-120b", "kimi-k3", "zai-glm-5.3"]),
    ("bedrock-openai", &["openai.gpt-oss-120b-1:0"]),
    ("openrouter", &MANDATORY),
];

/// Models of OpenRouter's that cannot stop reasoning.
const MANDATORY: [&str; 9] = [
    "openai/o1",
    "openai/o3-mini",
    "openai/o4-mini",
    "openai/gpt-oss-120b",
    "perplexity/sonar-reasoning-pro",
    "x-ai/grok-build-0.1",
    "z-ai/glm-5.3",
    "qwen/qwen3.8-max",
    "google/gemini-2.5-pro",
];

const THINKING_CLAUDE: [&str; 23] = [
    "claude-opus-4",
    "anthropic/claude-opus-4.1",
    "anthropic/claude-opus-4.5",
    "claude-sonnet-4",
    "anthropic/claude-sonnet-4.5",
    "claude-opus-4-6",
    "anthropic/claude-opus-4.6",
    "claude-sonnet-4-6",
    "anthropic/claude-sonnet-4.6",
    "claude-opus-4-7",
    "anthropic/claude-opus-4.7",
    "claude-opus-4-8",
    "anthropic/claude-opus-4.8",
    "claude-sonnet-5",
    "claude-haiku-5-5",
    "anthropic/claude-haiku-5.5",
    "claude-sonnet-5-5",
    "anthropic/claude-sonnet-5.5",
    "claude-fable-5-1",
    "claude-mythos-5",
    "claude-opus-5-5",
    "anthropic/claude-opus-5.5",
    "claude-mythos-preview",
];

const THINKING_GEMINI: [&str; 13] = [
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-flash-image",
    "gemini-3.1-pro-preview",
    "gemini-3-flash-preview",
    "gemini-3.1-flash-lite",
    "gemini-3.1-flash-image",
    "gemini-3.1-flash-lite-image",
    "gemini-3.5-flash",
    "gemini-3.7-flash",
    "gemini-3.8-flash",
    "gemini-4-argon",
];

const REASONING_OPENAI: [&str; 15] = [
    "gpt-3.5-turbo",
    "gpt-4.1",
    "chatgpt-4o-latest",
    "gpt-5-codex",
    "gpt-5.2-pro",
    "gpt-5.3-codex",
    "gpt-5.4",
    "gpt-5.4-chat-latest",
    "gpt-5.5",
    "gpt-5.6",
    "gpt-6-astra",
    "gpt-6-sol",
    "gpt-6-luna",
    "gpt-6.1-terra",
    "gpt-5-chat-latest",
];

const REASONING_GITHUB: [&str; 15] = [
    "openai/gpt-3.5-turbo",
    "openai/gpt-4.1",
    "openai/chatgpt-4o-latest",
    "openai/gpt-5-codex",
    "openai/gpt-5.2-pro",
    "openai/gpt-5.3-codex",
    "openai/gpt-5.4",
    "openai/gpt-5.4-chat-latest",
    "openai/gpt-5.5",
    "openai/gpt-5.6",
    "openai/gpt-6-astra",
    "openai/gpt-6-sol",
    "openai/gpt-6-luna",
    "openai/gpt-6.1-terra",
    "openai/gpt-5-chat-latest",
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
    for upstream_profile in
        profiles().iter().filter(|upstream_profile| !upstream_profile.model_overrides.is_empty())
    {
        let listed = MODELS.iter().chain(&REASONING_MODELS);
        let known = listed.filter(|(name, _)| *name == upstream_profile.name);
        let models: Vec<&str> = known.flat_map(|(_, models)| models.iter().copied()).collect();
        assert!(!models.is_empty(), "{} needs names of models", upstream_profile.name);
        for rules in &upstream_profile.model_overrides {
            for name in &rules.matches {
                let mut probe = upstream_profile.clone();
                let mut only = rules.clone();
                (only.matches, only.params.drop) = (vec![name.clone()], Some(vec!["probe".to_owned()]));
                probe.model_overrides = vec![only];
                let fits =
                    |model: &&str| for_model(&probe, model).accepts.params.drop.contains(&"probe".to_owned());
                assert!(models.iter().any(fits), "{}: {name}", upstream_profile.name);
            }
        }
    }
}

/// A rule of a profile for a model.
type Fact = (&'static str, &'static str, fn(&ModelProfile) -> bool);

/// A profile for one model, and what it accepts in its own dialect.
struct ModelProfile {
    profile: Profile,
    accepts: Accepts,
}

fn for_model(profile: &Profile, model: &str) -> ModelProfile {
    let profile = profile.for_model(model).into_owned();
    let accepts = profile.accepts(dialect(&profile.dialect).unwrap().accepts());
    ModelProfile { profile, accepts }
}

fn drops(row: &ModelProfile, param: &str) -> bool {
    row.accepts.params.drop.iter().any(|name| name == param)
}

fn renames(row: &ModelProfile, from: &str, to: &str) -> bool {
    row.accepts.params.rename.get(from).is_some_and(|name| name == to)
}

fn role(row: &ModelProfile, from: &str) -> Option<String> {
    row.accepts.messages.roles.get(from).cloned()
}

const FACTS: [Fact; 56] = [
    ("openai", "gpt-4o", |row| {
        row.accepts.params.rename.is_empty()
            && !drops(row, "temperature")
            && drops(row, "top_k")
            && row.accepts.messages.roles.is_empty()
    }),
    ("openai", "gpt-4o", |row| row.accepts.messages.tool_call_ids == ToolCallIdFormat::Max40),
    ("openai", "gpt-5-nano", |row| renames(row, "max_tokens", "max_completion_tokens")),
    ("openai", "gpt-5-nano", |row| {
        drops(row, "temperature") && row.accepts.params.max_stop_sequences == Some(0)
    }),
    ("openai", "gpt-5-nano", |row| row.accepts.reasoning.efforts == ["minimal", "low", "medium", "high"]),
    ("openai", "gpt-5.1", |row| {
        !drops(row, "temperature") && !row.accepts.reasoning.efforts.contains(&"minimal".into())
    }),
    ("openai", "gpt-5-chat-latest", |row| {
        !drops(row, "temperature") && row.accepts.reasoning.efforts.is_empty()
    }),
    ("openai", "gpt-5.5", |row| row.accepts.params.max_stop_sequences == Some(4)),
    ("mistral", "devstral-medium-latest", |row| row.accepts.messages.assistant_after_tool),
    ("ollama", "llama3.2", |row| {
        row.accepts.tools.required_choice == ToolChoiceSupport::Auto && !drops(row, "n")
    }),
    ("openai", "o3-mini", |row| {
        drops(row, "parallel_tool_calls") && row.accepts.params.max_stop_sequences == Some(4)
    }),
    ("openai", "o1-mini", |row| role(row, "system").as_deref() == Some("user")),
    ("compatible", "any", |row| role(row, "developer").as_deref() == Some("system") && !drops(row, "n")),
    ("azure", "gpt-5", |row| {
        row.profile.auth.header == "api-key" && row.profile.auth.prefix.is_empty() && drops(row, "top_p")
    }),
    ("azure-deployments", "gpt-4o", |row| {
        row.profile.paths.generate.contains("{model}")
            && row.profile.paths.query_params.contains_key("api-version")
    }),
    ("github-models", "openai/o3", |row| drops(row, "temperature") && !row.profile.has_model_list),
    ("github-copilot", "gpt-5-mini", |row| !drops(row, "temperature")),
    ("anthropic-openai", "claude-3-5-haiku-latest", |row| {
        row.accepts.messages.prefill == PrefillPolicy::Keep
    }),
    ("anthropic-openai", "claude-opus-4-6", |row| {
        row.accepts.messages.prefill == PrefillPolicy::Continue && row.accepts.tools.declare_from_history
    }),
    ("anthropic-openai", "claude-opus-4-6", |row| row.accepts.params.clamp["temperature"][1] < 1.1),
    ("gemini-openai", "gemini-3-flash", |row| drops(row, "frequency_penalty") && !drops(row, "temperature")),
    ("mistral", "mistral-small-latest", |row| {
        renames(row, "max_completion_tokens", "max_tokens") && renames(row, "seed", "random_seed")
    }),
    ("mistral", "mistral-small-latest", |row| {
        row.accepts.messages.tool_call_ids == ToolCallIdFormat::Alnum9 && !row.accepts.stream.accepts_options
    }),
    ("mistral", "mistral-small-latest", |row| row.accepts.tools.required_choice == ToolChoiceSupport::Native),
    ("mistral", "mistral-small-latest", |row| {
        !row.accepts.messages.assistant_after_tool && !row.accepts.tools.drop_strict
    }),
    ("mistral", "mistral-small-latest", |row| {
        row.accepts.messages.name_field == MessageNamePolicy::Tool
            && row.accepts.messages.prefill == PrefillPolicy::Prefix
    }),
    ("deepseek", "deepseek-v4-pro", |row| {
        row.accepts.response_format.json_schema == ResponseFormatSupport::JsonObject
    }),
    ("deepseek", "deepseek-v4-pro", |row| {
        row.accepts.messages.reasoning_history == ReasoningHistory::Restore
    }),
    ("deepseek", "deepseek-v4-flash", |row| row.accepts.messages.input_modalities.as_deref() == Some(&[])),
    ("deepseek", "deepseek-v4-flash-vision-exp", |row| row.accepts.messages.input_modalities.is_none()),
    ("deepseek", "deepseek-v4-pro", |row| row.accepts.tools.required_choice == ToolChoiceSupport::Native),
    ("deepseek", "deepseek-reasoner", |row| row.accepts.tools.named_choice == ToolChoiceSupport::Auto),
    ("xai", "grok-4.5", |row| {
        drops(row, "presence_penalty") && row.accepts.reasoning.param == ReasoningParam::ReasoningEffort
    }),
    ("xai", "grok-4-0709", |row| row.accepts.reasoning.param == ReasoningParam::Unsupported),
    ("xai", "grok-3", |row| {
        row.accepts.params.drop.is_empty() && row.accepts.messages.name_field == MessageNamePolicy::Drop
    }),
    ("perplexity", "sonar", |row| {
        row.accepts.messages.merge_same_role
            && row.accepts.response_format.json_object == ResponseFormatSupport::JsonSchema
    }),
    ("moonshot", "moonshot-v1-8k", |row| !drops(row, "temperature") && row.accepts.params.rename.is_empty()),
    ("moonshot", "kimi-k2.6", |row| {
        drops(row, "temperature") && row.accepts.reasoning.param == ReasoningParam::Thinking
    }),
    ("moonshot", "kimi-k3", |row| {
        row.accepts.tools.required_choice == ToolChoiceSupport::Native
            && row.accepts.tools.named_choice == ToolChoiceSupport::Required
    }),
    ("zai", "glm-4.6", |row| {
        row.accepts.reasoning.param == ReasoningParam::Thinking
            && row.accepts.tools.required_choice == ToolChoiceSupport::Auto
    }),
    ("zai", "glm-5.2", |row| {
        row.accepts.reasoning.param == ReasoningParam::Thinking
            && row.accepts.reasoning.efforts.contains(&String::from("xhigh"))
            && row.accepts.params.max_stop_sequences == Some(1)
    }),
    ("dashscope", "qwen3-32b", |row| row.accepts.stream.required),
    ("dashscope", "qwen-plus", |row| {
        !row.accepts.stream.required && row.accepts.reasoning.param == ReasoningParam::EnableThinking
    }),
    ("groq", "openai/gpt-oss-20b", |row| {
        row.accepts.params.max_choices == Some(1)
            && drops(row, "logprobs")
            && row.accepts.response_format.disable_streaming
    }),
    ("groq", "openai/gpt-oss-20b", |row| {
        row.accepts.response_format.json_schema == ResponseFormatSupport::Native
    }),
    ("groq", "llama-3.3-70b-versatile", |row| {
        row.accepts.response_format.json_schema == ResponseFormatSupport::JsonObject
    }),
    ("groq", "llama-3.3-70b-versatile", |row| {
        row.accepts.messages.reasoning_history == ReasoningHistory::Drop && role(row, "developer").is_none()
    }),
    ("cerebras", "gpt-oss-120b", |row| {
        row.accepts.params.drop.is_empty()
            && row.accepts.tools == for_model(&profile("compatible").unwrap(), "any").accepts.tools
    }),
    ("sambanova", "DeepSeek-V3.1", |row| {
        row.accepts.messages.content == ContentType::String && row.accepts.tools.drop_strict
    }),
    ("openrouter", "openai/o3", |row| {
        row.accepts.reasoning.param == ReasoningParam::Reasoning
            && row.profile.params == ParamLayer::default()
    }),
    ("portkey", "gpt-4o", |row| row.profile.auth.header == "x-portkey-api-key"),
    ("lm-studio", "any", |row| {
        row.accepts.response_format.json_object == ResponseFormatSupport::JsonSchema
            && row.accepts.tools.named_choice == ToolChoiceSupport::Required
    }),
    ("ollama", "llama3.2", |row| {
        row.accepts.params.max_choices == Some(1)
            && row.accepts.messages.tool_call_content == ToolCallContent::Empty
    }),
    ("litserve", "any", |row| {
        row.accepts.tools.required_choice == ToolChoiceSupport::Any && !row.profile.has_model_list
    }),
    ("vllm", "Qwen/Qwen3-8B", |row| {
        row.accepts.reasoning.param == ReasoningParam::ChatTemplateKwargs
            && row.profile.params == ParamLayer::default()
    }),
    ("vllm", "google/gemma-2-9b-it", |row| {
        role(row, "system").as_deref() == Some("user") && row.accepts.messages.merge_same_role
    }),
];

#[test]
fn profiles_satisfy_their_upstreams() {
    for (i, (name, model, holds)) in FACTS.iter().enumerate() {
        let upstream_profile = profile(name).unwrap();
        assert!(holds(&for_model(&upstream_profile, model)), "fact {i}: {name}, {model}");
    }
    // No built-in profile changes the text of responses.
    // The vendors whose models have a place of their own for reasoning send no tags.
    let has_own_place = |row: &Profile| ["anthropic", "gemini"].contains(&row.name.as_str());
    for row in profiles() {
        let expected = if has_own_place(row) { ReasoningTags::Ignore } else { ReasoningTags::Leading };
        assert_eq!(row.responses.reasoning_tags, expected, "{}", row.name);
    }
}

/// What a person writes about a vendor, in code.
fn acme() -> ProfileLayer {
    ProfileLayer::inherit("vllm")
        .with_name("acme")
        .with_base_url("https://llm.acme.example/api")
        .with_auth(AuthLayer::default().with_header("x-acme-key").with_prefix(""))
        .with_paths(PathsLayer::default().with_generate("/generate").with_query_param("version", "2"))
        .with_params(
            ParamLayer::default()
                .with_drop(["...", "seed"])
                .with_rename("temperature", "heat")
                .with_clamp("top_p", 0.0, 0.9)
                .with_set("safe", true)
                .with_max_choices(1),
        )
        .with_messages(MessageLayer::default().with_role("developer", "system").with_merge_system(true))
        .with_model_override(
            ModelOverride::for_models(["*-mini"])
                .with_params(ParamLayer::default().with_clamp("top_p", 0.0, 0.5).with_max_choices(None)),
        )
}

#[test]
fn vendor_in_code_is_the_vendor_in_toml() {
    let text = r#"
        inherit = "vllm"
        name = "acme"
        base_url = "https://llm.acme.example/api"
        auth = { header = "x-acme-key", prefix = "" }
        paths = { generate = "/generate", query_params = { version = "2" } }
        messages = { roles = { developer = "system" }, merge_system = true }
        [params]
        drop = ["...", "seed"]
        rename = { temperature = "heat" }
        clamp = { top_p = [0.0, 0.9] }
        set = { safe = true }
        max_choices = 1
        [[model_overrides]]
        match = ["*-mini"]
        params = { clamp = { top_p = [0.0, 0.5] }, max_choices = "any" }
    "#;
    let profile = acme().build().unwrap();
    assert_eq!(toml::from_str::<ProfileLayer>(text).unwrap(), acme());
    assert_eq!(toml::from_str::<Profile>(text).unwrap(), profile);
    assert_eq!(Profile::try_from(acme()).unwrap(), profile);
}

#[test]
fn vendor_in_code_changes_what_is_sent() {
    let body = br#"{"model":"m-1","temperature":0.5,"top_p":0.95,"seed":3,"messages":[{"role":"developer","content":"a"},
        {"role":"system","content":"b"},{"role":"user","content":"c"}]}"#;
    let profile = acme().build().unwrap();
    let input = ConversionInput::request(chat(), body).profile(profile.clone());
    let sent: Value = serde_json::from_slice(&convert(&input).body).unwrap();
    assert_eq!((&sent["heat"], &sent["top_p"], &sent["safe"]), (&0.5.into(), &0.9.into(), &true.into()));
    assert!(sent.get("temperature").is_none() && sent.get("seed").is_none());
    assert_eq!(sent["messages"][0]["content"], "a\n\nb");
    assert_eq!(profile.for_model("m-1").accepts(chat().accepts()).params.max_choices, Some(1));
    assert_eq!(profile.for_model("m-mini").accepts(chat().accepts()).params.max_choices, None);
    assert_eq!(profile.paths.generate_url("/chat/completions", "m"), "/generate?version=2");
}

#[test]
fn profile_inherits_all_but_the_hosts_of_a_built_in_one() {
    let groq = profile("groq").unwrap();
    let mine = ProfileLayer::inherit("groq").build().unwrap();
    assert!(mine.hosts.is_empty() && !groq.hosts.is_empty());
    let with_hosts = ProfileLayer::inherit("groq").with_hosts(groq.hosts.clone()).build().unwrap();
    assert_eq!(with_hosts, groq);
    // In code a layer lies over any profile.
    let tuned = mine.overlay(&ProfileLayer::default().with_name("tuned")).unwrap();
    assert_eq!((tuned.name.as_str(), tuned.params), ("tuned", groq.params));
}

#[test]
fn what_cannot_work_is_named_with_its_key_and_what_to_write() {
    let none = ProfileLayer::default;
    let range = |low, high| ParamLayer::default().with_clamp("top_p", low, high);
    let mini = |params| ModelOverride::for_models(["*-mini"]).with_params(params);
    for (layer, message) in vec![
        (
            none().with_dialect("OpenAI_Chat"),
            "dialect: there is no dialect \"OpenAI_Chat\"; write \"openai-chat\" instead",
        ),
        (ProfileLayer::inherit("vlm"), "inherit: there is no profile \"vlm\"; write one of openai,"),
        (none().with_dialect("openai"), "dialect: there is no dialect \"openai\"; write one of openai-chat,"),
        (none().with_extra_dialects(["chat"]), "extra_dialects: there is no dialect \"chat\"; write one of"),
        (
            none().with_base_url("acme.example/v1"),
            "base_url: \"acme.example/v1\" is no URL with http:// or https://; write",
        ),
        (
            none().with_base_url("https://me:sk-1@acme.example"),
            "base_url: a base URL must not hold credentials",
        ),
        (
            none().with_base_url("https://acme.example?v=2"),
            "base_url: a base URL cannot have a query; write \"https://acme.example\"",
        ),
        (
            none().with_auth(AuthLayer::default().with_header("my key")),
            "auth.header: \"my key\" is not the name of a header; write",
        ),
        (
            none().with_auth(AuthLayer::default().with_prefix("Key\n")),
            "auth.prefix: has characters that no header may have; write",
        ),
        (
            none().with_paths(PathsLayer::default().with_generate("generate")),
            "paths.generate: \"generate\" is not a path; write",
        ),
        (
            none().with_params(range(1.0, 0.0)),
            "params.clamp: [1, 0] is not a range of top_p; write the lower number first",
        ),
        (
            none().with_messages(MessageLayer::default().with_role("developer", "boss")),
            "messages.roles: \"boss\" is not a role; write",
        ),
        (
            none().with_model_override(mini(range(1.0, 0.0))),
            "model_overrides[0].params.clamp: [1, 0] is not a range",
        ),
        (none().with_model_override(ModelOverride::default()), "model_overrides[0].match: is empty"),
        (
            none().with_model_override(mini(range(0.0, 1.0)).with_extra_dialects(["chat"])),
            "model_overrides[0].extra_dialects: there is no dialect",
        ),
    ] {
        let error = layer.build().unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        if layer.inherit.is_none() {
            // Overrides are counted from the layer's own first.
            let openai = profile("openai").unwrap();
            assert_eq!(openai.overlay(&layer).unwrap_err(), error);
        }
        let text = toml::to_string(&layer).unwrap();
        let read = toml::from_str::<Profile>(&text).unwrap_err();
        assert!(read.to_string().contains(message), "{read}");
    }
    let twice = profile("groq").unwrap().overlay(&ProfileLayer::inherit("vllm")).unwrap_err();
    assert_eq!(twice.rules()[0].key, "inherit");
}

#[test]
fn every_rule_that_cannot_work_is_named() {
    let paths = PathsLayer::default().with_models("models").with_forward(["files"]);
    let error = ProfileLayer::default().with_paths(paths).with_dialect("x").build().unwrap_err();
    let keys: Vec<&str> = error.rules().iter().map(|rule| rule.key.as_str()).collect();
    assert_eq!(keys, ["paths.models", "paths.forward", "dialect"]);
    assert!(keys.iter().all(|key| error.to_string().contains(key)));
}

#[test]
fn rule_that_makes_an_inherited_override_wrong_is_named_itself() {
    // dashscope requires streams for some models.
    let layer = ProfileLayer::default().with_stream(StreamingLayer::default().with_supported(false));
    let error = profile("dashscope").unwrap().overlay(&layer).unwrap_err();
    assert!(error.rules().iter().all(|rule| rule.key == "stream.required"), "{error}");
    assert!(error.to_string().contains("(for the models "), "{error}");
}

#[test]
fn profile_is_found_by_name_host_and_dialect() {
    assert_eq!("groq".parse::<Profile>().unwrap(), profile("groq").unwrap());
    let error = "grok".parse::<Profile>().unwrap_err().to_string();
    assert!(
        error.starts_with("profile: there is no profile \"grok\"; write one of") && error.contains("groq")
    );
    assert!(Profile::builtin_names().eq(profiles().iter().map(|row| row.name.as_str())));
    assert_eq!(Profile::for_authority("api.groq.com").name, "groq");
    assert_eq!(Profile::for_authority("llm.example.com:8443").name, "compatible");
    assert_eq!(Profile::native("gemini".parse().unwrap()).unwrap().name, "gemini");
}

#[test]
fn profile_survives_toml_and_json_with_rules_that_are_off() {
    let off = ParamLayer::default().with_max_choices(None).with_max_output_tokens(None).with_drop([""; 0]);
    let mut media = MediaLayer::default();
    media.image_details = Some(None);
    let layer = ProfileLayer::inherit("openai").with_params(off).with_media(media);
    let built = layer.build().unwrap();
    for row in profiles().iter().chain([&built, &acme().build().unwrap()]) {
        let text = toml::to_string(row).unwrap();
        assert_eq!(&toml::from_str::<Profile>(&text).unwrap(), row, "{text}");
        let text = serde_json::to_string(row).unwrap();
        assert_eq!(&serde_json::from_str::<Profile>(&text).unwrap(), row, "{text}");
    }
    let text = toml::to_string(&layer).unwrap();
    assert!(text.contains("max_choices = \"any\"") && text.contains("image_details = \"any\""), "{text}");
    assert_eq!(toml::from_str::<ProfileLayer>(&text).unwrap(), layer);
    let error = toml::from_str::<ProfileLayer>("params.max_choices = \"all\"").unwrap_err().to_string();
    assert!(error.contains("a number, or \"any\""), "{error}");
}

#[test]
fn addressed_request_has_an_absolute_url_and_the_key() {
    let request = |path: &str| http::Request::post(path).body(()).unwrap();
    let acme = acme().build().unwrap();
    let sent = acme.address(request("/generate?version=2"), &acme.base_url, Some("sk-1")).unwrap();
    assert_eq!(sent.uri(), "https://llm.acme.example/api/generate?version=2");
    assert_eq!(sent.headers()["x-acme-key"], "sk-1");
    assert!(sent.headers()["x-acme-key"].is_sensitive());
    let openai = profile("openai").unwrap();
    let sent = openai.address(request("/../rerank"), "https://h.example/v1/", Some("sk-1")).unwrap();
    assert_eq!(
        (sent.uri().to_string().as_str(), &sent.headers()["authorization"]),
        ("https://h.example/rerank", &"Bearer sk-1".parse().unwrap())
    );
    let without_key = openai.address(request("/models"), "https://h.example/v1", None).unwrap();
    assert!(without_key.headers().is_empty());
    let error = openai.address(request("/models"), "https://h.example/v1", Some("sk\n1")).unwrap_err();
    assert!(error.to_string().contains("key") && !error.to_string().contains("sk"), "{error}");
}

#[test]
fn stored_adaptations_lie_over_a_profile() {
    let adaptations = [
        Adaptation::RenameParam { from: "max_tokens".into(), to: "max_completion_tokens".into() },
        Adaptation::DropParam("seed".into()),
    ];
    let stored = serde_json::to_string(&adaptations).unwrap();
    let read: Vec<Adaptation> = serde_json::from_str(&stored).unwrap();
    let adapted = profile("vllm").unwrap().with_adaptations(&read).unwrap();
    let params = adapted.accepts(chat().accepts()).params;
    assert!(
        params.drop.contains(&String::from("seed")) && params.rename["max_tokens"] == "max_completion_tokens"
    );
    // Their lines of TOML say the same.
    let text = adaptations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let layer: ProfileLayer = toml::from_str(&text).unwrap();
    assert_eq!(profile("vllm").unwrap().overlay(&layer).unwrap().params, adapted.params);

    let nonsense = [Adaptation::RenameRole { from: "system".into(), to: "boss".into() }];
    let error = profile("vllm").unwrap().with_adaptations(&nonsense).unwrap_err();
    assert_eq!(error.rules()[0].key, "messages.roles");
}
