//! Request to an estimate of its input tokens.

use crate::canonical::{Block, Request, Tool};

/// Estimates a request's input tokens, for upstreams that cannot count them. No tokenizer is used: four ASCII characters are
/// one token, any other character is one token, and an image or a document is a fixed number of tokens. Real counts differ by
/// a quarter and more.
///
/// ```
/// use bytes::Bytes;
/// use openai_shim_core::{Diagnostics, dialect, fallback::token_estimate::estimate_tokens};
/// let body = Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"How far is it to the moon?"}]}"#);
/// let request = dialect("anthropic-messages")?.decode_request("", &body, &mut Diagnostics::default())?;
/// assert!((5..20).contains(&estimate_tokens(&request)));
/// # Ok::<(), openai_shim_core::Error>(())
/// ```
pub fn estimate_tokens(request: &Request) -> u64 {
    let mut quarters = 0;
    for message in &request.messages {
        // 16 quarters for the role and separators.
        quarters += 16 + message.blocks.iter().map(block_quarters).sum::<u64>();
    }
    for tool in request.tools.iter() {
        quarters += match tool {
            Tool::Function { name, description, parameters, .. } => {
                let schema = parameters.as_ref().map_or("", |schema| schema.as_str());
                let description = description.as_deref().unwrap_or_default();
                32 + text_quarters(name) + text_quarters(description) + text_quarters(schema)
            }
            Tool::Native { raw, .. } => 32 + text_quarters(raw.as_str()),
        };
    }
    quarters.div_ceil(4).max(1)
}

/// Quarters of a token for an image or a document.
const MEDIA_QUARTERS: u64 = 1500 * 4;

/// Quarters of a token for a content block.
fn block_quarters(block: &Block) -> u64 {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => text_quarters(text),
        Block::Reasoning { text, signature, .. } => {
            text_quarters(text) + text_quarters(signature.as_deref().unwrap_or_default())
        }
        Block::Image(_) | Block::Audio(_) | Block::File(_) => MEDIA_QUARTERS,
        Block::ToolCall { name, arguments, .. } => 16 + text_quarters(name) + text_quarters(arguments),
        Block::ToolResult { blocks, .. } => 16 + blocks.iter().map(block_quarters).sum::<u64>(),
        Block::Native { raw, .. } => text_quarters(raw.as_str()),
    }
}

/// Quarters of a token for text.
fn text_quarters(text: &str) -> u64 {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 4 }).sum()
}
