//! Deviations of nearly-OpenAI APIs, one per row of a table. Each is requested streaming and non-streaming, over real sockets:
//! the client gets a valid response or a valid error, and the repair is reported.

mod support;

use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, stop, text};

/// What the client must get.
enum Expect {
    /// This text, complete, with this diagnostic (empty: none).
    Text(&'static str, &'static str),
    /// An error with this status (non-streaming, or before the stream began) and code.
    Error(u16, &'static str),
    /// The fallback message.
    Fallback,
    /// In a stream this text, then an error event with this code; non-streaming an error with this status.
    Cut(&'static str, u16, &'static str),
    /// A call of `f` with `{"a":1}`, reported with this diagnostic.
    Call(&'static str),
}
use Expect::{Call, Cut, Error, Fallback, Text};

fn sse(body: impl AsRef<[u8]>) -> Script {
    Script::response(200, "text/event-stream", body)
}

/// A stream of raw chunk JSON, with `[DONE]`.
fn events(chunks: &[&str]) -> Script {
    let body: Vec<_> = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
    sse(body.concat() + "data: [DONE]\n\n")
}

fn delta(delta: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
    )
}

fn message(message: &str, finish: &str) -> Script {
    Script::json(&format!(
        r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{message},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}}}"#
    ))
}

/// The table: what the upstream sends, and what the client gets.
fn table() -> Vec<(&'static str, Script, Expect)> {
    let plain = format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", text("hällo"), stop());
    let hello = Text("hällo", "");
    let call = |tool: &str, finish: &str| {
        events(&[&delta(&format!(r#"{{"tool_calls":[{tool}]}}"#), "null"), &delta("{}", finish)])
    };
    let two = |a: &str, b: &str| events(&[&delta(a, "null"), &delta(b, "null"), &delta("{}", "\"stop\"")]);
    let cut_utf8 = plain.find('ä').unwrap() + 1;
    let bytes = plain.as_bytes();
    vec![
        ("a whole JSON answer", Script::json(&completion("hällo")), Text("hällo", "")),
        ("a stream", sse(&plain), hello),
        (
            "SSE sent as text/plain",
            Script::response(200, "text/plain", &plain),
            Text("hällo", "content-type-wrong"),
        ),
        (
            "SSE sent as octet-stream",
            Script::response(200, "application/octet-stream", &plain),
            Text("hällo", "content-type-wrong"),
        ),
        (
            "NDJSON",
            Script::response(200, "application/x-ndjson", format!("{}\n{}\n", text("hällo"), stop())),
            Text("hällo", "framing-repaired"),
        ),
        (
            "Ollama's own NDJSON",
            Script::response(
                200,
                "application/x-ndjson",
                "{\"message\":{\"role\":\"assistant\",\"content\":\"hä\"},\"done\":false}\n{\"message\":{\"role\":\"assistant\",\"content\":\"llo\"},\"done\":true,\"done_reason\":\"stop\"}\n",
            ),
            Text("hällo", "message-as-delta"),
        ),
        (
            "HTML with status 200",
            Script::response(200, "text/html", "<html><body>hi</body></html>"),
            Error(502, "upstream_malformed"),
        ),
        (
            "HTML 502",
            Script::response(502, "text/html", "<html><body>Bad Gateway</body></html>"),
            Error(502, "upstream_error"),
        ),
        ("an empty body with 200", Script::json(""), Fallback),
        ("an empty 500", Script::response(500, "text/plain", ""), Error(500, "upstream_error")),
        (
            "truncated JSON",
            Script::json(r#"{"id":"c","choices":[{"message":{"content":"ha"#),
            Error(502, "stream_truncated"),
        ),
        ("choices empty", Script::json(r#"{"id":"c","choices":[]}"#), Fallback),
        ("choices missing", Script::json(r#"{"id":"c"}"#), Error(502, "upstream_malformed")),
        ("choices null", Script::json(r#"{"id":"c","choices":null}"#), Fallback),
        ("content null", message(r#"{"role":"assistant","content":null}"#, "\"stop\""), Fallback),
        ("content missing", message(r#"{"role":"assistant"}"#, "\"stop\""), Fallback),
        (
            "content a list of parts",
            message(
                r#"{"role":"assistant","content":[{"type":"text","text":"hä"},{"type":"text","text":"llo"}]}"#,
                "\"stop\"",
            ),
            Text("hällo", "content-joined"),
        ),
        (
            "message where delta was due",
            events(&[
                r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hällo"},"finish_reason":"stop"}]}"#,
            ]),
            Text("hällo", "message-as-delta"),
        ),
        (
            "200 with an error object",
            Script::json(r#"{"error":{"message":"no credit","code":402}}"#),
            Error(402, "402"),
        ),
        ("200 with an error text", Script::json(r#"{"error":"it broke"}"#), Error(502, "upstream_error")),
        (
            "a detail",
            Script::response(
                422,
                "application/json",
                r#"{"detail":[{"loc":["body","temperature"],"msg":"too hot","type":"x"}]}"#,
            ),
            Error(422, ""),
        ),
        (
            "401",
            Script::response(
                401,
                "application/json",
                r#"{"error":{"message":"bad key","type":"x","code":"invalid_api_key"}}"#,
            ),
            Error(401, "invalid_api_key"),
        ),
        (
            "404",
            Script::response(
                404,
                "application/json",
                r#"{"error":{"message":"no model","code":"model_not_found"}}"#,
            ),
            Error(404, "model_not_found"),
        ),
        (
            "429 with Retry-After",
            Script::response_with_headers(
                429,
                "application/json",
                "retry-after: 77\r\n",
                r#"{"error":{"message":"slow down"}}"#,
            ),
            Error(429, "rate_limit_exceeded"),
        ),
        (
            "503",
            Script::response(
                503,
                "application/json",
                r#"{"error":{"message":"loading","type":"unavailable_error","code":503}}"#,
            ),
            Error(503, "503"),
        ),
        (
            "an error as the first event",
            sse("data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"),
            Error(503, "503"),
        ),
        (
            "an error in the middle",
            sse(format!("data: {}\n\ndata: {{\"error\":{{\"message\":\"boom\"}}}}\n\n", text("ha"))),
            Cut("ha", 502, "upstream_error"),
        ),
        (
            "an error as a bare line",
            sse(format!("data: {}\n\n{{\"error\":{{\"message\":\"boom\"}}}}\n", text("ha"))),
            Cut("ha", 502, "upstream_error"),
        ),
        (
            "an error: line",
            sse(format!("data: {}\n\nerror: {{\"message\":\"boom\"}}\n\n", text("ha"))),
            Cut("ha", 502, "upstream_error"),
        ),
        ("a connection cut before any byte", Script(vec![Step::HangUp]), Error(502, "upstream_unreachable")),
        (
            "a connection cut in the middle",
            Script::stream().events(&[&text("ha")]).then(Step::HangUp),
            Cut("ha", 502, ""),
        ),
        (
            "a stream that just ends",
            sse(format!("data: {}\n\n", text("ha"))),
            Cut("ha", 502, "stream_truncated"),
        ),
        ("CRLF", sse(plain.replace('\n', "\r\n")), Text("hällo", "framing-repaired")),
        ("bare CR", sse(plain.replace('\n', "\r")), Text("hällo", "framing-repaired")),
        ("no space after data:", sse(plain.replace("data: ", "data:")), Text("hällo", "framing-repaired")),
        ("comments", sse(format!(": PROCESSING\n\n{plain}: bye\n\n")), Text("hällo", "")),
        ("a BOM", sse(format!("\u{feff}{plain}")), Text("hällo", "framing-repaired")),
        (
            "event and id lines",
            sse(plain.replace("data: {", "event: message\nid: 7\ndata: {")),
            Text("hällo", "framing-repaired"),
        ),
        (
            "several data lines for one event",
            sse(plain.replace(",\"object\"", ",\ndata: \"object\"")),
            Text("hällo", "framing-repaired"),
        ),
        ("no blank lines", sse(plain.replace("\n\n", "\n")), Text("hällo", "framing-repaired")),
        (
            "UTF-8 split across writes",
            Script::stream().chunk(&bytes[..cut_utf8]).wait(30).chunk(&bytes[cut_utf8..]).end(),
            Text("hällo", ""),
        ),
        (
            "a byte at a time",
            Script(
                Script::stream()
                    .0
                    .into_iter()
                    .chain(bytes.iter().map(|b| Step::Chunk(vec![*b])))
                    .chain([Step::End])
                    .collect(),
            ),
            Text("hällo", ""),
        ),
        (
            "no [DONE]",
            sse(format!("data: {}\n\ndata: {}\n\n", text("hällo"), stop())),
            Text("hällo", "done-missing"),
        ),
        (
            "data after [DONE]",
            sse(format!("{plain}data: {{\"cost\":1}}\n\n")),
            Text("hällo", "data-after-done"),
        ),
        ("no finish_reason", events(&[&text("hällo")]), Text("hällo", "finish-reason-derived")),
        (
            "an empty finish_reason",
            events(&[&text("hällo"), &delta("{}", "\"\"")]),
            Text("hällo", "finish-reason-derived"),
        ),
        (
            "an odd finish_reason",
            events(&[&text("hällo"), &delta("{}", "\"eos_token\"")]),
            Text("hällo", "finish-reason-mapped"),
        ),
        (
            "two finish_reasons",
            events(&[&text("hällo"), &stop(), &stop()]),
            Text("hällo", "finish-reason-repeated"),
        ),
        (
            "no id, object, created, model",
            events(&[r#"{"choices":[{"index":0,"delta":{"content":"hällo"},"finish_reason":"stop"}]}"#]),
            Text("hällo", "id-synthesized"),
        ),
        (
            "changing ids",
            events(&[&text("hä").replace("c1", "a"), &text("llo").replace("c1", "b"), &stop()]),
            Text("hällo", "id-pinned"),
        ),
        (
            "usage null on every chunk",
            events(&[&text("hällo").replace("\"model\"", "\"usage\":null,\"model\""), &stop()]),
            Text("hällo", ""),
        ),
        (
            "usage beside choices",
            events(&[
                &text("hällo"),
                &stop().replace(
                    "\"model\"",
                    "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2},\"model\"",
                ),
            ]),
            Text("hällo", ""),
        ),
        (
            "role on every delta",
            two(r#"{"role":"assistant","content":"hä"}"#, r#"{"role":"assistant","content":"llo"}"#),
            Text("hällo", "role-repeated"),
        ),
        ("no role at all", two(r#"{"content":"hä"}"#, r#"{"content":"llo"}"#), Text("hällo", "role-filled")),
        (
            "tool call without index",
            call(
                r#"{"id":"x","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}"#,
                "\"tool_calls\"",
            ),
            Call("tool-index-synthesized"),
        ),
        (
            "tool call without id",
            call(
                r#"{"index":0,"type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}"#,
                "\"tool_calls\"",
            ),
            Call("tool-id-synthesized"),
        ),
        (
            "tool call without type",
            call(r#"{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a\":1}"}}"#, "\"tool_calls\""),
            Call("tool-type-filled"),
        ),
        (
            "tool arguments as an object",
            call(
                r#"{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":{"a":1}}}"#,
                "\"tool_calls\"",
            ),
            Call("tool-arguments-shaped"),
        ),
        (
            "a whole call in one chunk with stop",
            call(
                r#"{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}"#,
                "\"stop\"",
            ),
            Call("finish-reason-derived"),
        ),
        (
            "legacy function_call",
            events(&[&delta(
                r#"{"function_call":{"name":"f","arguments":"{\"a\":1}"}}"#,
                "\"function_call\"",
            )]),
            Call("function-call-upgraded"),
        ),
        (
            "legacy function_call, whole",
            message(
                r#"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}}"#,
                "\"function_call\"",
            ),
            Call("function-call-upgraded"),
        ),
        (
            "tool_calls: []",
            two(r#"{"content":"hä","tool_calls":[]}"#, r#"{"content":"llo","tool_calls":[]}"#),
            Text("hällo", "null-dropped"),
        ),
    ]
}

#[tokio::test]
async fn every_misbehaviour_becomes_a_valid_response_or_a_valid_error() {
    let mut failures = Vec::new();
    for (name, script, expect) in table() {
        for stream in [true, false] {
            let upstream = ScriptedUpstream::start(vec![script.clone()]).await;
            let shim = TestServer::in_front_of(&upstream, "").await;
            let answer = shim.chat(stream).await;
            let metrics = shim.get("/metrics").await.text().await.unwrap();
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                check(&answer, &expect, stream, &metrics);
            }));
            if result.is_err() {
                let headers = answer.header("x-openai-shim-diagnostics").to_owned();
                failures.push(format!(
                    "{name} (stream: {stream})\n{} [{headers}]\n{}\n",
                    answer.status, answer.body
                ));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn check(answer: &TestResponse, expect: &Expect, stream: bool, metrics: &str) {
    let reported = |code: &str| {
        assert!(code.is_empty() || metrics.contains(&format!("code=\"{code}\"")), "{code}: {metrics}");
    };
    match expect {
        Text(text, code) => {
            assert_eq!((answer.status, answer.is_stream(), answer.text().as_str()), (200, stream, *text));
            assert_complete(answer, stream, "stop");
            reported(code);
        }
        Call(code) => {
            assert_eq!((answer.status, answer.is_stream()), (200, stream));
            assert_eq!(call(answer, stream), ("f".to_owned(), "{\"a\":1}".to_owned()));
            assert_complete(answer, stream, "tool_calls");
            reported(code);
        }
        Fallback => {
            assert_eq!((answer.status, answer.is_stream()), (200, stream));
            assert!(!answer.text().is_empty());
            assert_complete(answer, stream, "stop");
            assert!(metrics.contains("outcome=\"fallback\"} 1"), "{metrics}");
            let id = if stream { answer.chunks()[0]["id"].clone() } else { answer.json()["id"].clone() };
            assert!(id.as_str().unwrap().starts_with("fallback-"));
        }
        Error(status, code) => {
            assert_eq!((answer.status, answer.is_stream()), (*status, false));
            let error = answer.error();
            assert!(code.is_empty() || error["code"] == *code, "{error}");
        }
        Cut(text, status, code) => {
            let error = answer.error();
            assert!(code.is_empty() || error["code"] == *code, "{error}");
            if stream {
                assert_eq!((answer.status, answer.text().as_str()), (200, *text));
                assert!(!answer.is_done() && !answer.body.contains("\"stop\""));
            } else {
                assert_eq!(answer.status, *status);
            }
        }
    }
}

/// Checks every field that a typed client needs.
fn assert_complete(answer: &TestResponse, stream: bool, finish: &str) {
    if !stream {
        let json = answer.json();
        assert_eq!(json["object"], "chat.completion");
        assert!(
            json["id"].as_str().is_some_and(|id| !id.is_empty())
                && json["created"].is_u64()
                && json["model"].is_string()
        );
        assert_eq!(json["choices"][0]["finish_reason"], finish);
        assert!(json["usage"]["total_tokens"].is_u64());
        return;
    }
    assert!(answer.is_done());
    let chunks = answer.chunks();
    let id = &chunks[0]["id"];
    let mut finishes = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        assert_eq!((&chunk["id"], chunk["object"].as_str()), (id, Some("chat.completion.chunk")));
        assert!(chunk["created"].is_u64() && chunk["model"].is_string() && chunk.get("error").is_none());
        let choice = &chunk["choices"][0];
        assert_eq!(choice["delta"]["role"].as_str(), (at == 0).then_some("assistant"), "{chunk}");
        assert!(choice.get("finish_reason").is_some());
        finishes.extend(choice["finish_reason"].as_str());
    }
    assert_eq!(finishes, [finish]);
}

fn call(answer: &TestResponse, stream: bool) -> (String, String) {
    if !stream {
        let json = answer.json();
        let call = &json["choices"][0]["message"]["tool_calls"][0];
        assert!(
            call["id"].is_string()
                && call["type"] == "function"
                && json["choices"][0]["message"]["content"].is_null()
        );
        let function = &call["function"];
        return (
            function["name"].as_str().unwrap().to_owned(),
            function["arguments"].as_str().unwrap().to_owned(),
        );
    }
    let (mut name, mut arguments) = (String::new(), String::new());
    for chunk in answer.chunks() {
        for call in chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            assert_eq!(call["index"], 0);
            if name.is_empty() {
                assert!(call["id"].as_str().is_some_and(|id| !id.is_empty()) && call["type"] == "function");
            }
            name.push_str(call["function"]["name"].as_str().unwrap_or_default());
            arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }
    }
    (name, arguments)
}

#[tokio::test]
async fn cumulative_deltas_are_made_incremental_where_the_profile_has_the_rule() {
    let script = events(&[&text("one "), &text("one two"), &stop()]);
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let quirks = "[upstream.quirks.responses]\ncumulative_deltas = true";
    assert_eq!(TestServer::in_front_of(&upstream, quirks).await.chat(true).await.text(), "one two");
    assert_eq!(TestServer::in_front_of(&upstream, "").await.chat(true).await.text(), "one one two");
}

#[tokio::test]
async fn retry_after_reaches_the_client() {
    let script = Script::response_with_headers(
        429,
        "application/json",
        "retry-after: 77\r\nx-ratelimit-remaining-requests: 0\r\n",
        "{}",
    );
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let answer = TestServer::in_front_of(&upstream, "").await.chat(true).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "77"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), "0");
    assert_eq!(upstream.requests().len(), 1, "77 s are longer than the longest wait");
}
