//! The client's names of tools in responses: what the upstream calls by a name that it accepts gets the client's name back.

use crate::canonical::{Block, BlockKind, Event, Response};
use crate::json::replace_names;
use std::collections::BTreeMap;

/// The client's names of tools, by the upstream's.
pub(super) type ToolNames = BTreeMap<String, String>;

/// Restores the name of a call that begins.
pub(super) fn restore_in_event(event: &mut Event, names: &ToolNames) {
    if let Event::Open { kind: BlockKind::ToolCall { name, .. }, .. } = event {
        restore(name, names);
    }
}

/// Restores the names of all calls.
pub(super) fn restore_in_response(response: &mut Response, names: &ToolNames) {
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { name, .. } = block {
            restore(name, names);
        }
    }
}

fn restore(name: &mut String, names: &ToolNames) {
    if let Some(client_name) = names.get(name) {
        name.clone_from(client_name);
    }
}

/// Restores all names in what was written to `out` from `start` on: complete JSON documents or frames in the client's dialect.
pub(super) fn restore_in_output(out: &mut Vec<u8>, start: usize, names: &ToolNames) {
    if names.is_empty() {
        return;
    }
    if let Some(restored) = out.get(start..).and_then(|written| replace_names(written, names)) {
        out.truncate(start);
        out.extend_from_slice(&restored);
    }
}
