//! Requests: a client's JSON to [`Request`], and [`Request`] to JSON for an upstream.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create>

use super::extra_fields::NAME;
use super::prompt_echo::{NO_PROMPT_KEY, PROMPT_KEY};
use super::shape;
use crate::canonical::{
    Addition, Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, ResponseFormat, Role,
    TokenLimit,
};
use crate::dialect::Encoded;
use crate::error::ClientError;
use crate::json::{
    Object, RawJson, ValueKind, count, decode_string, encode_string, integer, natural, number, raw,
    value_kind,
};
use std::borrow::Cow;

/// Reads a request.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
    shape::REQUEST.check(&object, diagnostics)?;
    let mut request = Request::default();
    let mut extra: Vec<(String, RawJson)> = Vec::new();
    for (key, value) in object.iter() {
        match key {
            "model" => request.model = decode_string(value).map(Cow::into_owned).unwrap_or_default(),
            "prompt" => {}
            "stream" => request.stream = object.bool(key).unwrap_or(false),
            "stream_options" => {
                request.include_usage =
                    object.object(key).and_then(|o| o.bool("include_usage")).unwrap_or(false);
            }
            "max_tokens" => {
                request.max_tokens = natural(value).map(|tokens| TokenLimit { tokens, completion: false });
            }
            "n" => request.n.set_decoded(count(value)),
            "temperature" => request.temperature = number(value),
            "top_p" => request.top_p = number(value),
            "top_k" => request.top_k = natural(value),
            "min_p" => request.min_p = number(value),
            "repetition_penalty" => request.repetition_penalty = number(value),
            "frequency_penalty" => request.frequency_penalty = number(value),
            "presence_penalty" => request.presence_penalty = number(value),
            "seed" => request.seed = integer(value),
            "user" => request.user = decode_string(value).map(Cow::into_owned),
            "stop" => request.stop.set_decoded(read_stop_sequences(value)),
            "suffix" => request.suffix = decode_string(value).map(Cow::into_owned),
            "logprobs" if natural(value).is_some() => request.logprobs = natural(value),
            "logit_bias" if value_kind(value) != ValueKind::Null => request.logit_bias = Some(raw(value)),
            // `best_of` up to `n` changes nothing. An echoed prompt is added here where the upstream does not do it.
            "best_of" if object.u64(key).is_some_and(|best| best <= object.u64("n").unwrap_or(1)) => {
                extra.push((String::from(".best_of"), raw(value)));
            }
            "echo" => extra.push((String::from(".echo"), raw(value))),
            _ => extra.push((key.to_owned(), raw(value))),
        }
    }
    request.include_usage &= request.stream;
    request.is_prompt = true;
    decode_prompt(&object, &mut request, &mut extra)?;
    if request.same_dialect_only.is_some()
        && let Some(n) = request.n.decoded_mut().take()
    {
        // Other dialects count the choices of a request, this one those of each prompt.
        extra.push((String::from(".n"), raw(n.to_string())));
    }
    let echo = (object.bool("echo") == Some(true)).then(|| request.messages.first()).flatten();
    let echo = match echo {
        Some(message) => (String::from(PROMPT_KEY), raw(encode_string(&message.joined_text()))),
        None => (String::from(NO_PROMPT_KEY), raw("true")),
    };
    request.echoed_params = ExtraFields::new(NAME, vec![echo]);
    request.extra = ExtraFields::new(NAME, extra);
    Ok(request)
}

fn not_an_object(body: &[u8], error: &serde_json::Error) -> ClientError {
    if body.trim_ascii().is_empty() {
        return ClientError::invalid(
            "The request body is empty. Send a JSON object with `model` and `prompt`.",
        );
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return ClientError::invalid("The request body must be a JSON object with `model` and `prompt`.");
    }
    ClientError::invalid(format!("The request body is not valid JSON: {error}."))
}

