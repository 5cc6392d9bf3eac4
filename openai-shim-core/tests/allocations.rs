//! A chunk of a known form costs no allocation: on its way through an exchange, whose caller reuses its buffer.
#![allow(unsafe_code)] // a counting allocator is one, and only counts
#![allow(clippy::disallowed_methods)]

use openai_shim_core::{Context, Exchange, Step, dialect, profile};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `alloc` above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: `ptr` came from `alloc` above.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations the chunks after the first three of a stream cost, cut into pieces of so many bytes.
fn allocations(upstream: &str, request: &[u8], chunk: impl Fn(usize) -> String, piece: usize) -> usize {
    let mut exchange =
        Exchange::new(dialect("openai-chat").unwrap(), profile(upstream).unwrap(), Context::fixed(), request)
            .unwrap();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::with_capacity(1 << 16);
    for n in 0..3 {
        exchange.push(chunk(n).as_bytes(), &mut out).unwrap();
    }
    let body: Vec<u8> = (100..300).flat_map(|n| chunk(n).into_bytes()).collect();
    // The first half makes buffers as large as they will be.
    let (warm, rest) = body.split_at(body.len() / 2);
    warm.chunks(piece).for_each(|bytes| {
        exchange.push(bytes, &mut out).unwrap();
        out.clear();
    });
    let before = COUNT.with(Cell::get);
    for bytes in rest.chunks(piece) {
        exchange.push(bytes, &mut out).unwrap();
        out.clear();
    }
    let after = COUNT.with(Cell::get);
    exchange.finish(&mut out).unwrap();
    after - before
}

const PLAIN: &[u8] = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const TOOLS: &[u8] = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#;

fn clean(n: usize) -> String {
    let role = if n == 0 { "\"role\":\"assistant\"," } else { "" };
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{{role}\"content\":\"w\\n{n} é\"}},\"logprobs\":null,\"finish_reason\":null}}],\"obfuscation\":\"x{n}\"}}\n\n"
    )
}

/// As OpenRouter writes them: the role in each, counts beside the choices.
fn repaired(n: usize) -> String {
    format!(
        "data: {{\"id\":\"gen-1\",\"provider\":\"P\",\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"word {n}\"}},\"finish_reason\":null,\"native_finish_reason\":null,\"logprobs\":null}}],\"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":{n},\"total_tokens\":{}}}}}\n\n",
        n + 9
    )
}

/// As careless servers write them.
fn bare(n: usize) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"reasoning_content\":\"thought {n}\"}}}}]}}\n\n")
}

/// A piece of a call's arguments; the first chunk begins the call.
fn arguments(n: usize) -> String {
    let begins = r#""id":"call_1","type":"function","#;
    let (call, name) = if n == 0 { (begins, r#""name":"f","#) } else { ("", "") };
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,{call}\"function\":{{{name}\"arguments\":\"\\\"{n}\\\",\"}}}}]}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// Reasoning with its details, as OpenRouter writes it.
fn details(n: usize) -> String {
    repaired(n).replace(
        &format!("\"content\":\"word {n}\""),
        &format!("\"content\":\"\",\"reasoning\":\"word {n}\",\"reasoning_details\":[{{\"type\":\"reasoning.text\",\"text\":\"word {n}\",\"format\":\"unknown\",\"index\":0}}]"),
    )
}

#[test]
fn a_chunk_of_a_known_form_allocates_nothing() {
    for piece in [1, 7, 100, 1 << 20] {
        assert_eq!(allocations("compatible", PLAIN, clean, piece), 0, "clean, {piece} bytes at once");
        assert_eq!(allocations("compatible", PLAIN, repaired, piece), 0, "repaired, {piece} bytes at once");
        assert_eq!(allocations("compatible", PLAIN, bare, piece), 0, "bare, {piece} bytes at once");
        assert_eq!(allocations("compatible", PLAIN, details, piece), 0, "details, {piece} bytes at once");
        // They are kept until they are complete.
        assert!(allocations("compatible", TOOLS, arguments, piece) < 3, "arguments, {piece} bytes at once");
    }
    assert_eq!(
        allocations("compatible", TOOLS, |n| repaired(n).replace("word", "wörd"), 100),
        0,
        "with tools"
    );
}
