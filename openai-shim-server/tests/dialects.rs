//! Every dialect of clients in front of every dialect of upstreams, over real sockets; and the routes that come with them.

mod support;

mod spoken;

use openai_shim_core::canonical::Event;
use openai_shim_core::{Diagnostics, dialect};
use serde_json::{Value, json};
use support::{Answer, Running, Script, Scripted, Step};

/// One dialect, as its own upstream would speak it and as its own client asks: by hand, or as it speaks itself
/// (`spoken.rs`).
struct Spoken {
    name: &'static str,
    path: &'static str,
    streamed: &'static str,
    ask: Ask,
    /// A whole answer: text, and a call.
    text: &'static str,
    call: &'static str,
    /// A stream that says `Hel`, `lo`, and ends.
    stream: Vec<&'static str>,
    content_type: &'static str,
    error: &'static str,
    /// What a client reads: the text of a whole answer, and the name of the tool it calls.
    read: Read,
    /// Every text that a stream says, and whether it is complete.
    said: Box<dyn Fn(&str) -> String + Send + Sync>,
    complete: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// The message of an error.
    message: Box<dyn Fn(&Value) -> String + Send + Sync>,
    tools: bool,
}

type Ask = Box<dyn Fn(bool, bool) -> Value + Send + Sync>;
type Read = Box<dyn Fn(&Value) -> (String, String) + Send + Sync>;

/// Every dialect of the registry.
fn all() -> &'static [Spoken] {
    static ALL: std::sync::LazyLock<Vec<Spoken>> = std::sync::LazyLock::new(|| {
        let mut by_hand = by_hand();
        let dialects = openai_shim_core::dialect::DIALECTS.iter().copied();
        dialects
            .map(|dialect| match by_hand.iter().position(|spoken| spoken.name == dialect.name()) {
                Some(at) => by_hand.swap_remove(at),
                None => spoken::by_itself(dialect),
            })
            .collect()
    });
    &ALL
}

const PARAMETERS: &str = r#"{"type":"object","properties":{"city":{"type":"string"}}}"#;

fn parameters() -> Value {
    serde_json::from_str(PARAMETERS).unwrap()
}

fn with_tools(mut body: Value, tools: bool, list: Value) -> Value {
    if tools {
        body["tools"] = list;
    }
    body
}

