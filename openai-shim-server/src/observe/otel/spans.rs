//! The spans of a request that has ended: the request itself, the exchange with all its attempts, and each attempt.

use super::names::{method, operation, route, upstream_error};
use super::now;
use super::trace::{Attempt, RequestTrace};
use crate::observe::text::shorten;
use crate::request_meta::RequestMeta;
use openai_shim_core::canonical::FinishReason;
use openai_shim_core::exchange::AttemptReport;
use openai_shim_core::{Outcome, Report};
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The most diagnostics of one exchange that become events.
const MAX_EVENTS: usize = 128;
/// The most characters of a diagnostic's path.
const MAX_PATH_CHARS: usize = 200;

/// What the access log knows of a request that has ended.
#[derive(Debug)]
pub(crate) struct EndedRequest<'a> {
    pub(crate) meta: &'a RequestMeta,
    /// The dialect or kind of route.
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) total: Duration,
    /// A generation's report, and how it ended for the client.
    pub(crate) report: Option<(&'a Report, Outcome)>,
}

impl RequestTrace {
    /// Exports what a request was.
    pub(crate) fn end(&self, request: &EndedRequest<'_>) {
        let is_sampled = self.server.is_sampled();
        let ended = now();
        let error = (request.status >= 500).then(|| request.status.to_string());
        let attributes = server_attributes(request, error.clone());
        if let Some((report, outcome)) = request.report {
            self.end_operation(request, report, outcome, ended);
        } else if is_sampled {
            for attempt in &*self.attempts() {
                self.export_attempt(attempt, self.server.span_id(), 0, None, ended);
            }
        }
        self.otel.instruments.request(request.total, &attributes);
        if !is_sampled {
            return;
        }
        let name = match request.report {
            Some(_) => format!("{} {}", method(&request.meta.method), route(&request.meta.path)).into(),
            None => Cow::Borrowed(method(&request.meta.method)),
        };
        let mut span = self.span(self.server.span_id(), SpanKind::Server, name, self.started, ended);
        span.span_context = self.server.clone();
        span.parent_span_id = self.parent.as_ref().map_or(SpanId::INVALID, SpanContext::span_id);
        span.parent_span_is_remote = self.parent.is_some();
        span.attributes = attributes;
        span.attributes.extend([
            KeyValue::new("url.path", request.meta.path.clone()),
            KeyValue::new("openai_shim.request_id", request.meta.id.clone()),
            KeyValue::new("openai_shim.route", request.route),
        ]);
        span.status = error.map_or(Status::Unset, |_| Status::error(""));
        self.otel.export(span);
    }

    fn end_operation(
        &self,
        request: &EndedRequest<'_>,
        report: &Report,
        outcome: Outcome,
        ended: SystemTime,
    ) {
        let attempts = self.attempts();
        let Some(last) = attempts.last() else { return };
        let operation = operation(request.route, &request.meta.path);
        let model: Arc<str> =
            if last.model.is_empty() { report.model.as_str().into() } else { last.model.clone() };
        let mut attributes = Vec::with_capacity(24);
        attributes.push(KeyValue::new("gen_ai.operation.name", operation));
        attributes.push(KeyValue::new("gen_ai.request.model", model.clone()));
        attributes.extend_from_slice(&last.upstream.attributes);
        let error = operation_error(report, outcome);
        attributes.extend(error.map(|error| KeyValue::new("error.type", error)));
        let first_chunk = request.first_byte.filter(|_| report.is_stream);
        let instruments = &self.otel.instruments;
        instruments.operation(request.total, first_chunk, &attributes);
        if let Some(usage) = report.usage {
            for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
                if let Some(tokens) = tokens {
                    instruments.tokens(kind, tokens, &mut attributes);
                }
            }
        }
        if !self.server.is_sampled() {
            return;
        }
        for (number, attempt) in attempts.iter().enumerate() {
            self.export_attempt(attempt, self.operation, number, report.attempts.get(number), ended);
        }
        let name = format!("{operation} {model}");
        let mut span = self.span(self.operation, SpanKind::Client, name.into(), self.started, ended);
        span.parent_span_id = self.server.span_id();
        attributes.extend(details(report, outcome, first_chunk, attempts.len()));
        span.attributes = attributes;
        span.events = self.events(request, report, ended);
        span.status = error.map_or(Status::Unset, |_| Status::error(""));
        self.otel.export(span);
    }

    fn export_attempt(
        &self,
        attempt: &Attempt,
        parent: SpanId,
        number: usize,
        report: Option<&AttemptReport>,
        request_ended: SystemTime,
    ) {
        let ended = attempt.ended.unwrap_or(request_ended);
        let mut span =
            self.span(attempt.span, SpanKind::Client, attempt.method.into(), attempt.started, ended);
        span.parent_span_id = parent;
        let mut attributes = Vec::with_capacity(8);
        attributes.push(KeyValue::new("http.request.method", attempt.method));
        attributes.extend_from_slice(attempt.upstream.server());
        attributes.push(KeyValue::new("openai_shim.upstream", attempt.upstream.name.clone()));
        attributes.extend(attempt.status.map(|s| KeyValue::new("http.response.status_code", i64::from(s))));
        if number > 0 {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            attributes.push(KeyValue::new("http.request.resend_count", number));
        }
        let of_report = report.and_then(|report| report.error.as_ref()).map(upstream_error);
        let of_status = attempt.status.filter(|status| *status >= 400).map(|s| Cow::from(s.to_string()));
        if let Some(error) = of_report.or(of_status) {
            attributes.push(KeyValue::new("error.type", error));
            span.status = Status::error("");
        }
        span.attributes = attributes;
        self.otel.export(span);
    }

    /// When the first byte went out, and each diagnostic. A path names a field; nothing of its value is exported.
    fn events(&self, request: &EndedRequest<'_>, report: &Report, ended: SystemTime) -> SpanEvents {
        let mut events = SpanEvents::default();
        if let Some(first) = request.first_byte {
            events.events.push(Event::new("openai_shim.first_byte", self.started + first, Vec::new(), 0));
        }
        for diagnostic in report.diagnostics.iter().take(MAX_EVENTS) {
            let mut attributes = vec![
                KeyValue::new("openai_shim.diagnostic.code", diagnostic.code.as_str()),
                KeyValue::new("openai_shim.diagnostic.severity", diagnostic.severity().as_str()),
            ];
            if !diagnostic.path.is_empty() {
                let path = shorten(&diagnostic.path, MAX_PATH_CHARS).to_owned();
                attributes.push(KeyValue::new("openai_shim.diagnostic.path", path));
            }
            events.events.push(Event::new("openai_shim.diagnostic", ended, attributes, 0));
        }
        let dropped = report.diagnostics.len().saturating_sub(MAX_EVENTS);
        events.dropped_count = u32::try_from(dropped).unwrap_or(u32::MAX);
        events
    }

    fn span(
        &self,
        id: SpanId,
        kind: SpanKind,
        name: Cow<'static, str>,
        start_time: SystemTime,
        end_time: SystemTime,
    ) -> SpanData {
        let server = &self.server;
        let state = server.trace_state().clone();
        SpanData {
            span_context: SpanContext::new(server.trace_id(), id, server.trace_flags(), false, state),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: kind,
            name,
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.otel.scope.clone(),
        }
    }
}

