//! Deeply nested requests and responses are decoded without a deep stack, or rejected.
#![allow(clippy::disallowed_methods)]
#![allow(dead_code, unused_imports, unreachable_pub)] // the inputs are those of the growth benchmark, which uses all of them
#![allow(missing_docs, clippy::pedantic)]

#[path = "../benches/growth/inputs/mod.rs"]
mod inputs;

use inputs::{encode_request, push_response, request, response, start_exchange};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::{Profile, Settings, profile};
use std::sync::Arc;

/// A nesting depth for which recursion would overflow any stack.
const DEPTH: usize = 20_000;

/// Returns the default profile with each dialect.
fn profiles() -> Vec<Arc<Profile>> {
    let with_dialect = |name: &str| {
        let mut profile = profile("compatible").unwrap();
        name.clone_into(&mut profile.dialect);
        Arc::new(profile)
    };
    DIALECTS.iter().map(|dialect| with_dialect(dialect.name())).collect()
}

#[test]
fn deeply_nested_requests_need_no_deep_stack() {
    for dimension in ["deep-content", "deep-arguments", "deep-member", "schema-depth"] {
        for client in DIALECTS {
            let Some((path, body)) = request(client.name(), dimension, DEPTH) else { continue };
            for profile in profiles() {
                encode_request(client.name(), path, body.clone().into(), profile, Settings::default());
            }
        }
    }
}

#[test]
fn deeply_nested_responses_need_no_deep_stack() {
    for profile in profiles() {
        let Some(body) = response(&profile.dialect, "deep-member", DEPTH) else { continue };
        for client in DIALECTS {
            let mut exchange = start_exchange(client.name(), false, profile.clone(), Settings::default());
            assert_ne!(push_response(&mut exchange, 200, body.as_bytes(), usize::MAX), 0);
        }
    }
}
