//! Laws for every payload: repair is idempotent, output is strict, buffers are limited, errors stay errors in every dialect.

mod common;

use common::{chat, fixtures};
use openai_shim_core::canonical::{DiagnosticCode, Outcome, ReasoningTags};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::{Context, Exchange, PayloadKind, Profile, profile};
use proptest::prelude::*;

/// The profile for payloads that were repaired with `profile`: deltas are not cumulative, stop sequences were applied, and text is
/// not parsed again.
fn profile_after_repair(upstream_profile: &Profile) -> Profile {
    let mut upstream_profile = upstream_profile.clone();
    upstream_profile.responses.cumulative_deltas = false;
    upstream_profile.responses.reasoning_tags = ReasoningTags::Ignore;
    upstream_profile.responses.keep_tool_markup = true;
    upstream_profile.params.max_stop_sequences = None;
    upstream_profile
}

#[test]
fn repaired_payload_needs_no_second_repair() {
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream]) {
        let once = fixture.convert(chat());
        if once.status != Some(200)
            || once.outcome == Some(Outcome::Truncated)
            || once.outcome == Some(Outcome::Errored)
            || once.outcome == Some(Outcome::Failed)
        {
            continue;
        }
        // A client of another dialect may receive nothing of what an upstream did by itself.
        let says_nothing = |body: &[u8]| common::sdk_client::line(&String::from_utf8_lossy(body)) == "stop";
        if fixture.dialect.name() != chat().name() && says_nothing(&once.body) {
            continue;
        }
        let mut again = fixture.clone();
        (again.dialect, again.body) = (chat(), once.body.clone());
        // Only faults of the model itself are reported again.
        again.profile = profile_after_repair(&fixture.profile);
        let twice = again.convert(chat());
        let same = String::from_utf8_lossy(&once.body) == String::from_utf8_lossy(&twice.body);
        assert!(same, "{}:\n{}\n{}", fixture.name, once, twice);
        for diagnostic in &twice.diagnostics {
            let models_own = [
                DiagnosticCode::ToolArgumentsInvalid,
                DiagnosticCode::ToolNameMissing,
                DiagnosticCode::JsonInvalid,
                DiagnosticCode::ReasoningAlone,
            ]
            .contains(&diagnostic.code);
            assert!(models_own, "{}: {diagnostic}", fixture.name);
        }
    }
}

#[test]
fn output_for_every_fixture_is_strict() {
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
fn well_formed_payload_passes_byte_for_byte() {
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
    for (chunk, stream) in endless {
        let (mut exchange, mut out) = (streaming(1 << 12, 1 << 12, stream), Vec::new());
        for _ in 0..2000 {
            exchange.push(chunk.as_bytes(), &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("upstream_too_large") && text.len() < 1000, "{chunk:?}: {text}");
    }
}

#[test]
fn endless_stream_without_content_is_not_buffered() {
    let (mut exchange, mut out) = (streaming(1 << 16, 1 << 16, true), Vec::new());
    for n in 0..20_000 {
        exchange.push(format!("data: {{\"x{n}\":1}}\n\n: {n}\n\n").as_bytes(), &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("empty_completion"));
    assert!(exchange.report().diagnostics.len() <= 256);
}

#[test]
fn endless_repetitive_stream_is_forwarded() {
    let (mut exchange, mut out) = (streaming(1 << 12, 1 << 12, true), Vec::new());
    let role = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}]}\n\n";
    for _ in 0..200 {
        exchange.push(role.as_bytes(), &mut out).unwrap();
    }
    assert!(exchange.response_head().is_some(), "what waits for a first word is bounded");
}

/// Asserts that a stream without an end ends with this error.
fn ends_with(chunk: impl Fn(usize) -> String, chunks: usize, code: &str) {
    let (mut exchange, mut out) = (streaming(1 << 16, 1 << 16, true), Vec::new());
    for n in 0..chunks {
        exchange.push(chunk(n).as_bytes(), &mut out).unwrap();
        if exchange.is_over() {
            break;
        }
    }
    assert!(exchange.is_over(), "{}: it has no end", chunk(1));
    exchange.finish(&mut out).unwrap();
    let end = String::from_utf8_lossy(&out[out.len().saturating_sub(300)..]).into_owned();
    assert!(end.contains(code), "{}: {end}", chunk(1));
}

#[test]
fn endless_responses_calls_and_arguments_end_with_an_error() {
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
    // A call whose name never arrives.
    ends_with(
        |_| delta(&format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{much}\"}}}}]}}")),
        400,
        "upstream_too_large",
    );
}

#[test]
fn endless_error_body_is_read_up_to_a_limit() {
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
    // 4 MiB were pushed; the kept part shows in the exchange's Debug output, with at most four characters for each byte.
    assert!(format!("{exchange:?}").len() < (1 << 20) * 6, "the whole error is kept");
    exchange.finish(&mut out).unwrap();
    assert!(out.len() < 1000);
}

#[test]
fn endless_html_page_is_read_up_to_a_limit() {
    let (mut exchange, mut out) = (streaming(1 << 20, 1 << 20, true), Vec::new());
    exchange.push(b"<html>", &mut out).unwrap();
    for _ in 0..64 {
        exchange.push(&vec![b'x'; 1 << 16], &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("HTML page"));
}

#[test]
fn call_of_forty_thousand_deltas_passes() {
    // A tool call that writes a file. If the arguments were parsed again for each delta, this would be 3 GB of JSON.
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
    let count = String::from_utf8(out).unwrap().matches("word ").count();
    assert_eq!(count, 40_000);
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn output_for_mutilated_input_is_strict(fixture in common::mutilated()) {
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
    fn repaired_mutilated_payload_needs_no_second_repair(fixture in common::mutilated()) {
        let once = fixture.convert(chat());
        // A call without a name is buffered until the end, so its position changes; and text after a finish reason is forwarded as
        // it is, although it may be markup.
        let late = [DiagnosticCode::ToolNameMissing, DiagnosticCode::ContentAfterFinish];
        if !once.ok || late.iter().any(|code| once.diagnostics.has(*code)) {
            return Ok(());
        }
        // Translation does not repair the faults of a model.
        if fixture.dialect.name() != chat().name() {
            return Ok(());
        }
        let mut again = fixture.clone();
        (again.dialect, again.body) = (chat(), once.body.clone());
        again.profile = profile_after_repair(&fixture.profile);
        let twice = again.convert(chat());
        if once.diagnostics.has(DiagnosticCode::TextHeld) {
            // Withheld text is withheld again: the text is the same, but not its division into chunks.
            let summary = |body: &[u8]| common::sdk_client::line(&String::from_utf8_lossy(body));
            prop_assert_eq!(summary(&once.body), summary(&twice.body), "{}\n{}", &once, &twice);
        } else {
            prop_assert_eq!(&once.body, &twice.body, "{}\n{}", &once, &twice);
        }
        prop_assert_eq!(once.outcome, twice.outcome, "{}\n{}", &once, &twice);
    }

    #[test]
    fn converting_any_bytes_does_not_panic(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..700_u16) {
        for kind in [PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error] {
            for from in DIALECTS {
                for to in DIALECTS {
                    let (profile, context) = (profile("llama-cpp").unwrap(), Context::fixed());
                    let input = ConversionInput::new(kind, *from, &body).to(*to).profile(profile).for_request(&body).status(status).context(context);
                    prop_assert_eq!(convert(&input), convert(&input));
                }
            }
        }
    }
}
