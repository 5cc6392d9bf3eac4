//! OpenTelemetry: traces and metrics of requests, exported over OTLP/HTTP by threads of their own.
//!
//! Names are those of the GenAI and HTTP semantic conventions. What people and models write is never exported. A trace costs
//! nothing until its request ends: then its spans are built at once, and go into a bounded queue.

mod export;
mod instruments;
mod names;
mod spans;
mod trace;

use crate::config;
use export::{Collector, Delivery, ExportLog};
use gethostname::gethostname;
use instruments::Instruments;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, RandomIdGenerator, SpanData, SpanProcessor as _,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) use names::UpstreamAttributes;
pub(crate) use spans::EndedRequest;
pub(crate) use trace::RequestTrace;

/// The most spans that wait for their export: some megabytes.
const MAX_QUEUED_SPANS: usize = 4096;
/// How long the last export may take at the end of the program.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// What exports traces and metrics. It lives as long as the process.
#[derive(Debug)]
pub(crate) struct Otel {
    spans: BatchSpanProcessor,
    meters: SdkMeterProvider,
    instruments: Instruments,
    delivery: Arc<Delivery>,
    ids: RandomIdGenerator,
    propagator: TraceContextPropagator,
    scope: InstrumentationScope,
    sample_ratio: f64,
}

impl Otel {
    /// Starts the threads that export.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub(crate) fn start(config: &config::Otel) -> Result<Arc<Self>, String> {
        let resource = resource(config);
        let delivery = Arc::new(Delivery::new(MAX_QUEUED_SPANS));
        let collector = Collector::new(config)?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(MAX_QUEUED_SPANS).build();
        let exporter = collector.span_exporter(delivery.clone())?;
        let mut spans = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        spans.set_resource(&resource);
        let exporter = collector.metric_exporter(ExportLog::new("metrics"))?;
        let meters =
            SdkMeterProvider::builder().with_periodic_exporter(exporter).with_resource(resource).build();
        let scope =
            InstrumentationScope::builder(SERVICE_NAME).with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Arc::new(Self {
            instruments: Instruments::new(&meters, scope.clone()),
            spans,
            meters,
            delivery,
            ids: RandomIdGenerator::default(),
            propagator: TraceContextPropagator::new(),
            scope,
            sample_ratio: config.sample_ratio,
        }))
    }

    /// Whether a trace without a caller's decision is recorded. Every service that knows the ratio decides the same way.
    fn samples(&self, trace_id: [u8; 16]) -> bool {
        // The W3C's random part of an id is its last 56 bits.
        let random = u128::from_be_bytes(trace_id) & ((1 << 56) - 1);
        #[expect(clippy::cast_precision_loss, reason = "56 bits, compared with a ratio")]
        let part = random as f64 / (1_u64 << 56) as f64;
        part < self.sample_ratio
    }

    fn export(&self, span: SpanData) {
        if self.delivery.admit() {
            self.spans.on_end(span);
        }
    }

    /// How many spans were dropped because the collector took them too slowly, or not at all.
    pub(crate) fn lost_spans(&self) -> u64 {
        self.delivery.lost()
    }

    /// Exports what is left, for two seconds at most.
    pub(crate) async fn flush(self: Arc<Self>) {
        let flushed = tokio::task::spawn_blocking(move || {
            let spans = self.spans.shutdown_with_timeout(FLUSH_TIMEOUT);
            spans.and(self.meters.shutdown_with_timeout(FLUSH_TIMEOUT))
        });
        let flushed = tokio::time::timeout(FLUSH_TIMEOUT, flushed).await;
        if !matches!(flushed, Ok(Ok(Ok(())))) {
            tracing::warn!("the collector did not take the last traces and metrics in time");
        }
    }
}

/// The name of this service, unless it is configured.
const SERVICE_NAME: &str = "openai-shim";

/// What the exports say of this process. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are read by the crate.
fn resource(config: &config::Otel) -> Resource {
    let detected = Resource::builder().build();
    let known = |key: &'static str| detected.get(&key.into());
    let unknown = |name: &opentelemetry::Value| name.as_str().starts_with("unknown_service");
    let named = config.service_name.clone().map(opentelemetry::Value::from);
    let name = named.or_else(|| known("service.name").filter(|name| !unknown(name)));
    // Replicas are told apart.
    let instance = || format!("{}:{}", gethostname().to_string_lossy(), std::process::id()).into();
    Resource::builder()
        .with_attributes([
            KeyValue::new("service.name", name.unwrap_or_else(|| SERVICE_NAME.into())),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", known("service.instance.id").unwrap_or_else(instance)),
        ])
        .build()
}

/// The time now, as spans have it.
fn now() -> SystemTime {
    SystemTime::now()
}
