//! Several targets of one model: which failures go on to the next one, who is said to have answered, and what is not tried again.

mod support;

use serde_json::Value;
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, stop, text};
use tokio::io::AsyncWriteExt as _;

/// A port on which nothing listens.
async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}

/// A server whose model `m` has two targets, at upstreams called `one` and `two`.
async fn server(one: &str, two: &str, more: &str) -> TestServer {
    TestServer::with_config(&format!(
        "debug = true\n[[upstream]]\nname = \"one\"\nbase_url = \"{one}\"\n[[upstream]]\nname = \"two\"\nbase_url = \"{two}\"\n\
         [[model]]\nname = \"m\"\ntargets = [\"one/first\", \"two/second\"]\n[retry]\nbackoff = \"10ms\"\n{more}"
    ))
    .await
}

async fn healthy() -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::json(&completion("from two"))]).await
}

async fn healthy_stream() -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::stream().events(&[&text("from two"), &stop(), "[DONE]"]).end()])
        .await
}

fn error(status: u16, body: &str) -> Script {
    Script::response(status, "application/json", body)
}

/// Failures of an upstream before the first meaningful event.
fn failures() -> Vec<(&'static str, Script)> {
    let refused = |status, message: &str, code: &str| {
        error(status, &format!(r#"{{"error":{{"message":"{message}","type":"x","code":"{code}"}}}}"#))
    };
    vec![
        ("500", error(500, r#"{"error":{"message":"boom","type":"server_error"}}"#)),
        ("502", Script::response(502, "text/html", "<html><body>Bad Gateway</body></html>")),
        ("503", refused(503, "The model is overloaded.", "overloaded")),
        ("529", error(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)),
        ("429", refused(429, "Rate limit reached.", "rate_limit_exceeded")),
        ("401", refused(401, "Incorrect API key.", "invalid_api_key")),
        ("402", refused(402, "Insufficient credits.", "insufficient_quota")),
        ("404", refused(404, "The model does not exist.", "model_not_found")),
        ("refused model in a 400", refused(400, "The model `first` does not exist.", "model_not_found")),
        (
            "context",
            refused(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        ),
        ("empty body", Script::json("")),
        ("empty answer", Script::json(r#"{"choices":[]}"#)),
        ("error in a 200", Script::json(r#"{"error":{"message":"The engine is overloaded.","code":503}}"#)),
        ("HTML in a 200", Script::response(200, "text/html", "<!doctype html><title>Login</title>")),
        ("broken JSON", Script::json(r#"{"choices":[{"message":{"content":"half"#)),
        ("hang-up", Script(vec![Step::HangUp])),
        ("no HTTP", Script(vec![Step::Raw(b"SSH-2.0-OpenSSH_9\r\n".to_vec()), Step::HangUp])),
    ]
}

#[tokio::test]
async fn next_target_answers_whatever_the_first_one_fails_with() {
    for (name, failure) in failures() {
        let (one, two) = (ScriptedUpstream::start(vec![failure]).await, healthy().await);
        let server = server(&one.url, &two.url, "").await;
        let response = server.chat(false).await;
        assert_eq!(
            (response.status, response.text().as_str()),
            (200, "from two"),
            "{name}: {}",
            response.body
        );
        assert_eq!(response.header("x-openai-shim-upstream"), "two", "{name}");
        assert_eq!(response.json()["model"], "m", "{name}");
        assert_eq!(two.body(0)["model"], "second", "{name}");
        assert_eq!(one.body(0)["model"], "first", "{name}");
    }
}

#[tokio::test]
async fn next_target_streams_whatever_the_first_one_fails_with() {
    let mut all = failures();
    all.push((
        "error event",
        Script::stream().events(&[r#"{"error":{"message":"The engine is overloaded.","code":503}}"#]).end(),
    ));
    all.push(("empty stream", Script::stream().events(&["[DONE]"]).end()));
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
    all.push(("stream cut before its first word", Script::stream().events(&[role]).then(Step::HangUp)));
    for (name, failure) in all {
        let (one, two) = (ScriptedUpstream::start(vec![failure]).await, healthy_stream().await);
        let server = server(&one.url, &two.url, "").await;
        let response = server.chat(true).await;
        assert_eq!(response.text(), "from two", "{name}: {}", response.body);
        assert!(response.is_done(), "{name}: {}", response.body);
        assert_eq!(response.header("x-openai-shim-upstream"), "two", "{name}");
    }
}

#[tokio::test]
async fn unreachable_upstream_and_one_without_tls_are_passed_over() {
    // It answers in the clear before a request came.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = plain.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = plain.accept().await {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    for one in [closed_port().await, format!("https://{address}/v1")] {
        let two = healthy().await;
        let server = server(&one, &two.url, "").await;
        let response = server.chat(false).await;
        assert_eq!(
            (response.status, response.text().as_str()),
            (200, "from two"),
            "{one}: {}",
            response.body
        );
    }
}

#[tokio::test]
async fn silence_until_the_first_event_goes_on_to_the_next_target() {
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
    for silent in [Script(vec![Step::Stall]), Script::stream().events(&[role]).then(Step::Stall)] {
        let (one, two) = (ScriptedUpstream::start(vec![silent]).await, healthy_stream().await);
        let server = server(&one.url, &two.url, "[timeouts]\nfirst_byte = \"200ms\"\n").await;
        let response = server.chat(true).await;
        assert_eq!(response.text(), "from two", "{}", response.body);
        one.until_disconnected().await;
    }
}

#[tokio::test]
async fn fault_of_the_client_is_told_at_once() {
    let refusal = r#"{"error":{"message":"`messages` must not be empty.","type":"invalid_request_error"}}"#;
    let (one, two) = (ScriptedUpstream::start(vec![error(400, refusal)]).await, healthy().await);
    let server = server(&one.url, &two.url, "").await;
    let response = server.chat(false).await;
    assert_eq!(response.status, 400, "{}", response.body);
    assert_eq!(response.header("x-openai-shim-upstream"), "one");
    assert!(two.requests().is_empty());
}

#[tokio::test]
async fn stream_that_breaks_off_after_its_first_event_says_so_and_is_not_begun_again() {
    let cut = Script::stream().events(&[&text("half an ans")]).then(Step::HangUp);
    let (one, two) = (ScriptedUpstream::start(vec![cut]).await, healthy_stream().await);
    let server = server(&one.url, &two.url, "").await;
    let response = server.chat(true).await;
    assert!(response.text().contains("half an ans"), "{}", response.body);
    assert_eq!(response.error()["code"], "stream_truncated", "{}", response.body);
    assert_eq!(response.header("x-openai-shim-upstream"), "one");
    assert!(two.requests().is_empty());
}

#[tokio::test]
async fn last_target_is_asked_again_and_its_error_is_the_answer() {
    let one = ScriptedUpstream::start(vec![error(500, "{}")]).await;
    let two =
        ScriptedUpstream::start(vec![error(503, r#"{"error":{"message":"The second one is busy."}}"#)]).await;
    let server = server(&one.url, &two.url, "").await;
    let response = server.chat(false).await;
    assert_eq!(response.status, 503, "{}", response.body);
    assert!(response.error()["message"].as_str().unwrap().contains("The second one is busy."));
    assert_eq!(response.header("x-openai-shim-upstream"), "two");
    assert_eq!((one.requests().len(), two.requests().len()), (1, 2));
}

#[tokio::test]
async fn target_of_another_dialect_answers_in_its_own() {
    let one = ScriptedUpstream::start(vec![error(500, "{}")]).await;
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","model":"second","content":[{"type":"text","text":"from Claude"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;
    let two = ScriptedUpstream::start(vec![Script::json(message)]).await;
    let server = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"one\"\nbase_url = \"{}\"\n[[upstream]]\nname = \"two\"\nbase_url = \"{}\"\ndialect = \"anthropic-messages\"\n\
         [[model]]\nname = \"m\"\ntargets = [\"one/first\", \"two/second\"]\n",
        one.url, two.url
    ))
    .await;
    let response = server.chat(false).await;
    assert_eq!(response.text(), "from Claude", "{}", response.body);
    assert!(two.requests()[0].0.starts_with("post /v1/messages "), "{}", two.requests()[0].0);
}

#[tokio::test]
async fn report_and_metrics_have_every_attempt() {
    let busy = r#"{"error":{"message":"Rate limit reached.","type":"x","code":"rate_limit_exceeded"}}"#;
    let (one, two) = (ScriptedUpstream::start(vec![error(429, busy)]).await, healthy().await);
    let server = server(&one.url, &two.url, "").await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let response = server
        .send(|client, url| {
            client.post(format!("{url}/v1/chat/completions")).header("x-openai-shim-debug", "1").body(body)
        })
        .await;
    let report: &Value = &response.json()["openai_shim"];
    assert_eq!(report["attempts"], 2, "{report}");
    assert!(report["diagnostics"].to_string().contains("failed-over"), "{report}");
    let metrics = server.fetch("/metrics").await.body;
    for line in [
        r#"openai_shim_attempts_total{upstream="one",model="first",result="rate-limited"} 1"#,
        r#"openai_shim_attempts_total{upstream="two",model="second",result="ok"} 1"#,
        r#"openai_shim_failovers_total{upstream="one",model="first",reason="rate-limited"} 1"#,
        r#"openai_shim_target_available{upstream="one",model="first"} 1"#,
        r#"openai_shim_target_open_requests{upstream="two",model="second"} 0"#,
        r#"openai_shim_requests_total{route="openai-chat",upstream="two",status="200"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn target_that_keeps_failing_is_tried_last_and_a_probe_brings_it_back() {
    let mut scripts = vec![error(500, "{}"); 3];
    scripts.push(Script::json(&completion("from one")));
    let (one, two) = (ScriptedUpstream::start(scripts).await, healthy().await);
    let server = server(&one.url, &two.url, "").await;
    for requests in [1, 2, 3, 3, 3] {
        assert_eq!(server.chat(false).await.text(), "from two");
        assert_eq!(one.requests().len(), requests);
    }
    assert!(
        server.fetch("/metrics").await.body.contains(r#"target_available{upstream="one",model="first"} 0"#)
    );
    // The time that a target rests at first.
    tokio::time::sleep(std::time::Duration::from_millis(5100)).await;
    assert_eq!(server.chat(false).await.text(), "from one");
    assert_eq!(server.chat(false).await.text(), "from one");
    assert!(
        server.fetch("/metrics").await.body.contains(r#"target_available{upstream="one",model="first"} 1"#)
    );
}

#[tokio::test]
async fn retry_after_is_a_rest_of_the_target() {
    let busy = Script::response_with_headers(
        429,
        "application/json",
        "retry-after: 60\r\n",
        r#"{"error":{"message":"Rate limit reached.","type":"x","code":"rate_limit_exceeded"}}"#,
    );
    let (one, two) = (ScriptedUpstream::start(vec![busy]).await, healthy().await);
    let server = server(&one.url, &two.url, "").await;
    for _ in 0..3 {
        assert_eq!(server.chat(false).await.text(), "from two");
    }
    assert_eq!(one.requests().len(), 1);
}

#[tokio::test]
async fn target_that_rests_is_tried_when_no_other_is_left() {
    let one = ScriptedUpstream::start(vec![
        error(500, "{}"),
        error(500, "{}"),
        error(500, "{}"),
        Script::json(&completion("from one")),
    ])
    .await;
    let two = ScriptedUpstream::start(vec![
        Script::json(&completion("from two")),
        Script::json(&completion("from two")),
        Script::json(&completion("from two")),
        error(500, "{}"),
    ])
    .await;
    let server = server(&one.url, &two.url, "").await;
    for _ in 0..3 {
        assert_eq!(server.chat(false).await.text(), "from two");
    }
    assert_eq!(server.chat(false).await.text(), "from one");
}

#[tokio::test]
async fn refused_key_is_followed_by_the_next_one_and_rests() {
    for status in [401, 402, 403, 429] {
        let refusal = error(status, r#"{"error":{"message":"This key is refused.","type":"x"}}"#);
        let upstream =
            ScriptedUpstream::start(vec![refusal, Script::json(&completion("with another key"))]).await;
        let server = TestServer::in_front_of(&upstream, "api_keys = [\"key-a\", \"key-b\"]\n").await;
        for _ in 0..2 {
            assert_eq!(server.chat(false).await.text(), "with another key", "{status}");
        }
        let keys: Vec<_> = upstream
            .requests()
            .iter()
            .map(|(head, _)| head.split("bearer ").nth(1).unwrap()[..5].to_owned())
            .collect();
        assert_eq!(keys, ["key-a", "key-b", "key-b"], "{status}");
        let metrics = server.fetch("/metrics").await.body;
        assert!(metrics.contains(r#"openai_shim_upstream_keys_resting{upstream="up"} 1"#), "{metrics}");
    }
}

#[tokio::test]
async fn next_target_is_tried_when_all_keys_of_the_first_one_are_refused() {
    let refusal = error(429, r#"{"error":{"message":"Rate limit reached.","type":"x"}}"#);
    let (one, two) = (ScriptedUpstream::start(vec![refusal]).await, healthy().await);
    let server = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"one\"\nbase_url = \"{}\"\napi_keys = [\"a\", \"b\", \"c\"]\n[[upstream]]\nname = \"two\"\nbase_url = \"{}\"\n\
         [[model]]\nname = \"m\"\ntargets = [\"one/first\", \"two/second\"]\n",
        one.url, two.url
    ))
    .await;
    assert_eq!(server.chat(false).await.text(), "from two");
    assert_eq!(one.requests().len(), 3);
}

#[tokio::test]
async fn prompt_that_is_too_long_goes_on_to_a_target_that_takes_more() {
    let too_long = r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"x","code":"context_length_exceeded"}}"#;
    let [one, small] = [ScriptedUpstream::start(vec![error(400, too_long)]).await, healthy().await];
    let large = ScriptedUpstream::start(vec![Script::json(&completion("from the large one"))]).await;
    let server = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"one\"\nbase_url = \"{}\"\n[[upstream]]\nname = \"small\"\nbase_url = \"{}\"\n\
         [[upstream]]\nname = \"large\"\nbase_url = \"{}\"\n[[model]]\nname = \"m\"\ntargets = [{{ model = \"one/m\", context = 8192 }}, \
         {{ model = \"small/m\", context = 8000 }}, {{ model = \"large/m\", context = 128000 }}]\n",
        one.url, small.url, large.url
    ))
    .await;
    assert_eq!(server.chat(false).await.text(), "from the large one");
    assert_eq!((one.requests().len(), small.requests().len()), (1, 0));
    // What is certainly too long is not sent to the small ones at all.
    let long = "word ".repeat(20_000);
    let body = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": long}]});
    let response = TestResponse::read(server.post("/v1/chat/completions", &body.to_string()).await).await;
    assert_eq!(response.text(), "from the large one");
    assert_eq!((one.requests().len(), small.requests().len()), (1, 0));
}

#[tokio::test]
async fn model_that_two_upstreams_name_has_two_targets() {
    let one = ScriptedUpstream::start(vec![error(500, "{}")]).await;
    let two = healthy().await;
    let server = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"one\"\nbase_url = \"{}\"\nmodels = [\"m\", \"claude-*\"]\n[[upstream]]\nname = \"two\"\nbase_url = \"{}\"\n\
         models = [{{ id = \"m\", upstream = \"second\" }}, \"claude-*\"]\n[retry]\nattempts = 1\n",
        one.url, two.url
    ))
    .await;
    assert_eq!(server.chat(false).await.text(), "from two");
    assert_eq!(two.body(0)["model"], "second");
    assert_eq!(server.chat_with_model("claude-x").await.text(), "from two");
    assert_eq!(two.body(1)["model"], "claude-x");
    // Its own name selects one of them only.
    assert_eq!(server.chat_with_model("one/m").await.status, 500);
}

#[tokio::test]
async fn embeddings_go_to_the_first_target_until_it_keeps_failing() {
    let list = r#"{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let (one, two) = (
        ScriptedUpstream::start(vec![error(500, "{}")]).await,
        ScriptedUpstream::start(vec![Script::json(list)]).await,
    );
    let server = server(&one.url, &two.url, "attempts = 1\n").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let response = server.post("/v1/embeddings", r#"{"model":"m","input":"hi"}"#).await;
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [500, 500, 500, 200]);
    assert_eq!(two.body(0)["model"], "second");
}
