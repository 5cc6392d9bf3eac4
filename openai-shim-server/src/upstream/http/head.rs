//! Writes the head of an HTTP/1.1 request, and parses the head of a response.

use super::body_framing::Framing;
use crate::http::socket_errors::is_tls_record;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};

/// The most bytes of a response's head, together with interim responses (1xx).
const MAX_HEAD_BYTES: usize = 64 << 10;
/// The most header lines of a response.
const MAX_HEADERS: usize = 128;
/// Headers that only the connection sets.
const CONNECTION_HEADERS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// Writes a request's head. `fixed`: headers that every request has unless `headers` has them. `length`: of the body.
/// `None`: it is not known, and the body is chunked. `extra_capacity`: for a body that is appended.
pub(super) fn write(
    (method, path): (&Method, &str),
    fixed: &[(HeaderName, HeaderValue)],
    headers: &HeaderMap,
    length: Option<u64>,
    extra_capacity: usize,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512 + extra_capacity);
    for part in [method.as_str(), " ", path, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut line = |name: &HeaderName, value: &[u8]| {
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    };
    for (name, value) in fixed.iter().filter(|(name, _)| !headers.contains_key(name)) {
        line(name, value.as_bytes());
    }
    for (name, value) in headers.iter().filter(|(name, _)| !CONNECTION_HEADERS.contains(name)) {
        line(name, value.as_bytes());
    }
    match length {
        None => line(&TRANSFER_ENCODING, b"chunked"),
        Some(0) if matches!(*method, Method::GET | Method::HEAD | Method::DELETE) => {}
        Some(length) => line(&CONTENT_LENGTH, length.to_string().as_bytes()),
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// A response's head.
#[derive(Debug)]
pub(super) struct Http1Head {
    pub(super) response: Response<()>,
    pub(super) framing: Framing,
    /// The connection may be reused.
    pub(super) keeps_connection: bool,
}

/// Parses a head; returns it with its length in bytes. `None`: it is incomplete. `method`: of the request.
pub(super) fn parse(bytes: &[u8], method: &Method) -> Result<Option<(Http1Head, usize)>, String> {
    let mut start = 0;
    loop {
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut lines);
        let rest = bytes.get(start..).unwrap_or_default();
        let length = match parsed.parse(rest) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD_BYTES => {
                return Err(String::from("the head of its answer is too large"));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(String::from("the head of its answer has too many lines"));
            }
            Err(_) if is_tls_record(rest) => {
                return Err(String::from("its port has TLS; write https:// in its base_url"));
            }
            Err(_) => return Err(String::from("it does not speak HTTP")),
        };
        start += length;
        match parsed.code {
            Some(101) => return Err(String::from("it changed the protocol without a request for it")),
            // Interim responses are skipped.
            Some(100..=199) => {}
            _ => return build_head(&parsed, method).map(|head| Some((head, start))),
        }
    }
}

fn build_head(parsed: &httparse::Response<'_, '_>, method: &Method) -> Result<Http1Head, String> {
    let invalid = || String::from("it does not speak HTTP");
    let mut response = Response::new(());
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|_| invalid())?;
    *response.status_mut() = status;
    let is_http_10 = parsed.version == Some(0);
    *response.version_mut() = if is_http_10 { Version::HTTP_10 } else { Version::HTTP_11 };
    let headers = response.headers_mut();
    headers.reserve(parsed.headers.len());
    for line in parsed.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| invalid())?;
        headers.append(name, HeaderValue::from_bytes(line.value).map_err(|_| invalid())?);
    }
    let has_option = |option| has_list_item(headers, &CONNECTION, option);
    let keeps = !has_option("close") && (!is_http_10 || has_option("keep-alive"));
    let framing = framing(status, headers, method, is_http_10)?;
    let keeps_connection = keeps && framing != Framing::Close;
    Ok(Http1Head { response, framing, keeps_connection })
}

