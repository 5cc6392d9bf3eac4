//! State of an exchange that has an owner: the keys that it wants, what came for them, and what is to be kept.

use super::upstream_request::{UpstreamRequest, prepare};
use super::{ClientRequest, Exchange, ExchangePhase, Report, Settings, Step};
use crate::canonical::{Context, DiagnosticCode, Diagnostics, TurnRecorder, TurnStorage};
use crate::dialect::{Dialect, dialect};
use crate::error::{Error, OrderError};
use crate::normalize::{StateScope, StoredTurns, TurnLookup};
use crate::profile::Profile;
use crate::state::{Owner, StateEntry};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What an exchange carries over from turn to turn.
#[derive(Debug)]
pub(super) struct CarryOver {
    scope: StateScope,
    /// A digest of the conversation that is answered.
    conversation: u128,
    /// What was kept of the turns in it.
    pub(super) stored: StoredTurns,
    /// What is to be kept, until somebody takes it.
    entries: Vec<StateEntry>,
    /// The store failed, and what it said.
    failure: Option<String>,
    /// The answer was looked at.
    is_stored: bool,
}

/// A request that waits for state.
#[derive(Debug)]
pub(super) struct Loading {
    incoming: ClientRequest,
    profile: Arc<Profile>,
    context: Context,
    lookup: TurnLookup,
}

/// The row as it holds for a request's model, and the dialect in which the upstream is sent it.
pub(super) fn upstream_row<'p>(
    incoming: &ClientRequest,
    profile: &'p Profile,
    settings: &Settings,
) -> Result<(Cow<'p, Profile>, &'static dyn Dialect), Error> {
    let client = incoming.client;
    let mut row = profile.for_model(incoming.upstream_model(settings));
    let own = row.extra_dialects.iter().any(|name| name == client.name());
    let upstream = if own { client } else { dialect(&profile.dialect)? };
    for lesson in &settings.lessons {
        lesson.apply(row.to_mut());
    }
    Ok((row, upstream))
}

impl CarryOver {
    /// What the request of an owner carries over, and the keys that it wants.
    pub(super) fn new(
        owner: Owner,
        incoming: &ClientRequest,
        upstream: &dyn Dialect,
        row: &Profile,
    ) -> (Self, TurnLookup) {
        let scope = StateScope { owner, issuer: format!("{}/{}", upstream.name(), row.name) };
        let lookup = TurnLookup::new(&incoming.request, &scope);
        let carry_over = Self {
            scope,
            conversation: lookup.conversation,
            stored: StoredTurns::default(),
            entries: Vec::new(),
            failure: None,
            is_stored: false,
        };
        (carry_over, lookup)
    }

    fn keep(&mut self, turn: &TurnRecorder, plain: bool) {
        self.entries.extend(self.scope.entries(turn, self.conversation, plain));
    }

    /// Notes anew that the store failed.
    pub(super) fn note_failure(&self, diagnostics: &mut Diagnostics) {
        if let Some(detail) = &self.failure {
            diagnostics.record(DiagnosticCode::StateUnavailable, "", detail);
        }
    }
}

impl Loading {
    pub(super) fn new(
        incoming: ClientRequest,
        profile: Arc<Profile>,
        context: Context,
        lookup: TurnLookup,
    ) -> Self {
        Self { incoming, profile, context, lookup }
    }

    pub(super) fn step(&self) -> Step {
        Step::Load(self.lookup.keys.clone())
    }
}

impl Exchange {
    /// Answers [`Step::Load`]: a value for each key, in the same order, `None` where there is none. Then the request is made.
    ///
    /// # Errors
    /// [`Error::Order`] if no state was asked for, or not as many values: then nothing has changed. Else what
    /// [`start`](Self::start) reports of a request without state, after which the exchange is over.
    pub fn provide(&mut self, values: Vec<Option<Bytes>>) -> Result<(), Error> {
        let ExchangePhase::Loading(loading) = &self.state else {
            return Err(OrderError::new("`provide` answers `Step::Load`, which was not the last step").into());
        };
        if values.len() != loading.lookup.keys.len() {
            let (wanted, came) = (loading.lookup.keys.len(), values.len());
            let message =
                format!("`provide` takes a value for each of the {wanted} keys of `Step::Load`, not {came}");
            return Err(OrderError::new(message).into());
        }
        let ExchangePhase::Loading(loading) = std::mem::replace(&mut self.state, ExchangePhase::Over) else {
            return Ok(());
        };
        let Loading { incoming, profile, context, lookup } = *loading;
        let (row, upstream) = upstream_row(&incoming, &profile, &self.settings)?;
        if let Some(carry_over) = &mut self.carry_over {
            carry_over.stored = lookup.found(&values);
        }
        let UpstreamRequest { spec, context, streams, send, mut diagnostics } =
            prepare(incoming, upstream, &row, &self.settings, context, self.carry_over.as_ref())?;
        if let Some(carry_over) = &self.carry_over {
            carry_over.note_failure(&mut diagnostics);
        }
        self.report = Report::new(&spec, &profile, diagnostics);
        (self.spec, self.context, self.upstream_streams, self.send) = (spec, context, streams, send);
        self.state = ExchangePhase::Ready(Duration::ZERO);
        Ok(())
    }

    /// Reports that the store of state is absent or failed, at [`Step::Load`] or [`Step::Store`]: a diagnostic and no error.
    /// At a load, [`provide`](Self::provide) nothing.
    pub fn note_state_error(&mut self, detail: &str) {
        let detail: String = detail.chars().take(200).collect();
        self.report.diagnostics.record(DiagnosticCode::StateUnavailable, "", &detail);
        if let Some(carry_over) = &mut self.carry_over {
            carry_over.failure = Some(detail);
        }
    }

    /// Ends an exchange whose request cannot be made: the client gets the error.
    pub(crate) fn refuse(&mut self, error: Error, out: &mut Vec<u8>) {
        self.reply_error(error, out);
        self.state = ExchangePhase::Over;
    }

    /// What is to be kept by now.
    pub(crate) fn take_entries(&mut self) -> Option<Vec<StateEntry>> {
        let entries = &mut self.carry_over.as_mut()?.entries;
        (!entries.is_empty()).then(|| std::mem::take(entries))
    }

    /// Hands out what a stream whose last event came carries over.
    pub(super) fn keep_streamed(&mut self) {
        let ExchangePhase::Stream(transcoder) = &self.state else { return };
        let Some(carry_over) = self.carry_over.as_mut().filter(|carry_over| !carry_over.is_stored) else {
            return;
        };
        if transcoder.is_over() {
            carry_over.is_stored = true;
            carry_over
                .keep(&transcoder.summary().turn, self.spec.turn_storage == TurnStorage::OpaqueAndReasoning);
        }
    }

    /// Hands out what the upstream wants to see again and the client may not send back.
    pub(super) fn store_turn(&mut self, turn: &TurnRecorder) {
        if let Some(carry_over) = self.carry_over.as_mut().filter(|carry_over| !carry_over.is_stored) {
            carry_over.keep(turn, self.spec.turn_storage == TurnStorage::OpaqueAndReasoning);
        }
    }
}
