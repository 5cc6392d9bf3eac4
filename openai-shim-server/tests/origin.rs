//! Requests that web pages make browsers send to a server without client keys, and requests of other programs.

mod support;

use http::Method;
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

async fn keyless(more: &str) -> (ScriptedUpstream, TestServer) {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("x"))]).await;
    let config =
        format!("{more}\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\nmodels = [\"m\"]\n", upstream.url);
    let shim = TestServer::with_config(&config).await;
    (upstream, shim)
}

async fn send(shim: &TestServer, method: Method, path: &str, headers: &[(&str, &str)]) -> TestResponse {
    shim.send(|client, url| {
        let body = if method == Method::POST { CHAT } else { "" };
        let request = client.request(method, format!("{url}{path}")).body(body);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    })
    .await
}

async fn chat(shim: &TestServer, headers: &[(&str, &str)]) -> TestResponse {
    send(shim, Method::POST, "/v1/chat/completions", headers).await
}

#[tokio::test]
async fn request_of_a_foreign_page_is_refused_before_the_upstream() {
    let (upstream, shim) = keyless("").await;
    for headers in [
        &[("content-type", "text/plain"), ("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
    ] {
        let answer = chat(&shim, headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        let error = answer.error();
        assert_eq!(error["code"], "origin_not_allowed", "{headers:?}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("[cors]") && message.contains("client_keys"), "{message}");
    }
    for path in ["/v1/models", "/api/tags", "/v1/embeddings", "/learned", "/metrics", "/v1/files"] {
        let answer = send(&shim, Method::GET, path, &[("origin", "https://evil.example")]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn foreign_host_name_is_refused_against_dns_rebinding() {
    let (upstream, shim) = keyless("").await;
    for host in [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "local",
        "notlocalhost",
        "localhost:x",
        "user@localhost",
    ] {
        let origin = format!("http://{host}");
        for headers in [&[("host", host)][..], &[("host", host), ("origin", &origin)]] {
            let answer = chat(&shim, headers).await;
            assert_eq!((answer.status, &answer.error()["code"]), (403, &"host_not_allowed".into()), "{host}");
        }
    }
    // The authority of the request line is checked, and each of several hosts.
    let length = CHAT.len();
    for head in [
        "POST http://evil.example/v1/chat/completions HTTP/1.1\r\nhost: localhost",
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nhost: evil.example",
    ] {
        let request = format!("{head}\r\ncontent-length: {length}\r\n\r\n{CHAT}");
        let reply = shim.raw(request.as_bytes()).await;
        assert!(reply.starts_with("HTTP/1.1 403 ") || reply.starts_with("HTTP/1.1 400 "), "{reply}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn programs_and_own_pages_are_served() {
    let (upstream, shim) =
        keyless("hosts = [\"shim.example.com\"]\n[cors]\norigins = [\"https://chat.example.com\"]").await;
    let own = shim.url.clone();
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let cases: &[&[(&str, &str)]] = &[
        // curl's content type for `-d`, as in Ollama's documentation.
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "text/plain")],
        // The headers of Node's fetch.
        &[("sec-fetch-mode", "cors"), ("accept-language", "*")],
        &[("host", "localhost:8000")],
        &[("host", "LOCALHOST.")],
        &[("host", "192.168.1.5:8000")],
        &[("host", "[::1]:8000")],
        &[("host", "host.docker.internal:8000")],
        &[("host", "laptop.local")],
        &[("host", "shim.localhost")],
        &[("host", &name)],
        &[("host", "shim.example.com")],
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        &[("host", "localhost"), ("origin", "http://localhost:80")],
        &[
            ("host", "shim.example.com"),
            ("origin", "https://shim.example.com"),
            ("sec-fetch-site", "same-origin"),
        ],
        &[("origin", "https://chat.example.com"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ];
    for headers in cases {
        let answer = chat(&shim, headers).await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.body);
    }
    assert_eq!(upstream.requests().len(), cases.len());
    let old = shim.raw(b"GET /v1/models HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 ") || old.starts_with("HTTP/1.1 200 "), "{old}");
}

#[tokio::test]
async fn link_to_a_page_and_health_check_are_served() {
    let (_upstream, shim) = keyless("").await;
    let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    for path in ["/", "/metrics", "/learned"] {
        assert_eq!(send(&shim, Method::GET, path, &link).await.status, 200, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        let probe = [("host", "pod-7.cluster.example"), ("origin", "https://status.example")];
        assert_eq!(send(&shim, Method::GET, path, &probe).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn with_client_keys_origin_and_host_are_not_checked() {
    let (_upstream, shim) = keyless("client_keys = [\"key-one\"]").await;
    let foreign =
        [("host", "evil.example"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    assert_eq!(chat(&shim, &foreign).await.status, 401);
    let with_key = [&foreign[..], &[("authorization", "Bearer key-one")]].concat();
    assert_eq!(chat(&shim, &with_key).await.status, 200);
}

#[tokio::test]
async fn star_origin_is_served_with_cors_headers() {
    let (_upstream, shim) = keyless("[cors]\norigins = [\"*\"]").await;
    for headers in [
        &[("origin", "https://any.example"), ("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "null")],
    ] {
        assert_eq!(chat(&shim, headers).await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn refusal_of_a_foreign_page_has_the_dialects_envelope() {
    let (_upstream, shim) = keyless("").await;
    for (path, place) in [
        ("/v1/chat/completions", "/error/message"),
        ("/v1/responses", "/error/message"),
        ("/v1/messages", "/error/message"),
        ("/api/chat", "/error"),
        ("/v1beta/models/m:generateContent", "/error/message"),
    ] {
        let answer = send(&shim, Method::POST, path, &[("origin", "https://evil.example")]).await;
        let message = answer.json().pointer(place).cloned().unwrap_or_default();
        assert!(
            answer.status == 403 && message.as_str().is_some_and(|m| m.contains("[cors]")),
            "{path}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn websocket_upgrade_gets_a_426() {
    let (upstream, shim) = keyless("").await;
    for path in ["/v1/responses", "/v1/realtime", "/v1/chat/completions"] {
        let reply = shim
            .raw(
                format!(
                    "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                .as_bytes(),
            )
            .await;
        assert!(reply.starts_with("HTTP/1.1 426 "), "{path}: {reply}");
        assert!(reply.contains("content-type: application/json") && reply.contains("\"error\""), "{reply}");
    }
    // A WebSocket of a page is checked like its other requests.
    let foreign = [("upgrade", "websocket"), ("origin", "https://evil.example")];
    assert_eq!(send(&shim, Method::GET, "/v1/responses", &foreign).await.status, 403);
    assert!(upstream.requests().is_empty());
}
