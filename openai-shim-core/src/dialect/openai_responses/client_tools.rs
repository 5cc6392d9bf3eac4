//! Tools that the client runs and only this API has (`local_shell`, `shell`, `apply_patch`, `computer`, `tool_search`): to functions,
//! and their calls and results to calls and results of functions, and back.

mod definition;
mod table;

use super::extra_fields::{self, parse_or_empty};
use super::names::{CLIENT_TOOL, NAME};
use crate::canonical::{Block, ExtraFields, NATIVE_SCHEMA, Request, Tool, ToolChoice};
use crate::json::{Object, encode_string, raw};
use definition::Payload;
pub(super) use definition::{ClientTool, OutputForm};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use table::CLIENT_TOOLS;

impl ClientTool {
    /// The tool with these fields; `None` if there is none, or the client does not run it.
    pub(super) fn of_tool(tool: &Object<'_>) -> Option<&'static Self> {
        let tool_type = tool.str("type")?;
        CLIENT_TOOLS.iter().find(|known| known.tool_type == tool_type && known.is_run_by_client(tool))
    }

    /// The tool that a call item calls; `None` if the client does not run it.
    pub(super) fn of_call(item: &Object<'_>) -> Option<&'static Self> {
        let item_type = item.str("type")?;
        CLIENT_TOOLS.iter().find(|known| {
            known.call_type == item_type
                && item.non_null(known.payload.key()).is_some()
                && known.is_run_by_client(item)
        })
    }

    /// The tool whose result an item is; `None` if the client did not run it.
    pub(super) fn of_output(item: &Object<'_>) -> Option<&'static Self> {
        let item_type = item.str("type")?;
        CLIENT_TOOLS.iter().find(|known| known.output_type == item_type && known.is_run_by_client(item))
    }

    /// The tool that a call in our model calls, or whose result a result is.
    pub(super) fn of_block(extra: &ExtraFields) -> Option<&'static Self> {
        let quoted_type = extra_fields::get(extra, CLIENT_TOOL)?;
        CLIENT_TOOLS.iter().find(|known| known.quoted_type() == quoted_type)
    }

    /// The tool with this `type`.
    pub(super) fn of_type(tool_type: &str) -> Option<&'static Self> {
        CLIENT_TOOLS.iter().find(|known| known.tool_type == tool_type)
    }

    fn is_run_by_client(&self, object: &Object<'_>) -> bool {
        let Some(run_by) = &self.run_by else { return true };
        let Some(value) = object.non_null(run_by.key) else { return run_by.client_by_default };
        let nested = parse_or_empty(value);
        let name = crate::json::decode_string(value).or_else(|| nested.str("type"));
        name.as_deref() == Some(run_by.client)
    }

    /// The tool's `type` as JSON.
    pub(super) fn quoted_type(&self) -> String {
        encode_string(self.tool_type)
    }

    /// The function that stands for the tool; an extra field has the tool itself.
    pub(super) fn to_function(&self, tool: &Object<'_>) -> Tool {
        let mut description =
            tool.str("description").map_or_else(|| self.description.to_owned(), Cow::into_owned);
        for key in self.described_members {
            if let Some(value) = tool.non_null(key) {
                let label = key.replace('_', " ");
                description.extend([" ", &label, ": ", &crate::json::string_or_json(value), "."]);
            }
        }
        // In its own dialect the tool has no schema.
        let mut members =
            vec![(CLIENT_TOOL.to_owned(), raw(tool.to_json())), (NATIVE_SCHEMA.to_owned(), raw("true"))];
        members.extend(
            tool.get("allowed_callers").map(|callers| (String::from("allowed_callers"), raw(callers))),
        );
        Tool::Function {
            name: self.function.to_owned(),
            description: Some(description),
            parameters: Some(tool.non_null("parameters").map_or_else(|| raw(self.params.schema()), raw)),
            strict: None,
            extra: ExtraFields::new(NAME, members),
        }
    }

    /// The keys of a call item that our model has a place for.
    pub(super) fn known_call_keys(&self) -> [&'static str; 2] {
        ["call_id", self.payload.key()]
    }

    /// The arguments of a call item.
    pub(super) fn arguments(&self, item: &Object<'_>) -> String {
        match &self.payload {
            Payload::Member { key, constants } => {
                let Some(mut payload) = item.object(key) else {
                    return item.get(key).map(crate::json::string_or_json).unwrap_or_default().into_owned();
                };
                payload.retain(|key, value| {
                    value.trim() != "null" && !constants.iter().any(|known| *known == (key, value.trim()))
                });
                payload.to_json()
            }
            Payload::Inline(key) => format!("{{\"{key}\":{}}}", item.get(key).unwrap_or("null")),
        }
    }

    /// Sets the members that a call has in an answer. `None` if the arguments do not fit.
    pub(super) fn set_answer(&self, arguments: &str, item: &mut Object<'_>) -> Option<()> {
        self.set_arguments(arguments, item)?;
        let [members, payload_members] = self.answer_members;
        let fill = |object: &mut Object<'_>, members: &[(&'static str, &'static str)]| {
            for (key, value) in members {
                if object.get(key).is_none() {
                    object.set(*key, *value);
                }
            }
        };
        fill(item, members);
        if !payload_members.is_empty() {
            let key = self.payload.key();
            let mut payload = item.object(key).map(Object::into_owned).unwrap_or_default();
            fill(&mut payload, payload_members);
            item.set(key, payload.to_json());
        }
        Some(())
    }

