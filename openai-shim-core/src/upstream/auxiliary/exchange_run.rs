//! Drives an [`AuxiliaryExchange`] over an upstream: sends its requests and waits between attempts until its response is known.

use super::queries::{Queries, returned_headers};
use super::resources::Resources;
use crate::dialect::media::EncodedBody;
use crate::error::Error;
use crate::exchange::{AuxiliaryExchange, AuxiliaryStep, Report};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

/// What an auxiliary exchange ended with.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuxiliaryAnswer {
    /// The client's response.
    pub result: Result<EncodedBody, Error>,
    /// What happened.
    pub report: Report,
    /// The headers of the last successful response that the client gets.
    pub headers: HeaderMap,
}

impl<R: Resources> Queries<'_, R> {
    /// Sends an exchange's requests until its response is known. `headers` go with each of them; `request_bytes`: the length of the
    /// client's request.
    pub async fn run(
        &self,
        mut exchange: Box<AuxiliaryExchange>,
        headers: HeaderMap,
        request_bytes: usize,
    ) -> AuxiliaryAnswer {
        let mut returned = HeaderMap::new();
        while let AuxiliaryStep::Send { path, body, after } = exchange.next() {
            if !after.is_zero() {
                self.upstream.pause(after).await;
            }
            // The limit is for the client's response, which several responses of the upstream may become.
            let collected = exchange.collected_bytes();
            let mut work_bytes = request_bytes.max(collected);
            let sent = self.send(&path, headers.clone(), body, collected).await;
            if let Ok((head, answer)) = &sent {
                work_bytes = work_bytes.max(answer.len());
                if head.status.is_success() {
                    returned = returned_headers(&head.headers);
                    returned.remove(CONTENT_LENGTH);
                    returned.remove(CONTENT_TYPE);
                }
            }
            let work = move || {
                match sent {
                    Ok((head, answer)) => exchange.answer(head.status, &head.headers, &answer),
                    Err(error) => exchange.fail(error),
                }
                exchange
            };
            exchange = self.resources.run(work_bytes, work).await;
        }
        let (result, report) = exchange.finish();
        AuxiliaryAnswer { result, report, headers: returned }
    }
}
