//! What holds at the time of a scrape, of the parts of the server that count nothing themselves.

use super::encode::{NO_LABELS, write_family};
use crate::observe::log_writer;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;

/// What holds at the time of a scrape.
#[derive(Debug)]
pub(crate) struct ServerState {
    /// The number of adaptations of each upstream.
    pub(crate) learned: BTreeMap<String, usize>,
    /// What counts towards `limits.bodies`.
    pub(crate) body_bytes: usize,
    /// Spans that no collector got, if traces are exported.
    pub(crate) lost_spans: Option<u64>,
}

impl Collector for ServerState {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let learned = self.learned.iter();
        write_family(
            &mut encoder,
            "learned",
            "What upstreams taught by refusing; GET /learned shows it.",
            learned.map(|(upstream, count)| ([("upstream", upstream.as_str())], ConstGauge::new(*count))),
        )?;
        write_family(
            &mut encoder,
            "body_bytes",
            "Bytes of requests and whole answers that are held.",
            [(NO_LABELS, ConstGauge::new(self.body_bytes))],
        )?;
        write_family(
            &mut encoder,
            "log_lines_lost",
            "Log lines that could not be written, or came faster than they were read.",
            [(NO_LABELS, ConstCounter::new(log_writer::lost_lines()))],
        )?;
        write_family(
            &mut encoder,
            "otel_spans_lost",
            "Spans that the collector did not take, or too slowly.",
            self.lost_spans.map(|lost| (NO_LABELS, ConstCounter::new(lost))),
        )
    }
}
