//! The server around [`openai_shim_core`]: HTTP on both sides, configuration, keys, limits, logs and metrics.
//!
//! It knows nothing of any payload; that is core's. [`router`] is all of it without a socket, [`serve`](serve()) with one.

#![forbid(unsafe_code)]

pub mod config;

mod app;
mod auth;
mod bodies;
mod body;
mod choose;
mod cors;
mod forward;
mod generate;
mod health;
mod metrics;
mod models;
mod pages;
mod panics;
mod reply;
mod routes;
mod serve;
mod shutdown;
mod stream;
pub mod telemetry;
pub mod upstream;

pub use app::App;
pub use config::Config;
pub use serve::{ServeError, serve, serve_on};

use axum::Router;
use openai_shim_core::Upstream;
use std::sync::Arc;

/// All routes, over one transport for every configured upstream: for tests, and for those who bring their own.
pub fn router(config: Config, upstream: Arc<dyn Upstream>) -> Router {
    routes::router(Arc::new(App::new(config, |_| upstream.clone())))
}
