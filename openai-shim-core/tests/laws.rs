//! Laws that hold for every payload: mended is mended, bounded is bounded, errors are errors in every dialect.

mod common;

use common::{chat, fixtures};
use openai_shim_core::canonical::{Code, Outcome};
use openai_shim_core::convert::{Input, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{Incoming, Retry, Settings, When};
use openai_shim_core::{Context, Exchange, Kind, profile};
use proptest::prelude::*;

#[test]
fn what_was_mended_needs_no_mending() {
    for fixture in fixtures(&[Kind::Response, Kind::Stream]) {
        let once = fixture.convert(chat());
        if once.status != Some(200)
            || once.outcome == Some(Outcome::Truncated)
            || once.outcome == Some(Outcome::Errored)
        {
            continue;
        }
        let mut again = fixture.clone();
        again.body = once.body.clone();
        // Only a model's own faults are found again, and deltas are no longer cumulative.
        again.profile = profile("compatible").unwrap();
        let twice = again.convert(chat());
        let same = String::from_utf8_lossy(&once.body) == String::from_utf8_lossy(&twice.body);
        assert!(same, "{}:\n{}\n{}", fixture.name, once, twice);
        for diagnostic in &twice.diagnostics {
            let models_own = [Code::ToolArgumentsInvalid, Code::ToolNameMissing].contains(&diagnostic.code);
            assert!(models_own, "{}: {diagnostic}", fixture.name);
        }
    }
}

#[test]
fn what_is_well_formed_passes_byte_for_byte() {
    let mut passed = 0;
    for fixture in
        fixtures(&[Kind::Response, Kind::Stream]).into_iter().filter(|f| f.name.starts_with("well_formed"))
    {
        let conversion = fixture.convert(chat());
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
    (settings.max_frame, settings.max_body) = (max_frame, max_body);
    settings.retry = Retry::none();
    settings.fallback.when = When::Never;
    let incoming = Incoming::read(chat(), "", body.into()).unwrap();
    let mut exchange =
        Exchange::start(incoming, &profile("compatible").unwrap(), settings, Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new());
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
            exchange.push(piece.as_bytes(), &mut out);
        }
        exchange.finish(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("upstream_too_large") && text.len() < 1000, "{piece:?}: {text}");
    }
}

#[test]
fn an_endless_stream_that_says_nothing_is_not_kept() {
    let (mut exchange, mut out) = (streaming(1 << 16, 1 << 16, true), Vec::new());
    for n in 0..20_000 {
        exchange.push(format!("data: {{\"x{n}\":1}}\n\n: {n}\n\n").as_bytes(), &mut out);
    }
    exchange.finish(&mut out);
    assert!(String::from_utf8(out).unwrap().contains("empty_completion"));
    assert!(exchange.report().diagnostics.len() <= 256);
}

#[test]
fn an_endless_stream_that_repeats_itself_is_handed_on() {
    let (mut exchange, mut out) = (streaming(1 << 12, 1 << 12, true), Vec::new());
    let role = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}]}\n\n";
    for _ in 0..200 {
        exchange.push(role.as_bytes(), &mut out);
    }
    assert!(exchange.reply().is_some(), "what waits for a first word is bounded");
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn no_bytes_make_a_conversion_panic(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..700_u16) {
        for kind in [Kind::Request, Kind::Response, Kind::Stream, Kind::Error] {
            for from in DIALECTS {
                for to in DIALECTS {
                    let (profile, context) = (profile("llama-cpp").unwrap(), Context::fixed());
                    let input = Input { from: *from, to: *to, profile, kind, body: &body, request: Some(&body), status: Some(status), context };
                    prop_assert_eq!(convert(&input), convert(&input));
                }
            }
        }
    }
}
