//! The tools that items of the input add to those of the request.

use super::super::client_tools;
use super::super::tools::{self, ToolSource};
use crate::canonical::{Request, Tool};
use crate::json::Object;
use std::collections::BTreeSet;

/// How an item came to have tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolOrigin {
    /// The client added them.
    Addition,
    /// A search found them.
    Search,
}

/// The tools that are known so far.
pub(super) struct ToolList {
    /// Their names; empty until an item adds tools.
    names: BTreeSet<String>,
    /// A search that the client runs finds tools: deferred ones are not offered until then.
    defers_tools: bool,
    /// The tools of items, as JSON.
    pub(super) of_items: Vec<String>,
}

impl ToolList {
    /// Withholds the request's deferred tools if the client searches among them.
    pub(super) fn new(request: &mut Request) -> Self {
        let defers_tools = client_tools::defers_tools(&request.tools);
        if defers_tools {
            let deferred = request.tools.iter().filter(|tool| client_tools::is_deferred(tool));
            request.withheld_tools = deferred.filter_map(Tool::name).map(str::to_owned).collect();
        }
        Self { names: BTreeSet::new(), defers_tools, of_items: Vec::new() }
    }

    /// Adds the tools of an item to those of the request, each name once, and returns their names.
    pub(super) fn add(
        &mut self,
        item: &Object<'_>,
        origin: ToolOrigin,
        request: &mut Request,
    ) -> Vec<String> {
        let listed = item.array("tools").unwrap_or_default();
        if self.names.is_empty() {
            self.names.extend(request.tools.iter().filter_map(Tool::name).map(str::to_owned));
        }
        let mut names = Vec::new();
        for tool in tools::decode(&listed, ToolSource::InputItem) {
            let Some(name) = tool.name().map(str::to_owned) else { continue };
            if origin == ToolOrigin::Search {
                request.withheld_tools.remove(&name);
            } else if self.defers_tools && client_tools::is_deferred(&tool) {
                request.withheld_tools.insert(name.clone());
            }
            if self.names.insert(name.clone()) {
                request.tools.decoded_mut().push(tool);
            }
            names.push(name);
        }
        self.of_items.extend(listed.into_iter().map(str::to_owned));
        names
    }
}
