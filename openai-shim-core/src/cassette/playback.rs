//! A cassette played to a client of any dialect: what the upstream is asked then, what the client gets, and every change.

use super::{Cassette, RecordedAttempt, RecordedRequest};
use crate::canonical::{Context, Diagnostics, Outcome};
use crate::dialect::Dialect;
use crate::dialect::route_lookup::generation_route;
use crate::error::{Error, UpstreamError};
use crate::exchange::{ClientRequest, Exchange, Settings, Step};
use crate::profile::profile;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::fmt;

/// What became of a cassette for a client of one dialect. Its [`Display`](fmt::Display) form is a golden file: stable, and
/// the same on every machine.
///
/// ```
/// # use openai_shim_core::cassette::{Cassette, RecordedAttempt, RecordedChunk, RecordedRequest, RecordedResponse};
/// # use openai_shim_core::dialect;
/// # use std::time::Duration;
/// #
/// # let chat = dialect("openai-chat")?;
/// # let request = RecordedRequest::post(
/// #     "/v1/chat/completions",
/// #     r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
/// # );
/// # let mut attempt = RecordedAttempt::default();
/// # attempt.request = request.clone();
/// # attempt.request.path = String::from("/chat/completions");
/// # let mut response = RecordedResponse::new(200, Vec::new());
/// # let bytes = r#"{"choices":[{"message":{"content":"hello"}}]}"#.into();
/// # response.chunks.push(RecordedChunk { at: Duration::from_millis(40), bytes });
/// # attempt.response = Some(response);
/// # let mut cassette = Cassette::new(chat, request, chat, "vllm");
/// # cassette.attempts.push(attempt);
/// use openai_shim_core::cassette::Playback;
/// let playback: Playback = cassette.convert_to(dialect("anthropic-messages")?);
/// assert_eq!((playback.request.path.as_str(), playback.status), ("/v1/messages", 200));
/// assert_eq!(playback.outcome.as_str(), "complete");
/// assert!(String::from_utf8(playback.body)?.contains(r#""text":"hello""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Playback {
    /// The client's request in its dialect.
    pub request: RecordedRequest,
    /// What the upstream is asked, in order.
    pub upstream_requests: Vec<RecordedRequest>,
    /// The status of the client's response.
    pub status: u16,
    /// The client's response.
    pub body: Vec<u8>,
    /// How the exchange ended.
    pub outcome: Outcome,
    /// Every change.
    pub diagnostics: Diagnostics,
}

impl Cassette {
    /// Plays the upstream's responses to a client of `client`'s dialect that makes the recorded request, chunk by chunk, with
    /// constant ids and times.
    pub fn convert_to(&self, client: Dialect) -> Playback {
        let request = match self.request_in(client) {
            Ok(request) => request,
            Err(error) => return Playback::refused(client, self.request.clone(), &error),
        };
        let started = ClientRequest::read(client, &request.path, request.body.clone())
            .and_then(|read| Exchange::start(read, self.targets(), Settings::default(), Context::fixed()));
        match started {
            Ok(exchange) => self.play(exchange, request),
            Err(error) => Playback::refused(client, request, &error),
        }
    }

    /// The client's request as a client of another dialect would make it.
    fn request_in(&self, client: Dialect) -> Result<RecordedRequest, Error> {
        if client.name() == self.client.name() {
            return Ok(self.request.clone());
        }
        let read = ClientRequest::read(self.client, &self.request.path, self.request.body.clone())?;
        let profile = profile("compatible").unwrap_or_default().with_only_dialect(client.name());
        let mut exchange = Exchange::start(read, profile, Settings::default(), Context::fixed())?;
        match exchange.next() {
            Step::Send { request, .. } => Ok(at_client_path(recorded(request), client)),
            _ => Err(Error::Upstream(UpstreamError::Empty)),
        }
    }

