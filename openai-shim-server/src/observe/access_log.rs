//! The access log: one line and one count per request, written when its response ends. Lines hold no secrets and no message
//! text.

use crate::app_state::AppState;
use crate::client_connection::CutReason;
use crate::config::{Log, LogFormat};
use crate::observe::body_log;
use crate::observe::log_writer::LogWriter;
use crate::observe::metrics::requests::CountedRequest;
use crate::observe::otel::EndedRequest;
use crate::observe::text::{shorten, summarize};
use crate::panics;
use crate::request_meta::RequestMeta;
use axum::response::Response;
use http::StatusCode;
use openai_shim_core::error::short_name;
use openai_shim_core::{Error, Outcome, Report};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use crate::observe::log_writer::flush;

/// The most characters of a path in a log line.
const MAX_PATH_CHARS: usize = 500;
/// The most characters of an error in a log line: upstreams quote in errors what clients sent.
const MAX_ERROR_CHARS: usize = 2000;
/// The status of a request whose client disconnected before the response, as in nginx.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The label of this server's own pages (health checks, metrics, the front page), whose requests are logged at debug level.
pub(crate) const PAGE_LABEL: &str = "page";

/// Starts logging to standard error.
pub fn init(log: &Log) {
    let configured = log.filter.as_deref().unwrap_or("info");
    let info = || Targets::new().with_default(LevelFilter::INFO);
    let mut filter: Targets = configured.parse().unwrap_or_else(|_| info());
    // A filter such as `debug` raises all levels; bodies hold people's messages and need their own directive.
    if !configured.contains(body_log::TARGET) {
        filter = filter.with_target(body_log::TARGET, LevelFilter::OFF);
    }
    let json = log.format == LogFormat::Json;
    let coloured = !json && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let writer = LogWriter::start(coloured);
    // `log_writer` counts lines that cannot be written; the subscriber would print an error, which can fail too.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_target(false)
        .with_ansi(coloured)
        .log_internal_errors(false);
    let subscriber = tracing_subscriber::registry().with(filter);
    // A second call (in tests) keeps the settings of the first.
    let started = match log.format {
        LogFormat::Json => subscriber.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => subscriber.with(lines).try_init(),
    };
    if started.is_ok() {
        writer.install_panic_hook(json);
    }
}

/// One request until it is logged and counted. Dropping an unfinished entry logs that the client disconnected.
#[derive(Debug)]
pub(crate) struct AccessLogEntry {
    app: Arc<AppState>,
    meta: RequestMeta,
    /// The dialect or kind of route: the log's `dialect` and the metrics' `route`.
    route: &'static str,
    /// Empty where no upstream was involved.
    upstream: Arc<str>,
    /// What came of several attempts.
    tried: Option<String>,
    timing: ResponseTiming,
    counted: OnceLock<()>,
}

/// When a response began, and with which status. The handler sets it, the log entry reads it.
#[derive(Debug, Clone)]
pub(crate) struct ResponseTiming {
    started: Instant,
    head: Arc<ResponseHead>,
}

#[derive(Debug, Default)]
struct ResponseHead {
    /// Microseconds from the request to the response's head; 0: there is none yet.
    first_byte_micros: AtomicU64,
    status: AtomicU16,
}

impl ResponseTiming {
    /// Records that the response begins now.
    pub(crate) fn record_head(&self, status: StatusCode) {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        self.head.first_byte_micros.store(micros, Ordering::Relaxed);
        self.head.status.store(status.as_u16(), Ordering::Relaxed);
    }

    fn first_byte(&self) -> Option<Duration> {
        Some(self.head.first_byte_micros.load(Ordering::Relaxed))
            .filter(|m| *m > 0)
            .map(Duration::from_micros)
    }

    fn status(&self) -> u16 {
        match self.head.status.load(Ordering::Relaxed) {
            0 => 200,
            status => status,
        }
    }
}

impl AccessLogEntry {
    pub(crate) fn new(
        app: Arc<AppState>,
        meta: RequestMeta,
        route: &'static str,
        upstream: Arc<str>,
    ) -> Self {
        app.process.metrics.requests.exchange_opened();
        let timing = ResponseTiming { started: meta.started, head: Arc::default() };
        Self { app, meta, route, upstream, tried: None, timing, counted: OnceLock::new() }
    }

    pub(crate) fn timing(&self) -> ResponseTiming {
        self.timing.clone()
    }

    /// Sets which upstream answered, and what came of several attempts.
    pub(crate) fn set_attempts(&mut self, upstream: &Arc<str>, tried: Option<String>) {
        self.upstream = upstream.clone();
        self.tried = tried;
    }

    /// Whether this server broke the response off.
    pub(crate) fn was_cut(&self) -> bool {
        self.meta.connection.cut_reason().is_some()
    }

    /// Logs an exchange that ended, or whose client disconnected. Must not panic: it may run in a destructor.
    pub(crate) fn finish_with_report(self, report: Report) {
        let _ = panics::catch(|| self.log_exchange(&report));
    }

