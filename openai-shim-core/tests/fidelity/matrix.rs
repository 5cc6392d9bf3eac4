//! Passes one probe between two dialects and judges the result.

use openai_shim_core::canonical::{
    Block, Choice, Event, FinishReason, Message, Request, Response, ResponseContext, ResponseSpec, Role,
    Usage, fold, unfold,
};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::error::{Error, StatusError};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, LossPolicy, Retry, Settings};
use openai_shim_core::framing::Framer;
use openai_shim_core::profile::profile;
use openai_shim_core::{Context, Diagnostics, ErrorKind, Exchange, Profile, Step, UpstreamError};
use serde_json::Value;
use std::collections::BTreeSet;

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

pub type Side = Dialect;

/// The result for a feature between two dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The sender's dialect cannot express it.
    Inexpressible,
    /// It arrives, and nothing is reported.
    Exact,
    /// It arrives, and a change is reported.
    Mapped,
    /// It does not arrive, and the loss is reported.
    Lost,
    /// It does not arrive, and nothing is reported.
    Silent,
    /// The request is rejected.
    Refused,
}

impl Cell {
    pub fn label(self) -> &'static str {
        match self {
            Self::Inexpressible => "–",
            Self::Exact => "exact",
            Self::Mapped => "mapped",
            Self::Lost => "reported loss",
            Self::Silent => "**silent**",
            Self::Refused => "refused",
        }
    }

    fn judge(arrives: bool, is_reported: bool) -> Self {
        match (arrives, is_reported) {
            (true, false) => Self::Exact,
            (true, true) => Self::Mapped,
            (false, true) => Self::Lost,
            (false, false) => Self::Silent,
        }
    }
}

/// Diagnostics of features that the shim implements for the upstream.
const DONE_HERE: [&str; 2] = ["choices-one-by-one", "stop-applied"];

/// The result for a feature, and its diagnostic codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub cell: Cell,
    pub codes: BTreeSet<String>,
}

impl Found {
    pub fn new(cell: Cell) -> Self {
        Self { cell, codes: BTreeSet::new() }
    }

    fn judge(arrives: bool, diagnostics: &BTreeSet<String>, usual: &BTreeSet<String>) -> Self {
        let new: Vec<&String> = diagnostics.difference(usual).collect();
        let code = |record: &&String| record.split(' ').next().unwrap_or_default().to_owned();
        let codes: BTreeSet<String> = new.iter().map(code).collect();
        // A feature that the shim implements itself arrives.
        let arrives = arrives || DONE_HERE.iter().any(|code| codes.contains(*code));
        Self { cell: Cell::judge(arrives, !new.is_empty()), codes }
    }
}

/// A feature of requests.
pub struct RequestProbe {
    pub name: &'static str,
    feature: Feature,
}

enum Feature {
    /// It is in the canonical request: how it is added for the dialect with this name, and whether a request has it.
    Canonical(fn(&mut Request, &str), fn(&Request) -> bool),
    /// It is in a client's JSON: how it is added, which is false in a dialect that has no such thing, and whether it is in what
    /// the upstream reads or in the JSON that it gets.
    Written(fn(&mut Value, &str) -> bool, fn(&Request, &Value) -> bool),
}

impl RequestProbe {
    pub const fn new(name: &'static str, add: fn(&mut Request, &str), arrives: fn(&Request) -> bool) -> Self {
        Self { name, feature: Feature::Canonical(add, arrives) }
    }

    pub const fn written(
        name: &'static str,
        add: fn(&mut Value, &str) -> bool,
        arrives: fn(&Request, &Value) -> bool,
    ) -> Self {
        Self { name, feature: Feature::Written(add, arrives) }
    }

    /// The request of a client with the feature; `None` if its dialect cannot express it.
    fn incoming(&self, client: Side) -> Option<Result<ClientRequest, Error>> {
        let mut request = plain();
        match self.feature {
            Feature::Canonical(add, arrives) => {
                add(&mut request, client.name());
                encode(&request, client).filter(|read| arrives(read.request())).map(Ok)
            }
            Feature::Written(add, _) => {
                let (path, body) = written(&request, client)?;
                let mut body = serde_json::from_str(&body).unwrap();
                add(&mut body, client.name())
                    .then(|| ClientRequest::read(client, &path, body.to_string().into()))
            }
        }
    }

    fn arrives(&self, read: &Request, sent: &Value) -> bool {
        match self.feature {
            Feature::Canonical(_, arrives) => arrives(read),
            Feature::Written(_, arrives) => arrives(read, sent),
        }
    }
}

