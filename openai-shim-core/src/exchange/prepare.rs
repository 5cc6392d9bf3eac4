//! The upstream's request, made from the client's.

use super::{Incoming, Settings, headers};
use crate::canonical::{Asked, Code, Context, Diagnostics};
use crate::dialect::Dialect;
use crate::error::{ClientError, Error};
use crate::normalize::{Opaque, normalize, params};
use crate::profile::{History, Profile};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

/// A request that is ready to be sent, and what must be remembered of it.
pub(super) struct Prepared {
    pub(super) asked: Asked,
    pub(super) send: http::Request<Bytes>,
    pub(super) notes: Diagnostics,
}

pub(super) fn prepare(
    incoming: Incoming,
    upstream: &'static dyn Dialect,
    profile: &Profile,
    settings: &Settings,
    context: Context,
) -> Result<Prepared, Error> {
    let Incoming { client, mut request, mut notes, body, headers, .. } = incoming;
    if let Some(refusal) = request.own_only.take().filter(|_| client.name() != upstream.name()) {
        return Err(refusal.into());
    }
    let mut asked = Asked::new(&request, context);
    if let Some(model) = &settings.upstream_model
        && *model != request.model
    {
        asked.echo_model = true;
        request.model.clone_from(model);
        notes.note(Code::ModelAliased, "model", "");
    }
    asked.quirks = profile.answers;
    asked.reasoning = settings.reasoning;
    asked.carry_signatures = profile.messages.carry_signatures;
    asked.keep_reasoning = settings.memory.is_some() && profile.messages.reasoning == History::Restore;
    let defaults = settings.defaults();
    Opaque::new(upstream, &profile.name, settings.memory.as_deref()).settle(
        &mut request,
        &mut asked,
        &mut notes,
    );
    normalize(&mut request, profile, &defaults, &mut asked, &mut notes)?;
    asked.usage_injected = request.include_usage && !asked.include_usage;
    let source = (client.name() == upstream.name()).then_some(body.as_ref());
    let mut encoded = upstream.encode_request(&request, source, &mut notes)?;
    params(&mut encoded.body, profile, &defaults, &mut notes)?;
    // Bodies of many messages are large in this form: it goes before the next one is written.
    let model = std::mem::take(&mut request.model);
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
    *send.uri_mut() = url.parse().unwrap_or_default();
    *send.headers_mut() = encoded.headers;
    headers::pass(&headers, client, profile, send.headers_mut(), &mut notes);
    send.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Prepared { asked, send, notes })
}
