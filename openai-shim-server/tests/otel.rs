//! Traces and metrics over OTLP: what a collector gets, and what upstreams get of a trace.

mod support;

#[path = "otel/collector.rs"]
mod collector;

use collector::{Collector, attribute, points};
use openai_shim_server::config::{Overrides, read};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use std::time::{Duration, Instant};
use support::process::Process;
use support::{Script, ScriptedUpstream, Step, TestServer, completion, stop, text};
use tokio::net::TcpListener;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A server that exports to a collector.
async fn shim(upstream: &ScriptedUpstream, collector: &Collector, more: &str) -> TestServer {
    let otel = format!("[otel]\nendpoint = \"{}\"\n{more}", collector.url);
    TestServer::in_front_of(upstream, &otel).await
}

/// Stops the server, which exports what is left.
async fn stopped(mut shim: TestServer) {
    drop(std::mem::take(&mut shim.client));
    shim.stop();
    tokio::time::timeout(Duration::from_secs(20), &mut shim.task).await.unwrap().unwrap();
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {spans:#?}"))
}

fn attempts(spans: &[Span]) -> Vec<&Span> {
    let mut attempts: Vec<_> =
        spans.iter().filter(|span| span.name == "POST" && span.kind() == SpanKind::Client).collect();
    attempts.sort_by_key(|span| span.start_time_unix_nano);
    attempts
}

fn hex(bytes: &[u8]) -> String {
    let number = bytes.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    format!("{number:0digits$x}", digits = 2 * bytes.len())
}

#[tokio::test]
async fn exchange_is_a_request_an_operation_and_an_attempt_with_the_names_of_the_conventions() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("a secret answer"))]).await;
    let collector = Collector::start().await;
    let shim =
        shim(&upstream, &collector, "headers = { authorization = \"Bearer of-the-collector\" }\n").await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"a secret question"}]}"#;
    let response = shim.post("/v1/chat/completions", body).await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 200);
    shim.fetch("/healthz").await;
    stopped(shim).await;

    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "pages have no spans: {spans:#?}");
    let (server, operation) = (named(&spans, "POST /v1/chat/completions"), named(&spans, "chat m"));
    let attempt = attempts(&spans)[0];
    assert_eq!(
        [server.kind(), operation.kind(), attempt.kind()],
        [SpanKind::Server, SpanKind::Client, SpanKind::Client]
    );
    assert_eq!(server.parent_span_id, [] as [u8; 0]);
    assert_eq!(operation.parent_span_id, server.span_id);
    assert_eq!(attempt.parent_span_id, operation.span_id);
    assert!(
        spans.iter().all(|span| span.trace_id == server.trace_id && span.status.clone().unwrap().code == 0)
    );
    for (span, key, value) in [
        (server, "http.request.method", "POST"),
        (server, "http.route", "/v1/chat/completions"),
        (server, "http.response.status_code", "200"),
        (server, "url.path", "/v1/chat/completions"),
        (server, "openai_shim.request_id", &*id),
        (server, "error.type", "-"),
        (operation, "gen_ai.operation.name", "chat"),
        (operation, "gen_ai.provider.name", "compatible"),
        (operation, "gen_ai.request.model", "m"),
        (operation, "gen_ai.response.finish_reasons", "stop"),
        (operation, "gen_ai.usage.input_tokens", "1"),
        (operation, "gen_ai.usage.output_tokens", "1"),
        (operation, "gen_ai.request.stream", "false"),
        (operation, "gen_ai.response.time_to_first_chunk", "-"),
        (operation, "openai_shim.outcome", "complete"),
        (attempt, "server.address", "127.0.0.1"),
        (attempt, "server.port", upstream.url.split([':', '/']).nth(4).unwrap()),
        (attempt, "http.response.status_code", "200"),
        (attempt, "http.request.resend_count", "-"),
        (attempt, "openai_shim.upstream", "up"),
    ] {
        assert_eq!(attribute(&span.attributes, key), value, "{key} of {}", span.name);
    }
    let resource = collector.resource();
    assert_eq!(attribute(&resource, "service.name"), "openai-shim");
    assert_ne!(attribute(&resource, "service.instance.id"), "-");
    for (head, body) in collector.requests() {
        assert!(head.contains("authorization: bearer of-the-collector"), "{head}");
        assert!(
            !String::from_utf8_lossy(&body).contains("secret"),
            "what people and models write is not exported"
        );
    }
}

