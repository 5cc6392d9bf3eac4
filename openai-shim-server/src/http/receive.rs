//! Receives a request's body within all limits: a permit, a reservation of body memory, the decoded bytes.

use crate::app_state::AppState;
use crate::http::body_budget::{BodyReservation, BudgetExceeded};
use crate::http::request_permits::RequestPermit;
use crate::http::{body, content_coding, early_errors};
use crate::observe::body_log::{self, BodyLog};
use crate::offload::LARGE_BODY_BYTES;
use crate::request_meta::RequestMeta;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use openai_shim_core::ErrorKind;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::error::ClientError;
use std::sync::Arc;

/// A received request, with the resources that it holds until its response is complete.
pub(crate) struct ReceivedRequest {
    /// The right to be one of `limits.concurrent` requests.
    pub(crate) permit: RequestPermit,
    /// The memory that the body takes.
    pub(crate) reservation: BodyReservation,
    /// The body, without content codings.
    pub(crate) body: Bytes,
}

/// Receives a request: takes a permit, then reads and decodes the body. The error is the response that the client gets.
pub(crate) async fn receive(
    app: &Arc<AppState>,
    meta: &RequestMeta,
    dialect: Dialect,
    headers: &HeaderMap,
    body: Body,
) -> Result<ReceivedRequest, Response> {
    let codings = match content_coding::parse_codings(headers, &CONTENT_ENCODING) {
        Ok(codings) => codings,
        Err(unsupported) => {
            Box::pin(discard(meta, body)).await;
            return Err(early_errors::unsupported_coding(dialect, &unsupported));
        }
    };
    let Some(permit) = app.process.request_permits.try_acquire(app.config.limits.concurrent) else {
        Box::pin(discard(meta, body)).await;
        return Err(early_errors::too_many_requests(dialect));
    };
    let (limit, mut reservation) =
        (app.config.limits.request_body, app.process.body_budget.empty_reservation());
    let body = match body::read(body, limit, &mut reservation).await {
        Ok(body) if codings.is_empty() => Ok(body),
        Ok(body) => Box::pin(decode_body(app, codings, body, &mut reservation)).await,
        Err(error) => Err(error),
    };
    let body = body.map_err(|error| early_errors::body_error(dialect, error))?;
    if body_log::is_enabled() {
        BodyLog::new(app.clone(), &meta.id).log("request", &body);
    }
    Ok(ReceivedRequest { permit, reservation, body })
}

/// Decodes a body; a large one on another thread.
async fn decode_body(
    app: &AppState,
    codings: Vec<content_coding::Coding>,
    body: Bytes,
    reservation: &mut BodyReservation,
) -> Result<Bytes, ClientError> {
    let limit = app.config.limits.request_body;
    let mut decoded = Err(ClientError::new(ErrorKind::TooLarge, ""));
    if body.len() < LARGE_BODY_BYTES {
        decoded = content_coding::request::decode(&codings, body.clone(), limit.min(LARGE_BODY_BYTES));
    }
    // Whether a small body decodes to a large one is known only after the attempt.
    if limit > LARGE_BODY_BYTES && decoded.as_ref().is_err_and(|error| error.kind == ErrorKind::TooLarge) {
        let expected = body.len().saturating_mul(8).clamp(LARGE_BODY_BYTES, limit);
        let decode = move || content_coding::request::decode(&codings, body, limit);
        decoded = app.process.offload.run(expected, decode).await;
    }
    let decoded = decoded?;
    reservation.grow_to(decoded.len()).map_err(|BudgetExceeded| body::budget_exceeded())?;
    reservation.shrink_to(decoded.len());
    Ok(decoded)
}

/// Reads and drops the body of a refused request, so that its client receives the refusal. A client that waits for an
/// interim response need not send the body.
pub(crate) async fn discard(meta: &RequestMeta, body: Body) {
    if !meta.expects_continue {
        body::discard(body).await;
    }
}
