//! [`Upstreams`]: where the requests of an exchange go, by target; [`StateStores`]: where its state is.

use super::state_store::StateStore;
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

/// The stores of an exchange's state: one for each of its targets in the same order, one for all of them, or none.
#[derive(Clone)]
pub enum StateStores {
    /// One, whatever the target; `None`: there is no store.
    One(Option<Arc<dyn StateStore>>),
    /// One for each target.
    ByTarget(Arc<[Arc<dyn StateStore>]>),
}

impl StateStores {
    /// The store of a target.
    pub(super) fn of(&self, target: usize) -> Option<&Arc<dyn StateStore>> {
        match self {
            Self::One(store) => store.as_ref(),
            Self::ByTarget(stores) => stores.get(target),
        }
    }
}

impl std::fmt::Debug for StateStores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(store) => f.debug_tuple("One").field(&store.is_some()).finish(),
            Self::ByTarget(stores) => f.debug_tuple("ByTarget").field(&stores.len()).finish(),
        }
    }
}

impl From<Option<Arc<dyn StateStore>>> for StateStores {
    fn from(store: Option<Arc<dyn StateStore>>) -> Self {
        Self::One(store)
    }
}