fn framing(
    status: StatusCode,
    headers: &HeaderMap,
    method: &Method,
    is_http_10: bool,
) -> Result<Framing, String> {
    if *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::Length(0));
    }
    if headers.contains_key(TRANSFER_ENCODING) && !is_http_10 {
        // `chunked` is always the last coding; a response without it ends with the connection.
        let last = headers.get_all(TRANSFER_ENCODING).iter().next_back().and_then(|v| v.to_str().ok());
        let last = last.and_then(|value| value.rsplit(',').next()).unwrap_or_default();
        let chunked = last.trim().eq_ignore_ascii_case("chunked");
        return Ok(if chunked { Framing::chunked() } else { Framing::Close });
    }
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for item in value.to_str().unwrap_or("?").split(',') {
            let item = item.trim();
            let number = item.bytes().all(|b| b.is_ascii_digit()).then(|| item.parse::<u64>().ok()).flatten();
            if number.is_none() || length.is_some_and(|length| Some(length) != number) {
                return Err(String::from("the length of its answer is no number"));
            }
            length = number;
        }
    }
    Ok(length.map_or(Framing::Close, Framing::Length))
}

/// Whether a header's comma-separated list has this item.
fn has_list_item(headers: &HeaderMap, name: &HeaderName, expected: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<(Http1Head, usize)>, String> {
        let result = parse(text.as_bytes(), &Method::POST);
        if let Ok(Some((_, length))) = &result {
            for cut in 0..*length {
                assert!(
                    parse(&text.as_bytes()[..cut], &Method::POST).unwrap().is_none(),
                    "{text:?} to {cut}"
                );
            }
        }
        result
    }

    #[test]
    fn headers_determine_framing_and_connection_reuse() {
        for (lines, framing, keeps) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", Framing::Length(5), true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\nContent-Length: 5\r\n", Framing::Length(5), true),
            ("HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\ncontent-length: 5\r\n", Framing::chunked(), true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n", Framing::chunked(), true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n", Framing::Close, false),
            ("HTTP/1.1 200 OK\r\n", Framing::Close, false),
            ("HTTP/1.1 204 No\r\n", Framing::Length(0), true),
            ("HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n", Framing::Length(0), false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n", Framing::Length(1), false),
            ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n", Framing::Length(1), true),
            (
                "HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 2\r\n",
                Framing::Length(2),
                true,
            ),
        ] {
            let text = format!("{lines}\r\nbody");
            let (head, length) = parsed(&text).unwrap().unwrap();
            assert_eq!((&head.framing, head.keeps_connection), (&framing, keeps), "{lines}");
            assert_eq!(&text[length..], "body");
        }
    }

    #[test]
    fn invalid_heads_are_errors() {
        for text in [
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
        let alert = parse(b"\x15\x03\x01\x00\x02\x02\x46", &Method::POST);
        assert!(alert.unwrap_err().contains("https://"));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: 1\r\n".repeat(MAX_HEADERS + 1));
        assert!(parse(many.as_bytes(), &Method::POST).is_err());
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_HEAD_BYTES));
        assert!(parse(long.as_bytes(), &Method::POST).is_err());
    }

    #[test]
    fn request_headers_replace_fixed_ones_but_not_connection_headers() {
        let fixed =
            [(HOST, HeaderValue::from_static("h")), (http::header::ACCEPT, HeaderValue::from_static("*/*"))];
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("text/html"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("99"));
        let text = |method, length| {
            String::from_utf8(write((method, "/v1/x?y"), &fixed, &headers, Some(length), 0)).unwrap()
        };
        assert_eq!(
            text(&Method::POST, 7),
            "POST /v1/x?y HTTP/1.1\r\nhost: h\r\naccept: text/html\r\ncontent-length: 7\r\n\r\n"
        );
        assert!(text(&Method::POST, 0).contains("content-length: 0\r\n"));
        assert_eq!(text(&Method::GET, 0), "GET /v1/x?y HTTP/1.1\r\nhost: h\r\naccept: text/html\r\n\r\n");
    }
}
