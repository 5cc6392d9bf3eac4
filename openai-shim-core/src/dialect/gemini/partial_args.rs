//! The `functionCall` objects of one tool call to the JSON of its arguments. They arrive as several objects, or as values with
//! JSON paths.
//!
//! <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling> (streaming arguments).

use super::json_keys::parse_object;
use crate::canonical::{MemberIndex, unwrap_encoded_twice};
use crate::json::{Object, compact, decode_string, encode_string, raw};
use serde_json::value::RawValue;

/// The most values that the paths of one call may create.
const MAX_VALUES: usize = 100_000;
/// The most segments of a path.
const MAX_PATH_SEGMENTS: usize = 64;

/// The arguments so far.
#[derive(Debug, Default)]
pub(super) struct PartialArgs {
    /// The JSON of the only object so far, if there is one.
    only_object: Option<String>,
    tree: Members,
    values: usize,
    /// The bytes of all objects and values so far.
    pub(super) size: usize,
    /// Whether the last `functionCall` announced another one.
    pub(super) will_continue: bool,
}

/// The fields of an object, and the position of each.
#[derive(Debug, Default)]
struct Members {
    list: Vec<(String, Node)>,
    index: MemberIndex,
}

#[derive(Debug)]
enum Node {
    Raw(String),
    Text(String),
    Object(Members),
    List(Vec<Node>),
}

#[derive(Debug, PartialEq)]
enum PathSegment {
    Key(String),
    Index(usize),
}

impl PartialArgs {
    /// Adds the arguments of one `functionCall`.
    pub(super) fn push(&mut self, call: &Object<'_>) {
        self.will_continue = call.bool("willContinue") == Some(true);
        if let Some(args) = call.non_null("args") {
            self.size += args.len();
            if self.only_object.is_none() && self.tree.list.is_empty() {
                // Google prints JSON over several lines. Some gateways write the object as a text.
                let object = unwrap_encoded_twice(args);
                self.only_object = Some(object.unwrap_or_else(|| compact(args).into_owned()));
            } else if let Ok(object) = Object::parse(args.as_bytes()) {
                self.split_only_object();
                for (key, value) in object.iter() {
                    put(&mut self.tree, key, Node::Raw(value.to_owned()));
                }
            }
        }
        for part in call.array("partialArgs").unwrap_or_default() {
            self.size += part.len();
            self.split_only_object();
            if let Some(part) = parse_object(part) {
                self.add_value(&part);
            }
        }
    }

    /// Returns the arguments as JSON.
    pub(super) fn into_json(self) -> String {
        match self.only_object {
            Some(json) => json,
            None => {
                let mut out = String::new();
                write(&Node::Object(self.tree), &mut out);
                out
            }
        }
    }

    /// Moves the fields of the only object into the tree.
    fn split_only_object(&mut self) {
        let Some(json) = self.only_object.take() else { return };
        if let Ok(object) = Object::parse(json.as_bytes()) {
            self.tree.list = object.iter().map(|(k, v)| (k.to_owned(), Node::Raw(v.to_owned()))).collect();
        }
    }

    /// Adds a value at its path.
    fn add_value(&mut self, part: &Object<'_>) {
        let Some(path) = part.str("jsonPath").and_then(|path| parse_path(&path)) else { return };
        let Some((PathSegment::Key(first), segments)) = path.split_first() else { return };
        let value = match (
            part.get("stringValue").and_then(decode_string),
            part.get("numberValue"),
            part.bool("boolValue"),
        ) {
            (Some(text), ..) => Node::Text(text.into_owned()),
            (_, Some(number), _) => Node::Raw(raw(number).as_str().to_owned()),
            (.., Some(value)) => Node::Raw(value.to_string()),
            _ if part.get("nullValue").is_some() => Node::Raw(String::from("null")),
            // A path without a value only announces more.
            _ => return,
        };
        let Some(slot) = child(&mut self.tree, first, &mut self.values) else { return };
        let Some(slot) = descend(slot, segments, &mut self.values) else { return };
        match (slot, value) {
            (Node::Text(text), Node::Text(more)) => text.push_str(&more),
            (slot, value) => *slot = value,
        }
    }
}

fn put(members: &mut Members, key: &str, node: Node) {
    members.index.put(&mut members.list, key.to_owned(), node);
}

/// Returns the field of a key, which is created if it is missing; `None` if there are too many values.
fn child<'n>(members: &'n mut Members, key: &str, values: &mut usize) -> Option<&'n mut Node> {
    let position = match members.index.find(&members.list, key) {
        Some(position) => position,
        None => {
            *values += 1;
            if *values > MAX_VALUES {
                return None;
            }
            members.list.push((key.to_owned(), Node::Raw(String::from("null"))));
            members.list.len() - 1
        }
    };
    members.list.get_mut(position).map(|(_, node)| node)
}

