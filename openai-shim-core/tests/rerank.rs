//! Rankings: every form of a client before every form of an upstream, and what upstreams get wrong.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use openai_shim_core::accepts::RerankFormat;
use openai_shim_core::dialect::auxiliary::AuxiliaryRequest;
use openai_shim_core::dialect::dialect;
use openai_shim_core::dialect::rerank::{client_form, rerank_form};
use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::exchange::{AuxiliaryExchange, AuxiliaryStep, LossPolicy, RerankCall, Settings};
use openai_shim_core::profile::Profile;
use openai_shim_core::{Diagnostics, Error};
use serde_json::{Value, json};

const FORMATS: [RerankFormat; 5] = [
    RerankFormat::Jina,
    RerankFormat::Cohere,
    RerankFormat::CohereV1,
    RerankFormat::Tei,
    RerankFormat::Voyage,
];

/// A client's request in a form, with its path.
fn request(format: RerankFormat) -> (&'static str, Value) {
    match format {
        RerankFormat::Jina => {
            ("/v1/rerank", json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "top_n": 2}))
        }
        RerankFormat::Cohere => {
            ("/v2/rerank", json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "top_n": 2}))
        }
        RerankFormat::CohereV1 => (
            "/v1/rerank",
            json!({"model": "m", "query": "q", "documents": [{"text": "a"}, {"text": "b"}, "c"], "top_n": 2,
                   "rank_fields": ["text"], "return_documents": true}),
        ),
        RerankFormat::Tei => {
            ("/rerank", json!({"query": "q", "texts": ["a", "b", "c"], "return_text": true}))
        }
        RerankFormat::Voyage => (
            "/v1/rerank",
            json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "top_k": 2, "truncation": true,
                   "return_documents": true}),
        ),
        _ => unreachable!(),
    }
}

/// An upstream's answer in a form: `b`, then `c`, then `a`.
fn answer(format: RerankFormat) -> Value {
    let scored = [(1, 0.9), (2, 0.5), (0, 0.25)];
    let results = |score: &str| scored.map(|(index, value)| json!({"index": index, score: value}));
    match format {
        RerankFormat::Jina => {
            json!({"model": "own", "object": "list", "usage": {"total_tokens": 7}, "results": results("relevance_score")})
        }
        RerankFormat::Cohere | RerankFormat::CohereV1 => {
            json!({"id": "x", "results": results("relevance_score"), "meta": {"billed_units": {"search_units": 1}}})
        }
        RerankFormat::Tei => json!(results("score")),
        RerankFormat::Voyage => {
            json!({"object": "list", "data": results("relevance_score"), "model": "own", "usage": {"total_tokens": 7}})
        }
        _ => unreachable!(),
    }
}

/// An exchange: the bodies that were sent, the response, and the diagnostics.
struct Exchanged {
    sent: Vec<Value>,
    paths: Vec<String>,
    response: Result<String, Error>,
    diagnostics: Diagnostics,
}

impl Exchanged {
    fn json(&self) -> Value {
        serde_json::from_str(self.response.as_ref().unwrap()).unwrap()
    }

    /// The indexes of the results in their order, in any form.
    fn indexes(&self) -> Vec<u64> {
        let json = self.json();
        let list = json.as_array().or(json["results"].as_array()).or(json["data"].as_array()).unwrap();
        list.iter().map(|result| result["index"].as_u64().unwrap()).collect()
    }

    fn has(&self, code: &str) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code.as_str() == code)
    }
}

