//! Bytes of a text to whether the position is inside Markdown code, where an opener is quoted and begins no tool call.

/// Follows the backticks of a text.
///
/// A run of one or two backticks opens inline code, which ends at an equal run or with its paragraph. A longer run opens a fence
/// if the rest of its line has no equal run; the fence ends at a line that begins with a run of at least the same length.
#[derive(Debug, Default)]
pub(super) struct CodeTracker {
    context: CodeContext,
    /// The length of the run of backticks before this position.
    run: usize,
    /// Whether only white space precedes the run on its line.
    is_run_at_line_start: bool,
    /// Whether the line has only white space so far; not maintained in prose.
    is_line_blank: bool,
}

/// The context at a position; each number is the length of the opening run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum CodeContext {
    #[default]
    Prose,
    InlineCode(usize),
    /// On the line of a fence's opening, which is inline code if an equal run follows.
    FenceInfo(usize),
    Fence(usize),
}

impl CodeTracker {
    /// Whether the position is in prose, where an opener may begin a tool call.
    pub(super) fn is_prose(&self) -> bool {
        self.context == CodeContext::Prose && self.run == 0
    }

    /// Reads the next byte.
    pub(super) fn advance(&mut self, byte: u8) {
        if byte == b'`' {
            if self.run == 0 {
                self.is_run_at_line_start = self.is_line_blank;
            }
            self.run += 1;
            self.is_line_blank = false;
            return;
        }
        self.end_run(byte);
        match byte {
            b'\n' => {
                self.context = match self.context {
                    CodeContext::FenceInfo(ticks) => CodeContext::Fence(ticks),
                    CodeContext::InlineCode(_) if self.is_line_blank => CodeContext::Prose,
                    context => context,
                };
                self.is_line_blank = true;
            }
            b' ' | b'\t' | b'\r' => {}
            _ => self.is_line_blank = false,
        }
    }

    /// Ends the run of backticks, if any, before `byte`, and decides what it opens or closes.
    pub(super) fn end_run(&mut self, byte: u8) {
        let run = std::mem::take(&mut self.run);
        if run == 0 {
            return;
        }
        self.context = match self.context {
            CodeContext::Prose if run < 3 => CodeContext::InlineCode(run),
            CodeContext::Prose => CodeContext::FenceInfo(run),
            CodeContext::InlineCode(ticks) | CodeContext::FenceInfo(ticks) if run == ticks => {
                CodeContext::Prose
            }
            CodeContext::Fence(ticks)
                if run >= ticks && self.is_run_at_line_start && byte.is_ascii_whitespace() =>
            {
                CodeContext::Prose
            }
            context => context,
        };
    }

    /// Whether text without openers changes no state of this tracker.
    pub(super) fn is_unchanged(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.run == 0
            && match self.context {
                CodeContext::Prose => memchr::memchr(b'`', bytes).is_none(),
                _ => !self.is_line_blank && memchr::memchr2(b'`', b'\n', bytes).is_none(),
            }
    }
}
