//! The HTTP side that clients see: connections, routes, bodies, keys, limits and responses.

pub(crate) mod arriving_body;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod body_budget;
pub(crate) mod body_resources;
pub(crate) mod client_socket;
pub(crate) mod client_transport;
pub(crate) mod content_coding;
pub(crate) mod cors;
pub(crate) mod deadline;
pub(crate) mod early_errors;
pub(crate) mod hyper_errors;
pub(crate) mod listener;
pub(crate) mod origin;
pub(crate) mod receive;
pub(crate) mod request_permits;
pub(crate) mod responses;
pub(crate) mod routes;
pub(crate) mod shutdown;
pub(crate) mod socket_errors;
pub(crate) mod systemd;
pub(crate) mod timed_socket;
pub(crate) mod tls;
