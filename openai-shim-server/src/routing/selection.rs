//! The upstreams of one request in the order in which they are tried, and what is recorded of them when it ends.

use super::attempts;
use super::configured_models::SelectedUpstream;
use super::order::{Placement, order};
use super::routes::{ModelTargets, RoutedTarget};
use super::targets::{RoutedModel, no_upstream};
use crate::app_state::{AppState, UpstreamState};
use openai_shim_core::exchange::{AttemptReport, ClientRequest, Target, Targets};
use openai_shim_core::upstream::StateStore;
use openai_shim_core::{Error, Report, Upstream};
use std::sync::Arc;
use std::time::Instant;

/// The upstreams of one request.
pub(crate) enum Selection {
    /// The only one.
    One(SelectedUpstream),
    /// One of several, in the order in which they are tried.
    Several(SelectedTargets),
}

/// The targets of a model, in the order in which they are tried.
pub(crate) struct SelectedTargets {
    model: Arc<ModelTargets>,
    order: Vec<usize>,
    /// The upstream of each, and its name for the model.
    selected: Vec<SelectedUpstream>,
}

impl Selection {
    /// Chooses the order for a request.
    pub(crate) fn new(app: &AppState, routed: RoutedModel, request: &ClientRequest) -> Self {
        let model = match routed {
            RoutedModel::Upstream(selected) => return Self::One(selected),
            RoutedModel::Targets(model) => model,
        };
        let placement = Placement {
            request: Some(request),
            random: app.process.random(),
            is_recorded: true,
            now: Instant::now(),
        };
        let order = order(&model, &placement);
        let targets = order.iter().filter_map(|index| model.targets.get(*index));
        let selected = targets.map(|target| target.select(request.model())).collect();
        Self::Several(SelectedTargets { model, order, selected })
    }

    /// The upstream of a target of the exchange.
    fn upstream(&self, target: usize) -> Option<&SelectedUpstream> {
        match self {
            Self::One(selected) => Some(selected),
            Self::Several(several) => several.selected.get(target),
        }
    }

    /// The upstream's name for the model, where it differs from the client's.
    pub(crate) fn model(&self, target: usize) -> Option<&str> {
        self.upstream(target)?.model.as_deref()
    }

    /// The same, with what the process has of it.
    pub(crate) fn served<'a>(&self, app: &'a AppState, target: usize) -> Result<&'a UpstreamState, Error> {
        let selected = self.upstream(target);
        let served = selected.and_then(|selected| app.upstreams.get(selected.upstream));
        served.ok_or_else(|| Error::Client(no_upstream()))
    }

    /// The targets for core. `model`: the client's name.
    pub(crate) fn targets(&self, app: &AppState, model: &str) -> Result<Targets, Error> {
        match self {
            Self::One(selected) => Ok(app.target(self.served(app, 0)?, selected.model.clone(), model).into()),
            Self::Several(several) => {
                let target = |(selected, routed): (&SelectedUpstream, &RoutedTarget)| {
                    let served = app.upstreams.get(selected.upstream)?;
                    let mut target = app.target(served, selected.model.clone(), model);
                    target.context_tokens = routed.context;
                    Some(target)
                };
                let targets: Vec<Target> =
                    several.selected.iter().zip(several.routed()).filter_map(target).collect();
                Ok(targets.into())
            }
        }
    }

    /// The transports of further targets, behind the first one.
    pub(crate) fn transport(&self, app: &AppState, target: usize) -> Option<Arc<dyn Upstream>> {
        match self {
            Self::One(_) => self.served(app, target).ok().map(|served| served.transport.clone()),
            Self::Several(several) => Some(several.routed().nth(target)?.transport.clone()),
        }
    }

    /// How many targets there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(several) => several.selected.len(),
        }
    }

    /// The store of a target: state of one upstream reaches no other.
    pub(crate) fn store(&self, app: &AppState, target: usize) -> Option<Arc<dyn StateStore>> {
        self.served(app, target).ok().map(|served| served.store.clone())
    }

    /// Which target answered, or failed last.
    pub(crate) fn last_target(report: &Report) -> usize {
        report.attempts.last().map_or(0, |attempt| attempt.target)
    }

    /// What the log says of several attempts; `None`: there was one.
    pub(crate) fn summarize(&self, app: &AppState, attempts: &[AttemptReport]) -> Option<String> {
        let name = |target: usize| self.served(app, target).map_or("", |served| served.config.name.as_str());
        (attempts.len() > 1).then(|| attempts::summarize(attempts, name))
    }

    /// Records what only the end of an exchange tells: which targets were left for another one, and whether the answer broke off.
    /// `was_cut`: this server broke it off.
    pub(crate) fn record_end(&self, report: &Report, was_cut: bool) {
        let Self::Several(several) = self else { return };
        let health = |target: usize| several.routed().nth(target).map(|routed| &routed.health);
        for (attempt, next) in report.attempts.iter().zip(report.attempts.iter().skip(1)) {
            if let (true, Some(error), Some(health)) =
                (attempt.target != next.target, &attempt.error, health(attempt.target))
            {
                health.record_failover(error);
            }
        }
        if let (Some(AttemptReport { target, error: None, .. }), Some(Error::Upstream(error)), false) =
            (report.attempts.last(), &report.error, was_cut)
            && let Some(health) = health(*target)
        {
            health.record_failure(error);
        }
    }
}

impl SelectedTargets {
    fn routed(&self) -> impl Iterator<Item = &RoutedTarget> {
        self.order.iter().filter_map(|index| self.model.targets.get(*index))
    }
}
