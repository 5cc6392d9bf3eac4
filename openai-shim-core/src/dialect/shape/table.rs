//! The tables of known fields: keys, types, and what a wrong type leads to. They are built at compile time.

use crate::json::{Object, ValueKind, count, decode_string, integer, natural, number};

/// The known fields of a JSON object.
#[derive(Debug)]
pub struct Shape {
    /// The plural noun for such objects in error messages (`messages`).
    pub plural: &'static str,
    /// An example in error messages; may be empty.
    pub example: &'static str,
    /// The fields, the most frequent ones first.
    pub members: &'static [Member],
    /// More fields by the value of `type`; the empty value stands for a missing `type`.
    pub variants: &'static [(&'static [&'static str], &'static Shape)],
    /// Whether `type` is required.
    pub typed: bool,
    /// How paths are written and keys compared in a payload of this shape.
    pub style: Style,
    /// A hash table of the keys: the index in `members` plus one; 0 is an empty slot.
    slots: [u8; SLOTS],
}

/// A power of two, and more than twice the number of fields of any object.
const SLOTS: usize = 128;

/// Returns the slot where the search for a key begins.
const fn slot_of(key: &[u8]) -> usize {
    let (first, last) = match key {
        [] => (0, 0),
        [only] => (*only, *only),
        [first, .., last] => (*first, *last),
    };
    (key.len() * 29 + first as usize * 7 + last as usize * 3) % SLOTS
}

/// The shape of an object without known fields.
pub(in super::super) static UNKNOWN: Shape = shape("objects", &[]);

/// How a dialect spells keys and paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// `messages[2].content`
    #[default]
    Brackets,
    /// `messages.2.content` in errors, as Anthropic's API does.
    Dots,
    /// As in the JSON form of protocol buffers: keys may be in snake case, and numbers may be strings.
    Protobuf,
}

/// A known field of an object.
#[derive(Debug)]
pub struct Member {
    /// Its key.
    pub key: &'static str,
    /// The types that the field may have.
    pub types: &'static [Type],
    /// The kinds of values that need no further check, one bit each.
    plain: u8,
    /// The kinds of values whose fields or items are checked, one bit each.
    nested: u8,
    /// The numbers that need no further check.
    numbers: Numbers,
    /// What a wrong type leads to.
    pub mismatch: Mismatch,
}

/// A type of a field, or of an item of a list.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Anything but null.
    Any,
    /// `true` or `false`.
    Bool,
    /// A finite number.
    Number,
    /// An integer.
    Integer,
    /// An integer of zero or more.
    Natural,
    /// An integer of zero or more that fits in 32 bits.
    Count,
    /// A string.
    Text,
    /// An object without known fields.
    Map,
    /// An object with known fields.
    Object(&'static Shape),
    /// A list of items of these types.
    List(&'static [Type]),
}

/// What a wrong type of a field leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// An error.
    Refuse,
    /// An error, but only a warning for numbers out of range and for strings, which may contain a number: the upstream decides.
    RefuseStructure,
    /// A warning. An upstream of the same dialect gets the field unchanged, any other does not get it.
    Warn,
}

/// The numbers that a field may be, if they are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    None,
    Integers,
    All,
}

/// Returns the bit of a kind.
const fn bit(kind: ValueKind) -> u8 {
    1 << kind as u8
}

/// Makes an entry, with the masks for the fast path.
#[allow(clippy::indexing_slicing)] // evaluated at compile time, where an index out of bounds is an error
const fn member(key: &'static str, types: &'static [Type], mismatch: Mismatch) -> Member {
    let (mut plain, mut nested, mut numbers, mut i) = (bit(ValueKind::Null), 0, Numbers::None, 0);
    while i < types.len() {
        match types[i] {
            Type::Bool => plain |= bit(ValueKind::Bool),
            Type::Text => plain |= bit(ValueKind::String),
            Type::Map => plain |= bit(ValueKind::Object),
            Type::Object(_) => nested |= bit(ValueKind::Object),
            Type::List(_) => nested |= bit(ValueKind::Array),
            Type::Number => numbers = Numbers::All,
            Type::Integer | Type::Natural | Type::Count => {
                if matches!(numbers, Numbers::None) {
                    numbers = Numbers::Integers;
                }
            }
            Type::Any => {}
        }
        i += 1;
    }
    Member { key, types, plain, nested, numbers, mismatch }
}

impl Member {
    /// Returns whether a value has one of the types, as far as that is clear without parsing it. `is_nested_checked`: the
    /// content of objects and lists is to be checked here.
    pub(super) fn accepts_fast(
        &self,
        kind: ValueKind,
        value: &str,
        is_nested_checked: impl FnOnce() -> bool,
    ) -> bool {
        if self.plain & bit(kind) != 0 {
            return true;
        }
        match kind {
            // Fewer than nine digits fit every number type.
            ValueKind::Number if value.len() < 9 => {
                self.numbers != Numbers::None
                    && value.bytes().all(|b| b.is_ascii_digit() || b == b'.' && self.numbers == Numbers::All)
            }
            ValueKind::Object | ValueKind::Array => self.nested & bit(kind) != 0 && !is_nested_checked(),
            _ => false,
        }
    }
}

