//! Names of tools: the client's name and namespace to the one name that a model knows, and back.
//!
//! Other dialects have no namespaces: namespace and name become one name. The way back needs no stored state: the tools of
//! the request are among the [echoed parameters](ResponseSpec::echoed_params), and the same rule over them finds what a
//! called name stands for.

use super::client_tools::{ClientTool, FunctionNames};
use super::extra_fields::parse_or_empty;
use super::names::{ADDITIONAL_TOOLS, NAME};
use super::tool_call::ToolCallKind;
use crate::canonical::ResponseSpec;
use crate::json::Object;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Joins a namespace and a name.
pub(super) fn join(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty() && *namespace != name) else {
        return name.to_owned();
    };
    let separator = if namespace.ends_with('_') { "" } else { "__" };
    format!("{namespace}{separator}{name}")
}

/// A tool as the client names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClientToolName {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) kind: ToolCallKind,
}

/// The client's tools, by the one name that the model knows.
#[derive(Debug, Clone, Default)]
pub(super) struct ToolNameMap {
    by_joined_name: BTreeMap<String, ClientToolName>,
    /// By the name alone; `None` if several tools have it.
    by_bare_name: BTreeMap<String, Option<ClientToolName>>,
}

impl ToolNameMap {
    /// Collects the request's custom tools, tools in namespaces and client-run tools; all others keep their names.
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let mut map = Self::default();
        let (mut client_tools, mut names) = (Vec::new(), FunctionNames::default());
        for key in ["tools", ADDITIONAL_TOOLS] {
            let tools =
                spec.echoed_params.of(NAME).iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
            let items: Vec<&serde_json::value::RawValue> =
                tools.and_then(|tools| serde_json::from_str(tools).ok()).unwrap_or_default();
            for item in items {
                let object = parse_or_empty(item.get());
                match ClientTool::of_tool(&object) {
                    Some(tool) => client_tools.push(tool),
                    None => map.add(item.get(), &object, &mut names),
                }
            }
        }
        for tool in client_tools {
            let (name, kind) = (names.assign(tool), ToolCallKind::Client(tool));
            let client_name = ClientToolName { name: name.clone(), namespace: None, kind };
            map.by_joined_name.insert(name, client_name);
        }
        map
    }

    fn add(&mut self, item: &str, object: &Object<'_>, names: &mut FunctionNames) {
        let namespace =
            object.str("name").map(Cow::into_owned).filter(|_| object.non_null("tools").is_some());
        let tools = object.array("tools").unwrap_or_else(|| vec![item]);
        for tool in tools {
            let tool = parse_or_empty(tool);
            let Some(name) = tool.str("name").map(Cow::into_owned) else { continue };
            let kind = match tool.str("type").as_deref() {
                Some("custom") => ToolCallKind::Custom,
                _ => ToolCallKind::Function,
            };
            let joined_name = join(namespace.as_deref(), &name);
            names.take(&joined_name);
            if kind == ToolCallKind::Custom || namespace.is_some() {
                let client_name = ClientToolName { name, namespace: namespace.clone(), kind };
                self.by_bare_name
                    .entry(client_name.name.clone())
                    .and_modify(|other| *other = None)
                    .or_insert_with(|| Some(client_name.clone()));
                self.by_joined_name.entry(joined_name).or_insert(client_name);
            }
        }
    }

    /// Returns the client's name of the tool that the model called; a model may leave the namespace out.
    pub(super) fn find(&self, called_name: &str) -> ClientToolName {
        let by_bare_name = || self.by_bare_name.get(called_name).and_then(Option::as_ref);
        match self.by_joined_name.get(called_name).or_else(by_bare_name) {
            Some(client_name) => client_name.clone(),
            None => ClientToolName { name: called_name.to_owned(), ..ClientToolName::default() },
        }
    }
}
