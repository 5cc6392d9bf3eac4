//! The built-in rows. Adding an upstream is one row.

use super::{Messages, ModelRules, Params, Profile, Streaming};
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) fn rows() -> &'static [Profile] {
    static ROWS: LazyLock<Vec<Profile>> = LazyLock::new(table);
    &ROWS
}

fn table() -> Vec<Profile> {
    vec![
        Profile {
            about: text("OpenAI's own API"),
            sources: list(&["https://platform.openai.com/docs/api-reference/chat"]),
            hosts: list(&["api.openai.com"]),
            base_url: text("https://api.openai.com/v1"),
            models: vec![ModelRules {
                names: list(&["o1*", "o3*", "o4*", "gpt-5*"]),
                params: Params {
                    rename: map(&[("max_tokens", "max_completion_tokens")]),
                    drop: list(&["temperature", "top_p", "frequency_penalty", "presence_penalty"]),
                    ..Params::default()
                },
                ..ModelRules::default()
            }],
            ..row("openai")
        },
        Profile {
            about: text("any server that is nearly OpenAI: lenient, nothing assumed"),
            messages: Messages { roles: map(&[("developer", "system")]), ..Messages::default() },
            ..row("compatible")
        },
        Profile {
            about: text("Lemonfox"),
            sources: list(&["https://www.lemonfox.ai/apis/chat"]),
            hosts: list(&["api.lemonfox.ai"]),
            params: Params {
                rename: map(&[("max_completion_tokens", "max_tokens")]),
                wants_max_tokens: true,
                ..Params::default()
            },
            messages: Messages {
                roles: map(&[("developer", "system")]),
                flatten_text: true,
                ..Messages::default()
            },
            ..row("lemonfox")
        },
        Profile {
            about: text("dasllama-server"),
            params: Params { rename: map(&[("max_completion_tokens", "max_tokens")]), ..Params::default() },
            messages: Messages { roles: map(&[("developer", "system")]), ..Messages::default() },
            ..row("dasllama")
        },
        Profile {
            about: text("llama.cpp's llama-server"),
            sources: list(&["https://github.com/ggml-org/llama.cpp/tree/master/tools/server"]),
            messages: Messages {
                roles: map(&[("developer", "system")]),
                single_system: true,
                ..Messages::default()
            },
            ..row("llama-cpp")
        },
        Profile {
            about: text("vLLM"),
            sources: list(&["https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"]),
            messages: Messages { roles: map(&[("developer", "system")]), ..Messages::default() },
            ..row("vllm")
        },
        Profile {
            about: text("Ollama's /v1"),
            sources: list(&["https://docs.ollama.com/api/openai-compatibility"]),
            hosts: list(&[":11434"]),
            params: Params {
                rename: map(&[("max_completion_tokens", "max_tokens")]),
                drop: list(&["logit_bias", "user", "n"]),
                ..Params::default()
            },
            messages: Messages {
                roles: map(&[("developer", "system")]),
                empty_content: true,
                ..Messages::default()
            },
            ..row("ollama")
        },
        Profile {
            about: text("transformers serve"),
            sources: list(&["https://huggingface.co/docs/transformers/serving"]),
            params: Params { rename: map(&[("max_completion_tokens", "max_tokens")]), ..Params::default() },
            messages: Messages { roles: map(&[("developer", "system")]), ..Messages::default() },
            stream: Streaming { options: false, ..Streaming::default() },
            ..row("transformers-serve")
        },
    ]
}

/// A row that assumes nothing.
fn row(name: &str) -> Profile {
    Profile { name: text(name), ..Profile::default() }
}

fn text(s: &str) -> String {
    s.to_owned()
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| text(s)).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (text(k), text(v))).collect()
}
