//! The full report at the end of an answer, for who debugs.

use super::Exchange;

/// The member that a whole answer gets.
const MEMBER: &str = "openai_shim";

impl Exchange {
    /// Adds the report to a body that begins at `start` of `out`, if that was asked for.
    pub(super) fn trailer(&self, start: usize, out: &mut Vec<u8>) {
        if !self.settings.debug || !matches!(self.state, super::ExchangePhase::Over) {
            return;
        }
        let report = self.report.to_json();
        let whole = self.reply.as_ref().is_some_and(|reply| !reply.streams);
        if !whole {
            self.client.comment(&format!("{MEMBER} {report}"), out);
            return;
        }
        let body = out.get(start..).unwrap_or_default().trim_ascii_end();
        let Some(open) = body.strip_suffix(b"}") else { return };
        let comma = if open.trim_ascii_end().ends_with(b"{") { "" } else { "," };
        out.truncate(start + open.len());
        out.extend_from_slice(format!("{comma}\"{MEMBER}\":{report}}}").as_bytes());
    }
}
