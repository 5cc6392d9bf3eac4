//! [`RequestInfo`]: which request an event belongs to.

use super::ClientRequest;
use super::request_kind::RequestKind;
use crate::dialect::Dialect;
use http::HeaderMap;

/// Which request an event belongs to.
///
/// ```
/// use openai_shim_core::canonical::Event;
/// use openai_shim_core::exchange::RequestInfo;
/// fn log(event: &Event, info: &RequestInfo) {
///     println!("{} {} {}: {event:?}", info.id(), info.dialect(), info.model());
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RequestInfo {
    id: String,
    kind: RequestKind,
    dialect: Dialect,
    path: String,
    model: String,
    headers: HeaderMap,
}

impl RequestInfo {
    pub(crate) fn new(request: &ClientRequest) -> Self {
        Self {
            id: request.id.clone(),
            kind: request.kind(),
            dialect: request.client,
            path: request.path.clone(),
            model: request.request.model.clone(),
            headers: request.headers.clone(),
        }
    }

    /// The request's id, which its [`Report`](super::Report) has, too.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the request is for.
    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// The client's dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The client's path and query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The model, after all changes; may be empty.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The client's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}
