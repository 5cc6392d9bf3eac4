//! The prompt of `/api/generate`, both ways: a conversation of at most a system message and one question.

use super::{FAMILY, images};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Request, Role};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, decode_string, encode_string};
use std::fmt::Write as _;

/// Reads `system`, `prompt` and `images`. Without a prompt there is no question: the model is only loaded.
pub(super) fn decode(
    object: &Object<'_>,
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let word = |key: &str| object.str(key).filter(|t| !t.is_empty());
    if let Some(system) = word("system") {
        request.messages.push_decoded(Message::decoded(Role::System, vec![Block::text(system)]));
    }
    let prompt = word("prompt");
    let mut blocks: Vec<Block> = prompt.map(Block::text).into_iter().collect();
    let mut is_rewritten = false;
    let images = object.array("images").unwrap_or_default();
    for (k, image) in images.into_iter().filter_map(decode_string).enumerate() {
        let (block, touched) = images::read(&image, &format!("images[{k}]"), diagnostics);
        is_rewritten |= touched;
        blocks.push(block);
    }
    if blocks.is_empty() {
        // A system message alone asks nothing.
        request.messages.decoded_mut().clear();
        return Ok(());
    }
    let mut message = Message::decoded(Role::User, blocks);
    if is_rewritten {
        message.mark_changed();
    }
    request.messages.push_decoded(message);
    Ok(())
}

/// Writes `system`, `prompt` and `images`; a longer conversation becomes one prompt that says who said what.
pub(super) fn encode(
    request: &Request,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let is_system = |m: &&Message| matches!(m.role, Role::System | Role::Developer);
    let (system, turns): (Vec<_>, Vec<_>) = request.messages.iter().partition(is_system);
    let system: Vec<_> = system.into_iter().map(Message::joined_text).filter(|t| !t.is_empty()).collect();
    if system.len() > 1 {
        diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "system messages were merged");
    }
    let mut images = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        pictures(&message.blocks, i, &mut images, diagnostics)?;
        message.report(FAMILY, &format!("messages[{i}]"), diagnostics);
        if message.name.is_some() {
            diagnostics.record(DiagnosticCode::ExtraDropped, &format!("messages[{i}].name"), "");
        }
    }
    let prompt = match turns.as_slice() {
        [] => String::new(),
        [only]
            if only.role == Role::User
                && !only.blocks.iter().any(|b| matches!(b, Block::ToolResult { .. })) =>
        {
            let texts: Vec<_> = only.blocks.iter().filter_map(Block::as_text).collect();
            texts.join("\n\n")
        }
        turns => {
            diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "a conversation as one prompt");
            transcript(turns)
        }
    };
    body.set("prompt", encode_string(&prompt));
    if !system.is_empty() {
        body.set("system", encode_string(&system.join("\n\n")));
    }
    if !images.is_empty() {
        body.set("images", format!("[{}]", images.join(",")));
    }
    Ok(())
}

fn pictures(
    blocks: &[Block],
    i: usize,
    images: &mut Vec<String>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    for block in blocks {
        let lost = match block {
            Block::Image(image) => {
                images.push(images::write(image, i)?);
                continue;
            }
            Block::ToolResult { blocks, .. } => {
                pictures(blocks, i, images, diagnostics)?;
                continue;
            }
            Block::Audio(_) => "sound",
            Block::File(_) => "a document",
            Block::Native { dialect, .. } => dialect,
            Block::Reasoning { .. } => "thinking",
            Block::Text { .. } | Block::Refusal(_) | Block::ToolCall { .. } => continue,
        };
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("messages[{i}].content"), lost);
    }
    Ok(())
}

fn transcript(turns: &[&Message]) -> String {
    let mut out = String::new();
    for message in turns {
        for block in &message.blocks {
            let speaker = if message.role == Role::Assistant { "Assistant" } else { "User" };
            // Writing into memory cannot fail.
            let _ = match block {
                Block::Text { text, .. } | Block::Refusal(text) => write!(out, "{speaker}: {text}\n\n"),
                Block::ToolCall { name, arguments, .. } => {
                    write!(out, "Assistant calls {name} with {arguments}\n\n")
                }
                Block::ToolResult { blocks, .. } => {
                    let text: String = blocks.iter().filter_map(Block::as_text).collect();
                    write!(out, "Tool: {text}\n\n")
                }
                _ => Ok(()),
            };
        }
    }
    out.push_str("Assistant:");
    out
}
