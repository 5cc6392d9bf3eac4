//! An upstream error to comparable text (one kind of quote, lower case, single spaces), and to its errors about fields.

use crate::error::StatusError;

/// How many bytes of a message are read.
const MAX_MESSAGE_BYTES: usize = 8192;

/// How long a quoted word may be that lists an accepted value.
const MAX_QUOTED_BYTES: usize = 24;

/// An error about one field, in the form of pydantic and similar validators.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    /// The field: `messages.0.role`, without `body`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// The texts of an error, all comparable.
#[derive(Debug)]
pub(super) struct ErrorText {
    /// The whole message.
    pub message: String,
    /// The errors about fields in the message.
    pub field_errors: Vec<FieldError>,
    /// The field that the error names beside its message.
    pub param: Option<String>,
    /// Its code and its type.
    pub codes: [String; 2],
}

impl ErrorText {
    pub(super) fn new(error: &StatusError) -> Self {
        let message = comparable(&error.message);
        let lower = |s: &Option<String>| s.as_deref().unwrap_or_default().to_ascii_lowercase();
        Self {
            field_errors: field_errors(&message),
            message,
            param: error.param.as_deref().map(comparable).filter(|p| !p.is_empty()),
            codes: [lower(&error.code), lower(&error.error_type)],
        }
    }
}

/// Lower case, `'` for every quote, single spaces, no backslashes.
fn comparable(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_MESSAGE_BYTES));
    for c in text.chars() {
        if out.len() >= MAX_MESSAGE_BYTES {
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

fn field_errors(text: &str) -> Vec<FieldError> {
    if text.contains("'loc':") { parse_error_list(text) } else { parse_joined_errors(text) }
}

/// Parses `path: message; path: message`.
fn parse_joined_errors(text: &str) -> Vec<FieldError> {
    let parse = |part: &str| {
        let (path, message) = part.trim().split_once(": ")?;
        let is_path = !path.is_empty() && !path.contains(' ');
        is_path.then(|| FieldError { path: normalize_path(path), message: message.to_owned() })
    };
    text.split("; ").filter_map(parse).collect()
}

/// Parses the list of errors as Python or JSON writes it: `{'loc': ('body', 'n'), 'msg': '…'}`.
fn parse_error_list(text: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut entries = text.split("'loc':");
    // What precedes the entry's `loc`.
    let mut before = entries.next().unwrap_or_default();
    for entry in entries {
        let value = entry.trim_start();
        let close = match value.chars().next() {
            Some('(') => ')',
            Some('[') => ']',
            Some('\'') => '\'',
            _ => continue,
        };
        let Some((loc, after)) = value.get(1..).and_then(|v| v.split_once(close)) else { continue };
        let segments: Vec<&str> = loc.split(',').map(|s| s.trim().trim_matches('\'')).collect();
        // The message mostly follows; else it is the last one before.
        let message = message_of(after)
            .or_else(|| before.rfind("'msg':").and_then(|start| message_of(before.get(start..)?)));
        if let Some(message) = message {
            let path = normalize_path(&segments.join("."));
            found.push(FieldError { path, message: message.to_owned() });
        }
        before = entry;
    }
    found
}

/// The value of the first `msg`.
fn message_of(text: &str) -> Option<&str> {
    let (_, value) = text.split_once("'msg':")?;
    let ends = [", 'input'", ",'input'", ", 'ctx'", ",'ctx'", ", 'type'", ",'type'", "}"];
    let end = ends.iter().filter_map(|end| value.find(end)).min().unwrap_or(value.len());
    value.get(..end).map(|message| message.trim_matches([' ', ',']))
}

fn normalize_path(path: &str) -> String {
    let path = path.trim_matches(['.', '\'', '#', '/']);
    path.strip_prefix("body.").unwrap_or(path).to_owned()
}

/// The short words in quotes: the values that a message lists.
pub(super) fn quoted_words(text: &str) -> impl Iterator<Item = &str> {
    text.split('\'').skip(1).filter(|value| {
        !value.is_empty()
            && value.len() <= MAX_QUOTED_BYTES
            && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        field_errors(&comparable(text)).into_iter().map(|e| (e.path, e.message)).collect()
    }

    #[test]
    fn field_errors_are_read_from_python_json_and_joined_text() {
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
        let quoted: Vec<_> = quoted_words("should be 'system', 'user' or 'tool'").collect();
        assert_eq!(quoted, ["system", "user", "tool"]);
    }
}
