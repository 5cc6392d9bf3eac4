//! Decodes a compressed client body within a size limit: coded bytes in, plain bytes or a client error out.

use super::decoder::{Coding, Decoder};
use bytes::Bytes;
use openai_shim_core::ErrorKind;
use openai_shim_core::error::ClientError;

/// Undoes `codings` from the last to the first. Every intermediate result may have at most `limit` bytes.
pub(crate) fn decode(codings: &[Coding], body: Bytes, limit: usize) -> Result<Bytes, ClientError> {
    codings.iter().rev().try_fold(body, |body, coding| decode_one(*coding, &body, limit))
}

fn decode_one(coding: Coding, body: &[u8], limit: usize) -> Result<Bytes, ClientError> {
    let (mut decoder, mut out) = (Decoder::new(coding), Vec::new());
    let result = decoder.decode(body, &mut out, limit.saturating_add(1));
    let fault = match result {
        Ok(_) if out.len() > limit => {
            let text = format!(
                "The request body is larger than {limit} bytes once its content-encoding is decoded, the limit of this \
                 server (limits.request_body)."
            );
            return Err(ClientError::new(ErrorKind::TooLarge, text));
        }
        Ok(_) if decoder.is_complete() => return Ok(Bytes::from(out)),
        Ok(_) => "was cut off",
        Err(_) => "is not what its header says",
    };
    let name = coding.name();
    Err(ClientError::invalid(format!(
        "The request body {fault}: `content-encoding: {name}` cannot be decoded. Send the whole body, or none of the header."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::content_coding::decoder::tests::encode_all;

    #[test]
    fn codings_are_undone_from_the_last_to_the_first() {
        let all = encode_all(b"hello");
        let (_, gzip, inner) = all[0].clone();
        let twice = encode_all(&inner).into_iter().find(|(name, ..)| *name == "br").unwrap();
        let body = Bytes::from(twice.2);
        assert_eq!(decode(&[gzip, twice.1], body.clone(), 1000).unwrap(), "hello");
        assert!(decode(&[twice.1, gzip], body, 1000).is_err());
    }

    #[test]
    fn body_that_decodes_beyond_the_limit_is_too_large() {
        for (name, coding, bytes) in encode_all(&vec![b'a'; 8 << 20]) {
            assert!(bytes.len() < 10_000, "{name}");
            let error = decode(&[coding], Bytes::from(bytes), 1 << 20).unwrap_err();
            assert_eq!(error.kind, ErrorKind::TooLarge, "{name}");
            assert!(error.message.contains("limits.request_body"), "{name}");
        }
    }

    #[test]
    fn truncated_body_is_an_invalid_request() {
        for (name, coding, bytes) in encode_all(b"hello hello hello") {
            let cut = Bytes::copy_from_slice(&bytes[..bytes.len() - 1]);
            let error = decode(&[coding], cut, 1000).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest, "{name}");
            assert!(error.message.contains("content-encoding"), "{}", error.message);
        }
    }
}
