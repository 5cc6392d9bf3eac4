//! The generated documentation matches the code. `UPDATE_DOCS=1` writes it.
#![allow(clippy::disallowed_methods)] // the ban is for core itself: tests read files

mod common;

use common::answer::converted;
use common::profile_description::{about, about_models, section};
use common::profile_keys;
use common::route_description::table as routes;
use openai_shim_core::accepts::{Accepts, AcceptsLayer};
use openai_shim_core::canonical::{DiagnosticCode, FINISH_REASONS, FinishMeaning};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::profile::{ModelOverride, profiles};
use openai_shim_core::{PayloadKind, Profile};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn is_current(name: &str, text: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/{name} is not what the code says: run UPDATE_DOCS=1 cargo test -p openai-shim-core --test docs"
    );
}

#[test]
fn every_diagnostic_code_is_documented() {
    let mut text = String::from(
        "# Diagnostics\n\n\
         Generated from the table in `openai-shim-core/src/canonical/diagnostic.rs`.\n\n\
         Everything that is changed, dropped, filled in or found wrong is reported under one of these codes: in the response\n\
         header `x-openai-shim-diagnostics` (as far as it is known when the head goes out), in the log line, in the metric\n\
         `openai_shim_diagnostics_total{code=…}`, by `openai-shim convert`, and in the `Report` of the library. A diagnostic\n\
         has a path into the payload and says how often it occurred; it never holds message content. Codes are stable.\n\n\
         *info*: the form was repaired, the meaning is unchanged. *warning*: something was filled in, dropped or\n\
         downgraded. *error*: something of the answer is missing or wrong.\n\n\
         | code | severity | meaning |\n|---|---|---|\n",
    );
    for code in DiagnosticCode::ALL {
        writeln!(text, "| `{code}` | {} | {} |", code.severity().as_str(), code.meaning()).unwrap();
    }
    is_current("diagnostics.md", &text);
}

/// The lines between which a table of `docs/operations.md` is generated.
const ROUTES: [&str; 2] = ["<!-- generated: routes -->\n", "<!-- end of generated: routes -->\n"];

#[test]
fn every_route_is_documented() {
    let text = std::fs::read_to_string(docs("operations.md")).unwrap();
    let (before, rest) = text.split_once(ROUTES[0]).unwrap();
    let (_, after) = rest.split_once(ROUTES[1]).unwrap();
    is_current("operations.md", &[before, ROUTES[0], "\n", &routes(), "\n", ROUTES[1], after].concat());
}

/// What a client of a dialect receives for a whole answer of a chat server that ends with this reason.
fn received(reason: &str, meaning: FinishMeaning, client: Dialect) -> String {
    let message = match meaning {
        FinishMeaning::ToolCalls => {
            r#""content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]"#
        }
        _ => r#""content":"text""#,
    };
    let body = format!(
        r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant",{message}}},"finish_reason":"{reason}"}}]}}"#
    );
    let conversion = converted("openai-chat", client.name(), PayloadKind::Response, &body, None);
    if !conversion.ok {
        return String::from("an error");
    }
    let answer: Value = serde_json::from_slice(&conversion.body).unwrap();
    let places =
        ["/choices/0/finish_reason", "/stop_reason", "/candidates/0/finishReason", "/done_reason", "/status"];
    let end = places.iter().find_map(|place| answer.pointer(place)?.as_str()).unwrap_or_default();
    match answer.pointer("/incomplete_details/reason").and_then(Value::as_str) {
        Some(detail) => format!("`{end}` (`{detail}`)"),
        None => format!("`{end}`"),
    }
}

