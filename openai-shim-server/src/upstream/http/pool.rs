//! Idle connections of one upstream.

use super::socket::Socket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The most connections that are kept; more than that is a wave that has passed.
const MAX_IDLE: usize = 256;
/// How often idle connections are looked at, so that one which its peer has closed takes no file descriptor.
const SWEEP: Duration = Duration::from_secs(5);

/// Connections that may serve again; the one used last is used first.
pub(super) struct Pool {
    idle: Mutex<Vec<(Instant, Socket)>>,
    sweeping: AtomicBool,
    keep: Duration,
}

impl Pool {
    /// A pool that keeps connections for so long.
    pub(super) fn new(keep: Duration) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), sweeping: AtomicBool::new(false), keep })
    }

    /// A connection whose peer has, at this moment, not closed it.
    pub(super) fn take(&self) -> Option<Socket> {
        loop {
            let (since, mut socket) = self.idle.lock().ok()?.pop()?;
            if since.elapsed() < self.keep && socket.is_open() {
                return Some(socket);
            }
        }
    }

    /// Takes a connection back whose answer was read to its end.
    pub(super) fn put(self: &Arc<Self>, socket: Socket) {
        let Ok(mut idle) = self.idle.lock() else { return };
        // The oldest is dropped, not the newest: that one is warm.
        let oldest = (idle.len() >= MAX_IDLE).then(|| idle.remove(0));
        idle.push((Instant::now(), socket));
        let alone = !self.sweeping.swap(true, Ordering::Relaxed);
        drop(idle);
        drop(oldest);
        if alone {
            let guard = Sweeping(self.clone());
            tokio::spawn(async move { while guard.0.sweep().await {} });
        }
    }

    /// Drops what is too old or closed, after a while; whether anything is left.
    async fn sweep(&self) -> bool {
        tokio::time::sleep(SWEEP.min(self.keep)).await;
        let Ok(mut idle) = self.idle.lock() else { return false };
        let keep = self.keep;
        let over = idle.extract_if(.., |(since, socket)| since.elapsed() >= keep || !socket.is_quiet());
        let over: Vec<_> = over.collect();
        let left = !idle.is_empty();
        // Under the lock: whoever puts the next one in must know that nobody sweeps any more.
        self.sweeping.store(left, Ordering::Relaxed);
        drop(idle);
        drop(over);
        left
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.idle.lock().unwrap().len()
    }
}

/// Who sweeps. When its runtime ends under it, the next one may begin.
struct Sweeping(Arc<Pool>);

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Ok(idle) = self.0.idle.lock()
            && !idle.is_empty()
        {
            self.0.sweeping.store(false, Ordering::Relaxed);
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
    async fn what_was_closed_or_spoke_unasked_or_is_old_is_not_used_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(Duration::from_secs(9));
        for spoils in [0, 1, 2] {
            let (ours, mut theirs) = pair(&listener).await;
            pool.put(ours);
            match spoils {
                0 => assert!(pool.take().is_some(), "nothing is wrong with it"),
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
    async fn idle_connections_end_without_being_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(Duration::from_millis(100));
        let (ours, theirs) = pair(&listener).await;
        pool.put(ours);
        drop(theirs);
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(pool.len(), 0);
        assert!(!pool.sweeping.load(Ordering::Relaxed), "and nobody looks after nothing");
    }

    #[tokio::test]
    async fn no_more_are_kept_than_the_limit() {
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
