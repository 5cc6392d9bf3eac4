//! The typed client: [`Shim::call`] and [`Shim::stream`] take and return the typed payloads of a dialect.

use super::response_body::ResponseBody;
use super::shim::Shim;
use crate::dialect::typed_request::TypedRequest;
use crate::error::{ClientError, Error, ErrorKind, UpstreamError};
use crate::framing::{Frame, Framer};
use crate::json::{Object, decode_string};
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A call of a typed client failed: before its response began, or in the middle of a stream.
///
/// `Display` is for logs; [`message`](Self::message) is the sentence that a client of the dialect would get.
///
/// ```
/// use openai_shim_core::dialect::openai_chat::wire::{ChatRequest, Message};
/// use openai_shim_core::upstream::CallError;
/// # async fn example(shim: openai_shim_core::Shim) -> Result<(), CallError> {
/// let request = ChatRequest::new("gpt-5", [Message::new("user", "hello")]);
/// match shim.call(&request).await {
///     Ok(completion) => println!("{:?}", completion.choices),
///     Err(error) if error.status().is_some_and(|status| status == 429) => println!("later: {}", error.message()),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct CallError {
    #[from]
    error: Error,
}

impl CallError {
    /// The kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// One sentence: what is wrong, and what to do about it.
    pub fn message(&self) -> String {
        self.error.message().into_owned()
    }

    /// The status of the upstream's response, if it reported an error.
    pub fn status(&self) -> Option<StatusCode> {
        match &self.error {
            Error::Upstream(UpstreamError::Status(error)) => StatusCode::from_u16(error.status).ok(),
            _ => None,
        }
    }

    /// The error itself.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl Shim {
    /// Sends a typed request, and returns its whole response. The request's own `stream` does not matter.
    ///
    /// ```
    /// use openai_shim_core::dialect::anthropic::wire::{MessageParam, MessagesRequest};
    /// use openai_shim_core::{profile, Shim, Upstream, UpstreamBody, UpstreamError};
    /// struct Canned;
    /// #[async_trait::async_trait]
    /// impl Upstream for Canned {
    ///     async fn send(
    ///         &self,
    ///         _request: http::Request<bytes::Bytes>,
    ///     ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
    ///         let body = r#"{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}"#;
    ///         Ok(http::Response::new(UpstreamBody::Complete(body.into())))
    ///     }
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let shim = Shim::builder(Canned, profile("compatible")?).clock(|| std::time::Duration::ZERO).entropy(|| 4).build()?;
    /// // Anthropic's types, and an upstream that speaks OpenAI's:
    /// let request = MessagesRequest::new("m", 100, [MessageParam::new("user", "hello")]).with_system("Be brief.");
    /// let message = shim.call(&request).await?;
    /// assert_eq!(message.content.unwrap()[0].as_text(), Some("Hello."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The request cannot be served, the upstream failed, or its response is not of the type.
    pub fn call<T: TypedRequest>(
        &self,
        request: &T,
    ) -> impl Future<Output = Result<T::Response, CallError>> + Send + use<T> {
        let opened = open(self.clone(), request.to_http(false));
        async move {
            let body = opened.await?.collect().await.map_err(Error::Upstream)?;
            serde_json::from_slice(&body).map_err(|_| not_of_the_type())
        }
    }

    /// Sends a typed request, and returns the chunks or events of its stream. The request's own `stream` does not matter.
    ///
    /// A failure is the last item, also in the middle of the stream. Dropping the stream cancels the call.
    ///
    /// ```
    /// use futures_core::Stream;
    /// use openai_shim_core::dialect::openai_chat::wire::{ChatRequest, Message};
    /// # async fn example(shim: openai_shim_core::Shim) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = ChatRequest::new("gpt-5", [Message::new("user", "hello")]);
    /// let mut chunks = std::pin::pin!(shim.stream(&request));
    /// // With the crate `futures-util`: `while let Some(chunk) = chunks.next().await`.
    /// while let Some(chunk) = std::future::poll_fn(|cx| chunks.as_mut().poll_next(cx)).await {
    ///     println!("{:?}", chunk?.choices);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<T: TypedRequest>(
        &self,
        request: &T,
    ) -> impl Stream<Item = Result<T::Chunk, CallError>> + Send + use<T> {
        ChunkStream {
            phase: Phase::Opening(Box::pin(open(self.clone(), request.to_http(true)))),
            // Our own frames: the exchange has bounded what is in them.
            framer: Framer::new(usize::MAX),
            items: VecDeque::new(),
            failure: None,
        }
    }
}

