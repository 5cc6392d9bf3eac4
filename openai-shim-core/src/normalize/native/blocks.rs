//! Blocks that only another dialect defines to the text in them. What has no text is left out, and a message of which nothing is
//! left as well.

use super::super::recipient::Recipient;
use super::foreign::describe;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Request, Role, Text};

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let is_affected = |blocks: &[Block]| has_foreign(blocks, recipient);
    if !request.messages.iter().any(|message| is_affected(&message.blocks)) {
        return;
    }
    let mut has_empty = false;
    for (i, message) in request.messages.iter_mut().enumerate() {
        if is_affected(&message.blocks) {
            let path = format!("messages[{i}].content");
            let role = message.role;
            let blocks = &mut message.edit().blocks;
            *blocks = rewrite(std::mem::take(blocks), recipient, role, &path, diagnostics);
            has_empty |= blocks.is_empty();
        }
    }
    if has_empty {
        request.messages.retain(|message| !(message.blocks.is_empty() && message.is_changed()));
    }
}

fn has_foreign(blocks: &[Block], recipient: &Recipient<'_>) -> bool {
    blocks.iter().any(|block| match block {
        Block::Native { dialect, .. } => !recipient.is_own(dialect),
        Block::ToolResult { blocks, .. } => has_foreign(blocks, recipient),
        _ => false,
    })
}

/// Returns the blocks with the text of each foreign one in its place. Texts of foreign blocks in a row are one, in lines.
fn rewrite(
    blocks: Vec<Block>,
    recipient: &Recipient<'_>,
    role: Role,
    field_path: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::with_capacity(blocks.len());
    let mut lines: Vec<String> = Vec::new();
    for block in blocks {
        match block {
            Block::Native { dialect, raw } if !recipient.is_own(dialect) => {
                let content = describe(dialect, raw.as_str());
                let code = match (content.text.is_empty(), content.is_covered) {
                    (false, _) => DiagnosticCode::NativeAsText,
                    (true, true) => continue,
                    (true, false) => DiagnosticCode::FeatureUnsupported,
                };
                diagnostics.record(code, field_path, &content.name);
                if !content.text.is_empty() {
                    lines.push(content.text);
                }
            }
            Block::ToolResult { id, blocks, is_error, extra } => {
                close(&mut lines, role, None, &mut out);
                let blocks = rewrite(blocks, recipient, Role::Tool, field_path, diagnostics);
                out.push(Block::ToolResult { id, blocks, is_error, extra });
            }
            other => {
                close(&mut lines, role, Some(&other), &mut out);
                out.push(other);
            }
        }
    }
    close(&mut lines, role, None, &mut out);
    out
}

/// Writes the lines as a text. Encoders join the texts of the model's own turns without a separator: here it belongs to the text.
fn close(lines: &mut Vec<String>, role: Role, next: Option<&Block>, out: &mut Vec<Block>) {
    if lines.is_empty() {
        return;
    }
    let separator = |block: Option<&Block>| {
        let is_text = block.and_then(Block::as_text).is_some_and(|text| !text.is_empty());
        if is_text && role == Role::Assistant { "\n\n" } else { "" }
    };
    let lines = std::mem::take(lines).join("\n");
    let text = [separator(out.last()), &lines, separator(next)].concat();
    out.push(Block::text(Text::from(text)));
}
