//! [`Resources`]: where long work on a large body is done, and the room for it.

use crate::error::UpstreamError;
use std::future::{Future, ready};
use std::pin::Pin;

/// Work that may be done elsewhere.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a program grants to the bodies of one request. Core starts no thread, and knows no other request.
pub trait Resources: Sync {
    /// Runs work whose duration grows with a body, of so many bytes.
    fn run<T: Send + 'static>(&self, bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Work<'_, T>;

    /// Is called while responses are collected, with the bytes that are held of them by now.
    ///
    /// # Errors
    /// There is no room for so many: the response is not read on.
    fn reserve(&self, _bytes: usize) -> Result<(), UpstreamError> {
        Ok(())
    }
}

/// Does all work at once, and has room for everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Resources for Unlimited {
    fn run<T: Send + 'static>(
        &self,
        _bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Work<'_, T> {
        Box::pin(ready(work()))
    }
}
