//! State at a server that replicas share: found by all of them, unreadable without the secret, and no reason to fail or wait
//! when it is away.

mod support;

#[path = "../src/state/redis/test_server.rs"]
mod test_server;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::process::Process;
use support::{Script, ScriptedUpstream, TestResponse, TestServer, completion};
use test_server::RedisServer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "secret = \"a-secret-of-all-replicas-0123456789\"";
const KEYS: &str = "client_keys = [\"client-key-1\", \"client-key-2\"]\n";

/// The sections of a replica. The deadline is generous: what is tested is no speed.
fn sections(upstream: &ScriptedUpstream, store_url: &str, more: &str) -> String {
    format!(
        "{KEYS}[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\nprofile = \"deepseek\"\nmodels = [\"m\"]\n\
         [retry]\nattempts = 1\n[store]\nurl = \"{store_url}\"\ntimeout = \"5s\"\n{more}\n",
        upstream.url
    )
}

async fn replica(upstream: &ScriptedUpstream, redis: &RedisServer, more: &str) -> TestServer {
    TestServer::with_config(&sections(upstream, &redis.url(), more)).await
}

async fn send(shim: &TestServer, method: &str, path: &str, body: &Value) -> TestResponse {
    let method = method.parse().unwrap();
    shim.send(|client, url| {
        let request = client.request(method, format!("{url}{path}")).bearer_auth("client-key-1");
        if body.is_null() { request } else { request.body(body.to_string()) }
    })
    .await
}

fn responses_request(input: &str, previous: Option<&str>) -> Value {
    let mut body = json!({"model": "m", "input": input});
    if let Some(id) = previous {
        body["previous_response_id"] = id.into();
    }
    body
}

async fn respond(shim: &TestServer, input: &str, previous: Option<&str>) -> TestResponse {
    send(shim, "POST", "/v1/responses", &responses_request(input, previous)).await
}

async fn chat(shim: &TestServer) -> TestResponse {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    send(shim, "POST", "/v1/chat/completions", &body).await
}

async fn upstream() -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::json(&completion("the answer"))]).await
}

fn id_of(response: &TestResponse) -> String {
    assert_eq!(response.status, 200, "{}", response.body);
    response.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn response_of_one_replica_is_continued_read_and_deleted_on_another() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let upstream = upstream().await;
    let (one, other) = (replica(&upstream, &redis, SECRET).await, replica(&upstream, &redis, SECRET).await);
    let id = id_of(&respond(&one, "the first words", None).await);
    // A large body is worked on by other threads.
    let second = respond(&other, &"and then? ".repeat(40_000), Some(&id)).await;
    assert_eq!(second.status, 200, "{}", second.body);
    let sent = upstream.body(1).to_string();
    assert!(sent.contains("the first words") && sent.contains("the answer"), "{sent}");
    let path = format!("/v1/responses/{id}");
    assert_eq!(send(&other, "GET", &path, &Value::Null).await.status, 200);
    assert_eq!(send(&other, "DELETE", &path, &Value::Null).await.status, 200);
    assert_eq!(send(&other, "GET", &path, &Value::Null).await.status, 404);
    let third = replica(&upstream, &redis, SECRET).await;
    assert_eq!(send(&third, "GET", &path, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn reasoning_that_a_client_drops_is_restored_by_another_replica() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let call = r#"{"choices":[{"message":{"reasoning_content":"Paris, so I look there.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]},"finish_reason":"tool_calls"}]}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(call)]).await;
    let (one, other) = (replica(&upstream, &redis, SECRET).await, replica(&upstream, &redis, SECRET).await);
    let mut body = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "The weather in Paris?"}],
        "tools": [{"type": "function", "function": {"name": "weather"}}],
    });
    assert_eq!(send(&one, "POST", "/v1/chat/completions", &body).await.status, 200);
    let function = json!({"name": "weather", "arguments": "{\"city\":\"Paris\"}"});
    let turn = json!({"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]});
    let messages = body["messages"].as_array_mut().unwrap();
    messages.extend([turn, json!({"role": "tool", "tool_call_id": "call_1", "content": "rain"})]);
    assert_eq!(send(&other, "POST", "/v1/chat/completions", &body).await.status, 200);
    assert_eq!(upstream.body(1)["messages"][1]["reasoning_content"], "Paris, so I look there.");
}

#[tokio::test]
async fn values_are_encrypted_and_end_and_their_keys_name_no_client() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let upstream = upstream().await;
    let shim = replica(&upstream, &redis, &format!("{SECRET}\nprefix = \"team-a:\"")).await;
    respond(&shim, "my private words", None).await;
    let keys = redis.keys();
    assert!(!keys.is_empty());
    for key in keys {
        assert!(key.starts_with("team-a:openai-shim:1:key-") && !key.contains("client-key"), "{key}");
        let value = redis.value(&key);
        for text in ["private", "answer", "role"] {
            assert!(!value.windows(text.len()).any(|part| part == text.as_bytes()), "{key} contains {text}");
        }
        let seconds: i64 = redis.command(&format!("TTL {key}")).trim_start_matches(':').parse().unwrap();
        assert!((1..=30 * 24 * 3600).contains(&seconds), "{key}: {seconds}");
    }
}

