//! Writes a JSON array item by item, and sizes the `Vec` into which an array is read.

/// A JSON array that is kept as text: separate copies of many small items would take more memory.
#[derive(Debug)]
pub(crate) struct ArrayBuilder(String);

impl ArrayBuilder {
    /// Creates an empty array with capacity for `bytes` bytes of items.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut json = String::with_capacity(bytes + 2);
        json.push('[');
        Self(json)
    }

    /// Whether no item was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }

    /// Appends an item, which must be JSON.
    pub(crate) fn push(&mut self, item: &str) {
        if !self.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(item);
    }

    /// Closes the array and returns its JSON text.
    pub(crate) fn into_json(mut self) -> String {
        self.0.push(']');
        self.0
    }
}

impl Extend<String> for ArrayBuilder {
    fn extend<I: IntoIterator<Item = String>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(&item));
    }
}

/// How many items are read before their total number is estimated from the size of the text.
const MIN_ITEMS_TO_ESTIMATE: usize = 64;

/// Reserves capacity in `list` for the items of an array, before the item that begins at `start` of a text of `text_len`
/// bytes. While a `Vec` doubles, it is in memory twice, and half of it may stay unused; the size of the items read so far
/// gives a closer estimate.
pub(crate) fn reserve_for_items<T>(list: &mut Vec<T>, start: usize, text_len: usize) {
    let len = list.len();
    if len < list.capacity() || len < MIN_ITEMS_TO_ESTIMATE {
        return;
    }
    let remaining = len.saturating_mul(text_len.saturating_sub(start)) / start.max(1);
    list.reserve_exact((remaining + remaining / 16).clamp(len / 8, len * 3));
}
