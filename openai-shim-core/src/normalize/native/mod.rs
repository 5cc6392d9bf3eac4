//! What only the client's dialect has a form for, for an upstream of another dialect: to what that upstream can read.

mod blocks;
mod compaction;
mod foreign;
mod tools;

use super::recipient::Recipient;
use crate::canonical::{Diagnostics, Request};

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    tools::normalize(request, recipient, diagnostics);
    compaction::normalize(request, recipient, diagnostics);
    blocks::normalize(request, recipient, diagnostics);
}
