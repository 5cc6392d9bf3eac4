//! Logs: one line a request. Secrets are never in them, and messages only where bodies are asked for.

use crate::app_state::AppState;
use crate::config::{Log, LogFormat};
use crate::http::client_connection::Cut;
use crate::http::panics;
use crate::http::responses::summary;
use crate::http::routes::RequestMeta;
use crate::observe::log_writer::LogWriter;
use crate::observe::metrics::{PAGE, RequestMetrics};
use axum::response::Response;
use http::StatusCode;
use openai_shim_core::error::short_name;
use openai_shim_core::{Error, Outcome, Report};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

pub use crate::observe::log_writer::flush;

/// The most characters of a path and of an error in a log line: upstreams repeat in errors what clients sent.
const MAX_PATH: usize = 500;
const MAX_ERROR: usize = 2000;
/// The status of a request whose client went away before an answer, as nginx logs it.
const CLIENT_GONE: u16 = 499;

/// Starts logging to standard error.
pub fn init(log: &Log) {
    let wanted = log.filter.as_deref().unwrap_or("info");
    let mut filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    // Whoever turns up all levels has not asked for people's messages.
    if !wanted.contains(crate::observe::body_log::TARGET)
        && let Ok(off) = format!("{}=off", crate::observe::body_log::TARGET).parse()
    {
        filter = filter.add_directive(off);
    }
    let json = log.format == LogFormat::Json;
    let coloured = !json && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let writer = LogWriter::start(coloured);
    // What cannot be logged is counted (`log_writer`); printing that, as the subscriber would, can fail too.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false)
        .log_internal_errors(false);
    // A second start (in tests) keeps the first one's settings.
    let started = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_ansi(coloured).try_init(),
    };
    if started.is_ok() {
        writer.hook_panics(json);
    }
}

/// One request on its way into logs and metrics.
#[derive(Debug)]
pub(crate) struct AccessLogEntry {
    app: Arc<AppState>,
    meta: RequestMeta,
    route: &'static str,
    upstream: String,
    head: ResponseTiming,
    counted: OnceLock<()>,
}

/// When the answer began, and with which status; shared with the one who writes it.
#[derive(Debug, Clone)]
pub(crate) struct ResponseTiming(Arc<(AtomicU64, AtomicU16)>, std::time::Instant);

impl ResponseTiming {
    /// The answer begins now.
    pub(crate) fn summary(&self, status: StatusCode) {
        let micros = u64::try_from(self.1.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        self.0.0.store(micros, Ordering::Relaxed);
        self.0.1.store(status.as_u16(), Ordering::Relaxed);
    }

    fn first_byte(&self) -> Option<Duration> {
        Some(self.0.0.load(Ordering::Relaxed)).filter(|m| *m > 0).map(Duration::from_micros)
    }

    fn status(&self) -> u16 {
        match self.0.1.load(Ordering::Relaxed) {
            0 => 200,
            status => status,
        }
    }
}

impl AccessLogEntry {
    pub(crate) fn new(app: Arc<AppState>, meta: RequestMeta, route: &'static str, upstream: String) -> Self {
        app.metrics.opened();
        let head = ResponseTiming(Arc::default(), meta.started);
        Self { app, meta, route, upstream, head, counted: OnceLock::new() }
    }

    pub(crate) fn head(&self) -> ResponseTiming {
        self.head.clone()
    }

    /// An exchange has ended, or its client went away. Called while things are dropped: it cannot panic.
    pub(crate) fn finish(self, report: Report) {
        let _ = panics::polled(|| self.exchange(&report));
    }

    fn exchange(&self, report: &Report) {
        let cancelled = report.error.is_none() && report.outcome == Outcome::Cancelled;
        let cut = self.meta.client.cut().filter(|_| cancelled);
        let status = match cut {
            Some(cut) => cut.status(),
            // The client went away before an answer.
            None if cancelled && self.head.first_byte().is_none() => CLIENT_GONE,
            None => self.head.status(),
        };
        let outcome = match cut {
            None | Some(Cut::Write) => report.outcome,
            Some(Cut::Total | Cut::Stop) => Outcome::Errored,
        };
        let total = self.meta.started.elapsed();
        let error = match cut {
            Some(cut) => cut.message(&self.app.config.timeouts),
            None => report.error.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        tracing::info!(
            id = self.meta.id,
            method = %self.meta.method,
            path = shortened(&self.meta.path, MAX_PATH),
            dialect = self.route,
            upstream = self.upstream,
            model = &*short_name(&report.model),
            stream = report.is_stream,
            status,
            outcome = outcome.as_str(),
            attempts = report.attempts,
            first_byte_ms = self.head.first_byte().map(millis),
            total_ms = millis(total),
            tokens_in = report.usage.and_then(|u| u.input),
            tokens_out = report.usage.and_then(|u| u.output),
            diagnostics = summary(&report.diagnostics),
            error = shortened(&error, MAX_ERROR),
            "exchange"
        );
        for diagnostic in &report.diagnostics {
            tracing::debug!(id = self.meta.id, "{diagnostic}");
        }
        self.count(&RequestMetrics {
            route: self.route,
            upstream: &self.upstream,
            model: &report.model,
            status,
            outcome: Some(outcome),
            codes: report.diagnostics.codes(),
            usage: report.usage,
            first_byte: self.head.first_byte(),
            total,
        });
    }

    /// The request was answered without an upstream: refused, or a matter of ours such as the model list.
    pub(crate) fn answered(self, response: &Response) {
        let error = response.extensions().get::<Error>().map(ToString::to_string).unwrap_or_default();
        self.plain(response.status().as_u16(), &error);
    }

    /// A forwarded answer has ended.
    pub(crate) fn forwarded(self) {
        self.plain(self.head.status(), "");
    }

    /// Called while things are dropped: it cannot panic.
    fn plain(&self, status: u16, error: &str) {
        let _ = panics::polled(|| self.request(status, error));
    }

    fn request(&self, status: u16, error: &str) {
        let cut = self.meta.client.cut();
        let status = cut.map_or(status, Cut::status);
        let said = cut.map(|cut| cut.message(&self.app.config.timeouts));
        let error = said.as_deref().unwrap_or(error);
        let total = self.meta.started.elapsed();
        // Health checks and scrapes come all the time.
        if self.route == PAGE {
            tracing::debug!(id = self.meta.id, path = shortened(&self.meta.path, MAX_PATH), status, "page");
        } else {
            tracing::info!(
                id = self.meta.id,
                method = %self.meta.method,
                path = shortened(&self.meta.path, MAX_PATH),
                dialect = self.route,
                upstream = self.upstream,
                status,
                first_byte_ms = self.head.first_byte().map(millis),
                total_ms = millis(total),
                error = shortened(error, MAX_ERROR),
                "request"
            );
        }
        self.count(&RequestMetrics {
            route: self.route,
            upstream: &self.upstream,
            model: "",
            status,
            outcome: None,
            codes: Vec::new(),
            usage: None,
            first_byte: self.head.first_byte(),
            total,
        });
    }

    fn count(&self, counted: &RequestMetrics<'_>) {
        if self.counted.set(()).is_ok() {
            self.app.metrics.count(counted);
        }
    }
}

impl Drop for AccessLogEntry {
    fn drop(&mut self) {
        if self.counted.get().is_none() {
            self.plain(CLIENT_GONE, "the client went away");
        }
        self.app.metrics.closed();
    }
}

/// At most so many characters.
pub(crate) fn shortened(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
