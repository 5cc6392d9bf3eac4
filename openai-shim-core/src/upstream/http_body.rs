//! [`ResponseBody`] as a body of hyper and its relatives, and theirs as the body of an upstream's response: the feature `http-body`.

use super::response_body::ResponseBody;
use super::transport::UpstreamBody;
use crate::error::UpstreamError;
use bytes::{Buf, Bytes};
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        self.poll_next(cx).map(|next| next.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.complete_length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.complete_length().and_then(|length| u64::try_from(length).ok());
        length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The data of a body as it arrives.
struct Arriving<B>(Pin<Box<B>>);

impl<B: Body> Stream for Arriving<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.0.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers mean nothing here.
                    if let Ok(mut data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining()))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl UpstreamBody {
    /// A body that arrives from hyper or a relative.
    ///
    /// ```
    /// use openai_shim_core::UpstreamBody;
    /// # fn example<B>(response: http::Response<B>) -> http::Response<UpstreamBody>
    /// # where B: http_body::Body + Send + 'static, B::Error: std::error::Error + Send + Sync + 'static {
    /// response.map(UpstreamBody::from_http_body)
    /// # }
    /// ```
    pub fn from_http_body<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::stream(Arriving(Box::pin(body)))
    }
}
