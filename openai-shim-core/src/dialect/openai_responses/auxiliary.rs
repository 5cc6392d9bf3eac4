//! Routes beside the making of responses: those that were made, and the counting of tokens.
//!
//! <https://platform.openai.com/docs/api-reference/responses>

use super::super::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, GET, StoredResponsePart, StoredResponsesApi,
    TokenCountApi,
};
use super::stored_responses;
use crate::json::Object;

pub(super) static ROUTES: [AuxiliaryRoute; 5] = [
    at("POST", "/responses/input_tokens", AuxiliaryKind::Count(&COUNTING)),
    at("GET, DELETE, HEAD", "/responses/{id}", AuxiliaryKind::Kept(&KEEPING, StoredResponsePart::Answer)),
    at(GET, "/responses/{id}/input_items", AuxiliaryKind::Kept(&KEEPING, StoredResponsePart::Input)),
    at("POST", "/responses/{id}/cancel", AuxiliaryKind::Kept(&KEEPING, StoredResponsePart::Cancel)),
    at("POST", "/responses/{rest}", AuxiliaryKind::Forward),
];

const fn at(methods: &'static str, path: &'static str, side: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/v1", "/api/openai/v1"], path, methods, side }
}

static KEEPING: StoredResponsesApi = StoredResponsesApi {
    previous: stored_responses::previous,
    with_history: stored_responses::go_on,
    request_items: stored_responses::said,
    last: stored_responses::last,
    entry: stored_responses::entry,
    part: stored_responses::part,
    deleted: stored_responses::deleted,
    unknown: stored_responses::unknown,
};

static COUNTING: TokenCountApi = TokenCountApi {
    counted: |asking: &AuxiliaryRequest<'_>| Ok((String::from("/v1/responses"), asking.body.to_vec())),
    ask,
    read: |body| Object::parse(body).ok()?.u64("input_tokens"),
    write: |tokens| format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#),
};

/// What an answer is asked with and a count is not.
const OF_ANSWERS: [&str; 17] = [
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

fn ask(path: &str, body: &[u8]) -> Option<(String, String)> {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut body = Object::parse(body).ok()?;
    for key in OF_ANSWERS {
        body.remove(key);
    }
    path.ends_with("/responses").then(|| (format!("{path}/input_tokens{query}"), body.to_json()))
}
