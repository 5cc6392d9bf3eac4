//! What keys use, for `/metrics`. The label is the configured name of a key.

use super::decision::LimitKind;
use super::named_key::NamedKey;
use crate::observe::metrics::encode::{NO_LABELS, write_family};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of these keys.
#[derive(Debug)]
pub(crate) struct KeyMetrics(pub(crate) Vec<Arc<NamedKey>>);

impl Collector for KeyMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let count = |counter: &AtomicU64| ConstCounter::new(counter.load(Ordering::Relaxed));
        let keys = || self.0.iter().map(|key| (key.name(), key.usage()));
        let requests = keys().map(|(key, usage)| ([("key", key)], count(&usage.requests)));
        write_family(
            &mut encoder,
            "key_requests",
            "Requests that counted against a key's limits.",
            requests,
        )?;
        let tokens = keys().flat_map(|(key, usage)| {
            let kinds = [("input", &usage.input), ("output", &usage.output)];
            kinds.map(|(kind, counter)| ([("key", key), ("kind", kind)], count(counter)))
        });
        let help = "Tokens that a key used, estimated where no upstream counted.";
        write_family(&mut encoder, "key_tokens", help, tokens)?;
        let refusals = keys().flat_map(|(key, usage)| {
            let limits = LimitKind::ALL.iter().map(|limit| limit.as_str()).zip(&usage.refused);
            let all = limits.chain([("models", &usage.refused_models)]);
            all.map(move |(limit, counter)| ([("key", key), ("limit", limit)], count(counter)))
        });
        write_family(
            &mut encoder,
            "key_refusals",
            "Requests that a key's limits or models refused.",
            refusals,
        )?;
        let open =
            keys().map(|(key, usage)| ([("key", key)], ConstGauge::new(usage.open.load(Ordering::Relaxed))));
        write_family(&mut encoder, "key_open_requests", "Requests of a key that have not ended.", open)?;
        let shared = self.0.iter().find_map(|key| key.shared());
        let local = shared.map(|shared| (NO_LABELS, ConstCounter::new(shared.local_decisions())));
        let help = "Decisions about limits that were made without the store, because it did not answer.";
        write_family(&mut encoder, "limits_local_decisions", help, local)
    }
}
