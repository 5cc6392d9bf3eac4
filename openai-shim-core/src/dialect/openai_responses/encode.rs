//! Events to a client's stream of server-sent events, and to the response object at its end.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>

use super::super::{Encoder, cited, openai_service_tier};
use super::encoded_items::EncodedItems;
pub(super) use super::encoded_items::EventOutput;
use super::encoded_items::ItemEnd;
use super::error;
use super::names::NAME;
use super::response_object::{ResponseSkeleton, ResponseState, ResponseStatus};
use super::sse::write_event;
use super::text_joiner::{JoinStep, TextJoiner};
use super::tool_names::ToolNameMap;
use crate::canonical::{
    BlockKind, CitedSources, DiagnosticCode, Diagnostics, Event, ExtraFieldList, FinishReason, Logprobs,
    NATIVE, ResponseContext, ResponseSpec, Usage, call_id,
};
use crate::error::{Error, UpstreamError};

/// Encodes one stream, or the response object at its end.
pub(super) struct ResponsesEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    skeleton: ResponseSkeleton,
    items: EncodedItems,
    joiner: TextJoiner,
    phase: Phase,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
}

/// How far a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no response yet.
    Unstarted,
    Started,
    Ended,
}

impl ResponsesEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext, output: EventOutput) -> Self {
        let items = EncodedItems::new(ToolNameMap::new(&spec), output);
        let skeleton = ResponseSkeleton::new(&spec);
        Self {
            spec,
            context,
            diagnostics: Diagnostics::default(),
            skeleton,
            items,
            joiner: TextJoiner::default(),
            phase: Phase::Unstarted,
            finish_reason: None,
            usage: None,
        }
    }

    fn start(&mut self, id: Option<&str>, model: Option<&str>, created: Option<u64>, out: &mut Vec<u8>) {
        self.phase = Phase::Started;
        // A client may refer to the response by this id: it must be an id of this API's form or of a fallback response, and
        // unique. Some servers count their ids up to 999.
        let upstream_id = id.filter(|id| ["resp_", "fallback-"].iter().any(|prefix| id.starts_with(prefix)));
        self.skeleton.id = upstream_id.map_or_else(|| self.context.new_id("resp_"), str::to_owned);
        if let (Some(model), false) = (model, self.spec.restore_alias) {
            model.clone_into(&mut self.skeleton.model);
        }
        self.skeleton.created = created.unwrap_or(self.skeleton.created);
        let response = self.skeleton.encode(ResponseState::STARTED);
        for kind in ["response.created", "response.in_progress"] {
            self.items.write_event(kind, |event| event.set("response", response.clone()), out);
        }
    }

    /// Returns the status at the end.
    fn final_status(&self) -> ResponseStatus<'static> {
        match self.finish_reason {
            // This API's types have no other word for a response that is not complete.
            Some(FinishReason::Length | FinishReason::Failed { .. } | FinishReason::Unknown(_)) => {
                ResponseStatus::Incomplete { reason: "max_output_tokens" }
            }
            Some(FinishReason::ContentFilter | FinishReason::Refusal) => {
                ResponseStatus::Incomplete { reason: "content_filter" }
            }
            _ => ResponseStatus::Completed,
        }
    }

    /// Encodes the response object at the end.
    pub(super) fn final_response(&mut self) -> String {
        if self.usage.is_none() {
            self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
        }
        let usage = self.usage.unwrap_or_default();
        let (status, output) = (self.final_status(), self.items.to_json());
        self.skeleton.encode(ResponseState { status, output: &output, usage: Some(&usage) })
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        let error = Error::Upstream(failure.clone());
        if phase == Phase::Started {
            self.items.settle(ItemEnd::Cut, out, &mut self.diagnostics);
        }
        // SDKs raise on this event. Without it most show a response that failed as if it were complete.
        write_event("error", &error::encode_event(&error, self.items.take_sequence_number()), out);
        if phase == Phase::Unstarted {
            // There is no response that could have failed.
            return;
        }
        let (output, message) = (self.items.to_json(), error.message().into_owned());
        let status = ResponseStatus::Failed { code: error::response_code(&error), message: &message };
        let state = ResponseState { status, output: &output, usage: self.usage.as_ref() };
        let response = self.skeleton.encode(state);
        self.items.write_event("response.failed", |event| event.set("response", response), out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let end = match self.final_status() {
            ResponseStatus::Completed => ItemEnd::Complete,
            _ => ItemEnd::Cut,
        };
        self.items.settle(end, out, &mut self.diagnostics);
        let response = self.final_response();
        let kind = match self.final_status() {
            ResponseStatus::Completed => "response.completed",
            _ => "response.incomplete",
        };
        self.items.write_event(kind, |event| event.set("response", response), out);
        self.phase = Phase::Ended;
    }

    /// Writes the items that only this dialect has, and takes the sources from the extra fields of another one.
    fn extra(&mut self, choice: Option<u32>, extra: &ExtraFieldList, out: &mut Vec<u8>) {
        for (key, value) in extra.of(NAME) {
            if key.starts_with(NATIVE) && choice == Some(0) {
                self.items.native_item(value.as_str(), out);
            }
        }
        if let Some(logprobs) = Logprobs::of(extra) {
            if choice == Some(0) {
                self.items.logprobs_of_next_text(logprobs.content);
            }
            if !logprobs.refusal.is_empty() {
                self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "output",
                    "logprobs of a refusal",
                );
            }
            return;
        }
        let (tier, others) = openai_service_tier::take(extra);
        self.skeleton.service_tier = tier.or(self.skeleton.service_tier.take());
        if others.of(NAME).is_empty() && !others.is_empty() {
            let CitedSources { list, rest } = cited(&others);
            self.items.cite_in_next_text(list);
            rest.report(NAME, "", &mut self.diagnostics);
        }
    }

    /// Returns the context with the ids that were generated.
    pub(super) fn into_context(self) -> ResponseContext {
        self.context
    }
}

