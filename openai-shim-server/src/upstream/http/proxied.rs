//! Through a proxy, where the environment names one: the only place that knows reqwest.

use super::connect_error::{NO_NAME, NOT_TRUSTED, no_descriptors};
use super::idle_timeout::IdleTimeout;
use super::peer::{Peer, Wait};
use crate::config::Timeouts;
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use openai_shim_core::UpstreamError;
use reqwest::redirect::{self, Policy};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The same roots as [`dial`](super::dial) has.
pub(super) fn client(fixed: HeaderMap, timeouts: Timeouts) -> Result<reqwest::Client, String> {
    super::provide_tls();
    let client = builder(fixed.clone(), timeouts).build();
    client
        .or_else(|_| builder(fixed, timeouts).tls_certs_merge(bundled_roots()).build())
        .map_err(|e| format!("HTTP cannot be set up: {e}"))
}

fn builder(fixed: HeaderMap, timeouts: Timeouts) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(super::KEEP)
        .tcp_nodelay(true)
        .redirect(Policy::custom(follow))
        .referer(false)
        // The exchange counts attempts.
        .retry(reqwest::retry::never())
        .default_headers(fixed)
}

fn bundled_roots() -> impl Iterator<Item = reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| reqwest::Certificate::from_der(der).ok())
}

/// Follows only to the same server, and only where the request stays what it is; the key goes nowhere else.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
    let to = attempt.url();
    let stays = attempt.previous().last().is_some_and(|from| from.origin() == to.origin());
    if keeps_method && stays && attempt.previous().len() <= super::MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Sends a request whose URI is absolute.
pub(super) async fn send(
    client: &reqwest::Client,
    request: Request<Bytes>,
    silence: IdleTimeout,
) -> Result<Response<ProxiedBody>, UpstreamError> {
    let (parts, body) = request.into_parts();
    let sending =
        client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body).send();
    let response: Response<reqwest::Body> =
        sending.await.map_err(|error| failure(&silence.peer, error))?.into();
    Ok(response.map(|body| ProxiedBody { body, silence, over: false }))
}

/// One sentence for a failure: no address, no key. The log has the rest.
fn failure(peer: &Peer, error: reqwest::Error) -> UpstreamError {
    let error = error.without_url();
    let mut chain: Vec<&(dyn Error + 'static)> = vec![&error];
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    let said: Vec<String> = chain.iter().map(ToString::to_string).collect();
    peer.warn(&format_args!("an upstream behind a proxy failed: {}", said.join(": ")));
    if error.is_timeout() {
        return peer.late(Wait::Connect);
    }
    let io = chain.iter().find_map(|error| error.downcast_ref::<std::io::Error>());
    match io.and_then(no_descriptors) {
        Some(text) => peer.no_descriptors(text),
        None if error.is_connect() => peer.unreachable_by_proxy(&cause(&chain)),
        None => peer.broke_off(&cause(&chain)),
    }
}

/// The innermost cause in plain words; the libraries' own often name hosts and numbers.
fn cause(chain: &[&(dyn Error + 'static)]) -> String {
    let says = |word: &str| chain.iter().any(|e| e.to_string().contains(word));
    if says("dns error") {
        return String::from(NO_NAME);
    }
    if says("certificate") {
        return String::from(NOT_TRUSTED);
    }
    let Some(last) = chain.last() else { return String::new() };
    match last.downcast_ref::<std::io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ => last.to_string(),
    }
}

/// An answer's body as it arrives, with a limit on silence.
pub(super) struct ProxiedBody {
    body: reqwest::Body,
    silence: IdleTimeout,
    over: bool,
}

impl Stream for ProxiedBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = loop {
            break match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_trailers) => continue,
                },
                Poll::Ready(Some(Err(error))) => Some(Err(failure(&self.silence.peer, error))),
                Poll::Ready(None) => None,
                Poll::Pending => Some(Err(ready!(self.silence.poll(cx)))),
            };
        };
        let item = match item {
            Some(Ok(data)) => Some(self.silence.broken().map_or(Ok(data), Err)),
            item => item,
        };
        self.over = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, read};
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::sleep;

    /// Every second poll has nothing yet, but wakes at once.
    struct Hesitant(u32);

    impl http_body::Body for Hesitant {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            self.0 += 1;
            if self.0.is_multiple_of(2) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test]
    async fn time_in_which_nobody_reads_is_no_silence_of_the_upstream() {
        let config = read(&Overrides { upstream: Some("http://h".into()), ..Overrides::default() }).unwrap();
        let timeouts = Timeouts { idle: Duration::from_millis(20), ..Timeouts::default() };
        let silence = IdleTimeout::new(Arc::new(Peer::new("http://h", &config.upstreams[0], timeouts)), None);
        let mut body = ProxiedBody { body: reqwest::Body::wrap(Hesitant(0)), silence, over: false };
        for _ in 0..3 {
            let item = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await;
            assert_eq!(item, Some(Ok(Bytes::from_static(b"x"))));
            sleep(Duration::from_millis(60)).await;
        }
    }

    #[test]
    fn causes_are_plain_words_without_hosts() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(cause(&[&refused]), "connection refused");
        let lookup = std::io::Error::other("dns error: failed to lookup secret.example");
        assert_eq!(cause(&[&lookup]), "its name cannot be resolved");
        let tls = std::io::Error::other("invalid peer certificate: not valid for name secret.example");
        assert_eq!(cause(&[&tls]), "its TLS certificate is not trusted");
    }
}
