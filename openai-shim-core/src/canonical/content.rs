//! Content blocks: the typed elements of a message's content, and media.

use super::{ExtraFields, Signature, Text};
use crate::error::static_text::{self, StaticText};
use crate::json::RawJson;
use serde::{Deserialize, Serialize};

/// A typed element of a message's content.
///
/// ```
/// use openai_shim_core::canonical::{Block, Media, MediaSource, Message, Role};
/// let picture = Media::new(MediaSource::from_url("https://example.com/cat.png"));
/// let message = Message::new(Role::User, vec![Block::text("What is this?"), Block::Image(Box::new(picture))]);
/// for block in &message.blocks {
///     match block {
///         Block::Text { text, .. } => assert_eq!(text, "What is this?"),
///         Block::Image(media) => assert_eq!(media.source.to_url(), "https://example.com/cat.png"),
///         _ => unreachable!(),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Block {
    /// Plain text.
    Text {
        /// The text.
        text: Text,
        /// Fields without a place in this model.
        extra: ExtraFields,
    },
    /// An image.
    Image(Box<Media>),
    /// Audio.
    Audio(Box<Media>),
    /// A document.
    File(Box<Media>),
    /// The model's reasoning.
    Reasoning {
        /// The reasoning as text; empty if only an opaque form exists.
        text: Text,
        /// A signature or an encrypted form, which must be sent back unchanged.
        signature: Option<Signature>,
        /// Fields without a place in this model, such as `reasoning_details`.
        extra: ExtraFields,
    },
    /// The text of the model's refusal.
    Refusal(Text),
    /// The model's request to run a tool.
    ToolCall {
        /// The call's id.
        id: String,
        /// The function's name.
        name: String,
        /// The arguments, as JSON text exactly as the model wrote them.
        arguments: String,
        /// A signature of the reasoning that led to the call; it must be sent back with the call.
        signature: Option<Signature>,
        /// Fields without a place in this model.
        extra: ExtraFields,
    },
    /// The output of a tool.
    ToolResult {
        /// The id of the call.
        id: String,
        /// The output.
        blocks: Vec<Block>,
        /// Whether the tool failed.
        is_error: bool,
        /// Fields without a place in this model.
        extra: ExtraFields,
    },
    /// A block that only its own dialect defines.
    Native {
        /// The dialect.
        #[serde(deserialize_with = "static_text::deserialize")]
        dialect: StaticText,
        /// The block's JSON.
        raw: RawJson,
    },
}

impl Block {
    /// A text block.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text { text: text.into(), extra: ExtraFields::default() }
    }

    /// The texts of text blocks, with `separator` between them.
    pub fn join_texts(blocks: &[Self], separator: &str) -> String {
        let mut out = String::new();
        for text in blocks.iter().filter_map(Self::as_text) {
            Self::append_text(text, separator, &mut out);
        }
        out
    }

    /// Appends a text, behind `separator` unless a line break is there already.
    pub(crate) fn append_text(text: &str, separator: &str, out: &mut String) {
        if text.is_empty() {
            return;
        }
        let is_apart = out.is_empty() || out.ends_with('\n') || text.starts_with('\n');
        out.extend([if is_apart { "" } else { separator }, text]);
    }

    /// The text of a text block.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// An image, audio or a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Media {
    /// Where the bytes are.
    pub source: MediaSource,
    /// The file name.
    pub name: Option<String>,
    /// The media type that stands beside an address.
    pub declared_type: Option<String>,
    /// The resolution at which the model reads an image (`low`, `high`, `auto`).
    pub detail: Option<String>,
    /// Fields without a place in this model.
    pub extra: ExtraFields,
}

impl MediaSource {
    /// Base64 data of a media type.
    pub fn base64(media_type: impl Into<String>, data: impl Into<String>) -> Self {
        Self::Base64 { media_type: media_type.into(), data: data.into() }
    }

    /// Reads a data URL that is spelled as our encoders spell it as base64, and anything else as a URL.
    ///
    /// ```
    /// use openai_shim_core::canonical::MediaSource;
    /// let source = MediaSource::from_url("data:image/png;base64,iVBORw0KGgo=");
    /// assert_eq!(source, MediaSource::base64("image/png", "iVBORw0KGgo="));
    /// ```
    pub fn from_url(url: &str) -> Self {
        match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            Some((media_type, data)) => Self::base64(media_type, data),
            None => Self::Url(url.to_owned()),
        }
    }

    /// Reads the data of a file, which some clients send as base64 without a media type.
    pub fn from_file_data(data: &str) -> Self {
        match Self::from_url(data) {
            Self::Url(data) if !data.contains(':') => Self::base64("", data),
            source => source,
        }
    }

    /// The source as a URL: base64 as a data URL.
    pub fn to_url(&self) -> String {
        match self {
            Self::Url(text) | Self::FileId(text) => text.clone(),
            Self::Base64 { media_type, data } if media_type.is_empty() => data.clone(),
            Self::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        }
    }
}

impl Media {
    /// Media without a name and other fields.
    pub fn new(source: MediaSource) -> Self {
        Self { source, name: None, declared_type: None, detail: None, extra: ExtraFields::default() }
    }
}

/// Where the bytes of media are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MediaSource {
    /// At a URL.
    Url(String),
    /// In the payload, as base64.
    Base64 {
        /// A media type (`image/png`), or the name of a format (`wav`).
        media_type: String,
        /// The bytes as base64.
        data: String,
    },
    /// In a file that was uploaded before, by its id.
    FileId(String),
}

#[cfg(test)]
mod tests {
    use super::{Block, ExtraFields, Signature, Text};

    #[test]
    fn a_block_stays_small() {
        let sizes = [size_of::<Block>(), size_of::<Text>()];
        assert!(sizes.iter().zip([88, 48]).all(|(size, max)| *size <= max), "{sizes:?}");
        assert_eq!((size_of::<ExtraFields>(), size_of::<Option<Signature>>()), (8, 8));
    }
}
