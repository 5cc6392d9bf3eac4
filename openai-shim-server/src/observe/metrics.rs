//! Counters in Prometheus' text format. Labels are bounded: configured names, stable words, and at most 100 models.

use crate::config::Config;
use openai_shim_core::Outcome;
use openai_shim_core::canonical::{DiagnosticCode, Usage};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The most different models that get a label of their own.
const MAX_MODELS: usize = 100;
/// The longest name of a model that is a label.
const MAX_LABEL_BYTES: usize = 128;
/// The label of all other models.
const OTHER: &str = "other";
/// When a configured model was counted last: it never loses its label.
const CONFIGURED: u64 = u64::MAX;
/// Bounds of the histograms, in seconds.
const BOUNDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// The route of health checks, metrics and the front page.
pub(crate) const PAGE: &str = "page";

/// All counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counters: Mutex<Counters>,
    open: AtomicI64,
}

/// Something for each upstream.
type Each<T> = BTreeMap<String, T>;

#[derive(Debug, Default)]
struct Counters {
    requests: Each<BTreeMap<(&'static str, u16), u64>>,
    outcomes: Each<BTreeMap<&'static str, u64>>,
    diagnostics: BTreeMap<DiagnosticCode, u64>,
    /// By model and kind.
    tokens: Each<BTreeMap<String, BTreeMap<&'static str, u64>>>,
    first_byte: Each<Histogram>,
    duration: Each<Histogram>,
    retries: Each<u64>,
    /// Models with labels of their own, and when each was counted last; `u64::MAX`: it is configured.
    models: BTreeMap<String, u64>,
    uses: u64,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

/// What one request counts as.
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
                .flat_map(|u| u.models.iter().map(|m| (m.id.clone(), CONFIGURED)))
                .take(MAX_MODELS)
                .collect();
        }
        metrics
    }

    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, counted: &RequestMetrics<'_>) {
        let Ok(mut c) = self.counters.lock() else { return };
        let upstream = counted.upstream;
        *at(&mut c.requests, upstream).entry((counted.route, counted.status)).or_default() += 1;
        if let Some(outcome) = counted.outcome {
            *at(&mut c.outcomes, upstream).entry(outcome.as_str()).or_default() += 1;
        }
        for (code, count) in &counted.codes {
            *c.diagnostics.entry(*code).or_default() += u64::from(*count);
            if *code == DiagnosticCode::Retried {
                *at(&mut c.retries, upstream) += u64::from(*count);
            }
        }
        if let Some(usage) = counted.usage {
            // Only a model that an upstream counted tokens for can take one of the places.
            let model = c.model(counted.model);
            for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
                if let Some(tokens) = tokens {
                    *at(at(&mut c.tokens, upstream), model).entry(kind).or_default() += tokens;
                }
            }
        }
        if let Some(first) = counted.first_byte {
            at(&mut c.first_byte, upstream).add(first);
        }
        if !upstream.is_empty() {
            at(&mut c.duration, upstream).add(counted.total);
        }
    }

    pub(crate) fn render(&self, learned: &BTreeMap<String, usize>) -> String {
        let mut out = String::new();
        let Ok(c) = self.counters.lock() else { return out };
        head(&mut out, "requests_total", "counter", "Requests by route, upstream and status.");
        let rows = c.requests.iter().flat_map(|(upstream, rows)| rows.iter().map(move |row| (upstream, row)));
        for (upstream, ((route, status), n)) in rows {
            line(
                &mut out,
                "requests_total",
                &[("route", route), ("upstream", upstream), ("status", &status.to_string())],
                n,
            );
        }
        head(&mut out, "outcomes_total", "counter", "How exchanges ended.");
        let rows = c.outcomes.iter().flat_map(|(upstream, rows)| rows.iter().map(move |row| (upstream, row)));
        for (upstream, (outcome, n)) in rows {
            line(&mut out, "outcomes_total", &[("upstream", upstream), ("outcome", outcome)], n);
        }
        head(
            &mut out,
            "diagnostics_total",
            "counter",
            "Everything changed, dropped, filled in or found wrong, by code.",
        );
        for (code, n) in &c.diagnostics {
            line(&mut out, "diagnostics_total", &[("code", code.as_str())], n);
        }
        head(&mut out, "tokens_total", "counter", "Tokens as upstreams counted them.");
        for (upstream, models) in &c.tokens {
            for (model, kinds) in models {
                for (kind, n) in kinds {
                    let labels = [("upstream", upstream.as_str()), ("model", model), ("kind", kind)];
                    line(&mut out, "tokens_total", &labels, n);
                }
            }
        }
        head(&mut out, "retries_total", "counter", "Attempts after the first.");
        for (upstream, n) in &c.retries {
            line(&mut out, "retries_total", &[("upstream", upstream)], n);
        }
        head(&mut out, "learned", "gauge", "What upstreams taught by refusing; GET /learned shows it.");
        for (upstream, n) in learned {
            line(&mut out, "learned", &[("upstream", upstream)], n);
        }
        histogram(
            &mut out,
            "first_byte_seconds",
            "From a request to the first byte of its answer.",
            &c.first_byte,
        );
        histogram(&mut out, "request_seconds", "From a request to the end of its answer.", &c.duration);
        head(&mut out, "open_exchanges", "gauge", "Exchanges that have not ended.");
        line(&mut out, "open_exchanges", &[], &self.open.load(Ordering::Relaxed));
        head(
            &mut out,
            "log_lines_lost_total",
            "counter",
            "Log lines that could not be written, or came faster than they were read.",
        );
        line(&mut out, "log_lines_lost_total", &[], &crate::observe::log_writer::lost_lines());
        out
    }
}