#[tokio::test]
async fn metrics_have_the_names_and_units_of_the_conventions() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let script = Script::stream().events(&[&text("one"), &stop(), usage, "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let collector = Collector::start().await;
    let shim = shim(&upstream, &collector, "sample_ratio = 0\n").await;
    assert_eq!(shim.chat(true).await.status, 200);
    stopped(shim).await;

    assert!(collector.spans().is_empty(), "none is sampled");
    let metrics = collector.metrics();
    let mut names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "gen_ai.client.operation.duration",
            "gen_ai.client.operation.time_to_first_chunk",
            "gen_ai.client.token.usage",
            "http.server.request.duration"
        ]
    );
    let tokens = metrics.iter().find(|metric| metric.name == "gen_ai.client.token.usage").unwrap();
    let mut kinds: Vec<_> =
        points(tokens).iter().map(|point| attribute(point, "gen_ai.token.type")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["input", "output"]);
    assert_eq!(attribute(&points(tokens)[0], "gen_ai.request.model"), "m");
}

#[tokio::test]
async fn stream_has_the_time_of_its_first_byte_and_its_finish_reason() {
    let cut = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
    let script = Script::stream().events(&[&text("one")]).wait(50).events(&[cut, "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let collector = Collector::start().await;
    let shim = shim(&upstream, &collector, "").await;
    assert_eq!(shim.chat(true).await.status, 200);
    stopped(shim).await;

    let spans = collector.spans();
    let operation = named(&spans, "chat m");
    let first: f64 = attribute(&operation.attributes, "gen_ai.response.time_to_first_chunk").parse().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "some milliseconds")]
    let total = (operation.end_time_unix_nano - operation.start_time_unix_nano) as f64 / 1e9;
    assert!(first > 0.0 && first + 0.04 < total, "{first} of {total}");
    assert_eq!(attribute(&operation.attributes, "gen_ai.request.stream"), "true");
    assert_eq!(attribute(&operation.attributes, "gen_ai.response.finish_reasons"), "length");
    assert!(operation.events.iter().any(|event| event.name == "openai_shim.first_byte"));
}

#[tokio::test]
async fn failed_attempts_have_spans_of_their_own_with_a_reason() {
    let upstream = ScriptedUpstream::start(vec![
        Script::response(500, "text/plain", ""),
        Script::json(&completion("hi")),
        Script::response(500, "text/plain", ""),
        Script::json("<html>"),
    ])
    .await;
    let collector = Collector::start().await;
    let shim = shim(&upstream, &collector, "").await;
    assert_eq!(shim.chat(false).await.status, 200);
    assert_eq!(shim.chat(false).await.status, 502);
    stopped(shim).await;

    let spans = collector.spans();
    let attempts = attempts(&spans);
    let errors: Vec<_> = attempts.iter().map(|span| attribute(&span.attributes, "error.type")).collect();
    assert_eq!(errors, ["500", "-", "500", "malformed"]);
    let resent: Vec<_> =
        attempts.iter().map(|span| attribute(&span.attributes, "http.request.resend_count")).collect();
    assert_eq!(resent, ["-", "1", "-", "1"]);
    // The pause between two attempts belongs to neither.
    assert!(attempts[0].end_time_unix_nano + 5_000_000 < attempts[1].start_time_unix_nano);
    let failed = spans.iter().filter(|span| span.status.as_ref().is_some_and(|status| status.code == 2));
    let mut failed: Vec<_> = failed.map(|span| span.name.as_str()).collect();
    failed.sort_unstable();
    assert_eq!(failed, ["POST", "POST", "POST", "POST /v1/chat/completions", "chat m"]);
}

