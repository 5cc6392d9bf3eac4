//! Counts the tokens of a request: through the upstream's own count, in any dialect in which it has one, else by an estimate.

use super::queries::{Queries, decode_failure};
use super::resources::Resources;
use crate::canonical::{Context, DiagnosticCode, Diagnostics};
use crate::dialect::auxiliary::TokenCountApi;
use crate::dialect::route_lookup::token_count_api;
use crate::dialect::{Dialect, dialect as dialect_named};
use crate::error::{Error, ErrorKind, UpstreamError};
use crate::exchange::{ClientRequest, Exchange, Settings, SharedProfile, Step, Target};
use crate::fallback::token_estimate::estimate_tokens;
use crate::profile::Profile;
use crate::upstream::state_store::StateStore;
use bytes::Bytes;
use http::HeaderMap;

/// The client's response to a request for a count.
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenCount {
    /// The body, in the client's form.
    pub body: Vec<u8>,
    /// The upstream does not count: this is an estimate.
    pub is_estimate: bool,
    /// What the request lost.
    pub diagnostics: Diagnostics,
}

/// The result of asking an upstream for a count.
#[derive(Default)]
struct UpstreamCount {
    /// The response with its dialect; `None`: the upstream does not count.
    answer: Option<(Dialect, Vec<u8>)>,
    diagnostics: Diagnostics,
}

/// A count request, in the form of an upstream.
struct CountRequest {
    dialect: Dialect,
    api: &'static dyn TokenCountApi,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    diagnostics: Diagnostics,
}

impl<R: Resources> Queries<'_, R> {
    /// Counts the tokens of what the upstream would get as a request for generation. `api` is the client's form.
    ///
    /// # Errors
    /// The request cannot be sent, or the upstream refuses it for another reason than that it cannot count.
    pub async fn count_tokens(
        &self,
        api: &'static dyn TokenCountApi,
        client_request: ClientRequest,
        target: Target,
        settings: Settings,
        context: Context,
        store: Option<&dyn StateStore>,
    ) -> Result<TokenCount, Error> {
        let (client, length) = (client_request.client(), client_request.body().len());
        let read = move || {
            let estimate = estimate_tokens(client_request.request());
            (client_request, estimate)
        };
        let (client_request, estimate) = self.resources.run(length, read).await;
        let UpstreamCount { answer, mut diagnostics } =
            self.upstream_count(client_request, target, settings, context, store).await?;
        let is_estimate = answer.is_none();
        let body = match answer {
            Some((upstream, answer))
                if upstream.name() == client.name() && has_number(&answer, api.decode_response(&answer)) =>
            {
                answer
            }
            Some((upstream, answer)) => {
                let tokens = token_count_api(upstream).and_then(|upstream| upstream.decode_response(&answer));
                api.encode_response(tokens.unwrap_or(estimate)).into_bytes()
            }
            None => {
                diagnostics.record(DiagnosticCode::TokensEstimated, "", "");
                api.encode_response(estimate).into_bytes()
            }
        };
        Ok(TokenCount { body, is_estimate, diagnostics })
    }

    /// Sends the upstream a count request for what it would get as a request for generation.
    async fn upstream_count(
        &self,
        client_request: ClientRequest,
        target: Target,
        settings: Settings,
        context: Context,
        store: Option<&dyn StateStore>,
    ) -> Result<UpstreamCount, Error> {
        let length = client_request.body().len();
        let model = target.model.as_deref().unwrap_or(client_request.model());
        let Some((dialect, profile)) = counting_dialect(&target.profile, client_request.client(), model)
        else {
            return Ok(UpstreamCount::default());
        };
        let target = Target { profile, ..target };
        let start = move || Exchange::start(client_request, target, settings, context);
        let exchange = self.resources.run(length, start).await?;
        let Some(request) = self.count_request(exchange, dialect, length, store).await? else {
            return Ok(UpstreamCount::default());
        };
        let CountRequest { dialect, api, path, headers, body, diagnostics } = request;
        let (head, answer) = self.send(&path, headers, body, 0).await?;
        if head.status.is_success() && api.decode_response(&answer).is_some() {
            return Ok(UpstreamCount { answer: Some((dialect, answer)), diagnostics });
        }
        match decode_failure(dialect, &head, &answer) {
            failure if !head.status.is_success() && !is_without_count(&failure) => Err(failure),
            _ => Ok(UpstreamCount { answer: None, diagnostics }),
        }
    }

    /// The count request for an exchange's first request, which is what would be sent, and so what must be counted. Loads the state
    /// that it needs.
    async fn count_request(
        &self,
        mut exchange: Exchange,
        dialect: Dialect,
        length: usize,
        store: Option<&dyn StateStore>,
    ) -> Result<Option<CountRequest>, Error> {
        let mut step = exchange.next();
        if let Step::Load(keys) = step {
            let values = match store {
                Some(store) => store.load(&keys).await.unwrap_or_else(|error| {
                    exchange.note_state_error(&error.message);
                    vec![None; keys.len()]
                }),
                None => vec![None; keys.len()],
            };
            let provide = move || {
                exchange.provide(values)?;
                let step = exchange.next();
                Ok::<_, Error>((exchange, step))
            };
            (exchange, step) = self.resources.run(length, provide).await?;
        }
        let (Step::Send { request, .. }, Some(api)) = (step, token_count_api(dialect)) else {
            return Ok(None);
        };
        let diagnostics = exchange.diagnostics();
        let encode = move || {
            let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
            let encoded = api.encode_request(path, request.body())?;
            let (headers, body) = (request.headers().clone(), Bytes::from(encoded.body));
            Some(CountRequest { dialect, api, path: encoded.path, headers, body, diagnostics })
        };
        Ok(self.resources.run(length, encode).await)
    }
}

