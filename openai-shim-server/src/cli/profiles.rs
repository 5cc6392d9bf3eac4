//! `openai-shim profiles`: what upstreams are known to accept, and how they deviate.

use openai_shim_core::Profile;
use openai_shim_core::profile::{ModelOverride, profile, profiles};
use std::fmt::Write;
use std::process::ExitCode;
use toml::{Table, Value};

pub(super) fn run(name: Option<&str>) -> ExitCode {
    let text = match name {
        None => list(),
        Some(name) => match profile(name) {
            Ok(row) => one(&row),
            Err(error) => return super::usage(&error.to_string()),
        },
    };
    super::print(&text);
    ExitCode::SUCCESS
}

/// Name, meaning and hosts of every row.
fn list() -> String {
    let width = profiles().iter().map(|row| row.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for row in profiles() {
        let hosts = match row.hosts.as_slice() {
            [] => String::new(),
            hosts => format!(" ({})", hosts.join(", ")),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:width$}  {}{hosts}", row.name, row.description);
    }
    text.push_str("\n`openai-shim profiles NAME` prints one of them as TOML.\n");
    text
}

/// What it is comes first, and is always printed.
const FIRST: [&str; 6] = ["name", "description", "sources", "hosts", "base_url", "dialect"];

/// What a row says beyond the usual, as TOML. The keys are dotted, so that the lines are the same alone and under
/// `[upstream.quirks]`.
///
/// What `compatible` says is printed too: the lines make this row of the one that an unknown server gets.
fn one(row: &Profile) -> String {
    let usual = table(&Profile::default());
    let unknown = profile("compatible").map_or_else(|_| usual.clone(), |row| table(&row));
    let mut entries: Vec<_> = table(row).into_iter().collect();
    let place = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    entries.sort_by_key(|(key, _)| (place(key), key == "model_overrides"));

    let mut text = String::from(
        "# What differs from the usual. Put under [upstream.quirks] what shall hold for your upstream.\n",
    );
    for (key, value) in entries {
        let same = |in_table: &Table| in_table.get(&key) == Some(&value);
        match value {
            _ if FIRST.contains(&key.as_str()) => line(&mut text, &key, &value),
            _ if same(&usual) && same(&unknown) => {}
            Value::Table(sections) => {
                for (inner, value) in sections {
                    let below = |all: &Table| all.get(&key).and_then(|section| section.get(&inner)).cloned();
                    if below(&usual).as_ref() != Some(&value) || below(&unknown).as_ref() != Some(&value) {
                        line(&mut text, &format!("{key}.{inner}"), &value);
                    }
                }
            }
            Value::Array(rules) if key == "model_overrides" => {
                let rules: Vec<_> = rules.iter().map(for_models).collect();
                let _ = writeln!(text, "model_overrides = [\n{}]", rules.concat());
            }
            value => line(&mut text, &key, &value),
        }
    }
    text
}

/// Rules for some models, on one line: which ones, and what they say beyond the usual.
fn for_models(rules: &Value) -> String {
    let usual = table(&ModelOverride::default());
    let mut said = Vec::new();
    for (key, value) in rules.as_table().into_iter().flatten() {
        match value {
            Value::Table(section) => {
                let usual = usual.get(key).and_then(Value::as_table);
                let own =
                    section.iter().filter(|(inner, value)| usual.and_then(|u| u.get(*inner)) != Some(*value));
                said.extend(own.map(|(inner, value)| format!("{key}.{inner} = {value}")));
            }
            value if usual.get(key) == Some(value) => {}
            value => said.insert(0, format!("{key} = {value}")),
        }
    }
    format!("  {{ {} }},\n", said.join(", "))
}

/// One entry; a list that is long has an item a line.
fn line(text: &mut String, key: &str, value: &Value) {
    const WIDE: usize = 100;
    let short = format!("{key} = {value}\n");
    match value.as_array() {
        Some(items) if short.len() > WIDE => {
            let items: Vec<_> = items.iter().map(|item| format!("  {item},\n")).collect();
            let _ = writeln!(text, "{key} = [\n{}]", items.concat());
        }
        _ => text.push_str(&short),
    }
}

fn table(row: &impl serde::Serialize) -> Table {
    Table::try_from(row).unwrap_or_default()
}
