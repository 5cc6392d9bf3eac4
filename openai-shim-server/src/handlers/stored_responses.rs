//! Stored responses for upstreams that store none: history for requests that continue from one, and the recording of responses on
//! their way to the client.

use crate::app_state::AppState;
use crate::http::responses;
use crate::request_meta::RequestMeta;
use crate::routing::targets::RoutedModel;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body::Body as _;
use openai_shim_core::Error;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::{StoredResponsePart, StoredResponsesApi};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::state::Owner;
use openai_shim_core::upstream::{
    LoadedResponses, ResponseRecorder, StoreFuture, StoredAnswer, StoredResponses, stores_responses,
};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The entries that a request refers to, or the error of the store.
pub(crate) type Loaded = Result<LoadedResponses, Error>;

/// The responses of an owner; `None`: the dialect has no stored responses.
pub(crate) fn of_owner(app: &AppState, dialect: Dialect, owner: &Owner) -> Option<StoredResponses> {
    StoredResponses::new(dialect, app.store.clone(), owner.clone())
}

/// Inserts the history that a request continues from, and creates the recorder of its response. An upstream of the same
/// dialect stores responses itself.
pub(crate) fn resolve(
    app: &AppState,
    dialect: Dialect,
    routed: &RoutedModel,
    meta: &RequestMeta,
    path: &str,
    client_request: ClientRequest,
    (body, loaded): (&Bytes, Option<Loaded>),
) -> Result<(ClientRequest, Option<ResponseRecorder>), Error> {
    let Some(stored) = of_owner(app, dialect, &meta.owner)
        .filter(|_| !is_stored_upstream(app, routed, dialect, client_request.model()))
    else {
        return Ok((client_request, None));
    };
    let Some(loaded) = loaded else { return Ok((client_request, stored.recorder(body))) };
    let body = stored.with_history(body, &loaded?)?;
    let recorder = stored.recorder(&body);
    Ok((ClientRequest::read(dialect, path, body)?, recorder))
}

/// Whether the upstream stores the responses of a model. Those of a model with several targets are stored here: a target does not know
/// what another one has stored.
fn is_stored_upstream(app: &AppState, routed: &RoutedModel, dialect: Dialect, model: &str) -> bool {
    let RoutedModel::Upstream(selected) = routed else { return false };
    let served = app.upstreams.get(selected.upstream);
    served.is_some_and(|served| stores_responses(&served.config.profile, dialect, model))
}

/// Wraps a response so that it is stored when it is complete.
pub(crate) fn record(mut recorder: ResponseRecorder, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    response.map(|body| {
        recorder.set_length(body.size_hint().exact());
        Body::from_stream(RecordedBody { source: body.into_data_stream(), recorder, storing: None })
    })
}

/// Answers a request for a stored response: returns a part of it, or deletes it if `part` is `None`. The result is `None` if
/// the response is not stored here but may be stored at an upstream.
pub(crate) async fn answer(
    app: &AppState,
    dialect: Dialect,
    api: &dyn StoredResponsesApi,
    part: Option<StoredResponsePart>,
    meta: &RequestMeta,
    id: &str,
) -> Option<Result<Response, Error>> {
    match of_owner(app, dialect, &meta.owner)?.answer(part, id, &meta.query).await {
        Ok(Some(StoredAnswer::Events(events))) => Some(Ok(responses::event_stream(events))),
        Ok(Some(StoredAnswer::Document(body))) => Some(Ok(responses::json(StatusCode::OK, body))),
        Ok(None) => {
            let is_unknown = id.contains('/') || storing_upstream(app, dialect).is_none();
            is_unknown.then(|| Err(Error::Client(api.unknown_response(id))))
        }
        Err(error) => Some(Err(error)),
    }
}

/// The index of the upstream that may have responses which are not stored here.
pub(crate) fn storing_upstream(app: &AppState, dialect: Dialect) -> Option<usize> {
    app.upstreams.iter().position(|served| stores_responses(&served.config.profile, dialect, ""))
}

/// A body whose last bytes wait until the response is stored: the client may refer to it as soon as it has them.
struct RecordedBody<S> {
    source: S,
    recorder: ResponseRecorder,
    /// The response is being stored; the chunk waits for that, `None` at the end of the body.
    storing: Option<(StoreFuture, Option<Bytes>)>,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for RecordedBody<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some((work, chunk)) = &mut self.storing {
                let stored = ready!(work.as_mut().poll(cx));
                let chunk = chunk.take();
                self.storing = None;
                if let Err(error) = stored {
                    tracing::warn!(error = error.message, "a response could not be kept");
                }
                return Poll::Ready(chunk.map(Ok));
            }
            let (work, chunk) = match ready!(Pin::new(&mut self.source).poll_next(cx)) {
                Some(Ok(chunk)) => (self.recorder.push(&chunk), Some(chunk)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => (self.recorder.finish(), None),
            };
            match work {
                Some(work) => self.storing = Some((work, chunk)),
                None => return Poll::Ready(chunk.map(Ok)),
            }
        }
    }
}
