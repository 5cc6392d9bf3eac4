//! Every behaviour of the Python proxy that this project began as.

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion, stop, text};

const CHAT: &str = "/api/openai/v1/chat/completions";

async fn post(shim: &TestServer, body: Value) -> TestResponse {
    TestResponse::read(shim.post(CHAT, &body.to_string()).await).await
}

fn hi(more: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn answering() -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await
}

#[tokio::test]
async fn model_list_has_the_configured_model_under_both_prefixes() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "models = [\"mixtral-chat\"]").await;
    for path in ["/api/openai/v1/models", "/v1/models"] {
        let list = shim.fetch(path).await.json();
        assert_eq!(list["object"], "list");
        assert_eq!(list["data"][0]["id"], "mixtral-chat");
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn prompt_instead_of_messages_becomes_one_user_message() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = post(&shim, json!({"model": "m", "prompt": "say hello"})).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert!(answer.header("x-openai-shim-diagnostics").contains("prompt-to-messages"));
    assert_eq!(upstream.body(0)["messages"], json!([{"role": "user", "content": "say hello"}]));
    assert!(upstream.body(0).get("prompt").is_none());
}

#[tokio::test]
async fn list_of_prompts_becomes_messages() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = post(&shim, json!({"model": "m", "prompt": ["one", "two"]})).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("x-openai-shim-diagnostics").contains("prompt-to-messages"));
    let sent = upstream.body(0)["messages"].to_string();
    assert!(sent.contains("one") && sent.contains("two"), "{sent}");
}

#[tokio::test]
async fn completions_endpoint_is_served_from_a_chat_upstream() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for path in ["/v1/completions", "/api/openai/v1/completions"] {
        let answer = TestResponse::read(shim.post(path, r#"{"model":"m","prompt":"x"}"#).await).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (&body["object"], &body["choices"][0]["text"]),
            (&json!("text_completion"), &json!("hello"))
        );
    }
    assert!(upstream.requests()[0].0.starts_with("post /v1/chat/completions"));
}

#[tokio::test]
async fn upstream_with_completions_gets_completions_requests() {
    let text = r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(text)]).await;
    let shim =
        TestServer::in_front_of(&upstream, "[upstream.quirks]\nextra_dialects = [\"openai-completions\"]")
            .await;
    let answer =
        TestResponse::read(shim.post("/v1/completions", r#"{"model":"m","prompt":[1,2]}"#).await).await;
    assert_eq!(answer.body, text);
    assert!(upstream.requests()[0].0.starts_with("post /v1/completions"));
}

#[tokio::test]
async fn missing_prompt_and_messages_is_an_error_that_names_the_field() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for body in [
        json!({"model": "m"}),
        json!({"model": "m", "messages": "hi"}),
        json!({"model": "m", "messages": []}),
    ] {
        let answer = post(&shim, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            (&answer.error()["param"], &answer.error()["type"]),
            (&json!("messages"), &json!("invalid_request_error"))
        );
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn unsupported_streaming_is_replaced_and_the_client_gets_a_stream() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "[upstream.quirks.stream]\nsupported = false").await;
    let answer = post(&shim, hi(json!({"stream": true}))).await;
    assert_ne!(upstream.body(0)["stream"], json!(true));
    assert!(answer.is_stream() && answer.is_done());
    assert_eq!(answer.text(), "hello");

    let upstream =
        ScriptedUpstream::start(vec![Script::stream().events(&[&text("hello"), &stop(), "[DONE]"]).end()])
            .await;
    let answer = post(&TestServer::in_front_of(&upstream, "").await, hi(json!({"stream": true}))).await;
    assert_eq!(upstream.body(0)["stream"], json!(true));
    assert!(answer.is_done());
}

#[tokio::test]
async fn max_tokens_default_never_overrides_the_clients_value() {
    let upstream = answering().await;
    let more = "[upstream.quirks.params]\nrequire_max_tokens = true\n[defaults]\nmax_tokens = 4096";
    let shim = TestServer::in_front_of(&upstream, more).await;
    post(&shim, hi(json!({}))).await;
    post(&shim, hi(json!({"max_tokens": 7}))).await;
    post(&shim, hi(json!({"max_completion_tokens": 9}))).await;
    assert_eq!(upstream.body(0)["max_tokens"], 4096);
    assert_eq!(upstream.body(1)["max_tokens"], 7);
    let third = upstream.body(2);
    let named: Vec<_> =
        ["max_tokens", "max_completion_tokens"].iter().filter_map(|key| third[key].as_u64()).collect();
    assert_eq!(named, [9], "{third}");

    post(&TestServer::in_front_of(&upstream, "profile = \"lemonfox\"").await, hi(json!({}))).await;
    assert_eq!(upstream.body(3)["max_tokens"], 4096, "the original's own upstream needs no configuration");
    post(&TestServer::in_front_of(&upstream, "").await, hi(json!({}))).await;
    assert!(upstream.body(4).get("max_tokens").is_none(), "only profiles that want one get one");
}

