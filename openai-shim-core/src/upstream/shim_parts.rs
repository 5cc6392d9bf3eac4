//! [`ShimParts`]: what all clones of a [`Shim`](super::Shim) share.

use super::clock::{Clock, Entropy};
use super::event_tap::EventHook;
use super::state_store::StateStore;
use super::targets::{ChosenUpstream, NamedUpstream, TargetRef};
use crate::canonical::{Context, ListedModel};
use crate::error::{ClientError, Error, ErrorKind};
use crate::exchange::{ClientRequest, Report, Settings};
use crate::state::Owner;
use http::request::Parts;
use std::sync::Arc;

/// Reads or changes a request before it is sent, or refuses it.
pub(super) type RequestHook = Box<dyn Fn(&mut ClientRequest) -> Result<(), Error> + Send + Sync>;
/// Reads a report.
pub(super) type ReportHook = Box<dyn Fn(&Report) + Send + Sync>;
/// Chooses the upstreams of a request.
pub(super) type RouteHook = Box<dyn Fn(&ClientRequest) -> Vec<TargetRef> + Send + Sync>;
/// Finds the owner of a request's state.
pub(super) type OwnerOf = Box<dyn Fn(&Parts) -> Option<Owner> + Send + Sync>;

/// What all clones of a shim share.
pub(super) struct ShimParts {
    /// Where requests go if the program does not choose.
    pub(super) first: NamedUpstream,
    pub(super) further: Vec<NamedUpstream>,
    pub(super) route: Option<RouteHook>,
    pub(super) settings: Settings,
    /// The models that the program lists; empty: the upstream is asked.
    pub(super) models: Vec<ListedModel>,
    pub(super) state: Option<Arc<dyn StateStore>>,
    pub(super) owner_of: Option<OwnerOf>,
    pub(super) clock: Box<dyn Clock>,
    pub(super) entropy: Box<dyn Entropy>,
    pub(super) on_request: Vec<RequestHook>,
    pub(super) on_event: Vec<EventHook>,
    pub(super) on_report: Vec<ReportHook>,
}

impl ShimParts {
    /// Hands a report to all hooks.
    pub(super) fn report(&self, report: &Report) {
        self.on_report.iter().for_each(|hook| hook(report));
    }

    /// All upstreams, in the order in which the builder got them.
    pub(super) fn upstreams(&self) -> impl Iterator<Item = &NamedUpstream> {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// The upstreams of a request, in the order in which they are tried; at least one.
    pub(super) fn chosen(&self, request: &ClientRequest) -> Result<Vec<ChosenUpstream<'_>>, Error> {
        let targets = self.route.as_ref().map(|route| route(request)).unwrap_or_default();
        if targets.is_empty() {
            return Ok(vec![self.first.chosen(None)]);
        }
        let choose = |target: TargetRef| match self.upstreams().find(|known| known.name == target.name) {
            Some(known) => Ok(known.chosen(Some(target))),
            None => {
                let text =
                    format!("This server has no upstream `{}`, to which it sends this request.", target.name);
                Err(ClientError::new(ErrorKind::Internal, text).into())
            }
        };
        targets.into_iter().map(choose).collect()
    }

    /// The first upstream of a request.
    pub(super) fn first_chosen(&self, request: &ClientRequest) -> Result<ChosenUpstream<'_>, Error> {
        let first = self.chosen(request)?.into_iter().next();
        Ok(first.unwrap_or_else(|| self.first.chosen(None)))
    }

    /// Calls the hooks that read, change or refuse a request.
    pub(super) fn edit(&self, request: &mut ClientRequest) -> Result<(), Error> {
        self.on_request.iter().try_for_each(|hook| hook(request))
    }

    /// The time and the source of ids for one request.
    pub(super) fn context(&self) -> Context {
        Context::new(self.clock.unix_time().as_secs(), self.entropy.seed())
    }

    /// A new id for a request.
    pub(super) fn new_id(&self) -> String {
        self.context().new_id("req_")
    }

    /// Whose state a request gets.
    pub(super) fn owner(&self, parts: &Parts) -> Option<Owner> {
        self.owner_of.as_ref().and_then(|owner_of| owner_of(parts))
    }
}
