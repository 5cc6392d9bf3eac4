//! An exchange allocates nothing for a chunk of a known template, if the driver reuses its buffer.
#![allow(unsafe_code)] // an allocator that counts
#![allow(clippy::disallowed_methods)]

use openai_shim_core::{Context, Exchange, Step, dialect, profile};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller upholds the contract of `alloc`.
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

/// Counts the allocations for the second half of a stream that arrives in reads of `read_size` bytes.
fn allocations(upstream: &str, request: &[u8], chunk: impl Fn(usize) -> String, read_size: usize) -> usize {
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
    // The first half grows the buffers to their final size.
    let (warm, rest) = body.split_at(body.len() / 2);
    warm.chunks(read_size).for_each(|bytes| {
        exchange.push(bytes, &mut out).unwrap();
        out.clear();
    });
    let before = COUNT.with(Cell::get);
    for bytes in rest.chunks(read_size) {
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

/// A chunk as OpenRouter writes it: the role in each, usage in a chunk with choices.
fn repaired(n: usize) -> String {
    format!(
        "data: {{\"id\":\"gen-1\",\"provider\":\"P\",\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"word {n}\"}},\"finish_reason\":null,\"native_finish_reason\":null,\"logprobs\":null}}],\"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":{n},\"total_tokens\":{}}}}}\n\n",
        n + 9
    )
}

/// A chunk as careless servers write it.
fn bare(n: usize) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"reasoning_content\":\"thought {n}\"}}}}]}}\n\n")
}

/// A delta of a call's arguments; the first chunk begins the call.
fn arguments(n: usize) -> String {
    let begins = r#""id":"call_1","type":"function","#;
    let (call, name) = if n == 0 { (begins, r#""name":"f","#) } else { ("", "") };
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,{call}\"function\":{{{name}\"arguments\":\"\\\"{n}\\\",\"}}}}]}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// A chunk of reasoning with its details, as OpenRouter writes it.
fn details(n: usize) -> String {
    repaired(n).replace(
        &format!("\"content\":\"word {n}\""),
        &format!("\"content\":\"\",\"reasoning\":\"word {n}\",\"reasoning_details\":[{{\"type\":\"reasoning.text\",\"text\":\"word {n}\",\"format\":\"unknown\",\"index\":0}}]"),
    )
}

#[test]
fn chunk_of_a_known_template_allocates_nothing() {
    for read_size in [1, 7, 100, 1 << 20] {
        assert_eq!(
            allocations("compatible", PLAIN, clean, read_size),
            0,
            "clean, {read_size} bytes for each read"
        );
        assert_eq!(
            allocations("compatible", PLAIN, repaired, read_size),
            0,
            "repaired, {read_size} bytes for each read"
        );
        assert_eq!(
            allocations("compatible", PLAIN, bare, read_size),
            0,
            "bare, {read_size} bytes for each read"
        );
        assert_eq!(
            allocations("compatible", PLAIN, details, read_size),
            0,
            "details, {read_size} bytes for each read"
        );
        // Arguments are collected until they are complete.
        assert!(
            allocations("compatible", TOOLS, arguments, read_size) < 3,
            "arguments, {read_size} bytes for each read"
        );
    }
    assert_eq!(
        allocations("compatible", TOOLS, |n| repaired(n).replace("word", "wörd"), 100),
        0,
        "with tools"
    );
}

/// Counts the allocations from a client's request to the first request that is sent, with so many targets.
fn allocations_to_start(targets: usize, repetitions: usize) -> usize {
    use openai_shim_core::exchange::{ClientRequest, Settings, SharedProfile, Target};
    let profile = SharedProfile::from(profile("groq").unwrap());
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "word ".repeat(repetitions)
    );
    let start = |targets: Vec<Target>| {
        let mut request =
            ClientRequest::read(dialect("openai-chat").unwrap(), "/v1/chat/completions", body.clone().into())
                .unwrap();
        let mut headers = http::HeaderMap::new();
        for name in ["accept", "user-agent", "x-a", "x-b", "x-c", "x-d", "x-e", "x-f"] {
            headers.insert(name, http::HeaderValue::from_static("value"));
        }
        request = request.with_headers(headers);
        let before = COUNT.with(Cell::get);
        let mut exchange = Exchange::start(request, targets, Settings::default(), Context::fixed()).unwrap();
        assert!(matches!(exchange.next(), Step::Send { target: 0, .. }));
        COUNT.with(Cell::get) - before
    };
    let all = || (0..targets).map(|n| Target::new(profile.clone()).with_model(format!("m{n}"))).collect();
    // What follows from the profile is computed once.
    start(all());
    start(all())
}

#[test]
fn further_targets_cost_next_to_nothing_when_the_first_one_answers() {
    for repetitions in [10, 10_000] {
        let alone = allocations_to_start(1, repetitions);
        // What waits has a box, and the client's path.
        for targets in [2, 3, 8] {
            assert_eq!(allocations_to_start(targets, repetitions) - alone, 2, "{targets} targets");
        }
    }
}
