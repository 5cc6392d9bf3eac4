//! Changes a request that the upstream refused: upstream error in, adaptations and the request prepared again out.

use super::session::Session;
use super::shared_profile::UpstreamSide;
use super::upstream_request::prepare;
use crate::canonical::{Addition, DiagnosticCode, Diagnostics, Request};
use crate::error::{StatusError, UpstreamError};
use crate::json::Object;
use crate::profile::{Adaptation, Profile, RefusedRequest, adaptations_for, omissions};
use http::HeaderMap;

/// The most requests in one exchange that are sent because of adaptations.
const MAX_ADAPTED_REQUESTS: usize = 4;

impl Session {
    /// Prepares the request again if the error tells what to change, or else, once, without what the client did not send;
    /// false if nothing would change. Such a request counts as no attempt.
    pub(super) fn adapt_to_error(&mut self, error: &UpstreamError) -> bool {
        let (UpstreamError::Status(refusal), None) = (error, &self.response_head) else { return false };
        let state = self.adaptation.as_ref().filter(|state| state.adapted_requests < MAX_ADAPTED_REQUESTS);
        let Some(state) = state else { return false };
        let has_omitted_additions = state.has_omitted_additions;
        let Some((certain, omitted)) = self.possible_adaptations(refusal) else { return false };
        if self.send_adapted(certain) {
            // From here on the errors are those of a request that the upstream has understood better.
            self.set_first_refusal(None);
            return true;
        }
        if has_omitted_additions || !self.send_adapted(omitted) {
            return false;
        }
        self.set_first_refusal(Some(error.clone()));
        if let Some(state) = &mut self.adaptation {
            state.has_omitted_additions = true;
        }
        true
    }

    /// What the error certainly asks for, and the omission of all that the client did not send.
    fn possible_adaptations(&self, refusal: &StatusError) -> Option<(Vec<Adaptation>, Vec<Adaptation>)> {
        let state = self.adaptation.as_ref()?;
        let body = Object::parse(self.request.body()).ok()?;
        let path = self.request.uri().path();
        let decoded = self.upstream.decode_request(path, self.request.body(), &mut Diagnostics::default());
        let request: Request = decoded.unwrap_or_default();
        let refused = RefusedRequest { body: &body, request: &request, additions: &state.additions };
        let refused_with_500 = self.adapted_profile(&[]).params.refused_with_500 == Some(true);
        Some((adaptations_for(refusal, &refused), omissions(refusal, &refused, refused_with_500)))
    }

    /// The profile of the request with the known adaptations and some more.
    fn adapted_profile(&self, adaptations: &[Adaptation]) -> Profile {
        let Some(state) = &self.adaptation else { return Profile::default() };
        let model = self.target.model.as_deref().unwrap_or(&self.spec.model);
        let mut profile = self.target.profile.for_model(model).into_owned();
        for known in self.target.adaptations.iter().chain(&state.adaptations).chain(adaptations) {
            known.apply(&mut profile);
        }
        profile
    }

    /// Prepares the request again with some more adaptations; false if that would change nothing.
    fn send_adapted(&mut self, adaptations: Vec<Adaptation>) -> bool {
        let profile = self.adapted_profile(&adaptations);
        let Some(state) = &self.adaptation else { return false };
        if adaptations.is_empty() || profile == self.adapted_profile(&[]) {
            return false;
        }
        let Ok(mut client_request) = state.source.read() else { return false };
        client_request.headers = self.forwarded_headers(&profile, &state.additions);
        let side = UpstreamSide::of(profile, self.upstream);
        let context = self.context.ids().clone();
        let model = self.target.model.as_deref();
        let prepared = prepare(client_request, &side, &self.settings, model, context, self.stored_turns());
        let Ok(prepared) = prepared else { return false };
        let (new, old) = (&prepared.request, &self.request);
        if new.body() == old.body() && new.uri() == old.uri() && new.headers() == old.headers() {
            return false;
        }
        self.spec = prepared.spec;
        self.context = prepared.context;
        self.request = prepared.request;
        self.is_stream_requested = prepared.is_stream_requested;
        self.report.diagnostics = prepared.diagnostics;
        self.record_known_store_failure();
        if let Some(state) = &mut self.adaptation {
            state.adapted_requests += 1;
            state.additions = prepared.additions;
            state.adaptations.extend(adaptations);
            for adaptation in &state.adaptations {
                let detail = format!("{}: {}", adaptation.describe(), adaptation);
                self.report.diagnostics.record(DiagnosticCode::Learned, "", &detail);
            }
        }
        self.attempt = self.attempt.saturating_sub(1);
        true
    }

    /// The client's headers in the request that was refused.
    fn forwarded_headers(&self, profile: &Profile, additions: &[Addition]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        profile.pass_headers(self.request.headers(), &mut headers);
        for addition in additions.iter().filter(|addition| addition.is_header) {
            headers.remove(&*addition.name);
        }
        headers
    }

    fn set_first_refusal(&mut self, error: Option<UpstreamError>) {
        if let Some(state) = &mut self.adaptation {
            state.first_refusal = error;
        }
    }

    /// The error for the client. If the request was refused without the shim's additions too, it is the first one: the second
    /// may be about what was left out.
    pub(super) fn honest_error(&mut self, error: UpstreamError) -> UpstreamError {
        let is_refusal = matches!(&error, UpstreamError::Status(_)) && !error.is_transient();
        let first = self.adaptation.as_mut().and_then(|state| state.first_refusal.take());
        first.filter(|_| is_refusal).unwrap_or(error)
    }

    /// Reports the adaptations of this exchange as valid: the upstream accepted the request.
    pub(super) fn confirm_adaptations(&mut self) {
        if let Some(state) = &self.adaptation {
            self.report.adaptations.clone_from(&state.adaptations);
        }
    }
}
