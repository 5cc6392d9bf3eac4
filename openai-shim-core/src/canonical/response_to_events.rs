//! A response to events: a stream for a client whose upstream does not stream.

use super::{Block, BlockKind, Delta, Event, ExtraFieldList, FinishReason, NATIVE, Response};
use crate::json::raw;

/// Takes the place of the dialect's name in [`ExtraFieldList`]: its field names a kind of block without an event, so that the encoder
/// reports the loss.
const EVENTLESS: &str = "eventless";

/// The events of a complete response, in a legal order.
///
/// A choice without a finish reason gets `stop`, or `tool_calls` if it calls tools: the response is complete, so the reason is
/// known.
pub fn unfold(response: &Response) -> Vec<Event> {
    let mut out = vec![Event::Start {
        id: response.id.clone(),
        model: response.model.clone(),
        created: response.created,
    }];
    if !response.extra.is_empty() {
        out.push(Event::Extra { choice: None, extra: (*response.extra).clone() });
    }
    for choice in &response.choices {
        let index = choice.index;
        if !choice.extra.is_empty() {
            out.push(Event::Extra { choice: Some(index), extra: (*choice.extra).clone() });
        }
        if let Some(logprobs) = &choice.logprobs {
            out.push(Event::Extra { choice: Some(index), extra: logprobs.to_extra() });
        }
        let (mut next_block, mut has_calls) = (0, false);
        for (position, block) in choice.blocks.iter().enumerate() {
            if let Block::Native { dialect, raw } = block {
                let extra = ExtraFieldList::new(dialect, vec![(format!("{NATIVE}{position}"), raw.clone())]);
                out.push(Event::Extra { choice: Some(index), extra });
            }
            let Some((kind, deltas)) = split(block) else {
                if let Some(kind) = eventless_kind(block) {
                    let extra = ExtraFieldList::new(EVENTLESS, vec![(kind.to_owned(), raw("true"))]);
                    out.push(Event::Extra { choice: Some(index), extra });
                }
                continue;
            };
            has_calls |= matches!(kind, BlockKind::ToolCall { .. });
            out.push(Event::Open { choice: index, block: next_block, kind });
            out.extend(deltas.into_iter().map(|delta| Event::Delta {
                choice: index,
                block: next_block,
                delta,
            }));
            out.push(Event::Close { choice: index, block: next_block });
            next_block += 1;
        }
        let derived = if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop };
        out.push(Event::Finish { choice: index, reason: choice.finish.clone().unwrap_or(derived) });
    }
    if let Some(usage) = response.usage {
        out.push(Event::Usage(usage));
    }
    out.push(Event::End);
    out
}

/// The name of a kind of block that has no event; `None` for others, and for a dialect's own block, which has one.
fn eventless_kind(block: &Block) -> Option<&'static str> {
    match block {
        Block::Image(_) => Some("picture"),
        Block::Audio(_) => Some("sound"),
        Block::File(_) => Some("document"),
        Block::ToolResult { .. } => Some("result"),
        _ => None,
    }
}

/// Splits a block into its kind and deltas; `None` for blocks that a streamed response does not have.
fn split(block: &Block) -> Option<(BlockKind, Vec<Delta>)> {
    let text = |text: &str| if text.is_empty() { Vec::new() } else { vec![Delta::Text(text.to_owned())] };
    let native = |extra: &ExtraFieldList, deltas: &mut Vec<Delta>| {
        deltas.extend(extra.members.iter().map(|(key, raw)| Delta::Native {
            dialect: extra.dialect,
            key: key.clone(),
            raw: raw.clone(),
        }));
    };
    Some(match block {
        Block::Text { text: t, extra } => {
            let mut deltas = text(t);
            native(extra, &mut deltas);
            (BlockKind::Text, deltas)
        }
        Block::Refusal(t) => (BlockKind::Refusal, text(t)),
        Block::Reasoning { text: t, signature, extra } => {
            let mut deltas = Vec::new();
            // The issuer of the signature must be known before the signature.
            let is_issuer = extra.dialect == super::REASONING_DETAILS;
            if is_issuer {
                native(extra, &mut deltas);
            }
            deltas.extend(text(t));
            deltas.extend(signature.as_deref().map(|sign| Delta::Signature(sign.to_owned())));
            if !is_issuer {
                native(extra, &mut deltas);
            }
            (BlockKind::Reasoning, deltas)
        }
        Block::ToolCall { id, name, arguments, signature, extra } => {
            let mut deltas = text(arguments);
            native(extra, &mut deltas);
            let kind = BlockKind::ToolCall {
                id: id.clone(),
                name: name.clone(),
                signature: signature.as_deref().map(str::to_owned),
            };
            (kind, deltas)
        }
        Block::Image(_)
        | Block::Audio(_)
        | Block::File(_)
        | Block::ToolResult { .. }
        | Block::Native { .. } => {
            return None;
        }
    })
}
