//! One recorded payload to the payload for another dialect, with all diagnostics: for snapshot tests and the command line.
//!
//! The code path is that of a live exchange, with all bytes in one chunk.

use crate::canonical::{Context, Diagnostics, Outcome};
use crate::dialect::Dialect;
use crate::error::{Error, Misuse, UpstreamError, word};
use crate::exchange::{ClientRequest, Exchange, FallbackPolicy, Retry, Settings, Step};
use crate::json::pretty;
use crate::profile::Profile;
use crate::state::{Owner, StateEntry, StateKey};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;

/// The kind of a payload.
///
/// ```
/// use openai_shim_core::PayloadKind;
/// assert_eq!("stream".parse::<PayloadKind>()?, PayloadKind::Stream);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// A client's request to an upstream.
    Request,
    /// An upstream's non-streaming response.
    Response,
    /// An upstream's stream.
    Stream,
    /// An upstream's error response.
    Error,
}

impl PayloadKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Request, Self::Response, Self::Stream, Self::Error];

    /// `request`, `response`, `stream` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Stream => "stream",
            Self::Error => "error",
        }
    }
}

word!(PayloadKind: "payload kind");

/// A payload, and how to convert it.
///
/// ```
/// use openai_shim_core::convert::ConversionInput;
/// use openai_shim_core::{dialect, profile};
/// let answer = br#"{"choices":[{"message":{"content":"hi"}}]}"#;
/// let conversion = ConversionInput::response(dialect("openai-chat")?, answer)
///     .to(dialect("anthropic-messages")?)
///     .profile(profile("vllm")?)
///     .convert();
/// assert!(conversion.ok && conversion.pretty().contains("\"type\": \"message\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConversionInput<'a> {
    /// The payload's dialect: the client's for requests, the upstream's for responses.
    pub from: Dialect,
    /// The dialect of the result.
    pub to: Dialect,
    /// The upstream's profile; its `dialect` and `extra_dialects` are ignored.
    pub profile: Profile,
    /// The payload's kind.
    pub kind: PayloadKind,
    /// The payload.
    pub body: &'a [u8],
    /// Path and query that the client's request was sent to, for dialects that name the model there; empty: a usual one.
    pub path: &'a str,
    /// The request that the response answers, in the client's dialect (`to`); `None`: a minimal request is assumed.
    pub request: Option<&'a [u8]>,
    /// The HTTP status of the response; `None`: 500 for errors, else 200.
    pub status: Option<u16>,
    /// The settings of the exchange; `None`: one attempt, and no fallback.
    pub settings: Option<Settings>,
    /// What is stored of the conversation; `None`: there is no store.
    pub state: Option<Vec<StateEntry>>,
    /// The time and ids that the result contains.
    pub context: Context,
}

impl<'a> ConversionInput<'a> {
    /// A payload of any kind. The result is of the same dialect, for an upstream without quirks, at a fixed time, unless the methods
    /// below say otherwise.
    pub fn new<B: AsRef<[u8]> + ?Sized>(kind: PayloadKind, from: Dialect, body: &'a B) -> Self {
        Self {
            from,
            to: from,
            profile: Profile::default(),
            kind,
            body: body.as_ref(),
            path: "",
            request: None,
            status: None,
            settings: None,
            state: None,
            context: Context::fixed(),
        }
    }

    /// A client's request.
    pub fn request<B: AsRef<[u8]> + ?Sized>(from: Dialect, body: &'a B) -> Self {
        Self::new(PayloadKind::Request, from, body)
    }

    /// An upstream's non-streaming response.
    pub fn response<B: AsRef<[u8]> + ?Sized>(from: Dialect, body: &'a B) -> Self {
        Self::new(PayloadKind::Response, from, body)
    }

    /// An upstream's stream.
    pub fn stream<B: AsRef<[u8]> + ?Sized>(from: Dialect, body: &'a B) -> Self {
        Self::new(PayloadKind::Stream, from, body)
    }

    /// An upstream's error response.
    pub fn error<B: AsRef<[u8]> + ?Sized>(from: Dialect, status: u16, body: &'a B) -> Self {
        Self::new(PayloadKind::Error, from, body).status(status)
    }

    /// Sets the dialect of the result.
    pub fn to(mut self, to: Dialect) -> Self {
        self.to = to;
        self
    }

