//! Errors of upstreams between any two dialects, and the envelope of each failure in each dialect.

use super::matrix::{Cell, Found, Side, encode, exchange, plain};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::error::{ClientError, StatusError, Unsupported};
use openai_shim_core::{Diagnostics, Error, ErrorKind, UpstreamError};
use serde_json::Value;
use std::fmt::Write as _;

const MESSAGE: &str = "It went wrong so.";

/// The error kinds of upstreams: the name in the matrix, a status, and the kind.
pub const STATED: &[(&str, u16, ErrorKind)] = &[
    ("a request that is not valid", 400, ErrorKind::InvalidRequest),
    ("a wrong key", 401, ErrorKind::Authentication),
    ("a key without the permission", 403, ErrorKind::Permission),
    ("no such model", 404, ErrorKind::NotFound),
    ("a body over the limit", 413, ErrorKind::TooLarge),
    ("too many requests", 429, ErrorKind::RateLimited),
    ("out of credit", 429, ErrorKind::Quota),
    ("a prompt over the context", 400, ErrorKind::ContextLength),
    ("stopped by a filter", 400, ErrorKind::ContentFiltered),
    ("overloaded", 503, ErrorKind::Overloaded),
    ("out of time", 504, ErrorKind::Timeout),
    ("a failure of the upstream", 500, ErrorKind::Upstream),
];

fn stated(status: u16, kind: ErrorKind) -> Error {
    Error::Upstream(UpstreamError::Status(Box::new(StatusError::new(status, kind, MESSAGE))))
}

/// Decodes an error in a dialect's envelope.
fn decode_error(by: Side, status: http::StatusCode, body: &[u8]) -> UpstreamError {
    by.decode_error(status, &http::HeaderMap::new(), body, &mut Diagnostics::default())
}

/// Tests whether kind and message of an upstream's error reach the client.
pub fn judge_error(status: u16, kind: ErrorKind, client: Side, upstream: Side) -> Found {
    let (status, body) = upstream.encode_error(&stated(status, kind));
    let own = decode_error(upstream, status, &body);
    if own.kind() != kind {
        return Found::new(Cell::Inexpressible);
    }
    let (mut exchange, mut out) =
        (exchange(encode(&plain(), client).unwrap(), upstream).unwrap(), Vec::new());
    exchange.next();
    exchange.head(status, &http::HeaderMap::new()).unwrap();
    exchange.push(&body, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    let status = exchange.response_head().unwrap().status;
    let received = decode_error(client, status, &out);
    let cell = match (received.message().contains(MESSAGE), received.kind() == kind) {
        (false, _) => Cell::Silent,
        (true, true) => Cell::Exact,
        (true, false) => Cell::Mapped,
    };
    Found::new(cell)
}

/// Every failure with its name.
fn failures() -> Vec<(String, Error)> {
    let mut all: Vec<(String, Error)> =
        STATED.iter().map(|(name, status, kind)| ((*name).to_owned(), stated(*status, *kind))).collect();
    let ours = [
        (
            "refused by the shim: a field that is not valid",
            Error::Client(ClientError::invalid(MESSAGE).at("n")),
        ),
        (
            "refused by the shim: the upstream cannot do it",
            Error::Unsupported(Unsupported::new("n", MESSAGE)),
        ),
        ("an answer with nothing usable", Error::Upstream(UpstreamError::Empty)),
        ("an answer that was cut", Error::Upstream(UpstreamError::Truncated)),
        ("an answer that cannot be read", Error::Upstream(UpstreamError::malformed(MESSAGE))),
        ("an answer over a limit", Error::Upstream(UpstreamError::TooLarge { message: MESSAGE.to_owned() })),
        ("no connection", Error::Upstream(UpstreamError::transport(MESSAGE))),
        ("no answer in time", Error::Upstream(UpstreamError::timeout(MESSAGE))),
        ("a fault of the shim", Error::Client(ClientError::new(ErrorKind::Internal, MESSAGE))),
    ];
    all.extend(ours.map(|(name, error)| (name.to_owned(), error)));
    all
}

/// The kind of an error in an envelope, if it has one.
fn kind_name(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap();
    let of = |key: &str| value["error"][key].as_str().map(str::to_owned);
    [of("type"), of("status"), of("code")].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Appends a table of status and kind of each failure in each dialect's envelope.
pub fn table(text: &mut String) {
    text.push_str("| what failed |");
    for dialect in DIALECTS {
        write!(text, " {} |", dialect.name()).unwrap();
    }
    write!(text, "\n|---|{}\n", "---|".repeat(DIALECTS.len())).unwrap();
    for (name, error) in failures() {
        write!(text, "| {name} |").unwrap();
        for dialect in DIALECTS {
            let (status, body) = dialect.encode_error(&error);
            write!(text, " {} |", format!("{} {}", status.as_u16(), kind_name(&body)).trim()).unwrap();
        }
        text.push('\n');
    }
}
