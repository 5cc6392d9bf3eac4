//! Who may ask: client keys, CORS, and what every reply carries.

mod support;

use support::{Answer, Running};

const KEYS: &str =
    "client_keys = [\"one-key\", \"another-key\"]\n[[upstream]]\nname = \"echo\"\nbase_url = \"echo\"\n";

#[tokio::test]
async fn a_key_is_needed_in_one_of_three_headers() {
    let shim = Running::with(KEYS).await;
    let get = |name: &'static str, value: &'static str| {
        shim.client.get(format!("{}/v1/models", shim.url)).header(name, value).send()
    };
    for (name, value) in [
        ("authorization", "Bearer one-key"),
        ("authorization", "bearer another-key"),
        ("x-api-key", "one-key"),
        ("api-key", "another-key"),
    ] {
        assert_eq!(get(name, value).await.unwrap().status(), 200, "{name}: {value}");
    }
    for (name, value) in [
        ("authorization", "Bearer one-ke"),
        ("authorization", "one-key"),
        ("authorization", "Basic one-key"),
        ("x-api-key", ""),
        ("x-other", "one-key"),
    ] {
        let answer = Answer::of(get(name, value).await.unwrap()).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{name}: {value}");
        assert_eq!(answer.error()["code"], "invalid_api_key");
    }
    let chat = shim.chat(true).await;
    assert_eq!(chat.status, 401);
    chat.error();
}

#[tokio::test]
async fn health_needs_no_key_and_metrics_do() {
    let shim = Running::with(KEYS).await;
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(shim.get(path).await.status(), 200, "{path}");
    }
    assert_eq!(shim.get("/metrics").await.status(), 401);
}

#[tokio::test]
async fn the_front_page_is_for_people_and_for_those_who_look_for_ollama() {
    let shim = Running::with("").await;
    assert_eq!(shim.get("/").await.text().await.unwrap(), "Ollama is running");
    let page = shim
        .client
        .get(&shim.url)
        .header("accept", "text/html,*/*")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains(&format!("{}/v1", shim.url)), "{page}");
}

#[tokio::test]
async fn cors_is_off_unless_configured() {
    let origin = "http://127.0.0.1:3000";
    let ask = async |shim: &Running| {
        shim.client.get(format!("{}/v1/models", shim.url)).header("origin", origin).send().await.unwrap()
    };
    let off = Running::with("").await;
    assert!(ask(&off).await.headers().get("access-control-allow-origin").is_none());
    let on = Running::with(&format!("{KEYS}[cors]\norigins = [\"{origin}\"]\n")).await;
    let refused = ask(&on).await;
    assert_eq!(
        (refused.status().as_u16(), refused.headers()["access-control-allow-origin"].to_str().unwrap()),
        (401, origin)
    );
    let preflight = on
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/v1/chat/completions", on.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-openwebui-user-id")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(
        preflight.headers()["access-control-allow-headers"],
        "authorization,content-type,x-openwebui-user-id"
    );
    let other = on
        .client
        .get(format!("{}/v1/models", on.url))
        .header("origin", "http://evil.example")
        .send()
        .await
        .unwrap();
    assert!(other.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn every_reply_has_an_id_the_clients_if_it_can_be_logged() {
    let shim = Running::with("").await;
    let get = |id: &'static str| {
        shim.client.get(format!("{}/v1/models", shim.url)).header("x-request-id", id).send()
    };
    assert_eq!(get("abc-123").await.unwrap().headers()["x-request-id"], "abc-123");
    let ours = get("a b\u{e9}").await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(ours.starts_with("req_"), "{ours}");
    assert!(shim.get("/nothing").await.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn metrics_count_requests_outcomes_diagnostics_and_tokens() {
    let shim = Running::with("").await;
    shim.chat(true).await;
    shim.post("/v1/chat/completions", r#"{"model":"echo","prompt":"hi"}"#).await;
    shim.post("/v1/chat/completions", "{").await;
    let text = shim.get("/metrics").await.text().await.unwrap();
    for line in [
        "openai_shim_requests_total{route=\"openai-chat\",upstream=\"echo\",status=\"200\"} 2",
        "openai_shim_requests_total{route=\"openai-chat\",upstream=\"\",status=\"400\"} 1",
        "openai_shim_outcomes_total{upstream=\"echo\",outcome=\"complete\"} 2",
        "openai_shim_diagnostics_total{code=\"prompt-to-messages\"} 1",
        "openai_shim_tokens_total{upstream=\"echo\",model=\"echo\",kind=\"output\"} ",
        "openai_shim_first_byte_seconds_count{upstream=\"echo\"} 2",
        "openai_shim_open_exchanges 0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
