//! Frames of an upstream's stream, before any dialect reads them: wrappers around chunks are removed, and halves of surrogate
//! pairs put together.

use super::lone_surrogates::StreamTextRepairer;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::framing::Frame;
use crate::json::{Object, ValueKind, decode_string, items, utf8, value_kind};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The names under which gateways put an answer, or its chunks, into an object.
const ANSWER_FIELDS: [&str; 4] = ["data", "result", "response", "body"];
/// How many wrappers may be around a chunk.
const MAX_WRAPPERS: u32 = 3;
/// The longest document that is held to explain why it is no stream.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;

/// Repairs what surrounds the JSON of a stream's frames, and their text.
#[derive(Debug, Default)]
pub(super) struct FrameIntake {
    text_repairer: StreamTextRepairer,
    /// The only frame so far, if it is a JSON document instead of an event.
    document: Option<Vec<u8>>,
    has_frames: bool,
    /// The first frame had an object around its chunk.
    has_wrapped: bool,
    diagnostics: Diagnostics,
}

impl FrameIntake {
    /// Takes a frame, and gives out those that wait for nothing.
    pub(super) fn frame(&mut self, mut frame: Frame<'_>, next: &mut impl FnMut(Frame<'_>)) {
        // Chunks are objects in all dialects.
        if frame.data().first() == Some(&b'{') {
            if (self.has_wrapped || !self.has_frames)
                && let Some(answer) = unwrap_answer(frame.data())
            {
                self.has_wrapped = true;
                self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "an object around chunks");
                return self.chunk(frame.with_data(answer.as_bytes()), next);
            }
            return self.chunk(frame, next);
        }
        if let Some(data) = frame.data().strip_prefix(BYTE_ORDER_MARK) {
            self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "byte order mark");
            frame = frame.with_data(data);
        }
        if matches!(frame.data().first(), Some(b'"' | b'['))
            && !frame.data().starts_with(b"[DONE]")
            && let Some(payloads) = unwrap(frame.data())
        {
            self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "a list or a string around chunks");
            for payload in &payloads {
                self.chunk(frame.with_data(payload.as_bytes()), next);
            }
            return;
        }
        self.chunk(frame, next);
    }

    fn chunk(&mut self, frame: Frame<'_>, next: &mut impl FnMut(Frame<'_>)) {
        if !self.has_frames {
            self.has_frames = true;
            let is_document =
                !matches!(frame, Frame::Event { .. }) && frame.data().len() <= MAX_DOCUMENT_BYTES;
            self.document = is_document.then(|| frame.data().to_vec());
        } else if self.document.is_some() {
            self.document = None;
        }
        if self.text_repairer.passes(&frame) {
            next(frame);
        } else {
            self.text_repairer.frame(frame, next);
        }
    }

    /// Gives out all frames that wait.
    pub(super) fn finish(&mut self, next: &mut dyn FnMut(Frame<'_>)) {
        self.text_repairer.finish(next);
    }

    /// The document that is all of the stream.
    pub(super) fn document(&self) -> Option<&[u8]> {
        self.document.as_deref()
    }

    /// Adds what was repaired to a list.
    pub(super) fn report(&self, diagnostics: &mut Diagnostics) {
        diagnostics.extend(self.text_repairer.diagnostics());
        diagnostics.extend(&self.diagnostics);
    }
}

/// Returns the payloads in a list of chunks, or in a string with a chunk; `None` for anything else.
pub(super) fn unwrap(data: &[u8]) -> Option<Vec<String>> {
    let mut payloads = Vec::new();
    collect(utf8(data)?, MAX_WRAPPERS, &mut payloads)?;
    (!payloads.is_empty()).then_some(payloads)
}

/// Returns the answer or chunk in an object around it, where only one member can be it: the others are no objects and no
/// lists, and the object is no event of its own, which would have a type.
pub(super) fn unwrap_answer(data: &[u8]) -> Option<String> {
    let is_named = |name: &str| memchr::memmem::find(data, name.as_bytes()).is_some();
    if !ANSWER_FIELDS.iter().any(|name| is_named(name)) {
        return None;
    }
    let object = Object::parse(data).ok()?;
    let mut nested = object.iter().filter(|(_, value)| {
        matches!(value_kind(value), ValueKind::Object | ValueKind::Array) && !matches!(*value, "{}" | "[]")
    });
    let (key, value) = nested.next()?;
    let is_only = nested.next().is_none() && value_kind(value) == ValueKind::Object;
    (is_only && ANSWER_FIELDS.contains(&key) && object.get("type").is_none()).then(|| value.to_owned())
}

fn collect(text: &str, wrappers: u32, payloads: &mut Vec<String>) -> Option<()> {
    let text = text.trim();
    match value_kind(text) {
        ValueKind::Object => payloads.push(text.to_owned()),
        ValueKind::Array if text == "[DONE]" => payloads.push(text.to_owned()),
        ValueKind::String => {
            let inner = decode_string(text).filter(|_| wrappers > 0)?;
            let inner = inner.trim();
            collect(inner.strip_prefix("data:").unwrap_or(inner), wrappers - 1, payloads)?;
        }
        ValueKind::Array if wrappers > 0 => {
            for item in items(text)? {
                collect(item, wrappers - 1, payloads)?;
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{unwrap, unwrap_answer};

    #[test]
    fn answer_is_taken_out_of_an_object_around_it() {
        let answer = |json: &str| unwrap_answer(json.as_bytes());
        let expected = Some(String::from(r#"{"a":[1]}"#));
        assert_eq!(answer(r#"{"code":0,"msg":"ok","data":{"a":[1]}}"#), expected);
        assert_eq!(answer(r#"{"result":{"a":[1]},"errors":[]}"#), expected);
        for other in [
            r#"{"type":"response.created","response":{"a":1}}"#,
            r#"{"choices":[{"a":1}],"data":{"a":1}}"#,
            r#"{"data":{"a":1},"result":{"a":1}}"#,
            r#"{"response":"{}"}"#,
            r#"{"data":[{"a":1}]}"#,
            r#"{"data":{}}"#,
        ] {
            assert_eq!(answer(other), None, "{other}");
        }
    }

    #[test]
    fn chunks_are_taken_out_of_lists_and_strings() {
        for (data, expected) in [
            (r#"[{"a":1},{"b":2}]"#, Some(vec![r#"{"a":1}"#, r#"{"b":2}"#])),
            (r#""{\"a\":1}""#, Some(vec![r#"{"a":1}"#])),
            (r#""data: {\"a\":1}\n\n""#, Some(vec![r#"{"a":1}"#])),
            (r#"["{\"a\":1}",{"b":2}]"#, Some(vec![r#"{"a":1}"#, r#"{"b":2}"#])),
            (r#""[DONE]""#, Some(vec!["[DONE]"])),
            ("[]", None),
            ("[1,2]", None),
            (r#""a sentence""#, None),
            (r#"[{"a":1}"#, None),
            (r#"[[[[[{"a":1}]]]]]"#, None),
        ] {
            let expected = expected.map(|list| list.into_iter().map(str::to_owned).collect());
            assert_eq!(unwrap(data.as_bytes()), expected, "{data}");
        }
    }
}
