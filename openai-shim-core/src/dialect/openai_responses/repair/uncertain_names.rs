//! The events of a stream with a call that begins without its whole name: they wait until its complete item has the name.

use super::super::extra_fields::parse_or_empty;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, encode_string};

/// How many bytes of events wait.
const MAX_HELD_BYTES: usize = 1 << 20;

/// An event that waits, and its own bytes.
#[derive(Debug)]
pub(super) struct WaitingEvent {
    pub(super) kind: String,
    pub(super) event: Object<'static>,
    pub(super) data: Vec<u8>,
}

/// Holds the events from the first call on whose name is not certain.
#[derive(Debug, Default)]
pub(super) struct UncertainNames {
    /// The names of the tools that the model may call; empty if they are not known.
    tools: Vec<String>,
    held: Vec<WaitingEvent>,
    held_bytes: usize,
    /// How many calls began without a certain name and are not complete.
    open_calls: usize,
}

impl UncertainNames {
    pub(super) fn new(tools: &[String]) -> Self {
        Self { tools: tools.to_vec(), ..Self::default() }
    }

    /// Whether an event waits.
    pub(super) fn holds(&self, kind: &str, event: &Object<'_>) -> bool {
        !self.held.is_empty() || self.begins_unnamed(kind, event)
    }

    /// Takes an event that waits. Returns those that wait no longer.
    pub(super) fn push(&mut self, event: WaitingEvent, diagnostics: &mut Diagnostics) -> Vec<WaitingEvent> {
        self.held_bytes += event.data.len();
        let is_call = event.event.object("item").is_some_and(|item| is_call(&item));
        if self.begins_unnamed(&event.kind, &event.event) {
            self.open_calls += 1;
        } else if event.kind == "response.output_item.done" && is_call {
            self.open_calls = self.open_calls.saturating_sub(1);
        }
        let is_end = event.event.object("response").is_some();
        self.held.push(event);
        if self.open_calls > 0 && !is_end && self.held_bytes <= MAX_HELD_BYTES {
            return Vec::new();
        }
        self.release(diagnostics)
    }

    /// Returns all events that wait, with the names that are known by now.
    pub(super) fn release(&mut self, diagnostics: &mut Diagnostics) -> Vec<WaitingEvent> {
        (self.held_bytes, self.open_calls) = (0, 0);
        let mut held = std::mem::take(&mut self.held);
        let ended = held.iter().filter(|held| held.kind != "response.output_item.added");
        let complete: Vec<Object<'static>> = ended.flat_map(|held| complete_calls(&held.event)).collect();
        for waiting in held.iter_mut().filter(|held| self.begins_unnamed(&held.kind, &held.event)) {
            let Some(mut item) = waiting.event.object("item").map(Object::into_owned) else { continue };
            let is_same = |call: &&Object<'_>| {
                ["call_id", "id"].iter().any(|key| {
                    item.str(key).is_some_and(|id| !id.is_empty() && call.str(key).as_deref() == Some(&id))
                })
            };
            let name = complete.iter().find(is_same).and_then(|call| call.str("name"));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                item.set("name", encode_string(&name));
                waiting.event.set("item", item.to_json());
                diagnostics.record(DiagnosticCode::FieldFilled, "item.name", "");
            }
        }
        held
    }

    /// Whether an event begins a call whose name is missing, or only the beginning of a tool's.
    fn begins_unnamed(&self, kind: &str, event: &Object<'_>) -> bool {
        let Some(item) = event.object("item").filter(|_| kind == "response.output_item.added") else {
            return false;
        };
        let name = item.str("name").unwrap_or_default();
        let is_beginning = || {
            self.tools.iter().all(|tool| *tool != name)
                && self.tools.iter().any(|tool| tool.starts_with(&*name))
        };
        is_call(&item) && (name.is_empty() || is_beginning())
    }
}

fn is_call(item: &Object<'_>) -> bool {
    matches!(item.str("type").as_deref(), Some("function_call" | "custom_tool_call"))
}

/// The complete calls in an event.
fn complete_calls(event: &Object<'_>) -> Vec<Object<'static>> {
    let item = event.get("item").map(str::to_owned);
    let output = event.object("response").unwrap_or_default();
    let items = output.array("output").unwrap_or_default().into_iter().map(str::to_owned);
    let items = item.into_iter().chain(items).map(|item| parse_or_empty(&item).into_owned());
    items.filter(|item| is_call(item) && item.str("name").is_some_and(|name| !name.is_empty())).collect()
}
