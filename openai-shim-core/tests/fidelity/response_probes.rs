//! What an answer may say, one probe each.

use super::blocks::{PIXEL, beside, call, calls, picture, raw, said, sealed, signed, sound, thought};
use super::matrix::Say;
use openai_shim_core::canonical::{Block, Choice, ExtraFields, FinishReason, Logprobs, Response, call_id};

fn ends(response: &mut Response, reason: FinishReason) {
    response.choices[0].finish = Some(reason);
}

fn calls_with(response: &mut Response, blocks: Vec<Block>) {
    response.choices[0].blocks = blocks;
    ends(response, FinishReason::ToolCalls);
}

pub const RESPONSE_PROBES: &[Say] = &[
    Say("text", |_, _| {}, |r| said(r).any(|b| b.as_text() == Some("Hello"))),
    Say("a call", |r, _| calls_with(r, vec![call("call_1", None)]), |r| calls(said(r)) == 1),
    Say(
        "parallel calls",
        |r, _| calls_with(r, vec![call("call_1", None), call("call_2", None)]),
        |r| calls(said(r)) == 2,
    ),
    Say(
        "text before a call",
        |r, _| calls_with(r, vec![Block::text("Hello"), call("call_1", None)]),
        |r| calls(said(r)) == 1 && said(r).next().is_some_and(|b| b.as_text() == Some("Hello")),
    ),
    Say(
        "the signature of a call",
        |r, _| calls_with(r, vec![call("call_1", Some("c2ln"))]),
        // It may be carried in the call's id, which comes back.
        |r| {
            said(r).any(|b| match b {
                Block::ToolCall { signature: Some(s), .. } => s == "c2ln",
                Block::ToolCall { id, .. } => call_id::detach(id).is_some_and(|(_, s)| s == "c2ln"),
                _ => false,
            })
        },
    ),
    Say(
        "reasoning",
        |r, by| r.choices[0].blocks.insert(0, thought(None, by)),
        |r| said(r).any(|b| matches!(b, Block::Reasoning { text, .. } if text == "Let me see.")),
    ),
    Say(
        "the signature of reasoning",
        |r, by| r.choices[0].blocks.insert(0, thought(Some("c2lnbmVk"), by)),
        |r| signed(said(r), "c2lnbmVk"),
    ),
    Say(
        "sealed reasoning",
        |r, by| r.choices[0].blocks.insert(0, sealed(by)),
        |r| signed(said(r), "c2VhbGVk"),
    ),
    Say(
        "refusal",
        |r, _| r.choices[0].blocks = vec![Block::Refusal("No.".into())],
        // Where there is no place for it, it is text.
        |r| {
            said(r).any(
                |b| matches!(b, Block::Refusal(words) | Block::Text { text: words, .. } if words == "No."),
            )
        },
    ),
    Say(
        "a picture",
        |r, by| {
            // Only Google's models draw in an answer.
            if by == "gemini" {
                r.choices[0].blocks.push(picture());
            }
        },
        |r| said(r).any(|b| matches!(b, Block::Image(_))) || beside(said(r), PIXEL),
    ),
    Say(
        "sound",
        |r, by| match (by, r.choices[0].blocks.first_mut()) {
            ("gemini", _) => r.choices[0].blocks.push(sound()),
            ("openai-chat", Some(Block::Text { extra, .. })) => {
                let audio = r#"{"id":"a","data":"UklGRg==","expires_at":1,"transcript":"Hello"}"#;
                *extra = ExtraFields::new("openai-chat", vec![(String::from("audio"), raw(audio))]);
            }
            _ => {}
        },
        |r| said(r).any(|b| matches!(b, Block::Audio(_))) || beside(said(r), "UklGRg=="),
    ),
    Say(
        "cut by the limit",
        |r, _| ends(r, FinishReason::Length),
        |r| r.choices.iter().any(|c| c.finish == Some(FinishReason::Length)),
    ),
    Say(
        "filtered",
        |r, _| ends(r, FinishReason::ContentFilter),
        |r| {
            let filtered = [Some(FinishReason::ContentFilter), Some(FinishReason::Refusal)];
            r.choices.iter().any(|c| filtered.contains(&c.finish))
        },
    ),
    Say(
        "which stop sequence came",
        |r, _| ends(r, FinishReason::StopSequence(Some(String::from("END")))),
        |r| r.choices.iter().any(|c| c.finish == Some(FinishReason::StopSequence(Some(String::from("END"))))),
    ),
    Say("token counts", |_, _| {}, |r| r.usage.is_some_and(|u| (u.input, u.output) == (Some(30), Some(20)))),
    Say(
        "tokens read from the cache",
        |r, _| r.usage.as_mut().unwrap().cached = Some(10),
        |r| r.usage.is_some_and(|u| u.cached == Some(10)),
    ),
    Say(
        "tokens written to the cache",
        |r, _| r.usage.as_mut().unwrap().cache_written = Some(10),
        |r| r.usage.is_some_and(|u| u.cache_written == Some(10)),
    ),
    Say(
        "tokens of reasoning",
        |r, _| r.usage.as_mut().unwrap().reasoning = Some(5),
        |r| r.usage.is_some_and(|u| u.reasoning == Some(5)),
    ),
    Say(
        "several answers",
        |r, _| {
            let mut second = Choice::default();
            (second.index, second.finish, second.blocks) =
                (1, Some(FinishReason::Stop), vec![Block::text("Hi")]);
            r.choices.push(second);
        },
        |r| r.choices.len() == 2 && said(r).any(|b| b.as_text() == Some("Hi")),
    ),
    Say(
        "logprobs",
        |r, _| {
            r.choices[0].logprobs = Logprobs::read(
                r#"{"content":[{"token":"Hello","logprob":-0.5,"bytes":null,"top_logprobs":[]}],"refusal":null}"#,
            );
        },
        |r| {
            r.choices.iter().any(|c| {
                c.logprobs.as_ref().is_some_and(|l| l.content.iter().any(|t| t.get().contains("Hello")))
            })
        },
    ),
    Say(
        "a citation",
        |r, by| {
            let (key, cited) = match by {
                "anthropic-messages" => (
                    "citations",
                    r#"[{"type":"web_search_result_location","cited_text":"x","url":"https://a.example","title":"A","encrypted_index":"y"}]"#,
                ),
                "openai-chat" => (
                    "annotations",
                    r#"[{"type":"url_citation","url_citation":{"start_index":0,"end_index":5,"url":"https://a.example","title":"A"}}]"#,
                ),
                "openai-responses" => (
                    "annotations",
                    r#"[{"type":"url_citation","start_index":0,"end_index":5,"url":"https://a.example","title":"A"}]"#,
                ),
                _ => return,
            };
            let dialect = openai_shim_core::dialect(by).map_or("", |d| d.name());
            if let Some(Block::Text { extra, .. }) = r.choices[0].blocks.first_mut() {
                *extra = ExtraFields::new(dialect, vec![(key.to_owned(), raw(cited))]);
            }
        },
        |r| beside(said(r), "https://a.example"),
    ),
    Say(
        "what is grounded where",
        |r, by| {
            let grounds = r#"{"groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}}]}"#;
            if by == "gemini" {
                let dialect = openai_shim_core::dialect(by).map_or("", |d| d.name());
                r.choices[0].extra =
                    ExtraFields::new(dialect, vec![(String::from("groundingMetadata"), raw(grounds))]);
            }
        },
        |r| r.choices.iter().any(|c| c.extra.get("groundingMetadata").is_some()),
    ),
];