#[tokio::test]
async fn empty_or_non_json_response_is_retried_once_after_a_pause() {
    for first in [
        Script::json(r#"{"choices":[]}"#),
        Script::response(200, "text/html", "<html>busy</html>"),
        Script::json(""),
    ] {
        let upstream = ScriptedUpstream::start(vec![first, Script::json(&completion("second"))]).await;
        let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 2\nbackoff = \"300ms\"").await;
        let started = Instant::now();
        // The pause does not delay other requests.
        let (answer, health) = tokio::join!(post(&shim, hi(json!({}))), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let health = shim.fetch("/healthz").await.status;
            (health, started.elapsed() < Duration::from_millis(250))
        });
        assert_eq!((answer.text().as_str(), health), ("second", (200, true)));
        assert!(started.elapsed() >= Duration::from_millis(300));
        assert_eq!(upstream.requests().len(), 2);
    }
}

#[tokio::test]
async fn empty_attempts_end_with_the_fallback_response() {
    let upstream = ScriptedUpstream::start(vec![Script::json(r#"{"choices":[]}"#)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for stream in [false, true] {
        let answer = post(&shim, hi(json!({"stream": stream}))).await;
        assert_eq!((answer.status, answer.is_stream()), (200, stream));
        assert!(!answer.text().is_empty());
        assert_eq!(answer.header("x-openai-shim-outcome"), "fallback");
        let first = if stream { answer.chunks().remove(0) } else { answer.json() };
        assert!(first["id"].as_str().unwrap().starts_with("fallback-"));
        if !stream {
            assert_eq!(first["choices"][0]["finish_reason"], "stop");
            assert_eq!(first["usage"]["total_tokens"], 0);
        }
    }
    assert_eq!(upstream.requests().len(), 4);
}

#[tokio::test]
async fn fallback_message_and_policy_are_configurable() {
    let broken = || Script::response(400, "application/json", r#"{"error":{"message":"no"}}"#);
    let upstream = ScriptedUpstream::start(vec![broken()]).await;
    let shim =
        TestServer::in_front_of(&upstream, "[fallback]\nwhen = \"always\"\nmessage = \"Sorry.\"").await;
    let answer = post(&shim, hi(json!({}))).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "Sorry."));

    let upstream = ScriptedUpstream::start(vec![broken()]).await;
    assert_eq!(post(&TestServer::in_front_of(&upstream, "").await, hi(json!({}))).await.status, 400);

    let upstream = ScriptedUpstream::start(vec![Script::json(r#"{"choices":[]}"#)]).await;
    let shim = TestServer::in_front_of(&upstream, "[fallback]\nwhen = \"never\"").await;
    let answer = post(&shim, hi(json!({}))).await;
    assert_eq!((answer.status, &answer.error()["code"]), (502, &json!("empty_completion")));
}

#[tokio::test]
async fn empty_choices_are_replaced() {
    for body in [r#"{"id":"x","choices":[]}"#, r#"{"id":"x","choices":null}"#] {
        let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
        let answer = post(&TestServer::in_front_of(&upstream, "").await, hi(json!({}))).await;
        let json = answer.json();
        assert_eq!(json["choices"].as_array().unwrap().len(), 1, "{body}");
        assert!(json["choices"][0]["message"]["content"].as_str().is_some_and(|text| !text.is_empty()));
    }
    // A document that is no completion at all is an error.
    let upstream = ScriptedUpstream::start(vec![Script::json(r#"{"id":"x"}"#)]).await;
    let answer = post(&TestServer::in_front_of(&upstream, "").await, hi(json!({}))).await;
    assert_eq!((answer.status, &answer.error()["code"]), (502, &json!("upstream_malformed")));
}

/// Panics are tested in `operations.rs`.
#[tokio::test]
async fn every_failure_has_an_error_envelope_and_a_status() {
    let upstream = answering().await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for body in
        ["", "{", "[]", "null", "\"x\"", "{\"messages\":7}", "\u{1}", "{\"model\":\"m\",\"messages\":[1]}"]
    {
        let answer = TestResponse::read(shim.post(CHAT, body).await).await;
        assert_eq!(answer.status, 400, "{body:?}");
        assert_eq!(answer.error()["type"], "invalid_request_error");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let unreachable = TestServer::with_config(
        "[[upstream]]\nname = \"x\"\nbase_url = \"http://127.0.0.1:1\"\n[retry]\nattempts = 1",
    )
    .await;
    let answer = unreachable.chat(false).await;
    assert_eq!((answer.status, &answer.error()["code"]), (502, &json!("upstream_unreachable")));
    let expected = "The upstream \"x\" could not be reached: connection refused. Check that it runs, and the host and port in \
                its base_url.";
    assert_eq!(answer.error()["message"], expected);
}

/// Notifications to systemd, orderly shutdown and the body log are tested in `process.rs`.
#[tokio::test]
async fn systemd_unit_exists_and_restarts_are_optional() {
    let deploy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy");
    let unit = std::fs::read_to_string(deploy.join("openai-shim.service")).unwrap();
    for line in ["Type=notify", "WatchdogSec=", "DynamicUser=yes", "LoadCredential=", "NoNewPrivileges=yes"] {
        assert!(unit.contains(line), "{line}");
    }
    assert!(!unit.contains("openai-shim-restart"), "the restart timer stands beside the unit");
    assert!(deploy.join("openai-shim-restart.timer").exists());
}
