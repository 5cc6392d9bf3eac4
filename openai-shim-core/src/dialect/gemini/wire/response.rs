//! The response, whole and as chunks, and errors.

use super::content::Content;
use crate::json::RawJson;
use crate::json::typed::wire_object;

wire_object! {
    /// A response, or one chunk of a stream: <https://ai.google.dev/api/generate-content#generatecontentresponse>.
    pub struct GenerateContentResponse {
        /// The alternatives.
        candidates with_candidates: [Candidate] = "candidates",
        /// Why the prompt was blocked.
        prompt_feedback with_prompt_feedback: {PromptFeedback} = "promptFeedback",
        /// Token counts.
        usage_metadata with_usage_metadata: {UsageMetadata} = "usageMetadata",
        /// The model that responded.
        model_version with_model_version: {String} = "modelVersion",
        /// The id of the response.
        response_id with_response_id: {String} = "responseId",
    }
}

wire_object! {
    /// Why the prompt was blocked.
    pub struct PromptFeedback {
        /// `SAFETY`, `BLOCKLIST`, `PROHIBITED_CONTENT`, …
        block_reason with_block_reason: {String} = "blockReason",
        /// How likely the prompt is harmful.
        safety_ratings with_safety_ratings: [SafetyRating] = "safetyRatings",
    }
}

wire_object! {
    /// One of the alternatives.
    pub struct Candidate {
        /// The content.
        content with_content: {Content} = "content",
        /// Why the output ended.
        finish_reason with_finish_reason: {String} = "finishReason",
        /// The index of the candidate.
        index with_index: (u32) = "index",
        /// The sources of the text.
        grounding_metadata with_grounding_metadata: {RawJson} = "groundingMetadata",
        /// The sources that the text repeats.
        citation_metadata with_citation_metadata: {RawJson} = "citationMetadata",
        /// How likely the content is harmful.
        safety_ratings with_safety_ratings: [SafetyRating] = "safetyRatings",
    }
}

wire_object! {
    /// How likely content is harmful.
    pub struct SafetyRating {
        /// `HARM_CATEGORY_HARASSMENT`, …
        category with_category: {String} = "category",
        /// `NEGLIGIBLE`, `LOW`, `MEDIUM`, `HIGH`.
        probability with_probability: {String} = "probability",
        /// Whether the content was blocked because of it.
        blocked with_blocked: (bool) = "blocked",
    }
}

wire_object! {
    /// Token counts.
    pub struct UsageMetadata {
        /// Tokens of the prompt, cached ones included.
        prompt_token_count with_prompt_token_count: (u64) = "promptTokenCount",
        /// Tokens of all candidates, without thoughts.
        candidates_token_count with_candidates_token_count: (u64) = "candidatesTokenCount",
        /// Tokens of thoughts.
        thoughts_token_count with_thoughts_token_count: (u64) = "thoughtsTokenCount",
        /// Tokens of tool results in the prompt.
        tool_use_prompt_token_count with_tool_use_prompt_token_count: (u64) = "toolUsePromptTokenCount",
        /// Tokens read from a cache.
        cached_content_token_count with_cached_content_token_count: (u64) = "cachedContentTokenCount",
        /// The sum of all tokens.
        total_token_count with_total_token_count: (u64) = "totalTokenCount",
    }
}

wire_object! {
    /// An error response: <https://cloud.google.com/apis/design/errors>.
    pub struct ErrorResponse {
        /// The error.
        error with_error: {ErrorObject} = "error",
    }
}

wire_object! {
    /// An error.
    pub struct ErrorObject {
        /// The HTTP status.
        code with_code: (u32) = "code",
        /// A description of the error.
        message with_message: {String} = "message",
        /// `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`, …
        status with_status: {String} = "status",
        /// Reasons, invalid fields, and when to retry.
        details with_details: [RawJson] = "details",
    }
}
