//! TLS with clients: a connected socket in, one with TLS out. A client that begins with plain HTTP gets an answer that says so.

use crate::http::client_socket::ClientSocket;
use crate::http::client_transport::ClientTransport;
use crate::http::responses::default_dialect;
use crate::http::timed_socket::TimedSocket;
use crate::observe::throttled_log::LogThrottle;
use openai_shim_core::Error;
use openai_shim_core::error::ClientError;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How long a client may take from its connection to the end of its handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same where [`MANY_HANDSHAKES`] are not finished: those who say nothing shall not pile up.
const SHORT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(1);
/// More unfinished handshakes than a busy server has.
const MANY_HANDSHAKES: usize = 512;

static PLAIN_HTTP_LOG: LogThrottle = LogThrottle::new();

/// How long a handshake may take beside so many unfinished ones.
pub(crate) fn handshake_timeout(unfinished: usize) -> Duration {
    if unfinished < MANY_HANDSHAKES { HANDSHAKE_TIMEOUT } else { SHORT_HANDSHAKE_TIMEOUT }
}

/// Shakes hands with a client. `None` for one that does not get that far.
pub(crate) async fn accept(socket: TimedSocket, config: Arc<ServerConfig>) -> Option<ClientSocket> {
    // Until the first byte, a connection costs no more than its socket.
    let mut first = [0];
    if socket.tcp().peek(&mut first).await.ok()? == 0 {
        return None;
    }
    if first.iter().all(u8::is_ascii_uppercase) {
        if PLAIN_HTTP_LOG.allow() {
            tracing::warn!(
                "a client sent plain HTTP to a port that has TLS: its base URL must begin with https://"
            );
        }
        let mut refused = ClientSocket::refused(ClientTransport::Plain(socket), plain_http_refusal());
        let _ = refused.shutdown().await;
        return None;
    }
    match TlsAcceptor::from(config).accept(socket).await {
        Ok(stream) => Some(ClientSocket::new(ClientTransport::Tls(Box::new(stream)))),
        Err(error) => {
            tracing::debug!("a TLS handshake failed: {error}");
            None
        }
    }
}

/// The answer to a plain HTTP request.
fn plain_http_refusal() -> Vec<u8> {
    let text = "This is a plain HTTP request to a port that has TLS. Write https:// in place of http:// into the base URL.";
    let error = ClientError::invalid(text).with_code("tls_required");
    let (_, body) = default_dialect().encode_error(&Error::Client(error));
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}
