//! Tools that the client runs and whose schema the API defines (`bash`, the text editor, `memory`, `computer`, the toolsets of a
//! computer and a browser): to functions with that schema, and back.
//!
//! Their calls are ordinary `tool_use` blocks. Those of a toolset have a member's name, and the toolset's in a field of its own:
//! other dialects get one function for each member, whose name has both.

mod definition;
mod editors;
mod screens;

use super::extra_fields;
use super::names::NAME;
use crate::canonical::{Block, ExtraFieldList, ExtraFields, NATIVE_SCHEMA, Request, Tool};
use crate::json::{Object, RawJson, encode_string, raw};
use definition::{Toolset, ToolsetMember};
use editors::TOOLS;
use screens::TOOLSETS;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The key in a tool's extra fields whose value is the client-run tool or toolset that a function stands for.
const CLIENT_TOOL: &str = ".client_tool";

/// The key in a tool's extra fields that marks one that stands in a message and not in `tools`.
pub(super) const IN_MESSAGE: &str = ".in_message";

/// The key of the calls of toolsets among the echoed parameters: which function stands for which member.
const TOOLSET_CALLS: &str = ".toolset_calls";

/// Returns the functions that stand for a tool with a `type`; `None` if the client does not run it.
pub(super) fn read(tool: &Object<'_>, item: &str) -> Option<Vec<Tool>> {
    let tool_type = tool.str("type")?;
    if let Some(toolset) = TOOLSETS.iter().find(|toolset| tool_type.starts_with(toolset.type_prefix)) {
        let configs = tool.object("configs").unwrap_or_default();
        return Some(
            toolset
                .members
                .iter()
                .filter_map(|member| member_function(toolset, member, &configs, item))
                .collect(),
        );
    }
    let known = TOOLS.iter().find(|known| tool_type.starts_with(known.type_prefix))?;
    let mut description = known.description.to_owned();
    for key in known.described_members {
        if let Some(value) = tool.non_null(key) {
            let label = key.replace('_', " ");
            description.extend([" ", &label, ": ", &crate::json::string_or_json(value), "."]);
        }
    }
    let mut extra = extra_fields::read(tool, &["name", "type", "strict"]);
    extra
        .members
        .retain(|(key, _)| !known.described_members.contains(&key.as_str()) && key != "display_number");
    extra.members.extend(own_form(item));
    Some(vec![Tool::Function {
        name: tool.str("name").map_or_else(|| known.name.to_owned(), Cow::into_owned),
        description: Some(description),
        parameters: Some(raw(known.params.schema())),
        strict: None,
        extra,
    }])
}

/// Returns the function that stands for a member; `None` if the client switched the member off.
fn member_function(
    toolset: &Toolset,
    member: &ToolsetMember,
    configs: &Object<'_>,
    item: &str,
) -> Option<Tool> {
    let config = configs.object(member.name).unwrap_or_default();
    if config.bool("enabled") == Some(false) {
        return None;
    }
    let mut extra = extra_fields::read(&config, &["enabled"]);
    extra.members.extend(own_form(item));
    extra.members.push((TOOLSET_CALLS.to_owned(), raw(call_fields(toolset.name, member.name))));
    Some(Tool::Function {
        name: function_name(toolset.name, member.name),
        description: Some(member.description.to_owned()),
        parameters: Some(raw(member.params.schema())),
        strict: None,
        extra,
    })
}

/// The extra fields of a function that stands for a client-run tool: the tool, and that it has no schema in its own dialect.
fn own_form(item: &str) -> [(String, RawJson); 2] {
    [(CLIENT_TOOL.to_owned(), raw(item)), (NATIVE_SCHEMA.to_owned(), raw("true"))]
}

/// The name of the function that stands for a member of a toolset.
fn function_name(toolset: &str, member: &str) -> String {
    format!("{toolset}_{member}")
}

