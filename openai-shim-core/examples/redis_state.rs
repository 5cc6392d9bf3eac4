//! State in Redis: what a client drops and its upstream requires again comes back, whichever process serves the next request.
//!
//! `cargo run --example redis_state` starts `redis-server` if there is one, and serves two turns of a conversation from two shims.
//! `cargo run --example redis_state -- redis://127.0.0.1/` uses that server.

mod support;

use bytes::Bytes;
use openai_shim_core::state::{Owner, StateEntry, StateKey};
use openai_shim_core::upstream::{StateError, StateStore, upstream_fn};
use openai_shim_core::{Shim, UpstreamBody, profile};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, cmd, pipe};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store that waits for Redis a few milliseconds; a conversation goes on without it.
struct RedisStore(MultiplexedConnection);

impl RedisStore {
    async fn open(url: &str) -> redis::RedisResult<Self> {
        let deadline = Some(Duration::from_millis(50));
        let config = AsyncConnectionConfig::new().set_response_timeout(deadline);
        Ok(Self(Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?))
    }
}

#[async_trait::async_trait]
impl StateStore for RedisStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let mut command = cmd("MGET");
        for key in keys {
            command.arg(key.to_string());
        }
        query(command.query_async(&mut self.0.clone())).await
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        let mut commands = pipe();
        for StateEntry { key, value, lifetime, .. } in entries {
            // The value contains the conversation: encrypt it here if the store is not yours alone.
            let seconds = lifetime.as_secs().max(1);
            commands.cmd("SET").arg(key.to_string()).arg(&value[..]).arg("EX").arg(seconds).ignore();
        }
        query(commands.query_async(&mut self.0.clone())).await
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        let mut command = cmd("DEL");
        for key in keys {
            command.arg(key.to_string());
        }
        query(command.query_async(&mut self.0.clone())).await
    }
}

async fn query<T: FromRedisValue>(
    answer: impl Future<Output = redis::RedisResult<T>>,
) -> Result<T, StateError> {
    answer.await.map_err(|error| StateError::new(error.to_string()))
}

/// The answer of an upstream that reasons before it calls a tool, and wants its reasoning back with the tool's result.
const CALL: &str = r#"{"choices":[{"message":{"reasoning_content":"Paris, so I look there.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]},"finish_reason":"tool_calls"}]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(server) = support::redis_server() else {
        println!("skipped: there is no redis-server");
        return Ok(());
    };
    let sent = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&sent);
    let upstream = Arc::new(upstream_fn(move |request: http::Request<Bytes>| {
        *log.lock().expect("no panic") = String::from_utf8_lossy(request.body()).into_owned();
        async { Ok(http::Response::new(UpstreamBody::complete(CALL))) }
    }));
    let question = r#"{"role":"user","content":"The weather in Paris?"}"#;
    // What the client remembers of the answer: no reasoning.
    let rest = r#"{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"rain"}"#;
    for messages in [question.to_owned(), format!("{question},{rest}")] {
        let shim = Shim::builder(upstream.clone(), profile("deepseek")?)
            .std_context()
            .state(Arc::new(RedisStore::open(&server.url).await?), |head| {
                // Whose state it is, as your authentication knows it. No owner: no state.
                Some(Owner::new(head.headers.get("x-tenant")?.to_str().ok()?))
            })
            .build()?;
        let body = format!(
            r#"{{"model":"m","messages":[{messages}],"tools":[{{"type":"function","function":{{"name":"weather"}}}}]}}"#
        );
        let request = http::Request::post("/v1/chat/completions").header("x-tenant", "acme");
        let response = shim.serve(request.body(body.into())?).await;
        let body = response.into_body().collect().await?;
        println!("{}", String::from_utf8_lossy(&body));
    }
    let sent = sent.lock().expect("no panic");
    println!("sent at last: {sent}");
    assert!(sent.contains("Paris, so I look there."), "the reasoning came back");
    Ok(())
}
