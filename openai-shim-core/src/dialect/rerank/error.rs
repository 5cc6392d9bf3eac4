//! Errors in the envelopes of rankings: only the message, and TEI's word for the kind.

use super::super::openai_error;
use super::form::{ErrorForm, RerankForm};
use crate::error::{Error, ErrorKind};
use crate::json::{Object, encode_string};
use bytes::Bytes;
use http::StatusCode;

/// TEI's words for kinds of errors, which are `Backend` unless they are here:
/// <https://github.com/huggingface/text-embeddings-inference/blob/main/router/src/lib.rs>.
const ERROR_TYPES: [(ErrorKind, &str); 8] = [
    (ErrorKind::InvalidRequest, "Validation"),
    (ErrorKind::NotFound, "Validation"),
    (ErrorKind::TooLarge, "Validation"),
    (ErrorKind::ContextLength, "Validation"),
    (ErrorKind::Unsupported, "Validation"),
    (ErrorKind::RateLimited, "Overloaded"),
    (ErrorKind::Overloaded, "Overloaded"),
    (ErrorKind::Empty, "Empty"),
];

impl RerankForm {
    /// Encodes an error for a client.
    pub fn encode_error(&self, error: &Error) -> (StatusCode, Bytes) {
        let (status, _) = openai_error::encode(error);
        let text = error.message().into_owned();
        // These envelopes have no place for the field but the message.
        let text = match error.param().filter(|param| !text.contains(*param)) {
            Some(param) => format!("{param}: {text}"),
            None => text,
        };
        let mut body = Object::new();
        match self.error {
            ErrorForm::Detail => body.set("detail", encode_string(&text)),
            ErrorForm::Message => body.set("message", encode_string(&text)),
            ErrorForm::ErrorType => {
                let kind = ERROR_TYPES.iter().find(|(kind, _)| *kind == error.kind());
                body.set("error", encode_string(&text));
                body.set("error_type", encode_string(kind.map_or("Backend", |(_, word)| *word)));
            }
        }
        (status, Bytes::from(body.to_json()))
    }
}
