//! JSON lists: one that is written item by item, and room for what is read of one.

/// A list of which only the text is kept: of many small items a copy of each would be larger.
#[derive(Debug)]
pub(crate) struct List(String);

impl List {
    /// An empty list with room for so many bytes of items.
    pub(crate) fn with_room(bytes: usize) -> Self {
        let mut list = String::with_capacity(bytes + 2);
        list.push('[');
        Self(list)
    }

    /// Whether there is no item yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }

    /// Adds an item, which must be JSON.
    pub(crate) fn push(&mut self, item: &str) {
        if !self.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(item);
    }

    /// The list as JSON.
    pub(crate) fn into_json(mut self) -> String {
        self.0.push(']');
        self.0
    }
}

impl Extend<String> for List {
    fn extend<I: IntoIterator<Item = String>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(&item));
    }
}

/// How many items are read before their number is told from the size of the text.
const FEW: usize = 64;

/// Makes room in what is read of a list, before the item that begins at `at` in a text of so many bytes. A list that doubles
/// is there twice, and half of it may stay empty; the items so far tell about how many there are.
pub(crate) fn make_room<T>(list: &mut Vec<T>, at: usize, bytes: usize) {
    let len = list.len();
    if len < list.capacity() || len < FEW {
        return;
    }
    let rest = len.saturating_mul(bytes.saturating_sub(at)) / at.max(1);
    list.reserve_exact((rest + rest / 16).clamp(len / 8, len * 3));
}
