//! The items that streamed, in the order of the output, for an upstream that leaves them out of the final response.

use crate::json::Object;

/// The limit of the items that are held.
const MAX_BYTES: usize = 16 << 20;

/// The finished items of a stream, as JSON.
#[derive(Debug, Default)]
pub(super) struct FinishedItems {
    items: Vec<String>,
    /// The `output_index` of each item.
    output_indices: Vec<u64>,
    bytes: usize,
}

impl FinishedItems {
    /// Adds the item of an event, if there is room. Items may finish in another order than that of the output.
    pub(super) fn add(&mut self, event: &Object<'_>, item: String) {
        if self.bytes >= MAX_BYTES {
            return;
        }
        self.bytes += item.len();
        let index = event.u64("output_index").unwrap_or(u64::MAX);
        let position = self.output_indices.iter().position(|other| *other > index);
        let position = position.unwrap_or(self.output_indices.len());
        self.output_indices.insert(position, index);
        self.items.insert(position, item);
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.items
    }

    /// Returns the items as a JSON array.
    pub(super) fn to_json(&self) -> String {
        format!("[{}]", self.items.join(","))
    }
}
