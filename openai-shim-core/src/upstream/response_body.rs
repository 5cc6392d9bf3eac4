//! [`ResponseBody`]: the client's response as bytes, complete or translated while the upstream sends.

use super::driver::{Driver, SentRequest};
use super::observer::Observer;
use super::progress::Progress;
use super::state_store::StateError;
use super::transport::ByteStream;
use crate::canonical::Diagnostics;
use crate::error::{Error, UpstreamError};
use crate::exchange::{Report, ResponseHead, Step};
use bytes::Bytes;
use futures_core::Stream;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body of a client's response: complete, or translated while the upstream sends.
///
/// A dialect whose clients overlook an error in a stream ends a failed one with an `Err` behind it: the program that sends the body must
/// break the connection then.
///
/// It is a [`Stream`] of bytes, and with the feature `http-body` also a body of hyper and its relatives. Dropping it cancels the
/// upstream's call, and delivers the report, with the outcome `cancelled` if there was more to come.
///
/// ```
/// # async fn example(shim: openai_shim_core::Shim) -> Result<(), Box<dyn std::error::Error>> {
/// let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let response = shim.serve(http::Request::post("/v1/chat/completions").body(body.into())?).await;
/// if let Some(error) = response.body().error() {
///     eprintln!("{}: {error}", response.status());
/// }
/// let bytes = response.into_body().collect().await?;
/// # Ok(())
/// # }
/// ```
pub struct ResponseBody {
    source: Source,
    /// Bytes that the client has not taken yet.
    output: Vec<u8>,
    /// What a [`Shim`](super::Shim) does with the response.
    observer: Option<Box<Observer>>,
}

/// Where a body comes from.
enum Source {
    /// An exchange.
    Exchange(Box<Driver>),
    /// An upstream whose response is passed on.
    Forwarded(Box<Forwarded>),
    /// Nothing comes any more, and the report was delivered.
    Over,
}

/// How a response that was passed on ended; `None`: it was dropped before its end.
pub(super) type ForwardedEnd = Option<Result<(), UpstreamError>>;

/// A response that is passed on as it arrives.
pub(super) struct Forwarded {
    pub(super) stream: ByteStream,
    /// Is called once.
    pub(super) on_end: Box<dyn FnOnce(ForwardedEnd) + Send>,
}

/// How many attempts a response took; among the response's extensions.
///
/// ```
/// use openai_shim_core::upstream::{Attempts, ResponseBody};
/// fn attempts(response: &http::Response<ResponseBody>) -> u32 {
///     response.extensions().get::<Attempts>().map_or(1, |attempts| attempts.0)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts(pub u32);

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let exchange = self.driver().map(|driver| &driver.exchange);
        f.debug_struct("ResponseBody").field("exchange", &exchange).finish_non_exhaustive()
    }
}

impl ResponseBody {
    pub(super) fn new(driver: Box<Driver>) -> Self {
        Self { source: Source::Exchange(driver), output: Vec::new(), observer: None }
    }

    /// A body that is complete.
    pub(super) fn complete(bytes: Vec<u8>) -> Self {
        Self { source: Source::Over, output: bytes, observer: None }
    }

    /// A body that is passed on as it arrives.
    pub(super) fn forwarded(forwarded: Forwarded) -> Self {
        Self { source: Source::Forwarded(Box::new(forwarded)), output: Vec::new(), observer: None }
    }

    /// Has everything from here on observed. Of a response that is complete, that is all of it, at once.
    pub(super) async fn observed(mut self, observer: Observer) -> Self {
        let mut observer = Box::new(observer);
        if self.is_complete() {
            let bytes = std::mem::take(&mut self.output);
            for work in [observer.push(&bytes), observer.finish()].into_iter().flatten() {
                let stored = work.await;
                self.note(stored);
            }
            self.output = bytes;
        }
        self.observer = Some(observer);
        self
    }

    /// The same response without its bytes, for `HEAD`. One that is passed on has none.
    pub(super) fn without_bytes(mut self) -> Self {
        self.output.clear();
        self
    }

    /// Sets the report of a response that is complete.
    pub(super) fn set_report(&mut self, report: Report) {
        let observer = self.observer.get_or_insert_default();
        drop(observer.report.set(report));
    }

    fn driver(&self) -> Option<&Driver> {
        if let Source::Exchange(driver) = &self.source { Some(driver) } else { None }
    }

    /// Whether all bytes are there, and may leave in one write.
    fn is_complete(&self) -> bool {
        match &self.source {
            Source::Over => true,
            Source::Forwarded(_) => false,
            Source::Exchange(driver) => {
                driver.is_idle()
                    && driver.exchange.breaking_error().is_none()
                    && driver.exchange.client().write_end(&self.output).is_none()
            }
        }
    }

