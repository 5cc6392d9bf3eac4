//! Keeps idle connections of one upstream for reuse.

use super::socket::Socket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long an idle connection is kept: less than the minute after which most servers close theirs.
pub(crate) const IDLE_LIFETIME: Duration = Duration::from_secs(50);
/// The most idle connections.
const MAX_IDLE: usize = 256;
/// How often closed connections are removed, which free their file descriptors.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Connections that may be reused; the most recently used one is taken first.
pub(super) struct Pool {
    /// Idle since when, and the connection; the oldest first.
    idle: Mutex<Vec<(Instant, Socket)>>,
    /// Whether a task removes closed connections.
    is_sweeping: AtomicBool,
    lifetime: Duration,
}

impl Pool {
    /// A pool that keeps idle connections for `lifetime`.
    pub(super) fn new(lifetime: Duration) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), is_sweeping: AtomicBool::new(false), lifetime })
    }

    /// Takes a connection that is open at this moment.
    pub(super) fn take(&self) -> Option<Socket> {
        loop {
            let (since, mut socket) = self.idle.lock().ok()?.pop()?;
            if since.elapsed() < self.lifetime && socket.is_open() {
                return Some(socket);
            }
        }
    }

    /// Returns a connection whose response was read to its end.
    pub(super) fn put(self: &Arc<Self>, socket: Socket) {
        let Ok(mut idle) = self.idle.lock() else { return };
        // A full pool drops its oldest connection: the newest has the largest congestion window.
        let oldest = (idle.len() >= MAX_IDLE).then(|| idle.remove(0));
        idle.push((Instant::now(), socket));
        let starts_sweeping = !self.is_sweeping.swap(true, Ordering::Relaxed);
        drop(idle);
        drop(oldest);
        if starts_sweeping {
            let guard = SweepGuard(self.clone());
            tokio::spawn(async move { while guard.0.sweep().await {} });
        }
    }

    /// Waits, then drops old and closed connections; returns whether any are left.
    async fn sweep(&self) -> bool {
        tokio::time::sleep(SWEEP_INTERVAL.min(self.lifetime)).await;
        let Ok(mut idle) = self.idle.lock() else { return false };
        let lifetime = self.lifetime;
        let dropped: Vec<_> = idle
            .extract_if(.., |(since, socket)| since.elapsed() >= lifetime || !socket.is_quiet())
            .collect();
        let any_left = !idle.is_empty();
        // Set under the lock: the next `put` must see that the sweep has ended.
        self.is_sweeping.store(any_left, Ordering::Relaxed);
        drop(idle);
        drop(dropped);
        any_left
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.idle.lock().unwrap().len()
    }
}

/// Clears `is_sweeping` when the sweeping task is dropped with its runtime, so that another one can start.
struct SweepGuard(Arc<Pool>);

impl Drop for SweepGuard {
    fn drop(&mut self) {
        if let Ok(idle) = self.0.idle.lock()
            && !idle.is_empty()
        {
            self.0.is_sweeping.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair(listener: &TcpListener) -> (Socket, TcpStream) {
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::plain(ours), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn closed_readable_or_old_connection_is_not_reused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(Duration::from_secs(9));
        for fault in [0, 1, 2] {
            let (ours, mut theirs) = pair(&listener).await;
            pool.put(ours);
            match fault {
                0 => assert!(pool.take().is_some(), "an open connection is reused"),
                1 => theirs.write_all(b"HTTP/1.1 408 Timeout\r\n\r\n").await.unwrap(),
                _ => drop(theirs),
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
            assert!(pool.take().is_none());
        }
        let pool = Pool::new(Duration::from_millis(50));
        let (ours, _theirs) = pair(&listener).await;
        pool.put(ours);
        std::thread::sleep(Duration::from_millis(60));
        assert!(pool.take().is_none());
    }

    #[tokio::test]
    async fn closed_connections_are_removed_without_a_request() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(Duration::from_millis(100));
        let (ours, theirs) = pair(&listener).await;
        pool.put(ours);
        drop(theirs);
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(pool.len(), 0);
        assert!(!pool.is_sweeping.load(Ordering::Relaxed), "an empty pool must not be swept");
    }

    #[tokio::test]
    async fn full_pool_drops_the_oldest_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(Duration::from_secs(9));
        let mut theirs = Vec::new();
        for _ in 0..MAX_IDLE + 5 {
            let (ours, other) = pair(&listener).await;
            pool.put(ours);
            theirs.push(other);
        }
        assert_eq!(pool.len(), MAX_IDLE);
    }
}
