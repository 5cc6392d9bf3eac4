//! Renders what keys use in Prometheus' text format. The label is the configured name of a key.

use super::decision::LimitKind;
use super::key_usage::KeyUsage;
use super::named_key::NamedKey;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of all keys; empty without keys that have a name.
pub(crate) fn render_metrics(keys: &[Arc<NamedKey>]) -> String {
    let mut out = String::new();
    if keys.is_empty() {
        return out;
    }
    let mut family =
        |name: &str, kind: &str, help: &str, samples: &dyn Fn(&KeyUsage) -> Vec<(String, u64)>| {
            // Writing into a string cannot fail.
            let _ = writeln!(out, "# HELP openai_shim_{name} {help}\n# TYPE openai_shim_{name} {kind}");
            for key in keys {
                for (labels, value) in samples(key.usage()) {
                    let _ = writeln!(out, "openai_shim_{name}{{key=\"{}\"{labels}}} {value}", key.name());
                }
            }
        };
    let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let single = |value: u64| vec![(String::new(), value)];
    let labelled = |label: &str, name: &str, value: u64| (format!(",{label}=\"{name}\""), value);
    family("key_requests_total", "counter", "Requests that counted against a key's limits.", &|usage| {
        single(value(&usage.requests))
    });
    family(
        "key_tokens_total",
        "counter",
        "Tokens that a key used, estimated where no upstream counted.",
        &|usage| {
            vec![
                labelled("kind", "input", value(&usage.input)),
                labelled("kind", "output", value(&usage.output)),
            ]
        },
    );
    family("key_refusals_total", "counter", "Requests that a key's limits or models refused.", &|usage| {
        let limits = LimitKind::ALL.iter().zip(&usage.refused);
        let mut samples: Vec<_> =
            limits.map(|(limit, counter)| labelled("limit", limit.as_str(), value(counter))).collect();
        samples.push(labelled("limit", "models", value(&usage.refused_models)));
        samples
    });
    family("key_open_requests", "gauge", "Requests of a key that have not ended.", &|usage| {
        single(value(&usage.open))
    });
    if let Some(shared) = keys.iter().find_map(|key| key.shared()) {
        let name = "openai_shim_limits_local_decisions_total";
        let help = "Decisions about limits that were made without the store, because it did not answer.";
        let n = shared.local_decisions();
        // Writing into a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {n}");
    }
    out
}
