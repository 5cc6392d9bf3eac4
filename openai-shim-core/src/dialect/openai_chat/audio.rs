//! Speech and transcripts in OpenAI's form.
//!
//! <https://platform.openai.com/docs/api-reference/audio>

use super::super::media::{EncodedBody, MediaApi};
use super::super::shape::Shape;
use super::media_fields::{LostFields, MediaFields, missing};
use super::shape;
use crate::accepts::AuxiliaryApi;
use crate::canonical::media_type::registered_name;
use crate::canonical::{
    DiagnosticCode, Diagnostics, GeneratedFile, MediaAnswer, MediaRequest, MediaTask, MediaUsage, PcmFormat,
    SpeechRequest, TranscriptionRequest,
};
use crate::error::{ClientError, StatusError, UpstreamError};
use crate::framing::write_event;
use crate::json::{Object, ValueKind, encode_string, value_kind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// The code of an answer that a filter withheld.
pub(super) const CONTENT_POLICY: &str = "content_policy_violation";

/// The usual pace of raw samples: OpenAI's `pcm` has no header that could tell another one.
const PCM: PcmFormat = PcmFormat { rate: 24_000, channels: 1 };

/// Bytes of audio in one event. Some clients read lines of up to 64 KiB.
const EVENT_BYTES: usize = 24_000;

/// `POST /v1/audio/speech`
#[derive(Debug)]
pub(super) struct Speech;

const NOTHING_LOST: LostFields = LostFields { refused: &[], harmless: &[] };

impl MediaApi for Speech {
    fn api(&self) -> AuxiliaryApi {
        AuxiliaryApi::Speech
    }

    fn request_shape(&self) -> &'static Shape {
        &shape::SPEECH
    }

    fn decode_request(
        &self,
        content_type: &str,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<MediaRequest, ClientError> {
        const READ: [&str; 7] =
            ["model", "input", "voice", "instructions", "speed", "response_format", "stream_format"];
        let fields = MediaFields::read(content_type, body, &shape::SPEECH, diagnostics)?;
        if fields.raw("voice").is_some_and(|json| value_kind(json) == ValueKind::Object) {
            let message = "`voice` names a voice that OpenAI stores. The upstream of this model has only those with a name.";
            return Err(ClientError::invalid(message).at("voice"));
        }
        let mut speech = SpeechRequest::default();
        speech.input = fields.required("input")?;
        speech.voice_name = fields.required("voice")?;
        speech.instructions = fields.text("instructions");
        speech.speed = fields.number("speed", 0.25, 4.0)?.filter(|speed| (speed - 1.0).abs() > f64::EPSILON);
        speech.format = fields.keyword("response_format", &["mp3", "opus", "aac", "flac", "wav", "pcm"])?;
        speech.as_events = fields.keyword("stream_format", &["sse", "audio"])?.as_deref() == Some("sse");
        fields.report_lost(&READ, &NOTHING_LOST, diagnostics)?;
        let model = fields.text("model").unwrap_or_default();
        Ok(MediaRequest::new(model, MediaTask::Speech(speech)))
    }

    fn encode_response(
        &self,
        answer: &MediaAnswer,
        request: &MediaRequest,
        _created: u64,
        diagnostics: &mut Diagnostics,
    ) -> Result<EncodedBody, UpstreamError> {
        let MediaTask::Speech(speech) = &request.task else { return Err(UpstreamError::Empty) };
        let (content_type, audio) = audio(&answer.files, speech.format.as_deref(), diagnostics)?;
        if !speech.as_events {
            return Ok(EncodedBody::new(content_type, audio));
        }
        let mut out = Vec::with_capacity(audio.len() / 2 * 3);
        for chunk in audio.chunks(EVENT_BYTES) {
            let data = STANDARD.encode(chunk);
            let event = format!(r#"{{"type":"speech.audio.delta","audio":"{data}"}}"#);
            write_event(&mut out, |out| out.extend_from_slice(event.as_bytes()));
        }
        let MediaUsage { input, output, .. } = usage_or_zeros(answer, diagnostics);
        let total = input.saturating_add(output);
        let event = format!(
            r#"{{"type":"speech.audio.done","usage":{{"input_tokens":{input},"output_tokens":{output},"total_tokens":{total}}}}}"#
        );
        write_event(&mut out, |out| out.extend_from_slice(event.as_bytes()));
        Ok(EncodedBody::events(out))
    }

    fn mark_filtered(&self, error: &mut StatusError) {
        error.code = Some(CONTENT_POLICY.to_owned());
    }
}

/// The audio in the requested format, with its type.
fn audio(
    files: &[GeneratedFile],
    format: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Result<(&'static str, Vec<u8>), UpstreamError> {
    const TYPES: [(&str, &str); 6] = [
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
    ];
    let of_type =
        |name: &str| TYPES.iter().find(|(known, _)| *known == name).map_or("audio/wav", |(_, of)| of);
    let first = files.first().ok_or(UpstreamError::Empty)?;
    // Audio may come in several parts.
    let mut bytes = Vec::new();
    for file in files {
        if file.media_type != first.media_type {
            return Err(UpstreamError::malformed("The upstream sent audio of several types in one answer."));
        }
        bytes.extend(decode_base64(&file.base64)?);
    }
    let format = format.unwrap_or("wav");
    let Some(pcm) = PcmFormat::of(&first.media_type) else {
        let own = registered_name(&first.media_type);
        if own == of_type(format) && files.len() == 1 {
            return Ok((of_type(format), bytes));
        }
        return Err(UpstreamError::malformed(format!(
            "The upstream sent audio of the type {own}, of which {format} cannot be made here."
        )));
    };
    if format == "pcm" {
        if pcm != PCM {
            let detail = format!("{} samples a second, {} at a time", pcm.rate, pcm.channels);
            diagnostics.record(DiagnosticCode::ParamIgnored, "response_format", &detail);
        }
        return Ok((of_type(format), bytes));
    }
    let too_large = || UpstreamError::TooLarge {
        message: String::from("The upstream's audio is too large for a WAV file."),
    };
    Ok((of_type("wav"), pcm.to_wav(&bytes).ok_or_else(too_large)?))
}

/// Decodes base64 of either alphabet, with padding or without.
fn decode_base64(text: &str) -> Result<Vec<u8>, UpstreamError> {
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    let decoded = engines.iter().find_map(|engine| engine.decode(text).ok());
    decoded.ok_or_else(|| UpstreamError::malformed("The upstream sent audio that is not base64."))
}

/// The counts of an answer, or zeros where a client is promised counts.
pub(super) fn usage_or_zeros(answer: &MediaAnswer, diagnostics: &mut Diagnostics) -> MediaUsage {
    if answer.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    answer.usage.unwrap_or_default()
}

/// `POST /v1/audio/transcriptions`, and `/v1/audio/translations`, which are always English.
#[derive(Debug)]
pub(super) struct Transcription {
    pub(super) into_english: bool,
}

const LOST_OF_TRANSCRIPTIONS: LostFields = LostFields {
    refused: &[],
    harmless: &[
        ("stream", &["false", "False", "0"]),
        ("chunking_strategy", &["auto"]),
        ("timestamp_granularities", &["segment"]),
    ],
};

const FORMATS: [&str; 6] = ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"];

impl MediaApi for Transcription {
    fn api(&self) -> AuxiliaryApi {
        AuxiliaryApi::Transcription
    }

    fn request_shape(&self) -> &'static Shape {
        &shape::TRANSCRIPTION
    }

    fn decode_request(
        &self,
        content_type: &str,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<MediaRequest, ClientError> {
        const READ: [&str; 7] =
            ["model", "file", "language", "prompt", "temperature", "response_format", "stream"];
        let fields = MediaFields::read(content_type, body, &shape::TRANSCRIPTION, diagnostics)?;
        let mut transcription = TranscriptionRequest::default();
        transcription.audio =
            fields.files("file", "audio")?.into_iter().next().ok_or_else(|| missing("file"))?;
        transcription.into_english = self.into_english;
        transcription.language = fields.text("language");
        transcription.prompt = fields.text("prompt");
        transcription.temperature = fields.number("temperature", 0.0, 1.0)?;
        transcription.format =
            fields.keyword("response_format", &FORMATS)?.unwrap_or_else(|| String::from("json"));
        transcription.as_events = !self.into_english && fields.switch("stream");
        fields.report_lost(&READ, &LOST_OF_TRANSCRIPTIONS, diagnostics)?;
        let model = fields.text("model").unwrap_or_default();
        Ok(MediaRequest::new(model, MediaTask::Transcription(transcription)))
    }

    fn encode_response(
        &self,
        answer: &MediaAnswer,
        request: &MediaRequest,
        _created: u64,
        _diagnostics: &mut Diagnostics,
    ) -> Result<EncodedBody, UpstreamError> {
        let MediaTask::Transcription(transcription) = &request.task else { return Err(UpstreamError::Empty) };
        let text = answer.text.trim();
        if transcription.as_events {
            return Ok(EncodedBody::events(transcript_events(text, answer.usage)));
        }
        if transcription.format == "text" {
            return Ok(EncodedBody::new("text/plain; charset=utf-8", format!("{text}\n")));
        }
        let mut body = Object::new();
        body.set("text", encode_string(text));
        if let Some(usage) = answer.usage.filter(|_| !self.into_english) {
            body.set("usage", transcript_usage(usage));
        }
        Ok(EncodedBody::json(body.to_json()))
    }

    fn mark_filtered(&self, error: &mut StatusError) {
        error.code = Some(CONTENT_POLICY.to_owned());
    }
}

fn transcript_events(text: &str, usage: Option<MediaUsage>) -> Vec<u8> {
    let mut out = Vec::new();
    let json = encode_string(text);
    if !text.is_empty() {
        let event = format!(r#"{{"type":"transcript.text.delta","delta":{json}}}"#);
        write_event(&mut out, |out| out.extend_from_slice(event.as_bytes()));
    }
    let mut done = Object::new();
    done.set("type", "\"transcript.text.done\"");
    done.set("text", json);
    if let Some(usage) = usage {
        done.set("usage", transcript_usage(usage));
    }
    write_event(&mut out, |out| out.extend_from_slice(done.to_json().as_bytes()));
    out
}

fn transcript_usage(usage: MediaUsage) -> String {
    let MediaUsage { input, input_text, input_audio, output, .. } = usage;
    format!(
        r#"{{"type":"tokens","input_tokens":{input},"input_token_details":{{"text_tokens":{input_text},"audio_tokens":{input_audio}}},"output_tokens":{output},"total_tokens":{}}}"#,
        usage.total()
    )
}
