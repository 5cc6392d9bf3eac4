//! Repairs that need more than one upstream call: adaptations to refusals, restored reasoning, embeddings in another encoding,
//! choices requested one by one.

mod support;

use openai_shim_core::profile::{Adaptation, profile};
use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion, parse, stop, text};

const REFUSAL: &str = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;

const ASKING: &str = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;

fn refusal() -> Script {
    Script::response(400, "application/json", REFUSAL)
}

fn ok() -> Script {
    Script::json(&completion("hello"))
}

#[tokio::test]
async fn refused_parameter_is_changed_retried_and_remembered() {
    let upstream = ScriptedUpstream::start(vec![refusal(), ok()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = TestResponse::read(shim.post("/v1/chat/completions", ASKING).await).await;
    assert_eq!((answer.status, answer.body), (200, completion("hello")));
    assert_eq!(answer.headers["x-openai-shim-diagnostics"], "2; param-renamed, learned");
    assert_eq!(upstream.body(0)["max_tokens"], 5);
    assert_eq!(upstream.body(1)["max_completion_tokens"], 5);
    support::until("it is remembered", || true).await;
    for _ in 0..2 {
        let answer = TestResponse::read(shim.post("/v1/chat/completions", ASKING).await).await;
        assert_eq!(answer.headers["x-openai-shim-diagnostics"], "1; param-renamed");
    }
    assert_eq!(upstream.requests().len(), 4, "asked in vain once only");
    let learned = shim.fetch("/learned").await;
    let row = "match = [\"m\"]\n# send max_tokens as max_completion_tokens\nparams.rename = { max_tokens = \"max_completion_tokens\" }\n";
    assert!(learned.body.contains(row), "{}", learned.body);
    assert!(shim.fetch("/metrics").await.body.contains("openai_shim_learned{upstream=\"up\"} 1\n"));
    // Adaptations of one model do not apply to another.
    let other = ASKING.replace("\"m\"", "\"n\"");
    shim.post("/v1/chat/completions", &other).await;
    assert_eq!(upstream.body(4)["max_tokens"], 5);
    // The printed text is valid configuration.
    let rows = learned.body.replace("[[upstream.quirks", "\n[[upstream.quirks");
    let config = parse(&format!("[[upstream]]\nname = \"up\"\nbase_url = \"http://h.example/v1\"\n{rows}"));
    let row = config.upstreams[0].profile.for_model("m").into_owned();
    assert_eq!(row.params.rename.unwrap()["max_tokens"], "max_completion_tokens");
}

#[tokio::test]
async fn ambiguous_refusal_is_returned_to_the_client() {
    for (status, body) in [(400, "something is wrong"), (401, REFUSAL), (429, REFUSAL)] {
        let upstream =
            ScriptedUpstream::start(vec![Script::response(status, "application/json", body), ok()]).await;
        let shim = TestServer::in_front_of(&upstream, "[retry]\nattempts = 1\n").await;
        let answer = TestResponse::read(shim.post("/v1/chat/completions", ASKING).await).await;
        assert_eq!((answer.status, upstream.requests().len()), (status, 1));
        assert!(shim.fetch("/learned").await.body.contains("Nothing has been learnt"));
    }
}

#[tokio::test]
async fn useless_adaptation_is_not_remembered_and_the_refusal_is_returned() {
    let upstream = ScriptedUpstream::start(vec![
        refusal(),
        Script::response(400, "application/json", r#"{"error":"no"}"#),
    ])
    .await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = TestResponse::read(shim.post("/v1/chat/completions", ASKING).await).await;
    assert_eq!((answer.status, upstream.requests().len()), (400, 2));
    assert!(shim.fetch("/learned").await.body.contains("Nothing has been learnt"));
}

#[tokio::test]
async fn adaptations_can_be_switched_off() {
    let upstream = ScriptedUpstream::start(vec![refusal(), ok()]).await;
    let shim = TestServer::with_config(&format!(
        "learn = false\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n",
        upstream.url
    ))
    .await;
    let answer = TestResponse::read(shim.post("/v1/chat/completions", ASKING).await).await;
    assert_eq!((answer.status, upstream.requests().len()), (400, 1));
}

/// A value for every adaptation; a new one must be added here.
#[test]
fn every_adaptation_is_printed_as_valid_configuration() {
    let word = |s: &str| s.to_owned();
    let adaptations = [
        Adaptation::DropParam(word("logit_bias")),
        Adaptation::DropParam(word("tools.cache_control")),
        Adaptation::OmitAddition(word("anthropic-version")),
        Adaptation::RenameParam { from: word("a"), to: word("b") },
        Adaptation::ClampParam { name: word("temperature"), low: word("0.01"), high: word("1") },
        Adaptation::RenameRole { from: word("system"), to: word("user") },
        Adaptation::ContentAsString,
        Adaptation::MergeSystem,
        Adaptation::MergeSameRole,
        Adaptation::EmptyContent,
        Adaptation::AssistantAfterTool,
        Adaptation::PrefixPrefill,
        Adaptation::ToolCallIdsAlnum9,
        Adaptation::ToolCallIdsMax40,
        Adaptation::RestoreReasoning,
        Adaptation::DropReasoning,
        Adaptation::DropMessageNames,
        Adaptation::DropMessageField(word("refusal")),
        Adaptation::DropStreamOptions,
        Adaptation::DisableStreaming,
        Adaptation::RequireStreaming,
        Adaptation::RequiredAsAny,
        Adaptation::RequiredAsAuto,
        Adaptation::NamedAsRequired,
        Adaptation::NamedAsAuto,
        Adaptation::DropStrict,
        Adaptation::DropSchemaKeyword(word("$schema")),
        Adaptation::DropTools,
        Adaptation::SchemaAsJsonObject,
        Adaptation::JsonObjectAsSchema,
        Adaptation::FormatAsInstruction(word("json_schema")),
        Adaptation::FormatAsInstruction(word("json_object")),
    ];
    for adaptation in adaptations {
        let mut row = profile("compatible").unwrap();
        assert!(adaptation.apply(&mut row), "{adaptation:?} changes nothing");
        assert!(!adaptation.apply(&mut row), "{adaptation:?} changes something twice");
        let file = format!(
            "[[upstream]]\nname = \"up\"\nbase_url = \"http://h.example/v1\"\n[[upstream.quirks.model_overrides]]\nmatch = [\"m\"]\n{adaptation}\n"
        );
        let read = parse(&file).upstreams[0].profile.for_model("m").into_owned();
        assert_eq!(
            (read.params, read.messages, read.tools),
            (row.params, row.messages, row.tools),
            "{adaptation:?}"
        );
        assert_eq!((read.response_format, read.stream), (row.response_format, row.stream), "{adaptation:?}");
    }
}

#[tokio::test]
async fn dropped_reasoning_is_restored_in_the_next_request() {
    let call = r#"{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}"#;
    let chunk = |delta: &str, finish: &str| {
        format!(
            r#"{{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
        )
    };
    let events = [
        chunk(r#"{"role":"assistant","reasoning_content":"I think."}"#, "null"),
        chunk(&format!(r#"{{"tool_calls":[{call}]}}"#), "null"),
        chunk("{}", "\"tool_calls\""),
    ];
    let events: Vec<&str> = events.iter().map(String::as_str).chain(["[DONE]"]).collect();
    let upstream = ScriptedUpstream::start(vec![Script::stream().events(&events).end(), ok()]).await;
    let shim = TestServer::in_front_of(&upstream, "quirks.messages.reasoning_history = \"restore\"").await;
    let mut request: Value = serde_json::from_str(ASKING).unwrap();
    request["stream"] = json!(true);
    request["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
    TestResponse::read(shim.post("/v1/chat/completions", &request.to_string()).await).await;
    let call: Value = serde_json::from_str(call).unwrap();
    request["messages"] = json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": null, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": "1"}]);
    request["stream"] = json!(false);
    let answer = TestResponse::read(shim.post("/v1/chat/completions", &request.to_string()).await).await;
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.body(1)["messages"][1]["reasoning_content"], "I think.");
}

#[tokio::test]
async fn embeddings_have_the_requested_encoding_and_the_clients_model_name() {
    let vectors = r#"{"data":[{"embedding":[1.0,-2.0]}]}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(vectors)]).await;
    let shim =
        TestServer::in_front_of(&upstream, "models = [{ id = \"small\", upstream = \"its/embedder\" }]")
            .await;
    let answer = TestResponse::read(
        shim.post("/v1/embeddings", r#"{"input":"x","model":"small","encoding_format":"base64"}"#).await,
    )
    .await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (body["model"].as_str(), body["data"][0]["embedding"].as_str()),
        (Some("small"), Some("AACAPwAAAMA="))
    );
    assert_eq!(upstream.body(0)["model"], "its/embedder");
    let failed = ScriptedUpstream::start(vec![Script::json(r#"{"error":"no such model"}"#)]).await;
    let shim = TestServer::in_front_of(&failed, "").await;
    let answer = TestResponse::read(shim.post("/v1/embeddings", r#"{"input":"x","model":"m"}"#).await).await;
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("no such model"));
}

#[tokio::test]
async fn several_choices_are_requested_one_by_one() {
    let upstream =
        ScriptedUpstream::start(vec![Script::json(&completion("one")), Script::json(&completion("two"))])
            .await;
    let shim = TestServer::in_front_of(&upstream, "quirks.params.max_choices = 1").await;
    let request = r#"{"model":"m","n":2,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = TestResponse::read(shim.post("/v1/chat/completions", request).await).await;
    assert!(
        answer.body.contains("\"one\"")
            && answer.body.contains("\"two\"")
            && answer.body.ends_with("data: [DONE]\n\n"),
        "{}",
        answer.body
    );
    assert_eq!(upstream.requests().len(), 2);
    assert!(upstream.body(0).get("n").is_none() && upstream.body(0)["stream"] == json!(false));
}

#[tokio::test]
async fn unsupported_stop_sequence_is_applied_locally_and_cancels_the_call() {
    let events = [text("one EN"), text("D two")];
    let script = Script::stream().events(&[&events[0], &events[1]]).then(support::Step::Stall);
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "quirks.params.max_stop_sequences = 0").await;
    let request = r#"{"model":"m","stop":"END","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = TestResponse::read(shim.post("/v1/chat/completions", request).await).await;
    assert!(answer.body.contains("\"one \"") && !answer.body.contains("two"), "{}", answer.body);
    assert!(answer.body.contains("\"finish_reason\":\"stop\"") && answer.body.ends_with("data: [DONE]\n\n"));
    upstream.until_disconnected().await;
    assert!(upstream.body(0).get("stop").is_none());
}

#[tokio::test]
async fn full_report_is_returned_if_allowed_and_requested() {
    let events = [text("hello"), stop()];
    let events = [events[0].as_str(), &events[1], "[DONE]"];
    for (allowed, spec) in [(true, true), (true, false), (false, true)] {
        let upstream = ScriptedUpstream::start(vec![ok(), Script::stream().events(&events).end()]).await;
        let config =
            format!("debug = {allowed}\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n", upstream.url);
        let shim = TestServer::with_config(&config).await;
        for stream in [false, true] {
            let mut body: Value = serde_json::from_str(ASKING).unwrap();
            body["stream"] = json!(stream);
            let answer = shim
                .send(|client, url| {
                    let request = client.post(format!("{url}/v1/chat/completions")).body(body.to_string());
                    if spec { request.header("x-openai-shim-debug", "1") } else { request }
                })
                .await;
            let report = if stream {
                answer.body.split(": openai_shim ").nth(1).map(|rest| rest.trim().to_owned())
            } else {
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                body.get("openai_shim").map(ToString::to_string)
            };
            assert_eq!(report.is_some(), allowed && spec, "{}", answer.body);
            let Some(report) = report else { continue };
            let report: Value = serde_json::from_str(&report).unwrap();
            assert_eq!((&report["outcome"], &report["model"]), (&json!("complete"), &json!("m")));
            let codes: Vec<_> = report["diagnostics"]
                .as_array()
                .unwrap()
                .iter()
                .map(|d| d["code"].as_str().unwrap())
                .collect();
            // The report has the same diagnostics as the header.
            let header = answer.header("x-openai-shim-diagnostics").to_owned();
            assert!(codes.iter().all(|code| header.contains(code)) || stream, "{codes:?} {header}");
        }
    }
}
