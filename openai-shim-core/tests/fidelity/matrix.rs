//! One probe between two dialects, and what became of it.

use openai_shim_core::canonical::{
    Block, Choice, Event, FinishReason, Message, Request, Response, ResponseContext, ResponseSpec, Role,
    Usage, fold, unfold,
};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::error::StatusError;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::framing::Framer;
use openai_shim_core::profile::{native_profile, profile};
use openai_shim_core::{Context, Diagnostics, ErrorKind, Exchange, Profile, Step, UpstreamError};
use std::collections::BTreeSet;

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

pub type Side = &'static dyn Dialect;

/// What became of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The sender's dialect has no way to say it.
    Unsayable,
    /// It arrives, and nothing was noted.
    Exact,
    /// It arrives, and what was changed is noted.
    Mapped,
    /// It does not arrive, and that is noted.
    Lost,
    /// It does not arrive, and nothing says so.
    Silent,
    /// The request is refused.
    Refused,
}

impl Cell {
    pub fn word(self) -> &'static str {
        match self {
            Self::Unsayable => "–",
            Self::Exact => "exact",
            Self::Mapped => "mapped",
            Self::Lost => "reported loss",
            Self::Silent => "**silent**",
            Self::Refused => "refused",
        }
    }

    fn judge(arrives: bool, noted: bool) -> Self {
        match (arrives, noted) {
            (true, false) => Self::Exact,
            (true, true) => Self::Mapped,
            (false, true) => Self::Lost,
            (false, false) => Self::Silent,
        }
    }
}

/// What the shim does in an upstream's place.
const DONE_HERE: [&str; 2] = ["choices-one-by-one", "stop-applied"];

/// What became of it, and the diagnostics that say so.
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
        let fresh: Vec<&String> = diagnostics.difference(usual).collect();
        let code = |record: &&String| record.split(' ').next().unwrap_or_default().to_owned();
        let codes: BTreeSet<String> = fresh.iter().map(code).collect();
        // What the upstream is not asked for and the shim does itself is done.
        let arrives = arrives || DONE_HERE.iter().any(|code| codes.contains(*code));
        Self { cell: Cell::judge(arrives, !fresh.is_empty()), codes }
    }
}

