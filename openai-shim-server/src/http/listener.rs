//! Accepts connections, plain or with TLS, and serves HTTP/1.1 on them: each request goes to a handler, and shutdown lets responses finish.

use crate::app_state::AppState;
use crate::client_connection::ClientConnection;
use crate::current_app::CurrentApp;
use crate::http::client_socket::ClientSocket;
use crate::http::client_transport::ClientTransport;
use crate::http::socket_errors::describe_no_descriptors;
use crate::http::systemd::{self, ServiceState};
use crate::http::timed_socket::TimedSocket;
use crate::http::{shutdown, tls};
use crate::observe::throttled_log::LogThrottle;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the server waits after `accept` failed.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

static ACCEPT_FAILURE_LOG: LogThrottle = LogThrottle::new();

/// Serves until `stop` is ready, then until the running responses end or the grace period is over.
pub(crate) async fn run<H, R>(
    listener: TcpListener,
    current: Arc<CurrentApp>,
    handle: H,
    stop: impl Future<Output = ()>,
) where
    H: Fn(Arc<ClientConnection>, Request<Body>) -> R + Clone + Send + 'static,
    R: Future<Output = Response> + Send + 'static,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let graceful = GracefulShutdown::new();
    // Dropping the set ends the connections that are left, however this function ends.
    let mut connections = JoinSet::new();
    let mut handshakes = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    let process = current.get().process.clone();
    systemd::notify(ServiceState::Ready);
    loop {
        let ready = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => prepare(socket, &current.get(), &mut handshakes),
                Err(error) => {
                    handle_accept_error(&error).await;
                    None
                }
            },
            Some(finished) = handshakes.join_next() => finished.ok().flatten(),
            Some(_) = connections.join_next() => None,
            () = &mut stop => break,
        };
        let Some((client, socket)) = ready else { continue };
        let handle = handle.clone();
        // Boxed: a connection that streams or is idle must not hold the memory of request handling.
        let service = service_fn(move |request: Request<Incoming>| {
            let response = handle(client.clone(), request.map(Body::new));
            Box::pin(async move { Ok::<_, Infallible>(response.await) })
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(socket), service));
        let process = process.clone();
        connections.spawn(async move {
            if let Err(error) = process.shutdown.wake_on_shutdown(connection).await {
                tracing::debug!("a connection broke: {error}");
            }
        });
    }
    systemd::notify(ServiceState::Stopping);
    drop((listener, handshakes));
    tracing::info!("stopping: running answers may finish");
    let mut finished = std::pin::pin!(graceful.shutdown());
    let forced = tokio::select! {
        () = &mut finished => None,
        () = tokio::time::sleep(shutdown::GRACE_PERIOD) => Some("answers are still running and are ended"),
        () = shutdown::stop_signal() => Some("told again to stop: running answers are ended"),
    };
    if let Some(reason) = forced {
        tracing::warn!("{reason}");
        process.shutdown.end_requests();
        tokio::select! {
            () = finished => {}
            () = tokio::time::sleep(shutdown::FINAL_ERRORS_PERIOD) => tracing::warn!("some clients did not take the end"),
            () = shutdown::stop_signal() => {}
        }
    }
    process.request_permits.close();
    drop(connections);
}

/// A connection on which requests can be read.
type ReadyConnection = (Arc<ClientConnection>, ClientSocket);

/// A new connection, ready at once, or with TLS after its handshake.
fn prepare(
    socket: TcpStream,
    app: &AppState,
    handshakes: &mut JoinSet<Option<ReadyConnection>>,
) -> Option<ReadyConnection> {
    set_socket_options(&socket);
    let client = Arc::new(ClientConnection::new());
    let socket = TimedSocket::new(socket, client.clone(), app.config.timeouts.write);
    let Some(tls) = &app.config.tls else {
        return Some((client, ClientSocket::new(ClientTransport::Plain(socket))));
    };
    let limit = tls::handshake_timeout(handshakes.len());
    let accepting = tls::accept(socket, tls.server.clone());
    handshakes.spawn(async move { Some((client, timeout(limit, accepting).await.ok()??)) });
    None
}

/// How many bytes of a response the kernel buffers ahead of the client's window (`TCP_NOTSENT_LOWAT`). With a large buffer,
/// writes would succeed for long after a slow client stopped reading.
#[cfg(target_os = "linux")]
const MAX_UNSENT_BYTES: u32 = 128 << 10;

fn set_socket_options(socket: &TcpStream) {
    let _ = socket.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
}

/// Logs a failed `accept` and waits; the next connection may succeed.
async fn handle_accept_error(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        return;
    }
    if ACCEPT_FAILURE_LOG.allow() {
        match describe_no_descriptors(error) {
            Some(reason) => tracing::error!("no connection can be accepted: {reason}"),
            None => tracing::error!("no connection can be accepted: {error}"),
        }
    }
    // An immediate retry would fail again and keep a core busy.
    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
}
