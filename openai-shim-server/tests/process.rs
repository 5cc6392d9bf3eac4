//! The program as a process: signals, systemd, file descriptors, logs, and a machine without root certificates.

mod support;

use serde_json::Value;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::process::Process;
use support::{Script, ScriptedUpstream, Step, TestResponse, completion, stop, text};
use tokio::io::AsyncWriteExt as _;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"the secret of life; my key is client-key-1, and sk-0123456789abcdef"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

fn before(upstream: &ScriptedUpstream) -> String {
    format!(
        "client_keys = [\"client-key-1\"]\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\napi_key = \"upstream-key-1\"\n",
        upstream.url
    )
}

#[tokio::test]
async fn stop_signal_lets_streams_finish_and_notifies_systemd() {
    let path = std::env::temp_dir().join(format!("shim-notify-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let notification = || {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned()
    };
    let script =
        Script::stream().events(&[&text("one")]).wait(700).events(&[&text(" two"), &stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut process = Process::start(&before(&upstream), &environment);
    let mut first = vec![notification(), notification(), notification()];
    first.sort();
    assert_eq!(first, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);

    let mut response = process.post(STREAM).await;
    assert!(response.chunk().await.unwrap().is_some());
    process.terminate();
    process.until_logged("stopping").await;
    assert!(process.client.get(format!("{}/healthz", process.url)).send().await.is_err());
    let rest = TestResponse::read(response).await;
    assert!(rest.body.contains("two") && rest.is_done());
    assert!(process.until_ended(Duration::from_secs(3)).await.success());
    while notification() != "STOPPING=1" {}
    let _ = std::fs::remove_file(path);
}

#[tokio::test]
async fn second_stop_signal_ends_streams_with_an_error_in_their_dialect() {
    let running = Script::stream().events(&[&text("one")]).then(Step::Stall);
    let upstream = ScriptedUpstream::start(vec![running.clone(), running, Script(vec![Step::Stall])]).await;
    let mut process = Process::start(&before(&upstream), &[]);
    let mut chat = process.post(STREAM).await;
    let mut messages = process
        .client
        .post(format!("{}/v1/messages", process.url))
        .header("x-api-key", "client-key-1")
        .body(r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#)
        .send()
        .await
        .unwrap();
    let non_streaming = process.client.post(format!("{}/v1/chat/completions", process.url)).body(CHAT);
    let non_streaming = tokio::spawn(non_streaming.header("authorization", "Bearer client-key-1").send());
    assert!(chat.chunk().await.unwrap().is_some() && messages.chunk().await.unwrap().is_some());
    support::until("all are asked", || upstream.requests().len() == 3).await;
    process.terminate();
    process.until_logged("stopping").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    process.terminate();
    let chat = TestResponse::read(chat).await;
    assert_eq!(chat.error()["type"], "server_error");
    assert!(chat.body.contains("is being stopped") && !chat.is_done(), "{}", chat.body);
    let messages = messages.text().await.unwrap();
    assert!(messages.contains("event: error\n") && !messages.contains("message_stop"), "{messages}");
    let non_streaming = TestResponse::read(non_streaming.await.unwrap().unwrap()).await;
    assert_eq!(non_streaming.status, 503);
    assert!(non_streaming.error()["message"].as_str().unwrap().contains("is being stopped"));
    assert!(process.until_ended(Duration::from_secs(3)).await.success());
    upstream.until_disconnected().await;
}

#[tokio::test]
async fn exhausted_descriptors_are_logged_once_and_the_server_continues() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let config = format!("{}[retry]\nattempts = 1\n", before(&upstream));
    let mut process = Process::spawn(&config, &[], Stdio::piped(), "ulimit -n 40;");
    let address = process.url.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(std::net::TcpStream::connect(&address).unwrap());
    }
    let log = process.until_logged("no connection can be accepted").await;
    assert!(log.contains("ulimit -n") && log.contains("LimitNOFILE"), "{log}");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(process.log().matches("no connection can be accepted").count(), 1);
    held.clear();
    assert_eq!(process.post(CHAT).await.status(), 200);
    process.assert_alive();
}

#[tokio::test]
async fn upstream_call_without_a_descriptor_is_a_503_with_a_reason() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    // A name needs a descriptor for its lookup, an address only one for the socket.
    for base in [upstream.url.clone(), upstream.url.replace("127.0.0.1", "no-such-host.invalid")] {
        let config = format!("[[upstream]]\nname = \"up\"\nbase_url = \"{base}\"\n[retry]\nattempts = 1\n");
        let process = Process::spawn(&config, &[], Stdio::piped(), "ulimit -n 40;");
        let address = process.url.trim_start_matches("http://").to_owned();
        // This request's connection is open before other connections take the remaining descriptors.
        assert!(process.fetch("/healthz").await.contains("ok"));
        let mut held = Vec::new();
        while !process.log().contains("no connection can be accepted") {
            held.push(std::net::TcpStream::connect(&address).unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(held.len() < 200);
        }
        let answer = TestResponse::read(process.post(CHAT).await).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        let message = answer.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("\"up\"") && message.contains("ulimit -n"), "{message}");
    }
}

#[tokio::test]
async fn proxied_call_is_made_once_per_attempt() {
    for attempts in [1, 2, 3] {
        let calls = Arc::<AtomicUsize>::default();
        let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", proxy.local_addr().unwrap());
        let counted = calls.clone();
        tokio::spawn(async move {
            // The first call is answered, so that its connection is pooled; all others are closed without a response.
            while let Ok((mut socket, _)) = proxy.accept().await {
                let counted = counted.clone();
                tokio::spawn(async move {
                    while support::read_request(&mut socket).await.is_some() {
                        if counted.fetch_add(1, Ordering::SeqCst) > 0 {
                            return;
                        }
                        let body = completion("x");
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                    }
                });
            }
        });
        let config = format!(
            "[[upstream]]\nname = \"up\"\nbase_url = \"http://upstream.test/v1\"\n[retry]\nattempts = {attempts}\nbackoff = \"1ms\"\n"
        );
        let process = Process::start(&config, &[("HTTP_PROXY", &url), ("http_proxy", &url)]);
        assert_eq!(process.post(CHAT).await.status(), 200);
        assert_eq!(process.post(CHAT).await.status(), 502);
        assert_eq!(calls.load(Ordering::SeqCst), 1 + attempts, "{}", process.log());
    }
}

#[tokio::test]
async fn request_is_logged_as_one_json_line_without_secrets_or_messages() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("forty-two"))]).await;
    let mut process = Process::start(&before(&upstream), &[("OPENAI_SHIM_LOG", "json,trace")]);
    let id = process.post(CHAT).await.headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = process.until_logged("\"exchange\"").await;
    let lines: Vec<_> = log.lines().filter(|line| line.contains("\"exchange\"")).collect();
    assert_eq!(lines.len(), 1);
    let line: Value = serde_json::from_str(lines[0]).unwrap();
    for (key, value) in [
        ("id", id.as_str()),
        ("method", "POST"),
        ("path", "/v1/chat/completions"),
        ("dialect", "openai-chat"),
        ("upstream", "up"),
        ("model", "m"),
        ("outcome", "complete"),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    for (key, value) in [("status", 200), ("attempts", 1), ("tokens_in", 1), ("tokens_out", 1)] {
        assert_eq!(line[key], value, "{line}");
    }
    assert!(line["total_ms"].as_f64() >= line["first_byte_ms"].as_f64());
    assert!(line["diagnostics"].is_string());
    for secret in ["client-key-1", "upstream-key-1", "secret of life", "forty-two"] {
        assert!(!log.contains(secret), "{secret}:\n{log}");
    }
}

