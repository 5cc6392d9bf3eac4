//! [`RefusedRequest`]: what was sent to an upstream that refused it, in the upstream's form and in ours.

use crate::canonical::{Addition, Request};
use crate::json::Object;

/// A request that an upstream refused.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRequest<'a> {
    /// The body that was sent.
    pub body: &'a Object<'a>,
    /// The same body, decoded.
    pub request: &'a Request,
    /// What the client did not send of it.
    pub additions: &'a [Addition],
}
