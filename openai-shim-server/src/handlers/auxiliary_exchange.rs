//! Runs an auxiliary exchange: sends its requests to an upstream, waits between attempts, and logs its report.

use crate::app_state::{AppState, UpstreamState};
use crate::http::body_budget::BodyReservation;
use crate::http::responses::{self, ErrorEnvelope};
use crate::http::routes::FORWARD_LABEL;
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::request_meta::RequestMeta;
use crate::upstream::query::{returned_headers, send_query};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::exchange::{AuxiliaryExchange, AuxiliaryStep};
use openai_shim_core::{Upstream, UpstreamError};
use std::sync::Arc;

/// What the client's response depends on besides the exchange.
pub(crate) struct AuxiliaryAnswer<'a> {
    pub(crate) errors: ErrorEnvelope,
    /// The client's headers.
    pub(crate) headers: &'a HeaderMap,
    /// Bytes of the client's request.
    pub(crate) length: usize,
}

/// Runs an exchange to its end.
pub(crate) async fn run(
    app: &Arc<AppState>,
    meta: RequestMeta,
    served: &UpstreamState,
    exchange: Box<AuxiliaryExchange>,
    answer: AuxiliaryAnswer<'_>,
) -> Response {
    let mut forwarded_headers = HeaderMap::new();
    served.config.profile.pass_headers(answer.headers, &mut forwarded_headers);
    let transport = if body_log::is_enabled() {
        BodyLog::new(app.clone(), &meta.id).log_traffic_of(served.transport.clone())
    } else {
        served.transport.clone()
    };
    let name = served.config.name.clone();
    // If the client disconnects from here on, dropping the entry logs that.
    let log_entry = AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, name.clone());
    let mut run = Run {
        app,
        transport: &*transport,
        headers: forwarded_headers,
        returned: HeaderMap::new(),
        reservations: Vec::new(),
    };
    let (result, report) = run.drive(exchange, answer.length).await.finish();
    let mut response = match result {
        Ok(body) => {
            let mut response = responses::json(StatusCode::OK, body.bytes);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
            response.headers_mut().extend(run.returned);
            response
        }
        Err(error) => answer.errors.response(&error),
    };
    responses::add_diagnostics_header(response.headers_mut(), &report.diagnostics);
    responses::add_upstream_header(response.headers_mut(), &name);
    app.adaptations.store_adaptations(&name, &report.model, &report);
    log_entry.timing().record_head(response.status());
    log_entry.finish_with_report(report);
    response
}

/// The requests of one exchange.
struct Run<'a> {
    app: &'a Arc<AppState>,
    transport: &'a dyn Upstream,
    headers: HeaderMap,
    /// The headers of the last successful response that the client gets.
    returned: HeaderMap,
    /// The room that the responses take.
    reservations: Vec<BodyReservation>,
}

impl Run<'_> {
    /// Sends the exchange's requests until its response is known.
    async fn drive(
        &mut self,
        mut exchange: Box<AuxiliaryExchange>,
        request_length: usize,
    ) -> Box<AuxiliaryExchange> {
        while let AuxiliaryStep::Send { path, body, after } = exchange.next() {
            if !after.is_zero() {
                self.transport.pause(after).await;
            }
            // The limit is for the client's response, which several responses of the upstream may become.
            let collected = exchange.collected_bytes();
            let limit = self.app.config.limits.response_body.saturating_sub(collected);
            let length = request_length.max(collected);
            let mut reservation = self.app.body_budget.empty_reservation();
            let sent =
                send_query(self.transport, &path, self.headers.clone(), body, &mut reservation, limit).await;
            exchange = match sent {
                Ok((head, answer)) => {
                    if head.status.is_success() {
                        self.returned = returned_headers(&head.headers);
                        self.returned.remove(CONTENT_LENGTH);
                        self.returned.remove(CONTENT_TYPE);
                        self.reservations.push(reservation);
                    }
                    let length = length.max(answer.len());
                    let work = move || {
                        exchange.answer(head.status, &head.headers, &answer);
                        exchange
                    };
                    self.app.offload.run(length, work).await
                }
                Err(error) => self.fail(exchange, error, length).await,
            };
        }
        exchange
    }

    async fn fail(
        &self,
        mut exchange: Box<AuxiliaryExchange>,
        error: UpstreamError,
        length: usize,
    ) -> Box<AuxiliaryExchange> {
        let work = move || {
            exchange.fail(error);
            exchange
        };
        self.app.offload.run(length, work).await
    }
}