fn string_or_json(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn by_hand() -> Vec<Spoken> {
    vec![
        Spoken {
            name: "openai-chat",
            path: "/v1/chat/completions",
            streamed: "/v1/chat/completions",
            ask: Box::new(|stream, tools| {
                let body =
                    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
                let list = json!([{"type": "function", "function": {"name": "weather", "parameters": parameters()}}]);
                with_tools(body, tools, list)
            }),
            text: r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
            call: r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
            stream: vec![
                "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"finish_reason\":null}]}\n\n",
                "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":null}]}\n\n",
                "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            ],
            content_type: "text/event-stream",
            error: r#"{"error":{"message":"No key.","type":"authentication_error","param":null,"code":"invalid_api_key"}}"#,
            read: Box::new(|answer| {
                let message = &answer["choices"][0]["message"];
                (
                    string_or_json(&message["content"]),
                    string_or_json(&message["tool_calls"][0]["function"]["name"]),
                )
            }),
            said: Box::new(|body| {
                by_line(body, |event| string_or_json(&event["choices"][0]["delta"]["content"]))
            }),
            complete: Box::new(|body| body.contains("data: [DONE]")),
            message: Box::new(|body| {
                string_or_json(&body.pointer("/error/message").cloned().unwrap_or_default())
            }),
            tools: true,
        },
        Spoken {
            name: "openai-completions",
            path: "/v1/completions",
            streamed: "/v1/completions",
            ask: Box::new(|stream, _| json!({"model": "m", "stream": stream, "prompt": "hi"})),
            text: r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"Hello","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
            call: "",
            stream: vec![
                "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"text\":\"Hel\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]}\n\n",
                "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"text\":\"lo\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]}\n\n",
                "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            ],
            content_type: "text/event-stream",
            error: r#"{"error":{"message":"No key.","type":"authentication_error","param":null,"code":"invalid_api_key"}}"#,
            read: Box::new(|answer| (string_or_json(&answer["choices"][0]["text"]), String::new())),
            said: Box::new(|body| by_line(body, |event| string_or_json(&event["choices"][0]["text"]))),
            complete: Box::new(|body| body.contains("data: [DONE]")),
            message: Box::new(|body| {
                string_or_json(&body.pointer("/error/message").cloned().unwrap_or_default())
            }),
            tools: false,
        },
        Spoken {
            name: "openai-responses",
            path: "/v1/responses",
            streamed: "/v1/responses",
            ask: Box::new(|stream, tools| {
                let body = json!({"model": "m", "stream": stream, "input": "hi"});
                let list = json!([{"type": "function", "name": "weather", "parameters": parameters(), "strict": false}]);
                with_tools(body, tools, list)
            }),
            text: r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[]}]}],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":5}}"#,
            call: r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"fc_1","type":"function_call","call_id":"call_1","name":"weather","arguments":"{\"city\":\"Oslo\"}","status":"completed"}],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":5}}"#,
            stream: vec![
                "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"in_progress\",\"model\":\"m\",\"output\":[]}}\n\nevent: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"in_progress\",\"content\":[]}}\n\nevent: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hel\"}\n\n",
                "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"lo\"}\n\n",
                "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"sequence_number\":5,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"text\":\"Hello\"}\n\nevent: response.content_part.done\ndata: {\"type\":\"response.content_part.done\",\"sequence_number\":6,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"Hello\",\"annotations\":[]}}\n\nevent: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"sequence_number\":7,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hello\",\"annotations\":[]}]}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":8,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"completed\",\"model\":\"m\",\"output\":[{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hello\",\"annotations\":[]}]}],\"usage\":{\"input_tokens\":3,\"output_tokens\":2,\"total_tokens\":5}}}\n\n",
            ],
            content_type: "text/event-stream",
            error: r#"{"error":{"message":"No key.","type":"authentication_error","param":null,"code":"invalid_api_key"}}"#,
            read: Box::new(|answer| {
                let item = &answer["output"][0];
                (string_or_json(&item["content"][0]["text"]), string_or_json(&item["name"]))
            }),
            said: Box::new(|body| {
                by_line(body, |event| {
                    if event["type"] == "response.output_text.delta" {
                        string_or_json(&event["delta"])
                    } else {
                        String::new()
                    }
                })
            }),
            complete: Box::new(|body| body.contains("event: response.completed")),
            message: Box::new(|body| {
                string_or_json(&body.pointer("/error/message").cloned().unwrap_or_default())
            }),
            tools: true,
        },
        Spoken {
            name: "anthropic-messages",
            path: "/v1/messages",
            streamed: "/v1/messages",
            ask: Box::new(|stream, tools| {
                let body = json!({"model": "m", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
                with_tools(body, tools, json!([{"name": "weather", "input_schema": parameters()}]))
            }),
            text: r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#,
            call: r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"call_1","name":"weather","input":{"city":"Oslo"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#,
            stream: vec![
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n",
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n",
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            ],
            content_type: "text/event-stream",
            error: r#"{"type":"error","error":{"type":"authentication_error","message":"No key."}}"#,
            read: Box::new(|answer| {
                let block = &answer["content"][0];
                (string_or_json(&block["text"]), string_or_json(&block["name"]))
            }),
            said: Box::new(|body| by_line(body, |event| string_or_json(&event["delta"]["text"]))),
            complete: Box::new(|body| body.contains("event: message_stop")),
            message: Box::new(|body| {
                string_or_json(&body.pointer("/error/message").cloned().unwrap_or_default())
            }),
            tools: true,
        },
        Spoken {
            name: "ollama-chat",
            path: "/api/chat",
            streamed: "/api/chat",
            ask: Box::new(|stream, tools| {
                let body =
                    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
                let list = json!([{"type": "function", "function": {"name": "weather", "description": "", "parameters": parameters()}}]);
                with_tools(body, tools, list)
            }),
            text: r#"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"Hello"},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#,
            call: r#"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"weather","arguments":{"city":"Oslo"}}}]},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#,
            stream: vec![
                "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n",
                "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}\n",
                "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n",
            ],
            content_type: "application/x-ndjson",
            error: r#"{"error":"No key."}"#,
            read: Box::new(|answer| {
                let message = &answer["message"];
                (
                    string_or_json(&message["content"]),
                    string_or_json(&message["tool_calls"][0]["function"]["name"]),
                )
            }),
            said: Box::new(|body| by_line(body, |event| string_or_json(&event["message"]["content"]))),
            complete: Box::new(|body| body.contains("\"done\":true")),
            message: Box::new(|body| string_or_json(&body.pointer("/error").cloned().unwrap_or_default())),
            tools: true,
        },
        Spoken {
            name: "ollama-generate",
            path: "/api/generate",
            streamed: "/api/generate",
            ask: Box::new(|stream, _| json!({"model": "m", "stream": stream, "prompt": "hi"})),
            text: r#"{"model":"m","created_at":"2025-01-01T00:00:00Z","response":"Hello","done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#,
            call: "",
            stream: vec![
                "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"response\":\"Hel\",\"done\":false}\n",
                "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"response\":\"lo\",\"done\":false}\n",
                "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"response\":\"\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n",
            ],
            content_type: "application/x-ndjson",
            error: r#"{"error":"No key."}"#,
            read: Box::new(|answer| (string_or_json(&answer["response"]), String::new())),
            said: Box::new(|body| by_line(body, |event| string_or_json(&event["response"]))),
            complete: Box::new(|body| body.contains("\"done\":true")),
            message: Box::new(|body| string_or_json(&body.pointer("/error").cloned().unwrap_or_default())),
            tools: false,
        },
        Spoken {
            name: "gemini",
            path: "/v1beta/models/m:generateContent",
            streamed: "/v1beta/models/m:streamGenerateContent?alt=sse",
            ask: Box::new(|_, tools| {
                let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
                let list =
                    json!([{"functionDeclarations": [{"name": "weather", "parameters": parameters()}]}]);
                with_tools(body, tools, list)
            }),
            text: r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5},"modelVersion":"m","responseId":"r1"}"#,
            call: r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","args":{"city":"Oslo"}}}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5},"modelVersion":"m","responseId":"r1"}"#,
            stream: vec![
                "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hel\"}]},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n",
                "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"lo\"}]},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n",
                "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,\"totalTokenCount\":5},\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n",
            ],
            content_type: "text/event-stream",
            error: r#"{"error":{"code":401,"message":"No key.","status":"UNAUTHENTICATED"}}"#,
            read: Box::new(|answer| {
                let part = &answer["candidates"][0]["content"]["parts"][0];
                (string_or_json(&part["text"]), string_or_json(&part["functionCall"]["name"]))
            }),
            said: Box::new(|body| {
                by_line(body, |event| string_or_json(&event["candidates"][0]["content"]["parts"][0]["text"]))
            }),
            complete: Box::new(|body| body.contains("\"finishReason\":\"STOP\"")),
            message: Box::new(|body| {
                string_or_json(&body.pointer("/error/message").cloned().unwrap_or_default())
            }),
            tools: true,
        },
    ]
}

