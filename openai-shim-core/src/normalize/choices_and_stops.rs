//! `n` and stop sequences to what the profile accepts: excess choices become requests of their own, excess stop sequences are
//! applied to the response.

use super::recipient::Recipient;
use crate::canonical::{DiagnosticCode, Diagnostics, Request, ResponseSpec};

/// The most choices that are requested one by one.
const MAX_SEQUENTIAL_CHOICES: u32 = 16;

/// The most stop sequences that the shim applies.
const MAX_LOCAL_STOPS: usize = 64;
/// The longest stop sequence that the shim applies.
const MAX_STOP_BYTES: usize = 1024;

pub(super) fn normalize(
    request: &mut Request,
    recipient: &Recipient<'_>,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.params;
    if let Some(max_choices) = rules.max_choices
        && let Some(n) = request.n.filter(|n| *n > max_choices.max(1))
    {
        spec.sequential_choices = n.min(MAX_SEQUENTIAL_CHOICES);
        request.n.set(None);
        diagnostics.record(DiagnosticCode::ChoicesOneByOne, "n", &n.to_string());
        if n > MAX_SEQUENTIAL_CHOICES {
            diagnostics.record(
                DiagnosticCode::ParamClamped,
                "n",
                &format!("{n} to {MAX_SEQUENTIAL_CHOICES}"),
            );
        }
    }
    let name = recipient.client_name("stop");
    if request.stop.iter().any(String::is_empty) {
        request.stop.edit().retain(|stop| !stop.is_empty());
        diagnostics.record(DiagnosticCode::NullDropped, name, "an empty stop sequence");
    }
    if rules.drop_blank_stops && request.stop.iter().any(|stop| stop.trim().is_empty()) {
        request.stop.edit().retain(|stop| !stop.trim().is_empty());
        diagnostics.record(DiagnosticCode::ParamDropped, name, "a stop sequence of white space only");
    }
    let max_stops = rules.max_stop_sequences.map_or(usize::MAX, |max| max as usize);
    if request.stop.len() <= max_stops {
        return;
    }
    let excess = request.stop.edit().split_off(max_stops);
    if !recipient.dialect.applies_stops() {
        let detail = format!("{} of {}", excess.len(), excess.len() + max_stops);
        diagnostics.record(DiagnosticCode::ParamDropped, name, &detail);
        return;
    }
    let is_empty = |stop: &String| stop.is_empty();
    let count = excess.iter().filter(|stop| !is_empty(stop)).count();
    spec.local_stops = excess;
    spec.local_stops.retain(|stop| !is_empty(stop) && stop.len() <= MAX_STOP_BYTES);
    spec.local_stops.truncate(MAX_LOCAL_STOPS);
    if spec.local_stops.len() < count {
        let detail = format!("{} of {count} are too long or too many", count - spec.local_stops.len());
        diagnostics.record(DiagnosticCode::ParamDropped, name, &detail);
    }
    diagnostics.record(DiagnosticCode::StopApplied, name, &spec.local_stops.len().to_string());
}