    /// Takes the exchange's steps until its response has a head.
    pub(super) async fn respond(mut self) -> http::Response<Self> {
        loop {
            let Source::Exchange(driver) = &mut self.source else { return http::Response::new(self) };
            match driver.exchange.next() {
                Step::Load(keys) => {
                    let values = driver.load(&keys).await;
                    if let Err(error) = driver.exchange.provide(values) {
                        driver.exchange.refuse(error, &mut self.output);
                    }
                }
                Step::Store(entries) => driver.store(entries).await,
                Step::Send { mut request, after, target } => {
                    driver.target = target;
                    driver.tell_attempts(1);
                    let Some(upstream) = driver.upstream().cloned() else {
                        let missing =
                            UpstreamError::transport(format!("There is no upstream for target {target}."));
                        if let Err(misuse) = driver.exchange.fail(missing, &mut self.output) {
                            driver.exchange.refuse(misuse.into(), &mut self.output);
                        }
                        continue;
                    };
                    let progress = Progress::new(driver.exchange.awaits_stream());
                    request.extensions_mut().insert(progress.clone());
                    if !after.is_zero() {
                        upstream.pause(after).await;
                    }
                    let sent = SentRequest { sent_at: upstream.clock(), progress: Some(progress) };
                    let response = upstream.send(request).await;
                    if let Err(misuse) = driver.begin_response(sent, response, &mut self.output) {
                        driver.exchange.refuse(misuse.into(), &mut self.output);
                    }
                }
                Step::Await => {
                    // Until the client's response begins, or the attempt is over.
                    let read = std::future::poll_fn(|cx| driver.poll_read(cx, &mut self.output)).await;
                    if let Err(misuse) = read {
                        driver.exchange.refuse(misuse.into(), &mut self.output);
                    }
                    if let Some(entries) = driver.exchange.take_entries() {
                        driver.store(entries).await;
                    }
                    if let Some(head) = driver.exchange.take_response_head() {
                        driver.tell_attempts(0);
                        return self.into_response(head);
                    }
                }
                Step::Done => {
                    driver.tell_attempts(0);
                    return match driver.exchange.take_response_head() {
                        Some(head) => self.into_response(head),
                        None => http::Response::new(self),
                    };
                }
            }
        }
    }

    fn into_response(self, head: ResponseHead) -> http::Response<Self> {
        let mut response = http::Response::new(self);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        let diagnostics = response.body().diagnostics();
        response.extensions_mut().insert(diagnostics);
        if let Some(error) = head.error {
            response.extensions_mut().insert(error);
        }
        if let Some(driver) = response.body().driver() {
            let outcome = driver.exchange.report().outcome;
            let attempts = driver.exchange.report().attempts.len();
            response.extensions_mut().insert(outcome);
            response.extensions_mut().insert(Attempts(u32::try_from(attempts).unwrap_or(u32::MAX)));
        }
        response
    }

    /// Returns the bytes if all of them are there; else the body itself.
    pub fn into_complete(mut self) -> Result<Bytes, Self> {
        // A part that must be written on its own is no complete body either.
        if !self.is_complete() {
            return Err(self);
        }
        let output = std::mem::take(&mut self.output);
        self.deliver_report(None);
        Ok(Bytes::from(output))
    }

    /// How many bytes are left of a body that is complete. A part that must be written on its own makes none.
    #[cfg(feature = "http-body")]
    pub(super) fn complete_length(&self) -> Option<usize> {
        self.is_complete().then_some(self.output.len())
    }

