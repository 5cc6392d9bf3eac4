//! Checks a client key: headers and query key in, the key's name and the owner of the request's state out; `None` refuses the request.

use crate::app_state::AppState;
use crate::config::Secret;
use crate::limits::NamedKey;
use http::{HeaderMap, Method, header};
use openai_shim_core::state::Owner;
use std::sync::Arc;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Headers in which clients send their key.
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Whose request it is.
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    /// The client key, if it has a name.
    pub(crate) key: Option<Arc<NamedKey>>,
}

impl Caller {
    /// The only one of a server without keys.
    pub(crate) fn single() -> Self {
        Self { owner: Owner::single(), key: None }
    }
}

/// The caller that the client key of a request belongs to; `None` if no key is right. Without configured keys, and for
/// health checks, the front page and CORS preflights, no key is needed. `query_key`: a key from the query.
pub(crate) fn find_caller(
    app: &AppState,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    query_key: Option<&str>,
) -> Option<Caller> {
    if !app.config.needs_key() || method == Method::OPTIONS || matches!(path, "/healthz" | "/readyz" | "/") {
        return Some(Caller::single());
    }
    let index = index_of_key(app, headers, query_key)?;
    let named = index.checked_sub(app.config.client_keys.len());
    let key = named.and_then(|index| app.named_keys.get(index)).cloned();
    Some(Caller { owner: app.owners.get(index)?.clone(), key })
}

/// Whether a request has the key of a client in a header.
pub(crate) fn has_key(app: &AppState, headers: &HeaderMap) -> bool {
    index_of_key(app, headers, None).is_some()
}

fn index_of_key(app: &AppState, headers: &HeaderMap, query_key: Option<&str>) -> Option<usize> {
    let header_keys = KEY_HEADERS.iter().filter_map(|name| key_in_header(headers, name));
    let mut sent_keys = header_keys.chain(query_key.map(str::as_bytes));
    sent_keys.find_map(|key| find_key(app.config.keys_of_clients(), key))
}

fn key_in_header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let value = headers.get(name)?.as_bytes();
    if name != header::AUTHORIZATION.as_str() {
        return Some(value);
    }
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}

/// The index of a sent key among the configured ones. Compares with every key, each in constant time: the duration does not
/// reveal how close a guess is.
fn find_key<'k>(keys: impl Iterator<Item = &'k Secret>, sent: &[u8]) -> Option<usize> {
    let mut index = u64::MAX;
    for (candidate, key) in (0..).zip(keys) {
        index.conditional_assign(&candidate, key.expose().as_bytes().ct_eq(sent));
    }
    usize::try_from(index).ok().filter(|_| index != u64::MAX)
}
