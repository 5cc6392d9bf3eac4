//! How a side streams.

use crate::overlay::rules;

rules! {
    /// How an upstream streams.
    #[derive(Eq)]
    pub struct StreamingSupport,
    ///
    /// ```
    /// let stream = openai_shim_core::accepts::StreamingLayer::default().with_accepts_options(false);
    /// assert_eq!(stream.accepts_options, Some(false));
    /// ```
    StreamingLayer {
        /// Streams are supported; otherwise the client gets a simulated stream of the non-streaming response.
        pub supported: bool as with_supported = true,
        /// `stream_options` is accepted, so that usage can be requested.
        pub accepts_options: bool as with_accepts_options = true,
        /// Every response is a stream: one for a non-streaming client is collected.
        pub required: bool as with_required,
    }
}
