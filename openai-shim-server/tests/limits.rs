//! Keys with names: their models, their limits, what clients are told of them, and what is counted. Without sockets: time is
//! tokio's, and moves only when a test moves it.

mod support;
#[path = "support/team.rs"]
mod team;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Diagnostics, Dialect, ErrorKind, Upstream, UpstreamError, dialect};
use openai_shim_server::router;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{TestResponse, parse, text, until};
use team::{CHAT, Counting, STREAM, UPSTREAM, begin_stream, call, chat, key, metric, next, open, shim};
use tower::ServiceExt as _;

/// A request for generation of each dialect, with the model in it.
fn requests(model: &str) -> Vec<(Dialect, String, String)> {
    let messages = json!([{"role": "user", "content": "hi"}]);
    let requests = [
        ("openai-chat", "/v1/chat/completions", json!({"model": model, "messages": messages})),
        ("openai-completions", "/v1/completions", json!({"model": model, "prompt": "hi"})),
        ("openai-responses", "/v1/responses", json!({"model": model, "input": "hi"})),
        (
            "anthropic-messages",
            "/v1/messages",
            json!({"model": model, "max_tokens": 9, "messages": messages}),
        ),
        ("ollama-chat", "/api/chat", json!({"model": model, "stream": false, "messages": messages})),
        ("ollama-generate", "/api/generate", json!({"model": model, "stream": false, "prompt": "hi"})),
        (
            "gemini",
            "/v1beta/models/MODEL:generateContent",
            json!({"contents": [{"parts": [{"text": "hi"}]}]}),
        ),
    ];
    let requests = requests
        .map(|(name, path, body)| (dialect(name).unwrap(), path.replace("MODEL", model), body.to_string()));
    assert_eq!(requests.len(), DIALECTS.len());
    requests.to_vec()
}

/// What a client of the dialect reads from an error: its kind and its sentence, and how long to wait.
fn read_error(dialect: Dialect, answer: &TestResponse) -> (ErrorKind, String, Option<Duration>) {
    let status = StatusCode::from_u16(answer.status).unwrap();
    let error =
        dialect.decode_error(status, &answer.headers, answer.body.as_bytes(), &mut Diagnostics::default());
    let error = openai_shim_core::Error::from(error);
    (error.kind(), error.message().into_owned(), error.retry_after())
}

