//! How a layer's rules are written: like their values, and `"any"` for a limit that a layer takes away.

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// The word for no limit.
const ANY: &str = "any";

/// A field of a layer: a rule that may be unset, or a section.
pub(crate) trait Written: Sized {
    /// Writes the field.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    /// Reads the field.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// For `#[serde(with)]`.
pub(crate) fn serialize<T: Written, S: Serializer>(field: &T, serializer: S) -> Result<S::Ok, S::Error> {
    field.write(serializer)
}

/// For `#[serde(with)]`.
pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// A rule, or nothing where a layer leaves it unset.
type MaybeSet<R> = Option<R>;

/// Writes a limit.
pub(super) fn write_limit<T: Serialize, S: Serializer>(
    limit: Option<&T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match limit {
        Some(limit) => limit.serialize(serializer),
        None => serializer.serialize_str(ANY),
    }
}

/// Reads a limit; `null` leaves it unset.
pub(super) fn read_limit<'de, T: Limit, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<MaybeSet<Option<T>>, D::Error> {
    deserializer.deserialize_any(LimitVisitor(PhantomData))
}

/// What a limit consists of.
pub(super) trait Limit: Sized {
    /// What can be written for it.
    const FORM: &'static str;

    /// From a number.
    fn from_number<E: Error>(number: u64) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Unsigned(number), &Self::FORM))
    }

    /// From a list.
    fn from_list<'de, A: SeqAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Seq, &Self::FORM))
    }
}

impl Limit for u32 {
    const FORM: &'static str = "a number, or \"any\"";
    fn from_number<E: Error>(number: u64) -> Result<Self, E> {
        Self::try_from(number)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &"a smaller number"))
    }
}

impl Limit for u64 {
    const FORM: &'static str = "a number, or \"any\"";
    fn from_number<E: Error>(number: u64) -> Result<Self, E> {
        Ok(number)
    }
}

impl Limit for Vec<String> {
    const FORM: &'static str = "a list of texts, or \"any\"";
    fn from_list<'de, A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        Self::deserialize(SeqAccessDeserializer::new(items))
    }
}

struct LimitVisitor<T>(PhantomData<T>);

impl<'de, T: Limit> Visitor<'de> for LimitVisitor<T> {
    type Value = MaybeSet<Option<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::FORM)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        if word == ANY { Ok(Some(None)) } else { Err(E::invalid_value(Unexpected::Str(word), &self)) }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        T::from_number(number).map(|limit| Some(Some(limit)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        T::from_list(items).map(|limit| Some(Some(limit)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
