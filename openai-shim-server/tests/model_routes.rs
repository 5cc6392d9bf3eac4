//! Models with several targets, as clients and operators see them: lists, affinity, log, recordings, stored responses, adaptations.

mod support;

use openai_shim_core::cassette::Cassette;
use openai_shim_core::dialect;
use serde_json::{Value, json};
use support::process::Process;
use support::{
    Script, ScriptedUpstream, Step, TestResponse, TestServer, completion, parse, stop, text, until,
};

/// Two upstreams, and a model `m` with a target at each.
fn config(one: &str, two: &str, model: &str) -> String {
    format!(
        "[[upstream]]\nname = \"one\"\nbase_url = \"{one}\"\n[[upstream]]\nname = \"two\"\nbase_url = \"{two}\"\n\
         [[model]]\nname = \"m\"\ntargets = [\"one/first\", \"two/second\"]\n{model}\n"
    )
}

async fn answering(content: &str) -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::json(&completion(content))]).await
}

fn failing(status: u16, message: &str) -> Script {
    let body = json!({"error": {"message": message, "type": "x", "code": null}});
    Script::response(status, "application/json", body.to_string())
}

fn ids(list: &Value, key: &str, name: &str) -> Vec<String> {
    list[key].as_array().unwrap().iter().map(|model| model[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn names_of_models_are_listed_before_those_of_the_upstreams_and_patterns_are_not() {
    let up = |name: &str| {
        format!("[[upstream]]\nname = \"{name}\"\nbase_url = \"echo\"\nmodels = [\"fast\", \"{name}-own\"]\n")
    };
    let server = TestServer::with_config(&format!(
        "{}{}[[model]]\nname = \"fast\"\ntargets = [\"a/x\"]\n[[model]]\nname = \"claude-*\"\ntargets = [\"a/x\"]\n",
        up("a"),
        up("b")
    ))
    .await;
    let expected = ["fast", "a/fast", "a-own", "b/fast", "b-own"];
    let openai = server.fetch("/v1/models").await.json();
    assert_eq!(ids(&openai, "data", "id"), expected);
    assert_eq!(openai["data"][0]["owned_by"], "openai-shim");
    assert_eq!(server.fetch("/v1/models/fast").await.json()["id"], "fast");
    let google = server.fetch("/v1beta/models").await.json();
    assert_eq!(ids(&google, "models", "name")[0], "models/fast");
    let ollama = server.fetch("/api/tags").await.json();
    assert!(ids(&ollama, "models", "name")[0].starts_with("fast"));
    let anthropic = server
        .send(|client, url| client.get(format!("{url}/v1/models")).header("anthropic-version", "2023-06-01"))
        .await
        .json();
    assert_eq!(ids(&anthropic, "data", "id"), expected);
}

#[tokio::test]
async fn conversation_stays_with_its_target_on_every_replica() {
    let (one, two) = (answering("1").await, answering("2").await);
    let config = config(&one.url, &two.url, "strategy = \"weighted\"");
    let replicas = [TestServer::with_config(&config).await, TestServer::with_config(&config).await];
    let ask = async |replica: usize, messages: Value| {
        let body = json!({"model": "m", "messages": messages}).to_string();
        let response = replicas[replica].post("/v1/chat/completions", &body).await;
        TestResponse::read(response).await.header("x-openai-shim-upstream").to_owned()
    };
    let mut upstreams = Vec::new();
    for conversation in 0..24 {
        let first = json!({"role": "user", "content": format!("conversation {conversation}")});
        let upstream = ask(0, json!([first])).await;
        let reply = json!({"role": "assistant", "content": "yes"});
        let second = json!({"role": "user", "content": "more"});
        assert_eq!(ask(1, json!([first, reply, second])).await, upstream);
        upstreams.push(upstream);
    }
    for name in ["one", "two"] {
        assert!(upstreams.iter().any(|upstream| upstream == name), "{upstreams:?}");
    }
}

#[tokio::test]
async fn log_has_the_upstream_that_answered_and_what_came_of_every_attempt() {
    let one = ScriptedUpstream::start(vec![failing(429, "Slow down."), Script::json("")]).await;
    let two = answering("hello").await;
    let process = Process::start(&config(&one.url, &two.url, ""), &[("OPENAI_SHIM_LOG", "json")]);
    for (n, tried) in ["one:429,two:200", "one:200-empty,two:200"].into_iter().enumerate() {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(process.post(body).await.status(), 200);
        until("the request is logged", || process.log().matches("\"exchange\"").count() > n).await;
        let log = process.log();
        let line = log.lines().filter(|line| line.contains("\"exchange\"")).nth(n).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["upstream"], &line["tried"]), (&json!("two"), &json!(tried)), "{line}");
        assert_eq!((&line["attempts"], &line["status"]), (&json!(2), &json!(200)), "{line}");
    }
}

#[tokio::test]
async fn recording_has_every_attempt_with_its_own_upstream() {
    let folder = std::env::temp_dir().join(format!("openai-shim-routes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","model":"second","content":[{"type":"text","text":"from Claude"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;
    let one = ScriptedUpstream::start(vec![failing(500, "Boom.")]).await;
    let two = ScriptedUpstream::start(vec![Script::json(message)]).await;
    let text = config(&one.url, &two.url, "")
        .replace("name = \"two\"\n", "name = \"two\"\ndialect = \"anthropic-messages\"\n");
    let mut recording = parse(&text);
    recording.record = Some(folder.clone());
    let server = TestServer::with(recording).await;
    assert_eq!(server.chat(false).await.text(), "from Claude");
    let file = folder.join("0001-openai-chat-first.cassette");
    until("the recording is written", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))
    })
    .await;
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let sections: Vec<_> = text.lines().filter(|line| line.starts_with("== upstream ")).collect();
    assert_eq!(sections, ["== upstream openai-chat compatible", "== upstream anthropic-messages anthropic"]);
    let cassette: Cassette = text.parse().unwrap();
    assert_eq!(cassette.to_string(), text);
    let played = cassette.convert_to(dialect("openai-chat").unwrap());
    assert_eq!(played.status, 200, "{}", String::from_utf8_lossy(&played.body));
    assert!(String::from_utf8_lossy(&played.body).contains("from Claude"));
}

#[tokio::test]
async fn response_can_be_continued_when_its_target_is_gone() {
    let one =
        ScriptedUpstream::start(vec![Script::json(&completion("My name is Ada.")), failing(500, "Boom.")])
            .await;
    let two = answering("You are Ada.").await;
    let server = TestServer::with_config(&config(&one.url, &two.url, "")).await;
    let first =
        TestResponse::read(server.post("/v1/responses", r#"{"model":"m","input":"Who are you?"}"#).await)
            .await;
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"model": "m", "input": "Who?", "previous_response_id": id}).to_string();
    let second = TestResponse::read(server.post("/v1/responses", &body).await).await;
    assert!(second.body.contains("You are Ada."), "{}", second.body);
    let contents: Vec<_> =
        two.body(0)["messages"].as_array().unwrap().iter().map(|m| m["content"].clone()).collect();
    assert_eq!(contents, ["Who are you?", "My name is Ada.", "Who?"]);
}

#[tokio::test]
async fn adaptation_belongs_to_the_target_that_refused() {
    let one = ScriptedUpstream::start(vec![failing(500, "Boom.")]).await;
    let unknown = r#"{"error":{"message":"Unsupported parameter: 'seed'.","type":"invalid_request_error","param":"seed","code":"unsupported_parameter"}}"#;
    let two = ScriptedUpstream::start(vec![
        Script::response(400, "application/json", unknown),
        Script::json(&completion("hello")),
    ])
    .await;
    let server = TestServer::with_config(&config(&one.url, &two.url, "")).await;
    let body = r#"{"model":"m","seed":7,"messages":[{"role":"user","content":"hi"}]}"#;
    let response = TestResponse::read(server.post("/v1/chat/completions", body).await).await;
    assert_eq!(response.text(), "hello", "{}", response.body);
    let learned = server.fetch("/learned").await.body;
    assert!(
        learned.contains("second") && learned.contains("seed") && !learned.contains("first"),
        "{learned}"
    );
}

#[tokio::test]
async fn stream_that_begins_with_a_keep_alive_names_the_target_that_was_asked_first() {
    let one = ScriptedUpstream::start(vec![Script(vec![
        Step::Wait(std::time::Duration::from_millis(400)),
        Step::HangUp,
    ])])
    .await;
    let two =
        ScriptedUpstream::start(vec![Script::stream().events(&[&text("from two"), &stop(), "[DONE]"]).end()])
            .await;
    let keepalive = "[timeouts]\nkeepalive = \"50ms\"\n";
    let server = TestServer::with_config(&config(&one.url, &two.url, keepalive)).await;
    let response = server.chat(true).await;
    assert!(response.body.starts_with(':'), "{}", response.body);
    assert_eq!((response.header("x-openai-shim-upstream"), response.text().as_str()), ("one", "from two"));
}

#[tokio::test]
async fn least_busy_target_is_the_one_with_the_fewest_open_requests() {
    let one =
        ScriptedUpstream::start(vec![Script::stream().events(&[&text("slow")]).then(Step::Stall)]).await;
    let two = answering("quick").await;
    let model = "strategy = \"least-busy\"\naffinity = \"none\"";
    let server = TestServer::with_config(&config(&one.url, &two.url, model)).await;
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let open = server.post("/v1/chat/completions", body).await;
    assert_eq!(open.headers()["x-openai-shim-upstream"], "one");
    for _ in 0..3 {
        assert_eq!(server.chat(false).await.text(), "quick");
    }
    drop(open);
    one.until_disconnected().await;
}
