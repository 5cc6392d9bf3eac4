//! The client's names of parameters in calls: arguments that may have another name are held until the call is complete.

use crate::canonical::{Block, BlockKind, Delta, Event, Response, ResponseSpec};
use crate::json::rename_members;
use std::collections::BTreeMap;

/// The most bytes of arguments that are held; longer ones pass as they are.
const MAX_HELD_BYTES: usize = 16 << 20;

/// The client's names of parameters by the upstream's, by the tool's name.
type PropertyNames = BTreeMap<String, BTreeMap<String, String>>;

/// Restores the names in the calls of a stream.
#[derive(Debug, Default)]
pub(super) struct PropertyRestorer {
    names: PropertyNames,
    held: Vec<HeldCall>,
}

#[derive(Debug)]
struct HeldCall {
    choice: u32,
    block: u32,
    tool: String,
    arguments: String,
}

impl PropertyRestorer {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        Self { names: spec.property_names.clone(), held: Vec::new() }
    }

    /// Passes on an event, or what it completes.
    pub(super) fn event(&mut self, event: Event, next: &mut dyn FnMut(Event)) {
        if self.names.is_empty() {
            return next(event);
        }
        match &event {
            Event::Open { choice, block, kind: BlockKind::ToolCall { name, .. } }
                if self.names.contains_key(name) =>
            {
                let (choice, block, tool) = (*choice, *block, name.clone());
                self.held.push(HeldCall { choice, block, tool, arguments: String::new() });
            }
            Event::Delta { choice, block, delta: Delta::Text(text) } => {
                if let Some(at) = self.position(*choice, *block)
                    && let Some(held) = self.held.get_mut(at)
                {
                    held.arguments.push_str(text);
                    if held.arguments.len() > MAX_HELD_BYTES {
                        self.release(at, next);
                    }
                    return;
                }
            }
            Event::Close { choice, block } => {
                if let Some(at) = self.position(*choice, *block) {
                    self.release(at, next);
                }
            }
            Event::Error(_) | Event::End => {
                while !self.held.is_empty() {
                    self.release(0, next);
                }
            }
            _ => {}
        }
        next(event);
    }

    fn position(&self, choice: u32, block: u32) -> Option<usize> {
        self.held.iter().position(|held| (held.choice, held.block) == (choice, block))
    }

    /// Passes on the arguments of a call. Those that are cut stay as they are.
    fn release(&mut self, at: usize, next: &mut dyn FnMut(Event)) {
        let HeldCall { choice, block, tool, arguments } = self.held.remove(at);
        let restored = self.names.get(&tool).and_then(|names| rename_members(&arguments, names));
        let delta = Delta::Text(restored.unwrap_or(arguments));
        if !matches!(&delta, Delta::Text(text) if text.is_empty()) {
            next(Event::Delta { choice, block, delta });
        }
    }
}

/// Restores the names in all calls of a response.
pub(super) fn restore_properties(response: &mut Response, spec: &ResponseSpec) {
    if spec.property_names.is_empty() {
        return;
    }
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { name, arguments, .. } = block
            && let Some(restored) =
                spec.property_names.get(name).and_then(|names| rename_members(arguments, names))
        {
            *arguments = restored;
        }
    }
}
