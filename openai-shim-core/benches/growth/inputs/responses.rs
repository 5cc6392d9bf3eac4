//! Responses and streams of every dialect that are large in one dimension.

use super::list;

/// The dimensions of non-streaming responses.
pub const RESPONSES: &[&str] = &[
    "choices",
    "calls",
    "calls-of-one-id",
    "calls-without-ids",
    "parts",
    "reasoning",
    "mixed",
    "citations",
    "logprobs",
    "members",
    "members-repeated",
    "giant-text",
    "giant-escapes",
    "giant-reasoning",
    "giant-arguments",
    "markup-calls",
    "think-tags",
    "fences",
    "deep-member",
    "usage-members",
];

/// The dimensions of streams.
pub const STREAMS: &[&str] = &[
    "texts",
    "reasoning",
    "calls",
    "calls-in-one-event",
    "calls-in-turns",
    "calls-interleaved",
    "argument-deltas",
    "mixed",
    "choices",
    "citations",
    "logprobs",
    "members",
    "unknown-events",
    "repeated-events",
    "comments",
    "data-lines",
    "giant-text",
    "giant-member",
    "markup-calls",
    "think-tags",
    "almost-tags",
    "braces",
    "fences",
    "unclosed-markup",
    "unclosed-reasoning",
    "cut",
];

