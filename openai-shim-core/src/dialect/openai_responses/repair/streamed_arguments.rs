//! The arguments of streamed calls: those that came as JSON text in a JSON string are held, and go out as the object in it.

use crate::canonical::{Diagnostics, EncodedTwice, unwrap_encoded_twice};
use crate::json::{Object, encode_string};
use std::collections::BTreeMap;

/// The limit of the calls that are followed.
const MAX_CALLS: usize = 4096;

/// The arguments of the calls by their `output_index`.
#[derive(Debug, Default)]
pub(super) struct StreamedArguments {
    calls: BTreeMap<u64, EncodedTwice>,
}

/// What becomes of an event.
pub(super) enum ArgumentsStep {
    /// It goes out.
    Pass,
    /// It does not.
    Hold,
    /// It goes out behind a delta with these fields.
    After(Object<'static>),
}

impl StreamedArguments {
    /// Repairs an event about the arguments of a call.
    pub(super) fn repair(
        &mut self,
        kind: &str,
        event: &mut Object<'_>,
        diagnostics: &mut Diagnostics,
    ) -> ArgumentsStep {
        let index = event.u64("output_index").unwrap_or(0);
        match kind {
            "response.function_call_arguments.delta" => {
                if self.calls.len() >= MAX_CALLS {
                    return ArgumentsStep::Pass;
                }
                let Some(delta) = event.str("delta") else { return ArgumentsStep::Pass };
                match self.calls.entry(index).or_default().push(&delta, diagnostics) {
                    None => ArgumentsStep::Pass,
                    Some(text) if text.is_empty() => ArgumentsStep::Hold,
                    Some(text) => {
                        event.set("delta", encode_string(&text));
                        ArgumentsStep::Pass
                    }
                }
            }
            "response.function_call_arguments.done" => {
                if let Some(object) = event.str("arguments").and_then(|text| unwrap_encoded_twice(&text)) {
                    event.set("arguments", encode_string(&object));
                }
                let Some(held) = self.calls.remove(&index).and_then(|mut held| held.finish()) else {
                    return ArgumentsStep::Pass;
                };
                let mut delta = Object::new();
                for key in ["item_id", "output_index"] {
                    if let Some(value) = event.get(key) {
                        delta.set(key, value.to_owned());
                    }
                }
                delta.set("delta", encode_string(&held));
                ArgumentsStep::After(delta)
            }
            _ => ArgumentsStep::Pass,
        }
    }
}
