//! Repairs what an upstream sent into what OpenAI would have sent, within the dialect; each change is recorded.
//!
//! What needs no repair stays the upstream's own bytes.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `stream` | frames in, repaired chunks to a [`ChunkSink`] |
//! | `completion` | one object with choices, a response or a chunk: repaired |
//! | `choice` | one choice of it: repaired |

mod choice;
mod completion;
mod stream;

pub(super) use choice::{RepairedChoice, record_choice};
pub(super) use completion::{CompletionReader, RepairedCompletion};
pub(super) use stream::{ChunkSink, StreamState, StreamUsage};
