//! Events to a response.

use super::{Block, BlockKind, Choice, Delta, Event, Extra, LOGPROBS, REASONING_DETAILS, Response};
use crate::error::UpstreamError;

/// Collects the events of a stream into a response.
#[derive(Debug, Default)]
pub struct Fold {
    response: Response,
    error: Option<UpstreamError>,
}

impl Fold {
    /// Nothing collected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Start { id, model, created } => {
                self.response.id.clone_from(id);
                self.response.model.clone_from(model);
                self.response.created = *created;
            }
            Event::Open { choice, kind, .. } => {
                let block = match kind {
                    BlockKind::Text => Block::text(""),
                    BlockKind::Reasoning => {
                        Block::Reasoning { text: "".into(), signature: None, extra: Extra::default() }
                    }
                    BlockKind::Refusal => Block::Refusal("".into()),
                    BlockKind::ToolCall { id, name, signature } => Block::ToolCall {
                        id: id.clone(),
                        name: name.clone(),
                        arguments: String::new(),
                        signature: signature.clone(),
                        extra: Extra::default(),
                    },
                };
                self.choice(*choice).blocks.push(block);
            }
            Event::Delta { choice, block, delta } => {
                if let Some(block) = self.choice(*choice).blocks.get_mut(*block as usize) {
                    extend(block, delta);
                }
            }
            Event::Finish { choice, reason } => self.choice(*choice).finish = Some(reason.clone()),
            Event::Usage(usage) => self.response.usage = Some(*usage),
            Event::Extra { choice, extra } => {
                if extra.dialect == LOGPROBS {
                    if let Some(choice) = choice {
                        self.choice(*choice).logprobs.get_or_insert_default().append(extra);
                    }
                    return;
                }
                let slot = match choice {
                    Some(choice) => &mut self.choice(*choice).extra,
                    None => &mut self.response.extra,
                };
                slot.dialect = extra.dialect;
                for (key, value) in &extra.members {
                    match slot.members.iter_mut().find(|(k, _)| k == key) {
                        Some((_, old)) => old.clone_from(value),
                        None => slot.members.push((key.clone(), value.clone())),
                    }
                }
            }
            Event::Error(error) => self.error = Some(error.clone()),
            Event::Close { .. } | Event::End => {}
        }
    }

    /// The response, or the error that ended the stream.
    pub fn finish(self) -> Result<Response, UpstreamError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.response),
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let choices = &mut self.response.choices;
        let at = match choices.iter().position(|c| c.index == index) {
            Some(at) => at,
            None => {
                let at = choices.iter().position(|c| c.index > index).unwrap_or(choices.len());
                choices.insert(at, Choice { index, ..Choice::default() });
                at
            }
        };
        // The position was found or made just now.
        #[allow(clippy::indexing_slicing)]
        &mut choices[at]
    }
}

fn extend(block: &mut Block, delta: &Delta) {
    match (block, delta) {
        (
            Block::Text { text, .. } | Block::Refusal(text) | Block::Reasoning { text, .. },
            Delta::Text(more),
        ) => {
            text.push_str(more);
        }
        (Block::ToolCall { arguments, .. }, Delta::Text(more)) => arguments.push_str(more),
        (Block::Reasoning { signature, .. } | Block::ToolCall { signature, .. }, Delta::Signature(more)) => {
            signature.get_or_insert_default().push_str(more);
        }
        (
            Block::Reasoning { extra, .. } | Block::Text { extra, .. } | Block::ToolCall { extra, .. },
            Delta::Native { dialect, key, raw },
        ) => {
            if !extra.is_empty() && extra.dialect != *dialect {
                // Leftovers are of one dialect; what every dialect can read is worth more.
                if *dialect != REASONING_DETAILS {
                    return;
                }
                extra.members.clear();
            }
            extra.dialect = dialect;
            extra.members.push((key.clone(), raw.clone()));
        }
        _ => {}
    }
}

/// Folds all events of a stream into a response, or the error that ended it.
pub fn fold(events: &[Event]) -> Result<Response, UpstreamError> {
    let mut fold = Fold::new();
    for event in events {
        fold.event(event);
    }
    fold.finish()
}
