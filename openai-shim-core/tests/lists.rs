//! Model lists and embeddings: the quirks M, and every recording.

mod common;

use common::shared;
use openai_shim_core::Diagnostics;
use openai_shim_core::canonical::parse_models;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, AuxiliaryRequest, EmbeddingsApi};
use openai_shim_core::dialect::route_lookup::auxiliary_route;
use serde_json::{Value, json};

fn list(body: &Value) -> Vec<Value> {
    let models = parse_models(body.to_string().as_bytes(), "me").unwrap();
    models.iter().map(|model| serde_json::from_str(&model.json).unwrap()).collect()
}

#[test]
fn every_model_list_form_becomes_openais() {
    let plain =
        |id: &str, created: u64| json!({"id": id, "object": "model", "created": created, "owned_by": "me"});
    let rows = [
        ("M1 a bare array", json!([{"id": "a"}]), plain("a", 0)),
        ("M1 names", json!(["a"]), plain("a", 0)),
        (
            "M2 models with names",
            json!({"models": [{"name": "models/a"}]}),
            json!({"name": "models/a", "id": "models/a", "object": "model", "created": 0, "owned_by": "me"}),
        ),
        ("M3 no object, no owner", json!({"data": [{"id": "a", "created": 7}]}), plain("a", 7)),
        (
            "M4 no created",
            json!({"object": "list", "data": [{"id": "a", "object": "model", "owned_by": "me"}]}),
            plain("a", 0),
        ),
        (
            "M5 Anthropic's",
            json!({"data": [{"type": "model", "id": "a", "display_name": "A", "created_at": "2025-02-19T00:00:00Z"}]}),
            json!({"type": "model", "id": "a", "display_name": "A", "created_at": "2025-02-19T00:00:00Z", "object": "model", "created": 1_739_923_200, "owned_by": "me"}),
        ),
    ];
    for (name, body, expected) in rows {
        assert_eq!(list(&body), [expected], "{name}");
    }
}

/// The embeddings API of the dialect that serves a path.
fn embeddings_api(path: &str) -> &'static dyn EmbeddingsApi {
    match auxiliary_route("POST", path, &http::HeaderMap::new()).map(|(_, route)| route.kind) {
        Some(AuxiliaryKind::Embeddings(embedding)) => embedding,
        other => panic!("{path}: {other:?}"),
    }
}

fn embeddings(body: &Value, base64: bool) -> (Value, Vec<String>) {
    let request = json!({"model": "mine", "encoding_format": if base64 { "base64" } else { "float" }});
    let (mut diagnostics, request) = (Diagnostics::default(), request.to_string());
    let openais = embeddings_api("/v1/embeddings");
    let asking = AuxiliaryRequest { body: request.as_bytes(), ..AuxiliaryRequest::default() };
    let request = openais.decode_request(&asking, &mut diagnostics).unwrap();
    let body = body.to_string();
    let repaired = openais.repair_response(body.as_bytes(), &request, &mut diagnostics);
    let out = serde_json::from_slice(&repaired.unwrap_or(body.into_bytes())).unwrap();
    (out, diagnostics.codes().iter().map(|(code, _)| code.to_string()).collect())
}

/// A path, a request, a response, and the number of texts: `a` and `b`, or `a` only.
const FORMS: [(&str, &str, &str, usize); 5] = [
    (
        "/v1/embeddings",
        r#"{"model":"m","input":["a","b"]}"#,
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,2.50]},{"object":"embedding","index":1,"embedding":[3e-1,4]}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#,
        2,
    ),
    (
        "/api/embed",
        r#"{"model":"m","input":["a","b"]}"#,
        r#"{"model":"m","embeddings":[[1,2.50],[3e-1,4]],"prompt_eval_count":5}"#,
        2,
    ),
    ("/api/embeddings", r#"{"model":"m","prompt":"a"}"#, r#"{"embedding":[1,2.50]}"#, 1),
    (
        "/v1beta/models/m:batchEmbedContents",
        r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},{"model":"models/m","content":{"parts":[{"text":"b"}]}}]}"#,
        r#"{"embeddings":[{"values":[1,2.50]},{"values":[3e-1,4]}]}"#,
        2,
    ),
    (
        "/v1beta/models/m:embedContent",
        r#"{"content":{"parts":[{"text":"a"}]}}"#,
        r#"{"embedding":{"values":[1,2.50]}}"#,
        1,
    ),
];

