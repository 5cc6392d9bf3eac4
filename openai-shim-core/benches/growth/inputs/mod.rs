//! Inputs that grow in one dimension, and what an exchange does with them.

mod answers;
mod requests;

pub use answers::{ANSWERS, STREAMS, answer, stream};
pub use requests::{REQUESTS, request};

use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::state::Owner;
use openai_shim_core::{Context, Exchange, Profile, Step, dialect};
use std::sync::Arc;

/// `n` items with commas between them.
fn list(n: usize, item: impl Fn(usize) -> String) -> String {
    let mut all = String::new();
    for i in 0..n {
        if i > 0 {
            all.push(',');
        }
        all += &item(i);
    }
    all
}

/// Reads a request and prepares it for an upstream; how long what is sent is, and 0 for a refusal.
pub fn ask(client: &str, path: &str, body: bytes::Bytes, row: Arc<Profile>, settings: Settings) -> usize {
    let Ok(incoming) = ClientRequest::read(dialect(client).unwrap(), path, body) else { return 0 };
    let incoming = incoming.with_owner(Owner::single());
    let Ok(mut exchange) = Exchange::start(incoming, row, settings, Context::fixed()) else { return 0 };
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

/// An exchange that waits for its answer.
pub fn waiting(client: &str, stream: bool, row: Arc<Profile>, settings: Settings) -> Exchange {
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
    let incoming =
        ClientRequest::read(dialect(client).unwrap(), path, body.into()).unwrap().with_owner(Owner::single());
    let mut exchange = Exchange::start(incoming, row, settings, Context::fixed()).unwrap();
    exchange.next();
    exchange
}

/// Answers an exchange, in pieces of so many bytes; how long what the client gets is.
pub fn settle(exchange: &mut Exchange, status: u16, body: &[u8], piece: usize) -> usize {
    exchange.head(http::StatusCode::from_u16(status).unwrap(), &http::HeaderMap::new()).unwrap();
    let (mut out, mut written) = (Vec::new(), 0);
    for bytes in body.chunks(piece) {
        exchange.push(bytes, &mut out).unwrap();
        written += out.len();
        out.clear();
    }
    exchange.finish(&mut out).unwrap();
    written + out.len()
}
