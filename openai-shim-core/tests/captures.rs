//! Captured requests of real clients decode without errors, and reach every upstream dialect with stated losses only. The
//! captures are in `OPENAI_SHIM_CORPUS`; long texts in them were shortened.
#![allow(clippy::disallowed_methods)] // the ban is for core itself: tests read files

mod common;

use common::losses::{Captured, losses};
use openai_shim_core::accepts::REQUEST_NONCE;
use openai_shim_core::canonical::{
    Block, DiagnosticCode, ExtraFields, MediaSource, Request, Role, Severity, Tool,
};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::profile::profile;
use openai_shim_core::{Context, Diagnostics, Exchange, Profile, Step};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One captured request.
struct Capture {
    /// `<client>/<call>`.
    name: String,
    client: Dialect,
    path: String,
    body: String,
}

/// Returns the dialect that serves a route, according to the registry.
fn dialect_of(method: &str, path: &str) -> Option<Dialect> {
    let serves = |d: &&Dialect| d.endpoints().iter().any(|e| e.method == method && e.matches(path));
    DIALECTS.iter().find(serves).copied()
}

/// Removes the markers of shortened parts: a marker is not a tool and not base64.
fn remove_markers(body: &mut Value) {
    match body {
        Value::Object(members) => {
            if let Some(Value::Array(tools)) = members.get_mut("tools") {
                tools.retain(|tool| tool.get("_more_tools").is_none() && !tool.is_string());
            }
            members.values_mut().for_each(remove_markers);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_markers),
        Value::String(text) if text.starts_with("data:") => {
            if let Some((data, _)) = text.split_once("...[") {
                *text = data[..=data.find(',').unwrap()].to_owned() + "iVBORw0KGgo=";
            }
        }
        _ => {}
    }
}

fn captures() -> Vec<Capture> {
    let Some(shared) = common::shared("captures") else { return Vec::new() };
    let mut found = Vec::new();
    for client in std::fs::read_dir(shared.join("captures")).unwrap().flatten() {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            let mut capture: Value =
                serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
            let text = |key: &str| capture[key].as_str().unwrap_or_default().to_owned();
            let (path, folder) = (text("path"), client.file_name().to_string_lossy().into_owned());
            let Some(dialect) = dialect_of(&text("method"), &path) else { continue };
            remove_markers(&mut capture["body"]);
            let name = format!("{folder}/{}", file.path().file_stem().unwrap().to_string_lossy());
            found.push(Capture { name, client: dialect, path, body: capture["body"].to_string() });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 100, "{}", found.len());
    found
}

impl Capture {
    fn read(&self) -> (Request, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let read = self.client.decode_request(
            &self.path,
            &bytes::Bytes::copy_from_slice(self.body.as_bytes()),
            &mut diagnostics,
        );
        (read.unwrap_or_else(|error| panic!("{}: {error}", self.name)), diagnostics)
    }

    /// Returns the request that an upstream decodes, with all diagnostics; or the reason why nothing is sent.
    fn sent(&self, upstream: Dialect) -> Result<(Request, Diagnostics), String> {
        let mut upstream_profile = profile_for(upstream);
        upstream.name().clone_into(&mut upstream_profile.dialect);
        let body = self.body.clone().into_bytes().into();
        let incoming = ClientRequest::read(self.client, &self.path, body).map_err(|e| e.to_string())?;
        let mut exchange = Exchange::start(incoming, upstream_profile, Settings::default(), Context::fixed())
            .map_err(|error| error.to_string())?;
        let Step::Send { request, .. } = exchange.next() else { panic!("{}: nothing is sent", self.name) };
        // For inspection with other tools.
        if std::env::var_os("DUMP").is_some() {
            println!(
                "DUMP\t{}\t{}\t{}\t{}",
                self.name,
                upstream.name(),
                request.uri(),
                String::from_utf8_lossy(request.body())
            );
        }
        let path = request.uri().to_string();
        let read = upstream.decode_request(
            &path,
            &bytes::Bytes::copy_from_slice(request.body()),
            &mut Diagnostics::default(),
        );
        Ok((
            read.unwrap_or_else(|e| panic!("{} {}: {e}", self.name, upstream.name())),
            exchange.diagnostics(),
        ))
    }
}

fn profile_for(upstream: Dialect) -> Profile {
    Profile::native(upstream).unwrap_or_else(|| profile("compatible").unwrap())
}