impl ResponsesEncoder {
    /// Encodes an event behind the joiner.
    fn joined_event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                self.start(id.as_deref(), model.as_deref(), *created, out);
            }
            // This API has one choice.
            Event::Open { choice, .. } | Event::Delta { choice, .. } | Event::Close { choice, .. }
                if *choice > 0 =>
            {
                self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "output", "more than one answer");
            }
            Event::Open { block, kind, .. } => {
                self.items.settle(ItemEnd::Complete, out, &mut self.diagnostics);
                if let BlockKind::ToolCall { id, signature: Some(signature), .. } = kind
                    && !call_id::holds(id, signature)
                {
                    self.diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        "output[]",
                        "the signature of a call",
                    );
                }
                self.items.open(*block, kind, &mut self.context, out);
            }
            Event::Delta { block, delta, .. } => {
                self.items.begin_text(*block, delta, &mut self.context, out);
                self.items.delta(*block, delta, out, &mut self.diagnostics);
                if self.items.is_full() {
                    let message = String::from("The answer is larger than 64 MiB.");
                    self.fail(&UpstreamError::TooLarge { message }, out);
                }
            }
            Event::Close { block, .. } => self.items.close_later(*block, out, &mut self.diagnostics),
            Event::Finish { choice: 0, reason } => self.finish_reason = Some(reason.clone()),
            Event::Finish { .. } => {}
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => self.extra(*choice, extra, out),
            Event::Error(failure) => self.fail(failure, out),
            Event::End => self.end(out),
        }
    }

    fn release_text(&mut self, held: Vec<Event>, out: &mut Vec<u8>) {
        for event in held {
            self.joined_event(&event, out);
        }
    }
}

impl Encoder for ResponsesEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.phase == Phase::Ended {
            return;
        }
        match self.joiner.step(event) {
            JoinStep::Pass => self.joined_event(event, out),
            JoinStep::Hold => {}
            JoinStep::After(held) => {
                self.release_text(held, out);
                self.joined_event(event, out);
            }
            JoinStep::Replace { event, begins } => {
                if let (true, Event::Delta { block, .. }) = (begins, &event) {
                    self.items.continue_text(*block, out);
                }
                self.joined_event(&event, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::Started {
            let held = self.joiner.release();
            self.release_text(held, out);
            self.fail(&UpstreamError::Truncated, out);
        }
        self.phase = Phase::Ended;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
