//! What one request's bodies get of this server: threads for long work, and room in the budget of all bodies.

use super::body_budget::{BodyReservation, response_over_budget};
use crate::app_state::AppState;
use openai_shim_core::UpstreamError;
use openai_shim_core::upstream::auxiliary::{Queries, Resources, Work};
use std::sync::{Mutex, PoisonError};

/// The option that limits collected responses, for error messages.
const LIMIT_NAME: &str = "limits.response_body";

/// The resources of one request. Its reservation lasts as long as this.
pub(crate) struct BodyResources<'a> {
    app: &'a AppState,
    reservation: Mutex<BodyReservation>,
}

impl<'a> BodyResources<'a> {
    pub(crate) fn new(app: &'a AppState) -> Self {
        Self { app, reservation: Mutex::new(app.process.body_budget.empty_reservation()) }
    }

    /// What requests to an upstream are sent with.
    pub(crate) fn queries<'q>(&'q self, upstream: &'q dyn openai_shim_core::Upstream) -> Queries<'q, Self> {
        let max_body_bytes = self.app.config.limits.response_body;
        Queries { upstream, resources: self, max_body_bytes, limit_name: LIMIT_NAME }
    }

    /// The room that the collected bytes take.
    pub(crate) fn into_reservation(self) -> BodyReservation {
        self.reservation.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resources for BodyResources<'_> {
    fn run<T: Send + 'static>(&self, bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Work<'_, T> {
        Box::pin(self.app.process.offload.run(bytes, work))
    }

    fn reserve(&self, bytes: usize) -> Result<(), UpstreamError> {
        let mut reservation = self.reservation.lock().unwrap_or_else(PoisonError::into_inner);
        reservation.grow_to(bytes).map_err(|_| response_over_budget())
    }
}