#[tokio::test]
async fn diagnostics_are_events_of_the_operation() {
    let answer = r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(answer)]).await;
    let collector = Collector::start().await;
    let shim = shim(&upstream, &collector, "").await;
    let response = shim.chat(false).await;
    let reported = response.header("x-openai-shim-diagnostics").to_owned();
    stopped(shim).await;

    let spans = collector.spans();
    let events = &named(&spans, "chat m").events;
    let diagnostics: Vec<_> = events.iter().filter(|event| event.name == "openai_shim.diagnostic").collect();
    let number: usize = reported.split(';').next().unwrap().parse().unwrap();
    assert!(number > 0 && diagnostics.len() == number, "{reported}: {events:#?}");
    for event in diagnostics {
        let code = attribute(&event.attributes, "openai_shim.diagnostic.code");
        assert!(reported.contains(&code), "{code} in {reported}");
        assert_ne!(attribute(&event.attributes, "openai_shim.diagnostic.severity"), "-");
    }
}

#[tokio::test]
async fn caller_s_trace_is_continued_and_passed_to_the_upstream() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hi"))]).await;
    let collector = Collector::start().await;
    let shim = shim(&upstream, &collector, "sample_ratio = 0.0\n").await;
    for flags in ["01", "00"] {
        let traced = |client: &reqwest::Client, url: &str| {
            client
                .post(format!("{url}/v1/chat/completions"))
                .header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))
                .header("tracestate", "vendor=one")
                .body(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#)
        };
        assert_eq!(shim.send(traced).await.status, 200);
    }
    shim.chat(false).await;
    stopped(shim).await;

    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "the caller decides what is sampled, then the ratio: {spans:#?}");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE && span.trace_state == "vendor=one"));
    assert_eq!(hex(&named(&spans, "POST /v1/chat/completions").parent_span_id), PARENT);
    let heads: Vec<_> = upstream.requests().into_iter().map(|(head, _)| head).collect();
    let attempt = hex(&attempts(&spans)[0].span_id);
    assert!(heads[0].contains(&format!("traceparent: 00-{TRACE}-{attempt}-01\r\n")), "{}", heads[0]);
    assert!(
        heads[1].contains(&format!("traceparent: 00-{TRACE}-")) && heads[1].contains("-00\r\n"),
        "{}",
        heads[1]
    );
    assert!(heads[..2].iter().all(|head| head.contains("tracestate: vendor=one")));
    assert!(heads[2].contains("traceparent: 00-") && !heads[2].contains(TRACE), "{}", heads[2]);
}

/// The standard variables, and the last export of a program that is stopped.
#[tokio::test]
async fn variables_of_opentelemetry_configure_the_program() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hi"))]).await;
    let collector = Collector::start().await;
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=one"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=named,service.instance.id=replica-7"),
    ];
    let config = format!("[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n", upstream.url);
    let mut process = Process::start(&config, &environment);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(process.post(body).await.status(), 200);
    process.terminate();
    assert!(process.until_ended(Duration::from_secs(10)).await.success());

    assert_eq!(collector.spans().len(), 3);
    let resource = collector.resource();
    let named = ["service.name", "service.instance.id"].map(|key| attribute(&resource, key));
    assert_eq!(named, ["named", "replica-7"]);
    assert!(collector.requests().iter().all(|(head, _)| head.contains("x-tenant: one")));
}

