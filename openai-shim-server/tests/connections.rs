//! Connections to an upstream: when they are reused, and when a request is sent again.

mod support;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{TestResponse, TestServer, completion, read_request, stop, text, until};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// One attempt per exchange: a request that is sent again is sent again by the transport.
const ONCE: &str = "[retry]\nattempts = 1";
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// An upstream with a handler for each connection.
struct Upstream {
    url: String,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

/// One connection of the upstream.
struct Peer {
    number: usize,
    socket: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    async fn on<F: Future<Output = Option<()>> + Send + 'static>(
        address: &str,
        play: impl Fn(Peer) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (connections, heads) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
        let this = Self { url, connections: connections.clone(), heads: heads.clone() };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(play(Peer { number, socket, heads: heads.clone() }));
            }
        });
        this
    }

    async fn new<F: Future<Output = Option<()>> + Send + 'static>(
        play: impl Fn(Peer) -> F + Send + 'static,
    ) -> Self {
        Self::on("127.0.0.1:0", play).await
    }

    async fn shim(&self, more: &str) -> TestServer {
        TestServer::with_config(&format!(
            "[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n{more}\n{ONCE}",
            self.url
        ))
        .await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

impl Peer {
    /// Reads a request; `None`: the shim closed the connection.
    async fn read_request(&mut self) -> Option<()> {
        let (head, _) = read_request(&mut self.socket).await?;
        self.heads.lock().unwrap().push(head);
        Some(())
    }

    async fn send(&mut self, text: &str) -> Option<()> {
        self.socket.write_all(text.as_bytes()).await.ok()
    }

    async fn answer(&mut self, lines: &str) -> Option<()> {
        let body = completion("hello");
        self.send(&format!("HTTP/1.1 200 OK\r\n{lines}content-length: {}\r\n\r\n{body}", body.len())).await
    }

    async fn serve(mut self) -> Option<()> {
        loop {
            self.read_request().await?;
            self.answer("").await?;
        }
    }
}

async fn hello(shim: &TestServer) {
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{}", answer.body);
}

#[tokio::test]
async fn connection_is_reused_for_successive_calls() {
    let chunked = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let upstream = Upstream::new(move |mut peer| async move {
        loop {
            peer.read_request().await?;
            peer.answer("").await?;
            peer.read_request().await?;
            let body = chunked(&completion("hello"));
            peer.send(&format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}")).await?;
        }
    })
    .await;
    let shim = upstream.shim("").await;
    for _ in 0..6 {
        hello(&shim).await;
    }
    assert_eq!((upstream.connections(), upstream.requests()), (1, 6));
    let host = upstream.url.trim_start_matches("http://").trim_end_matches("/v1");
    assert!(upstream.heads.lock().unwrap()[0].contains(&format!("\r\nhost: {host}\r\n")));
}

#[tokio::test]
async fn connection_with_close_header_is_not_reused() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.answer("connection: close\r\n").await?;
        peer.read_request().await
    })
    .await;
    let shim = upstream.shim("").await;
    hello(&shim).await;
    hello(&shim).await;
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn closed_idle_connection_causes_no_error() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.answer("").await?;
        if peer.number % 2 == 0 {
            return Some(());
        }
        // A reset instead of an orderly close.
        let _ = socket2::SockRef::from(&peer.socket).set_linger(Some(Duration::ZERO));
        Some(())
    })
    .await;
    let shim = upstream.shim("").await;
    for _ in 0..6 {
        hello(&shim).await;
    }
    assert_eq!((upstream.connections(), upstream.requests()), (6, 6));
    let metrics = shim.fetch("/metrics").await.body;
    assert!(!metrics.contains("retries_total{"), "that is no attempt of the exchange: {metrics}");
}

#[tokio::test]
async fn possibly_received_request_is_sent_once_per_attempt() {
    let streams = [false, true];
    for (attempts, stream, warm) in
        [1, 2, 3].into_iter().flat_map(|n| streams.map(|s| [0, 1, 2].map(|warm| (n, s, warm)))).flatten()
    {
        // So many calls are answered; all others are closed without a response.
        let left = Arc::new(AtomicUsize::new(warm));
        let answering = left.clone();
        let upstream = Upstream::new(move |mut peer| {
            let left = answering.clone();
            async move {
                loop {
                    peer.read_request().await?;
                    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).ok()?;
                    until("all are there", || left.load(Ordering::SeqCst) == 0).await;
                    peer.answer("").await?;
                }
            }
        })
        .await;
        let retry = format!("[retry]\nattempts = {attempts}\nbackoff = \"1ms\"");
        let config = format!("[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n{retry}", upstream.url);
        let shim = TestServer::with_config(&config).await;
        match warm {
            0 => {}
            1 => hello(&shim).await,
            _ => {
                tokio::join!(hello(&shim), hello(&shim));
            }
        }
        assert_eq!(upstream.connections(), warm);
        let answer = shim.chat(stream).await;
        assert_eq!(answer.status, 502, "{}", answer.body);
        let sent = upstream.requests() - warm;
        assert_eq!(sent, attempts, "attempts {attempts}, stream {stream}, warm connections {warm}");
    }
}

#[tokio::test]
async fn truncated_response_counts_as_an_attempt() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"choices\":").await
    })
    .await;
    let retry = "[retry]\nattempts = 3\nbackoff = \"1ms\"";
    let config = format!("[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n{retry}", upstream.url);
    assert_eq!(TestServer::with_config(&config).await.chat(false).await.status, 502);
    assert_eq!(upstream.requests(), 3);
}

