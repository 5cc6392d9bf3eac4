//! The calls that an answer has told, to recognize one that it tells again.

use super::digest::Digest;
use super::{DiagnosticCode, Diagnostics};
use std::collections::BTreeSet;

/// The most calls that are remembered; those behind them are not compared.
const MAX_CALLS: usize = 4096;

/// The calls with an id that an answer has told.
#[derive(Default)]
pub(crate) struct ReportedCalls(BTreeSet<u128>);

impl ReportedCalls {
    /// Remembers a call. Returns whether the answer has told the same one before: calls without an id are never the same.
    pub(crate) fn is_repeated(
        &mut self,
        [id, name, arguments]: [&str; 3],
        field_path: &str,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        if id.is_empty() || self.0.len() == MAX_CALLS {
            return false;
        }
        let mut digest = Digest::new();
        for field in [id, name, arguments] {
            digest.add_field(field.as_bytes());
        }
        let is_new = self.0.insert(digest.value());
        if !is_new {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, field_path, "a whole call");
        }
        !is_new
    }
}
