//! Layer 7: one client request and everything done for it, without input or output of its own.
//!
//! ```text
//!               next() = Send ────► you send it to the target
//!                   ▲                       │
//!  retry, or the    │                       ▼ next() = Await
//!  next target      │          head(status, headers)    or fail(error)
//!                   │          push(chunk, out) …       or fail(error)
//!                   └───────── finish(out)
//!                                   │
//!                                   ▼ next() = Done, into_report()
//! ```
//!
//! [`Exchange`] has the order of its calls and a run loop.
//!
//! From the bottom up: `session` holds the data of an exchange; `adapt` changes a refused request; `failed_attempt`
//! decides what follows a failure; `streaming` and `non_streaming` write the client's response; this file has the phases'
//! transitions.

mod accessors;
mod adapt;
mod answer_media;
mod auxiliary;
mod call_arguments;
mod carry_over;
mod client_request;
mod closing_tags;
mod conversation_start;
mod debug_report;
mod edited_request;
mod failed_attempt;
mod failover;
mod frame_intake;
mod further_targets;
mod headers;
mod inline_reasoning;
mod listed_texts;
mod lone_surrogates;
mod non_streaming;
mod phase;
mod reasoning_probe;
mod report;
mod request_info;
mod request_kind;
mod sequential_choices;
mod session;
mod settings;
mod shared_profile;
mod step;
mod streaming;
mod target;
mod tool_names;
mod transcoder;
mod upstream_request;

pub use crate::error::Misuse;
pub use client_request::ClientRequest;
pub(crate) use listed_texts::{ReadTexts, TextsForm};
pub use report::{AttemptReport, Report};
pub use request_info::RequestInfo;
pub use request_kind::RequestKind;
pub use settings::{Fallback, FallbackPolicy, LossPolicy, Retry, Settings};
pub use shared_profile::SharedProfile;
pub use step::{ResponseHead, Step};
pub use target::{Target, Targets};

internals! {
    use auxiliary::{AuxiliaryCall, AuxiliaryExchange, AuxiliaryStep, EmbeddingsCall, MediaCall, RerankCall};
}

use crate::canonical::Context;
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::profile::Profile;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use phase::{AttemptEnd, ExchangePhase, ReceivedResponse};
use session::Session;
use std::time::Duration;

/// How much of an error response is read: its message stands at the beginning.
const MAX_ERROR_BODY_BYTES: usize = 1 << 20;

