//! Each known member of each dialect's requests, with each wrong JSON type: an error or a warning names the member.
#![allow(clippy::disallowed_methods)] // the ban is for core itself: tests read files

mod common;

#[path = "wrong_types/seeds.rs"]
mod seeds;
#[path = "wrong_types/tables.rs"]
mod tables;

use openai_shim_core::canonical::{DiagnosticCode, Diagnostics};
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, AuxiliaryRequest, EmbeddingsApi};
use openai_shim_core::dialect::shape::{Mismatch, Shape, Style, Type};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::error::ClientError;
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::{Context, Exchange, Step, profile};
use seeds::{AUXILIARY, SEEDS};
use serde_json::Value;
use std::collections::BTreeSet;

const INFINITE: &str = "1e999";
/// Values of every JSON type, including numbers that `serde_json` would write in another form.
const WRONG: [&str; 9] = [
    "true",
    "-7351",
    "0.7351",
    "735173517351735173517351",
    INFINITE,
    "\"seven\"",
    "[[7351]]",
    "{\"seven\":7351}",
    "7351",
];

/// The position of a value, and its allowed types.
#[derive(Clone, Debug)]
struct Target {
    /// The position in the seed, for [`Value::pointer_mut`].
    pointer: String,
    /// The path that diagnostics have.
    path: String,
    types: &'static [Type],
    mismatch: Mismatch,
}

/// All known members of a payload, with their shapes and keys.
struct Found {
    targets: Vec<Target>,
    summary: BTreeSet<(usize, &'static str)>,
}

fn address(shape: &Shape) -> usize {
    std::ptr::from_ref(shape) as usize
}

impl Found {
    fn object(&mut self, shape: &'static Shape, value: &Value, pointer: &str, path: &str) {
        let Value::Object(members) = value else { return };
        let kind = members.get("type").map_or(Some(""), Value::as_str);
        let variant = shape.variants.iter().find(|(names, _)| kind.is_some_and(|kind| names.contains(&kind)));
        let variant = variant.map(|(_, own)| *own);
        for own in [Some(shape), variant].into_iter().flatten() {
            for member in own.members {
                let Some(value) = members.get(member.key) else { continue };
                self.summary.insert((address(own), member.key));
                let varies = |variant: &Shape| variant.members.iter().any(|other| other.key == member.key);
                if std::ptr::eq(own, shape) && variant.is_some_and(varies) {
                    continue;
                }
                let dot = if path.is_empty() { "" } else { "." };
                let at = Target {
                    pointer: format!("{pointer}/{}", member.key),
                    path: format!("{path}{dot}{}", member.key),
                    types: member.types,
                    mismatch: member.mismatch,
                };
                self.value(at, value);
            }
        }
    }

