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
use openai_shim_core::dialect::dialect;
use openai_shim_core::exchange::{AuxiliaryCall, AuxiliaryExchange, AuxiliaryStep};
use openai_shim_core::{Diagnostics, Error, Upstream, UpstreamError};
use std::sync::Arc;

/// An exchange with the upstream that it is for.
pub(crate) struct AuxiliaryPlan<'a> {
    served: &'a UpstreamState,
    exchange: Box<AuxiliaryExchange>,
    /// Bytes of the client's request.
    length: usize,
}

/// A request whose upstream is known: what its exchange begins with.
pub(crate) struct AuxiliaryStart<'a> {
    pub(crate) served: &'a UpstreamState,
    /// The upstream's name for the model, if it differs from the client's.
    pub(crate) upstream_model: Option<String>,
    /// The client's name for the model.
    pub(crate) model: String,
    /// What the request lost when it was decoded.
    pub(crate) lost: Diagnostics,
    /// Bytes of the client's request.
    pub(crate) length: usize,
}

impl<'a> AuxiliaryStart<'a> {
    /// Starts the exchange of the call that `call` makes for the upstream's name of the model.
    pub(crate) async fn plan<C: AuxiliaryCall + 'static>(
        self,
        app: &AppState,
        call: impl FnOnce(Option<String>) -> C + Send + 'static,
    ) -> Result<AuxiliaryPlan<'a>, Error> {
        let Self { served, upstream_model, model, lost, length } = self;
        let upstream_dialect = dialect(&served.config.profile.dialect)?;
        let mut settings = app.settings(upstream_model.clone());
        let learned_of = upstream_model.as_deref().unwrap_or(&model);
        settings.adaptations = app.adaptations.for_model(&served.config.name, learned_of);
        let profile = served.config.profile.clone();
        let start = move || {
            let call = Box::new(call(upstream_model));
            AuxiliaryExchange::start(call, upstream_dialect, &profile, settings, lost).map(Box::new)
        };
        let exchange = app.offload.run(length, start).await?;
        Ok(AuxiliaryPlan { served, exchange, length })
    }
}

/// Runs an exchange to its end, or answers with the error that was there before it. `headers` are the client's.
pub(crate) async fn answer(
    app: &Arc<AppState>,
    meta: RequestMeta,
    planned: Result<AuxiliaryPlan<'_>, Error>,
    errors: ErrorEnvelope,
    headers: &HeaderMap,
) -> Response {
    match planned {
        Ok(plan) => Box::pin(run(app, meta, plan, errors, headers)).await,
        Err(error) => {
            let response = errors.response(&error);
            AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, String::new())
                .finish_with_response(&response);
            response
        }
    }
}

async fn run(
    app: &Arc<AppState>,
    meta: RequestMeta,
    plan: AuxiliaryPlan<'_>,
    errors: ErrorEnvelope,
    headers: &HeaderMap,
) -> Response {
    let AuxiliaryPlan { served, exchange, length } = plan;
    let mut forwarded_headers = HeaderMap::new();
    served.config.profile.pass_headers(headers, &mut forwarded_headers);
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
    let (result, report) = run.drive(exchange, length).await.finish();
    let mut response = match result {
        Ok(body) => {
            let mut response = responses::json(StatusCode::OK, body.bytes);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
            response.headers_mut().extend(run.returned);
            response
        }
        Err(error) => errors.response(&error),
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
