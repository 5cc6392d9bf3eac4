//! Sources of an answer: `annotations`, and what search models of others have beside the answer.
//!
//! <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat>, <https://docs.perplexity.ai/api-reference>

use super::super::citations::{CitationReader, objects};
use crate::canonical::{Citation, CitedSpan, TextLength};
use crate::json::encode_string;
use std::collections::BTreeMap;

/// The members of a message or an answer that cite.
pub(super) const READERS: &[(&str, CitationReader)] =
    &[("annotations", annotations), ("search_results", results), ("citations", addresses)];

fn annotations(json: &str, out: &mut Vec<Citation>) -> bool {
    let mut all = true;
    for one in objects(json) {
        let cited = one.object("url_citation").unwrap_or_default();
        let number = |key: &str| cited.u64(key).and_then(|n| usize::try_from(n).ok());
        let span = number("start_index").zip(number("end_index"));
        let span = span.map(|(start, end)| CitedSpan { start, end, bytes: false });
        match cited.str("url").filter(|url| !url.is_empty()) {
            Some(url) => out.push(Citation::new(&url, cited.str("title").as_deref(), span)),
            None => all = false,
        }
    }
    all
}

fn results(json: &str, out: &mut Vec<Citation>) -> bool {
    let (mut all, mut known) = (true, places(out));
    for one in objects(json) {
        match one.str("url").filter(|url| !url.is_empty()) {
            Some(url) => add(Citation::new(&url, one.str("title").as_deref(), None), &mut known, out),
            None => all = false,
        }
    }
    all
}

fn addresses(json: &str, out: &mut Vec<Citation>) -> bool {
    let Ok(urls) = serde_json::from_str::<Vec<String>>(json) else { return false };
    let mut known = places(out);
    for url in &urls {
        add(Citation::new(url, None, None), &mut known, out);
    }
    true
}

/// Where the first source of each address stands that cites no place in the text.
fn places(listed: &[Citation]) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for (at, one) in listed.iter().enumerate().filter(|(_, one)| one.span.is_none()) {
        places.entry(one.url.clone()).or_insert(at);
    }
    places
}

/// The same sources may be listed twice, once with their names.
fn add(citation: Citation, places: &mut BTreeMap<String, usize>, out: &mut Vec<Citation>) {
    match places.get(&citation.url).and_then(|at| out.get_mut(*at)) {
        Some(known) if known.title == known.url => known.title = citation.title,
        Some(_) => {}
        None => {
            places.insert(citation.url.clone(), out.len());
            out.push(citation);
        }
    }
}

/// One annotation, of the text between two lengths.
pub(super) fn write(citation: &Citation, from: TextLength, to: TextLength) -> String {
    let (start, end) = citation.offsets(from, to, false);
    let (url, title) = (encode_string(&citation.url), encode_string(&citation.title));
    format!(
        r#"{{"type":"url_citation","url_citation":{{"start_index":{start},"end_index":{end},"title":{title},"url":{url}}}}}"#
    )
}
