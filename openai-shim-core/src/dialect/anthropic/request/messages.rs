//! Messages of another dialect: `Message`s to the JSON of `system` and `messages`. Tool results are content of user messages,
//! adjacent messages of one role are one message, and no content is empty.

use super::super::{content_block, extra_fields};
use super::message_content::{ContentBlock, MessageContent, WrittenMessages};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Role};

/// Adjacent messages of one role, which become one message.
struct RoleGroup<'m> {
    role: &'static str,
    content: MessageContent<'m>,
}

/// Writes the system prompt, which is made of the system messages in front, and the messages.
pub(super) fn write(messages: &[Message], diagnostics: &mut Diagnostics) -> WrittenMessages {
    let mut system = MessageContent::default();
    let mut groups: Vec<RoleGroup<'_>> = Vec::with_capacity(messages.len());
    let (mut is_front, mut has_merged, mut last_role) = (true, false, None);
    for (i, message) in messages.iter().enumerate() {
        report_fields(message, i, diagnostics);
        let field_path = format!("messages[{i}].content");
        let mut content = MessageContent::default();
        for block in &message.blocks {
            push_content(message, block, &field_path, &mut content, diagnostics);
        }
        is_front &= matches!(message.role, Role::System | Role::Developer);
        if is_front {
            system.append(content);
            continue;
        }
        if content.is_empty() {
            continue;
        }
        let role = role_name(message.role);
        match groups.last_mut().filter(|group| group.role == role) {
            Some(group) => {
                has_merged |= last_role == Some(message.role) && message.role != Role::Tool;
                group.content.append(content);
            }
            None => groups.push(RoleGroup { role, content }),
        }
        last_role = Some(message.role);
    }
    if has_merged {
        diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "adjacent messages of one role");
    }
    if groups.is_empty() {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "messages",
            "a conversation in which nothing is said",
        );
    }
    WrittenMessages { system: (!system.is_empty()).then(|| system.to_json()), messages: list(groups) }
}

fn list(groups: Vec<RoleGroup<'_>>) -> String {
    // The list gets its final capacity at once: a list that grows is in memory twice.
    let frame_len = |group: &RoleGroup<'_>| group.role.len() + 24;
    let capacity: usize = groups.iter().map(|group| group.content.estimated_len() + frame_len(group)).sum();
    let mut list = String::with_capacity(capacity + 2);
    list.push('[');
    // Each group is freed once it is written.
    for group in groups {
        let comma = if list.len() > 1 { "," } else { "" };
        list.extend([comma, r#"{"role":""#, group.role, r#"","content":"#, &group.content.to_json(), "}"]);
    }
    list.push(']');
    list
}

/// The API's name for a role: tool results are content of user messages.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::Assistant => "assistant",
        Role::User | Role::Tool => "user",
    }
}

/// Reports the fields of a message that this dialect cannot express.
fn report_fields(message: &Message, i: usize, diagnostics: &mut Diagnostics) {
    if message.name.is_some() && message.role != Role::Tool {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("messages[{i}].name"), "");
    }
    if !message.extra.is_empty() {
        extra_fields::report_lost(&message.extra, &format!("messages[{i}]"), diagnostics);
    }
}

/// Adds a block of a message to the content.
fn push_content<'m>(
    message: &Message,
    block: &'m Block,
    field_path: &str,
    out: &mut MessageContent<'m>,
    diagnostics: &mut Diagnostics,
) {
    let is_system = matches!(message.role, Role::System | Role::Developer);
    match block {
        Block::Text { .. } => push_block(block, field_path, out, diagnostics),
        _ if is_system => diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            field_path,
            "a system message that is more than text",
        ),
        Block::ToolResult { id, blocks, is_error, extra } => {
            let blocks: Vec<Block> = blocks.iter().filter(|b| b.as_text() != Some("")).cloned().collect();
            let block =
                Block::ToolResult { id: id.clone(), blocks, is_error: *is_error, extra: extra.clone() };
            push_json(&block, field_path, out, diagnostics);
        }
        Block::ToolCall { id, name, arguments, signature, extra } => {
            if signature.is_some() {
                diagnostics.record(DiagnosticCode::ExtraDropped, field_path, "the signature of a call");
            }
            extra_fields::report_lost(extra, field_path, diagnostics);
            let input = content_block::input_object(arguments, field_path, diagnostics);
            out.push(ContentBlock::Json(content_block::tool_use(id, name, &input, extra)));
        }
        _ => push_block(block, field_path, out, diagnostics),
    }
}

/// Adds a block to a message's content.
fn push_block<'m>(
    block: &'m Block,
    field_path: &str,
    out: &mut MessageContent<'m>,
    diagnostics: &mut Diagnostics,
) {
    let plain_text = match block {
        Block::Text { text, extra } if extra_fields::accepted(extra).next().is_none() => {
            Some((text, Some(extra)))
        }
        Block::Refusal(text) => Some((text, None)),
        _ => None,
    };
    match plain_text {
        Some((text, extra)) => {
            if let Some(extra) = extra {
                extra_fields::report_lost(extra, field_path, diagnostics);
            }
            out.push(ContentBlock::Text(text));
        }
        None => push_json(block, field_path, out, diagnostics),
    }
}

fn push_json(block: &Block, field_path: &str, out: &mut MessageContent<'_>, diagnostics: &mut Diagnostics) {
    if let Some(json) = content_block::write(block, field_path, diagnostics) {
        out.push(ContentBlock::Json(json));
    }
}
