//! Events as a stream: strictly what OpenAI sends.

use super::super::{Encoder, cited};
use super::encoded_items::{EncodedItems, write_event};
use super::response_object::{ResponseSkeleton, ResponseStatus};
use super::tools::ToolNameMap;
use super::{NAME, error};
use crate::canonical::{
    BlockKind, CitedSources, DiagnosticCode, Diagnostics, Event, FinishReason, NATIVE, ResponseContext,
    ResponseSpec, Usage, call_id,
};
use crate::error::{Error, UpstreamError};

/// Writes a stream, or the response object at its end.
pub(super) struct ResponsesEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    pub(super) diagnostics: Diagnostics,
    shell: ResponseSkeleton,
    output: EncodedItems,
    started: bool,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    over: bool,
}

impl ResponsesEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext, quiet: bool) -> Self {
        let output = EncodedItems::new(ToolNameMap::of(&spec), quiet);
        let shell = ResponseSkeleton::new(&spec);
        Self {
            spec,
            context,
            diagnostics: Diagnostics::default(),
            shell,
            output,
            started: false,
            finish: None,
            usage: None,
            over: false,
        }
    }

    fn start(
        &mut self,
        id: Option<&String>,
        model: Option<&String>,
        created: Option<u64>,
        out: &mut Vec<u8>,
    ) {
        self.started = true;
        // A client may refer to it by this id, which must be one of this dialect's or of ours, and nobody else's: some servers' ids
        // are numbers up to 999.
        let own = id.filter(|id| ["resp_", "fallback-"].iter().any(|prefix| id.starts_with(prefix))).cloned();
        self.shell.id = own.unwrap_or_else(|| self.context.new_id("resp_"));
        if let (Some(model), false) = (model, self.spec.restore_alias) {
            self.shell.model.clone_from(model);
        }
        self.shell.created = created.unwrap_or(self.shell.created);
        let response = self.shell.write(ResponseStatus {
            status: "in_progress",
            output: "[]",
            ..ResponseStatus::default()
        });
        for kind in ["response.created", "response.in_progress"] {
            self.output.emit(kind, |event| event.set("response", response.clone()), out);
        }
    }

    /// The status at the end, and why it is not complete.
    fn status(&self) -> (&'static str, Option<&'static str>) {
        match self.finish {
            Some(FinishReason::Length) => ("incomplete", Some("max_output_tokens")),
            Some(FinishReason::ContentFilter | FinishReason::Refusal) => {
                ("incomplete", Some("content_filter"))
            }
            _ => ("completed", None),
        }
    }

    /// The response object at the end.
    pub(super) fn response(&mut self) -> String {
        if self.usage.is_none() {
            self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
        }
        let usage = self.usage.unwrap_or_default();
        let (status, reason) = self.status();
        let output = self.output.list();
        self.shell.write(ResponseStatus { status, output: &output, usage: Some(&usage), reason, error: None })
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        self.over = true;
        let error = Error::Upstream(failure.clone());
        if !self.started {
            // There is no response that could have failed.
            write_event("error", &error::event(&error, self.output.next()), out);
            return;
        }
        let (code, message) = error::failed(&error);
        let output = self.output.list();
        let usage = self.usage;
        let response = self.shell.write(ResponseStatus {
            status: "failed",
            output: &output,
            usage: usage.as_ref(),
            reason: None,
            error: Some((code, &message)),
        });
        self.output.emit("response.failed", |event| event.set("response", response), out);
    }

    /// The context with the ids that were given out.
    pub(super) fn into_context(self) -> ResponseContext {
        self.context
    }
}

impl Encoder for ResponsesEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, created } => self.start(id.as_ref(), model.as_ref(), *created, out),
            // There is one answer here.
            Event::Open { choice, .. } | Event::Delta { choice, .. } | Event::Close { choice, .. }
                if *choice > 0 =>
            {
                self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "output", "more than one answer");
            }
            Event::Open { block, kind, .. } => {
                if let BlockKind::ToolCall { id, signature: Some(signature), .. } = kind
                    && !call_id::holds(id, signature)
                {
                    self.diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        "output[]",
                        "the signature of a call",
                    );
                }
                self.output.open(*block, kind, &mut self.context, out);
            }
            Event::Delta { block, delta, .. } => {
                self.output.begin_item(*block, delta, &mut self.context, out);
                self.output.delta(*block, delta, out, &mut self.diagnostics);
                if self.output.is_full() {
                    let message = String::from("The answer is larger than 64 MiB.");
                    self.fail(&UpstreamError::TooLarge { message }, out);
                }
            }
            Event::Close { block, .. } => self.output.close(*block, out),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone()),
            Event::Finish { .. } => {}
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => {
                for (key, value) in extra.of(NAME) {
                    if key.starts_with(NATIVE) && *choice == Some(0) {
                        self.output.native(value.get(), out);
                    }
                }
                if extra.of(NAME).is_empty() && !extra.is_empty() {
                    let CitedSources { mut list, rest } = cited(extra);
                    self.output.cited.append(&mut list);
                    if !rest.is_empty() {
                        self.diagnostics.record(DiagnosticCode::ExtraDropped, "", extra.dialect);
                    }
                }
            }
            Event::Error(failure) => self.fail(failure, out),
            Event::End => {
                let response = self.response();
                let (status, _) = self.status();
                let kind = if status == "completed" { "response.completed" } else { "response.incomplete" };
                self.output.emit(kind, |event| event.set("response", response), out);
                self.over = true;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.over && self.started {
            self.fail(&UpstreamError::Truncated, out);
        }
        self.over = true;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
