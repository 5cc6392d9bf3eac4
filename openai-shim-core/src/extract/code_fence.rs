//! A Markdown fence around a whole text.

use super::LIMIT;

/// How long the words after the opening fence may be, and the white space before it.
const INFO: usize = 100;
const BLANK: usize = 4096;

/// Takes off one Markdown fence that surrounds a whole text: models wrap JSON in one though they were asked not to.
///
/// Only the end of the text tells whether the fence surrounds all of it, so a text that begins with one is held until
/// then, or until it is disproved. A text that is not wholly fenced comes out unchanged.
///
/// ```
/// use openai_shim_core::filter::Fences;
/// let (mut fences, mut out) = (Fences::new(), String::new());
/// fences.push("```json\n{\"a\":1}\n```\n", &mut out);
/// fences.finish(&mut out);
/// assert_eq!((out.as_str(), fences.stripped()), ("{\"a\":1}", true));
/// ```
#[derive(Debug, Default)]
pub struct FenceStripper {
    held: String,
    state: FencePhase,
    stripped: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum FencePhase {
    /// The first line is not complete.
    #[default]
    Opening,
    /// In the fence; the line at `line` is next, and has no end before `summary`.
    Body { ticks: usize, body: usize, line: usize, summary: usize },
    /// The fence ended; only white space stands before `summary`.
    Closed { body: usize, end: usize, summary: usize },
    /// No fence around it all.
    Passing,
}

impl FenceStripper {
    /// For one text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next part.
    pub fn push(&mut self, text: &str, out: &mut String) {
        if matches!(self.state, FencePhase::Passing) {
            out.push_str(text);
            return;
        }
        self.held.push_str(text);
        while self.step() {}
        if matches!(self.state, FencePhase::Passing) || self.held.len() > LIMIT {
            self.pass(out);
        }
    }

    /// The text is over.
    pub fn finish(&mut self, out: &mut String) {
        if let FencePhase::Body { ticks, body, line, .. } = self.state {
            self.state = match last_closer(&self.held, ticks, body, line) {
                Some(end) => FencePhase::Closed { body, end, summary: 0 },
                None => FencePhase::Passing,
            };
        }
        if let FencePhase::Closed { body, end, .. } = self.state {
            let inner = self.held.get(body..end).unwrap_or_default();
            let inner = inner.strip_suffix('\n').unwrap_or(inner);
            out.push_str(inner.strip_suffix('\r').unwrap_or(inner));
            self.stripped = true;
            self.held.clear();
        }
        self.pass(out);
    }

    /// Whether a fence was taken off; known after `finish`.
    pub fn stripped(&self) -> bool {
        self.stripped
    }

    /// Whether `push` would say exactly this text and hold nothing: then it may be skipped.
    pub fn is_unchanged(&self, _text: &str) -> bool {
        matches!(self.state, FencePhase::Passing)
    }

    fn pass(&mut self, out: &mut String) {
        out.push_str(&self.held);
        self.held = String::new();
        self.state = FencePhase::Passing;
    }

    /// Looks at the next line; false when more is needed, or all is known.
    fn step(&mut self) -> bool {
        let next = match self.state {
            FencePhase::Opening => opening(&self.held),
            FencePhase::Body { ticks, body, line, summary } => {
                let rest = self.held.as_bytes().get(summary..).unwrap_or_default();
                let Some(at) = memchr::memchr(b'\n', rest) else {
                    self.state = FencePhase::Body { ticks, body, line, summary: self.held.len() };
                    return false;
                };
                let next = summary + at + 1;
                Some(if closes(self.held.get(line..next).unwrap_or_default(), ticks) {
                    FencePhase::Closed { body, end: line, summary: next }
                } else {
                    FencePhase::Body { ticks, body, line: next, summary: next }
                })
            }
            FencePhase::Closed { body, end, summary } => {
                if self.held.get(summary..).unwrap_or_default().trim().is_empty() {
                    self.state = FencePhase::Closed { body, end, summary: self.held.len() };
                    return false;
                }
                Some(FencePhase::Passing)
            }
            FencePhase::Passing => None,
        };
        match next {
            Some(state) => {
                self.state = state;
                true
            }
            None => false,
        }
    }
}

/// The state after the first line; `None` while it is not complete.
fn opening(held: &str) -> Option<FencePhase> {
    let start = held.trim_start();
    if held.len() - start.len() > BLANK {
        return Some(FencePhase::Passing);
    }
    let ticks = start.bytes().take_while(|b| *b == b'`').count();
    if ticks == start.len() {
        return None;
    }
    if ticks < 3 {
        return Some(FencePhase::Passing);
    }
    let rest = start.get(ticks..).unwrap_or_default();
    let line = memchr::memchr(b'\n', rest.as_bytes());
    let info = rest.get(..line.unwrap_or(rest.len())).unwrap_or_default();
    if info.contains('`') || info.len() > INFO {
        return Some(FencePhase::Passing);
    }
    let body = held.len() - rest.len() + line? + 1;
    Some(FencePhase::Body { ticks, body, line: body, summary: body })
}

/// Whether a line closes a fence of so many ticks.
fn closes(line: &str, ticks: usize) -> bool {
    let line = line.trim();
    line.len() >= ticks && line.bytes().all(|b| b == b'`')
}

/// Where the body ends if the text's last line closes the fence, or ends with it: `{"a":1}```` is met too.
fn last_closer(held: &str, ticks: usize, body: usize, line: usize) -> Option<usize> {
    if closes(held.get(line..)?, ticks) {
        return Some(line);
    }
    let text = held.trim_end();
    let inner = text.trim_end_matches('`');
    (text.len() - inner.len() == ticks && inner.len() >= body).then_some(inner.len())
}
