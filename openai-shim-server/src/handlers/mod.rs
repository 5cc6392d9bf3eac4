//! What each kind of route does with a request.

pub(crate) mod auxiliary;
pub(crate) mod count_tokens;
pub(crate) mod embeddings;
pub(crate) mod forward;
pub(crate) mod generate;
pub(crate) mod models;
pub(crate) mod pages;
pub(crate) mod response_collector;
pub(crate) mod stored_responses;
