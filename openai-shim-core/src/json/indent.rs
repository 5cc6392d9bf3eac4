//! A JSON document to the same document with a member or item a line, every string and number as it was.

use super::scan::utf8;

/// The document, indented by two spaces; `None` if the text is no JSON object or array.
pub(crate) fn pretty(json: &[u8]) -> Option<String> {
    let text = utf8(json.trim_ascii())?;
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<&serde_json::value::RawValue>(text).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut is_escaped) = (0usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if in_string {
            out.push(c);
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => {}
            '{' | '[' => {
                out.push(c);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    Some(out)
}

/// Deep documents are indented no further: a line stays short.
fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(40)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text() {
        let json = br#" {"a":[1e2, -0,{}, [ ]],"b":{"c\\":"x, {\"y\": 1}"}} "#;
        let expected = "{\n  \"a\": [\n    1e2,\n    -0,\n    {},\n    []\n  ],\n  \"b\": {\n    \"c\\\\\": \"x, {\\\"y\\\": 1}\"\n  }\n}";
        assert_eq!(pretty(json).unwrap(), expected);
    }

    #[test]
    fn what_is_no_document_has_no_form() {
        for text in ["", "data: {}", "{", "1", "{}{}"] {
            assert_eq!(pretty(text.as_bytes()), None, "{text}");
        }
    }
}
