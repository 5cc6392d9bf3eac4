//! The end: streams may finish, for a while. And systemd, which wants to be told.

use std::time::Duration;

/// How long running answers may take to finish.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

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