/// The fields by which a call names a member of a toolset, as JSON.
fn call_fields(toolset: &str, member: &str) -> String {
    format!(r#"{{"name":{},"toolset_name":{}}}"#, encode_string(member), encode_string(toolset))
}

/// Gives the call of a toolset's member the name of the function that stands for it; extra fields have the call's own names.
pub(super) fn read_call(object: &Object<'_>, name: &mut String, extra: &mut ExtraFields) {
    let Some(toolset) = object.str("toolset_name") else { return };
    extra.members.retain(|(key, _)| key != "toolset_name");
    let fields = [(".name", encode_string(name)), (".toolset_name", encode_string(&toolset))];
    extra.members.extend(fields.map(|(key, json)| (key.to_owned(), raw(json))));
    *name = function_name(&toolset, name);
}

/// Whether a tool stands in a message and not in `tools`.
pub(super) fn is_in_message(extra: &ExtraFields) -> bool {
    extra.of(NAME).iter().any(|(key, _)| key == IN_MESSAGE)
}

/// Returns the JSON of the client-run tool or toolset that a function stands for.
pub(super) fn original(extra: &ExtraFields) -> Option<&str> {
    extra.of(NAME).iter().find(|(key, _)| key == CLIENT_TOOL).map(|(_, json)| json.as_str())
}

/// The call fields of a function that stands for a member of a toolset.
fn toolset_call(tool: &Tool) -> Option<&RawJson> {
    let Tool::Function { extra, .. } = tool else { return None };
    extra.of(NAME).iter().find(|(key, _)| key == TOOLSET_CALLS).map(|(_, json)| json)
}

/// Gives functions of toolsets, and their calls, other names where the client offers functions of these names, and records for
/// the response which function stands for which member.
pub(super) fn resolve_toolsets(request: &mut Request) {
    if !request.tools.iter().any(|tool| toolset_call(tool).is_some()) {
        return;
    }
    let own_names: BTreeSet<String> = request
        .tools
        .iter()
        .filter(|tool| toolset_call(tool).is_none())
        .filter_map(|tool| tool.name().map(str::to_owned))
        .collect();
    let (mut renamed, mut calls) = (BTreeMap::new(), Object::new());
    for tool in request.tools.decoded_mut() {
        let Some(fields) = toolset_call(tool).map(|fields| fields.as_str().to_owned()) else { continue };
        let Tool::Function { name, .. } = tool else { continue };
        if own_names.contains(name.as_str()) {
            let mut new_name = format!("{name}_2");
            while own_names.contains(&new_name) {
                new_name.push('_');
            }
            renamed.insert(std::mem::replace(name, new_name.clone()), new_name);
        }
        calls.set(name.clone(), fields);
    }
    let echoed = vec![(TOOLSET_CALLS.to_owned(), raw(calls.to_json()))];
    request.echoed_params = ExtraFields::new(NAME, echoed);
    if renamed.is_empty() {
        return;
    }
    for message in request.messages.decoded_mut() {
        for block in &mut message.decoded_mut().blocks {
            if let Block::ToolCall { name, extra, .. } = block
                && extra.of(NAME).iter().any(|(key, _)| key == ".toolset_name")
                && let Some(new_name) = renamed.get(name)
            {
                name.clone_from(new_name);
            }
        }
    }
}

/// The members of toolsets, by the functions that stand for them.
#[derive(Debug, Default)]
pub(super) struct ToolsetCalls(Option<Object<'static>>);

impl ToolsetCalls {
    /// Reads them from the echoed parameters of a request.
    pub(super) fn new(echoed_params: &ExtraFieldList) -> Self {
        let calls = echoed_params.of(NAME).iter().find(|(key, _)| key == TOOLSET_CALLS);
        Self(calls.and_then(|(_, json)| Object::parse(json.as_str().as_bytes()).ok()).map(Object::into_owned))
    }

    /// Gives a `tool_use` block the names of the member that its function stands for.
    pub(super) fn restore(&self, block: String) -> String {
        let Some(calls) = &self.0 else { return block };
        let Ok(mut object) = Object::parse(block.as_bytes()) else { return block };
        let name = object.str("name").unwrap_or_default().into_owned();
        let Some(fields) = calls.object(&name) else { return block };
        for (key, value) in fields.iter() {
            object.set(key.to_owned(), value.to_owned());
        }
        object.set("caller", r#"{"type":"direct"}"#);
        object.to_json()
    }
}
