//! Memory and texts that grow with model names from clients are bounded: adaptations, metric labels, errors, log lines.

mod support;

use axum::Router;
use axum::body::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use support::{TestResponse, TestServer, completion};

const REFUSAL: &str = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
const UNKNOWN: &str = r#"{"error":{"message":"There is no such model.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#;

/// An upstream that refuses `max_tokens`, and serves every model except invented ones.
async fn upstream() -> String {
    let handle = |body: Bytes| async move {
        let spec: Value = serde_json::from_slice(&body).unwrap();
        let is_invented = spec["model"].as_str().unwrap().starts_with("invented");
        let (status, body) = match (spec.get("max_tokens").is_some(), is_invented) {
            (true, _) => (StatusCode::BAD_REQUEST, REFUSAL.to_owned()),
            (false, true) => (StatusCode::NOT_FOUND, UNKNOWN.to_owned()),
            (false, false) => (StatusCode::OK, completion("hello")),
        };
        (status, [("content-type", "application/json")], body)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let app = Router::new().fallback(handle).layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn shim(url: &str) -> TestServer {
    TestServer::with_config(&format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{url}\"\n[retry]\nattempts = 1\n"
    ))
    .await
}

async fn ask(shim: &TestServer, model: &str) -> TestResponse {
    let body = json!({"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]});
    TestResponse::read(shim.post("/v1/chat/completions", &body.to_string()).await).await
}

#[tokio::test]
async fn invented_model_names_add_no_adaptations() {
    let shim = shim(&upstream().await).await;
    for n in 0..1100 {
        assert_eq!(ask(&shim, &format!("invented {n}")).await.status, 404);
    }
    assert!(shim.fetch("/learned").await.body.contains("Nothing has been learnt"));
    assert_eq!(ask(&shim, "real").await.status, 200);
    assert!(shim.fetch("/learned").await.body.contains("match = [\"real\"]"));
    let again = ask(&shim, "real").await;
    assert_eq!(again.header("x-openai-shim-diagnostics"), "1; param-renamed");
}

#[tokio::test]
async fn model_name_of_megabytes_is_served_and_not_remembered() {
    let shim = shim(&upstream().await).await;
    for n in 0..3 {
        let answer = ask(&shim, &format!("{n}{}", "x".repeat(4 << 20))).await;
        assert_eq!(answer.status, 200);
        let longest = answer.headers.values().map(http::HeaderValue::len).max().unwrap();
        assert!(longest < 1100, "a header of {longest} bytes");
    }
    for page in ["/learned", "/metrics"] {
        let length = shim.fetch(page).await.body.len();
        assert!(length < 100_000, "{page} has {length} bytes");
    }
    assert_eq!(ask(&shim, "real").await.status, 200);
    assert!(shim.fetch("/learned").await.body.contains("match = [\"real\"]"));
}

#[tokio::test]
async fn model_name_that_does_not_fit_into_a_path_is_an_invalid_request() {
    let shim = TestServer::with_config(
        "[[upstream]]\nname = \"up\"\nbase_url = \"http://127.0.0.1:9\"\ndialect = \"gemini\"\n[retry]\nattempts = 1\n",
    )
    .await;
    let refused = ask(&shim, &"x".repeat(1 << 20)).await;
    assert_eq!((refused.status, &refused.error()["param"]), (400, &json!("model")));
    assert!(refused.body.len() < 1000, "{} bytes", refused.body.len());
}

#[tokio::test]
async fn error_about_a_long_model_name_is_short() {
    let url = upstream().await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"one\"\nbase_url = \"{url}\"\nmodels = [\"a\"]\n[[upstream]]\nname = \"two\"\nbase_url = \"{url}\"\nmodels = [\"b\"]\n"
    ))
    .await;
    for (path, body) in [
        (
            "/v1/chat/completions",
            json!({"model": "x".repeat(300 << 10), "messages": [{"role": "user", "content": "hi"}]}),
        ),
        ("/api/show", json!({"model": "x".repeat(300 << 10)})),
        ("/v1/embeddings", json!({"model": "x".repeat(300 << 10), "input": "hi"})),
        ("/v1/images/generations", json!({"model": "x".repeat(300 << 10), "prompt": "hi"})),
    ] {
        let refused = TestResponse::read(shim.post(path, &body.to_string()).await).await;
        assert_eq!(refused.status, 404, "{path}");
        assert!(
            refused.body.len() < 2000 && refused.body.contains('…'),
            "{path}: {} bytes",
            refused.body.len()
        );
    }
}
