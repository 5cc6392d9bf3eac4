//! What upstreams answer beside chats is judged as chats are: put right where that can be, else an error that says why.

mod support;

use serde_json::{Value, json};
use support::{Answer, Running, Script, Scripted};

/// A way to ask for the vectors of two texts, and where the words of an error stand.
const ROUTES: [(&str, &str, &str); 3] = [
    ("/v1/embeddings", r#"{"model":"m","input":["a","b"]}"#, "/error/message"),
    ("/api/embed", r#"{"model":"m","input":["a","b"]}"#, "/error"),
    (
        "/v1beta/models/m:batchEmbedContents",
        r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},{"model":"models/m","content":{"parts":[{"text":"b"}]}}]}"#,
        "/error/message",
    ),
];

/// A way to ask for the vector of one text.
const SINGLE: [(&str, &str, &str); 4] = [
    ("/v1/embeddings", r#"{"model":"m","input":"a"}"#, "/error/message"),
    ("/api/embed", r#"{"model":"m","input":"a"}"#, "/error"),
    ("/api/embeddings", r#"{"model":"m","prompt":"a"}"#, "/error"),
    ("/v1beta/models/m:embedContent", r#"{"content":{"parts":[{"text":"a"}]}}"#, "/error/message"),
];

/// Vectors as an upstream of this dialect answers them.
fn vectors(dialect: &str, list: &str) -> String {
    let list: Vec<&str> = list.split(';').collect();
    match dialect {
        "openai-chat" => {
            let items: Vec<_> = list
                .iter()
                .enumerate()
                .map(|(i, v)| format!(r#"{{"object":"embedding","index":{i},"embedding":{v}}}"#))
                .collect();
            format!(
                r#"{{"object":"list","data":[{}],"model":"m","usage":{{"prompt_tokens":2,"total_tokens":2}}}}"#,
                items.join(",")
            )
        }
        "ollama-chat" => format!(r#"{{"model":"m","embeddings":[{}]}}"#, list.join(",")),
        _ => {
            let items: Vec<_> = list.iter().map(|v| format!(r#"{{"values":{v}}}"#)).collect();
            format!(r#"{{"embeddings":[{}]}}"#, items.join(","))
        }
    }
}

const DIALECTS: [&str; 3] = ["openai-chat", "ollama-chat", "gemini"];

async fn before(upstream: &Scripted, dialect: &str, attempts: u32) -> Running {
    let more = format!("dialect = \"{dialect}\"\n[retry]\nattempts = {attempts}\nbackoff = \"1ms\"");
    Running::before(upstream, &more).await
}

#[tokio::test]
async fn what_holds_no_vectors_is_an_error_that_says_why_on_every_route_and_for_every_upstream() {
    let html = "<!DOCTYPE html><html><body>Sign in</body></html>";
    for dialect in DIALECTS {
        let good = vectors(dialect, "[0.5,1];[2,3]");
        let cases: Vec<(&str, String, &str)> = vec![
            ("HTML", html.to_owned(), "base_url"),
            ("nothing", String::new(), "nothing usable"),
            ("half a JSON", good[..good.len() / 2].to_owned(), "cut"),
            ("no vectors", String::from(r#"{"model":"m"}"#), "no embeddings"),
            ("text", String::from("ok"), "no JSON"),
            ("NaN", good.replace("0.5", "NaN"), "NaN"),
            ("infinity", good.replace("0.5", "1e999"), "finite"),
            ("null", good.replace("0.5", "null"), "finite"),
            ("different lengths", vectors(dialect, "[0.5,1];[2]"), "lengths"),
            ("an empty vector", vectors(dialect, "[];[]"), "without a number"),
            ("one for two", vectors(dialect, "[0.5,1]"), "1 embeddings where 2"),
            ("three for two", vectors(dialect, "[0.5,1];[2,3];[4,5]"), "3 embeddings where 2"),
            ("an error", String::from(r#"{"error":{"message":"out of memory"}}"#), "out of memory"),
        ];
        for (case, body, words) in cases {
            let upstream = Scripted::start(vec![Script::json(&body)]).await;
            let shim = before(&upstream, dialect, 1).await;
            for (path, request, message) in ROUTES {
                let answer = Answer::of(shim.post(path, request).await).await;
                let what = format!("{dialect}, {case}, {path}: {}", answer.body);
                assert!([500, 502].contains(&answer.status), "{} {what}", answer.status);
                let said =
                    answer.json().pointer(message).and_then(Value::as_str).unwrap_or_default().to_owned();
                assert!(said.contains(words) && !said.contains('<'), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn vectors_that_are_right_arrive_on_every_route_from_every_upstream() {
    for dialect in DIALECTS {
        let upstream = Scripted::start(vec![Script::json(&vectors(dialect, "[0.5,1]"))]).await;
        let shim = before(&upstream, dialect, 1).await;
        for (path, request, _) in SINGLE {
            let answer = Answer::of(shim.post(path, request).await).await;
            assert_eq!(answer.status, 200, "{dialect}, {path}: {}", answer.body);
            let json = answer.json();
            let places = ["/data/0/embedding", "/embeddings/0", "/embedding/values", "/embedding"];
            let vector = places.iter().find_map(|place| json.pointer(place));
            assert_eq!(vector, Some(&json!([0.5, 1])), "{dialect}, {path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn indexes_that_are_missing_or_repeated_are_put_right_and_reported() {
    let item = |index: &str, v: u32| format!(r#"{{"object":"embedding"{index},"embedding":[{v}]}}"#);
    let body = |a: &str, b: &str| {
        let items = [item(a, 1), item(b, 2)].join(",");
        format!(
            r#"{{"object":"list","data":[{items}],"model":"m","usage":{{"prompt_tokens":2,"total_tokens":2}}}}"#
        )
    };
    for (a, b, indexes) in [
        ("", "", [0, 1]),
        (",\"index\":0", ",\"index\":0", [0, 1]),
        (",\"index\":1", "", [0, 1]),
        (",\"index\":1", ",\"index\":7", [0, 1]),
        (",\"index\":1", ",\"index\":0", [1, 0]),
    ] {
        let upstream = Scripted::start(vec![Script::json(&body(a, b))]).await;
        let shim = before(&upstream, "openai-chat", 1).await;
        let answer = Answer::of(shim.post(ROUTES[0].0, ROUTES[0].1).await).await;
        let json = answer.json();
        let got = [&json["data"][0]["index"], &json["data"][1]["index"]];
        assert_eq!(got, [&json!(indexes[0]), &json!(indexes[1])], "{}", answer.body);
        let reported = answer.header("x-openai-shim-diagnostics").contains("field-filled");
        assert_eq!(reported, indexes == [0, 1], "{a:?} {b:?}");
    }
}

#[tokio::test]
async fn base64_is_judged_as_numbers_are() {
    let upstream = Scripted::start(vec![
        Script::json(&vectors("openai-chat", "\"AACAPwAAAMA=\"")),
        Script::json(&vectors("openai-chat", "\"AACAPwAA\"")),
        Script::json(&vectors("openai-chat", "\"AADAfw==\"")),
    ])
    .await;
    let shim = before(&upstream, "openai-chat", 1).await;
    for status in [200, 502, 502] {
        let request = r#"{"model":"m","input":[1,2,3],"encoding_format":"base64"}"#;
        let answer = Answer::of(shim.post("/v1/embeddings", request).await).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn an_empty_or_broken_answer_is_asked_for_again_as_an_attempt() {
    let good = vectors("openai-chat", "[1];[2]");
    let upstream = Scripted::start(vec![
        Script::json(""),
        Script::json(&good[..40]),
        Script::json(&good),
        Script::json(""),
    ])
    .await;
    let shim = before(&upstream, "openai-chat", 3).await;
    let answer = Answer::of(shim.post(ROUTES[0].0, ROUTES[0].1).await).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, good.as_str()));
    assert!(answer.header("x-openai-shim-diagnostics").contains("retried x2"));
    assert_eq!(Answer::of(shim.post(ROUTES[0].0, ROUTES[0].1).await).await.status, 502);
    assert_eq!(upstream.requests().len(), 6);
}

#[tokio::test]
async fn a_model_list_that_is_none_is_an_error_that_says_why() {
    let html = "<html><body>hi</body></html>";
    for (body, words) in [
        (html, "base_url"),
        ("", "nothing usable"),
        (r#"{"data":[{"id":"m"#, "cut"),
        (r#"{"error":{"message":"no credit"}}"#, "no credit"),
        (r#"{"ok":true}"#, "no model list"),
    ] {
        let upstream = Scripted::start(vec![Script::json(body)]).await;
        let shim = before(&upstream, "openai-chat", 1).await;
        for path in ["/v1/models", "/api/tags", "/v1beta/models"] {
            let answer = shim.read(path).await;
            assert!([500, 502].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
            assert!(answer.body.contains(words) && !answer.body.contains('<'), "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_count_that_is_none_is_estimated_and_the_estimate_says_so() {
    let request = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
    for body in ["<html></html>", "", r#"{"input_tokens":"#, r#"{"input_tokens":-4}"#, "NaN"] {
        let upstream = Scripted::start(vec![Script::json(body)]).await;
        let shim = before(&upstream, "anthropic-messages", 1).await;
        let answer = Answer::of(shim.post("/v1/messages/count_tokens", request).await).await;
        assert_eq!((answer.status, answer.header("x-openai-shim-outcome")), (200, "estimated"), "{body}");
        assert!(answer.json()["input_tokens"].as_u64().unwrap() > 0);
    }
}

#[tokio::test]
async fn rankings_and_moderations_are_judged_by_their_form() {
    let rank = r#"{"model":"m","query":"q","documents":["a","b"]}"#;
    let moderate = r#"{"model":"m","input":"x"}"#;
    for (path, request, body, words) in [
        (
            "/v1/rerank",
            rank,
            r#"{"results":[{"index":1,"relevance_score":0.5},{"index":0,"relevance_score":0}]}"#,
            "",
        ),
        ("/v1/rerank", rank, r#"{"data":[{"index":1,"relevance_score":0.5}]}"#, ""),
        ("/v1/rerank", rank, r#"[{"index":1,"score":0.5}]"#, ""),
        ("/v1/rerank", rank, r#"{"results":[{"index":2,"relevance_score":0.5}]}"#, "document 2"),
        ("/v1/rerank", rank, r#"{"results":[{"index":0,"score":1},{"index":0,"score":1}]}"#, "twice"),
        ("/v1/rerank", rank, r#"{"results":[{"index":0}]}"#, "no ranking"),
        ("/v1/rerank", rank, r#"{"ok":true}"#, "no ranking"),
        ("/v1/rerank", rank, "<html></html>", "base_url"),
        ("/v1/rerank", rank, "", "nothing usable"),
        ("/v1/rerank", rank, r#"{"results":["#, "cut"),
        ("/v1/rerank", rank, r#"{"results":[{"index":0,"relevance_score":NaN}]}"#, "NaN"),
        ("/v1/rerank", rank, r#"{"error":{"message":"out of memory"}}"#, "out of memory"),
        ("/v1/moderations", moderate, r#"{"id":"x","results":[{"flagged":false}]}"#, ""),
        ("/v1/moderations", moderate, r#"{"id":"x","results":[]}"#, "no moderation"),
        ("/v1/moderations", moderate, r#"{"id":"x","results":[{"flagged":"no"}]}"#, "no moderation"),
        ("/v1/moderations", moderate, "<html></html>", "base_url"),
    ] {
        let upstream = Scripted::start(vec![Script::whole(200, "text/plain", body)]).await;
        let shim = before(&upstream, "openai-chat", 1).await;
        let answer = Answer::of(shim.post(path, request).await).await;
        if words.is_empty() {
            assert_eq!((answer.status, answer.body.as_str()), (200, body));
            assert_eq!(answer.header("content-type"), "application/json");
        } else {
            assert_eq!(answer.status, 502, "{body}: {}", answer.body);
            assert!(answer.error()["message"].as_str().unwrap().contains(words), "{body}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_is_no_sound_and_no_picture_is_an_error() {
    let page = "<!doctype html><html></html>";
    for (kind, body, words) in [
        ("audio/mpeg", "some sound", ""),
        ("text/plain", "some words", ""),
        ("application/json", r#"{"data":[{"b64_json":"x"}]}"#, ""),
        ("text/html", page, "base_url"),
        ("text/html", "Sign in", "base_url"),
        ("audio/mpeg", page, "base_url"),
        ("audio/mpeg", "", "nothing usable"),
        ("application/json", "", "nothing usable"),
        ("application/json", r#"{"data":[{"b64"#, "cut"),
        ("application/json", r#"{"error":{"message":"no such voice"}}"#, "no such voice"),
    ] {
        let upstream = Scripted::start(vec![Script::whole(200, kind, body)]).await;
        let shim = before(&upstream, "openai-chat", 1).await;
        for path in ["/v1/audio/speech", "/v1/images/generations"] {
            let answer = Answer::of(shim.post(path, r#"{"model":"m","input":"x"}"#).await).await;
            if words.is_empty() {
                assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
                assert_eq!(answer.header("content-type"), kind);
            } else {
                assert_eq!(answer.status, 502, "{kind}: {}", answer.body);
                assert!(answer.error()["message"].as_str().unwrap().contains(words), "{}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_shorter_than_it_says_does_not_end_as_if_it_were_whole() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 1000\r\nconnection: close\r\n\r\nsome";
    let script = Script(vec![support::Step::Raw(head.into()), support::Step::HangUp]);
    let upstream = Scripted::start(vec![script]).await;
    let shim = before(&upstream, "openai-chat", 1).await;
    let answer = Answer::of(shim.post("/v1/audio/speech", r#"{"model":"m","input":"x"}"#).await).await;
    assert!(answer.body.starts_with("broken"), "{} {}", answer.status, answer.body);
}
