//! Which upstreams serve which model, in which order they are tried, which models there are, and whether an upstream can be reached.

pub(crate) mod affinity;
pub(crate) mod attempts;
pub(crate) mod breaker;
pub(crate) mod configured_models;
pub(crate) mod health;
pub(crate) mod key_rests;
pub(crate) mod metrics;
pub(crate) mod model_list_cache;
pub(crate) mod model_lists;
pub(crate) mod order;
pub(crate) mod routes;
pub(crate) mod selection;
pub(crate) mod target_health;
pub(crate) mod targets;
pub(crate) mod tracked_target;