/// A feature of responses.
pub struct ResponseProbe {
    pub name: &'static str,
    /// Adds the feature to a response of the dialect with this name.
    add: fn(&mut Response, &str),
    /// Whether a response has the feature.
    arrives: fn(&Response) -> bool,
}

impl ResponseProbe {
    pub const fn new(
        name: &'static str,
        add: fn(&mut Response, &str),
        arrives: fn(&Response) -> bool,
    ) -> Self {
        Self { name, add, arrives }
    }
}

pub fn plain() -> Request {
    let mut request = Request::default();
    (request.model, request.messages) = (String::from("m"), vec![Message::text(Role::User, "hi")].into());
    request
}

pub fn hello() -> Response {
    let (mut response, mut choice) = (Response::default(), Choice::default());
    choice.blocks = vec![Block::text("Hello")];
    choice.finish = Some(FinishReason::Stop);
    (response.id, response.model, response.created) = (Some("x".into()), Some("m".into()), Some(1));
    (response.usage, response.choices) = (Some(Usage::new(30, 20)), vec![choice]);
    response
}

fn profile_for(upstream: Side) -> Profile {
    let mut upstream_profile = Profile::native(upstream).unwrap_or_else(|| profile("compatible").unwrap());
    upstream.name().clone_into(&mut upstream_profile.dialect);
    upstream_profile
}

pub fn exchange(incoming: ClientRequest, upstream: Side) -> Option<Exchange> {
    exchange_under(LossPolicy::default(), incoming, upstream)
}

fn exchange_under(losses: LossPolicy, incoming: ClientRequest, upstream: Side) -> Option<Exchange> {
    let mut settings = Settings::default();
    (settings.retry, settings.fallback.when) = (Retry::none(), FallbackPolicy::Never);
    (settings.loss_policy, settings.adapt) = (losses, false);
    Exchange::start(incoming, profile_for(upstream), settings, Context::fixed()).ok()
}

/// Encodes a request as a client of this dialect; `None` if it cannot.
pub fn encode(request: &Request, client: Side) -> Option<ClientRequest> {
    let (path, body) = written(request, client)?;
    ClientRequest::read(client, &path, body.into()).ok()
}

fn written(request: &Request, client: Side) -> Option<(String, String)> {
    let encoded = client.encode_request(request, None, &mut Diagnostics::default()).ok()?;
    Some((encoded.path.clone(), encoded.body.to_json()))
}

fn texts(diagnostics: &Diagnostics) -> BTreeSet<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

/// What an upstream gets.
struct Sent {
    /// The request as the upstream decodes it.
    read: Request,
    body: Value,
    diagnostics: BTreeSet<String>,
}

/// `None` if the request was rejected.
fn sent(incoming: ClientRequest, upstream: Side) -> Option<Sent> {
    let mut exchange = exchange(incoming, upstream)?;
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let (path, body) = (request.uri().to_string(), bytes::Bytes::copy_from_slice(request.body()));
    let read = upstream.decode_request(&path, &body, &mut Diagnostics::default());
    let body = serde_json::from_slice(&body).unwrap();
    // A request that the upstream cannot read arrives without anything.
    Some(Sent { read: read.unwrap_or_default(), body, diagnostics: texts(&exchange.diagnostics()) })
}

pub fn judge_request(probe: &RequestProbe, client: Side, upstream: Side) -> Found {
    let incoming = match probe.incoming(client) {
        None => return Found::new(Cell::Inexpressible),
        Some(Err(_)) => return Found::new(Cell::Refused),
        Some(Ok(incoming)) => incoming,
    };
    let usual = sent(encode(&plain(), client).unwrap(), upstream).map(|sent| sent.diagnostics);
    match sent(incoming, upstream) {
        None => Found::new(Cell::Refused),
        Some(found) => Found::judge(
            probe.arrives(&found.read, &found.body),
            &found.diagnostics,
            &usual.unwrap_or_default(),
        ),
    }
}

/// Whether a request with the feature is rejected in strict mode.
pub fn is_refused_when_strict(probe: &RequestProbe, client: Side, upstream: Side) -> bool {
    let incoming = probe.incoming(client).and_then(Result::ok);
    incoming.is_none_or(|incoming| exchange_under(LossPolicy::Strict, incoming, upstream).is_none())
}

