//! Compressed request bodies, and compressed responses of upstreams that were asked for none.

mod support;

use std::io::Write as _;
use std::time::Duration;
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, stop, text};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const VECTORS: &str = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;

/// Compresses the parts, with a flush after each of them.
fn flushed(coding: &str, parts: &[&str]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    match coding {
        "gzip" => {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            for part in parts {
                to.write_all(part.as_bytes()).unwrap();
                to.flush().unwrap();
                out.push(std::mem::take(to.get_mut()));
            }
            out.push(to.finish().unwrap());
        }
        "deflate" => {
            let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            for part in parts {
                to.write_all(part.as_bytes()).unwrap();
                to.flush().unwrap();
                out.push(std::mem::take(to.get_mut()));
            }
            out.push(to.finish().unwrap());
        }
        "br" => {
            let mut to = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
            let mut sent = 0;
            for part in parts {
                to.write_all(part.as_bytes()).unwrap();
                to.flush().unwrap();
                out.push(to.get_ref()[sent..].to_vec());
                sent = to.get_ref().len();
            }
            out.push(to.into_inner()[sent..].to_vec());
        }
        "zstd" => {
            let mut context = zstd_safe::CCtx::create();
            for (last, part) in parts.iter().map(|part| (false, *part)).chain([(true, "")]) {
                let mut bytes = vec![0; part.len() + 1000];
                let mut to = zstd_safe::OutBuffer::around(bytes.as_mut_slice());
                let mut from = zstd_safe::InBuffer::around(part.as_bytes());
                while from.pos() < part.len() {
                    context.compress_stream(&mut to, &mut from).unwrap();
                }
                let left = if last { context.end_stream(&mut to) } else { context.flush_stream(&mut to) };
                assert_eq!(left.unwrap(), 0);
                let written = to.pos();
                bytes.truncate(written);
                out.push(bytes);
            }
        }
        other => panic!("{other}"),
    }
    out
}

fn coded(coding: &str, text: &str) -> Vec<u8> {
    flushed(coding, &[text]).concat()
}

/// Raw deflate, which some servers send under the name of zlib's format.
fn raw_deflate(text: &str) -> Vec<u8> {
    let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    to.write_all(text.as_bytes()).unwrap();
    to.finish().unwrap()
}

const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

