//! Images of requests: base64 without a media type to `Block::Image`, and back.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, Media, MediaSource};
use crate::error::Unsupported;
use crate::json::encode_string;

/// An image as it was decoded.
pub(super) struct DecodedImage {
    pub(super) block: Block,
    /// The client's bytes cannot be sent to an upstream of this dialect.
    pub(super) must_rewrite: bool,
}

/// Decodes an item of `images`: base64, a data URL or a URL.
pub(super) fn decode(image: &str, field_path: &str, diagnostics: &mut Diagnostics) -> DecodedImage {
    let source = MediaSource::from_file_data(image);
    let must_rewrite = matches!(source, MediaSource::Base64 { .. }) && image.contains(':');
    if must_rewrite {
        diagnostics.record(DiagnosticCode::ContentRewritten, field_path, "a data URL to base64");
    }
    DecodedImage { block: Block::Image(Box::new(Media::new(source))), must_rewrite }
}

/// Encodes an item of `images`.
pub(super) fn encode(image: &Media, i: usize) -> Result<String, Unsupported> {
    match &image.source {
        MediaSource::Base64 { data, .. } => Ok(encode_string(data)),
        MediaSource::Url(_) | MediaSource::FileId(_) => Err(Unsupported::new(
            format!("messages[{i}].content"),
            format!(
                "messages[{i}].content has a picture that is not in the request itself. \
                 Ollama fetches none: send it as a data URL (data:image/png;base64,…)."
            ),
        )),
    }
}
