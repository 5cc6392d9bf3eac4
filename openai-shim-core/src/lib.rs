//! Any chat client, any nearly-OpenAI language-model API, nothing lost and nothing invented.
//!
//! This crate translates requests and responses between dialects, repairs them and reports every change. It opens no socket,
//! reads no clock and starts no task: bytes go in, bytes come out. Only the feature `std-context` has the clock and the random
//! numbers of the standard library.
//!
//! There are three ways in. **A service of your own**: a [`Shim`] serves the clients of every dialect over your [`Upstream`].
//!
//! ```
//! # #[cfg(feature = "std-context")] {
//! use openai_shim_core::{profile, Shim, Upstream};
//! # async fn example(upstream: impl Upstream + 'static, request: http::Request<bytes::Bytes>) -> Result<(), Box<dyn std::error::Error>> {
//! let shim = Shim::builder(upstream, profile("groq")?).std_context().build()?;
//! let response = shim.serve(request).await; // an `http::Response`, whose body is a stream of bytes
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! **A loop of your own**: an [`Exchange`] is one request's session as a state machine, for blocking code and other runtimes.
//!
//! ```
//! use openai_shim_core::{dialect, profile, Context, Exchange, Step};
//! let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
//! let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
//! let Step::Send { request, .. } = exchange.next() else { unreachable!() };
//! assert_eq!(request.uri().path(), "/chat/completions"); // send it, with any client, and hand in what comes back:
//!
//! let mut out = Vec::new();
//! exchange.head(http::StatusCode::OK, &http::HeaderMap::new())?;
//! exchange.push(br#"{"choices":[{"message":{"content":"hello"}}]}"#, &mut out)?;
//! exchange.finish(&mut out)?;
//! assert!(String::from_utf8(out)?.contains(r#""object":"chat.completion""#)); // for the client
//! assert_eq!(exchange.report().outcome.as_str(), "complete");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **A snapshot test**: a [`ConversionInput`](convert::ConversionInput) turns one recorded payload into another dialect's, and says what it changed.
//!
//! ```
//! use openai_shim_core::{convert::ConversionInput, dialect, profile};
//! let answer = br#"{"choices":[{"message":{"content":"hi"}}]}"#;
//! let input = ConversionInput::response(dialect("openai-chat")?, answer).to(dialect("anthropic-messages")?);
//! let conversion = input.profile(profile("vllm")?).convert();
//! assert!(conversion.to_string().starts_with("outcome: complete"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! A feature adds to the crate and changes nothing of the rest: what a dialect reads and writes does not depend on which others
//! are on.
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `openai-chat`, `openai-completions`, `openai-responses`, `anthropic`, `gemini`, `ollama` | yes | the dialects, see [`dialect`](mod@dialect); at least one must be on |
//! | `wire` | yes | the payloads of these dialects as types, such as `dialect::openai_chat::wire` |
//! | `std-context` | no | [`ShimBuilder`](upstream::ShimBuilder)'s `std_context`: the time and random numbers of the standard library |
//! | `http-body` | no | bodies of the crate `http-body`, for hyper and its relatives |
//! | `testing` | no | `cassette`: recorded exchanges for tests |
//! | `internals` | no | modules without any promise: for the server, suites, benches and fuzz targets of this repository |

// The layers of the modules are in `docs/architecture.md`: a module imports only from lower ones.

#![forbid(unsafe_code)]
// docs.rs names the feature that an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]
// The lower layers serve all dialects, the server and the suites; a build without some of these uses less of what is there.
#![cfg_attr(
    not(all(
        feature = "internals",
        feature = "openai-chat",
        feature = "openai-completions",
        feature = "openai-responses",
        feature = "anthropic",
        feature = "gemini",
        feature = "ollama",
    )),
    allow(dead_code, unreachable_pub, unused_imports)
)]

/// Re-exports that are public with the feature `internals`, and the crate's own without it. Modules are declared twice instead:
/// a formatter follows no module into a macro.
macro_rules! internals {
    ($(use $file:ident::$names:tt;)*) => {$(
        #[cfg(feature = "internals")]
        #[doc(hidden)]
        pub use $file::$names;
        #[cfg(not(feature = "internals"))]
        pub(crate) use $file::$names;
    )*};
}

pub mod accepts;
pub mod canonical;
#[cfg(feature = "testing")]
pub mod cassette;
pub mod convert;
pub mod dialect;
pub mod error;
pub mod exchange;
#[cfg(not(feature = "internals"))]
mod extract;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod extract;
#[cfg(not(feature = "internals"))]
mod fallback;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod fallback;
#[cfg(not(feature = "internals"))]
mod framing;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod framing;
pub mod json;
#[cfg(not(feature = "internals"))]
mod normalize;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod normalize;
mod overlay;
pub mod profile;
#[cfg(not(feature = "internals"))]
mod redact;
#[cfg(feature = "internals")]
#[doc(hidden)]
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
    #[doc = include_str!("../guide/profiles.md")]
    pub mod profiles {}
    #[doc = include_str!("../guide/snapshot-testing.md")]
    pub mod snapshot_testing {}
}

/// Compiles and runs the README's code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