#[tokio::test]
async fn changed_secret_loses_nothing_while_the_old_one_is_named() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let upstream = upstream().await;
    let id = id_of(&respond(&replica(&upstream, &redis, SECRET).await, "old words", None).await);
    let new = "secret = \"another-secret-of-all-replicas-98765\"";
    let without = replica(&upstream, &redis, new).await;
    let lost = respond(&without, "and then?", Some(&id)).await;
    assert_eq!((lost.status, &lost.json()["error"]["code"]), (400, &json!("previous_response_not_found")));
    let old = SECRET.strip_prefix("secret = ").unwrap();
    let rotated = replica(&upstream, &redis, &format!("{new}\nold_secrets = [{old}]")).await;
    let second = id_of(&respond(&rotated, "and then?", Some(&id)).await);
    let path = format!("/v1/responses/{id}");
    assert_eq!(send(&rotated, "DELETE", &path, &Value::Null).await.status, 200);
    let again = replica(&upstream, &redis, &format!("{new}\nold_secrets = [{old}]")).await;
    assert_eq!(send(&again, "GET", &path, &Value::Null).await.status, 404);
    // What was kept since the change needs the new secret only.
    assert_eq!(respond(&without, "and now?", Some(&second)).await.status, 200);
}

/// A response that needs state says that it cannot be read, which is another error than that there is none.
fn assert_store_unavailable(response: &TestResponse) {
    assert_eq!(response.status, 503, "{}", response.body);
    let error = response.error();
    assert_eq!(error["code"], "overloaded", "{error}");
    assert!(error["message"].as_str().unwrap().contains("the store"), "{error}");
    assert_eq!(response.header("retry-after"), "1");
}

#[tokio::test]
async fn requests_without_state_are_served_while_the_server_is_away_and_others_say_why_not() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let upstream = upstream().await;
    let (one, other) = (replica(&upstream, &redis, SECRET).await, replica(&upstream, &redis, SECRET).await);
    let id = id_of(&respond(&one, "the first words", None).await);
    id_of(&respond(&other, "other words", None).await);
    redis.kill();
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(chat(&other).await.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "they waited: {:?}", begun.elapsed());
    assert_store_unavailable(&respond(&other, "and then?", Some(&id)).await);
    let path = format!("/v1/responses/{id}");
    assert_store_unavailable(&send(&other, "GET", &path, &Value::Null).await);
    assert_eq!(respond(&one, "and then?", Some(&id)).await.status, 200, "its own process still has it");
    assert_eq!(other.fetch("/readyz").await.body, r#"{"status":"ready","store":"unavailable"}"#);
    let metrics = send(&other, "GET", "/metrics", &Value::Null).await.body;
    assert!(metrics.contains("openai_shim_store_up 0\n"), "{metrics}");
    assert!(!metrics.contains("operation=\"load\",result=\"unavailable\"} 0\n"), "{metrics}");
    redis.resume();
    while other.fetch("/readyz").await.body != r#"{"status":"ready","store":"connected"}"# {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let new = id_of(&respond(&one, "new words", None).await);
    assert_eq!(respond(&other, "and then?", Some(&new)).await.status, 200);
}

