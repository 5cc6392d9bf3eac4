//! Starts and stops the server: from a configuration to connected upstreams, a listener and shutdown signals.

use super::pipeline;
use crate::app_state::AppState;
use crate::config::Config;
use crate::http::{listener, shutdown, systemd};
use crate::upstream::{self, UnusableUpstream};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address could not be bound.
    #[error(
        "{address} cannot be listened on: {source}. Choose another one with --listen ADDR, such as --listen 127.0.0.1:8001."
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// An upstream's transport could not be built.
    #[error("the upstream {name:?} cannot be reached as configured: {reason}")]
    Upstream {
        /// The upstream's name.
        name: String,
        /// The cause.
        reason: String,
    },
}

impl From<UnusableUpstream> for ServeError {
    fn from(UnusableUpstream { name, reason }: UnusableUpstream) -> Self {
        Self::Upstream { name, reason }
    }
}

/// Serves until SIGTERM or SIGINT; running responses may then finish.
///
/// `started` is called with the address as soon as requests are accepted.
///
/// # Errors
/// When the address cannot be bound or a transport cannot be built.
pub async fn serve(config: Config, started: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let address = config.listen;
    let tcp_listener =
        TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
    // Signal handlers are installed before `started` reports the address: a signal sent then must be handled.
    let stop = shutdown::stop_signal();
    tokio::spawn(shutdown::log_hangups());
    started(tcp_listener.local_addr().unwrap_or(address));
    tokio::spawn(systemd::run_watchdog());
    serve_on(tcp_listener, config, stop).await
}

/// Serves on a listener until `stop` is ready.
///
/// # Errors
/// When a transport cannot be built.
pub async fn serve_on(
    listener: TcpListener,
    mut config: Config,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    // Which host names are accepted depends on the address that is really bound.
    config.listen = listener.local_addr().unwrap_or(config.listen);
    let transports = upstream::connect(&config)?;
    let app = Arc::new(AppState::new(config, |u| transports(u)));
    let (handled, otel) = (app.clone(), app.otel.clone());
    listener::run(
        listener,
        app,
        move |connection, request| pipeline::respond(handled.clone(), connection, request),
        stop,
    )
    .await;
    if let Some(otel) = otel {
        otel.flush().await;
    }
    Ok(())
}
