//! Records exchanges as cassettes: `openai-shim record`.

use crate::cassettes::EXTENSION;
use crate::clock;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use openai_shim_core::Upstream;
use openai_shim_core::cassette::{
    Cassette, RecordedChunk, RecordedRequest, RecordedResponse, RecordedUpstream, RecordingUpstream,
    recorded_headers,
};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// Writes a file for each exchange into one folder.
#[derive(Debug)]
pub(crate) struct Recorder {
    folder: PathBuf,
    /// The number of the last file.
    count: Arc<AtomicUsize>,
    /// The configured keys, which stand in no file.
    secrets: Vec<String>,
}

impl Recorder {
    /// Continues the numbers of the files that are there.
    pub(crate) fn new(folder: PathBuf, secrets: Vec<String>) -> Self {
        let number = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.ok()?.file_name();
            name.to_string_lossy().split('-').next()?.parse().ok()
        };
        let last = std::fs::read_dir(&folder).into_iter().flatten().filter_map(number).max();
        Self { folder, count: Arc::new(AtomicUsize::new(last.unwrap_or(0))), secrets }
    }

    /// The same recorder under a configuration with other keys.
    pub(crate) fn with_secrets(&self, secrets: Vec<String>) -> Self {
        Self { folder: self.folder.clone(), count: self.count.clone(), secrets }
    }

    /// Begins the recording of an exchange. The file is written when everything that records into it is dropped.
    pub(crate) fn begin(self: &Arc<Self>, cassette: Cassette, model: &str) -> Recording {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let model: String = model.chars().map(|c| if is_plain(c) { c } else { '-' }).take(60).collect();
        let name = format!("{number:04}-{}-{model}.{EXTENSION}", cassette.client.name());
        Recording(Arc::new(CassetteFile {
            recorder: self.clone(),
            path: self.folder.join(name),
            started: clock::monotonic(),
            cassette: Mutex::new(cassette),
        }))
    }
}

/// The recording of one exchange.
#[derive(Clone)]
pub(crate) struct Recording(Arc<CassetteFile>);

struct CassetteFile {
    recorder: Arc<Recorder>,
    path: PathBuf,
    started: Duration,
    cassette: Mutex<Cassette>,
}

impl Recording {
    fn with(&self, record: impl FnOnce(&mut Cassette)) {
        if let Ok(mut cassette) = self.0.cassette.lock() {
            record(&mut cassette);
        }
    }

    /// Records what an upstream is asked and what it answers.
    pub(crate) fn record_traffic_of(
        &self,
        transport: Arc<dyn Upstream>,
        upstream: RecordedUpstream,
    ) -> Arc<dyn Upstream> {
        let recording = self.clone();
        let sink = move |attempt| recording.with(|cassette| cassette.push_attempt(upstream.clone(), attempt));
        Arc::new(RecordingUpstream::new(transport, sink))
    }

    /// Records the client's response.
    pub(crate) fn record_response(self, response: Response) -> Response {
        let headers = recorded_headers(response.headers());
        let recorded = RecordedResponse::new(response.status().as_u16(), headers);
        self.with(|cassette| cassette.response = Some(recorded));
        response
            .map(|body| Body::from_stream(RecordedBody { source: body.into_data_stream(), recording: self }))
    }
}

/// The client's request as a cassette has it.
pub(crate) fn recorded_request(
    method: &http::Method,
    path: &str,
    headers: &http::HeaderMap,
    body: &Bytes,
) -> RecordedRequest {
    let mut recorded = RecordedRequest::post(path, body.clone());
    method.as_str().clone_into(&mut recorded.method);
    recorded.headers = recorded_headers(headers);
    recorded
}

/// A response whose chunks are recorded as they are sent.
struct RecordedBody {
    source: axum::body::BodyDataStream,
    recording: Recording,
}

impl Stream for RecordedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.source).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            let at = clock::monotonic().saturating_sub(self.recording.0.started);
            self.recording.with(|cassette| {
                if let Some(response) = &mut cassette.response {
                    response.chunks.push(RecordedChunk { at, bytes: bytes.clone() });
                }
            });
        }
        polled
    }
}

/// The last one who records writes the file.
impl Drop for CassetteFile {
    fn drop(&mut self) {
        let Ok(cassette) = self.cassette.get_mut() else { return };
        let secrets: Vec<_> = self.recorder.secrets.iter().map(String::as_str).collect();
        let text = cassette.to_text(&secrets);
        match std::fs::write(&self.path, text) {
            Ok(()) => tracing::info!(file = %self.path.display(), "recorded"),
            Err(error) => tracing::error!(file = %self.path.display(), %error, "cannot write the recording"),
        }
    }
}
