//! Typed structs for JSON objects that keep unknown members: `wire_object!`.

use serde_json::value::RawValue;

/// Members for which a typed struct has no field: raw, in the order of the source.
///
/// `serde(flatten)` cannot hold raw values and reorders keys; this type keeps both the values and the order.
pub type Extras = Vec<(String, Box<RawValue>)>;

/// Declares an owned struct for a JSON object: known members as typed `Option`s, all others raw in `extra`.
///
/// Absent and `null` both decode to `None`, and `None` is not written. A member of a wrong type is an error that names the
/// member.
#[macro_export]
macro_rules! wire_object {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident : $type:ty = $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        pub struct $name {
            $($(#[$fmeta])* pub $field: Option<$type>,)*
            /// Members without a typed field, raw and in order.
            pub extra: $crate::json::Extras,
        }

        impl $name {
            /// The known members: each key, and its type as written in the declaration.
            pub const MEMBERS: &'static [(&'static str, &'static str)] =
                &[$(($key, stringify!($type))),*];
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an object (", stringify!($name), ")"))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut out = $name::default();
                        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                            match key.as_ref() {
                                $($key => out.$field = map.next_value().map_err(|e| {
                                    serde::de::Error::custom(format_args!("{}: {e}", $key))
                                })?,)*
                                _ => out.extra.push((key.into_owned(), map.next_value()?)),
                            }
                        }
                        Ok(out)
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field { map.serialize_entry($key, value)?; })*
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    };
}
