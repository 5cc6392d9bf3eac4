//! The arguments of a call that comes in pieces: several objects, or values with their paths.
//!
//! <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling> (streaming arguments).

use super::read;
use crate::canonical::MemberIndex;
use crate::json::{Object, compact, decode_string, encode_string, raw};
use serde_json::value::RawValue;

/// The most values that one call's paths may make.
const MOST: usize = 100_000;
/// How deep a path may lead.
const DEEPEST: usize = 64;

/// Arguments as they come together.
#[derive(Debug, Default)]
pub(super) struct PartialArgs {
    /// The only object that came, exactly.
    whole: Option<String>,
    tree: Members,
    values: usize,
    /// How many bytes came.
    pub(super) size: usize,
    /// More was announced.
    pub(super) awaited: bool,
}

/// The members of an object, and where each stands.
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
    /// Takes what one `functionCall` says of them.
    pub(super) fn take(&mut self, call: &Object<'_>) {
        self.awaited = call.bool("willContinue") == Some(true);
        if let Some(args) = call.non_null("args") {
            self.size += args.len();
            if self.whole.is_none() && self.tree.list.is_empty() {
                // Google prints answers over many lines.
                self.whole = Some(compact(args).into_owned());
            } else if let Ok(object) = Object::parse(args.as_bytes()) {
                self.spread();
                for (key, value) in object.iter() {
                    put(&mut self.tree, key, Node::Raw(value.to_owned()));
                }
            }
        }
        for part in call.array("partialArgs").unwrap_or_default() {
            self.size += part.len();
            self.spread();
            if let Some(part) = read(part) {
                self.part(&part);
            }
        }
    }

    /// The arguments as JSON text.
    pub(super) fn text(self) -> String {
        match self.whole {
            Some(whole) => whole,
            None => {
                let mut out = String::new();
                write(&Node::Object(self.tree), &mut out);
                out
            }
        }
    }

    /// Makes a tree of the object that came first.
    fn spread(&mut self) {
        let Some(whole) = self.whole.take() else { return };
        if let Ok(object) = Object::parse(whole.as_bytes()) {
            self.tree.list = object.iter().map(|(k, v)| (k.to_owned(), Node::Raw(v.to_owned()))).collect();
        }
    }

    fn part(&mut self, part: &Object<'_>) {
        let Some(steps) = part.str("jsonPath").and_then(|path| steps(&path)) else { return };
        let Some((PathSegment::Key(first), rest)) = steps.split_first() else { return };
        let value = match (
            part.get("stringValue").and_then(decode_string),
            part.get("numberValue"),
            part.bool("boolValue"),
        ) {
            (Some(text), ..) => Node::Text(text.into_owned()),
            (_, Some(number), _) => Node::Raw(raw(number).get().to_owned()),
            (.., Some(truth)) => Node::Raw(truth.to_string()),
            _ if part.get("nullValue").is_some() => Node::Raw(String::from("null")),
            // Only says that something goes on.
            _ => return,
        };
        let Some(slot) = child(&mut self.tree, first, &mut self.values) else { return };
        let Some(slot) = follow(slot, rest, &mut self.values) else { return };
        match (slot, value) {
            (Node::Text(text), Node::Text(more)) => text.push_str(&more),
            (slot, value) => *slot = value,
        }
    }
}

fn put(members: &mut Members, key: &str, node: Node) {
    members.index.put(&mut members.list, key.to_owned(), node);
}

/// The member of that name, made if it is not there yet.
fn child<'n>(members: &'n mut Members, key: &str, values: &mut usize) -> Option<&'n mut Node> {
    let at = match members.index.find(&members.list, key) {
        Some(at) => at,
        None => {
            *values += 1;
            if *values > MOST {
                return None;
            }
            members.list.push((key.to_owned(), Node::Raw(String::from("null"))));
            members.list.len() - 1
        }
    };
    members.list.get_mut(at).map(|(_, node)| node)
}

fn follow<'n>(mut node: &'n mut Node, steps: &[PathSegment], values: &mut usize) -> Option<&'n mut Node> {
    for step in steps {
        match step {
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
                    if *values > MOST {
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

/// Reads `$.a.b[0]['c']`.
fn steps(path: &str) -> Option<Vec<PathSegment>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() >= DEEPEST {
            return None;
        }
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, next) = after.split_at(end);
            steps.push(PathSegment::Key(key.to_owned()));
            rest = next;
            continue;
        }
        let after = rest.strip_prefix('[')?;
        let quoted = ['\'', '"'].into_iter().find_map(|q| Some((q, after.strip_prefix(q)?)));
        if let Some((sign, inner)) = quoted {
            let end = inner.find(sign)?;
            steps.push(PathSegment::Key(inner.get(..end)?.to_owned()));
            rest = inner.get(end + 1..)?.strip_prefix(']')?;
        } else {
            let (index, next) = after.split_once(']')?;
            steps.push(PathSegment::Index(index.parse().ok()?));
            rest = next;
        }
    }
    Some(steps)
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

/// Whether JSON text is an object, as arguments must be.
pub(super) fn is_object(json: &str) -> bool {
    serde_json::from_str::<&RawValue>(json).is_ok_and(|v| v.get().trim_start().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(calls: &[&str]) -> String {
        let mut arguments = PartialArgs::default();
        for call in calls {
            arguments.take(&Object::parse(call.as_bytes()).unwrap());
        }
        arguments.text()
    }

    #[test]
    fn one_object_stays_as_it_is() {
        assert_eq!(arguments(&[r#"{"args":{ "a" : 1.0 }}"#]), r#"{ "a" : 1.0 }"#);
        assert_eq!(arguments(&["{}"]), "{}");
    }

    #[test]
    fn objects_are_laid_over_one_another() {
        let calls = [r#"{"args":{"a":1,"b":2}}"#, r#"{"args":{"b":3,"c":"x"}}"#];
        assert_eq!(arguments(&calls), r#"{"a":1,"b":3,"c":"x"}"#);
    }

    #[test]
    fn values_come_together_by_their_paths() {
        let calls = [
            r#"{"willContinue":true}"#,
            r#"{"partialArgs":[{"jsonPath":"$.list[1].name","stringValue":"new","willContinue":true}]}"#,
            r#"{"partialArgs":[{"jsonPath":"$.list[1].name","stringValue":" house"}]}"#,
            r#"{"partialArgs":[{"jsonPath":"$.list[0]['a.b']","numberValue":0.5},{"jsonPath":"$.on","boolValue":false},{"jsonPath":"$.no","nullValue":"NULL_VALUE"}]}"#,
        ];
        assert_eq!(arguments(&calls), r#"{"list":[{"a.b":0.5},{"name":"new house"}],"on":false,"no":null}"#);
    }

    #[test]
    fn paths_that_ask_for_too_much_are_left_out() {
        let call = r#"{"partialArgs":[{"jsonPath":"$.a[99999999]","stringValue":"x"},{"jsonPath":"a","stringValue":"x"}]}"#;
        assert!(arguments(&[call]).len() < 600_000);
    }
}
