//! The known members of a dialect's requests: which JSON types each may have, and what happens where it has another one.
//!
//! Each dialect has its tables (`<dialect>/shape.rs`), and one function reads a payload against them. So a member of a wrong
//! type is an error that names it, or a warning that does, whatever the decoder makes of it: it never vanishes. `null` is
//! the same as absence, as every SDK sends it. Members that are not in a table are a dialect's leftovers.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, count, decode_string, integer, items, natural, number, value_kind};
use std::fmt::Write as _;

/// The known members of an object.
#[derive(Debug)]
pub struct Shape {
    /// What several such objects are called (`messages`).
    pub plural: &'static str,
    /// One of them, for who sent something else; may be empty.
    pub example: &'static str,
    /// The members, those that are in most requests first.
    pub members: &'static [Member],
    /// Members that depend on what the member `type` is; that of the empty name where there is none.
    pub variants: &'static [(&'static [&'static str], &'static Shape)],
    /// Whether `type` must be there.
    pub typed: bool,
    /// How paths are written, and keys compared, in a payload that is this object.
    pub style: Style,
    /// Where the members stand, by a hash of their keys: one more than their place, 0 for none.
    slots: [u8; SLOTS],
}

/// A power of two, and more than twice the most members.
const SLOTS: usize = 128;

/// The slot where the search for a key begins.
const fn slot(key: &[u8]) -> usize {
    let (first, last) = match key {
        [] => (0, 0),
        [only] => (*only, *only),
        [first, .., last] => (*first, *last),
    };
    (key.len() * 29 + first as usize * 7 + last as usize * 3) % SLOTS
}

/// An object of which nothing is known.
pub(super) static UNKNOWN: Shape = shape("objects", &[]);

/// How a dialect writes keys and paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// `messages[2].content`
    #[default]
    Brackets,
    /// `messages.2.content` in errors, as Anthropic's are.
    Dots,
    /// As protocol buffers are read: keys may be written with underscores, and numbers as texts.
    Protobuf,
}

/// A known member.
#[derive(Debug)]
pub struct Member {
    /// Its key.
    pub key: &'static str,
    /// The types that it may have.
    pub types: &'static [Type],
    /// Kinds of values of which nothing else need be known, a bit for each.
    plain: u8,
    /// Kinds of values that have members or items of known types.
    nested: u8,
    /// Whether it may be a number, and one with a fraction.
    numbers: (bool, bool),
    /// What happens where it has none of them.
    pub mismatch: Mismatch,
}

/// A type of a member, or of an item of a list.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Anything but null.
    Any,
    /// `true` or `false`.
    Bool,
    /// A finite number.
    Number,
    /// A whole number.
    Integer,
    /// A whole number of zero or more.
    Natural,
    /// A whole number of zero or more, that fits into 32 bits.
    Count,
    /// A text.
    Text,
    /// An object of which nothing is known.
    Map,
    /// An object with known members.
    Object(&'static Shape),
    /// A list of items of these types.
    List(&'static [Type]),
}

/// What happens where a member has a wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The request is refused.
    Refuse,
    /// The same, but a number out of range and a text, which may hold a number, are for the upstream to judge.
    RefuseStructure,
    /// It is reported. An upstream of the same dialect gets the member as it came, any other does not get it.
    Warn,
}

