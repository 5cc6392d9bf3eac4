//! Redirections: how many are followed, and to which path on the same server.

use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

/// How many redirections of one request are followed.
pub(crate) const MAX_REDIRECTS: usize = 3;

/// The path and query that `Location` names, if they are on the same server: the key must not reach another one.
pub(super) fn redirect_path(origin: &Url, path: &str, headers: &HeaderMap) -> Option<String> {
    let current = origin.join(path).ok()?;
    let target = current.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
    (target.origin() == current.origin()).then(|| format!("{}{query}", target.path()))
}
