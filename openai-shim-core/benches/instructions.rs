//! Instruction counts of representative code paths: repeatable on a noisy machine, and gated by `.ci/instructions.py`.
//!
//! Needs valgrind and a `gungraun-runner` of the library's version.
// The macros generate undocumented items; the bans are for core itself.
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use gungraun::{library_benchmark, library_benchmark_group, main};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::exchange::{ClientRequest, Settings, SharedProfile};
use openai_shim_core::{Context, Exchange, PayloadKind, Profile, Step, dialect, profile};
use std::hint::black_box;

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

/// The field `usage` that OpenRouter and similar gateways add to each chunk.
const USAGE: &str = "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2},";

/// Returns a profile. It is built before counting begins, and what follows from it is computed: that is done once for each
/// process.
fn shared_profile(name: &str) -> SharedProfile {
    shared(profile(name).unwrap())
}

fn shared(profile: Profile) -> SharedProfile {
    let shared = SharedProfile::from(profile);
    let body = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;
    for client in ["openai-chat", "anthropic-messages"] {
        drop(start_as(client, body.into(), shared.clone()));
    }
    // It outlives the exchanges, as in a server.
    std::mem::forget(shared.clone());
    shared
}

fn chunk(content: &str, extra: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-9f2c1e7ab4\",\"object\":\"chat.completion.chunk\",\"created\":1763000000,\"model\":\"gpt-5-mini\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5c1e\",\"choices\":[{{\"index\":0,\"delta\":{{{extra}\"content\":\"{content}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"obfuscation\":\"aJx81\"}}\n\n"
    )
}

/// Returns an exchange in the middle of a stream, after `before` chunks with the same fields, and the next chunk.
fn streaming(extra: &str, usage: &str, before: usize) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut exchange = start(request(true, 0), shared_profile("compatible"));
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::with_capacity(1 << 16);
    exchange.push(chunk("one", "\"role\":\"assistant\",").as_bytes(), &mut out).unwrap();
    let next =
        |content: &str| chunk(content, extra).replace("\"obfuscation\"", &format!("{usage}\"obfuscation\""));
    (0..before).for_each(|_| exchange.push(next(" more").as_bytes(), &mut out).unwrap());
    out.clear();
    (exchange, next(" two").into_bytes(), out)
}

/// Returns the same for chunks whose delta has fields other than content: the first delta, and the following ones.
fn streaming_deltas(first: &str, others: &str) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut exchange = start(request(true, 0), shared_profile("compatible"));
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

/// Makes the allocator finish its work for memory freed earlier, so that it is not counted.
fn settled<T>(value: T) -> T {
    drop(black_box(vec![1_u8; 100_000]));
    value
}

fn start(body: Vec<u8>, profile: SharedProfile) -> Exchange {
    start_as("openai-chat", body, profile)
}

fn start_as(client: &str, body: Vec<u8>, profile: SharedProfile) -> Exchange {
    let request = ClientRequest::read(dialect(client).unwrap(), "", body.into()).unwrap();
    Exchange::start(request, profile, Settings::default(), Context::fixed()).unwrap()
}

/// A non-streaming response with the deviations that nearly every server has.
fn careless_completion(padding: usize) -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","reasoning_content":null,"tool_calls":[]}},"logprobs":null,"finish_reason":"eos","stop_reason":null}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null}},"error":null}}"#,
        "A thin piece. ".repeat(padding)
    )
    .into_bytes()
}

/// A non-streaming response as OpenAI sends it.
fn completion(padding: usize) -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#,
        "A thin piece. ".repeat(padding)
    )
    .into_bytes()
}

fn input<'a>(kind: PayloadKind, body: &'a [u8], profile: &Profile) -> ConversionInput<'a> {
    let chat = dialect("openai-chat").unwrap();
    let (request, status, context) = (None, None, Context::fixed());
    {
        let mut input = ConversionInput::new(kind, chat, body).profile(profile.clone()).context(context);
        input.request = request;
        input.status = status;
        input
    }
}

#[library_benchmark]
#[bench::clean(streaming("", "", 2))]
#[bench::repaired(streaming("\"role\":\"assistant\",", USAGE, 2))]
#[bench::arguments(streaming_deltas(CALL, ARGUMENTS))]
#[bench::details(streaming_deltas(DETAILS, DETAILS))]
#[bench::first_clean(streaming("", "", 0))]
#[bench::first_repaired(streaming("\"role\":\"assistant\",", USAGE, 0))]
fn one_chunk((mut exchange, chunk, mut out): (Exchange, Vec<u8>, Vec<u8>)) -> (Exchange, Vec<u8>, Vec<u8>) {
    exchange.push(black_box(&chunk), &mut out).unwrap();
    (exchange, chunk, out)
}