/// Where a value stands in the payload: written out only where something is wrong with it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    /// It is the payload.
    Root,
    /// A member of what stands there.
    Key(&'p Place<'p>, &'p str),
    /// An item of what stands there.
    Index(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn write(&self, style: Style, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Key(before, key) => {
                before.write(style, out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            Self::Index(before, i) => {
                before.write(style, out);
                // Writing into a text cannot fail.
                let _ = if style == Style::Dots { write!(out, ".{i}") } else { write!(out, "[{i}]") };
            }
        }
    }

    /// As a path of a diagnostic, or of an error in the dialect's own style.
    pub(crate) fn path(&self, style: Style) -> String {
        let mut out = String::new();
        self.write(style, &mut out);
        out
    }
}

/// The bit of a kind.
const fn bit(kind: ValueKind) -> u8 {
    1 << kind as u8
}

/// A member, with what need not be found out for each request.
#[allow(clippy::indexing_slicing)] // run by the compiler, which would refuse a place that is none
const fn member(key: &'static str, types: &'static [Type], mismatch: Mismatch) -> Member {
    let (mut plain, mut nested, mut numbers, mut i) = (bit(ValueKind::Null), 0, (false, false), 0);
    while i < types.len() {
        match types[i] {
            Type::Bool => plain |= bit(ValueKind::Bool),
            Type::Text => plain |= bit(ValueKind::String),
            Type::Map => plain |= bit(ValueKind::Object),
            Type::Object(_) => nested |= bit(ValueKind::Object),
            Type::List(_) => nested |= bit(ValueKind::Array),
            Type::Number => numbers = (true, true),
            Type::Integer | Type::Natural | Type::Count => numbers.0 = true,
            Type::Any => {}
        }
        i += 1;
    }
    Member { key, types, plain, nested, numbers, mismatch }
}

impl Member {
    /// Whether a value surely has one of the types, so far as that can be told at once.
    fn surely_takes(&self, kind: ValueKind, value: &str, deep: impl FnOnce() -> bool) -> bool {
        if self.plain & bit(kind) != 0 {
            return true;
        }
        match kind {
            // So short that no type is too small for it.
            ValueKind::Number if value.len() < 9 => {
                value.bytes().all(|b| b.is_ascii_digit() && self.numbers.0 || b == b'.' && self.numbers.1)
            }
            ValueKind::Object | ValueKind::Array => self.nested & bit(kind) != 0 && !deep(),
            _ => false,
        }
    }
}

/// A shape of these members.
// Run by the compiler, which refuses a place that is none; there are fewer members than slots.
#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]
pub(crate) const fn shape(plural: &'static str, members: &'static [Member]) -> Shape {
    let mut slots = [0; SLOTS];
    let mut i = 0;
    while i < members.len() {
        let mut at = slot(members[i].key.as_bytes());
        while slots[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        i += 1;
        slots[at] = i as u8;
    }
    Shape { slots, plural, example: "", members, variants: &[], typed: false, style: Style::Brackets }
}

/// A member that is refused where its type is wrong.
pub(crate) const fn refuse(key: &'static str, types: &'static [Type]) -> Member {
    member(key, types, Mismatch::Refuse)
}

/// A number that is refused where it is neither a number nor a text.
pub(crate) const fn refuse_structure(key: &'static str, types: &'static [Type]) -> Member {
    member(key, types, Mismatch::RefuseStructure)
}

/// A member that is reported where its type is wrong.
pub(crate) const fn warn(key: &'static str, types: &'static [Type]) -> Member {
    member(key, types, Mismatch::Warn)
}

impl Shape {
    /// The same, with variants by `type`.
    pub(crate) const fn with(self, variants: &'static [(&'static [&'static str], &'static Self)]) -> Self {
        Self { variants, ..self }
    }

    /// The same, with an example.
    pub(crate) const fn such_as(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// The same, of objects that must say their `type`.
    pub(crate) const fn typed(self) -> Self {
        Self { typed: true, ..self }
    }

    /// The same, in another style.
    pub(crate) const fn in_style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// Checks a payload and all that is known in it.
    ///
    /// # Errors
    /// A member that must not have the type that it has.
    pub(crate) fn check(
        &self,
        object: &Object<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        self.check_at(object, Place::Root, &[], diagnostics)
    }

    /// Checks an object at a place in the payload; of `others` the items and members are checked by the caller.
    ///
    /// # Errors
    /// A member that must not have the type that it has.
    pub(crate) fn check_at(
        &self,
        object: &Object<'_>,
        place: Place<'_>,
        others: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        Check { style: self.style, depth: 0, diagnostics }.object(self, object, place, others)
    }

    /// The variant for a `type`.
    fn variant(&self, object: &Object<'_>) -> Option<&'static Self> {
        if self.variants.is_empty() {
            return None;
        }
        let kind = match object.non_null("type") {
            Some(kind) => decode_string(kind)?,
            None => "".into(),
        };
        self.variants.iter().find(|(names, _)| names.contains(&kind.as_ref())).map(|(_, own)| *own)
    }

    fn member(&self, key: &str, style: Style) -> Option<&'static Member> {
        let mut at = slot(key.as_bytes());
        // There is always a slot with none.
        while let Some(place @ 1..) = self.slots.get(at) {
            match self.members.get(usize::from(*place) - 1) {
                Some(member) if member.key == key => return Some(member),
                _ => at = (at + 1) % SLOTS,
            }
        }
        let snake = style == Style::Protobuf && key.contains('_');
        self.members.iter().find(|member| snake && is_camel_of(member.key, key))
    }
}

/// Whether one key is the other, with capitals where that has underscores.
fn is_camel_of(camel: &str, snake: &str) -> bool {
    let mut rest = camel.chars();
    let mut upper = false;
    for c in snake.chars() {
        if c == '_' {
            upper = true;
            continue;
        }
        let c = if std::mem::take(&mut upper) { c.to_ascii_uppercase() } else { c };
        if rest.next() != Some(c) {
            return false;
        }
    }
    rest.next().is_none()
}

/// How many objects of known shape may stand in one another: more than any API has. What stands deeper is not looked into,
/// so that the stack and the work are bounded.
const MAX_DEPTH: usize = 16;

struct Check<'n> {
    style: Style,
    depth: usize,
    diagnostics: &'n mut Diagnostics,
}

impl Check<'_> {
    fn object(
        &mut self,
        shape: &Shape,
        object: &Object<'_>,
        place: Place<'_>,
        others: &[&str],
    ) -> Result<(), ClientError> {
        if shape.typed && object.non_null("type").is_none() {
            return Err(self.refused(&Place::Key(&place, "type"), "is missing"));
        }
        let variant = shape.variant(object);
        for (key, value) in object.iter() {
            let found = variant.and_then(|variant| variant.member(key, self.style));
            let found = found.or_else(|| shape.member(key, self.style));
            let Some(member) = found else { continue };
            let deep = || !others.contains(&member.key);
            if !member.surely_takes(value_kind(value), value, deep) {
                self.value(member.types, member.mismatch, value, &Place::Key(&place, key), deep())?;
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        types: &'static [Type],
        mismatch: Mismatch,
        value: &str,
        place: &Place<'_>,
        deep: bool,
    ) -> Result<(), ClientError> {
        let kind = value_kind(value);
        let Some(own) = types.iter().find(|own| own.takes(kind, value, self.style)) else {
            return self.wrong(types, mismatch, kind, place);
        };
        match own {
            _ if !deep => Ok(()),
            Type::Object(_) if self.depth >= MAX_DEPTH => Ok(()),
            Type::Object(shape) => {
                let Ok(object) = Object::parse(value.as_bytes()) else { return Ok(()) };
                self.depth += 1;
                let checked = self.object(shape, &object, *place, &[]);
                self.depth -= 1;
                checked
            }
            Type::List(types) if !matches!(types, [Type::Any]) => {
                for (i, item) in items(value).unwrap_or_default().into_iter().enumerate() {
                    self.value(types, mismatch, item, &Place::Index(place, i), true)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[cold]
    fn wrong(
        &mut self,
        types: &[Type],
        mismatch: Mismatch,
        kind: ValueKind,
        place: &Place<'_>,
    ) -> Result<(), ClientError> {
        let must = format!("must be {}", expected(types));
        let judged =
            matches!(kind, ValueKind::Number | ValueKind::String) && mismatch == Mismatch::RefuseStructure;
        if judged || mismatch == Mismatch::Warn {
            self.diagnostics.record(DiagnosticCode::ParamInvalid, &place.path(Style::Brackets), &must);
            return Ok(());
        }
        Err(self.refused(place, &must))
    }

    fn refused(&self, place: &Place<'_>, why: &str) -> ClientError {
        let path = place.path(self.style);
        let message = match self.style {
            Style::Dots => format!("{path}: {why}."),
            _ => format!("`{path}` {why}."),
        };
        ClientError::invalid(message).at(path)
    }
}

impl Type {
    /// Whether a value has this type; what is in it is another question.
    fn takes(&self, kind: ValueKind, value: &str, style: Style) -> bool {
        let number_kind = matches!(self, Self::Number | Self::Integer | Self::Natural | Self::Count);
        if kind == ValueKind::String && number_kind && style == Style::Protobuf {
            return decode_string(value)
                .is_some_and(|text| number(&text).is_some() && self.takes(ValueKind::Number, &text, style));
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

/// What is expected, in words.
fn expected(types: &[Type]) -> String {
    let words: Vec<_> = types.iter().map(|own| words(own, false)).collect();
    let words = words.join(" or ");
    match types.first() {
        Some(Type::List([Type::Object(shape)])) if !shape.example.is_empty() => {
            format!("{words}, such as [{}]", shape.example)
        }
        Some(Type::Object(shape)) if !shape.example.is_empty() => {
            format!("{words}, such as {}", shape.example)
        }
        _ => words,
    }
}

/// A type in words; as items of a list, `many` of it.
fn words(own: &Type, many: bool) -> String {
    let word = match (own, many) {
        (Type::Any, false) => "a value",
        (Type::Any, true) => "values",
        (Type::Bool, false) => "true or false",
        (Type::Bool, true) => "truth values",
        (Type::Number, false) => "a number",
        (Type::Integer, false) => "a whole number",
        (Type::Natural | Type::Count, false) => "a whole number of 0 or more",
        (Type::Number | Type::Integer | Type::Natural | Type::Count, true) => "numbers",
        (Type::Text, false) => "a text",
        (Type::Text, true) => "texts",
        (Type::Map | Type::Object(_), false) => "an object",
        (Type::Map, true) => "objects",
        (Type::Object(shape), true) => shape.plural,
        (Type::List(_), true) => "lists",
        (Type::List(types), false) => {
            // A bare text in the place of an object is tolerated; there is no need to propose it.
            let proposed = |item: &&Type| types.len() == 1 || !matches!(item, Type::Text);
            let items: Vec<_> = types.iter().filter(proposed).map(|item| words(item, true)).collect();
            return format!("a list of {}", items.join(" or "));
        }
    };
    word.to_owned()
}
