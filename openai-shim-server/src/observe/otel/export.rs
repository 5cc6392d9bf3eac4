//! Sends what is exported to the collector: an HTTP client with a runtime of its own, and exporters that count and log failures.

use crate::config;
use crate::observe::throttled_log::LogThrottle;
use crate::upstream::http::provide_tls;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanData;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the collector may take for one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of a collector's response that are read.
const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// The collector as configured.
pub(super) struct Collector<'c> {
    config: &'c config::Otel,
    client: Arc<dyn HttpClient>,
}

impl<'c> Collector<'c> {
    pub(super) fn new(config: &'c config::Otel) -> Result<Self, String> {
        Ok(Self { config, client: Arc::new(Client::new()?) })
    }

    pub(super) fn span_exporter(&self, delivery: Arc<Delivery>) -> Result<CountedSpans, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", self.config.endpoint))
            .with_timeout(EXPORT_TIMEOUT)
            .with_headers(self.headers())
            .with_shared_http_client(self.client.clone())
            .build();
        let exporter = exporter.map_err(|error| error.to_string())?;
        Ok(CountedSpans { exporter, delivery, log: ExportLog::new("traces") })
    }

    pub(super) fn metric_exporter(&self, log: ExportLog) -> Result<LoggedMetrics, String> {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/metrics", self.config.endpoint))
            .with_timeout(EXPORT_TIMEOUT)
            .with_headers(self.headers())
            .with_shared_http_client(self.client.clone())
            .build();
        Ok(LoggedMetrics { exporter: exporter.map_err(|error| error.to_string())?, log })
    }

    fn headers(&self) -> HashMap<String, String> {
        self.config.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
    }
}

/// Sends requests on the thread that exports: threads that serve have no part in it.
#[derive(Debug)]
struct Client {
    runtime: Option<Runtime>,
    client: reqwest::Client,
}

impl Client {
    fn new() -> Result<Self, String> {
        provide_tls();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let client = reqwest::Client::builder().timeout(EXPORT_TIMEOUT).build();
        Ok(Self {
            runtime: Some(runtime.map_err(|error| error.to_string())?),
            client: client.map_err(|error| error.to_string())?,
        })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut response = self.client.execute(request.try_into()?).await?;
        let mut collected = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if collected.len() + chunk.len() > MAX_RESPONSE_BYTES {
                break;
            }
            collected.extend_from_slice(&chunk);
        }
        let mut answer = Response::new(Bytes::from(collected));
        *answer.status_mut() = response.status();
        Ok(answer)
    }
}

#[async_trait]
impl HttpClient for Client {
    /// Called on the threads of the crate's batches and readers, which wait for it.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(self.send(request)),
            None => Err("the client has ended".into()),
        }
    }
}

impl Drop for Client {
    /// A runtime that is dropped by a task of another one would panic.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What became of spans on their way to the collector.
#[derive(Debug)]
pub(super) struct Delivery {
    limit: usize,
    queued: AtomicUsize,
    lost: AtomicU64,
}

impl Delivery {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, queued: AtomicUsize::new(0), lost: AtomicU64::new(0) }
    }

    /// Whether there is room for one more span; if not, it is lost.
    pub(super) fn admit(&self) -> bool {
        let is_full = self.queued.load(Ordering::Relaxed) >= self.limit;
        if is_full {
            self.lost.fetch_add(1, Ordering::Relaxed);
        } else {
            self.queued.fetch_add(1, Ordering::Relaxed);
        }
        !is_full
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Logs failed exports, once per period.
#[derive(Debug)]
pub(super) struct ExportLog {
    signal: &'static str,
    throttle: LogThrottle,
}

impl ExportLog {
    pub(super) const fn new(signal: &'static str) -> Self {
        Self { signal, throttle: LogThrottle::new() }
    }

    fn record(&self, result: &OTelSdkResult) {
        if let Err(error) = result
            && self.throttle.allow()
        {
            tracing::warn!("the collector does not take {}: {error}", self.signal);
        }
    }
}

/// Exports spans, and counts those that are lost.
#[derive(Debug)]
pub(super) struct CountedSpans {
    exporter: SpanExporter,
    delivery: Arc<Delivery>,
    log: ExportLog,
}

impl opentelemetry_sdk::trace::SpanExporter for CountedSpans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.delivery.queued.fetch_sub(count, Ordering::Relaxed);
        let result = self.exporter.export(batch).await;
        if result.is_err() {
            self.delivery.lost.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.log.record(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Exports metrics.
pub(super) struct LoggedMetrics {
    exporter: MetricExporter,
    log: ExportLog,
}

impl PushMetricExporter for LoggedMetrics {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.log.record(&result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
