//! What is counted of each request: its status and outcome, its diagnostics, tokens and times.
//!
//! They are counted in maps under one lock, and the crate writes them. Its own families hash their labels and take a lock for
//! each metric: that is 3,800 instructions a request instead of 600. What is rarer than a request can be counted in families.

use super::encode::{NO_LABELS, write_family};
use super::models::TokenCounters;
use openai_shim_core::Outcome;
use openai_shim_core::canonical::{DiagnosticCode, Usage};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper bounds of the histograms' buckets, in seconds.
const BUCKET_SECONDS: [f64; 13] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, f64::INFINITY];

/// What is counted of one request.
#[derive(Debug)]
pub(crate) struct CountedRequest<'a> {
    pub(crate) route: &'static str,
    /// Empty where no upstream was involved.
    pub(crate) upstream: &'a Arc<str>,
    pub(crate) model: &'a str,
    pub(crate) status: u16,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) codes: Vec<(DiagnosticCode, u32)>,
    pub(crate) usage: Option<Usage>,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) total: Duration,
}

/// The counters of all requests.
#[derive(Debug, Default)]
pub(crate) struct RequestMetrics {
    counters: Mutex<Counters>,
    open_exchanges: AtomicI64,
}

#[derive(Debug, Default)]
struct Counters {
    by_upstream: BTreeMap<Arc<str>, UpstreamCounters>,
    diagnostics: BTreeMap<DiagnosticCode, u64>,
    tokens: TokenCounters,
}

#[derive(Debug, Default)]
struct UpstreamCounters {
    /// By route and status.
    requests: BTreeMap<(&'static str, u16), u64>,
    outcomes: BTreeMap<&'static str, u64>,
    retries: u64,
    first_byte: Histogram,
    duration: Histogram,
}

#[derive(Debug, Default, Clone, Copy)]
struct Histogram {
    /// How many values each bucket has, without those of smaller ones.
    buckets: [u64; BUCKET_SECONDS.len()],
    count: u64,
    sum: f64,
}

impl RequestMetrics {
    /// Gives configured models labels that they never lose.
    pub(super) fn set_configured_models<'m>(&self, models: impl Iterator<Item = &'m str>) {
        self.lock().tokens.set_configured(models);
    }

    pub(crate) fn exchange_opened(&self) {
        self.open_exchanges.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn exchange_closed(&self) {
        self.open_exchanges.fetch_sub(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, request: &CountedRequest<'_>) {
        let mut counters = self.lock();
        let Counters { by_upstream, diagnostics, tokens } = &mut *counters;
        let upstream = by_upstream.entry(request.upstream.clone()).or_default();
        *upstream.requests.entry((request.route, request.status)).or_default() += 1;
        if let Some(outcome) = request.outcome {
            *upstream.outcomes.entry(outcome.as_str()).or_default() += 1;
        }
        for (code, count) in &request.codes {
            *diagnostics.entry(*code).or_default() += u64::from(*count);
            if *code == DiagnosticCode::Retried {
                upstream.retries += u64::from(*count);
            }
        }
        if let Some(first) = request.first_byte {
            upstream.first_byte.add(first);
        }
        if !request.upstream.is_empty() {
            upstream.duration.add(request.total);
        }
        if let Some(usage) = request.usage {
            tokens.count(request.upstream, request.model, usage);
        }
    }
}

impl Histogram {
    fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let index = BUCKET_SECONDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        let mut buckets = [(0.0, 0); BUCKET_SECONDS.len()];
        for (bucket, counted) in buckets.iter_mut().zip(BUCKET_SECONDS.into_iter().zip(self.buckets)) {
            *bucket = counted;
        }
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl Collector for RequestMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let counters = self.lock();
        let upstreams = || counters.by_upstream.iter().map(|(name, upstream)| (&**name, upstream));
        let requests = upstreams().flat_map(|(upstream, counters)| {
            counters.requests.iter().map(move |(&(route, status), count)| {
                let names = [("route", route), ("upstream", upstream)];
                ((names, [("status", status)]), ConstCounter::new(*count))
            })
        });
        write_family(&mut encoder, "requests", "Requests by route, upstream and status.", requests)?;
        let outcomes = upstreams().flat_map(|(upstream, counters)| {
            counters.outcomes.iter().map(move |(outcome, count)| {
                ([("upstream", upstream), ("outcome", *outcome)], ConstCounter::new(*count))
            })
        });
        write_family(&mut encoder, "outcomes", "How exchanges ended.", outcomes)?;
        let codes = counters.diagnostics.iter();
        let codes = codes.map(|(code, count)| ([("code", code.as_str())], ConstCounter::new(*count)));
        let help = "Everything changed, dropped, filled in or found wrong, by code.";
        write_family(&mut encoder, "diagnostics", help, codes)?;
        counters.tokens.encode(&mut encoder)?;
        let retries = upstreams().filter(|(_, counters)| counters.retries > 0);
        let retries = retries.map(|(upstream, c)| ([("upstream", upstream)], ConstCounter::new(c.retries)));
        write_family(&mut encoder, "retries", "Attempts after the first.", retries)?;
        let histogram = |of: fn(&UpstreamCounters) -> Histogram| {
            upstreams()
                .map(move |(upstream, counters)| ([("upstream", upstream)], of(counters)))
                .filter(|(_, histogram)| histogram.count > 0)
        };
        let help = "From a request to the first byte of its answer.";
        write_family(&mut encoder, "first_byte_seconds", help, histogram(|counters| counters.first_byte))?;
        let help = "From a request to the end of its answer.";
        write_family(&mut encoder, "request_seconds", help, histogram(|counters| counters.duration))?;
        let open = ConstGauge::new(self.open_exchanges.load(Ordering::Relaxed));
        write_family(&mut encoder, "open_exchanges", "Exchanges that have not ended.", [(NO_LABELS, open)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::prometheus_text;
    use prometheus_client::registry::Registry;

    #[test]
    fn request_is_counted_in_every_metric() {
        let metrics = Arc::new(RequestMetrics::default());
        metrics.count(&CountedRequest {
            route: "openai-chat",
            upstream: &"u\"p".into(),
            model: "m",
            status: 200,
            outcome: Some(Outcome::Complete),
            codes: vec![(DiagnosticCode::RoleFilled, 3), (DiagnosticCode::Retried, 2)],
            usage: Some(Usage::new(7, 9)),
            first_byte: Some(Duration::from_millis(30)),
            total: Duration::from_millis(700),
        });
        let mut registry = Registry::default();
        registry.register_collector(Box::new(metrics));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        for line in [
            r#"requests_total{route="openai-chat",upstream="u\"p",status="200"} 1"#,
            r#"outcomes_total{upstream="u\"p",outcome="complete"} 1"#,
            r#"diagnostics_total{code="role-filled"} 3"#,
            r#"tokens_total{upstream="u\"p",model="m",kind="input"} 7"#,
            r#"tokens_total{upstream="u\"p",model="m",kind="output"} 9"#,
            r#"retries_total{upstream="u\"p"} 2"#,
            r#"first_byte_seconds_bucket{upstream="u\"p",le="0.025"} 0"#,
            r#"first_byte_seconds_bucket{upstream="u\"p",le="0.05"} 1"#,
            r#"request_seconds_bucket{upstream="u\"p",le="1"} 1"#,
            r#"request_seconds_bucket{upstream="u\"p",le="+Inf"} 1"#,
            r#"request_seconds_count{upstream="u\"p"} 1"#,
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
        }
    }
}
