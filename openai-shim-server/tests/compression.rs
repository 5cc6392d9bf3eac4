//! Bodies that come compressed, from clients and from upstreams that were asked for nothing of the kind.

mod support;

use std::io::Write as _;
use std::time::Duration;
use support::{Answer, Running, Script, Scripted, Step, completion, stop, text};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const VECTORS: &str = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;

/// Compresses these parts, and flushes after each of them.
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

/// Raw deflate, which some send under the name of zlib's format.
fn raw_deflate(text: &str) -> Vec<u8> {
    let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    to.write_all(text.as_bytes()).unwrap();
    to.finish().unwrap()
}

const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

async fn post(shim: &Running, path: &str, kind: &str, coding: &str, body: Vec<u8>) -> Answer {
    let request = shim.client.post(format!("{}{path}", shim.url));
    let request = request.header("content-type", kind).header("content-encoding", coding).body(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn requests_in_every_coding_reach_the_upstream_plain() {
    let upstream = Scripted::start(vec![Script::json(&completion("hello"))]).await;
    let shim = Running::before(&upstream, "").await;
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
async fn every_route_that_reads_a_body_decodes_it() {
    let upstream = Scripted::start(vec![Script::json(VECTORS)]).await;
    let shim = Running::before(&upstream, "").await;
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
async fn another_coding_is_refused_in_the_clients_envelope_with_those_that_are_taken() {
    let upstream = Scripted::start(vec![Script::json(&completion("hello"))]).await;
    let shim = Running::before(&upstream, "").await;
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
        let said = answer.json().pointer(message).unwrap().as_str().unwrap().to_owned();
        assert!(said.contains("compress") && said.contains("gzip, deflate, br, zstd"), "{path}: {said}");
        assert_eq!(answer.header("accept-encoding"), "gzip, deflate, br, zstd");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_bomb_is_too_large_and_a_cut_body_is_no_request() {
    let upstream = Scripted::start(vec![Script::json(&completion("hello"))]).await;
    let shim = Running::before(&upstream, "[limits]\nrequest_body = \"64KiB\"").await;
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

/// A whole answer in a coding.
fn whole(coding: &str, kind: &str, body: &str) -> Script {
    Script::whole_with(200, kind, &format!("content-encoding: {coding}\r\n"), coded(coding, body))
}

fn stream(coding: &str) -> Script {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n"
    );
    Script(vec![Step::Raw(head.into_bytes())])
}

#[tokio::test]
async fn answers_that_come_compressed_unasked_are_decoded_on_every_route() {
    for coding in CODINGS {
        let upstream = Scripted::start(vec![
            whole(coding, "application/json", &completion("hällo")),
            whole(coding, "application/json", VECTORS),
            whole(coding, "application/json", VECTORS),
            whole(coding, "audio/mpeg", "not really sound"),
            whole(coding, "application/json", r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#),
            Script::whole_with(
                429,
                "application/json",
                &format!("content-encoding: {coding}\r\n"),
                coded(coding, r#"{"error":{"message":"slowly","code":"slow"}}"#),
            ),
        ])
        .await;
        let shim = Running::before(&upstream, "[retry]\nattempts = 1").await;
        let answer = shim.chat(false).await;
        assert_eq!(answer.text(), "hällo", "{coding}");
        assert_eq!(answer.header("content-encoding"), "");
        let embed = Answer::of(shim.post("/v1/embeddings", r#"{"model":"m","input":"x"}"#).await).await;
        assert_eq!((embed.status, embed.body.as_str()), (200, VECTORS), "{coding}");
        let ollama = Answer::of(shim.post("/api/embed", r#"{"model":"m","input":"x"}"#).await).await;
        assert_eq!(ollama.json()["embeddings"], serde_json::json!([[0.5]]), "{coding}");
        let speech = Answer::of(shim.post("/v1/audio/speech", r#"{"model":"m","input":"x"}"#).await).await;
        assert_eq!((speech.status, speech.body.as_str()), (200, "not really sound"), "{coding}");
        assert_eq!((speech.header("content-encoding"), speech.header("content-type")), ("", "audio/mpeg"));
        assert_ne!(speech.header("content-length"), coded(coding, "not really sound").len().to_string());
        assert_eq!(shim.read("/v1/models").await.json()["data"][0]["id"], "m", "{coding}");
        assert!(shim.chat(false).await.error()["message"].as_str().unwrap().contains("slowly"), "{coding}");
    }
}

#[tokio::test]
async fn an_event_of_a_compressed_stream_leaves_as_soon_as_it_has_come() {
    for coding in CODINGS {
        let events = [text("one"), text("two"), stop()].map(|event| format!("data: {event}\n\n"));
        let done = String::from("data: [DONE]\n\n");
        let parts = flushed(coding, &[&events[0], &events[1], &events[2], &done]);
        let mut script = stream(coding).chunk(&parts[0]);
        // It says nothing more until the client has what came.
        script = script.then(Step::Stall);
        let upstream = Scripted::start(vec![script]).await;
        let shim = Running::before(&upstream, "").await;
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
        upstream.until_gone().await;
        // All of it, in chunks that have nothing to do with the events.
        let mut script = stream(coding);
        for part in parts.concat().chunks(3) {
            script = script.chunk(part);
        }
        let upstream = Scripted::start(vec![script.end()]).await;
        let answer = Running::before(&upstream, "").await.chat(true).await;
        assert_eq!(answer.text(), "onetwo", "{coding}: {}", answer.body);
        assert!(answer.is_done());
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_is_an_error_that_says_so() {
    let broken = coded("gzip", &completion("hello"));
    let cut = &broken[..broken.len() - 12];
    let script = |coding: &str, body: &[u8]| {
        Script::whole_with(200, "application/json", &format!("content-encoding: {coding}\r\n"), body)
    };
    for (case, script) in [("cut", script("gzip", cut)), ("unknown", script("compress", b"xx"))] {
        let upstream = Scripted::start(vec![script]).await;
        let shim = Running::before(&upstream, "[retry]\nattempts = 1").await;
        for path in ["/v1/chat/completions", "/v1/embeddings"] {
            let body = CHAT.replace("\"model\"", "\"input\":\"x\",\"model\"");
            let answer = Answer::of(shim.post(path, &body).await).await;
            assert_eq!(answer.status, 502, "{case}: {}", answer.body);
            let message = answer.error()["message"].to_string();
            assert!(message.contains("decoded"), "{case}, {path}: {message}");
        }
    }
}

#[tokio::test]
async fn a_bomb_of_an_upstream_is_stopped_at_the_limit() {
    let large = format!("{{\"choices\":[{{\"message\":{{\"content\":\"{}\"}}}}]}}", "x".repeat(4 << 20));
    for coding in CODINGS {
        let upstream = Scripted::start(vec![whole(coding, "application/json", &large)]).await;
        let shim =
            Running::before(&upstream, "[limits]\nresponse_body = \"64KiB\"\n[retry]\nattempts = 1").await;
        let answer = shim.chat(false).await;
        assert_eq!(answer.status, 502, "{coding}: {}", answer.body);
        assert!(answer.body.len() < 4096);
    }
}
