//! Patterns of words: text, `{holes}` for one word or number, and `*` for a few words.

/// What stands in a pattern's holes, and what follows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Captures<'t> {
    /// `{param}`: the name of a parameter, or a path to a member.
    pub param: Option<&'t str>,
    /// `{at}`: a path that `param` is relative to.
    pub at: Option<&'t str>,
    /// `{role}`: a role that was refused.
    pub role: Option<&'t str>,
    /// `{low}`: the lowest number.
    pub low: Option<f64>,
    /// `{high}`: the highest number.
    pub high: Option<f64>,
    /// `{below}`: the lowest number that is too high.
    pub below: Option<f64>,
    /// The text after the pattern.
    pub rest: &'t str,
}

/// The most that `*` stands for.
const FAR: usize = 120;

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_.-[]/#$".contains(c)
}

/// Looks for a pattern anywhere; the first place that `accept` makes something of.
pub(super) fn find<T>(
    pattern: &str,
    text: &str,
    mut accept: impl FnMut(&Captures<'_>) -> Option<T>,
) -> Option<T> {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        // A hole begins where a word does.
        let inside = pattern.starts_with('{') && is_word(before);
        before = c;
        if inside {
            continue;
        }
        let Some(rest) = text.get(at..) else { continue };
        if let Some(found) = follow(pattern, rest, Captures::default())
            && let Some(made) = accept(&found)
        {
            return Some(made);
        }
    }
    None
}

/// Matches a pattern at the beginning of a text.
fn follow<'t>(pattern: &str, text: &'t str, mut found: Captures<'t>) -> Option<Captures<'t>> {
    if pattern.is_empty() {
        found.rest = text;
        return Some(found);
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let mut ends = text.char_indices().map(|(at, _)| at).take(FAR);
        return ends.find_map(|at| follow(rest, text.get(at..)?, found));
    }
    if let Some((hole, rest)) = pattern.strip_prefix('{').and_then(|p| p.split_once('}')) {
        return fill(hole, rest, text, found);
    }
    let end = pattern.find(['{', '*']).unwrap_or(pattern.len());
    let (literal, rest) = pattern.split_at_checked(end)?;
    follow(rest, text.strip_prefix(literal)?, found)
}

fn fill<'t>(hole: &str, pattern: &str, text: &'t str, mut found: Captures<'t>) -> Option<Captures<'t>> {
    if matches!(hole, "low" | "high" | "below") {
        let end = number(text);
        let value: f64 = text.get(..end)?.parse().ok()?;
        match hole {
            "low" => found.low = Some(value),
            "high" => found.high = Some(value),
            _ => found.below = Some(value),
        }
        return follow(pattern, text.get(end..)?, found);
    }
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    // `[n]` is a list with one word; `messages[0].role` is a word.
    let end = match text.get(..end)?.find(']') {
        Some(close) if !text.get(..close)?.contains('[') => close,
        _ => end,
    };
    // A full stop ends a sentence, not a word.
    let word = text.get(..end)?.trim_end_matches('.');
    if word.is_empty() {
        return None;
    }
    match hole {
        "at" => found.at = Some(word),
        "role" => found.role = Some(word),
        _ => found.param = Some(word),
    }
    follow(pattern, text.get(word.len()..)?, found)
}

/// How long the number is that a text begins with.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(text.starts_with('-'));
    let whole = sign + digits(sign);
    let fraction = digits(whole + 1);
    if bytes.get(whole) == Some(&b'.') && fraction > 0 { whole + 1 + fraction } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_take_words_and_numbers() {
        let found =
            find("{param} must be in [{low}, {high}]", "error: top_p must be in [0, 0.95], got 1.", |f| {
                Some((f.param.map(str::to_owned), f.low, f.high, f.rest.to_owned()))
            });
        assert_eq!(found, Some((Some("top_p".into()), Some(0.0), Some(0.95), ", got 1.".into())));
    }

    #[test]
    fn a_number_ends_before_two_dots_and_a_word_before_a_full_stop() {
        assert_eq!(find("range: {low}..{high}", "range: 0..1", |f| f.high), Some(1.0));
        assert_eq!(find("parameter {param}", "parameter n.", |f| f.param.map(str::len)), Some(1));
    }

    #[test]
    fn a_place_that_is_not_accepted_does_not_end_the_search() {
        let names: Option<String> = find("'{param}' is", "'a' is bad. 'b' is bad", |f| {
            f.param.filter(|p| *p == "b").map(str::to_owned)
        });
        assert_eq!(names.as_deref(), Some("b"));
    }
}
