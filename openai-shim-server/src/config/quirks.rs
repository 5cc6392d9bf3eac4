//! `[upstream.quirks]`: single entries of a profile's row, replaced by the user's.

use super::suggest;
use super::toml_tree::Section;
use openai_shim_core::Profile;
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// The row with the section's `quirks` put over it.
pub(crate) fn merged(section: &Section<'_>, row: Profile) -> Profile {
    let Some(given) = section.get("quirks") else { return row };
    let DeValue::Table(quirks) = given.get_ref() else {
        let what = "must be a section; write [upstream.quirks], and below it what `openai-shim profiles NAME` prints";
        section.fault("quirks", &given.span(), what);
        return row;
    };
    let mut leaves = Vec::new();
    collect(quirks, &mut Vec::new(), &mut leaves);
    let mut row = row;
    // One at a time: then a fault has a place, and one that is wrong does not hide the next.
    for leaf in leaves {
        match with(&row, &leaf) {
            Ok(changed) => row = changed,
            Err(what) => section.fault(&format!("quirks.{}", leaf.path.join(".")), &leaf.span, what),
        }
    }
    row
}

/// One entry, with the way to it.
struct Leaf {
    path: Vec<String>,
    value: Value,
    span: Range<usize>,
}

fn collect(table: &DeTable<'_>, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(below) if !below.is_empty() => collect(below, path, leaves),
            _ => leaves.push(Leaf { path: path.clone(), value: plain(value), span: key.span() }),
        }
        path.pop();
    }
}

fn with(row: &Profile, leaf: &Leaf) -> Result<Profile, String> {
    let mut root = Table::try_from(row).map_err(|error| error.to_string())?;
    let mut table = &mut root;
    let Some((last, sections)) = leaf.path.split_last() else { return Ok(row.clone()) };
    for section in sections {
        if let Some(Value::Table(_)) | None = table.get(section) {
            let below = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(below) = below else { return Err(format!("{section} has nothing below it")) };
            table = below;
        } else {
            return Err(format!("{section} has nothing below it; {MORE}"));
        }
    }
    // `[upstream.quirks.params]` with nothing below it says nothing; `params.rename = {}` says that nothing is renamed.
    let empty_section = sections.is_empty() && matches!(&leaf.value, Value::Table(below) if below.is_empty());
    match (table.get_mut(last), &leaf.value) {
        // Rules for some models are put over those that the row has.
        (Some(Value::Array(rules)), Value::Array(more)) if sections.is_empty() && last == "models" => {
            rules.extend(more.iter().cloned());
        }
        (Some(_), _) if empty_section => {}
        _ => drop(table.insert(last.clone(), leaf.value.clone())),
    }
    root.try_into().map_err(|error: toml::de::Error| explain(error.message()))
}

const MORE: &str = "docs/quirks.md lists what a row can say";

/// serde's message; for an unknown key with the key that was probably meant.
fn explain(message: &str) -> String {
    let message = message.split('\n').next().unwrap_or(message);
    let Some(rest) = message.strip_prefix("unknown field `") else { return format!("{message}; {MORE}") };
    let mut quoted = rest.split('`').step_by(2);
    let given = quoted.next().unwrap_or_default();
    let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
    match suggest::nearest(given, known.iter().copied()) {
        Some(word) => format!("there is no such key; write {word} instead"),
        None => format!("there is no such key; write one of {}", known.join(", ")),
    }
}

/// A value without its places.
fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::String(number.to_string()),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(items) => Value::Array(items.iter().map(plain).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value))).collect())
        }
    }
}
