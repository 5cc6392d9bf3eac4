//! Headers that are neither the body's nor the key's: what a client asks for in them, and what an upstream says in them.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::dialect::Dialect;
use crate::profile::Profile;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};

/// What every dialect's clients may read, besides the limits of the upstream's own.
const LIMITS: &str = "x-ratelimit-";

/// Passes those of a client's headers on that the upstream knows, and says which wishes are not passed on.
pub(super) fn pass(
    given: &HeaderMap,
    client: &dyn Dialect,
    profile: &Profile,
    send: &mut HeaderMap,
    diagnostics: &mut Diagnostics,
) {
    profile.pass_headers(given, send);
    for wish in client.headers().feature_headers {
        if given.contains_key(*wish) && !profile.forward_headers.iter().any(|known| known == wish) {
            diagnostics.record(DiagnosticCode::HeaderDropped, wish, "");
        }
    }
}

/// Those of an upstream's headers that are its clients' business: how long to wait, how much is left, and under which id
/// it knows the request. Limits that both dialects have are said in the client's words as well.
pub(super) fn kept(given: &HeaderMap, client: &dyn Dialect, upstream: &dyn Dialect) -> HeaderMap {
    let (own, theirs) = (client.headers(), upstream.headers());
    let mut kept = HeaderMap::new();
    for (name, value) in given {
        let text = name.as_str();
        let limit = text.starts_with(LIMITS)
            || !theirs.rate_limit_prefix.is_empty() && text.starts_with(theirs.rate_limit_prefix);
        if limit || name == RETRY_AFTER || text == "retry-after-ms" || own.request_id == Some(text) {
            kept.append(name, value.clone());
        }
    }
    if kept.is_empty() || client.name() == upstream.name() {
        return kept;
    }
    for (own, theirs) in own.common_rate_limits.iter().zip(theirs.common_rate_limits) {
        if let Some(value) = kept.get(*theirs).filter(|_| !kept.contains_key(*own)).cloned() {
            kept.insert(HeaderName::from_static(own), value);
        }
    }
    kept
}
