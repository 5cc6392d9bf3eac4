//! Streams over real sockets, with a scripted upstream: timing, keep-alives, cancellation, shutdown, limits.

mod support;

use std::time::{Duration, Instant};
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, stop, text, until};

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

fn good() -> Script {
    Script::stream().events(&[&text("hello"), &stop(), "[DONE]"]).end()
}

#[tokio::test]
async fn clean_stream_arrives_unchanged() {
    let upstream = ScriptedUpstream::start(vec![good()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = shim.chat(true).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", text("hello"), stop()));
    assert_eq!(answer.header("x-openai-shim-upstream"), "up");
    assert!(upstream.body(0)["stream_options"]["include_usage"].as_bool().unwrap());
}

#[tokio::test]
async fn each_event_is_sent_when_it_arrives() {
    let script =
        Script::stream().events(&[&text("one")]).wait(700).events(&[&text("two"), &stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let begun = Instant::now();
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    let first = response.chunk().await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_millis(500), "the first event waited for the second");
    assert!(String::from_utf8_lossy(&first).contains("one"));
    let rest = TestResponse::read(response).await;
    assert!(begun.elapsed() >= Duration::from_millis(650));
    assert!(rest.body.contains("two") && rest.is_done());
}

#[tokio::test]
async fn keep_alives_are_sent_before_the_first_byte() {
    let script = Script(vec![Step::Wait(Duration::from_millis(450))]);
    let script = Script([script.0, good().0].concat());
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nkeepalive = \"100ms\"").await;
    let answer = shim.chat(true).await;
    assert!(answer.body.starts_with(": keep-alive\n\n: keep-alive\n\n"), "{}", answer.body);
    assert!(answer.text() == "hello" && answer.is_done());
}

#[tokio::test]
async fn keep_alives_are_sent_between_events() {
    let script = Script::stream().events(&[&text("one")]).wait(350).events(&[&stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nkeepalive = \"100ms\"").await;
    let answer = shim.chat(true).await;
    assert!(answer.body.contains("}\n\n: keep-alive\n\n"), "{}", answer.body);
    assert!(answer.text() == "one" && answer.is_done());
}

#[tokio::test]
async fn keep_alives_do_not_delay_the_first_byte_deadline() {
    let upstream = ScriptedUpstream::start(vec![Script(vec![Step::Stall])]).await;
    let more = "[timeouts]\nkeepalive = \"50ms\"\nfirst_byte = \"300ms\"";
    let shim = TestServer::in_front_of(&upstream, more).await;
    let begun = Instant::now();
    let answer = shim.chat(true).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(answer.error()["code"], "upstream_timeout");
    assert!(!answer.is_done());
}

#[tokio::test]
async fn silent_stream_ends_with_an_error() {
    let script = Script::stream().events(&[&text("one")]).then(Step::Stall);
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nidle = \"200ms\"").await;
    let answer = shim.chat(true).await;
    assert_eq!(answer.error()["code"], "upstream_timeout");
    assert!(answer.body.contains("one") && !answer.is_done() && !answer.body.contains("\"stop\""));
}

#[tokio::test]
async fn slow_reader_does_not_trigger_the_idle_timeout() {
    let large = text(&"x".repeat(4000));
    let mut script = Script::stream();
    for _ in 0..4000 {
        script = script.events(&[&large]);
    }
    let upstream = ScriptedUpstream::start(vec![script.events(&[&stop(), "[DONE]"]).end()]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nidle = \"200ms\"").await;
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for _ in 0..50 {
            response.chunk().await.unwrap();
        }
    }
    assert!(TestResponse::read(response).await.is_done());
}

#[tokio::test]
async fn disconnect_before_the_response_cancels_the_call() {
    let upstream = ScriptedUpstream::start(vec![Script(vec![Step::Stall])]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for (left, body) in [STREAM, &STREAM.replace("true", "false")].into_iter().enumerate() {
        let sent = shim.client.post(format!("{}/v1/chat/completions", shim.url)).body(body.to_owned()).send();
        let call = tokio::spawn(sent);
        until("the upstream is asked", || upstream.requests().len() == left + 1).await;
        assert_eq!(upstream.disconnects(), left);
        call.abort();
        until("the upstream's client is gone", || upstream.disconnects() == left + 1).await;
    }
}

#[tokio::test]
async fn disconnect_before_the_first_token_cancels_the_call() {
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
    let upstream = ScriptedUpstream::start(vec![Script::stream().events(&[role]).then(Step::Stall)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let call =
        tokio::spawn(shim.client.post(format!("{}/v1/chat/completions", shim.url)).body(STREAM).send());
    upstream.until_requested().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    call.abort();
    upstream.until_disconnected().await;
}

#[tokio::test]
async fn disconnect_within_a_stream_cancels_the_call() {
    let upstream =
        ScriptedUpstream::start(vec![Script::stream().events(&[&text("one")]).then(Step::Stall)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    response.chunk().await.unwrap();
    drop(response);
    upstream.until_disconnected().await;
    let metrics = shim.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("outcome=\"cancelled\"} 1"), "{metrics}");
    assert!(metrics.contains("openai_shim_open_exchanges 0"), "{metrics}");
}

#[tokio::test]
async fn stream_that_ends_without_closing_does_not_hang() {
    let script = Script::stream().events(&[&text("hello"), &stop(), "[DONE]"]).then(Step::Stall);
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let begun = Instant::now();
    assert!(shim.chat(true).await.is_done());
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn events_of_one_read_are_sent_in_one_write() {
    // Each event in its own HTTP chunk, as servers send them.
    let all: Vec<_> = (0..8)
        .map(|i| format!("data: {}\n\n", text(&i.to_string())))
        .map(|event| format!("{:x}\r\n{event}\r\n", event.len()))
        .collect();
    let script = Script::stream().then(Step::Raw(all.concat().into_bytes())).wait(100);
    let upstream = ScriptedUpstream::start(vec![script.events(&[&stop(), "[DONE]"]).end()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&first).matches("data: ").count(), 8);
}

#[tokio::test]
async fn running_stream_finishes_during_shutdown() {
    let script =
        Script::stream().events(&[&text("one")]).wait(400).events(&[&text("two"), &stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let mut shim = TestServer::in_front_of(&upstream, "").await;
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    response.chunk().await.unwrap();
    shim.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let late = shim.client.get(format!("{}/healthz", shim.url)).send().await;
    assert!(late.is_err(), "a stopping server takes no new connections");
    assert!(TestResponse::read(response).await.is_done());
    tokio::time::timeout(Duration::from_secs(3), &mut shim.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections_and_calls() {
    let upstream =
        ScriptedUpstream::start(vec![Script::stream().events(&[&text("one")]).then(Step::Stall)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let mut response = shim.post("/v1/chat/completions", STREAM).await;
    response.chunk().await.unwrap();
    shim.task.abort();
    upstream.until_disconnected().await;
    assert!(response.text().await.is_err(), "a cut stream is no whole one");
}

#[tokio::test]
async fn disconnect_during_the_retry_pause_cancels_the_retry() {
    let upstream = ScriptedUpstream::start(vec![Script::json("")]).await;
    let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 2\nbackoff = \"400ms\"").await;
    let call =
        tokio::spawn(shim.client.post(format!("{}/v1/chat/completions", shim.url)).body(STREAM).send());
    upstream.until_requested().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    call.abort();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn empty_response_is_retried_once() {
    let upstream =
        ScriptedUpstream::start(vec![Script::json(r#"{"choices":[]}"#), Script::json(&completion("second"))])
            .await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "second"));
    assert!(answer.header("x-openai-shim-diagnostics").contains("retried"));
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn stream_is_not_retried_after_its_first_byte() {
    let cut = Script::stream().events(&[&text("half")]).then(Step::HangUp);
    let upstream = ScriptedUpstream::start(vec![cut, good()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = shim.chat(true).await;
    assert_eq!(answer.error()["code"], "stream_truncated");
    assert_eq!(upstream.requests().len(), 1);
    assert!(!answer.is_done() && !answer.body.contains("\"stop\""));
}

#[tokio::test]
async fn request_over_the_concurrency_limit_gets_a_503_with_retry_after() {
    let upstream = ScriptedUpstream::start(vec![Script(vec![Step::Stall])]).await;
    let shim = TestServer::in_front_of(&upstream, "[limits]\nconcurrent = 1").await;
    let first =
        tokio::spawn(shim.client.post(format!("{}/v1/chat/completions", shim.url)).body(STREAM).send());
    upstream.until_requested().await;
    let second = shim.chat(false).await;
    assert_eq!((second.status, second.header("retry-after")), (503, "1"));
    second.error();
    first.abort();
}

#[tokio::test]
async fn late_first_byte_is_counted_in_the_metrics() {
    let late = Script([Script(vec![Step::Wait(Duration::from_millis(300))]).0, good().0].concat());
    let upstream = ScriptedUpstream::start(vec![late]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nkeepalive = \"50ms\"").await;
    assert!(shim.chat(true).await.is_done());
    let metrics = shim.fetch("/metrics").await.body;
    assert!(metrics.contains(r#"first_byte_seconds_bucket{upstream="up",le="0.25"} 0"#), "{metrics}");
    assert!(metrics.contains(r#"first_byte_seconds_count{upstream="up"} 1"#), "{metrics}");
}

#[tokio::test]
async fn error_after_keep_alives_is_the_streams_last_event() {
    let error = Script::response(401, "application/json", r#"{"error":{"message":"bad key"}}"#);
    let late = Script([vec![Step::Wait(Duration::from_millis(200))], error.0].concat());
    let upstream = ScriptedUpstream::start(vec![late]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nkeepalive = \"50ms\"").await;
    let answer = shim.chat(true).await;
    assert_eq!(answer.status, 200, "keep-alives went out before anything was known");
    assert!(answer.body.starts_with(": keep-alive\n\n"));
    assert_eq!(answer.error()["message"], "bad key");
    assert!(!answer.is_done());
}

#[tokio::test]
async fn refusal_of_an_oversized_body_reaches_the_client() {
    let upstream = ScriptedUpstream::start(vec![good()]).await;
    let shim = TestServer::in_front_of(&upstream, "[limits]\nrequest_body = \"1KiB\"").await;
    let length = 8 << 20;
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    let reply = shim.raw(&[head.into_bytes(), vec![b'x'; length]].concat()).await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    let chunk = format!("400\r\n{}\r\n", "y".repeat(1024));
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let reply = shim.raw(format!("{head}{chunk}{chunk}0\r\n\r\n").as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "also when no length was announced: {reply}");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn body_over_the_limit_is_refused() {
    let upstream = ScriptedUpstream::start(vec![good()]).await;
    let shim = TestServer::in_front_of(&upstream, "[limits]\nrequest_body = \"1KiB\"").await;
    let answer = TestResponse::read(shim.post("/v1/chat/completions", &"x".repeat(2000)).await).await;
    assert_eq!(answer.status, 413);
    assert!(answer.error()["message"].as_str().unwrap().contains("1024 bytes"));
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn endless_response_ends_at_the_limit() {
    let endless = Script::response(200, "application/json", format!("{{\"x\":\"{}\"}}", "y".repeat(100_000)));
    let upstream = ScriptedUpstream::start(vec![endless]).await;
    let shim =
        TestServer::in_front_of(&upstream, "[limits]\nresponse_body = \"10KiB\"\nframe = \"10KiB\"").await;
    for stream in [false, true] {
        let answer = shim.chat(stream).await;
        assert_eq!(answer.status, 502);
        assert_eq!(answer.error()["code"], "upstream_too_large");
    }
}