#[test]
fn every_finish_reason_is_documented() {
    let clients = DIALECTS.iter().filter(|dialect| dialect.name() != "ollama-generate");
    let clients: Vec<Dialect> = clients.copied().collect();
    let mut text = String::from(
        "# Finish reasons\n\n\
         Generated from the table in `openai-shim-core/src/canonical/finish_reasons.rs`.\n\n\
         The words by which APIs say why an answer ended, what each means, and what a client of each dialect receives for it\n\
         when the upstream's dialect is another one, or OpenAI's. Case does not matter, and gateways send the words of one API\n\
         in the form of another, so every word is read everywhere.\n\n\
         *Interrupted* and *failed* are never told as success: a stream ends with an error behind its text, a whole answer is an\n\
         error with status 502, and both name the word. A client of Gemini's dialect in front of a Gemini upstream gets the\n\
         upstream's own words. A word that is in no table means *unknown*: it passes where a dialect allows any word, becomes\n\
         that for an answer that is not complete elsewhere, and causes the diagnostic `finish-reason-unknown`. A reason that\n\
         promises tool calls when none came is an error where the client offers tools (`tool-calls-missing`).\n",
    );
    for api in FINISH_REASONS {
        writeln!(text, "\n## {}\n\n<{}>\n", api.api, api.source).unwrap();
        let names: Vec<_> = clients.iter().map(|dialect| dialect.name()).collect();
        writeln!(text, "| reason | means | {} |", names.join(" | ")).unwrap();
        writeln!(text, "|---|---{}|", "|---".repeat(names.len())).unwrap();
        for (reason, meaning) in api.reasons {
            let received: Vec<_> = clients.iter().map(|client| received(reason, *meaning, *client)).collect();
            writeln!(text, "| `{reason}` | {} | {} |", meaning.as_str(), received.join(" | ")).unwrap();
        }
    }
    is_current("finish-reasons.md", &text);
}

#[test]
fn every_recipe_is_in_the_cookbook() {
    let cookbook = std::fs::read_to_string(docs("cookbook.md")).unwrap();
    let recipes = std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let names = recipes.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for recipe in names.filter(|name| !name.starts_with('.')) {
        if let Some(name) = recipe.strip_suffix(".rs").filter(|name| *name != "wasm") {
            assert!(cookbook.contains(&format!("`cargo run --example {name}`")), "{name}");
        }
        let is_data = ["cassettes", "snapshots", "support"].contains(&recipe.as_str());
        assert!(
            is_data || cookbook.contains(&format!("(../openai-shim-core/examples/{recipe})")),
            "{recipe}"
        );
    }
}

