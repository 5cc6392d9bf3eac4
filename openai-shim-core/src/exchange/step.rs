//! What an exchange hands to its driver: the next [`Step`], and the [`ResponseHead`] for the client.

use crate::error::Error;
use crate::state::{StateEntry, StateKey};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// What to do next. It is exhaustive: a loop that passes over a step which it does not know would spin, or lose state.
///
/// ```
/// use openai_shim_core::{dialect, profile, Context, Exchange, Step};
/// let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
///
/// let Step::Send { request, after, target, .. } = exchange.next() else { unreachable!() };
/// assert_eq!((request.uri().path(), after.as_secs(), target), ("/chat/completions", 0, 0));
/// assert!(matches!(exchange.next(), Step::Await));
///
/// let mut out = Vec::new();
/// exchange.head(http::StatusCode::OK, &http::HeaderMap::new())?;
/// exchange.push(br#"{"choices":[{"message":{"content":"hello"}}]}"#, &mut out)?;
/// exchange.finish(&mut out)?;
/// assert!(matches!(exchange.next(), Step::Done));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Step {
    /// Look these keys up, all at once, and [`provide`](crate::Exchange::provide) the stored values. Only for a request with
    /// an owner ([`ClientRequest::with_owner`](crate::exchange::ClientRequest::with_owner)) and a history.
    Load(Vec<StateKey>),
    /// Store these before the last bytes that were written by now go out. Only for a request with an owner.
    Store(Vec<StateEntry>),
    /// Send this to the upstream. The URI is relative to the upstream's base URL, and there are no credentials in it.
    #[non_exhaustive]
    Send {
        /// The request.
        request: http::Request<Bytes>,
        /// How long to wait first; zero for a first attempt.
        after: Duration,
        /// To which upstream: an index into the targets that the exchange was started with.
        target: usize,
    },
    /// Hand in the response: [`head`](crate::Exchange::head), [`push`](crate::Exchange::push),
    /// [`finish`](crate::Exchange::finish), or [`fail`](crate::Exchange::fail).
    Await,
    /// The exchange is over; see [`report`](crate::Exchange::report).
    Done,
}

/// The head of the client's response.
///
/// ```
/// use openai_shim_core::{dialect, profile, Context, Exchange};
/// let body = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
/// let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
/// exchange.next();
/// exchange.head(http::StatusCode::OK, &http::HeaderMap::new())?;
/// assert!(exchange.response_head().is_none()); // the response may still turn out to be an error
///
/// let mut out = Vec::new();
/// exchange.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n", &mut out)?;
/// let head = exchange.response_head().unwrap();
/// assert_eq!(head.status, 200);
/// assert!(head.is_stream && head.headers["content-type"] == "text/event-stream");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The headers: content type, `Retry-After`, and the upstream's own rate limit headers.
    pub headers: HeaderMap,
    /// The error in the body, if there is one.
    pub error: Option<Error>,
    /// The body is a stream.
    pub is_stream: bool,
}
