//! Tools: functions, custom tools and namespaces, and the names under which a model of another dialect knows them.
//!
//! A function has no namespace elsewhere, and no free-form input: `namespace` and `name` become one name, and a custom
//! tool becomes a function of one string, `input`. Nothing is kept for the way back: the request's `tools` are in
//! [`ResponseSpec::echo`], and the same rule over them finds what a call means.

use super::NAME;
use super::content_part::{leftovers, object_of, own, plain};
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, ResponseSpec, Tool};
use crate::json::{Object, ValueKind, encode_string, raw, value_kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The member of a tool's extras that holds the namespace it came in.
const NAMESPACE: &str = ".namespace";
/// The member that marks a tool which came in an item of the input.
const ADDITIONAL: &str = ".additional_tools";

/// The longest name of a function that upstreams accept.
const LONGEST: usize = 64;

/// The one name of a tool in a namespace.
pub(super) fn flat(namespace: Option<&str>, name: &str) -> String {
    let Some(space) = namespace.filter(|space| !space.is_empty() && *space != name) else {
        return name.to_owned();
    };
    let joined = if space.ends_with('_') { format!("{space}{name}") } else { format!("{space}__{name}") };
    if joined.len() > LONGEST { name.to_owned() } else { joined }
}

/// Reads the tools of a request.
pub(super) fn read(items: &[&str], additional: bool) -> Vec<Tool> {
    let mut tools = Vec::new();
    for item in items {
        match namespace(item) {
            Some(inner) => tools.extend(inner),
            None => tools.push(one(item, None).unwrap_or_else(|| native(item))),
        }
    }
    if additional {
        for tool in &mut tools {
            if let Tool::Function { extra, .. } = tool {
                *extra = with(std::mem::take(extra), ADDITIONAL, "true");
            }
        }
        // Its item says the rest.
        tools.retain(|tool| matches!(tool, Tool::Function { .. }));
    }
    tools
}

fn native(item: &str) -> Tool {
    Tool::Native { dialect: NAME, raw: raw(item) }
}

fn with(mut extra: ExtraFields, key: &str, value: &str) -> ExtraFields {
    extra.dialect = NAME;
    extra.members.push((key.to_owned(), raw(value)));
    extra
}

/// The tools of a namespace, if it holds only such as have a function's form.
fn namespace(item: &str) -> Option<Vec<Tool>> {
    let mut object = Object::parse(item.as_bytes()).ok()?;
    if object.str("type").as_deref() != Some("namespace") {
        return None;
    }
    let space = object.str("name")?.into_owned();
    let listed: Vec<String> = object.array("tools")?.into_iter().map(str::to_owned).collect();
    object.remove("tools");
    let wrapper = object.to_json();
    let tools: Option<Vec<Tool>> = listed.iter().map(|inner| one(inner, Some((&space, &wrapper)))).collect();
    tools.filter(|tools| !tools.is_empty())
}

fn one(item: &str, space: Option<(&str, &str)>) -> Option<Tool> {
    let outer = Object::parse(item.as_bytes()).ok()?;
    let kind = outer.str("type");
    // Some clients send the nested form of the older API.
    let nested = outer.object("function");
    let object = nested.as_ref().unwrap_or(&outer);
    let own = object.str("name")?;
    let description = object.str("description").map(Cow::into_owned);
    let known: &[&str] = &["name", "description", "parameters", "strict"];
    let (parameters, strict, mut extra) = match kind.as_deref() {
        Some("function") | None => {
            (object.non_null("parameters").map(raw), object.bool("strict"), leftovers(object, known))
        }
        Some("custom") => {
            (Some(raw(input_schema(object))), None, leftovers(object, &["name", "description"]))
        }
        _ => return None,
    };
    let mut name = own.clone().into_owned();
    if let Some((space, wrapper)) = space {
        name = flat(Some(space), &own);
        extra = with(with(extra, NAMESPACE, wrapper), ".name", &encode_string(&own));
    }
    Some(Tool::Function { name, description, parameters, strict, extra })
}

/// The schema of a custom tool's input: one text. A grammar that it must follow is told in words.
fn input_schema(tool: &Object<'_>) -> String {
    let format = tool.object("format").unwrap_or_default();
    let nested = format.object("grammar");
    let grammar = nested.as_ref().unwrap_or(&format);
    let description = match (grammar.str("syntax"), grammar.str("definition")) {
        (Some(syntax), Some(rules)) => {
            format!("The input, which must follow this {syntax} grammar:\n{rules}")
        }
        _ => String::from("The input, as free text."),
    };
    format!(
        r#"{{"type":"object","properties":{{"input":{{"type":"string","description":{}}}}},"required":["input"],"additionalProperties":false}}"#,
        encode_string(&description)
    )
}

/// Writes the tools of a request; in other dialects a function is not strict by default.
pub(super) fn write(tools: &[Tool], diagnostics: &mut Diagnostics) -> Option<String> {
    let mut out: Vec<String> = Vec::new();
    // The open namespace: its members, and the tools in it.
    let mut open: Option<(String, Vec<String>)> = None;
    for (i, tool) in tools.iter().enumerate() {
        let (json, space) = match tool {
            Tool::Function { extra, .. } if extra.of(NAME).iter().any(|(key, _)| key == ADDITIONAL) => {
                continue;
            }
            Tool::Function { name, description, parameters, strict, extra } => {
                extra.report(NAME, &format!("tools[{i}]"), diagnostics);
                let function = (name, description.as_deref(), parameters.as_deref(), *strict);
                (write_one(function, extra), extra.of(NAME).iter().find(|(k, _)| k == NAMESPACE))
            }
            Tool::Native { dialect: NAME, raw } => (raw.get().to_owned(), None),
            Tool::Native { .. } => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("tools[{i}]"),
                    "a tool of another dialect",
                );
                continue;
            }
        };
        let space = space.map(|(_, wrapper)| wrapper.get().to_owned());
        if open.as_ref().map(|(wrapper, _)| wrapper) != space.as_ref() {
            out.extend(open.take().map(close));
        }
        match space {
            Some(wrapper) => open.get_or_insert((wrapper, Vec::new())).1.push(json),
            None => out.push(json),
        }
    }
    out.extend(open.map(close));
    (!out.is_empty()).then(|| format!("[{}]", out.join(",")))
}

