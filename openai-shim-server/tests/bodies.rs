//! Large bodies and many of them: there is a limit on all together, and whoever is small does not wait for them.

mod support;

use std::fmt::Write as _;
use std::time::{Duration, Instant};
use support::{Answer, Running, Script, Scripted, Step, completion, stop, text, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

/// A chat request of about so many bytes, in messages as short as they may be.
fn large(bytes: usize) -> String {
    let mut body = String::from(r#"{"model":"m","messages":["#);
    while body.len() < bytes {
        body.push_str(r#"{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#);
    }
    body.push_str(r#"{"role":"user","content":"c"}]}"#);
    body
}

/// A request whose body does not come to its end.
async fn stuck(shim: &Running, announced: usize) -> TcpStream {
    let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

async fn held(shim: &Running) -> usize {
    let metrics = shim.read("/metrics").await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("openai_shim_body_bytes ")).unwrap();
    line.parse().unwrap()
}

async fn until_held(shim: &Running, bytes: usize) {
    for _ in 0..500 {
        if held(shim).await == bytes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} bytes are held, not {bytes}", held(shim).await);
}

#[tokio::test]
async fn requests_that_do_not_fit_beside_the_others_get_a_503_until_they_do() {
    let upstream = Scripted::start(vec![Script::json(&completion("hello"))]).await;
    let shim = Running::before(&upstream, "[limits]\nrequest_body = \"1MiB\"\nbodies = \"1MiB\"").await;
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
        let answer = Answer::of(shim.post(path, &large(200_000)).await).await;
        // Anthropic's word for it has a status of its own.
        assert!([503, 529].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        assert_eq!(answer.header("retry-after"), "1", "{path}");
        let said = answer.json().pointer(message).unwrap().to_string();
        assert!(said.contains("limits.bodies"), "{path}: {said}");
    }
    // So does one that does not say how long it is, as soon as it is too long.
    let body = large(200_000);
    let chunked = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let reply = shim.raw(chunked.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 503"), "{reply:.300}");
    // Small ones fit, and large ones fit again.
    assert_eq!(shim.chat(false).await.text(), "hello");
    drop(socket);
    until_held(&shim, 0).await;
    assert_eq!(Answer::of(shim.post("/v1/chat/completions", &large(200_000)).await).await.text(), "hello");
    until_held(&shim, 0).await;
}

#[tokio::test]
async fn whole_answers_that_are_collected_are_counted_and_streams_are_not() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900000\r\nconnection: close\r\n\r\n{";
    let slow = Script(vec![Step::Raw(head.into()), Step::Stall]);
    let big = completion(&"x".repeat(300_000));
    let mut stream = Script::stream();
    for _ in 0..30 {
        stream = stream.events(&[&text(&"y".repeat(100_000))]);
    }
    let stream = stream.events(&[&stop(), "[DONE]"]).end();
    let upstream = Scripted::start(vec![slow, Script::json(&big), stream, Script::json(&big)]).await;
    let config = "[limits]\nrequest_body = \"64KiB\"\nbodies = \"1MiB\"\n[retry]\nattempts = 1";
    let shim = Running::before(&upstream, config).await;
    let (client, url) = (shim.client.clone(), format!("{}/v1/chat/completions", shim.url));
    let waiting = tokio::spawn(async move { client.post(url).body(CHAT).send().await.unwrap() });
    until_held(&shim, 900_000 + CHAT.len()).await;
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.body);
    assert!(answer.error()["message"].as_str().unwrap().contains("limits.bodies"));
    // What only passes takes no room.
    let answer = shim.chat(true).await;
    assert_eq!(answer.text().len(), 3_000_000);
    waiting.abort();
    upstream.until_gone().await;
    until_held(&shim, 0).await;
    assert_eq!(shim.chat(false).await.text().len(), 300_000);
    until_held(&shim, 0).await;
}

#[tokio::test]
async fn a_large_answer_arrives_whole_in_every_form() {
    let words = "x".repeat(2 << 20);
    let mut stream = Script::stream();
    for _ in 0..64 {
        stream = stream.events(&[&text(&words[..32 << 10])]);
    }
    let stream = stream.events(&[&stop(), "[DONE]"]).end();
    let whole = Script::json(&completion(&words));
    for (what, script) in [("whole", whole), ("stream", stream)] {
        let upstream = Scripted::start(vec![script]).await;
        let shim = Running::before(&upstream, "").await;
        for streamed in [false, true] {
            let answer = shim.chat(streamed).await;
            assert!(answer.text() == words, "{what}, streamed {streamed}: {:.300}", answer.body);
        }
        let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
        let answer = Answer::of(shim.post("/v1/messages", body).await).await;
        assert!(answer.json()["content"][0]["text"] == words.as_str(), "{what}: {:.300}", answer.body);
        until_held(&shim, 0).await;
    }
}

/// How long the slowest of many health checks takes while something else is done, and how many there were.
async fn slowest_health(shim: &Running, meanwhile: impl Future<Output = ()>) -> (Duration, usize) {
    let mut meanwhile = std::pin::pin!(meanwhile);
    let (mut slowest, mut count) = (Duration::ZERO, 0);
    loop {
        let started = Instant::now();
        let check = async {
            assert_eq!(shim.read("/healthz").await.status, 200);
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

// With the one thread that this test has, whatever is worked on there stops everything else: eight such requests, and as
// many such answers, take seconds.
#[tokio::test]
async fn health_is_answered_while_large_requests_and_answers_are_worked_on() {
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
    let upstream = Scripted::start(vec![Script::json(&answer)]).await;
    let shim = Running::before(&upstream, "").await;
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
async fn work_does_not_begin_for_clients_that_have_gone() {
    let upstream = Scripted::start(vec![Script::json(&completion("hello"))]).await;
    let shim = Running::before(&upstream, "").await;
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
    // They leave as soon as the first of them is answered.
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
