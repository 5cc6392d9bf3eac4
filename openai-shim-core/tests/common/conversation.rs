//! One conversation in any dialect: a first request, a response with signed reasoning and a tool call, and the next request.
//! Encoded by the dialects themselves, so that a new dialect is included.

#![allow(dead_code, unreachable_pub, missing_docs)] // each test file uses its part

use openai_shim_core::canonical::{
    Block, Choice, ExtraFields, FinishReason, Message, REASONING_DETAILS, Request, Response, ResponseContext,
    ResponseSpec, Role, Tool,
};
use openai_shim_core::json::raw;
use openai_shim_core::{Context, Diagnostics, Dialect};

/// The id of the call in every response: servers restart their numbering in each conversation.
pub const CALL_ID: &str = "functions.weather:0";
const ARGUMENTS: &str = r#"{"city":"Paris"}"#;

/// The beginning of a conversation, before the response.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'s> {
    pub model: &'s str,
    pub system: &'s str,
    pub user: &'s str,
}

pub const OPENING: Opening<'_> = Opening { model: "m", system: "You are terse.", user: "weather?" };

/// The reasoning of `who` and its signature, which no other owner may receive.
pub fn secrets(who: &str) -> [String; 2] {
    [format!("Thoughts of {who}."), format!("c2lnbmVk{who}")]
}

fn request(opening: Opening<'_>) -> Request {
    let mut request = Request::default();
    opening.model.clone_into(&mut request.model);
    request.encrypted_reasoning = true;
    request.messages =
        vec![Message::text(Role::System, opening.system), Message::text(Role::User, opening.user)].into();
    request.tools = vec![Tool::Function {
        name: String::from("weather"),
        description: Some(String::from("Tells the weather.")),
        parameters: Some(raw(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#)),
        strict: None,
        extra: ExtraFields::default(),
    }]
    .into();
    request
}

fn written(client: Dialect, request: &Request) -> (String, String) {
    let encoded = client.encode_request(request, None, &mut Diagnostics::default()).unwrap();
    (encoded.path.clone(), encoded.body.to_json())
}

/// The first request of a client: path and body.
pub fn question(client: Dialect, opening: Opening<'_>) -> (String, String) {
    written(client, &request(opening))
}

fn call() -> Block {
    Block::ToolCall {
        id: CALL_ID.to_owned(),
        name: String::from("weather"),
        arguments: ARGUMENTS.to_owned(),
        signature: None,
        extra: ExtraFields::default(),
    }
}

/// The next request of a client that kept only the text and the call, or without `with_call` only the text.
pub fn next(client: Dialect, opening: Opening<'_>, with_call: bool) -> (String, String) {
    let mut request = request(opening);
    let mut turn = vec![Block::text("Let me look.")];
    turn.extend(with_call.then(call));
    request.messages.push(Message::new(Role::Assistant, turn));
    request.messages.push(if with_call {
        let result = Block::ToolResult {
            id: CALL_ID.to_owned(),
            blocks: vec![Block::text("sunny")],
            is_error: false,
            extra: ExtraFields::default(),
        };
        Message::new(Role::Tool, vec![result])
    } else {
        Message::text(Role::User, "go on")
    });
    written(client, &request)
}

/// An upstream's response with the secrets of `who`.
pub fn answer(upstream: Dialect, who: &str) -> String {
    let [reasoning, signature] = secrets(who);
    let format = upstream.signature_format().unwrap_or("anthropic-claude-v1");
    let known = [
        ("type", "reasoning.text"),
        ("format", format),
        ("text", reasoning.as_str()),
        ("signature", signature.as_str()),
    ];
    let members = known.iter().map(|(key, value)| ((*key).to_owned(), raw(format!("{value:?}"))));
    let mut signed = call();
    if let Block::ToolCall { signature: signs, .. } = &mut signed {
        *signs = Some(signature.clone().into());
    }
    let mut choice = Choice::default();
    choice.blocks = vec![
        Block::Reasoning {
            text: reasoning.as_str().into(),
            signature: Some(signature.clone().into()),
            extra: ExtraFields::new(REASONING_DETAILS, members.collect()),
        },
        Block::text("Let me look."),
        signed,
    ];
    choice.finish = Some(FinishReason::ToolCalls);
    let mut response = Response::default();
    response.id = Some(String::from("answer"));
    response.model = Some(String::from("m"));
    response.choices = vec![choice];
    let request = request(OPENING);
    let spec = ResponseSpec::new(&request, &Context::fixed());
    let mut context = ResponseContext::new(&request, Context::fixed());
    let body = upstream.encode_response(&response, &spec, &mut context, &mut Diagnostics::default());
    String::from_utf8(body).unwrap()
}
