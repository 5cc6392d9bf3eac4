//! Snapshot tests: what happens to a provider's payloads is text in the repository, and a change of it is a diff.
//!
//! `cargo run --example snapshot` runs them. In a folder `tests` each function is a `#[test]`, and there is no `main`. With
//! `INSTA_UPDATE=always` they write what they get; see `docs/snapshot-testing.md`.
#![allow(clippy::disallowed_methods)] // the bans are for core itself

use openai_shim_core::cassette::Cassette;
use openai_shim_core::{convert::ConversionInput, profile};

/// One payload; its snapshot stands here.
fn response_of_a_careless_server() {
    let answer = br#"{"id":"x","model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"eos"}]}"#;
    let conversion = ConversionInput::response("openai-chat".parse().unwrap(), answer)
        .to("anthropic-messages".parse().unwrap())
        .profile(profile("vllm").unwrap())
        .convert();
    insta::assert_snapshot!(conversion, @r#"
    outcome: complete
    status: 200
    - object-filled [info] object
    - created-filled [info] created
    - field-filled [info] choices[].index
    - finish-reason-mapped [info] choices[].finish_reason: eos
    - role-filled [info] choices[].message.role
    - field-filled [info] choices[].message.refusal
    - usage-missing [warning] usage
    ---
    {"id":"x","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}
    "#);
}

/// Recorded exchanges, each as clients of two dialects see it; the snapshots stand in `snapshots`.
fn recorded_exchanges() {
    insta::glob!("cassettes/*.cassette", |path| {
        let cassette: Cassette = std::fs::read_to_string(path).unwrap().parse().unwrap();
        for client in ["openai-chat", "anthropic-messages"] {
            insta::assert_snapshot!(client, cassette.convert_to(client.parse().unwrap()));
        }
    });
}

fn main() {
    response_of_a_careless_server();
    recorded_exchanges();
    println!("every conversion is as its snapshot");
}
