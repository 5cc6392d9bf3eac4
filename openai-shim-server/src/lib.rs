//! The server around [`openai_shim_core`]: HTTP on both sides, configuration, keys, limits, logs and metrics.
//!
//! It knows nothing of any payload; that is core's. [`router`] is all of it without a socket, [`serve`](serve()) with one.

#![forbid(unsafe_code)]

pub mod config;

mod app_state;
mod handlers;
mod http;
pub mod observe;
mod offload;
mod routing;
mod state;
pub mod upstream;

pub use config::Config;
pub use http::listener::{ServeError, serve, serve_on};

use app_state::AppState;
use axum::Router;
use config::UpstreamConfig;
use openai_shim_core::Upstream;
use std::sync::Arc;

/// All routes, over one transport for every configured upstream: for tests, and for those who bring their own.
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

/// All routes, over a transport of its own for each configured upstream.
pub fn router_with(config: Config, connect: impl Fn(&UpstreamConfig) -> Arc<dyn Upstream>) -> Router {
    http::routes::router(Arc::new(AppState::new(config, connect)))
}
