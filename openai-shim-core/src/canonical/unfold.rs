//! A response to events: a stream for a client whose upstream does not stream.

use super::{Block, BlockKind, Delta, Event, ExtraFieldList, FinishReason, Response};
use crate::json::raw;

/// What the key begins with under which a block that only its own dialect knows stands in an [`Event::Extra`].
pub const NATIVE: &str = "native:";

/// Stands in [`Leftovers`] where a dialect's name would: its member names a block that no event can carry, so that whoever
/// writes the stream reports it.
const EVENTLESS: &str = "eventless";

/// The events of a complete response, in a legal order.
///
/// A choice without a finish reason gets `stop`, or `tool_calls` if it calls tools: the response is whole, so its end is
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
        let (mut next, mut calls) = (0, false);
        for (at, block) in choice.blocks.iter().enumerate() {
            if let Block::Native { dialect, raw } = block {
                let extra = ExtraFieldList::new(dialect, vec![(format!("{NATIVE}{at}"), raw.clone())]);
                out.push(Event::Extra { choice: Some(index), extra });
            }
            let Some((kind, deltas)) = parts(block) else {
                if let Some(what) = eventless(block) {
                    let extra = ExtraFieldList::new(EVENTLESS, vec![(what.to_owned(), raw("true"))]);
                    out.push(Event::Extra { choice: Some(index), extra });
                }
                continue;
            };
            calls |= matches!(kind, BlockKind::ToolCall { .. });
            out.push(Event::Open { choice: index, block: next, kind });
            out.extend(deltas.into_iter().map(|delta| Event::Delta { choice: index, block: next, delta }));
            out.push(Event::Close { choice: index, block: next });
            next += 1;
        }
        let derived = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
        out.push(Event::Finish { choice: index, reason: choice.finish.clone().unwrap_or(derived) });
    }
    if let Some(usage) = response.usage {
        out.push(Event::Usage(usage));
    }
    out.push(Event::End);
    out
}

/// What a block is that no event can carry; a dialect's own block has an event.
fn eventless(block: &Block) -> Option<&'static str> {
    match block {
        Block::Image(_) => Some("picture"),
        Block::Audio(_) => Some("sound"),
        Block::File(_) => Some("document"),
        Block::ToolResult { .. } => Some("result"),
        _ => None,
    }
}

/// A block's kind and its deltas; `None` for blocks that an answer does not have.
fn parts(block: &Block) -> Option<(BlockKind, Vec<Delta>)> {
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
            // Whose signature it will be must be known before.
            let first = extra.dialect == super::REASONING_DETAILS;
            if first {
                native(extra, &mut deltas);
            }
            deltas.extend(text(t));
            deltas.extend(signature.as_deref().map(|sign| Delta::Signature(sign.to_owned())));
            if !first {
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
