//! Citations: `annotations`, and the source lists of other vendors' search models, to [`Citation`]s; these to `annotations`.
//!
//! <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat>, <https://docs.perplexity.ai/api-reference>

use super::extra_fields::NAME;
use crate::canonical::{Citation, CitedSources, CitedSpan, ExtraFieldList, TextLength};
use crate::dialect::citations::{CitationReader, cited, objects};
use crate::json::encode_string;
use std::collections::BTreeMap;

/// The fields of a message or a response that cite sources.
pub(super) const READERS: &[(&str, CitationReader)] =
    &[("annotations", read_annotations), ("search_results", read_search_results), ("citations", read_urls)];

/// Each reader appends a field's citations and returns whether it understood all of them.
fn read_annotations(json: &str, out: &mut Vec<Citation>) -> bool {
    let mut is_complete = true;
    for annotation in objects(json) {
        let source = annotation.object("url_citation").unwrap_or_default();
        let offset = |key: &str| source.u64(key).and_then(|n| usize::try_from(n).ok());
        let span = offset("start_index").zip(offset("end_index"));
        let span = span.map(|(start, end)| CitedSpan { start, end, bytes: false });
        match source.str("url").filter(|url| !url.is_empty()) {
            Some(url) => out.push(Citation::new(&url, source.str("title").as_deref(), span)),
            None => is_complete = false,
        }
    }
    is_complete
}

fn read_search_results(json: &str, out: &mut Vec<Citation>) -> bool {
    let (mut is_complete, mut positions) = (true, positions_by_url(out));
    for result in objects(json) {
        match result.str("url").filter(|url| !url.is_empty()) {
            Some(url) => {
                add(Citation::new(&url, result.str("title").as_deref(), None), &mut positions, out);
            }
            None => is_complete = false,
        }
    }
    is_complete
}

fn read_urls(json: &str, out: &mut Vec<Citation>) -> bool {
    let Ok(urls) = serde_json::from_str::<Vec<String>>(json) else { return false };
    let mut positions = positions_by_url(out);
    for url in &urls {
        add(Citation::new(url, None, None), &mut positions, out);
    }
    true
}

/// Returns, by URL, the position of the first citation that is of no span of the text.
fn positions_by_url(citations: &[Citation]) -> BTreeMap<String, usize> {
    let mut positions = BTreeMap::new();
    for (at, citation) in citations.iter().enumerate().filter(|(_, citation)| citation.span.is_none()) {
        positions.entry(citation.url.clone()).or_insert(at);
    }
    positions
}

/// Adds a citation, unless its source is listed; a response may list its sources twice, once with their titles.
fn add(citation: Citation, positions: &mut BTreeMap<String, usize>, out: &mut Vec<Citation>) {
    match positions.get(&citation.url).and_then(|at| out.get_mut(*at)) {
        Some(known) if known.title == known.url => known.title = citation.title,
        Some(_) => {}
        None => {
            positions.insert(citation.url.clone(), out.len());
            out.push(citation);
        }
    }
}

/// Writes one annotation of the text between two lengths.
pub(super) fn write(citation: &Citation, from: TextLength, to: TextLength) -> String {
    let (start, end) = citation.offsets(from, to, false);
    let (url, title) = (encode_string(&citation.url), encode_string(&citation.title));
    format!(
        r#"{{"type":"url_citation","url_citation":{{"start_index":{start},"end_index":{end},"title":{title},"url":{url}}}}}"#
    )
}

/// Returns the sources that another dialect's extra fields cite. This dialect's own fields are written as they are.
pub(super) fn cited_by_others(extra: &ExtraFieldList) -> CitedSources {
    if extra.dialect == NAME { CitedSources { list: Vec::new(), rest: extra.clone() } } else { cited(extra) }
}
