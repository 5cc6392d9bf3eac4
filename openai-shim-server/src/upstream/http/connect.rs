//! Connects to an upstream: host name in, plain or TLS socket out; tries both address families (RFC 8305).

use super::connect_error::ConnectError;
use super::socket::Socket;
use http::Uri;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::Verifier;
use socket2::{SockRef, TcpKeepalive};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

/// How long one address is tried before the next one is tried, too (RFC 8305's connection attempt delay).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The time between keep-alive probes: a peer that vanished is noticed after about a minute.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// How long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`).
#[cfg(target_os = "linux")]
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// The server to connect to.
#[derive(Clone)]
pub(super) struct ConnectTarget {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl ConnectTarget {
    /// The server of a base URL.
    pub(super) fn new(base: &Uri) -> Result<Self, String> {
        let host = base.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let secure = base.scheme_str() == Some("https");
        let port = base.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tls = if secure {
            let config = TLS.as_ref().map_err(|e| format!("TLS cannot be set up: {e}"))?;
            let name = ServerName::try_from(host.clone()).map_err(|_| "its host has no valid name")?;
            Some((TlsConnector::from(config.clone()), name))
        } else {
            None
        };
        Ok(Self { host, port, tls })
    }

    /// Connects. The caller limits the time.
    pub(super) async fn connect(&self) -> Result<Socket, ConnectError> {
        let stream = connect_tcp(&self.host, self.port).await?;
        match &self.tls {
            None => Ok(Socket::plain(stream)),
            Some((connector, name)) => {
                let connected = connector.connect(name.clone(), stream).await;
                connected.map(Socket::tls).map_err(ConnectError::Tls)
            }
        }
    }
}

/// Connects to a host. The caller limits the time.
pub(crate) async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => {
            let found = lookup_host((host, port)).await;
            interleave_families(found.map_err(ConnectError::Name)?.collect())
        }
    };
    let stream = connect_first(&addresses).await.map_err(ConnectError::Refused)?;
    set_socket_options(&stream);
    Ok(stream)
}

/// The configuration of TLS to servers that do not have HTTP.
pub(crate) fn tls_without_http() -> Result<Arc<rustls::ClientConfig>, String> {
    let config = TLS.as_ref().map_err(|e| format!("TLS cannot be set up: {e}"))?;
    let mut config = rustls::ClientConfig::clone(config);
    config.alpn_protocols.clear();
    Ok(Arc::new(config))
}

/// TLS with the system's roots; where there are none (a container from scratch), with Mozilla's.
static TLS: LazyLock<Result<Arc<rustls::ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    let verifier = Verifier::new(provider.clone())
        .or_else(|_| Verifier::new_with_extra_roots(bundled, provider.clone()))?;
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config =
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
});

fn set_socket_options(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(PROBE_INTERVAL).with_interval(PROBE_INTERVAL);
    #[cfg(target_os = "linux")]
    let probes = {
        let _ = socket.set_tcp_user_timeout(Some(ACK_TIMEOUT));
        probes.with_retries(3)
    };
    let _ = socket.set_tcp_keepalive(&probes);
}

/// Alternates between the address families, beginning with the resolver's first choice.
fn interleave_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv4() == first_is_v4);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|i| [first.get(i), second.get(i)]).flatten().copied().collect()
}

/// Connects to the address that accepts first; each attempt starts [`ATTEMPT_DELAY`] after the one before ("happy eyeballs").
async fn connect_first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    if let [only] = addresses {
        return TcpStream::connect(only).await;
    }
    let mut untried = addresses.iter();
    let mut attempts: Vec<Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>> = Vec::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut delay = Box::pin(sleep(Duration::ZERO));
    poll_fn(|cx| {
        loop {
            let mut any_failed = false;
            let mut index = 0;
            while let Some(attempt) = attempts.get_mut(index) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        last_error = error;
                        drop(attempts.swap_remove(index));
                        any_failed = true;
                    }
                    Poll::Pending => index += 1,
                }
            }
            // After a failure the next attempt starts at once.
            let next = if any_failed || attempts.is_empty() || delay.as_mut().poll(cx).is_ready() {
                untried.next()
            } else {
                return Poll::Pending;
            };
            match next {
                Some(address) => {
                    attempts.push(Box::pin(TcpStream::connect(*address)));
                    delay.as_mut().reset(tokio::time::Instant::now() + ATTEMPT_DELAY);
                }
                None if attempts.is_empty() => {
                    return Poll::Ready(Err(std::mem::replace(&mut last_error, io::ErrorKind::Other.into())));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::net::TcpListener;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_alternate_between_families() {
        let resolved = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(address).to_vec();
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(interleave_families(resolved), expected);
    }

    #[tokio::test]
    async fn refusing_family_does_not_delay_the_listening_one() {
        for listens in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(listens).await else { continue };
            let there = listener.local_addr().unwrap();
            let other = if there.is_ipv4() { "[::1]" } else { "127.0.0.1" };
            let refusing = address(&format!("{other}:{}", there.port()));
            let begun = Instant::now();
            assert_eq!(connect_first(&[refusing, there]).await.unwrap().peer_addr().unwrap(), there);
            assert!(begun.elapsed() < ATTEMPT_DELAY, "the second attempt must start at once");
        }
    }

    #[tokio::test]
    async fn unresponsive_address_delays_the_next_one_by_the_attempt_delay() {
        // A listener with a full queue drops packets, as a dead route does.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&address("127.0.0.1:0").into()).unwrap();
        full.listen(0).unwrap();
        let silent = full.local_addr().unwrap().as_socket().unwrap();
        let queue_filler: Vec<_> = (0..3).map(|_| tokio::spawn(TcpStream::connect(silent))).collect();
        sleep(Duration::from_millis(50)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let begun = Instant::now();
        assert_eq!(connect_first(&[silent, there]).await.unwrap().peer_addr().unwrap(), there);
        assert!(begun.elapsed() >= ATTEMPT_DELAY);
        queue_filler.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn addresses_without_listener_are_an_error() {
        let closed = [address("127.0.0.1:1"), address("[::1]:1")];
        assert!(connect_first(&closed).await.is_err());
        assert!(connect_first(&[]).await.is_err());
    }
}
