//! A typed client: requests and responses as Rust types of OpenAI's API, with any upstream behind them.
//!
//! `cargo run --example typed_client` asks an upstream of its own and checks the response.

mod support;

use bytes::Bytes;
use openai_shim_core::dialect::openai_chat::wire::{ChatCompletion, ChatRequest, Message};
use openai_shim_core::{Shim, Upstream, UpstreamBody, UpstreamError, profile};

/// An upstream with Anthropic's API.
struct Claude;

#[async_trait::async_trait]
impl Upstream for Claude {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        println!("{} {}", request.uri(), String::from_utf8_lossy(request.body()));
        let answer = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"Sunny."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":2}}"#;
        Ok(http::Response::new(UpstreamBody::Complete(answer.into())))
    }
}

async fn ask(shim: &Shim, request: &ChatRequest) -> Result<ChatCompletion, Box<dyn std::error::Error>> {
    let body = serde_json::to_vec(request)?;
    let response = shim.serve(http::Request::post("/v1/chat/completions").body(body.into())?).await;
    let body = response.into_body().into_complete().map_err(|_| "the response is a stream")?;
    Ok(serde_json::from_slice(&body)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shim = Shim::builder(Claude, profile("anthropic")?).std_context().build()?;
    let mut request = ChatRequest::default();
    request.model = Some("claude-sonnet-4-5".into());
    request.messages =
        Some(vec![Message::new("system", "Be brief."), Message::new("user", "The weather in Rome?")]);
    let completion = ask(&shim, &request).await?;
    println!("{completion:?}");
    Ok(())
}
