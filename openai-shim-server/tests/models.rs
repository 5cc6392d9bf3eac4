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

/// The model that each route's request asks the upstream for, by path and body.
fn requests_for(name: &str) -> Vec<(&'static str, Value)> {
    let messages = json!([{"role": "user", "content": "hi"}]);
    vec![
        ("/api/chat", json!({"model": name, "messages": messages, "stream": false})),
        ("/api/generate", json!({"model": name, "prompt": "hi", "stream": false})),
        ("/api/embed", json!({"model": name, "input": "hi"})),
        ("/api/embeddings", json!({"model": name, "prompt": "hi"})),
        ("/v1/chat/completions", json!({"model": name, "messages": messages})),
        ("/v1/embeddings", json!({"model": name, "input": "hi"})),
    ]
}

#[tokio::test]
async fn a_name_and_its_latest_tag_mean_the_same_on_every_route() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    for (listed, name, sent) in [
        ("gpt", "gpt:latest", "gpt"),
        ("gpt", "gpt", "gpt"),
        ("gpt", "up/gpt:latest", "gpt"),
        ("llama:latest", "llama:latest", "llama:latest"),
        ("llama:latest", "up/llama:latest", "llama:latest"),
        ("llama:8b", "llama:8b", "llama:8b"),
        ("other", "gpt:latest", "gpt:latest"),
    ] {
        for configured in [false, true] {
            for (path, body) in requests_for(name) {
                let answer = if path.contains("embed") { vectors.to_owned() } else { completion("yes") };
                let mut scripts = vec![Script::json(&answer)];
                if !configured && name.ends_with(":latest") {
                    scripts.insert(0, list(&[listed]));
                }
                let upstream = ScriptedUpstream::start(scripts).await;
                let more = if configured { format!("models = [\"{listed}\"]") } else { String::new() };
                let shim = TestServer::in_front_of(&upstream, &more).await;
                let answer = TestResponse::read(shim.post(path, &body.to_string()).await).await;
                assert_eq!(answer.status, 200, "{name} {path}: {}", answer.body);
                let (_, body) = upstream.requests().pop().unwrap();
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body["model"], sent, "{listed} {name} {path} configured: {configured}");
            }
        }
    }
}

#[tokio::test]
async fn ollama_shows_a_model_under_both_of_its_names() {
    let upstream = ScriptedUpstream::start(vec![list(&["gpt", "llama:latest", "phi:4b"])]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for (name, status) in [
        ("gpt", 200),
        ("gpt:latest", 200),
        ("llama", 200),
        ("llama:latest", 200),
        ("phi:4b", 200),
        ("phi", 404),
        ("gpt:8b", 404),
    ] {
        let body = json!({"model": name}).to_string();
        let answer = TestResponse::read(shim.post("/api/show", &body).await).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
    }
    for (method, path) in
        [("DELETE", "delete"), ("POST", "copy"), ("POST", "pull"), ("POST", "push"), ("POST", "create")]
    {
        let answer = shim
            .send(|client, url| {
                client
                    .request(method.parse().unwrap(), format!("{url}/api/{path}"))
                    .body(r#"{"model":"gpt:latest"}"#)
            })
            .await;
        assert!((400..=501).contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.json()["error"].as_str().unwrap().contains("not possible here"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_a_model_is_for_and_can_do_reaches_every_client() {
    let models = json!({"data": [
        {"id": "copilot", "capabilities": {"type": "chat", "supports": {"tool_calls": true}, "limits": {"max_context_window_tokens": 128_000, "max_output_tokens": 4096}}},
        {"id": "claude", "type": "model", "display_name": "C", "created_at": "2025-02-19T00:00:00Z", "max_input_tokens": 200_000, "max_tokens": 64000,
         "capabilities": {"image_input": {"supported": true}, "thinking": {"supported": true}}},
        {"id": "azure", "capabilities": {"chat_completion": true, "completion": false}},
        {"id": "blind", "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]}, "supported_parameters": ["temperature"]},
        {"id": "embedder", "type": "embedding", "context_length": 512},
        {"id": "ranker", "type": "rerank"},
        {"id": "voice", "type": "audio"},
        {"id": "painter", "type": "image"},
    ]});
    let upstream = ScriptedUpstream::start(vec![Script::json(&models.to_string())]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let google = shim.fetch("/v1beta/models").await.json();
    let tags = shim.fetch("/api/tags").await.json();
    for (at, (name, ollama, methods, context)) in [
        ("copilot", json!(["completion", "tools", "vision"]), 3, Some(128_000)),
        ("claude", json!(["completion", "tools", "vision", "thinking"]), 3, Some(200_000)),
        ("azure", json!(["completion", "tools", "vision"]), 3, None),
        ("blind", json!(["completion"]), 3, None),
        ("embedder", json!(["embedding"]), 2, Some(512)),
        ("ranker", json!([]), 0, None),
        ("voice", json!([]), 0, None),
        ("painter", json!([]), 0, None),
    ]
    .into_iter()
    .enumerate()
    {
        let shown = TestResponse::read(shim.post("/api/show", &json!({"model": name}).to_string()).await)
            .await
            .json();
        assert_eq!(
            (&shown["capabilities"], &tags["models"][at]["capabilities"]),
            (&ollama, &ollama),
            "{name}"
        );
        let lengths: Vec<_> = shown["model_info"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| key.ends_with(".context_length"))
            .map(|(_, value)| value.as_u64())
            .collect();
        assert_eq!(lengths, context.map(Some).into_iter().collect::<Vec<_>>(), "{name}");
        let model = &google["models"][at];
        assert_eq!(model["supportedGenerationMethods"].as_array().unwrap().len(), methods, "{name}");
        assert_eq!(model["inputTokenLimit"].as_u64(), context, "{name}");
    }
    assert_eq!(google["models"][0]["outputTokenLimit"], 4096);
    assert_eq!(google["models"][1]["thinking"], true);
}

#[tokio::test]
async fn an_error_inside_a_200_is_no_empty_list() {
    for (body, status) in [
        (r#"{"error":{"message":"slow down","code":429}}"#, 429),
        (r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#, 401),
        (r#"{"code":503,"message":"loading","data":null}"#, 503),
        (
            r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null}"#,
            502,
        ),
        (r#"{"detail":"not here"}"#, 502),
        (r#"{"object":"error","message":"busy","code":503}"#, 503),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        for path in ["/v1/models", "/api/tags", "/v1beta/models"] {
            let answer = shim.fetch(path).await;
            assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        }
    }
}
