//! The dialect's name, and the name of the format in which its API signs thinking.

/// The dialect's name, which also marks extra fields and native blocks as belonging to it.
pub(super) const NAME: &str = "anthropic-messages";

/// The `format` of this API's signatures in `reasoning_details`.
pub(super) const SIGNATURE_FORMAT: &str = "anthropic-claude-v1";