#[tokio::test]
async fn reasoning_that_cannot_be_stored_or_loaded_is_a_diagnostic() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let thought =
        r#"{"choices":[{"message":{"reasoning_content":"hm","content":"so"},"finish_reason":"stop"}]}"#;
    let upstream = ScriptedUpstream::start(vec![Script::json(thought)]).await;
    let shim = replica(&upstream, &redis, SECRET).await;
    assert!(!chat(&shim).await.header("x-openai-shim-diagnostics").contains("state-unavailable"));
    redis.kill();
    let turn = json!({"role": "assistant", "content": "so"});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}, turn, {"role": "user", "content": "and?"}]});
    let answer = send(&shim, "POST", "/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let diagnostics = answer.header("x-openai-shim-diagnostics");
    assert!(diagnostics.contains("state-unavailable"), "{diagnostics}");
}

#[tokio::test]
async fn unreachable_server_at_the_start_is_logged_and_no_reason_to_end() {
    let upstream = upstream().await;
    // The listener there is closed.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("redis://someone:hunter2hunter2@{free}");
    let mut shim = Process::start(&sections(&upstream, &url, SECRET), &[]);
    let log = shim.until_logged("the store cannot be used").await;
    assert!(log.contains(&format!("redis://someone@{free}/0")) && !log.contains("hunter2"), "{log}");
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    assert_eq!(shim.post(&body).await.status(), 200);
}

#[tokio::test]
async fn refused_writes_are_logged_with_what_to_do_and_requests_go_on() {
    let Some(redis) = RedisServer::start(&["--replicaof", "127.0.0.1 1"]) else { return };
    let upstream = upstream().await;
    let mut shim = Process::start(&sections(&upstream, &redis.url(), SECRET), &[]);
    let request = shim.client.post(format!("{}/v1/responses", shim.url)).bearer_auth("client-key-1");
    let answer = request.body(responses_request("words", None).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let log = shim.until_logged("since it is a replica").await;
    assert!(log.contains("write the primary's address into store.url"), "{log}");
}

/// Accepts TLS and forwards what is inside; returns its address and its certificate.
async fn tls_before(redis: &RedisServer) -> (std::net::SocketAddr, String) {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    openai_shim_server::upstream::http::provide_tls();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec![String::from("127.0.0.1")]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, behind) = (listener.local_addr().unwrap(), redis.address);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut socket = acceptor.accept(socket).await.ok()?;
                let mut behind = TcpStream::connect(behind).await.ok()?;
                copy_bidirectional(&mut socket, &mut behind).await.ok()
            });
        }
    });
    (address, cert.pem())
}

#[tokio::test]
async fn connection_is_encrypted_to_servers_whose_certificate_is_trusted_only() {
    let Some(redis) = RedisServer::start(&["--requirepass", "a-password-1"]) else { return };
    let upstream = upstream().await;
    let (address, certificate) = tls_before(&redis).await;
    let file = std::env::temp_dir().join(format!("shim-store-roots-{}.pem", std::process::id()));
    std::fs::write(&file, certificate).unwrap();
    let roots = [
        ("SSL_CERT_FILE", file.to_str().unwrap()),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("STORE_PASSWORD", "a-password-1"),
    ];
    let config = sections(
        &upstream,
        &format!("rediss://{address}"),
        &format!("{SECRET}\npassword = \"env:STORE_PASSWORD\""),
    );
    let mut shim = Process::start(&config, &roots);
    shim.until_logged("connected to the store").await;
    let mut stranger = Process::start(&config, &roots[2..]);
    stranger.until_logged("its TLS certificate is not trusted").await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn what_one_replica_learned_of_a_model_is_used_by_another() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let refusal = r#"{"error":{"message":"Unsupported parameter: 'logit_bias' is not supported with this model.","type":"invalid_request_error","param":"logit_bias","code":"unsupported_parameter"}}"#;
    let scripts = vec![Script::response(400, "application/json", refusal), Script::json(&completion("so"))];
    let upstream = ScriptedUpstream::start(scripts).await;
    let (one, other) = (replica(&upstream, &redis, SECRET).await, replica(&upstream, &redis, SECRET).await);
    let body = json!({"model": "m", "logit_bias": {"1": 1}, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(send(&one, "POST", "/v1/chat/completions", &body).await.status, 200);
    let is_shared = || redis.keys().iter().any(|key| key.contains(":adaptations:"));
    support::until("it is shared", is_shared).await;
    // The first request begins to load what others learned.
    chat(&other).await;
    while !send(&other, "GET", "/learned", &Value::Null).await.body.contains("logit_bias") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(send(&other, "POST", "/v1/chat/completions", &body).await.status, 200);
    assert!(upstream.body(3).get("logit_bias").is_none(), "{}", upstream.body(3));
}
