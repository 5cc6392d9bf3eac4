//! Runs an auxiliary exchange: chooses what core sends it with, and logs its report.

use crate::app_state::{AppState, UpstreamState};
use crate::http::body_resources::BodyResources;
use crate::http::responses::{self, ErrorEnvelope};
use crate::http::routes::FORWARD_LABEL;
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::request_meta::RequestMeta;
use crate::routing::target_health::TargetHealth;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::dialect::dialect;
use openai_shim_core::exchange::{AuxiliaryCall, AuxiliaryExchange};
use openai_shim_core::upstream::auxiliary::AuxiliaryAnswer;
use openai_shim_core::{Diagnostics, Error};
use std::sync::Arc;

/// An exchange with the upstream that it is for.
pub(crate) struct AuxiliaryPlan<'a> {
    served: &'a UpstreamState,
    health: Option<Arc<TargetHealth>>,
    exchange: Box<AuxiliaryExchange>,
    /// Bytes of the client's request.
    length: usize,
}

/// A request whose upstream is known: what its exchange begins with.
pub(crate) struct AuxiliaryStart<'a> {
    pub(crate) served: &'a UpstreamState,
    /// The upstream's name for the model, if it differs from the client's.
    pub(crate) upstream_model: Option<String>,
    /// What is known of it as one of several targets.
    pub(crate) health: Option<Arc<TargetHealth>>,
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
        let Self { served, upstream_model, health, model, lost, length } = self;
        let upstream_dialect = dialect(&served.config.profile.dialect)?;
        let target = app.target(served, upstream_model.clone(), &model);
        let settings = app.settings();
        let start = move || {
            let call = Box::new(call(upstream_model));
            AuxiliaryExchange::start(call, upstream_dialect, &target, settings, lost).map(Box::new)
        };
        let exchange = app.process.offload.run(length, start).await?;
        Ok(AuxiliaryPlan { served, health, exchange, length })
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
            AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, Arc::default())
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
    let AuxiliaryPlan { served, health, exchange, length } = plan;
    let mut forwarded_headers = HeaderMap::new();
    served.config.profile.pass_headers(headers, &mut forwarded_headers);
    let transport = served.transport_in(meta.trace.as_ref());
    let transport = if body_log::is_enabled() {
        BodyLog::new(app.clone(), &meta.id).log_traffic_of(transport)
    } else {
        transport
    };
    let name = served.config.name.clone();
    // If the client disconnects from here on, dropping the entry logs that.
    let log_entry = AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, served.name.clone());
    let resources = BodyResources::new(app);
    let queries = resources.queries(&*transport);
    let AuxiliaryAnswer { result, report, headers: returned, .. } =
        queries.run(exchange, forwarded_headers, length).await;
    if let Some(health) = health {
        for attempt in &report.attempts {
            health.record_attempt(attempt);
        }
    }
    let mut response = match result {
        Ok(body) => {
            let mut response = responses::json(StatusCode::OK, body.bytes);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
            response.headers_mut().extend(returned);
            response
        }
        Err(error) => errors.response(&error),
    };
    responses::add_diagnostics_header(response.headers_mut(), &report.diagnostics);
    responses::add_upstream_header(response.headers_mut(), &name);
    app.store_adaptations(served, &report.model, &report);
    log_entry.timing().record_head(response.status());
    log_entry.finish_with_report(report);
    response
}
