//! A payload and a table of its known fields to errors and warnings about fields of a wrong JSON type.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `table` | the tables: the fields of an object, their types, and what a wrong type leads to |
//! | `place` | the location of a value in the payload to its path |
//! | `check` | a payload and its table to an error or diagnostics |
//! | `describe` | types to nouns for error messages |
//!
//! Each dialect has its tables in `<dialect>/shape.rs`. A field of a wrong type gives an error or a warning that names it,
//! whatever the decoder does with the field: it is never lost in silence. `null` is the same as absence, because SDKs send
//! it for unset fields. Fields without an entry are the dialect's extra fields.

mod check;
mod describe;
mod place;
mod table;

pub(crate) use place::Place;
pub(super) use table::UNKNOWN;
pub use table::{Member, Mismatch, Shape, Style, Type};
pub(crate) use table::{refuse, refuse_structure, shape, warn};
