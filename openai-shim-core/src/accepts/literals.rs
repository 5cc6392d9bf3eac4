//! Short forms for the literals of layers: what a dialect's vendor accepts, and the table of profiles.

use crate::overlay::{INHERITED, SharedList};
use std::collections::BTreeMap;

/// A layer that sets these rules.
macro_rules! layer {
    ($layer:ident { $($field:ident: $value:expr),* $(,)? }) => {
        $layer { $($field: Some($value),)* ..$layer::default() }
    };
    ($layer:ident { $($field:ident: $value:expr,)* ..$base:expr }) => {
        $layer { $($field: Some($value),)* ..$base }
    };
}
pub(crate) use layer;

pub(crate) fn text(s: &str) -> String {
    s.to_owned()
}

pub(crate) fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| text(s)).collect()
}

/// A list that adds to the list of the layer below.
pub(crate) fn added(names: &[&str]) -> Vec<String> {
    [list(&[INHERITED]), list(names)].concat()
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (text(k), text(v))).collect()
}

pub(crate) fn ranges(pairs: &[(&str, [f64; 2])]) -> BTreeMap<String, [f64; 2]> {
    pairs.iter().map(|(k, v)| (text(k), *v)).collect()
}

/// A list that layers share.
pub(crate) fn shared(names: &[&str]) -> SharedList {
    SharedList::new(names)
}

pub(crate) fn numbers(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
    pairs.iter().map(|(k, v)| (text(k), *v)).collect()
}

/// Parameters with a word as their value.
pub(crate) fn text_values(pairs: &[(&str, &str)]) -> BTreeMap<String, serde_json::Value> {
    pairs.iter().map(|(name, word)| (text(name), serde_json::Value::from(*word))).collect()
}
