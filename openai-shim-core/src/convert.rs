//! One payload in, one payload out, and everything that was changed: for snapshot tests and the command line.
//!
//! The same code path as a live exchange, with the bytes handed in at once.

use crate::canonical::{Context, Diagnostics, Outcome};
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::exchange::{ClientRequest, Exchange, FallbackPolicy, Retry, Settings, Step};
use crate::profile::Profile;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;

/// What kind of payload is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// A client's request, on its way to an upstream.
    Request,
    /// An upstream's whole answer.
    Response,
    /// An upstream's stream.
    Stream,
    /// An upstream's error answer.
    Error,
}

impl PayloadKind {
    /// Reads `request`, `response`, `stream` or `error`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "request" => Self::Request,
            "response" => Self::Response,
            "stream" => Self::Stream,
            "error" => Self::Error,
            _ => return None,
        })
    }
}

/// What to convert.
#[derive(Debug, Clone)]
pub struct ConversionInput<'a> {
    /// The dialect of the payload: a client's for requests, an upstream's for answers.
    pub from: &'static dyn Dialect,
    /// The dialect to turn it into.
    pub to: &'static dyn Dialect,
    /// The upstream's profile; its own `dialect` and `also` are not looked at.
    pub profile: Profile,
    /// What kind of payload it is.
    pub kind: PayloadKind,
    /// The payload.
    pub body: &'a [u8],
    /// The request that an answer belongs to, in the dialect of the client (`to`); absent: a plain one is assumed.
    pub request: Option<&'a [u8]>,
    /// The status of an error answer; absent: 500.
    pub status: Option<u16>,
    /// Time and ids.
    pub context: Context,
}

/// What came of it. Its [`Display`](fmt::Display) is stable, and made for snapshots.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Conversion {
    /// The payload that goes out; for a failure the error in the client's dialect.
    pub body: Vec<u8>,
    /// Whether the payload could be converted.
    pub ok: bool,
    /// How the exchange ended; `None` for requests.
    pub outcome: Option<Outcome>,
    /// The status that the client gets; `None` for requests that were converted.
    pub status: Option<u16>,
    /// Everything that was changed.
    pub diagnostics: Diagnostics,
}

/// Converts one payload.
///
/// ```
/// use openai_shim_core::{convert, convert::Input, dialect, profile, Context, Kind};
/// let chat = dialect("openai-chat")?;
/// let conversion = convert(&Input {
///     from: chat,
///     to: chat,
///     profile: profile("compatible")?,
///     kind: Kind::Response,
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
        PayloadKind::Request => request(input),
        PayloadKind::Response | PayloadKind::Stream | PayloadKind::Error => answer(input),
    }
}

fn request(input: &ConversionInput<'_>) -> Conversion {
    let profile = speaking(&input.profile, input.to);
    let started = ClientRequest::read(input.from, "", Bytes::copy_from_slice(input.body))
        .and_then(|incoming| Exchange::start(incoming, profile, settings(), input.context.clone()));
    let mut exchange = match started {
        Ok(exchange) => exchange,
        Err(error) => return failed(input.from, &error),
    };
    let Step::Send { request, .. } = exchange.next() else {
        return failed(input.from, &Error::Upstream(UpstreamError::Empty));
    };
    Conversion {
        body: request.into_body().to_vec(),
        ok: true,
        outcome: None,
        status: None,
        diagnostics: exchange.diagnostics(),
    }
}

fn answer(input: &ConversionInput<'_>) -> Conversion {
    let profile = speaking(&input.profile, input.from);
    let given = input.request.map(|r| ClientRequest::read(input.to, "", Bytes::copy_from_slice(r)));
    let incoming = match given {
        Some(Ok(incoming)) => Ok(incoming),
        // A request that cannot be read says nothing about its answer.
        Some(Err(_)) | None => ClientRequest::plain(input.to),
    };
    let started = incoming.map(|mut incoming| {
        incoming.set_stream(input.kind == PayloadKind::Stream);
        incoming.name_model();
        incoming
    });
    let started =
        started.and_then(|incoming| Exchange::start(incoming, profile, settings(), input.context.clone()));
    let mut exchange = match started {
        Ok(exchange) => exchange,
        Err(error) => return failed(input.to, &error),
    };
    exchange.forget_request(input.request.is_some());
    let status = match input.kind {
        PayloadKind::Error => input.status.unwrap_or(500),
        _ => input.status.unwrap_or(200),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    exchange.next();
    exchange.head(status, &HeaderMap::new());
    let mut body = Vec::with_capacity(input.body.len());
    exchange.push(input.body, &mut body);
    exchange.finish(&mut body);
    let reply = exchange.reply().map(|r| r.status.as_u16());
    let report = exchange.into_report();
    Conversion {
        body,
        ok: input.kind == PayloadKind::Error || report.error.is_none(),
        outcome: Some(report.outcome),
        status: reply,
        diagnostics: report.diagnostics,
    }
}

/// The row, for an upstream that speaks this dialect and no other.
fn speaking(profile: &Profile, dialect: &dyn Dialect) -> Profile {
    let mut profile =
        Profile { dialect: dialect.name().to_owned(), extra_dialects: Vec::new(), ..profile.clone() };
    profile.model_overrides.iter_mut().for_each(|rules| rules.extra_dialects = None);
    profile
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.learn = false;
    settings.fallback.when = FallbackPolicy::Never;
    settings
}

fn failed(client: &dyn Dialect, error: &Error) -> Conversion {
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
