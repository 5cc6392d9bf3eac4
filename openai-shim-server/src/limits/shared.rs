//! The counters of keys that replicas share: each decision is one script at the server. Requests that are open hold leases, which end
//! when their replica is gone.

use super::decision::{Decision, Demand, LimitKind, Numbers, Refused, Standing, Window};
use crate::observe::throttled_log::LogThrottle;
use crate::state::redis::{Failure, FailureKind, Redis, Script};
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long a lease is.
const LEASE: Duration = Duration::from_secs(30);
/// How often leases are renewed. Two renewals may fail.
const RENEWAL: Duration = Duration::from_secs(10);
/// The most leases that one script renews.
const MAX_RENEWED: usize = 500;

/// What the script is to do.
#[derive(Debug, Clone, Copy)]
enum Action {
    Admit = 1,
    Settle = 2,
    Renew = 3,
}

/// An open request at the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    id: i64,
    /// The tokens that it reserves.
    reserved: u64,
}

type Leases = BTreeMap<String, BTreeMap<i64, Lease>>;

/// The counters at a server.
#[derive(Debug)]
pub(super) struct SharedCounters {
    redis: Redis,
    script: Script,
    /// The open requests of this replica, by the name of their key and their id.
    leases: Mutex<Leases>,
    is_renewing: AtomicBool,
    outage: LogThrottle,
    local_decisions: AtomicU64,
    seed: RandomState,
    count: AtomicU64,
}

impl SharedCounters {
    pub(super) fn new(redis: Redis) -> Arc<Self> {
        Arc::new(Self {
            redis,
            script: Script::new(include_str!("shared.lua")),
            leases: Mutex::default(),
            is_renewing: AtomicBool::new(false),
            outage: LogThrottle::new(),
            local_decisions: AtomicU64::new(0),
            seed: RandomState::new(),
            count: AtomicU64::new(0),
        })
    }

    /// Decides about a request of a key; `None`: the server gives no answer.
    pub(super) async fn admit(
        self: &Arc<Self>,
        name: &str,
        numbers: Numbers,
        demand: Demand,
    ) -> Option<(Decision, Lease)> {
        let lease = Lease { id: self.new_id(), reserved: demand.reserved(numbers) };
        let limits = [numbers.requests, numbers.tokens, numbers.concurrent];
        let mut arguments = limits.map(|limit| integer(limit.unwrap_or_default())).to_vec();
        arguments.extend([lease.id, integer(lease.reserved)]);
        let decision = match self.run(Action::Admit, name, &arguments).await {
            Ok(reply) => read_decision(numbers, &reply)?,
            Err(failure) => {
                self.note(name, &failure);
                if failure.kind == FailureKind::Timeout {
                    // It may have been admitted.
                    self.settle_later(name, numbers, lease, 0);
                }
                return None;
            }
        };
        if decision.is_ok() && (numbers.tokens.is_some() || numbers.concurrent.is_some()) {
            self.leases().entry(name.to_owned()).or_default().insert(lease.id, lease);
            self.start_renewing();
        }
        Some((decision, lease))
    }

    /// Ends an admitted request, without waiting for that.
    pub(super) fn settle_later(self: &Arc<Self>, name: &str, numbers: Numbers, lease: Lease, used: u64) {
        if let Some(leases) = self.leases().get_mut(name) {
            leases.remove(&lease.id);
        }
        if numbers.tokens.is_none() && numbers.concurrent.is_none() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (shared, name) = (self.clone(), name.to_owned());
        let limit = integer(numbers.tokens.unwrap_or_default());
        let arguments = [limit, lease.id, integer(lease.reserved), integer(used)];
        runtime.spawn(async move {
            if let Err(failure) = shared.run(Action::Settle, &name, &arguments).await {
                shared.note(&name, &failure);
            }
        });
    }

    /// Decisions that were made without the server.
    pub(super) fn local_decisions(&self) -> u64 {
        self.local_decisions.load(Ordering::Relaxed)
    }

    pub(super) fn count_local_decision(&self) {
        self.local_decisions.fetch_add(1, Ordering::Relaxed);
    }

    async fn run(&self, action: Action, name: &str, arguments: &[i64]) -> Result<Vec<i64>, Failure> {
        // The hash tag keeps both on one node of a cluster.
        let (used, open) = (format!("limits:{{{name}}}:used"), format!("limits:{{{name}}}:open"));
        let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
        let arguments = [&[action as i64, lease], arguments].concat();
        self.redis.run_script(&self.script, &[&used, &open], &arguments).await
    }

    fn note(&self, name: &str, failure: &Failure) {
        if self.outage.allow() {
            tracing::warn!(
                key = name,
                error = &*failure.message,
                remedy = failure.remedy,
                "the limits of keys are each replica's own until the store answers"
            );
        }
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A positive number that no other request has.
    fn new_id(&self) -> i64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        integer(hasher.finish() >> 1)
    }

    /// Renews leases from now on, as long as this value lives.
    fn start_renewing(self: &Arc<Self>) {
        if self.is_renewing.swap(true, Ordering::Relaxed) {
            return;
        }
        tokio::spawn(renew(Arc::downgrade(self)));
    }

    async fn renew_all(&self) {
        let leases = self.leases().clone();
        for (name, leases) in &leases {
            let leases: Vec<_> = leases.values().collect();
            for some in leases.chunks(MAX_RENEWED) {
                let arguments: Vec<i64> =
                    some.iter().flat_map(|lease| [lease.id, integer(lease.reserved)]).collect();
                if let Err(failure) = self.run(Action::Renew, name, &arguments).await {
                    self.note(name, &failure);
                }
            }
        }
    }
}

async fn renew(shared: Weak<SharedCounters>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.renew_all().await;
    }
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The script's reply; `None`: it is none.
fn read_decision(numbers: Numbers, reply: &[i64]) -> Option<Decision> {
    let [code, wait, requests, requests_reset, tokens, tokens_reset] = *reply else { return None };
    let window = |limit: Option<u64>, remaining: i64, reset: i64| {
        limit.map(|limit| Window { limit, remaining: unsigned(remaining), reset: micros(reset) })
    };
    let standing = Standing {
        requests: window(numbers.requests, requests, requests_reset),
        tokens: window(numbers.tokens, tokens, tokens_reset),
    };
    let limit = match code {
        0 => return Some(Ok(standing)),
        1 => LimitKind::Requests,
        2 => LimitKind::Tokens,
        3 => LimitKind::Concurrent,
        _ => return None,
    };
    Some(Err(Refused { limit, wait: micros(wait), standing }))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn micros(number: i64) -> Duration {
    Duration::from_micros(unsigned(number))
}
