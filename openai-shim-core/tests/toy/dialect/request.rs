//! Requests: JSON to `Request` and back.

use super::super::Encoded;
use super::wire::{NAME, extra_fields, read_call, write_call};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, ResponseFormat, Role, TokenLimit,
    Tool, ToolChoice,
};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, value_kind};

/// The dialect's names of the roles.
const WHO: &[(&str, Role)] =
    &[("rules", Role::System), ("person", Role::User), ("machine", Role::Assistant), ("tool", Role::Tool)];

fn wrong(field: impl Into<String>, must: &str) -> ClientError {
    let field = field.into();
    ClientError::invalid(format!("`{field}` must be {must}.")).at(field)
}

/// Decodes a request.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|_| {
        ClientError::invalid("The request body must be a JSON object with `model` and `talk`.")
    })?;
    let mut request = Request::default();
    for (key, value) in object.iter() {
        let number = value.trim().parse::<f64>().ok();
        match (key, value_kind(value)) {
            (_, ValueKind::Null) => {}
            ("model", _) => {
                request.model = decode_string(value).ok_or_else(|| wrong("model", "a text"))?.into_owned();
            }
            ("stream", _) => {
                request.stream = object.bool("stream").ok_or_else(|| wrong("stream", "true or false"))?;
            }
            ("longest", _) => {
                let tokens = object.u64("longest").ok_or_else(|| wrong("longest", "a number of tokens"))?;
                request.max_tokens = Some(TokenLimit { tokens, completion: false });
            }
            ("heat", _) => request.temperature = Some(number.ok_or_else(|| wrong("heat", "a number"))?),
            ("until", _) => {
                let until = serde_json::from_str(value).map_err(|_| wrong("until", "a list of texts"))?;
                request.stop.set_decoded(until);
            }
            ("tools", _) => {
                let tools = object.array("tools").ok_or_else(|| wrong("tools", "a list"))?;
                request.tools.set_decoded(tools.into_iter().map(tool).collect());
            }
            ("must", ValueKind::Bool) => {
                let must = value.trim() == "true";
                let choice = if must { ToolChoice::Required } else { ToolChoice::None };
                request.tool_choice.set_decoded(Some(choice));
            }
            ("must", _) => {
                let name =
                    decode_string(value).ok_or_else(|| wrong("must", "true, false or a tool's name"))?;
                request.tool_choice.set_decoded(Some(ToolChoice::Function(name.into_owned())));
            }
            _ => {}
        }
    }
    // A stream always ends with token counts.
    request.include_usage = request.stream;
    let known = ["model", "stream", "talk", "longest", "heat", "until", "tools", "must"];
    request.extra = extra_fields(&object, &known);
    let talk = object.array("talk").ok_or_else(|| wrong("talk", "a list of turns"))?;
    if talk.is_empty() {
        return Err(wrong("talk", "a list of at least one turn"));
    }
    for (i, turn) in talk.into_iter().enumerate() {
        request.messages.push_decoded(message(turn, i, diagnostics)?);
    }
    Ok(request)
}

fn tool(item: &str) -> Tool {
    let object = Object::parse(item.as_bytes()).unwrap_or_default();
    match object.str("name") {
        Some(name) => Tool::Function {
            name: name.into_owned(),
            description: object.str("about").map(Into::into),
            parameters: object.non_null("takes").map(raw),
            strict: None,
            extra: extra_fields(&object, &["name", "about", "takes"]),
        },
        None => Tool::Native { dialect: NAME, raw: raw(item) },
    }
}

fn message(turn: &str, i: usize, diagnostics: &mut Diagnostics) -> Result<Message, ClientError> {
    let at = |key: &str| format!("talk[{i}]{key}");
    let object = Object::parse(turn.as_bytes()).map_err(|_| wrong(at(""), "an object"))?;
    let who = object.str("who").unwrap_or_default();
    let role = WHO.iter().find(|(name, _)| *name == who).map(|(_, role)| *role);
    let role = role.ok_or_else(|| wrong(at(".who"), "rules, person, machine or tool"))?;
    let mut blocks = Vec::new();
    match object.non_null("says") {
        Some(says) => {
            blocks.push(Block::text(decode_string(says).ok_or_else(|| wrong(at(".says"), "a text"))?))
        }
        None if role == Role::Assistant => {}
        None => return Err(wrong(at(".says"), "a text")),
    }
    if role == Role::Tool {
        let id = object.str("id").ok_or_else(|| wrong(at(".id"), "the id of a call"))?.into_owned();
        blocks = vec![Block::ToolResult { id, blocks, is_error: false, extra: ExtraFields::default() }];
    }
    for (k, call) in object.array("calls").unwrap_or_default().into_iter().enumerate() {
        let call = read_call(call, &at(&format!(".calls[{k}]")), diagnostics);
        let id = call.id.ok_or_else(|| wrong(at(&format!(".calls[{k}].id")), "a text"))?;
        let (name, arguments, extra) = (call.name, call.arguments, ExtraFields::default());
        blocks.push(Block::ToolCall { id, name, arguments, signature: None, extra });
    }
    let mut message = Message::decoded(role, blocks);
    message.decoded_mut().extra = extra_fields(&object, &["who", "says", "id", "calls"]);
    Ok(message)
}