/// Encodes a response in one dialect, streaming or not.
pub fn encode_response(response: &Response, by: Side, spec: &ResponseSpec) -> Vec<u8> {
    if !spec.stream {
        return by.encode_response(response, spec, &mut context(), &mut Diagnostics::default());
    }
    let (mut encoder, mut out) = (by.encoder(spec, &context()), Vec::new());
    for event in unfold(response) {
        encoder.event(&event, &mut out);
    }
    encoder.finish(&mut out);
    out
}

/// Decodes the events of a stream.
pub fn decode_events(body: &[u8], by: Side, spec: &ResponseSpec) -> Vec<Event> {
    let (mut decoder, mut framer, mut events) =
        (by.decoder(spec, &context()), Framer::new(1 << 20), Vec::new());
    framer.push(body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    events
}

/// Decodes a response, streaming or not.
pub fn decode_response(body: &[u8], by: Side, spec: &ResponseSpec) -> Result<Response, UpstreamError> {
    if spec.stream {
        return fold(&decode_events(body, by, spec));
    }
    by.decode_response(body, spec, &mut context(), &mut Diagnostics::default())
}

/// The request of a client of this dialect.
pub fn client_request(client: Side, stream: bool) -> Request {
    let mut request = plain();
    (request.stream, request.include_usage) = (stream, true);
    super::blocks::tools(&mut request);
    if encode(&request, client).is_none_or(|read| read.request().tools.is_empty()) {
        request.tools.edit().clear();
    }
    request
}

/// Which sides stream.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    pub client: bool,
    pub upstream: bool,
}

fn begin_response(client: Side, upstream: Side, stream: bool) -> Exchange {
    let incoming = encode(&client_request(client, stream), client).unwrap();
    let mut exchange = exchange(incoming, upstream).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange
}

/// Passes a response through an exchange; returns the client's body and the diagnostics.
pub fn pass(
    response: &Response,
    client: Side,
    upstream: Side,
    stream: Stream,
) -> (Vec<u8>, BTreeSet<String>) {
    let spec = ResponseSpec::new(&client_request(client, stream.upstream), &Context::fixed());
    let (mut exchange, mut out) = (begin_response(client, upstream, stream.client), Vec::new());
    exchange.push(&encode_response(response, upstream, &spec), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (out, texts(&exchange.diagnostics()))
}

/// The same for a stream with an error after its first content.
pub fn pass_broken(response: &Response, client: Side, upstream: Side) -> (Vec<u8>, BTreeSet<String>) {
    let spec = ResponseSpec::new(&client_request(client, true), &Context::fixed());
    let (mut encoder, mut body) = (upstream.encoder(&spec, &context()), Vec::new());
    let events = unfold(response).into_iter().take_while(|event| !matches!(event, Event::Close { .. }));
    events.for_each(|event| encoder.event(&event, &mut body));
    let failed = StatusError::new(500, ErrorKind::Upstream, "It went wrong so.");
    encoder.event(&Event::Error(UpstreamError::Status(Box::new(failed))), &mut body);
    let (mut exchange, mut out) = (begin_response(client, upstream, true), Vec::new());
    exchange.push(&body, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (out, texts(&exchange.diagnostics()))
}

fn pass_and_decode(
    response: &Response,
    client: Side,
    upstream: Side,
    stream: bool,
) -> (Response, BTreeSet<String>) {
    let (out, diagnostics) = pass(response, client, upstream, Stream { client: stream, upstream: stream });
    let read =
        decode_response(&out, client, &ResponseSpec::new(&client_request(client, stream), &Context::fixed()));
    let read = read.unwrap_or_else(|error| {
        panic!("{} of {}: {error}: {}", client.name(), upstream.name(), String::from_utf8_lossy(&out))
    });
    (read, diagnostics)
}

pub fn judge_response(probe: &ResponseProbe, client: Side, upstream: Side, stream: bool) -> Found {
    let ResponseProbe { add, arrives, .. } = probe;
    let mut response = hello();
    add(&mut response, upstream.name());
    let mut request = plain();
    super::blocks::tools(&mut request);
    (request.stream, request.include_usage) = (stream, true);
    let spec = ResponseSpec::new(&request, &Context::fixed());
    let own = decode_response(&encode_response(&response, upstream, &spec), upstream, &spec);
    if !own.is_ok_and(|own| arrives(&own)) {
        return Found::new(Cell::Inexpressible);
    }
    let (_, usual) = pass_and_decode(&hello(), client, upstream, stream);
    let (read, diagnostics) = pass_and_decode(&response, client, upstream, stream);
    Found::judge(arrives(&read), &diagnostics, &usual)
}
