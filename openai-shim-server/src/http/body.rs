//! A client's body: read to its end within limits, or thrown away so that a refusal arrives.

use crate::http::body_budget::BudgetReservation;
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
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a body that nobody wants is still read.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
/// How much of it.
pub(crate) const LEFTOVER: usize = 64 << 20;
/// What is copied more cheaply than kept.
const SMALL: usize = 16 << 10;

/// Reads a body of at most `limit` bytes, for which there must be room.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    held: &mut BudgetReservation,
) -> Result<Bytes, ClientError> {
    match timeout(PATIENCE, collect(body, limit, held)).await {
        Ok(read) => read,
        Err(_) => Err(ClientError::new(ErrorKind::Timeout, "The request body did not arrive in time.")),
    }
}

async fn collect(mut body: Body, limit: usize, held: &mut BudgetReservation) -> Result<Bytes, ClientError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut fits = announced <= limit;
    let mut room = !fits || held.cover(announced).is_ok();
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while fits && room {
        let Some(chunk) = next(&mut body).await else {
            return Ok(match all.is_empty() {
                // A piece of the connection's buffer: to keep it would make the connection take another one.
                true if first.len() <= SMALL => Bytes::copy_from_slice(&first),
                true => first,
                false => all.freeze(),
            });
        };
        let chunk =
            chunk.map_err(|_| ClientError::invalid("The request body could not be read to its end."))?;
        let length = first.len().max(all.len()) + chunk.len();
        fits = length <= limit;
        room = !fits || held.cover(length).is_ok();
        // A large body that came in one piece is not copied.
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                // There is room for it, and what nobody writes to is not there.
                all.reserve(announced.min(limit));
            }
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&chunk);
        }
    }
    drop((first, all));
    held.shrink(0);
    Box::pin(discard(body)).await;
    if !room {
        return Err(no_room());
    }
    Err(too_large(limit))
}

/// Why a body is not taken.
pub(crate) fn too_large(limit: usize) -> ClientError {
    let text = format!(
        "The request body is larger than {limit} bytes, the limit of this server (limits.request_body)."
    );
    ClientError::new(ErrorKind::TooLarge, text)
}

/// Why a body is not taken that would be at another time.
pub(crate) fn no_room() -> ClientError {
    let text = "The request body does not fit into this server beside those that it is working on (limits.bodies). Try again in \
                a moment.";
    ClientError::new(ErrorKind::Overloaded, text)
}

/// Reads what a client still sends, for a while: to close on it would cut off the reply that says what is wrong.
pub(crate) async fn discard(mut body: Body) {
    let mut left = LEFTOVER;
    let reading = async {
        while let Some(Ok(chunk)) = next(&mut body).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Whoever does not stop by then must notice without our help.
    let _ = timeout(LINGER, reading).await;
}

/// The next piece; trailers are of no interest.
async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
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
