//! Text that was meant to be one JSON object: several of them behind each other, or a part of one.

use serde_json::value::RawValue;

/// Splits text into the JSON objects that stand in it behind each other; `None` if it does not begin with an object that
/// something follows. What is no object stands at the end, in one piece.
pub(crate) fn objects_in(data: &[u8]) -> Option<Vec<&[u8]>> {
    if !data.starts_with(b"{") {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = data;
    while rest.starts_with(b"{") {
        let mut documents = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        if !matches!(documents.next(), Some(Ok(_))) {
            break;
        }
        let (object, behind) = rest.split_at_checked(documents.byte_offset())?;
        found.push(object);
        rest = behind.trim_ascii();
    }
    if !found.is_empty() && !rest.is_empty() {
        found.push(rest);
    }
    (found.len() > 1).then_some(found)
}

/// Whether text that is no JSON may have been a part of some: it has a brace, a bracket or a quotation mark.
pub(crate) fn is_json_fragment(data: &[u8]) -> bool {
    data.iter().any(|byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b'"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_behind_each_other_are_split() {
        let split = |text: &'static str| {
            objects_in(text.as_bytes()).map(|all| {
                all.into_iter().map(|o| String::from_utf8_lossy(o).into_owned()).collect::<Vec<_>>()
            })
        };
        assert_eq!(split(r#"{"a":"}{"}"#), None);
        assert_eq!(split(r#"{"a":1"#), None);
        assert_eq!(split("data"), None);
        assert_eq!(split(r#"{"a":1}{"b":"x"}"#).unwrap(), [r#"{"a":1}"#, r#"{"b":"x"}"#]);
        assert_eq!(split("{\"a\":1}\n {\"b\":2}\n{").unwrap(), [r#"{"a":1}"#, r#"{"b":2}"#, "{"]);
        assert_eq!(split(r#"{"a":1}[DONE]"#).unwrap(), [r#"{"a":1}"#, "[DONE]"]);
    }
}
