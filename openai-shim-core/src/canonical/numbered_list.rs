//! A list of numbered items: each is found by its number in constant or logarithmic time, and keeps its position.

use std::collections::BTreeMap;

/// The maximum length of a list that is searched from its beginning.
const MAX_SCANNED: usize = 16;

/// A list whose items have numbers. A long list is indexed, so that reading a stream takes linear time.
#[derive(Debug, Clone)]
pub struct NumberedList<T> {
    list: Vec<(u32, T)>,
    /// The position of each number, once the list is long.
    positions: BTreeMap<u32, usize>,
}

impl<T> Default for NumberedList<T> {
    fn default() -> Self {
        Self { list: Vec::new(), positions: BTreeMap::new() }
    }
}

impl<T> NumberedList<T> {
    fn position(&self, number: u32) -> Option<usize> {
        if self.list.len() <= MAX_SCANNED {
            self.list.iter().position(|(listed, _)| *listed == number)
        } else {
            self.positions.get(&number).copied()
        }
    }

    /// The item with this number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.list.get(self.position(number)?).map(|(_, item)| item)
    }

    /// The item with this number; `make` creates it at the end of the list if there is none.
    pub fn get_or_insert_with(&mut self, number: u32, make: impl FnOnce() -> T) -> &mut T {
        let position = self.position(number).unwrap_or_else(|| {
            let position = self.list.len();
            self.list.push((number, make()));
            if self.list.len() == MAX_SCANNED + 1 {
                self.positions =
                    self.list.iter().enumerate().map(|(at, (number, _))| (*number, at)).collect();
            } else if self.list.len() > MAX_SCANNED {
                self.positions.insert(number, position);
            }
            position
        });
        // The position was found or added just now.
        #[allow(clippy::indexing_slicing)]
        &mut self.list[position].1
    }

    /// Iterates over the numbers and items in list order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.list.iter().map(|(number, item)| (*number, item))
    }

    /// Iterates over the numbers and items in list order, for writing.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.list.iter_mut().map(|(number, item)| (*number, item))
    }

    /// The items, sorted by their numbers.
    pub fn into_sorted(self) -> Vec<T> {
        let mut list = self.list;
        list.sort_by_key(|(number, _)| *number);
        list.into_iter().map(|(_, item)| item).collect()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::NumberedList;

    #[test]
    fn items_are_found_by_number_and_keep_their_order() {
        let mut items = NumberedList::default();
        for number in (0..100).rev().chain(0..100) {
            *items.get_or_insert_with(number, || 0) += number;
        }
        assert_eq!(items.get(7), Some(&14));
        assert_eq!(items.get(100), None);
        assert!(items.iter().map(|(number, _)| number).eq((0..100).rev()));
        assert_eq!(items.into_sorted().first(), Some(&0));
    }
}