    /// Sets the upstream's profile. Its dialects are ignored: `from` and `to` decide.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets path and query that the client's request was sent to, such as `/v1beta/models/m:generateContent`.
    pub fn path(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    /// Sets the request that the response answers, in the client's dialect.
    pub fn for_request<B: AsRef<[u8]> + ?Sized>(mut self, body: &'a B) -> Self {
        self.request = Some(body.as_ref());
        self
    }

    /// Sets the HTTP status of the response.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the settings of the exchange. There is one attempt, whatever they say.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Gives the exchange a store with these entries, such as [`Conversion::state`] of the response before.
    pub fn state(mut self, entries: Vec<StateEntry>) -> Self {
        self.state = Some(entries);
        self
    }

    /// Sets the time and ids that the result contains.
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Converts the payload, as [`convert`] does.
    pub fn convert(&self) -> Conversion {
        convert(self)
    }

    /// The settings of the exchange.
    fn exchange_settings(&self) -> Settings {
        let mut settings = self.settings.clone().unwrap_or_else(|| {
            let mut settings = Settings::default();
            settings.fallback.when = FallbackPolicy::Never;
            settings
        });
        settings.retry = Retry::none();
        settings.adapt = false;
        settings
    }

    /// Reads a client's request; it has an owner if there is a store.
    fn client_request(&self, client: Dialect, body: &[u8]) -> Result<ClientRequest, Error> {
        let client_request = ClientRequest::read(client, self.path, Bytes::copy_from_slice(body))?;
        Ok(self.with_owner(client_request))
    }

    fn with_owner(&self, client_request: ClientRequest) -> ClientRequest {
        match &self.state {
            Some(entries) => {
                let owner = entries.first().map_or_else(Owner::single, |entry| entry.key.owner.clone());
                client_request.with_owner(owner)
            }
            None => client_request,
        }
    }

    /// What is stored under these keys.
    fn stored(&self, keys: &[StateKey]) -> Vec<Option<Bytes>> {
        let entries = self.state.as_deref().unwrap_or_default();
        let value =
            |key: &StateKey| entries.iter().find(|entry| entry.key == *key).map(|entry| entry.value.clone());
        keys.iter().map(value).collect()
    }
}

/// The result of a conversion. Its [`Display`](fmt::Display) form is stable and intended for snapshots.
///
/// ```
/// use openai_shim_core::convert::{Conversion, ConversionInput};
/// use openai_shim_core::dialect;
/// let body = br#"{"error":{"message":"no such model","code":404}}"#;
/// let conversion: Conversion =
///     ConversionInput::error(dialect("openai-chat")?, 404, body).to(dialect("anthropic-messages")?).convert();
/// assert_eq!((conversion.ok, conversion.status), (true, Some(404)));
/// assert!(String::from_utf8(conversion.body)?.contains("not_found_error"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Conversion {
    /// Method and path of the converted request, such as `POST /chat/completions`; `None` for converted responses.
    pub request_line: Option<String>,
    /// The converted payload; after a failure, an error in the client's dialect.
    pub body: Vec<u8>,
    /// Whether the payload was converted.
    pub ok: bool,
    /// How the exchange ended; `None` for converted requests.
    pub outcome: Option<Outcome>,
    /// The HTTP status that the client receives; `None` for converted requests.
    pub status: Option<u16>,
    /// All changes.
    pub diagnostics: Diagnostics,
    /// What is to be stored for the conversation's next request; empty without [`ConversionInput::state`].
    pub state: Vec<StateEntry>,
}

impl Conversion {
    /// The payload as text: a document indented, a stream as it is.
    pub fn pretty(&self) -> String {
        pretty(&self.body).unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned())
    }

    /// One line for each diagnostic; empty if nothing was changed.
    pub fn diagnostics_text(&self) -> String {
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text.push_str(&diagnostic.to_string());
            text.push('\n');
        }
        text
    }
}

/// Converts one payload.
///
/// ```
/// use openai_shim_core::{convert, convert::ConversionInput, dialect};
/// let answer = br#"{"choices":[{"message":{"content":"hi"}}]}"#;
/// let conversion = convert(&ConversionInput::response(dialect("openai-chat")?, answer));
/// assert!(conversion.ok && conversion.to_string().contains("finish-reason-derived"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert(input: &ConversionInput<'_>) -> Conversion {
    match input.kind {
        PayloadKind::Request => convert_request(input),
        PayloadKind::Response | PayloadKind::Stream | PayloadKind::Error => convert_response(input),
    }
}