#[tokio::test]
async fn safe_request_is_repeated_on_a_new_connection() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.answer("").await?;
        if peer.number == 0 {
            return peer.read_request().await;
        }
        Some(())
    })
    .await;
    let shim = upstream.shim("").await;
    hello(&shim).await;
    shim.fetch("/v1/models").await;
    let heads = upstream.heads.lock().unwrap().clone();
    assert_eq!(heads.iter().filter(|head| head.starts_with("get ")).count(), 2, "{heads:?}");
}

#[tokio::test]
async fn request_is_not_repeated_after_its_response_began() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.answer("").await?;
        peer.read_request().await?;
        peer.send("HTTP/1.1 2").await
    })
    .await;
    let shim = upstream.shim("").await;
    hello(&shim).await;
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, upstream.requests()), (502, 2), "{}", answer.body);
    assert!(answer.error()["message"].as_str().unwrap().contains("broke off"));
}

#[tokio::test]
async fn new_connection_closed_without_response_is_an_error() {
    let upstream = Upstream::new(|mut peer| async move { peer.read_request().await }).await;
    let shim = upstream.shim("").await;
    assert_eq!(shim.chat(false).await.status, 502);
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test]
async fn response_that_ends_early_is_an_error() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"choices\":").await
    })
    .await;
    let shim = upstream.shim("").await;
    let answer = shim.chat(false).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test]
async fn early_response_to_an_unfinished_request_arrives() {
    let upstream = Upstream::new(|mut peer| async move {
        let body = r#"{"error":{"message":"too much for me"}}"#;
        let head = format!("HTTP/1.1 413 No\r\ncontent-length: {}\r\n\r\n", body.len());
        peer.send(&format!("{head}{body}")).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        Some(())
    })
    .await;
    let shim = upstream.shim("").await;
    let text = "x".repeat(12 << 20);
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let answer = TestResponse::read(shim.post("/v1/chat/completions", &body).await).await;
    assert_eq!((answer.status, answer.error()["message"].as_str()), (413, Some("too much for me")));
    let again = TestResponse::read(shim.post("/v1/chat/completions", &body).await).await;
    assert_eq!((again.status, upstream.connections()), (413, 2), "half a request stays on the first one");
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        peer.answer("").await
    })
    .await;
    hello(&upstream.shim("").await).await;
}

#[tokio::test]
async fn slow_head_is_accepted_within_time_and_size_limits() {
    let drops = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        for byte in "HTTP/1.1 200 OK\r\nx: y\r\n".chars() {
            peer.send(&byte.to_string()).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let body = completion("hello");
        peer.send(&format!("content-length: {}\r\n\r\n{body}", body.len())).await
    })
    .await;
    hello(&drops.shim("").await).await;
    let stuck = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\nx: ").await?;
        peer.read_request().await
    })
    .await;
    for (setting, stream) in [("whole", false), ("first_byte", true)] {
        let answer = stuck.shim(&format!("[timeouts]\n{setting} = \"200ms\"")).await.chat(stream).await;
        assert_eq!((answer.status, answer.error()["code"].as_str()), (504, Some("upstream_timeout")));
    }
    let endless = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        peer.send("HTTP/1.1 200 OK\r\n").await?;
        loop {
            peer.send(&format!("x: {}\r\n", "y".repeat(1000))).await?;
        }
    })
    .await;
    let answer = endless.shim("").await.chat(false).await;
    assert_eq!(answer.status, 502);
    assert!(answer.error()["message"].as_str().unwrap().contains("head"), "{}", answer.body);
}

#[tokio::test]
async fn client_disconnect_closes_the_upstream_connection() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        let event = format!("data: {}\n\n", text("one"));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        peer.send(&format!("{head}{:x}\r\n{event}\r\n", event.len())).await?;
        assert!(peer.read_request().await.is_none(), "the connection is closed and not used again");
        peer.heads.lock().unwrap().push(String::from("closed"));
        Some(())
    })
    .await;
    let shim = upstream.shim("").await;
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    response.chunk().await.unwrap();
    drop(response);
    until("the upstream sees the close", || upstream.requests() == 2).await;
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn finished_stream_returns_its_connection_to_the_pool() {
    let upstream = Upstream::new(|mut peer| async move {
        loop {
            peer.read_request().await?;
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            peer.send(head).await?;
            for event in [text("a"), stop(), String::from("[DONE]")] {
                let event = format!("data: {event}\n\n");
                peer.send(&format!("{:x}\r\n{event}\r\n", event.len())).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            peer.send("0\r\n\r\n").await?;
        }
    })
    .await;
    let shim = upstream.shim("").await;
    for _ in 0..3 {
        assert!(shim.chat(true).await.is_done());
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn connection_with_bytes_after_the_response_is_not_reused() {
    let upstream = Upstream::new(|mut peer| async move {
        peer.read_request().await?;
        let body = completion("hello");
        peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}HTTP/1.1 200 OK", body.len()))
            .await?;
        peer.read_request().await
    })
    .await;
    let shim = upstream.shim("").await;
    hello(&shim).await;
    hello(&shim).await;
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn host_name_is_reached_over_ipv4_or_ipv6() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        if TcpListener::bind(address).await.is_err() {
            continue; // this machine lacks the address family
        }
        let mut upstream = Upstream::on(address, Peer::serve).await;
        let port = upstream.url.rsplit(':').next().unwrap().to_owned();
        hello(&upstream.shim("").await).await;
        upstream.url = format!("http://localhost:{port}");
        if address.starts_with('1')
            || tokio::net::lookup_host("localhost:1").await.unwrap().any(|a| a.is_ipv6())
        {
            hello(&upstream.shim("").await).await;
        }
    }
}