#[tokio::test]
async fn body_log_is_opt_in_and_redacts_secrets() {
    let upstream = ScriptedUpstream::start(vec![
        Script::json(&completion("forty-two")),
        Script::stream().events(&[&text("half")]).end(),
    ])
    .await;
    let mut process = Process::start(&before(&upstream), &[("OPENAI_SHIM_LOG", "json,info,bodies=debug")]);
    process.post(CHAT).await;
    process.post(STREAM).await.text().await.unwrap();
    process.until_logged("half").await;
    let log = process.until_logged("\"way\":\"reply\"").await;
    for way in ["request", "to upstream", "from upstream", "reply"] {
        let line = log
            .lines()
            .find(|line| line.contains(&format!("\"way\":\"{way}\"")))
            .unwrap_or_else(|| panic!("{way}: {log}"));
        assert!(
            line.contains(if way.contains("request") || way == "to upstream" {
                "secret of life"
            } else {
                "forty-two"
            }),
            "{line}"
        );
        let id = serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("req_"));
    }
    assert!(log.contains("my key is [redacted], and [redacted]"), "{log}");
    for secret in ["client-key-1", "upstream-key-1", "sk-0123456789abcdef"] {
        assert!(!log.contains(secret), "{secret}:\n{log}");
    }
}

#[tokio::test]
async fn server_works_without_root_certificates_on_the_machine() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let more = "[[upstream]]\nname = \"tls\"\nbase_url = \"https://127.0.0.1:1\"\n[retry]\nattempts = 1\n";
    let nowhere = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    let process = Process::start(&format!("{}{more}", before(&upstream)), &nowhere);
    let answer = TestResponse::read(
        process.post(r#"{"model":"up/m","messages":[{"role":"user","content":"hi"}]}"#).await,
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = TestResponse::read(
        process.post(r#"{"model":"tls/m","messages":[{"role":"user","content":"hi"}]}"#).await,
    )
    .await;
    let notification = "The upstream \"tls\" could not be reached: connection refused. Check that it runs, and the host and port \
                in its base_url.";
    assert_eq!(answer.error()["message"], notification);
}

#[tokio::test]
async fn model_name_of_megabytes_is_shortened_in_the_log() {
    let refusal = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
    let name = "x".repeat(20 << 20);
    // One upstream quotes the name in an error.
    let unknown = format!(r#"{{"error":{{"message":"no model {}","type":"x"}}}}"#, "x".repeat(900_000));
    let upstream = ScriptedUpstream::start(vec![
        Script::response(400, "application/json", refusal),
        Script::json(&completion("hello")),
        Script::response(404, "application/json", unknown),
    ])
    .await;
    let mut process = Process::start(&before(&upstream), &[]);
    let body =
        format!(r#"{{"model":"{name}","max_tokens":5,"messages":[{{"role":"user","content":"hi"}}]}}"#);
    for expected in [200, 404] {
        let request = process.client.post(format!("{}/v1/chat/completions", process.url)).body(body.clone());
        let answer = request.header("authorization", "Bearer client-key-1").send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
    let log = process.until_logged("status=404").await;
    assert!(log.contains("learned") && log.contains('…'), "{log}");
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest < 4000, "a line of {longest} bytes");
}
