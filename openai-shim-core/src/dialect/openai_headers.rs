//! The headers of OpenAI's API, shared by the dialects of its family.

use super::auxiliary::{DialectHeaders, ResetForm};

/// See <https://platform.openai.com/docs/api-reference/debugging-requests>.
pub(super) static HEADERS: DialectHeaders = DialectHeaders {
    identifying: &[],
    feature_headers: &["openai-organization", "openai-project", "openai-beta"],
    api_version: None,
    key_parameter: None,
    request_id: None,
    rate_limit_prefix: "x-ratelimit-",
    common_rate_limits: &[
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
    ],
    rate_limit_resets: &["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"],
    rate_limit_reset_form: ResetForm::Duration,
};
