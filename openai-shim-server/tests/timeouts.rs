//! Timeouts of upstream calls: each setting ends its own kind of wait with an error that names it, and no healthy call.

mod support;

use std::time::Duration;
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, stop, text};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const COMMENT: &str = ": still working\n\n";
const ROLE: &str =
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;

fn done(script: Script) -> Script {
    script.events(&[&text("hello"), &stop(), "[DONE]"]).end()
}

/// Appends a meaningless chunk to a stream again and again.
fn drip(mut script: Script, what: &str, every: u64, times: usize) -> Script {
    for _ in 0..times {
        script = script.chunk(what).wait(every);
    }
    script
}

async fn answer(script: Script, settings: &str, stream: bool) -> TestResponse {
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, &format!("[timeouts]\n{settings}")).await;
    let answer = shim.chat(stream).await;
    if answer.body.contains("error") {
        assert!(answer.error()["message"].as_str().unwrap().contains("(timeouts."), "{}", answer.body);
        assert!(!answer.is_done());
        assert_eq!(answer.error()["code"], "upstream_timeout");
    }
    answer
}

#[tokio::test]
async fn first_byte_timeout_applies_after_head_and_comments() {
    let settings = "idle = \"200ms\"\nfirst_byte = \"20s\"";
    let role = format!("data: {ROLE}\n\n");
    for script in [
        Script::stream().wait(700),
        Script::stream().chunk(COMMENT).wait(700),
        Script::stream().chunk(&role).wait(700),
        Script::stream().wait(300).chunk(COMMENT).wait(300).chunk(&role).wait(300),
    ] {
        let answer = answer(done(script), settings, true).await;
        assert!(answer.text() == "hello" && answer.is_done(), "{}", answer.body);
    }
}

#[tokio::test]
async fn comments_do_not_extend_the_first_byte_timeout() {
    let settings = "idle = \"20s\"\nfirst_byte = \"400ms\"";
    for what in [COMMENT, &format!("data: {ROLE}\n\n")] {
        let answer = answer(drip(Script::stream(), what, 50, 400), settings, true).await;
        assert_eq!(answer.status, 504, "{}", answer.body);
        assert!(answer.body.contains("timeouts.first_byte"), "{}", answer.body);
    }
}

#[tokio::test]
async fn idle_timeout_applies_after_the_first_event() {
    let script = Script::stream().events(&[&text("one")]).then(Step::Stall);
    let answer = answer(script, "idle = \"200ms\"\nfirst_byte = \"20s\"", true).await;
    assert!(answer.text() == "one" && answer.body.contains("timeouts.idle"), "{}", answer.body);
}

#[tokio::test]
async fn slow_non_streaming_response_is_accepted() {
    let settings = "idle = \"100ms\"\nfirst_byte = \"100ms\"";
    let body = completion("hello");
    let (first, last) = body.split_at(20);
    for script in [
        Script::stream_of_type("application/json").wait(500).chunk(&body).end(),
        Script::stream_of_type("application/json").chunk(first).wait(500).chunk(last).end(),
        Script([Script(vec![]).wait(500).0, Script::json(&body).0].concat()),
    ] {
        let answer = answer(script, settings, false).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    }
}

#[tokio::test]
async fn non_streaming_response_is_limited_by_the_whole_timeout() {
    for script in [
        Script(vec![Step::Stall]),
        Script::stream_of_type("application/json").then(Step::Stall),
        drip(Script::stream_of_type("application/json"), " ", 50, 400),
    ] {
        let answer = answer(script, "whole = \"400ms\"", false).await;
        assert_eq!(answer.status, 504);
        assert!(answer.body.contains("timeouts.whole"), "{}", answer.body);
    }
}

