//! A circuit breaker: what came of the requests to a target in, whether the next one may go there out.

use std::time::{Duration, Instant};

/// So many failures in a row open it.
const CONSECUTIVE_FAILURES: u32 = 3;
/// So many failures in a window open it, if they are at least half of its requests.
const WINDOW_FAILURES: u32 = 10;
/// The length of a window.
const WINDOW: Duration = Duration::from_secs(30);
/// How long it is open at first; twice as long after each probe that fails.
const FIRST_COOLDOWN: Duration = Duration::from_secs(5);
/// The longest time that it is open, also if the target asks for more.
const MAX_COOLDOWN: Duration = Duration::from_secs(300);
/// After so long without a result, a probe counts as lost, and another one may be sent.
const PROBE_LIFETIME: Duration = Duration::from_secs(30);

/// Whether requests may be sent to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Availability {
    /// They may.
    Closed,
    /// One may, to find out whether the target has recovered.
    Probe,
    /// They may not, unless there is no other target.
    Open,
}

/// The breaker of one target.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    consecutive_failures: u32,
    cooldown: Duration,
    window: Window,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// A probe was sent.
    Probing {
        since: Instant,
    },
}

/// The results since the window began.
#[derive(Debug, Default)]
struct Window {
    since: Option<Instant>,
    successes: u32,
    failures: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed,
            consecutive_failures: 0,
            cooldown: FIRST_COOLDOWN,
            window: Window::default(),
        }
    }
}

impl Breaker {
    /// Whether a request may be sent now.
    pub(crate) fn availability(&self, now: Instant) -> Availability {
        match self.state {
            State::Closed => Availability::Closed,
            State::Open { until } if now < until => Availability::Open,
            State::Probing { since } if now < since + PROBE_LIFETIME => Availability::Open,
            State::Open { .. } | State::Probing { .. } => Availability::Probe,
        }
    }

    /// Takes the only probe, if one may be sent now.
    pub(crate) fn try_probe(&mut self, now: Instant) -> bool {
        let may = self.availability(now) == Availability::Probe;
        if may {
            self.state = State::Probing { since: now };
        }
        may
    }

    /// A probe ended with what says nothing of the target: the next request may be one.
    pub(crate) fn probe_ended(&mut self, now: Instant) {
        if let State::Probing { .. } = self.state {
            self.state = State::Open { until: now };
        }
    }

    /// The target has answered.
    pub(crate) fn succeeded(&mut self, now: Instant) {
        self.consecutive_failures = 0;
        self.window.at(now).successes += 1;
        if !matches!(self.state, State::Closed) {
            *self = Self::default();
        }
    }

    /// The target has failed. `wait`: how long it asks to be left alone. Returns whether this opened the breaker.
    pub(crate) fn failed(&mut self, now: Instant, wait: Option<Duration>) -> bool {
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        let window = self.window.at(now);
        window.failures += 1;
        let is_failing = window.failures >= WINDOW_FAILURES && window.failures >= window.successes;
        match self.state {
            State::Closed => {
                let opens = wait.is_some() || is_failing || self.consecutive_failures >= CONSECUTIVE_FAILURES;
                if opens {
                    let requested = wait.unwrap_or_default().min(MAX_COOLDOWN);
                    self.state = State::Open { until: now + requested.max(self.cooldown) };
                }
                opens
            }
            // A last resort failed, too: that says nothing new.
            State::Open { until } if now < until => false,
            State::Open { .. } | State::Probing { .. } => {
                self.cooldown = (self.cooldown * 2).min(MAX_COOLDOWN);
                let requested = wait.unwrap_or_default().min(MAX_COOLDOWN);
                self.state = State::Open { until: now + requested.max(self.cooldown) };
                true
            }
        }
    }
}

impl Window {
    /// The window that a result belongs to.
    fn at(&mut self, now: Instant) -> &mut Self {
        if self.since.is_none_or(|since| now >= since + WINDOW) {
            *self = Self { since: Some(now), ..Self::default() };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A breaker that failures have opened, and when.
    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..CONSECUTIVE_FAILURES {
            assert_eq!(breaker.availability(now), Availability::Closed);
            breaker.failed(now, None);
        }
        (breaker, now)
    }

    #[test]
    fn probe_that_says_nothing_lets_the_next_request_probe() {
        let (mut breaker, now) = opened();
        let later = now + FIRST_COOLDOWN;
        assert!(breaker.try_probe(later) && !breaker.try_probe(later));
        breaker.probe_ended(later);
        assert!(breaker.try_probe(later));
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_in_between_does_not() {
        let (breaker, now) = opened();
        assert_eq!(breaker.availability(now), Availability::Open);
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(now, None);
            breaker.succeeded(now);
        }
        assert_eq!(breaker.availability(now), Availability::Closed);
    }

    #[test]
    fn half_of_many_requests_open_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..WINDOW_FAILURES {
            assert_eq!(breaker.availability(now), Availability::Closed);
            breaker.succeeded(now);
            breaker.failed(now, None);
        }
        assert_eq!(breaker.availability(now), Availability::Open);
        // Spread over several windows they are few.
        let mut breaker = Breaker::default();
        for second in 0..WINDOW_FAILURES {
            let now = now + Duration::from_secs(u64::from(second) * 10);
            breaker.succeeded(now);
            breaker.failed(now, None);
            assert_eq!(breaker.availability(now), Availability::Closed);
        }
    }

    #[test]
    fn one_probe_is_sent_after_the_cooldown_and_its_success_closes_it() {
        let (mut breaker, start) = opened();
        let later = start + FIRST_COOLDOWN;
        assert!(!breaker.try_probe(start));
        assert!(breaker.try_probe(later) && !breaker.try_probe(later));
        assert_eq!(breaker.availability(later), Availability::Open);
        breaker.succeeded(later);
        assert_eq!(breaker.availability(later), Availability::Closed);
    }

    #[test]
    fn cooldown_doubles_with_each_probe_that_fails() {
        let (mut breaker, mut now) = opened();
        let mut cooldown = FIRST_COOLDOWN;
        for _ in 0..10 {
            assert!(!breaker.try_probe(now + cooldown.mul_f64(0.99)));
            now += cooldown;
            assert!(breaker.try_probe(now));
            assert!(breaker.failed(now, None));
            cooldown = (cooldown * 2).min(MAX_COOLDOWN);
        }
        assert_eq!(cooldown, MAX_COOLDOWN);
    }

    #[test]
    fn probe_without_a_result_does_not_block_the_next_one_for_ever() {
        let (mut breaker, start) = opened();
        let later = start + FIRST_COOLDOWN;
        assert!(breaker.try_probe(later));
        assert!(breaker.try_probe(later + PROBE_LIFETIME));
    }

    #[test]
    fn requested_wait_opens_it_at_once_for_so_long() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert!(breaker.failed(now, Some(Duration::from_secs(60))));
        assert_eq!(breaker.availability(now + Duration::from_secs(59)), Availability::Open);
        assert_eq!(breaker.availability(now + Duration::from_secs(60)), Availability::Probe);
        let mut breaker = Breaker::default();
        breaker.failed(now, Some(Duration::from_secs(1_000_000)));
        assert_eq!(breaker.availability(now + MAX_COOLDOWN), Availability::Probe);
    }

    #[test]
    fn last_resort_that_fails_does_not_extend_the_cooldown() {
        let (mut breaker, start) = opened();
        for second in 1..5 {
            assert!(!breaker.failed(start + Duration::from_secs(second), None));
        }
        assert_eq!(breaker.availability(start + FIRST_COOLDOWN), Availability::Probe);
    }
}