#[tokio::test(start_paused = true)]
async fn refusal_has_the_form_of_its_dialect_and_says_which_limit_of_which_key_and_until_when() {
    let shim = shim(&key("a", "requests_per_minute = 1"), &Counting::reporting(1, 1));
    assert_eq!(chat(&shim, "a").await.status, 200);
    for (dialect, path, body) in requests("m") {
        let answer = call(&shim, "a", Method::POST, &path, &body).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "60"), "{path}");
        let (kind, message, wait) = read_error(dialect, &answer);
        assert_eq!((kind, wait), (ErrorKind::RateLimited, Some(Duration::from_secs(60))), "{path}");
        assert_eq!(
            message,
            "The key `a` may send 1 requests a minute (requests_per_minute), and has sent them. Try again in 60 s.",
            "{path}"
        );
        assert!(!answer.body.contains("the-key-of"), "{}", answer.body);
    }
    let openai = chat(&shim, "a").await.error();
    assert_eq!(
        (&openai["type"], &openai["code"]),
        (&json!("rate_limit_error"), &json!("rate_limit_exceeded"))
    );
    let rerank = r#"{"model":"m","query":"q","documents":["d"]}"#;
    for (path, body) in [
        ("/v1/embeddings", r#"{"model":"m","input":"x"}"#),
        ("/v1/rerank", rerank),
        ("/v1/audio/speech", r#"{"model":"m"}"#),
        ("/v1/moderations", r#"{"model":"m"}"#),
    ] {
        assert_eq!(call(&shim, "a", Method::POST, path, body).await.status, 429, "{path}");
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(chat(&shim, "a").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_reads_is_not_counted() {
    let shim = shim(&key("a", "requests_per_minute = 2"), &Counting::reporting(1, 1));
    let created = call(&shim, "a", Method::POST, "/v1/responses", r#"{"model":"m","input":"hi"}"#).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(call(&shim, "a", Method::GET, "/v1/models", "").await.status, 200);
        assert_eq!(call(&shim, "a", Method::GET, &format!("/v1/responses/{id}"), "").await.status, 200);
        let count = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(call(&shim, "a", Method::POST, "/v1/messages/count_tokens", count).await.status, 200);
        assert_eq!(call(&shim, "a", Method::POST, "/v1/chat/completions", "no JSON").await.status, 400);
    }
    assert_eq!(chat(&shim, "a").await.status, 200);
    assert_eq!(chat(&shim, "a").await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn responses_tell_the_keys_own_limits_in_the_headers_of_the_dialect() {
    let shim = shim(
        &(key("a", "requests_per_minute = 60\ntokens_per_minute = 6000") + &key("free", "")),
        &Counting::reporting(20, 10),
    );
    let answer = chat(&shim, "a").await;
    // The first response reserves at most its bound; the second one sees what the first really used.
    let header = |name: &str| answer.header(&format!("x-ratelimit-{name}")).to_owned();
    assert_eq!(
        [header("limit-requests"), header("remaining-requests"), header("reset-requests")],
        ["60", "59", "1s"]
    );
    assert_eq!((header("limit-tokens").as_str(), header("reset-tokens").as_str()), ("6000", "0ms"));
    let answer = call(&shim, "a", Method::POST, "/v1/messages", CHAT).await;
    let header = |name: &str| answer.header(&format!("anthropic-ratelimit-{name}")).to_owned();
    assert_eq!([header("requests-limit"), header("requests-remaining")], ["60", "58"]);
    let reserved = 6000 - 30 - header("tokens-remaining").parse::<u64>().unwrap();
    assert!((10..30).contains(&reserved), "{reserved}");
    assert!(header("requests-reset").ends_with('Z') && header("tokens-reset").ends_with('Z'));
    // What the upstream says of its own account is another contract.
    for name in answer.headers.keys() {
        assert!(!name.as_str().starts_with("x-ratelimit"), "{name}");
    }
    assert_eq!(header("input-tokens-remaining"), "");
    for path in ["/api/chat", "/v1beta/models/m:generateContent"] {
        let (_, path, body) = requests("m").into_iter().find(|(_, own, _)| own == path).unwrap();
        let answer = call(&shim, "a", Method::POST, &path, &body).await;
        assert!(
            !answer.headers.keys().any(|name| name.as_str().contains("ratelimit")),
            "{:?}",
            answer.headers
        );
    }
    // A key without limits sees those of the upstream.
    assert_eq!(chat(&shim, "free").await.header("x-ratelimit-limit-requests"), "999999");
}

#[tokio::test(start_paused = true)]
async fn sixty_four_clients_at_once_get_exactly_the_limit() {
    let upstream = Counting::reporting(1, 1);
    let shim =
        shim(&(key("a", "requests_per_minute = 100") + &key("b", "requests_per_minute = 100")), &upstream);
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let shim = shim.clone();
            tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..5 {
                    admitted += usize::from(chat(&shim, "a").await.status == 200);
                }
                admitted
            })
        })
        .collect();
    let mut admitted = 0;
    for client in clients {
        admitted += client.await.unwrap();
    }
    assert_eq!((admitted, upstream.requests.load(Ordering::SeqCst)), (100, 100));
    // Another key has all of its own.
    for _ in 0..100 {
        assert_eq!(chat(&shim, "b").await.status, 200);
    }
    assert_eq!(chat(&shim, "b").await.status, 429);
    let refused = "key_refusals_total{key=\"a\",limit=\"requests_per_minute\"}";
    assert_eq!(metric(&shim, "a", refused).await, 64 * 5 - 100);
}

#[tokio::test(start_paused = true)]
async fn requests_and_tokens_of_many_minutes_are_the_limit() {
    let shim = shim(
        &(key("a", "requests_per_minute = 90") + &key("t", "tokens_per_minute = 3000")),
        &Counting::reporting(17, 13),
    );
    let (mut requests, mut tokens) = (0, 0);
    for _ in 0..10 * 600 {
        requests += u64::from(chat(&shim, "a").await.status == 200);
        tokens += 30 * u64::from(chat(&shim, "t").await.status == 200);
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    // A minute's worth at once, and then ten minutes at the rate.
    for (used, limit) in [(requests, 90), (tokens, 3000)] {
        let expected = 11 * limit;
        assert!(used.abs_diff(expected) * 100 <= expected, "{used} of {expected}");
    }
    assert_eq!(metric(&shim, "t", "key_tokens_total{key=\"t\",kind=\"input\"}").await, tokens / 30 * 17);
}

#[tokio::test(start_paused = true)]
async fn open_requests_reserve_what_they_may_use_and_are_charged_what_they_used() {
    let upstream = Counting::reporting(2, 8);
    let shim = shim(&key("a", "tokens_per_minute = 100"), &upstream);
    let mut streams = Vec::new();
    let refused = loop {
        let response = open(&shim, "a", Method::POST, "/v1/chat/completions", STREAM).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        streams.push(response.into_body().into_data_stream());
        assert!(streams.len() <= 10, "a bound of 10 tokens fits no more than ten times");
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let many = streams.len();
    assert!(many >= 5, "{many}");
    upstream.end();
    for mut stream in streams {
        let mut all = Vec::new();
        while let Some(bytes) = next(&mut stream).await {
            all.extend(bytes);
        }
        assert!(String::from_utf8(all).unwrap().ends_with("data: [DONE]\n\n"));
    }
    let answer = chat(&shim, "a").await;
    let used = u64::try_from(many).unwrap() * 10;
    let expected = if used > 85 { 429 } else { 200 };
    assert_eq!(answer.status, expected, "{used}");
    assert_eq!(metric(&shim, "a", "key_tokens_total{key=\"a\",kind=\"output\"}").await % 8, 0);
}

#[tokio::test(start_paused = true)]
async fn request_that_used_more_than_it_reserved_is_answered_and_paid_for_by_waiting() {
    let shim = shim(&key("a", "tokens_per_minute = 600"), &Counting::reporting(500, 700));
    assert_eq!(chat(&shim, "a").await.status, 200);
    let refused = chat(&shim, "a").await;
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((60..=65).contains(&wait), "{wait}");
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("600 tokens a minute (tokens_per_minute); 0 are left")
    );
    tokio::time::advance(Duration::from_secs(wait)).await;
    assert_eq!(chat(&shim, "a").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_estimated_where_no_upstream_counts_and_a_failed_request_uses_none() {
    let silent = Counting::default();
    let own = shim(&key("a", "tokens_per_minute = 100000"), &silent);
    let count = |kind: &str| format!("key_tokens_total{{key=\"a\",kind=\"{kind}\"}}");
    assert_eq!(chat(&own, "a").await.status, 200);
    assert!((1..20).contains(&metric(&own, "a", &count("input")).await));
    let before = metric(&own, "a", &count("output")).await;
    let mut stream = begin_stream(&own, "a").await;
    for _ in 0..20 {
        silent.send(&text("word"));
        next(&mut stream).await.unwrap();
    }
    // The client goes away: what it got is charged.
    drop(stream);
    let output = metric(&own, "a", &count("output")).await - before;
    assert!((20..=40).contains(&output), "{output}");
    let failing = Counting { status: Some(500), ..Counting::default() };
    let failed = shim(&key("a", "tokens_per_minute = 100000"), &failing);
    assert_eq!(chat(&failed, "a").await.status, 500);
    assert_eq!(metric(&failed, "a", &count("input")).await, 0);
    assert_eq!(metric(&failed, "a", "key_requests_total{key=\"a\"}").await, 1);
    let embeds = call(&failed, "a", Method::POST, "/v1/embeddings", r#"{"model":"m","input":"x"}"#).await;
    assert_eq!(embeds.status, 500);
}

#[tokio::test(start_paused = true)]
async fn embeddings_are_charged_as_the_upstream_counts_them() {
    let shim = shim(&key("a", "tokens_per_minute = 1000"), &Counting::default());
    let answer = call(&shim, "a", Method::POST, "/v1/embeddings", r#"{"model":"m","input":"x"}"#).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-limit-tokens")), (200, "1000"), "{}", answer.body);
    assert_eq!(metric(&shim, "a", "key_tokens_total{key=\"a\",kind=\"input\"}").await, 8);
    assert_eq!(metric(&shim, "a", "key_tokens_total{key=\"a\",kind=\"output\"}").await, 0);
}

#[tokio::test(start_paused = true)]
async fn stream_holds_its_permit_until_it_ends_or_its_client_goes_away() {
    let upstream = Counting::reporting(1, 1);
    let shim = shim(&(key("a", "concurrent = 2") + &key("b", "concurrent = 2")), &upstream);
    let [first, mut second] = [begin_stream(&shim, "a").await, begin_stream(&shim, "a").await];
    let refused = chat(&shim, "a").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    let text = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(text.contains("`a`") && text.contains("2 requests at once (concurrent)"), "{text}");
    assert_eq!(metric(&shim, "a", "key_open_requests{key=\"a\"}").await, 2);
    assert_eq!(chat(&shim, "b").await.status, 200);
    drop(first);
    let third = begin_stream(&shim, "a").await;
    assert_eq!(chat(&shim, "a").await.status, 429);
    upstream.end();
    while next(&mut second).await.is_some() {}
    assert_eq!(chat(&shim, "a").await.status, 200);
    drop(third);
    assert_eq!(metric(&shim, "a", "key_open_requests{key=\"a\"}").await, 0);
}

#[tokio::test(start_paused = true)]
async fn client_that_goes_away_before_its_response_frees_its_permit() {
    struct Silent(Arc<AtomicUsize>);
    #[async_trait]
    impl Upstream for Silent {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }
    }
    let sent = Arc::<AtomicUsize>::default();
    let config = parse(&format!("{}{UPSTREAM}", key("a", "concurrent = 1")));
    let shim = router(config, Arc::new(Silent(sent.clone())));
    for round in 1..=3 {
        let waiting = tokio::spawn({
            let shim = shim.clone();
            async move { chat(&shim, "a").await }
        });
        until("the upstream is asked", || sent.load(Ordering::SeqCst) == round).await;
        assert_eq!(chat(&shim, "a").await.status, 429);
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn key_reaches_its_models_only_and_sees_no_others() {
    let upstream = Counting::reporting(1, 1);
    let keys = key("a", "models = [\"m\", \"claude-*\"]") + &key("all", "");
    let shim = shim(&keys, &upstream);
    for (dialect, path, body) in requests("other") {
        let refused = call(&shim, "a", Method::POST, &path, &body).await;
        let (kind, message, _) = read_error(dialect, &refused);
        assert_eq!((refused.status, kind), (403, ErrorKind::Permission), "{path}: {}", refused.body);
        assert_eq!(
            message, "The key `a` may not use the model `other`. It may use `m`, `claude-*`.",
            "{path}"
        );
        assert_eq!(call(&shim, "all", Method::POST, &path, &body).await.status, 200, "{path}");
    }
    for (_, path, body) in requests("claude-5").into_iter().chain(requests("m")) {
        assert_eq!(call(&shim, "a", Method::POST, &path, &body).await.status, 200, "{path}");
    }
    let error = call(&shim, "a", Method::POST, "/v1/chat/completions", &CHAT.replace("\"m\"", "\"other\""))
        .await
        .error();
    assert_eq!(
        (&error["type"], &error["code"], &error["param"]),
        (&json!("permission_error"), &json!("model_not_found"), &json!("model"))
    );
    let sent = upstream.requests.load(Ordering::SeqCst);
    // No spelling, no second name and no other route leads around it.
    for (path, body) in [
        ("/v1/chat/completions", r#"{"messages":[{"role":"user","content":"hi"}]}"#),
        (
            "/v1/chat/completions",
            r#"{"model":"m","model":"other","messages":[{"role":"user","content":"hi"}]}"#,
        ),
        ("/v1/chat/completions", r#"{"model":"up/other","messages":[{"role":"user","content":"hi"}]}"#),
        ("/v1/responses", r#"{"model":"other","input":"hi","previous_response_id":"resp_1"}"#),
        ("/v1/messages/count_tokens", r#"{"model":"other","messages":[{"role":"user","content":"hi"}]}"#),
        ("/v1/embeddings", r#"{"model":"other","input":"x"}"#),
        ("/v1/embeddings", r#"{"input":"x"}"#),
        ("/v1/rerank", r#"{"model":"other","query":"q","documents":["d"]}"#),
        ("/v1/audio/speech?model=m", r#"{"model":"other"}"#),
        ("/v1/audio/speech?model=other", r#"{"model":"m"}"#),
        ("/v1/images/generations", r#"{"prompt":"x"}"#),
        ("/v1beta/models/other:embedContent?model=m", r#"{"model":"m","content":{"parts":[{"text":"x"}]}}"#),
        ("/v1beta/models/m:embedContent?model=other", r#"{"content":{"parts":[{"text":"x"}]}}"#),
        ("/v1beta/models/m:embedContent", r#"{"model":"models/other","content":{"parts":[{"text":"x"}]}}"#),
    ] {
        let refused = call(&shim, "a", Method::POST, path, body).await;
        assert_eq!(refused.status, 403, "{path} {body}: {}", refused.body);
    }
    let form = |models: &[&str]| {
        let field = |model: &&str| {
            format!("--X\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n")
        };
        models.iter().map(field).collect::<String>() + "--X--\r\n"
    };
    let forms = [(vec!["m", "other"], 403), (vec!["other", "m"], 403), (vec![], 403), (vec!["m"], 200)];
    for (models, status) in forms {
        let request = Request::builder().method(Method::POST).uri("/v1/audio/transcriptions");
        let request = request
            .header("content-type", "multipart/form-data; boundary=X")
            .header("x-api-key", "the-key-of-a");
        let sent = request.body(Body::from(form(&models))).unwrap();
        assert_eq!(shim.clone().oneshot(sent).await.unwrap().status(), status, "{models:?}");
    }
    assert_eq!(upstream.requests.load(Ordering::SeqCst), sent + 1);
    let mut listed = Vec::new();
    for (path, field, id) in [
        ("/v1/models", "data", "id"),
        ("/api/openai/v1/models", "data", "id"),
        ("/v1beta/models", "models", "name"),
        ("/api/tags", "models", "name"),
    ] {
        for (name, count) in [("a", 2), ("all", 3)] {
            let list = call(&shim, name, Method::GET, path, "").await.json();
            let ids: Vec<String> = list[field]
                .as_array()
                .unwrap()
                .iter()
                .map(|model| model[id].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(ids.len(), count, "{path} {name}: {ids:?}");
            listed.extend(ids.into_iter().filter(|_| name == "a"));
        }
    }
    assert!(listed.iter().all(|id| !id.contains("other")), "{listed:?}");
    for (model, status) in [("m", 200), ("other", 404)] {
        assert_eq!(call(&shim, "a", Method::GET, &format!("/v1/models/{model}"), "").await.status, status);
        let show = json!({"model": model}).to_string();
        assert_eq!(call(&shim, "a", Method::POST, "/api/show", &show).await.status, status);
    }
    assert!(metric(&shim, "a", "key_refusals_total{key=\"a\",limit=\"models\"}").await >= 19);
}

#[tokio::test(start_paused = true)]
async fn response_of_a_key_is_continued_with_its_models_and_by_itself_only() {
    let shim = shim(&(key("a", "models = [\"m\"]") + &key("b", "")), &Counting::reporting(1, 1));
    let first = call(&shim, "a", Method::POST, "/v1/responses", r#"{"model":"m","input":"hi"}"#).await;
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let next = |model: &str| json!({"model": model, "input": "more", "previous_response_id": id}).to_string();
    assert_eq!(call(&shim, "a", Method::POST, "/v1/responses", &next("m")).await.status, 200);
    assert_eq!(call(&shim, "a", Method::POST, "/v1/responses", &next("other")).await.status, 403);
    assert_eq!(call(&shim, "b", Method::POST, "/v1/responses", &next("m")).await.status, 400);
    assert_eq!(call(&shim, "b", Method::GET, &format!("/v1/responses/{id}"), "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn client_keys_have_no_limits_and_no_name() {
    let config = format!("client_keys = [\"the-key-of-old\"]\n{}", key("a", "requests_per_minute = 1"));
    let shim = shim(&config, &Counting::reporting(1, 1));
    for _ in 0..5 {
        let answer = chat(&shim, "old").await;
        assert_eq!((answer.status, answer.header("x-ratelimit-limit-requests")), (200, "999999"));
    }
    assert_eq!(chat(&shim, "a").await.status, 200);
    assert_eq!(chat(&shim, "stranger").await.status, 401);
    let metrics = call(&shim, "old", Method::GET, "/metrics", "").await.body;
    assert!(
        metrics.contains("key_requests_total{key=\"a\"} 1") && !metrics.contains("key=\"\""),
        "{metrics}"
    );
    assert!(!metrics.contains("the-key-of"));
}
