//! Puts the parts together: sockets, the checks that every request passes, and the handlers of the routes.

pub(crate) mod pipeline;
mod reload;
mod serve;
mod watch;

pub use serve::{ServeError, serve, serve_on};
