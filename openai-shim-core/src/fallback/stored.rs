//! Conversations of the Responses API that are kept for upstreams that keep none: what was said before is put in front of
//! what is said now. Where it is kept is the caller's business.
//!
//! <https://platform.openai.com/docs/guides/conversation-state>

use crate::error::{ClientError, ErrorKind};
use crate::json::{Kind, Object, peek, quote};

/// The response that a request goes on from.
pub fn previous(body: &[u8]) -> Option<String> {
    Object::parse(body).ok()?.str("previous_response_id").map(std::borrow::Cow::into_owned)
}

/// What a request says itself, as items; `None` if its answer shall not be kept.
pub fn items(body: &[u8]) -> Option<Vec<String>> {
    let object = Object::parse(body).ok()?;
    (object.bool("store") != Some(false)).then(|| input(&object))
}

fn input(body: &Object<'_>) -> Vec<String> {
    let Some(given) = body.non_null("input") else { return Vec::new() };
    match peek(given) {
        Kind::String => vec![format!(r#"{{"type":"message","role":"user","content":{given}}}"#)],
        _ => body.array("input").unwrap_or_default().into_iter().map(str::to_owned).collect(),
    }
}

/// What is kept of an exchange: the answer, and all that was said up to it. `None` if the answer is not complete.
///
/// ```
/// use openai_shim_core::fallback::stored::{entry, go_on, items};
/// let first = br#"{"model":"m","input":"hi"}"#;
/// let answer = br#"{"id":"resp_1","object":"response","output":[{"type":"message","role":"assistant","content":[]}]}"#;
/// let (id, kept) = entry(items(first).unwrap(), answer).unwrap();
/// let next = br#"{"model":"m","previous_response_id":"resp_1","input":"and now?"}"#;
/// let body = String::from_utf8(go_on(next, Some(&kept)).unwrap()).unwrap();
/// assert_eq!(id, "resp_1");
/// assert!(body.contains(r#""content":"hi"},{"type":"message","role":"assistant","content":[]},{"type":"message""#));
/// assert!(!body.contains("previous_response_id"));
/// ```
pub fn entry(mut said: Vec<String>, answer: &[u8]) -> Option<(String, String)> {
    let response = Object::parse(answer).ok()?;
    let id = response.str("id").filter(|id| !id.is_empty())?.into_owned();
    said.extend(response.array("output")?.into_iter().map(str::to_owned));
    let mut kept = Object::new();
    kept.set("items", format!("[{}]", said.join(",")));
    kept.set("response", response.to_json());
    Some((id, kept.to_json()))
}

/// The response in what was kept.
pub fn response(kept: &str) -> Option<String> {
    Object::parse(kept.as_bytes()).ok()?.get("response").map(str::to_owned)
}

/// A request with all that was said before in it.
///
/// # Errors
/// Nothing is kept under that id.
pub fn go_on(body: &[u8], kept: Option<&str>) -> Result<Vec<u8>, ClientError> {
    let mut object = Object::parse(body).map_err(|_| ClientError::invalid("The body is no JSON object."))?;
    let Some(kept) = kept.and_then(|kept| Object::parse(kept.as_bytes()).ok()) else {
        return Err(unknown(&object.str("previous_response_id").unwrap_or_default()));
    };
    let mut items: Vec<String> =
        kept.array("items").unwrap_or_default().into_iter().map(str::to_owned).collect();
    items.extend(input(&object));
    object.set("input", format!("[{}]", items.join(",")));
    object.remove("previous_response_id");
    let mut out = Vec::new();
    object.write(&mut out);
    Ok(out)
}

/// Nothing is kept under this id.
pub fn unknown(id: &str) -> ClientError {
    let short: String = id.chars().take(100).collect();
    let text = format!(
        "Previous response with id '{short}' not found. Responses are kept in memory for a while, and not those with \
         `store: false`; send the whole conversation in `input`."
    );
    ClientError::new(ErrorKind::InvalidRequest, text)
        .at("previous_response_id")
        .with_code("previous_response_not_found")
}

/// What `DELETE /v1/responses/{id}` answers.
pub fn deleted(id: &str) -> String {
    format!(r#"{{"id":{},"object":"response","deleted":true}}"#, quote(id))
}
