//! Whether there is a connection: made by a task of its own, given up when it breaks or is too slow, made again after a pause
//! that grows.

use super::connection::Connection;
use super::failure::Failure;
use crate::config::RedisConfig;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

/// After how many operations without an answer, one after the other, the connection is given up.
const MAX_TIMEOUTS: u32 = 3;
/// The first and the longest pause between two attempts to connect.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// The connection to a server, if there is one.
#[derive(Debug)]
pub(super) struct Link {
    config: RedisConfig,
    phase: Mutex<Phase>,
    /// Told when an attempt to connect has ended.
    changed: Notify,
    /// Operations without an answer since the last one with one.
    timeouts: AtomicU32,
    /// The next pause, in milliseconds.
    pause: AtomicU64,
    /// Why the server cannot be used, as it was logged.
    outage: Mutex<Option<String>>,
    this: Weak<Link>,
}

/// Whether there is a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreHealth {
    Connected,
    Connecting,
    Unavailable,
}

impl StoreHealth {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Connecting => "connecting",
            Self::Unavailable => "unavailable",
        }
    }
}

/// While it is `Connecting` or `Down`, there is one task that connects.
#[derive(Debug)]
enum Phase {
    Unconnected,
    Connecting { since: Instant },
    Connected(Arc<Connection>),
    Down,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Link {
    pub(super) fn new(config: RedisConfig) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            config,
            phase: Mutex::new(Phase::Unconnected),
            changed: Notify::new(),
            timeouts: AtomicU32::new(0),
            pause: AtomicU64::new(millis(PAUSE[0])),
            outage: Mutex::new(None),
            this: this.clone(),
        })
    }

    pub(super) fn health(&self) -> StoreHealth {
        match &*lock(&self.phase) {
            Phase::Connected(connection) if !connection.is_closed() => StoreHealth::Connected,
            Phase::Down => StoreHealth::Unavailable,
            _ => StoreHealth::Connecting,
        }
    }

    /// Begins to connect, if that has not begun.
    pub(super) fn connect(&self) {
        let _ = self.look();
    }

    /// The connection. A request waits for one only while the server may answer in time.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let since = match self.look()? {
                Look::Connected(connection) => return Ok(connection),
                Look::Connecting(since) => since,
            };
            let until = since + self.config.timeout;
            timeout_at(until, changed).await.map_err(|_| Failure::unavailable())?;
        }
    }

    fn look(&self) -> Result<Look, Failure> {
        let mut phase = lock(&self.phase);
        match &*phase {
            Phase::Connected(connection) if !connection.is_closed() => {
                return Ok(Look::Connected(connection.clone()));
            }
            Phase::Connecting { since } => return Ok(Look::Connecting(*since)),
            Phase::Down => return Err(Failure::unavailable()),
            // One that broke before it was of use is not made again at once.
            Phase::Connected(connection) if !connection.was_useful() => {
                *phase = Phase::Down;
                self.spawn_task(self.next_pause());
                return Err(Failure::unavailable());
            }
            Phase::Connected(_) | Phase::Unconnected => {}
        }
        let since = Instant::now();
        *phase = Phase::Connecting { since };
        self.spawn_task(Duration::ZERO);
        Ok(Look::Connecting(since))
    }

    /// An operation had its answer in time.
    pub(super) fn succeeded(&self) {
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
        let first = millis(PAUSE[0]);
        if self.pause.load(Ordering::Relaxed) != first {
            self.pause.store(first, Ordering::Relaxed);
        }
    }

    /// An operation had no answer in time: after some of them the connection is given up.
    pub(super) fn timed_out(&self, connection: &Connection) -> Failure {
        if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_TIMEOUTS {
            let mut phase = lock(&self.phase);
            if matches!(&*phase, Phase::Connected(current) if std::ptr::eq(&raw const **current, connection))
            {
                *phase = Phase::Down;
                drop(phase);
                self.timeouts.store(0, Ordering::Relaxed);
                let timeout = self.config.timeout;
                self.log_outage(format!("it gave no answer within {timeout:?}, {MAX_TIMEOUTS} times"));
                self.spawn_task(self.next_pause());
            }
        }
        Failure::timeout()
    }

    /// Takes the next pause; the one after it is twice as long, until an operation succeeds.
    fn next_pause(&self) -> Duration {
        let pause = self.pause.load(Ordering::Relaxed);
        self.pause.store(pause.saturating_mul(2).min(millis(PAUSE[1])), Ordering::Relaxed);
        Duration::from_millis(pause)
    }

    fn spawn_task(&self, pause: Duration) {
        tokio::spawn(connect_repeatedly(self.this.clone(), pause));
    }

    /// Logs why the server cannot be used, if that is new.
    fn log_outage(&self, reason: String) {
        let mut outage = lock(&self.outage);
        if outage.as_ref() != Some(&reason) {
            tracing::warn!(store = %self.config, reason, "the store cannot be used; requests go on without it");
            *outage = Some(reason);
        }
    }

    fn set_connected(&self, connection: Connection) {
        *lock(&self.phase) = Phase::Connected(Arc::new(connection));
        lock(&self.outage).take();
        tracing::info!(store = %self.config, "connected to the store");
    }
}

/// What [`Link::look`] found.
enum Look {
    Connected(Arc<Connection>),
    Connecting(Instant),
}

/// Connects, after pauses, until there is a connection or the link is dropped.
async fn connect_repeatedly(link: Weak<Link>, mut pause: Duration) {
    loop {
        sleep(pause).await;
        let Some(link) = link.upgrade() else { return };
        let opened = Connection::open(&link.config).await;
        let is_open = opened.is_ok();
        match opened {
            Ok(connection) => link.set_connected(connection),
            Err(reason) => {
                *lock(&link.phase) = Phase::Down;
                link.log_outage(reason);
                pause = link.next_pause();
            }
        }
        link.changed.notify_waiters();
        if is_open {
            return;
        }
    }
}
