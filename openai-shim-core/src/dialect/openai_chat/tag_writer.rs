//! Reasoning inside the text: reasoning and text in, one text with `<think>` tags out, for clients without a reasoning field.

/// Writes reasoning between tags in front of a choice's text.
#[derive(Debug, Default)]
pub(super) struct TagWriter {
    is_open: bool,
}

impl TagWriter {
    /// Whether the opening tag was written and the closing one was not.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns the text with the reasoning in front of it. `is_final`: neither follows.
    pub(super) fn write(&mut self, reasoning: &str, text: &str, is_final: bool) -> String {
        let mut out = String::new();
        if !reasoning.is_empty() {
            if !std::mem::replace(&mut self.is_open, true) {
                out.push_str("<think>\n");
            }
            out.push_str(reasoning);
        }
        if self.is_open && (!text.is_empty() || is_final) {
            self.is_open = false;
            out.push_str("\n</think>\n\n");
        }
        out.push_str(text);
        out
    }
}
