//! Names of models with `*` in them.

/// Whether the name of a model fits a pattern in which `*` stands for any characters; upper and lower case are the same.
///
/// ```
/// assert!(openai_shim_core::profile::matches_pattern("claude-*", "claude-sonnet-5"));
/// ```
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let Some(first) = pattern.iter().position(|byte| *byte == b'*') else {
        return pattern.eq_ignore_ascii_case(name);
    };
    let last = pattern.iter().rposition(|byte| *byte == b'*').unwrap_or(first);
    let (Some(start), Some(end)) = (pattern.get(..first), pattern.get(last + 1..)) else { return false };
    let Some(mut rest) = without_ends(name, start, end) else { return false };
    let between = pattern.get(first + 1..last).unwrap_or_default();
    for part in between.split(|byte| *byte == b'*').filter(|part| !part.is_empty()) {
        match rest.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part)) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// What stands between a beginning and an end; `None` where the name does not have them.
fn without_ends<'n>(name: &'n [u8], start: &[u8], end: &[u8]) -> Option<&'n [u8]> {
    let middle = name.len().checked_sub(end.len()).filter(|at| *at >= start.len())?;
    let (has_start, has_end) =
        (name.get(..start.len())?.eq_ignore_ascii_case(start), name.get(middle..)?.eq_ignore_ascii_case(end));
    if has_start && has_end { name.get(start.len()..middle) } else { None }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name) in [
            ("gpt-5*", "GPT-5-mini"),
            ("*", ""),
            ("*/glm-4.*", "z-ai/glm-4.6"),
            ("o3", "o3"),
            ("*-b", "a-b-b"),
            ("*claude-*-5-5*", "us.anthropic.CLAUDE-opus-5-5-v1"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("gpt-5*", "xgpt-5"), ("o3", "o3-mini"), ("*-b", "a-b-c"), ("a*b*c", "acb"), ("ab*bc", "abc")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
