//! With forms and without: the same bytes, the same [`Seen`](crate::canonical::Seen), the same findings.
#![allow(clippy::disallowed_methods, clippy::format_push_string)] // tests read fixtures, and need not be fast

use super::super::super::{Decoder, StreamRepairer};
use super::super::decode::ChatDecoder;
use super::{ChatRepairer, TemplateCache};
use crate::canonical::{Context, Diagnostics, ResponseContext, ResponseSpec, TurnStorage};
use crate::dialect::Dialect;
use crate::framing::{Frame, Framer};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// What a client asked: nothing special, tools and usage, JSON, or stops of our own.
fn spec(variant: u8) -> (ResponseSpec, ResponseContext) {
    let body = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true},"tools":[{"type":"function","function":{"name":"get_weather"}}]}"#;
    let plain = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let body: &[u8] = if variant % 2 == 1 { body } else { plain };
    let request = super::super::OpenAiChat
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

/// How many chunks were said again by their form; fails where that differs from mending them.
fn compare(body: &[u8], variant: u8, what: &str) -> u32 {
    let (spec, context) = spec(variant);
    let mut with = ChatRepairer::new(spec.clone(), context.clone());
    let mut without = ChatRepairer::new(spec.clone(), context.clone());
    without.forms = TemplateCache::never();
    let (mut reader, mut plain) =
        (ChatDecoder::new(spec.clone(), context.clone()), ChatDecoder::without_forms(spec, context));
    let (mut c, mut d) = (Vec::new(), Vec::new());
    let (mut a, mut b, mut framer) = (Vec::new(), Vec::new(), Framer::new(1 << 20));
    let mut said = 0;
    let mut same = |frame: Frame<'_>| {
        with.frame(frame, &mut a);
        said += u32::from(with.forms.said());
        without.frame(frame, &mut b);
        assert_eq!(
            (String::from_utf8_lossy(&a), with.summary(), with.diagnostics()),
            (String::from_utf8_lossy(&b), without.summary(), without.diagnostics()),
            "{what}, {variant}: {frame:?}"
        );
        reader.frame(frame, &mut c);
        plain.frame(frame, &mut d);
        assert_eq!(format!("{c:?}"), format!("{d:?}"), "{what}, {variant}: {frame:?}");
        assert_eq!(reader.diagnostics(), plain.diagnostics(), "{what}, {variant}: {frame:?}");
        a.clear();
        b.clear();
        c.clear();
        d.clear();
    };
    let _ = framer.push(body, &mut same);
    framer.finish(&mut same);
    with.finish(&mut a);
    without.finish(&mut b);
    assert_eq!(
        (&a, with.summary(), with.diagnostics()),
        (&b, without.summary(), without.diagnostics()),
        "{what}, {variant}"
    );
    assert_eq!(with.stream.usage, without.stream.usage);
    reader.finish(&mut c);
    plain.finish(&mut d);
    assert_eq!(
        (format!("{c:?}"), reader.diagnostics()),
        (format!("{d:?}"), plain.diagnostics()),
        "{what}, {variant}"
    );
    said
}

#[test]
fn padding_that_stays_the_same_does_not_hinder_a_translated_form() {
    let (spec, context) = spec(0);
    let mut reader = ChatDecoder::new(spec, context);
    let (mut events, mut said) = (Vec::new(), 0);
    for at in 0..20 {
        let padding = if at == 15 { "other" } else { "same" };
        let chunk = format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"w{at}"}},"finish_reason":null}}],"obfuscation":"{padding}"}}"#
        );
        reader.frame(Frame::Event { event: None, data: chunk.as_bytes() }, &mut events);
        said += u32::from(reader.said());
    }
    assert!(said >= 16, "{said}");
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
fn every_recording_is_the_same_with_forms() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("OPENAI_SHIM_CORPUS").map_or(default, PathBuf::from);
    let Ok(lines) = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")) else { return };
    let (mut used, mut events) = (0, 0);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let body = line["response"]["body"].as_str().unwrap_or_default();
        if line["streaming"] == true {
            events += body.matches("\ndata:").count();
            (0..8).for_each(|variant| used += compare(body.as_bytes(), variant, &line["id"].to_string()));
        }
    }
    println!("{used} of 8 times {events} events were said again by their form");
    assert!(used > 0);
}

/// Words and members as they may follow each other in one stream, most of them like the one before.
fn stream() -> impl Strategy<Value = String> {
    const WORDS: [&str; 16] = [
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
    const BESIDE: [&str; 19] = [
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
    let shape = (0..ROLES.len(), 0..CONTENT.len(), 0..BESIDE.len(), 0..LAST.len(), any::<bool>());
    let run = (shape, prop::collection::vec((0..WORDS.len(), 0..120_u32), 1..6), 0..12_u8);
    prop::collection::vec(run, 1..5).prop_map(|runs| {
        let mut body = String::new();
        for ((role, content, beside, last, named), chunks, ending) in runs {
            for (word, n) in chunks {
                let (word, n) = (WORDS[word], n.to_string());
                let identity = if named { "\"id\":\"i\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\"," } else { "" };
                let content = CONTENT[content].replace('R', word);
                let beside = BESIDE[beside].replace('R', word).replace('N', &n);
                let last = LAST[last].replace('N', &n).replace('R', word);
                let role = ROLES[role];
                body.push_str(&format!("data: {{{identity}\"choices\":[{{\"index\":0,\"delta\":{{{role}{content}{beside}}},\"finish_reason\":null}}]{last}}}\n\n"));
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
    fn every_stream_is_the_same_with_forms(body in stream(), variant in 0..8_u8) {
        compare(body.as_bytes(), variant, &body);
    }

    #[test]
    fn every_fixture_is_the_same_with_forms_however_it_is_mutilated(
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
                // The same chunk again, a few times, so that it has a form.
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
