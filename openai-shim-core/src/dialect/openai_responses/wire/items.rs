//! Items of `input` and `output`, and their content.

use crate::json::RawJson;
use crate::json::typed::{from_text, wire_object, wire_union};

wire_union! {
    /// An item of `input` or `output`.
    pub enum Item by "type" {
        /// A message.
        Message(MessageItem) = "message",
        /// The model's reasoning.
        Reasoning(ReasoningItem) = "reasoning",
        /// A call of a function.
        FunctionCall(FunctionCall) = "function_call",
        /// The result of such a call.
        FunctionCallOutput(ToolOutput) = "function_call_output",
        /// A call of a custom tool.
        CustomToolCall(CustomCall) = "custom_tool_call",
        /// The result of such a call.
        CustomToolCallOutput(ToolOutput) = "custom_tool_call_output",
        /// An item that the API has stored.
        ItemReference(ItemReference) = "item_reference",
        _ =>
        /// A message of a request without a type.
        Input(InputMessage),
    }
}

impl Item {
    /// A message of a request: its content is a text, or a list of parts.
    pub fn input(role: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::Input(InputMessage::default().with_role(role).with_content(content))
    }

    /// The result of a function call.
    pub fn function_call_output(call_id: impl Into<String>, output: impl Into<Content>) -> Self {
        Self::FunctionCallOutput(ToolOutput::default().with_call_id(call_id).with_output(output))
    }
}

wire_object! {
    /// A message of a request without a type.
    pub struct InputMessage {
        /// `user`, `assistant`, `system` or `developer`.
        role with_role: {String} = "role",
        /// Its content.
        content with_content: {Content} = "content",
    }
}

wire_object! {
    /// A message.
    pub struct MessageItem {
        /// Its id.
        id with_id: {String} = "id",
        /// `in_progress`, `completed`, `incomplete`.
        status with_status: {String} = "status",
        /// `user`, `assistant`, `system` or `developer`.
        role with_role: {String} = "role",
        /// Its content.
        content with_content: {Content} = "content",
    }
}

wire_object! {
    /// The model's reasoning.
    pub struct ReasoningItem {
        /// Its id.
        id with_id: {String} = "id",
        /// `in_progress`, `completed`, `incomplete`.
        status with_status: {String} = "status",
        /// The summary of the reasoning.
        summary with_summary: [Part] = "summary",
        /// The reasoning itself, if the model shows it.
        content with_content: [Part] = "content",
        /// The encrypted reasoning, which only its issuer can read.
        encrypted_content with_encrypted_content: {String} = "encrypted_content",
    }
}

wire_object! {
    /// A call of a function.
    pub struct FunctionCall {
        /// Its id.
        id with_id: {String} = "id",
        /// `in_progress`, `completed`, `incomplete`.
        status with_status: {String} = "status",
        /// The id that connects the call and its output.
        call_id with_call_id: {String} = "call_id",
        /// The function's name.
        name with_name: {String} = "name",
        /// The namespace of the function.
        namespace with_namespace: {String} = "namespace",
        /// The arguments, as JSON in a string.
        arguments with_arguments: {String} = "arguments",
    }
}

wire_object! {
    /// A call of a custom tool.
    pub struct CustomCall {
        /// Its id.
        id with_id: {String} = "id",
        /// `in_progress`, `completed`, `incomplete`.
        status with_status: {String} = "status",
        /// The id that connects the call and its output.
        call_id with_call_id: {String} = "call_id",
        /// The tool's name.
        name with_name: {String} = "name",
        /// The namespace of the tool.
        namespace with_namespace: {String} = "namespace",
        /// The input.
        input with_input: {String} = "input",
    }
}

wire_object! {
    /// The result of a tool call.
    pub struct ToolOutput {
        /// Its id.
        id with_id: {String} = "id",
        /// `in_progress`, `completed`, `incomplete`.
        status with_status: {String} = "status",
        /// The id that connects the call and its output.
        call_id with_call_id: {String} = "call_id",
        /// The result: a text, or a list of parts.
        output with_output: {Content} = "output",
    }
}

wire_object! {
    /// An item that the API has stored.
    pub struct ItemReference {
        /// Its id.
        id with_id: {String} = "id",
    }
}

wire_union! {
    /// The content of a message, or a tool's result.
    pub enum Content {
        /// A text.
        Text(String),
        /// Texts and media.
        Parts(Vec<Part>),
    }
}

from_text!(Content[Part]);

wire_union! {
    /// A content part of a message, of reasoning, or of a tool's output.
    pub enum Part by "type" {
        /// A text of a request.
        InputText(TextPart) = "input_text",
        /// A text of the model.
        OutputText(OutputText) = "output_text",
        /// A refusal of the model.
        Refusal(RefusalPart) = "refusal",
        /// An image.
        InputImage(ImagePart) = "input_image",
        /// A document.
        InputFile(FilePart) = "input_file",
        /// A section of a summary of reasoning.
        SummaryText(TextPart) = "summary_text",
        /// A section of reasoning.
        ReasoningText(TextPart) = "reasoning_text",
    }
}

impl Part {
    /// A text of a request.
    pub fn input_text(text: impl Into<String>) -> Self {
        Self::InputText(TextPart::default().with_text(text))
    }

    /// An image by its URL, which may be a data URL.
    pub fn input_image(url: impl Into<String>) -> Self {
        Self::InputImage(ImagePart::default().with_image_url(url))
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
    /// A text of the model.
    pub struct OutputText {
        /// The text.
        text with_text: {String} = "text",
        /// Its sources.
        annotations with_annotations: [RawJson] = "annotations",
        /// The log probabilities of its tokens.
        logprobs with_logprobs: [RawJson] = "logprobs",
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
    /// An image.
    pub struct ImagePart {
        /// Its URL, or its bytes as a data URL.
        image_url with_image_url: {String} = "image_url",
        /// The id of an uploaded file.
        file_id with_file_id: {String} = "file_id",
        /// The level of detail: `low`, `high`, `auto`.
        detail with_detail: {String} = "detail",
    }
}

wire_object! {
    /// A document.
    pub struct FilePart {
        /// The id of an uploaded file.
        file_id with_file_id: {String} = "file_id",
        /// Its bytes as a data URL.
        file_data with_file_data: {String} = "file_data",
        /// Its URL.
        file_url with_file_url: {String} = "file_url",
        /// Its name.
        filename with_filename: {String} = "filename",
    }
}
