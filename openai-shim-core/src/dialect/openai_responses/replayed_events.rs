//! A stored response as a stream of events: for clients that retrieve it with `stream=true`.
//!
//! <https://platform.openai.com/docs/api-reference/responses/get>

use super::super::Encoder;
use super::super::url::query_param;
use super::echoed_params::ECHOED_PARAMS;
use super::encode::{EventOutput, ResponsesEncoder};
use super::extra_fields::parse_or_empty;
use super::names::NAME;
use super::response;
use super::sse::write_event;
use crate::canonical::{Context, Diagnostics, ExtraFields, Request, ResponseContext, ResponseSpec, unfold};
use crate::error::ClientError;
use crate::framing::{Frame, Framer};
use crate::json::{Object, raw};

/// The events of a stored response; `None` if the query does not ask for a stream. With `starting_after` only those after this
/// sequence number are returned.
///
/// # Errors
/// `starting_after` is no number.
pub(super) fn encode(stored: &str, query: &str) -> Result<Option<String>, ClientError> {
    if query_param(query, "stream").is_none_or(|value| !value.eq_ignore_ascii_case("true") && value != "1") {
        return Ok(None);
    }
    let after = match query_param(query, "starting_after") {
        None => None,
        Some(number) => Some(number.parse::<u64>().map_err(|_| {
            ClientError::invalid("`starting_after` must be the sequence number of an event.")
                .at("starting_after")
        })?),
    };
    let response = Object::parse(stored.as_bytes()).unwrap_or_default();
    let (stream, begun) = (written_stream(&response), begun_response(&response));
    let items = response.array("output").unwrap_or_default();
    let mut out = Vec::new();
    let mut framer = Framer::new(stream.len());
    let mut replay = |frame: Frame<'_>| {
        let Frame::Event { data, .. } = frame else { return };
        let Ok(mut event) = Object::parse(data) else { return };
        let kind = event.str("type").unwrap_or_default().into_owned();
        if after.is_some_and(|after| event.u64("sequence_number").is_some_and(|number| number <= after)) {
            return;
        }
        // Response and items are the stored ones, with all that the canonical model has no place for.
        if let Some(item) = event.u64("output_index").and_then(|at| items.get(usize::try_from(at).ok()?)) {
            set_item(&mut event, &kind, item);
        }
        match kind.as_str() {
            "response.created" | "response.in_progress" => event.set("response", begun.clone()),
            _ if event.get("response").is_some() => event.set("response", stored.to_owned()),
            _ => {}
        }
        write_event(&kind, &event.to_json(), &mut out);
    };
    // The limit is the length of the stream: no frame is too large.
    let _ = framer.push(&stream, &mut replay);
    framer.finish(&mut replay);
    Ok(Some(String::from_utf8(out).unwrap_or_default()))
}

/// Puts a stored item, or its id, into an event of it.
fn set_item(event: &mut Object<'_>, kind: &str, stored: &str) {
    let id = parse_or_empty(stored).get("id").unwrap_or("null").to_owned();
    if event.get("item_id").is_some() {
        event.set("item_id", id);
    } else if kind == "response.output_item.done" {
        event.set("item", stored.to_owned());
    } else if let Some(mut item) = event.object("item").map(Object::into_owned) {
        item.set("id", id);
        event.set("item", item.to_json());
    }
}

/// The stream of a response that came whole; empty for one that failed.
fn written_stream(stored: &Object<'_>) -> Vec<u8> {
    let (mut out, request) = (Vec::new(), Request::default());
    let Ok(response) = response::decode_object(stored, &mut Diagnostics::default()) else { return out };
    let mut spec = ResponseSpec::new(&request, &Context::new(0, 0));
    let echoed = ECHOED_PARAMS.iter().filter_map(|(key, _)| Some(((*key).to_owned(), raw(stored.get(key)?))));
    spec.echoed_params = ExtraFields::new(NAME, echoed.collect());
    let context = ResponseContext::new(&request, Context::new(0, 0));
    let mut encoder = ResponsesEncoder::new(spec, context, EventOutput::Write);
    for event in unfold(&response) {
        encoder.event(&event, &mut out);
    }
    encoder.finish(&mut out);
    out
}

/// The response as it was at its beginning.
fn begun_response(stored: &Object<'_>) -> String {
    let mut begun = stored.clone();
    begun.set("status", "\"in_progress\"");
    begun.set("output", "[]");
    for key in ["usage", "completed_at", "incomplete_details"] {
        if begun.get(key).is_some() {
            begun.set(key, "null");
        }
    }
    begun.to_json()
}
