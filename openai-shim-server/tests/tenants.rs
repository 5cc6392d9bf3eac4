//! Isolation over sockets: reasoning of one client or conversation never reaches a request of another.

mod support;

#[path = "../../openai-shim-core/tests/common/conversation.rs"]
mod conversation;

use axum::Router;
use axum::extract::Request;
use conversation::{OPENING, Opening, answer, next, question, secrets};
use openai_shim_core::accepts::ReasoningHistory;
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::profile::{Profile, profiles};
use openai_shim_core::{Dialect, dialect};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion, stop, text};

/// Upstreams, one for each number in the path, which answer a first request with secret reasoning.
struct Upstreams {
    url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Upstreams {
    async fn start(answers: Vec<String>) -> Self {
        let bodies = Arc::<Mutex<Vec<String>>>::default();
        let recorded = bodies.clone();
        let handle = move |request: Request| {
            let (answers, recorded) = (answers.clone(), recorded.clone());
            async move {
                let number = request.uri().path().split('/').nth(1).unwrap().parse::<usize>().unwrap();
                let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let is_first = !body.contains("Let me look.");
                recorded.lock().unwrap().push(body);
                let body = if is_first { answers[number].clone() } else { String::from("{}") };
                ([("content-type", "application/json")], body)
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(handle);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, bodies }
    }

    /// All request bodies since the last call.
    fn sent(&self) -> String {
        self.bodies.lock().unwrap().drain(..).collect()
    }
}

/// Every built-in profile, and every dialect without a profile, each with the dialect of its upstream.
fn rows() -> Vec<(String, Dialect, Option<Profile>)> {
    let rows = profiles().iter();
    let rows = rows
        .map(|row| (format!("profile = {:?}", row.name), dialect(&row.dialect).unwrap(), Some(row.clone())));
    let own = DIALECTS.iter().map(|dialect| (format!("dialect = {:?}", dialect.name()), *dialect, None));
    rows.chain(own).collect()
}

async fn shim(upstreams: &Upstreams, top: &str) -> TestServer {
    let mut config = format!("{top}\n[retry]\nattempts = 1\n[fallback]\nwhen = \"never\"\n");
    for (i, (what, ..)) in rows().iter().enumerate() {
        let url = &upstreams.url;
        write!(
            config,
            "[[upstream]]\nname = \"u{i}\"\nbase_url = \"{url}/{i}\"\n{what}\nmodels = [{{ id = \"m{i}\", upstream = \"m\" }}]\n"
        )
        .unwrap();
    }
    TestServer::with_config(&config).await
}

/// The path at which the dialect's client sends such a request, if it has one.
fn route(client: Dialect, path: &str, model: &str) -> Option<String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut routes = client.endpoints().iter().map(|endpoint| endpoint.path.replace("{model}", model));
    Some(format!("{}?{query}", routes.find(|route| route.ends_with(path))?))
}

async fn post(
    shim: &TestServer,
    client: Dialect,
    model: &str,
    sent: &(String, String),
    key: &str,
) -> Option<TestResponse> {
    let route = route(client, &sent.0, model)?;
    let request = shim.client.post(format!("{}{route}", shim.url)).bearer_auth(key).body(sent.1.clone());
    Some(TestResponse::read(request.send().await.unwrap()).await)
}

fn has(sent: &str) -> bool {
    use base64_of as encoded;
    secrets("alice").iter().any(|secret| sent.contains(secret) || sent.contains(&encoded(secret)))
}

/// Standard base64.
fn base64_of(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let mut bytes = [0; 3];
        bytes[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

const KEYS: &str = "client_keys = [\"alices-own-client-key\", \"bobs-own-client-key\"]";
const ALICE: &str = "alices-own-client-key";
const BOB: &str = "bobs-own-client-key";

#[tokio::test]
async fn reasoning_of_one_client_reaches_no_other_client_or_conversation() {
    let upstreams =
        Upstreams::start(rows().iter().map(|(_, dialect, _)| answer(*dialect, "alice")).collect()).await;
    let shims = [shim(&upstreams, KEYS).await, shim(&upstreams, "").await];
    let mut restored = BTreeSet::new();
    for (i, (what, ..)) in rows().iter().enumerate() {
        let model = format!("m{i}");
        for client in DIALECTS.iter().copied() {
            let opening = Opening { model: &model, ..OPENING };
            let other = Opening { user: "weather!", ..opening };
            let first = question(client, opening);
            let (again, elsewhere) = (next(client, opening, true), next(client, other, true));
            // First another key with the same conversation, then no keys with another conversation.
            for (shim, stranger) in [(&shims[0], (BOB, &again)), (&shims[1], (ALICE, &elsewhere))] {
                let Some(answered) = post(shim, client, &model, &first, ALICE).await else { continue };
                if answered.status != 200 {
                    continue;
                }
                upstreams.sent();
                post(shim, client, &model, stranger.1, stranger.0).await;
                let sent = upstreams.sent();
                assert!(!has(&sent), "{what} behind {}: {sent}", client.name());
                post(shim, client, &model, &again, ALICE).await;
                if has(&upstreams.sent()) {
                    restored.insert((i, client.name()));
                }
            }
        }
    }
    // The test needs reasoning that is restored: without it, isolation would hold trivially.
    for (i, (what, dialect, row)) in rows().iter().enumerate() {
        let keeps = row.as_ref().is_some_and(|row| {
            row.messages.signatures_in_ids == Some(true)
                || row.messages.reasoning_history == Some(ReasoningHistory::Restore)
        });
        if keeps || dialect.signature_format().is_some() {
            for client in ["openai-chat", "anthropic-messages", "openai-responses", "ollama-chat", "gemini"] {
                assert!(restored.contains(&(i, client)), "{what} behind {client} does not restore");
            }
        }
    }
}

#[tokio::test]
async fn changing_billing_line_does_not_lose_a_conversations_reasoning() {
    let upstreams =
        Upstreams::start(rows().iter().map(|(_, dialect, _)| answer(*dialect, "alice")).collect()).await;
    let shim = shim(&upstreams, KEYS).await;
    let client = dialect("anthropic-messages").unwrap();
    for (i, (what, ..)) in rows()
        .iter()
        .enumerate()
        .filter(|(_, (what, ..))| what.contains("deepseek\"") || what.contains("gemini\""))
    {
        let model = format!("m{i}");
        let [one, two] =
            ["aaaa", "bbbb"].map(|nonce| format!("x-anthropic-billing-header: cch={nonce};\nYou are terse."));
        let [one, two] = [&one, &two].map(|system| Opening { model: &model, system, ..OPENING });
        post(&shim, client, &model, &question(client, one), ALICE).await;
        upstreams.sent();
        post(&shim, client, &model, &next(client, two, true), ALICE).await;
        let sent = upstreams.sent();
        assert!(has(&sent), "{what}: {sent}");
    }
}

#[tokio::test]
async fn response_can_be_continued_as_soon_as_its_last_event_arrived() {
    // The upstream keeps its connection open for a while.
    let streamed = Script::stream().events(&[&text("one"), &stop(), "[DONE]"]).wait(3000).end();
    let completion_script = Script::json(&completion("two"));
    let upstream =
        ScriptedUpstream::start(vec![streamed, completion_script.clone(), completion_script]).await;
    let shim = TestServer::in_front_of(&upstream, "").await;
    let mut first = shim.post("/v1/responses", r#"{"model":"m","input":"hi","stream":true}"#).await;
    let mut received = String::new();
    while !received.contains("response.completed") {
        received += std::str::from_utf8(&first.chunk().await.unwrap().unwrap()).unwrap();
    }
    for _ in 0..2 {
        let id = received.rsplit("\"id\":\"resp_").next().unwrap().split('"').next().unwrap().to_owned();
        let body = format!(r#"{{"model":"m","input":"and?","previous_response_id":"resp_{id}"}}"#);
        let next = TestResponse::read(shim.post("/v1/responses", &body).await).await;
        assert_eq!(next.status, 200, "{}", next.body);
        received = next.body;
    }
    let messages = upstream.body(2)["messages"].as_array().unwrap().len();
    assert_eq!(messages, 5, "{}", upstream.body(2));
}
