//! Content blocks.

use crate::json::RawJson;
use crate::json::typed::{from_text, wire_object, wire_union};

wire_union! {
    /// The content of a message or of a tool's result.
    pub enum Content {
        /// A text.
        Text(String),
        /// Content blocks.
        Blocks(Vec<Block>),
    }
}

from_text!(Content[Block]);

wire_union! {
    /// A content block, in requests and responses.
    pub enum Block by "type" {
        /// A text.
        Text(TextBlock) = "text",
        /// An image.
        Image(ImageBlock) = "image",
        /// A document.
        Document(DocumentBlock) = "document",
        /// The model's reasoning.
        Thinking(ThinkingBlock) = "thinking",
        /// Encrypted reasoning.
        RedactedThinking(RedactedThinkingBlock) = "redacted_thinking",
        /// A call of the client's tool.
        ToolUse(ToolUseBlock) = "tool_use",
        /// The result of such a call.
        ToolResult(ToolResultBlock) = "tool_result",
        /// A call of a tool that the API runs.
        ServerToolUse(ToolUseBlock) = "server_tool_use",
    }
}

impl Block {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextBlock::default().with_text(text))
    }

    /// An image, with its bytes in base64.
    pub fn image_base64(media_type: impl Into<String>, data: impl Into<String>) -> Self {
        let source = Base64Source::default().with_media_type(media_type).with_data(data);
        Self::Image(ImageBlock::default().with_source(Source::Base64(source)))
    }

    /// The result of a tool call.
    pub fn tool_result(tool_use_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::ToolResult(ToolResultBlock::default().with_tool_use_id(tool_use_id).with_content(content))
    }

    /// Returns the text, if the block is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(block) => block.text.as_deref(),
            _ => None,
        }
    }
}

wire_object! {
    /// A text.
    pub struct TextBlock {
        /// The text.
        text with_text: {String} = "text",
        /// Its sources.
        citations with_citations: [Citation] = "citations",
        /// A cache breakpoint.
        cache_control with_cache_control: {CacheControl} = "cache_control",
    }
}

wire_object! {
    /// A source of a text; its kind determines which further fields it has.
    pub struct Citation {
        /// `char_location`, `page_location`, `content_block_location`, `web_search_result_location`, …
        kind with_kind: {String} = "type",
        /// The cited text.
        cited_text with_cited_text: {String} = "cited_text",
        /// The document, counted from 0.
        document_index with_document_index: (u64) = "document_index",
        /// The document's title.
        document_title with_document_title: {String} = "document_title",
        /// The address of a page.
        url with_url: {String} = "url",
        /// The title of a page.
        title with_title: {String} = "title",
    }
}

wire_object! {
    /// A cache breakpoint.
    pub struct CacheControl {
        /// `ephemeral`.
        kind with_kind: {String} = "type",
        /// `5m` or `1h`.
        ttl with_ttl: {String} = "ttl",
    }
}

wire_object! {
    /// An image.
    pub struct ImageBlock {
        /// Where it is.
        source with_source: {Source} = "source",
        /// A cache breakpoint.
        cache_control with_cache_control: {CacheControl} = "cache_control",
    }
}

wire_object! {
    /// A document.
    pub struct DocumentBlock {
        /// Where it is.
        source with_source: {Source} = "source",
        /// Its title.
        title with_title: {String} = "title",
        /// What the model should know of it.
        context with_context: {String} = "context",
        /// Whether the response cites it: `{"enabled": true}`.
        citations with_citations: {RawJson} = "citations",
        /// A cache breakpoint.
        cache_control with_cache_control: {CacheControl} = "cache_control",
    }
}

wire_union! {
    /// Where an image or a document is.
    pub enum Source by "type" {
        /// In the payload, as base64.
        Base64(Base64Source) = "base64",
        /// At a URL.
        Url(UrlSource) = "url",
        /// In an uploaded file.
        File(FileSource) = "file",
        /// In the payload, as text.
        Text(TextSource) = "text",
    }
}

wire_object! {
    /// Bytes in base64.
    pub struct Base64Source {
        /// Their media type.
        media_type with_media_type: {String} = "media_type",
        /// The bytes.
        data with_data: {String} = "data",
    }
}

wire_object! {
    /// A URL.
    pub struct UrlSource {
        /// The URL.
        url with_url: {String} = "url",
    }
}

wire_object! {
    /// An uploaded file.
    pub struct FileSource {
        /// Its id.
        file_id with_file_id: {String} = "file_id",
    }
}

wire_object! {
    /// A document as text.
    pub struct TextSource {
        /// `text/plain`.
        media_type with_media_type: {String} = "media_type",
        /// The text.
        data with_data: {String} = "data",
    }
}

wire_object! {
    /// The model's reasoning.
    pub struct ThinkingBlock {
        /// The text.
        thinking with_thinking: {String} = "thinking",
        /// The signature, which the next request must send back.
        signature with_signature: {String} = "signature",
    }
}

wire_object! {
    /// Encrypted reasoning.
    pub struct RedactedThinkingBlock {
        /// The encrypted text, which the next request must send back.
        data with_data: {String} = "data",
    }
}

wire_object! {
    /// A tool call.
    pub struct ToolUseBlock {
        /// Its id.
        id with_id: {String} = "id",
        /// The tool's name.
        name with_name: {String} = "name",
        /// The tool's input, a JSON object.
        input with_input: {RawJson} = "input",
        /// A cache breakpoint.
        cache_control with_cache_control: {CacheControl} = "cache_control",
    }
}

wire_object! {
    /// The result of a tool call.
    pub struct ToolResultBlock {
        /// The id of the call.
        tool_use_id with_tool_use_id: {String} = "tool_use_id",
        /// The result.
        content with_content: {Content} = "content",
        /// Whether the tool failed.
        is_error with_is_error: (bool) = "is_error",
        /// A cache breakpoint.
        cache_control with_cache_control: {CacheControl} = "cache_control",
    }
}
