//! Every behaviour of the 60-line proxy that this began as, row by row of the design's section 9.

mod support;

use support::{Answer, Running, Script, Scripted, completion};

async fn before(script: Script) -> (Scripted, Running) {
    let upstream = Scripted::start(vec![script]).await;
    let shim = Running::before(&upstream, "models = [\"the-model\"]").await;
    (upstream, shim)
}

#[tokio::test]
async fn the_model_list_under_both_prefixes() {
    let (upstream, shim) = before(Script::json(&completion("x"))).await;
    for prefix in ["/v1", "/api/openai/v1"] {
        let list = Answer::of(shim.get(&format!("{prefix}/models")).await).await.json();
        assert_eq!(
            (list["object"].as_str(), list["data"][0]["id"].as_str()),
            (Some("list"), Some("the-model"))
        );
    }
    assert!(upstream.requests().is_empty(), "a configured list needs no upstream");
}

#[tokio::test]
async fn a_prompt_instead_of_messages_becomes_a_user_message() {
    let (upstream, shim) = before(Script::json(&completion("x"))).await;
    let answer = Answer::of(
        shim.post("/api/openai/v1/chat/completions", r#"{"model":"the-model","prompt":"hi"}"#).await,
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.body(0)["messages"], serde_json::json!([{"role": "user", "content": "hi"}]));
    assert!(upstream.body(0).get("prompt").is_none());
    assert!(answer.header("x-openai-shim-diagnostics").contains("prompt-to-messages"));
}

#[tokio::test]
async fn neither_prompt_nor_messages_is_an_error_that_names_the_field() {
    let (upstream, shim) = before(Script::json(&completion("x"))).await;
    for body in [r#"{"model":"the-model"}"#, r#"{"model":"the-model","messages":"hi"}"#] {
        let answer = Answer::of(shim.post("/v1/chat/completions", body).await).await;
        assert_eq!((answer.status, answer.error()["param"].as_str()), (400, Some("messages")));
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn stream_is_forced_off_only_where_the_profile_says_so_and_the_client_still_gets_its_stream() {
    let upstream = Scripted::start(vec![Script::json(&completion("hello"))]).await;
    let shim = Running::before(&upstream, "[upstream.quirks.stream]\nsupported = false").await;
    let answer = shim.chat(true).await;
    assert!(answer.is_stream() && answer.is_done() && answer.text() == "hello", "{}", answer.body);
    assert_eq!(upstream.body(0)["stream"], false);
    let shim = Running::before(&upstream, "").await;
    shim.chat(true).await;
    assert_eq!(upstream.body(1)["stream"], true);
}

#[tokio::test]
async fn max_tokens_has_a_default_that_never_overrides() {
    let upstream = Scripted::start(vec![Script::json(&completion("x"))]).await;
    let shim = Running::before(&upstream, "profile = \"lemonfox\"").await;
    let ask = |more: &str| format!(r#"{{"model":"m"{more},"messages":[{{"role":"user","content":"hi"}}]}}"#);
    shim.post("/v1/chat/completions", &ask("")).await;
    shim.post("/v1/chat/completions", &ask(",\"max_tokens\":7")).await;
    shim.post("/v1/chat/completions", &ask(",\"max_completion_tokens\":8")).await;
    let sent: Vec<_> = (0..3).map(|i| upstream.body(i)["max_tokens"].as_u64()).collect();
    assert_eq!(sent, [Some(4096), Some(7), Some(8)]);
    let plain = Running::before(&upstream, "").await;
    plain.post("/v1/chat/completions", &ask("")).await;
    assert!(upstream.body(3).get("max_tokens").is_none(), "only profiles that want one get one");
}

#[tokio::test]
async fn one_retry_when_the_answer_is_empty_or_not_json() {
    for bad in ["", "not json", "{\"choices\":[]}", "<html>"] {
        let upstream = Scripted::start(vec![Script::json(bad), Script::json(&completion("second"))]).await;
        let shim = Running::before(&upstream, "").await;
        assert_eq!(shim.chat(false).await.text(), "second", "{bad:?}");
        assert_eq!(upstream.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_polite_completion_when_both_attempts_fail() {
    let upstream = Scripted::start(vec![Script::json("")]).await;
    let shim = Running::before(&upstream, "[fallback]\nmessage = \"Sorry, come back later.\"").await;
    for stream in [false, true] {
        let answer = shim.chat(stream).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "Sorry, come back later."));
        assert_eq!(answer.header("x-openai-shim-outcome"), "fallback");
    }
    assert_eq!(upstream.requests().len(), 4);
}

#[tokio::test]
async fn empty_choices_never_reach_the_client() {
    let upstream = Scripted::start(vec![Script::json(r#"{"id":"x","choices":[]}"#)]).await;
    let shim = Running::before(&upstream, "[fallback]\nwhen = \"never\"").await;
    let answer = shim.chat(false).await;
    assert_eq!((answer.status, answer.error()["code"].as_str()), (502, Some("empty_completion")));
}

#[tokio::test]
async fn every_failure_is_an_error_envelope() {
    let upstream =
        Scripted::start(vec![Script::whole(500, "text/plain", "Traceback (most recent call last)")]).await;
    let shim = Running::before(&upstream, "").await;
    let answer = shim.chat(false).await;
    assert_eq!(answer.status, 500);
    answer.error();
    for (path, status) in [("/v1/nothing", 404), ("/v1/models/none/such", 500)] {
        let answer = Answer::of(shim.get(path).await).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer.error();
    }
    let answer = Answer::of(shim.get("/v1/chat/completions").await).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    answer.error();
}

#[tokio::test]
async fn the_unit_for_systemd_is_there_and_restarts_are_optional() {
    let deploy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy");
    let unit = std::fs::read_to_string(deploy.join("openai-shim.service")).unwrap();
    for line in ["Type=notify", "WatchdogSec=", "DynamicUser=yes", "LoadCredential=", "NoNewPrivileges=yes"] {
        assert!(unit.contains(line), "{line}");
    }
    assert!(!unit.contains("openai-shim-restart"), "the restart timer stands beside the unit");
    assert!(deploy.join("openai-shim-restart.timer").exists());
}
