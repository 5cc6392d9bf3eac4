//! Puts the parts together: sockets, the checks that every request passes, and the handlers of the routes.

pub(crate) mod pipeline;
mod serve;

pub use serve::{ServeError, serve, serve_on};
