//! A pattern and a message to the values of the pattern's placeholders: `{name}` is one word or number, `*` a few words.

/// The values of a pattern's placeholders, and the text after the pattern.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Captures<'t> {
    /// `{param}`: the name of a parameter, or the path of a field.
    pub param: Option<&'t str>,
    /// `{path}`: the path that `param` is relative to.
    pub path: Option<&'t str>,
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

/// The most characters that `*` stands for.
const MAX_WILDCARD_CHARACTERS: usize = 120;

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_.-[]/#$".contains(c)
}

/// Searches a pattern in a text, and returns the first result of `accept` for a match.
pub(super) fn find<T>(
    pattern: &str,
    text: &str,
    mut accept: impl FnMut(&Captures<'_>) -> Option<T>,
) -> Option<T> {
    let mut before = ' ';
    for (start, c) in text.char_indices() {
        // A placeholder begins where a word does.
        let inside_word = pattern.starts_with('{') && is_word(before);
        before = c;
        if inside_word {
            continue;
        }
        let Some(rest) = text.get(start..) else { continue };
        if let Some(captures) = match_start(pattern, rest, Captures::default())
            && let Some(result) = accept(&captures)
        {
            return Some(result);
        }
    }
    None
}

/// Matches a pattern at the beginning of a text.
fn match_start<'t>(pattern: &str, text: &'t str, mut captures: Captures<'t>) -> Option<Captures<'t>> {
    if pattern.is_empty() {
        captures.rest = text;
        return Some(captures);
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let mut ends = text.char_indices().map(|(end, _)| end).take(MAX_WILDCARD_CHARACTERS);
        return ends.find_map(|end| match_start(rest, text.get(end..)?, captures));
    }
    if let Some((placeholder, rest)) = pattern.strip_prefix('{').and_then(|p| p.split_once('}')) {
        return match_placeholder(placeholder, rest, text, captures);
    }
    let end = pattern.find(['{', '*']).unwrap_or(pattern.len());
    let (literal, rest) = pattern.split_at_checked(end)?;
    match_start(rest, text.strip_prefix(literal)?, captures)
}

/// Matches a placeholder, and then `pattern`, at the beginning of a text.
fn match_placeholder<'t>(
    placeholder: &str,
    pattern: &str,
    text: &'t str,
    mut captures: Captures<'t>,
) -> Option<Captures<'t>> {
    if matches!(placeholder, "low" | "high" | "below") {
        let end = number_length(text);
        let value: f64 = text.get(..end)?.parse().ok()?;
        match placeholder {
            "low" => captures.low = Some(value),
            "high" => captures.high = Some(value),
            _ => captures.below = Some(value),
        }
        return match_start(pattern, text.get(end..)?, captures);
    }
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    // `[n]` is a list of one word; `messages[0].role` is one word.
    let end = match text.get(..end)?.find(']') {
        Some(close) if !text.get(..close)?.contains('[') => close,
        _ => end,
    };
    // A full stop at the end belongs to the sentence.
    let value = text.get(..end)?.trim_end_matches('.');
    if value.is_empty() {
        return None;
    }
    match placeholder {
        "path" => captures.path = Some(value),
        "role" => captures.role = Some(value),
        _ => captures.param = Some(value),
    }
    match_start(pattern, text.get(value.len()..)?, captures)
}

/// The length of the number at the beginning of a text.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(text.starts_with('-'));
    let integer_end = sign + digits(sign);
    let fraction = digits(integer_end + 1);
    if bytes.get(integer_end) == Some(&b'.') && fraction > 0 {
        integer_end + 1 + fraction
    } else {
        integer_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_match_words_and_numbers() {
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
    fn a_match_that_is_not_accepted_does_not_end_the_search() {
        let names: Option<String> = find("'{param}' is", "'a' is bad. 'b' is bad", |f| {
            f.param.filter(|p| *p == "b").map(str::to_owned)
        });
        assert_eq!(names.as_deref(), Some("b"));
    }
}
