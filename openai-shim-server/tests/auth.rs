//! Client keys: which requests are accepted; and the key that an upstream gets.

mod support;

use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

async fn locked(upstream: &ScriptedUpstream) -> TestServer {
    TestServer::with_config(&format!(
        "client_keys = [\"key-one\", \"key-two\"]\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\napi_key = \"sk-upstream\"\n\
         models = [\"m\"]\n",
        upstream.url
    ))
    .await
}

async fn ask(shim: &TestServer, header: Option<(&str, &str)>) -> TestResponse {
    shim.send(|client, url| {
        let request = client.post(format!("{url}/v1/chat/completions")).body(CHAT);
        match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    })
    .await
}

#[tokio::test]
async fn client_key_is_accepted_in_every_header() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = locked(&upstream).await;
    for header in [
        ("authorization", "Bearer key-one"),
        ("authorization", "bearer  key-two "),
        ("x-api-key", "key-one"),
        ("api-key", "key-two"),
    ] {
        assert_eq!(ask(&shim, Some(header)).await.status, 200, "{header:?}");
    }
}

#[tokio::test]
async fn request_without_a_right_key_is_unauthorized() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = locked(&upstream).await;
    for header in [
        None,
        Some(("authorization", "Bearer key-on")),
        Some(("authorization", "Bearer key-one1")),
        Some(("authorization", "Bearer ")),
        Some(("authorization", "Bearer sk-upstream")),
        Some(("authorization", "Basic key-one")),
        Some(("authorization", "key-one")),
        Some(("x-api-key", "KEY-ONE")),
        Some(("api-key", "")),
        Some(("cookie", "key-one")),
    ] {
        let answer = ask(&shim, header).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{header:?}");
        assert_eq!(answer.error()["code"], "invalid_api_key");
    }
    for path in ["/v1/models", "/v1/models/m", "/v1/embeddings", "/metrics"] {
        assert_eq!(shim.fetch(path).await.status, 401, "{path}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn health_and_front_page_need_no_key() {
    let upstream = ScriptedUpstream::start(vec![Script::json("{}")]).await;
    let shim = locked(&upstream).await;
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(shim.fetch(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn any_key_is_accepted_without_configured_keys() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    assert_eq!(ask(&shim, None).await.status, 200);
    assert_eq!(ask(&shim, Some(("authorization", "Bearer whatever"))).await.status, 200);
    assert_eq!(shim.fetch("/metrics").await.status, 200);
}

#[tokio::test]
async fn upstream_gets_its_own_key_instead_of_the_clients() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = locked(&upstream).await;
    ask(&shim, Some(("authorization", "Bearer key-one"))).await;
    shim.send(|c, url| c.post(format!("{url}/v1/embeddings")).header("x-api-key", "key-one").body(CHAT))
        .await;
    for (head, body) in upstream.requests() {
        assert!(head.contains("\r\nauthorization: bearer sk-upstream"), "{head}");
        assert!(!head.contains("key-one") && !body.contains("key-one"), "{head}");
    }
}

#[tokio::test]
async fn upstream_without_a_key_gets_no_key() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    ask(&shim, Some(("authorization", "Bearer the-client-s"))).await;
    assert!(!upstream.requests()[0].0.contains("authorization"));
}

#[tokio::test]
async fn upstream_key_is_sent_in_the_header_of_the_profile() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let more = "api_key = \"sk-1\"\n[upstream.quirks.auth]\nheader = \"api-key\"\nprefix = \"\"";
    let shim = TestServer::in_front_of(&upstream, more).await;
    ask(&shim, None).await;
    let head = &upstream.requests()[0].0;
    assert!(head.contains("\r\napi-key: sk-1") && !head.contains("authorization"), "{head}");
}

#[tokio::test]
async fn refusal_reaches_a_client_that_still_sends_a_large_body() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let shim = locked(&upstream).await;
    // A simple client writes its whole request before it reads.
    let length = 8 << 20;
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    let reply = shim.raw(&[head.into_bytes(), vec![b'x'; length]].concat()).await;
    assert!(reply.starts_with("HTTP/1.1 401 "), "{reply}");
}