fn exchange_with(
    profile: &Profile,
    policy: LossPolicy,
    (path, body): (&str, &Value),
    mut answer: impl FnMut(&Value) -> (u16, String),
) -> Exchanged {
    let source = Bytes::from(body.to_string());
    let mut received = AuxiliaryRequest::default();
    (received.path, received.body) = (path, &source);
    let form = client_form(&received);
    let mut exchanged = Exchanged {
        sent: Vec::new(),
        paths: Vec::new(),
        response: Ok(String::new()),
        diagnostics: Diagnostics::default(),
    };
    let mut lost = Diagnostics::default();
    let spec = match form.decode_request(&received, &mut lost) {
        Ok(spec) => spec,
        Err(error) => {
            exchanged.response = Err(Error::Client(error));
            return exchanged;
        }
    };
    let chat = dialect("openai-chat").unwrap();
    let upstream = rerank_form(profile.accepts(chat.accepts()).rerank.format).unwrap();
    let lost = if upstream.format == form.format { Diagnostics::default() } else { lost };
    let mut settings = Settings::default();
    settings.loss_policy = policy;
    settings.adapt = true;
    let call = RerankCall::new(form, upstream, spec, None, source.clone());
    let mut exchange =
        match AuxiliaryExchange::start(Box::new(call), chat, &profile.clone().into(), settings, lost) {
            Ok(exchange) => exchange,
            Err(error) => {
                exchanged.response = Err(error);
                return exchanged;
            }
        };
    while let AuxiliaryStep::Send { path, body, .. } = exchange.next() {
        let sent: Value = serde_json::from_slice(&body).unwrap();
        let (status, text) = answer(&sent);
        exchanged.sent.push(sent);
        exchanged.paths.push(path);
        exchange.answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), text.as_bytes());
    }
    let (response, report) = exchange.finish();
    exchanged.response = response.map(|body| String::from_utf8(body.bytes).unwrap());
    exchanged.diagnostics = report.diagnostics;
    exchanged
}

fn upstream(format: RerankFormat) -> Profile {
    let mut profile = Profile::default();
    profile.rerank.format = Some(format);
    profile
}

fn exchange(format: RerankFormat, client: (&str, &Value), answer: &str) -> Exchanged {
    exchange_with(&upstream(format), LossPolicy::default(), client, |_| (200, answer.to_owned()))
}

/// A ranking by Jina's client of `a` and `b`, at an upstream of the same form that answers this.
fn jina(answer: &str) -> Exchanged {
    let body = json!({"model": "m", "query": "q", "documents": ["a", "b"]});
    exchange(RerankFormat::Jina, ("/v1/rerank", &body), answer)
}

#[test]
fn every_client_is_served_by_every_upstream() {
    for client in FORMATS {
        for server in FORMATS {
            let (path, body) = request(client);
            let exchanged = exchange(server, (path, &body), &answer(server).to_string());
            let place = format!("{client:?} before {server:?}");
            let sent = &exchanged.sent[0];
            // The upstream gets its own members.
            let (documents, top) = match server {
                RerankFormat::Tei => ("texts", None),
                RerankFormat::Voyage => ("documents", Some("top_k")),
                _ => ("documents", Some("top_n")),
            };
            assert_eq!(sent["query"], "q", "{place}");
            assert_eq!(sent[documents].as_array().unwrap().len(), 3, "{place}: {sent}");
            if client != server {
                assert_eq!(sent[documents], json!(["a", "b", "c"]), "{place}");
            }
            let is_limited = client != RerankFormat::Tei;
            if let Some(top) = top.filter(|_| is_limited) {
                assert_eq!(sent[top], 2, "{place}: {sent}");
            }
            if server == RerankFormat::Tei && client != server {
                // The others cut long texts.
                assert_eq!(sent["truncate"], true, "{place}: {sent}");
                assert!(sent.get("model").is_none(), "{place}: {sent}");
            }
            // The client gets its own.
            assert_eq!(exchanged.indexes(), if is_limited { vec![1, 2] } else { vec![1, 2, 0] }, "{place}");
            let json = exchanged.json();
            let first = match client {
                RerankFormat::Tei => &json[0],
                RerankFormat::Voyage => &json["data"][0],
                _ => &json["results"][0],
            };
            let score = if client == RerankFormat::Tei { "score" } else { "relevance_score" };
            assert_eq!(first[score], 0.9, "{place}: {json}");
            match client {
                RerankFormat::Tei => assert_eq!(first["text"], "b", "{place}: {json}"),
                RerankFormat::Voyage => assert_eq!(first["document"], "b", "{place}: {json}"),
                RerankFormat::CohereV1 => assert_eq!(first["document"]["text"], "b", "{place}: {json}"),
                RerankFormat::Jina if client != server => {
                    assert_eq!(first["document"]["text"], "b", "{place}: {json}");
                }
                _ => assert!(first.get("document").is_none(), "{place}: {json}"),
            }
            if matches!(client, RerankFormat::Voyage | RerankFormat::Jina) && client != server {
                assert!(json["usage"]["total_tokens"].is_u64(), "{place}: {json}");
                assert!(json["model"].is_string(), "{place}: {json}");
            }
        }
    }
}

