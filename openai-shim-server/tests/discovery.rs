//! What clients look for before they chat: other servers' lists and paths, `HEAD`, and the routes of what is not served.

mod support;

use http::Method;
use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion};

fn models() -> Script {
    Script::json(
        &json!({"data": [
            {"id": "seeing", "capabilities": {"vision": true, "function_calling": false}, "context_length": 4096},
            {"id": "org/plain", "owned_by": "me"},
            {"id": "embedder", "type": "embedding"},
            {"id": "painter", "type": "image"},
        ]})
        .to_string(),
    )
}

#[tokio::test]
async fn lm_studios_own_list_has_what_its_clients_read() {
    let upstream = ScriptedUpstream::start(vec![models()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let list = shim.fetch("/api/v0/models").await.json();
    let seeing = json!({
        "id": "seeing", "object": "model", "type": "vlm", "publisher": "up", "arch": "unknown", "compatibility_type": "gguf",
        "quantization": "unknown", "state": "loaded", "max_context_length": 4096, "loaded_context_length": 4096,
    });
    assert_eq!((&list["object"], &list["data"][0]), (&json!("list"), &seeing));
    assert_eq!(list["data"][1]["capabilities"], json!(["tool_use"]));
    let types: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| model["type"].clone()).collect();
    assert_eq!(types, ["vlm", "llm", "embeddings"]);
    let one = shim.fetch("/api/v0/models/org/plain").await.json();
    assert_eq!((&one["id"], &one["publisher"]), (&json!("org/plain"), &json!("me")));
    assert_eq!(shim.fetch("/api/v0/models/nothing").await.status, 404);
}

#[tokio::test]
async fn other_beginnings_of_paths_lead_to_the_usual_routes() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let text = r#"{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"yes","finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    for beginning in ["", "/v1beta/openai", "/api/v0", "/v1/v1", "/v1"] {
        let upstream = ScriptedUpstream::start(vec![
            Script::json(&completion("yes")),
            Script::json(vectors),
            Script::json(text),
            models(),
        ])
        .await;
        let more = "extra_dialects = [\"openai-completions\"]";
        let shim = TestServer::in_front_of(&upstream, &format!("[upstream.quirks]\n{more}")).await;
        for (path, body, field) in [
            (
                "/chat/completions",
                json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
                "/choices/0/message/content",
            ),
            ("/embeddings", json!({"model": "m", "input": "a"}), "/data/0/embedding/0"),
            ("/completions", json!({"model": "m", "prompt": "hi"}), "/choices/0/text"),
        ] {
            let path = format!("{beginning}{path}");
            let answer = TestResponse::read(shim.post(&path, &body.to_string()).await).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            assert!(answer.json().pointer(field).is_some(), "{path}: {}", answer.body);
        }
        let list = shim.fetch(&format!("{beginning}/models")).await.json();
        assert_eq!(list["data"][1]["id"], "org/plain", "{beginning}");
        assert_eq!(shim.fetch(&format!("{beginning}/models/org/plain")).await.json()["id"], "org/plain");
        let sent: Vec<_> = upstream
            .requests()
            .into_iter()
            .map(|(head, _)| head.lines().next().unwrap().to_owned())
            .collect();
        assert_eq!(sent[1], "post /v1/embeddings http/1.1");
    }
}

#[tokio::test]
async fn messages_without_v1_are_anthropics() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("yes"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let answer = TestResponse::read(shim.post("/messages", &body.to_string()).await).await;
    assert_eq!(answer.json()["content"][0]["text"], "yes", "{}", answer.body);
}

#[tokio::test]
async fn head_gets_the_head_of_whatever_answers_get() {
    let upstream = ScriptedUpstream::start(vec![models()]).await;
    let shim = TestServer::in_front_of(&upstream, "[upstream.quirks]\npaths.forward = [\"/files\"]").await;
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/learned",
        "/v1/models",
        "/v1/models/org/plain",
        "/models",
        "/api/tags",
        "/api/ps",
        "/api/version",
        "/v1beta/models",
        "/v1beta/models/seeing",
        "/api/v0/models",
        "/v1/files",
    ] {
        let head = shim.send(|client, url| client.head(format!("{url}{path}"))).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
    assert_eq!(shim.send(|client, url| client.head(format!("{url}/v1/chat/completions"))).await.status, 405);
}

#[tokio::test]
async fn what_is_not_served_is_refused_in_one_sentence() {
    let upstream = ScriptedUpstream::start(vec![Script::json(r#"{"object":"list","data":[]}"#)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let message = |answer: &TestResponse| {
        let json = answer.json();
        ["/error/message", "/error"]
            .iter()
            .find_map(|place| json.pointer(place)?.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    for (method, path, headers, word) in [
        (Method::POST, "/v1/files", "", "files"),
        (Method::GET, "/v1/files/f-1/content", "", "files"),
        (Method::POST, "/v1/batches", "", "batches"),
        (Method::POST, "/v1/batches/b/cancel", "", "batches"),
        (Method::POST, "/v1/realtime/client_secrets", "", "realtime"),
        (Method::GET, "/v1/vector_stores", "", "vector stores"),
        (Method::POST, "/v1/messages/batches", "anthropic-version", "batches"),
        (Method::GET, "/v1/files", "anthropic-version", "files"),
        (Method::POST, "/upload/v1beta/files", "", "files"),
        (Method::POST, "/v1beta/cachedContents", "", "cached contents"),
        (Method::POST, "/v1beta/models/m:batchGenerateContent", "", "batches"),
        (Method::DELETE, "/files/x", "", "files"),
    ] {
        let answer = shim
            .send(|client, url| {
                let request = client.request(method.clone(), format!("{url}{path}"));
                if headers.is_empty() { request } else { request.header(headers, "2023-06-01") }
            })
            .await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        let text = message(&answer);
        assert!(text.contains(word) && text.contains("paths.forward"), "{path}: {}", answer.body);
        assert_eq!(
            answer.json()["type"] == "error",
            headers == "anthropic-version",
            "{path}: {}",
            answer.body
        );
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn what_a_profile_serves_is_forwarded_to_it() {
    let a = ScriptedUpstream::start(vec![models()]).await;
    let b = ScriptedUpstream::start(vec![Script::json(r#"{"object":"list","data":[]}"#)]).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"a\"\nbase_url = \"{}\"\n[[upstream]]\nname = \"b\"\nbase_url = \"{}\"\n\
         [upstream.quirks]\npaths.forward = [\"/files\", \"/batches\"]\n",
        a.url, b.url
    ))
    .await;
    for (method, path) in [
        (Method::GET, "/v1/files?limit=2"),
        (Method::DELETE, "/v1/files/f-1"),
        (Method::POST, "/v1/batches"),
        (Method::GET, "/v1/batches/b-1"),
    ] {
        let answer = shim.send(|client, url| client.request(method.clone(), format!("{url}{path}"))).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let head = b.requests().pop().unwrap().0;
        assert!(head.starts_with(&format!("{} {path} http", method.as_str().to_lowercase())), "{head}");
    }
    assert!(a.requests().is_empty());
    let answer = shim.fetch("/v1/vector_stores").await;
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (404, Value::from("unknown_url")));
}
