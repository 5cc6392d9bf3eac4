//! Vectors for texts, between whichever forms client and upstream have for them.

use crate::app_state::{AppState, DynUpstream, UpstreamState};
use crate::handlers::auxiliary::Question;
use crate::http::responses;
use crate::http::routes::RequestMeta;
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::upstream::query::{failure, returned, send_query};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use openai_shim_core::canonical::{DiagnosticCode, EmbedRequest};
use openai_shim_core::dialect::auxiliary::{
    AuxiliaryKind, EmbeddingsApi, convert_embeddings, states_failure,
};
use openai_shim_core::dialect::{DIALECTS, Dialect, dialect as named};
use openai_shim_core::{Diagnostics, Error, UpstreamError};
use std::sync::Arc;

/// Answers a client that wants vectors.
pub(crate) async fn embed(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: &'static dyn Dialect,
    embedding: &'static dyn EmbeddingsApi,
    question: Question,
    headers: &HeaderMap,
) -> Response {
    let (id, mut diagnostics) = (meta.id.clone(), Diagnostics::default());
    let planned = plan(&app, embedding, question, &mut diagnostics).await;
    let name = planned.as_ref().map_or_else(|_| String::new(), |plan| plan.served.config.name.clone());
    // From here on the client may leave.
    let record = AccessLogEntry::new(app.clone(), meta, LABEL, name.clone());
    let embedded = match planned {
        Ok(plan) => plan.run(&app, &id, embedding, headers, &mut diagnostics).await,
        Err(error) => Err(error),
    };
    let mut response = match embedded {
        Ok((kept, body)) => {
            let mut response = responses::json(StatusCode::OK, body);
            response.headers_mut().extend(kept);
            response
        }
        Err(error) => responses::error(dialect, &error),
    };
    responses::diagnostics_header(response.headers_mut(), &diagnostics);
    responses::upstream_header(response.headers_mut(), &name);
    record.answered(&response);
    response
}

/// What stands for these routes in logs and metrics, as when they were only forwarded.
pub(crate) const LABEL: &str = "forward";

/// The routes of a dialect that make vectors.
fn embeddings(dialect: &dyn Dialect) -> impl Iterator<Item = &'static dyn EmbeddingsApi> + use<> {
    dialect.auxiliary_routes().iter().filter_map(|route| match route.kind {
        AuxiliaryKind::Embeddings(embedding) => Some(embedding),
        _ => None,
    })
}

/// Who is asked for vectors, and how.
struct EmbeddingPlan<'a> {
    served: &'a UpstreamState,
    /// The dialect that the upstream speaks, and its way of making vectors.
    own: &'static dyn Dialect,
    theirs: &'static dyn EmbeddingsApi,
    spec: Arc<EmbedRequest>,
    path: String,
    body: Bytes,
}

async fn plan<'a>(
    app: &'a Arc<AppState>,
    embedding: &'static dyn EmbeddingsApi,
    question: Question,
    diagnostics: &mut Diagnostics,
) -> Result<EmbeddingPlan<'a>, Error> {
    let (length, source) = (question.body.len(), question.body.clone());
    let read = move || {
        let mut lost = Diagnostics::default();
        embedding.decode_request(&question.asking(), &mut lost).map(|spec| (spec, lost))
    };
    let (spec, lost) = app.work.run(length, read).await?;
    let route =
        if spec.model.is_empty() { app.route_without_model() } else { app.route(&spec.model).await? };
    let served = app.upstreams.get(route.upstream).ok_or_else(crate::routing::targets::no_upstream)?;
    let own = named(&served.config.profile.dialect)?;
    // An upstream is asked on the client's own route where it has it, else on its first, else on the registry's first.
    let same = embeddings(own).find(|theirs| theirs.format() == embedding.format());
    let others = embeddings(own).chain(DIALECTS.iter().flat_map(|dialect| embeddings(*dialect)));
    let theirs = same.into_iter().chain(others).next().unwrap_or(embedding);
    let same = theirs.format() == embedding.format();
    if !same {
        diagnostics.extend(&lost);
    }
    let mut sent = spec.clone();
    if let Some(model) = route.model {
        sent.model = model;
    }
    let write = move || {
        let mut diagnostics = Diagnostics::default();
        let written = theirs.encode_request(&sent, same.then_some(&source[..]), &mut diagnostics);
        (written, diagnostics)
    };
    let (written, found) = app.work.run(length, write).await;
    diagnostics.extend(&found);
    let request = written?;
    let path = served.config.profile.paths.url(&request.path);
    Ok(EmbeddingPlan { served, own, theirs, spec: Arc::new(spec), path, body: Bytes::from(request.body) })
}

impl EmbeddingPlan<'_> {
    /// Asks, and writes what the client gets: headers and body.
    async fn run(
        self,
        app: &Arc<AppState>,
        id: &str,
        embedding: &'static dyn EmbeddingsApi,
        headers: &HeaderMap,
        diagnostics: &mut Diagnostics,
    ) -> Result<(HeaderMap, Vec<u8>), Error> {
        let EmbeddingPlan { served, own, theirs, spec, path, body } = self;
        let mut passed = HeaderMap::new();
        served.config.profile.pass_headers(headers, &mut passed);
        let transport = if body_log::wanted() {
            DynUpstream(BodyLog::new(app.clone(), id).log_traffic_of(served.transport.0.clone()))
        } else {
            served.transport.clone()
        };
        let retry = app.config.retry;
        let mut attempt = 1;
        loop {
            let spec = spec.clone();
            let one = Attempt { app, transport: &transport, own, theirs, embedding };
            match one.ask(&path, passed.clone(), body.clone(), spec, diagnostics).await {
                Err(Error::Upstream(error))
                    if attempt < retry.attempts
                        && error.is_transient()
                        && !matches!(error, UpstreamError::Status(_)) =>
                {
                    diagnostics.record(DiagnosticCode::Retried, "", error.code().unwrap_or_default());
                    transport.0.pause(retry.wait_after(attempt)).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }
}

/// One attempt to get vectors.
struct Attempt<'a> {
    app: &'a Arc<AppState>,
    transport: &'a DynUpstream,
    own: &'static dyn Dialect,
    theirs: &'static dyn EmbeddingsApi,
    embedding: &'static dyn EmbeddingsApi,
}

impl Attempt<'_> {
    async fn ask(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        spec: Arc<EmbedRequest>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(HeaderMap, Vec<u8>), Error> {
        let mut held = self.app.bodies.open();
        let most = self.app.config.limits.response_body;
        let (head, answer) = send_query(self.transport, path, headers, body, (&mut held, most)).await?;
        let (own, theirs, client) = (self.own, self.theirs, self.embedding);
        if !head.status.is_success() {
            return Err(failure(own, &head, &answer));
        }
        let mut kept = returned(&head.headers);
        kept.remove(CONTENT_LENGTH);
        kept.remove(CONTENT_TYPE);
        let judge = move || {
            let mut diagnostics = Diagnostics::default();
            let result = if states_failure(&answer, &["data", "embeddings", "embedding"]) {
                Err(own.decode_error(StatusCode::BAD_GATEWAY, &head.headers, &answer, &mut diagnostics))
            } else {
                convert_embeddings(theirs, client, &answer, &spec, &mut diagnostics)
            };
            (result, diagnostics)
        };
        let (result, found) = self.app.work.run(held.bytes(), judge).await;
        diagnostics.extend(&found);
        Ok((kept, result?))
    }
}
