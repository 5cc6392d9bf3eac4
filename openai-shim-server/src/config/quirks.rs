//! `[upstream.quirks]` to a layer of rules over the profile, checked key by key.

use super::suggest;
use super::toml_tree::Section;
use openai_shim_core::Profile;
use openai_shim_core::profile::ProfileLayer;
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// Where the keys are documented.
const DOCUMENTATION: &str = "docs/quirks.md lists the keys of a profile";

/// Puts the rules of an upstream's `quirks` over a profile.
pub(crate) fn overlay_section(section: &Section<'_>, profile: Profile) -> Profile {
    let Some(value) = section.get("quirks") else { return profile };
    let DeValue::Table(quirks) = value.get_ref() else {
        let what = "must be a section; write [upstream.quirks], and below it what `openai-shim profiles NAME` prints";
        section.fault("quirks", &value.span(), what);
        return profile;
    };
    let mut rules = Vec::new();
    collect_rules(quirks, &mut Vec::new(), &mut rules);
    overlay(section, "quirks.", &rules, &value.span(), profile)
}

/// Puts the rules of a `[[profile]]` section over the profile that it builds on.
pub(crate) fn overlay_profile(section: &Section<'_>, profile: Profile) -> Profile {
    let Some((table, span)) = section.table() else { return profile };
    let mut rules = Vec::new();
    collect_rules(table, &mut Vec::new(), &mut rules);
    rules.retain(|rule| ![["inherit"], ["base"], ["name"]].iter().any(|own| rule.path == *own));
    overlay(section, "", &rules, &span, profile)
}

/// Puts rules over a profile. Every value that is wrong, or that cannot work, is a fault at its key, which `prefix` precedes.
fn overlay(
    section: &Section<'_>,
    prefix: &str,
    rules: &[UserRule],
    span: &Range<usize>,
    profile: Profile,
) -> Profile {
    // Rules are read one at a time: so each fault has a place, and one does not hide the next.
    let mut accepted = Table::new();
    for rule in rules {
        match rule.check() {
            Ok(()) => insert(&mut accepted, &rule.path, rule.value.clone()),
            Err(what) => section.fault(&format!("{prefix}{}", rule.key()), &rule.span, what),
        }
    }
    let layer = match accepted.try_into::<ProfileLayer>() {
        Ok(layer) => layer,
        Err(error) => {
            section.fault(prefix.trim_end_matches('.'), span, explain(error.message()));
            return profile;
        }
    };
    profile.overlay(&layer).unwrap_or_else(|error| {
        for invalid in error.rules() {
            let span = rules.iter().find(|rule| rule.has_key(&invalid.key)).map_or(span, |rule| &rule.span);
            section.fault(&format!("{prefix}{}", invalid.key), span, invalid.problem.clone());
        }
        profile
    })
}

/// One rule of the user's.
struct UserRule {
    /// The keys that lead to it.
    path: Vec<String>,
    value: Value,
    span: Range<usize>,
}

impl UserRule {
    /// The dotted key.
    fn key(&self) -> String {
        self.path.join(".")
    }

    /// Whether the key is this rule's, or one inside its value.
    fn has_key(&self, key: &str) -> bool {
        let own = self.key();
        let is_prefix = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        is_prefix(key, &own) || is_prefix(&own, key)
    }

    /// Checks keys and type. The sections on the way are read first, so that the one that is wrong is named.
    fn check(&self) -> Result<(), String> {
        let read = |path: &[String], value: Value| {
            let mut table = Table::new();
            insert(&mut table, path, value);
            table.try_into::<ProfileLayer>().map_err(|error| explain(error.message()))
        };
        for length in 1..self.path.len() {
            let (section, _) = self.path.split_at(length);
            if let Err(what) = read(section, Value::Table(Table::new())) {
                let name = section.last().map_or("", String::as_str);
                let is_unknown = what.starts_with(NO_SUCH_KEY);
                return Err(if is_unknown {
                    what
                } else {
                    format!("{name} has nothing below it; {DOCUMENTATION}")
                });
            }
        }
        read(&self.path, self.value.clone()).map(|_| ())
    }
}

/// Collects the values of a table that are no tables, or empty ones.
fn collect_rules(table: &DeTable<'_>, path: &mut Vec<String>, rules: &mut Vec<UserRule>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(section) if !section.is_empty() => collect_rules(section, path, rules),
            _ => rules.push(UserRule { path: path.clone(), value: unspanned(value), span: key.span() }),
        }
        path.pop();
    }
}

/// Inserts a value below the sections of its path.
fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => drop(table.insert(key.clone(), value)),
        [section, path @ ..] => {
            let below = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                insert(below, path, value);
            }
        }
    }
}

const NO_SUCH_KEY: &str = "there is no such key";

/// serde's message; for an unknown key with the key that was probably meant.
fn explain(message: &str) -> String {
    let message = message.split('\n').next().unwrap_or(message);
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return format!("{message}; {DOCUMENTATION}");
    };
    let mut quoted = rest.split('`').step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
    match suggest::nearest(unknown, known.iter().copied()) {
        Some(key) => format!("{NO_SUCH_KEY}; write {key} instead"),
        None => format!("{NO_SUCH_KEY}; write one of {}", known.join(", ")),
    }
}

/// A value without the places of its parts. A number that Rust cannot hold stays a text, which no rule accepts.
fn unspanned(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::String(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::String(number.to_string()),
        },
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(items) => Value::Array(items.iter().map(unspanned).collect()),
        DeValue::Table(table) => Value::Table(
            table.iter().map(|(key, value)| (key.get_ref().to_string(), unspanned(value))).collect(),
        ),
    }
}
