//! Responses that later requests refer to, kept for upstreams that keep none: what was said before is put in front of what
//! is said now.
//!
//! <https://platform.openai.com/docs/guides/conversation-state>

use super::super::auxiliary::{StoredResponsePart, parameter};
use crate::error::{ClientError, ErrorKind};
use crate::json::{Object, ValueKind, encode_string, value_kind};

/// The response that a request goes on from.
pub(super) fn previous(body: &[u8]) -> Option<String> {
    Object::parse(body).ok()?.str("previous_response_id").map(std::borrow::Cow::into_owned)
}

/// What a request says itself, as items; `None` if its answer shall not be kept.
pub(super) fn said(body: &[u8]) -> Option<Vec<String>> {
    let object = Object::parse(body).ok()?;
    (object.bool("store") != Some(false)).then(|| input(&object))
}

fn input(body: &Object<'_>) -> Vec<String> {
    let Some(given) = body.non_null("input") else { return Vec::new() };
    match value_kind(given) {
        ValueKind::String => vec![format!(r#"{{"type":"message","role":"user","content":{given}}}"#)],
        _ => body.array("input").unwrap_or_default().into_iter().map(str::to_owned).collect(),
    }
}

/// What is kept of an exchange: the answer, and all that was said up to it. `None` if the answer is not complete.
pub(super) fn entry(mut said: Vec<String>, answer: &[u8]) -> Option<(String, String)> {
    let response = Object::parse(answer).ok()?;
    let id = response.str("id").filter(|id| !id.is_empty())?.into_owned();
    said.extend(response.array("output")?.into_iter().map(str::to_owned));
    let mut kept = Object::new();
    kept.set("items", format!("[{}]", said.join(",")));
    kept.set("response", response.to_json());
    Some((id, kept.to_json()))
}

/// A part of what was kept: the response, its input, or why it cannot be stopped.
pub(super) fn part(part: StoredResponsePart, kept: &str, query: &str) -> Result<String, ClientError> {
    let kept = Object::parse(kept.as_bytes()).unwrap_or_default();
    match part {
        StoredResponsePart::Answer => Ok(kept.get("response").unwrap_or("{}").to_owned()),
        StoredResponsePart::Input => input_items(&kept, query),
        StoredResponsePart::Cancel => Err(ClientError::invalid(
            "This response is complete, and was not made in the background: there is nothing to cancel.",
        )
        .with_code("response_not_cancellable")),
    }
}

/// All that was said before the answer, the newest first unless asked otherwise.
fn input_items(kept: &Object<'_>, query: &str) -> Result<String, ClientError> {
    let response = kept.object("response").unwrap_or_default();
    let own = response.array("output").map_or(0, |output| output.len());
    let id = response.str("id").unwrap_or_default();
    let said = kept.array("items").unwrap_or_default();
    let before = said.len().saturating_sub(own);
    let mut items: Vec<(String, String)> =
        said.iter().take(before).enumerate().map(|(at, item)| listed(item, &id, at)).collect();
    match parameter(query, "order").as_deref() {
        Some("asc") => {}
        None | Some("desc") => items.reverse(),
        Some(_) => return Err(ClientError::invalid("`order` must be `asc` or `desc`.").at("order")),
    }
    if let Some(after) = parameter(query, "after") {
        let place = items.iter().position(|(id, _)| *id == after);
        let place = place.ok_or_else(|| ClientError::invalid("`after` names no item.").at("after"))?;
        items.drain(..=place);
    }
    let limit = match parameter(query, "limit") {
        None => 20,
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| ClientError::invalid("`limit` must be a number from 1 to 100.").at("limit"))?,
    };
    let more = items.len() > limit;
    items.truncate(limit);
    let id = |item: Option<&(String, String)>| {
        item.map_or_else(|| String::from("null"), |(id, _)| encode_string(id))
    };
    let (first, last) = (id(items.first()), id(items.last()));
    let data: Vec<String> = items.into_iter().map(|(_, item)| item).collect();
    Ok(format!(
        r#"{{"object":"list","data":[{}],"first_id":{first},"last_id":{last},"has_more":{more}}}"#,
        data.join(",")
    ))
}

/// An item as it is listed: with an id, and a message's text as a list of parts.
fn listed(item: &str, response: &str, at: usize) -> (String, String) {
    let Ok(mut object) = Object::parse(item.as_bytes()) else { return (String::new(), item.to_owned()) };
    let kind = object.str("type").filter(|kind| !kind.is_empty()).map(std::borrow::Cow::into_owned);
    let message = kind.as_deref().is_none_or(|kind| kind == "message");
    if kind.is_none() {
        object.set("type", "\"message\"");
    }
    let id = object.str("id").filter(|id| !id.is_empty()).map(std::borrow::Cow::into_owned);
    let id = id.unwrap_or_else(|| {
        let prefix = if message { "msg" } else { "item" };
        format!("{prefix}_{}_{at}", response.trim_start_matches("resp_"))
    });
    object.set("id", encode_string(&id));
    if message && let Some(words) = object.get("content").filter(|c| value_kind(c) == ValueKind::String) {
        let part = if object.str("role").as_deref() == Some("assistant") {
            format!(r#"[{{"type":"output_text","text":{words},"annotations":[]}}]"#)
        } else {
            format!(r#"[{{"type":"input_text","text":{words}}}]"#)
        };
        object.set("content", part);
    }
    if object.get("status").is_none() {
        object.set("status", "\"completed\"");
    }
    (id, object.to_json())
}

/// The whole response that an event of a stream ends it with.
pub(super) fn last(event: &[u8]) -> Option<Vec<u8>> {
    let event = Object::parse(event).ok()?;
    let over = matches!(event.str("type").as_deref(), Some("response.completed" | "response.incomplete"));
    over.then(|| event.get("response").map(|response| response.as_bytes().to_vec()))?
}

/// A request with all that was said before in it.
///
/// # Errors
/// Nothing is kept under that id.
pub(super) fn go_on(body: &[u8], kept: Option<&str>) -> Result<Vec<u8>, ClientError> {
    let mut object = Object::parse(body).map_err(|_| ClientError::invalid("The body is no JSON object."))?;
    let Some(kept) = kept.and_then(|kept| Object::parse(kept.as_bytes()).ok()) else {
        return Err(forgotten(&object.str("previous_response_id").unwrap_or_default()));
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

/// There is no such response.
pub(super) fn unknown(id: &str) -> ClientError {
    let short: String = id.chars().take(100).collect();
    let text = format!("Response with id '{short}' not found.");
    ClientError::new(ErrorKind::NotFound, text).with_code("not_found")
}

/// Nothing is kept of what this request goes on from.
fn forgotten(id: &str) -> ClientError {
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
pub(super) fn deleted(id: &str) -> String {
    format!(r#"{{"id":{},"object":"response","deleted":true}}"#, encode_string(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (String, String) {
        let first = br#"{"model":"m","input":"hi"}"#;
        let answer = br#"{"id":"resp_1","object":"response","output":[{"type":"message","role":"assistant","content":[]}]}"#;
        entry(said(first).unwrap(), answer).unwrap()
    }

    #[test]
    fn a_conversation_goes_on_where_it_was() {
        let (id, kept) = kept();
        let next = br#"{"model":"m","previous_response_id":"resp_1","input":"and now?"}"#;
        let body = String::from_utf8(go_on(next, Some(&kept)).unwrap()).unwrap();
        assert_eq!((id.as_str(), previous(next).as_deref()), ("resp_1", Some("resp_1")));
        assert!(body.contains(
            r#""content":"hi"},{"type":"message","role":"assistant","content":[]},{"type":"message""#
        ));
        assert!(!body.contains("previous_response_id"));
        assert_eq!(go_on(next, None).unwrap_err().code.as_deref(), Some("previous_response_not_found"));
        assert_eq!(said(br#"{"input":"x","store":false}"#), None);
    }

    #[test]
    fn the_input_is_listed_page_by_page_without_the_answer() {
        let items = ["a", "b", "c"].map(|text| format!(r#"{{"role":"user","content":"{text}"}}"#)).to_vec();
        let answer = br#"{"id":"resp_1","output":[{"type":"message","id":"msg_x"}]}"#;
        let (_, kept) = entry(items, answer).unwrap();
        let list = |query: &str| {
            let list = part(StoredResponsePart::Input, &kept, query).unwrap();
            serde_json::from_str::<serde_json::Value>(&list).unwrap()
        };
        let all = list("");
        assert_eq!(all["data"][0]["content"][0]["text"], "c");
        assert_eq!((all["data"].as_array().unwrap().len(), &all["has_more"]), (3, &false.into()));
        let page = list("order=asc&limit=1");
        assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&"msg_1_0".into(), &true.into()));
        let next = list("order=asc&limit=1&after=msg_1_0");
        assert_eq!(next["data"][0]["content"][0]["text"], "b");
        for query in ["limit=0", "limit=101", "order=x", "after=x"] {
            assert!(part(StoredResponsePart::Input, &kept, query).is_err(), "{query}");
        }
    }

    #[test]
    fn what_is_over_cannot_be_cancelled() {
        let error = part(StoredResponsePart::Cancel, &kept().1, "").unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
    }
}
