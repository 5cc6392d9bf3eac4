//! Parameters of a request that have several forms.

use super::content::Content;
use crate::json::RawJson;
use crate::json::typed::{from_text, wire_object, wire_union};

wire_union! {
    /// Stop sequences.
    pub enum Stop {
        /// One.
        One(String),
        /// Up to four.
        Many(Vec<String>),
    }
}

wire_union! {
    /// Which tool the model may or must call.
    pub enum ToolChoice {
        /// `none`, `auto` or `required`.
        Mode(String),
        /// One tool, or several of which the model may choose.
        Tool(ToolChoiceObject),
    }
}

impl ToolChoice {
    /// The model must call this function.
    pub fn function(name: impl Into<String>) -> Self {
        let function = NamedFunction::default().with_name(name);
        Self::Tool(ToolChoiceObject::default().with_kind("function").with_function(function))
    }
}

wire_object! {
    /// One tool, or several of which the model may choose.
    pub struct ToolChoiceObject {
        /// `function`, `custom` or `allowed_tools`.
        kind with_kind: {String} = "type",
        /// The function.
        function with_function: {NamedFunction} = "function",
        /// The custom tool.
        custom with_custom: {NamedFunction} = "custom",
        /// The tools of which the model may choose.
        allowed_tools with_allowed_tools: {AllowedTools} = "allowed_tools",
    }
}

wire_object! {
    /// A function or a custom tool by its name.
    pub struct NamedFunction {
        /// The name.
        name with_name: {String} = "name",
    }
}

wire_object! {
    /// The tools of which the model may choose.
    pub struct AllowedTools {
        /// `auto` or `required`.
        mode with_mode: {String} = "mode",
        /// The tools by name.
        tools with_tools: [ToolChoiceObject] = "tools",
    }
}

wire_union! {
    /// Legacy form of [`ToolChoice`].
    pub enum FunctionChoice {
        /// `none` or `auto`.
        Mode(String),
        /// One function.
        Function(NamedFunction),
    }
}

wire_union! {
    /// The format of the response.
    pub enum ResponseFormat by "type" {
        /// Any text.
        Text(TypeOnly) = "text",
        /// Any JSON object.
        JsonObject(TypeOnly) = "json_object",
        /// JSON that follows a schema.
        JsonSchema(JsonSchemaFormat) = "json_schema",
    }
}

impl ResponseFormat {
    /// Any JSON object.
    pub fn json_object() -> Self {
        Self::JsonObject(TypeOnly::default())
    }

    /// JSON that follows a schema exactly.
    pub fn json_schema(name: impl Into<String>, schema: RawJson) -> Self {
        let schema = JsonSchema::default().with_name(name).with_schema(schema).with_strict(true);
        Self::JsonSchema(JsonSchemaFormat::default().with_json_schema(schema))
    }
}

wire_object! {
    /// An object that has a type and nothing else.
    pub struct TypeOnly {}
}

wire_object! {
    /// JSON that follows a schema.
    pub struct JsonSchemaFormat {
        /// The schema.
        json_schema with_json_schema: {JsonSchema} = "json_schema",
    }
}

wire_object! {
    /// A named JSON schema.
    pub struct JsonSchema {
        /// The name.
        name with_name: {String} = "name",
        /// What the format is for.
        description with_description: {String} = "description",
        /// The JSON schema.
        schema with_schema: {RawJson} = "schema",
        /// Whether the response must match the schema exactly.
        strict with_strict: (bool) = "strict",
    }
}

wire_object! {
    /// Voice and format of audio output.
    pub struct AudioOptions {
        /// `wav`, `mp3`, `flac`, `opus`, `pcm16`.
        format with_format: {String} = "format",
        /// The name of the voice.
        voice with_voice: {String} = "voice",
    }
}

wire_object! {
    /// A text that the output will mostly repeat.
    pub struct Prediction {
        /// `content`.
        kind with_kind: {String} = "type",
        /// The text.
        content with_content: {Content} = "content",
    }
}

from_text!(Stop { Many }, ToolChoice, FunctionChoice);
