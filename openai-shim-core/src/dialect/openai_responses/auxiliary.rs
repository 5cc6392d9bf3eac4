//! Auxiliary routes of the Responses API: stored responses and token counts.
//!
//! <https://platform.openai.com/docs/api-reference/responses>

use super::super::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, GET_AND_HEAD, PostRequest, StoredResponsePart,
    TokenCountApi,
};
use super::super::url::split_query;
use super::stored_responses::StoredResponses;
use crate::error::ClientError;
use crate::json::{Object, reported_count};

pub(super) static ROUTES: [AuxiliaryRoute; 5] = [
    route("POST", "/responses/input_tokens", AuxiliaryKind::TokenCount(&TokenCount)),
    route("GET, DELETE, HEAD", "/responses/{id}", stored(StoredResponsePart::Response)),
    route(GET_AND_HEAD, "/responses/{id}/input_items", stored(StoredResponsePart::Input)),
    route("POST", "/responses/{id}/cancel", stored(StoredResponsePart::Cancel)),
    route("POST", "/responses/{rest}", AuxiliaryKind::Forward),
];

const fn route(methods: &'static str, path: &'static str, kind: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/v1", "/api/openai/v1"], path, methods, kind }
}

const fn stored(part: StoredResponsePart) -> AuxiliaryKind {
    AuxiliaryKind::StoredResponse(&StoredResponses, part)
}

/// `POST /v1/responses/input_tokens`
#[derive(Debug)]
struct TokenCount;

/// The parameters of a request for generation that a request for a count does not have.
const GENERATION_PARAMS: [&str; 17] = [
    "background",
    "include",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "top_logprobs",
    "top_p",
    "user",
];

impl TokenCountApi for TokenCount {
    fn generation_request(&self, request: &AuxiliaryRequest<'_>) -> Result<PostRequest, ClientError> {
        Ok(PostRequest::new("/v1/responses", request.body))
    }

    fn encode_request(&self, path: &str, body: &[u8]) -> Option<PostRequest> {
        let (path, query) = split_query(path);
        let mut body = Object::parse(body).ok()?;
        for key in GENERATION_PARAMS {
            body.remove(key);
        }
        path.ends_with("/responses")
            .then(|| PostRequest::new(format!("{path}/input_tokens{query}"), body.to_json()))
    }

    fn decode_response(&self, body: &[u8]) -> Option<u64> {
        Object::parse(body).ok()?.get("input_tokens").and_then(reported_count)
    }

    fn encode_response(&self, tokens: u64) -> String {
        format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#)
    }
}
