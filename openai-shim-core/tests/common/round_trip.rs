//! Compares a dialect's JSON before and after a round trip through the canonical model: equal, except for the differences that
//! `docs/losses.toml` lists.

use super::losses::{Direction, RoundTrip, losses};
use serde_json::{Value, json};

/// The differences that one dialect's round trips may have, and which of them occurred.
pub struct Trip {
    allowed: Vec<Allowed>,
    compared: usize,
}

/// An equivalence at one path, and how often it was needed.
struct Allowed {
    path: String,
    same: Value,
    used: usize,
}

/// The path of a value.
type Place = Vec<String>;

impl Trip {
    pub fn of(dialect: &str, direction: Direction) -> Self {
        let all = losses().round_trip.into_iter();
        let own = all.filter(|entry| {
            entry.direction.covers(direction) && entry.dialects.iter().any(|name| name == dialect)
        });
        let each = own.flat_map(|RoundTrip { at, same, .. }| {
            at.into_iter().map(move |path| Allowed { path, same: same.clone(), used: 0 })
        });
        Self { allowed: each.collect(), compared: 0 }
    }

    /// Normalizes both values and compares them; the error lists the remaining differences.
    pub fn compare(&mut self, before: &Value, after: &Value) -> Result<(), String> {
        let (mut before, mut after) = (numbers(before), numbers(after));
        for entry in &mut self.allowed {
            if before == after {
                break;
            }
            let (old, new) = (before.clone(), after.clone());
            apply(entry, &mut before, &mut after);
            // A change that leaves the differences as they were was not needed.
            entry.used += usize::from(
                (old != before || new != after) && difference(&old, &new) != difference(&before, &after),
            );
        }
        self.compared += 1;
        match difference(&before, &after) {
            None => Ok(()),
            Some(at) => Err(at),
        }
    }

    /// Returns how many values were compared, and the allowances that were not needed.
    pub fn finish(self) -> (usize, Vec<String>) {
        let idle = self.allowed.iter().filter(|entry| entry.used == 0 && self.compared > 0);
        (self.compared, idle.map(|entry| format!("nothing needs {} {}", entry.path, entry.same)).collect())
    }
}

fn apply(entry: &Allowed, before: &mut Value, after: &mut Value) {
    let path: Vec<&str> = entry.path.split('.').collect();
    match (&entry.same, entry.same.as_str()) {
        // A member with one of these values is equivalent to an absent member.
        (Value::Array(values), _) => {
            for side in [before, after] {
                for place in find(side, &path).iter().rev() {
                    if get(side, place).is_some_and(|value| values.contains(&numbers(value))) {
                        remove(side, place);
                    }
                }
            }
        }
        // An empty member is equivalent to an absent member.
        (_, Some("empty")) => {
            let empty = [Value::Null, json!(""), json!([]), json!({})];
            for side in [before, after] {
                for place in find(side, &path).iter().rev() {
                    if get(side, place).is_some_and(|value| empty.contains(value)) {
                        remove(side, place);
                    }
                }
            }
        }
        // The encoder always writes the member, even if it was absent.
        (_, Some("filled")) => {
            for place in find(after, &path).iter().rev() {
                if get(before, place).is_none() {
                    remove(after, place);
                }
            }
        }
        // The member may be dropped.
        (_, Some("left-out")) => {
            for place in find(before, &path).iter().rev() {
                if get(after, place).is_none() {
                    remove(before, place);
                }
            }
        }
        // The value may differ.
        (_, Some("another")) => {
            for side in [before, after] {
                for place in find(side, &path).iter().rev() {
                    remove(side, place);
                }
            }
        }
        // A single value is equivalent to a list with this value.
        (_, Some("list")) => {
            for side in [before, after] {
                for place in find(side, &path) {
                    if let Some(value) = get_mut(side, &place).filter(|value| !value.is_array()) {
                        *value = json!([value.take()]);
                    }
                }
            }
        }
        (_, Some(name)) => {
            let form = FORMS.iter().find(|(known, _)| *known == name);
            let (_, form) = form.unwrap_or_else(|| panic!("docs/losses.toml: no such form: {name}"));
            for side in [before, after] {
                for place in find(side, &path) {
                    get_mut(side, &place).into_iter().for_each(form);
                }
            }
        }
        (other, None) => panic!("docs/losses.toml: {other} is no form"),
    }
}