/// Returns the value at a path, which is created if it is missing; `None` if there are too many values.
fn descend<'n>(mut node: &'n mut Node, segments: &[PathSegment], values: &mut usize) -> Option<&'n mut Node> {
    for segment in segments {
        match segment {
            PathSegment::Key(key) => {
                if !matches!(node, Node::Object(_)) {
                    *node = Node::Object(Members::default());
                }
                let Node::Object(members) = node else { return None };
                node = child(members, key, values)?;
            }
            PathSegment::Index(index) => {
                if !matches!(node, Node::List(_)) {
                    *node = Node::List(Vec::new());
                }
                let Node::List(items) = node else { return None };
                while items.len() <= *index {
                    *values += 1;
                    if *values > MAX_VALUES {
                        return None;
                    }
                    items.push(Node::Raw(String::from("null")));
                }
                node = items.get_mut(*index)?;
            }
        }
    }
    Some(node)
}

/// Parses a JSON path such as `$.a.b[0]['c']`.
fn parse_path(path: &str) -> Option<Vec<PathSegment>> {
    let mut remaining = path.strip_prefix('$')?;
    let mut segments = Vec::new();
    while !remaining.is_empty() {
        if segments.len() >= MAX_PATH_SEGMENTS {
            return None;
        }
        if let Some(after_dot) = remaining.strip_prefix('.') {
            let end = after_dot.find(['.', '[']).unwrap_or(after_dot.len());
            let (key, next) = after_dot.split_at(end);
            segments.push(PathSegment::Key(key.to_owned()));
            remaining = next;
            continue;
        }
        let in_brackets = remaining.strip_prefix('[')?;
        let quoted =
            ['\'', '"'].into_iter().find_map(|quote| Some((quote, in_brackets.strip_prefix(quote)?)));
        if let Some((quote, inner)) = quoted {
            let end = inner.find(quote)?;
            segments.push(PathSegment::Key(inner.get(..end)?.to_owned()));
            remaining = inner.get(end + 1..)?.strip_prefix(']')?;
        } else {
            let (index, next) = in_brackets.split_once(']')?;
            segments.push(PathSegment::Index(index.parse().ok()?));
            remaining = next;
        }
    }
    Some(segments)
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Raw(json) => out.push_str(json),
        Node::Text(text) => out.push_str(&encode_string(text)),
        Node::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&encode_string(key));
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Node::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
    }
}

/// Whether text is a JSON object, as arguments must be.
pub(super) fn is_object(json: &str) -> bool {
    serde_json::from_str::<&RawValue>(json).is_ok_and(|v| v.get().trim_start().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(calls: &[&str]) -> String {
        let mut arguments = PartialArgs::default();
        for call in calls {
            arguments.push(&Object::parse(call.as_bytes()).unwrap());
        }
        arguments.into_json()
    }

    #[test]
    fn only_object_keeps_its_bytes() {
        assert_eq!(arguments(&[r#"{"args":{ "a" : 1.0 }}"#]), r#"{ "a" : 1.0 }"#);
        assert_eq!(arguments(&["{}"]), "{}");
    }

    #[test]
    fn later_object_overwrites_fields_of_earlier_one() {
        let calls = [r#"{"args":{"a":1,"b":2}}"#, r#"{"args":{"b":3,"c":"x"}}"#];
        assert_eq!(arguments(&calls), r#"{"a":1,"b":3,"c":"x"}"#);
    }

    #[test]
    fn values_are_placed_by_their_paths() {
        let calls = [
            r#"{"willContinue":true}"#,
            r#"{"partialArgs":[{"jsonPath":"$.list[1].name","stringValue":"new","willContinue":true}]}"#,
            r#"{"partialArgs":[{"jsonPath":"$.list[1].name","stringValue":" house"}]}"#,
            r#"{"partialArgs":[{"jsonPath":"$.list[0]['a.b']","numberValue":0.5},{"jsonPath":"$.on","boolValue":false},{"jsonPath":"$.no","nullValue":"NULL_VALUE"}]}"#,
        ];
        assert_eq!(arguments(&calls), r#"{"list":[{"a.b":0.5},{"name":"new house"}],"on":false,"no":null}"#);
    }

    #[test]
    fn paths_with_huge_indices_are_ignored() {
        let call = r#"{"partialArgs":[{"jsonPath":"$.a[99999999]","stringValue":"x"},{"jsonPath":"a","stringValue":"x"}]}"#;
        assert!(arguments(&[call]).len() < 600_000);
    }
}
