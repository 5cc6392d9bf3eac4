//! How many tokens a request may have.

use crate::canonical::{Block, Request, Tool};

/// An estimate of a request's input tokens, for upstreams that cannot count them. It knows no tokenizer: four ASCII
/// characters are one token, any other character is one, a picture or a document is a fixed number. Real counts differ
/// by a quarter and more.
///
/// ```
/// use bytes::Bytes;
/// use openai_shim_core::{Diagnostics, dialect, fallback::estimate::estimate_tokens};
/// let body = Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"How far is it to the moon?"}]}"#);
/// let request = dialect("anthropic-messages")?.decode_request("", &body, &mut Diagnostics::default())?;
/// assert!((5..20).contains(&estimate_tokens(&request)));
/// # Ok::<(), openai_shim_core::Error>(())
/// ```
pub fn estimate_tokens(request: &Request) -> u64 {
    let mut quarters = 0;
    for message in &request.messages {
        // Roles and separators.
        quarters += 16 + message.blocks.iter().map(block).sum::<u64>();
    }
    for tool in request.tools.iter() {
        quarters += match tool {
            Tool::Function { name, description, parameters, .. } => {
                let schema = parameters.as_ref().map_or("", |schema| schema.get());
                32 + text(name) + text(description.as_deref().unwrap_or_default()) + text(schema)
            }
            Tool::Native { raw, .. } => 32 + text(raw.get()),
        };
    }
    quarters.div_ceil(4).max(1)
}

/// A picture or a document.
const MEDIA: u64 = 1500 * 4;

fn block(block: &Block) -> u64 {
    match block {
        Block::Text { text: words, .. } | Block::Refusal(words) => text(words),
        Block::Reasoning { text: words, signature, .. } => {
            text(words) + text(signature.as_deref().unwrap_or_default())
        }
        Block::Image(_) | Block::Audio(_) | Block::File(_) => MEDIA,
        Block::ToolCall { name, arguments, .. } => 16 + text(name) + text(arguments),
        Block::ToolResult { blocks, .. } => 16 + blocks.iter().map(self::block).sum::<u64>(),
        Block::Native { raw, .. } => text(raw.get()),
    }
}

/// In quarters of a token.
fn text(text: &str) -> u64 {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 4 }).sum()
}
