//! Laws that hold for every payload: mended is mended, bounded is bounded, errors are errors in every dialect.

mod common;

use common::{chat, fixtures};
use openai_shim_core::canonical::{DiagnosticCode, Outcome, ReasoningTags};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::{Context, Exchange, PayloadKind, Profile, profile};
use proptest::prelude::*;

/// The row for what was mended by one: deltas are no longer cumulative, nothing is cut off any more, and the text is text.
fn settled(row: &Profile) -> Profile {
    let mut row = row.clone();
    row.responses.cumulative_deltas = false;
    row.responses.reasoning_tags = ReasoningTags::Ignore;
    row.responses.keep_tool_markup = true;
    row.params.max_stop_sequences = None;
    row
}

#[test]
fn what_was_mended_needs_no_mending() {
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream]) {
        let once = fixture.convert(chat());
        if once.status != Some(200)
            || once.outcome == Some(Outcome::Truncated)
            || once.outcome == Some(Outcome::Errored)
        {
            continue;
        }
        // Of what an upstream did by itself a client of another dialect may hear nothing.
        let says_nothing = |body: &[u8]| common::said::line(&String::from_utf8_lossy(body)) == "stop";
        if fixture.dialect.name() != chat().name() && says_nothing(&once.body) {
            continue;
        }
        let mut again = fixture.clone();
        (again.dialect, again.body) = (chat(), once.body.clone());
        // Only a model's own faults are found again.
        again.profile = settled(&fixture.profile);
        let twice = again.convert(chat());
        let same = String::from_utf8_lossy(&once.body) == String::from_utf8_lossy(&twice.body);
        assert!(same, "{}:\n{}\n{}", fixture.name, once, twice);
        for diagnostic in &twice.diagnostics {
            let models_own = [
                DiagnosticCode::ToolArgumentsInvalid,
                DiagnosticCode::ToolNameMissing,
                DiagnosticCode::JsonInvalid,
            ]
            .contains(&diagnostic.code);
            assert!(models_own, "{}: {diagnostic}", fixture.name);
        }
    }
}

#[test]
fn what_goes_out_is_strict() {
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error]) {
        if fixture.name == common::NO_TEXT {
            continue;
        }
        for kind in [PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error] {
            let mut fixture = fixture.clone();
            fixture.kind = kind;
            let body = String::from_utf8(fixture.convert(chat()).body).unwrap();
            common::strict::check(&body, &format!("{} {kind:?}", fixture.name));
        }
    }
}

#[test]
fn what_is_well_formed_passes_byte_for_byte() {
    let mut passed = 0;
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream])
        .into_iter()
        .filter(|f| f.name.starts_with("well_formed"))
    {
        let conversion = fixture.convert(fixture.dialect);
        assert_eq!(
            String::from_utf8_lossy(&conversion.body),
            String::from_utf8_lossy(&fixture.body),
            "{}",
            fixture.name
        );
        assert!(conversion.diagnostics.is_empty(), "{}: {conversion}", fixture.name);
        passed += 1;
    }
    assert!(passed >= 5);
}

fn streaming(max_frame: usize, max_body: usize, stream: bool) -> Exchange {
    let body = format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#);
    let mut settings = Settings::default();
    (settings.max_frame_bytes, settings.max_body_bytes) = (max_frame, max_body);
    settings.retry = Retry::none();
    settings.fallback.when = FallbackPolicy::Never;
    let incoming = ClientRequest::read(chat(), "", body.into()).unwrap();
    let mut exchange =
        Exchange::start(incoming, profile("compatible").unwrap(), settings, Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange
}

#[test]
fn every_limit_has_its_own_error() {
    let endless: [(&str, bool); 4] = [
        ("data: xxxxxxxxxxxxxxx", true),
        ("data: xxxxxxxxxxxxxx\n", true),
        ("{ \"a\": 1,", true),
        ("{\"a\": 1,", false),
    ];
    for (piece, stream) in endless {
        let (mut exchange, mut out) = (streaming(1 << 12, 1 << 12, stream), Vec::new());
        for _ in 0..2000 {
            exchange.push(piece.as_bytes(), &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("upstream_too_large") && text.len() < 1000, "{piece:?}: {text}");
    }
}

#[test]
fn an_endless_stream_that_says_nothing_is_not_kept() {
    let (mut exchange, mut out) = (streaming(1 << 16, 1 << 16, true), Vec::new());
    for n in 0..20_000 {
        exchange.push(format!("data: {{\"x{n}\":1}}\n\n: {n}\n\n").as_bytes(), &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("empty_completion"));
    assert!(exchange.report().diagnostics.len() <= 256);
}

#[test]
fn an_endless_stream_that_repeats_itself_is_handed_on() {
    let (mut exchange, mut out) = (streaming(1 << 12, 1 << 12, true), Vec::new());
    let role = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}]}\n\n";
    for _ in 0..200 {
        exchange.push(role.as_bytes(), &mut out).unwrap();
    }
    assert!(exchange.response_head().is_some(), "what waits for a first word is bounded");
}

/// A stream that never ends by itself ends with this error.
fn ends_with(piece: impl Fn(usize) -> String, pieces: usize, code: &str) {
    let (mut exchange, mut out) = (streaming(1 << 16, 1 << 16, true), Vec::new());
    for n in 0..pieces {
        exchange.push(piece(n).as_bytes(), &mut out).unwrap();
        if exchange.is_over() {
            break;
        }
    }
    assert!(exchange.is_over(), "{}: it goes on for ever", piece(1));
    exchange.finish(&mut out).unwrap();
    let end = String::from_utf8_lossy(&out[out.len().saturating_sub(300)..]).into_owned();
    assert!(end.contains(code), "{}: {end}", piece(1));
}

