//! Content blocks to an error, if they contain media that the profile does not accept.

use super::recipient::Recipient;
use crate::canonical::{Block, MediaSource};
use crate::error::{ClientError, Error, ErrorKind};

/// Ensures that the upstream accepts the media of message `i`: dropping them would change the meaning of the request.
///
/// # Errors
/// The first image, audio or file of a type, or with a URL, that the upstream does not accept.
pub(super) fn ensure_accepted(blocks: &[Block], recipient: &Recipient<'_>, i: usize) -> Result<(), Error> {
    let rules = &recipient.accepts.messages;
    for block in blocks {
        let (modality, media) = match block {
            Block::Image(media) => ("image", media),
            Block::Audio(media) => ("audio", media),
            Block::File(media) => ("file", media),
            Block::ToolResult { blocks, .. } if rules.input_modalities.is_some() => {
                ensure_accepted(blocks, recipient, i)?;
                continue;
            }
            _ => continue,
        };
        if rules.data_urls_only && matches!(media.source, MediaSource::Url(_)) {
            return Err(unsupported_content(
                i,
                format!(
                    "{} fetches nothing from addresses. Send the content itself, as a data URL (data:image/png;base64,…).",
                    recipient.name
                ),
            ));
        }
        let Some(accepted) = &rules.input_modalities else { continue };
        if !accepted.iter().any(|name| name == modality) {
            let accepted = match accepted.as_slice() {
                [] => String::from("text only"),
                names => format!("text, {}", names.join(", ")),
            };
            return Err(unsupported_content(
                i,
                format!(
                    "{} cannot read this {modality}: it takes {accepted}. Leave it out, or ask another model.",
                    recipient.name
                ),
            ));
        }
    }
    Ok(())
}

fn unsupported_content(i: usize, message: String) -> Error {
    let error = ClientError::new(ErrorKind::Unsupported, message);
    error.at(format!("messages[{i}].content")).with_code("unsupported_content").into()
}
