//! Complete requests and responses through an ordinary HTTP server: what the upstream receives, and what the client gets.

mod support;

use serde_json::{Value, json};
use support::{TestResponse, TestServer, completion};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

async fn shim(upstream: &MockServer, base: &str, more: &str) -> TestServer {
    TestServer::with_config(&format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{}{base}\"\napi_key = \"sk-1\"\n{more}\n[retry]\nbackoff = \"10ms\"\n",
        upstream.uri()
    ))
    .await
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(completion("hello"), "application/json")
}

async fn answering(with: impl Respond + 'static) -> MockServer {
    let upstream = MockServer::start().await;
    Mock::given(method("POST")).respond_with(with).mount(&upstream).await;
    upstream
}

async fn sent(upstream: &MockServer) -> Vec<Request> {
    upstream.received_requests().await.unwrap()
}

#[tokio::test]
async fn well_formed_call_passes_byte_for_byte_in_both_directions() {
    let upstream = answering(ok()).await;
    let shim = shim(&upstream, "/v1", "").await;
    let body = "{\"model\":\"m\", \"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"}],\n \"temperature\":0.70,\"x_vendor\":{\"a\":[1.0,12345678901234567890123]}}";
    let answer = TestResponse::read(shim.post("/v1/chat/completions", body).await).await;
    assert_eq!((answer.status, answer.body), (200, completion("hello")));
    assert_eq!(answer.headers["x-openai-shim-diagnostics"], "0");
    assert_eq!(sent(&upstream).await[0].body, body.as_bytes());
}

#[tokio::test]
async fn upstream_request_has_the_key_and_no_client_headers() {
    let upstream = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer sk-1"))
        .and(header("content-type", "application/json"))
        .and(header("accept-encoding", "identity"))
        .and(body_json(json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})))
        .respond_with(ok())
        .expect(1)
        .mount(&upstream)
        .await;
    let shim = shim(&upstream, "/v1", "").await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let answer = shim
        .send(|client, url| {
            let request = client.post(format!("{url}/v1/chat/completions")).body(body);
            request
                .header("authorization", "Bearer theirs")
                .header("cookie", "c=1")
                .header("x-openwebui-user-id", "7")
        })
        .await;
    assert_eq!(answer.status, 200);
    let head = &sent(&upstream).await[0].headers;
    assert!(head["user-agent"].to_str().unwrap().starts_with("openai-shim/"));
    assert!(!head.contains_key("cookie") && !head.contains_key("x-openwebui-user-id"));
}

#[tokio::test]
async fn base_url_and_path_are_joined_without_doubled_slashes() {
    for (base, expected) in [
        ("", "/chat/completions"),
        ("/", "/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/api//openai/v1/", "/api/openai/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
    ] {
        let upstream = answering(ok()).await;
        assert_eq!(shim(&upstream, base, "").await.chat(false).await.status, 200);
        assert_eq!(sent(&upstream).await[0].url.path(), expected, "{base}");
    }
}

#[tokio::test]
async fn transient_failure_is_retried_and_lasting_failure_reported() {
    // A refused stream is requested once more without the option that asks for its usage.
    for (status, attempts) in
        [(500, 2), (502, 2), (503, 2), (429, 2), (529, 2), (400, 2), (401, 1), (403, 1), (404, 1), (422, 2)]
    {
        let error = ResponseTemplate::new(status)
            .set_body_json(json!({"error": {"message": "as it is", "type": "t"}}));
        let upstream = answering(error).await;
        let answer = shim(&upstream, "/v1", "").await.chat(true).await;
        let expected = if status == 529 { 503 } else { status };
        assert_eq!((answer.status, &answer.error()["message"]), (expected, &json!("as it is")));
        assert_eq!(sent(&upstream).await.len(), attempts, "{status}");
    }
}

#[tokio::test]
async fn transient_failure_is_hidden_from_the_client() {
    let upstream = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0").set_body_string("busy");
    Mock::given(method("POST")).respond_with(busy).up_to_n_times(1).mount(&upstream).await;
    Mock::given(method("POST")).respond_with(ok()).mount(&upstream).await;
    let answer = shim(&upstream, "/v1", "").await.chat(false).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert!(answer.header("x-openai-shim-diagnostics").contains("retried"));
}

#[tokio::test]
async fn requested_stream_is_made_from_a_non_streaming_response() {
    let upstream = answering(ok()).await;
    let answer = shim(&upstream, "/v1", "").await.chat(true).await;
    assert!(answer.is_stream() && answer.is_done());
    assert_eq!(answer.text(), "hello");
}

#[tokio::test]
async fn redirection_is_followed_only_on_the_same_server_with_the_same_method() {
    let elsewhere = answering(ok()).await;
    for (status, to, followed) in [
        (307, String::from("/other"), true),
        (308, String::from("/other"), true),
        (301, String::from("/other"), false),
        (302, String::from("/other"), false),
        (307, format!("{}/other", elsewhere.uri()), false),
        (307, String::from("/v1/chat/completions"), false),
    ] {
        let upstream = MockServer::start().await;
        let redirect = ResponseTemplate::new(status).insert_header("location", to.as_str());
        Mock::given(path("/v1/chat/completions")).respond_with(redirect).mount(&upstream).await;
        Mock::given(method("POST"))
            .and(path("/other"))
            .and(header("authorization", "Bearer sk-1"))
            .respond_with(ok())
            .mount(&upstream)
            .await;
        let answer = shim(&upstream, "/v1", "").await.chat(false).await;
        if followed {
            assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{status} {to}");
            assert_eq!(sent(&upstream).await[1].body, sent(&upstream).await[0].body);
        } else {
            assert_eq!(answer.status, 502, "{status} {to}: {}", answer.body);
            assert!(answer.error()["message"].as_str().unwrap().contains("base_url"));
        }
    }
    assert!(sent(&elsewhere).await.is_empty(), "the key went nowhere else");
}

#[tokio::test]
async fn connection_serves_many_calls() {
    let upstream = answering(ok()).await;
    let shim = shim(&upstream, "/v1", "").await;
    for _ in 0..50 {
        assert_eq!(shim.chat(false).await.status, 200);
    }
    let answers = (0..50).map(|_| shim.chat(true));
    for answer in answers {
        assert!(answer.await.is_done());
    }
}

#[tokio::test]
async fn open_webui_request_is_accepted() {
    let upstream = answering(ok()).await;
    let shim = shim(&upstream, "/v1", "").await;
    // A reasoning model by its name, background tasks, and parameters of other servers.
    for body in [
        json!({"model": "o3-mini", "stream": false, "max_completion_tokens": 50, "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "hi"}]}),
        json!({"model": "m", "stream": false, "messages": [{"role": "user", "content": [{"type": "text", "text": "### Task: a title"}]}]}),
        json!({"model": "m", "stream": false, "min_p": 0.1, "reasoning_effort": "low", "custom": [1], "user": {"id": "1"}, "messages": [{"role": "user", "content": "hi"}]}),
        json!({"model": "m", "stream": false, "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a", "usage": {"x": 1}}, {"role": "user", "content": "b"}]}),
    ] {
        let answer =
            TestResponse::read(shim.post("/api/openai/v1/chat/completions", &body.to_string()).await).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{body}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    for request in sent(&upstream).await {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(body["messages"].as_array().is_some_and(|messages| !messages.is_empty()));
    }
}
