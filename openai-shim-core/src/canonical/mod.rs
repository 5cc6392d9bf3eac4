//! Layer 2: the canonical model of requests and responses, a superset of every dialect.
//!
//! A [`Request`] is decoded from the client's payload and encoded for the upstream. A [`Response`] is the non-streaming response,
//! and [`Event`]s are the streamed one. [`Diagnostics`] records every change on the way.
//!
//! `serde` writes and reads these types for logs and tests. Their JSON is no wire format, and may change with each version.

mod addition;
mod answer_quirks;
mod call_arguments;
#[cfg(not(feature = "internals"))]
pub(crate) mod call_id;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod call_id;
mod chat_template;
mod citation;
mod content;
mod context;
mod custom_tool;
mod diagnostic;
pub(crate) mod digest;
mod embedding;
mod embedding_input_type;
mod event;
mod events_to_response;
mod extra_fields;
mod finish_reasons;
#[cfg(not(feature = "internals"))]
pub(crate) mod grammar;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod grammar;
#[cfg(not(feature = "internals"))]
pub(crate) mod issuer;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod issuer;
mod listed_vectors;
mod logprobs;
mod lost_field;
mod media_answer;
mod media_request;
#[cfg(not(feature = "internals"))]
pub(crate) mod media_type;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod media_type;
mod message;
mod model_capabilities;
mod model_list;
mod model_terms;
mod numbered_list;
mod open_calls;
mod outcome;
mod pcm;
mod reasoning;
mod reported_calls;
mod request;
mod rerank;
mod response;
mod response_context;
mod response_spec;
mod response_summary;
mod response_to_events;
mod signature;
mod text;
#[cfg(not(feature = "internals"))]
pub(crate) mod time;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod time;
mod tool;
mod tracked;
mod turn_record;
mod unusable_response;
mod usage;

pub use answer_quirks::{AnswerQuirks, AnswerQuirksLayer, ReasoningTags, TagPair};
pub use chat_template::{BuiltInTemplate, ChatTemplate};
pub use content::{Block, Media, MediaSource};
pub use context::Context;
pub use diagnostic::{Diagnostic, DiagnosticCode, Diagnostics, Severity};
pub use event::{BlockKind, Delta, Event};
pub use extra_fields::{ExtraFieldList, ExtraFields};
pub use logprobs::Logprobs;
pub use message::{Message, MessageFields, Messages, Role, Span};
pub use model_capabilities::ModelCapabilities;
pub use model_list::ListedModel;
pub use model_terms::ModelKind;
pub use outcome::Outcome;
pub use reasoning::{
    Reasoning, ReasoningDisplay, ReasoningField, ReasoningMode, ReasoningParam, ReasoningParams,
};
pub(crate) use reported_calls::ReportedCalls;
pub use request::{Request, ResponseFormat, TokenLimit};
pub use response::{Choice, FinishReason, Response};
pub use response_spec::ReasoningStyle;
pub use signature::Signature;
pub use text::Text;
pub use tool::{Tool, ToolChoice};
pub use tracked::{Edit, Tracked};
pub use usage::Usage;

internals! {
    use addition::Addition;
    use call_arguments::{EncodedTwice, unwrap_calls, unwrap_encoded_twice};
    use call_id::base_id;
    use citation::{Citation, CitedSources, CitedSpan, TextLength};
    use custom_tool::{
        CUSTOM_TOOL, INPUT_END, arguments_to_input, flat_format, input_part, input_schema, input_so_far,
        input_to_arguments,
    };
    use embedding::{EmbedRequest, Embeddings, VectorCheck};
    use embedding_input_type::EmbeddingInputType;
    use events_to_response::{Fold, fold};
    use extra_fields::{COMPACTION, MemberIndex, NATIVE, REASONING_DETAILS, WHOLE_BLOCK, code_of_loss};
    use finish_reasons::{ApiFinishReasons, FINISH_REASONS, FinishMeaning, finish_meaning};
    use listed_vectors::{item_order, read_vectors};
    use logprobs::{LOGPROBS, fill_token};
    use lost_field::{is_default, report_lost_field};
    use media_answer::{GeneratedFile, MediaAnswer, MediaUsage};
    use media_request::{
        ImageRequest, InputFile, MediaRequest, MediaTask, SpeechRequest, TranscriptionRequest,
    };
    use model_list::parse_models;
    use numbered_list::NumberedList;
    use open_calls::{
        OpenCalls, called_names, forget_written_content, name_of_result, result_name, set_result_name,
    };
    use pcm::PcmFormat;
    use reasoning::{REASONING_CONTENT, REASONING_TEXT};
    use request::SHARED;
    use rerank::{RankedDocument, Ranking, RerankRequest, order_results, raw_text};
    use response_context::ResponseContext;
    use response_spec::{ResponseSpec, StreamUsage, TurnStorage};
    use response_summary::ResponseSummary;
    use response_to_events::unfold;
    use tool::{LEGACY_FUNCTIONS, NATIVE_SCHEMA};
    use turn_record::{RecordedBlock, SIGNED_TEXT, StoredBlock, StoredTurn, TurnRecorder};
    use unusable_response::{
        explain_unusable, foreign_document, foreign_object, html_page, is_document, is_html, trim_body,
    };
}
