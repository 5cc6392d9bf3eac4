//! The prompt of `/api/generate`: `system`, `prompt` and `images` to messages, and a conversation of any length to one prompt.

use super::super::names::FAMILY;
use super::images;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Request, Role};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, decode_string, encode_string};
use std::fmt::Write as _;

/// Decodes `system`, `prompt` and `images`. A request without prompt and images only loads the model.
pub(super) fn decode(
    object: &Object<'_>,
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let non_empty = |key: &str| object.str(key).filter(|t| !t.is_empty());
    if let Some(system) = non_empty("system") {
        request.messages.push_decoded(Message::decoded(Role::System, vec![Block::text(system)]));
    }
    let prompt = non_empty("prompt");
    let mut blocks: Vec<Block> = prompt.map(Block::text).into_iter().collect();
    let mut must_rewrite = false;
    let images = object.array("images").unwrap_or_default();
    for (k, image) in images.into_iter().filter_map(decode_string).enumerate() {
        let decoded = images::decode(&image, &format!("images[{k}]"), diagnostics);
        must_rewrite |= decoded.must_rewrite;
        blocks.push(decoded.block);
    }
    if blocks.is_empty() {
        // A system message alone only loads the model too.
        request.messages.decoded_mut().clear();
        return Ok(());
    }
    let mut message = Message::decoded(Role::User, blocks);
    if must_rewrite {
        message.mark_changed();
    }
    request.messages.push_decoded(message);
    Ok(())
}

/// Encodes `system`, `prompt` and `images`; a longer conversation becomes one prompt with the role before each message.
pub(super) fn encode(
    request: &Request,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let is_system = |m: &&Message| matches!(m.role, Role::System | Role::Developer);
    let (system, turns): (Vec<_>, Vec<_>) = request.messages.iter().partition(is_system);
    let text_of = |message: &Message| Block::join_texts(&message.blocks, "\n\n");
    let system: Vec<_> = system.into_iter().map(text_of).filter(|text| !text.is_empty()).collect();
    if system.len() > 1 {
        diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "system messages were merged");
    }
    let mut images = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        collect_images(&message.blocks, i, &mut images, diagnostics)?;
        message.report(FAMILY, &format!("messages[{i}]"), diagnostics);
        if message.name.is_some() {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("messages[{i}].name"), "");
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

fn collect_images(
    blocks: &[Block],
    i: usize,
    images: &mut Vec<String>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    for block in blocks {
        let unsupported = match block {
            Block::Image(image) => {
                images.push(images::encode(image, i)?);
                continue;
            }
            Block::ToolResult { blocks, is_error, .. } => {
                collect_images(blocks, i, images, diagnostics)?;
                if !is_error {
                    continue;
                }
                "that a tool failed"
            }
            Block::Audio(_) => "sound",
            Block::File(_) => "a document",
            Block::Native { dialect, .. } => dialect,
            Block::Reasoning { .. } => "thinking",
            Block::Text { .. } | Block::Refusal(_) | Block::ToolCall { .. } => continue,
        };
        let path = format!("messages[{i}].content");
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, unsupported);
    }
    Ok(())
}

fn transcript(turns: &[&Message]) -> String {
    let mut out = String::new();
    for message in turns {
        for block in &message.blocks {
            let speaker = if message.role == Role::Assistant { "Assistant" } else { "User" };
            // Writing into a `String` cannot fail.
            let _ = match block {
                Block::Text { text, .. } | Block::Refusal(text) => write!(out, "{speaker}: {text}\n\n"),
                Block::ToolCall { name, arguments, .. } => {
                    write!(out, "Assistant calls {name} with {arguments}\n\n")
                }
                Block::ToolResult { blocks, .. } => {
                    write!(out, "Tool: {}\n\n", Block::join_texts(blocks, "\n\n"))
                }
                _ => Ok(()),
            };
        }
    }
    out.push_str("Assistant:");
    out
}