    /// Waits for all bytes.
    ///
    /// # Errors
    /// The response is one behind which the connection must break.
    pub async fn collect(self) -> Result<Bytes, UpstreamError> {
        let mut body = match self.into_complete() {
            Ok(bytes) => return Ok(bytes),
            Err(body) => body,
        };
        let mut all = Vec::new();
        while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            all.extend_from_slice(&chunk?);
        }
        Ok(Bytes::from(all))
    }

    /// Ends the response as if the upstream had failed: the client gets the error in its dialect, and nothing after it.
    pub fn fail(&mut self, error: UpstreamError) {
        match &mut self.source {
            Source::Exchange(driver) => {
                driver.phase = super::driver::DriverPhase::Idle;
                // The only misuse is that the response has ended already: then it stays as it is.
                let _ = driver.exchange.fail(error, &mut self.output);
            }
            Source::Forwarded(_) => self.deliver_report(Some(Err(error))),
            Source::Over => {}
        }
    }

    /// The target that was asked last: an index into the targets of the exchange. `None`: there is no exchange, or its report was
    /// delivered.
    pub fn target(&self) -> Option<usize> {
        self.driver().map(|driver| driver.target)
    }

    /// The diagnostics so far.
    pub fn diagnostics(&self) -> Diagnostics {
        match self.driver() {
            Some(driver) => driver.exchange.diagnostics(),
            None => self.report().map(|report| report.diagnostics).unwrap_or_default(),
        }
    }

    /// What happened so far, and behind the end of the body the report that hooks got. `None` for a response that is passed on as it
    /// arrives, and behind the end of one that no [`Shim`](super::Shim) has made.
    pub fn report(&self) -> Option<Report> {
        match self.driver() {
            Some(driver) => {
                let mut report = driver.exchange.report().clone();
                report.diagnostics = driver.exchange.diagnostics();
                Some(report)
            }
            None => self.observer.as_ref()?.report.get().cloned(),
        }
    }

    /// The error that the body is, or with which it ended.
    pub fn error(&self) -> Option<Error> {
        self.report()?.error
    }

    /// Ends the observation; returns whether there is nothing to wait for.
    fn end_observed(&mut self) -> bool {
        let Some(observer) = &mut self.observer else { return true };
        observer.storing = observer.finish().map(|work| (work, None));
        observer.storing.is_none()
    }

    /// A response that could not be stored is a diagnostic.
    fn note(&mut self, stored: Result<(), StateError>) {
        if let (Err(error), Source::Exchange(driver)) = (stored, &mut self.source) {
            driver.exchange.note_state_error(&error.message);
        }
    }

    /// Delivers the report. `end`: how a response that was passed on ended.
    fn deliver_report(&mut self, end: ForwardedEnd) {
        match std::mem::replace(&mut self.source, Source::Over) {
            Source::Exchange(driver) => driver.finish(),
            Source::Forwarded(forwarded) => {
                drop(forwarded.stream);
                (forwarded.on_end)(end);
            }
            Source::Over => {}
        }
    }

    /// Waits until what the next bytes or the end wait for is stored.
    fn poll_stored(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(observer) = &mut self.observer else { return Poll::Ready(None) };
        let Some((work, chunk)) = &mut observer.storing else { return Poll::Ready(None) };
        let stored = ready!(work.as_mut().poll(cx));
        let chunk = chunk.take();
        observer.storing = None;
        self.note(stored);
        Poll::Ready(chunk)
    }

    /// The next bytes of the source; `None` behind its end, with the error that follows it.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, SourceEnd>> {
        loop {
            let driver = match &mut self.source {
                Source::Exchange(driver) => driver,
                Source::Forwarded(forwarded) => {
                    return Poll::Ready(match ready!(forwarded.stream.as_mut().poll_next(cx)) {
                        Some(Ok(bytes)) => Ok(bytes),
                        Some(Err(error)) => Err(SourceEnd(Some(error))),
                        None => Err(SourceEnd(None)),
                    });
                }
                Source::Over => {
                    let rest = std::mem::take(&mut self.output);
                    return Poll::Ready(if rest.is_empty() { Err(SourceEnd(None)) } else { Ok(rest.into()) });
                }
            };
            ready!(driver.poll_store(cx));
            if !self.output.is_empty() {
                return Poll::Ready(Ok(Bytes::from(std::mem::take(&mut self.output))));
            }
            if driver.is_idle() {
                return Poll::Ready(Err(SourceEnd(driver.exchange.breaking_error())));
            }
            if let Err(misuse) = ready!(driver.poll_read(cx, &mut self.output)) {
                return Poll::Ready(Err(SourceEnd(Some(UpstreamError::transport(misuse.to_string())))));
            }
            driver.begin_pending_store();
        }
    }
}

/// The end of a source, and the error behind it.
struct SourceEnd(Option<UpstreamError>);

impl Stream for ResponseBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(chunk) = ready!(this.poll_stored(cx)) {
                return Poll::Ready(Some(Ok(chunk)));
            }
            match ready!(this.poll_source(cx)) {
                Ok(bytes) => {
                    let Some(observer) = &mut this.observer else { return Poll::Ready(Some(Ok(bytes))) };
                    match observer.push(&bytes) {
                        Some(work) => observer.storing = Some((work, Some(bytes))),
                        None => return Poll::Ready(Some(Ok(bytes))),
                    }
                }
                Err(SourceEnd(error)) => {
                    if this.end_observed() {
                        this.deliver_report(Some(error.clone().map_or(Ok(()), Err)));
                        return Poll::Ready(error.map(Err));
                    }
                }
            }
        }
    }
}

/// A drop may happen while a panic unwinds: a second panic would end the process.
impl Drop for ResponseBody {
    fn drop(&mut self) {
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| self.deliver_report(None)));
    }
}