/// The name of a normal form, and the function that converts a value to it.
type Form = (&'static str, fn(&mut Value));

/// The normal forms that concern more than one member.
const FORMS: &[Form] = &[
    ("camel-case", camel_case),
    ("functions-together", functions_together),
    ("results-together", results_together),
    ("object", |value| {
        if let Some(parsed) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *value = numbers(&parsed);
        }
    }),
    ("text", |value| {
        if let Some(parts) = value.as_array() {
            *value = parts.iter().filter_map(|part| part["text"].as_str()).collect::<String>().into();
        }
    }),
    ("arguments", |value| {
        if *value == "" {
            *value = "{}".into();
        }
    }),
    ("ending", |choice| {
        let calls = choice["message"]["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
        let reason = choice["finish_reason"].as_str().unwrap_or_default();
        let known = ["length", "content_filter"].contains(&reason);
        if let Some(choice) = choice.as_object_mut().filter(|_| !known) {
            choice.insert(String::from("finish_reason"), if calls { "tool_calls" } else { "stop" }.into());
        }
    }),
    ("from-zero", |value| {
        let first = value[0].as_f64().unwrap_or(0.0);
        for place in value.as_array_mut().into_iter().flatten() {
            *place = (place.as_f64().unwrap_or(0.0) - first).into();
        }
    }),
    ("thoughts-first", |answer| {
        let thoughts = answer["reasoning"].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        if let (Some(text), Some(output)) = (thoughts, answer["output"].as_array_mut()) {
            output.insert(0, json!({"type": "reasoning", "summary": [{"text": text}]}));
        }
    }),
    ("thoughts", |item| {
        let joined = |key: &str| {
            let parts = item[key].as_array().into_iter().flatten();
            parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n\n")
        };
        let (summary, thinking) = (joined("summary"), joined("content"));
        if let Some(item) = item.as_object_mut().filter(|item| item["type"] == "reasoning") {
            item.insert(String::from("summary"), if summary.is_empty() { thinking } else { summary }.into());
            item.remove("content");
        }
    }),
    ("custom-call", |item| {
        if let Some(item) = item.as_object_mut().filter(|item| item["type"] == "custom_tool_call") {
            let input = json!({ "input": item.remove("input") });
            item.insert(String::from("arguments"), input.to_string().into());
            item.insert(String::from("type"), "function_call".into());
        }
    }),
    ("demand", |value| {
        if *value == "any" {
            *value = "required".into();
        }
    }),
    ("seconds", |value| {
        if let Some(text) = value.as_str() {
            *value = text.chars().take(19).collect::<String>().into();
        } else if let Some(number) = value.as_f64() {
            *value = number.trunc().into();
        }
    }),
];

/// Converts the API's keys to camel case; keys that are not the API's are unchanged.
fn camel_case(value: &mut Value) {
    const FOREIGN: [&str; 8] = [
        "args",
        "response",
        "parameters",
        "parametersJsonSchema",
        "responseSchema",
        "responseJsonSchema",
        "labels",
        "metadata",
    ];
    match value {
        Value::Object(members) => {
            let old = std::mem::take(members);
            for (key, mut value) in old {
                let mut parts = key.split('_').filter(|w| !w.is_empty());
                let first = parts.next().unwrap_or_default().to_owned();
                let key = parts.fold(first, |all, reason| all + &reason[..1].to_uppercase() + &reason[1..]);
                if !FOREIGN.contains(&key.as_str()) {
                    camel_case(&mut value);
                }
                members.insert(key, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(camel_case),
        _ => {}
    }
}

/// Merges Google's function declarations into one tool; its native tools stay separate, and empty tools are removed.
fn functions_together(tools: &mut Value) {
    let (mut functions, mut others) = (Vec::new(), Vec::new());
    for tool in tools.as_array_mut().into_iter().flatten() {
        if let Some(Value::Array(declared)) =
            tool.as_object_mut().and_then(|t| t.remove("functionDeclarations"))
        {
            functions.extend(declared);
        }
        if *tool != json!({}) {
            others.push(tool.take());
        }
    }
    *tools = json!([functions, others]);
}

/// Merges Google's function results of one turn into one content.
fn results_together(contents: &mut Value) {
    let results = |content: &Value| {
        content["role"] == "user"
            && content["parts"]
                .as_array()
                .is_some_and(|p| p.iter().all(|p| p.get("functionResponse").is_some()))
    };
    let mut out: Vec<Value> = Vec::new();
    for content in contents.as_array().cloned().unwrap_or_default() {
        match out.last_mut().filter(|last| results(last) && results(&content)) {
            Some(last) => {
                let parts = content["parts"].as_array().cloned().unwrap_or_default();
                last["parts"].as_array_mut().unwrap().extend(parts);
            }
            None => out.push(content),
        }
    }
    *contents = out.into();
}

/// Normalizes numbers to their value: 1 becomes 1.0.
fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(n) => n.as_f64().map_or(value.clone(), Value::from),
        Value::Array(items) => items.iter().map(numbers).collect(),
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), numbers(v))).collect(),
        other => other.clone(),
    }
}

