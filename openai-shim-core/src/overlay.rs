//! Layers of rules: a layer sets some rules of a struct and leaves the others to the layer below.
//!
//! `rules!` declares a struct of rules together with the type of its layers, in which every rule is optional. A rule that a
//! layer sets replaces the one below, whatever its value: `false`, `[]`, the default word, and `"any"` for a limit switch a
//! rule off. Three types differ: a list may repeat the list below by the item `"..."`, entries of a map are added to those below, and an empty map
//! removes them all.

mod setter;
pub(crate) mod written;

pub(crate) use setter::setter;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// The item of a list that stands for the items of the layer below.
pub(crate) const INHERITED: &str = "...";

/// Rules that a layer can change.
pub(crate) trait Overlay<Layer> {
    /// Sets the rules that the layer sets.
    fn overlay(&mut self, layer: &Layer);
}

/// A layer that another one is put over: together they are one layer.
pub(crate) trait Merge {
    /// Sets in this layer what `above` sets.
    fn merge(&mut self, above: &Self);
}

/// One rule.
pub(crate) trait Rule: Clone + Serialize + DeserializeOwned {
    /// Sets the rule to the value of a layer.
    fn set(&mut self, value: &Self) {
        self.clone_from(value);
    }

    /// Writes the rule of a layer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    /// Reads the rule of a layer; `None`: the layer leaves it unset.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Option::deserialize(deserializer)
    }
}

impl<R: Rule> written::Written for Option<R> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(rule) => rule.write(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        R::read(deserializer)
    }
}

impl<T: Rule> Overlay<Option<T>> for T {
    fn overlay(&mut self, layer: &Option<T>) {
        if let Some(value) = layer {
            self.set(value);
        }
    }
}

impl<T: Rule> Merge for Option<T> {
    fn merge(&mut self, above: &Self) {
        match self {
            Some(rule) => rule.overlay(above),
            None => self.clone_from(above),
        }
    }
}

impl Rule for bool {}
impl Rule for String {}

/// A limit, which a layer can take away.
macro_rules! limit {
    ($type:ty $(, $set:item)?) => {
        impl Rule for Option<$type> {
            $($set)?

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                written::write_limit(self.as_ref(), serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                written::read_limit(deserializer)
            }
        }
    };
}

limit!(u32);
limit!(u64);
limit!(
    Vec<String>,
    fn set(&mut self, value: &Self) {
        match value {
            Some(list) => self.get_or_insert_default().set(list),
            None => *self = None,
        }
    }
);

impl Rule for Vec<String> {
    fn set(&mut self, value: &Self) {
        let below = std::mem::take(self);
        for item in value {
            let inherited = if item == INHERITED { below.as_slice() } else { std::slice::from_ref(item) };
            for item in inherited {
                if !self.contains(item) {
                    self.push(item.clone());
                }
            }
        }
    }
}

/// A list of names that layers share: a long list is not copied for every request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedList(Arc<[String]>);

impl SharedList {
    /// A list of these names.
    pub fn new(names: &[&str]) -> Self {
        names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into()
    }
}

impl From<Vec<String>> for SharedList {
    fn from(names: Vec<String>) -> Self {
        Self(names.into())
    }
}

