//! A `Shim` with a state store: what waits for the store, and what happens when it fails.

mod common;

use async_trait::async_trait;
use bytes::Bytes;
use common::conversation::{OPENING, answer, next, question, secrets};
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::exchange::{LossPolicy, Settings};
use openai_shim_core::state::{Owner, StateEntry, StateKey};
use openai_shim_core::upstream::{ByteStream, ResponseBody, ShimBuilder, StateError, StateStore};
use openai_shim_core::{Diagnostics, Profile, Shim, Upstream, UpstreamBody, UpstreamError, profile};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// An upstream that always sends the same response.
struct Canned(&'static str, Arc<Mutex<String>>);

struct Chunks(Vec<Bytes>);

impl futures_core::Stream for Chunks {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: std::pin::Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop().map(Ok))
    }
}

#[async_trait]
impl Upstream for Canned {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        *self.1.lock().unwrap() = String::from_utf8(request.into_body().to_vec()).unwrap();
        if self.0 == "whole" {
            return Ok(http::Response::new(UpstreamBody::Complete(answer(common::chat(), "alice").into())));
        }
        let thought = secrets("alice")[0].clone();
        let delta = [
            format!(r#"{{"role":"assistant","reasoning_content":"{thought}"}}"#),
            String::from(
                r#"{"tool_calls":[{"index":0,"id":"functions.weather:0","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]}"#,
            ),
        ];
        let mut chunks: Vec<Bytes> = delta
            .iter()
            .map(|delta| format!("data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n").into())
            .collect();
        chunks.push("data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n".into());
        chunks.push("data: [DONE]\n\n".into());
        chunks.reverse();
        let stream: ByteStream = Box::pin(Chunks(chunks));
        Ok(http::Response::new(UpstreamBody::Stream(stream)))
    }
}

/// A store that blocks until its gate is open.
#[derive(Default)]
struct Gated {
    open: AtomicBool,
    entries: Mutex<BTreeMap<StateKey, Bytes>>,
}

impl Gated {
    async fn opened(&self) {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if self.open.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[async_trait]
impl StateStore for Gated {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        self.opened().await;
        let entries = self.entries.lock().unwrap();
        Ok(keys.iter().map(|key| entries.get(key).cloned()).collect())
    }
    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        self.opened().await;
        self.entries.lock().unwrap().extend(entries.into_iter().map(|entry| (entry.key, entry.value)));
        Ok(())
    }
    async fn remove(&self, _keys: &[StateKey]) -> Result<(), StateError> {
        Ok(())
    }
}

/// A store that is down, or returns too few values.
struct Broken(bool);

#[async_trait]
impl StateStore for Broken {
    async fn load(&self, _keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        if self.0 { Err(StateError::new("the store is down")) } else { Ok(Vec::new()) }
    }
    async fn store(&self, _kept: Vec<StateEntry>) -> Result<(), StateError> {
        Err(StateError::new("the store is down"))
    }
    async fn remove(&self, _keys: &[StateKey]) -> Result<(), StateError> {
        Ok(())
    }
}

/// A builder with everything that is required.
fn builder(upstream: Canned, profile: Profile) -> ShimBuilder {
    Shim::builder(upstream, profile).clock(|| Duration::from_secs(1)).entropy(|| 1)
}

fn shim(how: &'static str) -> (ShimBuilder, Arc<Mutex<String>>) {
    let sent = Arc::<Mutex<String>>::default();
    (builder(Canned(how, sent.clone()), profile("deepseek").unwrap()), sent)
}

/// The owner whom a header names.
fn owner(parts: &http::request::Parts) -> Option<Owner> {
    Some(Owner::new(parts.headers.get("x-owner")?.to_str().ok()?))
}

fn request(body: String) -> http::Request<Bytes> {
    http::Request::post("/v1/chat/completions").header("x-owner", "alice").body(Bytes::from(body)).unwrap()
}

/// Polls a future once, without a runtime.
fn poll<T>(future: std::pin::Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn text(response: http::Response<ResponseBody>) -> String {
    let mut body = std::pin::pin!(response.into_body());
    let mut all = String::new();
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        all += std::str::from_utf8(&chunk.unwrap()).unwrap();
    }
    all
}

