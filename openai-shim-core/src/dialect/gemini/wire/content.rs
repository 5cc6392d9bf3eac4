//! Messages and their parts.

use crate::json::RawJson;
use crate::json::typed::wire_object;

wire_object! {
    /// One message: <https://ai.google.dev/api/caching#Content>.
    pub struct Content {
        /// `user` or `model`.
        role with_role: {String} = "role",
        /// The parts, in order.
        parts with_parts: [Part] = "parts",
    }
}

impl Content {
    /// A message with one text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of(role, [Part::text(text)])
    }

    /// A message of these parts.
    pub fn of(role: impl Into<String>, parts: impl IntoIterator<Item = Part>) -> Self {
        Self::default().with_role(role).with_parts(parts)
    }
}

wire_object! {
    /// One part of a message: <https://ai.google.dev/api/caching#Part>.
    pub struct Part {
        /// The text, of the output or of a thought.
        text with_text: {String} = "text",
        /// Whether the text is a thought.
        thought with_thought: (bool) = "thought",
        /// The signature of the part, which the next request must send back with it.
        thought_signature with_thought_signature: {String} = "thoughtSignature",
        /// Media as bytes.
        inline_data with_inline_data: {Blob} = "inlineData",
        /// A file by its URI.
        file_data with_file_data: {FileData} = "fileData",
        /// A function call of the model.
        function_call with_function_call: {FunctionCall} = "functionCall",
        /// The result of a function call.
        function_response with_function_response: {FunctionResponse} = "functionResponse",
        /// Code that the model ran.
        executable_code with_executable_code: {ExecutableCode} = "executableCode",
        /// The result of that code.
        code_execution_result with_code_execution_result: {CodeExecutionResult} = "codeExecutionResult",
    }
}

impl Part {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().with_text(text)
    }

    /// Media, with its bytes in base64.
    pub fn inline_data(mime_type: impl Into<String>, data: impl Into<String>) -> Self {
        Self::default().with_inline_data(Blob::default().with_mime_type(mime_type).with_data(data))
    }
}

wire_object! {
    /// Bytes and their media type.
    pub struct Blob {
        /// The media type.
        mime_type with_mime_type: {String} = "mimeType",
        /// The bytes in base64.
        data with_data: {String} = "data",
    }
}

wire_object! {
    /// A file by its URI.
    pub struct FileData {
        /// The media type.
        mime_type with_mime_type: {String} = "mimeType",
        /// The URI.
        file_uri with_file_uri: {String} = "fileUri",
    }
}

wire_object! {
    /// A function call.
    pub struct FunctionCall {
        /// The id, which older models lack.
        id with_id: {String} = "id",
        /// The function's name.
        name with_name: {String} = "name",
        /// The arguments, a JSON object.
        args with_args: {RawJson} = "args",
    }
}

wire_object! {
    /// The result of a function call.
    pub struct FunctionResponse {
        /// The id of the call.
        id with_id: {String} = "id",
        /// The function's name.
        name with_name: {String} = "name",
        /// A JSON object, often with the field `output` or `error`.
        response with_response: {RawJson} = "response",
    }
}

wire_object! {
    /// Code that the model ran.
    pub struct ExecutableCode {
        /// `PYTHON`.
        language with_language: {String} = "language",
        /// The code.
        code with_code: {String} = "code",
    }
}

wire_object! {
    /// The result of code that the model ran.
    pub struct CodeExecutionResult {
        /// `OUTCOME_OK`, `OUTCOME_FAILED` or `OUTCOME_DEADLINE_EXCEEDED`.
        outcome with_outcome: {String} = "outcome",
        /// What the code wrote.
        output with_output: {String} = "output",
    }
}
