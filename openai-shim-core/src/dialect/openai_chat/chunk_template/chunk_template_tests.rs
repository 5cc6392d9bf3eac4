//! With the cache and without: the same bytes, events, [summary](crate::canonical::ResponseSummary) and diagnostics.
#![allow(clippy::disallowed_methods, clippy::format_push_string)] // tests read fixtures, and need not be fast

use super::super::OpenAiChat;
use super::super::decode::ChatDecoder;
use super::super::stream_repairer::ChatRepairer;
use super::{DecodeTemplates, RepairTemplates};
use crate::canonical::{Context, Diagnostics, ResponseContext, ResponseSpec, TurnStorage};
use crate::dialect::{Decoder, StreamRepairer, WireFormat};
use crate::framing::{Frame, Framer};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// What a client requested: nothing special, tools and usage, JSON, or stop sequences applied here.
fn spec(variant: u8) -> (ResponseSpec, ResponseContext) {
    let with_tools = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true},"tools":[{"type":"function","function":{"name":"get_weather"}}]}"#;
    let plain = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let body: &[u8] = if variant % 2 == 1 { with_tools } else { plain };
    let request = OpenAiChat
        .decode_request("", &bytes::Bytes::copy_from_slice(body), &mut Diagnostics::default())
        .unwrap();
    let mut spec = ResponseSpec::new(&request, &Context::fixed());
    match variant / 2 {
        1 => spec.required_json_fields = Some(vec![String::from("a")]),
        2 => spec.local_stops = vec![String::from("\n\n"), String::from("wo")],
        3 => spec.restore_alias = true,
        _ => {}
    }
    spec.turn_storage = match variant {
        0..4 => TurnStorage::None,
        6 | 7 => TurnStorage::OpaqueAndReasoning,
        _ => TurnStorage::Opaque,
    };
    (spec, ResponseContext::new(&request, Context::fixed()))
}

/// Returns how many chunks were replayed; fails where a replay differs from the repair.
fn compare(body: &[u8], variant: u8, what: &str) -> u32 {
    let (spec, context) = spec(variant);
    let mut cached = ChatRepairer::new(spec.clone(), context.clone());
    let mut uncached = ChatRepairer::new(spec.clone(), context.clone());
    uncached.templates = RepairTemplates::disabled();
    let mut cached_decoder = ChatDecoder::new(spec.clone(), context.clone());
    let mut uncached_decoder = ChatDecoder::new(spec, context);
    uncached_decoder.templates = DecodeTemplates::disabled();
    let (mut cached_bytes, mut uncached_bytes) = (Vec::new(), Vec::new());
    let (mut cached_events, mut uncached_events) = (Vec::new(), Vec::new());
    let mut framer = Framer::new(1 << 20);
    let mut replayed = 0;
    let mut compare_frame = |frame: Frame<'_>| {
        cached.frame(frame, &mut cached_bytes);
        replayed += u32::from(cached.templates.has_replayed());
        uncached.frame(frame, &mut uncached_bytes);
        assert_eq!(
            (String::from_utf8_lossy(&cached_bytes), cached.summary(), cached.diagnostics()),
            (String::from_utf8_lossy(&uncached_bytes), uncached.summary(), uncached.diagnostics()),
            "{what}, {variant}: {frame:?}"
        );
        cached_decoder.frame(frame, &mut cached_events);
        uncached_decoder.frame(frame, &mut uncached_events);
        assert_eq!(
            (format!("{cached_events:?}"), cached_decoder.diagnostics()),
            (format!("{uncached_events:?}"), uncached_decoder.diagnostics()),
            "{what}, {variant}: {frame:?}"
        );
        cached_bytes.clear();
        uncached_bytes.clear();
        cached_events.clear();
        uncached_events.clear();
    };
    let _ = framer.push(body, &mut compare_frame);
    framer.finish(&mut compare_frame);
    cached.finish(&mut cached_bytes);
    uncached.finish(&mut uncached_bytes);
    assert_eq!(
        (&cached_bytes, cached.summary(), cached.diagnostics()),
        (&uncached_bytes, uncached.summary(), uncached.diagnostics()),
        "{what}, {variant}"
    );
    assert_eq!(cached.stream.usage.json, uncached.stream.usage.json);
    cached_decoder.finish(&mut cached_events);
    uncached_decoder.finish(&mut uncached_events);
    assert_eq!(
        (format!("{cached_events:?}"), cached_decoder.diagnostics()),
        (format!("{uncached_events:?}"), uncached_decoder.diagnostics()),
        "{what}, {variant}"
    );
    replayed
}

#[test]
fn unchanged_padding_does_not_prevent_a_template_of_events() {
    let (spec, context) = spec(0);
    let mut decoder = ChatDecoder::new(spec, context);
    let (mut events, mut replayed) = (Vec::new(), 0);
    for at in 0..20 {
        let padding = if at == 15 { "other" } else { "same" };
        let chunk = format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"w{at}"}},"finish_reason":null}}],"obfuscation":"{padding}"}}"#
        );
        decoder.frame(Frame::Event { event: None, data: chunk.as_bytes() }, &mut events);
        replayed += u32::from(decoder.templates.has_replayed());
    }
    assert!(replayed >= 16, "{replayed}");
    let padded = events.iter().filter(|event| matches!(event, crate::canonical::Event::Extra { .. })).count();
    assert_eq!(padded, 3, "the first, the other, and the first again");
}

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai-chat/streams");
    let mut all: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "sse"))
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn every_recording_is_the_same_with_and_without_the_cache() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("OPENAI_SHIM_CORPUS").map_or(default, PathBuf::from);
    let Ok(lines) = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")) else { return };
    let (mut replayed, mut events) = (0, 0);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let body = line["response"]["body"].as_str().unwrap_or_default();
        if line["streaming"] == true {
            events += body.matches("\ndata:").count();
            (0..8).for_each(|variant| replayed += compare(body.as_bytes(), variant, &line["id"].to_string()));
        }
    }
    println!("{replayed} of 8 times {events} events were replayed");
    assert!(replayed > 0);
}

