//! Layer 7: the only `async` in this crate.
//!
//! [`Upstream`] is what an embedder implements: raw HTTP, no dialect, no credentials. [`Shim`] drives an
//! [`Exchange`](crate::Exchange) over it, and [`ResponseBody`] is the client's response while the upstream still sends.

pub mod auxiliary;
mod builder;
mod clock;
mod driver;
mod progress;
mod response_body;
mod shim;
mod state_store;
#[cfg(feature = "std-context")]
mod std_context;
mod stored_responses;
mod transport;
mod typed;
mod upstreams;

pub use builder::{BuildError, ShimBuilder};
pub use clock::{Clock, Entropy};
pub use driver::OnFinish;
pub use progress::Progress;
pub use response_body::{Attempts, ResponseBody};
pub use shim::{Shim, respond};
pub use state_store::{StateError, StateStore};
pub use stored_responses::{
    LoadedResponses, ResponseRecorder, StoreFuture, StoredAnswer, StoredResponses, stores_responses,
};
pub use transport::{ByteStream, RequestStream, Upstream, UpstreamBody};
pub use typed::CallError;
pub use upstreams::Upstreams;
