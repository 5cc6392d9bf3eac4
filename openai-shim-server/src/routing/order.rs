//! The order in which the targets of a model are tried: strategy, affinity, context and health in, indices of targets out.

use super::affinity::score;
use super::breaker::Availability;
use super::routes::{ModelTargets, RoutedTarget};
use crate::config::{Affinity, Strategy};
use openai_shim_core::exchange::ClientRequest;
use std::time::Instant;

/// A target of a conversation may have so many times its share of the open requests before the next one is preferred.
const BUSY_FACTOR: f64 = 1.25;

/// What the order depends on besides the targets.
pub(crate) struct Placement<'r> {
    /// The request; `None`: it is none of a conversation.
    pub(crate) request: Option<&'r ClientRequest>,
    /// A random number.
    pub(crate) random: u64,
    /// Whether what comes of the request is recorded: only then can it be the probe of a target.
    pub(crate) is_recorded: bool,
    pub(crate) now: Instant,
}

/// The indices of all targets, in the order in which they are tried. It takes the probe of the first one, if that needs one.
pub(crate) fn order(model: &ModelTargets, placement: &Placement<'_>) -> Vec<usize> {
    let targets = &model.targets;
    let mut order: Vec<usize> = (0..targets.len()).collect();
    by_strategy(model, placement, &mut order);
    let too_small = too_small(targets, placement.request);
    let availability: Vec<Availability> =
        targets.iter().map(|target| target.health.availability(placement.now)).collect();
    let of = |index: &usize| availability.get(*index).copied().unwrap_or(Availability::Closed);
    // A target whose context is too small fails for certain, and one that is open most likely. Both sorts are stable.
    order.sort_by_key(|index| (of(index) == Availability::Open, too_small(*index)));
    // A probe is worth its risk only where it is the first choice: elsewhere it would mostly not be sent.
    let probe =
        order.first().filter(|first| placement.is_recorded && of(first) == Availability::Probe).copied();
    let is_probed =
        probe.and_then(|first| targets.get(first)).is_some_and(|t| t.health.try_probe(placement.now));
    order.sort_by_key(|index| match of(index) {
        Availability::Closed => false,
        Availability::Probe => !(is_probed && Some(*index) == probe),
        Availability::Open => true,
    });
    order
}

fn by_strategy(model: &ModelTargets, placement: &Placement<'_>, order: &mut [usize]) {
    let conversation = match (model.affinity, placement.request) {
        (Affinity::Conversation, Some(request)) if model.strategy != Strategy::Ordered => {
            Some(request.conversation_start())
        }
        _ => None,
    };
    match (model.strategy, conversation) {
        (Strategy::Ordered, _) => {}
        (Strategy::Weighted, _) => by_score(&model.targets, conversation.unwrap_or(placement.random), order),
        (Strategy::LeastBusy, None) => by_load(&model.targets, order),
        (Strategy::LeastBusy, Some(conversation)) => {
            let targets = &model.targets;
            by_load(targets, order);
            let overloaded = overloaded(targets);
            let (mut free, mut busy): (Vec<usize>, Vec<usize>) =
                order.iter().partition(|index| !overloaded(**index));
            by_score(targets, conversation, &mut free);
            free.append(&mut busy);
            order.copy_from_slice(&free);
        }
    }
}

/// The highest score first.
fn by_score(targets: &[RoutedTarget], conversation: u64, order: &mut [usize]) {
    let score_of = |index: &usize| {
        targets.get(*index).map_or(0.0, |target| score(conversation, target.health.digest, target.weight))
    };
    order.sort_by(|a, b| score_of(b).total_cmp(&score_of(a)));
}

/// The fewest open requests for its weight first.
fn by_load(targets: &[RoutedTarget], order: &mut [usize]) {
    let loads: Vec<f64> =
        targets.iter().map(|target| open_requests(target) / f64::from(target.weight)).collect();
    let load_of = |index: &usize| loads.get(*index).copied().unwrap_or_default();
    order.sort_by(|a, b| load_of(a).total_cmp(&load_of(b)));
}

/// Whether a target has more than its share of the open requests (consistent hashing with bounded loads).
fn overloaded(targets: &[RoutedTarget]) -> impl Fn(usize) -> bool {
    let total: f64 = targets.iter().map(open_requests).sum::<f64>() + 1.0;
    let weights: f64 = targets.iter().map(|target| f64::from(target.weight)).sum();
    let is_over = |target: &RoutedTarget| {
        let room = (BUSY_FACTOR * total * f64::from(target.weight) / weights).ceil();
        open_requests(target) + 1.0 > room
    };
    let over: Vec<bool> = targets.iter().map(is_over).collect();
    move |index| over.get(index).copied().unwrap_or_default()
}

#[allow(clippy::cast_precision_loss)] // there are not so many
fn open_requests(target: &RoutedTarget) -> f64 {
    target.health.open_requests() as f64
}

