//! Things that are found by a number of their own, and stay in the order in which they came.

use std::collections::BTreeMap;

/// Up to how many are looked at one by one.
const FEW: usize = 16;

/// A list whose items have numbers; none is looked for from the beginning once there are many.
#[derive(Debug, Clone)]
pub struct Numbered<T> {
    list: Vec<(u32, T)>,
    /// The place of each number, once there are many.
    places: BTreeMap<u32, usize>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { list: Vec::new(), places: BTreeMap::new() }
    }
}

impl<T> Numbered<T> {
    fn place(&self, number: u32) -> Option<usize> {
        if self.list.len() <= FEW {
            self.list.iter().position(|(known, _)| *known == number)
        } else {
            self.places.get(&number).copied()
        }
    }

    /// The item of this number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.list.get(self.place(number)?).map(|(_, item)| item)
    }

    /// The item of this number, which is made if there is none.
    pub fn get_or_insert_with(&mut self, number: u32, make: impl FnOnce() -> T) -> &mut T {
        let at = self.place(number).unwrap_or_else(|| {
            let at = self.list.len();
            self.list.push((number, make()));
            if self.list.len() == FEW + 1 {
                self.places = self.list.iter().enumerate().map(|(at, (number, _))| (*number, at)).collect();
            } else if self.list.len() > FEW {
                self.places.insert(number, at);
            }
            at
        });
        // The place was found or made just now.
        #[allow(clippy::indexing_slicing)]
        &mut self.list[at].1
    }

    /// The items with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.list.iter().map(|(number, item)| (*number, item))
    }

    /// The items with their numbers, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.list.iter_mut().map(|(number, item)| (*number, item))
    }

    /// The items in the order of their numbers.
    pub fn into_sorted(self) -> Vec<T> {
        let mut list = self.list;
        list.sort_by_key(|(number, _)| *number);
        list.into_iter().map(|(_, item)| item).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Numbered;

    #[test]
    fn items_are_found_by_their_numbers_and_stay_in_their_order() {
        let mut items = Numbered::default();
        for number in (0..100).rev().chain(0..100) {
            *items.get_or_insert_with(number, || 0) += number;
        }
        assert_eq!(items.get(7), Some(&14));
        assert_eq!(items.get(100), None);
        assert!(items.iter().map(|(number, _)| number).eq((0..100).rev()));
        assert_eq!(items.into_sorted().first(), Some(&0));
    }
}