#[test]
fn embeddings_convert_between_all_forms_with_every_digit() {
    for (client, body, _, texts) in FORMS {
        for (upstream, _, answer, holds) in FORMS.into_iter().filter(|form| form.3 >= texts) {
            let what = format!("{client} in front of {upstream}");
            let (own, theirs, mut diagnostics) =
                (embeddings_api(client), embeddings_api(upstream), Diagnostics::default());
            let asking = AuxiliaryRequest { name: "m", body: body.as_bytes(), ..AuxiliaryRequest::default() };
            let request = own.decode_request(&asking, &mut diagnostics).unwrap();
            assert_eq!((request.model.as_str(), request.texts().unwrap().len()), ("m", texts), "{what}");
            let sent = theirs.encode_request(&request, None, &mut diagnostics).unwrap().body;
            let sent = String::from_utf8(sent).unwrap();
            assert!(sent.contains("\"a\"") && sent.contains("\"b\"") == (texts == 2), "{what}: {sent}");
            let read = theirs.decode_response(answer.as_bytes(), &request, &mut diagnostics).unwrap();
            assert_eq!(read.vectors.len(), holds, "{what}");
            let written = own.encode_response(&read, &request, &mut diagnostics).unwrap();
            assert!(written.contains("[1,2.50]"), "{what}: {written}");
            assert_eq!(written.contains("[3e-1,4]"), texts == 2 && holds == 2, "{what}: {written}");
        }
    }
}

