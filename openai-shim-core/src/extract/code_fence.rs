//! Text to the text inside the Markdown code fence around all of it.

use super::limits::{MAX_LEADING_SPACE_BYTES, MAX_WITHHELD_BYTES};

/// The maximum length of the info string after the opening fence.
const MAX_INFO_BYTES: usize = 100;

/// Removes one Markdown fence that surrounds a whole text: models wrap JSON in one although the prompt forbids it.
///
/// Only the end of the text shows whether the fence surrounds all of it. Text that begins with a fence is therefore withheld
/// until its end, or until other text follows the fence. Text that is not entirely fenced is returned unchanged.
///
/// ```
/// use openai_shim_core::extract::FenceStripper;
/// let (mut fences, mut out) = (FenceStripper::new(), String::new());
/// fences.push("```json\n{\"a\":1}\n```\n", &mut out);
/// fences.finish(&mut out);
/// assert_eq!((out.as_str(), fences.has_stripped()), ("{\"a\":1}", true));
/// ```
#[derive(Debug, Default)]
pub struct FenceStripper {
    withheld: String,
    phase: FencePhase,
}

/// Where the parser is in the withheld text; all numbers are byte offsets in it, except `ticks`, the length of the fence.
#[derive(Debug, Default, Clone, Copy)]
enum FencePhase {
    /// The first line is incomplete.
    #[default]
    Opening,
    /// In the fence, whose content begins at `body`. The next line begins at `line` and has no end before `scanned`.
    Body { ticks: usize, body: usize, line: usize, scanned: usize },
    /// The fence was closed after the content in `body..end`. Only white space follows, up to `scanned`.
    Closed { body: usize, end: usize, scanned: usize },
    /// No fence surrounds the text.
    Passthrough,
    /// The text has ended and its fence was removed.
    Stripped,
}

impl FenceStripper {
    /// Creates a stripper for one text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next part and appends to `out` the text that is certain.
    pub fn push(&mut self, text: &str, out: &mut String) {
        if self.is_decided() {
            out.push_str(text);
            return;
        }
        self.withheld.push_str(text);
        while self.advance() {}
        if matches!(self.phase, FencePhase::Passthrough) || self.withheld.len() > MAX_WITHHELD_BYTES {
            self.pass_through(out);
        }
    }

    /// Ends the text: appends the content of the fence, or the withheld text if no fence surrounds all of it.
    pub fn finish(&mut self, out: &mut String) {
        if let FencePhase::Body { ticks, body, line, .. } = self.phase {
            self.phase = match find_final_closer(&self.withheld, ticks, body, line) {
                Some(end) => FencePhase::Closed { body, end, scanned: 0 },
                None => FencePhase::Passthrough,
            };
        }
        match self.phase {
            FencePhase::Closed { body, end, .. } => {
                let content = self.withheld.get(body..end).unwrap_or_default();
                let content = content.strip_suffix('\n').unwrap_or(content);
                out.push_str(content.strip_suffix('\r').unwrap_or(content));
                self.withheld = String::new();
                self.phase = FencePhase::Stripped;
            }
            FencePhase::Stripped => {}
            _ => self.pass_through(out),
        }
    }

    /// Whether a fence was removed; known after `finish`.
    pub fn has_stripped(&self) -> bool {
        matches!(self.phase, FencePhase::Stripped)
    }

    /// Whether `push` would append exactly this text and withhold nothing: the call may then be skipped.
    pub fn is_unchanged(&self, _text: &str) -> bool {
        self.is_decided()
    }

    /// Whether all further text is returned as it is.
    fn is_decided(&self) -> bool {
        matches!(self.phase, FencePhase::Passthrough | FencePhase::Stripped)
    }

    fn pass_through(&mut self, out: &mut String) {
        out.push_str(&self.withheld);
        self.withheld = String::new();
        self.phase = FencePhase::Passthrough;
    }

    /// Reads the next line. Returns false when more text is needed, or none need be read.
    fn advance(&mut self) -> bool {
        let next = match self.phase {
            FencePhase::Opening => read_opening(&self.withheld),
            FencePhase::Body { ticks, body, line, scanned } => {
                let unscanned = self.withheld.as_bytes().get(scanned..).unwrap_or_default();
                let Some(at) = memchr::memchr(b'\n', unscanned) else {
                    self.phase = FencePhase::Body { ticks, body, line, scanned: self.withheld.len() };
                    return false;
                };
                let next = scanned + at + 1;
                Some(if is_closer(self.withheld.get(line..next).unwrap_or_default(), ticks) {
                    FencePhase::Closed { body, end: line, scanned: next }
                } else {
                    FencePhase::Body { ticks, body, line: next, scanned: next }
                })
            }
            FencePhase::Closed { body, end, scanned } => {
                if self.withheld.get(scanned..).unwrap_or_default().trim().is_empty() {
                    self.phase = FencePhase::Closed { body, end, scanned: self.withheld.len() };
                    return false;
                }
                Some(FencePhase::Passthrough)
            }
            FencePhase::Passthrough | FencePhase::Stripped => None,
        };
        match next {
            Some(phase) => {
                self.phase = phase;
                true
            }
            None => false,
        }
    }
}

/// The phase after the first line; `None` while the line is incomplete.
fn read_opening(text: &str) -> Option<FencePhase> {
    let fence = text.trim_start();
    if text.len() - fence.len() > MAX_LEADING_SPACE_BYTES {
        return Some(FencePhase::Passthrough);
    }
    let ticks = fence.bytes().take_while(|b| *b == b'`').count();
    if ticks == fence.len() {
        return None;
    }
    if ticks < 3 {
        return Some(FencePhase::Passthrough);
    }
    let after_ticks = fence.get(ticks..).unwrap_or_default();
    let line_end = memchr::memchr(b'\n', after_ticks.as_bytes());
    let info = after_ticks.get(..line_end.unwrap_or(after_ticks.len())).unwrap_or_default();
    if info.contains('`') || info.len() > MAX_INFO_BYTES {
        return Some(FencePhase::Passthrough);
    }
    let body = text.len() - after_ticks.len() + line_end? + 1;
    Some(FencePhase::Body { ticks, body, line: body, scanned: body })
}

/// Whether a line closes a fence of `ticks` backticks.
fn is_closer(line: &str, ticks: usize) -> bool {
    let line = line.trim();
    line.len() >= ticks && line.bytes().all(|b| b == b'`')
}

/// Returns the end of the content if the text's last line closes the fence. A closing fence at the end of a line of content
/// (`{"a":1}` and the backticks) also counts.
fn find_final_closer(text: &str, ticks: usize, body: usize, line: usize) -> Option<usize> {
    if is_closer(text.get(line..)?, ticks) {
        return Some(line);
    }
    let text = text.trim_end();
    let content = text.trim_end_matches('`');
    (text.len() - content.len() == ticks && content.len() >= body).then_some(content.len())
}
