//! A cache that makes streams faster and changes nothing else: the chunk at hand in, what a chunk of its form became out.
//!
//! A stream has hundreds of chunks that differ in a few strings and counts only. The first chunk of a form is repaired in
//! full; what came and what went out are stored as two texts with slots in place of these values, together with the
//! diagnostics that were recorded. A chunk that matches the first text becomes the second one with its own values: it is not
//! judged again, so that there is no second rule that could differ from the first. It holds in the middle of a stream with
//! one choice, for text without markup, and until a chunk of another form comes.
//!
//! Measured (instructions per chunk, `benches/instructions.json` and `docs/performance.md`): 2,444 for a clean chunk and
//! 2,869 for a repaired one; 22,987 and 32,024 before there was a cache. The first chunk of a form takes 21,673 and 42,726.
//!
//! **The folder may be deleted**: no test changes its result, apart from those that measure speed (`tests/allocations.rs`, the
//! instruction counts). With it go the field `templates` of `ChatRepairer` and `ChatDecoder` and the calls of `try_replay` and
//! `store`, which are all that other files use of it; and what only the cache calls, which the compiler then lists as unused
//! (`StreamedToolCalls::append_arguments`, `ChatTextExtractor::pass`, `Diagnostics::increment` and a few more).
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `repair_templates`, `decode_templates` | the interface: `try_replay` and `store`, for bytes and for events |
//! | `cache` | the last template: a frame in, its slots' values out; keeps the stream's state up to date |
//! | `find_slots` | a chunk in, the places of values that may differ in the next one out |
//! | `template_text` | a text with slots: matched against a chunk, written with other values |
//! | `event_template` | events with slots: made from a chunk's events, emitted with other values |

mod cache;
mod decode_templates;
mod event_template;
mod find_slots;
mod repair_templates;
mod template_text;

pub(super) use decode_templates::DecodeTemplates;
pub(super) use repair_templates::RepairTemplates;

#[cfg(test)]
mod chunk_template_tests;
