//! The arguments of calls on their way to the client: out of a string that holds them, and under the client's names.
//!
//! In a stream, arguments that may have another name are held until their call is complete.

use crate::canonical::{
    Block, BlockKind, Delta, Diagnostics, EncodedTwice, Event, Response, ResponseSpec, unwrap_calls,
};
use crate::json::rename_members;
use std::collections::BTreeMap;

/// The most bytes of arguments that are held; longer ones pass as they are.
const MAX_HELD_BYTES: usize = 16 << 20;

/// Restores the arguments in the calls of a stream.
#[derive(Debug)]
pub(super) struct CallArguments {
    /// The client's names of parameters by the upstream's, by the tool's name.
    names: BTreeMap<String, BTreeMap<String, String>>,
    /// The open calls whose arguments may still change.
    calls: Vec<OpenCall>,
    pub(super) diagnostics: Diagnostics,
}

#[derive(Debug)]
struct OpenCall {
    choice: u32,
    block: u32,
    encoded: EncodedTwice,
    /// The tool, if its parameters have other names, and the arguments so far.
    renamed: Option<(String, String)>,
}

impl CallArguments {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        Self { names: spec.property_names.clone(), calls: Vec::new(), diagnostics: Diagnostics::default() }
    }

    /// Passes on an event, or what it completes.
    pub(super) fn event(&mut self, mut event: Event, next: &mut impl FnMut(Event)) {
        match &mut event {
            Event::Open { choice, block, kind: BlockKind::ToolCall { name, .. } } => {
                let renamed = self.names.contains_key(name).then(|| (name.clone(), String::new()));
                let (choice, block, encoded) = (*choice, *block, EncodedTwice::default());
                self.calls.push(OpenCall { choice, block, encoded, renamed });
            }
            _ if self.calls.is_empty() => {}
            Event::Delta { choice, block, delta: Delta::Text(text) } => {
                if let Some(at) = self.position(*choice, *block)
                    && self.take(at, text, next)
                {
                    return;
                }
            }
            Event::Close { choice, block } => {
                if let Some(at) = self.position(*choice, *block) {
                    let call = self.calls.remove(at);
                    self.release(call, next);
                }
            }
            Event::Error(_) | Event::End => {
                for call in std::mem::take(&mut self.calls) {
                    self.release(call, next);
                }
            }
            _ => {}
        }
        next(event);
    }

    fn position(&self, choice: u32, block: u32) -> Option<usize> {
        self.calls.iter().rposition(|call| (call.choice, call.block) == (choice, block))
    }

    /// Takes a part of a call's arguments; returns whether nothing of it goes on now.
    fn take(&mut self, at: usize, text: &mut String, next: &mut impl FnMut(Event)) -> bool {
        let Some(call) = self.calls.get_mut(at) else { return false };
        if let Some(replaced) = call.encoded.push(text, &mut self.diagnostics) {
            *text = replaced;
        }
        let Some((_, held)) = &mut call.renamed else {
            if call.encoded.is_passing() {
                self.calls.remove(at);
            }
            return text.is_empty();
        };
        held.push_str(text);
        if held.len() > MAX_HELD_BYTES {
            let call = self.calls.remove(at);
            self.release(call, next);
        }
        true
    }

    /// Passes on what is held of a call. Arguments that are cut stay as they are.
    fn release(&self, mut call: OpenCall, next: &mut impl FnMut(Event)) {
        let rest = call.encoded.finish().unwrap_or_default();
        let text = match call.renamed {
            Some((tool, held)) => {
                let arguments = held + &rest;
                let names = self.names.get(&tool);
                names.and_then(|names| rename_members(&arguments, names)).unwrap_or(arguments)
            }
            None => rest,
        };
        if !text.is_empty() {
            next(Event::Delta { choice: call.choice, block: call.block, delta: Delta::Text(text) });
        }
    }
}

/// Restores the arguments in all calls of a response.
pub(super) fn restore_arguments(response: &mut Response, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    unwrap_calls(response, diagnostics);
    if spec.property_names.is_empty() {
        return;
    }
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { name, arguments, .. } = block
            && let Some(names) = spec.property_names.get(name)
            && let Some(restored) = rename_members(arguments, names)
        {
            *arguments = restored;
        }
    }
}
