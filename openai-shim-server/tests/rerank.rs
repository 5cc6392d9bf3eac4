//! Rankings over sockets: clients of every form before upstreams of every form, paths, names, retries, limits and errors.

mod support;

use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, Step, TestResponse, TestServer};

const JINA: &str = r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}],"usage":{"total_tokens":7},"model":"own"}"#;
const COHERE: &str = r#"{"id":"x","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}"#;
const TEI: &str = r#"[{"index":1,"score":0.9},{"index":0,"score":0.5}]"#;

async fn rank(shim: &TestServer, path: &str, body: &Value) -> TestResponse {
    TestResponse::read(shim.post(path, &body.to_string()).await).await
}

/// What Open WebUI sends.
fn open_webui() -> Value {
    json!({"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 2})
}

/// A server before one upstream with a profile, behind a base URL that ends with this path.
async fn behind(upstream: &ScriptedUpstream, profile: &str, base: &str, more: &str) -> TestServer {
    let root = upstream.url.trim_end_matches("/v1");
    TestServer::with_config(&format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{root}{base}\"\nprofile = \"{profile}\"\n{more}\n\
         [retry]\nattempts = 2\nbackoff = \"1ms\"\n"
    ))
    .await
}

#[tokio::test]
async fn open_webui_is_served_by_every_kind_of_upstream() {
    for (profile, base, answer, path) in [
        ("tei", "/v1", TEI, "/rerank"),
        ("tei", "", TEI, "/rerank"),
        ("tei", "/gateway/v1", TEI, "/gateway/rerank"),
        ("cohere-openai", "/compatibility/v1", COHERE, "/v2/rerank"),
        ("cohere-openai", "/v2", COHERE, "/v2/rerank"),
        ("jina", "/v1", JINA, "/v1/rerank"),
        ("compatible", "/v1", JINA, "/v1/rerank"),
        ("voyage", "/v1", &JINA.replace("results", "data"), "/v1/rerank"),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(answer)]).await;
        let shim = behind(&upstream, profile, base, "").await;
        for own in ["/v1/rerank", "/rerank", "/api/openai/v1/rerank"] {
            let answer = rank(&shim, own, &open_webui()).await;
            assert_eq!(answer.status, 200, "{profile}: {}", answer.body);
            let results = answer.json()["results"].clone();
            assert_eq!((&results[0]["index"], &results[0]["relevance_score"]), (&json!(1), &json!(0.9)));
            assert_eq!((&results[1]["index"], &results[1]["relevance_score"]), (&json!(0), &json!(0.5)));
            assert_eq!(answer.header("x-openai-shim-upstream"), "up");
            let (head, _) = upstream.requests().pop().unwrap();
            assert!(head.starts_with(&format!("post {path} http/1.1\r\n")), "{profile}: {head}");
        }
    }
}

