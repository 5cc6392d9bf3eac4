//! Requests of every dialect that are large in one dimension.

use super::list;

/// Returns the path and body of a request with `n` elements in one dimension; `None` if the dialect lacks the dimension.
pub fn request(dialect: &str, dimension: &str, n: usize) -> Option<(&'static str, String)> {
    let body = match dialect {
        "openai-chat" => chat(dimension, n),
        "openai-completions" => completions(dimension, n),
        "openai-responses" => responses(dimension, n),
        "anthropic-messages" => anthropic(dimension, n),
        "ollama-chat" => ollama(dimension, n),
        "ollama-generate" => generate(dimension, n),
        "gemini" => gemini(dimension, n),
        _ => None,
    };
    let path = if dialect == "gemini" { "/v1beta/models/m:generateContent" } else { "" };
    Some((path, body?))
}

/// The dimensions of requests.
pub const REQUESTS: &[&str] = &[
    "messages",
    "tiny-messages",
    "one-role",
    "system-messages",
    "parts",
    "images",
    "calls",
    "calls-in-turns",
    "calls-of-one-id",
    "calls-of-one-tool",
    "calls-without-results",
    "results-without-calls",
    "results-out-of-order",
    "reasoning",
    "details",
    "mixed",
    "tools",
    "tools-of-one-name",
    "schema-width",
    "schema-choices",
    "schema-references",
    "schema-depth",
    "schema-required",
    "format-width",
    "members",
    "members-repeated",
    "members-known",
    "members-of-messages",
    "members-of-one-message",
    "stops",
    "metadata",
    "biases",
    "giant-text",
    "giant-escapes",
    "giant-arguments",
    "giant-number",
    "deep-member",
    "deep-content",
    "deep-arguments",
    "white-space",
    "signed-ids",
];

