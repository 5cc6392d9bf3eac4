//! Requests for speech, transcripts and pictures to what the upstream can make: formats, voices, sizes, numbers.

use crate::accepts::{AuxiliaryRules, aspect_ratio};
use crate::canonical::{
    DiagnosticCode, Diagnostics, ImageRequest, MediaTask, SpeechRequest, TranscriptionRequest,
};
use crate::error::{Unsupported, short_name};

/// From so many pixels on the second and the third resolution is nearer than the one before it.
const PIXELS_OF_RESOLUTIONS: [u64; 2] = [2_000_000, 8_000_000];

/// The side of a square picture of the first resolution.
const SQUARE: u64 = 1024;

/// Changes a request to one that the upstream accepts.
///
/// # Errors
/// The upstream cannot make what is requested, and something else would be no answer.
pub fn generated_media(
    task: &mut MediaTask,
    rules: &AuxiliaryRules,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    match task {
        MediaTask::Speech(speech) => fit_speech(speech, rules, diagnostics),
        MediaTask::Transcription(transcription) => fit_transcription(transcription, rules, diagnostics),
        MediaTask::Images(images) => fit_images(images, rules, diagnostics),
    }
}

fn fit_speech(
    speech: &mut SpeechRequest,
    rules: &AuxiliaryRules,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    match (&speech.format, rules.formats.first()) {
        (None, Some(default)) => {
            let detail = format!("the audio is {default}, not OpenAI's default mp3");
            diagnostics.record(DiagnosticCode::ParamClamped, "response_format", &detail);
            speech.format = Some(default.clone());
        }
        (Some(format), _) if !rules.formats.contains(format) => {
            let message = format!(
                "The upstream's audio cannot be made into {}: there is no encoder here. `response_format` can be {}.",
                short_name(format),
                listed(&rules.formats)
            );
            return Err(Unsupported::new("response_format", message));
        }
        _ => {}
    }
    let requested = &speech.voice_name;
    let is_same = |(name, _): &(&String, &String)| name.eq_ignore_ascii_case(requested);
    let Some((_, own)) = rules.voices.iter().find(is_same) else {
        let message = format!(
            "The upstream has no voice `{}`. It has {}; `speech.voices` of its section in the configuration adds others.",
            short_name(requested),
            listed(&rules.voices.keys().cloned().collect::<Vec<_>>())
        );
        return Err(Unsupported::new("voice", message));
    };
    if !own.eq_ignore_ascii_case(requested) {
        diagnostics.record(DiagnosticCode::ParamRenamed, "voice", own);
    }
    speech.voice_name.clone_from(own);
    report_in_text("instructions", speech.instructions.as_deref(), diagnostics);
    if let Some(speed) = speech.speed.take() {
        diagnostics.record(DiagnosticCode::ParamDropped, "speed", "the model is asked for it in words");
        let pace = format!("Speak at {speed} times the usual speed.");
        speech.instructions = Some(match speech.instructions.take() {
            Some(others) => format!("{others}\n{pace}"),
            None => pace,
        });
    }
    Ok(())
}

fn fit_transcription(
    transcription: &TranscriptionRequest,
    rules: &AuxiliaryRules,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    if rules.formats.contains(&transcription.format) {
        report_in_text("language", transcription.language.as_deref(), diagnostics);
        report_in_text("prompt", transcription.prompt.as_deref(), diagnostics);
        return Ok(());
    }
    let message = format!(
        "The upstream sends a transcript without times and speakers, which {} needs. `response_format` can be {}.",
        short_name(&transcription.format),
        listed(&rules.formats)
    );
    Err(Unsupported::new("response_format", message))
}

/// Reports a parameter that models are told in words.
fn report_in_text(name: &str, value: Option<&str>, diagnostics: &mut Diagnostics) {
    if value.is_some() {
        diagnostics.record(DiagnosticCode::ParamRenamed, name, "a part of the text");
    }
}

fn fit_images(
    images: &mut ImageRequest,
    rules: &AuxiliaryRules,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    if rules.predict && !images.images.is_empty() {
        let message =
            "This model makes pictures of a text only: it takes no picture. Use another model to edit one.";
        return Err(Unsupported::new("image", message));
    }
    if let Some(format) = images.format.take_if(|format| !rules.formats.contains(format)) {
        let detail = format!("the model chooses the format, which may not be {}", short_name(&format));
        diagnostics.record(DiagnosticCode::ParamDropped, "output_format", &detail);
    }
    let is_compressed = rules.formats.iter().any(|format| format == "jpeg");
    if images.compression.take_if(|_| !is_compressed).is_some() {
        diagnostics.record(DiagnosticCode::ParamDropped, "output_compression", "");
    }
    let Some((width, height)) = images.size else { return Ok(()) };
    let (width, height) = (u64::from(width), u64::from(height));
    let ratio = rules.aspect_ratios.iter().filter_map(|ratio| Some((ratio, aspect_ratio(ratio)?)));
    let distance = |(of_width, of_height): (u64, u64)| {
        // No size is so large that its ratio is not exact enough.
        #[allow(clippy::cast_precision_loss)]
        let quotient = |a: u64, b: u64| a as f64 / b as f64;
        (quotient(width, height) / quotient(of_width, of_height)).ln().abs()
    };
    let nearest = ratio.min_by(|(_, a), (_, b)| distance(*a).total_cmp(&distance(*b)));
    let Some((ratio, (of_width, of_height))) = nearest else { return Ok(()) };
    let pixels = width * height;
    let wanted = PIXELS_OF_RESOLUTIONS.iter().filter(|from| pixels >= **from).count();
    let possible = wanted.min(rules.resolutions.len().saturating_sub(1));
    images.aspect_ratio = Some(ratio.clone());
    // The default is not sent: some models take no resolution.
    images.resolution = rules.resolutions.get(possible).filter(|_| possible > 0).cloned();
    let is_exact_ratio = width * of_height == height * of_width;
    let is_exact = is_exact_ratio && width == height && wanted == possible && width == SQUARE << possible;
    if !is_exact {
        let resolution = rules.resolutions.get(possible).map(String::as_str).unwrap_or_default();
        let detail = format!(
            "{width}x{height} is {} {ratio} {resolution}",
            if is_exact_ratio { "about" } else { "nearly" }
        );
        diagnostics.record(DiagnosticCode::ParamClamped, "size", detail.trim_end());
    }
    Ok(())
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
