//! The next target after a failed attempt: an exchange's session is replaced by one that is prepared for that target.

use super::ClientRequest;
use super::further_targets::FurtherTargets;
use super::phase::AttemptEnd;
use super::session::{Session, StartedSession};
use super::settings::Settings;
use super::target::Target;
use crate::canonical::{Context, DiagnosticCode};
use crate::error::{Error, ErrorKind, Misuse, UpstreamError};
use std::collections::VecDeque;
use std::time::Duration;

/// The most keys that are tried for one target.
const MAX_REFUSED_KEYS: u32 = 16;

impl Session {
    /// Prepares the upstream's request for the first target that takes it, unless state must be loaded first.
    pub(super) fn start(
        client_request: ClientRequest,
        mut targets: VecDeque<Target>,
        settings: Settings,
        context: Context,
    ) -> Result<StartedSession, Error> {
        let Some(target) = targets.pop_front() else { return Err(Misuse::NoTarget.into()) };
        if targets.is_empty() {
            return Self::for_target(client_request, 0, target, settings, context);
        }
        let further = Box::new(FurtherTargets::new(&client_request, targets, &context));
        match Self::for_target(client_request, 0, target, settings.clone(), context) {
            Ok(mut started) => {
                started.session.further_targets = Some(further);
                Ok(started)
            }
            Err(error) => Self::for_first(further, &settings).ok_or(error),
        }
    }

    /// A session for the first of these targets that takes the request.
    fn for_first(mut further: Box<FurtherTargets>, settings: &Settings) -> Option<StartedSession> {
        while let Some((index, target)) = further.next() {
            let client_request = further.client_request().ok()?;
            let context = further.context.clone();
            if let Ok(mut started) =
                Self::for_target(client_request, index, target, settings.clone(), context)
            {
                started.session.further_targets = (!further.targets.is_empty()).then_some(further);
                return Some(started);
            }
        }
        None
    }

    /// Goes on to the next target after an attempt that failed; `None`: there is none, or none that could do better.
    pub(super) fn fail_over(&mut self, error: &UpstreamError) -> Option<AttemptEnd> {
        if self.response_head.is_some() || !may_differ_elsewhere(error) {
            return None;
        }
        if error.kind() == ErrorKind::ContextLength
            && let (Some(further), Some(tokens)) = (&mut self.further_targets, self.target.context_tokens)
        {
            further.pass_over_smaller(tokens);
        }
        self.next_target()
    }

    /// Sends the same request to the same target again, because its transport has another key than the one that was refused.
    pub(super) fn send_with_other_key(&mut self) -> Option<AttemptEnd> {
        let has_other_key = std::mem::take(&mut self.has_other_key);
        if !has_other_key || self.response_head.is_some() || self.refused_keys >= MAX_REFUSED_KEYS {
            return None;
        }
        self.refused_keys += 1;
        self.attempt = self.attempt.saturating_sub(1);
        Some(AttemptEnd::SendAgain { wait: Duration::ZERO })
    }

    /// Replaces this session by one for the next target that takes the request.
    pub(super) fn next_target(&mut self) -> Option<AttemptEnd> {
        let further = self.further_targets.take()?;
        let StartedSession { session, pending } = Self::for_first(further, &self.settings)?;
        let attempts = std::mem::take(&mut self.report.attempts);
        *self = session;
        self.report.attempts = attempts;
        self.record_failed_over();
        Some(match pending {
            Some(pending) => AttemptEnd::LoadState(pending),
            None => AttemptEnd::SendAgain { wait: Duration::ZERO },
        })
    }

    /// Records which targets failed before this one.
    pub(super) fn record_failed_over(&mut self) {
        let report = &mut self.report;
        for attempt in report.attempts.iter().filter(|attempt| attempt.target < self.target_index) {
            let reason = attempt.error.as_ref().and_then(UpstreamError::code).unwrap_or("upstream_error");
            let detail = format!("target {}: {reason}", attempt.target);
            report.diagnostics.record(DiagnosticCode::FailedOver, "", &detail);
        }
    }
}

/// Whether another target may answer a request that failed so. A request that is at fault itself fails everywhere.
fn may_differ_elsewhere(error: &UpstreamError) -> bool {
    !matches!(error.kind(), ErrorKind::InvalidRequest | ErrorKind::ContentFiltered)
}
