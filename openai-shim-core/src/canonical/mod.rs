//! Floor 1: our own model, a superset of every dialect.
//!
//! A [`Request`] is what a client asks, a [`Response`] what it gets, and [`Event`]s are the same answer as it streams;
//! [`grammar`] says in which order events may come, [`fold`](fold()) and [`unfold`](unfold()) turn one form into the
//! other. [`Diagnostics`] is the record of everything that was changed on the way.

mod answer;
mod calls;
pub mod carry;
mod citation;
mod content;
mod context;
mod diagnostic;
pub(crate) mod digest;
mod embedding;
mod event;
mod extra;
mod fold;
pub mod grammar;
mod logprobs;
mod models;
mod numbered;
mod outcome;
mod quirks;
mod request;
mod response;
mod response_spec;
mod signature;
mod template;
mod text;
pub mod time;
mod tool;
mod turn;
mod unfold;
mod usage;

pub use answer::{fault, is_document, is_html, plain};
pub use calls::{OpenCalls, called_names};
pub use citation::{Citation, CitedSources, CitedSpan, TextLength};
pub use content::{Block, Media, MediaSource, Message, Role, Span};
pub use context::Context;
pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use embedding::{EmbedRequest, Embeddings, VectorCheck};
pub use event::{BlockKind, Delta, Event};
pub use extra::{ExtraFieldList, ExtraFields, MemberIndex, REASONING_DETAILS, WHOLE_BLOCK};
pub use fold::{Fold, fold};
pub use logprobs::{LOGPROBS, Logprobs};
pub use models::{ListedModel, models};
pub use numbered::Numbered;
pub use outcome::{Outcome, ResponseSummary};
pub use quirks::{AnswerQuirks, ReasoningTags};
pub use request::{ChangedFields, Reasoning, Request, ResponseFormat, SHARED, TokenLimit};
pub use response::{Choice, FinishReason, Response};
pub use response_spec::{ReasoningStyle, ResponseSpec};
pub use signature::Signature;
pub use template::{BuiltInTemplate, ChatTemplate};
pub use text::Text;
pub use tool::{Tool, ToolChoice};
pub use turn::{RecordedBlock, SIGNED_TEXT, StoredBlock, StoredTurn, TurnRecorder, base_id};
pub use unfold::{NATIVE, unfold};
pub use usage::Usage;
