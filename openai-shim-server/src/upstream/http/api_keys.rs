//! The keys of one upstream: each request gets the first one that does not rest, and a key that was refused rests for a while.

use crate::config::{Secret, UpstreamConfig};
use crate::routing::key_rests::KeyRests;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use openai_shim_core::dialect::wait_in_headers;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a key rests that was refused for its rate limit, if the upstream does not say.
const RATE_LIMIT_REST: Duration = Duration::from_secs(30);
/// How long a key rests that is not valid, has no credit, or no permission.
const REFUSAL_REST: Duration = Duration::from_secs(300);

/// The header of each key, and which of them rest.
pub(super) struct ApiKeys {
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Of several keys; a single one never rests.
    rests: Option<Arc<KeyRests>>,
}

impl ApiKeys {
    /// The keys of an upstream's configuration.
    pub(super) fn new(config: &UpstreamConfig) -> Result<Self, String> {
        let header = |secret: &Secret| {
            let header = config.profile.auth.header_for(secret.expose());
            header.map_err(|error| format!("its key cannot be sent: {error}"))
        };
        let headers = config.api_keys.iter().map(header).collect::<Result<Vec<_>, _>>()?;
        let rests = (headers.len() > 1).then(|| Arc::new(KeyRests::new(headers.len())));
        Ok(Self { headers, rests })
    }

    /// Adds the key to a request; returns which one it is.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) -> usize {
        let index = self.rests.as_ref().map_or(0, |rests| rests.first_ready(Instant::now()));
        if let Some((name, value)) = self.headers.get(index) {
            headers.insert(name, value.clone());
        }
        index
    }

    /// Puts a key to rest if the response refuses it; returns whether another one is ready.
    pub(super) fn rest_if_refused(&self, index: usize, status: StatusCode, headers: &HeaderMap) -> bool {
        let Some(rests) = &self.rests else { return false };
        let rest = match status.as_u16() {
            401..=403 => REFUSAL_REST,
            429 => RATE_LIMIT_REST,
            _ => return false,
        };
        rests.rest(index, wait_in_headers(status, headers).unwrap_or(rest), Instant::now())
    }

    /// Which keys rest, if there are several.
    pub(super) fn rests(&self) -> Option<&Arc<KeyRests>> {
        self.rests.as_ref()
    }
}