/// Whether the count in a response is a whole number, which some servers write as text or with a fraction.
fn has_number(answer: &[u8], count: Option<u64>) -> bool {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(answer).unwrap_or_default();
    members.values().any(|value| value.is_u64() && value.as_u64() == count)
}

/// Whether an error says that the upstream cannot count, which many servers of a dialect cannot: in whatever way, but that the
/// key or the limit is at fault, or the request itself.
fn is_without_count(failure: &Error) -> bool {
    /// Words with which servers refuse a route or an operation.
    const CANNOT: [&str; 14] = [
        "support",
        "implement",
        "available",
        "enabled",
        "unknown",
        "not found",
        "no such",
        "does not exist",
        "unrecognized",
        "not allowed",
        "invalid url",
        "invalid path",
        "cannot count",
        "not permitted",
    ];
    /// No such method, no longer there, no such type, not implemented.
    const CANNOT_BY_STATUS: [u16; 4] = [405, 410, 415, 501];
    let Error::Upstream(UpstreamError::Status(error)) = failure else { return true };
    if CANNOT_BY_STATUS.contains(&error.status) {
        return true;
    }
    let message = error.message.to_ascii_lowercase();
    match error.kind {
        ErrorKind::Authentication | ErrorKind::RateLimited | ErrorKind::Quota | ErrorKind::ContextLength => {
            false
        }
        ErrorKind::InvalidRequest => CANNOT.iter().any(|word| message.contains(word)),
        _ => true,
    }
}

/// The dialect in which the upstream counts for a model, the client's own dialect before others, and the profile with that
/// dialect as its first.
fn counting_dialect(
    profile: &SharedProfile,
    client: Dialect,
    model: &str,
) -> Option<(Dialect, SharedProfile)> {
    let model_profile = profile.for_model(model);
    let dialects: Vec<_> = std::iter::once(&model_profile.dialect)
        .chain(&model_profile.extra_dialects)
        .filter_map(|name| dialect_named(name).ok())
        .collect();
    let same = dialects.iter().find(|dialect| dialect.name() == client.name());
    let dialect = same.into_iter().chain(&dialects).find(|dialect| token_count_api(**dialect).is_some())?;
    if dialect.name() == profile.dialect || dialect.name() == client.name() {
        return Some((*dialect, profile.clone()));
    }
    let mut other = Profile::clone(profile);
    dialect.name().clone_into(&mut other.dialect);
    other.paths.generate.clear();
    Some((*dialect, other.into()))
}