fn close((wrapper, tools): (String, Vec<String>)) -> String {
    let mut object = object_of(&wrapper);
    object.set("tools", format!("[{}]", tools.join(",")));
    object.to_json()
}

type Function<'a> = (&'a String, Option<&'a str>, Option<&'a serde_json::value::RawValue>, Option<bool>);

fn write_one((name, description, parameters, strict): Function<'_>, extra: &ExtraFields) -> String {
    let own = extra.of(NAME);
    let custom = own.iter().any(|(key, value)| key == ".type" && value.get() == "\"custom\"");
    let mut object = Object::new();
    object.set("type", "\"function\"");
    object.set("name", encode_string(name));
    if let Some(description) = description {
        object.set("description", encode_string(description));
    }
    if !custom {
        if let Some(parameters) = parameters {
            object.set("parameters", parameters.get());
        } else if own.is_empty() {
            object.set("parameters", "null");
        }
        match strict {
            Some(strict) => object.set("strict", strict.to_string()),
            // What is not said means no elsewhere, and yes here.
            None if own.is_empty() => object.set("strict", "false"),
            None => {}
        }
    }
    for (key, value) in own.iter().filter(|(key, _)| key != NAMESPACE && key != ADDITIONAL) {
        object.set(plain(key), value.get());
    }
    object.to_json()
}

/// Whether a tool of that name came as a custom one.
pub(super) fn is_custom(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| match tool {
        Tool::Function { name: known, extra, .. } => {
            known == name && own(extra, "type") == Some("\"custom\"")
        }
        Tool::Native { .. } => false,
    })
}

/// What a client calls a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClientToolName {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) custom: bool,
}

/// The client's names of its tools, by the one name that the model knows.
#[derive(Debug, Clone, Default)]
pub(super) struct ToolNameMap {
    known: BTreeMap<String, ClientToolName>,
    /// By their own names; `None`: several tools have this one.
    bare: BTreeMap<String, Option<ClientToolName>>,
}

impl ToolNameMap {
    pub(super) fn of(spec: &ResponseSpec) -> Self {
        let mut names = Self::default();
        for key in ["tools", ADDITIONAL] {
            let listed =
                spec.echoed_params.of(NAME).iter().find(|(k, _)| k == key).map(|(_, value)| value.get());
            let items: Vec<&serde_json::value::RawValue> =
                listed.and_then(|l| serde_json::from_str(l).ok()).unwrap_or_default();
            for item in items {
                names.add(item.get());
            }
        }
        names
    }

    fn add(&mut self, item: &str) {
        let object = object_of(item);
        let space = object.str("name").map(Cow::into_owned).filter(|_| object.non_null("tools").is_some());
        let inner = object.array("tools").unwrap_or_else(|| vec![item]);
        for tool in inner {
            let tool = object_of(tool);
            let Some(name) = tool.str("name").map(Cow::into_owned) else { continue };
            let custom = tool.str("type").as_deref() == Some("custom");
            if custom || space.is_some() {
                let known = flat(space.as_deref(), &name);
                let called = ClientToolName { name, namespace: space.clone(), custom };
                let bare = self.bare.entry(called.name.clone());
                bare.and_modify(|other| *other = None).or_insert_with(|| Some(called.clone()));
                self.known.entry(known).or_insert(called);
            }
        }
    }

    /// What the client calls the tool that the model called; a model may leave the namespace out.
    pub(super) fn find(&self, name: &str) -> ClientToolName {
        let bare = || self.bare.get(name).and_then(Option::as_ref);
        match self.known.get(name).or_else(bare) {
            Some(called) => called.clone(),
            None => ClientToolName { name: name.to_owned(), ..ClientToolName::default() },
        }
    }
}

/// A custom tool's input as a function's arguments.
pub(super) fn arguments_of(input: &str) -> String {
    format!("{{\"input\":{}}}", encode_string(input))
}

/// A custom tool's input, out of the arguments of the function that stood for it; `None` where they have another form.
pub(super) fn input_of(arguments: &str) -> Option<String> {
    let object = Object::parse(arguments.as_bytes()).ok()?;
    if let Some(input) = object.str("input") {
        return Some(input.into_owned());
    }
    // A model may call its one argument something else.
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((_, value)), None) if value_kind(value) == ValueKind::String => {
            crate::json::decode_string(value).map(Cow::into_owned)
        }
        _ => None,
    }
}