/// Returns text that is large in one dimension.
fn text(dimension: &str, n: usize) -> Option<String> {
    Some(match dimension {
        "giant-text" => "A word, and one more. ".repeat(n),
        "giant-escapes" => r#"\"\n\\\u00e9\ud83d\ude00 `` { [ <"#.repeat(n),
        "markup-calls" => {
            r#"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n"#.repeat(n)
        }
        "think-tags" => {
            format!("<think>{}</think>{}", "t < / think ".repeat(n), "a <think>b</think> ".repeat(n))
        }
        "fences" => format!("```json\\n{}```", r#"{\"a\":1}\n"#.repeat(n)),
        "unclosed-markup" => {
            format!(r#"<tool_call>{{\"name\": \"f\", \"arguments\": {{\"a\": \"{}"#, "x y ".repeat(n))
        }
        "unclosed-reasoning" => format!("<think>{}", "x y ".repeat(n)),
        "braces" => r#"{\"name\": {[ "#.repeat(n),
        "almost-tags" => "<thin <tool_cal <think </tool ``".repeat(n),
        _ => return None,
    })
}

fn members(dimension: &str, n: usize) -> Option<String> {
    Some(match dimension {
        "members" => list(n, |i| format!(r#""x_{i}":{i}"#)),
        "members-repeated" => list(n, |i| format!(r#""x":"u{i}""#)),
        "deep-member" => format!(r#""x":{}{}"#, "[".repeat(n), "]".repeat(n)),
        _ => return None,
    })
}

/// Returns a non-streaming response with `n` elements in one dimension; `None` if the dialect lacks the dimension.
pub fn response(dialect: &str, dimension: &str, n: usize) -> Option<String> {
    match dialect {
        "openai-chat" => chat(dimension, n),
        "openai-completions" => completions(dimension, n),
        "openai-responses" => responses(dimension, n),
        "anthropic-messages" => anthropic(dimension, n),
        "ollama-chat" => ollama(dimension, n),
        "ollama-generate" => generate(dimension, n),
        "gemini" => gemini(dimension, n),
        _ => None,
    }
}

fn chat(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, choices: &str| {
        Some(format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m",{extra}"choices":[{choices}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#
        ))
    };
    let choice = |message: &str, reason: &str, more: &str| {
        format!(
            r#"{{"index":0,"message":{{"role":"assistant",{message}}},"finish_reason":"{reason}"{more}}}"#
        )
    };
    let call = |id: &str| {
        format!(r#"{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{\"a\":1}}"}}}}"#)
    };
    if let Some(text) = text(dimension, n) {
        return body("", &choice(&format!(r#""content":"{text}""#), "stop", ""));
    }
    if let Some(members) = members(dimension, n) {
        return body(
            &format!("{members},"),
            &choice(&format!(r#""content":"hi",{members}"#), "stop", &format!(",{members}")),
        );
    }
    match dimension {
        "choices" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"index":{i},"message":{{"role":"assistant","content":"c{i}"}},"finish_reason":"stop"}}"#
                )
            }),
        ),
        "calls" => body(
            "",
            &choice(
                &format!(r#""content":null,"tool_calls":[{}]"#, list(n, |i| call(&format!("call_{i}")))),
                "tool_calls",
                "",
            ),
        ),
        "calls-of-one-id" => body(
            "",
            &choice(
                &format!(r#""content":null,"tool_calls":[{}]"#, list(n, |_| call("c"))),
                "tool_calls",
                "",
            ),
        ),
        "calls-without-ids" => body(
            "",
            &choice(
                &format!(
                    r#""content":null,"tool_calls":[{}]"#,
                    list(n, |_| r#"{"function":{"name":"f","arguments":{"a":1}}}"#.to_owned())
                ),
                "stop",
                "",
            ),
        ),
        "parts" => body(
            "",
            &choice(
                &format!(r#""content":[{}]"#, list(n, |i| format!(r#"{{"type":"text","text":"p{i}"}}"#))),
                "stop",
                "",
            ),
        ),
        "reasoning" => body(
            "",
            &choice(
                &format!(
                    r#""content":"a","reasoning_details":[{}]"#,
                    list(n, |i| format!(
                        r#"{{"type":"reasoning.text","text":"t{i}","signature":"s{i}","format":"anthropic-claude-v1","index":{i}}}"#
                    ))
                ),
                "stop",
                "",
            ),
        ),
        "giant-reasoning" => body(
            "",
            &choice(&format!(r#""content":"a","reasoning_content":"{}""#, "thinks ".repeat(n)), "stop", ""),
        ),
        "mixed" => body(
            "",
            &choice(
                &format!(
                    r#""content":[{}],"tool_calls":[{}]"#,
                    list(n, |i| format!(
                        r#"{{"type":"text","text":"p{i}"}},{{"type":"thinking","thinking":[{{"type":"text","text":"t"}}]}}"#
                    )),
                    list(n, |i| call(&format!("call_{i}")))
                ),
                "tool_calls",
                "",
            ),
        ),
        "citations" => body(
            &format!(r#""citations":[{}],"#, list(n, |i| format!(r#""https://a.b/{i}""#))),
            &choice(
                &format!(
                    r#""content":"a","annotations":[{}]"#,
                    list(n, |i| format!(
                        r#"{{"type":"url_citation","url_citation":{{"url":"https://a.b/{i}","title":"t","start_index":0,"end_index":1}}}}"#
                    ))
                ),
                "stop",
                "",
            ),
        ),
        "logprobs" => body(
            "",
            &choice(
                r#""content":"a""#,
                "stop",
                &format!(
                    r#","logprobs":{{"content":[{}]}}"#,
                    list(n, |i| format!(
                        r#"{{"token":"t{i}","logprob":-1,"bytes":[1],"top_logprobs":[{{"token":"t{i}","logprob":-1,"bytes":[1]}}]}}"#
                    ))
                ),
            ),
        ),
        "giant-arguments" => body(
            "",
            &choice(
                &format!(
                    r#""content":null,"tool_calls":[{{"id":"c","type":"function","function":{{"name":"f","arguments":"{{\"a\":[{}]}}"}}}}]"#,
                    list(n, |_| r#"{\"b\":\"\\n\"}"#.to_owned())
                ),
                "tool_calls",
                "",
            ),
        ),
        "usage-members" => Some(format!(
            r#"{{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,{}}}}}"#,
            choice(r#""content":"a""#, "stop", ""),
            list(n, |i| format!(r#""x_{i}":{i}"#))
        )),
        _ => None,
    }
}

fn completions(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, choices: &str| {
        Some(format!(
            r#"{{"id":"cmpl-1","object":"text_completion","created":1,"model":"m",{extra}"choices":[{choices}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#
        ))
    };
    if let Some(text) = text(dimension, n) {
        return body("", &format!(r#"{{"index":0,"text":"{text}","finish_reason":"stop"}}"#));
    }
    if let Some(members) = members(dimension, n) {
        return body(
            &format!("{members},"),
            &format!(r#"{{"index":0,"text":"t","finish_reason":"stop",{members}}}"#),
        );
    }
    match dimension {
        "choices" => body(
            "",
            &list(n, |i| format!(r#"{{"index":{i},"text":"c{i}","logprobs":null,"finish_reason":"stop"}}"#)),
        ),
        "logprobs" => body(
            "",
            &format!(
                r#"{{"index":0,"text":"t","finish_reason":"stop","logprobs":{{"tokens":[{}],"token_logprobs":[{}],"top_logprobs":[{}],"text_offset":[{}]}}}}"#,
                list(n, |i| format!(r#""t{i}""#)),
                list(n, |_| "-1".into()),
                list(n, |i| format!(r#"{{"t{i}":-1}}"#)),
                list(n, |i| format!("{i}"))
            ),
        ),
        _ => None,
    }
}

fn responses(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, output: &str| {
        Some(format!(
            r#"{{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m",{extra}"output":[{output}],"usage":{{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}}"#
        ))
    };
    let message = |content: &str| {
        format!(
            r#"{{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{content}]}}"#
        )
    };
    let text_part = |text: &str, annotations: &str, more: &str| {
        format!(r#"{{"type":"output_text","text":"{text}","annotations":[{annotations}]{more}}}"#)
    };
    let call = |i: usize, id: &str| {
        format!(
            r#"{{"type":"function_call","id":"fc_{i}","call_id":"{id}","name":"f","arguments":"{{\"a\":1}}","status":"completed"}}"#
        )
    };
    if let Some(text) = text(dimension, n) {
        return body("", &message(&text_part(&text, "", "")));
    }
    if let Some(members) = members(dimension, n) {
        return body(&format!("{members},"), &message(&text_part("t", "", &format!(",{members}"))));
    }
    match dimension {
        "choices" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"type":"message","id":"msg_{i}","role":"assistant","status":"completed","content":[{}]}}"#,
                    text_part("t", "", "")
                )
            }),
        ),
        "calls" => body("", &list(n, |i| call(i, &format!("call_{i}")))),
        "calls-of-one-id" => body("", &list(n, |i| call(i, "c"))),
        "calls-without-ids" => {
            body("", &list(n, |_| r#"{"type":"function_call","name":"f","arguments":"{}"}"#.to_owned()))
        }
        "parts" => body("", &message(&list(n, |i| text_part(&format!("p{i}"), "", "")))),
        "reasoning" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"type":"reasoning","id":"rs_{i}","summary":[{{"type":"summary_text","text":"t{i}"}}],"encrypted_content":"e{i}"}}"#
                )
            }),
        ),
        "giant-reasoning" => body(
            "",
            &format!(
                r#"{{"type":"reasoning","id":"rs","summary":[{}]}},{}"#,
                list(n, |i| format!(r#"{{"type":"summary_text","text":"t{i}"}}"#)),
                message(&text_part("a", "", ""))
            ),
        ),
        "mixed" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"type":"reasoning","id":"rs_{i}","summary":[]}},{{"type":"web_search_call","id":"ws_{i}","status":"completed"}},{{"type":"message","id":"msg_{i}","role":"assistant","status":"completed","content":[{}]}},{}"#,
                    text_part("t", "", ""),
                    call(i, &format!("call_{i}"))
                )
            }),
        ),
        "citations" => body(
            "",
            &message(&text_part(
                "a",
                &list(n, |i| {
                    format!(
                        r#"{{"type":"url_citation","url":"https://a.b/{i}","title":"t","start_index":0,"end_index":1}}"#
                    )
                }),
                "",
            )),
        ),
        "logprobs" => body(
            "",
            &message(&text_part(
                "a",
                "",
                &format!(
                    r#","logprobs":[{}]"#,
                    list(n, |i| format!(r#"{{"token":"t{i}","logprob":-1,"bytes":[1],"top_logprobs":[]}}"#))
                ),
            )),
        ),
        "giant-arguments" => body(
            "",
            &format!(
                r#"{{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":"{{\"a\":[{}]}}","status":"completed"}}"#,
                list(n, |_| r#"{\"b\":\"\\n\"}"#.to_owned())
            ),
        ),
        _ => None,
    }
}

fn anthropic(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, content: &str, reason: &str| {
        Some(format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m",{extra}"content":[{content}],"stop_reason":"{reason}","stop_sequence":null,"usage":{{"input_tokens":1,"output_tokens":2}}}}"#
        ))
    };
    let call = |id: &str| format!(r#"{{"type":"tool_use","id":"{id}","name":"f","input":{{"a":1}}}}"#);
    if let Some(text) = text(dimension, n) {
        return body("", &format!(r#"{{"type":"text","text":"{text}"}}"#), "end_turn");
    }
    if let Some(members) = members(dimension, n) {
        return body(
            &format!("{members},"),
            &format!(r#"{{"type":"text","text":"t",{members}}}"#),
            "end_turn",
        );
    }
    match dimension {
        "calls" => body("", &list(n, |i| call(&format!("toolu_{i}"))), "tool_use"),
        "calls-of-one-id" => body("", &list(n, |_| call("c")), "tool_use"),
        "calls-without-ids" => {
            body("", &list(n, |_| r#"{"type":"tool_use","name":"f","input":{}}"#.to_owned()), "tool_use")
        }
        "parts" => body("", &list(n, |i| format!(r#"{{"type":"text","text":"p{i}"}}"#)), "end_turn"),
        "reasoning" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"type":"thinking","thinking":"t{i}","signature":"s{i}"}},{{"type":"redacted_thinking","data":"d{i}"}}"#
                )
            }),
            "end_turn",
        ),
        "giant-reasoning" => body(
            "",
            &format!(
                r#"{{"type":"thinking","thinking":"{}","signature":"s"}},{{"type":"text","text":"a"}}"#,
                "thinks ".repeat(n)
            ),
            "end_turn",
        ),
        "mixed" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"type":"thinking","thinking":"t{i}","signature":"s{i}"}},{{"type":"text","text":"p{i}"}},{{"type":"server_tool_use","id":"srvtoolu_{i}","name":"web_search","input":{{}}}},{}"#,
                    call(&format!("toolu_{i}"))
                )
            }),
            "tool_use",
        ),
        "citations" => body(
            "",
            &format!(
                r#"{{"type":"text","text":"a","citations":[{}]}}"#,
                list(n, |i| format!(
                    r#"{{"type":"web_search_result_location","url":"https://a.b/{i}","title":"t","encrypted_index":"e","cited_text":"c"}}"#
                ))
            ),
            "end_turn",
        ),
        "giant-arguments" => body(
            "",
            &format!(
                r#"{{"type":"tool_use","id":"c","name":"f","input":{{"a":[{}]}}}}"#,
                list(n, |_| r#"{"b":"\n"}"#.to_owned())
            ),
            "tool_use",
        ),
        _ => None,
    }
}

fn ollama(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, message: &str| {
        Some(format!(
            r#"{{"model":"m","created_at":"2025-01-01T00:00:00Z",{extra}"message":{{"role":"assistant",{message}}},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":2}}"#
        ))
    };
    if let Some(text) = text(dimension, n) {
        return body("", &format!(r#""content":"{text}""#));
    }
    if let Some(members) = members(dimension, n) {
        return body(&format!("{members},"), &format!(r#""content":"t",{members}"#));
    }
    match dimension {
        "calls" => body(
            "",
            &format!(
                r#""content":"","tool_calls":[{}]"#,
                list(n, |i| format!(
                    r#"{{"id":"call_{i}","function":{{"index":{i},"name":"f","arguments":{{"a":1}}}}}}"#
                ))
            ),
        ),
        "calls-without-ids" => body(
            "",
            &format!(
                r#""content":"","tool_calls":[{}]"#,
                list(n, |_| r#"{"function":{"name":"f","arguments":{"a":1}}}"#.to_owned())
            ),
        ),
        "giant-reasoning" => body("", &format!(r#""content":"a","thinking":"{}""#, "thinks ".repeat(n))),
        "logprobs" => body(
            &format!(
                r#""logprobs":[{}],"#,
                list(n, |i| format!(r#"{{"token":"t{i}","logprob":-1,"bytes":[1],"top_logprobs":[]}}"#))
            ),
            r#""content":"a""#,
        ),
        "giant-arguments" => body(
            "",
            &format!(
                r#""content":"","tool_calls":[{{"function":{{"name":"f","arguments":{{"a":[{}]}}}}}}]"#,
                list(n, |_| r#"{"b":"\n"}"#.to_owned())
            ),
        ),
        _ => None,
    }
}

fn generate(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, text: &str| {
        Some(format!(
            r#"{{"model":"m","created_at":"2025-01-01T00:00:00Z",{extra}"response":"{text}","done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":2}}"#
        ))
    };
    if let Some(text) = text(dimension, n) {
        return body("", &text);
    }
    if let Some(members) = members(dimension, n) {
        return body(&format!("{members},"), "t");
    }
    match dimension {
        "parts" => body(&format!(r#""context":[{}],"#, list(n, |i| format!("{i}"))), "a"),
        "giant-reasoning" => body(&format!(r#""thinking":"{}","#, "thinks ".repeat(n)), "a"),
        _ => None,
    }
}

fn gemini(dimension: &str, n: usize) -> Option<String> {
    let body = |extra: &str, candidates: &str| {
        Some(format!(
            r#"{{"candidates":[{candidates}],{extra}"usageMetadata":{{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3}},"modelVersion":"m","responseId":"r"}}"#
        ))
    };
    let candidate = |parts: &str, more: &str| {
        format!(r#"{{"content":{{"parts":[{parts}],"role":"model"}},"finishReason":"STOP","index":0{more}}}"#)
    };
    let call = |id: &str| {
        format!(r#"{{"functionCall":{{{id}"name":"f","args":{{"a":1}}}},"thoughtSignature":"c2ln"}}"#)
    };
    if let Some(text) = text(dimension, n) {
        return body("", &candidate(&format!(r#"{{"text":"{text}"}}"#), ""));
    }
    if let Some(members) = members(dimension, n) {
        return body(
            &format!("{members},"),
            &candidate(&format!(r#"{{"text":"t",{members}}}"#), &format!(",{members}")),
        );
    }
    match dimension {
        "choices" => body(
            "",
            &list(n, |i| {
                format!(
                    r#"{{"content":{{"parts":[{{"text":"c{i}"}}],"role":"model"}},"finishReason":"STOP","index":{i}}}"#
                )
            }),
        ),
        "calls" => body("", &candidate(&list(n, |i| call(&format!(r#""id":"call_{i}","#))), "")),
        "calls-of-one-id" => body("", &candidate(&list(n, |_| call(r#""id":"c","#)), "")),
        "calls-without-ids" => body("", &candidate(&list(n, |_| call("")), "")),
        "parts" => body("", &candidate(&list(n, |i| format!(r#"{{"text":"p{i}"}}"#)), "")),
        "reasoning" => body(
            "",
            &candidate(
                &list(n, |i| {
                    format!(r#"{{"text":"t{i}","thought":true,"thoughtSignature":"c2ln"}},{{"text":"p{i}"}}"#)
                }),
                "",
            ),
        ),
        "giant-reasoning" => body(
            "",
            &candidate(&format!(r#"{{"text":"{}","thought":true}},{{"text":"a"}}"#, "thinks ".repeat(n)), ""),
        ),
        "mixed" => body(
            "",
            &candidate(
                &list(n, |i| {
                    format!(
                        r#"{{"text":"t{i}","thought":true}},{{"text":"p{i}","thoughtSignature":"c2ln"}},{{"executableCode":{{"language":"PYTHON","code":"1"}}}},{}"#,
                        call("")
                    )
                }),
                "",
            ),
        ),
        "citations" => body(
            "",
            &candidate(
                r#"{"text":"a"}"#,
                &format!(
                    r#","groundingMetadata":{{"groundingChunks":[{}],"groundingSupports":[{}]}}"#,
                    list(n, |i| format!(r#"{{"web":{{"uri":"https://a.b/{i}","title":"t"}}}}"#)),
                    list(n, |i| format!(
                        r#"{{"segment":{{"startIndex":0,"endIndex":1,"text":"a"}},"groundingChunkIndices":[{i}]}}"#
                    ))
                ),
            ),
        ),
        "logprobs" => body(
            "",
            &candidate(
                r#"{"text":"a"}"#,
                &format!(
                    r#","logprobsResult":{{"chosenCandidates":[{}],"topCandidates":[{}]}}"#,
                    list(n, |i| format!(r#"{{"token":"t{i}","logProbability":-1}}"#)),
                    list(n, |i| format!(r#"{{"candidates":[{{"token":"t{i}","logProbability":-1}}]}}"#))
                ),
            ),
        ),
        "giant-arguments" => body(
            "",
            &candidate(
                &format!(
                    r#"{{"functionCall":{{"name":"f","args":{{"a":[{}]}}}}}}"#,
                    list(n, |_| r#"{"b":"\n"}"#.to_owned())
                ),
                "",
            ),
        ),
        _ => None,
    }
}

/// Returns a stream with `n` elements in one dimension; `None` if the dialect lacks the dimension.
pub fn stream(dialect: &str, dimension: &str, n: usize) -> Option<String> {
    match dialect {
        "openai-chat" => chat_stream(dimension, n),
        "openai-completions" => completions_stream(dimension, n),
        "openai-responses" => responses_stream(dimension, n),
        "anthropic-messages" => anthropic_stream(dimension, n),
        "ollama-chat" => ollama_stream(dimension, n),
        "ollama-generate" => generate_stream(dimension, n),
        "gemini" => gemini_stream(dimension, n),
        _ => None,
    }
}

/// Returns text divided into deltas as a model generates them.
fn deltas(dimension: &str, n: usize) -> Option<Vec<String>> {
    let text = text(dimension, n).filter(|_| !matches!(dimension, "giant-text" | "giant-escapes"))?;
    let mut deltas = vec![String::new()];
    for c in text.chars() {
        let last = deltas.last_mut()?;
        if last.len() >= 5 && !last.ends_with('\\') {
            deltas.push(c.to_string());
        } else {
            last.push(c);
        }
    }
    Some(deltas)
}

fn events(n: usize, event: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| format!("data: {}\n\n", event(i))).collect()
}

fn chat_stream(dimension: &str, n: usize) -> Option<String> {
    let chunk = |delta: &str, more: &str| {
        format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{{delta}}},"finish_reason":null{more}}}]}}"#
        )
    };
    let begin = format!("data: {}\n\n", chunk(r#""role":"assistant","content":"""#, ""));
    let end = |reason: &str| {
        format!(
            "data: {}\n\ndata: [DONE]\n\n",
            chunk("", "").replace(r#""finish_reason":null"#, &format!(r#""finish_reason":"{reason}""#))
        )
    };
    let call = |i: usize| {
        format!(
            r#""tool_calls":[{{"index":{i},"id":"call_{i}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]"#
        )
    };
    if let Some(deltas) = deltas(dimension, n) {
        let middle: String = deltas
            .iter()
            .map(|delta| format!("data: {}\n\n", chunk(&format!(r#""content":"{delta}""#), "")))
            .collect();
        return Some(format!("{begin}{middle}{}", end("stop")));
    }
    let middle = match dimension {
        "texts" | "cut" => events(n, |i| chunk(&format!(r#""content":"w{i}""#), "")),
        "reasoning" => events(n, |i| {
            chunk(
                &format!(
                    r#""reasoning_details":[{{"type":"reasoning.text","text":"t{i}","signature":"s{i}","format":"anthropic-claude-v1","index":{i}}}]"#
                ),
                "",
            )
        }),
        "calls" => events(n, |i| chunk(&call(i), "")),
        "calls-in-one-event" => events(1, |_| {
            chunk(
                &format!(
                    r#""tool_calls":[{}]"#,
                    list(n, |i| format!(
                        r#"{{"index":{i},"id":"call_{i}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#
                    ))
                ),
                "",
            )
        }),
        "calls-in-turns" => {
            let both = events(n, |i| chunk(&call(i), ""));
            both + &events(n, |i| {
                chunk(&format!(r#""tool_calls":[{{"index":{i},"function":{{"arguments":" "}}}}]"#), "")
            })
        }
        "calls-interleaved" => events(n, |i| {
            let i = n - 1 - i;
            format!(
                "{}\n\ndata: {}",
                chunk(&call(i), ""),
                chunk(&format!(r#""tool_calls":[{{"index":{},"function":{{"arguments":" "}}}}]"#, n - 1), "")
            )
        }),
        "argument-deltas" => format!(
            "data: {}\n\n{}",
            chunk(&call(0).replace("{}", ""), ""),
            events(n, |_| chunk(r#""tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]"#, ""))
        ),
        "mixed" => events(n, |i| {
            format!(
                "{}\n\ndata: {}",
                chunk(&format!(r#""content":"w{i}","reasoning_content":"r""#), ""),
                chunk(&call(i), "")
            )
        }),
        "choices" => {
            let text = events(n, |i| {
                chunk(r#""role":"assistant","content":"w""#, "")
                    .replace(r#""index":0"#, &format!(r#""index":{i}"#))
            });
            text + &events(n, |i| {
                chunk("", "")
                    .replace(r#""index":0"#, &format!(r#""index":{i}"#))
                    .replace(r#""finish_reason":null"#, r#""finish_reason":"stop""#)
            })
        }
        "citations" => events(n, |i| {
            chunk(
                &format!(
                    r#""content":"w{i}","annotations":[{{"type":"url_citation","url_citation":{{"url":"https://a.b/{i}","title":"t","start_index":0,"end_index":1}}}}]"#
                ),
                "",
            )
        }),
        "logprobs" => events(n, |i| {
            chunk(
                &format!(r#""content":"w{i}""#),
                &format!(
                    r#","logprobs":{{"content":[{{"token":"t{i}","logprob":-1,"bytes":[1],"top_logprobs":[]}}]}}"#
                ),
            )
        }),
        "members" => events(n, |i| {
            chunk(&format!(r#""content":"w","x_{i}":{i}"#), &format!(r#","y_{i}":1"#)).replacen(
                '{',
                &format!(r#"{{"z_{i}":1,"#),
                1,
            )
        }),
        "unknown-events" => events(n, |i| format!(r#"{{"type":"t{i}","x":{i}}}"#)),
        "repeated-events" => events(n, |_| chunk(r#""role":"assistant","content":"""#, "")),
        "comments" => ": comment\n\n".repeat(n),
        "data-lines" => format!(
            "{}\n\n",
            chunk(&format!(r#""content":"w",{}"x":[{}]"#, "\n", list(n, |_| "1\n".into())), "")
                .lines()
                .map(|l| format!("data: {l}\n"))
                .collect::<String>()
        ),
        "giant-text" => events(1, |_| {
            chunk(&format!(r#""content":"{}""#, "A word, and \\\"one\\\" more. ".repeat(n)), "")
        }),
        "giant-member" => {
            events(1, |_| chunk(&format!(r#""content":"w",{}"#, list(n, |i| format!(r#""x_{i}":1"#))), ""))
        }
        _ => return None,
    };
    if dimension == "cut" {
        return Some(begin + &middle);
    }
    let reason = if dimension.starts_with("calls") || dimension == "mixed" { "tool_calls" } else { "stop" };
    Some(if dimension == "choices" {
        format!("{middle}data: [DONE]\n\n")
    } else {
        format!("{begin}{middle}{}", end(reason))
    })
}

fn completions_stream(dimension: &str, n: usize) -> Option<String> {
    let chunk = |text: &str, more: &str| {
        format!(
            r#"{{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{{"index":0,"text":"{text}","finish_reason":null{more}}}]}}"#
        )
    };
    let end = format!(
        "data: {}\n\ndata: [DONE]\n\n",
        chunk("", "").replace(r#""finish_reason":null"#, r#""finish_reason":"stop""#)
    );
    if let Some(deltas) = deltas(dimension, n) {
        return Some(
            deltas.iter().map(|delta| format!("data: {}\n\n", chunk(delta, ""))).collect::<String>() + &end,
        );
    }
    let middle = match dimension {
        "texts" => events(n, |i| chunk(&format!("w{i}"), "")),
        "choices" => events(n, |i| {
            chunk("w", "")
                .replace(r#""index":0"#, &format!(r#""index":{i}"#))
                .replace("finish_reason\":null", "finish_reason\":\"stop\"")
        }),
        "logprobs" => events(n, |i| {
            chunk(
                &format!("w{i}"),
                &format!(
                    r#","logprobs":{{"tokens":["t{i}"],"token_logprobs":[-1],"top_logprobs":[{{"t{i}":-1}}],"text_offset":[{i}]}}"#
                ),
            )
        }),
        "members" => {
            events(n, |i| chunk("w", &format!(r#","y_{i}":1"#)).replacen('{', &format!(r#"{{"z_{i}":1,"#), 1))
        }
        "giant-text" => events(1, |_| chunk(&"A word, and \\\"one\\\" more. ".repeat(n), "")),
        _ => return None,
    };
    Some(middle + &end)
}

fn typed(name: &str, event: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\",{event}}}\n\n")
}

fn responses_stream(dimension: &str, n: usize) -> Option<String> {
    let response = |status: &str, output: &str| {
        format!(
            r#""response":{{"id":"resp_1","object":"response","created_at":1,"status":"{status}","model":"m","output":[{output}],"usage":{{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}}"#
        )
    };
    let begin = typed("response.created", &response("in_progress", ""))
        + &typed("response.in_progress", &response("in_progress", ""));
    let end = |output: &str| typed("response.completed", &response("completed", output));
    let message = |i: usize, content: &str| {
        format!(
            r#"{{"type":"message","id":"msg_{i}","role":"assistant","status":"completed","content":[{content}]}}"#
        )
    };
    let open = |i: usize| {
        typed("response.output_item.added", &format!(r#""output_index":{i},"item":{}"#, message(i, "")))
            + &typed(
                "response.content_part.added",
                &format!(
                    r#""output_index":{i},"content_index":0,"item_id":"msg_{i}","part":{{"type":"output_text","text":"","annotations":[]}}"#
                ),
            )
    };
    let delta = |i: usize, text: &str| {
        typed(
            "response.output_text.delta",
            &format!(r#""output_index":{i},"content_index":0,"item_id":"msg_{i}","delta":"{text}""#),
        )
    };
    let close = |i: usize, text: &str| {
        let part = format!(r#"{{"type":"output_text","text":"{text}","annotations":[]}}"#);
        typed(
            "response.output_text.done",
            &format!(r#""output_index":{i},"content_index":0,"item_id":"msg_{i}","text":"{text}""#),
        ) + &typed(
            "response.content_part.done",
            &format!(r#""output_index":{i},"content_index":0,"item_id":"msg_{i}","part":{part}"#),
        ) + &typed(
            "response.output_item.done",
            &format!(r#""output_index":{i},"item":{}"#, message(i, &part)),
        )
    };
    let call = |i: usize, status: &str| {
        format!(
            r#"{{"type":"function_call","id":"fc_{i}","call_id":"call_{i}","name":"f","arguments":"{{}}","status":"{status}"}}"#
        )
    };
    let calls_open = |i: usize| {
        typed(
            "response.output_item.added",
            &format!(r#""output_index":{i},"item":{}"#, call(i, "in_progress").replace("{}", "")),
        )
    };
    let calls_rest = |i: usize| {
        typed(
            "response.function_call_arguments.delta",
            &format!(r#""output_index":{i},"item_id":"fc_{i}","delta":"{{}}""#),
        ) + &typed(
            "response.function_call_arguments.done",
            &format!(r#""output_index":{i},"item_id":"fc_{i}","arguments":"{{}}""#),
        ) + &typed(
            "response.output_item.done",
            &format!(r#""output_index":{i},"item":{}"#, call(i, "completed")),
        )
    };
    if let Some(deltas) = deltas(dimension, n) {
        let all = deltas.concat();
        let middle: String = deltas.iter().map(|text| delta(0, text)).collect();
        return Some(format!(
            "{begin}{}{middle}{}{}",
            open(0),
            close(0, &all),
            end(&message(0, &format!(r#"{{"type":"output_text","text":"{all}","annotations":[]}}"#)))
        ));
    }
    Some(match dimension {
        "texts" => {
            let all: String = (0..n).map(|i| format!("w{i}")).collect();
            format!("{begin}{}{}{}{}", open(0), (0..n).map(|i| delta(0, &format!("w{i}"))).collect::<String>(), close(0, &all), end(&message(0, &format!(r#"{{"type":"output_text","text":"{all}","annotations":[]}}"#))))
        }
        "cut" => format!("{begin}{}{}", open(0), (0..n).map(|i| delta(0, &format!("w{i}"))).collect::<String>()),
        "choices" => format!(
            "{begin}{}{}",
            (0..n).map(|i| open(i) + &delta(i, "w") + &close(i, "w")).collect::<String>(),
            end(&list(n, |i| message(i, r#"{"type":"output_text","text":"w","annotations":[]}"#)))
        ),
        "calls" => format!("{begin}{}{}", (0..n).map(|i| calls_open(i) + &calls_rest(i)).collect::<String>(), end(&list(n, |i| call(i, "completed")))),
        "calls-in-turns" => format!(
            "{begin}{}{}{}",
            (0..n).map(calls_open).collect::<String>(),
            (0..n).map(calls_rest).collect::<String>(),
            end(&list(n, |i| call(i, "completed")))
        ),
        "argument-deltas" => format!(
            "{begin}{}{}{}{}",
            calls_open(0),
            (0..n).map(|_| typed("response.function_call_arguments.delta", r#""output_index":0,"item_id":"fc_0","delta":" ""#)).collect::<String>(),
            calls_rest(0),
            end(&call(0, "completed"))
        ),
        "reasoning" => format!(
            "{begin}{}{}",
            (0..n)
                .map(|i| {
                    let item = format!(r#"{{"type":"reasoning","id":"rs_{i}","summary":[{{"type":"summary_text","text":"t"}}],"encrypted_content":"e{i}"}}"#);
                    typed("response.output_item.added", &format!(r#""output_index":{i},"item":{{"type":"reasoning","id":"rs_{i}","summary":[]}}"#))
                        + &typed("response.reasoning_summary_part.added", &format!(r#""output_index":{i},"summary_index":0,"item_id":"rs_{i}","part":{{"type":"summary_text","text":""}}"#))
                        + &typed("response.reasoning_summary_text.delta", &format!(r#""output_index":{i},"summary_index":0,"item_id":"rs_{i}","delta":"t""#))
                        + &typed("response.output_item.done", &format!(r#""output_index":{i},"item":{item}"#))
                })
                .collect::<String>(),
            end("")
        ),
        "mixed" => format!(
            "{begin}{}{}",
            (0..n).map(|i| open(2 * i) + &delta(2 * i, "w") + &close(2 * i, "w") + &calls_open(2 * i + 1) + &calls_rest(2 * i + 1)).collect::<String>(),
            end("")
        ),
        "citations" => format!(
            "{begin}{}{}{}{}",
            open(0),
            (0..n)
                .map(|i| {
                    delta(0, "w")
                        + &typed(
                            "response.output_text.annotation.added",
                            &format!(r#""output_index":0,"content_index":0,"item_id":"msg_0","annotation_index":{i},"annotation":{{"type":"url_citation","url":"https://a.b/{i}","title":"t","start_index":0,"end_index":1}}"#),
                        )
                })
                .collect::<String>(),
            close(0, &"w".repeat(n)),
            end("")
        ),
        "members" => format!(
            "{begin}{}{}{}{}",
            open(0),
            (0..n).map(|i| delta(0, "w").replacen("\"delta\"", &format!(r#""x_{i}":1,"delta""#), 1)).collect::<String>(),
            close(0, &"w".repeat(n)),
            end("")
        ),
        "unknown-events" => format!("{begin}{}{}{}{}", (0..n).map(|i| typed(&format!("response.unknown_{i}"), r#""x":1"#)).collect::<String>(), open(0), close(0, ""), end("")),
        "repeated-events" => format!("{begin}{}{}{}", (0..n).map(|_| open(0) + &close(0, "w")).collect::<String>(), close(0, "w"), end("")),
        "giant-text" => {
            let all = "A word, and \\\"one\\\" more. ".repeat(n);
            format!("{begin}{}{}{}{}", open(0), delta(0, &all), close(0, &all), end(""))
        }
        _ => return None,
    })
}

fn anthropic_stream(dimension: &str, n: usize) -> Option<String> {
    let begin = typed(
        "message_start",
        r#""message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
    );
    let end = |reason: &str| {
        typed(
            "message_delta",
            &format!(
                r#""delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":2}}"#
            ),
        ) + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    };
    let open = |i: usize, block: &str| {
        typed("content_block_start", &format!(r#""index":{i},"content_block":{{{block}}}"#))
    };
    let delta =
        |i: usize, delta: &str| typed("content_block_delta", &format!(r#""index":{i},"delta":{{{delta}}}"#));
    let close = |i: usize| typed("content_block_stop", &format!(r#""index":{i}"#));
    let text = |i: usize, text: &str| delta(i, &format!(r#""type":"text_delta","text":"{text}""#));
    let call = |i: usize| open(i, &format!(r#""type":"tool_use","id":"toolu_{i}","name":"f","input":{{}}"#));
    let input =
        |i: usize, json: &str| delta(i, &format!(r#""type":"input_json_delta","partial_json":"{json}""#));
    let empty = r#""type":"text","text":"""#;
    if let Some(deltas) = deltas(dimension, n) {
        let middle: String = deltas.iter().map(|delta| text(0, delta)).collect();
        return Some(format!("{begin}{}{middle}{}{}", open(0, empty), close(0), end("end_turn")));
    }
    let (middle, reason) = match dimension {
        "texts" => (open(0, empty) + &(0..n).map(|i| text(0, &format!("w{i}"))).collect::<String>() + &close(0), "end_turn"),
        "cut" => return Some(format!("{begin}{}{}", open(0, empty), (0..n).map(|i| text(0, &format!("w{i}"))).collect::<String>())),
        "calls" => ((0..n).map(|i| call(i) + &input(i, "{}") + &close(i)).collect(), "tool_use"),
        "calls-in-turns" => (
            (0..n).map(call).collect::<String>() + &(0..n).map(|i| input(i, "{}")).collect::<String>() + &(0..n).map(close).collect::<String>(),
            "tool_use",
        ),
        "argument-deltas" => (call(0) + &(0..n).map(|_| input(0, "{\\\"a\\\":")).collect::<String>() + &close(0), "tool_use"),
        "reasoning" => (
            (0..n)
                .map(|i| {
                    open(i, r#""type":"thinking","thinking":"","signature":"""#)
                        + &delta(i, r#""type":"thinking_delta","thinking":"t""#)
                        + &delta(i, r#""type":"signature_delta","signature":"s""#)
                        + &close(i)
                })
                .collect(),
            "end_turn",
        ),
        "mixed" => ((0..n).map(|i| open(2 * i, empty) + &text(2 * i, "w") + &close(2 * i) + &call(2 * i + 1) + &input(2 * i + 1, "{}") + &close(2 * i + 1)).collect(), "tool_use"),
        "choices" => ((0..n).map(|i| open(i, empty) + &text(i, "w") + &close(i)).collect(), "end_turn"),
        "citations" => (
            open(0, r#""type":"text","text":"","citations":[]"#)
                + &(0..n)
                    .map(|i| {
                        text(0, "w")
                            + &delta(0, &format!(r#""type":"citations_delta","citation":{{"type":"web_search_result_location","url":"https://a.b/{i}","title":"t","encrypted_index":"e","cited_text":"c"}}"#))
                    })
                    .collect::<String>()
                + &close(0),
            "end_turn",
        ),
        "members" => (open(0, empty) + &(0..n).map(|i| text(0, "w").replacen("\"index\"", &format!(r#""x_{i}":1,"index""#), 1)).collect::<String>() + &close(0), "end_turn"),
        "unknown-events" => ((0..n).map(|i| typed(&format!("unknown_{i}"), r#""x":1"#)).collect(), "end_turn"),
        "repeated-events" => ((0..n).map(|_| begin.clone() + &open(0, empty)).collect(), "end_turn"),
        "giant-text" => (open(0, empty) + &text(0, &"A word, and \\\"one\\\" more. ".repeat(n)) + &close(0), "end_turn"),
        _ => return None,
    };
    Some(begin + &middle + &end(reason))
}

fn ollama_stream(dimension: &str, n: usize) -> Option<String> {
    let line = |message: &str| {
        format!(
            "{{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"message\":{{\"role\":\"assistant\",{message}}},\"done\":false}}\n"
        )
    };
    let end = "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":2}\n";
    if let Some(deltas) = deltas(dimension, n) {
        return Some(
            deltas.iter().map(|delta| line(&format!(r#""content":"{delta}""#))).collect::<String>() + end,
        );
    }
    let call = |i: usize| {
        format!(r#"{{"id":"call_{i}","function":{{"index":{i},"name":"f","arguments":{{"a":1}}}}}}"#)
    };
    let middle = match dimension {
        "texts" => (0..n).map(|i| line(&format!(r#""content":"w{i}""#))).collect::<String>(),
        "cut" => return Some((0..n).map(|i| line(&format!(r#""content":"w{i}""#))).collect()),
        "reasoning" => (0..n).map(|i| line(&format!(r#""content":"","thinking":"w{i}""#))).collect(),
        "calls" => (0..n).map(|i| line(&format!(r#""content":"","tool_calls":[{}]"#, call(i)))).collect(),
        "calls-in-one-event" => line(&format!(r#""content":"","tool_calls":[{}]"#, list(n, call))),
        "mixed" => (0..n)
            .map(|i| {
                line(r#""content":"w","thinking":"t""#)
                    + &line(&format!(r#""content":"","tool_calls":[{}]"#, call(i)))
            })
            .collect(),
        "members" => (0..n)
            .map(|i| {
                line(&format!(r#""content":"w","x_{i}":1"#)).replacen('{', &format!(r#"{{"y_{i}":1,"#), 1)
            })
            .collect(),
        "giant-text" => line(&format!(r#""content":"{}""#, "A word, and \\\"one\\\" more. ".repeat(n))),
        _ => return None,
    };
    Some(middle + end)
}

fn generate_stream(dimension: &str, n: usize) -> Option<String> {
    let line = |text: &str| {
        format!(
            "{{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"response\":\"{text}\",\"done\":false}}\n"
        )
    };
    let end = "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"response\":\"\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":2}\n";
    if let Some(deltas) = deltas(dimension, n) {
        return Some(deltas.iter().map(|delta| line(delta)).collect::<String>() + end);
    }
    let middle = match dimension {
        "texts" => (0..n).map(|i| line(&format!("w{i}"))).collect::<String>(),
        "giant-text" => line(&"A word, and \\\"one\\\" more. ".repeat(n)),
        _ => return None,
    };
    Some(middle + end)
}

fn gemini_stream(dimension: &str, n: usize) -> Option<String> {
    let chunk = |parts: &str, more: &str| {
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{parts}],\"role\":\"model\"}},\"index\":0{more}}}],\"modelVersion\":\"m\",\"responseId\":\"r\"}}\n\n"
        )
    };
    let text = |text: &str| format!(r#"{{"text":"{text}"}}"#);
    let end = chunk(&text(""), r#","finishReason":"STOP""#);
    let call = |i: usize| {
        format!(
            r#"{{"functionCall":{{"id":"call_{i}","name":"f","args":{{"a":1}}}},"thoughtSignature":"c2ln"}}"#
        )
    };
    if let Some(deltas) = deltas(dimension, n) {
        return Some(deltas.iter().map(|delta| chunk(&text(delta), "")).collect::<String>() + &end);
    }
    let middle = match dimension {
        "texts" => (0..n).map(|i| chunk(&text(&format!("w{i}")), "")).collect::<String>(),
        "cut" => return Some((0..n).map(|i| chunk(&text(&format!("w{i}")), "")).collect()),
        "reasoning" => (0..n).map(|i| chunk(&format!(r#"{{"text":"t{i}","thought":true,"thoughtSignature":"c2ln"}}"#), "")).collect(),
        "calls" => (0..n).map(|i| chunk(&call(i), "")).collect(),
        "calls-in-one-event" => chunk(&list(n, call), ""),
        "argument-deltas" => {
            chunk(r#"{"functionCall":{"name":"f","willContinue":true}}"#, "")
                + &(0..n)
                    .map(|i| chunk(&format!(r#"{{"functionCall":{{"partialArgs":[{{"jsonPath":"$.a[{i}]","stringValue":"w"}}],"willContinue":true}}}}"#), ""))
                    .collect::<String>()
                + &chunk(r#"{"functionCall":{}}"#, "")
        }
        "calls-interleaved" => {
            chunk(r#"{"functionCall":{"name":"f","willContinue":true}}"#, "")
                + &(0..n)
                    .map(|i| chunk(&format!(r#"{{"functionCall":{{"partialArgs":[{{"jsonPath":"$.a{i}.b","stringValue":"w"}}],"willContinue":true}}}}"#), ""))
                    .collect::<String>()
                + &chunk(r#"{"functionCall":{}}"#, "")
        }
        "mixed" => (0..n).map(|i| chunk(&format!(r#"{{"text":"t","thought":true}},{{"text":"w"}},{}"#, call(i)), "")).collect(),
        "choices" => (0..n).map(|i| chunk(&text("w"), r#","finishReason":"STOP""#).replace("\"index\":0", &format!("\"index\":{i}"))).collect(),
        "citations" => (0..n)
            .map(|i| {
                chunk(
                    &text("w"),
                    &format!(
                        r#","groundingMetadata":{{"groundingChunks":[{{"web":{{"uri":"https://a.b/{i}","title":"t"}}}}],"groundingSupports":[{{"segment":{{"startIndex":0,"endIndex":1,"text":"a"}},"groundingChunkIndices":[0]}}]}}"#
                    ),
                )
            })
            .collect(),
        "members" => (0..n).map(|i| chunk(&text("w"), &format!(r#","x_{i}":1"#))).collect(),
        "giant-text" => chunk(&text(&"A word, and \\\"one\\\" more. ".repeat(n)), ""),
        _ => return None,
    };
    Some(middle + &end)
}