/// The attributes of a request's span and metric. Their number of values is bounded.
fn server_attributes(request: &EndedRequest<'_>, error: Option<String>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(8);
    attributes.extend([
        KeyValue::new("http.request.method", method(&request.meta.method)),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("http.response.status_code", i64::from(request.status)),
    ]);
    if request.report.is_some() {
        attributes.push(KeyValue::new("http.route", route(&request.meta.path).into_owned()));
    }
    attributes.extend(error.map(|error| KeyValue::new("error.type", error)));
    attributes
}

/// The attributes of an exchange that are no labels of its metrics.
fn details(
    report: &Report,
    outcome: Outcome,
    first_chunk: Option<Duration>,
    attempts: usize,
) -> impl Iterator<Item = KeyValue> {
    let integer =
        |key: &'static str, value: u64| KeyValue::new(key, i64::try_from(value).unwrap_or(i64::MAX));
    let usage = report.usage.unwrap_or_default();
    let counts = [
        ("gen_ai.usage.input_tokens", usage.input),
        ("gen_ai.usage.output_tokens", usage.output),
        ("gen_ai.usage.cache_read.input_tokens", usage.cached),
        ("gen_ai.usage.cache_creation.input_tokens", usage.cache_written),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
    ];
    let counts = counts.into_iter().filter_map(move |(key, count)| Some(integer(key, count?)));
    let reason = report.finish_reason.as_ref().map(|reason| {
        let reasons = vec![StringValue::from(finish_reason(reason))];
        KeyValue::new("gen_ai.response.finish_reasons", Value::Array(Array::String(reasons)))
    });
    let first =
        first_chunk.map(|first| KeyValue::new("gen_ai.response.time_to_first_chunk", first.as_secs_f64()));
    let always = [
        KeyValue::new("gen_ai.request.stream", report.is_stream),
        KeyValue::new("openai_shim.requested_model", Arc::<str>::from(report.model.as_str())),
        KeyValue::new("openai_shim.outcome", outcome.as_str()),
        integer("openai_shim.attempts", u64::try_from(attempts).unwrap_or(u64::MAX)),
    ];
    always.into_iter().chain(counts).chain(reason).chain(first)
}

/// Why an exchange failed, in the words of the log; `None`: it did not.
fn operation_error(report: &Report, outcome: Outcome) -> Option<&'static str> {
    match (&report.error, outcome) {
        (Some(error), _) => Some(error.kind().as_str()),
        (None, Outcome::Errored | Outcome::Truncated | Outcome::Failed | Outcome::Cancelled) => {
            Some(outcome.as_str())
        }
        (None, _) => None,
    }
}

/// The words of OpenAI's API. A word that is not known is the upstream's own, and could be anything.
fn finish_reason(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence(_) => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Refusal => "refusal",
        FinishReason::Failed { .. } => "failed",
        _ => "unknown",
    }
}
