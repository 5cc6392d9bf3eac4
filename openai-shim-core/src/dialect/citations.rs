//! Sources with a URL that the extra fields of one dialect cite, for another dialect to encode.

use super::DIALECTS;
use crate::canonical::{Citation, CitedSources, ExtraFieldList};
use crate::json::{Object, items};

/// Reads the sources in the value of one extra field. Returns whether the value contains nothing else.
pub(super) type CitationReader = fn(&str, &mut Vec<Citation>) -> bool;

/// Extracts the sources from the extra fields of any dialect, by that dialect's own rules.
pub(super) fn cited(extra: &ExtraFieldList) -> CitedSources {
    match DIALECTS.iter().find(|known| !extra.is_empty() && known.name() == extra.dialect) {
        Some(dialect) => dialect.citations(extra),
        None => CitedSources { list: Vec::new(), rest: extra.clone() },
    }
}

/// Extracts the sources from extra fields with the reader for each key. A field without a reader, or with more than sources
/// in it, stays.
pub(super) fn read_citations(extra: &ExtraFieldList, readers: &[(&str, CitationReader)]) -> CitedSources {
    let mut cited = CitedSources { list: Vec::new(), rest: ExtraFieldList::new(extra.dialect, Vec::new()) };
    for (key, value) in &extra.members {
        let reader = readers.iter().find(|(known, _)| known == key);
        if !reader.is_some_and(|(_, read)| read(value.as_str(), &mut cited.list)) {
            cited.rest.members.push((key.clone(), value.clone()));
        }
    }
    cited
}

/// Returns the objects in a JSON array, or the only one if the value is no array.
pub(super) fn objects(json: &str) -> Vec<Object<'_>> {
    let items = items(json).unwrap_or_else(|| vec![json]);
    items.into_iter().map(|item| Object::parse(item.as_bytes()).unwrap_or_default()).collect()
}
