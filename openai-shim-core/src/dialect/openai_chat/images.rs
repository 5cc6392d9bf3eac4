//! Pictures in OpenAI's form: generations, edits, variations.
//!
//! <https://platform.openai.com/docs/api-reference/images>

use super::super::media::{EncodedBody, MediaApi};
use super::super::shape::Shape;
use super::audio::usage_or_zeros;
use super::media_fields::{LostFields, MediaFields, missing};
use super::shape;
use crate::accepts::AuxiliaryApi;
use crate::canonical::media_type::{detect, registered_name};
use crate::canonical::{
    DiagnosticCode, Diagnostics, GeneratedFile, ImageRequest, InputFile, MediaAnswer, MediaRequest,
    MediaTask, MediaUsage,
};
use crate::error::{ClientError, ErrorKind, StatusError, UpstreamError};
use crate::framing::write_event;
use crate::json::{Object, encode_string, items};
use std::borrow::Cow;

/// A route of `/v1/images`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    /// `/generations`: of a text.
    Generations,
    /// `/edits`: of pictures and a text.
    Edits,
    /// `/variations`: of a picture.
    Variations,
}

/// OpenAI's route takes no text.
const VARIATION: &str =
    "Make a variation of this picture: the same subject and style, in another composition.";

/// The fields of all routes.
const READ: [&str; 8] = [
    "model",
    "n",
    "size",
    "response_format",
    "output_format",
    "output_compression",
    "stream",
    "partial_images",
];

/// A mask says which part of a picture may change.
const LOST: LostFields = LostFields {
    refused: &["mask", "markup", "svg", "frame_count"],
    harmless: &[
        ("quality", &["auto", "standard"]),
        ("background", &["auto", "opaque"]),
        ("moderation", &["auto"]),
        ("input_fidelity", &["low"]),
    ],
};

impl MediaApi for Images {
    fn api(&self) -> AuxiliaryApi {
        AuxiliaryApi::Images
    }

    fn request_shape(&self) -> &'static Shape {
        &shape::IMAGES
    }

    fn decode_request(
        &self,
        content_type: &str,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<MediaRequest, ClientError> {
        let fields = MediaFields::read(content_type, body, &shape::IMAGES, diagnostics)?;
        let mut images = ImageRequest::default();
        images.prompt = match self {
            Self::Generations | Self::Edits => fields.required("prompt")?,
            Self::Variations => VARIATION.to_owned(),
        };
        if *self != Self::Generations {
            images.images = input_images(&fields)?;
        }
        let count = fields.natural("n", 1, 10)?.unwrap_or(1);
        images.count = usize::try_from(count).unwrap_or(1);
        images.size = match fields.text("size").as_deref() {
            None | Some("auto") => None,
            Some(size) => Some(parse_size(size).ok_or_else(|| {
                ClientError::invalid("`size` must be auto, or a width and a height such as 1024x1024.")
                    .at("size")
            })?),
        };
        images.as_url = fields.keyword("response_format", &["url", "b64_json"])?.as_deref() == Some("url");
        images.format = fields.text("output_format");
        if let Some(format @ ("gif" | "svg")) = images.format.as_deref() {
            let message =
                format!("The upstream of this model makes no {format}. `output_format` can be left out.");
            return Err(ClientError::new(ErrorKind::Unsupported, message).at("output_format"));
        }
        images.compression = fields.natural("output_compression", 0, 100)?.filter(|percent| *percent < 100);
        images.as_events = fields.switch("stream");
        // A picture may be ready before any part of it was sent: no client can rely on them.
        if fields.natural("partial_images", 0, 3)?.is_some_and(|count| count > 0) {
            diagnostics.record(DiagnosticCode::ParamIgnored, "partial_images", "");
        }
        let own: &[&str] = match self {
            Self::Generations => &["prompt"],
            Self::Edits => &["prompt", "image", "images"],
            Self::Variations => &["image", "images"],
        };
        fields.report_lost(&[READ.as_slice(), own].concat(), &LOST, diagnostics)?;
        let model = fields.text("model").unwrap_or_default();
        Ok(MediaRequest::new(model, MediaTask::Images(images)))
    }

    fn encode_response(
        &self,
        answer: &MediaAnswer,
        request: &MediaRequest,
        created: u64,
        diagnostics: &mut Diagnostics,
    ) -> Result<EncodedBody, UpstreamError> {
        let MediaTask::Images(images) = &request.task else { return Err(UpstreamError::Empty) };
        let first = answer.files.first().ok_or(UpstreamError::Empty)?;
        if answer.files.len() < images.count {
            let detail = format!("{} pictures", answer.files.len());
            diagnostics.record(DiagnosticCode::ParamIgnored, "n", &detail);
        }
        let format = format_name(first);
        if images.as_events {
            return Ok(EncodedBody::events(self.events(answer, format, created, diagnostics)));
        }
        let items: Vec<_> = answer.files.iter().map(|file| item(file, images.as_url)).collect();
        let mut body = Object::new();
        body.set("created", created.to_string());
        if !images.as_url {
            body.set("output_format", encode_string(format));
        }
        body.set("data", format!("[{}]", items.join(",")));
        if let Some(usage) = answer.usage {
            body.set("usage", encode_usage(usage));
        }
        Ok(EncodedBody::json(body.to_json()))
    }

    /// <https://developers.openai.com/api/docs/guides/image-generation#content-moderation>
    fn mark_filtered(&self, error: &mut StatusError) {
        error.code = Some(String::from("moderation_blocked"));
        error.error_type = Some(String::from("image_generation_user_error"));
    }
}

