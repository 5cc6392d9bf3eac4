//! Making a connection: names, both address families, TLS.

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

/// How long one address may be the only one that is tried: RFC 8305 calls it the connection attempt delay.
const HEAD_START: Duration = Duration::from_millis(250);
/// A peer that is gone without a word is noticed after about a minute.
const PROBE: Duration = Duration::from_secs(15);
/// How long what we sent may stay unconfirmed.
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(30);

/// Where to connect to.
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

    /// Connects; the caller sets a limit to the time.
    pub(super) async fn dial(&self) -> Result<Socket, ConnectError> {
        let addresses = match self.host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, self.port)],
            Err(_) => {
                let found = lookup_host((self.host.as_str(), self.port)).await;
                alternating(found.map_err(ConnectError::Name)?.collect())
            }
        };
        let stream = first(&addresses).await.map_err(ConnectError::Refused)?;
        prepare(&stream);
        match &self.tls {
            None => Ok(Socket::plain(stream)),
            Some((connector, name)) => {
                let connected = connector.connect(name.clone(), stream).await;
                connected.map(Socket::tls).map_err(ConnectError::Tls)
            }
        }
    }
}

/// A system's own roots decide; where it has none (a container from scratch) those of Mozilla do.
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

fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE);
    #[cfg(target_os = "linux")]
    let probes = {
        let _ = socket.set_tcp_user_timeout(Some(UNCONFIRMED));
        probes.with_retries(3)
    };
    let _ = socket.set_tcp_keepalive(&probes);
}

/// The families in turn, the resolver's first choice first.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv4() == first_is_v4);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|i| [first.get(i), second.get(i)]).flatten().copied().collect()
}

/// The first address that answers; each gets a head start before the next one is tried beside it ("happy eyeballs").
async fn first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    if let [only] = addresses {
        return TcpStream::connect(only).await;
    }
    let mut left = addresses.iter();
    let mut running: Vec<Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>> = Vec::new();
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut delay = Box::pin(sleep(Duration::ZERO));
    poll_fn(|cx| {
        loop {
            let mut progress = false;
            let mut at = 0;
            while let Some(attempt) = running.get_mut(at) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        failed = error;
                        drop(running.swap_remove(at));
                        progress = true;
                    }
                    Poll::Pending => at += 1,
                }
            }
            // A failure lets the next one begin at once.
            let next = if progress || running.is_empty() || delay.as_mut().poll(cx).is_ready() {
                left.next()
            } else {
                return Poll::Pending;
            };
            match next {
                Some(address) => {
                    running.push(Box::pin(TcpStream::connect(*address)));
                    delay.as_mut().reset(tokio::time::Instant::now() + HEAD_START);
                }
                None if running.is_empty() => {
                    return Poll::Ready(Err(std::mem::replace(&mut failed, io::ErrorKind::Other.into())));
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
    fn families_take_turns() {
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(address).to_vec();
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(alternating(given), expected);
    }

    #[tokio::test]
    async fn a_name_with_both_families_is_reached_on_the_one_that_listens() {
        for listens in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(listens).await else { continue };
            let there = listener.local_addr().unwrap();
            let other = if there.is_ipv4() { "[::1]" } else { "127.0.0.1" };
            let silent = address(&format!("{other}:{}", there.port()));
            let begun = Instant::now();
            assert_eq!(first(&[silent, there]).await.unwrap().peer_addr().unwrap(), there);
            assert!(begun.elapsed() < HEAD_START, "a refusal is not waited for");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_silent_does_not_hold_up_the_next_one() {
        // A listener whose queue is full drops what comes, as a dead route does.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&address("127.0.0.1:0").into()).unwrap();
        full.listen(0).unwrap();
        let silent = full.local_addr().unwrap().as_socket().unwrap();
        let filler: Vec<_> = (0..3).map(|_| tokio::spawn(TcpStream::connect(silent))).collect();
        sleep(Duration::from_millis(50)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let begun = Instant::now();
        assert_eq!(first(&[silent, there]).await.unwrap().peer_addr().unwrap(), there);
        assert!(begun.elapsed() >= HEAD_START);
        filler.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn where_nobody_listens_the_last_refusal_is_told() {
        let nobody = [address("127.0.0.1:1"), address("[::1]:1")];
        assert!(first(&nobody).await.is_err());
        assert!(first(&[]).await.is_err());
    }
}
