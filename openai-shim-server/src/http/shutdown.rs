//! Signals that stop the server or reload its configuration, and how long running responses may take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::Notify;

/// How long running responses may take to finish after the first signal.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_secs(30);
/// How long the errors that end them may take to reach their clients.
pub(crate) const FINAL_ERRORS_PERIOD: Duration = Duration::from_secs(2);

/// Ends all running requests with an error, once it is set.
#[derive(Debug, Default)]
pub(crate) struct ShutdownSignal {
    set: AtomicBool,
    wakers: Notify,
}

impl ShutdownSignal {
    /// Ends all running requests.
    pub(crate) fn end_requests(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.wakers.notify_waiters();
    }

    /// Whether all running requests must end.
    pub(crate) fn ends_requests(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// Drives a connection, and wakes its task on shutdown. The waker is registered once, not at each event.
    pub(crate) async fn wake_on_shutdown<T>(&self, connection: impl Future<Output = T>) -> T {
        let mut notified = std::pin::pin!(self.wakers.notified());
        let mut connection = std::pin::pin!(connection);
        let mut registered: Option<Waker> = None;
        std::future::poll_fn(move |cx| {
            if !registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                let _ = notified.as_mut().poll(cx);
                registered = Some(cx.waker().clone());
            }
            connection.as_mut().poll(cx)
        })
        .await
    }
}

/// SIGHUP, which reloads the configuration. Without a handler it would end the process.
#[derive(Debug)]
pub(crate) struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangups {
    /// Installs the handler at once.
    pub(crate) fn new() -> Self {
        #[cfg(unix)]
        return Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok());
        #[cfg(not(unix))]
        Self()
    }

    /// Never receives one: for servers that are part of another program.
    pub(crate) fn none() -> Self {
        Self(
            #[cfg(unix)]
            None,
        )
    }

    /// Waits for one. Those that come while the last one is dealt with count as one.
    pub(crate) async fn received(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Installs handlers for SIGTERM and SIGINT at once; the future waits for one of them.
#[cfg(unix)]
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
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
pub(crate) async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
