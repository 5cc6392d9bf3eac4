//! Reads a client's body to its end within limits, or discards it so that a refusal reaches its client.

use crate::http::body_budget::BodyReservation;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use openai_shim_core::ErrorKind;
use openai_shim_core::error::ClientError;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may take to send its body.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the body of a refused request is read.
pub(crate) const DISCARD_PERIOD: Duration = Duration::from_secs(2);
/// How many bytes of it are read.
pub(crate) const MAX_DISCARDED_BYTES: usize = 64 << 20;
/// Bodies up to this size are copied out of the connection's read buffer.
const MAX_COPIED_BYTES: usize = 16 << 10;

/// Reads a body of at most `limit` bytes; `reservation` grows with it.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    reservation: &mut BodyReservation,
) -> Result<Bytes, ClientError> {
    match timeout(BODY_TIMEOUT, collect(body, limit, reservation)).await {
        Ok(read) => read,
        Err(_) => Err(arrived_too_late()),
    }
}

/// The error for a body that its client sends too slowly.
pub(crate) fn arrived_too_late() -> ClientError {
    ClientError::new(ErrorKind::Timeout, "The request body did not arrive in time.")
}

/// The error for a body that ended early.
pub(crate) fn broken_off() -> ClientError {
    ClientError::invalid("The request body could not be read to its end.")
}

async fn collect(
    mut body: Body,
    limit: usize,
    reservation: &mut BodyReservation,
) -> Result<Bytes, ClientError> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut within_limit = declared <= limit;
    let mut within_budget = !within_limit || reservation.grow_to(declared).is_ok();
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while within_limit && within_budget {
        let Some(chunk) = next_chunk(&mut body).await else {
            return Ok(match all.is_empty() {
                // Small bodies are copied: keeping a slice of the connection's buffer would make the connection allocate another.
                true if first.len() <= MAX_COPIED_BYTES => Bytes::copy_from_slice(&first),
                true => first,
                false => all.freeze(),
            });
        };
        let chunk = chunk.map_err(|_| broken_off())?;
        let length = first.len().max(all.len()) + chunk.len();
        within_limit = length <= limit;
        within_budget = !within_limit || reservation.grow_to(length).is_ok();
        // A large body that arrived in one chunk is not copied.
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                // The whole length is reserved; the system provides pages only when they are written.
                all.reserve(declared.min(limit));
            }
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&chunk);
        }
    }
    drop((first, all));
    reservation.shrink_to(0);
    Box::pin(discard(body)).await;
    if !within_budget {
        return Err(budget_exceeded());
    }
    Err(too_large(limit))
}

/// The error for a body over `limits.request_body`.
pub(crate) fn too_large(limit: usize) -> ClientError {
    let text = format!(
        "The request body is larger than {limit} bytes, the limit of this server (limits.request_body)."
    );
    ClientError::new(ErrorKind::TooLarge, text)
}

/// The error for a body that does not fit into `limits.bodies` now.
pub(crate) fn budget_exceeded() -> ClientError {
    let text = "The request body does not fit into this server beside those that it is working on (limits.bodies). Try again in \
                a moment.";
    ClientError::new(ErrorKind::Overloaded, text)
}

/// Reads and drops what a client still sends, for a while: closing at once would reset the connection before the client has
/// read the refusal.
pub(crate) async fn discard(mut body: Body) {
    let mut remaining = MAX_DISCARDED_BYTES;
    let reading = async {
        while let Some(Ok(chunk)) = next_chunk(&mut body).await {
            remaining = remaining.saturating_sub(chunk.len());
            if remaining == 0 {
                break;
            }
        }
    };
    // A client that sends for longer gets the reset.
    let _ = timeout(DISCARD_PERIOD, reading).await;
}

/// The next chunk of data; trailers are skipped.
async fn next_chunk(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await? {
            Ok(frame) => match frame.into_data() {
                Ok(data) => return Some(Ok(data)),
                Err(_trailers) => {}
            },
            Err(error) => return Some(Err(error)),
        }
    }
}
