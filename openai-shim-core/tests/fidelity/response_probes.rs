//! One probe for each feature of responses.

use super::blocks::{
    PIXEL, audio, call, calls, encrypted_reasoning, has_extra_text, image, raw, reasoning, response_blocks,
    signed,
};
use super::matrix::ResponseProbe;
use openai_shim_core::canonical::{Block, Choice, ExtraFields, FinishReason, Logprobs, Response, call_id};

fn set_finish_reason(response: &mut Response, reason: FinishReason) {
    response.choices[0].finish = Some(reason);
}

fn set_call_blocks(response: &mut Response, blocks: Vec<Block>) {
    response.choices[0].blocks = blocks;
    set_finish_reason(response, FinishReason::ToolCalls);
}

/// Whether a source is named: at a text, as most dialects do, or at the answer, as Google's does.
fn cites(response: &Response) -> bool {
    let names = |extra: &ExtraFields| {
        extra.members.iter().any(|(_, value)| value.as_str().contains("https://a.example"))
    };
    has_extra_text(response_blocks(response), "https://a.example")
        || response.choices.iter().any(|choice| names(&choice.extra))
}

pub const RESPONSE_PROBES: &[ResponseProbe] = &[
    ResponseProbe::new("text", |_, _| {}, |r| response_blocks(r).any(|b| b.as_text() == Some("Hello"))),
    ResponseProbe::new(
        "a call",
        |r, _| set_call_blocks(r, vec![call("call_1", None)]),
        |r| calls(response_blocks(r)) == 1,
    ),
    ResponseProbe::new(
        "parallel calls",
        |r, _| set_call_blocks(r, vec![call("call_1", None), call("call_2", None)]),
        |r| calls(response_blocks(r)) == 2,
    ),
    ResponseProbe::new(
        "text before a call",
        |r, _| set_call_blocks(r, vec![Block::text("Hello"), call("call_1", None)]),
        |r| {
            calls(response_blocks(r)) == 1
                && response_blocks(r).next().is_some_and(|b| b.as_text() == Some("Hello"))
        },
    ),
    ResponseProbe::new(
        "the signature of a call",
        |r, _| set_call_blocks(r, vec![call("call_1", Some("c2ln"))]),
        // The call's id may contain it, and the client sends the id back.
        |r| {
            response_blocks(r).any(|b| match b {
                Block::ToolCall { signature: Some(s), .. } => s == "c2ln",
                Block::ToolCall { id, .. } => call_id::detach(id).is_some_and(|(_, s)| s == "c2ln"),
                _ => false,
            })
        },
    ),
    ResponseProbe::new(
        "reasoning",
        |r, by| r.choices[0].blocks.insert(0, reasoning(None, by)),
        |r| response_blocks(r).any(|b| matches!(b, Block::Reasoning { text, .. } if text == "Let me see.")),
    ),
    ResponseProbe::new(
        "the signature of reasoning",
        |r, by| r.choices[0].blocks.insert(0, reasoning(Some("c2lnbmVk"), by)),
        |r| signed(response_blocks(r), "c2lnbmVk"),
    ),
    ResponseProbe::new(
        "sealed reasoning",
        |r, by| r.choices[0].blocks.insert(0, encrypted_reasoning(by)),
        |r| signed(response_blocks(r), "c2VhbGVk"),
    ),
    ResponseProbe::new(
        "refusal",
        |r, _| r.choices[0].blocks = vec![Block::Refusal("No.".into())],
        // A dialect without refusals contains it as text.
        |r| {
            response_blocks(r)
                .any(|b| matches!(b, Block::Refusal(text) | Block::Text { text, .. } if text == "No."))
        },
    ),
    ResponseProbe::new(
        "a picture",
        |r, by| {
            // Only Google's models return images.
            if by == "gemini" {
                r.choices[0].blocks.push(image());
            }
        },
        |r| {
            response_blocks(r).any(|b| matches!(b, Block::Image(_)))
                || has_extra_text(response_blocks(r), PIXEL)
        },
    ),
    ResponseProbe::new(
        "sound",
        |r, by| match (by, r.choices[0].blocks.first_mut()) {
            ("gemini", _) => r.choices[0].blocks.push(audio()),
            ("openai-chat", Some(Block::Text { extra, .. })) => {
                let audio = r#"{"id":"a","data":"UklGRg==","expires_at":1,"transcript":"Hello"}"#;
                *extra = ExtraFields::new("openai-chat", vec![(String::from("audio"), raw(audio))]);
            }
            _ => {}
        },
        |r| {
            response_blocks(r).any(|b| matches!(b, Block::Audio(_)))
                || has_extra_text(response_blocks(r), "UklGRg==")
        },
    ),
    ResponseProbe::new(
        "cut by the limit",
        |r, _| set_finish_reason(r, FinishReason::Length),
        |r| r.choices.iter().any(|c| c.finish == Some(FinishReason::Length)),
    ),
    ResponseProbe::new(
        "filtered",
        |r, _| set_finish_reason(r, FinishReason::ContentFilter),
        |r| {
            let filtered = [Some(FinishReason::ContentFilter), Some(FinishReason::Refusal)];
            r.choices.iter().any(|c| filtered.contains(&c.finish))
        },
    ),
    ResponseProbe::new(
        "which stop sequence came",
        |r, _| set_finish_reason(r, FinishReason::StopSequence(Some(String::from("END")))),
        |r| r.choices.iter().any(|c| c.finish == Some(FinishReason::StopSequence(Some(String::from("END"))))),
    ),
    ResponseProbe::new(
        "token counts",
        |_, _| {},
        |r| r.usage.is_some_and(|u| (u.input, u.output) == (Some(30), Some(20))),
    ),
    ResponseProbe::new(
        "tokens read from the cache",
        |r, _| r.usage.as_mut().unwrap().cached = Some(10),
        |r| r.usage.is_some_and(|u| u.cached == Some(10)),
    ),
    ResponseProbe::new(
        "tokens written to the cache",
        |r, _| r.usage.as_mut().unwrap().cache_written = Some(10),
        |r| r.usage.is_some_and(|u| u.cache_written == Some(10)),
    ),
    ResponseProbe::new(
        "tokens of reasoning",
        |r, _| r.usage.as_mut().unwrap().reasoning = Some(5),
        |r| r.usage.is_some_and(|u| u.reasoning == Some(5)),
    ),
    ResponseProbe::new(
        "several answers",
        |r, _| {
            let mut second = Choice::default();
            (second.index, second.finish, second.blocks) =
                (1, Some(FinishReason::Stop), vec![Block::text("Hi")]);
            r.choices.push(second);
        },
        |r| r.choices.len() == 2 && response_blocks(r).any(|b| b.as_text() == Some("Hi")),
    ),
    ResponseProbe::new(
        "logprobs",
        |r, _| {
            r.choices[0].logprobs = Logprobs::read(
                r#"{"content":[{"token":"Hello","logprob":-0.5,"bytes":null,"top_logprobs":[]}],"refusal":null}"#,
            );
        },
        |r| {
            r.choices.iter().any(|c| {
                c.logprobs.as_ref().is_some_and(|l| l.content.iter().any(|t| t.as_str().contains("Hello")))
            })
        },
    ),
    ResponseProbe::new(
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
        cites,
    ),
    ResponseProbe::new(
        "what is grounded where",
        |r, by| {
            let grounds = r#"{"groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}}]}"#;
            if by == "gemini" {
                let dialect = openai_shim_core::dialect(by).map_or("", |d| d.name());
                r.choices[0].extra =
                    ExtraFields::new(dialect, vec![(String::from("groundingMetadata"), raw(grounds))]);
            }
        },
        cites,
    ),
];