#[library_benchmark]
#[bench::small(settled((request(true, 0), shared_profile("compatible"))))]
#[bench::long_unchanged(settled((request(false, 40), shared_profile("compatible"))))]
#[bench::long_streamed(settled((request(true, 40), shared_profile("compatible"))))]
#[bench::long_rewritten(settled((request(false, 40), shared_profile("llama-cpp"))))]
fn one_request((body, profile): (Vec<u8>, SharedProfile)) -> Exchange {
    let mut exchange = start(black_box(body), profile);
    let Step::Send { request, .. } = exchange.next() else { return exchange };
    black_box(request);
    exchange
}

/// Returns 200 events of a chat upstream, in one chunk, for a client of any dialect.
fn translated(client: &str) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut request = serde_json::json!({"model": "m", "stream": true, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]});
    if client == "openai-chat" {
        request.as_object_mut().unwrap().remove("max_tokens");
    }
    let mut exchange = start_as(client, request.to_string().into_bytes(), shared_profile("compatible"));
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

/// Returns a chat request, and the profile of an upstream with the dialect `to`.
fn to_dialect(to: &str, turns: usize) -> (Vec<u8>, SharedProfile) {
    let mut profile = profile("compatible").unwrap();
    to.clone_into(&mut profile.dialect);
    settled((request(false, turns), shared(profile)))
}

/// Returns the same request as Anthropic's clients send it, and the profile of a chat upstream.
fn from_anthropic(turns: usize) -> (Vec<u8>, SharedProfile) {
    let (body, anthropic) = to_dialect("anthropic-messages", turns);
    let Step::Send { request, .. } = start(body, anthropic).next() else { unreachable!() };
    settled((request.into_body().to_vec(), shared_profile("compatible")))
}

#[library_benchmark]
#[bench::to_anthropic("openai-chat", to_dialect("anthropic-messages", 40))]
#[bench::from_anthropic("anthropic-messages", from_anthropic(40))]
fn one_request_translated(client: &str, (body, profile): (Vec<u8>, SharedProfile)) -> Exchange {
    start_as(client, black_box(body), profile)
}

/// Returns an exchange that waits for a non-streaming response, and the response.
fn before_response(body: Vec<u8>) -> (Exchange, Vec<u8>, Vec<u8>) {
    let mut exchange = start(request(false, 0), shared_profile("compatible"));
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    settled((exchange, body, Vec::with_capacity(1 << 16)))
}

#[library_benchmark]
#[bench::clean(before_response(completion(100)))]
#[bench::repaired(before_response(careless_completion(100)))]
fn one_whole_answer(
    (mut exchange, body, mut out): (Exchange, Vec<u8>, Vec<u8>),
) -> (Exchange, Vec<u8>, Vec<u8>) {
    exchange.push(black_box(&body), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (exchange, body, out)
}

/// The response headers of an upstream.
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

// A small request and its response, from the client's body to the report.
#[library_benchmark]
#[bench::clean(settled(request(false, 0)), shared_profile("compatible"), completion(100), headers())]
#[bench::repaired(
    settled(request(false, 0)),
    shared_profile("compatible"),
    careless_completion(100),
    headers()
)]
fn one_exchange(
    body: Vec<u8>,
    profile: SharedProfile,
    response: Vec<u8>,
    headers: http::HeaderMap,
) -> (openai_shim_core::Report, Vec<u8>, Vec<u8>, http::HeaderMap) {
    let mut exchange = start(black_box(body), profile);
    black_box(exchange.next());
    exchange.head(http::StatusCode::OK, &headers).unwrap();
    let mut out = Vec::new();
    exchange.push(black_box(&response), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    black_box(exchange.response_head());
    (exchange.into_report(), response, out, headers)
}

#[library_benchmark]
#[bench::careless(shared_profile("compatible"))]
fn one_whole_stream(profile: SharedProfile) -> openai_shim_core::Conversion {
    let body: String = (0..200)
        .map(|i| format!("data:{{\"choices\":[{{\"delta\":{{\"content\":\"{i} \"}}}}]}}\n\n"))
        .collect();
    convert(&input(PayloadKind::Stream, black_box(body.as_bytes()), &profile))
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
