//! The debug report: appends an exchange's report to the client's response, as a JSON field or a stream's comment.

use super::session::Session;

/// The field of a non-streaming response, and the first word of a stream's comment.
const REPORT_FIELD: &str = "openai_shim";

/// Appends the report to a response of which `start` is the beginning in `out`, if the settings ask for it.
pub(super) fn append_report(session: &Session, start: usize, out: &mut Vec<u8>) {
    if !session.settings.debug {
        return;
    }
    let report = session.report.to_json();
    let is_document = session.response_head.as_ref().is_some_and(|head| !head.is_stream);
    if !is_document {
        session.client.comment(&format!("{REPORT_FIELD} {report}"), out);
        return;
    }
    let body = out.get(start..).unwrap_or_default().trim_ascii_end();
    let Some(open) = body.strip_suffix(b"}") else { return };
    let comma = if open.trim_ascii_end().ends_with(b"{") { "" } else { "," };
    out.truncate(start + open.len());
    out.extend_from_slice(format!("{comma}\"{REPORT_FIELD}\":{report}}}").as_bytes());
}
