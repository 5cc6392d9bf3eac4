//! Forwarded routes: bodies, headers, errors, limits.

mod support;

use serde_json::json;
use std::time::{Duration, Instant};
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer};

fn ok() -> Script {
    Script::json(VECTORS)
}

/// Well-formed JSON in a layout that no serializer writes.
const VECTORS: &str = r#"{"object": "list", "data":[{"object":"embedding","index":0,"embedding":[0.10, -1e-3]}],"model":"m","usage":{"total_tokens":1,"prompt_tokens":1}}"#;

#[tokio::test]
async fn body_is_forwarded_byte_for_byte() {
    let routes = [
        ("/v1/embeddings", VECTORS),
        ("/api/openai/v1/embeddings", VECTORS),
        ("/v1/moderations", r#"{ "id":"x","results":[{"flagged" : false}], "n":1.50}"#),
        ("/v1/rerank", r#"{ "results":[{"index" : 0, "relevance_score": 0.50}]}"#),
        ("/v1/images/generations", r#"{ "created":1,"data" : [{"b64_json":""}]}"#),
    ];
    let upstream = ScriptedUpstream::start(routes.map(|(_, answer)| Script::json(answer)).to_vec()).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let body = "{ \"input\" : \"x\\u00e9\",\n\"model\":\"m\", \"n\":12345678901234567890123 }";
    for (path, expected) in routes {
        let answer = TestResponse::read(shim.post(path, body).await).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
        assert_eq!(answer.header("x-openai-shim-upstream"), "up");
        assert!(!answer.header("x-request-id").is_empty());
        let (head, sent) = upstream.requests().pop().unwrap();
        let path = path.trim_start_matches("/api/openai");
        assert!(head.starts_with(&format!("post {path} http/1.1\r\n")), "{head}");
        assert_eq!(sent, body);
    }
}

#[tokio::test]
async fn model_alias_is_replaced_and_nothing_else() {
    let upstream = ScriptedUpstream::start(vec![ok()]).await;
    let shim =
        TestServer::in_front_of(&upstream, "models = [{ id = \"small\", upstream = \"its/embedder\" }]")
            .await;
    shim.post("/v1/embeddings", r#"{"input":[1, 2.0],"model":"small","x":1.10,"e":"\u00e9"}"#).await;
    assert_eq!(
        upstream.requests()[0].1,
        r#"{"input":[1, 2.0],"model":"its/embedder","x":1.10,"e":"\u00e9"}"#
    );
}

#[tokio::test]
async fn form_reaches_the_upstream_of_its_model() {
    let a = ScriptedUpstream::start(vec![ok()]).await;
    let b = ScriptedUpstream::start(vec![Script::json(r#"{"text":"hello"}"#)]).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"a\"\nbase_url = \"{}\"\nmodels = [\"chat\"]\n[[upstream]]\nname = \"b\"\nbase_url = \"{}\"\n\
         models = [\"whisper-1\"]\n",
        a.url, b.url
    ))
    .await;
    let form = "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\ncontent-type: audio/wav\r\n\r\n\
                RIFF\0\u{1}data\r\n--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--X--\r\n";
    let answer = shim
        .send(|client, url| {
            client
                .post(format!("{url}/v1/audio/transcriptions"))
                .header("content-type", "multipart/form-data; boundary=X")
                .body(form)
        })
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"text":"hello"}"#));
    let (head, sent) = b.requests().pop().unwrap();
    assert!(head.contains("content-type: multipart/form-data; boundary=x"));
    assert_eq!(sent, form);
    assert!(a.requests().is_empty());
}

#[tokio::test]
async fn alias_and_upstream_name_are_replaced_in_forms_queries_and_json_of_any_spelling() {
    let models = "models = [{ id = \"mine\", upstream = \"whisper-1\" }]";
    for model in ["mine", "up/mine", "up/whisper-1"] {
        let upstream = ScriptedUpstream::start(vec![ok()]).await;
        let shim = TestServer::in_front_of(&upstream, models).await;
        let form = |name: &str| {
            format!(
                "--X\r\ncontent-disposition: form-data; name=file; filename=\"model\"\r\n\r\nRIFF\0\r\n--X\r\n\
                 Content-Disposition: form-data; name=model\r\n\r\n{name}\r\n--X--\r\n"
            )
        };
        let send = |path: &str, kind: &str, body: String| {
            let (path, kind) = (path.to_owned(), kind.to_owned());
            shim.send(move |client, url| {
                client.post(format!("{url}{path}")).header("content-type", kind).body(body)
            })
        };
        assert_eq!(
            send("/v1/audio/transcriptions", "multipart/form-data; boundary=\"X\"", form(model)).await.status,
            200
        );
        let json = format!(r#"{{"model":"{model}"}}"#);
        assert_eq!(send("/v1/images/generations", "APPLICATION/JSON", json).await.status, 200);
        let query = format!("/v1/audio/speech?model={}&x=1", model.replace('/', "%2F"));
        assert_eq!(send(&query, "audio/wav", String::from("RIFF")).await.status, 200);
        let requests = upstream.requests();
        assert_eq!(requests[0].1, form("whisper-1"), "{model}");
        assert!(
            requests[0].0.contains(&format!("content-length: {}", form("whisper-1").len())),
            "{}",
            requests[0].0
        );
        assert_eq!(requests[1].1, r#"{"model":"whisper-1"}"#);
        assert!(
            requests[2].0.starts_with("post /v1/audio/speech?model=whisper-1&x=1 http"),
            "{}",
            requests[2].0
        );
    }
}

#[tokio::test]
async fn paths_of_a_profile_hold_for_every_route() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let upstream = ScriptedUpstream::start(vec![
        Script::json(vectors),
        ok(),
        ok(),
        Script::json(&support::completion("hi")),
    ])
    .await;
    let url = upstream.url.trim_end_matches("/v1");
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"azure\"\nbase_url = \"{url}\"\nprofile = \"azure-deployments\"\nmodels = [\"gpt 4\", \"tts\"]\n"
    ))
    .await;
    for (path, body) in [
        ("/v1/embeddings", r#"{"model":"gpt 4","input":"a"}"#),
        ("/v1/audio/speech", r#"{"model":"tts","input":"a"}"#),
        ("/v1/images/generations?api-version=mine", r#"{"model":"tts","prompt":"a"}"#),
        ("/v1/chat/completions", r#"{"model":"tts","messages":[{"role":"user","content":"hi"}]}"#),
    ] {
        let answer = TestResponse::read(shim.post(path, body).await).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    let heads: Vec<String> = upstream.requests().into_iter().map(|(head, _)| head).collect();
    for (head, expected) in heads.iter().zip([
        "post /openai/deployments/gpt%204/embeddings?api-version=2024-10-21 http",
        "post /openai/deployments/tts/audio/speech?api-version=2024-10-21 http",
        "post /openai/deployments/tts/images/generations?api-version=mine http",
        "post /openai/deployments/tts/chat/completions?api-version=2024-10-21 http",
    ]) {
        assert!(head.starts_with(expected), "{head}");
    }
}

#[tokio::test]
async fn binary_response_is_returned_unchanged() {
    let sound: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let upstream = ScriptedUpstream::start(vec![Script::response(200, "audio/mpeg", &sound)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let response = shim.post("/v1/audio/speech", r#"{"model":"tts","input":"x"}"#).await;
    assert_eq!(response.headers()["content-type"], "audio/mpeg");
    assert_eq!(response.headers()["content-length"], "100000");
    assert_eq!(response.bytes().await.unwrap(), sound);
}

#[tokio::test]
async fn forwarded_stream_is_passed_on_as_it_arrives() {
    let script =
        Script::stream().chunk("event: a\ndata: 1\n\n").wait(600).chunk("event: b\ndata: 2\n\n").end();
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let begun = Instant::now();
    let mut response = shim.post("/v1/images/edits", r#"{"model":"m","stream":true,"prompt":"x"}"#).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.chunk().await.unwrap().unwrap(), "event: a\ndata: 1\n\n");
    assert!(begun.elapsed() < Duration::from_millis(500));
    assert_eq!(response.text().await.unwrap(), "event: b\ndata: 2\n\n");
}

#[tokio::test]
async fn method_path_and_query_are_forwarded() {
    let upstream = ScriptedUpstream::start(vec![ok()]).await;
    let shim = TestServer::in_front_of(&upstream, "dialect = \"openai-responses\"").await;
    shim.fetch("/v1//responses/resp_1/input_items/?limit=2&after=a%2Fb").await;
    shim.send(|c, url| c.delete(format!("{url}/v1/responses/resp_1"))).await;
    let heads: Vec<_> = upstream.requests().into_iter().map(|(head, _)| head).collect();
    assert!(
        heads[0].starts_with("get /v1/responses/resp_1/input_items?limit=2&after=a%2fb http/1.1"),
        "{}",
        heads[0]
    );
    assert!(heads[1].starts_with("delete /v1/responses/resp_1 http/1.1"), "{}", heads[1]);
}

#[tokio::test]
async fn forwarded_error_keeps_its_status_in_openais_envelope() {
    let detail = Script::response(422, "application/json", r#"{"detail":"input is missing"}"#);
    let limited = Script::response_with_headers(429, "text/plain", "retry-after: 9\r\n", "slow down");
    let upstream = ScriptedUpstream::start(vec![detail, limited, Script(vec![Step::HangUp])]).await;
    let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 1").await;
    for (status, message) in [(422, "input is missing"), (429, "slow down"), (502, "The upstream")] {
        let answer = TestResponse::read(shim.post("/v1/embeddings", "{}").await).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.error()["message"].as_str().unwrap().contains(message));
        assert_eq!(answer.header("retry-after"), if status == 429 { "9" } else { "" });
    }
}

#[tokio::test]
async fn only_safe_headers_are_forwarded_in_both_directions() {
    let more = "set-cookie: s=1\r\nserver: secret\r\nx-ratelimit-remaining: 5\r\nretry-after: 1\r\n";
    let upstream =
        ScriptedUpstream::start(vec![Script::response_with_headers(200, "application/json", more, VECTORS)])
            .await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = shim
        .send(|client, url| {
            client
                .post(format!("{url}/v1/embeddings"))
                .header("cookie", "session=1")
                .header("x-openwebui-user-email", "someone@example.com")
                .header("openai-beta", "assistants=v2")
                .body("{}")
        })
        .await;
    assert!(answer.header("set-cookie").is_empty() && answer.header("server").is_empty());
    assert_eq!(answer.header("x-ratelimit-remaining"), "5");
    let head = upstream.requests().pop().unwrap().0;
    assert!(!head.contains("cookie") && !head.contains("someone@"), "{head}");
    assert!(head.contains("openai-beta: assistants=v2"));
}

#[tokio::test]
async fn client_disconnect_cancels_a_forwarded_call() {
    let upstream = ScriptedUpstream::start(vec![Script(vec![Step::Stall])]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let call = tokio::spawn(shim.client.post(format!("{}/v1/embeddings", shim.url)).body("{}").send());
    upstream.until_requested().await;
    call.abort();
    upstream.until_disconnected().await;
    let metrics = shim.fetch("/metrics").await.body;
    assert!(metrics.contains(r#"requests_total{route="forward",upstream="up",status="499"} 1"#), "{metrics}");
    assert!(metrics.contains("open_exchanges 0\n"), "{metrics}");
}

#[tokio::test]
async fn truncated_forwarded_response_does_not_look_complete() {
    let upstream =
        ScriptedUpstream::start(vec![Script::stream().chunk("data: 1\n\n").then(Step::HangUp)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let response = shim.post("/v1/images/edits", r#"{"stream":true}"#).await;
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn body_over_the_limit_is_not_forwarded() {
    let upstream = ScriptedUpstream::start(vec![ok()]).await;
    let shim = TestServer::in_front_of(&upstream, "[limits]\nrequest_body = \"1KiB\"").await;
    assert_eq!(shim.post("/v1/audio/transcriptions", &"x".repeat(2000)).await.status(), 413);
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn unknown_paths_are_not_forwarded() {
    let upstream = ScriptedUpstream::start(vec![ok()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for path in
        ["/v1/files", "/v1/embeddingsx", "/v1/audio/%2e%2e/%2e%2e/admin", "/embeddingsx", "/v2/embeddings"]
    {
        let answer = TestResponse::read(shim.post(path, "{}").await).await;
        assert_eq!((answer.status, &answer.error()["code"]), (404, &json!("unknown_url")), "{path}");
    }
    assert!(upstream.requests().is_empty());
}