async fn between(
    client: &Spoken,
    upstream: &Spoken,
    script: Script,
    stream: bool,
    tools: bool,
) -> (Answer, Scripted) {
    let scripted = Scripted::start(vec![script]).await;
    let more = format!("dialect = \"{}\"\n[retry]\nattempts = 1\n", upstream.name);
    let shim = Running::before(&scripted, &more).await;
    let path = if stream { client.streamed } else { client.path };
    let answer = Answer::of(shim.post(path, &(client.ask)(stream, tools).to_string()).await).await;
    (answer, scripted)
}

/// The texts of the events, or lines, of a stream.
fn by_line(body: &str, text: fn(&Value) -> String) -> String {
    let lines = body.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    lines.filter_map(|line| serde_json::from_str(line).ok()).map(|event| text(&event)).collect()
}

#[tokio::test]
async fn whole_answers_pass_between_all_dialects() {
    for client in all() {
        for upstream in all() {
            let what = format!("{} in front of {}", client.name, upstream.name);
            let (answer, _) = between(client, upstream, Script::json(upstream.text), false, false).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            assert_eq!((client.read)(&answer.json()).0, "Hello", "{what}: {}", answer.body);
            assert_eq!(answer.header("x-openai-shim-outcome"), "complete", "{what}");
        }
    }
}

