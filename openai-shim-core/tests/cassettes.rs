//! Cassettes: recorded from live traffic, written as text, played to clients of every dialect.

use bytes::Bytes;
use futures_core::Stream;
use openai_shim_core::canonical::Outcome;
use openai_shim_core::cassette::{
    Cassette, RecordedAttempt, RecordedChunk, RecordedRequest, RecordedResponse, RecordingUpstream,
    ReplayUpstream,
};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{ClientRequest, Exchange};
use openai_shim_core::upstream::ResponseBody;
use openai_shim_core::{Context, Settings, Shim, Upstream, UpstreamBody, UpstreamError, dialect, profile};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

const REQUEST: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Say hello."}]}"#;
const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hello \\\\o/\"}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\" é\"},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n";

fn chat() -> Dialect {
    dialect("openai-chat").unwrap()
}

fn post(path: &str, body: &str) -> http::Request<Bytes> {
    http::Request::post(path).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// A stream of given chunks, which ends with an error if one is given.
struct Chunks(std::collections::VecDeque<Result<Bytes, UpstreamError>>);

impl futures_core::Stream for Chunks {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// Refuses the first request and streams an answer to the second, in pieces of seven bytes.
struct Scripted(Mutex<usize>);

#[async_trait::async_trait]
impl Upstream for Scripted {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let mut sent = self.0.lock().unwrap();
        *sent += 1;
        let (status, body) = match *sent {
            1 => (
                400,
                r#"{"error":{"message":"Unsupported parameter: 'stream_options'. My key is sk-0123456789abcdef.","param":"stream_options"}}"#,
            ),
            _ => (200, STREAM),
        };
        let chunks = body.as_bytes().chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let mut response = http::Response::new(UpstreamBody::Stream(Box::pin(Chunks(chunks))));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("set-cookie", "session=1".parse().unwrap());
        Ok(response)
    }

    fn clock(&self) -> Option<Duration> {
        Some(Duration::from_millis(5))
    }
}

async fn body_of(response: http::Response<ResponseBody>) -> String {
    let mut body = std::pin::pin!(response.into_body());
    let mut all = Vec::new();
    while let Some(Ok(chunk)) = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        all.extend_from_slice(&chunk);
    }
    String::from_utf8(all).unwrap()
}

fn shim(upstream: impl Upstream + 'static) -> Shim {
    let builder = Shim::builder(upstream, profile("compatible").unwrap());
    builder.clock(|| Duration::from_secs(1)).entropy(|| 1).build().unwrap()
}

/// Records one exchange of a chat client.
async fn record(upstream: impl Upstream + 'static) -> Cassette {
    let attempts: Arc<Mutex<Vec<RecordedAttempt>>> = Arc::default();
    let sink = attempts.clone();
    let recording =
        RecordingUpstream::new(Arc::new(upstream), move |attempt| sink.lock().unwrap().push(attempt));
    let shim = shim(recording);
    let response = shim.serve(post("/v1/chat/completions", REQUEST)).await;
    let mut recorded = RecordedResponse::new(response.status().as_u16(), Vec::new());
    let body = body_of(response).await;
    recorded.chunks.push(RecordedChunk { at: Duration::from_millis(9), bytes: body.into() });
    let mut request = RecordedRequest::post("/v1/chat/completions", REQUEST);
    request.headers.push((String::from("authorization"), String::from("Bearer abc")));
    let mut cassette = Cassette::new(chat(), request, chat(), "compatible");
    cassette.attempts = std::mem::take(&mut *attempts.lock().unwrap());
    cassette.response = Some(recorded);
    cassette
}

