//! State of an exchange with an owner: the keys to look up, the turns found under them, and the entries to store.

use super::ClientRequest;
use crate::canonical::{Context, DiagnosticCode, Diagnostics, TurnRecorder};
use crate::normalize::{StateScope, StoredTurns, TurnLookup};
use crate::state::{Owner, StateEntry, StateKey};

/// What an exchange carries over from turn to turn.
#[derive(Debug)]
pub(super) struct CarryOver {
    scope: StateScope,
    /// A digest of the conversation that the response continues.
    conversation: u128,
    /// What was stored of the conversation's turns.
    pub(super) stored: StoredTurns,
    /// Entries to store that the driver has not taken yet.
    entries: Vec<StateEntry>,
    /// The store's error, if it failed.
    store_failure: Option<String>,
    /// The entries of a stream were handed out when its last event came: its end adds none.
    is_stream_stored: bool,
}

/// A request that waits for state.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) client_request: ClientRequest,
    pub(super) context: Context,
    pub(super) lookup: TurnLookup,
}

impl PendingRequest {
    /// The keys to look up.
    pub(super) fn keys(&self) -> &[StateKey] {
        &self.lookup.keys
    }
}

/// The carry-over of a new exchange, and the turns to look up for its request.
pub(super) struct OwnedState {
    pub(super) carry_over: CarryOver,
    pub(super) lookup: TurnLookup,
}

impl CarryOver {
    /// `issuer` names the upstream's dialect and profile: opaque state goes back only to where it came from.
    pub(super) fn for_request(owner: Owner, issuer: String, client_request: &ClientRequest) -> OwnedState {
        let scope = StateScope { owner, issuer };
        let lookup = TurnLookup::new(&client_request.request, &scope);
        let carry_over = Self {
            scope,
            conversation: lookup.conversation,
            stored: StoredTurns::default(),
            entries: Vec::new(),
            store_failure: None,
            is_stream_stored: false,
        };
        OwnedState { carry_over, lookup }
    }

    /// Adds the entries of a complete turn.
    pub(super) fn add_turn(&mut self, turn: &TurnRecorder, with_reasoning: bool) {
        if !self.is_stream_stored {
            self.entries.extend(self.scope.entries(turn, self.conversation, with_reasoning));
        }
    }

    /// Adds the entries of a stream whose last event came, before the stream itself ends. Later calls add nothing.
    pub(super) fn add_streamed_turn(&mut self, turn: &TurnRecorder, with_reasoning: bool) {
        self.add_turn(turn, with_reasoning);
        self.is_stream_stored = true;
    }

    /// Takes the entries to store, if there are any.
    pub(super) fn take_entries(&mut self) -> Option<Vec<StateEntry>> {
        (!self.entries.is_empty()).then(|| std::mem::take(&mut self.entries))
    }

    /// Remembers that the store failed.
    pub(super) fn set_store_failure(&mut self, detail: String) {
        self.store_failure = Some(detail);
    }

    /// Records a store's failure again, in the diagnostics of a request that was prepared again.
    pub(super) fn record_store_failure(&self, diagnostics: &mut Diagnostics) {
        if let Some(detail) = &self.store_failure {
            diagnostics.record(DiagnosticCode::StateUnavailable, "", detail);
        }
    }
}
