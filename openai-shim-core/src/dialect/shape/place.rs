//! The location of a value in the payload to its path.

use super::table::Style;
use std::fmt::Write as _;

/// The location of a value in the payload: a linked list on the stack, written out only for an error or a warning.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    /// The payload itself.
    Root,
    /// A field of the object there.
    Key(&'p Place<'p>, &'p str),
    /// An item of the list there.
    Index(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn write(&self, style: Style, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Key(parent, key) => {
                parent.write(style, out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            Self::Index(parent, i) => {
                parent.write(style, out);
                // Writing to a `String` cannot fail.
                let _ = if style == Style::Dots { write!(out, ".{i}") } else { write!(out, "[{i}]") };
            }
        }
    }

    /// Returns the path for a diagnostic, or in the dialect's style for an error.
    pub(crate) fn path(&self, style: Style) -> String {
        let mut out = String::new();
        self.write(style, &mut out);
        out
    }
}
