//! What real clients send: every request is understood, and arrives at every kind of upstream with no loss but the stated
//! ones. Read in place (`OPENAI_SHIM_CORPUS`), where long texts are cut.
#![allow(clippy::disallowed_methods)] // the ban is on core itself: tests read files

mod common;

use openai_shim_core::canonical::{Block, Code, Extra, MediaSource, Request, Role, Severity, Tool};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{Incoming, Settings};
use openai_shim_core::profile::{native, profile};
use openai_shim_core::{Context, Diagnostics, Exchange, Profile, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// One request of a real client.
struct Capture {
    /// `<client>/<call>`.
    name: String,
    client: &'static dyn Dialect,
    path: String,
    body: String,
}

/// The dialect of a route, as the registry says it.
fn dialect_of(method: &str, path: &str) -> Option<&'static dyn Dialect> {
    let serves = |d: &&&dyn Dialect| d.endpoints().iter().any(|e| e.method == method && e.matches(path));
    DIALECTS.iter().find(serves).copied()
}

/// What was cut is whole in its way: a placeholder among tools is none, and the mark of a cut is no base64.
fn mend(body: &mut Value) {
    match body {
        Value::Object(members) => {
            if let Some(Value::Array(tools)) = members.get_mut("tools") {
                tools.retain(|tool| tool.get("_more_tools").is_none() && !tool.is_string());
            }
            members.values_mut().for_each(mend);
        }
        Value::Array(items) => items.iter_mut().for_each(mend),
        Value::String(text) if text.starts_with("data:") => {
            if let Some((data, _)) = text.split_once("...[") {
                *text = data[..data.find(',').unwrap() + 1].to_owned() + "iVBORw0KGgo=";
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
            mend(&mut capture["body"]);
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
        let mut notes = Diagnostics::default();
        let read = self.client.decode_request(&self.path, self.body.as_bytes(), &mut notes);
        (read.unwrap_or_else(|error| panic!("{}: {error}", self.name)), notes)
    }

    /// What goes to an upstream, as it reads it, with everything that was noted; or why nothing does.
    fn sent(&self, upstream: &'static dyn Dialect) -> Result<(Request, Diagnostics), String> {
        let mut row = row(upstream);
        upstream.name().clone_into(&mut row.dialect);
        let body = self.body.clone().into_bytes().into();
        let incoming = Incoming::read(self.client, &self.path, body).map_err(|e| e.to_string())?;
        let mut exchange = Exchange::start(incoming, row, Settings::default(), Context::fixed())
            .map_err(|error| error.to_string())?;
        let Step::Send { request, .. } = exchange.next() else { panic!("{}: nothing is sent", self.name) };
        if std::env::var_os("DUMP").is_some() {
            println!("DUMP\t{}\t{}\t{}\t{}", self.name, upstream.name(), request.uri(), String::from_utf8_lossy(request.body()));
        }
        let path = request.uri().to_string();
        let read = upstream.decode_request(&path, request.body(), &mut Diagnostics::default());
        Ok((read.unwrap_or_else(|e| panic!("{} {}: {e}", self.name, upstream.name())), exchange.diagnostics()))
    }
}

fn row(upstream: &dyn Dialect) -> Profile {
    native(upstream.name()).unwrap_or_else(|| profile("compatible").unwrap())
}

/// What a conversation says, however its messages are cut: texts by who says them, calls, results, pictures, tools.
#[derive(Debug, PartialEq, Default)]
struct Said {
    texts: BTreeMap<&'static str, String>,
    calls: Vec<(String, String, Value)>,
    results: Vec<(String, String)>,
    pictures: Vec<MediaSource>,
    tools: Vec<String>,
}

fn said(request: &Request) -> Said {
    let mut all = Said::default();
    for message in &request.messages {
        let who = match message.role {
            Role::System | Role::Developer => "system",
            role => role.as_str(),
        };
        for block in &message.blocks {
            hear(block, who, &mut all);
        }
    }
    all.tools = request.tools.iter().filter_map(Tool::name).map(str::to_owned).collect();
    for text in all.texts.values_mut() {
        text.retain(|c| !c.is_whitespace());
    }
    all.texts.retain(|_, text| !text.is_empty());
    all
}

fn hear(block: &Block, who: &'static str, all: &mut Said) {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => all.texts.entry(who).or_default().push_str(text),
        Block::Image(media) => all.pictures.push(media.source.clone()),
        Block::ToolCall { id, name, arguments, .. } => {
            let arguments = serde_json::from_str(arguments).unwrap_or(Value::Null);
            all.calls.push((id.clone(), name.clone(), arguments));
        }
        Block::ToolResult { id, blocks, .. } => {
            let mut inner = Said::default();
            blocks.iter().for_each(|block| hear(block, "tool", &mut inner));
            all.results.push((id.clone(), inner.texts.remove("tool").unwrap_or_default()));
            all.pictures.append(&mut inner.pictures);
        }
        _ => {}
    }
}

/// Every leftover of a request: what only the client's own dialect knows.
fn leftovers(request: &Request) -> Vec<&Extra> {
    fn inside<'a>(blocks: &'a [Block], all: &mut Vec<&'a Extra>) {
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

/// The leftovers of which an upstream of another dialect hears nothing, and nobody says so.
fn silent(request: &Request, upstream: &dyn Dialect, notes: &Diagnostics) -> Vec<String> {
    let told = |key: &str| notes.iter().any(|d| d.path.contains(key) || d.detail.contains(key));
    let foreign = leftovers(request).into_iter().filter(|extra| !upstream.name().starts_with(extra.dialect));
    let keys = foreign.flat_map(|extra| extra.lost_to(upstream.name()));
    keys.filter(|key| !told(key)).map(str::to_owned).collect()
}

#[test]
fn every_request_is_understood() {
    for capture in captures() {
        let (request, notes) = capture.read();
        let wrong = notes.iter().find(|d| d.severity() == Severity::Error);
        assert!(wrong.is_none(), "{}: {wrong:?}", capture.name);
        assert!(!request.messages.is_empty(), "{} says nothing", capture.name);
    }
}

#[test]
fn survey() {
    let mut losses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut differ: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for capture in captures() {
        let (request, _) = capture.read();
        let before = said(&request);
        for upstream in DIALECTS {
            match capture.sent(*upstream) {
                Err(why) => losses.entry(format!("{} REFUSED {why}", upstream.name())).or_default().push(capture.name.clone()),
                Ok((read, notes)) => {
                    for d in notes.iter() {
                        let lossy = d.severity() >= Severity::Warning || [Code::ExtraDropped, Code::ReasoningDropped].contains(&d.code);
                        let mut path = d.path.clone();
                        while let Some((a, b)) = path.split_once(|c: char| c.is_ascii_digit()) { path = format!("{a}#{b}"); }
                        losses.entry(format!("{} {} {} {}: {}", upstream.name(), if lossy { "L" } else { "i" }, d.code, path, d.detail)).or_default().push(capture.name.clone());
                    }
                    for key in silent(&request, *upstream, &notes) {
                        differ.entry(format!("{} SILENT {key}", upstream.name())).or_default().push(capture.name.clone());
                    }
                    let after = said(&read);
                    let mut d = |what: &str, same: bool, a: String, b: String| if !same {
                        differ.entry(format!("{} {what}", upstream.name())).or_default().push(format!("{}: {} -> {}", capture.name, a.chars().take(400).collect::<String>(), b.chars().take(400).collect::<String>()));
                    };
                    d("texts", before.texts == after.texts, format!("{:?}", before.texts), format!("{:?}", after.texts));
                    d("calls", before.calls == after.calls, format!("{:?}", before.calls), format!("{:?}", after.calls));
                    d("results", before.results == after.results, format!("{:?}", before.results), format!("{:?}", after.results));
                    d("pictures", before.pictures == after.pictures, format!("{:?}", before.pictures), format!("{:?}", after.pictures));
                    d("tools", before.tools == after.tools, format!("{:?}", before.tools), format!("{:?}", after.tools));
                }
            }
        }
    }
    for (k, v) in &losses { println!("{k}   [{}] {}", v.len(), v[..v.len().min(3)].join(" ")); }
    for (k, v) in &differ { println!("== {k} [{}]", v.len()); for x in v.iter().take(4) { println!("     {x}"); } }
}
