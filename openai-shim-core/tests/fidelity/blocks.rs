//! Content blocks, messages and tools for the probes, and predicates on blocks.

use openai_shim_core::canonical::{
    Block, CUSTOM_TOOL, ExtraFields, Media, MediaSource, Message, REASONING_DETAILS, Request, Response, Role,
    Tool, input_schema,
};
use openai_shim_core::json::RawJson;

pub const PIXEL: &str = "iVBORw0KGgo=";
pub const CITY: &str = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}"#;

pub fn raw(json: &str) -> RawJson {
    RawJson::parse(json).unwrap()
}

fn inline(media_type: &str, data: &str) -> Media {
    Media::new(MediaSource::Base64 { media_type: media_type.into(), data: data.into() })
}

pub fn image() -> Block {
    Block::Image(Box::new(inline("image/png", PIXEL)))
}

pub fn image_at(url: &str) -> Block {
    Block::Image(Box::new(Media::new(MediaSource::Url(url.into()))))
}

pub fn document() -> Block {
    let mut media = inline("application/pdf", "JVBERi0=");
    media.name = Some(String::from("a.pdf"));
    Block::File(Box::new(media))
}

pub fn audio() -> Block {
    Block::Audio(Box::new(inline("wav", "UklGRg==")))
}

pub fn weather() -> Tool {
    Tool::Function {
        name: String::from("weather"),
        description: Some(String::from("of a city")),
        parameters: Some(raw(CITY)),
        strict: None,
        extra: ExtraFields::default(),
    }
}

/// Sets the tools of a request.
pub fn tools(request: &mut Request) {
    request.tools.set(vec![weather()]);
}

pub fn call(id: &str, signature: Option<&str>) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: String::from("weather"),
        arguments: String::from(r#"{"city":"Oslo"}"#),
        signature: signature.map(str::to_owned).map(Into::into),
        extra: ExtraFields::default(),
    }
}

/// A custom tool with free-form input, for the dialects that have custom tools.
pub fn patch(by: &str) -> Option<Tool> {
    match by {
        "openai-chat" => Some(Tool::Function {
            name: String::from("patch"),
            description: None,
            parameters: Some(raw(&input_schema(None))),
            strict: None,
            extra: ExtraFields::new("openai-chat", vec![(CUSTOM_TOOL.to_owned(), raw("null"))]),
        }),
        "openai-responses" => Some(Tool::Function {
            name: String::from("patch"),
            description: None,
            parameters: None,
            strict: None,
            extra: ExtraFields::new("openai-responses", vec![(String::from(".type"), raw(r#""custom""#))]),
        }),
        _ => None,
    }
}

/// A call of the custom tool.
pub fn patch_call(by: &str) -> Option<Block> {
    let members = match by {
        "openai-chat" => vec![(CUSTOM_TOOL.to_owned(), raw("true"))],
        "openai-responses" => vec![(String::from(".type"), raw(r#""custom_tool_call""#))],
        _ => return None,
    };
    Some(Block::ToolCall {
        id: String::from("call_1"),
        name: String::from("patch"),
        arguments: String::from(r#"{"input":"*** a"}"#),
        signature: None,
        extra: ExtraFields::new(
            if by == "openai-chat" { "openai-chat" } else { "openai-responses" },
            members,
        ),
    })
}

pub fn result(id: &str, blocks: Vec<Block>, is_error: bool) -> Message {
    let block = Block::ToolResult { id: id.to_owned(), blocks, is_error, extra: ExtraFields::default() };
    Message::new(Role::Tool, vec![block])
}

/// Adds calls, and a result for each.
pub fn call_and_result(request: &mut Request, ids: &[&str], content: &dyn Fn() -> Vec<Block>) {
    tools(request);
    let calls = ids.iter().map(|id| call(id, None)).collect();
    request.messages.push(Message::new(Role::Assistant, calls));
    request.messages.edit().extend(ids.iter().map(|id| result(id, content(), false)));
}

/// Adds an assistant turn with reasoning and a call, and the result.
pub fn reasoning_and_call(request: &mut Request, reasoning: Block, signature: Option<&str>) {
    tools(request);
    request.messages.push(Message::new(Role::Assistant, vec![reasoning, call("call_1", signature)]));
    request.messages.push(result("call_1", vec![Block::text("sunny")], false));
}

/// The issuer of a signature, as the `format` of `reasoning_details`.
fn format_of(dialect: &str) -> &str {
    match dialect {
        "anthropic-messages" => "anthropic-claude-v1",
        "openai-responses" => "openai-responses-v1",
        _ => "unknown",
    }
}

pub fn reasoning(signature: Option<&str>, by: &str) -> Block {
    let members = vec![(String::from("format"), raw(&format!("{:?}", format_of(by))))];
    Block::Reasoning {
        text: "Let me see.".into(),
        signature: signature.map(str::to_owned).map(Into::into),
        extra: signature.map(|_| ExtraFields::new(REASONING_DETAILS, members)).unwrap_or_default(),
    }
}

/// Reasoning of which only the encrypted form is known.
pub fn encrypted_reasoning(by: &str) -> Block {
    let members = vec![
        (String::from("type"), raw(r#""reasoning.encrypted""#)),
        (String::from("format"), raw(&format!("{:?}", format_of(by)))),
    ];
    Block::Reasoning {
        text: "".into(),
        signature: Some("c2VhbGVk".into()),
        extra: ExtraFields::new(REASONING_DETAILS, members),
    }
}

pub fn all(request: &Request) -> impl Iterator<Item = &Block> {
    request.messages.iter().flat_map(|message| &message.blocks)
}

pub fn response_blocks(response: &Response) -> impl Iterator<Item = &Block> {
    response.choices.iter().flat_map(|choice| &choice.blocks)
}

pub fn calls<'b>(blocks: impl Iterator<Item = &'b Block>) -> usize {
    blocks.filter(|b| matches!(b, Block::ToolCall { name, arguments, .. } if name == "weather" && arguments.contains("Oslo"))).count()
}

pub fn results(request: &Request) -> usize {
    all(request).filter(|b| matches!(b, Block::ToolResult { .. })).count()
}

/// Whether any block, also in a tool result, satisfies `predicate`.
pub fn contains_block(request: &Request, predicate: fn(&Block) -> bool) -> bool {
    all(request).any(|b| {
        predicate(b) || matches!(b, Block::ToolResult { blocks, .. } if blocks.iter().any(predicate))
    })
}

/// Whether any reasoning has this signature; a tag of its issuer may precede it.
pub fn signed<'b>(mut blocks: impl Iterator<Item = &'b Block>, expected: &str) -> bool {
    blocks.any(|b| matches!(b, Block::Reasoning { signature: Some(s), .. } if s.ends_with(expected)))
}

/// Whether any extra field of a text block contains `fragment`.
pub fn has_extra_text<'b>(mut blocks: impl Iterator<Item = &'b Block>, fragment: &str) -> bool {
    blocks.any(|b| match b {
        Block::Text { extra, .. } => extra.members.iter().any(|(_, value)| value.as_str().contains(fragment)),
        _ => false,
    })
}
