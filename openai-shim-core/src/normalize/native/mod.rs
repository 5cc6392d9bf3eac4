//! What only the client's dialect has a form for, for an upstream of another dialect: to what that upstream can read.

mod blocks;
mod compaction;
mod tools;

use super::recipient::Recipient;
use crate::canonical::{Diagnostics, Request};
use crate::dialect::{NativeContent, dialect};

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    tools::normalize(request, recipient, diagnostics);
    compaction::normalize(request, recipient, diagnostics);
    blocks::normalize(request, recipient, diagnostics);
}

/// Whether what `owner` defines means nothing to the recipient. A family of dialects shares its forms under the family's name.
fn is_foreign(owner: &str, recipient: &Recipient<'_>) -> bool {
    let rest = recipient.dialect.name().strip_prefix(owner);
    !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// What other dialects can read of something that only `owner` defines.
fn describe(owner: &str, json: &str) -> NativeContent {
    dialect(owner).map_or_else(|_| NativeContent::by_type(json), |dialect| dialect.describe_native(json))
}
