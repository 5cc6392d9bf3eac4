//! Speech, transcripts and pictures: every field of OpenAI's requests has a place, a diagnostic or an error, whether it comes in JSON
//! or in a form.

use openai_shim_core::canonical::{MediaRequest, MediaTask, Severity};
use openai_shim_core::dialect::auxiliary::AuxiliaryKind;
use openai_shim_core::dialect::media::{EncodedBody, MediaApi};
use openai_shim_core::dialect::route_lookup::auxiliary_route;
use openai_shim_core::error::{ClientError, Error};
use openai_shim_core::exchange::{AuxiliaryExchange, AuxiliaryStep, LossPolicy, MediaCall, Report, Settings};
use openai_shim_core::{Diagnostics, dialect, profile};
use serde_json::{Value, json};

fn api(path: &str) -> &'static dyn MediaApi {
    match auxiliary_route("POST", path, &http::HeaderMap::new()).map(|(_, route)| route.kind) {
        Some(AuxiliaryKind::Media(api)) => api,
        other => panic!("{path}: {other:?}"),
    }
}

const FORM: &str = "multipart/form-data; boundary=X";

/// A form; a value that begins with `@` is a file of that name.
fn form(fields: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| match value.strip_prefix('@') {
        Some(file) => format!(
            "--X\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\ncontent\r\n"
        ),
        None => format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"),
    };
    fields.iter().map(part).collect::<String>() + "--X--\r\n"
}

fn decode(path: &str, kind: &str, body: &str) -> Result<(MediaRequest, Diagnostics), ClientError> {
    let mut diagnostics = Diagnostics::default();
    api(path).decode_request(kind, body.as_bytes(), &mut diagnostics).map(|request| (request, diagnostics))
}

/// A request's body and path at Google, and the exchange.
fn start(
    path: &str,
    kind: &str,
    body: &str,
    policy: LossPolicy,
) -> Result<(AuxiliaryExchange, String, Value), Error> {
    let (request, lost) = decode(path, kind, body)?;
    let gemini = dialect("gemini").unwrap();
    let mut settings = Settings::default();
    settings.loss_policy = policy;
    let call = MediaCall::new(api(path), gemini.media().unwrap(), request, None, 1_700_000_000);
    let mut exchange =
        AuxiliaryExchange::start(Box::new(call), gemini, &profile("gemini").unwrap().into(), settings, lost)?;
    let AuxiliaryStep::Send { path, body, .. } = exchange.next() else { panic!() };
    Ok((exchange, path, serde_json::from_slice(&body).unwrap()))
}

/// The end of an exchange whose upstream always sends this.
fn end(mut exchange: AuxiliaryExchange, answer: &Value) -> (Result<EncodedBody, Error>, Report) {
    loop {
        exchange.answer(http::StatusCode::OK, &http::HeaderMap::new(), answer.to_string().as_bytes());
        if matches!(exchange.next(), AuxiliaryStep::Done) {
            return exchange.finish();
        }
    }
}

fn warnings(diagnostics: &Diagnostics) -> Vec<String> {
    let warnings = diagnostics.iter().filter(|d| d.severity() >= Severity::Warning);
    warnings.map(|diagnostic| diagnostic.path.clone()).collect()
}

#[test]
fn every_field_of_speech_has_a_place_or_a_diagnostic() {
    let body = json!({
        "model": "gemini-tts", "input": "Hi", "voice": "nova", "instructions": "Calm.", "speed": 2,
        "response_format": "wav", "stream_format": "audio", "new_field": 1
    });
    let (exchange, path, sent) =
        start("/v1/audio/speech", "application/json", &body.to_string(), LossPolicy::Lenient).unwrap();
    assert_eq!(path, "/models/gemini-tts:generateContent");
    assert!(sent.to_string().contains("Calm.\\nSpeak at 2 times the usual speed."), "{sent}");
    assert_eq!(warnings(&exchange.diagnostics()), ["new_field", "speed"]);
    for name in body
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !["model", "input", "response_format", "stream_format"].contains(&name.as_str()))
    {
        assert!(exchange.diagnostics().iter().any(|d| d.path == *name), "{name}");
    }
}