/// The content of a conversation, however it is divided into messages: text by role, calls, results, images, tools.
#[derive(Debug, PartialEq, Default)]
struct Content {
    texts: BTreeMap<&'static str, String>,
    calls: Vec<(String, String, Value)>,
    results: Vec<(String, String)>,
    pictures: Vec<MediaSource>,
    tools: Vec<String>,
    /// Every text block.
    text_blocks: Vec<String>,
}

fn read_content(request: &Request) -> Content {
    let mut all = Content::default();
    for message in &request.messages {
        let who = match message.role {
            Role::System | Role::Developer => "system",
            role => role.as_str(),
        };
        for block in &message.blocks {
            collect(block, who, &mut all);
        }
    }
    all.tools = request.tools.iter().filter_map(Tool::name).map(str::to_owned).collect();
    for text in all.texts.values_mut() {
        text.retain(|c| !c.is_whitespace());
    }
    all.texts.retain(|_, text| !text.is_empty());
    all
}

fn collect(block: &Block, who: &'static str, all: &mut Content) {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => {
            // This line of a system prompt goes to the client's own vendor only.
            let is_noise = |line: &&str| who == "system" && line.starts_with(REQUEST_NONCE);
            let text: Vec<&str> = text.split('\n').filter(|line| !is_noise(line)).collect();
            let text = text.join("\n");
            all.texts.entry(who).or_default().push_str(&text);
            all.text_blocks.push(text);
        }
        Block::Image(media) => all.pictures.push(media.source.clone()),
        Block::ToolCall { id, name, arguments, .. } => {
            let arguments = serde_json::from_str(arguments).unwrap_or(Value::Null);
            all.calls.push((id.clone(), name.clone(), arguments));
        }
        Block::ToolResult { id, blocks, .. } => {
            let mut inner = Content::default();
            for block in blocks {
                collect(block, "tool", &mut inner);
            }
            all.results.push((id.clone(), inner.texts.remove("tool").unwrap_or_default()));
            all.pictures.append(&mut inner.pictures);
        }
        _ => {}
    }
}

/// Returns all extra fields of a request: fields that only the client's dialect has.
fn extra_fields(request: &Request) -> Vec<&ExtraFields> {
    fn inside<'a>(blocks: &'a [Block], all: &mut Vec<&'a ExtraFields>) {
        for block in blocks {
            match block {
                Block::Text { extra, .. } | Block::ToolCall { extra, .. } => all.push(extra),
                Block::Image(media) | Block::Audio(media) | Block::File(media) => all.push(&media.extra),
                Block::ToolResult { extra, blocks, .. } => {
                    all.push(extra);
                    inside(blocks, all);
                }
                _ => {}
            }
        }
    }
    let mut all = vec![&request.extra];
    for message in &request.messages {
        all.push(&message.extra);
        inside(&message.blocks, &mut all);
    }
    all.extend(request.tools.iter().filter_map(|tool| match tool {
        Tool::Function { extra, .. } => Some(extra),
        _ => None,
    }));
    all
}

/// Returns the extra fields that an upstream of another dialect does not receive, without a diagnostic.
fn silently_lost(request: &Request, upstream: Dialect, diagnostics: &Diagnostics) -> Vec<String> {
    let is_reported = |key: &str| diagnostics.iter().any(|d| d.path.contains(key) || d.detail.contains(key));
    let foreign =
        extra_fields(request).into_iter().filter(|extra| !upstream.name().starts_with(extra.dialect));
    let keys = foreign.flat_map(|extra| extra.dropped_keys(upstream.name()));
    keys.filter(|key| !is_reported(key)).map(str::to_owned).collect()
}

#[test]
fn captured_requests_decode_without_errors() {
    for capture in captures() {
        let (request, diagnostics) = capture.read();
        let wrong = diagnostics.iter().find(|d| d.severity() == Severity::Error);
        assert!(wrong.is_none(), "{}: {wrong:?}", capture.name);
        assert!(!request.messages.is_empty(), "{} says nothing", capture.name);
    }
}

/// Replaces every number of a path by `#`.
fn pattern(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}