    /// The name of the client key.
    fn key_name(&self) -> Option<&str> {
        self.meta.key.as_ref().map(|key| key.name())
    }

    fn log_exchange(&self, report: &Report) {
        if let Some(admission) = &self.meta.admission {
            admission.record(report);
        }
        let cancelled = report.error.is_none() && report.outcome == Outcome::Cancelled;
        let cut = self.meta.connection.cut_reason().filter(|_| cancelled);
        let status = match cut {
            Some(cut) => cut.status(),
            // The client disconnected before the response.
            None if cancelled && self.timing.first_byte().is_none() => CLIENT_CLOSED_REQUEST,
            None => self.timing.status(),
        };
        let outcome = match cut {
            None | Some(CutReason::WriteTimeout) => report.outcome,
            Some(CutReason::TotalTimeout | CutReason::Shutdown) => Outcome::Errored,
        };
        let total = self.meta.started.elapsed();
        let error = match cut {
            Some(cut) => cut.message(&self.app.config.timeouts),
            None => report.error.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        tracing::info!(
            id = self.meta.id,
            method = %self.meta.method,
            path = shorten(&self.meta.path, MAX_PATH_CHARS),
            key = self.key_name(),
            dialect = self.route,
            upstream = &*self.upstream,
            model = &*short_name(&report.model),
            stream = report.is_stream,
            status,
            outcome = outcome.as_str(),
            attempts = report.attempts.len(),
            tried = self.tried,
            first_byte_ms = self.timing.first_byte().map(millis),
            total_ms = millis(total),
            tokens_in = report.usage.and_then(|u| u.input),
            tokens_out = report.usage.and_then(|u| u.output),
            diagnostics = summarize(&report.diagnostics),
            error = shorten(&error, MAX_ERROR_CHARS),
            "exchange"
        );
        for diagnostic in &report.diagnostics {
            tracing::debug!(id = self.meta.id, "{diagnostic}");
        }
        self.count(&CountedRequest {
            route: self.route,
            upstream: &self.upstream,
            model: &report.model,
            status,
            outcome: Some(outcome),
            codes: report.diagnostics.codes(),
            usage: report.usage,
            first_byte: self.timing.first_byte(),
            total,
        });
        self.end_trace(status, total, Some((report, outcome)));
    }

    /// Logs a response that has no report: a refusal, a page, a model list, embeddings.
    pub(crate) fn finish_with_response(self, response: &Response) {
        let error = response.extensions().get::<Error>().map(ToString::to_string).unwrap_or_default();
        self.try_log_request(response.status().as_u16(), &error);
    }

    /// Logs a forwarded response whose body ended.
    pub(crate) fn finish_forwarded(self) {
        self.try_log_request(self.timing.status(), "");
    }

    /// Must not panic: it may run in a destructor.
    fn try_log_request(&self, status: u16, error: &str) {
        let _ = panics::catch(|| self.log_request(status, error));
    }

    fn log_request(&self, status: u16, error: &str) {
        let cut = self.meta.connection.cut_reason();
        let status = cut.map_or(status, CutReason::status);
        let cut_message = cut.map(|cut| cut.message(&self.app.config.timeouts));
        let error = cut_message.as_deref().unwrap_or(error);
        let total = self.meta.started.elapsed();
        // Health checks and scrapes are frequent.
        if self.route == PAGE_LABEL {
            tracing::debug!(
                id = self.meta.id,
                path = shorten(&self.meta.path, MAX_PATH_CHARS),
                status,
                "page"
            );
        } else {
            tracing::info!(
                id = self.meta.id,
                method = %self.meta.method,
                path = shorten(&self.meta.path, MAX_PATH_CHARS),
                key = self.key_name(),
                dialect = self.route,
                upstream = &*self.upstream,
                status,
                first_byte_ms = self.timing.first_byte().map(millis),
                total_ms = millis(total),
                error = shorten(error, MAX_ERROR_CHARS),
                "request"
            );
        }
        self.count(&CountedRequest {
            route: self.route,
            upstream: &self.upstream,
            model: "",
            status,
            outcome: None,
            codes: Vec::new(),
            usage: None,
            first_byte: self.timing.first_byte(),
            total,
        });
        if self.route != PAGE_LABEL {
            self.end_trace(status, total, None);
        }
    }

    fn end_trace(&self, status: u16, total: Duration, report: Option<(&Report, Outcome)>) {
        if let Some(trace) = &self.meta.trace {
            let (meta, route, first_byte) = (&self.meta, self.route, self.timing.first_byte());
            trace.end(&EndedRequest { meta, route, status, first_byte, total, report });
        }
    }

    fn count(&self, request: &CountedRequest<'_>) {
        if self.counted.set(()).is_ok() {
            self.app.process.metrics.requests.count(request);
        }
    }
}

impl Drop for AccessLogEntry {
    fn drop(&mut self) {
        if self.counted.get().is_none() {
            self.try_log_request(CLIENT_CLOSED_REQUEST, "the client went away");
        }
        self.app.process.metrics.requests.exchange_closed();
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
