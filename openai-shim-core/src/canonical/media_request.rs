//! Requests for speech, transcripts and pictures, whichever API they come from and go to. Fields have OpenAI's names where OpenAI
//! has them.

use crate::json::encode_string;
use std::sync::Arc;

/// A request for media, or for the text in them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MediaRequest {
    /// The model by the client's name for it.
    pub model: String,
    /// What is to be done.
    pub task: MediaTask,
}

impl MediaRequest {
    /// A request to a model.
    pub fn new(model: impl Into<String>, task: MediaTask) -> Self {
        Self { model: model.into(), task }
    }

    /// How many pictures are requested; 1 for everything else.
    pub fn count(&self) -> usize {
        match &self.task {
            MediaTask::Images(images) => images.count,
            MediaTask::Speech(_) | MediaTask::Transcription(_) => 1,
        }
    }
}

/// What a request for media wants.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaTask {
    /// A text is to be spoken.
    Speech(SpeechRequest),
    /// Speech is to be written down.
    Transcription(TranscriptionRequest),
    /// Pictures are to be made.
    Images(ImageRequest),
}

/// A text that is to be spoken.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SpeechRequest {
    /// The text.
    pub input: String,
    /// Who speaks it.
    pub voice_name: String,
    /// How it is to be spoken.
    pub instructions: Option<String>,
    /// How fast, if not at the usual speed (1).
    pub speed: Option<f64>,
    /// The format of the audio by OpenAI's name; `None`: the client named none.
    pub format: Option<String>,
    /// Whether the client wants events with parts of the audio.
    pub as_events: bool,
}

/// Speech that is to be written down.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TranscriptionRequest {
    /// The recording.
    pub audio: InputFile,
    /// Whether the text is to be English, whatever was spoken.
    pub into_english: bool,
    /// The language that is spoken.
    pub language: Option<String>,
    /// What the text is about, or what precedes it.
    pub prompt: Option<String>,
    /// The temperature of sampling.
    pub temperature: Option<f64>,
    /// The format of the answer by OpenAI's name.
    pub format: String,
    /// Whether the client wants events with parts of the text.
    pub as_events: bool,
}

/// Pictures that are to be made.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ImageRequest {
    /// What they show.
    pub prompt: String,
    /// Pictures that are to be changed.
    pub images: Vec<InputFile>,
    /// How many are to be made.
    pub count: usize,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// The ratio of width and height, in the upstream's words.
    pub aspect_ratio: Option<String>,
    /// The resolution, in the upstream's words.
    pub resolution: Option<String>,
    /// The format of the files by OpenAI's name.
    pub format: Option<String>,
    /// The quality of compressed files in percent.
    pub compression: Option<u32>,
    /// Whether the client wants addresses in place of data.
    pub as_url: bool,
    /// Whether the client wants events.
    pub as_events: bool,
}

/// A file in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputFile {
    /// Its media type, by its registered name.
    pub media_type: String,
    /// Its content in base64, which several requests share.
    pub base64: Arc<str>,
}

impl InputFile {
    /// The file as a JSON object with these keys for type and data.
    pub fn to_json(&self, type_key: &str, data_key: &str) -> String {
        let Self { media_type, base64 } = self;
        // Base64 has no character that JSON escapes.
        format!(r#"{{"{type_key}":{},"{data_key}":"{base64}"}}"#, encode_string(media_type))
    }
}
