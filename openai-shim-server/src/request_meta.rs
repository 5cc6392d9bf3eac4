//! What is known of a request before its body is read: id, method, path, start, owner, connection.

use crate::client_connection::ClientConnection;
use crate::limits::{Admission, NamedKey};
use crate::observe::otel::RequestTrace;
use http::Method;
use openai_shim_core::state::Owner;
use std::sync::Arc;
use std::time::Instant;

/// What is known of a request before its body is read.
#[derive(Debug, Clone)]
pub(crate) struct RequestMeta {
    /// The client's id if it can be logged, else a generated one.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// The path, without doubled and trailing slashes.
    pub(crate) path: String,
    /// The query, without its question mark; may be empty.
    pub(crate) query: Box<str>,
    pub(crate) started: Instant,
    /// The owner of the state that this request reads and stores.
    pub(crate) owner: Owner,
    /// The client key, if it has a name.
    pub(crate) key: Option<Arc<NamedKey>>,
    /// The key's admission of this request, if one is needed and was given.
    pub(crate) admission: Option<Arc<Admission>>,
    /// The client requests the full report (`x-openai-shim-debug: 1`), and the configuration allows it.
    pub(crate) wants_debug_report: bool,
    /// The client sends its body only after an interim response (`Expect: 100-continue`).
    pub(crate) expects_continue: bool,
    /// Its trace, if traces are exported.
    pub(crate) trace: Option<Arc<RequestTrace>>,
    /// The connection that the request came on.
    pub(crate) connection: Arc<ClientConnection>,
}
