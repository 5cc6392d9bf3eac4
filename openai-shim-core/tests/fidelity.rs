//! What arrives of what, between any two dialects: one probe for each feature, judged by what is read at the other end.
//! `docs/fidelity.md` is written from it (`UPDATE_DOCS=1`). What is lost without a word fails, but for the known cases.
#![allow(clippy::disallowed_methods)] // the ban is on core itself: tests read files

mod common;

use common::chat;
use openai_shim_core::canonical::{
    Asked, Block, Choice, Extra, FinishReason, Media, MediaSource, Message, Request, Response,
    ResponseFormat, Role, Tool, ToolChoice, Usage,
};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{Incoming, Retry, Settings, When};
use openai_shim_core::profile::{native, profile};
use openai_shim_core::{Context, Diagnostics, Exchange, Profile, Step};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What became of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// The sender's dialect has no way to say it.
    Unsayable,
    /// It arrives, and nothing was noted.
    Exact,
    /// It arrives, and what was changed is noted.
    Mapped,
    /// It does not arrive, and that is noted.
    Lost,
    /// It does not arrive, and nothing says so.
    Silent,
    /// The request is refused.
    Refused,
}

impl Cell {
    fn word(self) -> &'static str {
        match self {
            Self::Unsayable => "–",
            Self::Exact => "exact",
            Self::Mapped => "mapped",
            Self::Lost => "lost",
            Self::Silent => "**silent**",
            Self::Refused => "refused",
        }
    }
}