#[test]
fn embeddings_without_vectors_or_input_are_rejected() {
    let mut diagnostics = Diagnostics::default();
    for (path, ..) in FORMS {
        let own = embeddings_api(path);
        for body in ["{}", "[]", "", r#"{"data":[{}]}"#, r#"{"embeddings":[1]}"#] {
            let request = openai_shim_core::canonical::EmbedRequest::default();
            assert!(
                own.decode_response(body.as_bytes(), &request, &mut diagnostics).is_err(),
                "{path}: {body}"
            );
        }
        let asking = AuxiliaryRequest { name: "m", body: b"[]", ..AuxiliaryRequest::default() };
        assert!(own.decode_request(&asking, &mut diagnostics).is_err(), "{path}");
    }
    let tokens = AuxiliaryRequest { body: br#"{"model":"m","input":[1,2]}"#, ..AuxiliaryRequest::default() };
    let request = embeddings_api("/v1/embeddings").decode_request(&tokens, &mut diagnostics).unwrap();
    for path in ["/api/embed", "/v1beta/models/m:batchEmbedContents"] {
        assert_eq!(
            embeddings_api(path)
                .encode_request(&request, None, &mut diagnostics)
                .unwrap_err()
                .param
                .as_deref(),
            Some("input")
        );
    }
}

#[test]
fn embeddings_parameters_without_a_place_are_reported() {
    let mut diagnostics = Diagnostics::default();
    let body = br#"{"model":"m","prompt":"a","options":{"num_ctx":9},"truncate":false,"keep_alive":null}"#;
    let asking = AuxiliaryRequest { body, ..AuxiliaryRequest::default() };
    embeddings_api("/api/embeddings").decode_request(&asking, &mut diagnostics).unwrap();
    let body = br#"{"model":"m","input":["a"],"user":"u","dimensions":3,"encoding_format":"base64"}"#;
    let asking = AuxiliaryRequest { body, ..AuxiliaryRequest::default() };
    embeddings_api("/v1/embeddings").decode_request(&asking, &mut diagnostics).unwrap();
    let reported: Vec<_> = diagnostics.iter().map(|n| n.path.clone()).collect();
    assert_eq!(reported, ["options", "truncate", "user"]);
}

fn answer(embedding: Value, usage: Value) -> Value {
    json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": embedding}], "model": "m", "usage": usage})
}

#[test]
fn embeddings_have_the_requested_encoding_and_openais_shape() {
    let usage = || json!({"prompt_tokens": 3, "total_tokens": 3});
    let numbers = answer(json!([1.0, -2.0]), usage());
    let packed = answer(json!("AACAPwAAAMA="), usage());
    let rows: Vec<(&str, Value, bool, Value, &[&str])> = vec![
        ("right as it is", numbers.clone(), false, numbers.clone(), &[]),
        ("right as it is, packed", packed.clone(), true, packed.clone(), &[]),
        (
            "M8 numbers though base64 was asked for",
            numbers.clone(),
            true,
            packed.clone(),
            &["content-rewritten"],
        ),
        (
            "M8 base64 though numbers were asked for",
            packed,
            false,
            answer(json!([1, -2]), usage()),
            &["content-rewritten"],
        ),
        (
            "M7 only a total",
            answer(json!([1.0]), json!({"total_tokens": 3})),
            false,
            answer(json!([1.0]), json!({"total_tokens": 3, "prompt_tokens": 3})),
            &["usage-shaped"],
        ),
        (
            "M9 no model, no object",
            json!({"data": [{"embedding": [1.0]}], "usage": usage()}),
            false,
            json!({"data": [{"embedding": [1.0], "object": "embedding", "index": 0}], "usage": usage(), "object": "list", "model": "mine"}),
            &["object-filled", "field-filled", "model-filled"],
        ),
        (
            "vectors without objects around them",
            json!({"embeddings": [[1.0]], "model": "m"}),
            false,
            json!({"data": [{"embedding": [1.0], "object": "embedding", "index": 0}], "model": "m", "object": "list", "usage": {"prompt_tokens": 0, "total_tokens": 0}}),
            &["field-filled", "object-filled", "usage-missing"],
        ),
    ];
    for (name, body, base64, expected, codes) in rows {
        let (out, found) = embeddings(&body, base64);
        assert_eq!(out, expected, "{name}");
        let mut found = found;
        found.sort();
        found.dedup();
        let mut codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
        codes.sort();
        assert_eq!(found, codes, "{name}");
    }
    for odd in [
        json!({"data": "x"}),
        json!({"data": [{"embedding": 5}]}),
        json!([]),
        json!({"data": [{"embedding": "%%%"}]}),
    ] {
        assert_eq!(embeddings(&odd, false).0, odd, "what cannot be read is left alone");
    }
}

fn recordings(file: &str) -> Vec<Value> {
    let Some(shared) = shared(file) else { return Vec::new() };
    #[allow(clippy::disallowed_methods)] // tests read files
    let text = std::fs::read_to_string(shared.join("corpus").join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The numbers of an embedding in either encoding.
fn numbers(embedding: &Value) -> Vec<u32> {
    if let Some(list) = embedding.as_array() {
        #[allow(clippy::cast_possible_truncation)] // the encoding truncates too
        return list.iter().map(|n| (n.as_f64().unwrap() as f32).to_bits()).collect();
    }
    let body = json!({"data": [{"embedding": embedding}], "model": "m"});
    numbers(&embeddings(&body, false).0["data"][0]["embedding"])
}

#[test]
fn recorded_embeddings_keep_every_number_in_both_encodings() {
    let mut summary = 0;
    for recording in recordings("openai-embeddings.jsonl") {
        let body = &recording["response"]["body"];
        let body: Value =
            body.as_str().map_or_else(|| body.clone(), |text| serde_json::from_str(text).unwrap_or_default());
        let Some(first) = body["data"].get(0).and_then(|item| item.get("embedding")) else { continue };
        summary += 1;
        for base64 in [false, true] {
            let (out, _) = embeddings(&body, base64);
            let vector = &out["data"][0]["embedding"];
            assert_eq!(vector.is_string(), base64);
            assert_eq!(numbers(vector), numbers(first));
            assert!(out["usage"]["prompt_tokens"].is_u64() && out["usage"]["total_tokens"].is_u64());
            assert!(out["model"].is_string() && out["object"] == "list");
        }
    }
    println!("{summary} recorded embeddings");
}

#[test]
fn recorded_model_lists_keep_every_model() {
    for recording in recordings("models.jsonl") {
        let body = recording["response"]["body"].to_string();
        let body = recording["response"]["body"].as_str().unwrap_or(&body);
        let value: Value = serde_json::from_str(body).unwrap();
        let listed = ["data", "models"].iter().find_map(|key| value.get(key).and_then(Value::as_array));
        let Some(listed) = listed else { continue };
        let models = parse_models(body.as_bytes(), "me").unwrap();
        assert_eq!(models.len(), listed.len());
        for model in models {
            let model: Value = serde_json::from_str(&model.json).unwrap();
            assert!(model["id"].is_string() && model["object"] == "model");
            assert!(model["created"].is_u64() && model["owned_by"].is_string());
        }
    }
}
