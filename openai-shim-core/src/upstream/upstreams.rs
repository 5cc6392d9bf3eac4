//! [`Upstreams`]: where the requests of an exchange go, by target.

use super::transport::Upstream;
use std::sync::Arc;

/// The upstreams of an exchange: one for each of its targets in the same order, or one for all of them.
#[derive(Clone)]
pub enum Upstreams {
    /// One, whatever the target: its targets differ in their models, or there is only one.
    One(Arc<dyn Upstream>),
    /// One for each target.
    ByTarget(Arc<[Arc<dyn Upstream>]>),
}

impl Upstreams {
    /// The upstream of a target.
    pub(super) fn of(&self, target: usize) -> Option<&Arc<dyn Upstream>> {
        match self {
            Self::One(upstream) => Some(upstream),
            Self::ByTarget(upstreams) => upstreams.get(target),
        }
    }
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(_) => f.write_str("One"),
            Self::ByTarget(upstreams) => f.debug_tuple("ByTarget").field(&upstreams.len()).finish(),
        }
    }
}

impl<U: Upstream + 'static> From<Arc<U>> for Upstreams {
    fn from(upstream: Arc<U>) -> Self {
        Self::One(upstream)
    }
}

impl From<Arc<dyn Upstream>> for Upstreams {
    fn from(upstream: Arc<dyn Upstream>) -> Self {
        Self::One(upstream)
    }
}

impl From<Vec<Arc<dyn Upstream>>> for Upstreams {
    fn from(upstreams: Vec<Arc<dyn Upstream>>) -> Self {
        Self::ByTarget(upstreams.into())
    }
}
