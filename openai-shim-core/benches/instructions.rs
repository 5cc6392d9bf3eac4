//! Instruction counts of representative paths: repeatable on a noisy machine, and gated by `.ci/instructions.sh`.
//!
//! Needs valgrind and `gungraun-runner` of the same version as the library.
// What the macros make is theirs; the bans are on core itself.
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use gungraun::{library_benchmark, library_benchmark_group, main};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::{Context, Exchange, PayloadKind, Profile, Step, dialect, profile};
use std::hint::black_box;
use std::sync::Arc;

fn request(stream: bool, turns: usize) -> Vec<u8> {
    let turn = format!(
        r#"{{"role":"user","content":"{}"}},{{"role":"assistant","content":"{}"}},"#,
        "What is a shim? ".repeat(20),
        "A thin piece that \\\"fills\\\" a gap.\\n".repeat(20)
    );
    let tools = r#"{"type":"function","function":{"name":"f","description":"does f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}"#;
    format!(
        r#"{{"model":"m","stream":{stream},"temperature":0.7,"tools":[{tools}],"messages":[{}{{"role":"user","content":"hi"}}]}}"#,
        turn.repeat(turns)
    )
    .into_bytes()
}

/// What OpenRouter's like put beside the choices of each chunk.
const USAGE: &str = "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2},";

/// A row, made before anything is counted: all rows are built once in a process.
fn row(name: &str) -> Arc<Profile> {
    Arc::new(profile(name).unwrap())
}

fn chunk(content: &str, extra: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-9f2c1e7ab4\",\"object\":\"chat.completion.chunk\",\"created\":1763000000,\"model\":\"gpt-5-mini\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5c1e\",\"choices\":[{{\"index\":0,\"delta\":{{{extra}\"content\":\"{content}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"obfuscation\":\"aJx81\"}}\n\n"
    )
}

/// An exchange in the middle of a stream, after so many chunks of one form, and the chunk that comes next.
fn streaming(extra: &str, usage: &str, before: usize) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut exchange = start(request(true, 0), row("compatible"));
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::with_capacity(1 << 16);
    exchange.push(chunk("one", "\"role\":\"assistant\",").as_bytes(), &mut out).unwrap();
    let next =
        |words: &str| chunk(words, extra).replace("\"obfuscation\"", &format!("{usage}\"obfuscation\""));
    (0..before).for_each(|_| exchange.push(next(" more").as_bytes(), &mut out).unwrap());
    out.clear();
    (exchange, next(" two").into_bytes(), out)
}

/// The same where the chunks say something else than words: the first of them, and the others.
fn saying(first: &str, others: &str) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut exchange = start(request(true, 0), row("compatible"));
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::with_capacity(1 << 16);
    let next = |delta: &str| chunk("", "").replace("\"content\":\"\"", delta);
    for delta in [first, others, others] {
        exchange.push(next(delta).as_bytes(), &mut out).unwrap();
    }
    out.clear();
    (exchange, next(others).into_bytes(), out)
}

const CALL: &str = r#""role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]"#;
const ARGUMENTS: &str = r#""tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]"#;
const DETAILS: &str = r#""role":"assistant","content":"","reasoning":" two","reasoning_details":[{"type":"reasoning.text","text":" two","format":"unknown","index":0}]"#;

/// What the allocator still has to tidy of what was freed before is nobody's cost.
fn settled<T>(value: T) -> T {
    drop(black_box(vec![1_u8; 100_000]));
    value
}

fn start(body: Vec<u8>, row: Arc<Profile>) -> Exchange {
    start_as("openai-chat", body, row)
}

fn start_as(client: &str, body: Vec<u8>, row: Arc<Profile>) -> Exchange {
    let incoming = ClientRequest::read(dialect(client).unwrap(), "", body.into()).unwrap();
    Exchange::start(incoming, row, Settings::default(), Context::fixed()).unwrap()
}

/// What nearly every server has instead of OpenAI's own members.
fn careless(padding: usize) -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","reasoning_content":null,"tool_calls":[]}},"logprobs":null,"finish_reason":"eos","stop_reason":null}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null}},"error":null}}"#,
        "A thin piece. ".repeat(padding)
    )
    .into_bytes()
}

fn whole(padding: usize) -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#,
        "A thin piece. ".repeat(padding)
    )
    .into_bytes()
}

fn input<'a>(kind: PayloadKind, body: &'a [u8], row: &Profile) -> ConversionInput<'a> {
    let chat = dialect("openai-chat").unwrap();
    let (request, status, context) = (None, None, Context::fixed());
    ConversionInput { from: chat, to: chat, profile: row.clone(), kind, body, request, status, context }
}

#[library_benchmark]
#[bench::clean(streaming("", "", 2))]
#[bench::repaired(streaming("\"role\":\"assistant\",", USAGE, 2))]
#[bench::arguments(saying(CALL, ARGUMENTS))]
#[bench::details(saying(DETAILS, DETAILS))]
#[bench::first_clean(streaming("", "", 0))]
#[bench::first_repaired(streaming("\"role\":\"assistant\",", USAGE, 0))]
fn one_chunk((mut exchange, chunk, mut out): (Exchange, Vec<u8>, Vec<u8>)) -> (Exchange, Vec<u8>, Vec<u8>) {
    exchange.push(black_box(&chunk), &mut out).unwrap();
    (exchange, chunk, out)
}