#[tokio::test]
async fn a_recording_has_every_attempt_and_every_cut_and_no_secret() {
    let cassette = record(Scripted(Mutex::new(0))).await;
    let cuts = |attempt: &RecordedAttempt| {
        let response = attempt.response.as_ref().unwrap();
        (response.status, response.chunks.iter().map(|chunk| chunk.bytes.len()).max())
    };
    assert_eq!(cassette.attempts.iter().map(cuts).collect::<Vec<_>>(), [(400, Some(7)), (200, Some(7))]);
    let text = cassette.to_string();
    for secret in ["sk-0123", "Bearer abc", "session=1"] {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
    assert!(text.contains("authorization: [key]"), "{text}");
}

#[tokio::test]
async fn text_of_a_cassette_reads_as_the_same_cassette() {
    let cassette = record(Scripted(Mutex::new(0))).await;
    let text = cassette.to_string();
    let read: Cassette = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read.to_string(), text);
    let chunks = |cassette: &Cassette| cassette.attempts[1].response.as_ref().unwrap().chunks.clone();
    assert_eq!(chunks(&read), chunks(&cassette), "nothing of the stream is lost");
    // Editors add line breaks of their own, and remove white space at the end of lines.
    let edited = text.replace('\n', "\r\n").replace("== ", "\r\n\r\n# a note\r\n== ");
    assert_eq!(edited.parse::<Cassette>().unwrap().to_string(), text);
}

#[tokio::test]
async fn a_cassette_plays_to_clients_of_every_dialect_as_a_live_exchange_would() {
    let cassette = record(Scripted(Mutex::new(0))).await;
    for client in DIALECTS {
        let playback = cassette.convert_to(*client);
        let text = String::from_utf8(playback.body.clone()).unwrap();
        assert_eq!(
            (playback.outcome, playback.status),
            (Outcome::Complete, 200),
            "{}: {text}",
            client.name()
        );
        assert!(text.contains("hello ") && text.contains('é'), "{}: {text}", client.name());
        assert!(playback.diagnostics_text().contains("\n- "), "{playback}");
        let requests = &playback.upstream_requests;
        assert!(requests.iter().all(|request| request.path == "/chat/completions"), "{playback}");
        assert!(requests.iter().all(|request| String::from_utf8_lossy(&request.body).contains("Say hello.")));
    }
    let same = cassette.convert_to(chat());
    assert_eq!(same.upstream_requests.len(), 2, "the refusal is played too");
    assert_eq!(cassette.convert_to(chat()), same, "a playback is the same every time");
}

#[tokio::test]
async fn a_recording_answers_the_same_conversation_of_a_client_of_any_dialect() {
    let cassette = record(Scripted(Mutex::new(1))).await;
    for client in DIALECTS {
        let replay = ReplayUpstream::new(chat(), [(String::from("hello"), cassette.clone())]);
        assert_eq!(replay.models(), ["m"]);
        let shim = shim(replay);
        let playback = cassette.convert_to(*client);
        let request = post(&playback.request.path, &String::from_utf8_lossy(&playback.request.body));
        let body = body_of(shim.serve(request).await).await;
        assert!(body.contains("hello "), "{}: {body}", client.name());
    }
}

/// A cassette of one whole answer.
fn answered(request: &str, answer: &str) -> Cassette {
    let mut cassette = Cassette::new(
        chat(),
        RecordedRequest::post("/v1/chat/completions", request.to_owned()),
        chat(),
        "compatible",
    );
    let mut response = RecordedResponse::new(200, Vec::new());
    let body = format!(
        r#"{{"choices":[{{"message":{{"role":"assistant","content":"{answer}"}},"finish_reason":"stop"}}]}}"#
    );
    response.chunks.push(RecordedChunk { at: Duration::ZERO, bytes: body.into() });
    let mut attempt = RecordedAttempt::default();
    attempt.request = RecordedRequest::post("/chat/completions", request.to_owned());
    attempt.response = Some(response);
    cassette.attempts.push(attempt);
    cassette
}

#[tokio::test]
async fn of_several_recordings_the_next_in_order_is_played() {
    let request = r#"{"model":"m","messages":[{"role":"user","content":"Roll a die."}]}"#;
    let cassettes = ["one", "two"].map(|answer| (answer.to_owned(), answered(request, answer)));
    let shim = shim(ReplayUpstream::new(chat(), cassettes));
    for expected in ["one", "two", "one"] {
        let body = body_of(shim.serve(post("/v1/chat/completions", request)).await).await;
        assert!(body.contains(&format!("\"{expected}\"")), "{body}");
    }
}

