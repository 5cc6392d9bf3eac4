//! Layer 1: bytes of a stream body to frames, and events to bytes; what a frame means is not examined.
//!
//! An upstream's stream body may be an event stream (well-formed or not), JSON lines, a JSON array of objects, or one JSON
//! document. [`Framer`] detects the format from the first bytes and splits the body into [`Frame`]s. The result does not depend
//! on where the transport's chunks end.

mod deviation;
mod form_scanner;
mod frame;
mod framer;
mod json_array;
mod multipart;
mod ndjson;
mod part_head;
mod sse;

pub use deviation::Deviation;
pub use form_scanner::{FormField, FormScanner, text_field};
pub use frame::{Frame, FrameTooLarge};
pub use framer::Framer;
pub use multipart::{FormPart, form_parts};
pub use part_head::{PartHead, TransferCoding, header_parameter};
pub use sse::write_event;
