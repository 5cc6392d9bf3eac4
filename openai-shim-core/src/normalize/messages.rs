//! One message at a time: its role, the shape of its content, its name.

use super::order::append;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, MediaSource, Message, Messages, Request, Role,
};
use crate::error::{ClientError, Error, ErrorKind};
use crate::profile::{MessageNamePolicy, MessageRules, Profile};
use std::collections::BTreeMap;

pub(super) fn normalize(
    request: &mut Request,
    profile: &Profile,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let rules = &profile.messages;
    for (i, message) in request.messages.iter_mut().enumerate() {
        media(&message.blocks, rules, profile, i)?;
        for rule in [flatten, wrap, members, names] {
            rule(message, rules, i, diagnostics);
        }
    }
    rename_roles(&mut request.messages, rules, diagnostics);
    if rules.tool_result_name {
        name_results(&mut request.messages, diagnostics);
    }
    if rules.drop_empty_assistant {
        drop_empty(&mut request.messages, diagnostics);
    }
    for (i, message) in request.messages.iter_mut().enumerate() {
        fill_content(message, rules, i, diagnostics);
    }
    Ok(())
}

/// Content of a kind that the upstream cannot read is no loss to be silent about.
fn media(blocks: &[Block], rules: &MessageRules, profile: &Profile, i: usize) -> Result<(), Error> {
    for block in blocks {
        let address = match block {
            Block::Image(media) | Block::Audio(media) | Block::File(media) => {
                matches!(media.source, MediaSource::Url(_))
            }
            _ => false,
        };
        if address && rules.data_urls_only {
            let text = format!(
                "{} fetches nothing from addresses. Send the content itself, as a data URL (data:image/png;base64,…).",
                profile.name
            );
            let error = ClientError::new(ErrorKind::Unsupported, text);
            return Err(error.at(format!("messages[{i}].content")).with_code("unsupported_content").into());
        }
        let Some(known) = &rules.input_modalities else { continue };
        let kind = match block {
            Block::Image(_) => "image",
            Block::Audio(_) => "audio",
            Block::File(_) => "file",
            Block::ToolResult { blocks, .. } => {
                media(blocks, rules, profile, i)?;
                continue;
            }
            _ => continue,
        };
        if !known.iter().any(|k| k == kind) {
            let text = format!(
                "{} cannot read this {kind}: it takes {}. Leave it out, or ask another model.",
                profile.name,
                if known.is_empty() {
                    String::from("text only")
                } else {
                    format!("text, {}", known.join(", "))
                }
            );
            let error = ClientError::new(ErrorKind::Unsupported, text);
            return Err(error.at(format!("messages[{i}].content")).with_code("unsupported_content").into());
        }
    }
    Ok(())
}

/// Roles under the names that the upstream knows. A system message that becomes the user's joins the next one of theirs.
fn rename_roles(messages: &mut Messages, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    if rules.roles.is_empty() || messages.iter().all(|message| renamed(message.role, rules) == message.role) {
        return;
    }
    let messages = messages.edit();
    let mut roles = |i: usize, message: &mut Message| {
        let (before, role) = (message.role, renamed(message.role, rules));
        if role == before {
            return false;
        }
        let detail = format!("{} to {}", before.as_str(), role.as_str());
        diagnostics.record(DiagnosticCode::RoleDemoted, &format!("messages[{i}].role"), &detail);
        message.edit().role = role;
        role == Role::User
    };
    // Messages join where they stand: a second list of a long conversation is large.
    let (mut i, mut grown) = (0, false);
    let mut joins = messages.first_mut().is_some_and(|first| roles(0, first));
    messages.dedup_by(|message, last| {
        i += 1;
        let joined = std::mem::take(&mut joins);
        joins = roles(i, message);
        if joined && message.role == Role::User {
            append(last, std::mem::replace(message, Message::new(Role::User, Vec::new())));
            grown = true;
            return true;
        }
        if std::mem::take(&mut grown) {
            last.join_texts();
        }
        false
    });
    messages.last_mut().filter(|_| grown).into_iter().for_each(Message::join_texts);
}

/// The role under which a profile sends `role`.
fn renamed(mut role: Role, rules: &MessageRules) -> Role {
    // A role may be sent as one that is itself sent as another: `developer`, `system`, `user`.
    for _ in 0..2 {
        role = rules.roles.get(role.as_str()).and_then(|name| Role::parse(name)).unwrap_or(role);
    }
    role
}

/// Joins the parts of a text into one: the encoder writes a single text block as a string.
fn flatten(message: &mut Message, rules: &MessageRules, i: usize, diagnostics: &mut Diagnostics) {
    if !rules.flatten_text || !message.content_was_parts {
        return;
    }
    let can_join = match message.blocks.as_slice() {
        [Block::ToolResult { blocks, .. }] => is_joinable(blocks),
        blocks => is_joinable(blocks),
    };
    if !can_join {
        return;
    }
    let fields = message.edit();
    match fields.blocks.as_mut_slice() {
        [Block::ToolResult { blocks, .. }] => join(blocks),
        _ => join(&mut fields.blocks),
    }
    fields.content_was_parts = false;
    diagnostics.record(DiagnosticCode::ContentFlattened, &format!("messages[{i}].content"), "");
}

