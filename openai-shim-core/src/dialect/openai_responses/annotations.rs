//! Annotations of a text to citations and back.
//!
//! <https://platform.openai.com/docs/api-reference/responses/object#responses/object-output>

use super::super::citations::objects;
use crate::canonical::{Citation, CitedSpan, TextLength};
use crate::json::encode_string;

/// Decodes the annotations that cite a URL. Returns whether these are all: the others cite files of the API's own.
pub(super) fn decode(json: &str, out: &mut Vec<Citation>) -> bool {
    let mut is_complete = true;
    for annotation in objects(json) {
        let number = |key: &str| annotation.u64(key).and_then(|n| usize::try_from(n).ok());
        let span = number("start_index").zip(number("end_index"));
        let span = span.map(|(start, end)| CitedSpan { start, end, bytes: false });
        match annotation.str("url").filter(|url| !url.is_empty()) {
            Some(url) => out.push(Citation::new(&url, annotation.str("title").as_deref(), span)),
            None => is_complete = false,
        }
    }
    is_complete
}

/// Encodes one annotation of a text that lies between two lengths.
pub(super) fn encode(citation: &Citation, from: TextLength, to: TextLength) -> String {
    let (start, end) = citation.offsets(from, to, false);
    let (url, title) = (encode_string(&citation.url), encode_string(&citation.title));
    format!(
        r#"{{"type":"url_citation","start_index":{start},"end_index":{end},"url":{url},"title":{title}}}"#
    )
}
