//! Model lists in every format, and the selection of an upstream by model.

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, until};

fn list(ids: &[&str]) -> Script {
    let data: Vec<_> =
        ids.iter().map(|id| json!({"id": id, "object": "model", "created": 1, "owned_by": "x"})).collect();
    Script::json(&json!({"object": "list", "data": data}).to_string())
}

fn ids(answer: &TestResponse) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["object"], "list");
    let models = json["data"].as_array().unwrap();
    for model in models {
        assert!(
            model["object"] == "model" && model["created"].is_u64() && model["owned_by"].is_string(),
            "{model}"
        );
    }
    models.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

/// A server with two upstreams, `a` and `b`.
async fn two(a: &ScriptedUpstream, b: &ScriptedUpstream, more: &str) -> TestServer {
    TestServer::with_config(&format!(
        "[[upstream]]\nname = \"a\"\nbase_url = \"{}\"\n[[upstream]]\nname = \"b\"\nbase_url = \"{}\"\n{more}\n",
        a.url, b.url
    ))
    .await
}

#[tokio::test]
async fn configured_models_are_listed_without_an_upstream_request() {
    let upstream = ScriptedUpstream::start(vec![list(&["secret"])]).await;
    let more = "models = [\"one\", { id = \"two\", upstream = \"its/own\" }]";
    let shim = TestServer::in_front_of(&upstream, more).await;
    for path in ["/v1/models", "/api/openai/v1/models", "/v1//models/"] {
        assert_eq!(ids(&shim.fetch(path).await), ["one", "two"], "{path}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn every_shape_of_model_list_becomes_openais() {
    let shapes = [
        (r#"[{"id":"a"},{"id":"b"}]"#, "a bare array"),
        (r#"["a","b"]"#, "names alone"),
        (r#"{"models":["a","b"]}"#, "names under models"),
        (r#"{"models":[{"name":"a","size":1},{"name":"b"}]}"#, "Ollama's"),
        (
            r#"{"data":[{"id":"a"},{"id":"b","created":null,"object":null,"owned_by":null}]}"#,
            "members missing",
        ),
        (r#"{"data":[{"name":"a"},{"model":"b"}]}"#, "other members for the id"),
        (
            r#"{"data":[{"id":"a"},{"id":"a"},{"id":""},{},{"id":"b","name":null}]}"#,
            "repeated and without names",
        ),
    ];
    for (body, shape) in shapes {
        let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        assert_eq!(ids(&shim.fetch("/v1/models").await), ["a", "b"], "{shape}");
        assert!(upstream.requests()[0].0.starts_with("get /v1/models http/1.1"));
    }
}

#[tokio::test]
async fn extra_fields_of_a_model_list_are_preserved() {
    let body = r#"{"data":[{"id":"a","object":"model","created":5,"owned_by":"me","context_length":123456789012345678901234567890,"pricing":{"prompt":0.10}}],"has_more":false}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
    let answer = TestServer::in_front_of(&upstream, "").await.fetch("/v1/models").await;
    assert!(
        answer.body.contains(r#""context_length":123456789012345678901234567890,"pricing":{"prompt":0.10}"#)
    );
    assert_eq!(answer.json()["data"][0]["created"], 5);
}

#[tokio::test]
async fn concurrent_list_requests_cause_one_upstream_request() {
    let upstream = ScriptedUpstream::start(vec![Script(
        [vec![Step::Wait(Duration::from_millis(100))], list(&["a"]).0].concat(),
    )])
    .await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let (x, y, z) =
        tokio::join!(shim.fetch("/v1/models"), shim.fetch("/v1/models"), shim.fetch("/v1/models/a"));
    assert_eq!((ids(&x).len(), ids(&y).len(), z.status), (1, 1, 200));
    ids(&shim.fetch("/v1/models").await);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn list_failure_is_reported_and_cached_briefly() {
    let unauthorized = r#"{"error":{"message":"bad key","type":"x","code":"invalid_api_key"}}"#;
    for (script, status, expected) in [
        (Script::response(401, "application/json", unauthorized), 401, "bad key"),
        (Script::json(r#"{"error":"no such route"}"#), 502, "no such route"),
        (Script::response(404, "text/html", "<html>x</html>"), 404, "404"),
        (Script::json("hello"), 502, "models = ["),
        (Script::json(r#"{"object":"list","data":[]}"#), 502, "lists no models"),
        (Script(vec![Step::HangUp]), 502, "The upstream"),
    ] {
        let upstream = ScriptedUpstream::start(vec![script]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        for path in ["/v1/models", "/v1/models/x"] {
            let answer = shim.fetch(path).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            let message = answer.error()["message"].clone();
            assert!(message.as_str().unwrap().contains(expected), "{message}");
            assert!(!message.as_str().unwrap().contains("127.0.0.1"), "{message}");
        }
        assert_eq!(upstream.requests().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn upstream_without_a_list_is_an_error_with_a_remedy() {
    let upstream = ScriptedUpstream::start(vec![list(&["a"])]).await;
    let shim = TestServer::in_front_of(&upstream, "[upstream.quirks]\nhas_model_list = false").await;
    let answer = shim.fetch("/v1/models").await;
    assert_eq!(answer.status, 502);
    assert!(answer.error()["message"].as_str().unwrap().contains("models = ["));
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn lists_are_merged_in_order_and_duplicates_are_prefixed() {
    let a = ScriptedUpstream::start(vec![list(&["one", "both"]), Script::json(&completion("from a"))]).await;
    let b = ScriptedUpstream::start(vec![list(&["both", "two"]), Script::json(&completion("from b"))]).await;
    let shim = two(&a, &b, "").await;
    assert_eq!(ids(&shim.fetch("/v1/models").await), ["one", "both", "b/both", "two"]);
    for (model, from, sent) in [
        ("one", &a, "one"),
        ("both", &a, "both"),
        ("b/both", &b, "both"),
        ("two", &b, "two"),
        ("a/unlisted/model", &a, "unlisted/model"),
    ] {
        let before = from.requests().len();
        let answer = shim.chat_with_model(model).await;
        assert_eq!((answer.status, from.requests().len()), (200, before + 1), "{model}: {}", answer.body);
        assert_eq!(from.body(before)["model"], sent);
    }
    let unknown = shim.chat_with_model("three").await;
    assert_eq!((unknown.status, &unknown.error()["code"]), (404, &json!("model_not_found")));
    let missing = shim.post("/v1/chat/completions", r#"{"messages":[{"role":"user","content":"x"}]}"#).await;
    let missing = TestResponse::read(missing).await;
    assert_eq!((missing.status, &missing.error()["param"]), (400, &json!("model")));
}

#[tokio::test]
async fn failing_upstream_does_not_hide_the_models_of_others() {
    let dead = ScriptedUpstream::start(vec![
        Script::response(500, "text/plain", "oh"),
        Script::json(&completion("dead")),
    ])
    .await;
    let alive = ScriptedUpstream::start(vec![list(&["one"]), Script::json(&completion("alive"))]).await;
    let shim = two(&dead, &alive, "").await;
    assert_eq!(ids(&shim.fetch("/v1/models").await), ["one"]);
    assert_eq!(shim.chat_with_model("one").await.text(), "alive");
    assert_eq!(
        shim.chat_with_model("perhaps").await.text(),
        "dead",
        "who cannot list may serve all the same"
    );
}

#[tokio::test]
async fn lists_are_fetched_concurrently() {
    let slow = |id: &str| Script([vec![Step::Wait(Duration::from_millis(400))], list(&[id]).0].concat());
    let (a, b) =
        (ScriptedUpstream::start(vec![slow("a")]).await, ScriptedUpstream::start(vec![slow("b")]).await);
    let shim = two(&a, &b, "").await;
    let begun = Instant::now();
    assert_eq!(ids(&shim.fetch("/v1/models").await), ["a", "b"]);
    assert!(begun.elapsed() < Duration::from_millis(700));
}

#[tokio::test]
async fn single_model_is_answered_from_the_list() {
    let a = ScriptedUpstream::start(vec![list(&["org/name:free", "both"])]).await;
    let b = ScriptedUpstream::start(vec![list(&["both", "only-b"])]).await;
    let shim = two(&a, &b, "").await;
    for path in [
        "/v1/models/org/name:free",
        "/v1/models/org%2Fname%3Afree",
        "/api/openai/v1/models/org/name:free/",
        "/v1/models/b/both",
        "/v1/models/b/only-b",
    ] {
        let answer = shim.fetch(path).await;
        assert_eq!((answer.status, &answer.json()["object"]), (200, &json!("model")), "{path}");
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert!(path.replace("%2F", "/").replace("%3A", ":").contains(&id), "{id}");
    }
    for path in ["/v1/models/nothing", "/v1/models/a/only-b"] {
        let answer = shim.fetch(path).await;
        assert_eq!((answer.status, &answer.error()["code"]), (404, &json!("model_not_found")), "{path}");
    }
    assert_eq!((a.requests().len(), b.requests().len()), (1, 1));
}

#[tokio::test]
async fn alias_is_sent_as_the_upstreams_name_and_restored_in_the_response() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let more = "models = [{ id = \"gpt-4o\", upstream = \"mixtral-chat\" }]";
    let shim = TestServer::in_front_of(&upstream, more).await;
    for (model, back) in [("gpt-4o", "gpt-4o"), ("up/gpt-4o", "up/gpt-4o"), ("", "")] {
        let answer = shim.chat_with_model(model).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let at = upstream.requests().len() - 1;
        assert_eq!(upstream.body(at)["model"], "mixtral-chat", "{model}");
        if !back.is_empty() {
            assert_eq!(answer.json()["model"], back);
        }
    }
}

#[tokio::test]
async fn single_upstream_gets_requests_for_unknown_models() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    assert_eq!(shim.chat_with_model("never/listed").await.status, 200);
    assert_eq!(upstream.requests().len(), 1, "its list was not needed");
    assert_eq!(upstream.body(0)["model"], json!("never/listed") as Value);
}

#[tokio::test]
async fn disconnect_during_a_list_request_does_not_affect_others() {
    let slow = Script([vec![Step::Wait(Duration::from_millis(200))], list(&["a"]).0].concat());
    let upstream = ScriptedUpstream::start(vec![Script(vec![Step::Stall]), slow]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let first = tokio::spawn(shim.client.get(format!("{}/v1/models", shim.url)).send());
    until("the upstream is asked", || upstream.requests().len() == 1).await;
    first.abort();
    upstream.until_disconnected().await;
    assert_eq!(ids(&shim.fetch("/v1/models").await), ["a"]);
}

#[tokio::test]
async fn pattern_stands_for_models_and_is_not_listed() {
    let replies = || vec![Script::json(&completion("hello")); 6];
    let (a, b) = (ScriptedUpstream::start(replies()).await, ScriptedUpstream::start(replies()).await);
    let config = format!(
        r#"
        [[upstream]]
        name = "a"
        base_url = "{}"
        models = ["plain", {{ id = "claude-*", upstream = "big" }}, {{ id = "claude-haiku-*", upstream = "small" }}, "gpt-*"]
        [[upstream]]
        name = "b"
        base_url = "{}"
        models = [{{ id = "claude-haiku-9", upstream = "exact" }}, {{ id = "CLAUDE-*-opus*", upstream = "longer" }}]
        "#,
        a.url, b.url
    );
    let shim = TestServer::with_config(&config).await;
    assert_eq!(ids(&shim.fetch("/v1/models").await), ["plain", "claude-haiku-9"]);
    for (model, upstream, sent) in [
        ("claude-sonnet-5", &a, "big"),
        ("claude-haiku-4-5", &a, "small"),
        ("claude-haiku-9", &b, "exact"),
        ("claude-3-opus-latest", &b, "longer"),
        ("gpt-5-mini", &a, "gpt-5-mini"),
        ("a/claude-x", &a, "big"),
        ("a/gpt-7", &a, "gpt-7"),
    ] {
        let before = upstream.requests().len();
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let answer = TestResponse::read(shim.post("/v1/chat/completions", &body).await).await;
        assert_eq!((answer.status, upstream.requests().len()), (200, before + 1), "{model}: {}", answer.body);
        assert_eq!(upstream.body(before)["model"], sent, "{model}");
    }
}