fn convert_request(input: &ConversionInput<'_>) -> Conversion {
    let profile = input.profile.clone().with_only_dialect(input.to.name());
    let settings = input.exchange_settings();
    let started = input
        .client_request(input.from, input.body)
        .and_then(|request| Exchange::start(request, profile, settings, input.context.clone()));
    let sent = started.and_then(|mut exchange| Ok((first_request(&mut exchange, input)?, exchange)));
    let (request, exchange) = match sent {
        Ok(sent) => sent,
        Err(error) => return failure(input.from, &error),
    };
    Conversion {
        request_line: Some(format!("{} {}", request.method(), request.uri())),
        body: request.into_body().to_vec(),
        ok: true,
        outcome: None,
        status: None,
        diagnostics: exchange.diagnostics(),
        state: Vec::new(),
    }
}

/// The first request that the exchange sends. What it loads is taken from the input.
fn first_request(
    exchange: &mut Exchange,
    input: &ConversionInput<'_>,
) -> Result<http::Request<Bytes>, Error> {
    let mut step = exchange.next();
    if let Step::Load(keys) = &step {
        exchange.provide(input.stored(keys))?;
        step = exchange.next();
    }
    match step {
        Step::Send { request, .. } => Ok(request),
        _ => Err(Error::Upstream(UpstreamError::Empty)),
    }
}

fn convert_response(input: &ConversionInput<'_>) -> Conversion {
    let profile = input.profile.clone().with_only_dialect(input.from.name());
    let request = match input.request.map(|body| input.client_request(input.to, body)) {
        Some(Ok(request)) => Ok(request),
        // A request that cannot be decoded has no facts that shape the response.
        Some(Err(_)) | None => ClientRequest::minimal(input.to).map(|request| input.with_owner(request)),
    };
    let started = request.and_then(|mut request| {
        request.set_stream(input.kind == PayloadKind::Stream);
        request.set_default_model();
        Exchange::start(request, profile, input.exchange_settings(), input.context.clone())
    });
    let started = started.and_then(|mut exchange| {
        first_request(&mut exchange, input)?;
        Ok(exchange)
    });
    let mut exchange = match started {
        Ok(exchange) => exchange,
        Err(error) => return failure(input.to, &error),
    };
    exchange.forget_request(input.request.is_some());
    let status = match input.kind {
        PayloadKind::Error => input.status.unwrap_or(500),
        _ => input.status.unwrap_or(200),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = Vec::with_capacity(input.body.len());
    if let Err(misuse) = push_response(&mut exchange, status, input.body, &mut body) {
        return failure(input.to, &misuse.into());
    }
    let mut state = Vec::new();
    while let Step::Store(entries) = exchange.next() {
        state.extend(entries);
    }
    let status = exchange.response_head().map(|head| head.status.as_u16());
    let report = exchange.into_report();
    Conversion {
        request_line: None,
        body,
        ok: input.kind == PayloadKind::Error || report.error.is_none(),
        outcome: Some(report.outcome),
        status,
        diagnostics: report.diagnostics,
        state,
    }
}

/// Passes a complete response to an exchange.
fn push_response(
    exchange: &mut Exchange,
    status: StatusCode,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Misuse> {
    exchange.head(status, &HeaderMap::new())?;
    exchange.push(body, out)?;
    exchange.finish(out)
}

fn failure(client: Dialect, error: &Error) -> Conversion {
    let (status, body) = client.encode_error(error);
    Conversion {
        request_line: None,
        body: body.to_vec(),
        ok: false,
        outcome: Some(Outcome::Errored),
        status: Some(status.as_u16()),
        diagnostics: Diagnostics::default(),
        state: Vec::new(),
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(request_line) = &self.request_line {
            writeln!(f, "request: {request_line}")?;
        }
        if let Some(outcome) = self.outcome {
            writeln!(f, "outcome: {outcome}")?;
        }
        if let Some(status) = self.status {
            writeln!(f, "status: {status}")?;
        }
        for diagnostic in &self.diagnostics {
            writeln!(f, "- {diagnostic}")?;
        }
        writeln!(f, "---")?;
        f.write_str(&String::from_utf8_lossy(&self.body))
    }
}
