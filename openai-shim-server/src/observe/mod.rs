//! What operators see: the access log, bodies in the log, and metrics.

pub mod access_log;
pub(crate) mod body_log;
pub(crate) mod log_writer;
pub(crate) mod metrics;
pub(crate) mod otel;
pub(crate) mod recorder;
pub(crate) mod reload_status;
pub(crate) mod text;
pub(crate) mod throttled_log;
