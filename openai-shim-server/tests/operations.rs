//! What operators see: health, metrics, pages, unknown paths, CORS, panics, malformed HTTP. Mostly without a socket: the
//! router is a tower service.

mod support;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Upstream, UpstreamError};
use openai_shim_server::router;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion, parse, text};
use tower::ServiceExt as _;

const ECHO: &str = "[[upstream]]\nname = \"up\"\nbase_url = \"echo\"\nmodels = [\"m\"]\n";
const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// An upstream that panics.
#[derive(Clone, Copy)]
enum Faulty {
    AtOnce,
    InTheStream,
}

#[async_trait]
impl Upstream for Faulty {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        match self {
            Self::AtOnce => panic!("a fault, on purpose"),
            Self::InTheStream => Ok(Response::new(UpstreamBody::Stream(Box::pin(FaultyStream(false))))),
        }
    }
}

struct FaultyStream(bool);

impl futures_core::Stream for FaultyStream {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        assert!(!self.0, "a fault in the stream, on purpose");
        self.0 = true;
        Poll::Ready(Some(Ok(Bytes::from(format!("data: {}\n\n", text("half"))))))
    }
}

fn app(config: &str, upstream: impl Upstream + 'static) -> Router {
    router(parse(config), Arc::new(upstream))
}

fn echo(more: &str) -> Router {
    app(&format!("{more}\n{ECHO}"), openai_shim_server::upstream::echo::Echo)
}

async fn call(
    app: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> TestResponse {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    TestResponse::of_router(response).await
}

async fn get(app: &Router, path: &str) -> TestResponse {
    call(app, Method::GET, path, &[], "").await
}

async fn post(app: &Router, body: &str) -> TestResponse {
    call(app, Method::POST, "/v1/chat/completions", &[], body).await
}

#[tokio::test]
async fn router_serves_without_a_socket() {
    let app = echo("");
    for path in ["/v1/chat/completions", "/api/openai/v1/chat/completions", "//v1//chat/completions/"] {
        let answer = call(&app, Method::POST, path, &[], CHAT).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hi"), "{path}");
    }
}

#[tokio::test]
async fn each_upstream_may_have_its_own_transport() {
    let config =
        parse(&format!("{ECHO}[[upstream]]\nname = \"bad\"\nbase_url = \"echo\"\nmodels = [\"n\"]\n"));
    let app = openai_shim_server::router_with(config, |upstream| match upstream.name.as_str() {
        "up" => Arc::new(openai_shim_server::upstream::echo::Echo),
        _ => Arc::new(Faulty::AtOnce),
    });
    assert_eq!(post(&app, CHAT).await.status, 200);
    assert_eq!(post(&app, &CHAT.replace("\"m\"", "\"n\"")).await.status, 500);
}

#[tokio::test]
async fn no_panic_reaches_a_client() {
    for (upstream, body) in [(Faulty::AtOnce, CHAT), (Faulty::AtOnce, STREAM), (Faulty::InTheStream, CHAT)] {
        let app = app(ECHO, upstream);
        let answer = post(&app, body).await;
        assert_eq!((answer.status, answer.error()["code"].as_str()), (500, Some("internal_error")));
        assert!(!answer.header("x-request-id").is_empty());
        assert_eq!(get(&app, "/healthz").await.status, 200, "and the next request is served");
        assert!(get(&app, "/metrics").await.body.contains("open_exchanges 0\n"));
    }
    let forwarded = call(&app(ECHO, Faulty::AtOnce), Method::POST, "/v1/embeddings", &[], "{}").await;
    assert_eq!(forwarded.status, 500);
}

/// A log that panics at each line.
struct PanickingLog;

impl tracing::Subscriber for PanickingLog {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        assert!(
            !event.metadata().target().starts_with("openai_shim_server"),
            "a fault of the log, on purpose"
        );
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn panic_while_logging_in_a_destructor_does_not_end_the_process() {
    let _log = tracing::subscriber::set_default(PanickingLog);
    // All destructors run while the first panic unwinds.
    for (upstream, body) in [(Faulty::AtOnce, CHAT), (Faulty::AtOnce, STREAM), (Faulty::InTheStream, CHAT)] {
        assert_eq!(post(&app(ECHO, upstream), body).await.status, 500);
    }
    assert_eq!(post(&app(ECHO, Faulty::InTheStream), STREAM).await.error()["code"], "internal_error");
    let forwarded = app(ECHO, Faulty::AtOnce);
    assert_eq!(call(&forwarded, Method::POST, "/v1/embeddings", &[], "{}").await.status, 500);
    assert_eq!(post(&echo(""), CHAT).await.status, 200, "and a lost line is a lost line");
}

#[tokio::test]
async fn panic_in_a_running_stream_becomes_its_last_event() {
    let answer = post(&app(ECHO, Faulty::InTheStream), STREAM).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "half"));
    assert_eq!(answer.error()["code"], "internal_error");
    assert!(!answer.is_done());
}

