//! Keys with names: which models each may use, how much of them, and how much it has used.

mod admission;
mod bucket;
mod decision;
mod key_metrics;
mod key_usage;
mod local;
mod named_key;
mod output_estimate;
mod refusal;
mod registry;
mod shared;

pub(crate) use admission::Admission;
pub(crate) use decision::Demand;
pub(crate) use key_metrics::KeyMetrics;
pub(crate) use named_key::NamedKey;
pub(crate) use output_estimate::BYTES_PER_TOKEN;
pub(crate) use registry::{KeyRegistry, named_keys};
