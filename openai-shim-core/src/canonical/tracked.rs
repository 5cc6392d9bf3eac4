//! A part of a request that records whether it was changed after it was decoded.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;

/// A value, and whether it differs from the payload that it was decoded from.
///
/// An encoder copies an unchanged value's bytes from the payload and writes a changed one. Reading goes through [`Deref`];
/// every method that gives write access marks the value as changed. Only the methods named `decoded` leave it unmarked; they are
/// for decoders.
///
/// ```
/// use openai_shim_core::canonical::Tracked;
/// let mut stop = Tracked::decoded(vec![String::from("END")]);
/// assert!(!stop.is_changed() && stop.len() == 1);
/// stop.edit().clear();
/// assert!(stop.is_changed());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tracked<T> {
    value: T,
    is_changed: bool,
}

impl<T> Tracked<T> {
    /// A value as a decoder read it from a payload: not changed. For decoders only.
    pub fn decoded(value: T) -> Self {
        Self { value, is_changed: false }
    }

    /// Whether the value was changed after it was decoded.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Replaces the value and marks it as changed.
    pub fn set(&mut self, value: T) {
        *self.edit() = value;
    }

    /// Marks the value as changed and returns it for writing.
    pub fn edit(&mut self) -> &mut T {
        self.is_changed = true;
        &mut self.value
    }

    /// Sets a value that a decoder read from the payload, without a mark. For decoders only.
    pub fn set_decoded(&mut self, value: T) {
        self.value = value;
    }

    /// The value for writing, without a mark: for decoders that build it step by step.
    pub fn decoded_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Tracked<Vec<T>> {
    /// Calls `change` on each item with its position; only an item that `change` gets write access to marks the list.
    pub fn edit_each(&mut self, mut change: impl FnMut(usize, &mut Edit<'_, T>)) {
        edit_each(&mut self.value, &mut self.is_changed, &mut change);
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// Equal are those with the same value, changed or not.
impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Written as its value alone.
impl<T: Serialize> Serialize for Tracked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// What is read stands in no payload: it counts as changed.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tracked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

/// A value that stands in no payload: it counts as changed.
impl<T> From<T> for Tracked<T> {
    fn from(value: T) -> Self {
        Self { value, is_changed: true }
    }
}

/// An item of a list whose owner records changes: read through [`Deref`], changed through [`edit`](Self::edit).
///
/// ```
/// use openai_shim_core::canonical::{Edit, Tracked};
/// let mut stop = Tracked::decoded(vec![String::from("END"), String::from("STOP")]);
/// stop.edit_each(|_, item: &mut Edit<'_, String>| {
///     if item.starts_with('S') {
///         item.edit().clear();
///     }
/// });
/// assert!(stop.is_changed() && stop[1].is_empty());
/// ```
#[derive(Debug)]
pub struct Edit<'l, T> {
    item: &'l mut T,
    is_changed: &'l mut bool,
}

impl<T> Edit<'_, T> {
    /// Marks the owner as changed and returns the item for writing.
    pub fn edit(&mut self) -> &mut T {
        *self.is_changed = true;
        self.item
    }
}

impl<T> Deref for Edit<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.item
    }
}

/// Calls `change` on each item; sets `is_changed` if `change` gets write access to one.
pub(super) fn edit_each<T>(
    items: &mut [T],
    is_changed: &mut bool,
    change: &mut impl FnMut(usize, &mut Edit<'_, T>),
) {
    for (i, item) in items.iter_mut().enumerate() {
        change(i, &mut Edit { item, is_changed });
    }
}

#[cfg(test)]
mod tests {
    use super::Tracked;

    #[test]
    fn every_way_to_change_a_value_marks_it() {
        let ways: [fn(&mut Tracked<Vec<u8>>); 3] = [
            |value| value.set(vec![2]),
            |value| value.edit().push(2),
            |value| value.edit_each(|_, item| *item.edit() = 2),
        ];
        for change in ways {
            let mut value = Tracked::decoded(vec![1]);
            change(&mut value);
            assert!(value.is_changed());
        }
        assert!(Tracked::from(1).is_changed());
    }

    #[test]
    fn reading_and_decoding_mark_nothing() {
        let mut value = Tracked::decoded(vec![1]);
        value.decoded_mut().push(2);
        let mut sum = 0;
        value.edit_each(|_, item| sum += **item);
        assert_eq!((sum, value.len(), value.is_changed()), (3, 2, false));
    }
}