/// One client request and everything done for it, without input or output of its own: bytes in, bytes out.
///
/// It is started with a [`ClientRequest`] and one or several [`Target`]s. Then the caller takes its steps. Its methods are of four
/// groups:
///
/// | group | methods |
/// |-|-|
/// | ask what to do | [`next`](Self::next) |
/// | tell what came of it | [`provide`](Self::provide), [`head`](Self::head), [`push`](Self::push), [`finish`](Self::finish), [`fail`](Self::fail) |
/// | at any time | [`set_elapsed`](Self::set_elapsed), [`note_state_error`](Self::note_state_error), [`set_has_other_key`](Self::set_has_other_key) |
/// | read, at any time | [`response_head`](Self::response_head), [`is_over`](Self::is_over), [`has_failed`](Self::has_failed), [`diagnostics`](Self::diagnostics), [`report`](Self::report), [`into_report`](Self::into_report) |
///
/// # Order
/// Each call decides which ones may follow it. Any other call returns a [`Misuse`] and changes nothing.
///
/// | after | call |
/// |-|-|
/// | `start` | `next` |
/// | `next` = [`Step::Load`] | `provide`, with as many values as there are keys |
/// | `next` = [`Step::Send`] | `head`, or `fail` if the upstream could not be reached |
/// | `head`, `push` | `push`, `finish`, or `fail` if the response breaks off |
/// | `provide`, `finish`, `fail`, `next` = [`Step::Store`] | `next` |
/// | `next` = [`Step::Done`] | nothing: the exchange is over |
///
/// While an answer is due, `next` returns [`Step::Await`].
///
/// # Invariants
/// - Nothing is appended to `out` before the head of the client's response is known ([`response_head`](Self::response_head)): until
///   the first meaningful event an empty, broken or failed response can be requested again, from the same target or the next one.
/// - Once there is a head, nothing is sent any more.
/// - The number of [`Step::Send`]s is bounded: by the targets and their keys, [`Retry::attempts`], a few adaptations, and the choices
///   that are requested one by one.
/// - [`Step::Load`] and [`Step::Store`] come only for a request with an [owner](ClientRequest::with_owner).
/// - Bytes may be cut anywhere: the same bytes give the same output.
/// - After [`is_over`](Self::is_over) nothing that the upstream may still send matters.
///
/// # A run loop
/// ```
/// use openai_shim_core::exchange::{ClientRequest, Exchange, Settings, Step, Target};
/// use openai_shim_core::{dialect, profile, Context, UpstreamError};
/// # fn send(target: usize, _: http::Request<bytes::Bytes>) -> std::io::Result<http::Response<Vec<Vec<u8>>>> {
/// #     if target == 0 { return Err(std::io::Error::other("no route to host")); }
/// #     Ok(http::Response::new(vec![br#"{"choices":[{"message":"#.to_vec(), br#"{"content":"hello"}}]}"#.to_vec()]))
/// # }
/// let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("openai-chat")?, "/v1/chat/completions", body.into())?;
/// let targets = [Target::new(profile("vllm")?), Target::new(profile("groq")?).with_model("llama-3.3-70b-versatile")];
/// let mut exchange = Exchange::start(request, targets, Settings::default(), Context::fixed())?;
/// let mut out = Vec::new(); // what the client gets, after the status and headers in `response_head`
/// loop {
///     match exchange.next() {
///         Step::Load(keys) => exchange.provide(vec![None; keys.len()])?, // no store: nothing is found
///         Step::Store(_entries) => {}
///         Step::Send { request, after, target, .. } => {
///             std::thread::sleep(after);
///             match send(target, request) {
///                 Ok(response) => {
///                     exchange.head(response.status(), response.headers())?;
///                     for chunk in response.into_body() {
///                         exchange.push(&chunk, &mut out)?;
///                     }
///                     exchange.finish(&mut out)?;
///                 }
///                 Err(error) => exchange.fail(UpstreamError::transport(error.to_string()), &mut out)?,
///             }
///         }
///         Step::Await | Step::Done => break,
///     }
/// }
/// assert_eq!(exchange.response_head().map(|head| head.status), Some(http::StatusCode::OK));
/// let report = exchange.into_report();
/// assert_eq!(report.attempts.len(), 2); // the first target could not be reached
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    session: Session,
    phase: ExchangePhase,
}

impl Exchange {
    /// Reads the client's body and prepares the upstream's request, with default settings.
    ///
    /// # Errors
    /// The client's fault ([`Error::Client`]), to be written with the dialect's `encode_error`.
    pub fn new(client: Dialect, profile: Profile, context: Context, body: &[u8]) -> Result<Self, Error> {
        let client_request = ClientRequest::read(client, "", Bytes::copy_from_slice(body))?;
        Self::start(client_request, profile, Settings::default(), context)
    }

    /// Prepares the request for the first of the targets that takes it. A program with many requests for one upstream keeps a
    /// [`SharedProfile`], so that what follows from the profile is computed once.
    ///
    /// # Errors
    /// [`Error::Client`], or in strict mode [`Error::Unsupported`].
    pub fn start(
        client_request: ClientRequest,
        targets: impl Into<Targets>,
        settings: Settings,
        context: Context,
    ) -> Result<Self, Error> {
        let started = Session::start(client_request, targets.into().into_queue(), settings, context)?;
        let phase = match started.pending {
            Some(pending) => ExchangePhase::NeedsState(pending),
            None => ExchangePhase::ReadyToSend { wait: Duration::ZERO },
        };
        Ok(Self { session: started.session, phase })
    }

