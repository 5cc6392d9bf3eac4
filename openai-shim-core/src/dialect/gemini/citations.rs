//! Sources of an answer, of which Google says which bytes of the text they belong to.
//!
//! <https://ai.google.dev/gemini-api/docs/google-search>

use super::super::citations::{Reader, objects};
use super::read;
use crate::canonical::{Citation, CitedSpan, TextLength};
use crate::json::{Object, encode_string};

/// The members of a candidate that cite.
pub(super) const READERS: &[(&str, Reader)] = &[(GROUNDING, grounding), ("citationMetadata", metadata)];

/// The member that holds what a search found.
pub(super) const GROUNDING: &str = "groundingMetadata";

fn span(object: &Object<'_>) -> Option<CitedSpan> {
    let number = |key: &str| object.u64(key).and_then(|n| usize::try_from(n).ok());
    Some(CitedSpan { start: number("startIndex").unwrap_or(0), end: number("endIndex")?, bytes: true })
}

/// What a search found; how it is to be shown, and what was searched for, has no place elsewhere.
fn grounding(json: &str, out: &mut Vec<Citation>) -> bool {
    let Some(object) = read(json) else { return false };
    let chunks: Vec<_> = object.get("groundingChunks").map(objects).unwrap_or_default();
    let mut sources: Vec<Option<(String, String)>> = Vec::new();
    for chunk in &chunks {
        let web = chunk.object("web").or_else(|| chunk.object("retrievedContext")).unwrap_or_default();
        let said = web.str("uri").filter(|uri| !uri.is_empty());
        sources.push(said.map(|uri| (uri.into_owned(), web.str("title").unwrap_or_default().into_owned())));
    }
    let mut used = vec![false; sources.len()];
    for support in object.get("groundingSupports").map(objects).unwrap_or_default() {
        let place = support.object("segment").and_then(|segment| span(&segment));
        for index in support.array("groundingChunkIndices").unwrap_or_default() {
            let Some(at) = index.trim().parse::<usize>().ok().filter(|at| *at < sources.len()) else {
                continue;
            };
            if let (Some(Some((uri, title))), Some(used)) = (sources.get(at), used.get_mut(at)) {
                *used = true;
                out.push(Citation::new(uri, Some(title), place));
            }
        }
    }
    for (source, _) in sources.iter().zip(&used).filter(|(_, used)| !**used) {
        out.extend(source.iter().map(|(uri, title)| Citation::new(uri, Some(title), None)));
    }
    sources.iter().all(Option::is_some)
        && object.iter().all(|(key, _)| ["groundingChunks", "groundingSupports"].contains(&key))
}

fn metadata(json: &str, out: &mut Vec<Citation>) -> bool {
    let Some(object) = read(json) else { return false };
    let mut all = true;
    for key in ["citationSources", "citations"] {
        for source in object.get(key).map(objects).unwrap_or_default() {
            match source.str("uri").filter(|uri| !uri.is_empty()) {
                Some(uri) => out.push(Citation::new(&uri, source.str("title").as_deref(), span(&source))),
                None => all = false,
            }
        }
    }
    all
}

/// Sources as a search would have found them; each belongs to the text between two lengths.
pub(super) fn write(cited: &[(Citation, TextLength, TextLength)]) -> String {
    let (mut chunks, mut supports) = (Vec::new(), Vec::new());
    for (i, (citation, from, to)) in cited.iter().enumerate() {
        let (start, end) = citation.offsets(*from, *to, true);
        let (uri, title) = (encode_string(&citation.url), encode_string(&citation.title));
        chunks.push(format!(r#"{{"web":{{"uri":{uri},"title":{title}}}}}"#));
        supports.push(format!(
            r#"{{"segment":{{"startIndex":{start},"endIndex":{end}}},"groundingChunkIndices":[{i}]}}"#
        ));
    }
    let (chunks, supports) = (chunks.join(","), supports.join(","));
    format!(r#"{{"groundingChunks":[{chunks}],"groundingSupports":[{supports}]}}"#)
}
