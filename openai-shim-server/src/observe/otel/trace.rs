//! The trace of one request: the caller's part of it, and the attempts at upstreams, which get its headers.

use super::names::{UpstreamAttributes, method};
use super::{Otel, now};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request};
use openai_shim_core::exchange::AttemptReport;
use openai_shim_core::upstream::{RequestStream, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::trace::IdGenerator as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// The trace of one request, until it ends.
#[derive(Debug)]
pub(crate) struct RequestTrace {
    pub(super) otel: Arc<Otel>,
    /// The caller's span.
    pub(super) parent: Option<SpanContext>,
    /// The span of the request.
    pub(super) server: SpanContext,
    /// The span of the exchange with all its attempts.
    pub(super) operation: SpanId,
    pub(super) started: SystemTime,
    attempts: Mutex<Vec<Attempt>>,
}

/// One request to an upstream.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) span: SpanId,
    pub(super) method: &'static str,
    pub(super) upstream: Arc<UpstreamAttributes>,
    /// The upstream's name for the model.
    pub(super) model: Arc<str>,
    pub(super) started: SystemTime,
    /// When the next thing began: a pause, or another attempt.
    pub(super) ended: Option<SystemTime>,
    pub(super) status: Option<u16>,
}

impl RequestTrace {
    /// Begins the trace of a request, or its part of the caller's trace.
    pub(crate) fn begin(otel: &Arc<Otel>, headers: &HeaderMap) -> Arc<Self> {
        let parent = headers.contains_key("traceparent").then(|| {
            let context = otel.propagator.extract(&HeaderExtractor(headers));
            context.span().span_context().clone()
        });
        let parent = parent.filter(SpanContext::is_valid);
        let (trace_id, is_sampled, state) = match &parent {
            Some(parent) => (parent.trace_id(), parent.is_sampled(), parent.trace_state().clone()),
            None => {
                let id = otel.ids.new_trace_id();
                (id, otel.samples(id.to_bytes()), TraceState::NONE)
            }
        };
        let flags = TraceFlags::default().with_sampled(is_sampled);
        let server = SpanContext::new(trace_id, otel.ids.new_span_id(), flags, false, state);
        let operation = otel.ids.new_span_id();
        let otel = otel.clone();
        Arc::new(Self { otel, parent, server, operation, started: now(), attempts: Mutex::default() })
    }

    pub(super) fn attempts(&self) -> MutexGuard<'_, Vec<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wraps an upstream so that its requests are in the trace.
    pub(crate) fn trace_traffic_of(
        self: &Arc<Self>,
        inner: Arc<dyn Upstream>,
        upstream: Arc<UpstreamAttributes>,
        model: &str,
    ) -> Arc<dyn Upstream> {
        Arc::new(TracedUpstream { inner, trace: self.clone(), upstream, model: model.into() })
    }
}

struct TracedUpstream {
    inner: Arc<dyn Upstream>,
    trace: Arc<RequestTrace>,
    upstream: Arc<UpstreamAttributes>,
    model: Arc<str>,
}

impl TracedUpstream {
    /// Begins an attempt; returns its number.
    fn begin<B>(&self, request: &mut Request<B>) -> usize {
        let RequestTrace { otel, server, .. } = &*self.trace;
        let span = otel.ids.new_span_id();
        let state = server.trace_state().clone();
        let context = SpanContext::new(server.trace_id(), span, server.trace_flags(), false, state);
        let context = Context::new().with_remote_span_context(context);
        otel.propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        let mut attempts = self.trace.attempts();
        let started = now();
        if let Some(last) = attempts.last_mut() {
            last.ended.get_or_insert(started);
        }
        let method = method(request.method());
        let (upstream, model) = (self.upstream.clone(), self.model.clone());
        attempts.push(Attempt { span, method, upstream, model, started, ended: None, status: None });
        attempts.len() - 1
    }

    fn record<B>(&self, attempt: usize, response: &Result<http::Response<B>, UpstreamError>) {
        if let Some(attempt) = self.trace.attempts().get_mut(attempt) {
            attempt.status = response.as_ref().ok().map(|response| response.status().as_u16());
        }
    }
}

#[async_trait]
impl Upstream for TracedUpstream {
    async fn send(&self, mut request: Request<Bytes>) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let attempt = self.begin(&mut request);
        let response = self.inner.send(request).await;
        self.record(attempt, &response);
        response
    }

    async fn send_stream(
        &self,
        mut request: Request<()>,
        body: RequestStream,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let attempt = self.begin(&mut request);
        let response = self.inner.send_stream(request, body).await;
        self.record(attempt, &response);
        response
    }

    async fn pause(&self, duration: Duration) {
        if let Some(last) = self.trace.attempts().last_mut() {
            last.ended.get_or_insert_with(now);
        }
        self.inner.pause(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        self.inner.clock()
    }

    fn attempt_ended(&self, attempt: &AttemptReport) {
        self.inner.attempt_ended(attempt);
    }
}
