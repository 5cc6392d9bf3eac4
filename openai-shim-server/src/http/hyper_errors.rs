//! Adds an error body to the refusals that hyper itself writes for malformed requests (400, 414, 431).
//!
//! hyper has no hook for this: its refusal is recognized by its bytes, as the last write on a connection.

use crate::http::responses::default_dialect;
use openai_shim_core::Error;
use openai_shim_core::error::ClientError;

/// The length of `Sun, 06 Nov 1994 08:49:37 GMT`.
const DATE_BYTES: usize = 29;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One of hyper's refusals, and what is added to it.
struct HyperRefusal {
    /// hyper's bytes up to the date.
    head: &'static [u8],
    status: &'static str,
    code: &'static str,
    message: &'static str,
}

const REFUSALS: [HyperRefusal; 3] = [
    HyperRefusal {
        head: b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: ",
        status: "400 Bad Request",
        code: "malformed_http",
        message: "This is not an HTTP/1.1 request: its first line or one of its headers is malformed.",
    },
    HyperRefusal {
        head: b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\ndate: ",
        status: "414 URI Too Long",
        code: "uri_too_long",
        message: "The address of the request is longer than 65534 bytes. Send what it holds in the body.",
    },
    HyperRefusal {
        head: b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: ",
        status: "431 Request Header Fields Too Large",
        code: "headers_too_large",
        message: "The request has more than 100 headers, or they are too long. Send fewer or shorter ones.",
    },
];

/// Returns the bytes with a JSON body, if they end with one of hyper's refusals.
pub(crate) fn with_error_body(bytes: &[u8]) -> Option<Vec<u8>> {
    let before_end = bytes.strip_suffix(HEAD_END)?;
    let (before_date, date) = before_end.split_at_checked(before_end.len().checked_sub(DATE_BYTES)?)?;
    let refusal = REFUSALS.iter().find(|refusal| before_date.ends_with(refusal.head))?;
    let before = before_date.strip_suffix(refusal.head)?;
    let error = ClientError::invalid(refusal.message).with_code(refusal.code);
    let (_, body) = default_dialect().encode_error(&Error::Client(error));
    let head = format!(
        "HTTP/1.1 {}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\ndate: ",
        refusal.status,
        body.len()
    );
    Some([before, head.as_bytes(), date, HEAD_END, &body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_without_a_refusal_at_their_end_are_left_alone() {
        let refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let refused = String::from_utf8(with_error_body(refusal.as_bytes()).unwrap()).unwrap();
        assert!(refused.contains("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{"), "{refused}");
        let after = format!("3\r\nend\r\n0\r\n\r\n{refusal}");
        assert!(with_error_body(after.as_bytes()).unwrap().starts_with(b"3\r\nend\r\n0\r\n\r\nHTTP/1.1 400"));
        for other in
            ["", "\r\n\r\n", &format!("{refusal}x"), &refusal.replace("400 Bad Request", "404 Not Found")]
        {
            assert!(with_error_body(other.as_bytes()).is_none(), "{other:?}");
        }
    }
}
