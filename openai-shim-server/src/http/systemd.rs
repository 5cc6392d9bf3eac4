//! Notifications to systemd (`Type=notify-reload`, `WatchdogSec=`): what the service does, and that its runtime makes progress.

use std::time::Duration;

/// What systemd is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ServiceState {
    Ready,
    /// The configuration is read again; [`Ready`](Self::Ready) follows.
    Reloading,
    Stopping,
    /// The runtime makes progress.
    Watchdog,
}

/// Notifies systemd; does nothing without it.
#[cfg(target_os = "linux")]
pub(crate) fn notify(state: ServiceState) {
    use sd_notify::NotifyState;
    let sent = match state {
        ServiceState::Ready => sd_notify::notify(&[NotifyState::Ready]),
        // systemd compares the time with that of its signal.
        ServiceState::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        ServiceState::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        ServiceState::Watchdog => sd_notify::notify(&[NotifyState::Watchdog]),
    };
    if let Err(error) = sent {
        tracing::warn!("systemd could not be told {state:?}: {error}");
    }
}

/// This system has no systemd.
#[cfg(not(target_os = "linux"))]
pub(crate) fn notify(_: ServiceState) {}

/// Notifies the watchdog twice per period.
pub(crate) async fn run_watchdog() {
    let Some(period) = watchdog_period() else { return };
    let mut ticks = tokio::time::interval((period / 2).max(Duration::from_millis(100)));
    loop {
        ticks.tick().await;
        notify(ServiceState::Watchdog);
    }
}

#[cfg(target_os = "linux")]
fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(not(target_os = "linux"))]
fn watchdog_period() -> Option<Duration> {
    None
}
