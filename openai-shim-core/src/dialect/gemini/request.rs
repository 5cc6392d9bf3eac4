//! Requests: path and JSON to `Request`, and back.
//!
//! <https://ai.google.dev/api/generate-content#method:-models.generatecontent>

use super::super::Encoded;
use super::super::shape::Place;
use super::json_keys::{camel_case_keys, parse_object};
use super::names::{ALT_PARAM, NAME};
use super::request_path::{self, ResponseMode};
use super::{contents, generation_config, shape, tools};
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, Request};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, raw};

/// Decodes a request.
pub(super) fn decode(path: &str, body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let path = request_path::read(path)?;
    let text = std::str::from_utf8(body)
        .map_err(|_| ClientError::invalid("The request body is not valid JSON: it is not UTF-8."))?;
    let object = Object::parse(text.as_bytes()).map_err(|_| not_an_object(body))?;
    // `contents::decode` checks the contents.
    shape::REQUEST.check_at(&object, Place::Root, &["contents"], diagnostics)?;
    let object = camel_case_keys(object);
    let mut request = Request::default();
    request.model = path.model;
    request.stream = path.response_mode != ResponseMode::NonStreaming;
    request.include_usage = request.stream;
    if path.response_mode == ResponseMode::ArrayStream {
        request.echoed_params = ExtraFields::new(NAME, vec![(ALT_PARAM.to_owned(), raw("\"json\""))]);
    }
    let mut extra = Vec::new();
    for (key, value) in object.iter().filter(|(_, value)| value.trim() != "null") {
        match key {
            "contents" | "systemInstruction" | "tools" => {}
            "model" => {
                if request.model.is_empty() {
                    request_path::bare(&object.str("model").unwrap_or_default())
                        .clone_into(&mut request.model);
                }
            }
            "generationConfig" | "toolConfig" => match parse_object(value) {
                Some(config) if key == "toolConfig" => {
                    tools::decode_choice(&config, &mut request, &mut extra);
                }
                Some(config) => generation_config::decode(&config, &mut request, &mut extra),
                None => {}
            },
            _ => extra.push((key.to_owned(), raw(value))),
        }
    }
    request.tools.set_decoded(tools::decode(&object));
    request.extra = ExtraFields::new(NAME, extra);
    contents::decode(&object, body, &mut request, diagnostics)?;
    Ok(request)
}

fn not_an_object(body: &[u8]) -> ClientError {
    if body.trim_ascii().is_empty() {
        return ClientError::invalid("The request body is empty. Send a JSON object with `contents`.");
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => ClientError::invalid("The request body must be a JSON object with `contents`."),
        Err(error) => ClientError::invalid(format!("The request body is not valid JSON: {error}.")),
    }
}

/// Encodes a request; fields that were not changed keep the client's bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let path = request_path::write(&request.model, request.stream)?;
    let body = match source.and_then(|bytes| Object::parse(bytes).ok()) {
        Some(body) => encode_changed(body, request, source, diagnostics),
        None => encode_all(request, diagnostics),
    };
    Ok(Encoded { path, body, ..Encoded::default() })
}

/// Writes the fields that were changed into the client's own body.
fn encode_changed<'a>(
    mut body: Object<'a>,
    request: &Request,
    source: Option<&[u8]>,
    diagnostics: &mut Diagnostics,
) -> Object<'a> {
    // The path has the model, and the body must not contradict it.
    if body.str("model").is_some_and(|model| request_path::bare(&model) != request_path::bare(&request.model))
    {
        body.remove("model");
    }
    if request.messages.is_changed() {
        let encoded = contents::encode(request, source, diagnostics);
        body.set("contents", encoded.contents);
        let key = spelling(&body, "systemInstruction", "system_instruction");
        match encoded.system {
            Some(system) => body.set(key, system),
            None => drop(body.remove(key)),
        }
    }
    if request.tools.is_changed() {
        body.set("tools", tools::encode(&request.tools, diagnostics));
    }
    if request.is_tool_choice_changed() {
        let key = spelling(&body, "toolConfig", "tool_config");
        match tools::encode_choice(request, diagnostics) {
            Some(choice) => body.set(key, choice),
            None => drop(body.remove(key)),
        }
    }
    let key = spelling(&body, "generationConfig", "generation_config");
    let mut config = body.object(key).map(Object::into_owned).unwrap_or_default();
    generation_config::encode_changed(&mut config, request, diagnostics);
    if config.is_changed() {
        body.set(key, config.to_json());
    }
    body
}

/// Returns the spelling of a key that a body uses.
fn spelling(body: &Object<'_>, camel: &'static str, snake: &'static str) -> &'static str {
    if body.get(snake).is_some() { snake } else { camel }
}

/// Encodes a whole body, which has none of the client's bytes.
fn encode_all(request: &Request, diagnostics: &mut Diagnostics) -> Object<'static> {
    let mut body = Object::new();
    let conversation = contents::encode(request, None, diagnostics);
    body.set("contents", conversation.contents);
    if let Some(system) = conversation.system {
        body.set("systemInstruction", system);
    }
    if !request.tools.is_empty() {
        let tools = tools::encode(&request.tools, diagnostics);
        if tools != "[]" {
            body.set("tools", tools);
        }
    }
    if let Some(choice) = tools::encode_choice(request, diagnostics)
        && (body.get("tools").is_some() || request.extra.dialect == NAME)
    {
        body.set("toolConfig", choice);
    }
    let config = generation_config::encode(request, diagnostics);
    if !config.is_empty() {
        body.set("generationConfig", config.to_json());
    }
    if *request.parallel_tool_calls == Some(false) {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "parallel_tool_calls", "one call at a time");
    }
    for (key, value) in request.extra.of(NAME).iter().filter(|(key, _)| !key.contains('.')) {
        body.set(key.clone(), value.as_str().to_owned());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_request_is_rejected_with_a_sentence() {
        for (body, part) in [
            ("", "empty"),
            ("[]", "object"),
            ("{", "JSON"),
            ("{}", "contents"),
            (r#"{"contents":[]}"#, "contents"),
        ] {
            let error = decode("", body.as_bytes(), &mut Diagnostics::default()).unwrap_err();
            assert!(error.message.contains(part), "{body}: {error}");
        }
    }
}