#[library_benchmark]
#[bench::small(settled((request(true, 0), row("compatible"))))]
#[bench::long_unchanged(settled((request(false, 40), row("compatible"))))]
#[bench::long_streamed(settled((request(true, 40), row("compatible"))))]
#[bench::long_rewritten(settled((request(false, 40), row("llama-cpp"))))]
fn one_request((body, row): (Vec<u8>, Arc<Profile>)) -> Exchange {
    let mut exchange = start(black_box(body), row);
    let Step::Send { request, .. } = exchange.next() else { return exchange };
    black_box(request);
    exchange
}

/// 200 events of a chat upstream, all at once, for a client of another dialect.
fn translated(client: &str) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut spec = serde_json::json!({"model": "m", "stream": true, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]});
    if client == "openai-chat" {
        spec.as_object_mut().unwrap().remove("max_tokens");
    }
    let mut exchange = start_as(client, spec.to_string().into_bytes(), row("compatible"));
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::with_capacity(1 << 17);
    exchange.push(chunk("one", "\"role\":\"assistant\",").as_bytes(), &mut out).unwrap();
    let body: String =
        (0..200).map(|i| chunk(&format!(" word {i}"), "").replace("aJx81", &"x".repeat(i % 9))).collect();
    out.clear();
    settled((exchange, body.into_bytes(), out))
}

#[library_benchmark]
#[bench::chat(translated("openai-chat"))]
#[bench::anthropic(translated("anthropic-messages"))]
#[bench::ollama(translated("ollama-chat"))]
fn two_hundred_events(
    (mut exchange, body, mut out): (Exchange, Vec<u8>, Vec<u8>),
) -> (Exchange, Vec<u8>, Vec<u8>) {
    exchange.push(black_box(&body), &mut out).unwrap();
    (exchange, body, out)
}

/// A request as a client of one dialect sends it, and the row of an upstream that speaks another.
fn crossing(to: &str, turns: usize) -> (Vec<u8>, Arc<Profile>) {
    let mut row = profile("compatible").unwrap();
    to.clone_into(&mut row.dialect);
    settled((request(false, turns), Arc::new(row)))
}

/// The same request as Anthropic's clients send it.
fn crossing_back(turns: usize) -> (Vec<u8>, Arc<Profile>) {
    let (body, row) = crossing("anthropic-messages", turns);
    let Step::Send { request, .. } = start(body, row).next() else { unreachable!() };
    settled((request.into_body().to_vec(), Arc::new(profile("compatible").unwrap())))
}

#[library_benchmark]
#[bench::to_anthropic("openai-chat", crossing("anthropic-messages", 40))]
#[bench::from_anthropic("anthropic-messages", crossing_back(40))]
fn one_request_translated(client: &str, (body, row): (Vec<u8>, Arc<Profile>)) -> Exchange {
    start_as(client, black_box(body), row)
}

/// An exchange that waits for a whole answer, and the answer.
fn answered(body: Vec<u8>) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut exchange = start(request(false, 0), row("compatible"));
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    settled((exchange, body, Vec::with_capacity(1 << 16)))
}

#[library_benchmark]
#[bench::clean(answered(whole(100)))]
#[bench::repaired(answered(careless(100)))]
fn one_whole_answer(
    (mut exchange, body, mut out): (Exchange, Vec<u8>, Vec<u8>),
) -> (Exchange, Vec<u8>, Vec<u8>) {
    exchange.push(black_box(&body), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (exchange, body, out)
}

/// What comes back of an upstream beside its answer.
fn headers() -> http::HeaderMap {
    let all = [
        ("content-type", "application/json"),
        ("content-length", "1640"),
        ("date", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ("x-request-id", "req_1"),
        ("x-ratelimit-remaining-requests", "9"),
    ];
    all.iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
        .collect()
}

// A small request and its whole answer, from the body of the client to the report.
#[library_benchmark]
#[bench::clean(settled(request(false, 0)), row("compatible"), whole(100), headers())]
#[bench::repaired(settled(request(false, 0)), row("compatible"), careless(100), headers())]
fn one_exchange(
    body: Vec<u8>,
    row: Arc<Profile>,
    answer: Vec<u8>,
    headers: http::HeaderMap,
) -> (openai_shim_core::Report, Vec<u8>, Vec<u8>, http::HeaderMap) {
    let mut exchange = start(black_box(body), row);
    black_box(exchange.next());
    exchange.head(http::StatusCode::OK, &headers).unwrap();
    let mut out = Vec::new();
    exchange.push(black_box(&answer), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    black_box(exchange.response_head());
    (exchange.into_report(), answer, out, headers)
}

#[library_benchmark]
#[bench::careless(row("compatible"))]
fn one_whole_stream(row: Arc<Profile>) -> openai_shim_core::Conversion {
    let body: String = (0..200)
        .map(|i| format!("data:{{\"choices\":[{{\"delta\":{{\"content\":\"{i} \"}}}}]}}\n\n"))
        .collect();
    convert(&input(PayloadKind::Stream, black_box(body.as_bytes()), &row))
}

library_benchmark_group!(
    name = paths,
    benchmarks = [
        one_chunk,
        two_hundred_events,
        one_request,
        one_request_translated,
        one_whole_answer,
        one_exchange,
        one_whole_stream
    ]
);
main!(library_benchmark_groups = paths);