impl Counters {
    /// The label of a model. Where all are taken, the model that was not counted for the longest time loses its own.
    fn model<'m>(&mut self, model: &'m str) -> &'m str {
        self.uses += 1;
        if let Some(used) = self.models.get_mut(model) {
            *used = if *used == CONFIGURED { CONFIGURED } else { self.uses };
            return model;
        }
        if model.len() > MAX_LABEL_BYTES {
            return OTHER;
        }
        if self.models.len() >= MAX_MODELS {
            let oldest =
                self.models.iter().filter(|(_, used)| **used != CONFIGURED).min_by_key(|(_, used)| **used);
            let Some(oldest) = oldest.map(|(model, _)| model.clone()) else { return OTHER };
            self.models.remove(&oldest);
            self.count_as_other(&oldest);
        }
        self.models.insert(model.to_owned(), self.uses);
        model
    }

    /// No token is lost with a label.
    fn count_as_other(&mut self, model: &str) {
        for models in self.tokens.values_mut() {
            for (kind, tokens) in models.remove(model).unwrap_or_default() {
                *at(models, OTHER).entry(kind).or_default() += tokens;
            }
        }
    }
}

/// What stands under a key; the key is copied only the first time.
fn at<'m, T: Default>(map: &'m mut BTreeMap<String, T>, key: &str) -> &'m mut T {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), T::default());
    }
    map.get_mut(key).unwrap_or_else(|| unreachable!("it was put in"))
}

impl Histogram {
    fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        self.count += 1;
        self.sum += seconds;
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP openai_shim_{name} {help}\n# TYPE openai_shim_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: &dyn std::fmt::Display) {
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

fn histogram(out: &mut String, name: &str, help: &str, rows: &BTreeMap<String, Histogram>) {
    head(out, name, "histogram", help);
    for (upstream, h) in rows {
        for (bucket, bound) in h.buckets.iter().zip(BOUNDS) {
            line(
                out,
                &format!("{name}_bucket"),
                &[("upstream", upstream), ("le", &bound.to_string())],
                bucket,
            );
        }
        line(out, &format!("{name}_bucket"), &[("upstream", upstream), ("le", "+Inf")], &h.count);
        line(out, &format!("{name}_sum"), &[("upstream", upstream)], &h.sum);
        line(out, &format!("{name}_count"), &[("upstream", upstream)], &h.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(model: &str, usage: Option<Usage>) -> RequestMetrics<'_> {
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
    fn every_number_of_a_request_is_counted() {
        let metrics = Metrics::default();
        metrics.count(&counted("m", Some(Usage::new(7, 9))));
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
    fn models_have_at_most_a_hundred_labels() {
        let metrics = Metrics::default();
        for i in 0..1000 {
            metrics.count(&counted(&format!("model {i}"), Some(Usage::new(1, 1))));
        }
        let text = metrics.render(&BTreeMap::new());
        assert_eq!(text.matches("kind=\"input\"").count(), MAX_MODELS + 1);
        assert!(text.contains(r#"model="other",kind="input"} 900"#));
    }

    #[test]
    fn a_model_that_is_used_keeps_its_label_and_no_token_is_lost_with_another() {
        let metrics = Metrics::default();
        for i in 0..1100 {
            metrics.count(&counted(&format!("invented {i}"), Some(Usage::new(1, 1))));
            metrics.count(&counted("real", Some(Usage::new(1, 1))));
        }
        let text = metrics.render(&BTreeMap::new());
        assert!(text.contains(r#"model="real",kind="input"} 1100"#));
        assert!(text.contains(r#"model="other",kind="input"} 1001"#));
        assert!(text.contains(r#"model="invented 1099",kind="input"} 1"#));
    }

    #[test]
    fn names_that_no_upstream_answered_to_take_no_label() {
        let metrics = Metrics::default();
        for i in 0..1000 {
            metrics.count(&counted(&format!("junk {i}"), None));
        }
        metrics.count(&counted("real", Some(Usage::new(1, 1))));
        assert!(metrics.render(&BTreeMap::new()).contains(r#"model="real""#));
    }

    #[test]
    fn labels_are_escaped() {
        let mut out = String::new();
        line(&mut out, "x", &[("model", "a\"b\\c\nd")], &1);
        assert_eq!(out, "openai_shim_x{model=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
