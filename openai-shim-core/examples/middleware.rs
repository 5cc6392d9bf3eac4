//! Middleware, once for clients of every dialect: a system prompt, redaction, a limit, routing, an audit.
//!
//! `cargo run --example middleware` sends requests of four clients through it, and checks what the upstreams get.

use bytes::Bytes;
use openai_shim_core::canonical::{Delta, Event};
use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::upstream::{TargetRef, upstream_fn};
use openai_shim_core::{Shim, Upstream, UpstreamBody, profile};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<Vec<String>>>;

/// A shim of two upstreams, and what every request passes on its way.
fn build(
    fast: impl Upstream + 'static,
    best: impl Upstream + 'static,
    audit: &Log,
) -> Result<Shim, Box<dyn std::error::Error>> {
    let (texts, reports) = (Arc::clone(audit), Arc::clone(audit));
    let shim = Shim::builder(best, profile("compatible")?)
        .upstream("fast", fast, profile("compatible")?)
        .std_context()
        // A limit: the client gets an error of its own API, and nothing is sent.
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
        // Routing, in the order of attempts: where one upstream fails, the next one answers.
        .route(|request| match request.model() {
            "fast" => {
                vec![TargetRef::to("fast").with_model("llama-3.1-8b-instant"), TargetRef::to("default")]
            }
            _ => vec![TargetRef::to("default").with_model("llama-3.3-70b-versatile")],
        })
        // An audit: what the client reads, as it reads it, and what happened.
        .on_event(move |event, request| {
            if let Event::Delta { delta: Delta::Text(text), .. } = event {
                texts.lock().expect("no panic").push(format!("{}: {text}", request.id()));
            }
        })
        .on_report(move |report| reports.lock().expect("no panic").push(report.to_json()))
        .build()?;
    Ok(shim)
}

/// An upstream without a network, which keeps what it is sent.
fn upstream(sent: &Log) -> impl Upstream + 'static {
    let sent = Arc::clone(sent);
    upstream_fn(move |request: http::Request<Bytes>| {
        sent.lock().expect("no panic").push(String::from_utf8_lossy(request.body()).into_owned());
        let answer = r#"{"choices":[{"message":{"content":"I will."}}],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
        async move { Ok(http::Response::new(UpstreamBody::complete(answer))) }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [to_fast, to_best, audit] = [Log::default(), Log::default(), Log::default()];
    let shim = build(upstream(&to_fast), upstream(&to_best), &audit)?;
    let message = r#"[{"role":"user","content":"Call me at 555-1234."}]"#;
    let long = format!(r#"[{{"role":"user","content":"{}"}}]"#, "word ".repeat(5_000));
    for (path, body) in [
        ("/v1/chat/completions", format!(r#"{{"model":"fast","messages":{message}}}"#)),
        ("/v1/messages", format!(r#"{{"model":"best","max_tokens":9,"messages":{message}}}"#)),
        ("/api/chat", format!(r#"{{"model":"best","stream":false,"messages":{long}}}"#)),
        ("/v1/responses", String::from(r#"{"model":"#)),
    ] {
        let response = shim.serve(http::Request::post(path).body(body.into())?).await;
        let status = response.status();
        println!("{path}: {status} {}", String::from_utf8_lossy(&response.into_body().collect().await?));
    }

    for (sent, model) in [(to_fast, "8b-instant"), (to_best, "70b-versatile")] {
        let sent = sent.lock().expect("no panic");
        println!("sent: {sent:?}");
        assert!(
            sent.len() == 1 && sent[0].contains(model),
            "the long prompt and what is no JSON are refused"
        );
        assert!(sent[0].contains("Be brief.") && sent[0].contains("[phone]") && !sent[0].contains("555"));
    }
    let audit = audit.lock().expect("no panic");
    println!("audit: {audit:#?}");
    assert_eq!(audit.iter().filter(|line| line.contains(r#""outcome":"#)).count(), 4, "one report for each");
    assert_eq!(audit.iter().filter(|line| line.ends_with(": I will.")).count(), 2);
    Ok(())
}
