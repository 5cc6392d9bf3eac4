//! The answer to a conversation's last turn, on its way from an upstream to the client.

use crate::common::answer::{response_of, written};
use crate::script::Conversation;
use crate::{Side, is_prompt, received, start};
use openai_shim_core::canonical::{
    Block, Event, ExtraFields, FinishReason, Request, Response, ResponseContext, ResponseSpec, fold,
};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, Diagnostics};
use serde_json::Value;
use std::collections::BTreeSet;

const TEXT: &str = "Let me look.";

/// The names of the client's tools, as the upstream reads them: tools keep their order.
fn offered(conversation: &Conversation, sent: &Request) -> Vec<String> {
    let names: Vec<&str> = sent.tools.iter().filter_map(|tool| tool.name()).collect();
    let is_complete = names.len() == conversation.tools.len();
    let named = |(at, own): (usize, &String)| if is_complete { names[at].to_owned() } else { own.clone() };
    conversation.tools.iter().enumerate().map(named).collect()
}

fn response(conversation: &Conversation, upstream: Side, sent: &Request) -> Response {
    let (names, mut blocks) = (offered(conversation, sent), vec![Block::text(TEXT)]);
    let mut finish = FinishReason::Stop;
    if !is_prompt(upstream) {
        finish = FinishReason::ToolCalls;
        blocks.extend(conversation.answer.iter().enumerate().map(|(at, (tool, arguments))| {
            Block::ToolCall {
                id: format!("call_of_answer_{at}"),
                name: names[*tool].clone(),
                arguments: arguments.to_string(),
                signature: None,
                extra: ExtraFields::default(),
            }
        }));
    }
    response_of(blocks, finish)
}

/// What the client gets when the upstream's body comes in these chunks.
fn passed(conversation: &Conversation, upstream: Side, stream: bool, chunks: &[&[u8]]) -> Vec<u8> {
    let (mut exchange, mut out) = (start(conversation, upstream, stream), Vec::new());
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    for chunk in chunks {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    out
}

/// What the client reads: its text and its calls.
fn read(
    body: &[u8],
    conversation: &Conversation,
    stream: bool,
) -> Result<(String, Vec<(String, Value)>), String> {
    let client = openai_shim_core::dialect(conversation.client).unwrap();
    let mut request = start(conversation, client, stream);
    let mut request = received(&mut request, client);
    request.stream = stream;
    let (spec, mut context) =
        (ResponseSpec::new(&request, &Context::fixed()), ResponseContext::new(&request, Context::fixed()));
    let response = if stream {
        let (mut decoder, mut framer, mut events) =
            (client.decoder(&spec, &context), Framer::new(1 << 20), Vec::<Event>::new());
        framer.push(body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        fold(&events)
    } else {
        client.decode_response(body, &spec, &mut context, &mut Diagnostics::default())
    };
    let response = response.map_err(|error| format!("{error}: {}", String::from_utf8_lossy(body)))?;
    let (mut text, mut calls, mut ids) = (String::new(), Vec::new(), BTreeSet::new());
    for block in response.choices.iter().flat_map(|choice| &choice.blocks) {
        match block {
            Block::Text { text: more, .. } => text.push_str(more),
            Block::ToolCall { id, name, arguments, .. } => {
                if !ids.insert(id.clone()) {
                    return Err(format!("two calls of the id {id}"));
                }
                calls.push((name.clone(), serde_json::from_str(arguments).unwrap_or(Value::Null)));
            }
            _ => {}
        }
    }
    Ok((text, calls))
}

/// The answer comes to the client in its own names, whole and streamed; a stream is the same however it is cut.
pub fn check(conversation: &Conversation, upstream: Side, cuts: usize) -> Vec<String> {
    let place = format!("{} from {}", conversation.name, upstream.name());
    let sent = received(&mut start(conversation, upstream, true), upstream);
    let answer = response(conversation, upstream, &sent);
    let calls = if is_prompt(upstream) { &[][..] } else { &conversation.answer[..] };
    let expected: Vec<(String, Value)> = calls
        .iter()
        .map(|(tool, arguments)| (conversation.tools[*tool].clone(), arguments.clone()))
        .collect();
    let mut problems = Vec::new();
    for stream in [false, true] {
        let body = written(upstream, &answer, &sent, stream);
        let whole = passed(conversation, upstream, stream, &[&body]);
        match read(&whole, conversation, stream) {
            Ok((text, found)) if text == TEXT && found == expected => {}
            other => problems.push(format!("{place}, stream {stream}: {other:?} instead of {expected:?}")),
        }
        if conversation.client == "openai-responses" && !is_prompt(upstream) {
            let text = String::from_utf8_lossy(&whole);
            let own = text.contains(r#""namespace":"mcp__docs""#)
                && text.contains(r#""name":"search""#)
                && text.contains(r#""custom_tool_call""#);
            if !own {
                problems.push(format!("{place}, stream {stream}: not in the client's own form: {text}"));
            }
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        let mut ways = vec![bytes];
        ways.extend((1..body.len()).step_by(1 + body.len() / cuts).map(|at| vec![&body[..at], &body[at..]]));
        if ways.iter().any(|chunks| passed(conversation, upstream, stream, chunks) != whole) {
            problems.push(format!("{place}, stream {stream}: the cuts of the body change the answer"));
        }
    }
    problems
}
