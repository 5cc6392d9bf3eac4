//! Refusals and rate limit headers: a decision in, the client's error and the headers of its dialect out.

use super::decision::{LimitKind, Refused, Standing};
use super::named_key::NamedKey;
use crate::clock;
use http::{HeaderMap, HeaderName, HeaderValue};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::error::{ClientError, short_name};
use openai_shim_core::{Error, ErrorKind};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Rate limit headers that every dialect's clients may read.
const COMMON_PREFIX: &str = "x-ratelimit-";

impl NamedKey {
    /// The error for a request that exceeds a limit.
    pub(crate) fn refusal(&self, refused: &Refused) -> Error {
        let (name, numbers) = (self.name(), self.numbers());
        let seconds = refused.wait.as_nanos().div_ceil(1_000_000_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let limit_name = refused.limit.as_str();
        let text = match refused.limit {
            LimitKind::Requests => format!(
                "The key `{name}` may send {} requests a minute ({limit_name}), and has sent them. Try again in {seconds} s.",
                numbers.requests.unwrap_or_default()
            ),
            LimitKind::Tokens => format!(
                "The key `{name}` may use {} tokens a minute ({limit_name}); {} are left, and this request may need more. Try \
                 again in {seconds} s.",
                numbers.tokens.unwrap_or_default(),
                refused.standing.tokens.map_or(0, |tokens| tokens.remaining)
            ),
            LimitKind::Concurrent => format!(
                "The key `{name}` may have {} requests at once ({limit_name}), and has as many. Try again when one of them has \
                 ended.",
                numbers.concurrent.unwrap_or_default()
            ),
        };
        let error = ClientError::new(ErrorKind::RateLimited, text).with_code("rate_limit_exceeded");
        Error::Client(error.with_retry_after(Duration::from_secs(seconds)))
    }

    /// The error for a model that the key may not use; `None`: the request names none. It is counted.
    pub(crate) fn forbidden_model(&self, model: Option<&str>) -> Error {
        self.usage().refused_models.fetch_add(1, Ordering::Relaxed);
        let (name, models) = (self.name(), self.models().join("`, `"));
        let text = match model.filter(|model| !model.is_empty()) {
            Some(model) => {
                let model = short_name(model);
                format!("The key `{name}` may not use the model `{model}`. It may use `{models}`.")
            }
            None => format!(
                "The key `{name}` may use `{models}` only, and this request does not name a model. Name one of them."
            ),
        };
        Error::Client(ClientError::new(ErrorKind::Permission, text).at("model").with_code("model_not_found"))
    }
}

impl Standing {
    /// Puts what is left of the key's limits into a response, in place of what the upstream said of its own: those are of an
    /// account that the client does not have. Without such limits the upstream's headers stay.
    pub(crate) fn add_headers(&self, dialect: Dialect, headers: &mut HeaderMap) {
        if self.requests.is_none() && self.tokens.is_none() {
            return;
        }
        remove_upstream_limits(headers);
        let names = dialect.headers();
        let windows = [self.requests, self.tokens].into_iter().zip(names.common_rate_limits.chunks(2));
        for ((window, names_of_window), reset) in windows.zip(names.rate_limit_resets) {
            let (Some(window), [limit, remaining]) = (window, names_of_window) else { continue };
            let reset_value = names.rate_limit_reset_form.encode(window.reset, clock::unix_seconds());
            headers.insert(HeaderName::from_static(limit), HeaderValue::from(window.limit));
            headers.insert(HeaderName::from_static(remaining), HeaderValue::from(window.remaining));
            if let Ok(value) = HeaderValue::from_str(&reset_value) {
                headers.insert(HeaderName::from_static(reset), value);
            }
        }
    }
}

/// Removes the rate limits of an upstream, whatever its dialect.
fn remove_upstream_limits(headers: &mut HeaderMap) {
    let is_limit = |name: &HeaderName| {
        let prefixes =
            openai_shim_core::dialect::DIALECTS.iter().map(|dialect| dialect.headers().rate_limit_prefix);
        let mut prefixes = prefixes.filter(|prefix| !prefix.is_empty()).chain([COMMON_PREFIX]);
        prefixes.any(|prefix| name.as_str().starts_with(prefix))
    };
    let limits: Vec<HeaderName> = headers.keys().filter(|name| is_limit(name)).cloned().collect();
    for name in limits {
        headers.remove(name);
    }
}
