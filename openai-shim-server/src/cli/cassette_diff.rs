//! The difference between two golden texts for a terminal: changed lines with what surrounds them; of long lines, what changed.

use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// The most characters of a line before and behind its change.
const MAX_CONTEXT_CHARACTERS: usize = 80;

/// The changed lines, with two lines around each change. `colours`: red and green, for a terminal.
pub(super) fn diff(expected: &str, actual: &str, colours: bool) -> String {
    let diff = TextDiff::from_lines(expected, actual);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            out.push_str("  ⋮\n");
        }
        for operation in group {
            let old: String =
                operation.old_range().filter_map(|line| diff.old_slices().get(line)).copied().collect();
            let new: String =
                operation.new_range().filter_map(|line| diff.new_slices().get(line)).copied().collect();
            let (old_lines, new_lines): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
            for change in diff.iter_changes(operation) {
                let line = change.value().trim_end_matches('\n');
                let (mark, colour, other) = match change.tag() {
                    ChangeTag::Equal => (' ', "", None),
                    ChangeTag::Delete => {
                        ('-', "\x1b[31m", position(&old_lines, line).and_then(|at| new_lines.get(at)))
                    }
                    ChangeTag::Insert => {
                        ('+', "\x1b[32m", position(&new_lines, line).and_then(|at| old_lines.get(at)))
                    }
                };
                let line = excerpt(line, other.copied());
                let (colour, reset) =
                    if colours && !colour.is_empty() { (colour, "\x1b[0m") } else { ("", "") };
                // Writing into a string cannot fail.
                let _ = writeln!(out, "{colour}{mark} {line}{reset}");
            }
        }
    }
    out
}

fn position(lines: &[&str], line: &str) -> Option<usize> {
    lines.iter().position(|other| *other == line)
}

/// A line; of a long one, the part that differs from the `other` line and what surrounds that.
fn excerpt(line: &str, other: Option<&str>) -> String {
    if line.chars().count() <= 2 * MAX_CONTEXT_CHARACTERS {
        return line.to_owned();
    }
    let other = other.unwrap_or_default();
    let common = line.chars().zip(other.chars()).take_while(|(one, two)| one == two).count();
    let rest = line.chars().count().min(other.chars().count()).saturating_sub(common);
    let common_end =
        line.chars().rev().zip(other.chars().rev()).take(rest).take_while(|(one, two)| one == two).count();
    let length = line.chars().count();
    let start = common.saturating_sub(MAX_CONTEXT_CHARACTERS);
    let end = (length - common_end.min(length) + MAX_CONTEXT_CHARACTERS).min(length).max(start);
    let end = end.min(start + 6 * MAX_CONTEXT_CHARACTERS);
    let part: String = line.chars().skip(start).take(end - start).collect();
    let (before, behind) = (if start > 0 { "…" } else { "" }, if end < length { "…" } else { "" });
    format!("{before}{part}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_the_changed_lines_and_their_surroundings() {
        let old = "a\nb\nc\nd\ne\nf\n";
        assert_eq!(diff(old, "a\nb\nc\nx\ne\nf\n", false), "  b\n  c\n- d\n+ x\n  e\n  f\n");
        assert_eq!(diff(old, old, false), "");
        assert!(diff("a\n", "b\n", true).contains("\x1b[31m- a\x1b[0m\n\x1b[32m+ b\x1b[0m"));
    }

    #[test]
    fn of_a_long_line_the_part_that_changed_is_shown() {
        let line = |middle: &str| format!("{}{middle}{}\n", "a".repeat(5000), "é".repeat(5000));
        let shown = diff(&line("one"), &line("two"), false);
        assert!(shown.contains("aone") && shown.contains("atwo"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
    }
}