    /// Returns what to do next. After [`Step::Send`] the exchange waits for [`head`](Self::head) or [`fail`](Self::fail);
    /// call `next` again after [`finish`](Self::finish) and [`fail`](Self::fail).
    #[allow(clippy::should_implement_trait)] // `next` is the word for it, and this is no iterator
    pub fn next(&mut self) -> Step {
        if let Some(entries) = self.take_entries() {
            return Step::Store(entries);
        }
        let wait = match std::mem::replace(&mut self.phase, ExchangePhase::Done) {
            ExchangePhase::ReadyToSend { wait }
            | ExchangePhase::Receiving(ReceivedResponse::Ignored(AttemptEnd::SendAgain { wait })) => wait,
            ExchangePhase::NeedsState(pending)
            | ExchangePhase::LoadingState(pending)
            | ExchangePhase::Receiving(ReceivedResponse::Ignored(AttemptEnd::LoadState(pending))) => {
                let keys = pending.keys().to_vec();
                self.phase = ExchangePhase::LoadingState(pending);
                return Step::Load(keys);
            }
            ExchangePhase::Receiving(ReceivedResponse::Ignored(AttemptEnd::Done)) | ExchangePhase::Done => {
                return Step::Done;
            }
            waiting @ (ExchangePhase::AwaitingHead | ExchangePhase::Receiving(_)) => {
                self.phase = waiting;
                return Step::Await;
            }
        };
        self.phase = ExchangePhase::AwaitingHead;
        self.session.attempt += 1;
        let target = self.session.target_index;
        self.session.report.attempts.push(AttemptReport { target, ..AttemptReport::default() });
        Step::Send { request: self.session.request.clone(), after: wait, target }
    }

    /// Answers [`Step::Load`] with a value for each key, in the same order, `None` where there is none. Then the request is
    /// prepared.
    ///
    /// # Errors
    /// [`Error::Misuse`] if [`Step::Load`] was not the last step, or for another number of values: then nothing has
    /// changed. Else what [`start`](Self::start) reports of a request without state, after which the exchange is over.
    pub fn provide(&mut self, values: Vec<Option<Bytes>>) -> Result<(), Error> {
        let pending = match std::mem::replace(&mut self.phase, ExchangePhase::Done) {
            ExchangePhase::LoadingState(pending) if pending.keys().len() == values.len() => pending,
            other => {
                let misuse = match &other {
                    ExchangePhase::LoadingState(pending) => {
                        Misuse::WrongNumberOfValues { expected: pending.keys().len(), provided: values.len() }
                    }
                    _ => Misuse::LoadNotPending,
                };
                self.phase = other;
                return Err(misuse.into());
            }
        };
        self.phase = match self.session.prepare_with_state(*pending, &values) {
            Ok(()) => ExchangePhase::ReadyToSend { wait: Duration::ZERO },
            Err(error) => self.session.next_target().ok_or(error)?.into(),
        };
        Ok(())
    }

    /// Reports that the store of state is absent or failed, at [`Step::Load`] or [`Step::Store`]: this adds a diagnostic and
    /// is no error. At a load, [`provide`](Self::provide) `None` for each key.
    pub fn note_state_error(&mut self, detail: &str) {
        self.session.record_store_failure(detail);
    }