/// Whether the context of a target is known to be too small for a request.
fn too_small(targets: &[RoutedTarget], request: Option<&ClientRequest>) -> impl Fn(usize) -> bool {
    let contexts: Vec<u64> = targets.iter().map(|target| target.context.unwrap_or(u64::MAX)).collect();
    let smallest = contexts.iter().copied().min().unwrap_or(u64::MAX);
    // A token has at least one byte: most requests need no estimate.
    let is_certain_to_fit = |request: &&ClientRequest| request.body().len() as u64 <= smallest;
    let tokens = request.filter(|r| !is_certain_to_fit(r)).map_or(0, ClientRequest::estimate_tokens);
    move |index| contexts.get(index).is_some_and(|context| *context < tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::target_health::TargetRegistry;
    use crate::upstream::echo::Echo;
    use openai_shim_core::UpstreamError;
    use openai_shim_core::dialect::DEFAULT_DIALECT;
    use std::sync::Arc;
    use std::time::Duration;

    fn model(strategy: Strategy, affinity: Affinity, weights: &[u32]) -> ModelTargets {
        let registry = TargetRegistry::default();
        let target = |(upstream, weight): (usize, &u32)| RoutedTarget {
            upstream,
            model: String::from("m"),
            weight: *weight,
            context: None,
            health: registry.target(&format!("up{upstream}"), "m"),
            transport: Arc::new(Echo),
        };
        ModelTargets {
            name: String::from("m"),
            targets: weights.iter().enumerate().map(target).collect(),
            strategy,
            affinity,
        }
    }

    fn request(user: &str) -> ClientRequest {
        let body = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": user}]});
        ClientRequest::read(DEFAULT_DIALECT, "", body.to_string().into()).unwrap()
    }

    fn order_of(model: &ModelTargets, request: &ClientRequest, random: u64) -> Vec<usize> {
        order(model, &Placement { request: Some(request), random, is_recorded: true, now: Instant::now() })
    }

    fn open(target: &RoutedTarget) {
        for _ in 0..3 {
            target.health.record_failure(&UpstreamError::transport("No route to host."));
        }
    }

    #[test]
    fn ordered_targets_stay_in_order_and_one_that_fails_goes_last() {
        let model = model(Strategy::Ordered, Affinity::Conversation, &[1, 1, 1]);
        assert_eq!(order_of(&model, &request("hi"), 7), [0, 1, 2]);
        open(&model.targets[0]);
        assert_eq!(order_of(&model, &request("hi"), 7), [1, 2, 0]);
        open(&model.targets[2]);
        assert_eq!(order_of(&model, &request("hi"), 7), [1, 0, 2]);
    }

    #[test]
    fn weights_are_shares_and_a_conversation_stays_where_it_is() {
        let share = |model: &ModelTargets, request: &dyn Fn(u64) -> ClientRequest| {
            (0..4000).filter(|i| order_of(model, &request(*i), *i)[0] == 0).count()
        };
        let by_chance = model(Strategy::Weighted, Affinity::None, &[3, 1]);
        assert!((2850..3150).contains(&share(&by_chance, &|_| request("hi"))));
        let by_conversation = model(Strategy::Weighted, Affinity::Conversation, &[3, 1]);
        assert!((2850..3150).contains(&share(&by_conversation, &|i| request(&i.to_string()))));
        assert!([0, 4000].contains(&share(&by_conversation, &|_| request("hi"))));
    }

    #[test]
    fn least_busy_target_is_first_and_a_conversation_leaves_a_busy_one_only() {
        let none = model(Strategy::LeastBusy, Affinity::None, &[1, 2]);
        let _first = none.targets[0].health.open_request();
        assert_eq!(order_of(&none, &request("hi"), 7), [1, 0]);
        let _second = [(); 3].map(|()| none.targets[1].health.open_request());
        assert_eq!(order_of(&none, &request("hi"), 7), [0, 1]);

        let bound = model(Strategy::LeastBusy, Affinity::Conversation, &[1, 1]);
        let home = order_of(&bound, &request("hi"), 7)[0];
        let _calm = [(); 2].map(|()| bound.targets[1 - home].health.open_request());
        let _busy = [(); 2].map(|()| bound.targets[home].health.open_request());
        assert_eq!(order_of(&bound, &request("hi"), 8)[0], home);
        let _busier = [(); 4].map(|()| bound.targets[home].health.open_request());
        assert_eq!(order_of(&bound, &request("hi"), 8)[0], 1 - home);
    }

    #[test]
    fn one_request_probes_a_target_after_its_rest() {
        let model = model(Strategy::Ordered, Affinity::None, &[1, 1]);
        open(&model.targets[0]);
        let later = Instant::now() + Duration::from_secs(6);
        let at = |now| order(&model, &Placement { request: None, random: 0, is_recorded: true, now });
        assert_eq!([at(later), at(later)], [[0, 1], [1, 0]]);
        // It is the only choice of those that are left.
        open(&model.targets[1]);
        assert_eq!(at(later).len(), 2);
    }

    #[test]
    fn target_whose_context_is_too_small_goes_behind_the_others_and_before_those_that_fail() {
        let mut model = model(Strategy::Ordered, Affinity::None, &[1, 1, 1]);
        model.targets[1].context = Some(100);
        open(&model.targets[0]);
        assert_eq!(order_of(&model, &request("hi"), 7), [1, 2, 0]);
        assert_eq!(order_of(&model, &request(&"word ".repeat(200)), 7), [2, 1, 0]);
    }
}
