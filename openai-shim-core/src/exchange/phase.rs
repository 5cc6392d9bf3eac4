//! [`ExchangePhase`]: where an exchange stands, with the data of each phase; names the misuse in a call that is not due.

use super::carry_over::PendingRequest;
use super::transcoder::Transcoder;
use crate::error::Misuse;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Where an exchange stands.
#[derive(Debug)]
pub(super) enum ExchangePhase {
    /// `next` returns `Step::Load`.
    NeedsState(Box<PendingRequest>),
    /// `Step::Load` was returned; `provide` is due.
    LoadingState(Box<PendingRequest>),
    /// `next` returns `Step::Send`.
    ReadyToSend { wait: Duration },
    /// The request was sent; `head` or `fail` is due.
    AwaitingHead,
    /// The response has begun; `push`, `finish` or `fail` is due.
    Receiving(ReceivedResponse),
    /// The exchange is over.
    Done,
}

/// The upstream's response to one attempt, as far as it was received.
#[derive(Debug)]
pub(super) enum ReceivedResponse {
    /// Its status is an error.
    Error { status: StatusCode, headers: HeaderMap, body: Vec<u8> },
    /// It is collected until it is complete: the client gets one document, or choices are requested one by one.
    Document { body: Vec<u8> },
    /// It is passed on event by event.
    Stream(Box<Transcoder>),
    /// The attempt has ended before its response: the remaining bytes are ignored.
    Ignored(AttemptEnd),
}

/// What follows the end of an attempt.
#[derive(Debug)]
pub(super) enum AttemptEnd {
    /// Another request is to be sent.
    SendAgain { wait: Duration },
    /// Another request is to be sent, which needs state.
    LoadState(Box<PendingRequest>),
    /// The client's response is complete.
    Done,
}

impl ExchangePhase {
    /// The misuse in calling the method of this name in this phase.
    pub(super) fn misuse(&self, called: &'static str) -> Misuse {
        match self {
            Self::NeedsState(_) | Self::LoadingState(_) => Misuse::StateNotProvided { called },
            Self::ReadyToSend { .. } => Misuse::RequestNotSent { called },
            Self::AwaitingHead => Misuse::HeadMissing { called },
            Self::Receiving(_) => Misuse::HeadRepeated,
            Self::Done => Misuse::ExchangeEnded { called },
        }
    }
}

impl From<AttemptEnd> for ExchangePhase {
    fn from(end: AttemptEnd) -> Self {
        match end {
            AttemptEnd::SendAgain { wait } => Self::ReadyToSend { wait },
            AttemptEnd::LoadState(pending) => Self::NeedsState(pending),
            AttemptEnd::Done => Self::Done,
        }
    }
}
