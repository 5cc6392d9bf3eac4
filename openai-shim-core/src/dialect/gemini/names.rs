//! Names that the files of this dialect share: the dialect's, that of its signature format, and prefixes.

/// The dialect's name, which also marks extra fields and native blocks as belonging to it.
pub(super) const NAME: &str = "gemini";

/// The `format` of this API's signatures in `reasoning_details`.
pub(super) const SIGNATURE_FORMAT: &str = "google-gemini-v1";

/// The query parameter that selects the framing of a stream; among the echoed parameters it stands for a JSON array.
pub(super) const ALT_PARAM: &str = "alt";

/// The prefix of ids that are generated for tool calls without one.
pub(super) const GENERATED_ID_PREFIX: &str = "gemini-call-";

/// Whether a tool call's id was generated here; such ids are not sent to upstreams.
pub(super) fn is_generated_id(id: &str) -> bool {
    id.starts_with(GENERATED_ID_PREFIX)
}