    /// Sets the members of a call item that come from the arguments. `None` if the arguments do not fit.
    pub(super) fn set_arguments(&self, arguments: &str, item: &mut Object<'_>) -> Option<()> {
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        let object = Object::parse(arguments.as_bytes()).ok()?;
        // A model may repeat the item's own form.
        let nested =
            object.object(self.payload.key()).filter(|_| matches!(self.payload, Payload::Member { .. }));
        let conforming = self.params.conform(nested.as_ref().unwrap_or(&object))?;
        match &self.payload {
            Payload::Member { key, constants } => {
                let mut payload = conforming;
                for (key, value) in constants.iter().rev() {
                    if payload.get(key).is_none() {
                        payload.set_first(*key, *value);
                    }
                }
                item.set(*key, payload.to_json());
            }
            Payload::Inline(key) => item.set(*key, conforming.get(key)?.to_owned()),
        }
        for (key, value) in self.call_members {
            item.set(*key, *value);
        }
        Some(())
    }
}

/// Names of functions, each given to one tool.
#[derive(Debug, Default)]
pub(super) struct FunctionNames {
    taken: BTreeSet<String>,
    by_type: BTreeMap<&'static str, String>,
}

impl FunctionNames {
    /// Takes the name of a function that the client itself offers.
    pub(super) fn take(&mut self, name: &str) {
        if !self.taken.contains(name) {
            self.taken.insert(name.to_owned());
        }
    }

    /// The name of the function that stands for a tool: another one if the client offers a function of that name.
    pub(super) fn assign(&mut self, tool: &'static ClientTool) -> String {
        if let Some(name) = self.by_type.get(tool.tool_type) {
            return name.clone();
        }
        let mut name = tool.function.to_owned();
        let mut number = 2u32;
        while self.taken.contains(&name) {
            name = format!("{}_{number}", tool.function);
            number = number.saturating_add(1);
        }
        self.taken.insert(name.clone());
        self.by_type.insert(tool.tool_type, name.clone());
        name
    }
}

/// The client's own tool that a function stands for.
pub(super) fn of_function(tool: &Tool) -> Option<&'static ClientTool> {
    let Tool::Function { extra, .. } = tool else { return None };
    ClientTool::of_tool(&parse_or_empty(extra_fields::get(extra, CLIENT_TOOL)?))
}

/// Whether a search that the client runs finds deferred tools.
pub(super) fn defers_tools(tools: &[Tool]) -> bool {
    tools.iter().any(|tool| of_function(tool).is_some_and(|tool| tool.output == OutputForm::Tools))
}

/// Whether a tool is offered only when a search has found it.
pub(super) fn is_deferred(tool: &Tool) -> bool {
    matches!(tool, Tool::Function { extra, .. } if extra_fields::get(extra, "defer_loading") == Some("true"))
}

/// Gives functions that stand for a tool, and their calls, another name where the client offers a function of that name; offers
/// each tool once.
pub(super) fn resolve_names(request: &mut Request) {
    if !request.tools.iter().any(|tool| of_function(tool).is_some()) {
        return;
    }
    let mut names = FunctionNames::default();
    for tool in request.tools.iter().filter(|tool| of_function(tool).is_none()) {
        names.take(tool.name().unwrap_or_default());
    }
    let mut offered = BTreeSet::new();
    request.tools.decoded_mut().retain_mut(|tool| {
        let Some(client_tool) = of_function(tool) else { return true };
        if let Tool::Function { name, .. } = tool {
            *name = names.assign(client_tool);
        }
        offered.insert(client_tool.tool_type)
    });
    if let Some(ToolChoice::Native { raw, .. }) = &*request.tool_choice
        && let Some(name) =
            parse_or_empty(raw.as_str()).str("type").and_then(|kind| names.by_type.get(kind.as_ref()))
    {
        let choice = ToolChoice::Function(name.clone());
        request.tool_choice.set_decoded(Some(choice));
    }
    if names
        .by_type
        .iter()
        .all(|(tool_type, name)| ClientTool::of_type(tool_type).is_some_and(|tool| tool.function == name))
    {
        return;
    }
    for message in request.messages.decoded_mut() {
        for block in &mut message.decoded_mut().blocks {
            if let Block::ToolCall { name, extra, .. } = block
                && let Some(assigned) =
                    ClientTool::of_block(extra).and_then(|tool| names.by_type.get(tool.tool_type))
            {
                name.clone_from(assigned);
            }
        }
    }
}