/// Texts and fields as they may follow each other in one stream; most chunks are like the one before.
fn stream() -> impl Strategy<Value = String> {
    const TEXTS: [&str; 16] = [
        "word",
        "",
        " ",
        "\\n",
        "\\n\\n",
        "<",
        "<think>",
        "</think>",
        "[",
        "\\u003c",
        "{\\\"a\\\":1}",
        "`",
        "é",
        "\\ud800",
        "wo",
        "\u{7f}",
    ];
    const ROLES: [&str; 5] = ["", "", "\"role\":\"assistant\",", "\"role\":null,", "\"content\":\"twice\","];
    const CONTENT: [&str; 4] =
        ["\"content\":\"R\"", "\"content\":\"R\"", "\"content\":\"\"", "\"content\":null"];
    const OTHER_FIELDS: [&str; 19] = [
        "",
        "",
        ",\"reasoning_content\":null",
        ",\"reasoning\":\"R\"",
        ",\"reasoning_content\":\"R\"",
        ",\"reasoning_content\":\"R\",\"reasoning\":\"R\"",
        ",\"reasoning_details\":[{\"text\":\"R\"}]",
        ",\"tool_calls\":[]",
        ",\"refusal\":\"R\"",
        ",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"{}\"}}]",
        ",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"\"}}]",
        ",\"tool_calls\":[{\"index\":1,\"id\":\"d\",\"function\":{\"name\":\"f\",\"arguments\":\"R\"}}]",
        ",\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"R\"}}]",
        ",\"tool_calls\":[{\"index\":0,\"id\":null,\"type\":\"function\",\"function\":{\"name\":null,\"arguments\":\"RN\"}}]",
        ",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"arguments\":\"N\"}}]",
        ",\"reasoning\":\"R\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"R\",\"format\":null,\"index\":0}]",
        ",\"reasoning_content\":\"RN\",\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"N\"}]",
        ",\"reasoning\":\"R\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"R\",\"signature\":\"sN\"}]",
        ",\"reasoning\":\"N\",\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"R\"}]",
    ];
    const LAST: [&str; 12] = [
        "",
        "",
        ",\"obfuscation\":\"R\"",
        ",\"usage\":null",
        ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":N,\"total_tokens\":N}",
        ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":0N}",
        ",\"usage\":{\"completion_tokens\":N,\"cost\":0.N}",
        ",\"usage\":{\"x\":N}",
        ",\"error\":null",
        ",\"id\":\"RN\"",
        ",\"object\":\"x\"",
        ",\"usage\":{\"prompt_tokens\":-N,\"completion_tokens\":N1234567890123456789}",
    ];
    let shape = (0..ROLES.len(), 0..CONTENT.len(), 0..OTHER_FIELDS.len(), 0..LAST.len(), any::<bool>());
    let run = (shape, prop::collection::vec((0..TEXTS.len(), 0..120_u32), 1..6), 0..12_u8);
    prop::collection::vec(run, 1..5).prop_map(|runs| {
        let mut body = String::new();
        for ((role, content, others, last, has_identity), chunks, ending) in runs {
            for (text, n) in chunks {
                let (text, n) = (TEXTS[text], n.to_string());
                let identity = if has_identity { "\"id\":\"i\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\"," } else { "" };
                let content = CONTENT[content].replace('R', text);
                let others = OTHER_FIELDS[others].replace('R', text).replace('N', &n);
                let last = LAST[last].replace('N', &n).replace('R', text);
                let role = ROLES[role];
                body.push_str(&format!("data: {{{identity}\"choices\":[{{\"index\":0,\"delta\":{{{role}{content}{others}}},\"finish_reason\":null}}]{last}}}\n\n"));
            }
            match ending {
                0 => body.push_str("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"),
                1 => body.push_str("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"),
                2 => body.push_str("data: [DONE]\n\n"),
                3 => body.push_str("data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\n\n"),
                4 => body.push_str("data: {\n\n"),
                _ => {}
            }
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_stream_is_the_same_with_and_without_the_cache(body in stream(), variant in 0..8_u8) {
        compare(body.as_bytes(), variant, &body);
    }

    #[test]
    fn every_mutated_fixture_is_the_same_with_and_without_the_cache(
        (path, body) in prop::sample::select(fixtures()),
        edits in prop::collection::vec((0..4_u8, any::<u16>(), any::<u16>(), any::<u8>()), 0..6),
        variant in 0..8_u8,
    ) {
        let mut lines: Vec<Vec<u8>> = body.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        for (edit, a, b, byte) in edits {
            let (a, b) = (usize::from(a) % lines.len(), usize::from(b) % lines.len());
            match edit {
                0 => lines.swap(a, b),
                1 => lines.insert(b, lines[a].clone()),
                // The same chunk again, a few times, so that it becomes a template.
                2 => (0..3).for_each(|_| { lines.insert(a + 1, b"\n".to_vec()); lines.insert(a + 1, lines[a].clone()); }),
                _ => {
                    let at = b % lines[a].len();
                    lines[a][at] = byte;
                }
            }
        }
        compare(&lines.concat(), variant, &path.display().to_string());
    }
}