/// What a request may ask: how it is asked in a dialect of that name, and whether it was read at the other end.
pub struct Ask(pub &'static str, pub fn(&mut Request, &str), pub fn(&Request) -> bool);

/// What an answer may say, the same way.
pub struct Say(pub &'static str, pub fn(&mut Response, &str), pub fn(&Response) -> bool);

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

fn row(upstream: Side) -> Profile {
    let mut row = native_profile(upstream.name()).unwrap_or_else(|| profile("compatible").unwrap());
    upstream.name().clone_into(&mut row.dialect);
    row
}

pub fn exchange(incoming: ClientRequest, upstream: Side) -> Option<Exchange> {
    let mut settings = Settings::default();
    (settings.retry, settings.fallback.when) = (Retry::none(), FallbackPolicy::Never);
    Exchange::start(incoming, row(upstream), settings, Context::fixed()).ok()
}

/// A request as a client of this dialect writes it; and what it cannot say.
pub fn written(request: &Request, client: Side) -> Option<ClientRequest> {
    let encoded = client.encode_request(request, None, &mut Diagnostics::default()).ok()?;
    ClientRequest::read(client, &encoded.path, encoded.body.to_json().into()).ok()
}

fn told(diagnostics: &Diagnostics) -> BTreeSet<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

/// What the upstream reads of a request, and what was noted; `None`: it was refused.
fn sent(incoming: ClientRequest, upstream: Side) -> Option<(Request, BTreeSet<String>)> {
    let mut exchange = exchange(incoming, upstream)?;
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let path = request.uri().to_string();
    let read = upstream.decode_request(
        &path,
        &bytes::Bytes::copy_from_slice(request.body()),
        &mut Diagnostics::default(),
    );
    Some((read.unwrap(), told(&exchange.diagnostics())))
}

pub fn spec(Ask(_, ask, arrives): &Ask, client: Side, upstream: Side) -> Found {
    let (mut probe, base) = (plain(), written(&plain(), client).unwrap());
    ask(&mut probe, client.name());
    let Some(incoming) = written(&probe, client).filter(|read| arrives(read.request())) else {
        return Found::new(Cell::Unsayable);
    };
    let usual = sent(base, upstream).map(|(_, diagnostics)| diagnostics).unwrap_or_default();
    match sent(incoming, upstream) {
        None => Found::new(Cell::Refused),
        Some((read, diagnostics)) => Found::judge(arrives(&read), &diagnostics, &usual),
    }
}

/// The bytes of an answer in one dialect, whole or streamed.
pub fn spoken(response: &Response, by: Side, spec: &ResponseSpec) -> Vec<u8> {
    if !spec.stream {
        return by.encode_response(response, &spec, &mut context(), &mut Diagnostics::default());
    }
    let (mut encoder, mut out) = (by.encoder(spec, &context()), Vec::new());
    for event in unfold(response) {
        encoder.event(&event, &mut out);
    }
    encoder.finish(&mut out);
    out
}

/// The events of a stream.
pub fn heard_events(body: &[u8], by: Side, spec: &ResponseSpec) -> Vec<Event> {
    let (mut decoder, mut framer, mut events) =
        (by.decoder(spec, &context()), Framer::new(1 << 20), Vec::new());
    framer.push(body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    events
}

/// What a body says to its reader.
pub fn heard(body: &[u8], by: Side, spec: &ResponseSpec) -> Result<Response, UpstreamError> {
    if spec.stream {
        return fold(&heard_events(body, by, spec));
    }
    by.decode_response(body, &spec, &mut context(), &mut Diagnostics::default())
}

/// The request that a client of this dialect sends for an answer.
pub fn asking(client: Side, stream: bool) -> Request {
    let mut request = plain();
    (request.stream, request.include_usage) = (stream, true);
    super::blocks::tools(&mut request);
    if written(&request, client).is_none_or(|read| read.request().tools.is_empty()) {
        request.tools.edit().clear();
    }
    request
}

/// Who streams.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    pub client: bool,
    pub upstream: bool,
}

fn begun(client: Side, upstream: Side, stream: bool) -> Exchange {
    let incoming = written(&asking(client, stream), client).unwrap();
    let mut exchange = exchange(incoming, upstream).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange
}

/// The bytes of an answer as the client gets them, and what was noted.
pub fn passed(
    response: &Response,
    client: Side,
    upstream: Side,
    stream: Stream,
) -> (Vec<u8>, BTreeSet<String>) {
    let spec = ResponseSpec::new(&asking(client, stream.upstream), &Context::fixed());
    let (mut exchange, mut out) = (begun(client, upstream, stream.client), Vec::new());
    exchange.push(&spoken(response, upstream, &spec), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (out, told(&exchange.diagnostics()))
}

/// The same of a stream in which the upstream reports an error after its first words.
pub fn broken(response: &Response, client: Side, upstream: Side) -> (Vec<u8>, BTreeSet<String>) {
    let spec = ResponseSpec::new(&asking(client, true), &Context::fixed());
    let (mut encoder, mut body) = (upstream.encoder(&spec, &context()), Vec::new());
    let said = unfold(response).into_iter().take_while(|event| !matches!(event, Event::Close { .. }));
    said.for_each(|event| encoder.event(&event, &mut body));
    let failed = StatusError::new(500, ErrorKind::Upstream, "It went wrong so.");
    encoder.event(&Event::Error(UpstreamError::Status(Box::new(failed))), &mut body);
    let (mut exchange, mut out) = (begun(client, upstream, true), Vec::new());
    exchange.push(&body, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (out, told(&exchange.diagnostics()))
}

fn answer(response: &Response, client: Side, upstream: Side, stream: bool) -> (Response, BTreeSet<String>) {
    let (out, diagnostics) = passed(response, client, upstream, Stream { client: stream, upstream: stream });
    let read = heard(&out, client, &ResponseSpec::new(&asking(client, stream), &Context::fixed()));
    let read = read.unwrap_or_else(|error| {
        panic!("{} of {}: {error}: {}", client.name(), upstream.name(), String::from_utf8_lossy(&out))
    });
    (read, diagnostics)
}

pub fn answered(Say(_, say, arrives): &Say, client: Side, upstream: Side, stream: bool) -> Found {
    let mut probe = hello();
    say(&mut probe, upstream.name());
    let mut request = plain();
    super::blocks::tools(&mut request);
    (request.stream, request.include_usage) = (stream, true);
    let spec = ResponseSpec::new(&request, &Context::fixed());
    let own = heard(&spoken(&probe, upstream, &spec), upstream, &spec);
    if !own.is_ok_and(|own| arrives(&own)) {
        return Found::new(Cell::Unsayable);
    }
    let (_, usual) = answer(&hello(), client, upstream, stream);
    let (read, diagnostics) = answer(&probe, client, upstream, stream);
    Found::judge(arrives(&read), &diagnostics, &usual)
}
