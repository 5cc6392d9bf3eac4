//! A typed client: requests and responses as Rust types of OpenAI's API, with any upstream behind them.
//!
//! `cargo run --example typed_client` asks an upstream with Anthropic's API, and checks the response and the stream.

use bytes::Bytes;
use futures_util::StreamExt;
use openai_shim_core::dialect::openai_chat::wire::{ChatRequest, Message, Tool};
use openai_shim_core::json::RawJson;
use openai_shim_core::upstream::upstream_fn;
use openai_shim_core::{Shim, UpstreamBody, profile};

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Rome"}}],"stop_reason":"tool_use","usage":{"input_tokens":9,"output_tokens":2}}"#;
const STREAM: &str = r#"data: {"type":"message_start","message":{"id":"msg_2","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Sunny"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and warm."}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}

data: {"type":"message_stop"}

"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An upstream with Anthropic's API, without a network.
    let upstream = upstream_fn(|request: http::Request<Bytes>| async move {
        let body = String::from_utf8_lossy(request.body());
        println!("{} {body}", request.uri());
        let is_stream = body.contains(r#""stream":true"#);
        Ok(http::Response::new(UpstreamBody::complete(if is_stream { STREAM } else { MESSAGE })))
    });
    let shim = Shim::builder(upstream, profile("anthropic")?).std_context().build()?;
    let schema = RawJson::parse(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#)?;
    let request = ChatRequest::new(
        "claude-sonnet-4-5",
        [Message::new("system", "Be brief."), Message::new("user", "The weather in Rome?")],
    )
    .with_stop("END")
    .with_tools([Tool::function("weather", schema)])
    .with_tool_choice("auto");

    let completion = shim.call(&request).await?; // a ChatCompletion
    println!("{completion:?}");
    let choice = &completion.choices.ok_or("no choices")?[0];
    assert_eq!(choice.finish_reason.as_deref(), Some("tool_calls"));

    let mut chunks = std::pin::pin!(shim.stream(&request)); // of ChatCompletionChunk
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        for choice in chunk?.choices.unwrap_or_default() {
            text += choice.delta.as_ref().and_then(Message::text).unwrap_or_default();
        }
    }
    println!("{text}");
    assert_eq!(text, "Sunny and warm.");
    Ok(())
}
