//! A refusal that teaches: the one thing is changed, and the upstream is asked once more.

use super::upstream_request::prepare;
use super::{ClientRequest, Exchange, ExchangePhase};
use crate::canonical::{Context, DiagnosticCode};
use crate::dialect::Dialect;
use crate::error::UpstreamError;
use crate::json::Object;
use crate::profile::{Adaptation, Profile, adaptation_for};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// The most things that one exchange changes.
const MOST: usize = 4;

/// What is needed to make the request anew.
#[derive(Debug)]
pub(super) struct AdaptationState {
    profile: Arc<Profile>,
    path: String,
    body: Bytes,
    stream: bool,
    /// What was learnt in this exchange.
    learnt: Vec<Adaptation>,
}

impl AdaptationState {
    pub(super) fn new(incoming: &ClientRequest, profile: Arc<Profile>) -> Self {
        Self {
            profile,
            path: incoming.path.clone(),
            body: incoming.body.clone(),
            stream: incoming.wants_stream(),
            learnt: Vec::new(),
        }
    }
}

impl Exchange {
    /// Makes the request anew if the refusal says what to do otherwise; false if it does not.
    pub(super) fn adapt_to_refusal(&mut self, error: &UpstreamError) -> bool {
        let (UpstreamError::Status(refusal), None) = (error, &self.reply) else { return false };
        let Some(lessons) = self.lessons.as_mut().filter(|lessons| lessons.learnt.len() < MOST) else {
            return false;
        };
        let lesson = Object::parse(self.send.body()).ok().and_then(|sent| adaptation_for(refusal, &sent));
        let Some(lesson) = lesson else { return false };
        let model = self.settings.upstream_model.as_deref().unwrap_or(&self.spec.model);
        let mut row = lessons.profile.for_model(model).into_owned();
        for known in self.settings.lessons.iter().chain(&lessons.learnt) {
            known.apply(&mut row);
        }
        if !lesson.apply(&mut row) {
            return false;
        }
        let context: Context = self.context.ids().clone();
        let Ok(mut incoming) = ClientRequest::read(self.client, &lessons.path, lessons.body.clone()) else {
            return false;
        };
        incoming.set_stream(lessons.stream);
        let upstream: &'static dyn Dialect = self.upstream;
        let Ok(prepared) =
            prepare(incoming, upstream, &row, &self.settings, context, self.carry_over.as_ref())
        else {
            return false;
        };
        if prepared.send.body() == self.send.body() && prepared.send.uri() == self.send.uri() {
            return false;
        }
        lessons.learnt.push(lesson);
        (self.spec, self.context, self.send) = (prepared.spec, prepared.context, prepared.send);
        self.upstream_streams = prepared.streams;
        self.report.diagnostics = prepared.diagnostics;
        if let Some(carry_over) = &self.carry_over {
            carry_over.note_failure(&mut self.report.diagnostics);
        }
        for lesson in &lessons.learnt {
            self.report.diagnostics.record(DiagnosticCode::Learned, "", &lesson.describe());
        }
        // What was learnt costs no attempt.
        self.attempt = self.attempt.saturating_sub(1);
        self.state = ExchangePhase::Ready(Duration::ZERO);
        true
    }

    /// The upstream accepted the request: what was learnt holds.
    pub(super) fn confirm(&mut self) {
        if let Some(lessons) = &self.lessons {
            self.report.lessons.clone_from(&lessons.learnt);
        }
    }
}
