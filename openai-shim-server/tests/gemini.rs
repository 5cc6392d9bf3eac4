//! Gemini's routes: the model in the path, the stream's format in the query, and Google's key header.

mod support;

use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion, stop, text};

const HELLO: &str = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
const DONE: &str = "[DONE]";

fn answer() -> Script {
    Script::stream().events(&[&text("Hel"), &text("lo"), &stop(), DONE]).end()
}

#[tokio::test]
async fn path_names_the_model_and_query_selects_the_stream_format() {
    let upstream =
        ScriptedUpstream::start(vec![Script::json(&completion("hello")), answer(), answer()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let response = TestResponse::read(shim.post("/v1beta/models/m:generateContent", HELLO).await).await;
    assert_eq!(response.json()["candidates"][0]["content"]["parts"][0]["text"], "hello");
    assert_eq!(upstream.body(0)["model"], "m");

    let events =
        TestResponse::read(shim.post("/v1beta/models/m:streamGenerateContent?alt=sse", HELLO).await).await;
    assert!(events.header("content-type").contains("event-stream"));
    assert!(events.body.starts_with("data: {\"candidates\""), "{}", events.body);

    let array = TestResponse::read(shim.post("/v1/models/m:streamGenerateContent?key=x", HELLO).await).await;
    assert_eq!(array.header("content-type"), "application/json");
    let chunks: Vec<Value> = serde_json::from_str(&array.body).unwrap();
    assert_eq!(chunks.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    assert_eq!(upstream.body(2)["stream"], true);
}

#[tokio::test]
async fn array_stream_stays_valid_json_while_waiting_for_the_first_item() {
    let late = Script::stream().wait(400).events(&[&text("Hello"), &stop(), DONE]).end();
    let upstream = ScriptedUpstream::start(vec![late]).await;
    let shim = TestServer::in_front_of(&upstream, "[timeouts]\nkeepalive = \"50ms\"").await;
    let array = TestResponse::read(shim.post("/v1beta/models/m:streamGenerateContent", HELLO).await).await;
    assert_eq!(array.header("content-type"), "application/json");
    assert!(array.body.starts_with('\n'), "no keep-alive came: {}", array.body);
    assert!(serde_json::from_str::<Vec<Value>>(&array.body).is_ok(), "{}", array.body);
}

#[tokio::test]
async fn model_is_shown_under_its_id_and_other_methods_are_unknown() {
    let upstream = ScriptedUpstream::start(vec![]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for (path, status) in [
        ("/v1beta/models/m:predict", 405),
        ("/v1beta/models/..:generateContent", 400),
        ("/v1beta/models/%2e%2e%2fm:generateContent", 400),
    ] {
        let answer = TestResponse::read(shim.post(path, HELLO).await).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    let wrong = TestResponse::read(shim.get("/v1beta/models/m:generateContent").await).await;
    assert_eq!(wrong.status, 405);
}

#[tokio::test]
async fn key_in_googles_header_is_accepted() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let config = format!(
        "client_keys = [\"key-one\"]\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n",
        upstream.url
    );
    let shim = TestServer::with_config(&config).await;
    let closed = TestResponse::read(shim.post("/v1beta/models/m:generateContent", HELLO).await).await;
    assert_eq!((closed.status, closed.json()["error"]["status"].clone()), (401, json!("UNAUTHENTICATED")));
    let open = shim
        .send(|client, url| {
            let request = client.post(format!("{url}/v1beta/models/m:generateContent")).body(HELLO);
            request.header("x-goog-api-key", "key-one")
        })
        .await;
    assert_eq!(open.status, 200);
}
