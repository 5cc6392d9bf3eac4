//! Upstream errors to adaptations: the one rule to change so that the upstream accepts the request.
//!
//! [`adaptation_for`] compares the error with the request that was refused. The known wordings are a table (`refusals`), each
//! with its source. An adaptation follows only if it is certain, and if it changes this very request. It applies to later
//! requests to the same upstream and model too, so nothing follows from temporary causes (a key, a quota, a prompt that is
//! too long, one field without its companion), nor from what OpenAI itself refuses: that is the client's to correct.

mod adaptation;
mod apply;
mod decide;
mod error_text;
mod message_pattern;
mod refusals;
mod sent_request;

pub use adaptation::Adaptation;
pub use decide::adaptation_for;
