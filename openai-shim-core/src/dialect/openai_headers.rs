//! The headers of OpenAI's APIs that have a meaning, for the dialects of these APIs.

use super::auxiliary::DialectHeaders;

/// See <https://platform.openai.com/docs/api-reference/debugging-requests>.
pub(super) static HEADERS: DialectHeaders = DialectHeaders {
    marks: &[],
    feature_headers: &["openai-organization", "openai-project", "openai-beta"],
    key_parameter: None,
    request_id: None,
    limits: "x-ratelimit-",
    common_limits: &[
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
    ],
};
