//! Stored responses: requests that refer to an earlier response → requests with the whole conversation, for upstreams that
//! store no responses.
//!
//! <https://platform.openai.com/docs/guides/conversation-state>

use super::super::auxiliary::{StoredResponseEntry, StoredResponsePart, StoredResponsesApi};
use super::super::url::query_param;
use super::replayed_events;
use crate::error::{ClientError, ErrorKind};
use crate::json::{Object, ValueKind, encode_string, value_kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Responses stored as an object of `items`, the conversation up to and with the response, and `response` itself.
#[derive(Debug)]
pub(super) struct StoredResponses;

impl StoredResponsesApi for StoredResponses {
    fn references(&self, body: &[u8]) -> Vec<String> {
        let Ok(request) = Object::parse(body) else { return Vec::new() };
        let mut ids: Vec<String> = request.str(PREVIOUS).map(Cow::into_owned).into_iter().collect();
        // Few requests have references: the items of all others are not read here.
        if memchr::memmem::find(body, ITEM_REFERENCE.as_bytes()).is_some() {
            let items = request.array("input").unwrap_or_default();
            ids.extend(items.into_iter().filter_map(referenced_item).take(MAX_REFERENCES));
        }
        ids
    }

    fn with_history(&self, body: &[u8], stored: &[(String, Option<&str>)]) -> Result<Vec<u8>, ClientError> {
        let mut request =
            Object::parse(body).map_err(|_| ClientError::invalid("The body is no JSON object."))?;
        let stored: BTreeMap<&str, &str> =
            stored.iter().filter_map(|(id, content)| Some((id.as_str(), (*content)?))).collect();
        let mut items: Vec<String> = Vec::new();
        if let Some(previous) = request.str(PREVIOUS) {
            let stored =
                stored.get(previous.as_ref()).and_then(|stored| Object::parse(stored.as_bytes()).ok());
            let Some(stored) = stored else { return Err(previous_not_found(&previous)) };
            items.extend(stored.array("items").unwrap_or_default().into_iter().map(str::to_owned));
        }
        let stored_item =
            |item: &str| stored.get(referenced_item(item)?.as_str()).map(|item| (*item).to_owned());
        items.extend(input_as_items(&request).into_iter().map(|item| stored_item(&item).unwrap_or(item)));
        request.set("input", format!("[{}]", items.join(",")));
        request.remove(PREVIOUS);
        let mut out = Vec::new();
        request.write(&mut out);
        Ok(out)
    }

    fn request_items(&self, body: &[u8]) -> Option<Vec<String>> {
        let request = Object::parse(body).ok()?;
        (request.bool("store") != Some(false)).then(|| input_as_items(&request))
    }

    fn final_response(&self, event: &[u8]) -> Option<Vec<u8>> {
        let event = Object::parse(event).ok()?;
        let is_final =
            matches!(event.str("type").as_deref(), Some("response.completed" | "response.incomplete"));
        is_final.then(|| event.get("response").map(|response| response.as_bytes().to_vec()))?
    }

    fn entries(&self, mut request_items: Vec<String>, response: &[u8]) -> Vec<StoredResponseEntry> {
        let Ok(response) = Object::parse(response) else { return Vec::new() };
        let id = response.str("id").filter(|id| !id.is_empty()).map(Cow::into_owned);
        let (Some(id), Some(output)) = (id, response.array("output")) else { return Vec::new() };
        let item_entries: Vec<_> = identified_items(&output)
            .map(|(id, item)| StoredResponseEntry { id, content: item.to_owned() })
            .collect();
        request_items.extend(output.into_iter().map(str::to_owned));
        let mut content = Object::new();
        content.set("items", format!("[{}]", request_items.join(",")));
        content.set("response", response.to_json());
        let mut entries = vec![StoredResponseEntry { id, content: content.to_json() }];
        entries.extend(item_entries);
        entries
    }

    fn entry_ids(&self, id: &str, stored: &str) -> Vec<String> {
        let stored = Object::parse(stored.as_bytes()).unwrap_or_default();
        let response = stored.object("response").unwrap_or_default();
        let output = response.array("output").unwrap_or_default();
        let mut ids = vec![id.to_owned()];
        ids.extend(identified_items(&output).map(|(id, _)| id));
        ids
    }

    fn encode_part(
        &self,
        part: StoredResponsePart,
        stored: &str,
        query: &str,
    ) -> Result<String, ClientError> {
        let stored = Object::parse(stored.as_bytes()).unwrap_or_default();
        let Some(response) = stored.get("response") else { return Err(self.unknown_response("")) };
        match part {
            StoredResponsePart::Response => Ok(response.to_owned()),
            StoredResponsePart::Input => encode_input_items(&stored, query),
            StoredResponsePart::Cancel => Err(ClientError::invalid(
                "This response is complete, and was not made in the background: there is nothing to cancel.",
            )
            .with_code("response_not_cancellable")),
        }
    }

    fn encode_events(&self, stored: &str, query: &str) -> Result<Option<String>, ClientError> {
        let stored = Object::parse(stored.as_bytes()).unwrap_or_default();
        let Some(response) = stored.get("response") else { return Ok(None) };
        replayed_events::encode(response, query)
    }

    fn encode_deleted(&self, id: &str) -> String {
        format!(r#"{{"id":{},"object":"response","deleted":true}}"#, encode_string(id))
    }

    fn unknown_response(&self, id: &str) -> ClientError {
        let short: String = id.chars().take(MAX_QUOTED_ID_CHARS).collect();
        let text = format!("Response with id '{short}' not found.");
        ClientError::new(ErrorKind::NotFound, text).with_code("not_found")
    }
}

/// The parameter that names the response which a request continues.
const PREVIOUS: &str = "previous_response_id";

/// The type of an item that stands for another one.
const ITEM_REFERENCE: &str = "item_reference";

/// The most references to items in one request, and the most items of one response, that are stored on their own.
const MAX_REFERENCES: usize = 256;

/// Returns the id of the entry of an item. No response has such an id.
fn item_entry_id(id: &str) -> String {
    format!("item:{id}")
}

/// Returns the items with an id, each with the id of its entry.
fn identified_items<'o>(output: &'o [&str]) -> impl Iterator<Item = (String, &'o str)> {
    output.iter().take(MAX_REFERENCES).filter_map(|item| {
        let object = Object::parse(item.as_bytes()).ok()?;
        let id = object.str("id").filter(|id| !id.is_empty())?;
        Some((item_entry_id(&id), *item))
    })
}

/// Returns the id of the entry that an item refers to; `None` if it is no reference.
fn referenced_item(item: &str) -> Option<String> {
    let item = Object::parse(item.as_bytes()).ok()?;
    let is_reference = item.str("type").as_deref() == Some(ITEM_REFERENCE);
    item.str("id").filter(|_| is_reference).map(|id| item_entry_id(&id))
}

/// The length to which an error message cuts an id.
const MAX_QUOTED_ID_CHARS: usize = 100;

/// Returns the input of a request as items; a text becomes a message of the user.
fn input_as_items(request: &Object<'_>) -> Vec<String> {
    let Some(input) = request.non_null("input") else { return Vec::new() };
    match value_kind(input) {
        ValueKind::String => vec![format!(r#"{{"type":"message","role":"user","content":{input}}}"#)],
        _ => request.array("input").unwrap_or_default().into_iter().map(str::to_owned).collect(),
    }
}

/// Encodes a page of the conversation before the response; the newest item comes first unless `order` is `asc`.
///
/// <https://platform.openai.com/docs/api-reference/responses/input-items>
fn encode_input_items(stored: &Object<'_>, query: &str) -> Result<String, ClientError> {
    let response = stored.object("response").unwrap_or_default();
    let output_count = response.array("output").map_or(0, |output| output.len());
    let response_id = response.str("id").unwrap_or_default();
    let conversation = stored.array("items").unwrap_or_default();
    let input_count = conversation.len().saturating_sub(output_count);
    let mut items: Vec<InputItem> = conversation
        .iter()
        .take(input_count)
        .enumerate()
        .map(|(position, item)| InputItem::new(item, &response_id, position))
        .collect();
    match query_param(query, "order").as_deref() {
        Some("asc") => {}
        None | Some("desc") => items.reverse(),
        Some(_) => return Err(ClientError::invalid("`order` must be `asc` or `desc`.").at("order")),
    }
    if let Some(after) = query_param(query, "after") {
        let position = items.iter().position(|item| item.id == after);
        let position = position.ok_or_else(|| ClientError::invalid("`after` names no item.").at("after"))?;
        items.drain(..=position);
    }
    let limit = match query_param(query, "limit") {
        None => 20,
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| ClientError::invalid("`limit` must be a number from 1 to 100.").at("limit"))?,
    };
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id =
        |item: Option<&InputItem>| item.map_or_else(|| String::from("null"), |item| encode_string(&item.id));
    let (first_id, last_id) = (id(items.first()), id(items.last()));
    let data: Vec<String> = items.into_iter().map(|item| item.json).collect();
    Ok(format!(
        r#"{{"object":"list","data":[{}],"first_id":{first_id},"last_id":{last_id},"has_more":{has_more}}}"#,
        data.join(",")
    ))
}

/// An item of a list of input items.
struct InputItem {
    id: String,
    json: String,
}

impl InputItem {
    /// Fills in what a listed item always has: type, id and status, and in a message a list of content parts.
    fn new(item: &str, response_id: &str, position: usize) -> Self {
        let Ok(mut object) = Object::parse(item.as_bytes()) else {
            return Self { id: String::new(), json: item.to_owned() };
        };
        let kind = object.str("type").filter(|kind| !kind.is_empty()).map(Cow::into_owned);
        let is_message = kind.as_deref().is_none_or(|kind| kind == "message");
        if kind.is_none() {
            object.set("type", "\"message\"");
        }
        let id = object.str("id").filter(|id| !id.is_empty()).map(Cow::into_owned);
        let id = id.unwrap_or_else(|| {
            let prefix = if is_message { "msg" } else { "item" };
            format!("{prefix}_{}_{position}", response_id.trim_start_matches("resp_"))
        });
        object.set("id", encode_string(&id));
        if is_message && let Some(text) = object.get("content").filter(|c| value_kind(c) == ValueKind::String)
        {
            let content = if object.str("role").as_deref() == Some("assistant") {
                format!(r#"[{{"type":"output_text","text":{text},"annotations":[]}}]"#)
            } else {
                format!(r#"[{{"type":"input_text","text":{text}}}]"#)
            };
            object.set("content", content);
        }
        if object.get("status").is_none() {
            object.set("status", "\"completed\"");
        }
        Self { id, json: object.to_json() }
    }
}

/// Returns OpenAI's error for a `previous_response_id` under which nothing is stored.
fn previous_not_found(id: &str) -> ClientError {
    let short: String = id.chars().take(MAX_QUOTED_ID_CHARS).collect();
    let text = format!(
        "Previous response with id '{short}' not found. Responses are kept in memory for a while, and not those with \
         `store: false`; send the whole conversation in `input`."
    );
    ClientError::new(ErrorKind::InvalidRequest, text).at(PREVIOUS).with_code("previous_response_not_found")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> StoredResponseEntry {
        let first = br#"{"model":"m","input":"hi"}"#;
        let response = br#"{"id":"resp_1","object":"response","output":[{"type":"message","role":"assistant","content":[]}]}"#;
        let mut entries = StoredResponses.entries(StoredResponses.request_items(first).unwrap(), response);
        entries.remove(0)
    }

    #[test]
    fn a_continued_request_contains_the_stored_conversation() {
        let StoredResponseEntry { id, content } = stored();
        let next = br#"{"model":"m","previous_response_id":"resp_1","input":"and now?"}"#;
        let loaded = [(id.clone(), Some(content.as_str()))];
        let body = StoredResponses.with_history(next, &loaded).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert_eq!((id.as_str(), StoredResponses.references(next)), ("resp_1", vec![String::from("resp_1")]));
        assert!(body.contains(
            r#""content":"hi"},{"type":"message","role":"assistant","content":[]},{"type":"message""#
        ));
        assert!(!body.contains("previous_response_id"));
        let error = StoredResponses.with_history(next, &[(id, None)]).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("previous_response_not_found"));
        assert_eq!(StoredResponses.request_items(br#"{"input":"x","store":false}"#), None);
    }

    #[test]
    fn the_input_is_listed_page_by_page_without_the_response() {
        let items = ["a", "b", "c"].map(|text| format!(r#"{{"role":"user","content":"{text}"}}"#)).to_vec();
        let response = br#"{"id":"resp_1","output":[{"type":"message","id":"msg_x"}]}"#;
        let content = StoredResponses.entries(items, response).remove(0).content;
        let part = |query: &str| StoredResponses.encode_part(StoredResponsePart::Input, &content, query);
        let list = |query: &str| serde_json::from_str::<serde_json::Value>(&part(query).unwrap()).unwrap();
        let all = list("");
        assert_eq!(all["data"][0]["content"][0]["text"], "c");
        assert_eq!((all["data"].as_array().unwrap().len(), &all["has_more"]), (3, &false.into()));
        let page = list("order=asc&limit=1");
        assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&"msg_1_0".into(), &true.into()));
        let next = list("order=asc&limit=1&after=msg_1_0");
        assert_eq!(next["data"][0]["content"][0]["text"], "b");
        for query in ["limit=0", "limit=101", "order=x", "after=x"] {
            assert!(part(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_reference_to_a_stored_item_becomes_the_item() {
        let message = r#"{"type":"message","id":"msg_1","role":"assistant","content":[]}"#;
        let response = format!(r#"{{"id":"resp_1","output":[{message},{{"type":"function_call"}}]}}"#);
        let entries = StoredResponses.entries(Vec::new(), response.as_bytes());
        let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["resp_1", "item:msg_1"]);
        assert_eq!(StoredResponses.entry_ids("resp_1", &entries[0].content), ids);
        let next = br#"{"input":[{"type":"item_reference","id":"msg_1"},{"type":"item_reference","id":"msg_2"},{"role":"user","content":"x"}]}"#;
        assert_eq!(StoredResponses.references(next), ["item:msg_1", "item:msg_2"]);
        let loaded = [(String::from("item:msg_1"), Some(message)), (String::from("item:msg_2"), None)];
        let body = String::from_utf8(StoredResponses.with_history(next, &loaded).unwrap()).unwrap();
        let unresolved = r#"{"type":"item_reference","id":"msg_2"}"#;
        assert_eq!(body, format!(r#"{{"input":[{message},{unresolved},{{"role":"user","content":"x"}}]}}"#));
        assert!(StoredResponses.references(br#"{"input":"x"}"#).is_empty());
    }

    #[test]
    fn a_complete_response_cannot_be_cancelled() {
        let error =
            StoredResponses.encode_part(StoredResponsePart::Cancel, &stored().content, "").unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
    }
}