/// Makes a shape with these fields.
// Evaluated at compile time, where an index out of bounds is an error; there are fewer fields than slots.
#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]
pub(crate) const fn shape(plural: &'static str, members: &'static [Member]) -> Shape {
    let mut slots = [0; SLOTS];
    let mut i = 0;
    while i < members.len() {
        let mut slot = slot_of(members[i].key.as_bytes());
        while slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        i += 1;
        slots[slot] = i as u8;
    }
    Shape { slots, plural, example: "", members, variants: &[], typed: false, style: Style::Brackets }
}

/// An entry for which a wrong type is an [error](Mismatch::Refuse).
pub(crate) const fn refuse(key: &'static str, types: &'static [Type]) -> Member {
    member(key, types, Mismatch::Refuse)
}

/// An entry for which a wrong type is [an error unless it is a number or a string](Mismatch::RefuseStructure).
pub(crate) const fn refuse_structure(key: &'static str, types: &'static [Type]) -> Member {
    member(key, types, Mismatch::RefuseStructure)
}

/// An entry for which a wrong type is a [warning](Mismatch::Warn).
pub(crate) const fn warn(key: &'static str, types: &'static [Type]) -> Member {
    member(key, types, Mismatch::Warn)
}

impl Shape {
    /// Adds fields by the value of `type`.
    pub(crate) const fn with_variants(
        self,
        variants: &'static [(&'static [&'static str], &'static Self)],
    ) -> Self {
        Self { variants, ..self }
    }

    /// Sets the example of error messages.
    pub(crate) const fn with_example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Makes `type` required.
    pub(crate) const fn typed(self) -> Self {
        Self { typed: true, ..self }
    }

    /// Sets the style of keys and paths.
    pub(crate) const fn in_style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// Returns the additional fields of an object by its `type`.
    pub(super) fn variant(&self, object: &Object<'_>) -> Option<&'static Self> {
        if self.variants.is_empty() {
            return None;
        }
        let kind = match object.non_null("type") {
            Some(kind) => decode_string(kind)?,
            None => "".into(),
        };
        self.variants.iter().find(|(names, _)| names.contains(&kind.as_ref())).map(|(_, shape)| *shape)
    }

    /// Returns the entry of a key.
    pub(super) fn member(&self, key: &str, style: Style) -> Option<&'static Member> {
        let mut slot = slot_of(key.as_bytes());
        // There is always an empty slot.
        while let Some(entry @ 1..) = self.slots.get(slot) {
            match self.members.get(usize::from(*entry) - 1) {
                Some(member) if member.key == key => return Some(member),
                _ => slot = (slot + 1) % SLOTS,
            }
        }
        let is_snake_case = style == Style::Protobuf && key.contains('_');
        self.members.iter().find(|member| is_snake_case && is_camel_case_of(member.key, key))
    }
}

/// Returns whether a key in camel case is another one in snake case.
fn is_camel_case_of(camel: &str, snake: &str) -> bool {
    let mut remaining = camel.chars();
    let mut upper = false;
    for c in snake.chars() {
        if c == '_' {
            upper = true;
            continue;
        }
        let c = if std::mem::take(&mut upper) { c.to_ascii_uppercase() } else { c };
        if remaining.next() != Some(c) {
            return false;
        }
    }
    remaining.next().is_none()
}

impl Type {
    /// Returns whether a value has this type; its content is not checked.
    pub(super) fn accepts(&self, kind: ValueKind, value: &str, style: Style) -> bool {
        let is_number = matches!(self, Self::Number | Self::Integer | Self::Natural | Self::Count);
        if kind == ValueKind::String && is_number && style == Style::Protobuf {
            return decode_string(value).is_some_and(|text| {
                number(&text).is_some() && self.accepts(ValueKind::Number, &text, style)
            });
        }
        match (self, kind) {
            (_, ValueKind::Null) => false,
            (Self::Any, _)
            | (Self::Bool, ValueKind::Bool)
            | (Self::Text, ValueKind::String)
            | (Self::Map | Self::Object(_), ValueKind::Object)
            | (Self::List(_), ValueKind::Array) => true,
            (Self::Number, ValueKind::Number) => number(value).is_some(),
            (Self::Integer, ValueKind::Number) => integer(value).is_some(),
            (Self::Natural, ValueKind::Number) => natural(value).is_some(),
            (Self::Count, ValueKind::Number) => count(value).is_some(),
            _ => false,
        }
    }
}
