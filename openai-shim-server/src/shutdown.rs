//! The end: streams may finish, for a while. And systemd, which wants to be told.

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long running answers may take to finish.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// Listens for SIGTERM and SIGINT from now on, and waits for one of them.
pub(crate) fn requested() -> impl Future<Output = ()> {
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

/// Tells systemd (`Type=notify`) how things are; without systemd it does nothing.
///
/// The protocol is a datagram on the socket named by `NOTIFY_SOCKET`: see `sd_notify(3)`.
pub(crate) fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = std::os::unix::net::UnixDatagram::unbound() else { return };
    let sent = match path.to_str().and_then(|p| p.strip_prefix('@')) {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|address| socket.send_to_addr(state.as_bytes(), &address))
        }
        None => socket.send_to(state.as_bytes(), &path),
    };
    if let Err(error) = sent {
        tracing::warn!("systemd could not be told {state}: {error}");
    }
}

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
