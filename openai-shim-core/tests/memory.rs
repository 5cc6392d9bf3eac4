//! The peak memory of a request is a limited multiple of its size.
#![allow(unsafe_code)] // an allocator that counts
#![allow(clippy::disallowed_methods)]

use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::{Context, Exchange, Step, dialect, profile};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(by: usize) {
    PEAK.fetch_max(NOW.fetch_add(by, Ordering::Relaxed) + by, Ordering::Relaxed);
}

// SAFETY: every call is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `ptr` came from `alloc` above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `ptr` came from `alloc` above.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The peak memory while a request is prepared, including the client's body, in percent of that body.
fn peak(client: &str, upstream: &str, body: String) -> usize {
    let mut upstream_profile = profile("compatible").unwrap();
    upstream.clone_into(&mut upstream_profile.dialect);
    let body = body.into_boxed_str().into_string();
    let size = body.len();
    let before = NOW.load(Ordering::Relaxed) - body.capacity();
    PEAK.store(0, Ordering::Relaxed);
    let incoming = ClientRequest::read(dialect(client).unwrap(), "", body.into()).unwrap();
    let mut exchange =
        Exchange::start(incoming, upstream_profile, Settings::default(), Context::fixed()).unwrap();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    (PEAK.load(Ordering::Relaxed) - before) * 100 / size
}

/// A request of small messages: the overhead of each message dominates, not its text.
fn messages(client: &str, n: usize) -> String {
    let list = if client == "openai-responses" { "input" } else { "messages" };
    let mut body = format!(r#"{{"model":"m","max_tokens":9,"{list}":["#);
    for i in 0..n {
        body += if i == 0 { "" } else { "," };
        body += if i % 2 == 0 {
            r#"{"role":"user","content":"hi"}"#
        } else {
            r#"{"role":"assistant","content":"a"}"#
        };
    }
    body + "]}"
}

/// Slightly more than a power of two, where a doubling `Vec` has the most unused capacity.
const N: usize = (1 << 17) + 9;

// A single test, because the allocator counts the memory of all threads.
#[test]
fn request_of_small_messages_takes_a_limited_multiple_of_its_size() {
    let most = [
        ("openai-chat", "openai-chat", 600),
        ("openai-chat", "anthropic-messages", 800),
        ("openai-chat", "gemini", 700),
        ("ollama-chat", "openai-chat", 700),
        ("openai-chat", "openai-responses", 710),
        ("openai-chat", "ollama-chat", 710),
        ("anthropic-messages", "openai-chat", 800),
        ("anthropic-messages", "anthropic-messages", 760),
        ("openai-responses", "openai-chat", 810),
    ];
    let measured: Vec<_> = most
        .iter()
        .map(|(client, upstream, most)| (client, upstream, peak(client, upstream, messages(client, N)), most))
        .collect();
    println!("{measured:?}");
    for (client, upstream, peak, most) in measured {
        assert!(peak <= *most, "{client} to {upstream}: {peak} % of the body");
    }
}