#[test]
fn codes_are_kebab_case_and_unique() {
    let mut names: Vec<_> = DiagnosticCode::ALL.iter().map(|c| c.as_str()).collect();
    assert!(names.iter().all(|n| n.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn every_upstream_is_documented() {
    let mut text = String::from(INTRODUCTION);
    for upstream_profile in profiles() {
        let url = if upstream_profile.base_url.is_empty() {
            String::new()
        } else {
            format!("`{}`", upstream_profile.base_url)
        };
        writeln!(
            text,
            "| [{}](#{}) | {} | {url} |",
            upstream_profile.name, upstream_profile.name, upstream_profile.description
        )
        .unwrap();
    }
    text.push_str(ENTRIES);
    text.push_str(&profile_keys::table());
    for upstream_profile in profiles() {
        write!(text, "\n{}", section(upstream_profile)).unwrap();
    }
    is_current("quirks.md", &text);
}

const INTRODUCTION: &str = "\
# Upstreams and their quirks

Generated from the built-in profiles in `openai-shim-core/src/profile/table/`.

A profile describes what one upstream accepts and how it deviates from OpenAI's API. Requests are changed until the upstream
accepts them, responses until the client does, and every change is reported under one of the codes in
[diagnostics.md](diagnostics.md).
A profile is selected by the host of `base_url`, or by `profile = \"name\"`. A server that no profile matches gets `compatible`.
What a profile lacks is derived from the upstream's errors.
To change single rules for one upstream, write them below its section in the configuration:

```toml
[upstream.quirks]
params.drop = [\"...\", \"user\"]
messages.content = \"string\"
```

`openai-shim profiles NAME` prints a profile with the same keys. The marks in brackets (`R19`) refer to the list of quirks
beside the recordings; `corpus:` names recordings.

| name | what it is | usual base URL |
|---|---|---|
";

const ENTRIES: &str = "
## Keys of a profile

Rules are set in layers: the defaults, the profile, `[upstream.quirks]`, and then the overrides for the model, first the
profile's and then those of `[upstream.quirks]`. A layer replaces what the layer below sets, so that it can switch a rule off
as well as on: `false`, `[]` or the default keyword, which is the first one listed. In a list, `\"...\"` stands for the list of
the layer below. Entries of a map are added to those below, and `{}` removes them all. `model_overrides` is a list of layers
for some models: each has `match`, a list of names in which `*` stands for any characters, and keys from `params` to
`responses`; those of `[upstream.quirks]` are added after the profile's own.

";

/// Every rule that differs from the default has a line in the profile's section.
#[test]
fn every_rule_of_a_profile_is_documented() {
    let (row_usual, rules_usual) = (json(&Profile::default()), json(&ModelOverride::default()));
    for upstream_profile in profiles() {
        for without in each_entry_less(
            &json(upstream_profile),
            &row_usual,
            &["description", "base_url", "dialect", "hosts", "name", "sources"],
        ) {
            let less: Profile = serde_json::from_value(without.clone()).unwrap();
            let defaults = AcceptsLayer::default();
            let is_default = less.accepts(&defaults) == upstream_profile.accepts(&defaults)
                && without_rules(&without) == without_rules(&json(upstream_profile));
            if is_default {
                continue;
            }
            let is_documented = about(&less).len() < about(upstream_profile).len()
                || less.model_overrides != upstream_profile.model_overrides;
            assert!(is_documented, "{}: {without}", upstream_profile.name);
        }
        for rules in &upstream_profile.model_overrides {
            for without in each_entry_less(&json(rules), &rules_usual, &["match"]) {
                let less: ModelOverride = serde_json::from_value(without.clone()).unwrap();
                // A rule's default only switches the rule of a lower layer off.
                if accepts(&less) == accepts(rules) {
                    continue;
                }
                assert!(
                    about_models(&less).len() < about_models(rules).len(),
                    "{}: {without}",
                    upstream_profile.name
                );
            }
        }
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// Returns, for every entry that differs from the default, the profile with this entry reset.
fn each_entry_less(value: &Value, usual: &Value, free: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    let entries = value.as_object().unwrap().iter().filter(|(key, _)| !free.contains(&key.as_str()));
    for (key, entry) in entries.filter(|(key, entry)| usual[key.as_str()] != **entry) {
        let inner = entry.as_object().filter(|_| key != "auth");
        for below in inner.map_or(vec![None], |inner| inner.keys().map(Some).collect()) {
            let mut less = value.clone();
            match below {
                None => set(&mut less, key, usual.get(key)),
                Some(below) if usual[key][below] == entry[below] => continue,
                Some(below) => set(&mut less[key], below, usual[key].get(below)),
            }
            all.push(less);
        }
    }
    all
}

/// A profile's JSON without its rules for requests.
fn without_rules(profile: &Value) -> Value {
    let mut profile = profile.clone();
    for section in [
        "params",
        "messages",
        "media",
        "tools",
        "response_format",
        "reasoning",
        "stream",
        "embeddings",
        "rerank",
        "speech",
        "transcription",
        "images",
    ] {
        profile.as_object_mut().unwrap().remove(section);
    }
    profile
}

/// What an override makes of the default rules.
fn accepts(rules: &ModelOverride) -> Accepts {
    let (mut profile, mut rules) = (Profile::default(), rules.clone());
    rules.matches = vec!["*".to_owned()];
    profile.model_overrides = vec![rules];
    profile.for_model("any").accepts(&AcceptsLayer::default())
}

/// Sets an entry, or removes it where there is no value.
fn set(object: &mut Value, key: &str, value: Option<&Value>) {
    match value {
        Some(value) => object[key] = value.clone(),
        None => drop(object.as_object_mut().unwrap().remove(key)),
    }
}
