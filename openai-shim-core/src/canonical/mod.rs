//! Layer 2: the canonical model of requests and responses, a superset of every dialect.
//!
//! A [`Request`] is decoded from the client's payload and encoded for the upstream. A [`Response`] is the non-streaming response,
//! and [`Event`]s are the streamed one: [`grammar`] defines their legal order, [`fold`](fold()) and [`unfold`](unfold()) convert
//! one form into the other. [`Diagnostics`] records every change on the way.

mod addition;
mod answer_quirks;
mod call_arguments;
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
pub mod grammar;
pub mod issuer;
mod listed_vectors;
mod logprobs;
mod lost_field;
mod media_answer;
mod media_request;
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
pub mod time;
mod tool;
mod tracked;
mod turn_record;
mod unusable_response;
mod usage;

pub use addition::Addition;
pub use answer_quirks::{AnswerQuirks, AnswerQuirksLayer, ReasoningTags, TagPair};
pub use call_arguments::{EncodedTwice, unwrap_calls, unwrap_encoded_twice};
pub use call_id::base_id;
pub use chat_template::{BuiltInTemplate, ChatTemplate};
pub use citation::{Citation, CitedSources, CitedSpan, TextLength};
pub use content::{Block, Media, MediaSource};
pub use context::Context;
pub use custom_tool::{
    CUSTOM_TOOL, INPUT_END, arguments_to_input, flat_format, input_part, input_schema, input_so_far,
    input_to_arguments,
};
pub use diagnostic::{Diagnostic, DiagnosticCode, Diagnostics, Severity};
pub use embedding::{EmbedRequest, Embeddings, VectorCheck};
pub use embedding_input_type::EmbeddingInputType;
pub use event::{BlockKind, Delta, Event};
pub use events_to_response::{Fold, fold};
pub use extra_fields::{
    COMPACTION, ExtraFieldList, ExtraFields, MemberIndex, NATIVE, REASONING_DETAILS, WHOLE_BLOCK,
    code_of_loss,
};
pub use finish_reasons::{ApiFinishReasons, FINISH_REASONS, FinishMeaning, finish_meaning};
pub use listed_vectors::{item_order, read_vectors};
pub use logprobs::{LOGPROBS, Logprobs, fill_token};
pub use lost_field::{is_default, report_lost_field};
pub use media_answer::{GeneratedFile, MediaAnswer, MediaUsage};
pub use media_request::{
    ImageRequest, InputFile, MediaRequest, MediaTask, SpeechRequest, TranscriptionRequest,
};
pub use message::{Message, MessageFields, Messages, Role, Span};
pub use model_capabilities::ModelCapabilities;
pub use model_list::{ListedModel, parse_models};
pub use model_terms::ModelKind;
pub use numbered_list::NumberedList;
pub use open_calls::{OpenCalls, called_names, forget_written_content, result_name, set_result_name};
pub use outcome::Outcome;
pub use pcm::PcmFormat;
pub use reasoning::{
    REASONING_CONTENT, REASONING_TEXT, Reasoning, ReasoningDisplay, ReasoningField, ReasoningMode,
    ReasoningParam, ReasoningParams,
};
pub(crate) use reported_calls::ReportedCalls;
pub use request::{Request, ResponseFormat, SHARED, TokenLimit};
pub use rerank::{RankedDocument, Ranking, RerankRequest, order_results, raw_text};
pub use response::{Choice, FinishReason, Response};
pub use response_context::ResponseContext;
pub use response_spec::{ReasoningStyle, ResponseSpec, StreamUsage, TurnStorage};
pub use response_summary::ResponseSummary;
pub use response_to_events::unfold;
pub use signature::Signature;
pub use text::Text;
pub use tool::{LEGACY_FUNCTIONS, NATIVE_SCHEMA, Tool, ToolChoice};
pub use tracked::{Edit, Tracked};
pub use turn_record::{RecordedBlock, SIGNED_TEXT, StoredBlock, StoredTurn, TurnRecorder};
pub use unusable_response::{
    explain_unusable, foreign_document, foreign_object, html_page, is_document, is_html, trim_body,
};
pub use usage::Usage;
