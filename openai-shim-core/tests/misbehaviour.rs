//! Each known misbehaviour of upstreams, and exactly what the client receives: nothing lost and nothing invented.

mod common;

use common::expected::{ERRORS, RESPONSES, STREAMS};
use common::{Fixture, NO_TEXT, chat, fixture, fixtures, sdk_client};
use openai_shim_core::convert::Conversion;
use openai_shim_core::{Outcome, PayloadKind};
use serde_json::Value;

fn table_line(fixture: &Fixture) -> String {
    let conversion = fixture.convert(chat());
    let mut codes: Vec<_> = conversion.diagnostics.codes().iter().map(|(code, _)| code.as_str()).collect();
    codes.sort_unstable();
    let codes = if codes.is_empty() { String::from("-") } else { codes.join(" ") };
    let (outcome, status) = (conversion.outcome.unwrap(), conversion.status.unwrap());
    let content = sdk_client::line(&String::from_utf8(conversion.body).unwrap());
    format!("{} | {outcome} {status} | {codes} | {content}", fixture.name)
}

/// Compares every chat fixture of a kind with its line of the table. A fixture without a line fails, and a line without a
/// fixture.
fn holds(kind: PayloadKind, table: &str) {
    let own = |f: &&Fixture| f.name != NO_TEXT && f.dialect.name() == chat().name();
    let found: Vec<String> = fixtures(&[kind]).iter().filter(own).map(table_line).collect();
    for (row, expected) in found.iter().zip(table.trim().lines()) {
        assert_eq!(row, expected);
    }
    assert_eq!(found.len(), table.trim().lines().count());
}

#[test]
fn misbehaving_streams_become_what_the_table_lists() {
    holds(PayloadKind::Stream, STREAMS);
}

#[test]
fn misbehaving_responses_become_what_the_table_lists() {
    holds(PayloadKind::Response, RESPONSES);
}

#[test]
fn error_responses_become_what_the_table_lists() {
    holds(PayloadKind::Error, ERRORS);
}

fn body(conversion: &Conversion) -> &str {
    std::str::from_utf8(&conversion.body).unwrap()
}

#[test]
fn stream_ends_with_done_if_and_only_if_it_did_not_fail() {
    for fixture in fixtures(&[PayloadKind::Stream]).iter().filter(|f| f.name != NO_TEXT) {
        let conversion = fixture.convert(chat());
        let failed = matches!(
            conversion.outcome.unwrap(),
            Outcome::Truncated | Outcome::Errored | Outcome::Failed | Outcome::Empty
        );
        assert_eq!(body(&conversion).ends_with("data: [DONE]\n\n"), !failed, "{}", fixture.name);
        assert_eq!(sdk_client::read(body(&conversion)).1.is_some(), failed, "{}", fixture.name);
        if conversion.outcome == Some(Outcome::Truncated) {
            let (answers, _) = sdk_client::read(body(&conversion));
            let unfinished = answers.is_empty() || answers.values().any(|a| a.finish_reason.is_none());
            assert!(unfinished, "{}: a truncated response has a finish reason", fixture.name);
        }
    }
}

#[test]
fn stream_and_non_streaming_response_have_the_same_content() {
    let mut compared = 0;
    for stream in fixtures(&[PayloadKind::Stream]).into_iter().filter(|f| f.name != NO_TEXT) {
        let mut unstreamed = stream.clone();
        unstreamed.kind = PayloadKind::Response;
        let (streamed, folded) = (stream.convert(chat()), unstreamed.convert(chat()));
        if !streamed.ok {
            assert!(!folded.ok, "{}: {folded}", stream.name);
            continue;
        }
        assert_eq!(streamed.outcome, folded.outcome, "{}", stream.name);
        let (a, b) = (sdk_client::line(body(&streamed)), sdk_client::line(body(&folded)));
        assert_eq!(a, b, "{}", stream.name);
        compared += 1;
    }
    assert!(compared > 80);
}

