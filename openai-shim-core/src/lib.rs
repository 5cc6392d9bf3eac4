//! Any chat client, any nearly-OpenAI language-model API, nothing lost and nothing invented.
//!
//! This crate translates requests and responses between dialects, repairs them and reports every change. It opens no socket,
//! reads no clock and starts no task: bytes go in, bytes come out. Only the feature `std-context` has the clock and the random
//! numbers of the standard library.
//!
//! ```text
//! bytes -> framing -> dialect decoder -> canonical events -> dialect encoder -> bytes
//! ```
//!
//! There are three ways in, re-exported here:
//!
//! - [`Shim`] with your implementation of [`Upstream`]: the only `async` part;
//! - [`Exchange`], which your own code drives: one request's session as a state machine without I/O;
//! - [`convert`](fn@convert): one recorded payload, for snapshot tests.
//!
//! # Layers
//!
//! A module imports only from lower layers, a dialect never imports another dialect, and the files of a folder do not import
//! each other in circles (`tests/layers.rs` checks this).
//!
//! | layer | module | content |
//! |---|---|---|
//! | 0 | [`json`] | JSON objects with raw values, read and changed in linear time without loss |
//! | 1 | [`error`] | errors, by who is at fault |
//! | 1 | [`framing`] | stream bodies to frames (SSE, NDJSON, JSON arrays), with limits |
//! | 1 | `overlay` | layers of rules for profiles: each sets some rules and leaves the others to the layer below |
//! | 2 | [`canonical`] | our own model: request, response, event and its grammar, diagnostics, outcome |
//! | 2 | [`extract`] | streaming parsers for model text: reasoning tags, tool-call markup, code fences, stop sequences |
//! | 2 | [`redact`] | removes secrets, paths and addresses from text that is passed on |
//! | 2 | [`state`] | keys, owners and entries of the state between requests |
//! | 3 | [`accepts`] | what a side accepts, as rules in layers |
//! | 4 | [`dialect`](mod@dialect) | one folder for each wire format, and the registry |
//! | 4 | [`profile`](mod@profile) | what each upstream accepts and how it deviates, as data; adaptations from errors |
//! | 5 | [`normalize`] | changes a request until a profile accepts it |
//! | 5 | [`fallback`] | synthesizes what an upstream lacks |
//! | 6 | [`exchange`] | one request's session: attempts, transcoding, report |
//! | 7 | [`convert`](mod@convert) | one payload, converted like a live exchange |
//! | 7 | [`upstream`] | [`Upstream`] and [`Shim`] |
//! | 8 | `cassette` | recorded exchanges, played to clients of every dialect; with the feature `testing` |
//!
//! # Example
//!
//! ```
//! use openai_shim_core::{dialect, profile, Context, Exchange, Step};
//! let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
//! let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
//! let Step::Send { request, .. } = exchange.next() else { unreachable!() };
//! assert_eq!(request.uri().path(), "/chat/completions");
//!
//! let mut out = Vec::new();
//! exchange.head(http::StatusCode::OK, &http::HeaderMap::new())?;
//! exchange.push(br#"{"choices":[{"message":{"content":"hello"}}]}"#, &mut out)?;
//! exchange.finish(&mut out)?;
//! assert!(String::from_utf8(out)?.contains(r#""object":"chat.completion""#));
//! assert_eq!(exchange.report().outcome.as_str(), "complete");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod accepts;
pub mod canonical;
#[cfg(feature = "testing")]
pub mod cassette;
pub mod convert;
pub mod dialect;
pub mod error;
pub mod exchange;
pub mod extract;
pub mod fallback;
pub mod framing;
pub mod json;
pub mod normalize;
mod overlay;
pub mod profile;
pub mod redact;
pub mod state;
pub mod upstream;

pub use canonical::{Context, Diagnostic, Diagnostics, Outcome};
pub use convert::{Conversion, PayloadKind, convert};
pub use dialect::{Dialect, dialect};
pub use error::{Error, ErrorKind, Misuse, UpstreamError};
pub use exchange::{Exchange, Report, Settings, Step};
pub use profile::{Profile, profile};
pub use upstream::{Shim, StateStore, Upstream, UpstreamBody};

/// Guides, which are also in the repository's `docs`.
#[cfg(any(doc, doctest))]
pub mod guide {
    #[doc = include_str!("../guide/middleware.md")]
    pub mod middleware {}
    #[doc = include_str!("../guide/snapshot-testing.md")]
    pub mod snapshot_testing {}
}

/// Compiles and runs the README's code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