#[test]
fn requests_and_answers_of_one_form_stay_as_they_are() {
    for format in FORMATS {
        let (path, body) = request(format);
        let body = if format == RerankFormat::Tei {
            json!({"query": "q", "texts": ["a", "b", "c"], "raw_scores": true, "own": [1]})
        } else {
            let mut body = body;
            body["own"] = json!([1]);
            body.as_object_mut().unwrap().remove("return_documents");
            body
        };
        let mut all = answer(format);
        if format != RerankFormat::Tei {
            let key = if format == RerankFormat::Voyage { "data" } else { "results" };
            all[key].as_array_mut().unwrap().truncate(2);
            all["own"] = json!(1.5);
        }
        let spaced = serde_json::to_string_pretty(&all).unwrap();
        let exchanged = exchange(format, (path, &body), &spaced);
        assert_eq!(exchanged.response.as_deref(), Ok(spaced.as_str()), "{format:?}");
        assert_eq!(exchanged.sent[0], body, "{format:?}");
        assert!(exchanged.diagnostics.is_empty(), "{format:?}: {:?}", exchanged.diagnostics);
    }
}

#[test]
fn form_of_a_request_is_told_from_its_path_and_members() {
    for (path, body, format) in [
        ("/v1/rerank", r#"{"query":"q","documents":["a"]}"#, RerankFormat::Jina),
        ("/rerank", r#"{"query":"q","documents":["a"],"top_n":1}"#, RerankFormat::Jina),
        ("/v1/rerank", r#"{"query":"q","documents":["a"],"max_chunks_per_doc":1}"#, RerankFormat::Jina),
        ("/v2/rerank", r#"{"query":"q","documents":["a"]}"#, RerankFormat::Cohere),
        ("/v1/v2/rerank", r#"{"query":"q","documents":["a"]}"#, RerankFormat::Cohere),
        ("/v1/rerank", r#"{"query":"q","documents":["a"],"max_tokens_per_doc":1}"#, RerankFormat::Cohere),
        (
            "/v1/rerank",
            r#"{"query":"q","documents":[{"t":"a"}],"rank_fields":["t"]}"#,
            RerankFormat::CohereV1,
        ),
        ("/rerank", r#"{"query":"q","texts":["a"]}"#, RerankFormat::Tei),
        ("/v1/rerank", r#"{"query":"q","texts":["a"]}"#, RerankFormat::Tei),
        ("/v1/rerank", r#"{"query":"q","documents":["a"],"top_k":null}"#, RerankFormat::Voyage),
        ("/v1/rerank", "no JSON", RerankFormat::Jina),
        ("/v2/rerank", "no JSON", RerankFormat::Cohere),
    ] {
        let mut request = AuxiliaryRequest::default();
        (request.path, request.body) = (path, body.as_bytes());
        assert_eq!(client_form(&request).format, format, "{path} {body}");
    }
}

#[test]
fn deviations_of_answers_are_repaired() {
    let expected = r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#;
    let expected: Value = serde_json::from_str(expected).unwrap();
    for deviating in [
        // Unsorted.
        r#"{"results":[{"index":0,"relevance_score":0.5},{"index":1,"relevance_score":0.9}]}"#,
        // Numbers as text.
        r#"{"results":[{"index":"1","relevance_score":"0.9"},{"index":0,"relevance_score":0.5}]}"#,
        // Another member, another list, another name of the score.
        r#"{"data":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#,
        r#"[{"index":1,"score":0.9},{"index":0,"score":0.5}]"#,
        r#"{"results":[{"index":1,"score":0.9},{"index":0,"score":0.5}]}"#,
        // Counted from 1.
        r#"{"results":[{"index":2,"relevance_score":0.9},{"index":1,"relevance_score":0.5}]}"#,
        // No indexes, and all of them 0: in the order of the documents, since the scores are in none.
        r#"{"results":[{"relevance_score":0.5},{"relevance_score":0.9}]}"#,
        r#"{"results":[{"index":0,"relevance_score":0.5},{"index":0,"relevance_score":0.9}]}"#,
        // Repeated.
        r#"{"results":[{"index":1,"relevance_score":0.9},{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#,
        "\u{feff} {\"results\":[{\"index\":1,\"relevance_score\":0.9},{\"index\":0,\"relevance_score\":0.5}]}\n",
    ] {
        let exchanged = jina(deviating);
        let json = exchanged.json();
        let plain = |result: &Value| (result["index"].clone(), result["relevance_score"].clone());
        let of = |json: &Value| json["results"].as_array().unwrap().iter().map(plain).collect::<Vec<_>>();
        assert_eq!(of(&json), of(&expected), "{deviating}");
        assert!(!exchanged.diagnostics.is_empty(), "{deviating}");
    }
    // The documents tell the positions.
    let texts = r#"{"results":[{"document":{"text":"b"},"relevance_score":0.9},{"document":"a","relevance_score":0.5}]}"#;
    let exchanged = jina(texts);
    assert_eq!(exchanged.indexes(), [1, 0]);
    assert_eq!(exchanged.json()["results"][1]["document"], json!({"text": "a"}));
}

#[test]
fn rankings_of_other_apis_are_read_for_every_client() {
    let documents = json!(["a", "b", "c"]);
    for (answer, tokens) in [
        // NVIDIA.
        (
            json!({"rankings": [{"index": 1, "logit": 3.5}, {"index": 2, "logit": -1}, {"index": 0, "logit": -2}]}),
            None,
        ),
        // Alibaba.
        (
            json!({"output": {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 2, "relevance_score": 0.5},
                   {"index": 0, "relevance_score": 0.1}]}, "usage": {"total_tokens": 79}, "request_id": "r"}),
            Some(79),
        ),
        // Bedrock.
        (
            json!({"results": [{"index": 1, "relevanceScore": 0.9}, {"index": 2, "relevanceScore": 0.5},
                   {"index": 0, "relevanceScore": 0.1}]}),
            None,
        ),
        // DeepInfra, and servers that give the scores alone.
        (json!({"scores": [0.1, 0.9, 0.5], "input_tokens": 42}), None),
        (json!([0.1, 0.9, 0.5]), None),
    ] {
        for client in FORMATS {
            let (path, mut body) = request(client);
            body[if client == RerankFormat::Tei { "texts" } else { "documents" }] = documents.clone();
            for format in FORMATS {
                let exchanged = exchange(format, (path, &body), &answer.to_string());
                assert_eq!(exchanged.indexes()[..2], [1, 2], "{client:?} {format:?} {answer}");
                assert!(exchanged.has("ranking-repaired"), "{client:?} {format:?} {answer}");
                if let (RerankFormat::Jina, Some(tokens)) = (client, tokens) {
                    assert_eq!(exchanged.json()["usage"]["total_tokens"], tokens);
                }
            }
        }
    }
    // Scores alone stand for documents only if there are as many.
    assert!(jina("[0.1,0.9,0.5]").response.is_err());
}

#[test]
fn a_number_of_results_as_text_is_understood() {
    let body = json!({"model": "m", "query": "q", "documents": ["a", "b"], "top_n": "1"});
    let answer = r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#;
    let exchanged = exchange(RerankFormat::Jina, ("/v1/rerank", &body), answer);
    assert_eq!(exchanged.indexes(), [1]);
}

#[test]
fn what_is_no_ranking_of_the_documents_is_an_error() {
    for (answer, expected) in [
        (
            r#"{"results":[{"index":2,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#,
            "document 2",
        ),
        (r#"{"results":[{"index":0,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#, "twice"),
        (r#"{"results":[{"relevance_score":0.9},{"relevance_score":0.5}]}"#, "no ranking"),
        (r#"{"results":[{"index":0}]}"#, "no ranking"),
        (r#"{"results":[{"index":0,"relevance_score":null}]}"#, "no ranking"),
        (r#"{"results":[{"index":0,"relevance_score":NaN}]}"#, "NaN"),
        (r#"{"results":[{"index":0,"relevance_score":"high"}]}"#, "no ranking"),
        (r#"{"results":[]}"#, "nothing usable"),
        (r#"{"ok":true}"#, "no ranking"),
        (r#"{"results":["#, "cut"),
        ("<html></html>", "base_url"),
        (r#"{"error":{"message":"out of memory"}}"#, "out of memory"),
        (r#"{"error":"Batch","error_type":"Validation"}"#, "Batch"),
        (r#"{"detail":"no balance"}"#, "no balance"),
    ] {
        for client in FORMATS {
            let (path, body) = request(client);
            let mut body = body;
            let key = if client == RerankFormat::Tei { "texts" } else { "documents" };
            body[key] = json!(["a", "b"]);
            let exchanged = exchange(RerankFormat::Jina, (path, &body), answer);
            let error = exchanged.response.unwrap_err().message().to_string();
            assert!(error.contains(expected), "{client:?} {answer}: {error}");
        }
    }
}

#[test]
fn ranking_is_cut_to_the_requested_number_and_a_short_one_is_reported() {
    let body = json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "top_n": 1});
    let exchanged =
        exchange(RerankFormat::Jina, ("/v1/rerank", &body), &answer(RerankFormat::Jina).to_string());
    assert_eq!(exchanged.indexes(), [1]);
    assert!(exchanged.has("ranking-repaired"));
    let exchanged = jina(r#"{"results":[{"index":1,"relevance_score":0.9}]}"#);
    assert_eq!(exchanged.indexes(), [1]);
    assert!(exchanged.has("ranking-incomplete"));
    // 0 is no number of documents.
    let body = json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "top_n": 0});
    let exchanged =
        exchange(RerankFormat::Tei, ("/v1/rerank", &body), &answer(RerankFormat::Tei).to_string());
    assert_eq!(exchanged.indexes(), [1, 2, 0]);
}

#[test]
fn documents_in_the_response_are_as_requested() {
    let with = |returned: Value, answer: &str| {
        let body = json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "return_documents": returned});
        exchange(RerankFormat::Jina, ("/v1/rerank", &body), answer).json()["results"].clone()
    };
    let bare = r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#;
    let full = r#"{"results":[{"index":1,"relevance_score":0.9,"document":{"text":"b"}},{"index":0,"relevance_score":0.5,"document":"a"}]}"#;
    for answer in [bare, full] {
        let results = with(json!(true), answer);
        assert_eq!(
            (&results[0]["document"]["text"], &results[1]["document"]["text"]),
            (&json!("b"), &json!("a"))
        );
        let results = with(json!(false), answer);
        assert!(results[0].get("document").is_none() && results[1].get("document").is_none(), "{results}");
    }
}

#[test]
fn losses_are_warnings_and_strict_refuses_them() {
    let tei = json!({"query": "q", "texts": ["a"], "raw_scores": true});
    let cut = json!({"query": "q", "texts": ["a"], "truncation_direction": "Left", "truncate": true});
    let whole = json!({"query": "q", "texts": ["a"], "truncate": false});
    let limited =
        json!({"model": "m", "query": "q", "documents": ["a"], "max_tokens_per_doc": 5, "priority": 1});
    let foreign = json!({"model": "m", "query": "q", "documents": ["a"], "user": "u"});
    for (path, body, server, fields) in [
        ("/rerank", &tei, RerankFormat::Jina, &["raw_scores"][..]),
        ("/rerank", &cut, RerankFormat::Cohere, &["truncation_direction"]),
        ("/rerank", &whole, RerankFormat::Jina, &["truncate"]),
        ("/v2/rerank", &limited, RerankFormat::Tei, &["max_tokens_per_doc", "priority"]),
        ("/v2/rerank", &limited, RerankFormat::Jina, &["priority"]),
        ("/v1/rerank", &foreign, RerankFormat::Voyage, &["user"]),
    ] {
        let mut one = answer(server);
        match one.as_array_mut() {
            Some(list) => list.truncate(1),
            None => {
                let key = if server == RerankFormat::Voyage { "data" } else { "results" };
                one[key].as_array_mut().unwrap().truncate(1);
            }
        }
        let text = one.to_string().replace(r#""index":1"#, r#""index":0"#);
        let exchanged = exchange(server, (path, body), &text);
        assert!(exchanged.response.is_ok(), "{body}: {:?}", exchanged.response);
        for field in fields {
            let is_it =
                |d: &openai_shim_core::Diagnostic| d.code.as_str() == "param-dropped" && d.path == *field;
            assert!(exchanged.diagnostics.iter().any(is_it), "{body}: {:?}", exchanged.diagnostics);
        }
        let strict =
            exchange_with(&upstream(server), LossPolicy::Strict, (path, body), |_| (200, text.clone()));
        let error = strict.response.unwrap_err();
        assert!(error.param().is_some_and(|param| fields.contains(&param)), "{body}: {error}");
        assert!(strict.sent.is_empty());
    }
}

#[test]
fn what_is_no_text_is_refused_by_its_path() {
    let image = json!({"model": "m", "query": "q", "documents": ["a", {"image": "https://x/y.png"}]});
    let query = json!({"model": "m", "query": {"image": "https://x/y.png"}, "documents": ["a"]});
    let untitled = json!({"model": "m", "query": "q", "documents": [{"title": "a"}]});
    let other = json!({"model": "m", "query": "q", "documents": [{"x": 1}], "rank_fields": ["title"]});
    let none = json!({"model": "m", "query": "q"});
    let unasked = json!({"model": "m", "documents": ["a"]});
    for (body, param) in [
        (&image, "documents[1].image"),
        (&query, "query.image"),
        (&untitled, "documents[0].text"),
        (&other, "documents[0]"),
        (&none, "documents"),
        (&unasked, "query"),
    ] {
        let exchanged = exchange(RerankFormat::Tei, ("/v1/rerank", body), "[]");
        let error = exchanged.response.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(param)), "{body}");
        assert!(error.to_string().contains(param), "{error}");
    }
    // An upstream of the same form decides itself.
    let exchanged = exchange(
        RerankFormat::Jina,
        ("/v1/rerank", &image),
        r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}]}"#,
    );
    assert_eq!(exchanged.sent[0], image);
}

#[test]
fn structured_documents_become_lines_of_text() {
    let body = json!({"model": "m", "query": "q", "rank_fields": ["title", "year"],
        "documents": [{"title": "T", "year": 1999, "text": "x"}, "plain"]});
    let exchanged = exchange(
        RerankFormat::Tei,
        ("/v1/rerank", &body),
        r#"[{"index":0,"score":0.9},{"index":1,"score":0.1}]"#,
    );
    assert_eq!(exchanged.sent[0]["texts"], json!(["title: T\nyear: 1999", "plain"]));
    assert!(exchanged.has("content-rewritten"));
}

#[test]
fn member_of_a_wrong_type_is_reported() {
    for (path, body, param) in [
        ("/v1/rerank", json!({"model": 1, "query": "q", "documents": ["a"]}), "model"),
        ("/v1/rerank", json!({"model": "m", "query": 1, "documents": ["a"]}), "query"),
        ("/v1/rerank", json!({"model": "m", "query": "q", "documents": [1]}), "documents[0]"),
        ("/v1/rerank", json!({"model": "m", "query": "q", "documents": ["a"], "top_n": {}}), "top_n"),
        ("/v2/rerank", json!({"model": "m", "query": "q", "documents": "a"}), "documents"),
        ("/rerank", json!({"query": "q", "texts": ["a", {}]}), "texts[1]"),
    ] {
        let exchanged = exchange(RerankFormat::Jina, (path, &body), "{}");
        let error = exchanged.response.unwrap_err();
        assert_eq!(error.param(), Some(param), "{body}: {error}");
    }
}

#[test]
fn refused_parameters_are_learned_and_done_here() {
    for (path, body, refused) in [
        (
            "/v1/rerank",
            json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "return_documents": true}),
            "return_documents",
        ),
        (
            "/v1/rerank",
            json!({"model": "m", "query": "q", "documents": ["a", "b", "c"], "top_n": 2}),
            "top_n",
        ),
        // Added here: the other forms do not return documents.
        ("/rerank", json!({"query": "q", "texts": ["a", "b", "c"], "return_text": true}), "return_documents"),
    ] {
        let message = format!(r#"{{"detail":"Unsupported parameter: '{refused}'"}}"#);
        let reply = |sent: &Value| match sent.get(refused) {
            Some(_) => (422, message.clone()),
            None => (200, answer(RerankFormat::Jina).to_string()),
        };
        let profile = upstream(RerankFormat::Jina);
        let exchanged = exchange_with(&profile, LossPolicy::default(), (path, &body), reply);
        assert_eq!(exchanged.sent.len(), 2, "{body}: {:?}", exchanged.response);
        assert!(exchanged.has("learned") && !exchanged.has("param-dropped"), "{:?}", exchanged.diagnostics);
        let expected = if refused == "top_n" { vec![1, 2] } else { vec![1, 2, 0] };
        assert_eq!(exchanged.indexes(), expected);
        let text = exchanged.response.unwrap();
        assert_eq!(text.contains(r#""b""#), refused != "top_n", "{text}");
    }
}

/// Scores each document by its last byte.
fn rank(sent: &Value, documents: &str, score: &str) -> Vec<Value> {
    let texts = sent[documents].as_array().unwrap();
    let of = |text: &Value| f64::from(*text.as_str().unwrap().as_bytes().last().unwrap()) / 256.0;
    let mut ranked: Vec<_> = texts.iter().enumerate().map(|(i, text)| (i, of(text))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().map(|(index, value)| json!({"index": index, score: value})).collect()
}

#[test]
fn long_lists_are_split_and_joined_in_order() {
    let documents = ["a", "g", "c", "f", "e", "b", "d"];
    for (client, body) in [
        (RerankFormat::Jina, json!({"model": "m", "query": "q", "documents": documents, "top_n": 3, "x": 1})),
        (RerankFormat::Tei, json!({"query": "q", "texts": documents})),
    ] {
        let (path, _) = request(client);
        for server in [RerankFormat::Jina, RerankFormat::Tei] {
            let reply = |sent: &Value| {
                let (key, score) = match server {
                    RerankFormat::Tei => ("texts", "score"),
                    _ => ("documents", "relevance_score"),
                };
                if sent[key].as_array().unwrap().len() > 2 {
                    let message = r#"{"error":"batch size 7 > maximum allowed batch size 2","error_type":"Validation"}"#;
                    return (413, message.to_owned());
                }
                let results = rank(sent, key, score);
                let whole = match server {
                    RerankFormat::Tei => json!(results),
                    _ => json!({"results": results, "usage": {"total_tokens": 5}, "model": "own"}),
                };
                (200, whole.to_string())
            };
            let exchanged = exchange_with(&upstream(server), LossPolicy::default(), (path, &body), reply);
            let expected: &[u64] =
                if client == RerankFormat::Tei { &[1, 3, 4, 6, 2, 5, 0] } else { &[1, 3, 4] };
            assert_eq!(exchanged.indexes(), expected, "{client:?} before {server:?}");
            assert_eq!(exchanged.sent.len(), 5);
            let is_kept = exchanged.sent[1].get("x").is_some();
            assert_eq!(is_kept, client == server && client == RerankFormat::Jina);
            if (client, server) == (RerankFormat::Jina, RerankFormat::Jina) {
                assert_eq!(exchanged.json()["usage"]["total_tokens"], 20);
                assert_eq!(exchanged.sent[1]["top_n"], 2);
            }
        }
    }
}

#[test]
fn usage_is_filled_in_where_clients_read_it() {
    let body = json!({"model": "m", "query": "q", "documents": ["a"], "top_k": null});
    let bare = r#"{"data":[{"index":0,"relevance_score":0.5}]}"#;
    let exchanged = exchange(RerankFormat::Voyage, ("/v1/rerank", &body), bare);
    assert_eq!(exchanged.json()["usage"]["total_tokens"], 0);
    assert!(exchanged.has("usage-missing"));
    let text = r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.5}],"usage":{"total_tokens":"7"}}"#;
    let exchanged = jina(text);
    assert_eq!(exchanged.json()["usage"]["total_tokens"], 7);
    assert!(exchanged.has("usage-shaped"));
}

#[test]
fn path_of_a_profile_is_used() {
    let mut profile = upstream(RerankFormat::Tei);
    profile.rerank.path = Some(String::from("/../rerank"));
    let (path, body) = request(RerankFormat::Jina);
    let exchanged = exchange_with(&profile, LossPolicy::default(), (path, &body), |_| {
        (200, answer(RerankFormat::Tei).to_string())
    });
    assert_eq!(exchanged.paths, ["/../rerank"]);
    let exchanged = exchange(RerankFormat::Tei, (path, &body), &answer(RerankFormat::Tei).to_string());
    assert_eq!(exchanged.paths, ["/rerank"]);
}

#[test]
fn scores_out_of_bounds_are_reported_to_clients_that_expect_bounds() {
    let raw = r#"[{"index":0,"score":5.5},{"index":1,"score":-3.25}]"#;
    for (path, body, reported) in [
        ("/v2/rerank", json!({"model": "m", "query": "q", "documents": ["a", "b"]}), true),
        ("/rerank", json!({"query": "q", "texts": ["a", "b"]}), true),
        ("/rerank", json!({"query": "q", "texts": ["a", "b"], "raw_scores": true}), false),
        ("/v1/rerank", json!({"model": "m", "query": "q", "documents": ["a", "b"]}), false),
    ] {
        let exchanged = exchange(RerankFormat::Tei, (path, &body), raw);
        assert_eq!(exchanged.has("scores-unbounded"), reported, "{body}");
        assert_eq!(exchanged.indexes(), [0, 1]);
    }
}

#[test]
fn errors_have_the_envelope_of_the_form() {
    let error = Error::Client(ClientError::invalid("It is missing.").at("texts"));
    for (format, expected) in [
        (RerankFormat::Jina, json!({"detail": "texts: It is missing."})),
        (RerankFormat::Voyage, json!({"detail": "texts: It is missing."})),
        (RerankFormat::Cohere, json!({"message": "texts: It is missing."})),
        (RerankFormat::CohereV1, json!({"message": "texts: It is missing."})),
        (RerankFormat::Tei, json!({"error": "texts: It is missing.", "error_type": "Validation"})),
    ] {
        let (status, body) = rerank_form(format).unwrap().encode_error(&error);
        assert_eq!(status, 400);
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected, "{format:?}");
    }
}

#[test]
fn upstream_without_the_path_says_what_to_do() {
    let (path, body) = request(RerankFormat::Jina);
    for (status, text, explained) in [
        (404, r#"{"detail":"Not Found"}"#, true),
        (404, "<html>404</html>", true),
        (405, r#"{"error":"Method Not Allowed"}"#, true),
        (404, r#"{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}"#, false),
        (400, r#"{"detail":"bad"}"#, false),
        (
            422,
            "Failed to deserialize the JSON body into the target type: missing field `texts` at line 1",
            true,
        ),
    ] {
        let exchanged =
            exchange_with(&upstream(RerankFormat::Jina), LossPolicy::default(), (path, &body), |_| {
                (status, text.to_owned())
            });
        let error = exchanged.response.unwrap_err().message().to_string();
        assert_eq!(error.contains("rerank.format"), explained, "{error}");
    }
}
