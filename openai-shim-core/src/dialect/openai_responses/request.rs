//! Requests: JSON to `Request` and back.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use super::super::Encoded;
use super::super::shape::Place;
use super::echoed_params::ECHOED_PARAMS;
use super::extra_fields::{self, parse_or_empty, wire_key};
use super::names::{ADDITIONAL_TOOLS, NAME};
use super::shape;
use super::tools::{self, ToolSource};
use crate::canonical::{
    Block, Diagnostics, ExtraFields, Message, Request, ResponseFormat, Role, SHARED, Text, TokenLimit,
    ToolChoice,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{
    Object, RawJson, ValueKind, decode_string, encode_string, natural, number, raw, value_kind,
};
use std::borrow::Cow;

mod client_tool_items;
mod decode_input;
mod encode_input;
mod include;
mod params;
mod tool_list;

/// Decodes a request.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
    // Items are checked where they are decoded.
    shape::REQUEST.check_at(&object, Place::Root, &["input"], diagnostics)?;
    let mut request = Request::default();
    let (mut extra, mut echoed) = (Vec::new(), Vec::new());
    for (key, value) in object.iter() {
        let kind = value_kind(value);
        if ECHOED_PARAMS.iter().any(|(k, kinds)| *k == key && kinds.contains(&kind)) {
            echoed.push((key.to_owned(), raw(value)));
        }
        if kind == ValueKind::Null {
            continue;
        }
        match key {
            "model" => request.model = decode_string(value).map(Cow::into_owned).unwrap_or_default(),
            "stream" => request.stream = object.bool(key).unwrap_or(false),
            "input" | "instructions" => {}
            "max_output_tokens" => {
                // The limit includes reasoning.
                request.max_tokens = natural(value).map(|tokens| TokenLimit { tokens, completion: true });
            }
            "temperature" => request.temperature = number(value),
            "top_p" => request.top_p = number(value),
            "user" => request.user = decode_string(value).map(Cow::into_owned),
            "parallel_tool_calls" => request.parallel_tool_calls.set_decoded(object.bool(key)),
            "tools" => {
                let tools = object.array(key).unwrap_or_default();
                request.tools.set_decoded(tools::decode(&tools, ToolSource::Param));
            }
            "tool_choice" => request.tool_choice.set_decoded(decode_tool_choice(value)),
            "text" => decode_text_options(&parse_or_empty(value), &mut request, &mut extra),
            "reasoning" => {
                let reasoning = parse_or_empty(value);
                let known = params::decode_reasoning(&reasoning, request.reasoning.decoded_mut());
                extra.extend(native_options(key, &reasoning, known));
            }
            "conversation" | "prompt" | "previous_response_id" => {
                request.same_dialect_only.get_or_insert(missing_reference(key, value));
                request.continues_stored = true;
                request.references.push(format!("{key}:{value}"));
                extra.push((key.to_owned(), raw(value)));
            }
            "context_management" if asks_to_compact(&object) => {
                let message =
                    "This upstream does not compact conversations by itself: leave `context_management` out.";
                let refusal = ClientError::invalid(message).at(key).with_code("unsupported_parameter");
                request.same_dialect_only.get_or_insert(refusal);
                extra.push((key.to_owned(), raw(value)));
            }
            "include" => extra.extend(include::decode(value, &object, &mut request)),
            // Without `include` the API returns none.
            "top_logprobs" if include::has_logprobs(&object) && natural(value).is_some() => {}
            _ if SHARED.contains(&key) && key != "verbosity" => {
                request.shared.push((key.to_owned(), raw(value)));
            }
            _ => extra.push((key.to_owned(), raw(value))),
        }
    }
    // Every stream of this API ends with usage.
    request.include_usage = request.stream;
    let reference = request.same_dialect_only.take();
    let additional_tools = decode_messages(&object, body, &mut request, diagnostics)?;
    if !additional_tools.is_empty() {
        let list = format!("[{}]", additional_tools.join(","));
        echoed.push((ADDITIONAL_TOOLS.to_owned(), raw(list)));
    }
    super::client_tools::resolve_names(&mut request);
    // The reason of a reference comes first: a call that is missing here may be in what it refers to.
    request.same_dialect_only = reference.or(request.same_dialect_only);
    request.extra = ExtraFields::new(NAME, extra);
    request.echoed_params = ExtraFields::new(NAME, echoed);
    Ok(request)
}

