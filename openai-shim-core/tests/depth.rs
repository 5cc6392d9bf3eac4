//! What stands deep in a request or an answer is read without a deep stack, or refused.
#![allow(clippy::disallowed_methods)]
#![allow(dead_code, unused_imports, unreachable_pub)] // the inputs are those of the growth benchmark, which uses all of them
#![allow(missing_docs, clippy::pedantic)]

#[path = "../benches/growth/inputs/mod.rs"]
mod inputs;

use inputs::{answer, ask, request, settle, waiting};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::{Profile, Settings, profile};
use std::sync::Arc;

/// More than any stack holds frames of.
const DEEP: usize = 20_000;

fn rows() -> Vec<Arc<Profile>> {
    let row = |name: &str| {
        let mut row = profile("compatible").unwrap();
        name.clone_into(&mut row.dialect);
        Arc::new(row)
    };
    DIALECTS.iter().map(|dialect| row(dialect.name())).collect()
}

#[test]
fn requests_that_are_nested_deep_need_no_deep_stack() {
    for dimension in ["deep-content", "deep-arguments", "deep-member", "schema-depth"] {
        for client in DIALECTS {
            let Some((path, body)) = request(client.name(), dimension, DEEP) else { continue };
            for row in rows() {
                ask(client.name(), path, body.clone().into(), row, Settings::default());
            }
        }
    }
}

#[test]
fn answers_that_are_nested_deep_need_no_deep_stack() {
    for row in rows() {
        let Some(body) = answer(&row.dialect, "deep-member", DEEP) else { continue };
        for client in DIALECTS {
            let mut exchange = waiting(client.name(), false, row.clone(), Settings::default());
            assert_ne!(settle(&mut exchange, 200, body.as_bytes(), usize::MAX), 0);
        }
    }
}
