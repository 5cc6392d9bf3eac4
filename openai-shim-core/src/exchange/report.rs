//! What happened in an exchange.

use crate::canonical::{Asked, Diagnostics, Outcome, Usage};
use crate::error::Error;
use crate::profile::Profile;

/// What happened in an exchange: for headers, metrics, logs and tests.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Token counts, where the upstream gave them (also when the client did not ask).
    pub usage: Option<Usage>,
    /// Everything that was changed, dropped, filled in or found wrong.
    pub diagnostics: Diagnostics,
    /// The error that the client was told.
    pub error: Option<Error>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The status of the last attempt's answer.
    pub upstream_status: Option<u16>,
    /// The model by the client's name.
    pub model: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The profile's name.
    pub profile: String,
}

impl Report {
    pub(super) fn new(asked: &Asked, profile: &Profile, diagnostics: Diagnostics) -> Self {
        Self {
            outcome: Outcome::Cancelled,
            usage: None,
            diagnostics,
            error: None,
            attempts: 0,
            upstream_status: None,
            model: asked.model.clone(),
            stream: asked.stream,
            profile: profile.name.clone(),
        }
    }
}
