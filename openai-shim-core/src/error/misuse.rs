//! [`Misuse`]: which method of an exchange was called out of turn, and which call was due instead.

use super::static_text::{self, StaticText};
use serde::{Deserialize, Serialize};

/// A method of an [`Exchange`](crate::Exchange) was called at a moment when another call was due, or without what it needs. The call
/// changed nothing.
///
/// `called` is the method's name: `head`, `push`, `finish` or `fail`.
///
/// ```
/// use openai_shim_core::{dialect, error::Misuse, profile, Context, Exchange};
/// let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
/// let misuse = exchange.push(b"{}", &mut Vec::new()).unwrap_err();
/// assert_eq!(misuse, Misuse::RequestNotSent { called: "push" });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The exchange has not got its state yet.
    #[error(
        "`{called}` was called before `provide`: call `next`, and answer its `Step::Load` with `provide` first"
    )]
    StateNotProvided {
        /// The method.
        #[serde(deserialize_with = "static_text::deserialize")]
        called: StaticText,
    },
    /// The request of this attempt was not sent yet.
    #[error("`{called}` was called before the request was sent: call `next` and send its request first")]
    RequestNotSent {
        /// The method.
        #[serde(deserialize_with = "static_text::deserialize")]
        called: StaticText,
    },
    /// The response's status and headers are missing.
    #[error("`{called}` was called before `head`: hand in the status and headers of the response first")]
    HeadMissing {
        /// The method.
        #[serde(deserialize_with = "static_text::deserialize")]
        called: StaticText,
    },
    /// `head` was called twice for one response.
    #[error("`head` was called twice for one response: `push` its body, then call `finish` or `fail`")]
    HeadRepeated,
    /// The exchange is over, and takes nothing more.
    #[error("`{called}` was called after the exchange had ended: `next` returns `Step::Done`")]
    ExchangeEnded {
        /// The method.
        #[serde(deserialize_with = "static_text::deserialize")]
        called: StaticText,
    },
    /// An exchange was started without a target.
    #[error("`start` needs at least one target")]
    NoTarget,
    /// `provide` was called although `Step::Load` was not the last step.
    #[error("`provide` answers `Step::Load`, which was not the last step")]
    LoadNotPending,
    /// `provide` got more or fewer values than `Step::Load` has keys.
    #[error("`provide` takes a value for each of the {expected} keys of `Step::Load`, not {provided}")]
    WrongNumberOfValues {
        /// How many keys `Step::Load` has.
        expected: usize,
        /// How many values came.
        provided: usize,
    },
}
