//! The server around [`openai_shim_core`]: HTTP on both sides, configuration, keys, limits, logs and metrics.
//!
//! Payloads are core's task. [`router`] is the server without a socket, [`serve`](serve()) the server with one.

#![forbid(unsafe_code)]

pub mod config;

mod app_state;
pub mod cassettes;
mod client_connection;
mod clock;
mod current_app;
mod handlers;
mod http;
mod limits;
pub mod observe;
mod offload;
mod panics;
mod process_state;
mod request_meta;
mod routing;
mod server;
mod state;
pub mod upstream;

pub use config::Config;
pub use server::{ServeError, serve, serve_on};

use app_state::AppState;
use axum::Router;
use config::UpstreamConfig;
use openai_shim_core::Upstream;
use std::sync::Arc;

/// All routes, with one transport for every configured upstream: for tests and for custom transports.
///
/// ```
/// use openai_shim_server::config::{Overrides, read};
/// use openai_shim_server::upstream::echo::Echo;
/// let config = read(&Overrides { upstream: Some("echo".into()), ..Overrides::default() })?;
/// let app: axum::Router = openai_shim_server::router(config, std::sync::Arc::new(Echo));
/// # Ok::<(), openai_shim_server::config::ConfigError>(())
/// ```
pub fn router(config: Config, upstream: Arc<dyn Upstream>) -> Router {
    router_with(config, |_| upstream.clone())
}

/// All routes; `connect` returns the transport of each configured upstream.
pub fn router_with(config: Config, connect: impl Fn(&UpstreamConfig) -> Arc<dyn Upstream>) -> Router {
    server::pipeline::router(Arc::new(AppState::new(config, connect)))
}
