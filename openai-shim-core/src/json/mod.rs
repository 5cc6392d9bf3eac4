//! Layer 0: JSON values held as raw text, read and changed in linear time without losing a byte.
//!
//! `Object` keeps the members of an object in order, each as raw text: changing one member leaves every other byte as it
//! was. `value_kind` determines the kind of a raw value without parsing it. [`RawJson`] is one value as its text; [`Number`]
//! and [`Extras`] stand in the typed payloads of the dialects.

mod array_builder;
mod documents;
mod indent;
mod list_items;
pub(crate) mod lone_surrogates;
pub(crate) mod member_path;
mod named_members;
mod nesting;
mod number;
mod object;
mod openapi_schema;
mod raw_json;
mod raw_value;
mod renamed_members;
mod rewritten_strings;
pub(crate) mod scan;
mod string;
pub(crate) mod syntax;
#[cfg(feature = "wire")]
pub(crate) mod typed;

pub(crate) use array_builder::{ArrayBuilder, reserve_for_items};
pub(crate) use documents::{is_json_fragment, objects_in};
pub(crate) use indent::pretty;
pub(crate) use list_items::ListItem;
pub(crate) use named_members::replace_names;
pub(crate) use nesting::{Balance, Nesting};
pub(crate) use number::{count, integer, natural, number, reported_count};
pub use raw_json::{JsonError, RawJson};
pub(crate) use raw_value::{append_text, is_empty_list, range_in};
pub(crate) use renamed_members::rename_members;
pub(crate) use rewritten_strings::rewrite_strings;
pub(crate) use scan::utf8;
#[cfg(feature = "wire")]
pub use typed::{Extras, Number};

internals! {
    use object::Object;
    use openapi_schema::from_openapi;
    use raw_json::raw;
    use raw_value::{
        ValueKind, compact, decode_string, encode_array, encode_string, items, string_or_json, value_kind,
    };
}