impl Deref for SharedList {
    type Target = [String];
    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl Serialize for SharedList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.deref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

impl Rule for SharedList {
    fn set(&mut self, value: &Self) {
        if !value.iter().any(|item| item == INHERITED) {
            self.clone_from(value);
            return;
        }
        let mut list = self.to_vec();
        list.set(&value.to_vec());
        *self = list.into();
    }
}

impl<V: Clone + Serialize + DeserializeOwned> Rule for BTreeMap<String, V> {
    fn set(&mut self, value: &Self) {
        if value.is_empty() {
            self.clear();
        }
        self.extend(value.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// Whether a layer leaves a rule, or a section of rules, to the layer below.
pub(crate) fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares a struct of rules, its default, and its layer.
///
/// A field is a rule (`pub name: Type as with_name`, with `= value` where the type's default is not the rule's) or a section
/// (`pub name: Rules => Layer as with_name`); `setter` lists the forms of `with_name`. The struct is serialised with every
/// rule, its layer only with the rules that it sets; both are deserialised from any part of the rules.
///
/// A struct with fields that only its layer has (`layer_only`) is not filled as it is read or overlaid: its module does both.
macro_rules! rules {
    (
        $(#[$meta:meta])*
        pub struct $name:ident, $(#[$layer_meta:meta])* $layer:ident {
            $(
                $(#[$doc:meta])*
                pub $field:ident: $type:ty $(=> $section:ty)? as $setter:ident $(($form:ident))? $(= $default:expr)?,
            )*
        }
        $(layer_only { $($(#[$only_doc:meta])* pub $only:ident: $only_type:ty,)* })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        #[doc = concat!("What a layer sets of `", stringify!($name), "`.")]
        $(#[$layer_meta])*
        #[derive(Debug, Clone, Default, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $layer {
            $($(
                $(#[$only_doc])*
                #[serde(skip_serializing_if = "crate::overlay::is_unset")]
                pub $only: Option<$only_type>,
            )*)?
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "crate::overlay::is_unset", with = "crate::overlay::written")]
                pub $field: $crate::overlay::rules!(@layer $type $(, $section)?),
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::overlay::rules!(@default $($default)?),)* }
            }
        }

        impl $layer {
            $($crate::overlay::setter! {
                $(#[$doc])* $field: $type $(=> $section)? as $setter $(($form))?
            })*
        }

        impl $crate::overlay::Overlay<$layer> for $name {
            fn overlay(&mut self, layer: &$layer) {
                $($crate::overlay::Overlay::overlay(&mut self.$field, &layer.$field);)*
            }
        }

        impl $crate::overlay::written::Written for $layer {
            fn write<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ::serde::Serialize::serialize(self, serializer)
            }

            fn read<'de, D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                ::serde::Deserialize::deserialize(deserializer)
            }
        }

        impl $crate::overlay::Merge for $layer {
            fn merge(&mut self, above: &Self) {
                $($($crate::overlay::Merge::merge(&mut self.$only, &above.$only);)*)?
                $($crate::overlay::Merge::merge(&mut self.$field, &above.$field);)*
            }
        }

        // A section may stay a layer, until it is laid over the rules below it.
        impl $crate::overlay::Overlay<$layer> for $layer {
            fn overlay(&mut self, layer: &$layer) {
                $crate::overlay::Merge::merge(self, layer);
            }
        }

        $crate::overlay::rules!(@filled $name, $layer $(, $($only)*)?);
    };
    (@filled $name:ident, $layer:ident) => {
        impl $name {
            /// Sets the rules that the layer sets.
            pub fn overlay(&mut self, layer: &$layer) {
                $crate::overlay::Overlay::overlay(self, layer);
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut rules = Self::default();
                rules.overlay(&<$layer as ::serde::Deserialize>::deserialize(deserializer)?);
                Ok(rules)
            }
        }
    };
    (@filled $name:ident, $layer:ident, $($only:ident)*) => {};
    (@layer $type:ty) => { Option<$type> };
    (@layer $type:ty, $section:ty) => { $section };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
}
pub(crate) use rules;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn a_list_replaces_the_one_below_and_may_repeat_it() {
        for (value, expected) in [
            (list(&["c"]), list(&["c"])),
            (list(&[]), list(&[])),
            (list(&["...", "c", "a"]), list(&["a", "b", "c"])),
            (list(&["b", "..."]), list(&["b", "a"])),
        ] {
            let mut rule = list(&["a", "b"]);
            rule.overlay(&Some(value));
            assert_eq!(rule, expected);
        }
        let mut rule = list(&["a"]);
        rule.overlay(&None);
        assert_eq!(rule, ["a"]);
    }

    #[test]
    fn a_map_grows_and_an_empty_one_clears_it() {
        let map = |pairs: &[(&str, bool)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        let mut rule: BTreeMap<String, bool> = map(&[("a", true), ("b", true)]);
        rule.set(&map(&[("b", false), ("c", true)]));
        assert_eq!(rule, map(&[("a", true), ("b", false), ("c", true)]));
        rule.set(&BTreeMap::new());
        assert!(rule.is_empty());
    }

    #[test]
    fn two_layers_are_one() {
        let mut layer = Some(list(&["...", "a"]));
        layer.merge(&Some(list(&["...", "b"])));
        layer.merge(&None);
        assert_eq!(layer, Some(list(&["...", "a", "b"])));
        let mut unset: Option<bool> = None;
        unset.merge(&Some(false));
        assert_eq!(unset, Some(false));
    }
}
