//! Typed structs and unions for JSON: `wire_object!` and `wire_union!`.
//!
//! They are read by our own scanner, because `serde`'s `flatten` and `untagged` fail where raw JSON is inside. A value of an
//! unexpected form is never an error below the top: it stays raw, in `extra` or in `Unknown`.

mod extras;
mod number;

pub use extras::Extras;
pub use number::Number;

use super::Object;
use super::raw_json::{RawJson, raw};
use super::raw_value::{ValueKind, items, value_kind};
use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer};

/// The maximum nesting of typed structs; what is deeper stays raw. Each level scans its part of the text once more.
const MAX_DEPTH: u32 = 24;

/// A type that is read from valid JSON text.
pub(crate) trait FromJson: Sized {
    /// Reads the value; `None` if it has another form. `depth` is the nesting of structs so far.
    fn from_json(json: &str, depth: u32) -> Option<Self>;
}

/// A struct that `wire_object!` declares.
pub(crate) trait TypedObject: Sized {
    /// Reads the fields, without the one that names the kind in a union.
    fn from_object(object: &Object<'_>, depth: u32, tag: Option<&str>) -> Self;
    /// Writes the fields, without the one that names the kind in a union.
    fn serialize_fields<M: SerializeMap>(&self, map: &mut M, tag: Option<&str>) -> Result<(), M::Error>;
}

impl FromJson for String {
    fn from_json(json: &str, _depth: u32) -> Option<Self> {
        let json = json.trim();
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            // Half a surrogate pair is no text: the value stays raw.
            return serde_json::from_str(json).ok();
        }
        Some(inner.to_owned())
    }
}

impl FromJson for bool {
    fn from_json(json: &str, _depth: u32) -> Option<Self> {
        json.trim().parse().ok()
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        // An integer that is written as `1.0` or `-0` would lose its text.
        impl FromJson for $type {
            fn from_json(json: &str, _depth: u32) -> Option<Self> {
                Some(json.trim()).filter(|text| *text != "-0").and_then(|text| text.parse().ok())
            }
        }
    )*};
}

integers!(u32, u64, i64);

impl FromJson for RawJson {
    fn from_json(json: &str, _depth: u32) -> Option<Self> {
        Some(raw(json.trim()))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &str, depth: u32) -> Option<Self> {
        if value_kind(json) != ValueKind::Array {
            return None;
        }
        items(json)?.into_iter().map(|item| T::from_json(item, depth)).collect()
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &str, depth: u32) -> Option<Self> {
        match value_kind(json) {
            ValueKind::Null => Some(None),
            _ => T::from_json(json, depth).map(Some),
        }
    }
}

/// Parses an object for a typed struct at this depth.
pub(crate) fn read_object(json: &str, depth: u32) -> Option<Object<'_>> {
    (depth < MAX_DEPTH && value_kind(json) == ValueKind::Object)
        .then(|| Object::parse(json.as_bytes()).ok())?
}

/// Reads a field of a typed struct; `null` is no value of any type.
pub(crate) fn read_field<T: FromJson>(object: &Object<'_>, key: &str, depth: u32) -> Option<T> {
    object.non_null(key).and_then(|json| T::from_json(json, depth + 1))
}

/// Reads a type by `serde_json`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: FromJson>(
    deserializer: D,
    expected: &str,
) -> Result<T, D::Error> {
    let json = RawJson::deserialize(deserializer)?;
    T::from_json(json.as_str(), 0).ok_or_else(|| D::Error::custom(format_args!("expected {expected}")))
}

/// Declares a struct for a JSON object: known fields as `Option`s with setters, all others raw in `extra`.
///
/// A field is declared as `name setter: type = "key"`. The brackets around the type tell what its setter takes: `{T}` whatever
/// turns into a `T`, `(T)` a `T`, `[T]` items of a list.
macro_rules! wire_object {
    ($(#[$meta:meta])* pub struct $name:ident { $(
        $(#[$field_meta:meta])*
        $field:ident $setter:ident: $({$one:ty})? $(($plain:ty))? $([$item:ty])? = $key:literal,
    )* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(clippy::struct_field_names)] // the names are those of the API
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: Option<$($one)? $($plain)? $(Vec<$item>)?>,)*
            /// Fields that are not listed here, or whose value has another type: raw, in the order of the source.
            pub extra: $crate::json::Extras,
        }

        impl $name {
            /// The known fields, each with its type as it is declared: for tests.
            #[doc(hidden)]
            pub const MEMBERS: &'static [(&'static str, &'static str)] = &[$((
                $key,
                concat!($(stringify!($one))? $(stringify!($plain))? $("Vec<", stringify!($item), ">")?),
            )),*];

            $(
                #[doc = concat!("Sets `", $key, "`.")]
                pub fn $setter(
                    mut self,
                    value: $(impl Into<$one>)? $($plain)? $(impl IntoIterator<Item = impl Into<$item>>)?,
                ) -> Self {
                    $(let value: $one = value.into();)?
                    $(let value: $plain = value;)?
                    $(let value: Vec<$item> = value.into_iter().map(Into::into).collect();)?
                    self.$field = Some(value);
                    self
                }
            )*

            /// Sets a field that is not listed here.
            pub fn with_extra(mut self, key: impl Into<String>, value: $crate::json::RawJson) -> Self {
                self.extra.insert(key, value);
                self
            }
        }

        impl $crate::json::typed::TypedObject for $name {
            #[allow(unused_variables)] // a struct without known fields does not use `depth`
            fn from_object(object: &$crate::json::Object<'_>, depth: u32, tag: Option<&str>) -> Self {
                let mut out = Self::default();
                $(out.$field = $crate::json::typed::read_field(object, $key, depth);)*
                for (key, value) in object.iter() {
                    match key {
                        $($key if out.$field.is_some() => {})*
                        key if tag == Some(key) => {}
                        key => out.extra.push(key.to_owned(), $crate::json::raw(value)),
                    }
                }
                out
            }

            fn serialize_fields<M: serde::ser::SerializeMap>(
                &self,
                map: &mut M,
                tag: Option<&str>,
            ) -> Result<(), M::Error> {
                $(if let Some(value) = &self.$field {
                    map.serialize_entry($key, value)?;
                })*
                for (key, value) in self.extra.iter() {
                    match key {
                        // A field that was set afterwards counts.
                        $($key if self.$field.is_some() => {})*
                        key if tag == Some(key) => {}
                        key => map.serialize_entry(key, value)?,
                    }
                }
                Ok(())
            }
        }

        impl $crate::json::typed::FromJson for $name {
            fn from_json(json: &str, depth: u32) -> Option<Self> {
                let object = $crate::json::typed::read_object(json, depth)?;
                Some($crate::json::typed::TypedObject::from_object(&object, depth, None))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::typed::deserialize(deserializer, concat!("an object (", stringify!($name), ")"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $crate::json::typed::TypedObject::serialize_fields(self, &mut map, None)?;
                map.end()
            }
        }
    };
}