    fn play(&self, mut exchange: Exchange, request: RecordedRequest) -> Playback {
        let mut upstream_requests = Vec::new();
        let mut attempts = self.attempts.iter();
        let mut body = Vec::new();
        loop {
            match exchange.next() {
                Step::Send { request, .. } => {
                    upstream_requests.push(recorded(request));
                    let played = match attempts.next() {
                        Some(attempt) => play_attempt(attempt, &mut exchange, &mut body),
                        None => exchange.fail(RecordedAttempt::default().error(), &mut body),
                    };
                    if let Err(misuse) = played {
                        exchange.refuse(misuse.into(), &mut body);
                    }
                }
                Step::Load(keys) => {
                    if let Err(error) = exchange.provide(vec![None; keys.len()]) {
                        exchange.refuse(error, &mut body);
                    }
                }
                Step::Store(_) => {}
                Step::Await | Step::Done => break,
            }
        }
        let status = exchange.response_head().map_or(StatusCode::BAD_GATEWAY, |head| head.status).as_u16();
        let report = exchange.into_report();
        let (outcome, diagnostics) = (report.outcome, report.diagnostics);
        Playback { request, upstream_requests, status, body, outcome, diagnostics }
    }
}

/// A request to an upstream, at the path at which clients of the dialect send it: behind the beginning of one of their paths.
fn at_client_path(mut request: RecordedRequest, client: Dialect) -> RecordedRequest {
    let path = request.path.split('?').next().unwrap_or_default();
    let beginnings = client.endpoints().iter().flat_map(|endpoint| {
        endpoint.path.match_indices('/').filter_map(|(end, _)| endpoint.path.get(..end))
    });
    let is_clients = |beginning: &&str| {
        generation_route(&format!("{beginning}{path}"))
            .is_some_and(|(dialect, _)| dialect.name() == client.name())
    };
    if let Some(beginning) = beginnings.into_iter().find(is_clients) {
        request.path.insert_str(0, beginning);
    }
    request
}

fn play_attempt(
    attempt: &RecordedAttempt,
    exchange: &mut Exchange,
    out: &mut Vec<u8>,
) -> Result<(), crate::error::Misuse> {
    let Some(response) = &attempt.response else {
        return exchange.fail(attempt.error(), out);
    };
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    exchange.head(status, &header_map(&response.headers))?;
    for chunk in &response.chunks {
        exchange.set_elapsed(chunk.at);
        exchange.push(&chunk.bytes, out)?;
        // What comes behind the end is not read, as over a connection.
        if exchange.is_over() || exchange.has_failed() {
            return exchange.finish(out);
        }
    }
    match &attempt.failure {
        Some(failure) => exchange.fail(failure.to_error(), out),
        None => exchange.finish(out),
    }
}

/// Headers by name; a value that was redacted or is no header stays out.
pub(super) fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let parse = |(name, value): &(String, String)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
    };
    headers.iter().filter_map(parse).collect()
}

fn recorded(request: http::Request<Bytes>) -> RecordedRequest {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let mut recorded = RecordedRequest::post(path, body);
    recorded.headers = super::recorded_headers(&parts.headers);
    recorded
}

impl Playback {
    /// A request that gets an error before any upstream is asked.
    fn refused(client: Dialect, request: RecordedRequest, error: &Error) -> Self {
        let (status, body) = client.encode_error(error);
        Self {
            request,
            upstream_requests: Vec::new(),
            status: status.as_u16(),
            body: body.to_vec(),
            outcome: Outcome::Errored,
            diagnostics: Diagnostics::default(),
        }
    }

    /// The diagnostics, one in each line.
    pub fn diagnostics_text(&self) -> String {
        self.diagnostics
            .iter()
            .flat_map(|diagnostic| ["- ".into(), diagnostic.to_string(), "\n".into()])
            .collect()
    }
}

impl fmt::Display for Playback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "outcome: {}\nstatus: {}", self.outcome, self.status)?;
        f.write_str(&self.diagnostics_text())?;
        for request in std::iter::once(&self.request).chain(&self.upstream_requests) {
            write!(
                f,
                "--- {} {}\n{}\n",
                request.method,
                request.path,
                String::from_utf8_lossy(&request.body)
            )?;
        }
        write!(f, "--- {}\n{}", self.status, String::from_utf8_lossy(&self.body))
    }
}