#[tokio::test]
async fn last_bytes_wait_until_the_state_is_stored() {
    for how in ["whole", "stream"] {
        let store = Arc::new(Gated::default());
        let (shim, _) = shim(how);
        let shim = shim.state(store.clone(), owner).build().unwrap();
        let body = question(common::chat(), OPENING).1;
        let body = if how == "stream" { body.replacen('{', r#"{"stream":true,"#, 1) } else { body };
        let handled = async { text(shim.serve(request(body)).await).await };
        let mut handled = std::pin::pin!(handled);
        for _ in 0..100 {
            assert!(poll(handled.as_mut()).is_pending(), "{how} did not wait");
        }
        assert!(store.entries.lock().unwrap().is_empty());
        store.open.store(true, Ordering::SeqCst);
        let out = handled.await;
        assert!(out.contains(&secrets("alice")[0]), "{out}");
        assert!(how == "whole" || out.ends_with("data: [DONE]\n\n"), "{out}");
        assert!(!store.entries.lock().unwrap().is_empty(), "{how}");
    }
}

#[tokio::test]
async fn stored_state_is_returned_to_its_owner_only() {
    let store = Arc::new(Gated::default());
    store.open.store(true, Ordering::SeqCst);
    let (shim, sent) = shim("whole");
    let shim = shim.state(store, owner).build().unwrap();
    text(shim.serve(request(question(common::chat(), OPENING).1)).await).await;
    let later = next(common::chat(), OPENING, true).1;
    let mut nobodys = request(later.clone());
    nobodys.headers_mut().clear();
    let mut bobs = request(later.clone());
    bobs.headers_mut().insert("x-owner", "bob".parse().unwrap());
    for (request, comes_back) in [(nobodys, false), (bobs, false), (request(later), true)] {
        text(shim.serve(request).await).await;
        let sent = sent.lock().unwrap().clone();
        assert_eq!(sent.contains(&secrets("alice")[0]), comes_back, "{sent}");
    }
}

#[tokio::test]
async fn failed_or_absent_store_is_a_diagnostic_and_fails_no_request() {
    let stores: [Option<Arc<dyn StateStore>>; 3] =
        [None, Some(Arc::new(Broken(true))), Some(Arc::new(Broken(false)))];
    for (mode, store) in [LossPolicy::Lenient, LossPolicy::Strict]
        .iter()
        .flat_map(|mode| stores.iter().map(|store| (*mode, store)))
    {
        let (shim, sent) = shim("whole");
        let mut settings = Settings::default();
        settings.loss_policy = mode;
        let shim = shim.settings(settings);
        let shim = match store {
            Some(store) => shim.state(store.clone(), owner),
            None => shim,
        };
        let shim = shim.build().unwrap();
        for body in [question(common::chat(), OPENING).1, next(common::chat(), OPENING, true).1] {
            let read = shim.read(request(body)).unwrap();
            let response = shim.run(read.with_owner(Owner::new("alice"))).await;
            assert_eq!(response.status(), StatusCode::OK);
            let diagnostics = response.extensions().get::<Diagnostics>().unwrap().clone();
            assert!(diagnostics.iter().any(|d| d.code.as_str() == "state-unavailable"), "{diagnostics:?}");
            assert!(text(response).await.contains("Let me look."));
        }
        assert!(sent.lock().unwrap().contains("sunny"));
    }
}

#[tokio::test]
async fn request_rejected_by_strict_mode_after_the_load_gets_a_400() {
    let sent = Arc::<Mutex<String>>::default();
    let mut settings = Settings::default();
    settings.loss_policy = LossPolicy::Strict;
    let mut upstream_profile = profile("deepseek").unwrap();
    upstream_profile.params.drop = Some(vec![String::from("logit_bias")]);
    let shim = builder(Canned("whole", sent.clone()), upstream_profile)
        .settings(settings)
        .state(Arc::new(Broken(true)), owner)
        .build()
        .unwrap();
    let body = next(common::chat(), OPENING, true).1.replacen('{', r#"{"logit_bias":{"1":1},"#, 1);
    let response = shim.serve(request(body)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(text(response).await.contains(r#""param":"logit_bias""#));
    assert!(sent.lock().unwrap().is_empty(), "nothing is sent");
}
