//! Text to the text before the first stop sequence, for upstreams that support no stop sequences or too few.

use super::partial_match;

/// Ends a text before the first stop sequence, also when the sequence is divided between parts.
///
/// The stop sequence that ends first counts, as in a server that checks after every token.
///
/// ```
/// use openai_shim_core::extract::StopMatcher;
/// let (mut stops, mut out) = (StopMatcher::new(vec!["\nUser:".to_owned()]), String::new());
/// assert!(!stops.push("Hello\nUs", &mut out));
/// assert!(stops.push("er: and", &mut out));
/// assert_eq!(out, "Hello");
/// ```
#[derive(Debug, Default)]
pub struct StopMatcher {
    sequences: Vec<String>,
    phase: StopPhase,
}

#[derive(Debug)]
enum StopPhase {
    /// No stop sequence was found. `withheld` may be the beginning of one.
    Searching { withheld: String },
    /// A stop sequence was found: the remaining text is dropped.
    Stopped,
}

impl Default for StopPhase {
    fn default() -> Self {
        Self::Searching { withheld: String::new() }
    }
}

impl StopMatcher {
    /// Creates a matcher for any of these stop sequences; empty ones are ignored.
    pub fn new(sequences: Vec<String>) -> Self {
        let sequences = sequences.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self { sequences, phase: StopPhase::default() }
    }

    /// Appends the next part, up to a stop sequence, to `out`. Returns whether a stop sequence was found; nothing is appended
    /// after it.
    pub fn push(&mut self, text: &str, out: &mut String) -> bool {
        let StopPhase::Searching { withheld } = &mut self.phase else { return true };
        withheld.push_str(text);
        if let Some(found) = partial_match::find_first(withheld, &self.sequences) {
            out.push_str(withheld.get(..found.start).unwrap_or_default());
            self.phase = StopPhase::Stopped;
            return true;
        }
        let end = partial_match::partial_match_start(withheld, &self.sequences);
        out.push_str(withheld.get(..end).unwrap_or_default());
        withheld.drain(..end);
        false
    }

    /// Whether a stop sequence was found.
    pub fn is_stopped(&self) -> bool {
        matches!(self.phase, StopPhase::Stopped)
    }

    /// Ends the text: appends text that was withheld as the possible beginning of a stop sequence.
    pub fn finish(&mut self, out: &mut String) {
        if let StopPhase::Searching { withheld } = &mut self.phase {
            out.push_str(withheld);
            withheld.clear();
        }
    }

    /// Whether `push` would append exactly this text and withhold nothing: the call may then be skipped.
    pub fn is_unchanged(&self, text: &str) -> bool {
        let has_first_byte =
            |stop: &String| stop.bytes().next().is_some_and(|b| memchr::memchr(b, text.as_bytes()).is_some());
        match &self.phase {
            StopPhase::Searching { withheld } => {
                withheld.is_empty() && !self.sequences.iter().any(has_first_byte)
            }
            StopPhase::Stopped => false,
        }
    }
}