#[test]
fn captured_requests_reach_every_dialect_with_stated_losses_only() {
    let (mut unstated, mut met) = (BTreeSet::new(), BTreeSet::new());
    let (captures, stated) = (captures(), losses().captured);
    for capture in &captures {
        let (request, _) = capture.read();
        for upstream in DIALECTS {
            let what = format!("{} to {}", capture.name, upstream.name());
            let (read, diagnostics) = capture.sent(*upstream).unwrap_or_else(|why| panic!("{what}: {why}"));
            assert_eq!(
                silently_lost(&request, *upstream, &diagnostics),
                [""; 0],
                "{what}: lost without a diagnostic"
            );
            assert_content(&read_content(&request), &read, *upstream, &diagnostics, &what);
            let lossy = [DiagnosticCode::ExtraDropped, DiagnosticCode::ReasoningDropped];
            for d in
                diagnostics.iter().filter(|d| d.severity() >= Severity::Warning || lossy.contains(&d.code))
            {
                let (code, path) = (d.code.as_str(), pattern(&d.path));
                let is = |loss: &Captured| {
                    (loss.to.is_empty() || loss.to.iter().any(|to| to == upstream.name()))
                        && loss.code == code
                };
                let place = |loss: &Captured| loss.at.iter().position(|at| is(loss) && *at == path);
                match stated.iter().enumerate().find_map(|(i, loss)| Some((i, place(loss)?))) {
                    Some(entry) => {
                        met.insert(entry);
                    }
                    None if JUDGED.contains(&upstream.name()) => {
                        unstated.insert(format!("{} {code} {path}: {}", upstream.name(), capture.name));
                    }
                    None => {}
                }
            }
        }
    }
    assert!(unstated.is_empty(), "not stated: {unstated:#?}");
    let all = stated.iter().enumerate().flat_map(|(i, loss)| (0..loss.at.len()).map(move |at| (i, at)));
    let idle: Vec<_> = all.filter(|at| !met.contains(at)).map(|(i, at)| (&stated[i], at)).collect();
    assert!(captures.is_empty() || idle.is_empty(), "stated, and never met: {idle:#?}");
}

/// The dialects of the table; losses of others are ignored.
const JUDGED: [&str; 7] = [
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "ollama-chat",
    "ollama-generate",
    "gemini",
];

/// Asserts that the upstream receives the client's content.
fn assert_content(sent: &Content, read: &Request, upstream: Dialect, diagnostics: &Diagnostics, what: &str) {
    let got = read_content(read);
    let unseen = |detail: &str| detail.contains("image") || detail.contains("picture");
    if !diagnostics.iter().any(|d| d.code == DiagnosticCode::FeatureUnsupported && unseen(&d.detail)) {
        assert_eq!(got.pictures.len(), sent.pictures.len(), "{what}");
        for (got, sent) in got.pictures.iter().zip(&sent.pictures) {
            let is_untyped = matches!(got, MediaSource::Base64 { media_type, .. } if media_type.is_empty());
            match (got, sent) {
                (MediaSource::Base64 { data: got, .. }, MediaSource::Base64 { data, .. }) if is_untyped => {
                    assert_eq!(got, data, "{what}");
                }
                _ => assert_eq!(got, sent, "{what}"),
            }
        }
    }
    if read.is_prompt || upstream.endpoints().iter().any(|e| e.path.ends_with("/generate")) {
        let all: String = got.texts.into_values().collect();
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        for text in sent.text_blocks.iter().chain(sent.results.iter().map(|(_, text)| text)) {
            assert!(all.contains(&squeezed(text)), "{what}: {text:?} is not in {all}");
        }
        for (_, name, _) in &sent.calls {
            assert!(all.contains(&format!("{name}with")), "{what}: the call of {name} is not in {all}");
        }
        return;
    }
    let in_words = [DiagnosticCode::ToolChoiceDowngraded, DiagnosticCode::FormatDowngraded]
        .iter()
        .any(|code| diagnostics.has(*code))
        || diagnostics.iter().any(|d| d.detail == "the word JSON was added");
    // The first line of Claude Code's system message is for Anthropic only.
    let is_shorter = diagnostics.iter().any(|d| d.detail == "a line that differs with each request");
    for (who, text) in &sent.texts {
        let read = got.texts.get(who).map_or("", String::as_str);
        assert!(
            read == text
                || in_words && *who == "system" && read.starts_with(text.as_str())
                || is_shorter && *who == "system" && text.ends_with(read),
            "{what}: {who}"
        );
    }
    let more: Vec<_> = got.texts.keys().filter(|who| !sent.texts.contains_key(*who)).collect();
    assert!(more.is_empty() || in_words && more == [&"system"], "{what}: {more:?}");
    assert_eq!((&got.calls, &got.results), (&sent.calls, &sent.results), "{what}");
    assert_eq!(got.tools, sent.tools, "{what}");
}
