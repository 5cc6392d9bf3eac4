//! Auxiliary routes (token counts, models, embeddings, stored responses), and the headers and envelopes of each dialect.

mod support;

use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion};

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

async fn echo() -> TestServer {
    TestServer::with_config("[[upstream]]\nname = \"echo\"\nbase_url = \"echo\"\n").await
}

async fn get_with(shim: &TestServer, path: &str, header: (&str, &str)) -> TestResponse {
    shim.send(|client, url| client.get(format!("{url}{path}")).header(header.0, header.1)).await
}

async fn post_with(shim: &TestServer, path: &str, headers: &[(&str, &str)], body: &str) -> TestResponse {
    shim.send(|client, url| {
        let request = client.post(format!("{url}{path}")).body(body.to_owned());
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    })
    .await
}

async fn post(shim: &TestServer, path: &str, body: &str) -> TestResponse {
    TestResponse::read(shim.post(path, body).await).await
}

/// A token count request of a dialect, and where the number is in the response.
const COUNTS: [(&str, &str, &str, &str); 4] = [
    (
        "anthropic-messages",
        "/v1/messages/count_tokens",
        r#"{"model":"m","system":"Be brief.","messages":[{"role":"user","content":"How far is it?"}]}"#,
        "/input_tokens",
    ),
    (
        "gemini",
        "/v1beta/models/m:countTokens",
        r#"{"contents":[{"role":"user","parts":[{"text":"How far is it?"}]}]}"#,
        "/totalTokens",
    ),
    (
        "gemini",
        "/v1beta/models/m:countTokens",
        r#"{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"How far is it?"}]}]}}"#,
        "/totalTokens",
    ),
    (
        "openai-responses",
        "/v1/responses/input_tokens",
        r#"{"model":"m","input":"How far is it?"}"#,
        "/input_tokens",
    ),
];

