//! Responses of auxiliary endpoints (embeddings, model lists, token counts, forwarded routes) are checked: repaired where
//! possible, else an error with a reason.

mod support;

use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer};

/// Requests for the embeddings of two texts: path, body, and the JSON pointer of an error's message.
const ROUTES: [(&str, &str, &str); 3] = [
    ("/v1/embeddings", r#"{"model":"m","input":["a","b"]}"#, "/error/message"),
    ("/api/embed", r#"{"model":"m","input":["a","b"]}"#, "/error"),
    (
        "/v1beta/models/m:batchEmbedContents",
        r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},{"model":"models/m","content":{"parts":[{"text":"b"}]}}]}"#,
        "/error/message",
    ),
];

/// Requests for the embedding of one text: path, body, and the JSON pointer of an error's message.
const SINGLE_INPUT_ROUTES: [(&str, &str, &str); 4] = [
    ("/v1/embeddings", r#"{"model":"m","input":"a"}"#, "/error/message"),
    ("/api/embed", r#"{"model":"m","input":"a"}"#, "/error"),
    ("/api/embeddings", r#"{"model":"m","prompt":"a"}"#, "/error"),
    ("/v1beta/models/m:embedContent", r#"{"content":{"parts":[{"text":"a"}]}}"#, "/error/message"),
];

/// An embeddings response in the format of a dialect.
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

async fn start_in_front_of(upstream: &ScriptedUpstream, dialect: &str, attempts: u32) -> TestServer {
    let more = format!("dialect = \"{dialect}\"\n[retry]\nattempts = {attempts}\nbackoff = \"1ms\"");
    TestServer::in_front_of(upstream, &more).await
}

#[tokio::test]
async fn invalid_embeddings_are_errors_with_a_reason_on_every_route() {
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
        for (case, body, expected) in cases {
            let upstream = ScriptedUpstream::start(vec![Script::json(&body)]).await;
            let shim = start_in_front_of(&upstream, dialect, 1).await;
            for (path, request, message) in ROUTES {
                let answer = TestResponse::read(shim.post(path, request).await).await;
                let what = format!("{dialect}, {case}, {path}: {}", answer.body);
                assert!([500, 502].contains(&answer.status), "{} {what}", answer.status);
                let error_text =
                    answer.json().pointer(message).and_then(Value::as_str).unwrap_or_default().to_owned();
                assert!(error_text.contains(expected) && !error_text.contains('<'), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn valid_embeddings_arrive_on_every_route_from_every_upstream() {
    for dialect in DIALECTS {
        let upstream = ScriptedUpstream::start(vec![Script::json(&vectors(dialect, "[0.5,1]"))]).await;
        let shim = start_in_front_of(&upstream, dialect, 1).await;
        for (path, request, _) in SINGLE_INPUT_ROUTES {
            let answer = TestResponse::read(shim.post(path, request).await).await;
            assert_eq!(answer.status, 200, "{dialect}, {path}: {}", answer.body);
            let json = answer.json();
            let places = ["/data/0/embedding", "/embeddings/0", "/embedding/values", "/embedding"];
            let vector = places.iter().find_map(|place| json.pointer(place));
            assert_eq!(vector, Some(&json!([0.5, 1])), "{dialect}, {path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn missing_or_repeated_indexes_are_repaired_and_reported() {
    let item = |index: &str, v: u32| format!(r#"{{"object":"embedding"{index},"embedding":[{v}]}}"#);
    let body = |a: &str, b: &str| {
        let items = [item(a, 1), item(b, 2)].join(",");
        format!(
            r#"{{"object":"list","data":[{items}],"model":"m","usage":{{"prompt_tokens":2,"total_tokens":2}}}}"#
        )
    };
    // Many clients take the vectors as they stand: those that are out of order are sorted.
    for (a, b, vectors) in [
        ("", "", [1, 2]),
        (",\"index\":0", ",\"index\":0", [1, 2]),
        (",\"index\":1", "", [1, 2]),
        (",\"index\":1", ",\"index\":7", [1, 2]),
        (",\"index\":1", ",\"index\":0", [2, 1]),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(&body(a, b))]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        let answer = TestResponse::read(shim.post(ROUTES[0].0, ROUTES[0].1).await).await;
        let json = answer.json();
        for (at, vector) in vectors.into_iter().enumerate() {
            let item = &json["data"][at];
            assert_eq!(
                (&item["index"], &item["embedding"]),
                (&json!(at), &json!([vector])),
                "{}",
                answer.body
            );
        }
        let reported = answer.header("x-openai-shim-diagnostics").contains("field-filled");
        assert!(reported, "{a:?} {b:?}");
    }
}

#[tokio::test]
async fn base64_embeddings_are_checked_like_numbers() {
    let upstream = ScriptedUpstream::start(vec![
        Script::json(&vectors("openai-chat", "\"AACAPwAAAMA=\"")),
        Script::json(&vectors("openai-chat", "\"AACAPwAA\"")),
        Script::json(&vectors("openai-chat", "\"AADAfw==\"")),
    ])
    .await;
    let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
    for status in [200, 502, 502] {
        let request = r#"{"model":"m","input":[1,2,3],"encoding_format":"base64"}"#;
        let answer = TestResponse::read(shim.post("/v1/embeddings", request).await).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn empty_or_broken_embeddings_response_is_retried() {
    let good = vectors("openai-chat", "[1];[2]");
    let upstream = ScriptedUpstream::start(vec![
        Script::json(""),
        Script::json(&good[..40]),
        Script::json(&good),
        Script::json(""),
    ])
    .await;
    let shim = start_in_front_of(&upstream, "openai-chat", 3).await;
    let answer = TestResponse::read(shim.post(ROUTES[0].0, ROUTES[0].1).await).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, good.as_str()));
    assert!(answer.header("x-openai-shim-diagnostics").contains("retried x2"));
    assert_eq!(TestResponse::read(shim.post(ROUTES[0].0, ROUTES[0].1).await).await.status, 502);
    assert_eq!(upstream.requests().len(), 6);
}

#[tokio::test]
async fn invalid_model_list_is_an_error_with_a_reason() {
    let html = "<html><body>hi</body></html>";
    for (body, expected) in [
        (html, "base_url"),
        ("", "nothing usable"),
        (r#"{"data":[{"id":"m"#, "cut"),
        (r#"{"error":{"message":"no credit"}}"#, "no credit"),
        (r#"{"ok":true}"#, "no model list"),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        for path in ["/v1/models", "/api/tags", "/v1beta/models"] {
            let answer = shim.fetch(path).await;
            assert!([500, 502].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
            assert!(answer.body.contains(expected) && !answer.body.contains('<'), "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn invalid_token_count_is_replaced_by_an_estimate() {
    let request = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
    for body in ["<html></html>", "", r#"{"input_tokens":"#, r#"{"input_tokens":-4}"#, "NaN"] {
        let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
        let shim = start_in_front_of(&upstream, "anthropic-messages", 1).await;
        let answer = TestResponse::read(shim.post("/v1/messages/count_tokens", request).await).await;
        assert_eq!((answer.status, answer.header("x-openai-shim-outcome")), (200, "estimated"), "{body}");
        assert!(answer.json()["input_tokens"].as_u64().unwrap() > 0);
    }
}

#[tokio::test]
async fn a_token_count_that_is_text_is_no_estimate() {
    for (dialect, path, body) in [
        ("anthropic-messages", "/v1/messages/count_tokens", r#"{"input_tokens":"17"}"#),
        ("anthropic-messages", "/v1/responses/input_tokens", r#"{"input_tokens":17.0}"#),
        ("gemini", "/v1/messages/count_tokens", r#"{"totalTokens":"17"}"#),
        ("openai-responses", "/v1/responses/input_tokens", r#"{"input_tokens":"17"}"#),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(body)]).await;
        let shim = start_in_front_of(&upstream, dialect, 1).await;
        let request = r#"{"model":"m","input":"hello","messages":[{"role":"user","content":"hello"}]}"#;
        let answer = TestResponse::read(shim.post(path, request).await).await;
        assert_eq!(answer.json()["input_tokens"], 17, "{dialect} {path}: {}", answer.body);
        assert_eq!(answer.header("x-openai-shim-outcome"), "", "{dialect} {path}");
    }
}

#[tokio::test]
async fn rankings_and_moderations_are_checked_by_their_form() {
    let rank = r#"{"model":"m","query":"q","documents":["a","b"]}"#;
    let moderate = r#"{"model":"m","input":"x"}"#;
    for (path, request, body, expected) in [
        (
            "/v1/rerank",
            rank,
            r#"{"results":[{"index":1,"relevance_score":0.5},{"index":0,"relevance_score":0}]}"#,
            "",
        ),
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
        let upstream = ScriptedUpstream::start(vec![Script::response(200, "text/plain", body)]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        let answer = TestResponse::read(shim.post(path, request).await).await;
        if expected.is_empty() {
            assert_eq!((answer.status, answer.body.as_str()), (200, body));
            assert_eq!(answer.header("content-type"), "application/json");
        } else {
            assert_eq!(answer.status, 502, "{body}: {}", answer.body);
            let message = match path {
                "/v1/rerank" => answer.json()["detail"].clone(),
                _ => answer.error()["message"].clone(),
            };
            assert!(message.as_str().unwrap().contains(expected), "{body}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn response_that_is_neither_audio_nor_image_is_an_error() {
    let page = "<!doctype html><html></html>";
    for (kind, body, expected) in [
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
        let upstream = ScriptedUpstream::start(vec![Script::response(200, kind, body)]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        for path in ["/v1/audio/speech", "/v1/images/generations"] {
            let answer = TestResponse::read(shim.post(path, r#"{"model":"m","input":"x"}"#).await).await;
            if expected.is_empty() {
                assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
                assert_eq!(answer.header("content-type"), kind);
            } else {
                assert_eq!(answer.status, 502, "{kind}: {}", answer.body);
                assert!(answer.error()["message"].as_str().unwrap().contains(expected), "{}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn subtitles_under_the_type_of_json_are_no_broken_json() {
    for (body, is_subtitles) in [
        ("1\n00:00:00,000 --> 00:00:01,000\nhi\n", true),
        ("WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n", true),
        ("1\nupstream timed out", false),
        ("{\"text\":\"-->", false),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::response(200, "application/json", body)]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        let request = r#"{"model":"m","input":"x"}"#;
        let answer = TestResponse::read(shim.post("/v1/audio/transcriptions", request).await).await;
        if is_subtitles {
            assert_eq!((answer.status, answer.body.as_str()), (200, body));
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        } else {
            assert_eq!(answer.status, 502, "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn response_shorter_than_its_length_does_not_look_complete() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 1000\r\nconnection: close\r\n\r\nsome";
    let script = Script(vec![support::Step::Raw(head.into()), support::Step::HangUp]);
    let upstream = ScriptedUpstream::start(vec![script]).await;
    let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
    let answer =
        TestResponse::read(shim.post("/v1/audio/speech", r#"{"model":"m","input":"x"}"#).await).await;
    assert!(answer.is_broken, "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn error_inside_a_200_has_its_own_status_on_forwarded_routes() {
    let events = Script::response(
        200,
        "text/event-stream",
        "data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\ndata: [DONE]\n\n",
    );
    let in_pieces = Script::stream_of_type("audio/mpeg")
        .chunk(r#"{"error":{"message":"slow "#)
        .chunk(r#"down","code":429}}"#)
        .end();
    let of = |kind: &str, body: &str| Script::response(200, kind, body);
    for (script, status) in [
        (of("application/json", r#"{"error":{"message":"slow down","code":429}}"#), 429),
        (of("application/json", r#"{"id":"x","error":{"message":"slow down","code":"429"}}"#), 429),
        (of("application/json", r#"{"object":"error","message":"slow down","code":429}"#), 429),
        (of("application/json", r#"{"code":429,"message":"slow down","data":null}"#), 429),
        (of("application/json", r#"{"detail":"slow down"}"#), 502),
        (of("text/plain", r#"{"error":{"message":"slow down","code":429}}"#), 429),
        (of("audio/mpeg", r#"{"error":"slow down"}"#), 502),
        (in_pieces, 429),
        (events, 429),
    ] {
        let upstream = ScriptedUpstream::start(vec![script.clone()]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        for path in ["/v1/audio/speech", "/v1/images/generations", "/v1/audio/transcriptions"] {
            let answer = TestResponse::read(shim.post(path, r#"{"model":"m","input":"x"}"#).await).await;
            assert_eq!(answer.status, status, "{path} {script:?}: {}", answer.body);
            assert_eq!(answer.error()["message"], "slow down", "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_only_looks_like_an_error_is_passed_on() {
    for (kind, body) in [
        ("text/plain", r#"{"error": an unfinished thought"#),
        ("text/plain", "{\"a\":1} is JSON"),
        ("text/event-stream", "data: {\"type\":\"speech.audio.delta\",\"error\":null}\n\n"),
        ("application/json", r#"{"text":"the error was mine","error":"none"}"#),
        ("application/json", r#"{"object":"response","id":"r","error":{"message":"the model failed"}}"#),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::response(200, kind, body)]).await;
        let shim = start_in_front_of(&upstream, "openai-chat", 1).await;
        let answer =
            TestResponse::read(shim.post("/v1/audio/transcriptions", r#"{"model":"m","input":"x"}"#).await)
                .await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{kind}");
    }
}