#[test]
fn identity_is_constant_within_a_stream() {
    for fixture in fixtures(&[PayloadKind::Stream]).iter().filter(|f| f.name != NO_TEXT) {
        let conversion = fixture.convert(chat());
        let documents = sdk_client::documents(body(&conversion));
        let mut chunks = documents.iter().filter(|d| d.get("error").is_none());
        let Some(first) = chunks.next() else { continue };
        for key in ["id", "object", "created", "model"] {
            assert!(chunks.clone().all(|c| c[key] == first[key]), "{}: {key} changes", fixture.name);
        }
        assert!(!first["id"].as_str().unwrap().is_empty() && first["created"].as_u64() > Some(0));
        assert_eq!(first["object"], "chat.completion.chunk", "{}", fixture.name);
    }
}

#[test]
fn usage_is_sent_once_at_the_end_and_only_on_request() {
    for fixture in fixtures(&[PayloadKind::Stream]).iter().filter(|f| f.name != NO_TEXT) {
        let conversion = fixture.convert(chat());
        let spec =
            fixture.request.as_ref().is_some_and(|r| String::from_utf8_lossy(r).contains("include_usage"));
        let documents = sdk_client::documents(body(&conversion));
        let counts: Vec<&Value> = documents.iter().filter(|d| d["usage"].is_object()).collect();
        let complete = body(&conversion).ends_with("data: [DONE]\n\n");
        assert_eq!(counts.len(), usize::from(spec && complete), "{}", fixture.name);
        if let Some(last) = counts.first() {
            assert_eq!(last["choices"], serde_json::json!([]), "{}", fixture.name);
            assert_eq!(documents.last(), Some(*last), "{}: it is not the last chunk", fixture.name);
        }
    }
}

#[test]
fn members_unknown_to_openai_are_kept_byte_for_byte() {
    for (kind, name, member) in [
        (PayloadKind::Stream, "extras_survive", r#""x_groq":{"id":"r","n":12345678901234567890123}"#),
        (PayloadKind::Stream, "extras_survive_repair", r#""big":12345678901234567890123"#),
        (PayloadKind::Stream, "reasoning_details", r#""signature":"sig""#),
        (PayloadKind::Stream, "azure_prelude", r#""prompt_filter_results":[{"prompt_index":0}]"#),
        (PayloadKind::Stream, "logprobs", r#""logprobs":{"content":[{"token":"Hi","logprob":-0.1,"#),
        // Half of a pair is replaced; the escape of a whole one stays.
        (PayloadKind::Stream, "escaped_surrogates", r#""content":"\ud83d\ude42 \ufffd""#),
        (PayloadKind::Stream, "error_beside_failed_choice", r#""native_finish_reason":"error""#),
        (PayloadKind::Response, "extras_survive", r#""big":12345678901234567890123,"float":1.10"#),
        (PayloadKind::Response, "extras_survive", r#""extra_content":{"google":{"thought_signature":"s"}}"#),
        (PayloadKind::Response, "ollama", r#""prompt_eval_count":3,"eval_count":2"#),
        (PayloadKind::Error, "failed_generation", r#""failed_generation":"<f>""#),
        (PayloadKind::Error, "array", r#""status":"INVALID_ARGUMENT""#),
        (PayloadKind::Error, "secrets", r#""provider":"P""#),
        (PayloadKind::Request, "unknown_params_survive", r#""x":12345678901234567890123"#),
        (PayloadKind::Request, "unknown_params_survive_a_rewrite", r#""min_p":1e-2,"temperature":1.10"#),
        (
            PayloadKind::Request,
            "forty_messages_one_changed",
            r#"{"role": "user", "content": "question 7", "x_extra": 7}"#,
        ),
        (
            PayloadKind::Request,
            "forty_messages_one_changed",
            r#""{\"n\":  7, \"big\": 12345678901234567890123}""#,
        ),
        (
            PayloadKind::Request,
            "stream_options_merged",
            r#""include_obfuscation":false,"include_usage":true"#,
        ),
    ] {
        let conversion = fixture(kind, name).convert(chat());
        assert!(body(&conversion).contains(member), "{name}: {conversion}");
    }
}
