//! Serving over a socket.

use crate::app_state::AppState;
use crate::config::Config;
use crate::http::client_connection::Client;
use crate::http::client_socket::ClientSocket;
use crate::http::{routes, shutdown};
use crate::observe::throttled_log::Seldom;
use crate::upstream;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long nothing is accepted after that failed.
const PAUSE: Duration = Duration::from_millis(50);
static NOT_ACCEPTED_SAID: Seldom = Seldom::new();

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address could not be had.
    #[error(
        "{address} cannot be listened on: {source}. Choose another one with --listen ADDR, such as --listen 127.0.0.1:8001."
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// An upstream's transport could not be built.
    #[error("the upstream {name:?} cannot be reached as configured: {reason}")]
    Upstream {
        /// The upstream's name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Serves until SIGTERM or SIGINT; running answers may then finish.
///
/// `started` is called with the address once requests are taken.
///
/// # Errors
/// When the address or a transport cannot be had.
pub async fn serve(config: Config, started: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let address = config.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
    // Before anybody knows that we run: a signal must not find us unprepared.
    let stop = shutdown::requested();
    tokio::spawn(shutdown::hangups());
    started(listener.local_addr().unwrap_or(address));
    tokio::spawn(shutdown::watchdog());
    serve_on(listener, config, stop).await
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
    // Which names it answers to depends on where it really listens.
    config.listen = listener.local_addr().unwrap_or(config.listen);
    let transports = upstream::connect(&config)?;
    let app = Arc::new(AppState::new(config, |u| transports(u)));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let graceful = GracefulShutdown::new();
    // When this ends, for whatever reason, the connections that are left end too.
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    shutdown::notify("READY=1");
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut stop => break,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                not_accepted(&error).await;
                continue;
            }
        };
        prepare(&socket);
        let client = Arc::new(Client::new());
        let socket = ClientSocket::new(socket, client.clone(), app.config.timeouts.write);
        // Boxed: a connection that streams or waits shall not carry the room for it.
        let service = service_fn({
            let app = app.clone();
            move |request: hyper::Request<Incoming>| {
                let answer = routes::answer(app.clone(), client.clone(), request.map(Body::new));
                Box::pin(async move { Ok::<_, Infallible>(answer.await) })
            }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(socket), service));
        let app = app.clone();
        connections.spawn(async move {
            if let Err(error) = app.stop.waking(connection).await {
                tracing::debug!("a connection broke: {error}");
            }
        });
    }
    shutdown::notify("STOPPING=1");
    drop(listener);
    tracing::info!("stopping: running answers may finish");
    let mut finished = std::pin::pin!(graceful.shutdown());
    let why = tokio::select! {
        () = &mut finished => None,
        () = tokio::time::sleep(shutdown::GRACE) => Some("answers are still running and are ended"),
        () = shutdown::requested() => Some("told again to stop: running answers are ended"),
    };
    if let Some(why) = why {
        tracing::warn!("{why}");
        app.stop.end();
        tokio::select! {
            () = finished => {}
            () = tokio::time::sleep(shutdown::LAST_WORDS) => tracing::warn!("some clients did not take the end"),
            () = shutdown::requested() => {}
        }
    }
    app.places.close();
    drop(connections);
    Ok(())
}

/// How much of an answer the system may take over that the client has not asked for yet. With a large amount it could not be
/// told whether a slow client takes anything.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

fn prepare(socket: &TcpStream) {
    let _ = socket.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT);
}

/// A connection that could not be accepted: the next one perhaps can.
async fn not_accepted(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        return;
    }
    if NOT_ACCEPTED_SAID.now() {
        match upstream::http::no_descriptors(error) {
            Some(why) => tracing::error!("no connection can be accepted: {why}"),
            None => tracing::error!("no connection can be accepted: {error}"),
        }
    }
    // It does not help to try at once, and burns a processor.
    tokio::time::sleep(PAUSE).await;
}
