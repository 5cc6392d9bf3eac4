//! `openai-shim profiles`: lists the built-in profiles, or prints one as TOML.

use super::output;
use openai_shim_core::Profile;
use openai_shim_core::profile::{ModelOverride, profile as find_profile, profiles};
use std::fmt::Write;
use std::process::ExitCode;
use toml::{Table, Value};

pub(super) fn run(name: Option<&str>) -> ExitCode {
    let text = match name {
        None => list(),
        Some(name) => match find_profile(name) {
            Ok(profile) => to_toml(&profile),
            Err(error) => return output::usage_error(&error.to_string()),
        },
    };
    output::print(&text);
    ExitCode::SUCCESS
}

/// Name, description and hosts of every profile.
fn list() -> String {
    let width = profiles().iter().map(|profile| profile.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for profile in profiles() {
        let hosts = match profile.hosts.as_slice() {
            [] => String::new(),
            hosts => format!(" ({})", hosts.join(", ")),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:width$}  {}{hosts}", profile.name, profile.description);
    }
    text.push_str("\n`openai-shim profiles NAME` prints one of them as TOML.\n");
    text
}

/// Keys that come first and are always printed.
const IDENTITY_KEYS: [&str; 6] = ["name", "description", "sources", "hosts", "base_url", "dialect"];

/// The entries of a profile that differ from the defaults or from `compatible`, as TOML. The keys are dotted, so that the
/// lines are the same alone and under `[upstream.quirks]`.
///
/// Entries that differ from `compatible` are needed because an unknown server has that profile, to which quirks are applied.
fn to_toml(profile: &Profile) -> String {
    let default = table(&Profile::default());
    let compatible = find_profile("compatible").map_or_else(|_| default.clone(), |found| table(&found));
    let mut entries: Vec<_> = table(profile).into_iter().collect();
    let position =
        |key: &str| IDENTITY_KEYS.iter().position(|identity| *identity == key).unwrap_or(IDENTITY_KEYS.len());
    entries.sort_by_key(|(key, _)| (position(key), key == "model_overrides"));

    let mut text = String::from(
        "# What differs from the usual. Put under [upstream.quirks] what shall hold for your upstream.\n",
    );
    for (key, value) in entries {
        let equals = |other: &Table| other.get(&key) == Some(&value);
        match value {
            _ if IDENTITY_KEYS.contains(&key.as_str()) => write_entry(&mut text, &key, &value),
            _ if equals(&default) && equals(&compatible) => {}
            Value::Table(sections) => {
                for (inner, value) in sections {
                    let value_in =
                        |all: &Table| all.get(&key).and_then(|section| section.get(&inner)).cloned();
                    if value_in(&default).as_ref() != Some(&value)
                        || value_in(&compatible).as_ref() != Some(&value)
                    {
                        write_entry(&mut text, &format!("{key}.{inner}"), &value);
                    }
                }
            }
            Value::Array(rules) if key == "model_overrides" => {
                let rules: Vec<_> = rules.iter().map(model_override).collect();
                let _ = writeln!(text, "model_overrides = [\n{}]", rules.concat());
            }
            value => write_entry(&mut text, &key, &value),
        }
    }
    text
}

/// An override for some models, on one line: which models, and the entries that differ from the defaults.
fn model_override(rules: &Value) -> String {
    let default = table(&ModelOverride::default());
    let mut parts = Vec::new();
    for (key, value) in rules.as_table().into_iter().flatten() {
        match value {
            Value::Table(section) => {
                let default = default.get(key).and_then(Value::as_table);
                let changed = section
                    .iter()
                    .filter(|(inner, value)| default.and_then(|default| default.get(*inner)) != Some(*value));
                parts.extend(changed.map(|(inner, value)| format!("{key}.{inner} = {value}")));
            }
            value if default.get(key) == Some(value) => {}
            value => parts.insert(0, format!("{key} = {value}")),
        }
    }
    format!("  {{ {} }},\n", parts.join(", "))
}

/// Writes one entry; a long list with one item per line.
fn write_entry(text: &mut String, key: &str, value: &Value) {
    const MAX_LINE_BYTES: usize = 100;
    let short = format!("{key} = {value}\n");
    match value.as_array() {
        Some(items) if short.len() > MAX_LINE_BYTES => {
            let items: Vec<_> = items.iter().map(|item| format!("  {item},\n")).collect();
            let _ = writeln!(text, "{key} = [\n{}]", items.concat());
        }
        _ => text.push_str(&short),
    }
}

fn table(profile: &impl serde::Serialize) -> Table {
    Table::try_from(profile).unwrap_or_default()
}
