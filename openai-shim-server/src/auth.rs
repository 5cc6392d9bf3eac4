//! Client keys.

use crate::app::App;
use crate::config::Secret;
use http::{HeaderMap, Method, header};
use subtle::{Choice, ConstantTimeEq};

/// Where clients put their key.
const HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Whose request this is, as a number: that of the client key in it. `None`: it may not pass. Health checks and CORS
/// preflights carry no key. `also`: a key that stands elsewhere than in a header.
pub(crate) fn owner(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    also: Option<&str>,
) -> Option<u64> {
    if app.config.client_keys.is_empty()
        || method == Method::OPTIONS
        || matches!(path, "/healthz" | "/readyz" | "/")
    {
        return Some(0);
    }
    let mut given = HEADERS.iter().filter_map(|name| key(headers, name)).chain(also.map(str::as_bytes));
    given.find(|key| is_known(&app.config.client_keys, key)).map(|key| app.hash(key))
}

fn key<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let value = headers.get(name)?.as_bytes();
    if name != header::AUTHORIZATION.as_str() {
        return Some(value);
    }
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}

/// Compares with every key, and each in constant time: how long it takes says nothing about which is near.
fn is_known(keys: &[Secret], given: &[u8]) -> bool {
    let mut known = Choice::from(0);
    for key in keys {
        known |= key.expose().as_bytes().ct_eq(given);
    }
    known.into()
}