/// Reads the prompt. One string becomes a message; anything else only an upstream of this dialect accepts.
fn decode_prompt(
    object: &Object<'_>,
    request: &mut Request,
    extra: &mut Vec<(String, RawJson)>,
) -> Result<(), ClientError> {
    let invalid = |text: &str| ClientError::invalid(text).at("prompt");
    let only_here = |text: &str| Some(invalid(text).with_code("unsupported_value"));
    let value = object.non_null("prompt");
    let items = object.array("prompt").unwrap_or_default();
    let texts: Vec<_> = items.iter().filter_map(|item| decode_string(item)).collect();
    match value.map(value_kind) {
        Some(ValueKind::String) => {
            let prompt = object.str("prompt").unwrap_or_default();
            request.messages.push_decoded(Message::decoded(Role::User, vec![Block::text(prompt)]));
            return Ok(());
        }
        Some(ValueKind::Array) if items.is_empty() => {
            return Err(invalid("`prompt` is empty. Send a text."));
        }
        Some(ValueKind::Array) if texts.len() == 1 && items.len() == 1 => {
            let messages =
                texts.into_iter().map(|text| Message::decoded(Role::User, vec![Block::text(text)]));
            request.messages.decoded_mut().extend(messages);
        }
        Some(ValueKind::Array) if texts.len() == items.len() => {
            request.same_dialect_only = only_here(
                "`prompt` holds several prompts, and this upstream answers one at a time. Send one request for each.",
            );
        }
        Some(ValueKind::Array)
            if items.iter().all(|i| matches!(value_kind(i), ValueKind::Number | ValueKind::Array)) =>
        {
            request.same_dialect_only = only_here(
                "`prompt` holds token ids, and this upstream reads text only. Send the prompt as a text.",
            );
        }
        Some(_) => return Err(invalid("`prompt` must be a text, a list of texts, or token ids.")),
        None if object.non_null("prompt_embeds").is_some() => {
            request.same_dialect_only =
                only_here("`prompt_embeds` cannot be sent to this upstream. Send `prompt`, a text.");
        }
        None => return Err(invalid("Send `prompt`, a text. For a conversation ask `/chat/completions`.")),
    }
    if let Some(value) = value {
        extra.push((String::from(".prompt"), raw(value)));
    }
    Ok(())
}

