//! Repair of a non-streaming response: every required field is there afterwards.

use super::super::super::Repaired;
use super::super::{output_item, response};
use super::cut_item::label_last_item;
use super::required_fields::fill_response;
use crate::canonical::{Diagnostics, ResponseContext, ResponseSpec, ResponseSummary, unfold};
use crate::error::UpstreamError;
use crate::json::Object;

/// Repairs a response body.
pub(in super::super) fn repair(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let decoded = response::decode(body, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&decoded) {
        summary.event(&event);
    }
    let mut object = Object::parse(body).unwrap_or_default();
    // For a client of this dialect, items that only this dialect has are content, and so is a response that is not complete
    // yet.
    let is_pending = matches!(object.str("status").as_deref(), Some("queued" | "in_progress"));
    let has_native_item =
        || object.array("output").unwrap_or_default().into_iter().any(output_item::is_native);
    let is_other_content = is_pending || has_native_item();
    summary.content |= is_other_content;
    summary.answer |= is_other_content;
    label_last_item(&mut object, diagnostics);
    fill_response(&mut object, &[], spec, context, diagnostics);
    Ok(Repaired { body: object.is_changed().then(|| object.to_json().into_bytes()), summary })
}
