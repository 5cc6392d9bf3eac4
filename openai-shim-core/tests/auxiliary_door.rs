//! Routes for anything but generation, through the front door: model lists, token counts, embeddings, rankings, stored responses, and
//! what is forwarded, for clients and upstreams of every dialect.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};
use openai_shim_core::canonical::Role;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, AuxiliaryRoute};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::RequestKind;
use openai_shim_core::state::{Owner, StateEntry, StateKey};
use openai_shim_core::upstream::{ResponseBody, ShimBuilder, StateError, TargetRef};
use openai_shim_core::{
    Outcome, Profile, Report, Shim, StateStore, Upstream, UpstreamBody, UpstreamError, profile,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Answers every request in all forms at once, and records it.
#[derive(Default, Clone)]
struct Versatile(Arc<Mutex<Vec<(String, String)>>>);

impl Versatile {
    fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl Upstream for Versatile {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let path = request.uri().to_string();
        let body = String::from_utf8(request.into_body().to_vec()).unwrap();
        let answer = if path.contains("count") || path.contains("input_tokens") {
            r#"{"input_tokens":7,"totalTokens":7}"#
        } else if path.contains("mbedContent") {
            r#"{"embeddings":[{"values":[0.5,0.25]}],"embedding":{"values":[0.5,0.25]}}"#
        } else if path.contains("embed") {
            r#"{"object":"list","data":[{"index":0,"embedding":[0.5,0.25]}]}"#
        } else if path.contains("rerank") {
            r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}"#
        } else if path.contains("moderations") {
            r#"{"results":[{"flagged":false}]}"#
        } else if path.ends_with("models") || path.ends_with("tags") {
            r#"{"object":"list","data":[{"id":"listed","object":"model"}]}"#
        } else {
            r#"{"object":"x","choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}"#
        };
        self.0.lock().unwrap().push((path, body));
        let response = http::Response::builder().header("content-type", "application/json");
        Ok(response.body(UpstreamBody::complete(answer)).unwrap())
    }
}

/// A store in a map.
#[derive(Default)]
struct MapStore(Mutex<BTreeMap<String, Bytes>>);

#[async_trait]
impl StateStore for MapStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let map = self.0.lock().unwrap();
        Ok(keys.iter().map(|key| map.get(&key.to_string()).cloned()).collect())
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        let entries = entries.into_iter().map(|entry| (entry.key.to_string(), entry.value));
        self.0.lock().unwrap().extend(entries);
        Ok(())
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        for key in keys {
            self.0.lock().unwrap().remove(&key.to_string());
        }
        Ok(())
    }
}

fn builder(upstream: &Versatile, profile: Profile) -> ShimBuilder {
    Shim::builder(upstream.clone(), profile).clock(|| Duration::from_secs(1_234_567_890)).entropy(|| 7)
}

fn compatible() -> Profile {
    profile("compatible").unwrap()
}

fn native(dialect: Dialect) -> Profile {
    Profile::native(dialect).unwrap_or_else(compatible).with_only_dialect(dialect.name())
}

/// All routes of all dialects of which `is_wanted`, with a path of each.
fn routes(is_wanted: impl Fn(&AuxiliaryKind) -> bool) -> Vec<(Dialect, &'static AuxiliaryRoute, String)> {
    let mut routes = Vec::new();
    for dialect in DIALECTS {
        for route in dialect.auxiliary_routes().iter().filter(|route| is_wanted(&route.kind)) {
            let prefix = route.prefixes.first().copied().unwrap_or_default();
            let path = match route.path.split_once('{') {
                Some((before, after)) => {
                    let (name, after) = after.split_once('}').unwrap();
                    format!("{before}{}m{after}", if name.starts_with('/') { "/" } else { "" })
                }
                None => route.path.to_owned(),
            };
            routes.push((*dialect, route, format!("{prefix}{path}")));
        }
    }
    routes
}

const TEXT: &str = "call 555-1234";

/// A body that every route could have.
fn body(path: &str) -> String {
    // A prompt of the Responses API is something else.
    let prompt = if path.contains("responses") { "other" } else { "prompt" };
    let parts = format!(r#"{{"role":"user","parts":[{{"text":"{TEXT}"}}]}}"#);
    format!(
        r#"{{"model":"m","max_tokens":50,"messages":[{{"role":"user","content":"{TEXT}"}}],"contents":[{parts}],"input":"{TEXT}",
        "{prompt}":"{TEXT}","content":{parts},"requests":[{{"model":"models/m","content":{parts}}}],"query":"{TEXT}",
        "documents":["{TEXT}","b"]}}"#
    )
}

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::builder().method(method).uri(path).body(body.into()).unwrap()
}

