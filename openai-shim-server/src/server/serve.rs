//! Starts and stops the server: from a configuration to connected upstreams, a listener and shutdown signals.

use super::pipeline;
use super::reload::Reloader;
use crate::app_state::AppState;
use crate::config::Config;
use crate::current_app::CurrentApp;
use crate::http::shutdown::Hangups;
use crate::http::{listener, shutdown, systemd};
use crate::upstream::{self, UnusableUpstream};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

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
    let hangups = Hangups::new();
    started(tcp_listener.local_addr().unwrap_or(address));
    tokio::spawn(systemd::run_watchdog());
    serve_until(tcp_listener, config, stop, hangups).await
}

/// Serves on a listener until `stop` is ready.
///
/// # Errors
/// When a transport cannot be built.
pub async fn serve_on(
    listener: TcpListener,
    config: Config,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    serve_until(listener, config, stop, Hangups::none()).await
}

async fn serve_until(
    listener: TcpListener,
    mut config: Config,
    stop: impl Future<Output = ()>,
    hangups: Hangups,
) -> Result<(), ServeError> {
    let configured = config.listen;
    // Which host names are accepted depends on the address that is really bound.
    config.listen = listener.local_addr().unwrap_or(configured);
    let transports = upstream::connect(&config)?;
    let current = Arc::new(CurrentApp::new(AppState::new(config, transports)));
    let mut background = JoinSet::new();
    background.spawn(Reloader::new(current.clone(), configured).run(hangups));
    let served = current.clone();
    let handle = move |connection, request| pipeline::respond(served.get(), connection, request);
    listener::run(listener, current.clone(), handle, stop).await;
    if let Some(otel) = &current.get().process.otel {
        otel.clone().flush().await;
    }
    Ok(())
}