type Asks = (&'static str, fn(&mut Request), fn(&Request) -> bool);
type Says = (&'static str, fn(&mut Response), fn(&Response) -> bool);

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

const PIXEL: &str = "iVBORw0KGgo=";

fn picture() -> Block {
    Block::Image(Media::new(MediaSource::Base64 { media_type: "image/png".into(), data: PIXEL.into() }))
}

fn document() -> Block {
    let source = MediaSource::Base64 { media_type: "application/pdf".into(), data: "JVBERi0=".into() };
    let mut media = Media::new(source);
    media.name = Some(String::from("a.pdf"));
    Block::File(media)
}

fn weather() -> Tool {
    Tool::Function {
        name: String::from("weather"),
        description: Some(String::from("of a city")),
        parameters: Some(raw(
            r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#,
        )),
        strict: None,
        extra: Extra::default(),
    }
}

fn call(id: &str, signature: Option<&str>) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: String::from("weather"),
        arguments: String::from(r#"{"city":"Oslo"}"#),
        signature: signature.map(str::to_owned),
        extra: Extra::default(),
    }
}

fn result(id: &str, blocks: Vec<Block>, is_error: bool) -> Message {
    let block = Block::ToolResult { id: id.to_owned(), blocks, is_error, extra: Extra::default() };
    Message::new(Role::Tool, vec![block])
}

fn called(request: &mut Request, ids: &[&str]) {
    request.tools.push(weather());
    let calls = ids.iter().map(|id| call(id, None)).collect();
    request.messages.push(Message::new(Role::Assistant, calls));
    for id in ids {
        request.messages.push(result(id, vec![Block::text("sunny")], false));
    }
}

fn thought() -> Block {
    Block::Reasoning {
        text: String::from("Let me see."),
        signature: Some(String::from("c2lnbmVk")),
        extra: Extra::default(),
    }
}

fn all(request: &Request) -> impl Iterator<Item = &Block> {
    request.messages.iter().flat_map(|message| &message.blocks)
}

fn calls(request: &Request) -> usize {
    all(request).filter(|b| matches!(b, Block::ToolCall { name, .. } if name == "weather")).count()
}

fn results(request: &Request) -> usize {
    all(request).filter(|b| matches!(b, Block::ToolResult { .. })).count()
}

/// What a request may ask.
const ASKS: &[Asks] = &[
    (
        "system message",
        |r| r.messages.insert(0, Message::text(Role::System, "Be brief.")),
        // In a prompt it is text.
        |r| r.messages.iter().any(|m| m.joined_text().contains("Be brief.")),
    ),
    (
        "picture",
        |r| r.messages.last_mut().unwrap().blocks.push(picture()),
        |r| all(r).any(|b| matches!(b, Block::Image(m) if m.source == picture_source())),
    ),
    (
        "document",
        |r| r.messages.last_mut().unwrap().blocks.push(document()),
        |r| all(r).any(|b| matches!(b, Block::File(_))),
    ),
    (
        "sound",
        |r| {
            let source = MediaSource::Base64 { media_type: "wav".into(), data: "UklGRg==".into() };
            r.messages.last_mut().unwrap().blocks.push(Block::Audio(Media::new(source)));
        },
        |r| all(r).any(|b| matches!(b, Block::Audio(_))),
    ),
    ("tools", |r| r.tools.push(weather()), |r| r.tools.iter().any(|tool| tool.name() == Some("weather"))),
    (
        "a tool must be called",
        |r| {
            r.tools.push(weather());
            r.tool_choice = Some(ToolChoice::Required);
        },
        |r| matches!(r.tool_choice, Some(ToolChoice::Required)),
    ),
    (
        "this tool must be called",
        |r| {
            r.tools.push(weather());
            r.tool_choice = Some(ToolChoice::Function(String::from("weather")));
        },
        |r| matches!(&r.tool_choice, Some(ToolChoice::Function(name)) if name == "weather"),
    ),
    (
        "one call at a time",
        |r| {
            r.tools.push(weather());
            r.parallel_tool_calls = Some(false);
        },
        |r| r.parallel_tool_calls == Some(false),
    ),
    ("a call and its result", |r| called(r, &["call_1"]), |r| calls(r) == 1 && results(r) == 1),
    ("parallel calls", |r| called(r, &["call_1", "call_2"]), |r| calls(r) == 2 && results(r) == 2),
    (
        "a picture in a tool's result",
        |r| {
            r.tools.push(weather());
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", None)]));
            r.messages.push(result("call_1", vec![Block::text("seen"), picture()], false));
        },
        |r| {
            let inside = |b: &Block| {
                matches!(b, Block::Image(_))
                    || matches!(b, Block::ToolResult { blocks, .. } if blocks.iter().any(|b| matches!(b, Block::Image(_))))
            };
            all(r).any(inside)
        },
    ),
    (
        "a tool failed",
        |r| {
            r.tools.push(weather());
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", None)]));
            r.messages.push(result("call_1", vec![Block::text("no such city")], true));
        },
        |r| all(r).any(|b| matches!(b, Block::ToolResult { is_error: true, .. })),
    ),
    (
        "JSON by a schema",
        |r| {
            r.response_format = Some(ResponseFormat::JsonSchema {
                name: String::from("weather"),
                schema: Some(raw(
                    r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}"#,
                )),
                strict: Some(true),
                extra: Extra::default(),
            });
        },
        |r| matches!(&r.response_format, Some(ResponseFormat::JsonSchema { schema: Some(s), .. }) if s.get().contains("city")),
    ),
    (
        "JSON of any kind",
        |r| r.response_format = Some(ResponseFormat::JsonObject),
        |r| matches!(r.response_format, Some(ResponseFormat::JsonObject)),
    ),
    ("stop sequences", |r| r.stop = vec![String::from("END")], |r| r.stop == ["END"]),
    ("temperature", |r| r.temperature = Some(0.5), |r| r.temperature == Some(0.5)),
    ("seed", |r| r.seed = Some(7), |r| r.seed == Some(7)),
    (
        "effort of reasoning",
        |r| r.reasoning.effort = Some(String::from("high")),
        |r| r.reasoning.effort.is_some() || r.reasoning.budget.is_some() || r.reasoning.enabled == Some(true),
    ),
    (
        "reasoning sent back",
        |r| {
            r.tools.push(weather());
            r.messages.push(Message::new(Role::Assistant, vec![thought(), call("call_1", None)]));
            r.messages.push(result("call_1", vec![Block::text("sunny")], false));
        },
        |r| all(r).any(|b| matches!(b, Block::Reasoning { text, .. } if text.contains("Let me see."))),
    ),
    (
        "the signature of a call sent back",
        |r| {
            r.tools.push(weather());
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", Some("c2ln"))]));
            r.messages.push(result("call_1", vec![Block::text("sunny")], false));
        },
        |r| all(r).any(|b| matches!(b, Block::ToolCall { signature: Some(s), .. } if s == "c2ln")),
    ),
];

fn picture_source() -> MediaSource {
    MediaSource::Base64 { media_type: "image/png".into(), data: PIXEL.into() }
}

fn said(response: &Response) -> impl Iterator<Item = &Block> {
    response.choices.iter().flat_map(|choice| &choice.blocks)
}

fn ends(response: &mut Response, reason: FinishReason) {
    response.choices[0].finish = Some(reason);
}

