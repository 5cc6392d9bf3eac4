//! Floor 0: JSON held without losing any of it.
//!
//! [`Object`] keeps an object's members in order, each as its raw text, so that one member can be changed while every
//! other byte stays. [`peek`] tells what a raw value is without parsing it. [`wire_object!`](crate::wire_object) makes
//! typed structs that keep unknown members. [`schema`] rewrites JSON schemas for upstreams that accept less of them.

mod balance;
mod list;
mod number;
mod object;
mod openapi_schema;
mod raw_value;
pub(crate) mod scan;
pub mod schema_subset;
mod string;
mod typed;

pub(crate) use balance::Balance;
pub(crate) use list::{List, make_room};
pub(crate) use number::{count, integer, natural, number};
pub(crate) use object::ListItem;
pub use object::Object;
pub use openapi_schema::from_openapi;
pub use raw_value::{
    ValueKind, compact, decode_string, encode_array, encode_string, items, raw, string_or_json, value_kind,
};
pub(crate) use raw_value::{append_text, range_in};
pub(crate) use scan::utf8;
pub use typed::Extras;
