//! The payloads for both crates, which are those of `../instructions.rs`.

pub const EVENTS: usize = 200;

/// Returns a chat request with `turns` turns.
pub fn request(stream: bool, turns: usize) -> Vec<u8> {
    let turn = format!(
        r#"{{"role":"user","content":"{}"}},{{"role":"assistant","content":"{}"}},"#,
        "What is a shim? ".repeat(20),
        "A thin piece that \\\"fills\\\" a gap.\\n".repeat(20)
    );
    let tools = r#"{"type":"function","function":{"name":"f","description":"does f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}"#;
    format!(
        r#"{{"model":"m","stream":{stream},"temperature":0.7,"max_tokens":100,"tools":[{tools}],"messages":[{}{{"role":"user","content":"hi"}}]}}"#,
        turn.repeat(turns)
    )
    .into_bytes()
}

/// Returns the request of an Anthropic client for the responses below.
pub fn anthropic_request(stream: bool) -> Vec<u8> {
    format!(
        r#"{{"model":"m","max_tokens":100,"stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
    )
    .into_bytes()
}

/// Returns one event of a stream, about 290 bytes.
fn event(delta: &str, finish: &str, padding: usize) -> Vec<u8> {
    format!(
        "data: {{\"id\":\"chatcmpl-9f2c1e7ab4\",\"object\":\"chat.completion.chunk\",\"created\":1763000000,\"model\":\"gpt-5-mini\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5c1e\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":{finish}}}],\"obfuscation\":\"{}\"}}\n\n",
        "x".repeat(padding)
    )
    .into_bytes()
}

pub fn word(at: usize) -> Vec<u8> {
    event(&format!("\"content\":\" word {at}\""), "null", at % 9)
}

pub fn first() -> Vec<u8> {
    event("\"role\":\"assistant\",\"content\":\"\"", "null", 5)
}

/// Returns a whole stream, in chunks of eight events.
pub fn stream() -> Vec<Vec<u8>> {
    let mut events = vec![first()];
    events.extend((0..EVENTS - 2).map(word));
    events.push(event("", "\"stop\"", 5));
    events.push(b"data: [DONE]\n\n".to_vec());
    events.chunks(8).map(<[Vec<u8>]>::concat).collect()
}

/// Returns a non-streaming response of 1.6 KB.
pub fn completion() -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#,
        "A thin piece. ".repeat(100)
    )
    .into_bytes()
}
