//! One file for each kind of route: a checked request in, the client's response out.

mod arriving_form;
pub(crate) mod auxiliary;
mod auxiliary_exchange;
mod auxiliary_request;
mod count_tokens;
mod embeddings;
mod forward;
pub(crate) mod generate;
mod keep_alive;
mod key_check;
mod media;
mod models;
pub(crate) mod pages;
mod rerank;
mod response_collector;
mod stored_responses;
