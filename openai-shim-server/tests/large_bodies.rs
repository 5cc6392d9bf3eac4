//! Large and many bodies: one limit for all together, and small requests do not wait for large ones.

mod support;

use std::fmt::Write as _;
use std::time::{Duration, Instant};
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, stop, text, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

/// A chat request of about so many bytes, with minimal messages.
fn large(bytes: usize) -> String {
    let mut body = String::from(r#"{"model":"m","messages":["#);
    while body.len() < bytes {
        body.push_str(r#"{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#);
    }
    body.push_str(r#"{"role":"user","content":"c"}]}"#);
    body
}

/// Sends a request whose body never ends.
async fn stuck(shim: &TestServer, announced: usize) -> TcpStream {
    let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

async fn held(shim: &TestServer) -> usize {
    let metrics = shim.fetch("/metrics").await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("openai_shim_body_bytes ")).unwrap();
    line.parse().unwrap()
}

async fn until_held(shim: &TestServer, bytes: usize) {
    for _ in 0..500 {
        if held(shim).await == bytes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} bytes are held, not {bytes}", held(shim).await);
}

#[tokio::test]
async fn request_over_the_body_budget_gets_a_503_until_memory_is_free() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let shim =
        TestServer::in_front_of(&upstream, "[limits]\nrequest_body = \"1MiB\"\nbodies = \"1MiB\"").await;
    let socket = stuck(&shim, 1_000_000).await;
    until_held(&shim, 1_000_000).await;
    for (path, message) in [
        ("/v1/chat/completions", "/error/message"),
        ("/v1/messages", "/error/message"),
        ("/api/chat", "/error"),
        ("/v1beta/models/m:generateContent", "/error/message"),
        ("/v1/embeddings", "/error/message"),
        ("/v1/moderations", "/error/message"),
    ] {
        let answer = TestResponse::read(shim.post(path, &large(200_000)).await).await;
        // Anthropic's overload error has its own status.
        assert!([503, 529].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        assert_eq!(answer.header("retry-after"), "1", "{path}");
        let error_text = answer.json().pointer(message).unwrap().to_string();
        assert!(error_text.contains("limits.bodies"), "{path}: {error_text}");
    }
    // A body without a declared length is refused as soon as it is too long.
    let body = large(200_000);
    let chunked = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let reply = shim.raw(chunked.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 503"), "{reply:.300}");
    // Small requests fit, and large ones fit again.
    assert_eq!(shim.chat(false).await.text(), "hello");
    drop(socket);
    until_held(&shim, 0).await;
    assert_eq!(
        TestResponse::read(shim.post("/v1/chat/completions", &large(200_000)).await).await.text(),
        "hello"
    );
    until_held(&shim, 0).await;
}

#[tokio::test]
async fn collected_response_counts_against_the_body_budget_and_a_stream_does_not() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900000\r\nconnection: close\r\n\r\n{";
    let slow = Script(vec![Step::Raw(head.into()), Step::Stall]);
    let big = completion(&"x".repeat(300_000));
    let mut stream = Script::stream();
    for _ in 0..30 {
        stream = stream.events(&[&text(&"y".repeat(100_000))]);
    }
    let stream = stream.events(&[&stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![slow, Script::json(&big), stream, Script::json(&big)]).await;
    let config = "[limits]\nrequest_body = \"64KiB\"\nbodies = \"1MiB\"\n[retry]\nattempts = 1";
    let shim = TestServer::in_front_of(&upstream, config).await;
    let (client, url) = (shim.client.clone(), format!("{}/v1/chat/completions", shim.url));
    let waiting = tokio::spawn(async move { client.post(url).body(CHAT).send().await.unwrap() });
    until_held(&shim, 900_000 + CHAT.len()).await;
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.body);
    assert!(answer.error()["message"].as_str().unwrap().contains("limits.bodies"));
    // Streams are not collected and take no budget.
    let answer = shim.chat(true).await;
    assert_eq!(answer.text().len(), 3_000_000);
    waiting.abort();
    upstream.until_disconnected().await;
    until_held(&shim, 0).await;
    assert_eq!(shim.chat(false).await.text().len(), 300_000);
    until_held(&shim, 0).await;
}

#[tokio::test]
async fn large_response_arrives_complete_in_every_form() {
    let content = "x".repeat(2 << 20);
    let mut stream = Script::stream();
    for _ in 0..64 {
        stream = stream.events(&[&text(&content[..32 << 10])]);
    }
    let stream = stream.events(&[&stop(), "[DONE]"]).end();
    let non_streaming = Script::json(&completion(&content));
    for (what, script) in [("whole", non_streaming), ("stream", stream)] {
        let upstream = ScriptedUpstream::start(vec![script]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        for streamed in [false, true] {
            let answer = shim.chat(streamed).await;
            assert!(answer.text() == content, "{what}, streamed {streamed}: {:.300}", answer.body);
        }
        let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
        let answer = TestResponse::read(shim.post("/v1/messages", body).await).await;
        assert!(answer.json()["content"][0]["text"] == content.as_str(), "{what}: {:.300}", answer.body);
        until_held(&shim, 0).await;
    }
}

/// Runs health checks during something else; returns the slowest duration and their number.
async fn slowest_health(shim: &TestServer, meanwhile: impl Future<Output = ()>) -> (Duration, usize) {
    let mut meanwhile = std::pin::pin!(meanwhile);
    let (mut slowest, mut count) = (Duration::ZERO, 0);
    loop {
        let started = Instant::now();
        let check = async {
            assert_eq!(shim.fetch("/healthz").await.status, 200);
            started.elapsed()
        };
        let mut check = std::pin::pin!(check);
        let took = tokio::select! {
            biased;
            took = &mut check => took,
            () = &mut meanwhile => return (slowest.max(started.elapsed()), count),
        };
        slowest = slowest.max(took);
        count += 1;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
            () = &mut meanwhile => return (slowest, count),
        }
    }
}

// This test has one thread: work on it would delay everything else, and eight such requests and responses take seconds.
#[tokio::test]
async fn health_check_is_fast_while_large_bodies_are_processed() {
    let mut answer = String::from(
        r#"{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a","tool_calls":["#,
    );
    for i in 0..5_000 {
        let comma = if i == 0 { "" } else { "," };
        write!(
            answer,
            r#"{comma}{{"id":"c{i}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#
        )
        .unwrap();
    }
    answer.push_str("]}}]}");
    let upstream = ScriptedUpstream::start(vec![Script::json(&answer)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let body = large(2 << 20).replace("{\"model\"", "{\"max_tokens\":9,\"model\"");
    let started = Instant::now();
    let meanwhile = async {
        let all = (0..8).map(|_| {
            let request = shim.client.post(format!("{}/v1/messages", shim.url)).body(body.clone());
            tokio::spawn(async move { request.send().await.unwrap().status() })
        });
        for sent in all.collect::<Vec<_>>() {
            assert_eq!(sent.await.unwrap(), 200);
        }
    };
    let (slowest, count) = slowest_health(&shim, meanwhile).await;
    let total = started.elapsed();
    println!("{count} checks, the slowest in {slowest:?}, all in {total:?}");
    assert!(slowest < Duration::from_secs(1).max(total / 8), "{slowest:?} of {total:?}");
    assert!(count > 20, "{count} in {total:?}");
}

#[tokio::test]
async fn processing_does_not_start_for_a_disconnected_client() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let body = large(16 << 20);
    let mut sockets = Vec::new();
    for _ in 0..6 {
        let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    for socket in &mut sockets {
        socket.write_all(body.as_bytes()).await.unwrap();
    }
    // The clients disconnect as soon as the first of them has its response.
    let mut first = sockets.remove(0);
    let mut buffer = [0; 16];
    first.read_exact(&mut buffer).await.unwrap();
    drop((first, sockets));
    until("all room is given back", || true).await;
    until_held(&shim, 0).await;
    let spec = upstream.requests().len();
    assert!(spec < 6, "{spec}");
    assert_eq!(shim.chat(false).await.text(), "hello");
}
