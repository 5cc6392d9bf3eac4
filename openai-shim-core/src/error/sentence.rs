//! Sentences for clients as texts of errors for programs: in lower case, without a full stop.

use std::fmt;

/// Prints a sentence as the text of an error.
pub(crate) struct InLowerCase<'t>(pub(crate) &'t str);

impl fmt::Display for InLowerCase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim_end();
        let text = text.strip_suffix('.').unwrap_or(text);
        // A name or an acronym keeps its capitals.
        let word = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let mut characters = text.chars();
        match characters.next() {
            Some(first) if !word.chars().skip(1).any(char::is_uppercase) => {
                write!(f, "{}{}", first.to_lowercase(), characters.as_str())
            }
            _ => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InLowerCase;

    #[test]
    fn a_sentence_becomes_the_text_of_an_error_and_names_stay() {
        for (sentence, text) in [
            ("The model is not here. Try another.", "the model is not here. Try another"),
            ("A part is missing.", "a part is missing"),
            ("JSON is missing.", "JSON is missing"),
            ("`n` is no number", "`n` is no number"),
            ("", ""),
        ] {
            assert_eq!(InLowerCase(sentence).to_string(), text);
        }
    }
}