#[tokio::test]
async fn token_count_works_with_upstreams_of_every_counting_dialect() {
    for (client, path, ask, place) in COUNTS {
        for (upstream, answer, spec) in [
            ("anthropic-messages", r#"{"input_tokens":77}"#, "post /v1/messages/count_tokens http"),
            ("gemini", r#"{"totalTokens":77}"#, "post /v1/models/m:counttokens http"),
            (
                "openai-responses",
                r#"{"object":"response.input_tokens","input_tokens":77}"#,
                "post /v1/responses/input_tokens http",
            ),
        ] {
            let what = format!("{client} in front of {upstream}");
            let scripted = ScriptedUpstream::start(vec![Script::json(answer)]).await;
            let shim = TestServer::in_front_of(&scripted, &format!("dialect = \"{upstream}\"")).await;
            let counted = post(&shim, path, ask).await;
            assert_eq!(counted.json().pointer(place), Some(&json!(77)), "{what}: {}", counted.body);
            assert_eq!(counted.header("x-openai-shim-outcome"), "", "{what}");
            let (head, body) = scripted.requests()[0].clone();
            assert!(head.starts_with(spec), "{what}: {head}");
            assert!(body.contains("How far is it?") && !body.contains("max_tokens"), "{what}: {body}");
        }
    }
}

#[tokio::test]
async fn token_count_without_upstream_support_is_a_marked_estimate() {
    for (client, path, ask, place) in COUNTS {
        for (upstream, script) in [
            ("openai-chat", Script::json("{}")),
            ("anthropic-messages", Script::response(404, "application/json", r#"{"error":"no"}"#)),
            ("anthropic-messages", refusal(400, "Token counting is not supported for this model.")),
            ("anthropic-messages", refusal(400, "Token counting isn't enabled for this deployment.")),
            ("anthropic-messages", refusal(405, "Try something else.")),
            ("anthropic-messages", refusal(410, "Gone.")),
            ("anthropic-messages", refusal(501, "")),
            ("anthropic-messages", refusal(403, "This key may not count tokens.")),
            ("anthropic-messages", refusal(500, "Internal error")),
            ("anthropic-messages", Script::response(200, "text/html", "<html>Not here</html>")),
            ("gemini", refusal(400, "countTokens is unavailable.")),
        ] {
            let scripted = ScriptedUpstream::start(vec![script]).await;
            let shim = TestServer::in_front_of(&scripted, &format!("dialect = \"{upstream}\"")).await;
            let counted = post(&shim, path, ask).await;
            let number = counted.json().pointer(place).and_then(Value::as_u64);
            assert!(number.is_some_and(|n| (3..60).contains(&n)), "{client}: {}", counted.body);
            assert_eq!(counted.header("x-openai-shim-outcome"), "estimated", "{client}");
            assert!(counted.header("x-openai-shim-diagnostics").contains("tokens-estimated"), "{client}");
        }
    }
    for (status, message) in [(400, "Too odd."), (401, "Wrong key."), (429, "Too many requests.")] {
        let upstream = ScriptedUpstream::start(vec![refusal(status, message)]).await;
        let shim = TestServer::in_front_of(&upstream, "dialect = \"gemini\"").await;
        let answer = post(&shim, COUNTS[0].1, COUNTS[0].2).await;
        assert_eq!((answer.status, &answer.json()["error"]["message"]), (status, &json!(message)));
    }
}

fn refusal(status: u16, message: &str) -> Script {
    Script::response(
        status,
        "application/json",
        json!({"error": {"code": status, "message": message}}).to_string(),
    )
}

#[tokio::test]
async fn model_and_paged_model_list_have_the_clients_format() {
    let shim = TestServer::with_config(
        "[[upstream]]\nname = \"echo\"\nbase_url = \"echo\"\nmodels = [\"a\", \"b\", { id = \"org/c\", upstream = \"c\" }]\n",
    )
    .await;
    let one = get_with(&shim, "/v1/models/org%2Fc?beta=true", VERSION).await.json();
    assert_eq!((&one["type"], &one["id"]), (&json!("model"), &json!("org/c")));
    assert!(one["display_name"].is_string() && one["created_at"].is_string());
    let one = shim.fetch("/v1beta/models/a").await.json();
    assert_eq!(one["name"], "models/a");
    assert!(one["supportedGenerationMethods"].to_string().contains("countTokens"));
    let one = get_with(&shim, "/v1/models/a", ("x-goog-api-key", "k")).await.json();
    assert_eq!(one["name"], "models/a");
    assert_eq!(shim.fetch("/v1/models/a?limit=1").await.json()["object"], "model");

    let page = get_with(&shim, "/v1/models?limit=1&after_id=a", VERSION).await.json();
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&json!("b"), &json!(true)));
    let page = shim.fetch("/v1beta/models?pageSize=2").await.json();
    assert_eq!((page["models"].as_array().map(Vec::len), &page["nextPageToken"]), (Some(2), &json!("2")));
    assert_eq!(shim.fetch("/v1/models?limit=1").await.json()["data"].as_array().map(Vec::len), Some(3));

    let missing = get_with(&shim, "/v1/models/z", VERSION).await;
    assert_eq!((missing.status, &missing.json()["type"]), (404, &json!("error")), "{}", missing.body);
    let missing = shim.fetch("/v1beta/models/z").await;
    assert_eq!((missing.status, &missing.json()["error"]["status"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn embeddings_work_in_geminis_format() {
    let shim = echo().await;
    let content = json!({"parts": [{"text": "a"}]});
    let one = post(&shim, "/v1beta/models/echo:embedContent", &json!({"content": content}).to_string()).await;
    assert!(one.json()["embedding"]["values"][0].is_number(), "{}", one.body);
    let many = json!({"requests": [{"model": "models/echo", "content": content}, {"content": content}]});
    let many = post(&shim, "/v1beta/models/echo:batchEmbedContents", &many.to_string()).await;
    assert_eq!(many.json()["embeddings"].as_array().map(Vec::len), Some(2), "{}", many.body);

    let own = r#"{"embedding":{"values":[0.1250]},"more":1}"#;
    let several = Script::json(r#"{"embeddings":[{"values":[1.50]},{"values":[2]}]}"#);
    let upstream = ScriptedUpstream::start(vec![Script::json(own), several]).await;
    let more = "dialect = \"gemini\"\nmodels = [{ id = \"m\", upstream = \"theirs\" }]";
    let shim = TestServer::in_front_of(&upstream, more).await;
    let body = json!({"model": "models/m", "content": content, "taskType": "X"});
    let answer = post(&shim, "/v1beta/models/m:embedContent", &body.to_string()).await;
    assert_eq!(answer.body, own, "one form on both sides: the upstream's own bytes");
    assert_eq!(upstream.body(0), json!({"model": "models/theirs", "content": content, "taskType": "X"}));
    let openais = post(&shim, "/v1/embeddings", r#"{"model":"m","input":["a","b"]}"#).await;
    assert_eq!(openais.json()["data"][1]["embedding"], json!([2]), "{}", openais.body);
    assert!(openais.body.contains("[1.50]"));
    assert!(upstream.requests()[1].0.starts_with("post /v1/models/theirs:batchembedcontents http"));
}

async fn with_key(shim: &TestServer, method: &str, path: &str, key: &str, body: &str) -> TestResponse {
    shim.send(|client, url| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        client.request(method, format!("{url}{path}")).bearer_auth(key).body(body.to_owned())
    })
    .await
}

#[tokio::test]
async fn stored_response_is_readable_and_deletable_by_its_owner_only() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let config = format!(
        "client_keys = [\"one\", \"two\"]\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n",
        upstream.url
    );
    let shim = TestServer::with_config(&config).await;
    let ask =
        r#"{"model":"m","input":[{"role":"user","content":"first"},{"role":"user","content":"second"}]}"#;
    let made = with_key(&shim, "POST", "/v1/responses", "one", ask).await.json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/v1/responses/{id}");

    for (method, path, body) in [
        ("GET", path.clone(), ""),
        ("GET", format!("{path}/input_items"), ""),
        ("POST", format!("{path}/cancel"), ""),
        ("DELETE", path.clone(), ""),
    ] {
        let other = with_key(&shim, method, &path, "two", body).await;
        assert_eq!(other.status, 404, "{method} {path}: {}", other.body);
    }
    let go_on = json!({"model": "m", "input": "more", "previous_response_id": id}).to_string();
    let other = with_key(&shim, "POST", "/v1/responses", "two", &go_on).await;
    assert_eq!((other.status, &other.json()["error"]["code"]), (400, &json!("previous_response_not_found")));

    assert_eq!(with_key(&shim, "GET", &path, "one", "").await.json(), made);
    let replayed = with_key(&shim, "GET", &format!("{path}?stream=true&starting_after=1"), "one", "").await;
    assert!(replayed.header("content-type").starts_with("text/event-stream"), "{}", replayed.body);
    assert!(replayed.body.starts_with("event: response.output_item.added\n"), "{}", replayed.body);
    assert!(replayed.body.contains("event: response.completed\n"), "{}", replayed.body);
    let items =
        with_key(&shim, "GET", &format!("{path}/input_items?order=asc&limit=1"), "one", "").await.json();
    assert_eq!((&items["object"], &items["has_more"]), (&json!("list"), &json!(true)));
    assert_eq!(items["data"][0]["content"][0], json!({"type": "input_text", "text": "first"}));
    assert!(items["data"][0]["id"].is_string());
    let cancelled = with_key(&shim, "POST", &format!("{path}/cancel"), "one", "").await;
    assert_eq!(cancelled.status, 400, "{}", cancelled.body);
    assert!(cancelled.error()["message"].as_str().unwrap().contains("background"));
    assert_eq!(with_key(&shim, "POST", "/v1/responses", "one", &go_on).await.status, 200);
    let deleted = with_key(&shim, "DELETE", &path, "one", "").await.json();
    assert_eq!(deleted, json!({"id": id, "object": "response", "deleted": true}));
    assert_eq!(with_key(&shim, "GET", &path, "one", "").await.status, 404);
    assert_eq!(upstream.requests().len(), 2, "no other upstream got a request");
}

#[tokio::test]
async fn response_stored_at_an_upstream_is_fetched_there() {
    let chat = ScriptedUpstream::start(vec![Script::json("{}")]).await;
    let storing = ScriptedUpstream::start(vec![Script::json(r#"{"id":"resp_1","object":"response"}"#)]).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"a\"\nbase_url = \"{}\"\n[[upstream]]\nname = \"b\"\nbase_url = \"{}\"\ndialect = \"openai-responses\"\n",
        chat.url, storing.url
    ))
    .await;
    assert_eq!(shim.fetch("/v1/responses/resp_1?include=x").await.json()["id"], "resp_1");
    assert_eq!(post(&shim, "/v1/responses/resp_1/cancel", "").await.status, 200);
    let heads: Vec<_> = storing.requests().into_iter().map(|(head, _)| head).collect();
    assert!(heads[0].starts_with("get /v1/responses/resp_1?include=x http"), "{}", heads[0]);
    assert!(heads[1].starts_with("post /v1/responses/resp_1/cancel http"), "{}", heads[1]);
    assert!(chat.requests().is_empty());
}

const HELLO: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#;

#[tokio::test]
async fn feature_headers_are_forwarded_to_upstreams_that_accept_them() {
    let feature_headers = [
        ("anthropic-version", "2099-01-01"),
        ("anthropic-beta", "one-feature,another"),
        ("openai-organization", "org-1"),
        ("cookie", "secret"),
    ];
    let upstream = ScriptedUpstream::start(vec![Script::json(MESSAGE)]).await;
    let shim =
        TestServer::in_front_of(&upstream, "dialect = \"anthropic-messages\"\napi_key = \"sk-1\"").await;
    let answer = post_with(&shim, "/v1/messages", &feature_headers, HELLO).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let head = &upstream.requests()[0].0;
    for line in ["anthropic-version: 2099-01-01", "anthropic-beta: one-feature,another", "x-api-key: sk-1"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("org-1") && !head.contains("secret") && !head.contains("2023-06-01"), "{head}");

    let upstream = ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await;
    let shim = TestServer::in_front_of(&upstream, "profile = \"openai\"").await;
    let answer = post_with(&shim, "/v1/messages", &feature_headers, HELLO).await;
    let head = &upstream.requests()[0].0;
    assert!(head.contains("openai-organization: org-1") && !head.contains("anthropic"), "{head}");
    assert!(answer.header("x-openai-shim-diagnostics").contains("header-dropped"));
}

#[tokio::test]
async fn rate_limit_and_id_headers_have_the_dialects_names() {
    let limits = "request-id: req_theirs\r\nanthropic-ratelimit-requests-remaining: 7\r\nanthropic-ratelimit-tokens-limit: 900\r\nanthropic-ratelimit-tokens-reset: 2099-01-01T00:00:00Z\r\n";
    let script = Script::response_with_headers(200, "application/json", limits, MESSAGE);
    let refused = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slowly."}}"#;
    let refused = Script::response_with_headers(429, "application/json", limits, refused);
    let upstream = ScriptedUpstream::start(vec![script.clone(), script, refused]).await;
    let more = "dialect = \"anthropic-messages\"\n[retry]\nattempts = 1\n";
    let shim = TestServer::in_front_of(&upstream, more).await;
    let own = post(&shim, "/v1/messages", HELLO).await;
    assert_eq!(own.header("request-id"), "req_theirs");
    assert_eq!(own.header("anthropic-ratelimit-tokens-reset"), "2099-01-01T00:00:00Z");
    let openais = shim.chat(false).await;
    assert_eq!(openais.header("x-ratelimit-remaining-requests"), "7");
    assert_eq!(openais.header("x-ratelimit-limit-tokens"), "900");
    assert_eq!(openais.header("request-id"), "");
    let refused = post(&shim, "/v1/messages", HELLO).await;
    assert_eq!((refused.status, refused.header("request-id")), (429, "req_theirs"));
    assert_eq!(refused.header("anthropic-ratelimit-requests-remaining"), "7");

    let limits = "x-ratelimit-remaining-tokens: 5\r\nx-ratelimit-limit-requests: 60\r\n";
    let script = Script::response_with_headers(200, "application/json", limits, completion("hello"));
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let anthropics = post(&shim, "/v1/messages", HELLO).await;
    assert_eq!(anthropics.header("anthropic-ratelimit-tokens-remaining"), "5");
    assert_eq!(anthropics.header("anthropic-ratelimit-requests-limit"), "60");
    let id = anthropics.header("request-id").to_owned();
    assert!(!id.is_empty() && id == anthropics.header("x-request-id"));
    assert!(!post(&shim, "/v1/messages", "{").await.header("request-id").is_empty(), "errors have one too");
}

#[tokio::test]
async fn client_key_is_accepted_in_every_dialects_place() {
    let shim =
        TestServer::with_config("client_keys = [\"k1\"]\n[[upstream]]\nname = \"e\"\nbase_url = \"echo\"\n")
            .await;
    let hello = HELLO.replace("\"m\"", "\"echo\"");
    for header in [("x-api-key", "k1"), ("authorization", "Bearer k1")] {
        let answer = post_with(&shim, "/v1/messages", &[header, VERSION], &hello).await;
        assert_eq!(answer.status, 200, "{}: {}", header.0, answer.body);
    }
    assert_eq!(shim.fetch("/v1beta/models?key=k1").await.status, 200);
    assert_eq!(shim.fetch("/v1beta/models?key=k2").await.status, 401);
    assert_eq!(shim.fetch("/v1/models?key=k1").await.status, 401, "only where the dialect has it");
}

#[tokio::test]
async fn model_in_a_path_cannot_climb_out_of_it() {
    let upstream = ScriptedUpstream::start(vec![Script::json("{}")]).await;
    let shim = TestServer::in_front_of(&upstream, "dialect = \"gemini\"").await;
    let body = r#"{"contents":[{"parts":[{"text":"hi"}]}],"content":{"parts":[{"text":"hi"}]}}"#;
    for model in
        ["..", "%2e%2e", "a/../b", "a%2f..%2fb", "a%5c..%5cb", "%2e%2e%2f%2e%2e%2fadmin", "./x", "%2E"]
    {
        for method in ["generateContent", "streamGenerateContent?alt=sse", "countTokens", "embedContent"] {
            // HTTP clients normalize paths before they send them; a raw socket does not.
            let reply = shim
                .raw(
                    format!(
                        "POST /v1beta/models/{model}:{method} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .as_bytes(),
                )
                .await;
            let status = reply.split(' ').nth(1).unwrap_or_default().to_owned();
            assert!(["400", "404"].contains(&status.as_str()), "{model}:{method}: {reply}");
        }
        let reply = shim
            .raw(
                format!(
                    "GET /v1beta/models/{model} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                )
                .as_bytes(),
            )
            .await;
        assert!(reply.starts_with("HTTP/1.1 404"), "{model}: {reply}");
    }
    assert!(
        upstream.requests().iter().all(|(head, _)| head.starts_with("get /v1/models?")),
        "only its list was asked for"
    );
    let escaped = post(&shim, "/v1beta/models//a%252e%252e%252fb:generateContent", body).await;
    let (head, _) = upstream.requests().pop().unwrap();
    assert!(
        head.starts_with("post /v1/models/a%252e%252e%252fb:generatecontent http"),
        "{head} {}",
        escaped.body
    );
}

/// The JSON pointer of an error's message in each dialect, and a path of its clients.
const ENVELOPES: [(&str, &str, &str); 6] = [
    ("/v1/chat/completions", "/v1/chat/nowhere", "/error/code"),
    ("/v1/messages", "/v1/messages/nowhere", "/error/type"),
    ("/v1beta/models/m:generateContent", "/v1beta/nowhere", "/error/status"),
    ("/api/chat", "/api/nowhere", "/error"),
    ("/api/openai/v1/chat/completions", "/api/openai/v1/nowhere", "/error/code"),
    ("/v1/responses", "/v1/responses/a/b", "/error/code"),
];

#[tokio::test]
async fn every_error_has_the_envelope_of_its_path() {
    let config = "client_keys = [\"k\"]\n[limits]\nrequest_body = \"2KiB\"\n[[upstream]]\nname = \"e\"\nbase_url = \"echo\"\n";
    let shim = TestServer::with_config(config).await;
    let key = ("x-api-key", "k");
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(4000));
    for (path, nowhere, place) in ENVELOPES {
        let form = [key, ("content-type", "multipart/form-data; boundary=b")];
        for (what, status, answer) in [
            ("no key", 401, post_with(&shim, path, &[], "{}").await),
            ("unknown", 404, get_with(&shim, nowhere, key).await),
            ("wrong method", 405, get_with(&shim, path, key).await),
            ("no JSON", 400, post_with(&shim, path, &[key], "hello").await),
            ("a form", 400, post_with(&shim, path, &form, "--b--").await),
            ("too large", 413, post_with(&shim, path, &[key], &large).await),
        ] {
            assert_eq!(answer.status, status, "{path}, {what}: {}", answer.body);
            let json = answer.json();
            assert!(
                json.pointer(place).is_some_and(|text| text.is_string() || text.is_null()),
                "{path}, {what}: {json}"
            );
            assert_eq!(json["type"] == "error", path == "/v1/messages", "{path}, {what}: {json}");
            assert_eq!(json["error"].is_string(), path == "/api/chat", "{path}, {what}: {json}");
        }
    }
}

#[tokio::test]
async fn null_usage_requested_by_the_shim_is_not_passed_on() {
    let chunk = |rest: &str| {
        format!(r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m",{rest}}}"#)
    };
    let events = [
        chunk(
            r#""choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}],"usage":null"#,
        ),
        chunk(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null"#),
        chunk(r#""choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#),
        String::from("[DONE]"),
    ];
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let upstream = ScriptedUpstream::start(vec![Script::stream().events(&events).end()]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = shim.chat(true).await;
    assert_eq!(upstream.body(0)["stream_options"]["include_usage"], true);
    assert!(answer.text() == "Hello" && !answer.body.contains("usage"), "{}", answer.body);
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#;
    let spec = post(&shim, "/v1/chat/completions", body).await;
    assert!(
        spec.body.contains("\"usage\":null") && spec.body.contains("\"total_tokens\":2"),
        "{}",
        spec.body
    );
}

#[tokio::test]
async fn missing_usage_is_estimated_once() {
    let script = Script::json(
        &completion("hello")
            .replace(r#","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#, ""),
    );
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for stream in [false, true] {
        let body = format!(
            r#"{{"model":"m","max_tokens":9,"stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        let answer = post(&shim, "/v1/messages", &body).await;
        assert_eq!(answer.status, 200);
        let diagnostics = answer.header("x-openai-shim-diagnostics");
        assert!(
            stream || diagnostics.contains("usage-missing") && !diagnostics.contains("usage-missing x"),
            "{diagnostics}"
        );
    }
    let metrics = shim.fetch("/metrics").await.body;
    let line = metrics.lines().find(|line| line.contains("usage-missing")).unwrap_or_default();
    assert!(line.ends_with(" 2"), "{line}");
}

#[tokio::test]
async fn ollamas_model_management_is_refused_in_its_format() {
    let shim = echo().await;
    for path in ["pull", "create", "copy", "push", "blobs/sha256:00"] {
        let refused = post(&shim, &format!("/api/{path}"), r#"{"model":"x"}"#).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.json()["error"].as_str().unwrap().contains("not possible here"), "{path}");
    }
    let deleted =
        shim.send(|client, url| client.delete(format!("{url}/api/delete")).body(r#"{"model":"x"}"#)).await;
    assert!(deleted.status == 400 && deleted.json()["error"].is_string());
    for name in ["model", "name"] {
        let shown = post(&shim, "/api/show", &json!({name: "echo"}).to_string()).await;
        assert!(shown.json()["capabilities"].to_string().contains("completion"), "{}", shown.body);
    }
    let unknown = post(&shim, "/api/show", r#"{"model":"nothing"}"#).await;
    assert_eq!((unknown.status, &unknown.json()["error"]), (404, &json!("model 'nothing' not found")));
}