#[test]
fn endless_answers_calls_and_arguments_end_with_an_error() {
    let delta = |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
    ends_with(
        |n| format!("data: {{\"choices\":[{{\"index\":{n},\"delta\":{{\"content\":\"a\"}}}}]}}\n\n"),
        2000,
        "upstream_too_large",
    );
    ends_with(
        |n| {
            delta(&format!(
                "{{\"tool_calls\":[{{\"index\":{n},\"id\":\"c{n}\",\"function\":{{\"name\":\"f\",\"arguments\":\"{{}}\"}}}}]}}"
            ))
        },
        4000,
        "upstream_too_large",
    );
    let much = "x".repeat(60_000);
    ends_with(
        |_| {
            delta(&format!(
                "{{\"tool_calls\":[{{\"index\":0,\"id\":\"c\",\"function\":{{\"name\":\"f\",\"arguments\":\"{much}\"}}}}]}}"
            ))
        },
        400,
        "upstream_too_large",
    );
    // A name that never comes.
    ends_with(
        |_| delta(&format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{much}\"}}}}]}}")),
        400,
        "upstream_too_large",
    );
}

#[test]
fn an_endless_error_body_is_read_no_further_than_it_is_worth() {
    let (mut exchange, mut out) = (streaming(1 << 16, 1 << 16, true), Vec::new());
    exchange.finish(&mut out).unwrap();
    let incoming = ClientRequest::read(
        chat(),
        "",
        br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.to_vec().into(),
    );
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    let mut exchange =
        Exchange::start(incoming.unwrap(), profile("compatible").unwrap(), settings, Context::fixed())
            .unwrap();
    exchange.next();
    exchange.head(http::StatusCode::INTERNAL_SERVER_ERROR, &http::HeaderMap::new()).unwrap();
    out.clear();
    for _ in 0..64 {
        exchange.push(&vec![b'x'; 1 << 16], &mut out).unwrap();
    }
    // 4 MiB came; what is kept of them shows in what the exchange prints of itself, four characters a byte at most.
    assert!(format!("{exchange:?}").len() < (1 << 20) * 6, "the whole error is kept");
    exchange.finish(&mut out).unwrap();
    assert!(out.len() < 1000);
}

#[test]
fn an_endless_page_is_read_no_further_than_it_is_worth() {
    let (mut exchange, mut out) = (streaming(1 << 20, 1 << 20, true), Vec::new());
    exchange.push(b"<html>", &mut out).unwrap();
    for _ in 0..64 {
        exchange.push(&vec![b'x'; 1 << 16], &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("HTML page"));
}

#[test]
fn a_call_of_forty_thousand_fragments_passes() {
    // A file written by a tool call. Were the arguments read anew for each fragment, it would be 3 GB of JSON.
    let (mut exchange, mut out) = (streaming(1 << 20, 1 << 20, true), Vec::new());
    let fragment = |inner: &str| {
        format!(
            "data: {{\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,{inner}}}]}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    exchange
        .push(
            fragment(r#""id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":\""}"#)
                .as_bytes(),
            &mut out,
        )
        .unwrap();
    for _ in 0..40_000 {
        exchange.push(fragment(r#""function":{"arguments":"word "}"#).as_bytes(), &mut out).unwrap();
    }
    let words = String::from_utf8(out).unwrap().matches("word ").count();
    assert_eq!(words, 40_000);
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn what_goes_out_is_strict_whatever_comes_in(fixture in common::mutilated()) {
        for kind in [PayloadKind::Stream, PayloadKind::Response] {
            let mut fixture = fixture.clone();
            fixture.kind = kind;
            let conversion = fixture.convert(chat());
            let body = String::from_utf8(conversion.body.clone()).unwrap();
            let what = format!("{} {kind:?}\n{}\n{conversion}", fixture.name, String::from_utf8_lossy(&fixture.body));
            common::strict::check(&body, &what);
        }
    }

    #[test]
    fn what_was_mended_needs_no_mending_whatever_came_in(fixture in common::mutilated()) {
        let once = fixture.convert(chat());
        // A call without a name waits for one until the end, wherever it stood; and what comes after an ending goes out
        // as it is, although it may be markup.
        let late = [DiagnosticCode::ToolNameMissing, DiagnosticCode::ContentAfterFinish];
        if !once.ok || late.iter().any(|code| once.diagnostics.has(*code)) {
            return Ok(());
        }
        // What a model of another dialect broke is mended by no translation.
        if fixture.dialect.name() != chat().name() {
            return Ok(());
        }
        let mut again = fixture.clone();
        (again.dialect, again.body) = (chat(), once.body.clone());
        again.profile = settled(&fixture.profile);
        let twice = again.convert(chat());
        if once.diagnostics.has(DiagnosticCode::TextHeld) {
            // What waits, waits again: the words are the same, and where they are cut is not.
            let said = |body: &[u8]| common::said::line(&String::from_utf8_lossy(body));
            prop_assert_eq!(said(&once.body), said(&twice.body), "{}\n{}", &once, &twice);
        } else {
            prop_assert_eq!(&once.body, &twice.body, "{}\n{}", &once, &twice);
        }
        prop_assert_eq!(once.outcome, twice.outcome, "{}\n{}", &once, &twice);
    }

    #[test]
    fn no_bytes_make_a_conversion_panic(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..700_u16) {
        for kind in [PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error] {
            for from in DIALECTS {
                for to in DIALECTS {
                    let (profile, context) = (profile("llama-cpp").unwrap(), Context::fixed());
                    let input = ConversionInput { from: *from, to: *to, profile, kind, body: &body, request: Some(&body), status: Some(status), context };
                    prop_assert_eq!(convert(&input), convert(&input));
                }
            }
        }
    }
}
