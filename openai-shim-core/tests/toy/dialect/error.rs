//! Errors to JSON and back: `{"fault":{"kind":"no-key","text":"…"}}`.

use super::wire::write_line;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::json::{Object, encode_string};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Each kind of error with its status and the dialect's name for it.
const TABLE: &[(ErrorKind, u16, &str)] = &[
    (ErrorKind::InvalidRequest, 400, "wrong"),
    (ErrorKind::Authentication, 401, "no-key"),
    (ErrorKind::Permission, 403, "forbidden"),
    (ErrorKind::NotFound, 404, "nothing-there"),
    (ErrorKind::TooLarge, 413, "too-much"),
    (ErrorKind::RateLimited, 429, "too-often"),
    (ErrorKind::Quota, 429, "out-of-credit"),
    (ErrorKind::ContextLength, 400, "too-long"),
    (ErrorKind::ContentFiltered, 400, "filtered"),
    (ErrorKind::Unsupported, 400, "not-here"),
    (ErrorKind::Overloaded, 503, "busy"),
    (ErrorKind::Timeout, 504, "late"),
    (ErrorKind::Empty, 502, "empty"),
    (ErrorKind::Truncated, 502, "cut"),
    (ErrorKind::Upstream, 502, "broken"),
    (ErrorKind::Internal, 500, "our-fault"),
];

fn row(kind: ErrorKind) -> (u16, &'static str) {
    TABLE.iter().find(|(k, ..)| *k == kind).map_or((500, "our-fault"), |(_, status, name)| (*status, name))
}

/// Encodes an error with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => row(other.kind()).0,
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    (status, Bytes::from(envelope(error)))
}

/// Appends an error as the last line of a stream.
pub(super) fn encode_in_stream(error: &Error, out: &mut Vec<u8>) {
    write_line(out, &envelope(error));
}

fn envelope(error: &Error) -> String {
    let mut fault = Object::new();
    fault.set("kind", encode_string(row(error.kind()).1));
    fault.set("text", encode_string(&error.message()));
    format!(r#"{{"fault":{}}}"#, fault.to_json())
}

/// Decodes an error response: its status, its headers and any body.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let stated = status.as_u16();
    let parsed = Object::parse(body.trim_ascii()).ok();
    let mut error = match parsed.as_ref().and_then(|object| object.object("fault")) {
        Some(fault) => read(&fault),
        None => {
            diagnostics.record(DiagnosticCode::ErrorReshaped, "fault", "no fault in it");
            let message = format!("The upstream answered with status {stated} and no readable error.");
            let kind = TABLE.iter().find(|(_, s, _)| *s == stated).map_or(ErrorKind::Upstream, |(k, ..)| *k);
            StatusError::new(stated, kind, message)
        }
    };
    error.status = stated;
    error.retry_after = headers
        .get("retry-after")
        .and_then(|v| v.to_str().ok()?.trim().parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    UpstreamError::Status(Box::new(error))
}

/// Decodes an error in a response with a success status or in a stream.
pub(super) fn in_body(fault: &Object<'_>) -> UpstreamError {
    UpstreamError::Status(Box::new(read(fault)))
}

fn read(fault: &Object<'_>) -> StatusError {
    let kind_name = fault.str("kind").unwrap_or_default();
    let (kind, status) = TABLE
        .iter()
        .find(|(.., known)| *known == kind_name)
        .map_or((ErrorKind::Upstream, 502), |(kind, status, _)| (*kind, *status));
    let text = fault.str("text").filter(|text| !text.is_empty());
    let message = text.unwrap_or("The upstream reported a fault without a word about it.".into());
    StatusError::new(status, kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_row() {
        for kind in ErrorKind::ALL {
            assert!(TABLE.iter().any(|(k, ..)| *k == kind), "{kind:?}");
        }
    }
}