#[tokio::test]
async fn clients_of_every_form_have_their_own_answers_and_errors() {
    let texts = json!({"query": "q", "texts": ["a", "b"]});
    for (path, body, error) in [
        ("/v1/rerank", open_webui(), "detail"),
        ("/v2/rerank", open_webui(), "message"),
        ("/v1/v2/rerank", open_webui(), "message"),
        ("/rerank", texts.clone(), "error"),
        ("/v1/rerank", texts, "error"),
    ] {
        for (profile, good) in [("tei", TEI), ("cohere-openai", COHERE), ("jina", JINA)] {
            let refusal = r#"{"error":{"message":"The query is in no language."}}"#;
            let scripts = vec![Script::json(good), Script::response(400, "application/json", refusal)];
            let upstream = ScriptedUpstream::start(scripts).await;
            let shim = behind(&upstream, profile, "/v1", "").await;
            let answer = rank(&shim, path, &body).await;
            assert_eq!(answer.status, 200, "{path} {profile}: {}", answer.body);
            let json = answer.json();
            let scores = match error {
                "error" => json!([json[0]["score"], json[1]["score"]]),
                _ => json!([json["results"][0]["relevance_score"], json["results"][1]["relevance_score"]]),
            };
            assert_eq!(scores, json!([0.9, 0.5]), "{path} {profile}: {json}");
            let answer = rank(&shim, path, &body).await;
            assert_eq!(answer.status, 400);
            assert_eq!(
                answer.json()[error],
                "The query is in no language.",
                "{path} {profile}: {}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn what_the_client_must_correct_names_the_field() {
    let upstream = ScriptedUpstream::start(vec![Script::json(TEI)]).await;
    let shim = behind(&upstream, "tei", "/v1", "").await;
    for (body, field) in [
        (json!({"model": "m", "query": "q", "documents": ["a", {"image": "x"}]}), "documents[1].image"),
        (json!({"model": "m", "query": "q"}), "documents"),
        (json!({"model": "m", "query": 1, "documents": ["a"]}), "query"),
        (json!({"model": "m", "query": "q", "documents": ["a"], "top_n": {}}), "top_n"),
    ] {
        let answer = rank(&shim, "/v1/rerank", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert!(answer.json()["detail"].as_str().unwrap().contains(field), "{body}: {}", answer.body);
    }
    let answer = TestResponse::read(shim.post("/v2/rerank", "no JSON").await).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["message"].as_str().unwrap().contains("not a JSON object"), "{}", answer.body);
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn losses_are_warnings_and_strict_mode_refuses_them() {
    let body = json!({"query": "q", "texts": ["a", "b"], "raw_scores": true});
    let upstream = ScriptedUpstream::start(vec![Script::json(JINA)]).await;
    let shim = behind(&upstream, "jina", "/v1", "").await;
    let answer = rank(&shim, "/rerank", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("x-openai-shim-diagnostics").contains("param-dropped"));
    let config = format!(
        "mode = \"strict\"\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\nprofile = \"jina\"\n",
        upstream.url
    );
    let shim = TestServer::with_config(&config).await;
    let answer = rank(&shim, "/rerank", &body).await;
    assert_eq!(answer.status, 400);
    let json = answer.json();
    assert!(json["error"].as_str().unwrap().contains("raw_scores"), "{json}");
    assert_eq!(json["error_type"], "Validation");
}

#[tokio::test]
async fn refused_parameters_and_limits_are_learned_and_remembered() {
    let refusal = r#"{"error":{"message":"Unsupported parameter: 'top_n'","type":"invalid_request_error"}}"#;
    let scripts = vec![Script::response(400, "application/json", refusal), Script::json(JINA)];
    let upstream = ScriptedUpstream::start(scripts).await;
    let shim = behind(&upstream, "compatible", "/v1", "").await;
    for _ in 0..2 {
        let body = json!({"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1});
        let answer = rank(&shim, "/v1/rerank", &body).await;
        assert_eq!(answer.json()["results"].as_array().map(Vec::len), Some(1), "{}", answer.body);
    }
    assert_eq!(upstream.requests().len(), 3);
    assert!(upstream.body(2).get("top_n").is_none());
    let learned = shim.fetch("/learned").await.body;
    assert!(learned.contains(r#"rerank.drop = ["...", "top_n"]"#), "{learned}");

    let too_many = r#"{"error":"batch size 3 > maximum allowed batch size 2","error_type":"Validation"}"#;
    let one = r#"[{"index":0,"score":0.7}]"#;
    let scripts = vec![
        Script::response(413, "application/json", too_many),
        Script::json(TEI),
        Script::json(one),
        Script::json(TEI),
        Script::json(one),
    ];
    let upstream = ScriptedUpstream::start(scripts).await;
    let shim = behind(&upstream, "tei", "/v1", "").await;
    for requests in [3, 5] {
        let body = json!({"model": "m", "query": "q", "documents": ["a", "b", "c"]});
        let json = rank(&shim, "/v1/rerank", &body).await.json();
        let indexes: Vec<_> =
            json["results"].as_array().unwrap().iter().map(|r| r["index"].clone()).collect();
        assert_eq!(indexes, [json!(1), json!(2), json!(0)]);
        assert_eq!(upstream.requests().len(), requests);
    }
    assert!(shim.fetch("/learned").await.body.contains("rerank.max_items = 2"));
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let limited = Script::response_with_headers(429, "application/json", "retry-after: 0\r\n", "{}");
    let overloaded =
        Script::response(503, "application/json", r#"{"error":"loading","error_type":"Overloaded"}"#);
    let in_success = Script::json(r#"{"error":{"message":"try again","code":503}}"#);
    let hung_up = Script(vec![Step::HangUp]);
    let duplicate = Script::json(r#"[{"index":0,"score":1},{"index":0,"score":0.5}]"#);
    for failure in [limited, overloaded, in_success, hung_up, Script::json(""), Script::json("[]"), duplicate]
    {
        let upstream = ScriptedUpstream::start(vec![failure.clone(), Script::json(TEI)]).await;
        let shim = behind(&upstream, "tei", "/v1", "").await;
        let answer = rank(&shim, "/v1/rerank", &open_webui()).await;
        assert_eq!(answer.status, 200, "{failure:?}: {}", answer.body);
        assert!(answer.header("x-openai-shim-diagnostics").contains("retried"));
    }
}

#[tokio::test]
async fn names_of_models_mean_the_same_as_everywhere() {
    let chat = ScriptedUpstream::start(vec![Script::json(JINA)]).await;
    let ranker = ScriptedUpstream::start(vec![Script::json(TEI)]).await;
    let jina = ScriptedUpstream::start(vec![Script::json(JINA)]).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"chat\"\nbase_url = \"{}\"\nprofile = \"openai\"\nmodels = [\"gpt\"]\n\
         [[upstream]]\nname = \"ranker\"\nbase_url = \"{}\"\nprofile = \"tei\"\nmodels = [\"bge\"]\n\
         [[upstream]]\nname = \"jina\"\nbase_url = \"{}\"\nmodels = [{{ id = \"small\", upstream = \"its/ranker\" }}]\n",
        chat.url, ranker.url, jina.url
    ))
    .await;
    let texts = json!({"query": "q", "texts": ["a", "b"]});
    for (model, upstream) in [
        ("bge", "ranker"),
        ("bge:latest", "ranker"),
        ("ranker/bge", "ranker"),
        ("ranker/any", "ranker"),
        ("small", "jina"),
        ("jina/other", "jina"),
    ] {
        let mut body = open_webui();
        body["model"] = json!(model);
        let answer = rank(&shim, "/v1/rerank", &body).await;
        assert_eq!((answer.status, answer.header("x-openai-shim-upstream")), (200, upstream), "{model}");
    }
    assert_eq!(jina.body(0)["model"], "its/ranker");
    assert_eq!(jina.body(1)["model"], "other");
    // Requests without a model go to the first upstream that is known to rank.
    let answer = rank(&shim, "/rerank", &texts).await;
    assert_eq!((answer.status, answer.header("x-openai-shim-upstream")), (200, "ranker"));
    // An upstream without rankings says so, and is not asked.
    let mut body = open_webui();
    body["model"] = json!("gpt");
    let answer = rank(&shim, "/v1/rerank", &body).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.json()["detail"].as_str().unwrap().contains("rerank.format"), "{}", answer.body);
    assert!(chat.requests().is_empty());
    for dialect in ["anthropic", "gemini", "ollama-native"] {
        let upstream = ScriptedUpstream::start(vec![Script::json(JINA)]).await;
        let shim = behind(&upstream, dialect, "/v1", "").await;
        let answer = rank(&shim, "/v2/rerank", &open_webui()).await;
        assert_eq!(answer.status, 400, "{dialect}: {}", answer.body);
        assert!(answer.json()["message"].as_str().unwrap().contains("ranks no documents"));
    }
}

#[tokio::test]
async fn form_and_path_can_be_configured() {
    let upstream = ScriptedUpstream::start(vec![Script::json(TEI)]).await;
    let quirks =
        "[upstream.quirks.rerank]\nformat = \"tei\"\npath = \"/score/all\"\nset = { raw_scores = true }";
    let shim = behind(&upstream, "compatible", "/v1", quirks).await;
    let answer = rank(&shim, "/v2/rerank", &open_webui()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (head, _) = upstream.requests().pop().unwrap();
    assert!(head.starts_with("post /v1/score/all http/1.1\r\n"), "{head}");
    let sent = json!({"query": "q", "texts": ["a", "b"], "truncate": true, "raw_scores": true});
    assert_eq!(upstream.body(0), sent);
}

#[tokio::test]
async fn answer_over_the_limit_is_an_error() {
    let long = format!(r#"[{{"index":0,"score":1,"text":"{}"}}]"#, "x".repeat(4000));
    let upstream = ScriptedUpstream::start(vec![Script::json(&long)]).await;
    let config = format!(
        "[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\nprofile = \"tei\"\n[limits]\nresponse_body = \"2KiB\"\n[retry]\nattempts = 1\n",
        upstream.url
    );
    let shim = TestServer::with_config(&config).await;
    let answer = rank(&shim, "/rerank", &json!({"query": "q", "texts": ["a"]})).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert!(answer.body.contains("limits.response_body"), "{}", answer.body);
}
