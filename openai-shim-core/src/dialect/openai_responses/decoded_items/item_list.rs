//! The items of a stream, found by the `output_index` or the id in an event.

use super::item::DecodedItem;
use crate::json::Object;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// All items, in the order in which they began. Positions in it stay valid.
#[derive(Debug, Default)]
pub(super) struct ItemList {
    items: Vec<DecodedItem>,
    /// The first item with an `output_index`.
    by_output_index: BTreeMap<u64, usize>,
    /// The items with an id.
    by_id: BTreeMap<String, Vec<usize>>,
}

impl ItemList {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn get(&self, position: usize) -> Option<&DecodedItem> {
        self.items.get(position)
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut DecodedItem> {
        self.items.get_mut(position)
    }

    /// Marks all items as done.
    pub(super) fn set_all_done(&mut self) {
        self.items.iter_mut().for_each(|item| item.is_done = true);
    }

    /// Returns whether the item at a position is done.
    pub(super) fn is_done(&self, position: usize) -> bool {
        self.items.get(position).is_some_and(|item| item.is_done)
    }

    /// Returns the position of the item that a delta or a part belongs to; an unknown item is added.
    pub(super) fn of_event(&mut self, event: &Object<'_>) -> usize {
        let id = event.str("item_id").unwrap_or_default();
        self.find_or_add(event.u64("output_index"), &id)
    }

    /// Returns the position of an item that begins. One without index and id is a new one.
    pub(super) fn of_added(&mut self, event: &Object<'_>, item: &Object<'_>) -> usize {
        let (output_index, id) = (event.u64("output_index"), item_id(item));
        if output_index.is_none() && id.is_empty() {
            self.items.push(DecodedItem::default());
            return self.items.len() - 1;
        }
        let position = self.find_or_add(output_index, &id);
        if let Some(call_id) = item.str("call_id").filter(|call_id| !call_id.is_empty() && *call_id != id) {
            self.by_id.entry(call_id.into_owned()).or_default().push(position);
        }
        position
    }

    /// Returns the position of an item by its index, or by its id if it has none; an unknown item is added.
    pub(super) fn of_item(&mut self, event: &Object<'_>, item: &Object<'_>) -> usize {
        self.find_or_add(event.u64("output_index"), &item_id(item))
    }

    /// Returns the position of an item that is complete: an item with its id that is not done, else the item with its index,
    /// because some servers change the id of an item.
    pub(super) fn of_complete(&mut self, event: &Object<'_>, item: &Object<'_>) -> usize {
        let with_id = self.with_id(&item_id(item));
        let open = with_id.iter().copied().find(|position| !self.is_done(*position));
        open.unwrap_or_else(|| self.of_item(event, item))
    }

    fn find_or_add(&mut self, output_index: Option<u64>, id: &str) -> usize {
        let known = match output_index {
            Some(index) => self.by_output_index.get(&index).copied().or_else(|| self.take_index(index, id)),
            None => self.with_id(id).first().copied(),
        };
        match known {
            Some(position) => position,
            // An event that names no item belongs to the last one.
            None if output_index.is_none() && id.is_empty() && !self.items.is_empty() => self.items.len() - 1,
            None => {
                let position = self.items.len();
                self.items.push(DecodedItem { output_index, id: id.to_owned(), ..DecodedItem::default() });
                self.by_output_index.extend(output_index.map(|index| (index, position)));
                if !id.is_empty() {
                    self.by_id.entry(id.to_owned()).or_default().push(position);
                }
                position
            }
        }
    }

    /// Gives an index to the item with an id that began without one.
    fn take_index(&mut self, index: u64, id: &str) -> Option<usize> {
        let position = self.with_id(id).iter().copied().find(|position| !self.is_done(*position))?;
        let item = self.items.get_mut(position).filter(|item| item.output_index.is_none())?;
        item.output_index = Some(index);
        self.by_output_index.insert(index, position);
        Some(position)
    }

    /// Returns the position of the call that a delta of arguments belongs to. One that names no known item belongs to the open
    /// call: some servers give ids to events only.
    pub(super) fn of_arguments(&mut self, event: &Object<'_>) -> usize {
        let id = event.str("item_id").unwrap_or_default();
        let is_open_call = |item: &DecodedItem| item.call.is_some() && !item.is_done;
        if event.u64("output_index").is_none() && self.with_id(&id).is_empty() {
            let last = self.items.len().saturating_sub(1);
            if self.items.get(last).is_some_and(is_open_call) {
                return last;
            }
        }
        self.of_event(event)
    }

    /// Returns the positions of the items with an id; none for an empty one.
    fn with_id(&self, id: &str) -> &[usize] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns whether an item of the final output is done: found by its id, else by its index, else by its position.
    pub(super) fn is_output_done(&self, output_index: u64, item: &Object<'_>) -> bool {
        let id = item_id(item);
        if let Some(position) = self.with_id(&id).first() {
            return self.is_done(*position);
        }
        let with_index =
            self.by_output_index.get(&output_index).is_some_and(|position| self.is_done(*position));
        // Without indices the order of the items is all there is to go by.
        let at_position = usize::try_from(output_index).ok().and_then(|position| self.items.get(position));
        with_index
            || at_position.is_some_and(|item| {
                item.output_index.is_none() && item.is_done && (item.id.is_empty() || id.is_empty())
            })
    }
}

/// The id of an item. Some servers give calls only the id that their results name, and use it in events, too.
fn item_id<'i>(item: &'i Object<'_>) -> Cow<'i, str> {
    let id = item.str("id").filter(|id| !id.is_empty());
    id.or_else(|| item.str("call_id")).unwrap_or_default()
}
