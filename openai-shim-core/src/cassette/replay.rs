//! [`ReplayUpstream`]: answers requests with recorded responses, byte for byte and cut for cut.

use super::conversation::Conversation;
use super::playback::header_map;
use super::{Cassette, RecordedAttempt, RecordedFailure};
use crate::canonical::Diagnostics;
use crate::dialect::Dialect;
use crate::error::UpstreamError;
use crate::json::{Object, encode_string};
use crate::upstream::{Upstream, UpstreamBody};
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::{StatusCode, header};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

/// An upstream of one dialect that plays recordings.
///
/// A recording is found by its conversation, its model and whether it streams; not by how the request is written, so that a recording
/// of one client's request answers those of others. Of several the next in order is played, and after the last the first again. A
/// request that none fits gets the status 501 with an error that names the nearest.
///
/// ```
/// use openai_shim_core::cassette::{Cassette, ReplayUpstream};
/// use openai_shim_core::{dialect, profile, Shim, upstream::BuildError};
/// # fn example(cassette: Cassette) -> Result<(), Box<dyn std::error::Error>> {
///
/// // Clients of every dialect get what was recorded.
/// let upstream = ReplayUpstream::new(dialect("openai-chat")?, [(String::from("hello"), cassette)]);
/// let builder = Shim::builder(upstream, profile("vllm")?);
/// assert_eq!(builder.build().unwrap_err(), BuildError::NoClock); // it needs more
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReplayUpstream {
    dialect: Dialect,
    recordings: Vec<Recording>,
    /// How often each recording was played.
    played: Mutex<Vec<usize>>,
}

#[derive(Debug)]
struct Recording {
    /// The cassette's name, for messages.
    name: String,
    conversation: Conversation,
    attempt: RecordedAttempt,
}

impl ReplayUpstream {
    /// Plays the attempts of named cassettes to ask an upstream of this dialect; the others are left out.
    pub fn new(dialect: Dialect, cassettes: impl IntoIterator<Item = (String, Cassette)>) -> Self {
        let mut recordings = Vec::new();
        for (name, cassette) in cassettes {
            let of_dialect = |attempt: &RecordedAttempt| {
                attempt.upstream.as_ref().map_or(cassette.upstream, |upstream| upstream.dialect) == dialect
            };
            for attempt in cassette.attempts.into_iter().filter(of_dialect) {
                if let Some(conversation) =
                    conversation(dialect, &attempt.request.path, &attempt.request.body)
                {
                    recordings.push(Recording { name: name.clone(), conversation, attempt });
                }
            }
        }
        let played = Mutex::new(vec![0; recordings.len()]);
        Self { dialect, recordings, played }
    }

    /// The models of the recordings, each once, in order.
    pub fn models(&self) -> Vec<&str> {
        let mut models: Vec<&str> = Vec::new();
        for recording in &self.recordings {
            let model = recording.conversation.model.as_str();
            if !model.is_empty() && !models.contains(&model) {
                models.push(model);
            }
        }
        models
    }

    /// The recording that is played next for a conversation: the first of those that were played least.
    fn find(&self, conversation: &Conversation) -> Option<&RecordedAttempt> {
        let mut played = self.played.lock().ok()?;
        let fitting = self.recordings.iter().zip(played.iter_mut());
        let fitting = fitting.filter(|(recording, _)| recording.conversation == *conversation);
        let (recording, count) = fitting.min_by_key(|(_, count)| **count)?;
        *count += 1;
        Some(&recording.attempt)
    }

    /// Says what the nearest recording has that the request has not.
    fn explain(&self, wanted: &Conversation) -> String {
        let rank = |recording: &&Recording| {
            let conversation = &recording.conversation;
            let is_same = (conversation.model == wanted.model, conversation.is_stream == wanted.is_stream);
            (conversation.common_turns(wanted), is_same)
        };
        // Of several that are equally near, the first.
        let Some(nearest) = self.recordings.iter().rev().max_by_key(rank) else {
            return format!("There is no recording of an upstream of {}.", self.dialect.name());
        };
        let (name, found) = (&nearest.name, &nearest.conversation);
        let difference = match found.common_turns(wanted) {
            common if common < found.turns.len().max(wanted.turns.len()) => {
                let says = |conversation: &Conversation| match conversation.turns.get(common) {
                    Some(turn) => format!("{} \"{}\"", turn.speaker, turn.excerpt),
                    None => String::from("nothing"),
                };
                format!("at turn {} it has {}, the request has {}", common + 1, says(found), says(wanted))
            }
            _ if found.model != wanted.model => {
                format!("it is of the model \"{}\", the request is for \"{}\"", found.model, wanted.model)
            }
            _ if found.is_stream => String::from("it is a stream, the request is for a whole response"),
            _ => String::from("it is a whole response, the request is for a stream"),
        };
        format!("No recording fits the request. The nearest is {name}: {difference}.")
    }

    fn respond(&self, path: &str, body: &Bytes) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let Some(wanted) = conversation(self.dialect, path, body) else {
            return Ok(not_recorded("The request cannot be read, so that no recording can be found for it."));
        };
        let Some(attempt) = self.find(&wanted) else {
            return Ok(not_recorded(&self.explain(&wanted)));
        };
        let Some(recorded) = &attempt.response else { return Err(attempt.error()) };
        let failure = attempt.failure.as_ref().map(RecordedFailure::to_error);
        let chunks = recorded.chunks.iter().map(|chunk| Ok(chunk.bytes.clone()));
        let chunks = PlayedChunks(chunks.chain(failure.map(Err)).collect());
        let mut response = http::Response::new(UpstreamBody::Stream(Box::pin(chunks)));
        *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = header_map(&recorded.headers);
        Ok(response)
    }

    /// The model list in OpenAI's form, which model lists of every dialect are read from.
    fn model_list(&self) -> http::Response<UpstreamBody> {
        let models = self.models().into_iter().map(|model| {
            let mut item = Object::new();
            item.set("id", encode_string(model));
            item.set("object", encode_string("model"));
            item.to_json()
        });
        let list = models.collect::<Vec<_>>().join(",");
        json(StatusCode::OK, format!(r#"{{"object":"list","data":[{list}]}}"#))
    }
}

#[async_trait]
impl Upstream for ReplayUpstream {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        if request.method() == http::Method::GET {
            return Ok(self.model_list());
        }
        let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        self.respond(path, request.body())
    }
}

fn conversation(dialect: Dialect, path: &str, body: &Bytes) -> Option<Conversation> {
    let request = dialect.decode_request(path, body, &mut Diagnostics::default()).ok()?;
    Some(Conversation::new(&request))
}

fn not_recorded(message: &str) -> http::Response<UpstreamBody> {
    let error = format!(
        r#"{{"error":{{"message":{},"type":"not_recorded","param":null,"code":"not_recorded"}}}}"#,
        encode_string(message)
    );
    json(StatusCode::NOT_IMPLEMENTED, error)
}

fn json(status: StatusCode, body: String) -> http::Response<UpstreamBody> {
    let mut response = http::Response::new(UpstreamBody::Complete(body.into()));
    *response.status_mut() = status;
    let content_type = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// The chunks of a recording, each on its own.
struct PlayedChunks(VecDeque<Result<Bytes, UpstreamError>>);

impl Stream for PlayedChunks {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}
