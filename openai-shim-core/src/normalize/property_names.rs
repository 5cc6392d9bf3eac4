//! Names of a function's parameters to names that the upstream accepts: in its schema and in the calls of the history.
//!
//! A new name depends on the old one alone. [`ResponseSpec::property_names`] leads from it back to the client's, for the arguments
//! of calls.

use super::recipient::Recipient;
use super::short_digest::{digested_name, unused_name};
use crate::accepts::PropertyNameFormat;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Request, ResponseSpec, Tool};
use crate::json::{Object, decode_string, encode_array, encode_string, raw, rename_members};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name.
const MAX_LEN: usize = 64;

pub(super) fn normalize(
    request: &mut Request,
    recipient: &Recipient<'_>,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    if recipient.accepts.tools.property_names == PropertyNameFormat::Any {
        return;
    }
    let mut by_tool = BTreeMap::new();
    request.tools.edit_each(|i, tool| {
        let Tool::Function { name, parameters: Some(schema), .. } = &**tool else { return };
        let Some((schema, new_names)) = renamed_schema(schema.as_str()) else { return };
        let path = format!("tools[{i}].function.parameters");
        diagnostics.record(DiagnosticCode::PropertyNameMapped, &path, "");
        by_tool.insert(name.clone(), new_names);
        if let Tool::Function { parameters, .. } = tool.edit() {
            *parameters = Some(raw(schema));
        }
    });
    if by_tool.is_empty() {
        return;
    }
    for message in &mut request.messages {
        message.edit_each_block(|block| {
            let Block::ToolCall { name, arguments, .. } = &**block else { return };
            let Some(new) = by_tool.get(name).and_then(|names| rename_members(arguments, names)) else {
                return;
            };
            if let Block::ToolCall { arguments, .. } = block.edit() {
                *arguments = new;
            }
        });
    }
    let inverse = |names: BTreeMap<String, String>| names.into_iter().map(|(old, new)| (new, old)).collect();
    spec.property_names = by_tool.into_iter().map(|(tool, names)| (tool, inverse(names))).collect();
}

/// The schema with accepted names of properties, and the new names by the old ones; `None` if all names are accepted.
fn renamed_schema(schema: &str) -> Option<(String, BTreeMap<String, String>)> {
    let mut schema = Object::parse(schema.as_bytes()).ok()?;
    let properties = schema.object("properties")?;
    let new_names = new_names(&properties)?;
    let properties = rename_members(&properties.to_json(), &new_names)?;
    let new_name =
        |name: Cow<'_, str>| new_names.get(name.as_ref()).cloned().unwrap_or_else(|| name.into_owned());
    let required = schema.array("required").map(|names| {
        let names = names.into_iter().filter_map(decode_string).map(new_name);
        encode_array(&names.map(|name| encode_string(&name)).collect::<Vec<_>>())
    });
    schema.set("properties", properties);
    if let Some(required) = required {
        schema.set("required", required);
    }
    Some((schema.to_json(), new_names))
}

/// The new names of the properties that need one, by their own; `None` if none does.
fn new_names(properties: &Object<'_>) -> Option<BTreeMap<String, String>> {
    let (accepted, refused): (Vec<_>, Vec<_>) =
        properties.iter().map(|(name, _)| name).partition(|name| is_accepted(name));
    if refused.is_empty() {
        return None;
    }
    let mut used: BTreeSet<String> = accepted.into_iter().map(str::to_owned).collect();
    let rename = |old: &str| {
        let new = unused_name(&mut used, |salt| digested_name(old, MAX_LEN, is_in_charset, salt));
        (old.to_owned(), new)
    };
    Some(refused.into_iter().map(rename).collect())
}

fn is_in_charset(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_accepted(name: &str) -> bool {
    (1..=MAX_LEN).contains(&name.len()) && name.chars().all(is_in_charset)
}
