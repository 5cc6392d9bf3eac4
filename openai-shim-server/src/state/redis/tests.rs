use super::test_server::RedisServer;
use super::*;
use ::redis::pipe;
use std::net::SocketAddr;
use std::time::Duration;

fn config(address: SocketAddr, timeout: u64) -> RedisConfig {
    RedisConfig {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        user: None,
        password: None,
        database: 0,
        prefix: String::from("test:"),
        timeout: Duration::from_millis(timeout),
    }
}

/// Generous: what is tested is no speed.
fn patient(server: &RedisServer) -> Redis {
    Redis::new(config(server.address, 5000))
}

const ADD: &str = "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) return {n, tonumber(ARGV[2])}";

#[tokio::test]
async fn script_runs_by_its_digest_and_in_full_where_it_is_unknown() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (redis, script) = (patient(&server), Script::new(ADD));
    assert_eq!(redis.run_script(&script, &["n"], &[3, 7]).await, Ok(vec![3, 7]));
    assert_eq!(redis.run_script(&script, &["n"], &[3, 8]).await, Ok(vec![6, 8]));
    server.command("SCRIPT FLUSH");
    assert_eq!(redis.run_script(&script, &["n"], &[1, 9]).await, Ok(vec![7, 9]));
    assert_eq!(server.command("GET test:n"), "7");
    let one = Script::new("return 1");
    assert_eq!(redis.run_script(&one, &[], &[]).await, Ok(vec![1]));
    let text = Script::new("return 'x'");
    assert_eq!(redis.run_script(&text, &[], &[]).await.unwrap_err().kind, FailureKind::Broken);
    let wrong = Script::new("return redis.call('NO')");
    assert_eq!(redis.run_script(&wrong, &[], &[]).await.unwrap_err().kind, FailureKind::Refused);
}

#[tokio::test]
async fn operations_go_on_after_the_server_was_killed_and_started_again() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let redis = patient(&server);
    let mut commands = pipe();
    commands.cmd("INCR").arg("n");
    assert_eq!(redis.query(Operation::Store, &commands).await, Ok(vec![Value::Int(1)]));
    server.kill();
    server.resume();
    // The socket's end is noticed before something is sent on it.
    assert_eq!(redis.query(Operation::Store, &commands).await, Ok(vec![Value::Int(1)]));
    server.kill();
    let begun = Instant::now();
    let failure = redis.query(Operation::Store, &commands).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(4), "it waited for its deadline");
    assert_eq!(redis.health(), StoreHealth::Unavailable);
    server.resume();
    // No operation is needed for that.
    while redis.health() != StoreHealth::Connected {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(redis.query(Operation::Store, &commands).await, Ok(vec![Value::Int(1)]));
}
