//! Whether a form belongs to another dialect than the recipient's, and what can be read of it.

use super::super::recipient::Recipient;
use crate::dialect::{NativeContent, dialect};

/// Whether what `owner` defines means nothing to the recipient. A family of dialects shares its forms under the family's name.
pub(super) fn is_foreign(owner: &str, recipient: &Recipient<'_>) -> bool {
    let rest = recipient.dialect.name().strip_prefix(owner);
    !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// What other dialects can read of something that only `owner` defines.
pub(super) fn describe(owner: &str, json: &str) -> NativeContent {
    dialect(owner).map_or_else(|_| NativeContent::by_type(json), |dialect| dialect.describe_native(json))
}
