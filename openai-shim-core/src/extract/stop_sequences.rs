//! Stop sequences for an upstream that has none, or too few.

use super::needle;

/// Ends a text before the first stop sequence, also where it comes in parts.
///
/// The sequence that is complete first counts, as in a server that looks after every token.
///
/// ```
/// use openai_shim_core::filter::Stops;
/// let (mut stops, mut out) = (Stops::new(vec!["\nUser:".to_owned()]), String::new());
/// assert!(!stops.push("Hello\nUs", &mut out));
/// assert!(stops.push("er: and", &mut out));
/// assert_eq!(out, "Hello");
/// ```
#[derive(Debug, Default)]
pub struct StopMatcher {
    all: Vec<String>,
    held: String,
    stopped: bool,
}

impl StopMatcher {
    /// Stops at any of these; empty ones are ignored.
    pub fn new(stops: Vec<String>) -> Self {
        let all = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self { all, held: String::new(), stopped: false }
    }

    /// Takes the next part. True: a stop sequence came, `out` has what stood before it, and nothing more will be said.
    pub fn push(&mut self, text: &str, out: &mut String) -> bool {
        if self.stopped {
            return true;
        }
        self.held.push_str(text);
        let end = match needle::first(&self.held, &self.all) {
            Some((start, _)) => {
                self.stopped = true;
                start
            }
            None => needle::open_end(&self.held, &self.all),
        };
        out.push_str(self.held.get(..end).unwrap_or_default());
        self.held.drain(..end);
        if self.stopped {
            self.held.clear();
        }
        self.stopped
    }

    /// Whether a stop sequence came.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The text is over: what might have become a stop sequence is said.
    pub fn finish(&mut self, out: &mut String) {
        out.push_str(&self.held);
        self.held.clear();
    }

    /// Whether `push` would say exactly this text and hold nothing: then it may be skipped.
    pub fn is_unchanged(&self, text: &str) -> bool {
        let starts =
            |stop: &String| stop.bytes().next().is_some_and(|b| memchr::memchr(b, text.as_bytes()).is_some());
        !self.stopped && self.held.is_empty() && !self.all.iter().any(starts)
    }
}
