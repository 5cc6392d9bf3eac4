//! Floor 3: a request made such that one profile accepts it; every change is reported.

mod messages;
mod params;

pub use params::params;

use crate::canonical::{Code, Diagnostics, Request, TokenLimit};
use crate::profile::Profile;

/// What the owner of the service decides about every request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `max_tokens` for upstreams that want one.
    pub max_tokens: Option<u64>,
    /// A loss is an error.
    pub strict: bool,
}

/// Makes `request` one that `profile` accepts.
pub fn normalize(request: &mut Request, profile: &Profile, defaults: &Defaults, notes: &mut Diagnostics) {
    messages::normalize(request, &profile.messages, notes);
    if request.max_tokens.is_none()
        && profile.params.wants_max_tokens
        && let Some(tokens) = defaults.max_tokens
    {
        request.max_tokens = Some(TokenLimit { tokens, completion: false });
        notes.note(Code::ParamDefaulted, "max_tokens", "");
    }
    if request.stream && !profile.stream.supported {
        request.stream = false;
        notes.note(Code::StreamSimulated, "stream", "the upstream does not stream");
    }
    // Usage is always asked for, so that reports have it; the client gets it only if it asked.
    request.include_usage = request.stream && profile.stream.options;
}