#[tokio::test]
async fn a_request_that_no_recording_fits_gets_an_error_that_names_the_nearest() {
    let request = r#"{"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"Count to three."}]}"#;
    let cassettes = [
        (String::from("greeting"), answered(&request.replace("Count", "Never count"), "no")),
        (String::from("counting"), answered(request, "1 2 3")),
    ];
    let shim = shim(ReplayUpstream::new(chat(), cassettes));
    for (wanted, explanation) in [
        (
            request.replace("three", "ten"),
            "greeting: at turn 3 it has user \"Never count to three.\", the request has user \"Count to ten.\"",
        ),
        (
            request.replace("\"m\"", "\"other\""),
            "counting: it is of the model \"m\", the request is for \"other\"",
        ),
        (
            request.replace("{\"model\"", "{\"stream\":true,\"model\""),
            "counting: it is a whole response, the request is for a stream",
        ),
    ] {
        let response = shim.serve(post("/v1/chat/completions", &wanted)).await;
        assert_eq!(response.status().as_u16(), 501);
        let body = body_of(response).await.replace("\\\"", "\"");
        assert!(body.contains(explanation), "{explanation}\n{body}");
    }
}

#[test]
fn a_file_that_is_no_cassette_is_refused_with_the_line_and_what_belongs_there() {
    let head = "openai-shim cassette 1\n\n== client openai-chat\nPOST /v1/chat/completions\n\n> {}\n";
    for (text, line, message) in [
        (String::new(), 1, "first line"),
        (String::from("{}"), 1, "first line"),
        (String::from("openai-shim cassette 1\n"), 1, "no section"),
        (String::from("openai-shim cassette 1\nhello"), 2, "first section"),
        (head.replace("openai-chat", "nonsense"), 3, "nonsense"),
        (head.replace("POST /v1/chat/completions", "POST"), 4, "method and path"),
        (head.replace("> {}", "{}"), 6, "a line of a body"),
        (format!("{head}== upstream's response\n200\n"), 7, "belongs behind"),
        (format!("{head}== upstreams\n"), 7, "no section \"upstreams\""),
        (format!("{head}== client's response\nfine\n"), 8, "status"),
        (format!("{head}== client's response\n200\na header\n"), 9, "name: value"),
        (format!("{head}== client's response\n200\n\n| x\n"), 10, "begins with its time"),
        (format!("{head}== client's response\n200\n\n@ soon\n"), 10, "begins with its time"),
        (
            format!("{head}== upstream openai-chat vllm\nPOST /x\n\n== upstream's failure\nbroken\n"),
            11,
            "timeout",
        ),
    ] {
        let error = text.parse::<Cassette>().unwrap_err();
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.message.contains(message), "{text}\n{error}");
    }
}

#[test]
fn a_broken_attempt_is_played_as_broken() {
    let request = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let text = format!(
        "openai-shim cassette 1\n\n== client openai-chat\nPOST /v1/chat/completions\n\n> {request}\n\n== upstream openai-chat vllm\nPOST /chat/completions\n\n> {request}\n\n== upstream's response\n200\n\n@ 3 ms\n| data: {{\"choices\":[{{\"delta\":{{\"content\":\"half\"}}}}]}}\n|\n\n== upstream's failure\nconnection: reset by peer\n"
    );
    let cassette: Cassette = text.parse().unwrap();
    for client in DIALECTS {
        let playback = cassette.convert_to(*client);
        assert_ne!(playback.outcome, Outcome::Complete, "{playback}");
        let body = String::from_utf8_lossy(&playback.body);
        let is_told = body.contains("reset by peer") || body.contains("cut before it was complete");
        assert!(is_told, "{playback}");
    }
    assert_eq!(cassette.to_string(), text);
}

#[test]
fn an_exchange_that_a_playback_makes_is_the_one_of_the_library() {
    // The golden text of a playback cannot drift from what a live exchange does.
    let request = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let playback = answered(request, "hello").convert_to(chat());
    let read = ClientRequest::read(chat(), "/v1/chat/completions", Bytes::from(request)).unwrap();
    let mut exchange =
        Exchange::start(read, profile("compatible").unwrap(), Settings::default(), Context::fixed()).unwrap();
    exchange.next();
    let mut out = Vec::new();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let answer = r#"{"choices":[{"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}"#;
    exchange.push(answer.as_bytes(), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    assert_eq!(String::from_utf8(playback.body), String::from_utf8(out));
}