fn read_stop_sequences(value: &str) -> Vec<String> {
    match value_kind(value) {
        ValueKind::String => decode_string(value).map(Cow::into_owned).into_iter().collect(),
        ValueKind::Array => serde_json::from_str(value).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Writes a request; unchanged parts stay the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Encoded<'a> {
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    let is_translated = source.is_none();
    if (is_translated || request.messages.is_changed()) && !request.messages.is_empty() {
        body.set("prompt", encode_string(&render_prompt(request, diagnostics)));
    }
    if is_translated {
        write_params(request, &mut body, diagnostics);
        record_unsupported(request, diagnostics);
    }
    if is_translated || request.stop.is_changed() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        set_or_remove(&mut body, "stop", (!stops.is_empty()).then(|| format!("[{}]", stops.join(","))));
    }
    if (is_translated && request.n.is_some()) || request.n.is_changed() {
        set_or_remove(&mut body, "n", request.n.map(|v| v.to_string()));
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    let additions = stream_options(request, &mut body, diagnostics);
    if let Some(limit) = request.max_tokens
        && body.non_null("max_tokens").is_none()
    {
        body.set("max_tokens", limit.tokens.to_string());
    }
    Encoded { path: String::from("/completions"), body, additions, ..Encoded::default() }
}

/// Renders the conversation as one prompt.
fn render_prompt(request: &Request, diagnostics: &mut Diagnostics) -> String {
    let mut messages = request.messages.to_vec();
    for (i, message) in messages.iter_mut().enumerate() {
        let field_path = format!("messages[{i}]");
        message.report(NAME, &field_path, diagnostics);
        if message.name.is_some() {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{field_path}.name"), "");
        }
        record_unsupported_blocks(&message.blocks, &field_path, diagnostics);
        write_calls_as_text(message, &field_path, diagnostics);
    }
    // A message that came as a prompt is one already, as is a single user message without a template.
    match messages.as_slice() {
        [message] if request.is_prompt || (message.role == Role::User && !request.template.is_set()) => {
            Block::join_texts(&message.blocks, "\n\n")
        }
        messages => {
            diagnostics.record(DiagnosticCode::PromptRendered, "messages", "");
            request.template.render(messages)
        }
    }
}

/// Turns tool calls into text: the results mean little without them.
fn write_calls_as_text(message: &mut Message, field_path: &str, diagnostics: &mut Diagnostics) {
    let mut follows_call = false;
    for (k, block) in message.edit().blocks.iter_mut().enumerate() {
        let separator = if k == 0 { "" } else { "\n" };
        let is_call = matches!(block, Block::ToolCall { .. });
        match block {
            Block::ToolCall { name, arguments, .. } => {
                diagnostics.record(DiagnosticCode::ContentRewritten, field_path, "a call as text");
                *block = Block::text(format!("{separator}Calls {name} with {arguments}"));
            }
            Block::Text { text, .. } if follows_call && !text.is_empty() => {
                *block = Block::text(format!("\n{text}"));
            }
            _ => {}
        }
        follows_call = is_call;
    }
}

/// Records the blocks of a message that a prompt cannot have.
fn record_unsupported_blocks(blocks: &[Block], field_path: &str, diagnostics: &mut Diagnostics) {
    for block in blocks {
        let what = match block {
            Block::Text { .. } | Block::Refusal(_) | Block::ToolCall { .. } => continue,
            Block::ToolResult { blocks, is_error, .. } => {
                record_unsupported_blocks(blocks, field_path, diagnostics);
                if !is_error {
                    continue;
                }
                "that a tool failed"
            }
            Block::Image(_) => "an image",
            Block::Audio(_) => "audio",
            Block::File(_) => "a file",
            Block::Reasoning { .. } => "reasoning",
            Block::Native { .. } => "another dialect's own",
        };
        diagnostics.record(DiagnosticCode::FeatureUnsupported, field_path, what);
    }
}

/// Requests token counts in the stream where these are needed, and drops options that a non-streaming request cannot have.
fn stream_options(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Addition> {
    let options = body.object("stream_options").map(Object::into_owned);
    let includes_usage = options.as_ref().and_then(|o| o.bool("include_usage")).unwrap_or(false);
    if request.stream && request.include_usage {
        if !includes_usage {
            let mut options = options.unwrap_or_default();
            options.set("include_usage", "true");
            body.set("stream_options", options.to_json());
            return vec![Addition::member("stream_options")];
        }
    } else if body.non_null("stream_options").is_some() {
        body.remove("stream_options");
        let why = if request.stream { "" } else { "only streams have options" };
        diagnostics.record(DiagnosticCode::ParamDropped, "stream_options", why);
    }
    Vec::new()
}

/// Writes the parameters of a request that came in another dialect, or without its source.
fn write_params(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    set_or_remove(body, "temperature", request.temperature.map(|v| v.to_string()));
    set_or_remove(body, "top_p", request.top_p.map(|v| v.to_string()));
    set_or_remove(body, "top_k", request.top_k.map(|v| v.to_string()));
    set_or_remove(body, "min_p", request.min_p.map(|v| v.to_string()));
    set_or_remove(body, "repetition_penalty", request.repetition_penalty.map(|v| v.to_string()));
    set_or_remove(body, "frequency_penalty", request.frequency_penalty.map(|v| v.to_string()));
    set_or_remove(body, "presence_penalty", request.presence_penalty.map(|v| v.to_string()));
    set_or_remove(body, "seed", request.seed.map(|v| v.to_string()));
    set_or_remove(body, "user", request.user.as_deref().map(encode_string));
    set_or_remove(body, "suffix", request.suffix.as_deref().map(encode_string));
    set_or_remove(body, "logprobs", request.logprobs.map(|v| v.to_string()));
    set_or_remove(body, "logit_bias", request.logit_bias.as_ref().map(|v| v.as_str().to_owned()));
    if request.max_tokens.is_some_and(|limit| limit.completion) {
        diagnostics.record(DiagnosticCode::ParamRenamed, "max_completion_tokens", "max_tokens");
    }
    for (key, value) in request.extra.of(NAME) {
        body.set(key.trim_start_matches('.').to_owned(), value.as_str().to_owned());
    }
}

/// Records what a request of another dialect has and this one cannot express.
fn record_unsupported(request: &Request, diagnostics: &mut Diagnostics) {
    if !matches!(*request.response_format, None | Some(ResponseFormat::Text)) {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "response_format", "");
    }
}

/// Sets a field, or removes it where there is no value.
fn set_or_remove(body: &mut Object<'_>, key: &'static str, value: Option<String>) {
    match value {
        Some(value) => body.set(key, value),
        None => drop(body.remove(key)),
    }
}
