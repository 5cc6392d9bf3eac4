//! Names of tools to names that the upstream accepts: in declarations, the tool choice and the history.
//!
//! A new name depends on the old one alone, so that the same tool always has the same name. [`ResponseSpec::tool_names`] leads
//! from it back to the client's. No new name is that of another tool.

use super::recipient::Recipient;
use super::short_digest::{digested_name, unused_name};
use crate::accepts::ToolNameFormat;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Edit, ExtraFields, Message, Request, ResponseSpec, Role, Tool,
    ToolChoice, result_name, set_result_name,
};
use crate::json::{Object, RawJson, decode_string, encode_string, raw, replace_names};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn normalize(
    request: &mut Request,
    recipient: &Recipient<'_>,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    let format = recipient.accepts.tools.names;
    let dialect = recipient.dialect.name();
    if format == ToolNameFormat::Any {
        return;
    }
    let mut refused = BTreeSet::new();
    for_each_name(request, dialect, |name| {
        if !is_accepted(name, format) {
            refused.insert(name.to_owned());
        }
    });
    if refused.is_empty() {
        return;
    }
    let new_names = NewNames::new(refused, request, format, dialect);
    new_names.rename(request, dialect, diagnostics);
    spec.tools = request.tools.iter().filter_map(|tool| tool.name().map(str::to_owned)).collect();
    spec.tool_names = new_names.0.into_iter().map(|(old, new)| (new, old)).collect();
}

/// Calls `visit` with each name of a tool as the upstream would get it.
fn for_each_name(request: &Request, dialect: &str, mut visit: impl FnMut(&str)) {
    for tool in request.tools.iter() {
        match tool {
            Tool::Function { name, extra, .. } => visit(&sent_name(name, extra, dialect)),
            Tool::Native { .. } => {}
        }
    }
    match &*request.tool_choice {
        Some(ToolChoice::Function(name)) => visit(name),
        Some(ToolChoice::Allowed { names, .. }) => names.iter().for_each(|name| visit(name)),
        _ => {}
    }
    for message in &request.messages {
        for block in &message.blocks {
            match block {
                Block::ToolCall { name, extra, .. } => visit(&sent_name(name, extra, dialect)),
                Block::ToolResult { extra, .. } => {
                    if let Some(name) = result_name(extra) {
                        visit(&name);
                    }
                }
                _ => {}
            }
        }
        if let Some(name) = message.name.as_deref().filter(|_| message.role == Role::Tool) {
            visit(name);
        }
    }
}

/// The name that the upstream gets: a tool in a namespace has its own name there.
fn sent_name<'n>(name: &'n str, extra: &'n ExtraFields, dialect: &str) -> Cow<'n, str> {
    match name_in_namespace(extra, dialect) {
        Some(value) => decode_string(value.as_str()).unwrap_or(Cow::Borrowed(name)),
        None => Cow::Borrowed(name),
    }
}

/// The name inside a namespace of this dialect, as JSON.
fn name_in_namespace<'e>(extra: &'e ExtraFields, dialect: &str) -> Option<&'e RawJson> {
    let fields = extra.of(dialect);
    let find = |key| fields.iter().find(|(k, _)| k == key).map(|(_, value)| value);
    find(".namespace").and_then(|_| find(".name"))
}

fn is_accepted(name: &str, format: ToolNameFormat) -> bool {
    let begins_right = |b: &u8| !begins_with_letter(format) || b.is_ascii_alphabetic() || *b == b'_';
    name.len() <= max_len(format)
        && name.as_bytes().first().is_some_and(begins_right)
        && name.chars().all(|c| is_in_charset(c, format))
}

fn max_len(format: ToolNameFormat) -> usize {
    match format {
        ToolNameFormat::Any => usize::MAX,
        ToolNameFormat::Word64 | ToolNameFormat::Identifier64 => 64,
        ToolNameFormat::Word128 | ToolNameFormat::Dotted128 => 128,
    }
}

fn begins_with_letter(format: ToolNameFormat) -> bool {
    matches!(format, ToolNameFormat::Identifier64 | ToolNameFormat::Dotted128)
}

fn is_in_charset(c: char, format: ToolNameFormat) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '-')
        || (format == ToolNameFormat::Dotted128 && matches!(c, '.' | ':'))
}

/// The accepted form of a name that is refused: its beginning, and a digest. Another salt makes another name.
fn accepted_name(name: &str, format: ToolNameFormat, salt: u32) -> String {
    let is_misplaced = |c: char| !c.is_ascii_alphabetic() && c != '_';
    let prefix = if begins_with_letter(format) && name.starts_with(is_misplaced) { "_" } else { "" };
    let max_len = max_len(format) - prefix.len();
    format!("{prefix}{}", digested_name(name, max_len, |c| is_in_charset(c, format), salt))
}

