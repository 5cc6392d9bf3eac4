//! An admitted request: held until its response ends, then its tokens are charged and its permit is free.

use super::decision::{Demand, Refused, Standing};
use super::named_key::NamedKey;
use super::output_estimate::SentBytes;
use super::shared::Lease;
use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as _;
use openai_shim_core::canonical::Usage;
use openai_shim_core::{Outcome, Report};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

/// An admitted request. All that belongs to its response share it; the last one that drops it ends the request.
#[derive(Debug)]
pub(crate) struct Admission {
    key: Arc<NamedKey>,
    demand: Demand,
    standing: Standing,
    /// At the server that admitted it; `None`: this process did.
    lease: Option<Lease>,
    sent: SentBytes,
    /// What the report said; empty: there was none.
    ended: OnceLock<Ended>,
}

/// How the exchange ended.
#[derive(Debug)]
struct Ended {
    usage: Option<Usage>,
    has_answer: bool,
    /// The client or the upstream broke the response off.
    is_cut: bool,
}

/// The most minutes of a limit that one response can use up.
const MAX_DEBT_MINUTES: u64 = 60;

impl Admission {
    /// Asks for an admission: at the server that replicas share, or here where there is none or it does not answer.
    pub(crate) async fn of(key: Arc<NamedKey>, demand: Demand) -> Result<Self, Refused> {
        let mut shared = None;
        if let Some(counters) = key.shared() {
            shared = counters.admit(key.name(), key.numbers(), demand).await;
            if shared.is_none() {
                counters.count_local_decision();
            }
        }
        let (decision, lease) = match shared {
            Some((decision, lease)) => (decision, Some(lease)),
            None => (key.decide(demand), None),
        };
        key.usage().count_decision(&decision);
        let standing = decision?;
        Ok(Self { key, demand, standing, lease, sent: SentBytes::default(), ended: OnceLock::new() })
    }

    /// What is left of the key's limits after this request.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Notes how the exchange ended. The first report counts.
    pub(crate) fn record(&self, report: &Report) {
        let has_answer = match report.outcome {
            Outcome::Complete
            | Outcome::Length
            | Outcome::Refused
            | Outcome::Filtered
            | Outcome::Unknown
            | Outcome::Cancelled => true,
            Outcome::Truncated => report.is_stream,
            _ => false,
        };
        let is_cut = matches!(report.outcome, Outcome::Cancelled | Outcome::Truncated);
        let _ = self.ended.set(Ended { usage: report.usage, has_answer, is_cut });
    }

    /// Counts what is sent of a response that a model writes: its tokens are estimated from that where the upstream counts none.
    pub(crate) fn count_response(self: Arc<Self>, response: Response) -> Response {
        response.map(|body| match body.size_hint().exact() {
            Some(length) => {
                self.sent.add_document(length);
                body
            }
            None => Body::from_stream(SentBody { source: body.into_data_stream(), admission: Some(self) }),
        })
    }

    /// The tokens of the prompt and of the response.
    fn used(&self) -> (u64, u64) {
        let Some(Ended { usage, has_answer, is_cut }) = self.ended.get() else { return (0, 0) };
        match usage {
            None if !has_answer => (0, 0),
            None => (self.demand.input, self.sent.tokens()),
            Some(usage) => {
                let input = usage.input.unwrap_or(self.demand.input);
                // What an upstream counted of a response that was cut is what it had counted when it began.
                let sent = if *is_cut { self.sent.tokens() } else { 0 };
                (input, usage.output.map_or_else(|| self.sent.tokens(), |output| output.max(sent)))
            }
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let (input, output) = self.used();
        if output > 0 {
            self.key.expect(output);
        }
        self.key.usage().count_end(input, output);
        // An upstream that counts nonsense must not lock the key for good.
        let most = self.key.numbers().tokens.map_or(u64::MAX, |limit| limit.saturating_mul(MAX_DEBT_MINUTES));
        let used = input.saturating_add(output).min(most);
        match (self.lease, self.key.shared()) {
            (Some(lease), Some(shared)) => {
                shared.settle_later(self.key.name(), self.key.numbers(), lease, used);
            }
            _ => self.key.settle(self.demand, used),
        }
    }
}

/// A response whose bytes are counted. It holds the admission until it ends.
struct SentBody {
    source: BodyDataStream,
    admission: Option<Arc<Admission>>,
}

impl Stream for SentBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = ready!(Pin::new(&mut self.source).poll_next(cx));
        match (&polled, &self.admission) {
            (Some(Ok(chunk)), Some(admission)) => admission.sent.add_chunk(chunk),
            _ => self.admission = None,
        }
        Poll::Ready(polled)
    }
}