    /// Takes the status and headers of the upstream's response.
    ///
    /// # Errors
    /// [`Misuse`] unless a request was sent whose response has not begun.
    pub fn head(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Misuse> {
        if !matches!(self.phase, ExchangePhase::AwaitingHead) {
            return Err(self.phase.misuse("head"));
        }
        let session = &mut self.session;
        session.report.upstream_status = Some(status.as_u16());
        if let Some(attempt) = session.report.attempts.last_mut() {
            attempt.status = Some(status.as_u16());
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        session.content_type = content_type.map(str::to_ascii_lowercase);
        session.upstream_headers = headers::response_headers(headers, session.client, session.upstream);
        if status.is_success() {
            session.confirm_adaptations();
        }
        let response = if !status.is_success() {
            ReceivedResponse::Error { status, headers: headers.clone(), body: Vec::new() }
        } else if session.passes_events_on() {
            ReceivedResponse::Stream(Box::new(session.transcoder()))
        } else {
            ReceivedResponse::Document { body: Vec::new() }
        };
        self.phase = ExchangePhase::Receiving(response);
        Ok(())
    }

    /// Takes bytes of the response, and appends to `out` what the client may have by now. An attempt may end here, for
    /// instance at a limit ([`has_failed`](Self::has_failed)); then the remaining bytes of its response are ignored.
    ///
    /// # Errors
    /// [`Misuse`] before [`head`](Self::head), and after [`finish`](Self::finish) or [`fail`](Self::fail).
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        let ExchangePhase::Receiving(response) = &mut self.phase else {
            return Err(self.phase.misuse("push"));
        };
        let max_body_bytes = self.session.settings.max_body_bytes;
        let pushed = match response {
            ReceivedResponse::Stream(transcoder) => self.session.push_stream(transcoder, chunk, out),
            ReceivedResponse::Document { body } if body.len() + chunk.len() > max_body_bytes => {
                let message = format!("The upstream's answer is larger than {max_body_bytes} bytes.");
                Err(UpstreamError::TooLarge { message })
            }
            ReceivedResponse::Document { body } => {
                body.extend_from_slice(chunk);
                Ok(())
            }
            ReceivedResponse::Error { body, .. } => {
                let room = MAX_ERROR_BODY_BYTES.saturating_sub(body.len());
                body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
                Ok(())
            }
            ReceivedResponse::Ignored(_) => Ok(()),
        };
        if let Err(error) = pushed {
            let end = self.abort(error, out);
            self.phase = ExchangePhase::Receiving(ReceivedResponse::Ignored(end));
        }
        Ok(())
    }

    /// Ends the response. [`next`](Self::next) returns whether another request is to be sent.
    ///
    /// # Errors
    /// [`Misuse`] before [`head`](Self::head), and after [`finish`](Self::finish) or [`fail`](Self::fail).
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let response = match std::mem::replace(&mut self.phase, ExchangePhase::Done) {
            ExchangePhase::Receiving(response) => response,
            other => {
                self.phase = other;
                return Err(self.phase.misuse("finish"));
            }
        };
        let start = out.len();
        let was_ignored = matches!(response, ReceivedResponse::Ignored(_));
        let end = self.end_response(response, out);
        if !was_ignored && matches!(end, AttemptEnd::Done) {
            debug_report::append_report(&self.session, start, out);
        }
        self.phase = end.into();
        Ok(())
    }

    /// Ends an attempt whose upstream could not be reached, or whose response broke off.
    ///
    /// # Errors
    /// [`Misuse`] unless a request was sent whose response has not ended.
    pub fn fail(&mut self, error: UpstreamError, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if !matches!(self.phase, ExchangePhase::AwaitingHead | ExchangePhase::Receiving(_)) {
            return Err(self.phase.misuse("fail"));
        }
        self.phase = self.abort(error, out).into();
        Ok(())
    }

    /// Ends a response that was received completely.
    fn end_response(&mut self, response: ReceivedResponse, out: &mut Vec<u8>) -> AttemptEnd {
        let session = &mut self.session;
        match response {
            ReceivedResponse::Error { status, headers, body } => {
                let diagnostics = &mut session.report.diagnostics;
                let error = session.upstream.decode_error(status, &headers, &body, diagnostics);
                session.end_failed_attempt(error, out)
            }
            ReceivedResponse::Document { body } => session.end_document(&body, out),
            ReceivedResponse::Stream(mut transcoder) => {
                transcoder.finish(session.stream_output(out));
                session.end_stream(&transcoder, out)
            }
            ReceivedResponse::Ignored(end) => end,
        }
    }

    /// Ends an attempt before its response is complete.
    fn abort(&mut self, error: UpstreamError, out: &mut Vec<u8>) -> AttemptEnd {
        let start = out.len();
        let session = &mut self.session;
        let end = match std::mem::replace(&mut self.phase, ExchangePhase::Done) {
            ExchangePhase::Receiving(ReceivedResponse::Ignored(end)) => return end,
            ExchangePhase::Receiving(ReceivedResponse::Stream(mut transcoder)) => {
                // What was complete before the failure stays complete.
                if transcoder.is_over() {
                    transcoder.finish(session.stream_output(out));
                } else {
                    transcoder.fail(&error, session.stream_output(out));
                }
                session.end_stream(&transcoder, out)
            }
            _ => session.end_failed_attempt(error, out),
        };
        if matches!(end, AttemptEnd::Done) {
            debug_report::append_report(&self.session, start, out);
        }
        end
    }

    /// Ends an exchange whose request cannot be prepared or sent: the client gets the error.
    pub(crate) fn refuse(&mut self, error: Error, out: &mut Vec<u8>) {
        self.session.respond_with_error(error, out);
        self.phase = ExchangePhase::Done;
    }
}
