//! [`Observer`]: what a [`Shim`](super::Shim) does with a response on its way to the client: events for hooks, the storing of a
//! response that a later request may continue from, and the report for the program.

use super::event_tap::EventTap;
use super::shim_parts::ShimParts;
use super::stored_responses::{ResponseRecorder, StoreFuture};
use crate::exchange::Report;
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// Follows one response.
#[derive(Default)]
pub(super) struct Observer {
    /// The program's hooks, and the events of the response.
    pub(super) events: Option<(Arc<ShimParts>, EventTap)>,
    pub(super) recorder: Option<ResponseRecorder>,
    /// The report, once it was delivered.
    pub(super) report: Arc<OnceLock<Report>>,
    /// A chunk that waits until the response is stored; `None`: the end waits.
    pub(super) storing: Option<(StoreFuture, Option<Bytes>)>,
}

impl Observer {
    /// Takes bytes that the client gets; returns the work that they wait for.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<StoreFuture> {
        if let Some((parts, events)) = &mut self.events {
            events.push(bytes, &parts.on_event);
        }
        self.recorder.as_mut()?.push(bytes)
    }

    /// Ends the response; returns the work that its end waits for.
    pub(super) fn finish(&mut self) -> Option<StoreFuture> {
        if let Some((parts, mut events)) = self.events.take() {
            events.finish(&parts.on_event);
        }
        self.recorder.take()?.finish()
    }
}
