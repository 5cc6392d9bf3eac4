//! Content codings (RFC 9110, section 8.4): decoders, and their use on client requests and upstream responses.

mod decoder;
pub(crate) mod request;
pub(crate) mod response;

pub(crate) use decoder::{Coding, SUPPORTED, parse_codings};