    fn value(&mut self, at: Target, value: &Value) {
        for own in at.types {
            match (own, value) {
                (Type::Object(shape), Value::Object(_)) => self.object(shape, value, &at.pointer, &at.path),
                (Type::List(types), Value::Array(items)) => {
                    for (i, item) in items.iter().enumerate() {
                        let (pointer, path) = (format!("{}/{i}", at.pointer), format!("{}[{i}]", at.path));
                        self.value(Target { pointer, path, types, ..at }, item);
                    }
                }
                _ => {}
            }
        }
        self.targets.push(at);
    }
}

/// Whether JSON text is a value of a type; independent of the code that it tests.
fn is(own: &Type, json: &str, style: Style) -> bool {
    let number = |json: &str| json.parse::<f64>().ok().filter(|n| n.is_finite());
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let digits = match text {
        Some(text) if style == Style::Protobuf => text,
        _ => json,
    };
    let integral = number(digits).filter(|n| n.fract() == 0.0);
    match own {
        Type::Any => true,
        Type::Bool => matches!(json, "true" | "false"),
        Type::Number => number(digits).is_some(),
        Type::Integer => integral.is_some_and(|n| n.abs() < 9e18),
        Type::Natural => integral.is_some_and(|n| (0.0..1.8e19).contains(&n)),
        Type::Count => integral.is_some_and(|n| (0.0..4e9).contains(&n)),
        Type::Text => text.is_some(),
        Type::Map | Type::Object(_) => json.starts_with('{'),
        Type::List(_) => json.starts_with('['),
    }
}

/// The dialects that have tables.
fn dialects() -> impl Iterator<Item = Dialect> {
    DIALECTS.iter().copied().filter(|dialect| !dialect.request_shape().members.is_empty())
}

fn found(shape: &'static Shape, seeds: &[&str]) -> Vec<(String, Vec<Target>)> {
    let mut all = Vec::new();
    let mut summary = BTreeSet::new();
    for seed in seeds {
        let value: Value = serde_json::from_str(seed).unwrap_or_else(|e| panic!("{e}: {seed}"));
        let mut found = Found { targets: Vec::new(), summary: BTreeSet::new() };
        found.object(shape, &value, "", "");
        summary.append(&mut found.summary);
        all.push(((*seed).to_owned(), found.targets));
    }
    let mut missing = Vec::new();
    let (mut open, mut known) = (vec![shape], BTreeSet::new());
    while let Some(shape) = open.pop() {
        if !known.insert(address(shape)) {
            continue;
        }
        open.extend(shape.variants.iter().map(|(_, own)| *own));
        for member in shape.members {
            if !summary.contains(&(address(shape), member.key)) {
                missing.push(format!("{}: {}", shape.plural, member.key));
            }
            inner(member.types, &mut open);
        }
    }
    assert!(missing.is_empty(), "no seed has {missing:?}");
    all
}

fn inner(types: &'static [Type], open: &mut Vec<&'static Shape>) {
    for own in types {
        match own {
            Type::Object(shape) => open.push(shape),
            Type::List(types) => inner(types, open),
            _ => {}
        }
    }
}

/// Replaces one value of the seed.
fn changed(seed: &str, target: &Target, json: &str) -> String {
    let mut value: Value = serde_json::from_str(seed).unwrap();
    *value.pointer_mut(&target.pointer).unwrap() = Value::from("@@");
    value.to_string().replace("\"@@\"", json)
}

/// A path in the form of a dialect's errors.
fn path_in_style(path: &str, style: Style) -> String {
    match style {
        Style::Dots => path.replace('[', ".").replace(']', ""),
        _ => path.to_owned(),
    }
}

fn warns(diagnostics: &Diagnostics, path: &str) -> bool {
    diagnostics.iter().any(|record| record.code == DiagnosticCode::ParamInvalid && record.path == path)
}

fn names(error: &ClientError, path: &str) -> bool {
    error.param.as_deref() == Some(path) && error.message.contains(path)
}

/// The upstream request and the diagnostics, or an error for the client.
type Sent = Result<(String, Diagnostics), String>;

/// The upstream request for each upstream dialect; an error for the client is represented by its field.
fn sent(client: Dialect, path: &str, body: &str) -> Vec<(&'static str, Sent)> {
    DIALECTS
        .iter()
        .map(|upstream| {
            let mut upstream_profile = profile("compatible").unwrap();
            upstream.name().clone_into(&mut upstream_profile.dialect);
            let body = bytes::Bytes::copy_from_slice(body.as_bytes());
            let sent = ClientRequest::read(client, path, body)
                .and_then(|incoming| {
                    Exchange::start(incoming, upstream_profile, Settings::default(), Context::fixed())
                })
                .map(|mut exchange| {
                    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
                    let body = String::from_utf8(request.body().to_vec()).unwrap();
                    (body, exchange.report().diagnostics.clone())
                })
                .map_err(|error| error.message().into_owned());
            (upstream.name(), sent)
        })
        .collect()
}

/// Where a rule puts an accepted value: ids that pair calls with results, names that an API requires, the detail of an image, and
/// how much the model reasons.
const REWRITTEN: [&str; 12] = [
    "].id",
    ".tool_call_id",
    ".tool_use_id",
    ".functionResponse.id",
    ".json_schema.name",
    ".format.name",
    ".filename",
    ".detail",
    "output_config",
    "output_config.effort",
    "thinking.budget_tokens",
    "thinking.display",
];

#[test]
fn member_of_a_wrong_type_is_reported_for_every_upstream_dialect() {
    let (mut cases, mut silent) = (0, Vec::new());
    for dialect in dialects() {
        let shape = dialect.request_shape();
        let (path, seeds) =
            SEEDS.iter().find(|(name, ..)| *name == dialect.name()).map(|(_, p, s)| (*p, *s)).unwrap();
        for (seed, targets) in found(shape, seeds) {
            for target in &targets {
                for json in WRONG {
                    if target.types.iter().any(|own| is(own, json, shape.style)) {
                        continue;
                    }
                    cases += 1;
                    let body = changed(&seed, target, json);
                    let what = format!("{} {} = {json}", dialect.name(), target.path);
                    let mut diagnostics = Diagnostics::default();
                    let bytes = bytes::Bytes::copy_from_slice(body.as_bytes());
                    match dialect.decode_request(path, &bytes, &mut diagnostics) {
                        Err(error) if names(&error, &path_in_style(&target.path, shape.style)) => {
                            assert_ne!(target.mismatch, Mismatch::Warn, "{what}");
                            continue;
                        }
                        Err(error) => {
                            silent.push(format!("{what}: {error}"));
                            continue;
                        }
                        Ok(_) => assert_ne!(target.mismatch, Mismatch::Refuse, "{what}"),
                    }
                    if !warns(&diagnostics, &target.path) {
                        silent.push(what);
                        continue;
                    }
                    for (upstream, sent) in sent(dialect, path, &body) {
                        let Ok((sent, diagnostics)) = sent else { continue };
                        assert!(warns(&diagnostics, &target.path), "{what} to {upstream}");
                        let valid = serde_json::from_str::<serde::de::IgnoredAny>(&sent);
                        assert!(valid.is_ok(), "{what} to {upstream}: {sent}");
                        // Values that the shim writes itself, and parts where Ollama has none.
                        let ours = REWRITTEN.iter().any(|end| target.path.ends_with(end))
                            || target.path.starts_with("stream_options")
                            || json == INFINITE
                            || upstream == "ollama-chat" && target.path.contains(".content[");
                        if upstream == dialect.name() && !ours && !sent.contains(json) {
                            silent.push(format!("{what} did not go on as it came: {sent}"));
                        }
                    }
                }
            }
        }
    }
    assert!(silent.is_empty(), "{} of {cases}:\n{}", silent.len(), silent.join("\n"));
    assert!(cases > 2500, "{cases}");
    assert_eq!(dialects().count(), SEEDS.len());
}

fn auxiliary() -> impl Iterator<Item = (&'static str, &'static str, &'static dyn EmbeddingsApi)> {
    // Both of Ollama's dialects have the same routes.
    let dialects = DIALECTS.iter().filter(|dialect| dialect.name() != "ollama-generate");
    let routes =
        dialects.flat_map(|dialect| dialect.auxiliary_routes().iter().map(|route| (dialect.name(), route)));
    routes.filter_map(|(name, route)| match route.kind {
        AuxiliaryKind::Embeddings(embedding) => Some((name, route.path, embedding)),
        _ => None,
    })
}

#[test]
fn member_of_a_wrong_type_is_reported_in_an_embeddings_request() {
    let (mut cases, mut silent) = (0, Vec::new());
    for (name, path, embedding) in auxiliary() {
        let seeds =
            AUXILIARY.iter().find(|(own, at, _)| (*own, *at) == (name, path)).map(|(.., seeds)| *seeds);
        for (seed, targets) in found(embedding.request_shape(), seeds.unwrap()) {
            for target in &targets {
                for json in WRONG {
                    if target.types.iter().any(|own| is(own, json, embedding.request_shape().style)) {
                        continue;
                    }
                    cases += 1;
                    let body = changed(&seed, target, json);
                    let mut diagnostics = Diagnostics::default();
                    let asking = AuxiliaryRequest {
                        name: "m",
                        path,
                        body: body.as_bytes(),
                        ..AuxiliaryRequest::default()
                    };
                    let is_reported = match embedding.decode_request(&asking, &mut diagnostics) {
                        Err(error) => names(&error, &target.path),
                        Ok(_) => warns(&diagnostics, &target.path),
                    };
                    if !is_reported {
                        silent.push(format!("{name} {path} {} = {json}", target.path));
                    }
                }
            }
        }
    }
    assert!(silent.is_empty(), "{} of {cases}:\n{}", silent.len(), silent.join("\n"));
    assert!(cases > 150, "{cases}");
}

#[test]
fn wrong_type_in_a_list_is_reported_with_its_path() {
    for (name, body, path) in [
        (
            "anthropic-messages",
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"text":"x"}]}]}"#,
            "messages.0.content.1.type",
        ),
        (
            "anthropic-messages",
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":[{}]}]}]}"#,
            "messages.0.content.0.content.0.type",
        ),
        (
            "openai-chat",
            r#"{"messages":[{"role":"user","content":"x"},{"role":"user","content":["a",null]}]}"#,
            "messages[1].content[1]",
        ),
        (
            "openai-chat",
            r#"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"},null]}"#,
            "tools[1]",
        ),
        (
            "openai-responses",
            r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"x"},{}]}]}"#,
            "input[0].content[1]",
        ),
        (
            "ollama-chat",
            r#"{"model":"m","messages":[{"role":"user","content":"x","images":["aGk=",null]}]}"#,
            "messages[0].images[1]",
        ),
        ("gemini", r#"{"contents":[{"parts":[{"text":"x"},null]}]}"#, "contents[0].parts[1]"),
    ] {
        let dialect = openai_shim_core::dialect(name).unwrap();
        let bytes = bytes::Bytes::from_static(body.as_bytes());
        let error = dialect.decode_request("/models/m:generateContent", &bytes, &mut Diagnostics::default());
        assert_eq!(error.unwrap_err().param.as_deref(), Some(path), "{body}");
    }
    let (_, _, many) = auxiliary().find(|(_, path, _)| path.ends_with(":batchEmbedContents")).unwrap();
    let good = r#"{"content":{"parts":[{"text":"a"}]}}"#;
    for (bad, path) in [
        ("{}", "requests[1].content"),
        (r#"{"content":{"parts":[]}}"#, "requests[1].content"),
        (r#"{"content":{"parts":[{"text":"a"},{}]}}"#, "requests[1].content.parts[1]"),
        (r#"{"content":{"parts":[{"text":"a"},{"text":5}]}}"#, "requests[1].content.parts[1].text"),
        ("5", "requests[1]"),
    ] {
        let body = format!(r#"{{"requests":[{good},{bad}]}}"#);
        let asking = AuxiliaryRequest { name: "m", body: body.as_bytes(), ..AuxiliaryRequest::default() };
        let error = many.decode_request(&asking, &mut Diagnostics::default()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(path), "{error}");
    }
}

/// Examples that a person would try first; none is derived from the tables.
#[test]
fn formerly_ignored_wrong_types_are_reported() {
    for (name, body, path) in [
        ("openai-chat", r#"{"messages":[{"role":"user","content":"x"}],"stop":5}"#, "stop"),
        ("openai-chat", r#"{"messages":[{"role":"user","content":"x"}],"stop":["a",5]}"#, "stop[1]"),
        (
            "openai-chat",
            r#"{"messages":[{"role":"user","content":"x"}],"stream_options":[]}"#,
            "stream_options",
        ),
        (
            "openai-chat",
            r#"{"messages":[{"role":"user","content":"x"}],"parallel_tool_calls":"no"}"#,
            "parallel_tool_calls",
        ),
        ("openai-chat", r#"{"messages":[{"role":"user","content":"x"}],"temperature":1e999}"#, "temperature"),
        (
            "openai-chat",
            r#"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":5}]}"#,
            "tools[0].function",
        ),
        (
            "openai-chat",
            r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":5}}]}]}"#,
            "messages[0].content[0].image_url.url",
        ),
        ("openai-completions", r#"{"prompt":"x","echo":"yes"}"#, "echo"),
        ("openai-completions", r#"{"prompt":"x","stop":{}}"#, "stop"),
        ("openai-responses", r#"{"model":"m","input":"x","reasoning":"high"}"#, "reasoning"),
        ("openai-responses", r#"{"model":"m","input":"x","text":"json"}"#, "text"),
        ("openai-responses", r#"{"model":"m","input":"x","parallel_tool_calls":0}"#, "parallel_tool_calls"),
        ("ollama-generate", r#"{"model":"m","prompt":"x","images":"aGk="}"#, "images"),
        (
            "ollama-chat",
            r#"{"model":"m","messages":[{"role":"user","content":"x","images":[5]}]}"#,
            "messages[0].images[0]",
        ),
        (
            "anthropic-messages",
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":5}]}]}"#,
            "messages.0.content.0.text",
        ),
        (
            "anthropic-messages",
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"thinking":true}"#,
            "thinking",
        ),
        (
            "gemini",
            r#"{"contents":[{"parts":[{"text":"x"}]}],"generation_config":{"stop_sequences":"x"}}"#,
            "generation_config.stop_sequences",
        ),
    ] {
        let dialect = openai_shim_core::dialect(name).unwrap();
        let mut diagnostics = Diagnostics::default();
        let read = dialect.decode_request(
            "/models/m:generateContent",
            &bytes::Bytes::from_static(body.as_bytes()),
            &mut diagnostics,
        );
        let is_reported = match &read {
            Err(error) => error.param.as_deref() == Some(path),
            Ok(_) => diagnostics
                .iter()
                .any(|record| record.path == path && record.code == DiagnosticCode::ParamInvalid),
        };
        assert!(is_reported, "{body}: {read:?} {diagnostics:?}");
    }
}

#[test]
fn null_member_is_treated_as_absent_without_diagnostics() {
    for dialect in dialects() {
        let (path, seeds) =
            SEEDS.iter().find(|(name, ..)| *name == dialect.name()).map(|(_, p, s)| (*p, *s)).unwrap();
        for (seed, targets) in found(dialect.request_shape(), seeds) {
            for target in targets.iter().filter(|target| !target.path.ends_with(']')) {
                let body = changed(&seed, target, "null");
                let mut diagnostics = Diagnostics::default();
                let _ = dialect.decode_request(path, &body.into(), &mut diagnostics);
                assert!(
                    !diagnostics.iter().any(|record| record.code == DiagnosticCode::ParamInvalid),
                    "{}: {diagnostics:?}",
                    target.path
                );
            }
        }
    }
}

#[test]
fn member_of_the_right_type_is_not_reported() {
    for dialect in dialects() {
        let (path, seeds) =
            SEEDS.iter().find(|(name, ..)| *name == dialect.name()).map(|(_, p, s)| (*p, *s)).unwrap();
        for seed in seeds {
            let mut diagnostics = Diagnostics::default();
            let read =
                dialect.decode_request(path, &bytes::Bytes::from_static(seed.as_bytes()), &mut diagnostics);
            assert!(read.is_ok(), "{}: {read:?}", dialect.name());
            assert!(
                !diagnostics.iter().any(|record| record.code == DiagnosticCode::ParamInvalid),
                "{}: {diagnostics:?}",
                dialect.name()
            );
        }
    }
}

/// Requests of real clients: dialect, path, body, and file.
fn recorded() -> Vec<(Dialect, String, Value, String)> {
    let Some(shared) = common::shared("wrong types") else { return Vec::new() };
    let mut all = Vec::new();
    for client in std::fs::read_dir(shared.join("captures")).unwrap().flatten() {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            let mut capture: Value =
                serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
            let path = capture["path"].as_str().unwrap_or_default().to_owned();
            let route = path.split('?').next().unwrap();
            let serves = |d: &&Dialect| d.endpoints().iter().any(|e| e.matches(route));
            let Some(dialect) = DIALECTS.iter().find(serves) else { continue };
            // A capture that was shortened has a marker among the tools, which is not a tool.
            if let Some(tools) = capture["body"].get_mut("tools").and_then(Value::as_array_mut) {
                tools.retain(|tool| tool.get("_more_tools").is_none() && !tool.is_string());
            }
            if capture["body"].is_object() {
                all.push((*dialect, path, capture["body"].take(), file.path().display().to_string()));
            }
        }
    }
    assert!(all.len() > 100, "{}", all.len());
    all
}

#[test]
fn captured_requests_have_the_types_of_the_tables() {
    let mut wrong = Vec::new();
    for (dialect, path, body, name) in recorded() {
        let mut diagnostics = Diagnostics::default();
        let read = dialect.decode_request(&path, &body.to_string().into(), &mut diagnostics);
        wrong.extend(read.err().map(|error| format!("{name}: {error}")));
        let found = diagnostics.iter().filter(|record| record.code == DiagnosticCode::ParamInvalid);
        wrong.extend(found.map(|record| format!("{name}: {record}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Requests that a vendor's API accepted.
fn accepted() -> Vec<(Dialect, Value, String)> {
    let Some(shared) = common::shared("wrong types") else { return Vec::new() };
    let mut all = Vec::new();
    for file in ["anthropic", "gemini", "openai-chat", "openai-completions", "openai-responses", "ollama"] {
        let text = std::fs::read_to_string(shared.join(format!("corpus/{file}.jsonl"))).unwrap();
        for line in text.lines() {
            let mut entry: Value = serde_json::from_str(line).unwrap();
            let endpoint = entry["endpoint"].as_str().unwrap_or_default().replace('.', "-");
            let name = match file {
                "anthropic" => "anthropic-messages",
                "ollama" => endpoint.as_str(),
                file => file,
            };
            // Ollama's embeddings requests are a different kind of request.
            let Ok(dialect) = openai_shim_core::dialect(name) else { continue };
            if entry["response"]["status"] == 200 && entry["request"]["body"].is_object() {
                let name = format!("{file} {} {}", entry["provider"], entry["n"]);
                all.push((dialect, entry["request"]["body"].take(), name));
            }
        }
    }
    assert!(all.len() > 2000, "{}", all.len());
    all
}

#[test]
fn accepted_requests_have_the_types_of_the_tables() {
    let mut wrong = Vec::new();
    for (dialect, body, name) in accepted() {
        let mut diagnostics = Diagnostics::default();
        let read =
            dialect.decode_request("/models/m:generateContent", &body.to_string().into(), &mut diagnostics);
        // A recording may omit a part of a request.
        let refused = read.err().filter(|error| error.message.contains("must be"));
        wrong.extend(refused.map(|error| format!("{name}: {error}")));
        let found = diagnostics.iter().filter(|record| record.code == DiagnosticCode::ParamInvalid);
        wrong.extend(found.map(|record| format!("{name}: {record}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
