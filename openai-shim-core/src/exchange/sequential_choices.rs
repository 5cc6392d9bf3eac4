//! Several answers from an upstream that gives one at a time: asked for one by one, and handed out together.

use super::{Exchange, ExchangePhase};
use crate::canonical::{Response, ResponseSummary, Usage, unfold};
use crate::error::UpstreamError;
use http::StatusCode;
use std::time::Duration;

impl Exchange {
    /// Keeps one answer; with the last one all are handed out.
    pub(super) fn collect_choice(
        &mut self,
        response: Response,
        out: &mut Vec<u8>,
    ) -> Result<(), UpstreamError> {
        self.collected.push(response);
        if self.collected.len() < self.spec.sequential_choices as usize {
            // Each answer has its own attempts.
            self.attempt = 0;
            self.state = ExchangePhase::Ready(Duration::ZERO);
            return Ok(());
        }
        let response = merge(std::mem::take(&mut self.collected));
        let mut summary = ResponseSummary::default();
        let events = unfold(&response);
        for event in &events {
            summary.event(event);
        }
        self.accept(&summary)?;
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
            self.begin_whole(StatusCode::OK, None);
        }
        Ok(())
    }
}

/// The answers as choices of one, in the order in which they came; their tokens together.
fn merge(answers: Vec<Response>) -> Response {
    let usage = answers.iter().filter_map(|answer| answer.usage).reduce(sum);
    let mut merged = Response::default();
    for (index, mut answer) in (0..).zip(answers) {
        let choice = (!answer.choices.is_empty()).then(|| answer.choices.swap_remove(0));
        if index == 0 {
            merged = Response { choices: Vec::new(), usage, ..answer };
        }
        merged.choices.extend(choice.map(|choice| crate::canonical::Choice { index, ..choice }));
    }
    merged
}

fn sum(a: Usage, b: Usage) -> Usage {
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
