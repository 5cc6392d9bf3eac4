//! The upstream's request, made from the client's.

use super::carry_over::CarryOver;
use super::{ClientRequest, Settings, headers};
use crate::canonical::{
    Context, DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, StreamUsage, TurnStorage,
};
use crate::dialect::Dialect;
use crate::error::{ClientError, Error};
use crate::normalize::{OpaqueStateRule, StoredTurns, normalize, params};
use crate::profile::{Profile, ReasoningHistory};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

/// A request that is ready to be sent, and what must be remembered of it.
pub(super) struct UpstreamRequest {
    pub(super) spec: ResponseSpec,
    pub(super) context: ResponseContext,
    /// The upstream is asked for a stream.
    pub(super) streams: bool,
    pub(super) send: http::Request<Bytes>,
    pub(super) diagnostics: Diagnostics,
}

pub(super) fn prepare(
    incoming: ClientRequest,
    upstream: &'static dyn Dialect,
    profile: &Profile,
    settings: &Settings,
    context: Context,
    carry_over: Option<&CarryOver>,
) -> Result<UpstreamRequest, Error> {
    let ClientRequest { client, mut request, mut diagnostics, body, headers, .. } = incoming;
    if let Some(refusal) = request.same_dialect_only.take().filter(|_| client.name() != upstream.name()) {
        return Err(refusal.into());
    }
    let mut spec = ResponseSpec::new(&request, &context);
    let context = ResponseContext::new(&request, context);
    if let Some(model) = &settings.upstream_model
        && *model != request.model
    {
        spec.restore_alias = true;
        request.model.clone_from(model);
        diagnostics.record(DiagnosticCode::ModelAliased, "model", "");
    }
    spec.quirks = profile.responses;
    spec.reasoning = settings.reasoning;
    spec.signatures_in_ids = profile.messages.signatures_in_ids;
    let restores_reasoning = profile.messages.reasoning_history == ReasoningHistory::Restore;
    spec.turn_storage = match carry_over {
        None => TurnStorage::None,
        Some(_) if restores_reasoning => TurnStorage::OpaqueAndReasoning,
        Some(_) => TurnStorage::Opaque,
    };
    let defaults = settings.defaults();
    let nothing = StoredTurns::default();
    let stored = carry_over.map_or(&nothing, |carry_over| &carry_over.stored);
    OpaqueStateRule { upstream, stored, restores_reasoning }
        .strip_and_restore(&mut request, &mut diagnostics);
    normalize(&mut request, profile, &defaults, &mut spec, &mut diagnostics)?;
    if request.include_usage && spec.stream_usage == StreamUsage::None {
        spec.stream_usage = StreamUsage::Injected;
    }
    let source = (client.name() == upstream.name()).then_some(body.as_ref());
    let mut encoded = upstream.encode_request(&request, source, &mut diagnostics)?;
    params(&mut encoded.body, profile, &defaults, &mut diagnostics)?;
    // Bodies of many messages are large in this form: it goes before the next one is written.
    let model = std::mem::take(&mut request.model);
    let streams = request.stream;
    drop(request);
    let sending = if encoded.body.is_changed() || source.is_none() {
        let mut written = Vec::with_capacity(body.len() + 64);
        encoded.body.write(&mut written);
        Bytes::from(written)
    } else {
        body.clone()
    };
    let mut send = http::Request::new(sending);
    *send.method_mut() = Method::POST;
    if !profile.paths.chat.is_empty() && matches!(model.as_str(), "." | "..") {
        return Err(ClientError::invalid("`model` is not the name of a model.").at("model").into());
    }
    let url = if upstream.name() == profile.dialect {
        profile.paths.chat_url(&encoded.path, &model)
    } else {
        profile.paths.url(&encoded.path)
    };
    *send.uri_mut() = url.parse().map_err(|_| {
        let text = "`model` does not fit into the upstream's path: it is too long, or no name of a model.";
        ClientError::invalid(text).at("model")
    })?;
    *send.headers_mut() = encoded.headers;
    headers::pass(&headers, client, profile, send.headers_mut(), &mut diagnostics);
    send.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(UpstreamRequest { spec, context, streams, send, diagnostics })
}
