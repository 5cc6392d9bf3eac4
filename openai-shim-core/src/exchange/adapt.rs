//! Changes a request that the upstream refused: upstream error in, an adaptation and the request prepared again out.

use super::ClientRequest;
use super::session::Session;
use super::upstream_request::{UpstreamSide, prepare};
use crate::canonical::DiagnosticCode;
use crate::error::UpstreamError;
use crate::json::Object;
use crate::profile::adaptation_for;
use std::borrow::Cow;

/// The most adaptations in one exchange.
const MAX_ADAPTATIONS: usize = 4;

impl Session {
    /// Prepares the request again if the error tells what to change; false if it does not, or if nothing would change. Such
    /// a request counts as no attempt.
    pub(super) fn adapt_to_error(&mut self, error: &UpstreamError) -> bool {
        let (UpstreamError::Status(refusal), None) = (error, &self.response_head) else { return false };
        let state = self.adaptation.as_ref().filter(|state| state.adaptations.len() < MAX_ADAPTATIONS);
        let Some(state) = state else { return false };
        let sent = Object::parse(self.request.body()).ok();
        let Some(adaptation) = sent.and_then(|sent| adaptation_for(refusal, &sent)) else { return false };
        let model = self.settings.upstream_model.as_deref().unwrap_or(&self.spec.model);
        let mut profile = state.profile.for_model(model).into_owned();
        for known in self.settings.adaptations.iter().chain(&state.adaptations) {
            known.apply(&mut profile);
        }
        if !adaptation.apply(&mut profile) {
            return false;
        }
        let read = ClientRequest::read(self.client, &state.path, state.body.clone());
        let Ok(mut client_request) = read else { return false };
        client_request.set_stream(state.wants_stream);
        let side = UpstreamSide::of(Cow::Owned(profile), self.upstream);
        let context = self.context.ids().clone();
        let prepared = prepare(client_request, &side, &self.settings, context, self.stored_turns());
        let Ok(prepared) = prepared else { return false };
        if prepared.request.body() == self.request.body() && prepared.request.uri() == self.request.uri() {
            return false;
        }
        self.spec = prepared.spec;
        self.context = prepared.context;
        self.request = prepared.request;
        self.is_stream_requested = prepared.is_stream_requested;
        self.report.diagnostics = prepared.diagnostics;
        self.record_known_store_failure();
        if let Some(state) = &mut self.adaptation {
            state.adaptations.push(adaptation);
            for adaptation in &state.adaptations {
                self.report.diagnostics.record(DiagnosticCode::Learned, "", &adaptation.describe());
            }
        }
        self.attempt = self.attempt.saturating_sub(1);
        true
    }

    /// Reports the adaptations of this exchange as valid: the upstream accepted the request.
    pub(super) fn confirm_adaptations(&mut self) {
        if let Some(state) = &self.adaptation {
            self.report.adaptations.clone_from(&state.adaptations);
        }
    }
}
