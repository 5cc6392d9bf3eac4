//! What can be read of a form that only one dialect has.

use crate::dialect::{NativeContent, dialect};

/// What other dialects can read of something that only `owner` defines.
pub(super) fn describe(owner: &str, json: &str) -> NativeContent {
    dialect(owner).map_or_else(|_| NativeContent::by_type(json), |dialect| dialect.describe_native(json))
}