#[tokio::test]
async fn server_is_ready_while_an_upstream_is_reachable() {
    let app = echo("");
    assert_eq!((get(&app, "/healthz").await.status, get(&app, "/readyz").await.status), (200, 200));

    let dead = "[[upstream]]\nname = \"a\"\nbase_url = \"http://127.0.0.1:1\"\n";
    let shim = TestServer::with_config(&format!("{dead}[retry]\nattempts = 1\n")).await;
    assert_eq!(shim.fetch("/readyz").await.status, 200, "nothing is known yet");
    shim.chat(false).await;
    assert_eq!((shim.fetch("/readyz").await.status, shim.fetch("/healthz").await.status), (503, 200));

    // An upstream that answers with errors is reachable.
    let alive = ScriptedUpstream::start(vec![Script::response(500, "text/plain", "")]).await;
    let other =
        format!("{dead}[[upstream]]\nname = \"b\"\nbase_url = \"{}\"\n[retry]\nattempts = 1\n", alive.url);
    let shim = TestServer::with_config(&other).await;
    shim.chat_with_model("a/m").await;
    shim.chat_with_model("b/m").await;
    assert_eq!(shim.fetch("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_count_every_request() {
    let app = echo("");
    post(&app, CHAT).await;
    post(&app, STREAM).await;
    post(&app, "{").await;
    get(&app, "/v1/models").await;
    get(&app, "/nowhere").await;
    let metrics = get(&app, "/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"requests_total{route="openai-chat",upstream="up",status="200"} 2"#,
        r#"requests_total{route="openai-chat",upstream="",status="400"} 1"#,
        r#"requests_total{route="models",upstream="",status="200"} 1"#,
        r#"requests_total{route="unknown",upstream="",status="404"} 1"#,
        r#"outcomes_total{upstream="up",outcome="complete"} 2"#,
        r#"request_seconds_count{upstream="up"} 2"#,
        r#"first_byte_seconds_count{upstream="up"} 2"#,
        "open_exchanges 0",
    ] {
        assert!(metrics.body.contains(&format!("openai_shim_{line}\n")), "{line}\n{}", metrics.body);
    }
    assert!(metrics.body.contains(r#"tokens_total{upstream="up",model="m",kind="output"}"#));
}

#[tokio::test]
async fn unknown_path_is_a_404_that_lists_the_paths() {
    let app = echo("");
    for path in
        ["/", "/v1", "/chat/completion", "/v1/chat/completion", "/v1/models/../x"].map(|p| format!("{p}?x"))
    {
        let answer = call(&app, Method::POST, &path, &[], CHAT).await;
        if path == "/?x" {
            assert_eq!(answer.status, 405);
            continue;
        }
        assert!(matches!(answer.status, 404 | 405), "{path}");
        let message = answer.error()["message"].as_str().unwrap().to_owned();
        assert!(answer.status == 405 || message.contains("/v1/chat/completions"), "{message}");
    }
}

#[tokio::test]
async fn wrong_method_is_a_405_with_the_allowed_ones() {
    let app = echo("");
    for (method, path, allow) in [
        (Method::GET, "/v1/chat/completions", "POST"),
        (Method::POST, "/v1/models", "GET, HEAD"),
        (Method::PUT, "/healthz", "GET, HEAD"),
        (Method::PATCH, "/v1/embeddings", "POST"),
        (Method::OPTIONS, "/v1/models", "GET, HEAD"),
    ] {
        let answer = call(&app, method, path, &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{path}");
        assert_eq!(answer.error()["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn front_page_is_ollamas_greeting_for_programs_and_help_for_browsers() {
    // Without client keys, unknown host names are refused.
    let app = echo("client_keys = [\"a-key-of-its-own\"]");
    let plain = get(&app, "/").await;
    assert_eq!(
        (plain.body.as_str(), plain.header("content-type")),
        ("Ollama is running", "text/plain; charset=utf-8")
    );
    let browser = [("accept", "text/html,*/*"), ("host", "shim.lan:8000\"<script>")];
    let page = call(&app, Method::GET, "/", &browser, "").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.body.contains("<code>http://shim.lan:8000") && !page.body.contains("<script>"),
        "{}",
        page.body
    );
    let behind = [("accept", "text/html"), ("host", "shim.example"), ("x-forwarded-proto", "https")];
    assert!(call(&app, Method::GET, "/", &behind, "").await.body.contains("<code>https://shim.example/v1<"));
}

#[tokio::test]
async fn request_id_is_kept_if_it_can_be_logged() {
    let app = echo("");
    for (sent_id, is_kept) in [("abc-1.2:3_4", true), ("a b", false), ("", false), (&*"x".repeat(129), false)]
    {
        let answer =
            call(&app, Method::POST, "/v1/chat/completions", &[("x-request-id", sent_id)], CHAT).await;
        let id = answer.header("x-request-id");
        assert_eq!(id == sent_id, is_kept, "{sent_id:?}");
        assert!(is_kept || id.starts_with("req_"), "{id}");
    }
}

#[tokio::test]
async fn response_headers_report_upstream_outcome_and_diagnostics() {
    let app = echo("");
    let response = post(&app, r#"{"model":"m","prompt":"hi"}"#).await;
    assert_eq!(
        (response.header("x-openai-shim-upstream"), response.header("x-openai-shim-outcome")),
        ("up", "complete")
    );
    assert_eq!(response.header("x-openai-shim-diagnostics"), "1; prompt-to-messages");
    let stream = post(&app, STREAM).await;
    assert_eq!(stream.header("x-openai-shim-outcome"), "streaming");
    assert_eq!((stream.header("cache-control"), stream.header("x-accel-buffering")), ("no-cache", "no"));
}

fn cors(answer: &TestResponse) -> (&str, &HeaderMap) {
    (answer.header("access-control-allow-origin"), &answer.headers)
}

#[tokio::test]
async fn cors_allows_configured_origins_only() {
    let app = echo("client_keys = [\"k\"]\n[cors]\norigins = [\"https://chat.example\"]");
    let preflight = [
        ("origin", "https://chat.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-openwebui-chat-id"),
    ];
    let answer = call(&app, Method::OPTIONS, "/v1/chat/completions", &preflight, "").await;
    assert_eq!((answer.status, cors(&answer).0), (204, "https://chat.example"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,content-type,x-openwebui-chat-id"
    );
    assert!(answer.header("access-control-allow-methods").contains("POST"));

    let known = [("origin", "https://chat.example"), ("authorization", "Bearer k")];
    let answer = call(&app, Method::POST, "/v1/chat/completions", &known, CHAT).await;
    assert_eq!((answer.status, cors(&answer).0), (200, "https://chat.example"));
    assert!(answer.header("access-control-expose-headers").contains("x-openai-shim-diagnostics"));
    assert_eq!(answer.header("vary"), "origin");

    // The page must be able to read refusals, too.
    let answer = call(&app, Method::POST, "/v1/chat/completions", &known[..1], CHAT).await;
    assert_eq!((answer.status, cors(&answer).0), (401, "https://chat.example"));

    let foreign = [("origin", "https://evil.example"), ("authorization", "Bearer k")];
    let answer = call(&app, Method::POST, "/v1/chat/completions", &foreign, CHAT).await;
    assert_eq!(cors(&answer).0, "");
    assert_eq!(call(&app, Method::OPTIONS, "/v1/models", &foreign, "").await.status, 405);
}

#[tokio::test]
async fn a_pattern_of_origins_allows_an_extension_and_its_preflight() {
    let app = echo(
        "[cors]\norigins = [\"chrome-extension://*\", \"https://*.example.com\", \"http://localhost:*\"]",
    );
    for (origin, is_allowed) in [
        ("chrome-extension://abcdefghijklmnop", true),
        ("moz-extension://1234", false),
        ("https://chat.example.com", true),
        ("https://example.com.evil.com", false),
        ("http://localhost:5173", true),
    ] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-private-network", "true"),
        ];
        let preflight = call(&app, Method::OPTIONS, "/v1/chat/completions", &headers, "").await;
        let answer = call(&app, Method::POST, "/v1/chat/completions", &headers[..1], CHAT).await;
        let expected = if is_allowed { origin } else { "" };
        assert_eq!((cors(&preflight).0, cors(&answer).0), (expected, expected));
        assert_eq!(answer.status, if is_allowed { 200 } else { 403 }, "{origin}");
        let private = preflight.header("access-control-allow-private-network");
        assert_eq!(private, if is_allowed { "true" } else { "" }, "{origin}");
    }
}

#[tokio::test]
async fn cors_is_off_by_default_and_a_star_allows_all_origins() {
    let origin = [("origin", "https://chat.example")];
    let answer = call(&echo(""), Method::GET, "/v1/models", &origin, "").await;
    assert_eq!(answer.status, 403);
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")));
    let answer = call(&echo("[cors]\norigins = [\"*\"]"), Method::GET, "/v1/models", &origin, "").await;
    assert_eq!(cors(&answer).0, "*");
}

/// The status line and the JSON error of a raw response.
fn refusal(reply: &str) -> (&str, serde_json::Value) {
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{reply:?}"));
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{reply}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {reply}"));
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    (&reply[9..12], body["error"].clone())
}

#[tokio::test]
async fn malformed_http_gets_an_error_body() {
    let shim = TestServer::with_config(ECHO).await;
    let long = |length| format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(length));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    let large = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(3 << 20));
    for (bytes, status) in [
        ("non sense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\n", "400"),
        ("\u{16}\u{3}\u{1}\u{2}\0 a client hello", "400"),
        (&long(70_000), "414"),
        (&many, "431"),
        (&large, "431"),
    ] {
        let reply = shim.raw(bytes.as_bytes()).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply:?}");
        assert_eq!(refusal(&reply).0, status);
    }
}

#[tokio::test]
async fn malformed_http_after_a_request_gets_an_error_and_closes_the_connection() {
    let shim = TestServer::with_config(ECHO).await;
    let reply = shim
        .raw(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nnon sense\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        .await;
    let at = reply.find("HTTP/1.1 400").unwrap_or_else(|| panic!("{reply}"));
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert_eq!(refusal(&reply[at..]).1["code"], "malformed_http");
}

#[tokio::test]
async fn expect_continue_is_refused_before_the_body_is_sent() {
    let shim = TestServer::with_config(&format!(
        "client_keys = [\"a-key-of-one-client\"]\n{ECHO}[limits]\nrequest_body = \"1KiB\""
    ))
    .await;
    let head = |path: &str, key: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\nexpect: 100-Continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    for (path, key, length, status) in [
        ("/v1/chat/completions", "a-key-of-one-client", 5000, "413"),
        ("/v1/messages", "a-key-of-one-client", 5000, "413"),
        ("/v1/embeddings", "a-key-of-one-client", 5000, "413"),
        ("/v1/chat/completions", "another", 500, "401"),
        ("/v1/nowhere", "a-key-of-one-client", 500, "404"),
        ("/healthz", "a-key-of-one-client", 500, "405"),
    ] {
        let begun = std::time::Instant::now();
        let reply = shim.raw(head(path, key, length).as_bytes()).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {reply:?}");
        assert!(begun.elapsed() < std::time::Duration::from_millis(1900), "the body is not waited for");
        refusal(&reply);
    }
    let length = CHAT.len();
    let reply = shim
        .raw(format!("{}{CHAT}", head("/v1/chat/completions", "a-key-of-one-client", length)).as_bytes())
        .await;
    assert!(reply.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), "{reply:?}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let shim = TestServer::with_config(ECHO).await;
    let one = |i| format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-request-id: r{i}\r\n\r\n");
    let all = (0..50).map(one).collect::<Vec<_>>().concat();
    let reply = shim.raw(all.as_bytes()).await;
    let ids: Vec<_> = reply.lines().filter_map(|line| line.strip_prefix("x-request-id: r")).collect();
    assert_eq!(ids, (0..50).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn incomplete_heads_take_no_request_permits() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = TestServer::in_front_of(&upstream, "[limits]\nconcurrent = 4").await;
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut socket =
            tokio::net::TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"POST /v1/chat/completions HTTP/1.1\r\nhost: ")
            .await
            .unwrap();
        held.push(socket);
    }
    assert_eq!(shim.chat(false).await.status, 200);
}

#[tokio::test]
async fn pipelined_request_does_not_delay_a_running_stream() {
    let script = Script::stream().events(&[&text("one")]).then(support::Step::Stall);
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let length = STREAM.len();
    let first = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{STREAM}"
    );
    let reply = shim.raw(format!("{first}GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await;
    assert!(reply.contains("one"), "{reply:?}");
}

#[tokio::test]
async fn slow_head_does_not_delay_other_clients() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let (half, answer) =
        tokio::join!(shim.raw(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost"), shim.chat(false));
    assert_eq!((half.as_str(), answer.status), ("", 200));
}
