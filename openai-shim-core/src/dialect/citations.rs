//! What one dialect's leftovers cite, for another one to say in its own words.

use super::DIALECTS;
use crate::canonical::{Citation, CitedSources, ExtraFieldList};
use crate::json::Object;

/// Reads the sources in one member; whether that is all that is in it.
pub(super) type Reader = fn(&str, &mut Vec<Citation>) -> bool;

/// What leftovers of whatever dialect cite, for another one to say in its own words.
pub(super) fn cited(extra: &ExtraFieldList) -> CitedSources {
    match DIALECTS.iter().find(|known| !extra.is_empty() && known.name() == extra.dialect) {
        Some(own) => own.citations(extra),
        None => CitedSources { list: Vec::new(), rest: extra.clone() },
    }
}

/// Reads the leftovers whose keys are listed, each by its reader: the sources in it, and whether that is all of it.
pub(super) fn read_citations(extra: &ExtraFieldList, readers: &[(&str, Reader)]) -> CitedSources {
    let mut cited = CitedSources { list: Vec::new(), rest: ExtraFieldList::new(extra.dialect, Vec::new()) };
    for (key, value) in &extra.members {
        let reader = readers.iter().find(|(known, _)| known == key);
        if !reader.is_some_and(|(_, read)| read(value.get(), &mut cited.list)) {
            cited.rest.members.push((key.clone(), value.clone()));
        }
    }
    cited
}

/// The objects in a list, or the only one.
pub(super) fn objects(json: &str) -> Vec<Object<'_>> {
    let items = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(json);
    let items = items.map_or_else(
        |_| vec![json],
        |items| items.into_iter().map(serde_json::value::RawValue::get).collect(),
    );
    items.into_iter().map(|item| Object::parse(item.as_bytes()).unwrap_or_default()).collect()
}