#[test]
fn a_form_and_json_say_the_same() {
    let fields = [("model", "m"), ("prompt", "A cat"), ("n", "2"), ("size", "1024x1536"), ("stream", "true")];
    let json =
        json!({"model": "m", "prompt": "A cat", "n": 2, "size": "1024x1536", "stream": true}).to_string();
    let path = "/v1/images/generations";
    let by_form = decode(path, FORM, &form(&fields)).unwrap();
    assert_eq!(by_form, decode(path, "application/json; charset=utf-8", &json).unwrap());
    assert_eq!(by_form, decode(path, "", &json).unwrap());
}

#[test]
fn what_no_other_api_has_is_reported_or_refused() {
    let path = "/v1/images/edits";
    let edit = |name: &str, value: &str| {
        decode(path, FORM, &form(&[("model", "m"), ("prompt", "x"), ("image", "@a.png"), (name, value)]))
    };
    for (name, value) in [
        ("quality", "high"),
        ("background", "transparent"),
        ("moderation", "low"),
        ("input_fidelity", "high"),
        ("style", "vivid"),
        ("user", "me"),
        ("partial_images", "2"),
    ] {
        assert_eq!(warnings(&edit(name, value).unwrap().1), [name]);
    }
    for (name, value) in
        [("quality", "auto"), ("background", "opaque"), ("moderation", "auto"), ("input_fidelity", "low")]
    {
        let diagnostics = edit(name, value).unwrap().1;
        assert!(warnings(&diagnostics).is_empty() && diagnostics.len() == 1, "{name}: {diagnostics:?}");
    }
    for (name, value) in [
        ("mask", "@m.png"),
        ("markup", "@m.png"),
        ("output_format", "svg"),
        ("frame_count", "3"),
        ("n", "0"),
        ("n", "two"),
    ] {
        assert_eq!(edit(name, value).unwrap_err().param.as_deref(), Some(name), "{value}");
    }
    // A picture in a request for a new one would be lost.
    let (_, diagnostics) = decode("/v1/images/generations", "", r#"{"prompt":"x","image":"y"}"#).unwrap();
    assert_eq!(warnings(&diagnostics), ["image"]);
    for (name, value) in [
        ("include[]", "logprobs"),
        ("timestamp_granularities[]", "word"),
        ("known_speaker_names[]", "Ada"),
        ("chunking_strategy", "{\"type\":\"server_vad\"}"),
        ("keywords[]", "Ada"),
    ] {
        let body = form(&[("model", "m"), ("file", "@a.wav"), (name, value)]);
        let (_, diagnostics) = decode("/v1/audio/transcriptions", FORM, &body).unwrap();
        assert_eq!(warnings(&diagnostics), [name.trim_end_matches("[]")]);
    }
}

#[test]
fn files_get_their_type_and_wrong_ones_are_refused() {
    let of = |file: &str| {
        let body = form(&[("model", "m"), ("file", file)]);
        decode("/v1/audio/transcriptions", FORM, &body).map(|(request, _)| match request.task {
            MediaTask::Transcription(transcription) => transcription.audio.media_type,
            other => panic!("{other:?}"),
        })
    };
    for (file, media_type) in [
        ("@a.mp3", "audio/mpeg"),
        ("@a.mpga", "audio/mpeg"),
        ("@a.m4a", "audio/mp4"),
        ("@a.mp4", "audio/mp4"),
        ("@a.webm", "audio/webm"),
        ("@a.ogg", "audio/ogg"),
        ("@a.WAV", "audio/wav"),
        ("@a.flac", "audio/flac"),
    ] {
        assert_eq!(of(file).unwrap(), media_type, "{file}");
    }
    for file in ["@blob", "@a.png", "text"] {
        assert_eq!(of(file).unwrap_err().param.as_deref(), Some("file"), "{file}");
    }
    let cut = form(&[("model", "m"), ("file", "@a.mp3")]);
    for end in 0..cut.len() - 4 {
        assert!(decode("/v1/audio/transcriptions", FORM, &cut[..end]).is_err(), "{end}");
    }
}

#[test]
fn wrong_types_are_errors_that_name_the_field() {
    for (path, good) in [
        ("/v1/audio/speech", json!({"model": "m", "input": "x", "voice": "alloy"})),
        ("/v1/images/generations", json!({"model": "m", "prompt": "x"})),
    ] {
        for member in api(path).request_shape().members {
            for wrong in [json!([[1]]), json!({"a": 1})] {
                let mut body = good.clone();
                body[member.key] = wrong;
                let result = decode(path, "application/json", &body.to_string());
                let is_reported = match &result {
                    Err(error) => error.param.as_deref().is_some_and(|param| param.starts_with(member.key)),
                    Ok((_, diagnostics)) => warnings(diagnostics).iter().any(|path| path == member.key),
                };
                assert!(is_reported, "{path}: {body}: {result:?}");
            }
        }
        for body in ["", "[]", "{", "\"x\""] {
            assert!(decode(path, "application/json", body).is_err());
        }
    }
}

#[test]
fn strict_mode_sends_nothing_that_loses_something() {
    for (path, body, param) in [
        ("/v1/audio/speech", json!({"model": "m", "input": "x", "voice": "Kore"}), "response_format"),
        (
            "/v1/images/generations",
            json!({"model": "m", "prompt": "x", "output_format": "png"}),
            "output_format",
        ),
        ("/v1/images/generations", json!({"model": "m", "prompt": "x", "size": "1536x1024"}), "size"),
        ("/v1/images/generations", json!({"model": "m", "prompt": "x", "user": "me"}), "user"),
    ] {
        let error = start(path, "", &body.to_string(), LossPolicy::Strict).unwrap_err();
        assert_eq!(error.param(), Some(param));
        start(path, "", &body.to_string(), LossPolicy::Lenient).unwrap();
    }
}

fn audio_answer(media_type: &str, parts: &[&str]) -> Value {
    let parts: Vec<_> =
        parts.iter().map(|data| json!({"inlineData": {"mimeType": media_type, "data": data}})).collect();
    json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
}

#[test]
fn audio_is_what_was_requested_or_an_error() {
    let speak = |format: &str, answer: &Value| {
        let body = json!({"model": "m", "input": "x", "voice": "Kore", "response_format": format});
        let (exchange, ..) = start("/v1/audio/speech", "", &body.to_string(), LossPolicy::Lenient).unwrap();
        end(exchange, answer)
    };
    // Audio in several parts, each with its own padding.
    let (body, report) = speak("pcm", &audio_answer("audio/L16;rate=24000", &["AQI=", "AwQFBg"]));
    assert_eq!(body.unwrap(), EncodedBody::new("audio/pcm", [1, 2, 3, 4, 5, 6]));
    assert!(warnings(&report.diagnostics).is_empty());
    let (body, report) = speak("pcm", &audio_answer("audio/L16;rate=16000", &["AQI="]));
    assert!(body.is_ok() && warnings(&report.diagnostics) == ["response_format"]);
    let (body, _) = speak("wav", &audio_answer("audio/x-wav", &["UklGRg=="]));
    assert_eq!(body.unwrap(), EncodedBody::new("audio/wav", *b"RIFF"));
    for (format, answer) in [
        ("wav", audio_answer("audio/mpeg", &["AQI="])),
        ("pcm", audio_answer("audio/wav", &["AQI="])),
        ("wav", audio_answer("audio/L16;rate=24000", &["not base64!"])),
        ("wav", audio_answer("image/png", &["AQI="])),
    ] {
        let (body, report) = speak(format, &answer);
        assert!(matches!(body, Err(Error::Upstream(_))), "{answer}: {body:?}");
        assert!(report.error.is_some());
    }
}

#[test]
fn usage_of_all_answers_is_summed_or_missing() {
    let body = json!({"model": "m", "prompt": "x", "n": 2}).to_string();
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}});
    let with = |usage: Value| json!({"candidates": [{"content": {"parts": [picture]}, "finishReason": "STOP"}], "usageMetadata": usage});
    let (exchange, ..) = start("/v1/images/generations", "", &body, LossPolicy::Lenient).unwrap();
    let (_, report) = end(exchange, &with(json!({"promptTokenCount": "3", "candidatesTokenCount": 5})));
    let usage = report.usage.unwrap();
    assert_eq!((usage.input, usage.output, report.attempts.len()), (Some(6), Some(10), 2));
    let (exchange, ..) = start("/v1/images/generations", "", &body, LossPolicy::Lenient).unwrap();
    let (body, report) = end(exchange, &with(Value::Null));
    assert_eq!(report.usage, None);
    let body: Value = serde_json::from_slice(&body.unwrap().bytes).unwrap();
    assert!(body.get("usage").is_none() && body["data"].as_array().unwrap().len() == 2, "{body}");
}
