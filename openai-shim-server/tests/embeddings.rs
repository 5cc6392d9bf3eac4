//! Embeddings beside the happy path: what upstreams refuse is learned, failures are retried, long lists are split, and what the
//! vectors are for is said in each vendor's words.

mod support;

use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer};

/// An answer of OpenAI's format with these vectors.
fn vectors(list: &[&str]) -> String {
    let items: Vec<_> = list
        .iter()
        .enumerate()
        .map(|(i, v)| format!(r#"{{"object":"embedding","index":{i},"embedding":{v}}}"#))
        .collect();
    let count = list.len();
    format!(
        r#"{{"object":"list","data":[{}],"model":"m","usage":{{"prompt_tokens":{count},"total_tokens":{count}}}}}"#,
        items.join(",")
    )
}

fn refusal(message: &str) -> Script {
    let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
    Script::response(400, "application/json", body.to_string())
}

async fn embed(shim: &TestServer, path: &str, body: &Value) -> TestResponse {
    TestResponse::read(shim.post(path, &body.to_string()).await).await
}

#[tokio::test]
async fn refused_encoding_is_left_out_converted_and_remembered() {
    for message in [
        "base64 encoding is not currently supported",
        "Unsupported parameter: encoding_format",
        "encoding_format must be float",
        "[{'type': 'extra_forbidden', 'loc': ('body', 'encoding_format'), 'msg': 'Extra inputs are not permitted'}]",
    ] {
        let answer = Script::json(&vectors(&["[1,2]"]));
        let upstream = ScriptedUpstream::start(vec![refusal(message), answer]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        for _ in 0..2 {
            let request = json!({"model": "m", "input": "a", "encoding_format": "base64"});
            let answer = embed(&shim, "/v1/embeddings", &request).await;
            assert_eq!(answer.status, 200, "{message}: {}", answer.body);
            assert_eq!(answer.json()["data"][0]["embedding"], "AACAPwAAAEA=", "{message}");
        }
        assert_eq!(upstream.requests().len(), 3, "{message}");
        assert!(
            upstream.body(1).get("encoding_format").is_none()
                && upstream.body(2).get("encoding_format").is_none()
        );
        let learned = shim.fetch("/learned").await.body;
        assert!(learned.contains(r#"embeddings.drop = ["...", "encoding_format"]"#), "{learned}");
    }
}

#[tokio::test]
async fn refused_dimensions_are_a_warning_and_in_strict_mode_an_error() {
    let message = r#"Model "m" does not support matryoshka representation, changing output dimensions will lead to poor results."#;
    for (path, request) in [
        ("/v1/embeddings", json!({"model": "m", "input": "a", "dimensions": 2})),
        ("/api/embed", json!({"model": "m", "input": "a", "dimensions": 2})),
        (
            "/v1beta/models/m:embedContent",
            json!({"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 2}),
        ),
    ] {
        let scripts = vec![refusal(message), Script::json(&vectors(&["[1,2,3]"]))];
        let upstream = ScriptedUpstream::start(scripts.clone()).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        let answer = embed(&shim, path, &request).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let diagnostics = answer.header("x-openai-shim-diagnostics").to_owned();
        for code in ["param-dropped", "param-ignored", "learned"] {
            assert!(diagnostics.contains(code), "{path}: {diagnostics}");
        }
        assert!(upstream.body(1).get("dimensions").is_none());

        let upstream = ScriptedUpstream::start(scripts).await;
        let config = format!(
            "mode = \"strict\"\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n[retry]\nattempts = 2\nbackoff = \"1ms\"\n",
            upstream.url
        );
        let shim = TestServer::with_config(&config).await;
        let answer = embed(&shim, path, &request).await;
        assert_eq!((answer.status, upstream.requests().len()), (400, 1), "{path}: {}", answer.body);
        assert!(answer.body.contains("matryoshka"), "{}", answer.body);
    }
}

#[tokio::test]
async fn vectors_of_another_length_than_requested_are_reported() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&vectors(&["[1,2,3]"]))]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    for (dimensions, reported) in [(2, true), (3, false)] {
        let request = json!({"model": "m", "input": "a", "dimensions": dimensions});
        let answer = embed(&shim, "/v1/embeddings", &request).await;
        assert_eq!(answer.header("x-openai-shim-diagnostics").contains("param-ignored"), reported);
    }
}

#[tokio::test]
async fn a_value_that_the_client_must_correct_is_its_error() {
    for message in [
        "dimensions must be at most 1536",
        "This model's maximum context length is 8192 tokens, however you requested 9000 tokens",
        "The model `m` does not exist",
        "'input_type' parameter is required for asymmetric models",
    ] {
        let upstream = ScriptedUpstream::start(vec![refusal(message)]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        let request =
            json!({"model": "m", "input": ["a", "b"], "dimensions": 9999, "encoding_format": "float"});
        let answer = embed(&shim, "/v1/embeddings", &request).await;
        assert_eq!(upstream.requests().len(), 1, "{message}");
        assert!([400, 404].contains(&answer.status), "{message}: {} {}", answer.status, answer.body);
        assert!(answer.body.contains(&message.replace('"', "\\\"")[..20]), "{}", answer.body);
    }
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let good = Script::json(&vectors(&["[1]"]));
    let limited = Script::response_with_headers(429, "application/json", "retry-after: 0\r\n", "{}");
    let overloaded = Script::response(503, "application/json", r#"{"error":{"message":"loading"}}"#);
    let in_success = Script::json(r#"{"error":{"message":"try again","code":503}}"#);
    let hung_up = Script(vec![support::Step::HangUp]);
    for failure in [limited, overloaded, in_success, hung_up, Script::json("")] {
        for (path, request) in [
            ("/v1/embeddings", json!({"model": "m", "input": "a"})),
            ("/api/embed", json!({"model": "m", "input": "a"})),
            ("/v1beta/models/m:embedContent", json!({"content": {"parts": [{"text": "a"}]}})),
        ] {
            let upstream = ScriptedUpstream::start(vec![failure.clone(), good.clone()]).await;
            let shim = TestServer::in_front_of(&upstream, "").await;
            let answer = embed(&shim, path, &request).await;
            assert_eq!(answer.status, 200, "{failure:?}: {}", answer.body);
            assert!(answer.header("x-openai-shim-diagnostics").contains("retried"));
        }
    }
    let long_wait = Script::response_with_headers(429, "application/json", "retry-after: 999\r\n", "{}");
    let upstream = ScriptedUpstream::start(vec![long_wait]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let answer = embed(&shim, "/v1/embeddings", &json!({"model": "m", "input": "a"})).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "999"));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn long_lists_are_sent_in_several_requests_and_joined_in_order() {
    let batch = ["a", "b", "c", "d", "e"].map(|text| json!({"content": {"parts": [{"text": text}]}}));
    let requests = [
        ("/v1/embeddings", json!({"model": "m", "input": ["a", "b", "c", "d", "e"], "user": "u"})),
        ("/api/embed", json!({"model": "m", "input": ["a", "b", "c", "d", "e"]})),
        ("/v1beta/models/m:batchEmbedContents", json!({"requests": batch})),
    ];
    for (path, request) in &requests {
        let parts = [vectors(&["[1]", "[2]"]), vectors(&["[3]", "[4]"]), vectors(&["[5]"])];
        let upstream = ScriptedUpstream::start(parts.map(|part| Script::json(&part)).to_vec()).await;
        let shim = TestServer::in_front_of(&upstream, "[upstream.quirks]\nembeddings.max_items = 2").await;
        let answer = embed(&shim, path, request).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let json = answer.json();
        let list = json.get("data").or(json.get("embeddings")).unwrap().as_array().unwrap();
        let numbers: Vec<_> = list
            .iter()
            .map(|item| item.get("embedding").or(item.get("values")).unwrap_or(item)[0].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5], "{path}");
        assert_eq!(upstream.body(1)["input"], json!(["c", "d"]), "{path}");
        assert_eq!(upstream.body(2)["input"], json!(["e"]), "{path}");
        let count = ["/usage/prompt_tokens", "/prompt_eval_count", "/usageMetadata/promptTokenCount"];
        assert_eq!(count.iter().find_map(|place| json.pointer(place)), Some(&json!(5)), "{path}: {json}");
        if *path == "/v1/embeddings" {
            assert_eq!(upstream.body(2)["user"], "u");
            assert_eq!(json["data"][4]["index"], 4);
        }
    }
}

#[tokio::test]
async fn the_most_inputs_are_learned_from_an_error_and_remembered() {
    for message in [
        "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 2.: input.contents",
        "input batch size 3 > maximum allowed batch size 2",
        "* BatchEmbedContentsRequest.requests: at most 2 requests can be in one batch",
        "Invalid 'input': array too long. Expected an array with maximum length 2, but got an array with length 3 instead.",
    ] {
        let parts =
            [vectors(&["[1]", "[2]"]), vectors(&["[3]"]), vectors(&["[1]", "[2]"]), vectors(&["[3]"])];
        let mut scripts = vec![refusal(message)];
        scripts.extend(parts.map(|part| Script::json(&part)));
        let upstream = ScriptedUpstream::start(scripts).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        for _ in 0..2 {
            let request = json!({"model": "m", "input": ["a", "b", "c"]});
            let answer = embed(&shim, "/v1/embeddings", &request).await;
            assert_eq!(answer.json()["data"][2]["embedding"], json!([3]), "{message}: {}", answer.body);
        }
        assert_eq!(upstream.requests().len(), 5, "{message}");
        assert!(shim.fetch("/learned").await.body.contains("embeddings.max_items = 2"));
    }
}

#[tokio::test]
async fn one_limit_holds_for_all_answers_of_a_split_request() {
    let long = format!("[{}]", vec!["0.5"; 300].join(","));
    let upstream = ScriptedUpstream::start(vec![Script::json(&vectors(&[long.as_str()]))]).await;
    let more = "[upstream.quirks]\nembeddings.max_items = 1\n[limits]\nresponse_body = \"3KiB\"";
    let shim = TestServer::in_front_of(&upstream, more).await;
    let ask = |n: usize| json!({"model": "m", "input": vec!["a"; n]});
    assert_eq!(embed(&shim, "/v1/embeddings", &ask(1)).await.status, 200);
    let answer = embed(&shim, "/v1/embeddings", &ask(3)).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert!(answer.body.contains("limits.response_body"), "{}", answer.body);
}

#[tokio::test]
async fn token_ids_are_split_as_lists_and_one_list_of_ids_is_one_input() {
    let upstream = ScriptedUpstream::start(vec![Script::json(&vectors(&["[1]"]))]).await;
    let shim = TestServer::in_front_of(&upstream, "[upstream.quirks]\nembeddings.max_items = 1").await;
    let one = embed(&shim, "/v1/embeddings", &json!({"model": "m", "input": [1, 2, 3]})).await;
    assert_eq!((one.status, upstream.requests().len()), (200, 1));
    let two = embed(&shim, "/v1/embeddings", &json!({"model": "m", "input": [[1, 2], [3]]})).await;
    assert_eq!((two.status, upstream.requests().len()), (200, 3));
    assert_eq!(upstream.body(2)["input"], json!([[3]]));
}

#[tokio::test]
async fn what_the_vectors_are_for_reaches_each_vendor_in_its_own_words() {
    let google = |word: &str| json!({"content": {"parts": [{"text": "a"}]}, "taskType": word});
    let nested = |word: &str| json!({"content": {"parts": [{"text": "a"}]}, "embedContentConfig": {"task_type": word, "outputDimensionality": 1}});
    let openai = |name: &str, word: &str| json!({"model": "m", "input": "a", name: word});
    for (profile, path, request, expected) in [
        (
            "nvidia",
            "/v1beta/models/m:embedContent",
            google("RETRIEVAL_DOCUMENT"),
            json!({"input_type": "passage"}),
        ),
        ("nvidia", "/v1/embeddings", openai("input_type", "search_query"), json!({"input_type": "query"})),
        ("nvidia", "/v1/embeddings", openai("task", "retrieval.passage"), json!({"input_type": "passage"})),
        (
            "voyage",
            "/v1beta/models/m:embedContent",
            nested("RETRIEVAL_QUERY"),
            json!({"input_type": "query", "output_dimension": 1}),
        ),
        ("voyage", "/v1/embeddings", openai("input_type", "document"), json!({"input_type": "document"})),
        (
            "jina",
            "/v1beta/models/m:embedContent",
            google("SEMANTIC_SIMILARITY"),
            json!({"task": "text-matching"}),
        ),
        ("jina", "/v1/embeddings", openai("input_type", "query"), json!({"task": "retrieval.query"})),
        ("compatible", "/v1/embeddings", openai("input_type", "anything"), json!({"input_type": "anything"})),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(&vectors(&["[1]"]))]).await;
        let shim = TestServer::in_front_of(&upstream, &format!("profile = \"{profile}\"")).await;
        let answer = embed(&shim, path, &request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut sent = upstream.body(0);
        for key in ["model", "input"] {
            sent.as_object_mut().unwrap().remove(key);
        }
        assert_eq!(sent, expected, "{profile} {request}");
        assert!(!answer.header("x-openai-shim-diagnostics").contains("param-dropped"), "{profile} {request}");
    }
}

#[tokio::test]
async fn google_gets_the_task_in_its_own_words() {
    let upstream = ScriptedUpstream::start(vec![Script::json(
        r#"{"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":"3"}}"#,
    )])
    .await;
    let shim = TestServer::in_front_of(&upstream, "dialect = \"gemini\"").await;
    let request = json!({"model": "m", "input": "a", "input_type": "search_document", "dimensions": 1});
    let answer = embed(&shim, "/v1/embeddings", &request).await;
    assert_eq!(answer.json()["usage"]["prompt_tokens"], 3, "{}", answer.body);
    assert_eq!(answer.header("x-openai-shim-diagnostics"), "0");
    let sent = &upstream.body(0)["requests"][0];
    assert_eq!((&sent["taskType"], &sent["outputDimensionality"]), (&json!("RETRIEVAL_DOCUMENT"), &json!(1)));
}

#[tokio::test]
async fn what_is_lost_is_reported_and_strict_mode_refuses_it() {
    let google = json!({"content": {"parts": [{"text": "a"}]}, "embedContentConfig": {"taskType": "CLUSTERING", "title": "t"}});
    for (dialect, path, request, fields) in [
        ("openai-chat", "/v1beta/models/m:embedContent", &google, ["taskType", "embedContentConfig.title"]),
        ("ollama-chat", "/v1beta/models/m:embedContent", &google, ["taskType", "embedContentConfig.title"]),
        (
            "ollama-chat",
            "/v1/embeddings",
            &json!({"model": "m", "input": "a", "input_type": "query", "user": "u"}),
            ["input_type", "user"],
        ),
    ] {
        let own = match dialect {
            "ollama-chat" => String::from(r#"{"model":"m","embeddings":[[1]],"prompt_eval_count":1}"#),
            _ => vectors(&["[1]"]),
        };
        let upstream = ScriptedUpstream::start(vec![Script::json(&own)]).await;
        let shim = TestServer::in_front_of(&upstream, &format!("dialect = \"{dialect}\"")).await;
        let answer = embed(&shim, path, request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(
            answer.header("x-openai-shim-diagnostics").contains("param-dropped x2"),
            "{dialect} {path}: {}",
            answer.header("x-openai-shim-diagnostics")
        );
        assert!(upstream.body(0).get("input_type").is_none(), "{}", upstream.body(0));
        let config = format!(
            "mode = \"strict\"\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\ndialect = \"{dialect}\"\n",
            upstream.url
        );
        let shim = TestServer::with_config(&config).await;
        let answer = embed(&shim, path, request).await;
        assert_eq!((answer.status, upstream.requests().len()), (400, 1), "{}", answer.body);
        assert!(fields.iter().any(|field| answer.body.contains(field)), "{}", answer.body);
    }
}

#[tokio::test]
async fn usage_as_text_or_missing_is_repaired() {
    let body = |usage: &str| {
        format!(
            r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":[1]}}],"model":"m"{usage}}}"#
        )
    };
    for (usage, tokens) in [
        (r#","usage":{"prompt_tokens":"7","total_tokens":"7"}"#, Some(7)),
        (r#","usage":{"total_tokens":7}"#, Some(7)),
        (r#","usage":null"#, None),
        ("", None),
    ] {
        let upstream = ScriptedUpstream::start(vec![Script::json(&body(usage))]).await;
        let shim = TestServer::in_front_of(&upstream, "").await;
        let openai = embed(&shim, "/v1/embeddings", &json!({"model": "m", "input": "a"})).await.json();
        assert_eq!(
            openai["usage"],
            json!({"prompt_tokens": tokens.unwrap_or(0), "total_tokens": tokens.unwrap_or(0)})
        );
        let ollama = embed(&shim, "/api/embed", &json!({"model": "m", "input": "a"})).await.json();
        assert_eq!(ollama.get("prompt_eval_count"), tokens.map(|n| json!(n)).as_ref());
        let request = json!({"content": {"parts": [{"text": "a"}]}});
        let google = embed(&shim, "/v1beta/models/m:embedContent", &request).await.json();
        assert_eq!(google.pointer("/usageMetadata/promptTokenCount"), tokens.map(|n| json!(n)).as_ref());
    }
}

#[tokio::test]
async fn vectors_in_the_form_of_another_api_reach_every_client() {
    let answers = [
        "[[0.5,0.25],[1.5,2.0]]",
        r#"{"embeddings":{"float":[[0.5,0.25],[1.5,2.0]]},"meta":{"billed_units":{"input_tokens":3}}}"#,
        r#"{"embeddings":[{"values":[0.5,0.25]},{"values":[1.5,2.0]}]}"#,
        r#"[{"index":0,"embedding":[[0.5,0.25]]},{"index":1,"embedding":[[1.5,2.0]]}]"#,
        r#"{"data":[{"index":"1","embedding":[1.5,2.0]},{"index":"0","embedding":[0.5,0.25]}]}"#,
        r#"{"data":[{"index":2,"embedding":[1.5,2.0]},{"index":1,"embedding":[0.5,0.25]}]}"#,
        r#"{"data":[{"embedding":"AAAAPwAAgD4"},{"embedding":["1.5","2.0"]}]}"#,
        r#"{"result":{"data":[[0.5,0.25],[1.5,2.0]]},"success":true,"errors":[]}"#,
    ];
    let texts = json!(["a", "b"]);
    let contents: Vec<_> = ["a", "b"].map(|text| json!({"content": {"parts": [{"text": text}]}})).to_vec();
    for answer in answers {
        for dialect in ["openai-chat", "ollama-chat", "gemini"] {
            let upstream = ScriptedUpstream::start(vec![Script::json(answer)]).await;
            let shim = TestServer::in_front_of(&upstream, &format!("dialect = \"{dialect}\"")).await;
            for (path, request, first, second) in [
                (
                    "/v1/embeddings",
                    json!({"model": "m", "input": texts}),
                    "/data/0/embedding",
                    "/data/1/embedding",
                ),
                ("/api/embed", json!({"model": "m", "input": texts}), "/embeddings/0", "/embeddings/1"),
                (
                    "/v1beta/models/m:batchEmbedContents",
                    json!({"requests": contents}),
                    "/embeddings/0/values",
                    "/embeddings/1/values",
                ),
            ] {
                let got = embed(&shim, path, &request).await;
                assert_eq!(got.status, 200, "{dialect} {path} {answer}: {}", got.body);
                let vectors = [first, second].map(|place| got.json().pointer(place).cloned());
                let wanted = [json!([0.5, 0.25]), json!([1.5, 2.0])].map(Some);
                assert_eq!(vectors, wanted, "{dialect} {path} {answer}");
            }
        }
    }
}

#[tokio::test]
async fn vectors_that_are_out_of_order_are_sorted_for_clients_of_the_same_form() {
    let answer = r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[2]},{"object":"embedding","index":0,"embedding":[1]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(answer)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let got = embed(&shim, "/v1/embeddings", &json!({"model": "m", "input": ["a", "b"]})).await.json();
    assert_eq!((&got["data"][0]["embedding"], &got["data"][0]["index"]), (&json!([1]), &json!(0)));
    assert_eq!((&got["data"][1]["embedding"], &got["data"][1]["index"]), (&json!([2]), &json!(1)));
}

#[tokio::test]
async fn encodings_that_are_not_converted_stay_as_they_come_and_their_refusal_is_a_loss() {
    let answer = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AQID"}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let request = json!({"model": "m", "input": "a", "encoding_format": "int8"});
    let upstream = ScriptedUpstream::start(vec![Script::json(answer)]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let got = embed(&shim, "/v1/embeddings", &request).await;
    assert_eq!((got.status, got.body.as_str()), (200, answer));
    let scripts = vec![refusal("Unsupported parameter: encoding_format"), Script::json(&vectors(&["[1,2]"]))];
    let upstream = ScriptedUpstream::start(scripts).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let got = embed(&shim, "/v1/embeddings", &request).await;
    assert!(got.header("x-openai-shim-diagnostics").contains("param-dropped"), "{:?}", got.headers);
    let upstream = ScriptedUpstream::start(vec![Script::json(r#"{"embeddings":[[1]]}"#)]).await;
    let shim = TestServer::in_front_of(&upstream, "dialect = \"ollama-chat\"").await;
    let got = embed(&shim, "/v1/embeddings", &request).await;
    assert!(got.header("x-openai-shim-diagnostics").contains("param-dropped"), "{:?}", got.headers);
}