async fn post(shim: &TestServer, path: &str, kind: &str, coding: &str, body: Vec<u8>) -> TestResponse {
    let request = shim.client.post(format!("{}{path}", shim.url));
    let request = request.header("content-type", kind).header("content-encoding", coding).body(body);
    TestResponse::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn request_in_every_coding_reaches_the_upstream_decoded() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let mut cases: Vec<(String, Vec<u8>)> =
        CODINGS.iter().map(|coding| ((*coding).to_owned(), coded(coding, CHAT))).collect();
    cases.push((String::from("deflate"), raw_deflate(CHAT)));
    cases.push((String::from("Identity, ZSTD"), coded("zstd", CHAT)));
    cases.push((String::from("identity"), CHAT.into()));
    let gzip = coded("gzip", CHAT);
    let mut twice = Vec::new();
    brotli::CompressorWriter::new(&mut twice, 4096, 5, 22).write_all(&gzip).unwrap();
    cases.push((String::from("GZIP, Br"), twice));
    for (coding, body) in cases {
        let answer = post(&shim, "/v1/chat/completions", "application/json", &coding, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{coding}: {}", answer.body);
        let (head, sent) = upstream.requests().pop().unwrap();
        assert_eq!(sent, CHAT, "{coding}");
        assert!(!head.contains("content-encoding"), "{head}");
    }
}

#[tokio::test]
async fn every_route_with_a_body_decodes_it() {
    let upstream = ScriptedUpstream::start(vec![Script::json(VECTORS)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let form = "--X\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--X--\r\n";
    for (path, kind, body) in [
        ("/v1/embeddings", "application/json", r#"{"model":"m","input":"x"}"#),
        ("/v1/images/edits", "application/json", r#"{"model":"m","prompt":"x"}"#),
        ("/v1/audio/transcriptions", "multipart/form-data; boundary=X", form),
        ("/v1/responses/compact", "application/json", r#"{"model":"m"}"#),
    ] {
        let answer = post(&shim, path, kind, "zstd", coded("zstd", body)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let (head, sent) = upstream.requests().pop().unwrap();
        assert_eq!(sent, body, "{path}");
        assert!(
            !head.contains("content-encoding") && head.contains(&format!("content-length: {}", body.len()))
        );
    }
}

#[tokio::test]
async fn unsupported_coding_is_a_415_that_lists_the_supported_ones() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for (path, message) in [
        ("/v1/chat/completions", "/error/message"),
        ("/v1/messages", "/error/message"),
        ("/v1/responses", "/error/message"),
        ("/api/chat", "/error"),
        ("/v1beta/models/m:generateContent", "/error/message"),
        ("/v1/embeddings", "/error/message"),
        ("/v1/moderations", "/error/message"),
    ] {
        let answer = post(&shim, path, "application/json", "compress", CHAT.into()).await;
        assert_eq!(answer.status, 415, "{path}: {}", answer.body);
        let error_text = answer.json().pointer(message).unwrap().as_str().unwrap().to_owned();
        assert!(
            error_text.contains("compress") && error_text.contains("gzip, deflate, br, zstd"),
            "{path}: {error_text}"
        );
        assert_eq!(answer.header("accept-encoding"), "gzip, deflate, br, zstd");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn decompression_bomb_is_too_large_and_truncated_body_is_invalid() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let shim = TestServer::in_front_of(&upstream, "[limits]\nrequest_body = \"64KiB\"").await;
    let large = format!("{{\"model\":\"m\",\"messages\":[],\"x\":\"{}\"}}", " ".repeat(4 << 20));
    for coding in CODINGS {
        let bomb = coded(coding, &large);
        assert!(bomb.len() < 64 << 10);
        let answer = post(&shim, "/v1/chat/completions", "application/json", coding, bomb).await;
        assert_eq!(answer.status, 413, "{coding}: {}", answer.body);
        assert!(answer.error()["message"].as_str().unwrap().contains("limits.request_body"));
        let mut cut = coded(coding, CHAT);
        cut.truncate(cut.len() - 1);
        for broken in [cut, CHAT.into()] {
            let answer = post(&shim, "/v1/chat/completions", "application/json", coding, broken).await;
            assert_eq!(answer.status, 400, "{coding}: {}", answer.body);
        }
    }
    assert!(upstream.requests().is_empty());
}

/// A non-streaming response in a coding.
fn response(coding: &str, kind: &str, body: &str) -> Script {
    Script::response_with_headers(200, kind, &format!("content-encoding: {coding}\r\n"), coded(coding, body))
}

fn stream(coding: &str) -> Script {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n"
    );
    Script(vec![Step::Raw(head.into_bytes())])
}

#[tokio::test]
async fn compressed_response_is_decoded_on_every_route() {
    for coding in CODINGS {
        let upstream = ScriptedUpstream::start(vec![
            response(coding, "application/json", &completion("hällo")),
            response(coding, "application/json", VECTORS),
            response(coding, "application/json", VECTORS),
            response(coding, "audio/mpeg", "not really sound"),
            response(coding, "application/json", r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#),
            Script::response_with_headers(
                429,
                "application/json",
                &format!("content-encoding: {coding}\r\n"),
                coded(coding, r#"{"error":{"message":"slowly","code":"slow"}}"#),
            ),
        ])
        .await;
        let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 1").await;
        let answer = shim.chat(false).await;
        assert_eq!(answer.text(), "hällo", "{coding}");
        assert_eq!(answer.header("content-encoding"), "");
        let embed =
            TestResponse::read(shim.post("/v1/embeddings", r#"{"model":"m","input":"x"}"#).await).await;
        assert_eq!((embed.status, embed.body.as_str()), (200, VECTORS), "{coding}");
        let ollama = TestResponse::read(shim.post("/api/embed", r#"{"model":"m","input":"x"}"#).await).await;
        assert_eq!(ollama.json()["embeddings"], serde_json::json!([[0.5]]), "{coding}");
        let speech =
            TestResponse::read(shim.post("/v1/audio/speech", r#"{"model":"m","input":"x"}"#).await).await;
        assert_eq!((speech.status, speech.body.as_str()), (200, "not really sound"), "{coding}");
        assert_eq!((speech.header("content-encoding"), speech.header("content-type")), ("", "audio/mpeg"));
        assert_ne!(speech.header("content-length"), coded(coding, "not really sound").len().to_string());
        assert_eq!(shim.fetch("/v1/models").await.json()["data"][0]["id"], "m", "{coding}");
        assert!(shim.chat(false).await.error()["message"].as_str().unwrap().contains("slowly"), "{coding}");
    }
}

#[tokio::test]
async fn event_of_a_compressed_stream_is_sent_as_soon_as_it_arrives() {
    for coding in CODINGS {
        let events = [text("one"), text("two"), stop()].map(|event| format!("data: {event}\n\n"));
        let done = String::from("data: [DONE]\n\n");
        let parts = flushed(coding, &[&events[0], &events[1], &events[2], &done]);
        let mut script = stream(coding).chunk(&parts[0]);
        // The upstream pauses until the client has received this event.
        script = script.then(Step::Stall);
        let upstream = ScriptedUpstream::start(vec![script]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        let body = CHAT.replace("\"model\"", "\"stream\":true,\"model\"");
        let mut response = shim.post("/v1/chat/completions", &body).await;
        let mut summary = String::new();
        while !summary.contains("one") {
            let chunk = tokio::time::timeout(Duration::from_secs(5), response.chunk()).await;
            let chunk =
                chunk.unwrap_or_else(|_| panic!("{coding}: the first event is held back: {summary:?}"));
            summary.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
        }
        drop(response);
        upstream.until_disconnected().await;
        // The rest, in chunks that are independent of the events.
        let mut script = stream(coding);
        for part in parts.concat().chunks(3) {
            script = script.chunk(part);
        }
        let upstream = ScriptedUpstream::start(vec![script.end()]).await;
        let answer = TestServer::in_front_of(&upstream, "").await.chat(true).await;
        assert_eq!(answer.text(), "onetwo", "{coding}: {}", answer.body);
        assert!(answer.is_done());
    }
}

#[tokio::test]
async fn undecodable_response_is_an_error_that_names_the_coding() {
    let broken = coded("gzip", &completion("hello"));
    let cut = &broken[..broken.len() - 12];
    let script = |coding: &str, body: &[u8]| {
        Script::response_with_headers(
            200,
            "application/json",
            &format!("content-encoding: {coding}\r\n"),
            body,
        )
    };
    for (case, script) in [("cut", script("gzip", cut)), ("unknown", script("compress", b"xx"))] {
        let upstream = ScriptedUpstream::start(vec![script]).await;
        let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 1").await;
        for path in ["/v1/chat/completions", "/v1/embeddings"] {
            let body = CHAT.replace("\"model\"", "\"input\":\"x\",\"model\"");
            let answer = TestResponse::read(shim.post(path, &body).await).await;
            assert_eq!(answer.status, 502, "{case}: {}", answer.body);
            let message = answer.error()["message"].to_string();
            assert!(message.contains("decoded"), "{case}, {path}: {message}");
        }
    }
}

#[tokio::test]
async fn decompression_bomb_of_an_upstream_stops_at_the_limit() {
    let large = format!("{{\"choices\":[{{\"message\":{{\"content\":\"{}\"}}}}]}}", "x".repeat(4 << 20));
    for coding in CODINGS {
        let upstream = ScriptedUpstream::start(vec![response(coding, "application/json", &large)]).await;
        let shim =
            TestServer::in_front_of(&upstream, "[limits]\nresponse_body = \"64KiB\"\n[retry]\nattempts = 1")
                .await;
        let answer = shim.chat(false).await;
        assert_eq!(answer.status, 502, "{coding}: {}", answer.body);
        assert!(answer.body.len() < 4096);
    }
}