async fn text(response: http::Response<ResponseBody>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn every_route_of_every_dialect_is_served() {
    let shim = builder(&Versatile::default(), compatible()).build().unwrap();
    for (dialect, route, path) in routes(|_| true) {
        for method in route.methods.split(", ") {
            let response = shim.serve(request(method, &path, body(&path))).await;
            let status = response.status();
            let answer = text(response).await;
            let context = format!("{} {method} {path}: {status} {answer}", dialect.name());
            assert!(
                !answer.contains("There is no `") && status != StatusCode::METHOD_NOT_ALLOWED,
                "{context}"
            );
            assert_eq!(answer.is_empty(), method == "HEAD", "{context}");
        }
        let response = shim.serve(request("TRACE", &path, "")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(response.headers().contains_key("allow"), "{path}");
    }
}

#[tokio::test]
async fn model_lists_are_those_of_the_program_or_the_upstreams() {
    let upstream = Versatile::default();
    let named = builder(&upstream, compatible()).models(["first-model", "second-model"]).build().unwrap();
    let listed = builder(&upstream, compatible()).build().unwrap();
    for (_, _, path) in routes(|kind| matches!(kind, AuxiliaryKind::ModelList(_))) {
        let list = text(named.serve(request("GET", &path, "")).await).await;
        assert!(list.contains("first-model") && list.contains("second-model"), "{path}: {list}");
        assert!(upstream.take().is_empty(), "{path}");
        let list = text(listed.serve(request("GET", &path, "")).await).await;
        assert!(list.contains("listed") && upstream.take().len() == 1, "{path}: {list}");
    }
    for (_, route, path) in routes(|kind| matches!(kind, AuxiliaryKind::Model(_))) {
        if !route.path.ends_with("{model}") {
            continue;
        }
        let one = format!("{}first-model", path.strip_suffix('m').unwrap());
        let found = named.serve(request("GET", &one, "")).await;
        assert_eq!(found.status(), StatusCode::OK, "{one}");
        assert!(text(found).await.contains("first-model"), "{one}");
        assert_eq!(named.serve(request("GET", &path, "")).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_the_upstream_or_estimated() {
    for (client, route, path) in routes(|kind| matches!(kind, AuxiliaryKind::TokenCount(_))) {
        let AuxiliaryKind::TokenCount(api) = route.kind else { unreachable!() };
        let mut counted = 0;
        for dialect in DIALECTS {
            let upstream = Versatile::default();
            let shim = builder(&upstream, native(*dialect)).build().unwrap();
            let response = shim.serve(request("POST", &path, body(&path))).await;
            let context = format!("{} to {}: {path}", client.name(), dialect.name());
            assert_eq!(response.status(), StatusCode::OK, "{context}");
            let diagnostics =
                response.body().diagnostics().iter().map(|d| d.code.as_str()).collect::<Vec<_>>();
            let answer = text(response).await;
            let tokens = api.decode_response(answer.as_bytes()).unwrap();
            let is_estimate = upstream.take().is_empty();
            assert_eq!(diagnostics.contains(&"tokens-estimated"), is_estimate, "{context}");
            assert!(is_estimate || tokens == 7, "{context}: {answer}");
            counted += usize::from(!is_estimate);
        }
        assert!(counted > 0, "{path}");
    }
}

#[tokio::test]
async fn hooks_change_the_texts_of_counts_embeddings_and_rankings_for_every_upstream() {
    let is_text = |kind: &AuxiliaryKind| {
        matches!(kind, AuxiliaryKind::TokenCount(_) | AuxiliaryKind::Embeddings(_) | AuxiliaryKind::Rerank)
    };
    for (client, route, path) in routes(is_text) {
        let mut reached = 0;
        for dialect in DIALECTS {
            let (upstream, kinds) = (Versatile::default(), Arc::new(Mutex::new(Vec::new())));
            let sink = kinds.clone();
            let shim = builder(&upstream, native(*dialect))
                .on_request(move |request| {
                    let messages = &request.request().messages;
                    let has_text = |message: &openai_shim_core::canonical::Message| {
                        message.role == Role::User && message.joined_text() == TEXT
                    };
                    assert!(messages.iter().any(has_text), "{messages:?}");
                    sink.lock().unwrap().push(request.kind());
                    request.prepend_system("Be brief.")?;
                    request.edit(|request| request.model = String::from("other"))?;
                    request.rewrite_text(|text| {
                        text.contains("555").then(|| text.replace("555-1234", "[phone]"))
                    })
                })
                .build()
                .unwrap();
            let answer = text(shim.serve(request("POST", &path, body(&path))).await).await;
            let expected = match route.kind {
                AuxiliaryKind::TokenCount(_) => RequestKind::TokenCount,
                AuxiliaryKind::Embeddings(_) => RequestKind::Embeddings,
                _ => RequestKind::Ranking,
            };
            assert_eq!(*kinds.lock().unwrap(), [expected], "{path}");
            for (sent_path, sent) in upstream.take() {
                let context = format!("{} to {}: {path}: {sent_path} {sent}", client.name(), dialect.name());
                assert!(!sent.contains("555") && sent.contains("call [phone]"), "{context}\n{answer}");
                assert!(sent.contains("other") || sent_path.contains("other"), "{context}");
                assert_eq!(sent.contains("Be brief."), expected == RequestKind::TokenCount, "{context}");
                reached += 1;
            }
        }
        assert!(reached > 0 || matches!(route.kind, AuxiliaryKind::Rerank), "{path}");
    }
}

#[tokio::test]
async fn texts_that_cannot_be_edited_are_refused_and_stay() {
    let upstream = Versatile::default();
    let shim = builder(&upstream, compatible())
        .on_request(|request| {
            let before = (request.body().to_vec(), request.request().messages[0].joined_text());
            let edited = request.edit(|request| request.messages.edit().clear());
            let after = (request.body().to_vec(), request.request().messages[0].joined_text());
            assert!(edited.is_err() && before == after);
            // A parameter that embeddings have not is no reason to refuse them.
            request.edit(|request| request.temperature = Some(0.5))
        })
        .build()
        .unwrap();
    let response = shim.serve(request("POST", "/v1/embeddings", body(""))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.body().diagnostics().iter().any(|d| d.path == "temperature"));
}

#[tokio::test]
async fn embeddings_and_rankings_come_in_the_clients_form() {
    for dialect in DIALECTS {
        let shim = builder(&Versatile::default(), native(*dialect)).build().unwrap();
        for (client, _, path) in routes(|kind| matches!(kind, AuxiliaryKind::Embeddings(_))) {
            let response = shim.serve(request("POST", &path, body(&path))).await;
            let status = response.status();
            let answer = text(response).await;
            let context = format!("{} to {}: {path}: {answer}", client.name(), dialect.name());
            assert!(status == StatusCode::OK && answer.contains("0.5"), "{context}");
        }
    }
    let shim = builder(&Versatile::default(), profile("vllm").unwrap()).build().unwrap();
    for (_, _, path) in routes(|kind| matches!(kind, AuxiliaryKind::Rerank)) {
        let answer = text(shim.serve(request("POST", &path, body(&path))).await).await;
        assert!(answer.contains("0.9"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn what_no_hook_can_read_is_forwarded_only_without_hooks() {
    let upstream = Versatile::default();
    let mut files = compatible();
    files.paths.forward.push(String::from("/files"));
    let plain = builder(&upstream, files.clone()).build().unwrap();
    let hooked = builder(&upstream, files).on_request(|_| Ok(())).build().unwrap();
    for (method, path) in
        [("POST", "/v1/moderations"), ("POST", "/v1/audio/speech"), ("GET", "/v1/files?limit=2")]
    {
        let response = plain.serve(request(method, path, r#"{"model":"m","input":"hi"}"#)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let sent = upstream.take();
        assert_eq!(sent.len(), 1, "{path}");
        assert_eq!(format!("/v1{}", sent[0].0), path);
        let response = hooked.serve(request(method, path, r#"{"model":"m","input":"hi"}"#)).await;
        let refusal = text(response).await;
        assert!(refusal.contains("unreadable_request") && upstream.take().is_empty(), "{path}: {refusal}");
    }
    let unknown = builder(&upstream, compatible()).build().unwrap();
    let response = unknown.serve(request("GET", "/v1/files", "")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(upstream.take().is_empty());
}

#[tokio::test]
async fn responses_are_stored_for_their_owner_continued_and_deleted() {
    let (upstream, store) = (Versatile::default(), Arc::new(MapStore::default()));
    let owner_of = |parts: &http::request::Parts| {
        parts.headers.get("x-owner").map(|owner| Owner::new(owner.to_str().unwrap()))
    };
    let shim = builder(&upstream, compatible().with_only_dialect("openai-chat"))
        .state(store, owner_of)
        .on_request(|request| request.prepend_system("Be brief."))
        .build()
        .unwrap();
    let serve = |owner: &str, method: &str, path: String, body: String| {
        let mut request = request(method, &path, body);
        request.headers_mut().insert("x-owner", owner.parse().unwrap());
        shim.serve(request)
    };
    let create = |extra: &str| format!(r#"{{"model":"m","input":"first words"{extra}}}"#);
    for stream in ["", r#","stream":true"#] {
        let path = || String::from("/v1/responses");
        let answer = text(serve("ann", "POST", path(), create(stream)).await).await;
        let id = answer.split(r#""id":""#).find(|part| part.starts_with("resp_")).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let one = || format!("/v1/responses/{id}");
        assert!(text(serve("ann", "GET", one(), String::new()).await).await.contains("hello"), "{answer}");
        assert_eq!(serve("bob", "GET", one(), String::new()).await.status(), StatusCode::NOT_FOUND);
        upstream.take();
        let next = format!(r#"{{"model":"m","input":"next words","previous_response_id":"{id}"}}"#);
        assert_eq!(serve("ann", "POST", path(), next).await.status(), StatusCode::OK);
        let sent = upstream.take().pop().unwrap().1;
        assert!(
            sent.contains("first words") && sent.contains("hello") && sent.contains("next words"),
            "{sent}"
        );
        assert_eq!(sent.matches("Be brief.").count(), 1, "{sent}");
        assert_eq!(serve("ann", "DELETE", one(), String::new()).await.status(), StatusCode::OK);
        assert_eq!(serve("ann", "GET", one(), String::new()).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn texts_go_to_the_upstream_of_their_model_and_lists_are_joined() {
    let (first, second) = (Versatile::default(), Versatile::default());
    let shim = builder(&first, compatible())
        .upstream("second", second.clone(), profile("vllm").unwrap())
        .route(|request| match request.model() {
            "m" => vec![TargetRef::to("second").with_model("theirs")],
            _ => vec![],
        })
        .build()
        .unwrap();
    for path in ["/v1/embeddings", "/v1/rerank", "/v1/messages/count_tokens"] {
        assert_eq!(shim.serve(request("POST", path, body(path))).await.status(), StatusCode::OK, "{path}");
        assert!(first.take().is_empty(), "{path}");
        let sent = second.take();
        assert!(sent.iter().all(|(_, body)| body.contains("theirs")), "{path}: {sent:?}");
        assert!(!sent.is_empty() || path.contains("count"), "{path}");
    }
    let list = text(shim.serve(request("GET", "/v1/models", "")).await).await;
    assert_eq!(
        (list.matches("listed").count(), first.take().len(), second.take().len()),
        (1, 1, 1),
        "{list}"
    );
}

#[tokio::test]
async fn each_auxiliary_request_has_one_report() {
    let reports: Arc<Mutex<Vec<(Outcome, bool)>>> = Arc::default();
    let sink = reports.clone();
    let record =
        move |report: &Report| sink.lock().unwrap().push((report.outcome, report.request_id.is_empty()));
    let shim = builder(&Versatile::default(), compatible()).on_report(record).build().unwrap();
    for (method, path) in [
        ("GET", "/v1/models"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/moderations"),
    ] {
        text(shim.serve(request(method, path, body(path))).await).await;
    }
    drop(shim.serve(request("POST", "/v1/audio/speech", body(""))).await);
    text(shim.serve(request("GET", "/v1/models/unknown", "")).await).await;
    let (complete, left, refused) = (Outcome::Complete, Outcome::Cancelled, Outcome::Errored);
    let expected = [complete, complete, complete, complete, left, refused].map(|outcome| (outcome, false));
    assert_eq!(*reports.lock().unwrap(), expected);
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let shim = builder(&Versatile::default(), compatible()).models(["m"]).build().unwrap();
    let response = shim.serve(request(Method::HEAD.as_str(), "/v1/models", "")).await;
    assert_eq!((response.status(), text(response).await.as_str()), (StatusCode::OK, ""));
}