/// The new names by the old ones.
struct NewNames(BTreeMap<String, String>);

impl NewNames {
    fn new(refused: BTreeSet<String>, request: &Request, format: ToolNameFormat, dialect: &str) -> Self {
        let mut used = BTreeSet::new();
        for_each_name(request, dialect, |name| used.extend([name.to_owned()]));
        used.extend(request.tools.iter().filter_map(native_name));
        let rename = |old: String| {
            let new = unused_name(&mut used, |salt| accepted_name(&old, format, salt));
            (old, new)
        };
        Self(refused.into_iter().map(rename).collect())
    }

    fn get(&self, old: &str) -> Option<&String> {
        self.0.get(old)
    }

    fn rename(&self, request: &mut Request, dialect: &str, diagnostics: &mut Diagnostics) {
        request.tools.edit_each(|i, tool| {
            if self.rename_tool(tool, dialect) {
                diagnostics.record(DiagnosticCode::ToolNameMapped, &format!("tools[{i}].name"), "");
            }
        });
        if let Some(choice) = request.tool_choice.as_ref().and_then(|choice| self.renamed_choice(choice)) {
            request.tool_choice.set(Some(choice));
            diagnostics.record(DiagnosticCode::ToolNameMapped, "tool_choice", "");
        }
        for (i, message) in request.messages.iter_mut().enumerate() {
            if self.rename_in_message(message, dialect) {
                diagnostics.record(DiagnosticCode::ToolNameMapped, &format!("messages[{i}]"), "");
            }
        }
    }

    /// The tool choice with the new names; `None` if it has none.
    fn renamed_choice(&self, choice: &ToolChoice) -> Option<ToolChoice> {
        match choice {
            ToolChoice::Function(name) => self.get(name).cloned().map(ToolChoice::Function),
            ToolChoice::Allowed { names, is_required } => {
                let renamed = names.iter().map(|name| self.get(name).unwrap_or(name).clone()).collect();
                let has_new = names.iter().any(|name| self.get(name).is_some());
                has_new.then_some(ToolChoice::Allowed { names: renamed, is_required: *is_required })
            }
            ToolChoice::Native { dialect, raw: choice } => {
                let renamed = String::from_utf8(replace_names(choice.as_str().as_bytes(), &self.0)?).ok()?;
                Some(ToolChoice::Native { dialect, raw: raw(renamed) })
            }
            ToolChoice::Auto | ToolChoice::None | ToolChoice::Required => None,
        }
    }

    fn rename_tool(&self, tool: &mut Edit<'_, Tool>, dialect: &str) -> bool {
        let Tool::Function { name, extra, .. } = &**tool else { return false };
        let Some(new) = self.get(&sent_name(name, extra, dialect)).cloned() else { return false };
        if let Tool::Function { name, extra, .. } = tool.edit() {
            set_sent_name(name, extra, dialect, new);
        }
        true
    }

    /// Renames the tools that a message calls, and those whose results it has.
    fn rename_in_message(&self, message: &mut Message, dialect: &str) -> bool {
        let mut is_renamed = false;
        message.edit_each_block(|block| {
            let new = match &**block {
                Block::ToolCall { name, extra, .. } => self.get(&sent_name(name, extra, dialect)),
                Block::ToolResult { extra, .. } => result_name(extra).and_then(|name| self.get(&name)),
                _ => None,
            };
            let Some(new) = new.cloned() else { return };
            is_renamed = true;
            match block.edit() {
                Block::ToolCall { name, extra, .. } => set_sent_name(name, extra, dialect, new),
                Block::ToolResult { extra, .. } => set_result_name(extra, &new),
                _ => {}
            }
        });
        let name = message.name.as_deref().filter(|_| message.role == Role::Tool);
        if let Some(new) = name.and_then(|name| self.get(name)).cloned() {
            message.edit().name = Some(new.into());
            is_renamed = true;
        }
        is_renamed
    }
}

fn set_sent_name(name: &mut String, extra: &mut ExtraFields, dialect: &str, new: String) {
    if name_in_namespace(extra, dialect).is_none() {
        *name = new;
        return;
    }
    for (_, value) in extra.members.iter_mut().filter(|(key, _)| key == ".name") {
        *value = raw(encode_string(&new));
    }
}

/// The name of a tool that only its own dialect defines.
fn native_name(tool: &Tool) -> Option<String> {
    let Tool::Native { raw, .. } = tool else { return None };
    let object = Object::parse(raw.as_str().as_bytes()).ok()?;
    object.str("name").map(Cow::into_owned)
}
