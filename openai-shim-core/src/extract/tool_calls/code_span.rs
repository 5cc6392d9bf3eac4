//! Whether a place in a text is Markdown code, where an opener is quoted and not meant.

/// Follows backticks through a text.
///
/// A run of one or two opens inline code that ends at an equal run, or with its paragraph. A longer run opens a fence if
/// the rest of its line has no equal run; it ends at a line that begins with a run as long.
#[derive(Debug, Default)]
pub(super) struct CodeTracker {
    place: CodeContext,
    /// The backticks that came last.
    run: usize,
    /// Whether only white space stood before them on their line.
    run_begins: bool,
    /// Whether the line is white space so far; not followed in prose.
    blank: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum CodeContext {
    #[default]
    Prose,
    /// Inline code.
    Span(usize),
    /// On the line of a fence's opening: inline code, if an equal run comes.
    Info(usize),
    Fence(usize),
}

impl CodeTracker {
    /// Whether an opener here would be meant.
    pub(super) fn is_prose(&self) -> bool {
        self.place == CodeContext::Prose && self.run == 0
    }

    /// Takes the next byte.
    pub(super) fn feed(&mut self, byte: u8) {
        if byte == b'`' {
            if self.run == 0 {
                self.run_begins = self.blank;
            }
            self.run += 1;
            self.blank = false;
            return;
        }
        self.resolve_fence(byte);
        match byte {
            b'\n' => {
                self.place = match self.place {
                    CodeContext::Info(ticks) => CodeContext::Fence(ticks),
                    CodeContext::Span(_) if self.blank => CodeContext::Prose,
                    place => place,
                };
                self.blank = true;
            }
            b' ' | b'\t' | b'\r' => {}
            _ => self.blank = false,
        }
    }

    /// Decides what the last run of backticks was, if there is one before this byte.
    pub(super) fn resolve_fence(&mut self, byte: u8) {
        let run = std::mem::take(&mut self.run);
        if run == 0 {
            return;
        }
        self.place = match self.place {
            CodeContext::Prose if run < 3 => CodeContext::Span(run),
            CodeContext::Prose => CodeContext::Info(run),
            CodeContext::Span(ticks) | CodeContext::Info(ticks) if run == ticks => CodeContext::Prose,
            CodeContext::Fence(ticks) if run >= ticks && self.run_begins && byte.is_ascii_whitespace() => {
                CodeContext::Prose
            }
            place => place,
        };
    }

    /// Whether a text without openers would change nothing here.
    pub(super) fn is_unchanged(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.run == 0
            && match self.place {
                CodeContext::Prose => memchr::memchr(b'`', bytes).is_none(),
                _ => !self.blank && memchr::memchr2(b'`', b'\n', bytes).is_none(),
            }
    }
}
