//! What the references of a schema refer to, each object on the way read once.

use crate::json::{Object, ValueKind, value_kind};
use std::collections::BTreeMap;

/// The most steps of a reference.
const LONGEST: usize = 32;

/// The objects of a root schema through which references lead.
pub(super) struct Definitions<'s> {
    root: &'s Object<'s>,
    /// The objects below the root by their paths; `None`: there is none.
    read: BTreeMap<String, Option<Object<'s>>>,
}

impl<'s> Definitions<'s> {
    pub(super) fn new(root: &'s Object<'s>) -> Self {
        Self { root, read: BTreeMap::new() }
    }

    /// The text of a definition (`#/$defs/name`).
    pub(super) fn find(&mut self, target: &str) -> Option<&'s str> {
        let path = target.strip_prefix("#/")?;
        if path.split('/').count() > LONGEST {
            return None;
        }
        let mut found: Option<&'s str> = None;
        let mut end = 0_usize;
        for step in path.split('/') {
            let name = step.replace("~1", "/").replace("~0", "~");
            found = Some(match found {
                None => self.root.original(&name)?,
                Some(outer) => {
                    let way = path.get(..end.saturating_sub(1))?;
                    if !self.read.contains_key(way) {
                        self.read.insert(way.to_owned(), Object::parse(outer.as_bytes()).ok());
                    }
                    self.read.get(way)?.as_ref()?.original(&name)?
                }
            });
            end += step.len() + 1;
        }
        found.filter(|found| value_kind(found) == ValueKind::Object)
    }
}
