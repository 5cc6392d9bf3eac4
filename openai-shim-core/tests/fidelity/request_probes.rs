//! One probe for each feature of requests.

use super::blocks::{
    CITY, PIXEL, all, audio, call, call_and_result, calls, contains_block, document, encrypted_reasoning,
    has_extra_text, image, image_at, patch, patch_call, raw, reasoning, reasoning_and_call, result, results,
    signed, tools,
};
use super::matrix::RequestProbe;
use openai_shim_core::canonical::{
    Block, ExtraFields, MediaSource, Message, Reasoning, ReasoningMode, Request, ResponseFormat, Role,
    TokenLimit, Tool, ToolChoice,
};

/// Whether the model is asked to reason.
fn is_reasoning_requested(request: &Request) -> bool {
    let Reasoning { effort, budget, mode, .. } = &*request.reasoning;
    effort.is_some() || budget.is_some() || mode.is_some_and(|mode| mode != ReasoningMode::Off)
}

pub const REQUEST_PROBES: &[RequestProbe] = &[
    RequestProbe::new(
        "system message",
        |r, _| r.messages.edit().insert(0, Message::text(Role::System, "Be brief.")),
        // A prompt contains it as text.
        |r| r.messages.iter().any(|m| m.joined_text().contains("Be brief.")),
    ),
    RequestProbe::new(
        "system message in the middle",
        |r, _| {
            r.messages.push(Message::text(Role::Assistant, "Hello."));
            r.messages.push(Message::text(Role::System, "Be brief."));
            r.messages.push(Message::text(Role::User, "go on"));
        },
        |r| r.messages.iter().any(|m| m.joined_text().contains("Be brief.")),
    ),
    RequestProbe::new(
        "several turns",
        |r, _| {
            r.messages.push(Message::text(Role::Assistant, "Hello."));
            r.messages.push(Message::text(Role::User, "go on"));
        },
        |r| {
            r.messages.iter().any(|m| m.joined_text().contains("Hello."))
                && r.messages.last().is_some_and(|m| m.joined_text().contains("go on"))
        },
    ),
    RequestProbe::new(
        "picture",
        |r, _| r.messages.edit()[0].edit().blocks.push(image()),
        |r| {
            all(r).any(|b| matches!(b, Block::Image(m) if matches!(&m.source, MediaSource::Base64 { data, .. } if data == PIXEL)))
        },
    ),
    RequestProbe::new(
        "picture by its address",
        |r, _| r.messages.edit()[0].edit().blocks.push(image_at("https://a.example/b.png")),
        |r| all(r).any(|b| matches!(b, Block::Image(m) if matches!(&m.source, MediaSource::Url(_)))),
    ),
    RequestProbe::new(
        "document",
        |r, _| r.messages.edit()[0].edit().blocks.push(document()),
        |r| all(r).any(|b| matches!(b, Block::File(_))),
    ),
    RequestProbe::new(
        "sound",
        |r, _| r.messages.edit()[0].edit().blocks.push(audio()),
        |r| all(r).any(|b| matches!(b, Block::Audio(_))),
    ),
    RequestProbe::new(
        "tools",
        |r, _| tools(r),
        |r| r.tools.iter().any(|tool| tool.name() == Some("weather")),
    ),
    RequestProbe::new(
        "strict tools",
        |r, _| {
            tools(r);
            if let Some(Tool::Function { strict, .. }) = r.tools.edit().first_mut() {
                *strict = Some(true);
            }
        },
        |r| r.tools.iter().any(|tool| matches!(tool, Tool::Function { strict: Some(true), .. })),
    ),
    RequestProbe::new(
        "a tool must be called",
        |r, _| {
            tools(r);
            r.tool_choice.set(Some(ToolChoice::Required));
        },
        |r| matches!(*r.tool_choice, Some(ToolChoice::Required)),
    ),
    RequestProbe::new(
        "this tool must be called",
        |r, _| {
            tools(r);
            r.tool_choice.set(Some(ToolChoice::Function(String::from("weather"))));
        },
        |r| matches!(&*r.tool_choice, Some(ToolChoice::Function(name)) if name == "weather"),
    ),
    RequestProbe::new(
        "no tool may be called",
        |r, _| {
            tools(r);
            r.tool_choice.set(Some(ToolChoice::None));
        },
        // A request without tools is equivalent.
        |r| matches!(*r.tool_choice, Some(ToolChoice::None)) || r.tools.is_empty(),
    ),
    RequestProbe::new(
        "one call at a time",
        |r, _| {
            tools(r);
            r.parallel_tool_calls.set(Some(false));
        },
        |r| *r.parallel_tool_calls == Some(false),
    ),
    RequestProbe::new(
        "a call and its result",
        |r, _| call_and_result(r, &["call_1"], &|| vec![Block::text("sunny")]),
        |r| calls(all(r)) == 1 && results(r) == 1,
    ),
    RequestProbe::new(
        "parallel calls and their results",
        |r, _| call_and_result(r, &["call_1", "call_2"], &|| vec![Block::text("sunny")]),
        |r| calls(all(r)) == 2 && results(r) == 2,
    ),
    RequestProbe::new(
        "a picture in a tool's result",
        |r, _| call_and_result(r, &["call_1"], &|| vec![Block::text("seen"), image()]),
        |r| calls(all(r)) == 1 && contains_block(r, |b| matches!(b, Block::Image(_))),
    ),
    RequestProbe::new(
        "a document in a tool's result",
        |r, _| call_and_result(r, &["call_1"], &|| vec![Block::text("read"), document()]),
        |r| calls(all(r)) == 1 && contains_block(r, |b| matches!(b, Block::File(_))),
    ),
    RequestProbe::new(
        "a tool failed",
        |r, _| {
            tools(r);
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", None)]));
            r.messages.push(result("call_1", vec![Block::text("no such city")], true));
        },
        |r| all(r).any(|b| matches!(b, Block::ToolResult { is_error: true, .. })),
    ),
    RequestProbe::new(
        "a custom tool",
        |r, by| r.tools.edit().extend(patch(by)),
        |r| {
            r.tools.iter().any(|tool| match tool {
                Tool::Native { raw, .. } => raw.as_str().contains("patch"),
                tool => tool.name() == Some("patch"),
            })
        },
    ),
    RequestProbe::new(
        "a custom tool's call and its result",
        |r, by| {
            if let (Some(tool), Some(call)) = (patch(by), patch_call(by)) {
                r.tools.edit().push(tool);
                r.messages.push(Message::new(Role::Assistant, vec![call]));
                r.messages.push(result("call_1", vec![Block::text("done")], false));
            }
        },
        |r| {
            let call = |b: &Block| matches!(b, Block::ToolCall { name, arguments, .. } if name == "patch" && arguments.contains("*** a"));
            all(r).any(call) && results(r) == 1
        },
    ),
    RequestProbe::new(
        "the provider's own tool",
        |r, by| {
            let json = match by {
                "anthropic-messages" => r#"{"type":"web_search_20250305","name":"web_search"}"#,
                "gemini" => r#"{"googleSearch":{}}"#,
                _ => r#"{"type":"web_search"}"#,
            };
            let dialect = openai_shim_core::dialect(by).map_or("", |d| d.name());
            r.tools.set(vec![Tool::Native { dialect, raw: raw(json) }]);
        },
        |r| r.tools.iter().any(|tool| matches!(tool, Tool::Native { .. })),
    ),
    RequestProbe::new(
        "JSON by a schema",
        |r, _| {
            r.response_format.set(Some(ResponseFormat::JsonSchema {
                name: String::from("weather"),
                schema: Some(raw(CITY)),
                strict: Some(true),
                extra: ExtraFields::default(),
            }));
        },
        |r| matches!(&*r.response_format, Some(ResponseFormat::JsonSchema { schema: Some(s), .. }) if s.as_str().contains("city")),
    ),
    RequestProbe::new(
        "JSON of any kind",
        |r, _| r.response_format.set(Some(ResponseFormat::JsonObject)),
        |r| matches!(*r.response_format, Some(ResponseFormat::JsonObject)),
    ),
    RequestProbe::new("stop sequences", |r, _| r.stop.set(vec![String::from("END")]), |r| *r.stop == ["END"]),
    RequestProbe::new(
        "the longest answer",
        |r, _| r.max_tokens = Some(TokenLimit { tokens: 77, completion: false }),
        |r| r.max_tokens.is_some_and(|limit| limit.tokens == 77),
    ),
    RequestProbe::new("temperature", |r, _| r.temperature = Some(0.5), |r| r.temperature == Some(0.5)),
    RequestProbe::new("top_p", |r, _| r.top_p = Some(0.5), |r| r.top_p == Some(0.5)),
    RequestProbe::new("top_k", |r, _| r.top_k = Some(5), |r| r.top_k == Some(5)),
    RequestProbe::new(
        "penalties",
        |r, _| (r.frequency_penalty, r.presence_penalty) = (Some(0.5), Some(0.25)),
        |r| (r.frequency_penalty, r.presence_penalty) == (Some(0.5), Some(0.25)),
    ),
    RequestProbe::new("seed", |r, _| r.seed = Some(7), |r| r.seed == Some(7)),
    RequestProbe::new("several answers", |r, _| r.n.set(Some(2)), |r| *r.n == Some(2)),
    RequestProbe::new("logprobs", |r, _| r.logprobs = Some(2), |r| r.logprobs == Some(2)),
    RequestProbe::new(
        "biases of tokens",
        |r, _| r.logit_bias = Some(raw(r#"{"7":-100}"#)),
        |r| r.logit_bias.as_ref().is_some_and(|bias| bias.as_str().contains("-100")),
    ),
    RequestProbe::new(
        "the end user",
        |r, _| r.user = Some(String::from("u1")),
        |r| r.user.as_deref() == Some("u1"),
    ),
    RequestProbe::new(
        "the speaker's name",
        |r, _| r.messages.edit()[0].edit().name = Some("Ann".into()),
        |r| r.messages.iter().any(|m| m.name.as_deref() == Some("Ann")),
    ),
    RequestProbe::new(
        "effort of reasoning",
        |r, _| r.reasoning.edit().effort = Some(String::from("high")),
        is_reasoning_requested,
    ),
    RequestProbe::new(
        "a budget for reasoning",
        |r, _| r.reasoning.edit().budget = Some(4096),
        is_reasoning_requested,
    ),
    RequestProbe::new(
        "reasoning sent back",
        |r, by| reasoning_and_call(r, reasoning(Some("c2lnbmVk"), by), None),
        |r| all(r).any(|b| matches!(b, Block::Reasoning { text, .. } if text.contains("Let me see."))),
    ),
    RequestProbe::new(
        "its signature sent back",
        |r, by| reasoning_and_call(r, reasoning(Some("c2lnbmVk"), by), None),
        |r| signed(all(r), "c2lnbmVk"),
    ),
    RequestProbe::new(
        "sealed reasoning sent back",
        |r, by| reasoning_and_call(r, encrypted_reasoning(by), None),
        |r| signed(all(r), "c2VhbGVk"),
    ),
    RequestProbe::new(
        "the signature of a call sent back",
        |r, _| {
            tools(r);
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", Some("c2ln"))]));
            r.messages.push(result("call_1", vec![Block::text("sunny")], false));
        },
        |r| all(r).any(|b| matches!(b, Block::ToolCall { signature: Some(s), .. } if s == "c2ln")),
    ),
    RequestProbe::new(
        "a refusal sent back",
        |r, _| {
            r.messages.push(Message::new(Role::Assistant, vec![Block::Refusal("No.".into())]));
            r.messages.push(Message::text(Role::User, "why?"));
        },
        // A dialect without refusals contains it as text.
        |r| {
            r.messages.iter().any(|m| m.joined_text().contains("No."))
                || all(r).any(|b| matches!(b, Block::Refusal(text) if text == "No."))
        },
    ),
    RequestProbe::new(
        "a mark for the cache",
        |r, by| {
            let dialect = openai_shim_core::dialect(by).map_or("", |d| d.name());
            let marker = (String::from("cache_control"), raw(r#"{"type":"ephemeral"}"#));
            let known = ["anthropic-messages", "openai-chat"].contains(&by);
            if let (true, Some(Block::Text { extra, .. })) =
                (known, r.messages.edit()[0].edit().blocks.first_mut())
            {
                *extra = ExtraFields::new(dialect, vec![marker]);
            }
        },
        |r| has_extra_text(all(r), "ephemeral"),
    ),
];
