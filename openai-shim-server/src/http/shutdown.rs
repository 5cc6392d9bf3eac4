//! The end: streams may finish, for a while. And systemd, which wants to be told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::Notify;

/// How long running answers may take to finish.
pub(crate) const GRACE: Duration = Duration::from_secs(30);
/// How long the errors that end them may take to reach their clients.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(2);

/// Tells everything that is served to end now, with an error.
#[derive(Debug, Default)]
pub(crate) struct ShutdownSignal {
    ended: AtomicBool,
    told: Notify,
}

impl ShutdownSignal {
    /// Ends what is served.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.told.notify_waiters();
    }

    /// Whether everything shall end.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Drives a connection, which is woken when everything shall end. Its task is told to us once, not at each event.
    pub(crate) async fn waking<T>(&self, connection: impl Future<Output = T>) -> T {
        let mut told = std::pin::pin!(self.told.notified());
        let mut connection = std::pin::pin!(connection);
        let mut known: Option<Waker> = None;
        std::future::poll_fn(move |cx| {
            if !known.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                let _ = told.as_mut().poll(cx);
                known = Some(cx.waker().clone());
            }
            connection.as_mut().poll(cx)
        })
        .await
    }
}

/// Takes SIGHUP from now on, which would end the process.
#[cfg(unix)]
pub(crate) fn hangups() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let hangup = signal(SignalKind::hangup());
    async {
        let Ok(mut hangup) = hangup else { return };
        while hangup.recv().await.is_some() {
            tracing::warn!("SIGHUP: nothing is reloaded; restart the server to change its configuration");
        }
    }
}

/// There is no SIGHUP here.
#[cfg(not(unix))]
pub(crate) async fn hangups() {}

/// Listens for SIGTERM and SIGINT from now on, and waits for one of them.
#[cfg(unix)]
pub(crate) fn requested() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn requested() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// Tells systemd (`Type=notify`) how things are; without systemd it does nothing.
///
/// The protocol is a datagram on the socket named by `NOTIFY_SOCKET`: see `sd_notify(3)`.
#[cfg(target_os = "linux")]
pub(crate) fn notify(state: &str) {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| {
        match path.to_str().and_then(|path| path.strip_prefix('@')) {
            Some(name) => socket.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?),
            None => socket.send_to(state.as_bytes(), &path),
        }
    });
    if let Err(error) = sent {
        tracing::warn!("systemd could not be told {state}: {error}");
    }
}

/// There is no systemd here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn notify(_: &str) {}

/// Tells the watchdog that the runtime still turns, twice in each of its periods.
pub(crate) async fn watchdog() {
    let period = std::env::var("WATCHDOG_USEC").ok().and_then(|v| v.parse().ok()).map(Duration::from_micros);
    let Some(period) = period else { return };
    let mut ticks = tokio::time::interval((period / 2).max(Duration::from_millis(100)));
    loop {
        ticks.tick().await;
        notify("WATCHDOG=1");
    }
}
