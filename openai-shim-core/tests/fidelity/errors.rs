//! What becomes of an upstream's error, and what a client of each dialect sees of each kind.

use super::matrix::{Cell, Found, Side, exchange, plain, written};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::error::{ClientError, StatusError, Unsupported};
use openai_shim_core::{Diagnostics, Error, ErrorKind, UpstreamError};
use serde_json::Value;
use std::fmt::Write as _;

const WORDS: &str = "It went wrong so.";

/// The kinds that an upstream can state, with a status that it may state them under, and the name in the matrix.
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
    Error::Upstream(UpstreamError::Status(Box::new(StatusError::new(status, kind, WORDS))))
}

/// How an error in one dialect's envelope is read.
fn read(by: Side, status: http::StatusCode, body: &[u8]) -> UpstreamError {
    by.decode_error(status, &http::HeaderMap::new(), body, &mut Diagnostics::default())
}

/// An upstream states an error: whether its kind and its words reach the client.
pub fn failed(status: u16, kind: ErrorKind, client: Side, upstream: Side) -> Found {
    let (status, body) = upstream.encode_error(&stated(status, kind));
    let own = read(upstream, status, &body);
    if own.kind() != kind {
        return Found::new(Cell::Unsayable);
    }
    let (mut exchange, mut out) =
        (exchange(written(&plain(), client).unwrap(), upstream).unwrap(), Vec::new());
    exchange.next();
    exchange.head(status, &http::HeaderMap::new()).unwrap();
    exchange.push(&body, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    let told = exchange.response_head().unwrap().status;
    let heard = read(client, told, &out);
    let cell = match (heard.to_string().contains(WORDS), heard.kind() == kind) {
        (false, _) => Cell::Silent,
        (true, true) => Cell::Exact,
        (true, false) => Cell::Mapped,
    };
    Found::new(cell)
}

/// Every failure there is, and its name.
fn failures() -> Vec<(String, Error)> {
    let mut all: Vec<(String, Error)> =
        STATED.iter().map(|(name, status, kind)| ((*name).to_owned(), stated(*status, *kind))).collect();
    let ours = [
        (
            "refused by the shim: a field that is not valid",
            Error::Client(ClientError::invalid(WORDS).at("n")),
        ),
        ("refused by the shim: the upstream cannot do it", Error::Unsupported(Unsupported::new("n", WORDS))),
        ("an answer with nothing usable", Error::Upstream(UpstreamError::Empty)),
        ("an answer that was cut", Error::Upstream(UpstreamError::Truncated)),
        ("an answer that cannot be read", Error::Upstream(UpstreamError::malformed(WORDS))),
        ("an answer over a limit", Error::Upstream(UpstreamError::TooLarge { message: WORDS.to_owned() })),
        ("no connection", Error::Upstream(UpstreamError::transport(WORDS))),
        ("no answer in time", Error::Upstream(UpstreamError::timeout(WORDS))),
        ("a fault of the shim", Error::Client(ClientError::new(ErrorKind::Internal, WORDS))),
    ];
    all.extend(ours.map(|(name, error)| (name.to_owned(), error)));
    all
}

/// The word for the kind in an envelope, where it has one.
fn word(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap();
    let of = |key: &str| value["error"][key].as_str().map(str::to_owned);
    [of("type"), of("status"), of("code")].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Status and words of each failure in each dialect's envelope.
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
            write!(text, " {} |", format!("{} {}", status.as_u16(), word(&body)).trim()).unwrap();
        }
        text.push('\n');
    }
}