fn not_of_the_type() -> CallError {
    Error::Upstream(UpstreamError::malformed("The response is not of the type that was expected.")).into()
}

/// Sends the request; returns the body of a successful response.
async fn open(
    shim: Shim,
    request: Result<http::Request<Bytes>, http::Error>,
) -> Result<ResponseBody, CallError> {
    let request = request.map_err(|_| {
        let sentence = "The model's name cannot stand in a path. Write another one.";
        Error::Client(ClientError::invalid(sentence).at("model"))
    })?;
    let response = shim.serve(request).await;
    // A shim puts the error of every response that is one beside it.
    match response.extensions().get::<Error>() {
        Some(error) => Err(error.clone().into()),
        None => Ok(response.into_body()),
    }
}

/// The message of an error object, in the form of any dialect; `None` if the JSON is no error.
fn stated_error(json: &[u8]) -> Option<String> {
    let object = Object::parse(json).ok()?;
    let inner = object.object("error");
    let message = inner.as_ref().unwrap_or(&object).str("message").map(std::borrow::Cow::into_owned);
    match object.non_null("error") {
        Some(error) => Some(message.or_else(|| decode_string(error).map(Into::into)).unwrap_or_default()),
        None if object.str("type").as_deref() == Some("error") => Some(message.unwrap_or_default()),
        None => None,
    }
}

/// A stream of typed chunks.
struct ChunkStream<C> {
    phase: Phase,
    framer: Framer,
    items: VecDeque<Result<C, CallError>>,
    /// The error with which the exchange ended.
    failure: Option<Error>,
}

enum Phase {
    Opening(Pin<Box<dyn Future<Output = Result<ResponseBody, CallError>> + Send>>),
    Reading(ResponseBody),
    Over,
}

impl<C: DeserializeOwned> ChunkStream<C> {
    fn push(&mut self, bytes: &[u8]) {
        let (items, failure) = (&mut self.items, &self.failure);
        let pushed = self.framer.push(bytes, &mut |frame| items.extend(read_frame(&frame, failure.as_ref())));
        if pushed.is_err() {
            self.items.push_back(Err(not_of_the_type()));
        }
    }

    fn finish(&mut self) {
        let (items, failure) = (&mut self.items, &self.failure);
        self.framer.finish(&mut |frame| items.extend(read_frame(&frame, failure.as_ref())));
        if let Some(error) = self.failure.take()
            && !self.items.iter().any(Result::is_err)
        {
            self.items.push_back(Err(error.into()));
        }
    }
}

/// The chunk in a frame; nothing for a frame that is no object, such as `[DONE]`.
fn read_frame<C: DeserializeOwned>(
    frame: &Frame<'_>,
    failure: Option<&Error>,
) -> Option<Result<C, CallError>> {
    let data = frame.data();
    if data.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    if let Some(message) = stated_error(data) {
        let stated = || Error::Upstream(UpstreamError::malformed(message));
        return Some(Err(failure.cloned().unwrap_or_else(stated).into()));
    }
    Some(serde_json::from_slice(data).map_err(|_| not_of_the_type()))
}

impl<C: DeserializeOwned + Unpin> Stream for ChunkStream<C> {
    type Item = Result<C, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.items.pop_front() {
                if item.is_err() {
                    this.phase = Phase::Over;
                    this.items.clear();
                }
                return Poll::Ready(Some(item));
            }
            match &mut this.phase {
                Phase::Opening(opened) => match ready!(opened.as_mut().poll(cx)) {
                    Ok(body) => this.phase = Phase::Reading(body),
                    Err(error) => this.items.push_back(Err(error)),
                },
                Phase::Reading(body) => {
                    let read = ready!(Pin::new(&mut *body).poll_next(cx));
                    this.failure = body.error().or(this.failure.take());
                    match read {
                        Some(Ok(bytes)) => this.push(&bytes),
                        Some(Err(error)) => this.items.push_back(Err(Error::Upstream(error).into())),
                        None => {
                            this.phase = Phase::Over;
                            this.finish();
                        }
                    }
                }
                Phase::Over => return Poll::Ready(None),
            }
        }
    }
}
