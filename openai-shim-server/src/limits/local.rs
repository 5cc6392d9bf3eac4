//! The counters of one key in this process: a request's demand in, a decision and what is left out.

use super::bucket::Bucket;
use super::decision::{Decision, Demand, LimitKind, Numbers, Refused, Standing, Window};
use std::time::Duration;

/// What the requests of one key have used, and what is reserved for those that are open.
#[derive(Debug, Default)]
pub(super) struct LocalCounters {
    requests: Bucket,
    tokens: Bucket,
    /// Tokens that open requests may still use. They leave the bucket when the request ends, as far as it used them.
    reserved: u64,
    open: u64,
}

impl LocalCounters {
    /// Decides about a request; an admitted one is counted. `now`: nanoseconds.
    pub(super) fn admit(&mut self, numbers: Numbers, demand: Demand, now: u64) -> Decision {
        if let Some((limit, wait)) = self.exceeded(numbers, demand, now) {
            let wait = Duration::from_nanos(wait);
            return Err(Refused { limit, wait, standing: self.standing(numbers, now) });
        }
        if let Some(limit) = numbers.requests {
            self.requests.take(1, limit, now);
        }
        self.reserved = self.reserved.saturating_add(demand.reserved(numbers));
        self.open += 1;
        Ok(self.standing(numbers, now))
    }

    /// The first limit that a request exceeds, and how long it does so; 0: until another request ends.
    fn exceeded(&self, numbers: Numbers, demand: Demand, now: u64) -> Option<(LimitKind, u64)> {
        if numbers.concurrent.is_some_and(|limit| self.open >= limit) {
            return Some((LimitKind::Concurrent, 0));
        }
        let requests = numbers.requests.map(|limit| self.requests.wait(1, limit, now));
        let tokens = numbers.tokens.map(|limit| {
            let amount = self.reserved.saturating_add(demand.reserved(numbers));
            self.tokens.wait(amount, limit, now)
        });
        let waits = [(LimitKind::Requests, requests), (LimitKind::Tokens, tokens)];
        // The longer of two waits: a client that comes again then is not refused by the other limit.
        let exceeded = waits.into_iter().filter_map(|(limit, wait)| Some((limit, wait.filter(|w| *w > 0)?)));
        exceeded.max_by_key(|(_, wait)| *wait)
    }

    /// Ends an admitted request that used so many tokens.
    pub(super) fn settle(&mut self, numbers: Numbers, reserved: u64, used: u64, now: u64) {
        self.open = self.open.saturating_sub(1);
        self.reserved = self.reserved.saturating_sub(reserved);
        if let Some(limit) = numbers.tokens {
            self.tokens.take(used, limit, now);
        }
    }

    fn standing(&self, numbers: Numbers, now: u64) -> Standing {
        let window = |bucket: Bucket, limit: Option<u64>, reserved: u64| {
            limit.map(|limit| Window {
                limit,
                remaining: bucket.remaining(limit, now).saturating_sub(reserved),
                reset: Duration::from_nanos(bucket.until_full(now)),
            })
        };
        Standing {
            requests: window(self.requests, numbers.requests, 0),
            tokens: window(self.tokens, numbers.tokens, self.reserved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bucket::MINUTE;
    use super::*;

    const NUMBERS: Numbers = Numbers { requests: None, tokens: None, concurrent: None };

    fn demand(tokens: u64) -> Demand {
        Demand { input: 0, output: tokens }
    }

    #[test]
    fn tokens_are_reserved_while_a_request_is_open_and_charged_when_it_ends() {
        let numbers = Numbers { tokens: Some(1000), ..NUMBERS };
        let mut counters = LocalCounters::default();
        let standing = counters.admit(numbers, demand(600), 0).unwrap();
        assert_eq!(standing.tokens.unwrap().remaining, 400);
        // A reservation does not refill while its request is open.
        let refused = counters.admit(numbers, demand(600), 10 * MINUTE).unwrap_err();
        assert_eq!((refused.limit, refused.standing.tokens.unwrap().remaining), (LimitKind::Tokens, 400));
        counters.settle(numbers, 600, 100, 10 * MINUTE);
        assert_eq!(counters.admit(numbers, demand(600), 10 * MINUTE).unwrap().tokens.unwrap().remaining, 300);
    }

    #[test]
    fn request_that_may_need_more_than_the_limit_waits_for_a_full_bucket() {
        let numbers = Numbers { tokens: Some(1000), ..NUMBERS };
        let mut counters = LocalCounters::default();
        assert!(counters.admit(numbers, demand(50_000), 0).is_ok());
        counters.settle(numbers, 1000, 2000, 0);
        let wait = counters.admit(numbers, demand(50_000), 0).unwrap_err().wait;
        assert_eq!(wait, Duration::from_secs(120));
        assert!(counters.admit(numbers, demand(50_000), 2 * MINUTE).is_ok());
    }

    #[test]
    fn refused_request_uses_nothing() {
        let numbers = Numbers { requests: Some(2), tokens: Some(100), concurrent: Some(1) };
        let mut counters = LocalCounters::default();
        assert!(counters.admit(numbers, demand(60), 0).is_ok());
        assert_eq!(counters.admit(numbers, demand(1), 0).unwrap_err().limit, LimitKind::Concurrent);
        counters.settle(numbers, 60, 60, 0);
        let refused = counters.admit(numbers, demand(60), 0).unwrap_err();
        assert_eq!((refused.limit, refused.standing.requests.unwrap().remaining), (LimitKind::Tokens, 1));
        assert!(counters.admit(numbers, demand(40), 0).is_ok());
    }

    #[test]
    fn longer_wait_is_told() {
        let numbers = Numbers { requests: Some(60), tokens: Some(60), ..NUMBERS };
        let mut counters = LocalCounters::default();
        for _ in 0..60 {
            assert!(counters.admit(numbers, demand(0), 0).is_ok());
            counters.settle(numbers, 0, 1, 0);
        }
        let refused = counters.admit(numbers, demand(30), 0).unwrap_err();
        assert_eq!((refused.limit, refused.wait), (LimitKind::Tokens, Duration::from_secs(30)));
    }
}