#[tokio::test]
async fn streams_pass_between_all_dialects() {
    for client in all() {
        for upstream in all() {
            let what = format!("{} in front of {}", client.name, upstream.name);
            let script =
                upstream.stream.iter().fold(Script::stream_as(upstream.content_type), Script::chunk).end();
            let (answer, _) = between(client, upstream, script, true, false).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            assert!(answer.header("content-type").starts_with(client.content_type), "{what}");
            assert_eq!((client.said)(&answer.body), "Hello", "{what}: {}", answer.body);
            assert!((client.complete)(&answer.body), "{what}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn tools_are_offered_and_called_between_all_dialects_that_have_them() {
    for client in all().iter().filter(|spoken| spoken.tools) {
        for upstream in all().iter().filter(|spoken| spoken.tools) {
            let what = format!("{} in front of {}", client.name, upstream.name);
            let (answer, scripted) =
                between(client, upstream, Script::json(upstream.call), false, true).await;
            assert_eq!((client.read)(&answer.json()).1, "weather", "{what}: {}", answer.body);
            assert!(answer.body.contains("Oslo"), "{what}: {}", answer.body);
            let (body, diagnostics) = (scripted.body(0).to_string(), &mut Diagnostics::default());
            let path = upstream.path.split_once("/v1").map_or(upstream.path, |(_, path)| path);
            let sent = dialect(upstream.name)
                .unwrap()
                .decode_request(path, &bytes::Bytes::copy_from_slice(body.as_bytes()), diagnostics)
                .unwrap();
            assert_eq!(sent.tools[0].name(), Some("weather"), "{what}: {body}");
            assert!(body.contains("\"city\""), "{what}: {body}");
        }
    }
}

#[tokio::test]
async fn errors_keep_their_status_and_words_between_all_dialects() {
    for client in all() {
        for upstream in all() {
            for stream in [false, true] {
                let what = format!("{} in front of {}, stream: {stream}", client.name, upstream.name);
                let script = Script::whole(401, "application/json", upstream.error);
                let (answer, _) = between(client, upstream, script, stream, false).await;
                assert_eq!(answer.status, 401, "{what}: {}", answer.body);
                let message = (client.message)(&answer.json());
                assert!(message.contains("No key."), "{what}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_never_ends_well_in_any_dialect() {
    for client in all() {
        for upstream in all() {
            let what = format!("{} in front of {}", client.name, upstream.name);
            let script = Script::stream_as(upstream.content_type)
                .chunk(upstream.stream[0])
                .wait(20)
                .then(Step::HangUp);
            let (answer, _) = between(client, upstream, script, true, false).await;
            assert_eq!((client.said)(&answer.body), "Hel", "{what}: {}", answer.body);
            assert!(!(client.complete)(&answer.body), "{what}: {}", answer.body);
            let last = spoken::events(dialect(client.name).unwrap(), answer.body.as_bytes()).pop();
            assert!(matches!(last, Some(Event::Error(_))), "{what}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn clients_of_every_dialect_reach_the_embedded_echo() {
    let shim = Running::with("[[upstream]]\nname = \"echo\"\nbase_url = \"echo\"\n").await;
    for client in all() {
        for stream in [false, true] {
            let path = if stream { client.streamed } else { client.path };
            let path = path.replace("models/m:", "models/echo:");
            let mut body = (client.ask)(stream, false);
            if body["model"].is_string() {
                body["model"] = json!("echo");
            }
            let answer = Answer::of(shim.post(&path, &body.to_string()).await).await;
            let said = if stream { (client.said)(&answer.body) } else { (client.read)(&answer.json()).0 };
            assert_eq!(said, "hi", "{}: {}", client.name, answer.body);
        }
    }
}

async fn echo() -> Running {
    Running::with("[[upstream]]\nname = \"echo\"\nbase_url = \"echo\"\n").await
}

#[tokio::test]
async fn ollamas_clients_find_the_rest_of_its_api() {
    let shim = echo().await;
    assert!(shim.read("/api/version").await.json()["version"].is_string());
    for path in ["/api/tags", "/api/ps"] {
        assert_eq!(shim.read(path).await.json()["models"][0]["name"], "echo", "{path}");
    }
    let shown = Answer::of(shim.post("/api/show", r#"{"model":"echo:latest"}"#).await).await;
    assert!(shown.json()["capabilities"].to_string().contains("tools"));
    let embedded = Answer::of(shim.post("/api/embed", r#"{"model":"echo","input":["a","b"]}"#).await).await;
    assert_eq!(embedded.json()["embeddings"].as_array().map(Vec::len), Some(2), "{}", embedded.body);
    let old = Answer::of(shim.post("/api/embeddings", r#"{"model":"echo","prompt":"a"}"#).await).await;
    assert!(old.json()["embedding"][0].is_number(), "{}", old.body);
    let loaded = Answer::of(shim.post("/api/generate", r#"{"model":"echo","stream":false}"#).await).await;
    assert_eq!(loaded.json()["done_reason"], "load", "{}", loaded.body);
    let said = Answer::of(
        shim.post(
            "/api/chat",
            r#"{"model":"echo","stream":false,"messages":[{"role":"user","content":"hi"}]}"#,
        )
        .await,
    )
    .await;
    assert!(said.json()["total_duration"].as_u64().is_some_and(|took| took > 0), "{}", said.body);
    for (path, status) in [("/api/pull", 400), ("/api/nowhere", 404), ("/api/tags", 405)] {
        let refused = Answer::of(shim.post(path, r#"{"model":"x"}"#).await).await;
        assert!(refused.json()["error"].is_string(), "{path}: {}", refused.body);
        assert_eq!(refused.status, status, "{path}: {}", refused.body);
    }
}

#[tokio::test]
async fn embeddings_pass_between_openais_and_ollamas_own_form() {
    let vectors = r#"{"model":"m","embeddings":[[1,2],[3,4]],"prompt_eval_count":5}"#;
    let upstream = Scripted::start(vec![Script::json(vectors)]).await;
    let shim = Running::before(&upstream, "dialect = \"ollama-chat\"").await;
    let ask = r#"{"model":"m","input":["a","b"]}"#;
    let openais = Answer::of(shim.post("/v1/embeddings", ask).await).await;
    assert_eq!(openais.json()["data"][1]["embedding"], json!([3, 4]), "{}", openais.body);
    let ollamas = Answer::of(shim.post("/api/embed", ask).await).await;
    assert_eq!(ollamas.json()["embeddings"], json!([[1, 2], [3, 4]]), "{}", ollamas.body);
    for (head, _) in upstream.requests() {
        assert!(head.starts_with("post /v1/embed http"), "{head}");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_an_upstream_that_can_and_else_estimated() {
    let ask = r#"{"model":"m","messages":[{"role":"user","content":"How far is it?"}]}"#;
    let shim = echo().await;
    let estimated = Answer::of(shim.post("/v1/messages/count_tokens", ask).await).await;
    assert!(estimated.json()["input_tokens"].as_u64().is_some_and(|n| n > 2), "{}", estimated.body);
    assert_eq!(estimated.header("x-openai-shim-outcome"), "estimated");

    let upstream = Scripted::start(vec![Script::json(r#"{"input_tokens":77}"#)]).await;
    let shim = Running::before(&upstream, "dialect = \"anthropic-messages\"\napi_key = \"sk-1\"").await;
    let counted = Answer::of(shim.post("/v1/messages/count_tokens", ask).await).await;
    assert_eq!(
        (counted.json()["input_tokens"].as_u64(), counted.header("x-openai-shim-outcome")),
        (Some(77), "")
    );
    let head = &upstream.requests()[0].0;
    assert!(head.contains("x-api-key: sk-1") && head.contains("/v1/messages/count_tokens"), "{head}");
}

#[tokio::test]
async fn models_are_listed_as_each_client_reads_them_and_from_every_kind_of_upstream() {
    let lists = [
        ("anthropic-messages", r#"{"data":[{"type":"model","id":"a","display_name":"A"}],"has_more":false}"#),
        ("gemini", r#"{"models":[{"name":"models/a","displayName":"A"}]}"#),
        ("ollama-chat", r#"{"models":[{"name":"a","model":"a","size":1}]}"#),
        ("openai-responses", r#"{"object":"list","data":[{"id":"a"}]}"#),
    ];
    for (dialect, list) in lists {
        let upstream = Scripted::start(vec![Script::json(list)]).await;
        let shim = Running::before(&upstream, &format!("dialect = \"{dialect}\"")).await;
        assert_eq!(shim.read("/v1/models").await.json()["data"][0]["id"], "a", "{dialect}");
        assert_eq!(shim.read("/v1beta/models").await.json()["models"][0]["name"], "models/a", "{dialect}");
        assert_eq!(shim.read("/api/tags").await.json()["models"][0]["model"], "a", "{dialect}");
        let own = shim
            .send(|client, url| {
                client.get(format!("{url}/v1/models")).header("anthropic-version", "2023-06-01")
            })
            .await;
        assert_eq!(own.json()["data"][0]["type"], "model", "{dialect}: {}", own.body);
    }
}

#[tokio::test]
async fn who_has_no_key_is_told_so_in_the_dialect_of_the_path() {
    let shim =
        Running::with("client_keys = [\"key-1\"]\n[[upstream]]\nname = \"echo\"\nbase_url = \"echo\"\n")
            .await;
    for client in all() {
        let refused = Answer::of(shim.post(client.path, &(client.ask)(false, false).to_string()).await).await;
        assert_eq!(refused.status, 401, "{}", client.name);
        assert!(!(client.message)(&refused.json()).is_empty(), "{}", refused.body);
    }
    let gemini = all().iter().find(|spoken| spoken.name == "gemini").unwrap();
    let path = gemini.path.replace("models/m:", "models/echo:");
    let body = (gemini.ask)(false, false).to_string();
    let open = Answer::of(shim.post(&format!("{path}?key=key-1"), &body).await).await;
    assert_eq!(open.status, 200, "{}", open.body);
    let wrong = Answer::of(shim.post(&format!("{path}?key=key-2"), &body).await).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(shim.read("/v1/models?key=key-1").await.status, 401);
}

#[tokio::test]
async fn a_conversation_goes_on_from_a_response_that_is_kept_here() {
    let chat = &all()[0];
    let streamed = chat.stream.iter().fold(Script::stream(), Script::chunk).end();
    let scripts = vec![Script::json(chat.text), streamed, Script::json(chat.text)];
    let upstream = Scripted::start(scripts).await;
    let shim = Running::before(&upstream, "").await;
    let first = Answer::of(shim.post("/v1/responses", r#"{"model":"m","input":"one"}"#).await).await;
    let id = string_or_json(&first.json()["id"]);
    let body = json!({"model": "m", "input": "two", "previous_response_id": id, "stream": true});
    let second = Answer::of(shim.post("/v1/responses", &body.to_string()).await).await;
    let last = second.body.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    let second: Value = serde_json::from_str(&last).unwrap();
    let id = string_or_json(&second["response"]["id"]);
    assert_eq!(second["type"], "response.completed", "{last}");
    let body = json!({"model": "m", "input": "three", "previous_response_id": id, "store": false});
    let third = Answer::of(shim.post("/v1/responses", &body.to_string()).await).await;
    let said: Vec<String> = upstream.body(2)["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| string_or_json(&m["content"]))
        .collect();
    assert_eq!(said, ["one", "Hello", "two", "Hello", "three"]);

    assert_eq!(shim.read(&format!("/v1/responses/{id}")).await.json()["id"], json!(id));
    let gone = string_or_json(&third.json()["id"]);
    assert_eq!(shim.read(&format!("/v1/responses/{gone}")).await.status, 404);
    let deleted = shim.send(|client, url| client.delete(format!("{url}/v1/responses/{id}"))).await;
    assert_eq!(deleted.json()["deleted"], true);
    let body = json!({"model": "m", "input": "four", "previous_response_id": id});
    let unknown = Answer::of(shim.post("/v1/responses", &body.to_string()).await).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.json()["error"]["code"], "previous_response_not_found");
}
