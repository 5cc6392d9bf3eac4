//! The request, its tools and settings.

use super::content::Content;
use crate::json::typed::wire_object;
use crate::json::{Number, RawJson};

wire_object! {
    /// A request: <https://ai.google.dev/api/generate-content#request-body>.
    pub struct GenerateContentRequest {
        /// The conversation.
        contents with_contents: [Content] = "contents",
        /// The system prompt; text only.
        system_instruction with_system_instruction: {Content} = "systemInstruction",
        /// The tools that the model may use.
        tools with_tools: [Tool] = "tools",
        /// How the model uses tools.
        tool_config with_tool_config: {ToolConfig} = "toolConfig",
        /// Which content is blocked.
        safety_settings with_safety_settings: [SafetySetting] = "safetySettings",
        /// Limits, sampling, response format and thinking.
        generation_config with_generation_config: {GenerationConfig} = "generationConfig",
        /// The cached start of the conversation: `cachedContents/{id}`.
        cached_content with_cached_content: {String} = "cachedContent",
    }
}

impl GenerateContentRequest {
    /// A request for the next message of a conversation.
    pub fn new(contents: impl IntoIterator<Item = Content>) -> Self {
        Self::default().with_contents(contents)
    }

    /// The request with its model, which the path of the API names and the body does not.
    pub fn for_model(self, model: impl Into<String>) -> ModelRequest {
        ModelRequest { model: model.into(), body: self }
    }
}

/// A request with its model: what a typed client sends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelRequest {
    /// The model, such as `gemini-2.5-pro`.
    pub model: String,
    /// The body.
    pub body: GenerateContentRequest,
}

wire_object! {
    /// A tool: functions of the client, or one that Google runs.
    pub struct Tool {
        /// The functions of the client.
        function_declarations with_function_declarations: [FunctionDeclaration] = "functionDeclarations",
        /// Search with Google.
        google_search with_google_search: {RawJson} = "googleSearch",
        /// Execution of code that the model writes.
        code_execution with_code_execution: {RawJson} = "codeExecution",
        /// Reading of web pages.
        url_context with_url_context: {RawJson} = "urlContext",
    }
}

impl Tool {
    /// Functions of the client.
    pub fn functions(functions: impl IntoIterator<Item = FunctionDeclaration>) -> Self {
        Self::default().with_function_declarations(functions)
    }
}

wire_object! {
    /// A function that the model may call.
    pub struct FunctionDeclaration {
        /// The name.
        name with_name: {String} = "name",
        /// What the function does.
        description with_description: {String} = "description",
        /// The parameters as an OpenAPI schema.
        parameters with_parameters: {RawJson} = "parameters",
        /// The parameters as a JSON schema.
        parameters_json_schema with_parameters_json_schema: {RawJson} = "parametersJsonSchema",
    }
}

impl FunctionDeclaration {
    /// A function with the JSON schema of its parameters.
    pub fn new(name: impl Into<String>, schema: RawJson) -> Self {
        Self::default().with_name(name).with_parameters_json_schema(schema)
    }
}

wire_object! {
    /// How the model uses tools.
    pub struct ToolConfig {
        /// How it calls functions.
        function_calling_config with_function_calling_config: {FunctionCallingConfig} = "functionCallingConfig",
    }
}

wire_object! {
    /// How the model calls functions.
    pub struct FunctionCallingConfig {
        /// `AUTO`, `ANY`, `NONE` or `VALIDATED`.
        mode with_mode: {String} = "mode",
        /// The functions that it may call, for `ANY` and `VALIDATED`.
        allowed_function_names with_allowed_function_names: [String] = "allowedFunctionNames",
    }
}

wire_object! {
    /// Which content of a category is blocked.
    pub struct SafetySetting {
        /// `HARM_CATEGORY_HARASSMENT`, …
        category with_category: {String} = "category",
        /// `BLOCK_NONE`, `BLOCK_ONLY_HIGH`, `BLOCK_MEDIUM_AND_ABOVE`, `BLOCK_LOW_AND_ABOVE`, `OFF`.
        threshold with_threshold: {String} = "threshold",
    }
}

wire_object! {
    /// Limits, sampling, response format and thinking: <https://ai.google.dev/api/generate-content#generationconfig>.
    pub struct GenerationConfig {
        /// Up to five stop sequences.
        stop_sequences with_stop_sequences: [String] = "stopSequences",
        /// `text/plain`, `application/json` or `text/x.enum`.
        response_mime_type with_response_mime_type: {String} = "responseMimeType",
        /// The format of the output as an OpenAPI schema.
        response_schema with_response_schema: {RawJson} = "responseSchema",
        /// The format of the output as a JSON schema.
        response_json_schema with_response_json_schema: {RawJson} = "responseJsonSchema",
        /// How many candidates the response has.
        candidate_count with_candidate_count: (u32) = "candidateCount",
        /// The most tokens of the response, thoughts included.
        max_output_tokens with_max_output_tokens: (u64) = "maxOutputTokens",
        /// Sampling temperature, 0 to 2.
        temperature with_temperature: {Number} = "temperature",
        /// Nucleus sampling.
        top_p with_top_p: {Number} = "topP",
        /// Samples from the k most likely tokens only.
        top_k with_top_k: {Number} = "topK",
        /// The random seed.
        seed with_seed: (i64) = "seed",
        /// Penalty for tokens that occurred.
        presence_penalty with_presence_penalty: {Number} = "presencePenalty",
        /// Penalty for tokens by how often they occurred.
        frequency_penalty with_frequency_penalty: {Number} = "frequencyPenalty",
        /// How much the model reasons first.
        thinking_config with_thinking_config: {ThinkingConfig} = "thinkingConfig",
    }
}

wire_object! {
    /// How much the model reasons first.
    pub struct ThinkingConfig {
        /// Whether the response includes thoughts.
        include_thoughts with_include_thoughts: (bool) = "includeThoughts",
        /// The most tokens of thoughts; 0 for none, -1 for as many as the model decides.
        thinking_budget with_thinking_budget: (i64) = "thinkingBudget",
        /// `MINIMAL`, `LOW`, `MEDIUM` or `HIGH`.
        thinking_level with_thinking_level: {String} = "thinkingLevel",
    }
}
