//! Reasoning between tags in an answer's text: for every upstream dialect, every client, whole and streamed.

mod common;

use common::answer::{response_of, streamed_text, text, written};
use common::content::read;
use openai_shim_core::canonical::{Block, DiagnosticCode, FinishReason, Outcome, ReasoningTags, Request};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::{Dialect, PayloadKind, profile};

/// A client that writes its own prompt gets the text as it is.
const RAW: &str = "openai-completions";

const KINDS: [PayloadKind; 2] = [PayloadKind::Response, PayloadKind::Stream];

fn converted(
    from: Dialect,
    to: Dialect,
    kind: PayloadKind,
    parts: &[&str],
    finish: &FinishReason,
    tags: &ReasoningTags,
) -> Conversion {
    let registered =
        |dialect: Dialect| *DIALECTS.iter().find(|known| known.name() == dialect.name()).unwrap();
    let mut profile = profile("compatible").unwrap();
    profile.responses.reasoning_tags = tags.clone();
    let body = if kind == PayloadKind::Stream {
        streamed_text(from, parts, finish)
    } else {
        let response = response_of(vec![Block::text(parts.concat())], finish.clone());
        written(from, &response, &Request::default(), false)
    };
    convert(&ConversionInput::new(kind, registered(from), &body).to(registered(to)).profile(profile))
}

/// Calls `check` for every pair of dialects of which the client reads reasoning apart from text.
fn pairs(mut check: impl FnMut(Dialect, Dialect)) {
    for from in DIALECTS {
        for to in DIALECTS {
            if to.name() != RAW {
                check(*from, *to);
            }
        }
    }
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn opened_reasoning_is_no_text_for_any_pair() {
    let parts = ["<thi", "nk>Hmm.", "</think", ">\n\nHel", "lo"];
    pairs(|from, to| {
        for kind in KINDS {
            let result = converted(from, to, kind, &parts, &FinishReason::Stop, &ReasoningTags::Leading);
            let answer = read(to.name(), kind, text(&result));
            let what = format!("{} to {}: {result}", from.name(), to.name());
            assert_eq!((answer.text.trim(), answer.reasoning.trim()), ("Hello", "Hmm."), "{what}");
        }
    });
}

#[test]
fn ordinary_text_passes_unchanged_between_equal_dialects() {
    for dialect in DIALECTS {
        for text in ["Hello", "  <b>bold</b>", "[1] a list", "The tag <think> opens it."] {
            for kind in KINDS {
                let (dialect, tags) = (*dialect, ReasoningTags::Leading);
                let result = converted(dialect, dialect, kind, &[text], &FinishReason::Stop, &tags);
                let body = if kind == PayloadKind::Stream {
                    streamed_text(dialect, &[text], &FinishReason::Stop)
                } else {
                    let response = response_of(vec![Block::text(text)], FinishReason::Stop);
                    written(dialect, &response, &Request::default(), false)
                };
                let (out, body) = (String::from_utf8_lossy(&result.body), String::from_utf8_lossy(&body));
                assert_eq!(out, body, "{}: {result}", dialect.name());
            }
        }
    }
}

#[test]
fn a_closing_tag_that_nothing_opened_is_not_shown() {
    pairs(|from, to| {
        // A stream of equal dialects passes as it is where the dialect does not say where its text stands.
        let is_repaired = from.repairs_inline_reasoning() || !from.streamed_text().deltas.is_empty();
        let passes = from.name() == to.name() && !is_repaired;
        for tag in ["</think>", "[/THINK]", "</reasoning>"] {
            let end = format!("{tag}\n\nHello");
            for cut in [1, 4, tag.len(), tag.len() + 1, tag.len() + 3] {
                let (a, b) = end.split_at(cut);
                for kind in KINDS {
                    if passes && kind == PayloadKind::Stream {
                        continue;
                    }
                    let parts = ["Hmm", ".\n", a, b];
                    let tags = ReasoningTags::Leading;
                    let result = converted(from, to, kind, &parts, &FinishReason::Stop, &tags);
                    let answer = read(to.name(), kind, text(&result));
                    let what = format!("{} to {}: {result}", from.name(), to.name());
                    assert!(!answer.text.contains("think") && !answer.text.contains(tag), "{what}");
                    assert_eq!(without_space(&(answer.reasoning + &answer.text)), "Hmm.Hello", "{what}");
                    let code = if kind == PayloadKind::Stream {
                        DiagnosticCode::ReasoningTagUnopened
                    } else {
                        DiagnosticCode::ReasoningSplit
                    };
                    assert!(result.diagnostics.has(code), "{what}");
                }
            }
        }
    });
}

#[test]
fn a_closing_tag_that_is_meant_as_text_stays() {
    let texts = [
        "A model ends its thoughts with </think> and answers.",
        "```\nthoughts\n</think>\n```\nis how it looks.",
        "It writes <think>\nthoughts\n</think>\nand then the answer.",
        "The tag is </think>",
    ];
    pairs(|from, to| {
        for whole in texts {
            let at = whole.find("</").unwrap();
            for cut in [at, at + 3, at + 8] {
                let (a, b) = whole.split_at(cut);
                for kind in KINDS {
                    let tags = ReasoningTags::Leading;
                    let result = converted(from, to, kind, &[a, b], &FinishReason::Stop, &tags);
                    let answer = read(to.name(), kind, text(&result));
                    assert_eq!(answer.text, whole, "{} to {}: {result}", from.name(), to.name());
                }
            }
        }
    });
}

#[test]
fn reasoning_that_the_prompt_began_and_nothing_ended_is_the_answer() {
    pairs(|from, to| {
        for kind in KINDS {
            let parts = ["Hel", "lo"];
            let tags = ReasoningTags::Prefilled;
            let result = converted(from, to, kind, &parts, &FinishReason::Stop, &tags);
            let answer = read(to.name(), kind, text(&result));
            let what = format!("{} to {}: {result}", from.name(), to.name());
            assert_eq!(answer.text, "Hello", "{what}");
            assert!(result.diagnostics.has(DiagnosticCode::ReasoningTagMissing), "{what}");
            let parts = ["Hmm.", "</think>", "Hello"];
            let result = converted(from, to, kind, &parts, &FinishReason::Stop, &tags);
            let answer = read(to.name(), kind, text(&result));
            assert_eq!((answer.text.trim(), answer.reasoning.trim()), ("Hello", "Hmm."), "{result}");
        }
    });
}

#[test]
fn an_answer_of_reasoning_alone_is_complete_and_reported() {
    pairs(|from, to| {
        for kind in KINDS {
            let parts = ["<think>Hm", "m.</think>"];
            let tags = ReasoningTags::Leading;
            let result = converted(from, to, kind, &parts, &FinishReason::Stop, &tags);
            let what = format!("{} to {}: {result}", from.name(), to.name());
            assert_eq!(result.outcome, Some(Outcome::Complete), "{what}");
            assert!(result.diagnostics.has(DiagnosticCode::ReasoningAlone), "{what}");
            let cut = converted(from, to, kind, &parts, &FinishReason::Length, &tags);
            assert!(!cut.diagnostics.has(DiagnosticCode::ReasoningAlone), "{cut}");
            let result = converted(from, to, kind, &["Hello"], &FinishReason::Stop, &tags);
            assert!(!result.diagnostics.has(DiagnosticCode::ReasoningAlone), "{result}");
        }
    });
}
