//! Requests for anything but generation, sent to an upstream: embeddings, rankings, media, token counts, model lists, and requests that
//! are forwarded. [`Shim`](super::Shim) and a server with upstreams of its own use the same functions.

mod exchange_run;
mod first_bytes;
mod forwarding;
mod model_list;
mod queries;
mod resources;
mod token_count;

pub use exchange_run::AuxiliaryAnswer;
pub use forwarding::{Expected, ForwardedRequest, ForwardedResponse};
pub use queries::{Queries, decode_failure, returned_headers};
pub use resources::{Resources, Unlimited, Work};
pub use token_count::TokenCount;
