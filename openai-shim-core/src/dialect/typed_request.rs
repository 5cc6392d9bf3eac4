//! [`TypedRequest`]: the request types of all dialects, each with its path, its response and its chunks.

use super::handle::Dialect;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A typed request, for [`Shim::call`](crate::Shim::call) and [`Shim::stream`](crate::Shim::stream). The types of this crate implement
/// it, and no other can.
///
/// ```
/// use openai_shim_core::dialect::gemini::wire::ModelRequest;
/// use openai_shim_core::upstream::TypedRequest;
/// assert_eq!(<ModelRequest as TypedRequest>::DIALECT.name(), "gemini");
/// ```
pub trait TypedRequest: sealed::ToHttp {
    /// The type of a whole response.
    type Response: DeserializeOwned + Send + 'static;
    /// The type of a chunk or an event of a stream.
    type Chunk: DeserializeOwned + Send + Unpin + 'static;
    /// The dialect.
    const DIALECT: Dialect;
}

/// What no one outside can implement.
pub(crate) mod sealed {
    use bytes::Bytes;

    /// A request that can be sent.
    pub trait ToHttp {
        /// The request as HTTP.
        fn to_http(&self, stream: bool) -> Result<http::Request<Bytes>, http::Error>;
    }
}

/// A request with a typed body.
pub(crate) fn post(path: &str, body: &impl Serialize) -> Result<http::Request<Bytes>, http::Error> {
    // Typed payloads have text as keys, so writing one cannot fail.
    let body = serde_json::to_vec(body).unwrap_or_default();
    http::Request::post(path).header(http::header::CONTENT_TYPE, "application/json").body(body.into())
}

/// Implements [`TypedRequest`] for a request whose body has `stream`.
#[allow(unused_macros)] // a build with one dialect may have no use for it
macro_rules! typed_request {
    ($dialect:expr, $path:literal: $request:ty => $response:ty, $chunk:ty) => {
        impl $crate::dialect::typed_request::sealed::ToHttp for $request {
            fn to_http(&self, stream: bool) -> Result<http::Request<bytes::Bytes>, http::Error> {
                $crate::dialect::typed_request::post($path, &self.clone().with_stream(stream))
            }
        }

        impl $crate::dialect::typed_request::TypedRequest for $request {
            type Response = $response;
            type Chunk = $chunk;
            const DIALECT: $crate::dialect::Dialect = $dialect;
        }
    };
}

pub(crate) use typed_request;
