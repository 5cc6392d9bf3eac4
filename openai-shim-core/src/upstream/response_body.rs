//! [`ResponseBody`]: the client's response as bytes, complete or translated while the upstream sends.

use super::driver::{Driver, SentRequest};
use super::progress::Progress;
use crate::canonical::Diagnostics;
use crate::error::UpstreamError;
use crate::exchange::{ResponseHead, Step};
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
/// Dropping it cancels the upstream's call, and delivers the report, with the outcome `cancelled` if there was more to come.
pub struct ResponseBody {
    /// `None` once the report was delivered, and for a response that needs no upstream.
    driver: Option<Box<Driver>>,
    /// Bytes that the client has not taken yet.
    output: Vec<u8>,
}

/// How many attempts a response took; among the response's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts(pub u32);

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseBody")
            .field("exchange", &self.driver.as_ref().map(|driver| &driver.exchange))
            .finish_non_exhaustive()
    }
}

impl ResponseBody {
    pub(super) fn new(driver: Box<Driver>) -> Self {
        Self { driver: Some(driver), output: Vec::new() }
    }

    /// A body that is complete.
    pub(super) fn complete(bytes: Vec<u8>) -> Self {
        Self { driver: None, output: bytes }
    }

    /// Takes the exchange's steps until its response has a head.
    pub(super) async fn respond(mut self) -> http::Response<Self> {
        loop {
            let Some(driver) = self.driver.as_mut() else { return http::Response::new(self) };
            match driver.exchange.next() {
                Step::Load(keys) => {
                    let values = driver.load(&keys).await;
                    if let Err(error) = driver.exchange.provide(values) {
                        driver.exchange.refuse(error, &mut self.output);
                    }
                }
                Step::Store(entries) => driver.store(entries).await,
                Step::Send { mut request, after, target } => {
                    let Some(upstream) = driver.upstreams.of(target).cloned() else {
                        let missing =
                            UpstreamError::transport(format!("There is no upstream for target {target}."));
                        if let Err(misuse) = driver.exchange.fail(missing, &mut self.output) {
                            driver.exchange.refuse(misuse.into(), &mut self.output);
                        }
                        continue;
                    };
                    driver.upstream = Some(upstream.clone());
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
                        return self.into_response(head);
                    }
                }
                Step::Done => {
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
        if let Some(driver) = &response.body().driver {
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
        let ends_in_order = |driver: &Driver| {
            driver.is_idle()
                && driver.exchange.breaking_error().is_none()
                && driver.exchange.client().write_end(&self.output).is_none()
        };
        if self.driver.as_deref().is_some_and(|driver| !ends_in_order(driver)) {
            return Err(self);
        }
        let output = std::mem::take(&mut self.output);
        self.deliver_report();
        Ok(Bytes::from(output))
    }

    /// Ends the response as if the upstream had failed: the client gets the error in its dialect, and nothing after it.
    pub fn fail(&mut self, error: UpstreamError) {
        if let Some(driver) = self.driver.as_mut() {
            driver.phase = super::driver::DriverPhase::Idle;
            // The only misuse is that the response has ended already: then it stays as it is.
            let _ = driver.exchange.fail(error, &mut self.output);
        }
    }

    /// The diagnostics so far.
    pub fn diagnostics(&self) -> Diagnostics {
        self.driver.as_ref().map(|driver| driver.exchange.diagnostics()).unwrap_or_default()
    }

    fn deliver_report(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.finish();
        }
    }
}

impl Stream for ResponseBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let Some(driver) = this.driver.as_mut() else {
                let rest = std::mem::take(&mut this.output);
                return Poll::Ready((!rest.is_empty()).then(|| Ok(rest.into())));
            };
            ready!(driver.poll_store(cx));
            if !this.output.is_empty() {
                return Poll::Ready(Some(Ok(Bytes::from(std::mem::take(&mut this.output)))));
            }
            if driver.is_idle() {
                let breaking = driver.exchange.breaking_error();
                this.deliver_report();
                return Poll::Ready(breaking.map(Err));
            }
            if let Err(misuse) = ready!(driver.poll_read(cx, &mut this.output)) {
                return Poll::Ready(Some(Err(UpstreamError::transport(misuse.to_string()))));
            }
            driver.begin_pending_store();
        }
    }
}

/// A drop may happen while a panic unwinds: a second panic would end the process.
impl Drop for ResponseBody {
    fn drop(&mut self) {
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| self.deliver_report()));
    }
}
