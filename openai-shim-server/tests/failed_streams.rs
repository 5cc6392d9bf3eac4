//! Failed streams over real sockets: a half answer never looks whole to clients that overlook an error.

mod support;

use support::{Script, ScriptedUpstream, TestServer, stop, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn broken() -> Script {
    Script::stream()
        .events(&[&text("half"), r#"{"error":{"message":"the model died","type":"server_error"}}"#])
        .end()
}

/// The reads in which a response arrives.
async fn reads(shim: &TestServer, path: &str, body: &str) -> Vec<String> {
    let address = shim.url.trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut reads = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let until_closed = async {
        loop {
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(length) => reads.push(String::from_utf8_lossy(&buffer[..length]).into_owned()),
            }
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_millis(1500), until_closed).await;
    reads
}

const OLLAMA: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

#[tokio::test]
async fn connection_of_an_ollama_client_breaks_behind_the_error() {
    for (path, body) in [("/api/chat", OLLAMA), ("/api/generate", r#"{"model":"m","prompt":"hi"}"#)] {
        let upstream = ScriptedUpstream::start(vec![broken()]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        let response = reads(&shim, path, body).await.concat();
        assert!(response.contains("half") && response.contains("the model died"), "{response}");
        assert!(!response.contains("\r\n0\r\n\r\n"), "{path} has a last chunk: {response}");
    }
}

#[tokio::test]
async fn complete_stream_of_an_ollama_client_has_its_last_chunk() {
    let script = Script::stream().events(&[&text("whole"), &stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let response = reads(&shim, "/api/chat", OLLAMA).await.concat();
    assert!(response.contains("whole") && response.ends_with("\r\n0\r\n\r\n"), "{response}");
}

#[tokio::test]
async fn connection_of_a_chat_client_breaks_behind_the_error_of_an_answer_with_calls() {
    let call = r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}}]}"#;
    let error = r#"{"error":{"message":"the model died","type":"server_error"}}"#;
    let chat = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
    let responses = r#"{"model":"m","stream":true,"input":"hi","tools":[{"type":"function","name":"f"}]}"#;
    let half = text("half");
    for (path, body, events, breaks) in [
        ("/v1/chat/completions", chat, [call, error], true),
        ("/v1/chat/completions", chat, [&half, error], false),
        ("/v1/responses", responses, [call, error], false),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::stream().events(&events).end()]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        let response = reads(&shim, path, body).await.concat();
        assert!(response.contains("the model died"), "{response}");
        let ends = response.contains("content-length") || response.contains("\r\n0\r\n\r\n");
        assert_eq!(ends, !breaks, "{path}: {response}");
    }
}

#[tokio::test]
async fn failure_before_any_content_has_its_status_on_ollamas_routes() {
    let script = Script::stream().events(&[r#"{"error":{"message":"the model died"}}"#]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 1\n").await;
    let response = reads(&shim, "/api/chat", OLLAMA).await.concat();
    assert!(response.starts_with("HTTP/1.1 502") && response.contains("content-length"), "{response}");
}

#[tokio::test]
async fn bare_error_of_a_gemini_client_comes_in_a_write_of_its_own() {
    let upstream = ScriptedUpstream::start(vec![broken()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
    let body = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
    let reads = reads(&shim, path, body).await;
    let bare: Vec<_> = reads.iter().filter(|read| read.contains("\r\n{\"error\":{\"code\":502")).collect();
    assert_eq!(bare.len(), 1, "{reads:?}");
    assert!(!bare[0].contains("data:"), "{reads:?}");
    let events: Vec<_> =
        reads.iter().filter(|read| read.contains("data: {\"error\":{\"code\":502")).collect();
    assert_eq!(events.len(), 1, "{reads:?}");
    assert!(reads.concat().ends_with("\r\n0\r\n\r\n"), "{reads:?}");
}
