//! Any chat client, any nearly-OpenAI language-model API, nothing lost and nothing invented.
//!
//! This crate translates, mends and reports; it opens no socket, reads no clock and starts no task. Bytes go in, bytes
//! come out:
//!
//! ```text
//! bytes -> framing -> dialect decoder -> canonical events -> dialect encoder -> bytes
//! ```
//!
//! Floors, from the bottom; a module names only lower ones (`tests/floors.rs` checks it):
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`json`], [`framing`], [`error`] |
//! | 1 | [`canonical`], [`filter`], [`redact`], [`state`] |
//! | 2 | [`dialect`](mod@dialect), [`profile`](mod@profile) |
//! | 3 | [`normalize`], [`fallback`] |
//! | 4 | [`exchange`], [`convert`](mod@convert) |
//! | 5 | [`upstream`] |
//!
//! The paved path is re-exported here: [`Shim`] with an [`Upstream`] of yours, or an [`Exchange`] that you drive yourself.
//!
//! ```
//! use openai_shim_core::{dialect, profile, Context, Exchange, Step};
//! let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
//! let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
//! let Step::Send { request, .. } = exchange.next() else { unreachable!() };
//! assert_eq!(request.uri().path(), "/chat/completions");
//!
//! let mut out = Vec::new();
//! exchange.head(http::StatusCode::OK, &http::HeaderMap::new());
//! exchange.push(br#"{"choices":[{"message":{"content":"hello"}}]}"#, &mut out);
//! exchange.finish(&mut out);
//! assert!(String::from_utf8(out)?.contains(r#""object":"chat.completion""#));
//! assert_eq!(exchange.report().outcome.as_str(), "complete");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod canonical;
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
pub use error::{Error, ErrorKind, UpstreamError};
pub use exchange::{Exchange, Report, Settings, Step};
pub use profile::{Profile, profile};
pub use upstream::{Shim, StateStore, Upstream, UpstreamBody};

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