/// Encodes a request; what was not changed stays the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Encoded<'a> {
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", request.stream.to_string());
    }
    let own = source.is_some();
    if !own || request.messages.is_changed() {
        talk(request, &mut body, diagnostics);
    }
    if !own || request.tools.is_changed() {
        tools(request, &mut body, diagnostics);
    }
    if !own || request.is_tool_choice_changed() {
        choice(request, &mut body);
    }
    if !own || request.stop.is_changed() {
        let until: Vec<_> = request.stop.iter().map(|stop| encode_string(stop)).collect();
        body.remove("until");
        if !until.is_empty() {
            body.set("until", format!("[{}]", until.join(",")));
        }
    }
    if let Some(limit) = request.max_tokens.filter(|limit| body.u64("longest") != Some(limit.tokens)) {
        body.set("longest", limit.tokens.to_string());
    }
    if !own {
        params(request, &mut body, diagnostics);
    }
    Encoded { path: String::from("/talk"), body, ..Encoded::default() }
}

/// Encodes the parameters of a request from another dialect.
fn params(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    if let Some(heat) = request.temperature {
        body.set("heat", heat.to_string());
    }
    let r = &request;
    // What has no entry in `PARAMS` is reported before.
    for (name, is_set) in [
        ("parallel_tool_calls", *r.parallel_tool_calls == Some(false)),
        ("reasoning", r.reasoning.is_requested()),
        ("response_format", !matches!(*r.response_format, None | Some(ResponseFormat::Text))),
    ] {
        if is_set {
            diagnostics.record(DiagnosticCode::ParamDropped, name, "");
        }
    }
    for (key, value) in request.extra.of(NAME) {
        body.set(key.clone(), value.as_str().to_owned());
    }
}

fn tools(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut list = Vec::new();
    for tool in request.tools.iter() {
        match tool {
            Tool::Function { name, description, parameters, strict, extra } => {
                let mut object = Object::new();
                if *strict == Some(true) {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, "tools[].strict", "");
                }
                object.set("name", encode_string(name));
                if let Some(about) = description {
                    object.set("about", encode_string(about));
                }
                if let Some(takes) = parameters {
                    object.set("takes", takes.as_str());
                }
                for (key, value) in extra.of(NAME) {
                    object.set(key.as_str(), value.as_str());
                }
                extra.report(NAME, "tools[]", diagnostics);
                list.push(object.to_json());
            }
            Tool::Native { dialect: NAME, raw } => list.push(raw.as_str().to_owned()),
            Tool::Native { dialect, .. } => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, "tools", dialect)
            }
        }
    }
    body.remove("tools");
    if !list.is_empty() {
        body.set("tools", format!("[{}]", list.join(",")));
    }
}

fn choice(request: &Request, body: &mut Object<'_>) {
    body.remove("must");
    match &*request.tool_choice {
        Some(ToolChoice::Required) => body.set("must", "true"),
        Some(ToolChoice::None) => body.set("must", "false"),
        Some(ToolChoice::Function(name)) => body.set("must", encode_string(name)),
        _ => {}
    }
}

fn talk(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut turns = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        let at = format!("talk[{i}]");
        let mut rest = Vec::new();
        for block in &message.blocks {
            let Block::ToolResult { id, blocks, is_error, extra } = block else {
                rest.push(block);
                continue;
            };
            if *is_error {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "that a tool failed");
            }
            extra.report(NAME, &at, diagnostics);
            let mut turn = Object::new();
            turn.set("who", "\"tool\"");
            turn.set("id", encode_string(id));
            says(&blocks.iter().collect::<Vec<_>>(), true, &at, &mut turn, diagnostics);
            turns.push(turn.to_json());
        }
        let results = message.blocks.len() > rest.len();
        if !rest.is_empty() || !results {
            if message.role == Role::Developer {
                diagnostics.record(DiagnosticCode::RoleDemoted, &at, "developer to rules");
            }
            let role = match message.role {
                Role::Developer => Role::System,
                Role::Tool => Role::User,
                role => role,
            };
            let mut turn = Object::new();
            let who = WHO.iter().find(|(_, known)| *known == role).map_or("person", |(name, _)| name);
            turn.set("who", encode_string(who));
            says(&rest, role != Role::Assistant, &at, &mut turn, diagnostics);
            for (key, value) in message.extra.of(NAME) {
                turn.set(key.as_str(), value.as_str());
            }
            turns.push(turn.to_json());
        }
        if message.name.is_some() {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{at}.name"), "");
        }
        message.extra.report(NAME, &at, diagnostics);
    }
    body.set("talk", format!("[{}]", turns.join(",")));
}

/// Encodes text and calls of one turn. `always`: a turn of this kind has a text, even if it is empty.
fn says(blocks: &[&Block], always: bool, at: &str, turn: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let (mut texts, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        let lost = match block {
            Block::Text { text, extra } => {
                extra.report(NAME, at, diagnostics);
                texts.push(text.as_str());
                continue;
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, at, "a refusal as text");
                texts.push(text.as_str());
                continue;
            }
            Block::ToolCall { id, name, arguments, signature, extra } => {
                if signature.is_some() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, at, "the signature of a call");
                }
                extra.report(NAME, at, diagnostics);
                calls.push(write_call(id, name, arguments, at, diagnostics));
                continue;
            }
            Block::Reasoning { .. } => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, at, "reasoning");
                continue;
            }
            Block::Image(_) => "a picture",
            Block::Audio(_) => "sound",
            Block::File(_) => "a document",
            Block::Native { dialect, .. } => dialect,
            Block::ToolResult { .. } => "a result inside of a result",
        };
        diagnostics.record(DiagnosticCode::FeatureUnsupported, at, lost);
    }
    if texts.len() > 1 {
        diagnostics.record(DiagnosticCode::ContentFlattened, at, "");
    }
    if always || !texts.is_empty() {
        turn.set("says", encode_string(&texts.join("\n\n")));
    }
    if !calls.is_empty() {
        turn.set("calls", format!("[{}]", calls.join(",")));
    }
}
