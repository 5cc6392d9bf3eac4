//! Headers of OpenAI's API, for the dialects of its family.

use super::auxiliary::DialectHeaders;

/// <https://platform.openai.com/docs/api-reference/debugging-requests>
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
