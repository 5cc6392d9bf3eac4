//! How many answers, and where they stop.

use crate::canonical::{DiagnosticCode, Diagnostics, Request, ResponseSpec};
use crate::profile::ParamRules;

/// The most answers that are asked for one by one.
const MOST_ANSWERS: u32 = 16;

/// The most stop sequences that we apply, and their longest.
const MOST_STOPS: usize = 64;
const LONGEST_STOP: usize = 1024;

pub(super) fn normalize(
    request: &mut Request,
    rules: &ParamRules,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    if rules.single_choice
        && let Some(n) = request.n.filter(|n| *n > 1)
    {
        spec.sequential_choices = n.min(MOST_ANSWERS);
        request.n.set(None);
        diagnostics.record(DiagnosticCode::ChoicesOneByOne, "n", &n.to_string());
        if n > MOST_ANSWERS {
            diagnostics.record(DiagnosticCode::ParamClamped, "n", &format!("{n} to {MOST_ANSWERS}"));
        }
    }
    let most = rules.max_stop_sequences.map_or(usize::MAX, |most| most as usize);
    if request.stop.len() > most {
        spec.local_stops = request.stop.edit().split_off(most);
        spec.local_stops.retain(|stop| !stop.is_empty() && stop.len() <= LONGEST_STOP);
        spec.local_stops.truncate(MOST_STOPS);
        diagnostics.record(DiagnosticCode::StopApplied, "stop", &spec.local_stops.len().to_string());
    }
}