/// Whether the upstream is to replace the conversation by a compaction, which only an upstream of this dialect can read.
fn asks_to_compact(request: &Object<'_>) -> bool {
    let edits = request.array("context_management").unwrap_or_default();
    edits.iter().any(|edit| parse_or_empty(edit).str("type").as_deref() == Some("compaction"))
}

/// Returns the fields of an option that only this dialect has, as an extra field of the request.
fn native_options(key: &str, option: &Object<'_>, known: &[&str]) -> Option<(String, RawJson)> {
    let fields = extra_fields::read(option, known);
    if fields.is_empty() {
        return None;
    }
    let mut object = Object::new();
    fields.members.iter().for_each(|(key, value)| object.set(wire_key(key), value.as_str()));
    Some((key.to_owned(), raw(object.to_json())))
}

/// Returns the error for a reference to something that only an upstream of this dialect can store; OpenAI's own message and code
/// where there is one.
fn missing_reference(key: &str, value: &str) -> ClientError {
    match key {
        "previous_response_id" => {
            let id = decode_string(value).unwrap_or_default();
            ClientError::invalid(format!(
                "Previous response with id '{id}' not found: this upstream keeps no responses. Send the whole conversation as `input`."
            ))
            .at(key)
            .with_code("previous_response_not_found")
        }
        "conversation" => ClientError::invalid(
            "This upstream keeps no conversations. Send the whole conversation as `input`.",
        )
        .at(key)
        .with_code("unsupported_parameter"),
        _ => ClientError::invalid("This upstream keeps no prompts. Send `instructions` and `input`.")
            .at(key)
            .with_code("unsupported_parameter"),
    }
}

fn not_an_object(body: &[u8], error: &serde_json::Error) -> ClientError {
    if body.trim_ascii().is_empty() {
        return ClientError::invalid(
            "The request body is empty. Send a JSON object with `model` and `input`.",
        );
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return ClientError::invalid("The request body must be a JSON object with `model` and `input`.");
    }
    ClientError::invalid(format!("The request body is not valid JSON: {error}."))
}

