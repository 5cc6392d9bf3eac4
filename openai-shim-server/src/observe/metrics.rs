//! Counts requests, and renders the counters in Prometheus' text format. Labels are bounded: configured names, fixed words,
//! and at most 100 models.

use crate::config::Config;
use openai_shim_core::Outcome;
use openai_shim_core::canonical::{DiagnosticCode, Usage};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The most models with a label of their own.
const MAX_MODELS: usize = 100;
/// The most bytes of a model's name that is a label.
const MAX_LABEL_BYTES: usize = 128;
/// The label of all other models.
const OTHER_MODELS: &str = "other";
/// The last use of a configured model: it is never the oldest, and so never loses its label.
const NEVER_EVICTED: u64 = u64::MAX;
/// Upper bounds of the histograms' buckets, in seconds.
const BUCKET_SECONDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// All counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counters: Mutex<Counters>,
    open_exchanges: AtomicI64,
}

/// A value for each upstream.
type ByUpstream<T> = BTreeMap<String, T>;

#[derive(Debug, Default)]
struct Counters {
    requests: ByUpstream<BTreeMap<(&'static str, u16), u64>>,
    outcomes: ByUpstream<BTreeMap<&'static str, u64>>,
    diagnostics: BTreeMap<DiagnosticCode, u64>,
    /// By model and kind.
    tokens: ByUpstream<BTreeMap<String, BTreeMap<&'static str, u64>>>,
    first_byte: ByUpstream<Histogram>,
    duration: ByUpstream<Histogram>,
    retries: ByUpstream<u64>,
    /// The last use of each model with a label of its own; [`NEVER_EVICTED`] for configured models.
    models: BTreeMap<String, u64>,
    /// The number of the latest use.
    uses: u64,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    buckets: [u64; BUCKET_SECONDS.len()],
    count: u64,
    sum: f64,
}

/// What is counted of one request.
#[derive(Debug)]
pub(crate) struct RequestMetrics<'a> {
    pub(crate) route: &'static str,
    pub(crate) upstream: &'a str,
    pub(crate) model: &'a str,
    pub(crate) status: u16,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) codes: Vec<(DiagnosticCode, u32)>,
    pub(crate) usage: Option<Usage>,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) total: Duration,
}

impl Metrics {
    pub(crate) fn new(config: &Config) -> Self {
        let metrics = Self::default();
        // Configured models always have a label.
        if let Ok(mut counters) = metrics.counters.lock() {
            counters.models = config
                .upstreams
                .iter()
                .flat_map(|u| {
                    u.models.iter().filter(|m| !m.is_pattern()).map(|m| (m.id.clone(), NEVER_EVICTED))
                })
                .take(MAX_MODELS)
                .collect();
        }
        metrics
    }

    pub(crate) fn exchange_opened(&self) {
        self.open_exchanges.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn exchange_closed(&self) {
        self.open_exchanges.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, request: &RequestMetrics<'_>) {
        let Ok(mut c) = self.counters.lock() else { return };
        let upstream = request.upstream;
        *entry(&mut c.requests, upstream).entry((request.route, request.status)).or_default() += 1;
        if let Some(outcome) = request.outcome {
            *entry(&mut c.outcomes, upstream).entry(outcome.as_str()).or_default() += 1;
        }
        for (code, count) in &request.codes {
            *c.diagnostics.entry(*code).or_default() += u64::from(*count);
            if *code == DiagnosticCode::Retried {
                *entry(&mut c.retries, upstream) += u64::from(*count);
            }
        }
        if let Some(usage) = request.usage {
            // Only a model for which an upstream reported tokens gets a label: clients cannot fill the table with invented names.
            let model = c.model_label(request.model);
            for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
                if let Some(tokens) = tokens {
                    *entry(entry(&mut c.tokens, upstream), model).entry(kind).or_default() += tokens;
                }
            }
        }
        if let Some(first) = request.first_byte {
            entry(&mut c.first_byte, upstream).add(first);
        }
        if !upstream.is_empty() {
            entry(&mut c.duration, upstream).add(request.total);
        }
    }