/// Declares an enum for a JSON value of several forms; any other form is `Unknown`.
///
/// Without more, the first form counts that the value has. With `by "key"`, the forms are structs, and the text of that field tells
/// which one it is; the form behind `_` is that of an object without the field.
#[allow(unused_macros)] // a build with one dialect may have no use for it
macro_rules! wire_union {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident($type:ty),)*
    }) => {
        $crate::json::typed::wire_union!(@declare $(#[$meta])* $name { $($(#[$variant_meta])* $variant($type),)* });

        impl $crate::json::typed::FromJson for $name {
            fn from_json(json: &str, depth: u32) -> Option<Self> {
                $(if let Some(value) = <$type as $crate::json::typed::FromJson>::from_json(json, depth) {
                    return Some(Self::$variant(value));
                })*
                $crate::json::typed::FromJson::from_json(json, depth).map(Self::Unknown)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => serde::Serialize::serialize(value, serializer),)*
                    Self::Unknown(value) => serde::Serialize::serialize(value, serializer),
                }
            }
        }

        $(impl From<$type> for $name {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })*
    };
    ($(#[$meta:meta])* pub enum $name:ident by $tag:literal {
        $($(#[$variant_meta:meta])* $variant:ident($type:ty) = $kind:literal,)*
        $(_ => $(#[$other_meta:meta])* $other:ident($other_type:ty),)?
    }) => {
        $crate::json::typed::wire_union!(@declare $(#[$meta])* $name {
            $($(#[$variant_meta])* $variant($type),)*
            $($(#[$other_meta])* $other($other_type),)?
        });

        impl $crate::json::typed::FromJson for $name {
            fn from_json(json: &str, depth: u32) -> Option<Self> {
                use $crate::json::typed::TypedObject;
                if let Some(object) = $crate::json::typed::read_object(json, depth) {
                    match object.str($tag).as_deref() {
                        $(Some($kind) => {
                            return Some(Self::$variant(TypedObject::from_object(&object, depth, Some($tag))));
                        })*
                        $(None if object.get($tag).is_none() => {
                            return Some(Self::$other(TypedObject::from_object(&object, depth, None)));
                        })?
                        _ => {}
                    }
                }
                $crate::json::typed::FromJson::from_json(json, depth).map(Self::Unknown)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                match self {
                    $(Self::$variant(value) => {
                        let mut map = serializer.serialize_map(None)?;
                        map.serialize_entry($tag, $kind)?;
                        $crate::json::typed::TypedObject::serialize_fields(value, &mut map, Some($tag))?;
                        map.end()
                    })*
                    $(Self::$other(value) => serde::Serialize::serialize(value, serializer),)?
                    Self::Unknown(value) => serde::Serialize::serialize(value, serializer),
                }
            }
        }
    };
    (@declare $(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident($type:ty),)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant($type),)*
            /// Any other form, as it is.
            Unknown($crate::json::RawJson),
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::typed::deserialize(deserializer, "JSON")
            }
        }
    };
}

/// Lets unions that may be one text be made of a `&str`; with `[T]` also of an array of `T`, and with `{Many}` of an array of texts.
#[allow(unused_macros)] // a build with one dialect may have no use for it
macro_rules! from_text {
    ($($name:ident $([$item:ty])? $({$texts:ident})?),* $(,)?) => {$(
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::from(text.to_owned())
            }
        }
        $(impl<const N: usize> From<[$item; N]> for $name {
            fn from(items: [$item; N]) -> Self {
                Self::from(Vec::from(items))
            }
        })?
        $(impl<const N: usize> From<[&str; N]> for $name {
            fn from(texts: [&str; N]) -> Self {
                Self::$texts(texts.map(String::from).into())
            }
        })?
    )*};
}

pub(crate) use {from_text, wire_object, wire_union};
