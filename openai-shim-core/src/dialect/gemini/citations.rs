//! `groundingMetadata` and `citationMetadata` to citations, and citations to `groundingMetadata`. Google counts in bytes.
//!
//! <https://ai.google.dev/gemini-api/docs/google-search>

use super::super::citations::{CitationReader, objects};
use super::json_keys::parse_object;
use crate::canonical::{Citation, CitedSpan, TextLength};
use crate::json::{Object, encode_string};

/// The fields of a candidate that have citations, each with its reader.
pub(super) const READERS: &[(&str, CitationReader)] =
    &[(GROUNDING, read_grounding), ("citationMetadata", read_citation_metadata)];

/// The field with the results of a search.
pub(super) const GROUNDING: &str = "groundingMetadata";

fn read_span(object: &Object<'_>) -> Option<CitedSpan> {
    let number = |key: &str| object.u64(key).and_then(|n| usize::try_from(n).ok());
    Some(CitedSpan { start: number("startIndex").unwrap_or(0), end: number("endIndex")?, bytes: true })
}

/// Reads `groundingMetadata`; returns whether it has nothing but citations. Other dialects have no search queries, and no
/// rendered search widget.
fn read_grounding(json: &str, out: &mut Vec<Citation>) -> bool {
    let Some(object) = parse_object(json) else { return false };
    let chunks: Vec<_> = object.get("groundingChunks").map(objects).unwrap_or_default();
    let mut sources: Vec<Option<(String, String)>> = Vec::new();
    for chunk in &chunks {
        let web = chunk.object("web").or_else(|| chunk.object("retrievedContext")).unwrap_or_default();
        let uri = web.str("uri").filter(|uri| !uri.is_empty());
        sources.push(uri.map(|uri| (uri.into_owned(), web.str("title").unwrap_or_default().into_owned())));
    }
    let mut is_cited = vec![false; sources.len()];
    for support in object.get("groundingSupports").map(objects).unwrap_or_default() {
        let span = support.object("segment").and_then(|segment| read_span(&segment));
        for index in support.array("groundingChunkIndices").unwrap_or_default() {
            let Some(i) = index.trim().parse::<usize>().ok().filter(|i| *i < sources.len()) else {
                continue;
            };
            if let (Some(Some((uri, title))), Some(is_cited)) = (sources.get(i), is_cited.get_mut(i)) {
                *is_cited = true;
                out.push(Citation::new(uri, Some(title), span));
            }
        }
    }
    for (source, _) in sources.iter().zip(&is_cited).filter(|(_, is_cited)| !**is_cited) {
        out.extend(source.iter().map(|(uri, title)| Citation::new(uri, Some(title), None)));
    }
    sources.iter().all(Option::is_some)
        && object.iter().all(|(key, _)| ["groundingChunks", "groundingSupports"].contains(&key))
}

/// Reads `citationMetadata`; returns whether every source has an address.
fn read_citation_metadata(json: &str, out: &mut Vec<Citation>) -> bool {
    let Some(object) = parse_object(json) else { return false };
    let mut have_all_uris = true;
    for key in ["citationSources", "citations"] {
        for source in object.get(key).map(objects).unwrap_or_default() {
            match source.str("uri").filter(|uri| !uri.is_empty()) {
                Some(uri) => {
                    out.push(Citation::new(&uri, source.str("title").as_deref(), read_span(&source)))
                }
                None => have_all_uris = false,
            }
        }
    }
    have_all_uris
}

/// A citation, and the range of the text that cites it.
pub(super) struct CitedText {
    pub(super) citation: Citation,
    pub(super) start: TextLength,
    pub(super) end: TextLength,
}

/// Writes citations as the `groundingMetadata` of a search.
pub(super) fn write(cited: &[CitedText]) -> String {
    let (mut chunks, mut supports) = (Vec::new(), Vec::new());
    for (i, CitedText { citation, start, end }) in cited.iter().enumerate() {
        let (start, end) = citation.offsets(*start, *end, true);
        let (uri, title) = (encode_string(&citation.url), encode_string(&citation.title));
        chunks.push(format!(r#"{{"web":{{"uri":{uri},"title":{title}}}}}"#));
        supports.push(format!(
            r#"{{"segment":{{"startIndex":{start},"endIndex":{end}}},"groundingChunkIndices":[{i}]}}"#
        ));
    }
    let (chunks, supports) = (chunks.join(","), supports.join(","));
    format!(r#"{{"groundingChunks":[{chunks}],"groundingSupports":[{supports}]}}"#)
}
