//! Headers that an exchange passes on: a client's feature headers to the upstream, an upstream's limits and ids to the client.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::dialect::Dialect;
use crate::profile::Profile;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};

/// Rate limit headers that every dialect's clients may read, besides those of the upstream's own dialect.
const LIMIT_PREFIX: &str = "x-ratelimit-";

/// Forwards the client's headers that the profile lists, and records the feature headers that are dropped.
pub(super) fn forward_request_headers(
    client_headers: &HeaderMap,
    client: Dialect,
    profile: &Profile,
    forwarded: &mut HeaderMap,
    diagnostics: &mut Diagnostics,
) {
    profile.pass_headers(client_headers, forwarded);
    for feature in client.headers().feature_headers {
        if client_headers.contains_key(*feature)
            && !profile.forward_headers.iter().any(|name| name == feature)
        {
            diagnostics.record(DiagnosticCode::HeaderDropped, feature, "");
        }
    }
}

/// The version of the upstream's API that a forwarded header of the client states; empty: none.
pub(super) fn forwarded_version<'h>(
    client_headers: &'h HeaderMap,
    upstream: Dialect,
    profile: &Profile,
) -> &'h str {
    forwarded(upstream.headers().api_version, client_headers, profile)
}

/// The features of the upstream's API that a forwarded header of the client selects; empty: none.
pub(super) fn forwarded_features<'h>(
    client_headers: &'h HeaderMap,
    upstream: Dialect,
    profile: &Profile,
) -> &'h str {
    forwarded(upstream.headers().feature_headers.first().copied(), client_headers, profile)
}

fn forwarded<'h>(header: Option<&str>, client_headers: &'h HeaderMap, profile: &Profile) -> &'h str {
    header
        .filter(|header| profile.forward_headers.iter().any(|name| name.eq_ignore_ascii_case(header)))
        .and_then(|header| client_headers.get(header)?.to_str().ok())
        .unwrap_or_default()
}

/// Selects the upstream's headers that a client may see: how long to wait, what is left of its limits, and the request's id.
/// Limits that both dialects have are added under the client dialect's names.
pub(super) fn response_headers(
    upstream_headers: &HeaderMap,
    client: Dialect,
    upstream: Dialect,
) -> HeaderMap {
    let (client_names, upstream_names) = (client.headers(), upstream.headers());
    let mut selected = HeaderMap::new();
    for (name, value) in upstream_headers {
        let text = name.as_str();
        let is_limit = text.starts_with(LIMIT_PREFIX)
            || !upstream_names.rate_limit_prefix.is_empty()
                && text.starts_with(upstream_names.rate_limit_prefix);
        let is_request_id = client_names.request_id == Some(text);
        if is_limit || name == RETRY_AFTER || text == "retry-after-ms" || is_request_id {
            selected.append(name, value.clone());
        }
    }
    if selected.is_empty() || client.name() == upstream.name() {
        return selected;
    }
    for (client_name, upstream_name) in
        client_names.common_rate_limits.iter().zip(upstream_names.common_rate_limits)
    {
        let value = selected.get(*upstream_name).filter(|_| !selected.contains_key(*client_name)).cloned();
        if let Some(value) = value {
            selected.insert(HeaderName::from_static(client_name), value);
        }
    }
    selected
}
