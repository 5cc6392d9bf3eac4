//! Core as a WebAssembly module without imports: `.ci/wasm.mjs` converts the fixtures with it under Node.
//!
//! The interface passes one byte at a time, so that it needs no shared memory: `put` every byte of a payload, `run` a conversion
//! (0 request, 1 response, 2 stream, 3 error), then `get` every byte of the result.

// Only the exported names need it.
#![allow(unsafe_code)]

use openai_shim_core::{Context, PayloadKind, convert, convert::ConversionInput, dialect, profile};
use std::sync::Mutex;

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Appends a byte to the payload.
#[unsafe(no_mangle)]
pub extern "C" fn put(byte: u32) {
    if let (Ok(mut input), Ok(byte)) = (INPUT.lock(), u8::try_from(byte)) {
        input.push(byte);
    }
}

/// Converts and discards the payload; returns the length of the result.
#[unsafe(no_mangle)]
pub extern "C" fn run(kind: u32) -> u32 {
    let body = INPUT.lock().map(|mut input| std::mem::take(&mut *input)).unwrap_or_default();
    let kinds = [PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error];
    let kind = kinds.get(kind as usize).copied().unwrap_or(PayloadKind::Stream);
    let (Ok(chat), Ok(profile)) = (dialect("openai-chat"), profile("compatible")) else { return 0 };
    let (request, status, context) = (None, None, Context::fixed());
    let text = convert(&ConversionInput {
        from: chat,
        to: chat,
        profile,
        kind,
        body: &body,
        request,
        status,
        context,
    })
    .to_string();
    let length = u32::try_from(text.len()).unwrap_or(0);
    if let Ok(mut output) = OUTPUT.lock() {
        *output = text.into_bytes();
    }
    length
}

/// Returns a byte of the result.
#[unsafe(no_mangle)]
pub extern "C" fn get(at: u32) -> u32 {
    OUTPUT.lock().ok().and_then(|output| output.get(at as usize).copied()).map_or(0, u32::from)
}