/// Whether there is text, and nothing beside it that needs a part of its own.
fn is_joinable(blocks: &[Block]) -> bool {
    let own_part =
        |b: &Block| matches!(b, Block::Image(_) | Block::Audio(_) | Block::File(_) | Block::Native { .. });
    blocks.iter().any(is_text) && !blocks.iter().any(own_part)
}

fn is_text(block: &Block) -> bool {
    matches!(block, Block::Text { .. })
}

/// Makes one text of several.
fn join(blocks: &mut Vec<Block>) {
    let Some(at) = blocks.iter().position(is_text) else { return };
    let joined = blocks.iter().filter_map(Block::as_text).collect::<Vec<_>>().join("\n\n");
    blocks.retain(|b| !is_text(b));
    blocks.insert(at.min(blocks.len()), Block::text(joined));
}

/// A text as a list of one part.
fn wrap(message: &mut Message, rules: &MessageRules, i: usize, diagnostics: &mut Diagnostics) {
    let says = message.blocks.iter().any(|b| matches!(b, Block::Text { .. } | Block::ToolResult { .. }));
    if !rules.parts_only || message.content_was_parts || !says {
        return;
    }
    message.edit().content_was_parts = true;
    diagnostics.record(
        DiagnosticCode::ContentRewritten,
        &format!("messages[{i}].content"),
        "a text to a list of parts",
    );
}

/// Leaves members out that the upstream refuses, and those that are `null` where it refuses these.
fn members(message: &mut Message, rules: &MessageRules, i: usize, diagnostics: &mut Diagnostics) {
    message.retain_extra(|key, value| {
        let null = value.trim() == "null";
        let refused = rules.drop_fields.iter().any(|field| field == key);
        if refused || (null && rules.drop_null_fields) {
            let code = if null { DiagnosticCode::NullDropped } else { DiagnosticCode::ParamDropped };
            diagnostics.record(code, &format!("messages[{i}].{key}"), "");
            return false;
        }
        true
    });
}

fn names(message: &mut Message, rules: &MessageRules, i: usize, diagnostics: &mut Diagnostics) {
    let kept = match rules.name_field {
        MessageNamePolicy::Drop => false,
        MessageNamePolicy::Tool => message.role == Role::Tool,
        _ => true,
    };
    if kept || message.name.is_none() {
        return;
    }
    message.edit().name = None;
    diagnostics.record(DiagnosticCode::ParamDropped, &format!("messages[{i}].name"), "");
}

/// A tool's result carries the name of the tool that was called.
fn name_results(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let mut called: BTreeMap<String, String> = BTreeMap::new();
    for (i, message) in messages.iter_mut().enumerate() {
        let mut name = None;
        for block in &message.blocks {
            match block {
                Block::ToolCall { id, name, .. } => drop(called.insert(id.clone(), name.clone())),
                Block::ToolResult { id, .. } => name = called.get(id).cloned(),
                _ => {}
            }
        }
        if message.role == Role::Tool && message.name.is_none() && name.is_some() {
            message.edit().name = name.map(Into::into);
            diagnostics.record(DiagnosticCode::FieldFilled, &format!("messages[{i}].name"), "");
        }
    }
}

/// Assistant messages that say nothing and call nothing.
fn drop_empty(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let says = |m: &Message| m.role != Role::Assistant || !m.blocks.iter().all(is_empty);
    for (i, _) in messages.iter().enumerate().filter(|(_, m)| !says(m)) {
        diagnostics.record(DiagnosticCode::MessageDropped, &format!("messages[{i}]"), "");
    }
    messages.retain(says);
}

/// A text that says nothing.
fn is_empty(block: &Block) -> bool {
    matches!(block, Block::Text { text, .. } if text.is_empty())
}

/// What an assistant message that only calls tools says: `""` or `null`.
fn fill_content(message: &mut Message, rules: &MessageRules, i: usize, diagnostics: &mut Diagnostics) {
    let calls = message.blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
    if message.role != Role::Assistant {
        return;
    }
    let silent = message.blocks.iter().all(|b| matches!(b, Block::Reasoning { .. }));
    if !calls {
        // OpenAI takes `null` beside calls only.
        let alone = silent && ["function_call", "audio"].iter().all(|key| message.extra.get(key).is_none());
        if alone {
            message.edit().blocks.push(Block::text(""));
            diagnostics.record(
                DiagnosticCode::ContentRewritten,
                &format!("messages[{i}].content"),
                "null to \"\"",
            );
        }
        return;
    }
    let at = format!("messages[{i}].content");
    let says = message.blocks.iter().any(|b| matches!(b, Block::Text { .. }));
    if rules.empty_content && !says {
        message.edit().blocks.insert(0, Block::Text { text: "".into(), extra: ExtraFields::default() });
        diagnostics.record(DiagnosticCode::ContentRewritten, &at, "null to \"\"");
    } else if rules.null_content && says && message.blocks.iter().any(is_empty) {
        message.retain_blocks(|b| !is_empty(b));
        diagnostics.record(DiagnosticCode::ContentRewritten, &at, "\"\" to null");
    }
}