    pub(crate) fn render(&self, adaptations: &BTreeMap<String, usize>) -> String {
        let mut out = String::new();
        let Ok(c) = self.counters.lock() else { return out };
        write_head(&mut out, "requests_total", "counter", "Requests by route, upstream and status.");
        let requests =
            c.requests.iter().flat_map(|(upstream, all)| all.iter().map(move |one| (upstream, one)));
        for (upstream, ((route, status), n)) in requests {
            write_line(
                &mut out,
                "requests_total",
                &[("route", route), ("upstream", upstream), ("status", &status.to_string())],
                n,
            );
        }
        write_head(&mut out, "outcomes_total", "counter", "How exchanges ended.");
        let outcomes =
            c.outcomes.iter().flat_map(|(upstream, all)| all.iter().map(move |one| (upstream, one)));
        for (upstream, (outcome, n)) in outcomes {
            write_line(&mut out, "outcomes_total", &[("upstream", upstream), ("outcome", outcome)], n);
        }
        write_head(
            &mut out,
            "diagnostics_total",
            "counter",
            "Everything changed, dropped, filled in or found wrong, by code.",
        );
        for (code, n) in &c.diagnostics {
            write_line(&mut out, "diagnostics_total", &[("code", code.as_str())], n);
        }
        write_head(&mut out, "tokens_total", "counter", "Tokens as upstreams counted them.");
        for (upstream, models) in &c.tokens {
            for (model, kinds) in models {
                for (kind, n) in kinds {
                    let labels = [("upstream", upstream.as_str()), ("model", model), ("kind", kind)];
                    write_line(&mut out, "tokens_total", &labels, n);
                }
            }
        }
        write_head(&mut out, "retries_total", "counter", "Attempts after the first.");
        for (upstream, n) in &c.retries {
            write_line(&mut out, "retries_total", &[("upstream", upstream)], n);
        }
        write_head(&mut out, "learned", "gauge", "What upstreams taught by refusing; GET /learned shows it.");
        for (upstream, n) in adaptations {
            write_line(&mut out, "learned", &[("upstream", upstream)], n);
        }
        write_histogram(
            &mut out,
            "first_byte_seconds",
            "From a request to the first byte of its answer.",
            &c.first_byte,
        );
        write_histogram(&mut out, "request_seconds", "From a request to the end of its answer.", &c.duration);
        write_head(&mut out, "open_exchanges", "gauge", "Exchanges that have not ended.");
        write_line(&mut out, "open_exchanges", &[], &self.open_exchanges.load(Ordering::Relaxed));
        write_head(
            &mut out,
            "log_lines_lost_total",
            "counter",
            "Log lines that could not be written, or came faster than they were read.",
        );
        write_line(&mut out, "log_lines_lost_total", &[], &crate::observe::log_writer::lost_lines());
        out
    }
}

impl Counters {
    /// The label of a model. When all labels are taken, the least recently counted model loses its label.
    fn model_label<'m>(&mut self, model: &'m str) -> &'m str {
        self.uses += 1;
        if let Some(used) = self.models.get_mut(model) {
            *used = if *used == NEVER_EVICTED { NEVER_EVICTED } else { self.uses };
            return model;
        }
        if model.len() > MAX_LABEL_BYTES {
            return OTHER_MODELS;
        }
        if self.models.len() >= MAX_MODELS {
            let oldest =
                self.models.iter().filter(|(_, used)| **used != NEVER_EVICTED).min_by_key(|(_, used)| **used);
            let Some(oldest) = oldest.map(|(model, _)| model.clone()) else { return OTHER_MODELS };
            self.models.remove(&oldest);
            self.count_as_other(&oldest);
        }
        self.models.insert(model.to_owned(), self.uses);
        model
    }

    /// Moves a model's tokens to the label of all others.
    fn count_as_other(&mut self, model: &str) {
        for models in self.tokens.values_mut() {
            for (kind, tokens) in models.remove(model).unwrap_or_default() {
                *entry(models, OTHER_MODELS).entry(kind).or_default() += tokens;
            }
        }
    }
}

/// The value under a key; the key is copied only when it is new.
fn entry<'m, T: Default>(map: &'m mut BTreeMap<String, T>, key: &str) -> &'m mut T {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), T::default());
    }
    map.get_mut(key).unwrap_or_else(|| unreachable!("it was put in"))
}

impl Histogram {
    fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        for (bucket, bound) in self.buckets.iter_mut().zip(BUCKET_SECONDS) {
            *bucket += u64::from(seconds <= bound);
        }
        self.count += 1;
        self.sum += seconds;
    }
}