#[test]
fn faults_of_the_section_say_what_to_write() {
    for (line, what) in [
        ("endpoint = \"127.0.0.1:4318\"", "write its OTLP/HTTP address, such as \"http://127.0.0.1:4318\""),
        ("endpoint = \"http://c:4318/v1/traces\"", "write \"http://c:4318\""),
        ("sample_ratio = 10", "write a number from 0.0 to 1.0"),
        ("sample_ratio = \"1\"", "write sample_ratio = 0.1, without quotes"),
        ("endpoint = \"https://me:sk-secret@collector.example\"", "has a password or a query"),
        ("headers = [\"a\"]", "write headers = { authorization = \"env:OTEL_KEY\" }"),
        ("headers = { a = \"env:OTEL_KEY_THAT_IS_NOT_SET\" }", "OTEL_KEY_THAT_IS_NOT_SET"),
        ("service_name = \"\"", "write a name such as \"openai-shim\""),
    ] {
        let file = std::env::temp_dir().join(format!("shim-otel-{}.toml", std::process::id()));
        std::fs::write(&file, format!("[otel]\n{line}\n")).unwrap();
        let overrides = Overrides { config: Some(file.clone()), ..Overrides::default() };
        let error = read(&overrides).unwrap_err().to_string();
        let place = format!(":2: otel.{}: ", line.split(' ').next().unwrap());
        assert!(error.contains(&place) && error.contains(what), "{error}");
    }
}

#[tokio::test]
async fn without_a_collector_no_upstream_gets_a_trace() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hi"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let traced = |client: &reqwest::Client, url: &str| {
        client
            .post(format!("{url}/v1/chat/completions"))
            .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
            .body(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#)
    };
    assert_eq!(shim.send(traced).await.status, 200);
    assert!(!upstream.requests()[0].0.contains("traceparent"));
    assert!(!shim.fetch("/metrics").await.body.contains("otel"));
}

#[tokio::test]
async fn embeddings_have_an_operation_and_refusals_only_the_span_of_their_request() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(vectors)]).await;
    let collector = Collector::start().await;
    let shim = shim(&upstream, &collector, "").await;
    assert_eq!(shim.post("/v1/embeddings", r#"{"model":"m","input":"hi"}"#).await.status(), 200);
    assert_eq!(shim.post("/v1/chat/completions", "{").await.status(), 400);
    stopped(shim).await;

    let spans = collector.spans();
    let servers: Vec<_> = spans.iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let mut statuses: Vec<_> =
        servers.iter().map(|span| attribute(&span.attributes, "http.response.status_code")).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["200", "400"]);
    let (operation, attempt) = (named(&spans, "embeddings m"), attempts(&spans)[0]);
    assert_eq!(attribute(&operation.attributes, "gen_ai.operation.name"), "embeddings");
    assert_eq!(attempt.parent_span_id, operation.span_id);
    assert!(servers.iter().any(|span| span.span_id == operation.parent_span_id));
    assert!(upstream.requests()[0].0.contains(&format!("-{}-01", hex(&attempt.span_id))));
}

#[tokio::test]
async fn collector_that_takes_nothing_delays_neither_requests_nor_the_end() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hi"))]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Collector::at(format!("http://{}", listener.local_addr().unwrap()));
    let shim = shim(&upstream, &silent, "").await;
    // More spans than fit into the queue while an export waits.
    for _ in 0..600 {
        assert_eq!(shim.chat(false).await.status, 200);
    }
    let before = Instant::now();
    stopped(shim).await;
    let took = before.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn spans_that_an_unreachable_collector_does_not_take_are_counted() {
    let upstream =
        ScriptedUpstream::start(vec![Script::json(&completion("hi")), Script(vec![Step::HangUp])]).await;
    let unreachable = Collector::at(String::from("http://127.0.0.1:1"));
    let shim = shim(&upstream, &unreachable, "").await;
    // A batch of 512 is exported at once.
    for _ in 0..180 {
        shim.chat(false).await;
    }
    let mut lost = 0;
    for _ in 0..300 {
        let metrics = shim.fetch("/metrics").await.body;
        let line = metrics.lines().find_map(|line| line.strip_prefix("openai_shim_otel_spans_lost_total "));
        lost = line.unwrap().parse().unwrap();
        if lost > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(lost >= 512, "{lost}");
}