/// What an answer may say.
const SAYS: &[Says] = &[
    ("text", |_| {}, |r| said(r).any(|b| b.as_text() == Some("Hello"))),
    (
        "a call",
        |r| {
            r.choices[0].blocks = vec![call("call_1", None)];
            ends(r, FinishReason::ToolCalls);
        },
        |r| said(r).any(|b| matches!(b, Block::ToolCall { arguments, .. } if arguments.contains("Oslo"))),
    ),
    (
        "parallel calls",
        |r| {
            r.choices[0].blocks = vec![call("call_1", None), call("call_2", None)];
            ends(r, FinishReason::ToolCalls);
        },
        |r| said(r).filter(|b| matches!(b, Block::ToolCall { .. })).count() == 2,
    ),
    (
        "reasoning",
        |r| {
            r.choices[0].blocks.insert(
                0,
                Block::Reasoning {
                    text: String::from("Let me see."),
                    signature: None,
                    extra: Extra::default(),
                },
            );
        },
        |r| said(r).any(|b| matches!(b, Block::Reasoning { text, .. } if text == "Let me see.")),
    ),
    (
        "refusal",
        |r| r.choices[0].blocks = vec![Block::Refusal(String::from("No."))],
        // Where there is no place for it, it is text.
        |r| {
            said(r).any(
                |b| matches!(b, Block::Refusal(words) | Block::Text { text: words, .. } if words == "No."),
            )
        },
    ),
    (
        "cut by the limit",
        |r| ends(r, FinishReason::Length),
        |r| r.choices.iter().any(|c| c.finish == Some(FinishReason::Length)),
    ),
    (
        "filtered",
        |r| ends(r, FinishReason::ContentFilter),
        |r| {
            let filtered = [Some(FinishReason::ContentFilter), Some(FinishReason::Refusal)];
            r.choices.iter().any(|c| filtered.contains(&c.finish))
        },
    ),
    ("token counts", |_| {}, |r| r.usage.is_some_and(|u| (u.input, u.output) == (Some(30), Some(20)))),
    (
        "cached tokens",
        |r| r.usage.as_mut().unwrap().cached = Some(10),
        |r| r.usage.is_some_and(|u| u.cached == Some(10)),
    ),
    (
        "tokens of reasoning",
        |r| r.usage.as_mut().unwrap().reasoning = Some(5),
        |r| r.usage.is_some_and(|u| u.reasoning == Some(5)),
    ),
];

fn plain() -> Request {
    let mut request = Request::default();
    (request.model, request.messages) = (String::from("m"), vec![Message::text(Role::User, "hi")]);
    request
}

fn row(upstream: &dyn Dialect) -> Profile {
    let mut row = native(upstream.name()).unwrap_or_else(|| profile("compatible").unwrap());
    upstream.name().clone_into(&mut row.dialect);
    row
}

fn exchange(incoming: Incoming, upstream: &dyn Dialect) -> Option<Exchange> {
    let mut settings = Settings::default();
    (settings.retry, settings.fallback.when) = (Retry::none(), When::Never);
    Exchange::start(incoming, row(upstream), settings, Context::fixed()).ok()
}

/// A request as a client of this dialect writes it; and what it cannot say.
fn written(request: &Request, client: &'static dyn Dialect) -> Option<Incoming> {
    let encoded = client.encode_request(request, None, &mut Diagnostics::default()).ok()?;
    Incoming::read(client, &encoded.path, encoded.body.to_json().into()).ok()
}

fn told(notes: &Diagnostics) -> BTreeSet<String> {
    notes.iter().map(ToString::to_string).collect()
}

/// What the upstream reads of a request, and what was noted; `None`: it was refused.
fn sent(incoming: Incoming, upstream: &'static dyn Dialect) -> Option<(Request, BTreeSet<String>)> {
    let mut exchange = exchange(incoming, upstream)?;
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let path = request.uri().to_string();
    let read = upstream.decode_request(&path, request.body(), &mut Diagnostics::default());
    Some((read.unwrap(), told(&exchange.diagnostics())))
}

fn judge(arrives: bool, noted: bool) -> Cell {
    match (arrives, noted) {
        (true, false) => Cell::Exact,
        (true, true) => Cell::Mapped,
        (false, true) => Cell::Lost,
        (false, false) => Cell::Silent,
    }
}

