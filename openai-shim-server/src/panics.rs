//! Contains panics: one ends a single request, with an error for its client.

use openai_shim_core::error::ClientError;
use openai_shim_core::{Error, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a function; `None` if it panicked. The panic hook has logged the panic with its location. State that the function
/// was changing must not be used again.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// The error that the client gets after a panic.
pub(crate) fn error() -> Error {
    let text = "openai-shim itself failed on this request; its log says where.";
    Error::Client(ClientError::new(ErrorKind::Internal, text))
}
