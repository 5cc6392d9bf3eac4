//! The extra fields of chunks, to those that are new or have changed: most chunks repeat them.

use super::extra_fields;
use crate::canonical::ExtraFields;

/// The most extra fields of which the last value is held.
const MAX_EXTRA_FIELDS: usize = 64;

/// The last emitted value of each extra field, since chunks repeat them.
#[derive(Default)]
pub(super) struct EmittedFields(Vec<(String, String)>);

impl EmittedFields {
    /// Returns the fields that are new or have changed.
    pub(super) fn changed(&mut self, extra: ExtraFields) -> ExtraFields {
        let mut changed = Vec::new();
        for (key, value) in extra.into_members() {
            let has_room = self.0.len() < MAX_EXTRA_FIELDS;
            match self.0.iter_mut().find(|(k, _)| *k == key) {
                Some((_, old)) if old == value.as_str() => continue,
                Some((_, old)) => value.as_str().clone_into(old),
                None if has_room => self.0.push((key.clone(), value.as_str().to_owned())),
                None => {}
            }
            changed.push((key, value));
        }
        extra_fields::of(changed)
    }
}
