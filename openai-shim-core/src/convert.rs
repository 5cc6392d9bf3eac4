//! One recorded payload to the payload for another dialect, with all diagnostics: for snapshot tests and the command line.
//!
//! The code path is that of a live exchange, with all bytes in one chunk.

use crate::canonical::{Context, Diagnostics, Outcome};
use crate::dialect::Dialect;
use crate::error::word;
use crate::error::{Error, Misuse, UpstreamError};
use crate::exchange::{ClientRequest, Exchange, FallbackPolicy, Retry, Settings, Step};
use crate::profile::Profile;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;

/// The kind of a payload.
///
/// ```
/// use openai_shim_core::PayloadKind;
/// assert_eq!("stream".parse::<PayloadKind>().ok(), Some(PayloadKind::Stream));
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
/// use openai_shim_core::{convert, convert::ConversionInput, dialect, profile, Context, PayloadKind};
/// let input = ConversionInput {
///     from: dialect("ollama-chat")?,
///     to: dialect("openai-chat")?,
///     profile: profile("openai")?,
///     kind: PayloadKind::Request,
///     body: br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"options":{"num_predict":9}}"#,
///     request: None,
///     status: None,
///     context: Context::fixed(),
/// };
/// let conversion = convert(&input);
/// assert!(String::from_utf8(conversion.body)?.contains(r#""max_tokens":9"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
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
    /// The request that the response answers, in the client's dialect (`to`); `None`: a minimal request is assumed.
    pub request: Option<&'a [u8]>,
    /// The HTTP status of the response; `None`: 500 for errors, else 200.
    pub status: Option<u16>,
    /// The time and ids that the result contains.
    pub context: Context,
}

/// The result of a conversion. Its [`Display`](fmt::Display) form is stable and intended for snapshots.
///
/// ```
/// use openai_shim_core::{convert, convert::ConversionInput, dialect, profile, Context, PayloadKind};
/// let conversion: convert::Conversion = convert(&ConversionInput {
///     from: dialect("openai-chat")?,
///     to: dialect("anthropic-messages")?,
///     profile: profile("vllm")?,
///     kind: PayloadKind::Error,
///     body: br#"{"error":{"message":"no such model","code":404}}"#,
///     request: None,
///     status: Some(404),
///     context: Context::fixed(),
/// });
/// assert_eq!((conversion.ok, conversion.status), (true, Some(404)));
/// assert!(String::from_utf8(conversion.body)?.contains("not_found_error"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Conversion {
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
}

/// Converts one payload.
///
/// ```
/// use openai_shim_core::{convert, convert::ConversionInput, dialect, profile, Context, PayloadKind};
/// let chat = dialect("openai-chat")?;
/// let conversion = convert(&ConversionInput {
///     from: chat,
///     to: chat,
///     profile: profile("compatible")?,
///     kind: PayloadKind::Response,
///     body: br#"{"choices":[{"message":{"content":"hi"}}]}"#,
///     request: None,
///     status: None,
///     context: Context::fixed(),
/// });
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
    let started = ClientRequest::read(input.from, "", Bytes::copy_from_slice(input.body))
        .and_then(|request| Exchange::start(request, profile, settings(), input.context.clone()));
    let mut exchange = match started {
        Ok(exchange) => exchange,
        Err(error) => return failure(input.from, &error),
    };
    let Step::Send { request, .. } = exchange.next() else {
        return failure(input.from, &Error::Upstream(UpstreamError::Empty));
    };
    Conversion {
        body: request.into_body().to_vec(),
        ok: true,
        outcome: None,
        status: None,
        diagnostics: exchange.diagnostics(),
    }
}

fn convert_response(input: &ConversionInput<'_>) -> Conversion {
    let profile = input.profile.clone().with_only_dialect(input.from.name());
    let request = input.request.map(|body| ClientRequest::read(input.to, "", Bytes::copy_from_slice(body)));
    let request = match request {
        Some(Ok(request)) => Ok(request),
        // A request that cannot be decoded has no facts that shape the response.
        Some(Err(_)) | None => ClientRequest::minimal(input.to),
    };
    let started = request.map(|mut request| {
        request.set_stream(input.kind == PayloadKind::Stream);
        request.set_default_model();
        request
    });
    let started =
        started.and_then(|request| Exchange::start(request, profile, settings(), input.context.clone()));
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
    let status = exchange.response_head().map(|head| head.status.as_u16());
    let report = exchange.into_report();
    Conversion {
        body,
        ok: input.kind == PayloadKind::Error || report.error.is_none(),
        outcome: Some(report.outcome),
        status,
        diagnostics: report.diagnostics,
    }
}

/// Passes a complete response to an exchange.
fn push_response(
    exchange: &mut Exchange,
    status: StatusCode,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Misuse> {
    exchange.next();
    exchange.head(status, &HeaderMap::new())?;
    exchange.push(body, out)?;
    exchange.finish(out)
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.adapt = false;
    settings.fallback.when = FallbackPolicy::Never;
    settings
}

fn failure(client: Dialect, error: &Error) -> Conversion {
    let (status, body) = client.encode_error(error);
    Conversion {
        body: body.to_vec(),
        ok: false,
        outcome: Some(Outcome::Errored),
        status: Some(status.as_u16()),
        diagnostics: Diagnostics::default(),
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