impl Images {
    /// One event for each picture; the counts, which are those of all, are in the last.
    fn events(
        self,
        answer: &MediaAnswer,
        format: &str,
        created: u64,
        diagnostics: &mut Diagnostics,
    ) -> Vec<u8> {
        let name =
            if self == Self::Generations { "image_generation.completed" } else { "image_edit.completed" };
        let usage = usage_or_zeros(answer, diagnostics);
        let mut out = Vec::new();
        for (i, file) in answer.files.iter().enumerate() {
            let is_last = i + 1 == answer.files.len();
            let usage = encode_usage(if is_last { usage } else { MediaUsage::default() });
            let event = format!(
                r#"{{"type":"{name}","b64_json":"{}","created_at":{created},"background":"auto","output_format":"{format}","quality":"auto","size":"auto","usage":{usage}}}"#,
                file.base64
            );
            write_event(&mut out, |out| out.extend_from_slice(event.as_bytes()));
        }
        out
    }
}

/// A picture as data, or as an address that has the data in it: there is no place here from which it could be fetched later.
fn item(file: &GeneratedFile, as_url: bool) -> String {
    // Base64 has no character that JSON escapes.
    let data = &file.base64;
    if as_url {
        return format!(r#"{{"url":"data:{};base64,{data}"}}"#, media_type(file));
    }
    format!(r#"{{"b64_json":"{data}"}}"#)
}

/// The type of a picture: its first bytes count for more than what is declared.
fn media_type(file: &GeneratedFile) -> String {
    if let Some(detected) = detect(&file.base64).filter(|detected| detected.is_certain) {
        return detected.media_type.to_owned();
    }
    let declared = registered_name(&file.media_type);
    let is_plain = declared.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte));
    if declared.starts_with("image/") && is_plain { declared.into_owned() } else { String::from("image/png") }
}

/// OpenAI's name of a picture's format.
fn format_name(file: &GeneratedFile) -> &'static str {
    match media_type(file).as_str() {
        "image/jpeg" => "jpeg",
        "image/webp" => "webp",
        _ => "png",
    }
}

fn encode_usage(usage: MediaUsage) -> String {
    let MediaUsage { input, input_text, input_image, output, output_image, .. } = usage;
    format!(
        r#"{{"input_tokens":{input},"input_tokens_details":{{"text_tokens":{input_text},"image_tokens":{input_image}}},"output_tokens":{output},"output_tokens_details":{{"text_tokens":{},"image_tokens":{output_image}}},"total_tokens":{}}}"#,
        output.saturating_sub(output_image),
        usage.total()
    )
}

/// Reads a size of at most 9999 by 9999 pixels.
fn parse_size(size: &str) -> Option<(u32, u32)> {
    let (width, height) = size.split_once('x')?;
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=9999).contains(side));
    Some((side(width)?, side(height)?))
}

/// The pictures to edit: files of a form, or data URLs in JSON.
fn input_images(fields: &MediaFields<'_>) -> Result<Vec<InputFile>, ClientError> {
    if fields.raw("image").is_some() {
        return Err(ClientError::invalid("`image` must be a file of a form.").at("image"));
    }
    let mut files = fields.files("image", "image")?;
    let list = fields.raw("images").and_then(items).unwrap_or_default();
    for (i, item) in list.iter().enumerate() {
        let path = format!("images[{i}].image_url");
        let url =
            Object::parse(item.as_bytes()).ok().and_then(|item| item.str("image_url").map(Cow::into_owned));
        let data = url.as_deref().and_then(|url| url.strip_prefix("data:")?.split_once(";base64,"));
        let Some((media_type, base64)) = data else {
            let message = "A picture must be a data URL with base64 (data:image/png;base64,…): addresses and files of OpenAI are not fetched.";
            return Err(ClientError::invalid(message).at(path));
        };
        let declared = registered_name(media_type).into_owned();
        let detected = detect(base64).filter(|detected| detected.is_certain);
        let media_type = detected.map_or(declared, |detected| detected.media_type.to_owned());
        let is_base64 = base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte));
        if !is_base64 || base64.is_empty() || !media_type.starts_with("image/") {
            return Err(ClientError::invalid("The data URL holds no picture in base64.").at(path));
        }
        files.push(InputFile { media_type, base64: base64.into() });
    }
    if files.is_empty() {
        return Err(missing("image"));
    }
    Ok(files)
}
