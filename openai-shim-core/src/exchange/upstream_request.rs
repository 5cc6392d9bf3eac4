//! The upstream's request: profile and dialect for a client request, then normalized, encoded and addressed.

use super::shared_profile::UpstreamSide;
use super::{ClientRequest, Settings, headers};
use crate::accepts::ReasoningHistory;
use crate::canonical::{
    Addition, Context, DiagnosticCode, Diagnostics, Request, ResponseContext, ResponseSpec, StreamUsage,
    TurnStorage,
};
use crate::error::{ClientError, Error, ErrorKind};
use crate::normalize::{self, OpaqueStateRule, StoredTurns, params};
use crate::profile::Profile;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Uri};

impl UpstreamSide<'_> {
    /// Refuses a request that refers to state which only an upstream of the client's dialect has.
    pub(super) fn refuse_foreign_references(&self, client_request: &ClientRequest) -> Result<(), Error> {
        let is_foreign = client_request.client.name() != self.dialect.name();
        match &client_request.request.same_dialect_only {
            Some(refusal) if is_foreign => Err(refusal.clone().into()),
            _ => Ok(()),
        }
    }

    /// The request's URI, relative to the upstream's base URL. `path` is the dialect's.
    fn uri(&self, path: &str, model: &str) -> Result<Uri, ClientError> {
        let profile = &*self.profile;
        if !profile.paths.generate.is_empty() && matches!(model, "." | "..") {
            return Err(ClientError::invalid("`model` is not the name of a model.").at("model"));
        }
        let url = if self.dialect.name() == profile.dialect {
            profile.paths.generate_url(path, model)
        } else {
            profile.paths.url(path)
        };
        // Without the slash the path would be read as the name of a host.
        let uri = url.starts_with('/').then(|| url.parse().ok()).flatten();
        uri.ok_or_else(|| invalid_path(profile))
    }
}

/// A request that is ready to be sent, and what its response depends on.
pub(super) struct UpstreamRequest {
    pub(super) spec: ResponseSpec,
    pub(super) context: ResponseContext,
    /// The request asks for a stream.
    pub(super) is_stream_requested: bool,
    pub(super) request: http::Request<Bytes>,
    /// What the client did not send.
    pub(super) additions: Vec<Addition>,
    pub(super) diagnostics: Diagnostics,
}

impl UpstreamRequest {
    /// Stands for a request that waits for state.
    pub(super) fn unprepared(request: &Request, context: Context) -> Self {
        Self {
            spec: ResponseSpec::new(request, &context),
            context: ResponseContext::new(request, context),
            is_stream_requested: false,
            request: http::Request::default(),
            additions: Vec::new(),
            diagnostics: Diagnostics::default(),
        }
    }
}

/// Prepares the upstream's request. `stored`: the stored turns of the conversation, for a request with an owner.
pub(super) fn prepare(
    client_request: ClientRequest,
    side: &UpstreamSide<'_>,
    settings: &Settings,
    target_model: Option<&str>,
    context: Context,
    stored: Option<&StoredTurns>,
) -> Result<UpstreamRequest, Error> {
    side.refuse_foreign_references(&client_request)?;
    let (profile, upstream, accepts) = (&*side.profile, side.dialect, &*side.accepts);
    let ClientRequest { client, mut request, mut diagnostics, body, headers, .. } = client_request;
    request.same_dialect_only = None;
    let mut spec = ResponseSpec::new(&request, &context);
    let context = ResponseContext::new(&request, context);
    if let Some(model) = target_model.filter(|model| *model != request.model) {
        spec.restore_alias = true;
        model.clone_into(&mut request.model);
        diagnostics.record(DiagnosticCode::ModelAliased, "model", "");
    }
    spec.quirks = profile.responses.clone();
    spec.reasoning = settings.reasoning;
    spec.signatures_in_ids = accepts.messages.signatures_in_ids;
    let restores_reasoning = accepts.messages.reasoning_history == ReasoningHistory::Restore;
    spec.turn_storage = match stored {
        None => TurnStorage::None,
        Some(_) if restores_reasoning => TurnStorage::OpaqueAndReasoning,
        Some(_) => TurnStorage::Opaque,
    };
    let defaults = settings.defaults();
    let no_turns = StoredTurns::default();
    let stored = stored.unwrap_or(&no_turns);
    OpaqueStateRule { upstream, stored, restores_reasoning }
        .strip_and_restore(&mut request, &mut diagnostics);
    let recipient = normalize::Recipient {
        name: &profile.name,
        dialect: upstream,
        accepts,
        client,
        api_version: headers::forwarded_version(&headers, upstream, profile),
        features: headers::forwarded_features(&headers, upstream, profile),
    };
    let had_limit = request.max_tokens.is_some();
    normalize::normalize(&mut request, &recipient, &defaults, &mut spec, &mut diagnostics)?;
    if request.include_usage && spec.stream_usage == StreamUsage::None {
        spec.stream_usage = StreamUsage::Injected;
    }
    let source = (client.name() == upstream.name()).then_some(body.as_ref());
    let mut encoded = upstream.encode_request(&request, source, &mut diagnostics)?;
    // Where one is required, the upstream does not refuse it.
    if !had_limit && request.max_tokens.is_some() && !accepts.params.require_max_tokens {
        encoded.additions.push(Addition::member("max_tokens"));
    }
    params(&mut encoded, &recipient, &defaults, &mut diagnostics)?;
    // A request with many messages is large: it is dropped before the body is written.
    let model = std::mem::take(&mut request.model);
    let is_stream_requested = request.stream;
    drop(request);
    let bytes = if encoded.body.is_changed() || source.is_none() {
        let mut written = Vec::with_capacity(body.len() + 64);
        encoded.body.write(&mut written);
        Bytes::from(written)
    } else {
        body.clone()
    };
    let mut upstream_request = http::Request::new(bytes);
    *upstream_request.method_mut() = Method::POST;
    *upstream_request.uri_mut() = side.uri(&encoded.path, &model)?;
    *upstream_request.headers_mut() = encoded.headers;
    headers::forward_request_headers(
        &headers,
        client,
        profile,
        upstream_request.headers_mut(),
        &mut diagnostics,
    );
    upstream_request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (request, additions) = (upstream_request, encoded.additions);
    Ok(UpstreamRequest { spec, context, is_stream_requested, request, additions, diagnostics })
}

/// Why the path of a request is not valid: the profile's path, or the model's name in it.
fn invalid_path(profile: &Profile) -> ClientError {
    match profile.invalid_rules().into_iter().find(|rule| rule.key == "paths.generate") {
        Some(rule) => {
            let message =
                format!("The profile {:?} cannot work: {}: {}.", profile.name, rule.key, rule.problem);
            ClientError::new(ErrorKind::Internal, message)
        }
        None => {
            let message =
                "`model` does not fit into the upstream's path: it is too long, or no name of a model.";
            ClientError::invalid(message).at("model")
        }
    }
}
