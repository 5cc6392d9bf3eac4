//! What messages change for the rest of the conversation: the tools that are offered, and the effort.
//!
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool>
//! <https://platform.claude.com/docs/en/build-with-claude/effort>

use super::super::client_tools::{self, IN_MESSAGE};
use super::super::names::NAME;
use super::{thinking, tools};
use crate::canonical::{Block, COMPACTION, Message, Request, Role, Tool};
use crate::json::{Object, raw};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The field of a system message with options that apply from there on.
const OUTPUT_CONFIG: &str = "output_config";

/// Takes the effort that a system message sets. For this request the last one counts.
pub(super) fn take_effort(message: &mut Message, request: &mut Request) {
    if message.role != Role::System || message.extra.is_empty() {
        return;
    }
    let members = &mut message.decoded_mut().extra.members;
    let Some((key, value)) = members.iter_mut().find(|(key, _)| key == OUTPUT_CONFIG) else { return };
    let config = Object::parse(value.as_str().as_bytes()).unwrap_or_default();
    let Some(effort) = config.str("effort") else { return };
    thinking::set_effort(effort.into_owned(), request.reasoning.decoded_mut());
    if config.iter().all(|(key, _)| key == "effort") {
        key.insert(0, '.');
    }
}

/// Finds out which tools are offered at the end of the conversation.
fn resolve_tools(request: &mut Request) {
    // What a search by the server would find is offered from the start elsewhere.
    let has_server_search = request.tools.iter().any(|tool| match tool {
        Tool::Native { raw, .. } => is_of_type(raw.as_str(), |kind| kind.starts_with("tool_search_tool")),
        Tool::Function { .. } => false,
    });
    let mut changes = ToolChanges::default();
    // A request in which all tools wait for a search has no search.
    let is_searched = request.tools.iter().any(|tool| !is_deferred(tool));
    if !has_server_search && is_searched {
        let deferred = request.tools.iter().filter(|tool| is_deferred(tool));
        changes.withheld = deferred.filter_map(Tool::name).map(str::to_owned).collect();
    }
    for block in request.messages.iter().flat_map(|message| &message.blocks) {
        changes.read(block);
    }
    let ToolChanges { withheld, defined } = changes;
    request.withheld_tools = withheld;
    if defined.is_empty() {
        return;
    }
    let mut known: BTreeSet<String> =
        request.tools.iter().filter_map(Tool::name).map(str::to_owned).collect();
    for mut tool in defined {
        if let Tool::Function { name, extra, .. } = &mut tool
            && known.insert(name.clone())
        {
            extra.members.push((IN_MESSAGE.to_owned(), raw("true")));
            request.tools.decoded_mut().push(tool);
        }
    }
}

/// What a conversation says about the tools so far.
#[derive(Default)]
struct ToolChanges {
    /// The names of tools that are not offered.
    withheld: BTreeSet<String>,
    /// Tools that messages define.
    defined: Vec<Tool>,
}

impl ToolChanges {
    fn read(&mut self, block: &Block) {
        match block {
            Block::Native { dialect: NAME, raw } => self.read_native(raw.as_str()),
            Block::ToolResult { blocks, .. } => blocks.iter().for_each(|block| self.read(block)),
            Block::Text { extra, .. } if !extra.is_empty() => {
                let compaction = extra.of(NAME).iter().find(|(key, _)| key == COMPACTION);
                let Some((_, compaction)) = compaction else { return };
                let compaction = Object::parse(compaction.as_str().as_bytes()).unwrap_or_default();
                for change in compaction.array("tool_changes").unwrap_or_default() {
                    self.read_native(change);
                }
            }
            _ => {}
        }
    }

    fn read_native(&mut self, json: &str) {
        let object = Object::parse(json.as_bytes()).unwrap_or_default();
        match object.str("type").as_deref() {
            Some("tool_reference") => self.offer(object.str("tool_name")),
            Some("tool_search_tool_result") => {
                let content = object.object("content").unwrap_or_default();
                for reference in content.array("tool_references").unwrap_or_default() {
                    self.read_native(reference);
                }
            }
            Some("tool_addition") => {
                let tool = object.object("tool").unwrap_or_default();
                self.offer(tool.str("name"));
                if let Some(definition) = tool.non_null("definition") {
                    let first = self.defined.len();
                    tools::read_tool(definition, &mut self.defined);
                    for name in self.defined.iter().skip(first).filter_map(Tool::name) {
                        self.withheld.remove(name);
                    }
                }
            }
            Some("tool_removal") => {
                let tool = object.object("tool").unwrap_or_default();
                let definition = tool.object("definition").unwrap_or_default();
                let name = tool.str("name").or_else(|| definition.str("name"));
                self.withheld.extend(name.map(Cow::into_owned));
            }
            _ => {}
        }
    }

    fn offer(&mut self, name: Option<Cow<'_, str>>) {
        if let Some(name) = name {
            self.withheld.remove(name.as_ref());
        }
    }
}

fn is_deferred(tool: &Tool) -> bool {
    let Tool::Function { extra, .. } = tool else { return false };
    extra.of(NAME).iter().any(|(key, value)| key == ".defer_loading" && value.as_str() == "true")
}

fn is_of_type(json: &str, is_type: impl Fn(&str) -> bool) -> bool {
    Object::parse(json.as_bytes()).is_ok_and(|object| object.str("type").as_deref().is_some_and(is_type))
}

/// Settles what depends on the whole request.
pub(super) fn resolve(request: &mut Request) {
    resolve_tools(request);
    client_tools::resolve_toolsets(request);
}
