//! Client keys.

use crate::app_state::AppState;
use crate::config::Secret;
use http::{HeaderMap, Method, header};
use openai_shim_core::state::Owner;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Where clients put their key.
const HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Whose request this is: the owner with the client key in it. `None`: it may not pass. Health checks and CORS
/// preflights carry no key. `also`: a key that stands elsewhere than in a header.
pub(crate) fn owner(
    app: &AppState,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    also: Option<&str>,
) -> Option<Owner> {
    if app.config.client_keys.is_empty()
        || method == Method::OPTIONS
        || matches!(path, "/healthz" | "/readyz" | "/")
    {
        return Some(Owner::single());
    }
    let mut given = HEADERS.iter().filter_map(|name| key(headers, name)).chain(also.map(str::as_bytes));
    let known = given.find_map(|key| find(&app.config.client_keys, key))?;
    app.owners.get(known).cloned()
}

fn key<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let value = headers.get(name)?.as_bytes();
    if name != header::AUTHORIZATION.as_str() {
        return Some(value);
    }
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}

/// Where among the keys the given one is. Compares with every key, and each in constant time: how long it takes says nothing
/// about which is near.
fn find(keys: &[Secret], given: &[u8]) -> Option<usize> {
    let mut place = u64::MAX;
    for (at, key) in (0..).zip(keys) {
        place.conditional_assign(&at, key.expose().as_bytes().ct_eq(given));
    }
    usize::try_from(place).ok().filter(|place| *place < keys.len())
}
