//! Converts a recorded payload; prints the result and every change as one stable text for a snapshot test.
//!
//! In a test the last line is `insta::assert_snapshot!(conversion);`. See `docs/snapshot-testing.md`.

use openai_shim_core::{Context, PayloadKind, convert, convert::ConversionInput, dialect, profile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let conversion = convert(&ConversionInput {
        from: dialect("openai-chat")?,
        to: dialect("openai-chat")?,
        profile: profile("vllm")?,
        kind: PayloadKind::Stream,
        body: b"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n",
        request: None,
        status: None,
        context: Context::fixed(),
    });
    println!("{conversion}");
    Ok(())
}
