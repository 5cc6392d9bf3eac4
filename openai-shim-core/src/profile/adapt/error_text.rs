//! What an error says, made comparable: one kind of quotes, small letters, single spaces, and complaints about fields.

use crate::error::StatusError;

/// The most of a message that is read.
const LONGEST: usize = 8192;

/// A complaint about one field, as pydantic and its likes make them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    /// Where: `messages.0.role`, without `body`.
    pub path: String,
    /// What is wrong there.
    pub words: String,
}

/// An error's words.
#[derive(Debug)]
pub(super) struct ErrorText {
    /// The whole message.
    pub text: String,
    /// The complaints in it.
    pub complaints: Vec<FieldError>,
    /// The field that the error names beside its message.
    pub param: Option<String>,
    /// Its code and its type.
    pub codes: [String; 2],
}

impl ErrorText {
    pub(super) fn new(error: &StatusError) -> Self {
        let text = plain(&error.message);
        let lower = |s: &Option<String>| s.as_deref().unwrap_or_default().to_ascii_lowercase();
        Self {
            complaints: complaints(&text),
            text,
            param: error.param.as_deref().map(plain).filter(|p| !p.is_empty()),
            codes: [lower(&error.code), lower(&error.error_type)],
        }
    }
}

/// Small letters, `'` for every quote, single spaces, no backslashes.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if out.len() >= LONGEST {
            break;
        }
        match c {
            '\\' => {}
            '"' | '`' | '’' | '‘' | '“' | '”' => out.push('\''),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

fn complaints(text: &str) -> Vec<FieldError> {
    if text.contains("'loc':") { structured(text) } else { joined(text) }
}

/// `path: words; path: words`.
fn joined(text: &str) -> Vec<FieldError> {
    let of = |piece: &str| {
        let (path, words) = piece.trim().split_once(": ")?;
        let is_path = !path.is_empty() && !path.contains(' ');
        is_path.then(|| FieldError { path: trim_path(path), words: words.to_owned() })
    };
    text.split("; ").filter_map(of).collect()
}

/// The list itself, as Python or JSON writes it: `{'loc': ('body', 'n'), 'msg': '…'}`.
fn structured(text: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut before = "";
    let mut pieces = text.split("'loc':");
    if let Some(first) = pieces.next() {
        before = first;
    }
    for piece in pieces {
        let value = piece.trim_start();
        let (close, open) = match value.chars().next() {
            Some('(') => (')', 1),
            Some('[') => (']', 1),
            Some('\'') => ('\'', 1),
            _ => continue,
        };
        let Some((loc, after)) = value.get(open..).and_then(|v| v.split_once(close)) else { continue };
        let parts: Vec<&str> = loc.split(',').map(|p| p.trim().trim_matches('\'')).collect();
        // The message mostly follows; where it came first it is the last one before.
        let words =
            message(after).or_else(|| before.rfind("'msg':").and_then(|at| message(before.get(at..)?)));
        if let Some(words) = words {
            found.push(FieldError { path: trim_path(&parts.join(".")), words: words.to_owned() });
        }
        before = piece;
    }
    found
}

fn message(text: &str) -> Option<&str> {
    let (_, value) = text.split_once("'msg':")?;
    let ends = [", 'input'", ",'input'", ", 'ctx'", ",'ctx'", ", 'type'", ",'type'", "}"];
    let end = ends.iter().filter_map(|end| value.find(end)).min().unwrap_or(value.len());
    value.get(..end).map(|words| words.trim_matches([' ', ',']))
}

fn trim_path(path: &str) -> String {
    let path = path.trim_matches(['.', '\'', '#', '/']);
    path.strip_prefix("body.").unwrap_or(path).to_owned()
}

/// The words in quotes.
pub(super) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('\'').skip(1).filter(|w| {
        !w.is_empty() && w.len() <= 24 && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        complaints(&plain(text)).into_iter().map(|c| (c.path, c.words)).collect()
    }

    #[test]
    fn complaints_are_read_from_python_json_and_joined_words() {
        let one = vec![("messages.0.role".to_owned(), "'bad'".to_owned())];
        for text in [
            r#"1 validation error: {'type': 't', 'loc': ('body', 'messages', 0, 'role'), 'msg': "bad", 'input': 1}"#,
            r#"[{"type":"t","loc":["body","messages",0,"role"],"msg":"bad","input":1}]"#,
            r"{'type': 't', 'msg': 'bad', 'loc': 'body.messages.0.role'}",
        ] {
            assert_eq!(read(text), one, "{text}");
        }
        assert_eq!(read("n: bad; body.top_p: worse").len(), 2);
        assert!(read("nothing of the kind").is_empty());
    }

    #[test]
    fn words_in_quotes_are_the_accepted_ones() {
        let words: Vec<_> = quoted("should be 'system', 'user' or 'tool'").collect();
        assert_eq!(words, ["system", "user", "tool"]);
    }
}