fn asked((_, ask, holds): &Asks, client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Cell {
    let (mut probe, base) = (plain(), written(&plain(), client).unwrap());
    ask(&mut probe);
    let Some(incoming) = written(&probe, client).filter(|read| holds(read.request())) else {
        return Cell::Unsayable;
    };
    let usual = sent(base, upstream).map(|(_, notes)| notes).unwrap_or_default();
    match sent(incoming, upstream) {
        None => Cell::Refused,
        Some((read, notes)) => judge(holds(&read), notes.difference(&usual).next().is_some()),
    }
}

fn answer(
    response: &Response,
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
) -> (Response, BTreeSet<String>) {
    let mut request = plain();
    if client.encode_request(&request, None, &mut Diagnostics::default()).is_ok() {
        request.tools.push(weather());
    }
    let incoming = written(&request, client).unwrap();
    let mut asked = Asked::new(&request, Context::fixed());
    let body = upstream.encode_response(response, &mut asked, &mut Diagnostics::default());
    let (mut exchange, mut out) = (exchange(incoming, upstream).unwrap(), Vec::new());
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new());
    exchange.push(&body, &mut out);
    exchange.finish(&mut out);
    let read = client.decode_response(&out, &mut asked, &mut Diagnostics::default());
    let read = read.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)));
    (read, told(&exchange.diagnostics()))
}

fn hello() -> Response {
    let (mut response, mut choice) = (Response::default(), Choice::default());
    choice.blocks = vec![Block::text("Hello")];
    choice.finish = Some(FinishReason::Stop);
    (response.id, response.model, response.created) = (Some("x".into()), Some("m".into()), Some(1));
    (response.usage, response.choices) = (Some(Usage::new(30, 20)), vec![choice]);
    response
}

fn answered((_, say, holds): &Says, client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Cell {
    let mut probe = hello();
    say(&mut probe);
    let mut asked = Asked::new(&plain(), Context::fixed());
    let body = upstream.encode_response(&probe, &mut asked, &mut Diagnostics::default());
    let own = upstream.decode_response(&body, &mut asked, &mut Diagnostics::default());
    if !own.is_ok_and(|own| holds(&own)) {
        return Cell::Unsayable;
    }
    let (_, usual) = answer(&hello(), client, upstream);
    let (read, notes) = answer(&probe, client, upstream);
    judge(holds(&read), notes.difference(&usual).next().is_some())
}

/// One table: clients down, upstreams across.
fn table(
    text: &mut String,
    name: &str,
    cell: impl Fn(&'static dyn Dialect, &'static dyn Dialect) -> Cell,
) -> Vec<String> {
    let mut silent = Vec::new();
    write!(text, "\n### {name}\n\n| client \\ upstream |").unwrap();
    for upstream in DIALECTS {
        write!(text, " {} |", upstream.name()).unwrap();
    }
    write!(text, "\n|---|{}\n", "---|".repeat(DIALECTS.len())).unwrap();
    for client in DIALECTS {
        write!(text, "| {} |", client.name()).unwrap();
        for upstream in DIALECTS {
            let cell = cell(*client, *upstream);
            if cell == Cell::Silent {
                silent.push(format!("{name}: {} to {}", client.name(), upstream.name()));
            }
            write!(text, " {} |", cell.word()).unwrap();
        }
        text.push('\n');
    }
    silent
}

#[test]
fn the_matrix_is_what_the_code_does_and_nothing_is_lost_in_silence() {
    let mut text = String::from(
        "# Fidelity\n\n\
         Generated by `openai-shim-core/tests/fidelity.rs`: one probe for each feature and pair of dialects, judged by what is\n\
         read at the other end.\n\n\
         *exact*: it arrives, and nothing is noted. *mapped*: it arrives, and what was changed is noted. *lost*: it does not\n\
         arrive, and a diagnostic says so. *refused*: the client gets an error that says why, and nothing is sent. *–*: the\n\
         sender's own dialect cannot say it. Losses are in the diagnostics of every answer; in strict mode a loss of a\n\
         request is an error.\n\n\
         Upstreams here have the row of their own API, or the row `compatible`; rows of services lose less or more.\n\n\
         ## Requests\n",
    );
    let mut silent = Vec::new();
    for ask in ASKS {
        silent.extend(table(&mut text, ask.0, |client, upstream| asked(ask, client, upstream)));
    }
    text.push_str("\n## Answers\n");
    for say in SAYS {
        silent.extend(table(&mut text, say.0, |client, upstream| answered(say, client, upstream)));
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/fidelity.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(silent, KNOWN, "what is lost without a word");
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/fidelity.md: run UPDATE_DOCS=1 cargo test -p openai-shim-core --test fidelity"
    );
    assert_eq!(chat().name(), DIALECTS[0].name());
}

/// What is lost without a word as yet; nothing may be added.
const KNOWN: [&str; 0] = [];
