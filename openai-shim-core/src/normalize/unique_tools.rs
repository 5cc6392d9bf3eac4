//! Tools of one name to one tool, for upstreams that refuse a second one: the last one stays.

use crate::accepts::ToolRules;
use crate::canonical::{DiagnosticCode, Diagnostics, Request, Tool};
use crate::json::RawJson;
use std::collections::BTreeMap;

pub(super) fn normalize(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    if !rules.unique_names {
        return;
    }
    let mut last_of_name: BTreeMap<&str, usize> = BTreeMap::new();
    let mut is_repeated = false;
    for (i, tool) in request.tools.iter().enumerate() {
        is_repeated |= tool.name().is_some_and(|name| last_of_name.insert(name, i).is_some());
    }
    if !is_repeated {
        return;
    }
    let last = |tool: &Tool| last_of_name.get(tool.name()?).copied();
    let is_sent: Vec<bool> =
        request.tools.iter().enumerate().map(|(i, tool)| last(tool).is_none_or(|last| last == i)).collect();
    for (i, tool) in request.tools.iter().enumerate().filter(|(i, _)| is_sent.get(*i) == Some(&false)) {
        let sent = last(tool).and_then(|last| request.tools.get(last));
        let field_path = format!("tools[{i}]");
        if sent.is_some_and(|sent| is_same(tool, sent)) {
            diagnostics.record(DiagnosticCode::ToolRepeated, &field_path, "");
        } else {
            diagnostics.record(DiagnosticCode::ParamDropped, &field_path, "another tool has its name");
        }
    }
    let mut is_sent = is_sent.into_iter();
    request.tools.edit().retain(|_| is_sent.next().unwrap_or(true));
}

/// Whether two functions of one name mean the same.
fn is_same(one: &Tool, other: &Tool) -> bool {
    let (
        Tool::Function { description, parameters, strict, .. },
        Tool::Function {
            description: other_description,
            parameters: other_parameters,
            strict: other_strict,
            ..
        },
    ) = (one, other)
    else {
        return false;
    };
    let schemas = [parameters, other_parameters].map(|schema| schema.as_ref().map(RawJson::as_str));
    let [schema, other_schema] = schemas;
    (description, schema, strict) == (other_description, other_schema, other_strict)
}
