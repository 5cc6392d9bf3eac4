//! An auxiliary request that is owned, so that it can move to another thread.

use bytes::Bytes;
use openai_shim_core::dialect::auxiliary::AuxiliaryRequest;

/// The parts of an auxiliary request that a dialect reads.
#[derive(Debug, Clone)]
pub(crate) struct OwnedAuxiliaryRequest {
    /// The path's variable part, such as a model.
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Bytes,
}

impl OwnedAuxiliaryRequest {
    pub(crate) fn as_request(&self) -> AuxiliaryRequest<'_> {
        AuxiliaryRequest { name: &self.name, path: &self.path, query: &self.query, body: &self.body }
    }
}
