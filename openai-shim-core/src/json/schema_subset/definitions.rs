//! Schema references (`#/$defs/name`) to the definitions that they refer to; each object on a path is parsed once.

use crate::json::{Object, ValueKind, value_kind};
use std::collections::BTreeMap;

/// The maximum number of keys in a reference.
const MAX_SEGMENTS: usize = 32;

/// Finds definitions in a root schema.
pub(super) struct Definitions<'s> {
    root: &'s Object<'s>,
    /// The parsed objects below the root, by path; `None`: no object.
    parsed: BTreeMap<String, Option<Object<'s>>>,
}

impl<'s> Definitions<'s> {
    pub(super) fn new(root: &'s Object<'s>) -> Self {
        Self { root, parsed: BTreeMap::new() }
    }

    /// The JSON text of the object that `target` refers to.
    pub(super) fn find(&mut self, target: &str) -> Option<&'s str> {
        let path = target.strip_prefix("#/")?;
        if path.split('/').count() > MAX_SEGMENTS {
            return None;
        }
        let mut found: Option<&'s str> = None;
        let mut end = 0_usize;
        for segment in path.split('/') {
            let name = segment.replace("~1", "/").replace("~0", "~");
            found = Some(match found {
                None => self.root.original(&name)?,
                Some(outer) => {
                    let parent = path.get(..end.saturating_sub(1))?;
                    if !self.parsed.contains_key(parent) {
                        self.parsed.insert(parent.to_owned(), Object::parse(outer.as_bytes()).ok());
                    }
                    self.parsed.get(parent)?.as_ref()?.original(&name)?
                }
            });
            end += segment.len() + 1;
        }
        found.filter(|found| value_kind(found) == ValueKind::Object)
    }
}