/// Returns a JSON schema that is large in one dimension.
fn schema(dimension: &str, n: usize) -> Option<String> {
    Some(match dimension {
        "schema-width" | "format-width" => format!(
            r#"{{"type":"object","properties":{{{}}},"required":[{}],"additionalProperties":false}}"#,
            list(n, |i| format!(r#""p{i}":{{"type":["string","null"],"format":"date","description":"d"}}"#)),
            list(n, |i| format!(r#""p{i}""#)),
        ),
        "schema-choices" => format!(
            r#"{{"type":"object","properties":{{"a":{{"anyOf":[{}]}},"b":{{"enum":[{}]}}}}}}"#,
            list(n, |i| format!(r#"{{"const":"c{i}"}}"#)),
            list(n, |i| format!(r#""e{i}""#)),
        ),
        "schema-references" => format!(
            r##"{{"type":"object","$defs":{{{}}},"properties":{{{}}}}}"##,
            list(n, |i| format!(r#""d{i}":{{"type":"object","properties":{{"x":{{"type":"string"}}}}}}"#)),
            list(n, |i| format!(r##""p{i}":{{"$ref":"#/$defs/d{i}"}}"##)),
        ),
        "schema-depth" => {
            let open = r#"{"type":"object","title":"t","properties":{"a":"#.repeat(n);
            format!(r#"{open}{{"type":"string"}}{}"#, "}}".repeat(n))
        }
        "schema-required" => format!(
            r#"{{"type":"object","properties":{{"a":{{"type":"string"}}}},"required":[{}],"keyword":[{}]}}"#,
            list(n, |i| format!(r#""p{i}""#)),
            list(n, |i| format!("{i}")),
        ),
        _ => return None,
    })
}

/// Returns unknown members, and known members that are repeated.
fn members(dimension: &str, n: usize) -> Option<String> {
    Some(match dimension {
        "members" => list(n, |i| format!(r#""x_{i}":{i}"#)),
        "members-repeated" => list(n, |i| format!(r#""user":"u{i}""#)),
        "members-known" => list(n, |i| {
            let known = ["temperature", "top_p", "seed", "logit_bias", "service_tier", "n"];
            format!(r#""{}":null"#, known[i % known.len()])
        }),
        "metadata" => format!(r#""metadata":{{{}}}"#, list(n, |i| format!(r#""k{i}":"v""#))),
        "biases" => format!(r#""logit_bias":{{{}}}"#, list(n, |i| format!(r#""{i}":1"#))),
        "deep-member" => format!(r#""x":{}{}"#, "[".repeat(n), "]".repeat(n)),
        "giant-number" => format!(r#""seed":{}"#, "1".repeat(n)),
        "white-space" => format!(r#""x":[{}1]"#, " ".repeat(n)),
        _ => return None,
    })
}

fn giant(dimension: &str, n: usize) -> Option<String> {
    Some(match dimension {
        "giant-text" => "A word, and one more. ".repeat(n),
        "giant-escapes" => r#"\"\n\\\u00e9\ud83d\ude00 <think> ```json {"#.repeat(n),
        _ => return None,
    })
}

fn chat(dimension: &str, n: usize) -> Option<String> {
    let body = |messages: &str| Some(format!(r#"{{"model":"m","messages":[{messages}]}}"#));
    let user = r#"{"role":"user","content":"hi"}"#;
    let call = |id: String, name: String| {
        format!(
            r#"{{"id":"{id}","type":"function","function":{{"name":"{name}","arguments":"{{\"a\":1}}"}}}}"#
        )
    };
    let result = |id: String| format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"r"}}"#);
    let assistant =
        |calls: String| format!(r#"{{"role":"assistant","content":null,"tool_calls":[{calls}]}}"#);
    if let Some(schema) = schema(dimension, n) {
        return Some(if dimension == "format-width" {
            format!(
                r#"{{"model":"m","messages":[{user}],"response_format":{{"type":"json_schema","json_schema":{{"name":"s","strict":true,"schema":{schema}}}}}}}"#
            )
        } else {
            format!(
                r#"{{"model":"m","messages":[{user}],"tools":[{{"type":"function","function":{{"name":"f","strict":true,"parameters":{schema}}}}}]}}"#
            )
        });
    }
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{"model":"m",{members},"messages":[{user}]}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return body(&format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}},{user}"#
        ));
    }
    match dimension {
        "messages" => body(&list(n, |i| {
            format!(r#"{{"role":"user","content":"u{i}"}},{{"role":"assistant","content":"a{i}"}}"#)
        })),
        "tiny-messages" => body(&list(n, |_| user.to_owned())),
        "one-role" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u{i}","name":"n"}}"#))),
        "system-messages" => body(&list(n, |i| {
            format!(
                r#"{{"role":"user","content":"u{i}"}},{{"role":"system","content":"s{i}"}},{{"role":"developer","content":"s{i}"}}"#
            )
        })),
        "parts" => body(&format!(
            r#"{{"role":"user","content":[{}]}}"#,
            list(n, |i| format!(r#"{{"type":"text","text":"p{i}"}}"#))
        )),
        "images" => body(&format!(
            r#"{{"role":"user","content":[{}]}}"#,
            list(n, |_| {
                r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"p"}"#.to_owned()
            })
        )),
        "calls" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}"), format!("f{i}")))),
            list(n, |i| result(format!("call_{i}")))
        )),
        "calls-in-turns" => body(&list(n, |i| {
            format!(
                "{user},{},{}",
                assistant(call(format!("call_{i}"), "f".into())),
                result(format!("call_{i}"))
            )
        })),
        "calls-of-one-id" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |_| call("c".into(), "f".into()))),
            list(n, |_| result("c".into()))
        )),
        "calls-of-one-tool" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}"), "f".into()))),
            list(n, |i| result(format!("call_{i}")))
        )),
        "calls-without-results" => {
            body(&format!("{user},{},{user}", assistant(list(n, |i| call(format!("call_{i}"), "f".into()))),))
        }
        "results-without-calls" => body(&list(n, |i| result(format!("call_{i}")))),
        "results-out-of-order" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}"), "f".into()))),
            list(n, |i| result(format!("call_{}", n - 1 - i)))
        )),
        "details" => body(&format!(
            r#"{user},{{"role":"assistant","content":"a","reasoning":"r","reasoning_details":[{}]}}"#,
            list(n, |i| format!(
                r#"{{"type":"reasoning.text","text":"t{i}","signature":"s{i}","format":"anthropic-claude-v1","index":{i}}}"#
            ))
        )),
        "mixed" => body(&list(n, |i| {
            format!(
                r#"{},{{"role":"assistant","content":"t{i}","reasoning_content":"r"}}"#,
                assistant(call(format!("call_{i}"), "f".into()))
            )
        })),
        "tools" | "tools-of-one-name" => Some(format!(
            r#"{{"model":"m","messages":[{user}],"tool_choice":{{"type":"function","function":{{"name":"f0"}}}},"tools":[{}]}}"#,
            list(n, |i| {
                let i = if dimension == "tools" { i } else { 0 };
                format!(
                    r#"{{"type":"function","function":{{"name":"f{i}","description":"d","parameters":{{"type":"object","properties":{{"a":{{"type":"string"}}}}}}}}}}"#
                )
            })
        )),
        "members-of-messages" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u","x_{i}":1}}"#))),
        "members-of-one-message" => body(&format!(
            r#"{{"role":"assistant","content":"u",{}}},{{"role":"user","content":[{{"type":"text","text":"t",{}}}]}}"#,
            list(n, |i| format!(r#""x_{i}":1"#)),
            list(n, |i| format!(r#""x_{i}":1"#))
        )),
        "stops" => Some(format!(
            r#"{{"model":"m","messages":[{user}],"stop":[{}]}}"#,
            list(n, |i| format!(r#""s{i}""#))
        )),
        "giant-arguments" => body(&format!(
            r#"{user},{{"role":"assistant","content":null,"tool_calls":[{{"id":"c","type":"function","function":{{"name":"f","arguments":"{{\"a\":[{}]}}"}}}}]}},{}"#,
            list(n, |_| r#"{\"b\":\"\\n\"}"#.to_owned()),
            result("c".into())
        )),
        "deep-content" => body(&format!(
            r#"{{"role":"user","content":{}{}}}"#,
            r#"[{"type":"text","text":"#.repeat(n),
            r#"}]"#.repeat(n)
        )),
        "deep-arguments" => body(&format!(
            r#"{user},{{"role":"assistant","content":null,"tool_calls":[{{"id":"c","type":"function","function":{{"name":"f","arguments":"{{\"a\":{}{}}}"}}}}]}},{}"#,
            "[".repeat(n),
            "]".repeat(n),
            result("c".into())
        )),
        "signed-ids" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}__shim_YWJj"), "f".into()))),
            list(n, |i| result(format!("call_{i}__shim_YWJj")))
        )),
        _ => None,
    }
}

fn completions(dimension: &str, n: usize) -> Option<String> {
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{"model":"m",{members},"prompt":"hi"}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return Some(format!(r#"{{"model":"m","prompt":"{text}","suffix":"{text}"}}"#));
    }
    match dimension {
        "messages" => Some(format!(r#"{{"model":"m","prompt":[{}]}}"#, list(n, |i| format!(r#""p{i}""#)))),
        "parts" => Some(format!(r#"{{"model":"m","prompt":[{}]}}"#, list(n, |i| format!("{i}")))),
        "stops" => {
            Some(format!(r#"{{"model":"m","prompt":"p","stop":[{}]}}"#, list(n, |i| format!(r#""s{i}""#))))
        }
        "deep-content" => Some(format!(r#"{{"model":"m","prompt":{}{}}}"#, "[".repeat(n), "]".repeat(n))),
        _ => None,
    }
}

fn responses(dimension: &str, n: usize) -> Option<String> {
    let body = |items: &str| Some(format!(r#"{{"model":"m","input":[{items}]}}"#));
    let user = r#"{"role":"user","content":"hi"}"#;
    let call = |id: String, name: String| {
        format!(r#"{{"type":"function_call","call_id":"{id}","name":"{name}","arguments":"{{\"a\":1}}"}}"#)
    };
    let result = |id: String| format!(r#"{{"type":"function_call_output","call_id":"{id}","output":"r"}}"#);
    if let Some(schema) = schema(dimension, n) {
        return Some(if dimension == "format-width" {
            format!(
                r#"{{"model":"m","input":"hi","text":{{"format":{{"type":"json_schema","name":"s","strict":true,"schema":{schema}}}}}}}"#
            )
        } else {
            format!(
                r#"{{"model":"m","input":"hi","tools":[{{"type":"function","name":"f","strict":true,"parameters":{schema}}}]}}"#
            )
        });
    }
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{"model":"m",{members},"input":"hi"}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return body(&format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}},{user}"#
        ));
    }
    match dimension {
        "messages" => body(&list(n, |i| {
            format!(r#"{{"role":"user","content":"u{i}"}},{{"role":"assistant","content":"a{i}"}}"#)
        })),
        "tiny-messages" => body(&list(n, |_| user.to_owned())),
        "one-role" => body(&list(n, |i| {
            format!(
                r#"{{"type":"message","role":"assistant","id":"msg_{i}","status":"completed","content":[{{"type":"output_text","text":"t{i}","annotations":[]}}]}}"#
            )
        })),
        "system-messages" => body(&list(n, |i| {
            format!(
                r#"{{"role":"user","content":"u{i}"}},{{"role":"system","content":"s{i}"}},{{"role":"developer","content":"s{i}"}}"#
            )
        })),
        "parts" => body(&format!(
            r#"{{"role":"user","content":[{}]}}"#,
            list(n, |i| format!(r#"{{"type":"input_text","text":"p{i}"}}"#))
        )),
        "images" => body(&format!(
            r#"{{"role":"user","content":[{}]}}"#,
            list(n, |_| {
                r#"{"type":"input_image","image_url":"data:image/png;base64,AAAA"},{"type":"input_text","text":"p"}"#.to_owned()
            })
        )),
        "calls" => body(&format!(
            "{user},{},{}",
            list(n, |i| call(format!("call_{i}"), format!("f{i}"))),
            list(n, |i| result(format!("call_{i}")))
        )),
        "calls-in-turns" => body(&list(n, |i| {
            format!("{user},{},{}", call(format!("call_{i}"), "f".into()), result(format!("call_{i}")))
        })),
        "calls-of-one-id" => body(&format!(
            "{user},{},{}",
            list(n, |_| call("c".into(), "f".into())),
            list(n, |_| result("c".into()))
        )),
        "calls-of-one-tool" => body(&format!(
            "{user},{},{}",
            list(n, |i| call(format!("call_{i}"), "f".into())),
            list(n, |i| result(format!("call_{i}")))
        )),
        "calls-without-results" => body(&list(n, |i| call(format!("call_{i}"), "f".into()))),
        "results-without-calls" => body(&list(n, |i| result(format!("call_{i}")))),
        "results-out-of-order" => body(&format!(
            "{user},{},{}",
            list(n, |i| call(format!("call_{i}"), "f".into())),
            list(n, |i| result(format!("call_{}", n - 1 - i)))
        )),
        "reasoning" => body(&list(n, |i| {
            format!(
                r#"{{"type":"reasoning","id":"rs_{i}","summary":[{{"type":"summary_text","text":"t{i}"}}],"encrypted_content":"e{i}"}}"#
            )
        })),
        "details" => body(&format!(
            r#"{{"type":"reasoning","id":"rs","summary":[{}]}},{{"role":"assistant","content":"a"}}"#,
            list(n, |i| format!(r#"{{"type":"summary_text","text":"t{i}"}}"#))
        )),
        "mixed" => body(&list(n, |i| {
            format!(
                r#"{{"type":"reasoning","id":"rs_{i}","summary":[]}},{{"type":"message","role":"assistant","id":"msg_{i}","content":[{{"type":"output_text","text":"t{i}"}}]}},{}"#,
                call(format!("call_{i}"), "f".into())
            )
        })),
        "tools" | "tools-of-one-name" => Some(format!(
            r#"{{"model":"m","input":"hi","tool_choice":{{"type":"function","name":"f0"}},"tools":[{}]}}"#,
            list(n, |i| {
                let i = if dimension == "tools" { i } else { 0 };
                format!(
                    r#"{{"type":"function","name":"f{i}","description":"d","parameters":{{"type":"object","properties":{{"a":{{"type":"string"}}}}}}}}"#
                )
            })
        )),
        "members-of-messages" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u","x_{i}":1}}"#))),
        "members-of-one-message" => body(&format!(
            r#"{{"role":"assistant","content":"u",{}}},{{"role":"user","content":[{{"type":"input_text","text":"t",{}}}]}}"#,
            list(n, |i| format!(r#""x_{i}":1"#)),
            list(n, |i| format!(r#""x_{i}":1"#))
        )),
        "giant-arguments" => body(&format!(
            r#"{user},{{"type":"function_call","call_id":"c","name":"f","arguments":"{{\"a\":[{}]}}"}},{}"#,
            list(n, |_| r#"{\"b\":\"\\n\"}"#.to_owned()),
            result("c".into())
        )),
        "deep-content" => body(&format!(
            r#"{{"role":"user","content":{}{}}}"#,
            r#"[{"type":"input_text","text":"#.repeat(n),
            r#"}]"#.repeat(n)
        )),
        "deep-arguments" => body(&format!(
            r#"{user},{{"type":"function_call","call_id":"c","name":"f","arguments":"{{\"a\":{}{}}}"}},{}"#,
            "[".repeat(n),
            "]".repeat(n),
            result("c".into())
        )),
        _ => None,
    }
}

fn anthropic(dimension: &str, n: usize) -> Option<String> {
    let body = |messages: &str| Some(format!(r#"{{"model":"m","max_tokens":9,"messages":[{messages}]}}"#));
    let user = r#"{"role":"user","content":"hi"}"#;
    let call = |id: String, name: String| {
        format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{{"a":1}}}}"#)
    };
    let result = |id: String| format!(r#"{{"type":"tool_result","tool_use_id":"{id}","content":"r"}}"#);
    let assistant = |blocks: String| format!(r#"{{"role":"assistant","content":[{blocks}]}}"#);
    let user_message = |blocks: String| format!(r#"{{"role":"user","content":[{blocks}]}}"#);
    if let Some(schema) = schema(dimension, n) {
        return Some(if dimension == "format-width" {
            format!(
                r#"{{"model":"m","max_tokens":9,"messages":[{user}],"output_config":{{"format":{{"type":"json_schema","schema":{schema}}}}}}}"#
            )
        } else {
            format!(
                r#"{{"model":"m","max_tokens":9,"messages":[{user}],"tools":[{{"name":"f","input_schema":{schema}}}]}}"#
            )
        });
    }
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{"model":"m","max_tokens":9,{members},"messages":[{user}]}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return body(&format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}},{user}"#
        ));
    }
    match dimension {
        "messages" => body(&list(n, |i| {
            format!(r#"{{"role":"user","content":"u{i}"}},{{"role":"assistant","content":"a{i}"}}"#)
        })),
        "tiny-messages" => body(&list(n, |_| user.to_owned())),
        "one-role" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u{i}"}}"#))),
        "system-messages" => Some(format!(
            r#"{{"model":"m","max_tokens":9,"system":[{}],"messages":[{}]}}"#,
            list(n, |i| format!(r#"{{"type":"text","text":"s{i}"}}"#)),
            list(n, |i| format!(
                r#"{{"role":"user","content":"u{i}"}},{{"role":"system","content":"s{i}"}}"#
            ))
        )),
        "parts" => body(&user_message(list(n, |i| format!(r#"{{"type":"text","text":"p{i}"}}"#)))),
        "images" => body(&user_message(list(n, |_| {
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"text","text":"p"}"#.to_owned()
        }))),
        "calls" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}"), format!("f{i}")))),
            user_message(list(n, |i| result(format!("call_{i}"))))
        )),
        "calls-in-turns" => body(&list(n, |i| {
            format!(
                "{},{}",
                assistant(call(format!("call_{i}"), "f".into())),
                user_message(result(format!("call_{i}")))
            )
        })),
        "calls-of-one-id" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |_| call("c".into(), "f".into()))),
            user_message(list(n, |_| result("c".into())))
        )),
        "calls-of-one-tool" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}"), "f".into()))),
            user_message(list(n, |i| result(format!("call_{i}"))))
        )),
        "calls-without-results" => {
            body(&format!("{user},{},{user}", assistant(list(n, |i| call(format!("call_{i}"), "f".into())))))
        }
        "results-without-calls" => body(&user_message(list(n, |i| result(format!("call_{i}"))))),
        "results-out-of-order" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}"), "f".into()))),
            user_message(list(n, |i| result(format!("call_{}", n - 1 - i))))
        )),
        "reasoning" => body(&format!(
            "{user},{}",
            assistant(list(n, |i| format!(
                r#"{{"type":"thinking","thinking":"t{i}","signature":"s{i}"}},{{"type":"redacted_thinking","data":"d{i}"}}"#
            )))
        )),
        "mixed" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| format!(
                r#"{{"type":"thinking","thinking":"t{i}","signature":"s"}},{{"type":"text","text":"t{i}"}},{}"#,
                call(format!("call_{i}"), "f".into())
            ))),
            user_message(list(n, |i| format!(
                r#"{},{{"type":"text","text":"t{i}"}}"#,
                result(format!("call_{i}"))
            )))
        )),
        "tools" | "tools-of-one-name" => Some(format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{user}],"tool_choice":{{"type":"tool","name":"f0"}},"tools":[{}]}}"#,
            list(n, |i| {
                let i = if dimension == "tools" { i } else { 0 };
                format!(
                    r#"{{"name":"f{i}","description":"d","input_schema":{{"type":"object","properties":{{"a":{{"type":"string"}}}}}}}}"#
                )
            })
        )),
        "members-of-messages" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u","x_{i}":1}}"#))),
        "members-of-one-message" => body(&format!(
            r#"{{"role":"assistant","content":"u",{}}},{{"role":"user","content":[{{"type":"text","text":"t",{}}}]}}"#,
            list(n, |i| format!(r#""x_{i}":1"#)),
            list(n, |i| format!(r#""x_{i}":1"#))
        )),
        "stops" => Some(format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{user}],"stop_sequences":[{}]}}"#,
            list(n, |i| format!(r#""s{i}""#))
        )),
        "giant-arguments" => body(&format!(
            r#"{user},{{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"f","input":{{"a":[{}]}}}}]}},{}"#,
            list(n, |_| r#"{"b":"\n"}"#.to_owned()),
            user_message(result("c".into()))
        )),
        "deep-content" => body(&format!(
            r#"{{"role":"user","content":{}{}}}"#,
            r#"[{"type":"tool_result","tool_use_id":"c","content":"#.repeat(n),
            r#"}]"#.repeat(n).replacen("}]", r#""r"}]"#, 1)
        )),
        "deep-arguments" => body(&format!(
            r#"{user},{{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"f","input":{{"a":{}{}}}}}]}},{}"#,
            "[".repeat(n),
            "]".repeat(n),
            user_message(result("c".into()))
        )),
        "signed-ids" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("call_{i}__shim_YWJj"), "f".into()))),
            user_message(list(n, |i| result(format!("call_{i}__shim_YWJj"))))
        )),
        _ => None,
    }
}

fn ollama(dimension: &str, n: usize) -> Option<String> {
    let body = |messages: &str| Some(format!(r#"{{"model":"m","messages":[{messages}]}}"#));
    let user = r#"{"role":"user","content":"hi"}"#;
    let call = |name: String| format!(r#"{{"function":{{"name":"{name}","arguments":{{"a":1}}}}}}"#);
    let result = |name: String| format!(r#"{{"role":"tool","tool_name":"{name}","content":"r"}}"#);
    let assistant = |calls: String| format!(r#"{{"role":"assistant","content":"","tool_calls":[{calls}]}}"#);
    if let Some(schema) = schema(dimension, n) {
        return Some(if dimension == "format-width" {
            format!(r#"{{"model":"m","messages":[{user}],"format":{schema}}}"#)
        } else {
            format!(
                r#"{{"model":"m","messages":[{user}],"tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}"#
            )
        });
    }
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{"model":"m",{members},"messages":[{user}],"options":{{{members}}}}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return body(&format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}","thinking":"{text}"}},{user}"#
        ));
    }
    match dimension {
        "messages" => body(&list(n, |i| {
            format!(
                r#"{{"role":"user","content":"u{i}"}},{{"role":"assistant","content":"a{i}","thinking":"t"}}"#
            )
        })),
        "tiny-messages" => body(&list(n, |_| user.to_owned())),
        "one-role" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u{i}"}}"#))),
        "system-messages" => body(&list(n, |i| {
            format!(r#"{{"role":"user","content":"u{i}"}},{{"role":"system","content":"s{i}"}}"#)
        })),
        "images" => body(&format!(
            r#"{{"role":"user","content":"c","images":[{}]}}"#,
            list(n, |_| "\"iVBORw0KGgo=\"".to_owned())
        )),
        "calls" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("f{i}")))),
            list(n, |i| result(format!("f{i}")))
        )),
        "calls-in-turns" => {
            body(&list(n, |_| format!("{user},{},{}", assistant(call("f".into())), result("f".into()))))
        }
        "calls-of-one-tool" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |_| call("f".into()))),
            list(n, |_| result("f".into()))
        )),
        "calls-without-results" => {
            body(&format!("{user},{},{user}", assistant(list(n, |_| call("f".into())))))
        }
        "results-without-calls" => body(&list(n, |i| result(format!("f{i}")))),
        "results-out-of-order" => body(&format!(
            "{user},{},{}",
            assistant(list(n, |i| call(format!("f{i}")))),
            list(n, |i| result(format!("f{}", n - 1 - i)))
        )),
        "tools" | "tools-of-one-name" => Some(format!(
            r#"{{"model":"m","messages":[{user}],"tools":[{}]}}"#,
            list(n, |i| {
                let i = if dimension == "tools" { i } else { 0 };
                format!(
                    r#"{{"type":"function","function":{{"name":"f{i}","description":"d","parameters":{{"type":"object","properties":{{"a":{{"type":"string"}}}}}}}}}}"#
                )
            })
        )),
        "members-of-messages" => body(&list(n, |i| format!(r#"{{"role":"user","content":"u","x_{i}":1}}"#))),
        "members-of-one-message" => {
            body(&format!(r#"{{"role":"user","content":"u",{}}}"#, list(n, |i| format!(r#""x_{i}":1"#))))
        }
        "stops" => Some(format!(
            r#"{{"model":"m","messages":[{user}],"options":{{"stop":[{}]}}}}"#,
            list(n, |i| format!(r#""s{i}""#))
        )),
        "giant-arguments" => body(&format!(
            r#"{user},{{"role":"assistant","content":"","tool_calls":[{{"function":{{"name":"f","arguments":{{"a":[{}]}}}}}}]}},{}"#,
            list(n, |_| r#"{"b":"\n"}"#.to_owned()),
            result("f".into())
        )),
        "deep-arguments" => body(&format!(
            r#"{user},{{"role":"assistant","content":"","tool_calls":[{{"function":{{"name":"f","arguments":{{"a":{}{}}}}}}}]}},{}"#,
            "[".repeat(n),
            "]".repeat(n),
            result("f".into())
        )),
        _ => None,
    }
}

fn generate(dimension: &str, n: usize) -> Option<String> {
    if dimension == "format-width" {
        return Some(format!(r#"{{"model":"m","prompt":"hi","format":{}}}"#, schema(dimension, n)?));
    }
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{"model":"m",{members},"prompt":"hi","options":{{{members}}}}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return Some(format!(r#"{{"model":"m","prompt":"{text}","system":"{text}","suffix":"{text}"}}"#));
    }
    match dimension {
        "images" => Some(format!(
            r#"{{"model":"m","prompt":"c","images":[{}]}}"#,
            list(n, |_| "\"iVBORw0KGgo=\"".to_owned())
        )),
        "parts" => {
            Some(format!(r#"{{"model":"m","prompt":"c","context":[{}]}}"#, list(n, |i| format!("{i}"))))
        }
        "stops" => Some(format!(
            r#"{{"model":"m","prompt":"c","options":{{"stop":[{}]}}}}"#,
            list(n, |i| format!(r#""s{i}""#))
        )),
        _ => None,
    }
}

fn gemini(dimension: &str, n: usize) -> Option<String> {
    let body = |contents: &str| Some(format!(r#"{{"contents":[{contents}]}}"#));
    let user = r#"{"role":"user","parts":[{"text":"hi"}]}"#;
    let call = |name: String| {
        format!(r#"{{"functionCall":{{"name":"{name}","args":{{"a":1}}}},"thoughtSignature":"c2ln"}}"#)
    };
    let result = |name: String| format!(r#"{{"functionResponse":{{"name":"{name}","response":{{"r":1}}}}}}"#);
    let model = |parts: String| format!(r#"{{"role":"model","parts":[{parts}]}}"#);
    let user_message = |parts: String| format!(r#"{{"role":"user","parts":[{parts}]}}"#);
    if let Some(schema) = schema(dimension, n) {
        return Some(if dimension == "format-width" {
            format!(
                r#"{{"contents":[{user}],"generationConfig":{{"responseMimeType":"application/json","responseSchema":{schema}}}}}"#
            )
        } else {
            let openapi = schema.replace("\"string\"", "\"STRING\"").replace("\"object\"", "\"OBJECT\"");
            format!(
                r#"{{"contents":[{user}],"tools":[{{"functionDeclarations":[{{"name":"f","parameters":{openapi}}},{{"name":"g","parametersJsonSchema":{schema}}}]}}]}}"#
            )
        });
    }
    if let Some(members) = members(dimension, n) {
        return Some(format!(r#"{{{members},"contents":[{user}],"generationConfig":{{{members}}}}}"#));
    }
    if let Some(text) = giant(dimension, n) {
        return body(&format!(
            "{},{},{user}",
            user_message(format!(r#"{{"text":"{text}"}}"#)),
            model(format!(r#"{{"text":"{text}"}}"#))
        ));
    }
    match dimension {
        "messages" => body(&list(n, |i| {
            format!(
                "{},{}",
                user_message(format!(r#"{{"text":"u{i}"}}"#)),
                model(format!(r#"{{"text":"a{i}"}}"#))
            )
        })),
        "tiny-messages" => body(&list(n, |_| user.to_owned())),
        "one-role" => body(&list(n, |i| model(format!(r#"{{"text":"a{i}"}}"#)))),
        "system-messages" => Some(format!(
            r#"{{"contents":[{}],"systemInstruction":{{"parts":[{}]}}}}"#,
            list(n, |i| format!(r#"{user},{{"role":"system","parts":[{{"text":"s{i}"}}]}}"#)),
            list(n, |i| format!(r#"{{"text":"s{i}"}}"#))
        )),
        "parts" => body(&user_message(list(n, |i| format!(r#"{{"text":"p{i}"}}"#)))),
        "images" => body(&user_message(list(n, |_| {
            r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"text":"p"}"#.to_owned()
        }))),
        "calls" => body(&format!(
            "{user},{},{}",
            model(list(n, |i| call(format!("f{i}")))),
            user_message(list(n, |i| result(format!("f{i}"))))
        )),
        "calls-in-turns" => body(&list(n, |_| {
            format!("{user},{},{}", model(call("f".into())), user_message(result("f".into())))
        })),
        "calls-of-one-tool" => body(&format!(
            "{user},{},{}",
            model(list(n, |_| call("f".into()))),
            user_message(list(n, |_| result("f".into())))
        )),
        "calls-without-results" => body(&format!("{user},{},{user}", model(list(n, |_| call("f".into()))))),
        "results-without-calls" => body(&user_message(list(n, |i| result(format!("f{i}"))))),
        "results-out-of-order" => body(&format!(
            "{user},{},{}",
            model(list(n, |i| call(format!("f{i}")))),
            user_message(list(n, |i| result(format!("f{}", n - 1 - i))))
        )),
        "reasoning" => body(&format!(
            "{user},{}",
            model(list(n, |i| format!(r#"{{"text":"t{i}","thought":true,"thoughtSignature":"c2ln"}}"#)))
        )),
        "mixed" => body(&format!(
            "{user},{}",
            model(list(n, |i| format!(
                r#"{{"text":"t{i}","thought":true}},{{"text":"a{i}","thoughtSignature":"c2ln"}},{},{{"executableCode":{{"language":"PYTHON","code":"1"}}}}"#,
                call(format!("f{i}"))
            )))
        )),
        "tools" | "tools-of-one-name" => Some(format!(
            r#"{{"contents":[{user}],"toolConfig":{{"functionCallingConfig":{{"mode":"ANY","allowedFunctionNames":[{}]}}}},"tools":[{{"functionDeclarations":[{}]}}]}}"#,
            list(n, |i| format!(r#""f{i}""#)),
            list(n, |i| {
                let i = if dimension == "tools" { i } else { 0 };
                format!(
                    r#"{{"name":"f{i}","description":"d","parameters":{{"type":"OBJECT","properties":{{"a":{{"type":"STRING"}}}}}}}}"#
                )
            })
        )),
        "members-of-messages" => {
            body(&list(n, |i| format!(r#"{{"role":"user","parts":[{{"text":"hi","x_{i}":1}}],"x_{i}":1}}"#)))
        }
        "members-of-one-message" => body(&format!(
            r#"{{"role":"user","parts":[{{"text":"hi",{}}}],{}}}"#,
            list(n, |i| format!(r#""x_{i}":1"#)),
            list(n, |i| format!(r#""x_{i}":1"#))
        )),
        "stops" => Some(format!(
            r#"{{"contents":[{user}],"generationConfig":{{"stopSequences":[{}]}}}}"#,
            list(n, |i| format!(r#""s{i}""#))
        )),
        "giant-arguments" => body(&format!(
            r#"{user},{},{}"#,
            model(format!(
                r#"{{"functionCall":{{"name":"f","args":{{"a":[{}]}}}}}}"#,
                list(n, |_| r#"{"b":"\n"}"#.to_owned())
            )),
            user_message(result("f".into()))
        )),
        "deep-arguments" => body(&format!(
            r#"{user},{},{}"#,
            model(format!(
                r#"{{"functionCall":{{"name":"f","args":{{"a":{}{}}}}}}}"#,
                "[".repeat(n),
                "]".repeat(n)
            )),
            user_message(result("f".into()))
        )),
        _ => None,
    }
}
