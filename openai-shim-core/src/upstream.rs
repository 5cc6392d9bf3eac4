//! Floor 5: the only `async` in this crate.
//!
//! [`Upstream`] is what an embedder writes: raw HTTP, no dialect, no credentials of ours. [`Shim`] drives an
//! [`Exchange`](crate::Exchange) over it.

mod progress;
mod shim;
mod state_store;

pub use progress::Progress;
pub use shim::{Attempts, OnFinish, ResponseBody, Shim};
pub use state_store::{StateError, StateStore};

use crate::error::UpstreamError;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use std::pin::Pin;
use std::time::Duration;

/// Bytes that arrive over time.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, UpstreamError>> + Send>>;

/// The body of a reply.
#[non_exhaustive]
pub enum UpstreamBody {
    /// All of it.
    Complete(Bytes),
    /// As it arrives.
    Stream(ByteStream),
}

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete(bytes) => f.debug_tuple("Complete").field(&bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// A way to reach an upstream.
///
/// The request's URI is relative to the upstream's base URL (`/chat/completions`) and carries no credentials: base URL,
/// keys, timeouts and connections are the implementor's business. Dropping the future or the body's stream must cancel
/// the call. A [`Progress`] among the request's extensions says how far the answer is.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Sends a request; the answer's head, and its body as it arrives. An error status is an answer, not an error.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError>;

    /// Waits before a retry. Core has no clock: without an implementation retries follow at once.
    async fn pause(&self, _duration: Duration) {}

    /// Time that passes, since whenever: core has no clock. Dialects that state durations take them from here, and state
    /// none without an implementation.
    fn clock(&self) -> Option<Duration> {
        None
    }
}
