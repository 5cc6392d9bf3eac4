//! Clients that stop reading or read slowly are cut off and release what they hold (`timeouts.write`).

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion, read_request, text, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// An upstream whose first calls get an endless stream, and all others a short response.
struct Endless {
    url: String,
    calls: Arc<AtomicUsize>,
    gone: Arc<AtomicUsize>,
}

impl Endless {
    async fn start(endless: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (calls, gone) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let this = Self { url, calls: calls.clone(), gone: gone.clone() };
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (calls, gone) = (calls.clone(), gone.clone());
                tokio::spawn(async move {
                    read_request(&mut socket).await?;
                    if calls.fetch_add(1, Ordering::SeqCst) >= endless {
                        let body = completion("hello");
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        return socket.write_all(format!("{head}{body}").as_bytes()).await.ok();
                    }
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
                    socket.write_all(head.as_bytes()).await.ok()?;
                    let event = format!("data: {}\n\n", text(&"x".repeat(60_000)));
                    while socket.write_all(event.as_bytes()).await.is_ok() {}
                    gone.fetch_add(1, Ordering::SeqCst);
                    Some(())
                });
            }
        });
        this
    }
}

/// A client that has sent a request and reads nothing yet.
async fn client(shim: &TestServer, body: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let address = shim.url.trim_start_matches("http://").parse().unwrap();
    let mut socket = socket.connect(address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    socket
}

/// Reads to the end or an error; returns the number of bytes.
async fn rest(mut socket: TcpStream) -> usize {
    let (mut total, mut buffer) = (0, vec![0; 1 << 16]);
    while let Ok(read) = socket.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        total += read;
    }
    total
}

#[tokio::test]
async fn clients_that_stop_reading_release_their_permits() {
    let upstream = Endless::start(20).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n[limits]\nconcurrent = 20\n[timeouts]\nwrite = \"1s\"",
        upstream.url
    ))
    .await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(client(&shim, STREAM).await);
    }
    until("all places are taken", || upstream.calls.load(Ordering::SeqCst) == 20).await;
    assert_eq!(shim.chat(false).await.status, 503);
    until("all calls have ended", || upstream.gone.load(Ordering::SeqCst) == 20).await;
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let metrics = shim.fetch("/metrics").await.body;
    let cut = r#"requests_total{route="openai-chat",upstream="up",status="499"} 20"#;
    assert!(metrics.contains(cut), "{metrics}");
    assert!(metrics.contains(r#"outcomes_total{upstream="up",outcome="cancelled"} 20"#), "{metrics}");
    drop(clients);
}

#[tokio::test]
async fn unread_response_is_cut_off_also_on_a_reused_connection() {
    let long = completion(&"x".repeat(30 << 20));
    let upstream =
        ScriptedUpstream::start(vec![Script::json(&completion("short")), Script::json(&long)]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nwrite = \"500ms\"").await;
    let body = STREAM.replace("true", "false");
    let mut socket = client(&shim, &body).await;
    let mut buffer = vec![0; 1 << 16];
    let read = socket.read(&mut buffer).await.unwrap();
    assert!(String::from_utf8_lossy(&buffer[..read]).contains("short"));
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    // The system's buffers must fill up first.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let total = rest(socket).await;
    assert!(total < long.len() / 2, "{total} bytes arrived after all");
}

#[tokio::test]
async fn slow_steady_reader_is_served() {
    let upstream = Endless::start(1).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n[timeouts]\nwrite = \"2s\"",
        upstream.url
    ))
    .await;
    let mut socket = client(&shim, STREAM).await;
    let mut buffer = vec![0; 16 << 10];
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
    }
    assert_eq!(upstream.gone.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn reader_too_slow_for_the_deadline_is_cut_off_after_it() {
    let upstream = Endless::start(1).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n[timeouts]\ntotal = \"500ms\"\nwrite = \"700ms\"",
        upstream.url
    ))
    .await;
    let mut socket = client(&shim, STREAM).await;
    let begun = std::time::Instant::now();
    let mut buffer = vec![0; 2 << 10];
    while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it goes on for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("its call has ended", || upstream.gone.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn unread_forwarded_response_is_cut_off() {
    let picture = Script::response(200, "image/png", vec![7; 30 << 20]);
    let upstream = ScriptedUpstream::start(vec![picture]).await;
    let shim =
        TestServer::in_front_of(&upstream, "[timeouts]\nwrite = \"500ms\"\n[limits]\nconcurrent = 1").await;
    let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
    let head = "POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
    socket.write_all(head.as_bytes()).await.unwrap();
    upstream.until_disconnected().await;
    let metrics = shim.fetch("/metrics").await.body;
    assert!(metrics.contains(r#"requests_total{route="forward",upstream="up",status="499"} 1"#), "{metrics}");
    assert_eq!(TestResponse::read(shim.post("/v1/nowhere", "{}").await).await.status, 404);
    drop(socket);
}
