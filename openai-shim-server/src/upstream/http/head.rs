//! The heads of HTTP/1.1: ours is written, the upstream's is read.

use super::body_framing::Framing;
use super::connect_error::is_tls_record;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};

/// The most bytes of an answer's head, all interim ones (1xx) together.
pub(super) const MAX_HEAD: usize = 64 << 10;
/// The most header lines of an answer.
const MAX_HEADERS: usize = 128;
/// Headers that are the connection's own.
const OURS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// Writes a request's head. `fixed` are the lines that every request carries.
pub(super) fn write(
    (method, path): (&Method, &str),
    fixed: &[(HeaderName, HeaderValue)],
    headers: &HeaderMap,
    length: usize,
    room: usize,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512 + room);
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
    for (name, value) in headers.iter().filter(|(name, _)| !OURS.contains(name)) {
        line(name, value.as_bytes());
    }
    if length > 0 || !matches!(*method, Method::GET | Method::HEAD | Method::DELETE) {
        line(&CONTENT_LENGTH, length.to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// An answer's head.
#[derive(Debug)]
pub(super) struct Http1Head {
    pub(super) response: Response<()>,
    pub(super) framing: Framing,
    /// The connection may serve again.
    pub(super) keeps: bool,
}

/// Reads a head; with it, how long it was. `None`: more is needed.
pub(super) fn read(bytes: &[u8], spec: &Method) -> Result<Option<(Http1Head, usize)>, String> {
    let mut start = 0;
    loop {
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut lines);
        let rest = bytes.get(start..).unwrap_or_default();
        let length = match parsed.parse(rest) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD => {
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
            Some(101) => return Err(String::from("it changed the protocol unasked")),
            // Interim answers say nothing that we need.
            Some(100..=199) => {}
            _ => return head(&parsed, spec).map(|head| Some((head, start))),
        }
    }
}

fn head(parsed: &httparse::Response<'_, '_>, spec: &Method) -> Result<Http1Head, String> {
    let broken = || String::from("it does not speak HTTP");
    let mut response = Response::new(());
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|_| broken())?;
    *response.status_mut() = status;
    let old = parsed.version == Some(0);
    *response.version_mut() = if old { Version::HTTP_10 } else { Version::HTTP_11 };
    let headers = response.headers_mut();
    headers.reserve(parsed.headers.len());
    for line in parsed.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| broken())?;
        headers.append(name, HeaderValue::from_bytes(line.value).map_err(|_| broken())?);
    }
    let says = |word| listed(headers, &CONNECTION, word);
    let keeps = if old { says("keep-alive") && !says("close") } else { !says("close") };
    let framing = framing(status, headers, spec, old)?;
    let keeps = keeps && framing != Framing::Close;
    Ok(Http1Head { response, framing, keeps })
}

fn framing(status: StatusCode, headers: &HeaderMap, spec: &Method, old: bool) -> Result<Framing, String> {
    if *spec == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::Length(0));
    }
    if headers.contains_key(TRANSFER_ENCODING) && !old {
        // Chunks are always the outermost coding; an answer without them ends with the connection.
        let last = headers.get_all(TRANSFER_ENCODING).iter().next_back().and_then(|v| v.to_str().ok());
        let last = last.and_then(|value| value.rsplit(',').next()).unwrap_or_default();
        let chunked = last.trim().eq_ignore_ascii_case("chunked");
        return Ok(if chunked { Framing::chunked() } else { Framing::Close });
    }
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for said in value.to_str().unwrap_or("?").split(',') {
            let said = said.trim();
            let number = said.bytes().all(|b| b.is_ascii_digit()).then(|| said.parse::<u64>().ok()).flatten();
            if number.is_none() || length.is_some_and(|length| Some(length) != number) {
                return Err(String::from("the length of its answer is no number"));
            }
            length = number;
        }
    }
    Ok(length.map_or(Framing::Close, Framing::Length))
}

fn listed(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<(Http1Head, usize)>, String> {
        let whole = read(text.as_bytes(), &Method::POST);
        if let Ok(Some((_, length))) = &whole {
            for cut in 0..*length {
                assert!(read(&text.as_bytes()[..cut], &Method::POST).unwrap().is_none(), "{text:?} to {cut}");
            }
        }
        whole
    }

    #[test]
    fn a_body_is_cut_as_its_head_says() {
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
            assert_eq!((&head.framing, head.keeps), (&framing, keeps), "{lines}");
            assert_eq!(&text[length..], "body");
        }
    }

    #[test]
    fn what_is_no_head_is_refused() {
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
        let alert = read(b"\x15\x03\x01\x00\x02\x02\x46", &Method::POST);
        assert!(alert.unwrap_err().contains("https://"));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: 1\r\n".repeat(MAX_HEADERS + 1));
        assert!(read(many.as_bytes(), &Method::POST).is_err());
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_HEAD));
        assert!(read(long.as_bytes(), &Method::POST).is_err());
    }

    #[test]
    fn a_request_carries_what_is_fixed_unless_it_says_otherwise_itself() {
        let fixed =
            [(HOST, HeaderValue::from_static("h")), (http::header::ACCEPT, HeaderValue::from_static("*/*"))];
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("text/html"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("99"));
        let text = |method, length| {
            String::from_utf8(write((method, "/v1/x?y"), &fixed, &headers, length, 0)).unwrap()
        };
        assert_eq!(
            text(&Method::POST, 7),
            "POST /v1/x?y HTTP/1.1\r\nhost: h\r\naccept: text/html\r\ncontent-length: 7\r\n\r\n"
        );
        assert!(text(&Method::POST, 0).contains("content-length: 0\r\n"));
        assert_eq!(text(&Method::GET, 0), "GET /v1/x?y HTTP/1.1\r\nhost: h\r\naccept: text/html\r\n\r\n");
    }
}
