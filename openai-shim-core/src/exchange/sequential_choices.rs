//! Several choices from an upstream that gives one at a time: requested one by one, merged into one response.

use super::phase::AttemptEnd;
use super::session::Session;
use crate::canonical::{Choice, Response, ResponseSummary, Usage, unfold};
use crate::error::UpstreamError;
use http::StatusCode;
use std::time::Duration;

impl Session {
    /// Collects the response with one choice; the last one writes the client's response with all of them.
    pub(super) fn collect_choice(
        &mut self,
        response: Response,
        out: &mut Vec<u8>,
    ) -> Result<AttemptEnd, UpstreamError> {
        self.collected.push(response);
        if self.collected.len() < self.spec.sequential_choices as usize {
            // Each choice has its own attempts.
            self.attempt = 0;
            return Ok(AttemptEnd::SendAgain { wait: Duration::ZERO });
        }
        let response = merge_choices(std::mem::take(&mut self.collected));
        let mut summary = ResponseSummary::default();
        let events = unfold(&response);
        for event in &events {
            summary.event(event);
        }
        self.accept_summary(&summary)?;
        if self.spec.stream {
            let mut encoder = self.client.encoder(&self.spec, &self.context);
            for event in &events {
                encoder.event(event, out);
            }
            encoder.finish(out);
            self.report.diagnostics.extend(encoder.diagnostics());
            self.begin_stream();
        } else {
            out.extend(self.client.encode_response(
                &response,
                &self.spec,
                &mut self.context,
                &mut self.report.diagnostics,
            ));
            self.begin_document(StatusCode::OK, None);
        }
        Ok(AttemptEnd::Done)
    }
}

/// Merges responses into one, with their choices in order of arrival and their token counts added.
fn merge_choices(responses: Vec<Response>) -> Response {
    let usage = responses.iter().filter_map(|response| response.usage).reduce(add_usage);
    let mut merged = Response::default();
    for (index, mut response) in (0..).zip(responses) {
        let choice = (!response.choices.is_empty()).then(|| response.choices.swap_remove(0));
        if index == 0 {
            merged = Response { choices: Vec::new(), usage, ..response };
        }
        merged.choices.extend(choice.map(|choice| Choice { index, ..choice }));
    }
    merged
}

fn add_usage(a: Usage, b: Usage) -> Usage {
    let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    };
    Usage {
        input: add(a.input, b.input),
        output: add(a.output, b.output),
        total: if a.total.is_none() && b.total.is_none() {
            None
        } else {
            Some(a.total().saturating_add(b.total()))
        },
        cached: add(a.cached, b.cached),
        cache_written: add(a.cache_written, b.cache_written),
        reasoning: add(a.reasoning, b.reasoning),
    }
}
