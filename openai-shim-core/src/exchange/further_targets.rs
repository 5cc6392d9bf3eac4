//! [`FurtherTargets`]: the targets that were not tried yet, and the client's request for them.

use super::ClientRequest;
use super::target::Target;
use crate::canonical::Context;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::state::Owner;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::VecDeque;

/// The targets that were not tried yet, and the client's request for them.
#[derive(Debug)]
pub(super) struct FurtherTargets {
    pub(super) targets: VecDeque<Target>,
    /// The index of the first one in the list that the exchange was started with.
    pub(super) index: usize,
    client: Dialect,
    path: String,
    body: Bytes,
    headers: HeaderMap,
    owner: Option<Owner>,
    wants_stream: bool,
    pub(super) context: Context,
}

impl FurtherTargets {
    pub(super) fn new(client_request: &ClientRequest, targets: VecDeque<Target>, context: &Context) -> Self {
        Self {
            targets,
            index: 1,
            client: client_request.client,
            path: client_request.path.clone(),
            body: client_request.body.clone(),
            headers: client_request.headers.clone(),
            owner: client_request.owner.clone(),
            wants_stream: client_request.wants_stream(),
            context: context.clone(),
        }
    }

    /// The client's request, read again.
    pub(super) fn client_request(&self) -> Result<ClientRequest, Error> {
        let mut client_request = ClientRequest::read(self.client, &self.path, self.body.clone())?;
        client_request.set_stream(self.wants_stream);
        client_request.headers.clone_from(&self.headers);
        client_request.owner.clone_from(&self.owner);
        Ok(client_request)
    }
}
