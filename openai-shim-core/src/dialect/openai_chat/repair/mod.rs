//! Repairs what an upstream sent into what OpenAI would have sent, within the dialect; each change is recorded.
//!
//! The repairs work on the fields of the JSON objects, so that what needs no repair stays the upstream's own bytes.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `stream` | frames in, their chunks to the files below |
//! | `chunk`, `chunk_choice` | one chunk, one choice of it: repaired |
//! | `stream_text` | the text of streamed choices: markup taken out |
//! | `stream_end` | the end of a stream: what is held or missing goes out |
//! | `held_chunk` | repaired chunks in; out to the sink, finish reasons one frame later |
//! | `stream_state` | what is known of a stream between two frames |
//! | `completion`, `completion_tool_calls` | a non-streaming response, its tool calls: repaired |
//! | `merge_choices` | one response that came as two choices: merged |
//! | `identity`, `content`, `finish_reason`, `logprobs`, `usage` | one field or group of fields, of both kinds of responses |
//! | `text_extractor` | the text of one choice: reasoning, tool calls, fences and stop sequences taken out |
//! | `tool_call_deltas`, `streamed_tool_call`, `tool_call_fields` | tool calls of a stream, one of them, its fields |
//! | `legacy_call` | the legacy `function_call`, for clients that use it |
//! | `tool_name_parts` | a part of a tool's name: added to the name |

mod chunk;
mod chunk_choice;
mod completion;
mod completion_tool_calls;
mod content;
mod finish_reason;
mod held_chunk;
mod identity;
mod legacy_call;
mod logprobs;
mod merge_choices;
mod stream;
mod stream_end;
mod stream_state;
mod stream_text;
mod streamed_tool_call;
mod text_extractor;
mod tool_call_deltas;
mod tool_call_fields;
mod tool_name_parts;
mod usage;

pub(super) use completion::repair_completion;
pub(super) use content::REASONING_FIELDS;
pub(super) use stream_state::{ChunkSink, Phase, StreamState};
