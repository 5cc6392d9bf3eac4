//! The results of an upstream, in any form, to positions of documents and scores.

use crate::canonical::{DiagnosticCode, Diagnostics, RankedDocument, RerankRequest, raw_text};
use crate::error::UpstreamError;
use crate::json::{Object, decode_string, items, natural, number};
use std::collections::{BTreeMap, BTreeSet};

/// The names of scores.
pub(super) const SCORES: [&str; 2] = ["relevance_score", "score"];

/// A result as the upstream sent it, and what it stands for.
#[derive(Debug)]
pub(super) struct RankedResult<'a> {
    pub(super) object: Object<'a>,
    pub(super) document: RankedDocument,
}

/// A result whose position is not certain.
struct UncheckedResult<'a> {
    object: Object<'a>,
    index: Option<usize>,
    score: String,
    relevance: f64,
}

/// Reads a list of results. Returns whether some were left out, too.
///
/// # Errors
/// `None`: they are no ranking. Otherwise a position is wrong and cannot be derived.
pub(super) fn read_results<'a>(
    list: &'a str,
    request: &RerankRequest,
    diagnostics: &mut Diagnostics,
) -> Result<(Vec<RankedResult<'a>>, bool), Option<UpstreamError>> {
    let results: Option<Vec<_>> =
        items(list).ok_or(None)?.into_iter().map(|item| read_result(item, diagnostics)).collect();
    let mut results = results.ok_or(None)?;
    let sent = results.len();
    if let Some(documents) = &request.documents {
        repair_indexes(&mut results, documents, request, diagnostics);
    }
    let count = request.documents.as_ref().map_or(usize::MAX, Vec::len);
    if !are_distinct(&results, count) {
        return Err(wrong_index(&results, count));
    }
    let is_shortened = results.len() < sent;
    let ranked = results.into_iter().filter_map(|result| {
        let UncheckedResult { object, index, score, relevance } = result;
        Some(RankedResult { object, document: RankedDocument { index: index?, score, relevance } })
    });
    Ok((ranked.collect(), is_shortened))
}

fn read_result<'a>(item: &'a str, diagnostics: &mut Diagnostics) -> Option<UncheckedResult<'a>> {
    let object = Object::parse(item.as_bytes()).ok()?;
    let raw = SCORES.iter().find_map(|key| object.non_null(key))?;
    let score = match decode_string(raw) {
        Some(text) => {
            diagnostics.record(DiagnosticCode::RankingRepaired, "results[].score", "text to a number");
            text.trim().to_owned()
        }
        None => raw.trim().to_owned(),
    };
    let relevance = number(&score)?;
    let index = object.non_null("index").and_then(|raw| match decode_string(raw) {
        Some(text) => natural(&text),
        None => natural(raw),
    });
    let index = index.and_then(|index| usize::try_from(index).ok());
    Some(UncheckedResult { object, index, score, relevance })
}

/// Whether each result has a position below `count` that no other has.
fn are_distinct(results: &[UncheckedResult<'_>], count: usize) -> bool {
    let mut known = BTreeSet::new();
    results.iter().all(|result| result.index.is_some_and(|index| index < count && known.insert(index)))
}

/// The error for positions that are not right; `None` if there are none.
fn wrong_index(results: &[UncheckedResult<'_>], count: usize) -> Option<UpstreamError> {
    let mut known = BTreeSet::new();
    let wrong = |result: &&UncheckedResult<'_>| {
        result.index.is_some_and(|index| index >= count || !known.insert(index))
    };
    let index = results.iter().find(wrong)?.index?;
    Some(UpstreamError::malformed(format!(
        "The upstream's ranking names document {index} twice, or there is none of that number."
    )))
}

/// Derives positions that are missing or wrong, where there is only one way to.
fn repair_indexes(
    results: &mut Vec<UncheckedResult<'_>>,
    documents: &[String],
    request: &RerankRequest,
    diagnostics: &mut Diagnostics,
) {
    if are_distinct(results, documents.len()) {
        return;
    }
    let repaired = by_text(results, documents)
        .map(|indexes| (indexes, "derived from the documents"))
        .or_else(|| counted_from_one(results, documents.len()).map(|indexes| (indexes, "counted from 0")))
        .or_else(|| by_order(results, documents.len()).map(|indexes| (indexes, "derived from the order")));
    if let Some((indexes, how)) = repaired {
        for (result, index) in results.iter_mut().zip(indexes) {
            result.index = Some(index);
        }
        diagnostics.record(DiagnosticCode::RankingRepaired, "results[].index", how);
        return;
    }
    // A result that is there twice with one score is repeated; nothing is missing if as many others are left as requested.
    let mut scores: BTreeMap<usize, &str> = BTreeMap::new();
    let is_new: Vec<bool> = results
        .iter()
        .map(|result| {
            let earlier = result.index.and_then(|index| scores.insert(index, &result.score));
            earlier.is_none_or(|earlier| earlier != result.score)
        })
        .collect();
    let left = is_new.iter().filter(|is_new| **is_new).count();
    if left < results.len() && request.expected() == Some(left) {
        let mut keep = is_new.into_iter();
        results.retain(|_| keep.next().unwrap_or(true));
        diagnostics.record(DiagnosticCode::RankingRepaired, "results", "repeated results left out");
    }
}

/// The positions of the documents that the results contain, if each is in the request once.
fn by_text(results: &[UncheckedResult<'_>], documents: &[String]) -> Option<Vec<usize>> {
    let mut positions = BTreeMap::new();
    for (position, document) in documents.iter().enumerate() {
        let text = decode_string(&raw_text(document).ok()?)?.into_owned();
        if positions.insert(text, position).is_some() {
            return None;
        }
    }
    let position = |result: &UncheckedResult<'_>| {
        let document = ["document", "text"].iter().find_map(|key| result.object.non_null(key))?;
        positions.remove(decode_string(&raw_text(document).ok()?)?.as_ref())
    };
    results.iter().map(position).collect()
}

/// The positions from 0 on, if all documents are counted from 1 on.
fn counted_from_one(results: &[UncheckedResult<'_>], count: usize) -> Option<Vec<usize>> {
    let mut known = vec![false; count];
    let indexes: Option<Vec<usize>> = results
        .iter()
        .map(|result| {
            let index = result.index?.checked_sub(1)?;
            let is_known = known.get_mut(index)?;
            (!std::mem::replace(is_known, true)).then_some(index)
        })
        .collect();
    indexes.filter(|indexes| indexes.len() == count)
}

/// The positions in order, if there are none and the results are those of all documents in their order: they are not sorted.
fn by_order(results: &[UncheckedResult<'_>], count: usize) -> Option<Vec<usize>> {
    let is_unnumbered = results.iter().all(|result| matches!(result.index, None | Some(0)));
    let is_sorted = results.is_sorted_by(|a, b| a.relevance >= b.relevance);
    (is_unnumbered && !is_sorted && results.len() == count).then(|| (0..count).collect())
}
