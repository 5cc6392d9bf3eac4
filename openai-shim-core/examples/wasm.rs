//! Conversions in WebAssembly, as a module without imports: the page in `browser/` and `.ci/wasm.mjs` use it.
//!
//! The interface passes one byte at a time, so that it needs no shared memory. `put` every byte of a text: a line with kind, from, to
//! and profile, as on the command line (`stream openai-chat gemini vllm`), and perhaps `indented`; then the payload. `run` returns
//! the length of the result, and `get` each byte of it: the outcome and each diagnostic on its own line, `---`, the converted
//! payload. `names` gives the dialects, one a line, an empty line, and the profiles.

// Only the exported names need it.
#![allow(unsafe_code)]

use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::profile::profiles;
use openai_shim_core::{convert::ConversionInput, profile};
use std::sync::Mutex;

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Appends a byte to the text.
#[unsafe(no_mangle)]
pub extern "C" fn put(byte: u32) {
    if let (Ok(mut input), Ok(byte)) = (INPUT.lock(), u8::try_from(byte)) {
        input.push(byte);
    }
}

/// Converts and discards the text; returns the length of the result.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> u32 {
    let input = INPUT.lock().map(|mut input| std::mem::take(&mut *input)).unwrap_or_default();
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, body) = input.split_at(end);
    write(converted(&String::from_utf8_lossy(line), body.get(1..).unwrap_or_default()))
}

/// Returns the length of the list of names.
#[unsafe(no_mangle)]
pub extern "C" fn names() -> u32 {
    let dialects = DIALECTS.iter().map(|dialect| dialect.name());
    let profiles = profiles().iter().map(|profile| profile.name.as_str());
    write(dialects.chain([""]).chain(profiles).collect::<Vec<_>>().join("\n"))
}

/// Returns a byte of the result.
#[unsafe(no_mangle)]
pub extern "C" fn get(at: u32) -> u32 {
    OUTPUT.lock().ok().and_then(|output| output.get(at as usize).copied()).map_or(0, u32::from)
}

fn converted(line: &str, body: &[u8]) -> String {
    let (line, is_indented) = line.strip_suffix(" indented").map_or((line, false), |line| (line, true));
    let conversion = match input(line, body) {
        Ok(input) => input.convert(),
        Err(error) => return format!("error: {error}\n---\n"),
    };
    let text = conversion.to_string();
    match text.split_once("---\n") {
        Some((head, _)) if is_indented => format!("{head}---\n{}", conversion.pretty()),
        _ => text,
    }
}

fn input<'a>(line: &str, body: &'a [u8]) -> Result<ConversionInput<'a>, Box<dyn std::error::Error>> {
    let [kind, from, to, profile_name] = line.split(' ').collect::<Vec<_>>()[..] else {
        return Err("the first line is not: kind from to profile".into());
    };
    let input = ConversionInput::new(kind.parse()?, from.parse()?, body);
    Ok(input.to(to.parse()?).profile(profile(profile_name)?))
}

fn write(text: String) -> u32 {
    let length = u32::try_from(text.len()).unwrap_or(0);
    if let Ok(mut output) = OUTPUT.lock() {
        *output = text.into_bytes();
    }
    length
}
