//! A fault of ours ends one request, in the client's own envelope, and nothing else.

use axum::response::Response;
use openai_shim_core::error::ClientError;
use openai_shim_core::{Dialect, Error, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls something; `None` if it panicked. The panic itself is in the log, with its place. What it worked on must not be used
/// again.
pub(crate) fn polled<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// What the client is told.
pub(crate) fn error() -> Error {
    let text = "openai-shim itself failed on this request; its log says where.";
    Error::Client(ClientError::new(ErrorKind::Internal, text))
}

/// The same, as a reply.
pub(crate) fn reply(dialect: &dyn Dialect) -> Response {
    crate::http::responses::error(dialect, &error())
}
