//! Long conversations of Claude Code, Codex and Gemini CLI, sent to every dialect: each upstream reads what the client meant, every
//! difference is reported, and the answer comes back to the client in its own names.
#![allow(clippy::disallowed_methods, unreachable_pub, missing_debug_implementations)] // the ban is on core itself: tests read files

#[path = "../common/mod.rs"]
mod common;

mod answer;
mod claude_code;
mod codex;
mod gemini_cli;
mod meaning;
mod script;

use openai_shim_core::canonical::Request;
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::profile::profile;
use openai_shim_core::{Context, Diagnostics, Exchange, Profile, Step};
use script::Conversation;
use std::collections::{BTreeMap, BTreeSet};

type Side = Dialect;

/// Each difference, and the diagnostics of which one reports it.
const REPORTED: &[(&str, &[&str])] = &[
    // The picture stands in a message of its own behind the results, with a line that says whose it is.
    ("moved picture", &["content-rewritten"]),
    ("added text", &["content-rewritten"]),
    ("added result", &["tool-result-missing"]),
    ("lost picture", &["feature-unsupported"]),
    ("lost reasoning", &["feature-unsupported", "reasoning-dropped"]),
    ("lost signature", &["feature-unsupported", "reasoning-dropped", "extra-dropped"]),
    ("a failure that is not marked", &["feature-unsupported"]),
];

const SEALED: &str = "lost signature"; // only the vendor that sealed it can read it
const THOUGHTS: &str = "lost reasoning"; // only with the vendor's own signature, or nowhere
const PICTURES: &str = "lost picture"; // a prompt is text
const MOVED: &str = "moved picture"; // a tool's result is text, or text and pictures of newer models only
const NAMED: &str = "added text"; // a line before the moved pictures, where several results have some
const ANSWERED: &str = "added result"; // a call that the user interrupted needs a result
const FAILED: &str = "a failure that is not marked"; // a result has no member for it

/// The differences of each conversation at each upstream.
const EXPECTED: &[(&str, &str, &[&str])] = &[
    ("claude-code", "openai-chat", &[ANSWERED, FAILED, MOVED, NAMED, SEALED, THOUGHTS]),
    ("claude-code", "openai-completions", &[PICTURES, SEALED, THOUGHTS]),
    ("claude-code", "openai-responses", &[ANSWERED, FAILED, SEALED, THOUGHTS]),
    ("claude-code", "anthropic-messages", &[ANSWERED]),
    ("claude-code", "ollama-chat", &[ANSWERED, FAILED, SEALED]),
    ("claude-code", "ollama-generate", &[SEALED, THOUGHTS]),
    ("claude-code", "gemini", &[ANSWERED, MOVED, NAMED, SEALED]),
    ("codex", "openai-chat", &[MOVED, SEALED, THOUGHTS]),
    ("codex", "openai-completions", &[PICTURES, SEALED, THOUGHTS]),
    ("codex", "anthropic-messages", &[SEALED, THOUGHTS]),
    ("codex", "ollama-chat", &[SEALED]),
    ("codex", "ollama-generate", &[SEALED, THOUGHTS]),
    ("codex", "gemini", &[MOVED, SEALED]),
    ("gemini-cli", "openai-chat", &[MOVED, SEALED, THOUGHTS]),
    ("gemini-cli", "openai-completions", &[PICTURES, SEALED, THOUGHTS]),
    ("gemini-cli", "openai-responses", &[SEALED, THOUGHTS]),
    ("gemini-cli", "anthropic-messages", &[SEALED, THOUGHTS]),
    ("gemini-cli", "ollama-chat", &[SEALED]),
    ("gemini-cli", "ollama-generate", &[SEALED, THOUGHTS]),
];

fn conversations() -> [Conversation; 3] {
    [claude_code::conversation(), codex::conversation(), gemini_cli::conversation()]
}

fn native(upstream: Side) -> Profile {
    let mut found = Profile::native(upstream).unwrap_or_else(|| profile("openai").unwrap());
    upstream.name().clone_into(&mut found.dialect);
    found.extra_dialects.clear();
    found.model_overrides.iter_mut().for_each(|of_model| of_model.extra_dialects = None);
    found
}

fn start(conversation: &Conversation, upstream: Side, stream: bool) -> Exchange {
    let client = openai_shim_core::dialect(conversation.client).unwrap();
    let (mut path, mut body) = (conversation.path.to_owned(), conversation.body.clone());
    match path.contains("streamGenerateContent") {
        true if stream => {}
        true => path = path.replace("streamGenerateContent?alt=sse", "generateContent"),
        false => body["stream"] = stream.into(),
    }
    let incoming = ClientRequest::read(client, &path, body.to_string().into()).unwrap();
    let mut settings = Settings::default();
    (settings.retry, settings.fallback.when) = (Retry::none(), FallbackPolicy::Never);
    Exchange::start(incoming, native(upstream), settings, Context::fixed()).unwrap()
}

/// The request as the upstream reads it.
fn received(exchange: &mut Exchange, upstream: Side) -> Request {
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let (path, body) = (request.uri().to_string(), bytes::Bytes::copy_from_slice(request.body()));
    upstream.decode_request(&path, &body, &mut Diagnostics::default()).unwrap()
}

fn is_prompt(upstream: Side) -> bool {
    ["openai-completions", "ollama-generate"].contains(&upstream.name())
}

#[test]
fn every_upstream_reads_what_the_client_meant_and_every_difference_is_reported() {
    let mut problems = Vec::new();
    for conversation in conversations() {
        for upstream in DIALECTS {
            let mut exchange = start(&conversation, *upstream, true);
            let read = meaning::read(&received(&mut exchange, *upstream));
            let found = if is_prompt(*upstream) {
                meaning::differences_of_prompt(&conversation.items, &read)
            } else {
                meaning::differences(&conversation.items, &read)
            };
            let codes: BTreeSet<String> =
                exchange.diagnostics().iter().map(|d| d.code.as_str().to_owned()).collect();
            problems.extend(judge(&conversation, *upstream, &found, &codes));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn answer_comes_back_in_the_client_s_own_names_however_it_is_cut() {
    // Each cut decodes the whole conversation again: all of them are for CI.
    let cuts = if std::env::var_os("EVERY_CUT").is_some() { 400 } else { 12 };
    let mut problems = Vec::new();
    for conversation in conversations() {
        for upstream in DIALECTS {
            problems.extend(answer::check(&conversation, *upstream, cuts));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn judge(
    conversation: &Conversation,
    upstream: Side,
    found: &BTreeMap<String, Vec<String>>,
    codes: &BTreeSet<String>,
) -> Vec<String> {
    let (name, to) = (conversation.name, upstream.name());
    let expected = EXPECTED.iter().find(|(of, at, _)| *of == name && *at == to);
    let expected = expected.map_or(&[][..], |(.., differences)| *differences);
    let mut problems = Vec::new();
    let mut problem = |what: String, detail: String| {
        problems.push(format!("{name} to {to}: {what}{detail}; reported: {codes:?}"));
    };
    for (difference, items) in found {
        if !expected.contains(&difference.as_str()) {
            problem(difference.clone(), format!(" ({}): {}", items.len(), items[0]));
        }
        let reports = REPORTED.iter().find(|(known, _)| known == difference);
        if !reports.is_some_and(|(_, reports)| reports.iter().any(|code| codes.contains(*code))) {
            problem(format!("{difference}: nothing reports it"), String::new());
        }
    }
    for difference in expected.iter().filter(|difference| !found.contains_key(**difference)) {
        problem(format!("no longer differs: {difference}"), String::new());
    }
    problems
}
