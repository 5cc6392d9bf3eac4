//! Middleware, once for clients of every dialect: a system prompt, redaction, a limit, routing, an audit.
//!
//! `cargo run --example middleware` sends requests of three clients through it, and checks what the upstream gets.

mod support;

use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::{Shim, Upstream, UpstreamBody, UpstreamError, profile};
use std::sync::{Arc, Mutex};

/// An upstream that answers without a network, and keeps what it was sent.
#[derive(Clone, Default)]
struct Model(Arc<Mutex<Vec<String>>>);

#[async_trait::async_trait]
impl Upstream for Model {
    async fn send(
        &self,
        request: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        self.0.lock().expect("no panic").push(body);
        let answer = r#"{"choices":[{"message":{"content":"I will."}}],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
        Ok(http::Response::new(UpstreamBody::Complete(answer.into())))
    }
}

fn build(upstream: Model, audit: Arc<Mutex<Vec<String>>>) -> Result<Shim, Box<dyn std::error::Error>> {
    let shim = Shim::builder(upstream, profile("compatible")?)
        .std_context()
        // A limit, in the client's own form of an error.
        .on_request(|request| match request.estimate_tokens() {
            0..1_000 => Ok(()),
            _ => Err(ClientError::new(ErrorKind::ContextLength, "The prompt is too long.").into()),
        })
        // Personal data, wherever it stands.
        .on_request(|request| {
            request
                .rewrite_text(|text| text.contains("555-1234").then(|| text.replace("555-1234", "[phone]")))
        })
        .on_request(|request| request.prepend_system("Be brief."))
        // A model behind a name of ours.
        .on_request(|request| {
            request.edit(|request| {
                if request.model == "fast" {
                    request.model = String::from("llama-3.1-8b-instant");
                }
            })
        })
        .on_report(move |report| audit.lock().expect("no panic").push(report.to_json()))
        .build()?;
    Ok(shim)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (upstream, audit) = (Model::default(), Arc::default());
    let shim = build(upstream.clone(), Arc::clone(&audit))?;
    let message = "Call me at 555-1234.";
    let long = "word ".repeat(5_000);
    for (path, body) in [
        (
            "/v1/chat/completions",
            format!(r#"{{"model":"fast","messages":[{{"role":"user","content":"{message}"}}]}}"#),
        ),
        (
            "/v1/messages",
            format!(
                r#"{{"model":"fast","max_tokens":9,"messages":[{{"role":"user","content":"{message}"}}]}}"#
            ),
        ),
        (
            "/api/chat",
            format!(r#"{{"model":"fast","stream":false,"messages":[{{"role":"user","content":"{long}"}}]}}"#),
        ),
    ] {
        let response = shim.serve(http::Request::post(path).body(body.into())?).await;
        let status = response.status();
        let body = response.into_body().into_complete().map_err(|_| "the response is a stream")?;
        println!("{path}: {status} {}", String::from_utf8_lossy(&body));
    }

    let sent = upstream.0.lock().expect("no panic");
    println!("sent: {sent:#?}\naudit: {:#?}", audit.lock().expect("no panic"));
    assert_eq!(sent.len(), 2, "the long prompt is refused");
    for sent in sent.iter() {
        assert!(sent.contains("Be brief.") && sent.contains("[phone]") && sent.contains("llama-3.1"));
        assert!(!sent.contains("555") && !sent.contains("fast"));
    }
    assert_eq!(audit.lock().expect("no panic").len(), 3, "one report for each request");
    Ok(())
}
