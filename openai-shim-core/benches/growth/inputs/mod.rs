//! Inputs that grow in one dimension, and functions that run an exchange with them.

mod requests;
mod responses;

pub use requests::{REQUESTS, request};
pub use responses::{RESPONSES, STREAMS, response, stream};

use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::state::Owner;
use openai_shim_core::{Context, Exchange, Profile, Step, dialect};
use std::sync::Arc;

/// Joins `n` items with commas.
fn list(n: usize, item: impl Fn(usize) -> String) -> String {
    let mut list = String::new();
    for i in 0..n {
        if i > 0 {
            list.push(',');
        }
        list += &item(i);
    }
    list
}

/// Decodes a request and encodes it for an upstream; returns the length of the encoded body, or 0 if the request is rejected.
pub fn encode_request(
    client: &str,
    path: &str,
    body: bytes::Bytes,
    profile: Arc<Profile>,
    settings: Settings,
) -> usize {
    let Ok(request) = ClientRequest::read(dialect(client).unwrap(), path, body) else { return 0 };
    let request = request.with_owner(Owner::single());
    let Ok(mut exchange) = Exchange::start(request, profile, settings, Context::fixed()) else { return 0 };
    let mut step = exchange.next();
    if let Step::Load(keys) = step {
        if exchange.provide(vec![None; keys.len()]).is_err() {
            return 0;
        }
        step = exchange.next();
    }
    match step {
        Step::Send { request, .. } => request.body().len(),
        _ => 0,
    }
}

/// Creates an exchange that waits for its response.
pub fn start_exchange(client: &str, stream: bool, profile: Arc<Profile>, settings: Settings) -> Exchange {
    let tools = r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#;
    let (path, body) = match client {
        "gemini" => (
            if stream { "/v1beta/models/m:streamGenerateContent" } else { "/v1beta/models/m:generateContent" },
            r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}"#
                .to_owned(),
        ),
        "openai-responses" => (
            "",
            format!(r#"{{"model":"m","stream":{stream},"input":"hi","tools":[{{"type":"function","name":"f","parameters":{{}}}}]}}"#),
        ),
        "anthropic-messages" => (
            "",
            format!(
                r#"{{"model":"m","max_tokens":9,"stream":{stream},"messages":[{{"role":"user","content":"hi"}}],"tools":[{{"name":"f","input_schema":{{"type":"object"}}}}]}}"#
            ),
        ),
        "openai-completions" | "ollama-generate" => {
            ("", format!(r#"{{"model":"m","stream":{stream},"prompt":"hi"}}"#))
        }
        _ => ("", format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"hi"}}],{tools}}}"#)),
    };
    let request =
        ClientRequest::read(dialect(client).unwrap(), path, body.into()).unwrap().with_owner(Owner::single());
    let mut exchange = Exchange::start(request, profile, settings, Context::fixed()).unwrap();
    exchange.next();
    exchange
}

/// Passes a response to an exchange in chunks of `chunk_size` bytes; returns the length of the client's body.
pub fn push_response(exchange: &mut Exchange, status: u16, body: &[u8], chunk_size: usize) -> usize {
    exchange.head(http::StatusCode::from_u16(status).unwrap(), &http::HeaderMap::new()).unwrap();
    let (mut out, mut written) = (Vec::new(), 0);
    for chunk in body.chunks(chunk_size) {
        exchange.push(chunk, &mut out).unwrap();
        written += out.len();
        out.clear();
    }
    exchange.finish(&mut out).unwrap();
    written + out.len()
}