pub(crate) fn write_head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP openai_shim_{name} {help}\n# TYPE openai_shim_{name} {kind}");
}

pub(crate) fn write_line(
    out: &mut String,
    name: &str,
    labels: &[(&str, &str)],
    value: &dyn std::fmt::Display,
) {
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{key}=\"{value}\"")
        })
        .collect();
    let braces = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(out, "openai_shim_{name}{braces} {value}");
}

fn write_histogram(out: &mut String, name: &str, help: &str, by_upstream: &BTreeMap<String, Histogram>) {
    write_head(out, name, "histogram", help);
    for (upstream, h) in by_upstream {
        for (bucket, bound) in h.buckets.iter().zip(BUCKET_SECONDS) {
            write_line(
                out,
                &format!("{name}_bucket"),
                &[("upstream", upstream), ("le", &bound.to_string())],
                bucket,
            );
        }
        write_line(out, &format!("{name}_bucket"), &[("upstream", upstream), ("le", "+Inf")], &h.count);
        write_line(out, &format!("{name}_sum"), &[("upstream", upstream)], &h.sum);
        write_line(out, &format!("{name}_count"), &[("upstream", upstream)], &h.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(model: &str, usage: Option<Usage>) -> RequestMetrics<'_> {
        RequestMetrics {
            route: "openai-chat",
            upstream: "up",
            model,
            status: 200,
            outcome: Some(Outcome::Complete),
            codes: vec![(DiagnosticCode::RoleFilled, 3), (DiagnosticCode::Retried, 2)],
            usage,
            first_byte: Some(Duration::from_millis(30)),
            total: Duration::from_millis(700),
        }
    }

    #[test]
    fn request_is_counted_in_every_metric() {
        let metrics = Metrics::default();
        metrics.count(&request("m", Some(Usage::new(7, 9))));
        let text = metrics.render(&BTreeMap::new());
        for line in [
            r#"requests_total{route="openai-chat",upstream="up",status="200"} 1"#,
            r#"outcomes_total{upstream="up",outcome="complete"} 1"#,
            r#"diagnostics_total{code="role-filled"} 3"#,
            r#"tokens_total{upstream="up",model="m",kind="input"} 7"#,
            r#"tokens_total{upstream="up",model="m",kind="output"} 9"#,
            r#"retries_total{upstream="up"} 2"#,
            r#"first_byte_seconds_bucket{upstream="up",le="0.025"} 0"#,
            r#"first_byte_seconds_bucket{upstream="up",le="0.05"} 1"#,
            r#"request_seconds_count{upstream="up"} 1"#,
        ] {
            assert!(text.contains(&format!("openai_shim_{line}\n")), "{line}\n{text}");
        }
    }

    #[test]
    fn models_beyond_a_hundred_share_one_label() {
        let metrics = Metrics::default();
        for i in 0..1000 {
            metrics.count(&request(&format!("model {i}"), Some(Usage::new(1, 1))));
        }
        let text = metrics.render(&BTreeMap::new());
        assert_eq!(text.matches("kind=\"input\"").count(), MAX_MODELS + 1);
        assert!(text.contains(r#"model="other",kind="input"} 900"#));
    }

    #[test]
    fn used_model_keeps_its_label_and_evicted_models_keep_their_tokens() {
        let metrics = Metrics::default();
        for i in 0..1100 {
            metrics.count(&request(&format!("invented {i}"), Some(Usage::new(1, 1))));
            metrics.count(&request("real", Some(Usage::new(1, 1))));
        }
        let text = metrics.render(&BTreeMap::new());
        assert!(text.contains(r#"model="real",kind="input"} 1100"#));
        assert!(text.contains(r#"model="other",kind="input"} 1001"#));
        assert!(text.contains(r#"model="invented 1099",kind="input"} 1"#));
    }

    #[test]
    fn model_without_usage_takes_no_label() {
        let metrics = Metrics::default();
        for i in 0..1000 {
            metrics.count(&request(&format!("junk {i}"), None));
        }
        metrics.count(&request("real", Some(Usage::new(1, 1))));
        assert!(metrics.render(&BTreeMap::new()).contains(r#"model="real""#));
    }

    #[test]
    fn special_characters_in_labels_are_escaped() {
        let mut out = String::new();
        write_line(&mut out, "x", &[("model", "a\"b\\c\nd")], &1);
        assert_eq!(out, "openai_shim_x{model=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
