//! Events to a response: folds a stream for a client that wants one JSON document.

use super::{
    Block, BlockKind, Choice, Delta, Event, ExtraFields, LOGPROBS, MemberIndex, NumberedList,
    REASONING_DETAILS, Response,
};
use crate::error::UpstreamError;
use std::collections::BTreeMap;

/// Collects the events of a stream into a response.
#[derive(Debug, Default)]
pub struct Fold {
    response: Response,
    choices: NumberedList<Choice>,
    /// The positions of the extra fields of each choice and, under `None`, of the response.
    members: BTreeMap<Option<u32>, MemberIndex>,
    error: Option<UpstreamError>,
}

impl Fold {
    /// An empty fold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event.
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
                        Block::Reasoning { text: "".into(), signature: None, extra: ExtraFields::default() }
                    }
                    BlockKind::Refusal => Block::Refusal("".into()),
                    BlockKind::ToolCall { id, name, signature } => Block::ToolCall {
                        id: id.clone(),
                        name: name.clone(),
                        arguments: String::new(),
                        signature: signature.clone().map(Into::into),
                        extra: ExtraFields::default(),
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
                let index = self.members.entry(*choice).or_default();
                let slot = match choice {
                    Some(number) => &mut choice_of(&mut self.choices, *number).extra,
                    None => &mut self.response.extra,
                };
                slot.dialect = extra.dialect;
                for (key, value) in &extra.members {
                    index.put(&mut slot.members, key.clone(), value.clone());
                }
            }
            Event::Error(error) => self.error = Some(error.clone()),
            Event::Close { .. } | Event::End => {}
        }
    }

    /// Returns the response.
    ///
    /// # Errors
    /// The error that ended the stream.
    pub fn finish(mut self) -> Result<Response, UpstreamError> {
        self.response.choices = self.choices.into_sorted();
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.response),
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        choice_of(&mut self.choices, index)
    }
}

fn choice_of(choices: &mut NumberedList<Choice>, index: u32) -> &mut Choice {
    choices.get_or_insert_with(index, || Choice { index, ..Choice::default() })
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
                // Extra fields belong to one dialect; reasoning details, which every dialect can read, replace others.
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

/// Folds all events of a stream into a response.
///
/// # Errors
/// The error that ended the stream.
pub fn fold(events: &[Event]) -> Result<Response, UpstreamError> {
    let mut fold = Fold::new();
    for event in events {
        fold.event(event);
    }
    fold.finish()
}