#[tokio::test]
async fn total_timeout_ends_responses_that_drip() {
    for script in [
        Script(vec![Step::Stall]),
        drip(Script::stream(), COMMENT, 50, 400),
        drip(Script::stream(), &format!("data: {}\n\n", text("one")), 50, 400),
        drip(Script::stream_of_type("application/json"), " ", 50, 400),
    ] {
        for (stream, keepalive) in [(true, "15s"), (true, "50ms"), (false, "15s")] {
            let upstream = ScriptedUpstream::start(vec![script.clone()]).await;
            let settings = format!("[timeouts]\ntotal = \"500ms\"\nkeepalive = \"{keepalive}\"");
            let shim = TestServer::in_front_of(&upstream, &settings).await;
            let begun = std::time::Instant::now();
            let answer = shim.chat(stream).await;
            assert!(begun.elapsed() < Duration::from_secs(5), "{}", answer.body);
            assert!(answer.status == 504 || answer.is_stream(), "{}", answer.body);
            let error = answer.error();
            assert!(error["message"].as_str().unwrap().contains("(timeouts.total)"), "{error}");
            assert!(!answer.is_done() && !answer.body.contains("\"stop\""), "{}", answer.body);
            upstream.until_disconnected().await;
            let metrics = shim.fetch("/metrics").await.body;
            assert!(metrics.contains(r#"outcome="errored"} 1"#), "{metrics}");
            assert!(metrics.contains("open_exchanges 0"), "{metrics}");
        }
    }
}

#[tokio::test]
async fn total_timeout_ends_an_endless_stream_in_its_dialect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        support::read_request(&mut socket).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let event = format!("data: {}\n\n", text("more"));
        while socket.write_all(event.as_bytes()).await.is_ok() {}
    });
    let config = format!("[[upstream]]\nname = \"up\"\nbase_url = \"{url}\"\n[timeouts]\ntotal = \"500ms\"");
    let shim = TestServer::with_config(&config).await;
    let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let reply = shim.post("/v1/messages", body).await.text().await.unwrap();
    let error = reply.rsplit("event: error\n").next().unwrap();
    assert!(error.contains("(timeouts.total)") && !reply.contains("message_stop"), "{error}");
}

#[tokio::test]
async fn total_timeout_counts_from_the_request_across_attempts() {
    let late = Script([Script(vec![]).wait(400).0, Script::json("").0].concat());
    let upstream = ScriptedUpstream::start(vec![late]).await;
    let more = "[timeouts]\ntotal = \"700ms\"\n[retry]\nattempts = 10\nbackoff = \"1ms\"";
    let answer = TestServer::in_front_of(&upstream, more).await.chat(false).await;
    assert_eq!(answer.status, 504, "{}", answer.body);
    assert!(answer.error()["message"].as_str().unwrap().contains("timeouts.total"));
    assert!(upstream.requests().len() <= 3);
}

#[tokio::test]
async fn connect_timeout_ends_a_slow_connection_attempt() {
    // A listener with a full queue drops packets, as a dead route does.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    full.listen(0).unwrap();
    let silent = full.local_addr().unwrap().as_socket().unwrap();
    let filler: Vec<_> = (0..3).map(|_| tokio::spawn(tokio::net::TcpStream::connect(silent))).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let config = format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"http://{silent}\"\n[timeouts]\nconnect = \"200ms\""
    );
    let answer = TestServer::with_config(&config).await.chat(false).await;
    assert_eq!(answer.status, 504);
    assert!(answer.error()["message"].as_str().unwrap().contains("(timeouts.connect)"), "{}", answer.body);
    filler.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn unreachable_upstream_is_an_error_with_a_remedy() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = plain.accept().await {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls_port = secure.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = secure.accept().await {
            let _ = support::read_request(&mut socket).await;
            let _ = socket.write_all(b"\x15\x03\x01\x00\x02\x02\x46").await;
        }
    });
    for (url, expected) in [
        (format!("https://127.0.0.1:{port}/v1"), "its port answers without TLS. Write http://"),
        (format!("http://127.0.0.1:{tls_port}/v1"), "its port has TLS; write https://"),
        (String::from("http://127.0.0.1:1/v1"), "connection refused. Check that it runs"),
        (String::from("http://nowhere.invalid/v1"), "its name cannot be resolved. Check the host"),
    ] {
        let config = format!("[[upstream]]\nname = \"up\"\nbase_url = \"{url}\"\n[retry]\nattempts = 1");
        let answer = TestServer::with_config(&config).await.chat(false).await;
        let message = answer.error()["message"].as_str().unwrap().to_owned();
        assert_eq!(
            (answer.status, answer.error()["code"].as_str()),
            (502, Some("upstream_unreachable")),
            "{message}"
        );
        assert!(message.contains("The upstream \"up\" ") && message.contains(expected), "{url}: {message}");
        assert!(!message.contains("127.0.0.1") && !message.contains("nowhere"), "{message}");
    }
}
