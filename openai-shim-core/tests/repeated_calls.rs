//! A call that an answer tells twice, with the same id, name and arguments, is told once; equal calls without ids are two.

mod common;

use common::answer::{converted, text};
use openai_shim_core::canonical::DiagnosticCode;
use openai_shim_core::convert::Conversion;
use openai_shim_core::{Dialect, PayloadKind, dialect::DIALECTS};

const REQUEST: &str = r#"{"model":"m","messages":[],"stream":true}"#;

fn ollama_call(id: &str, city: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(r#"{{{id}"function":{{"name":"weather_now","arguments":{{"city":"{city}"}}}}}}"#)
}

fn ollama_line(calls: &[String]) -> String {
    let calls = calls.join(",");
    format!(
        r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{{"role":"assistant","content":"","tool_calls":[{calls}]}},"done":false}}"#
    )
}

fn ollama_end(calls: &str) -> String {
    format!(
        r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{{"role":"assistant","content":""{calls}}},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":1}}"#
    )
}

fn gemini_call(id: &str, city: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(r#"{{"functionCall":{{{id}"name":"weather_now","args":{{"city":"{city}"}}}}}}"#)
}

fn gemini_chunk(calls: &[String], finish: &str) -> String {
    let calls = calls.join(",");
    format!(
        r#"{{"candidates":[{{"index":0,"content":{{"role":"model","parts":[{calls}]}}{finish}}}],"modelVersion":"m","responseId":"r"}}"#
    )
}

const GEMINI_STOP: &str = r#","finishReason":"STOP""#;

/// How often the client gets a call by its argument; a stream of Responses tells it in several events.
fn count(conversion: &Conversion, city: &str) -> usize {
    let text = text(conversion);
    text.matches(city).count()
}

/// A stream with each call in a frame of its own, and the whole answer with all of them.
fn answers(from: &str, calls: &[(&str, &str)]) -> [(PayloadKind, String); 2] {
    if from == "gemini" {
        let calls: Vec<_> = calls.iter().map(|(id, city)| gemini_call(id, city)).collect();
        let chunks =
            calls.iter().map(|call| format!("data: {}\n\n", gemini_chunk(std::slice::from_ref(call), "")));
        let end = format!("data: {}\n\n", gemini_chunk(&[], GEMINI_STOP));
        let whole = gemini_chunk(&calls, GEMINI_STOP);
        return [(PayloadKind::Stream, chunks.collect::<String>() + &end), (PayloadKind::Response, whole)];
    }
    let calls: Vec<_> = calls.iter().map(|(id, city)| ollama_call(id, city)).collect();
    let lines = calls.iter().map(|call| ollama_line(std::slice::from_ref(call)) + "\n");
    let whole = ollama_end(&format!(r#","tool_calls":[{}]"#, calls.join(",")));
    let stream = lines.collect::<String>() + &ollama_end("") + "\n";
    [(PayloadKind::Stream, stream), (PayloadKind::Response, whole)]
}

fn each(test: impl Fn(&str, Dialect, PayloadKind, &dyn Fn(&[(&str, &str)]) -> Conversion)) {
    for from in ["ollama-chat", "gemini"] {
        for to in DIALECTS.iter().filter(|to| !["openai-completions", "ollama-generate"].contains(&to.name()))
        {
            for (i, kind) in [PayloadKind::Stream, PayloadKind::Response].into_iter().enumerate() {
                test(from, *to, kind, &|calls| {
                    let body = &answers(from, calls)[i].1;
                    converted(from, to.name(), kind, body, None)
                });
            }
        }
    }
}

#[test]
fn repeated_call_is_told_once() {
    each(|from, to, kind, convert| {
        let what = format!("{from} to {} ({kind:?})", to.name());
        let once = convert(&[("call_1", "Rome")]);
        let twice = convert(&[("call_1", "Rome"), ("call_1", "Rome")]);
        assert!(count(&once, "Rome") > 0, "{what}: {}", text(&once));
        assert_eq!(count(&once, "Rome"), count(&twice, "Rome"), "{what}: {}", text(&twice));
        assert!(twice.ok, "{what}");
        let repeated = twice.diagnostics.iter().find(|d| d.code == DiagnosticCode::ToolFieldRepeated);
        assert_eq!(repeated.map(|d| d.count), Some(1), "{what}: {:?}", twice.diagnostics);
        assert!(!once.diagnostics.has(DiagnosticCode::ToolFieldRepeated), "{what}");
    });
}

#[test]
fn equal_calls_without_ids_and_other_calls_with_one_id_are_two() {
    each(|from, to, kind, convert| {
        let what = format!("{from} to {} ({kind:?})", to.name());
        let once = convert(&[("", "Rome")]);
        let twice = convert(&[("", "Rome"), ("", "Rome")]);
        assert_eq!(2 * count(&once, "Rome"), count(&twice, "Rome"), "{what}: {}", text(&twice));
        let other = convert(&[("call_1", "Rome"), ("call_1", "Oslo")]);
        assert_eq!(count(&other, "Rome"), count(&other, "Oslo"), "{what}: {}", text(&other));
        for conversion in [twice, other] {
            assert!(!conversion.diagnostics.has(DiagnosticCode::ToolFieldRepeated), "{what}");
        }
    });
}

#[test]
fn all_calls_so_far_with_every_line_are_told_once() {
    for (from, body) in [
        (
            "ollama-chat",
            ollama_line(&[ollama_call("a", "Rome")])
                + "\n"
                + &ollama_line(&[ollama_call("a", "Rome"), ollama_call("b", "Oslo")])
                + "\n"
                + &ollama_end(&format!(
                    r#","tool_calls":[{},{}]"#,
                    ollama_call("a", "Rome"),
                    ollama_call("b", "Oslo")
                ))
                + "\n",
        ),
        (
            "gemini",
            format!(
                "data: {}\n\ndata: {}\n\n",
                gemini_chunk(&[gemini_call("a", "Rome")], ""),
                gemini_chunk(&[gemini_call("a", "Rome"), gemini_call("b", "Oslo")], GEMINI_STOP)
            ),
        ),
    ] {
        for to in ["openai-chat", from] {
            let conversion =
                converted(from, to, PayloadKind::Stream, &body, (to == "openai-chat").then_some(REQUEST));
            assert_eq!(
                (count(&conversion, "Rome"), count(&conversion, "Oslo")),
                (1, 1),
                "{}",
                text(&conversion)
            );
        }
    }
}