/// Decodes instructions and input. Returns the tools of `additional_tools` items, as JSON.
fn decode_messages(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<String>, ClientError> {
    if let Some(text) = object.str("instructions").filter(|text| !text.is_empty()) {
        request.messages.push_decoded(decode_input::instructions(&text));
    }
    let Some(value) = object.non_null("input") else {
        // A reference may replace the whole input.
        if ["previous_response_id", "conversation", "prompt"].iter().any(|key| object.non_null(key).is_some())
        {
            return Ok(Vec::new());
        }
        let hint =
            if object.get("messages").is_some() { " (`messages` belongs to /chat/completions)" } else { "" };
        let message = format!("Missing required parameter: 'input'{hint}.");
        return Err(ClientError::invalid(message).at("input").with_code("missing_required_parameter"));
    };
    match value_kind(value) {
        ValueKind::String => {
            let mut message = Message::decoded(Role::User, vec![Block::text(Text::from_json(value))]);
            message.decoded_mut().extra = ExtraFields::new(NAME, vec![(".input".to_owned(), raw("true"))]);
            request.messages.push_decoded(message);
            Ok(Vec::new())
        }
        ValueKind::Array => {
            let items = object.array("input").unwrap_or_default();
            request.messages.decoded_mut().reserve_exact(items.len());
            let mut input = decode_input::InputDecoder::new(body, request);
            for (i, item) in items.into_iter().enumerate() {
                input.item(item, i, diagnostics)?;
            }
            Ok(input.into_additional_tools())
        }
        _ => Err(ClientError::invalid("`input` must be a text or a list of items.").at("input")),
    }
}

fn decode_tool_choice(value: &str) -> Option<ToolChoice> {
    Some(match (value_kind(value), decode_string(value).as_deref()) {
        (ValueKind::Null, _) => return None,
        (_, Some("auto")) => ToolChoice::Auto,
        (_, Some("none")) => ToolChoice::None,
        (_, Some("required")) => ToolChoice::Required,
        _ => {
            let object = parse_or_empty(value);
            let choice = match object.str("type").as_deref() {
                Some("function" | "custom") => {
                    object.str("name").map(|name| ToolChoice::Function(name.into_owned()))
                }
                Some("allowed_tools") => decode_allowed(&object),
                _ => None,
            };
            choice.unwrap_or_else(|| ToolChoice::Native { dialect: NAME, raw: raw(value) })
        }
    })
}

/// Decodes the choice among some tools.
fn decode_allowed(choice: &Object<'_>) -> Option<ToolChoice> {
    let is_required = match choice.str("mode").as_deref() {
        Some("required") => true,
        Some("auto") => false,
        _ => return None,
    };
    let names = choice.array("tools")?.into_iter().filter_map(|tool| {
        let tool = parse_or_empty(tool);
        let name = tool.str("name").or_else(|| tool.str("server_label")).or_else(|| tool.str("type"));
        name.map(Cow::into_owned)
    });
    Some(ToolChoice::Allowed { names: names.collect(), is_required })
}

/// Decodes the option `text`: response format and verbosity.
fn decode_text_options(text: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, RawJson)>) {
    if let Some(verbosity) = text.non_null("verbosity") {
        request.shared.push(("verbosity".to_owned(), raw(verbosity)));
    }
    if let Some(format) = text.non_null("format") {
        let object = parse_or_empty(format);
        request.response_format.set_decoded(Some(match object.str("type").as_deref() {
            Some("text") => ResponseFormat::Text,
            Some("json_object") => ResponseFormat::JsonObject,
            Some("json_schema") => ResponseFormat::JsonSchema {
                name: object.str("name").unwrap_or_default().into_owned(),
                schema: object.non_null("schema").map(raw),
                strict: object.bool("strict"),
                extra: extra_fields::read(&object, &["type", "name", "schema", "strict"]),
            },
            _ => ResponseFormat::Native { dialect: NAME, raw: raw(format) },
        }));
    }
    extra.extend(native_options("text", text, &["verbosity", "format"]));
}

/// Encodes a request; what was not changed stays the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if source.is_none() || request.messages.is_changed() {
        encode_messages(request, source, &mut body, diagnostics);
    }
    let mut additions = Vec::new();
    if source.is_none() {
        additions = params::encode(request, &mut body, diagnostics);
    } else {
        params::encode_changed(request, &mut body, diagnostics);
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    if let Some(limit) = request.max_tokens
        && body.non_null("max_output_tokens").is_none()
    {
        body.set("max_output_tokens", limit.tokens.to_string());
    }
    Ok(Encoded { path: String::from("/responses"), body, additions, ..Encoded::default() })
}

/// Encodes messages as instructions and input; messages that were not changed stay the client's own bytes.
fn encode_messages<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    body: &mut Object<'a>,
    diagnostics: &mut Diagnostics,
) {
    let mut messages: &[Message] = &request.messages;
    match messages.split_first() {
        Some((first, rest)) if extra_fields::get(&first.extra, "instructions").is_some() => {
            body.set("instructions", encode_string(&first.joined_text()));
            messages = rest;
        }
        // The instructions were merged into another message.
        _ if source.is_some() => drop(body.remove("instructions")),
        _ => {}
    }
    if let [only] = messages
        && extra_fields::get(&only.extra, "input").is_some()
    {
        body.set("input", encode_string(&only.joined_text()));
        return;
    }
    let mut items = request.list(25);
    for (i, message) in messages.iter().enumerate() {
        match message.source_span().and_then(|span| source?.get(span.range())) {
            Some(bytes) => items.push(&String::from_utf8_lossy(bytes)),
            None => encode_input::encode(message, i, &mut items, diagnostics),
        }
    }
    if items.is_empty() && messages.is_empty() && body.get("input").is_none() && !request.extra.is_empty() {
        // The client sent a reference and no input.
        return;
    }
    body.set("input", items.into_json());
}
