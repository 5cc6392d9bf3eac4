//! Blocking code without an async runtime: `Exchange` says what to do next, and ureq does it.
//!
//! `cargo run --example blocking` asks an upstream of its own and checks the response.
//! `cargo run --example blocking -- http://localhost:11434/v1 MODEL` asks that upstream.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // the bans are for core itself

mod support;

use openai_shim_core::exchange::{ClientRequest, ResponseHead};
use openai_shim_core::{Context, Exchange, Report, Settings, Step, UpstreamError, profile};
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

type Failure = Box<dyn std::error::Error>;

/// Runs an exchange to its end: `begin` gets the head of the client's response, then `sink` gets its bytes as they come.
fn run(
    mut exchange: Exchange,
    base_url: &str,
    begin: impl FnOnce(&ResponseHead) -> Result<(), Failure>,
    sink: &mut impl Write,
) -> Result<Report, Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut upstream: Box<dyn Read> = Box::new(std::io::empty());
    let (mut begin, mut out, mut buffer) = (Some(begin), Vec::new(), vec![0; 16 << 10]);
    loop {
        match exchange.next() {
            Step::Send { mut request, after, .. } => {
                std::thread::sleep(after);
                *request.uri_mut() = format!("{base_url}{}", request.uri()).parse()?;
                match agent.run(request.map(|body| body.to_vec())) {
                    Ok(response) => {
                        exchange.head(response.status(), response.headers())?;
                        upstream = Box::new(response.into_body().into_reader());
                    }
                    Err(error) => exchange.fail(UpstreamError::transport(error.to_string()), &mut out)?,
                }
            }
            // Whatever the upstream may still send does not matter.
            Step::Await if exchange.is_over() || exchange.has_failed() => exchange.finish(&mut out)?,
            Step::Await => match upstream.read(&mut buffer) {
                Ok(0) => exchange.finish(&mut out)?,
                Ok(length) => exchange.push(&buffer[..length], &mut out)?,
                Err(error) => exchange.fail(UpstreamError::transport(error.to_string()), &mut out)?,
            },
            // Only requests with an owner have state: see the recipe `redis_state`.
            Step::Load(keys) => exchange.provide(vec![None; keys.len()])?,
            Step::Store(_) => {}
            Step::Done => return Ok(exchange.into_report()),
        }
        if let Some(head) = exchange.response_head()
            && let Some(begin) = begin.take()
        {
            begin(head)?;
        }
        sink.write_all(&std::mem::take(&mut out))?;
    }
}

fn main() -> Result<(), Failure> {
    let body = format!(
        r#"{{"model":"{}","stream":true,"messages":[{{"role":"user","content":"hi"}}]}}"#,
        support::model()
    );
    let request = ClientRequest::read("openai-chat".parse()?, "/v1/chat/completions", body.into())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let context = Context::new(now, RandomState::new().hash_one(now));
    let exchange = Exchange::start(request, profile("compatible")?, Settings::default(), context)?;

    let mut response = Vec::new();
    let begin = |head: &ResponseHead| {
        println!("{} {:?}", head.status, head.headers);
        Ok(())
    };
    let report = run(exchange, &support::base_url(), begin, &mut response)?;
    println!("{}\n{}", String::from_utf8_lossy(&response), report.to_json());
    assert!(response.ends_with(b"data: [DONE]\n\n") && report.outcome.as_str() == "complete");
    Ok(())
}
