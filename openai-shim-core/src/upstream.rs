//! Layer 8: the only `async` in this crate.
//!
//! [`Upstream`] is what an embedder implements: raw HTTP, no dialect, no credentials. [`Shim`] drives an
//! [`Exchange`](crate::Exchange) over it, and [`ResponseBody`] is the client's response while the upstream still sends.

mod adapters;
#[cfg(not(feature = "internals"))]
pub(crate) mod auxiliary;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod auxiliary;
mod auxiliary_routes;
mod builder;
mod clock;
mod driver;
mod event_tap;
#[cfg(feature = "http-body")]
mod http_body;
mod observer;
mod progress;
mod response_body;
mod responses;
mod serve;
mod shim;
mod shim_parts;
mod state_store;
#[cfg(feature = "std-context")]
mod std_context;
mod stored_responses;
mod targets;
mod transport;
#[cfg(feature = "wire")]
mod typed;
mod upstreams;

pub use adapters::{UpstreamFn, upstream_fn};
pub use builder::{BuildError, ShimBuilder};
pub use clock::{Clock, Entropy};

#[cfg(feature = "wire")]
pub use crate::dialect::typed_request::TypedRequest;
pub use progress::Progress;
pub use response_body::{Attempts, ResponseBody};
pub use shim::Shim;
pub use state_store::{StateError, StateStore};
pub use targets::TargetRef;
pub use transport::{ByteStream, OtherKey, RequestStream, Upstream, UpstreamBody};
#[cfg(feature = "wire")]
pub use typed::CallError;

internals! {
    use driver::OnFinish;
    use shim::respond;
    use stored_responses::{
        LoadedResponses, ResponseRecorder, StoreFuture, StoredAnswer, StoredResponses, stores_responses,
    };
    use upstreams::{StateStores, Upstreams};
}
