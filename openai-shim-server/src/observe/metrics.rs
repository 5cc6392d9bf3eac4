//! Metrics in Prometheus' text format. Each file below this one has the metrics of one concern: counters and families of the
//! crate `prometheus-client`, or a `Collector` that writes what it has counted, or what holds at the time of a scrape. Labels
//! are bounded: configured names, fixed words, and at most 100 models.

pub(crate) mod encode;
mod models;
pub(crate) mod requests;
pub(crate) mod server_state;

use crate::config::Config;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use requests::RequestMetrics;
use std::sync::Arc;

pub(crate) use prometheus_text::CONTENT_TYPE;

/// The first word of every metric's name.
const PREFIX: &str = "openai_shim";

/// All that is counted since the start.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Arc<RequestMetrics>,
}

impl Metrics {
    pub(crate) fn new(config: &Config) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let requests = Arc::<RequestMetrics>::default();
        registry.register_collector(Box::new(requests.clone()));
        let metrics = Self { registry, requests };
        metrics.set_configured_models(config);
        metrics
    }

    /// Gives the configured models their labels, which they always have. Those of an earlier configuration may lose theirs.
    pub(crate) fn set_configured_models(&self, config: &Config) {
        let models = config.upstreams.iter().flat_map(|upstream| &upstream.models);
        self.requests.set_configured_models(models.filter(|m| !m.is_pattern()).map(|m| m.id.as_str()));
    }

    /// All metrics as text. `state`: what holds now.
    pub(crate) fn render(&self, state: Vec<Box<dyn Collector>>) -> String {
        let mut now = Registry::with_prefix(PREFIX);
        for collector in state {
            now.register_collector(collector);
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_text::encode(&mut text, &self.registry);
        let _ = prometheus_text::encode(&mut text, &now);
        text
    }
}
