//! The content of messages: texts and parts.

use crate::json::typed::{from_text, wire_object, wire_union};

wire_union! {
    /// The content of a message.
    pub enum Content {
        /// A text.
        Text(String),
        /// Texts and media.
        Parts(Vec<ContentPart>),
    }
}

from_text!(Content[ContentPart]);

wire_union! {
    /// One part of a message's content.
    pub enum ContentPart by "type" {
        /// A text.
        Text(TextPart) = "text",
        /// An image.
        ImageUrl(ImagePart) = "image_url",
        /// Audio.
        InputAudio(AudioPart) = "input_audio",
        /// A document.
        File(FilePart) = "file",
        /// A refusal of the model.
        Refusal(RefusalPart) = "refusal",
    }
}

impl ContentPart {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextPart::default().with_text(text))
    }

    /// An image by its URL, which may be a data URL.
    pub fn image_url(url: impl Into<String>) -> Self {
        Self::ImageUrl(ImagePart::default().with_image_url(ImageUrl::default().with_url(url)))
    }
}

wire_object! {
    /// A text.
    pub struct TextPart {
        /// The text.
        text with_text: {String} = "text",
    }
}

wire_object! {
    /// An image.
    pub struct ImagePart {
        /// Where it is.
        image_url with_image_url: {ImageUrl} = "image_url",
    }
}

wire_object! {
    /// Where an image is.
    pub struct ImageUrl {
        /// Its URL, or its bytes as a data URL.
        url with_url: {String} = "url",
        /// The level of detail: `low`, `high`, `auto`.
        detail with_detail: {String} = "detail",
    }
}

wire_object! {
    /// Audio.
    pub struct AudioPart {
        /// Its bytes.
        input_audio with_input_audio: {AudioData} = "input_audio",
    }
}

wire_object! {
    /// The bytes of audio.
    pub struct AudioData {
        /// The bytes in base64.
        data with_data: {String} = "data",
        /// `wav` or `mp3`.
        format with_format: {String} = "format",
    }
}

wire_object! {
    /// A document.
    pub struct FilePart {
        /// Where it is.
        file with_file: {FileData} = "file",
    }
}

wire_object! {
    /// Where a document is.
    pub struct FileData {
        /// Its bytes as a data URL.
        file_data with_file_data: {String} = "file_data",
        /// The id of an uploaded file.
        file_id with_file_id: {String} = "file_id",
        /// Its name.
        filename with_filename: {String} = "filename",
    }
}

wire_object! {
    /// A refusal of the model.
    pub struct RefusalPart {
        /// Its text.
        refusal with_refusal: {String} = "refusal",
    }
}

wire_object! {
    /// Audio output, or the id of one.
    pub struct Audio {
        /// The id.
        id with_id: {String} = "id",
        /// The bytes in base64.
        data with_data: {String} = "data",
        /// What is said in it.
        transcript with_transcript: {String} = "transcript",
        /// Until when the id can be used, in seconds since 1970.
        expires_at with_expires_at: (u64) = "expires_at",
    }
}

wire_object! {
    /// A source of the text.
    pub struct Annotation {
        /// `url_citation`.
        kind with_kind: {String} = "type",
        /// The cited page.
        url_citation with_url_citation: {UrlCitation} = "url_citation",
    }
}

wire_object! {
    /// A cited page.
    pub struct UrlCitation {
        /// Its address.
        url with_url: {String} = "url",
        /// Its title.
        title with_title: {String} = "title",
        /// Where the cited text begins, in characters.
        start_index with_start_index: (u64) = "start_index",
        /// Where it ends.
        end_index with_end_index: (u64) = "end_index",
    }
}
