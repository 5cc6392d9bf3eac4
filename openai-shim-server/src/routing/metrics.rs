//! What is known of targets and of upstreams' keys, for `/metrics`. Labels are names of the configuration, and fixed words.

use super::target_health::{TargetFigures, TargetHealth};
use crate::app_state::AppState;
use crate::observe::metrics::encode::write_family;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// What holds at the time of a scrape.
#[derive(Debug)]
pub(crate) struct RoutingMetrics {
    targets: Vec<(Arc<TargetHealth>, TargetFigures)>,
    /// How many keys rest, of upstreams with several.
    resting_keys: Vec<(Arc<str>, usize)>,
}

impl RoutingMetrics {
    /// The figures of all targets that the configuration names.
    pub(crate) fn of(app: &AppState) -> Self {
        let now = Instant::now();
        let targets = app.process.target_registry.in_use().into_iter();
        let upstreams = app.upstreams.iter();
        Self {
            targets: targets.map(|target| (target.clone(), target.figures(now))).collect(),
            resting_keys: upstreams
                .filter_map(|served| Some((served.name.clone(), served.key_rests.as_ref()?.resting(now))))
                .collect(),
        }
    }

    /// The numbers of all targets by a word.
    fn counts<'a>(
        &'a self,
        word: &'static str,
        of: fn(&TargetFigures) -> &BTreeMap<&'static str, u64>,
    ) -> impl Iterator<Item = ([(&'a str, &'a str); 3], ConstCounter<u64>)> {
        self.targets.iter().flat_map(move |(target, figures)| {
            let [upstream, model] = labels(target);
            let counts = of(figures).iter();
            counts.map(move |(name, count)| ([upstream, model, (word, *name)], ConstCounter::new(*count)))
        })
    }
}

fn labels(target: &TargetHealth) -> [(&str, &str); 2] {
    [("upstream", &target.upstream), ("model", &target.model)]
}

impl Collector for RoutingMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let gauge = |of: fn(&TargetFigures) -> usize| {
            self.targets.iter().map(move |(target, figures)| (labels(target), ConstGauge::new(of(figures))))
        };
        let help = "Whether a target is tried in its turn (1), or last because it fails (0).";
        let available = gauge(|figures| usize::from(figures.is_available));
        write_family(&mut encoder, "target_available", help, available)?;
        let help = "Requests that wait for a target or read from it.";
        write_family(&mut encoder, "target_open_requests", help, gauge(|figures| figures.open_requests))?;
        let help = "Requests that were sent to targets, by what came of them.";
        write_family(&mut encoder, "attempts", help, self.counts("result", |figures| &figures.attempts))?;
        let help = "How often another target was tried after this one, by the reason.";
        write_family(&mut encoder, "failovers", help, self.counts("reason", |figures| &figures.failovers))?;
        let resting = self.resting_keys.iter();
        let resting = resting.map(|(upstream, count)| ([("upstream", &**upstream)], ConstGauge::new(*count)));
        let help = "Keys of an upstream that are not used for a while, because it refused them.";
        write_family(&mut encoder, "upstream_keys_resting", help, resting)
    }
}
