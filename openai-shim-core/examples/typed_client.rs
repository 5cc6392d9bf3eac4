//! A typed client: requests and responses as Rust types of OpenAI's API, with any upstream behind them.
//!
//! `cargo run --example typed_client` asks an upstream of its own, which has another API, and checks the response.

use bytes::Bytes;
use futures_util::StreamExt;
use openai_shim_core::dialect::openai_chat::wire::{ChatRequest, Message};
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
        // It answers a stream whole: the client gets a stream all the same.
        let answer = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"Sunny."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":2}}"#;
        Ok(http::Response::new(UpstreamBody::Complete(answer.into())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shim = Shim::builder(Claude, profile("anthropic")?).std_context().build()?;
    let messages = [Message::new("system", "Be brief."), Message::new("user", "The weather in Rome?")];
    let request = ChatRequest::new("claude-sonnet-4-5", messages).with_temperature(0.5).with_stop("\n\n");

    let completion = shim.call(&request).await?;
    let choice = completion.choices.iter().flatten().next().ok_or("the answer has no choice")?;
    assert_eq!(choice.message.as_ref().and_then(Message::text), Some("Sunny."));

    let mut text = String::new();
    let mut chunks = std::pin::pin!(shim.stream(&request));
    while let Some(chunk) = chunks.next().await {
        for choice in chunk?.choices.iter().flatten() {
            text += choice.delta.as_ref().and_then(Message::text).unwrap_or_default();
        }
    }
    assert_eq!(text, "Sunny.");
    println!("{text}");
    Ok(())
}