/// Returns all paths that match a pattern: names, `*` for any one, `**` for any depth.
fn find(value: &Value, pattern: &[&str]) -> Vec<Place> {
    let (mut found, mut place) = (Vec::new(), Vec::new());
    seek(value, pattern, &mut place, &mut found);
    found
}

fn seek(value: &Value, pattern: &[&str], place: &mut Place, found: &mut Vec<Place>) {
    let Some((first, rest)) = pattern.split_first() else {
        found.push(place.clone());
        return;
    };
    if first.is_empty() {
        return seek(value, rest, place, found);
    }
    if *first == "**" {
        seek(value, rest, place, found);
    }
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, inner) in below {
        let deeper = if *first == "**" { pattern } else { rest };
        if matches!(*first, "*" | "**") || *first == key {
            place.push(key);
            seek(inner, deeper, place, found);
            place.pop();
        }
    }
}

fn get<'v>(value: &'v Value, place: &[String]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })
}

fn get_mut<'v>(value: &'v mut Value, place: &[String]) -> Option<&'v mut Value> {
    place.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        value => value.get_mut(key),
    })
}

fn remove(value: &mut Value, place: &[String]) {
    let Some((last, above)) = place.split_last() else { return };
    match get_mut(value, above) {
        Some(Value::Object(members)) => drop(members.remove(last)),
        Some(Value::Array(items)) => {
            let at = last.parse::<usize>().unwrap_or(usize::MAX);
            if at < items.len() {
                items.remove(at);
            }
        }
        _ => {}
    }
}

/// Returns all differences, one on each line.
fn difference(before: &Value, after: &Value) -> Option<String> {
    let mut all = Vec::new();
    differences(before, after, &mut Vec::new(), &mut all);
    (!all.is_empty()).then(|| all.join("\n"))
}

fn differences(before: &Value, after: &Value, place: &mut Place, out: &mut Vec<String>) {
    let short = |value: &Value| value.to_string().chars().take(160).collect::<String>();
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<_> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                place.push(key.clone());
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, place, out),
                    (Some(a), None) => out.push(format!("- {} = {}", place.join("."), short(a))),
                    (None, Some(b)) => out.push(format!("+ {} = {}", place.join("."), short(b))),
                    (None, None) => {}
                }
                place.pop();
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                place.push(at.to_string());
                differences(a, b, place, out);
                place.pop();
            }
        }
        (a, b) if a == b => {}
        (a, b) => out.push(format!("~ {} = {} => {}", place.join("."), short(a), short(b))),
    }
}
