//! Upstreams made of something else: of a closure, of a pointer to an upstream, of an upstream and a timer.

use super::transport::{RequestStream, Upstream, UpstreamBody};
use crate::error::UpstreamError;
use crate::exchange::AttemptReport;
use async_trait::async_trait;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What [`Upstream`]'s methods return.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// An upstream's response, or why there is none.
type Sent = Result<http::Response<UpstreamBody>, UpstreamError>;

/// An upstream that sends requests with a closure; made by [`upstream_fn`].
///
/// ```
/// use openai_shim_core::upstream::{UpstreamFn, upstream_fn};
/// /// A service with an upstream of some closure.
/// struct Service<F> {
///     upstream: UpstreamFn<F>,
/// }
/// ```
#[derive(Clone)]
pub struct UpstreamFn<F>(F);

impl<F> std::fmt::Debug for UpstreamFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UpstreamFn")
    }
}

/// Makes an upstream of a closure that sends one request. Waits before retries come from
/// [`ShimBuilder::sleep`](super::ShimBuilder::sleep).
///
/// ```
/// use openai_shim_core::upstream::upstream_fn;
/// use openai_shim_core::{profile, Shim, UpstreamBody};
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = upstream_fn(|request: http::Request<bytes::Bytes>| async move {
///     let answer = format!(r#"{{"choices":[{{"message":{{"content":"{} bytes"}}}}]}}"#, request.body().len());
///     Ok(http::Response::new(UpstreamBody::complete(answer)))
/// });
/// let shim = Shim::builder(upstream, profile("compatible")?);
/// # Ok(())
/// # }
/// ```
pub fn upstream_fn<F, R>(send: F) -> UpstreamFn<F>
where
    F: Fn(http::Request<Bytes>) -> R + Send + Sync,
    R: Future<Output = Sent> + Send,
{
    UpstreamFn(send)
}

#[async_trait]
impl<F, R> Upstream for UpstreamFn<F>
where
    F: Fn(http::Request<Bytes>) -> R + Send + Sync,
    R: Future<Output = Sent> + Send,
{
    async fn send(&self, request: http::Request<Bytes>) -> Sent {
        (self.0)(request).await
    }
}

/// The methods of a pointer are those of what it points to, without a future of its own around theirs.
macro_rules! forward_to_inner {
    ($($pointer:ident),*) => {$(
        impl<U: Upstream + ?Sized> Upstream for $pointer<U> {
            fn send<'u, 'a>(&'u self, request: http::Request<Bytes>) -> Boxed<'a, Sent>
            where
                'u: 'a,
                Self: 'a,
            {
                (**self).send(request)
            }

            fn send_stream<'u, 'a>(
                &'u self,
                request: http::Request<()>,
                body: RequestStream,
            ) -> Boxed<'a, Sent>
            where
                'u: 'a,
                Self: 'a,
            {
                (**self).send_stream(request, body)
            }

            fn pause<'u, 'a>(&'u self, duration: Duration) -> Boxed<'a, ()>
            where
                'u: 'a,
                Self: 'a,
            {
                (**self).pause(duration)
            }

            fn clock(&self) -> Option<Duration> {
                (**self).clock()
            }

            fn attempt_ended(&self, attempt: &AttemptReport) {
                (**self).attempt_ended(attempt);
            }
        }
    )*};
}

forward_to_inner!(Arc, Box);

/// Waits.
pub(super) type Sleep = Box<dyn Fn(Duration) -> Boxed<'static, ()> + Send + Sync>;

/// An upstream that waits with a timer of the program.
pub(super) struct WithSleep {
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) sleep: Arc<Sleep>,
}

impl Upstream for WithSleep {
    fn send<'u, 'a>(&'u self, request: http::Request<Bytes>) -> Boxed<'a, Sent>
    where
        'u: 'a,
        Self: 'a,
    {
        (*self.upstream).send(request)
    }

    fn send_stream<'u, 'a>(&'u self, request: http::Request<()>, body: RequestStream) -> Boxed<'a, Sent>
    where
        'u: 'a,
        Self: 'a,
    {
        (*self.upstream).send_stream(request, body)
    }

    fn pause<'u, 'a>(&'u self, duration: Duration) -> Boxed<'a, ()>
    where
        'u: 'a,
        Self: 'a,
    {
        (self.sleep)(duration)
    }

    fn clock(&self) -> Option<Duration> {
        self.upstream.clock()
    }

    fn attempt_ended(&self, attempt: &AttemptReport) {
        self.upstream.attempt_ended(attempt);
    }
}
