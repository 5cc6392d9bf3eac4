use super::test_server::RedisServer;
use super::*;
use ::redis::pipe;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

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
    until_connected(&redis).await;
    assert_eq!(redis.query(Operation::Store, &commands).await, Ok(vec![Value::Int(1)]));
}

/// What a server does once it is connected: it answers the first commands with `+OK`, then this to each read.
#[derive(Clone, Copy)]
enum Fault {
    Silence,
    Bytes(&'static [u8]),
    Flood,
    HangUp,
}

/// A server that answers a number of commands, and then misbehaves.
async fn faulty(answered: usize, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut buffer, mut left) = (vec![0; 65536], answered);
                loop {
                    let n = socket.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
                    let commands = buffer[..n].split(|byte| *byte == b'*').count() - 1;
                    let good = commands.min(left);
                    left -= good;
                    socket.write_all(&b"+OK\r\n".repeat(good)).await.ok()?;
                    if good == commands {
                        continue;
                    }
                    match fault {
                        Fault::Silence => {}
                        Fault::Bytes(bytes) => socket.write_all(bytes).await.ok()?,
                        Fault::HangUp => return None::<()>,
                        Fault::Flood => {
                            socket.write_all(b"$9999999999\r\n").await.ok()?;
                            loop {
                                socket.write_all(&buffer).await.ok()?;
                            }
                        }
                    }
                }
            });
        }
    });
    address
}

/// How many commands come before the first operation: two with the client's name, and `PING`.
const SETUP: usize = 3;

fn load() -> Pipeline {
    let mut commands = pipe();
    commands.cmd("GET").arg("k");
    commands
}

async fn until_connected(redis: &Redis) {
    redis.connect();
    while redis.health() != StoreHealth::Connected {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn failures(redis: &Redis, n: usize) -> Vec<FailureKind> {
    let mut kinds = Vec::new();
    for _ in 0..n {
        kinds.push(redis.query(Operation::Load, &load()).await.unwrap_err().kind);
    }
    kinds
}

#[tokio::test]
async fn silent_server_costs_its_deadline_three_times_and_then_nothing() {
    use FailureKind::{Timeout, Unavailable};
    let redis = Redis::new(config(faulty(SETUP, Fault::Silence).await, 100));
    until_connected(&redis).await;
    assert_eq!(failures(&redis, 3).await, [Timeout; 3]);
    let begun = Instant::now();
    assert_eq!(failures(&redis, 1000).await[..100], [Unavailable; 100]);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?} for what fails at once", begun.elapsed());
}

#[tokio::test]
async fn server_that_does_not_even_greet_costs_one_deadline() {
    for fault in [Fault::Silence, Fault::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Fault::HangUp] {
        let redis = Redis::new(config(faulty(0, fault).await, 100));
        let begun = Instant::now();
        let kinds = failures(&redis, 1000).await;
        assert!(kinds.iter().all(|kind| *kind == FailureKind::Unavailable), "{kinds:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn reply_without_an_end_or_sense_breaks_the_connection_within_the_deadline() {
    for fault in [Fault::Flood, Fault::Bytes(b"what?\r\n"), Fault::HangUp] {
        let redis = Redis::new(config(faulty(SETUP, fault).await, 20_000));
        let begun = Instant::now();
        let failure = redis.query(Operation::Script, &load()).await;
        assert_eq!(failure.unwrap_err().kind, FailureKind::Broken);
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn announced_length_takes_no_memory() {
    for reply in [&b"*99999999999\r\n"[..], b"$99999999999\r\n"] {
        let redis = Redis::new(config(faulty(SETUP, Fault::Bytes(reply)).await, 200));
        until_connected(&redis).await;
        assert_eq!(failures(&redis, 1).await, [FailureKind::Timeout]);
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_do_not_break_the_connection() {
    for (reply, message) in [
        (&b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"[..], "the store is full"),
        (b"-READONLY You can't write against a read only replica.\r\n", "since it is a replica"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "the store is starting"),
        (b"-MOVED 3999 127.0.0.1:6381\r\n", "a node of a cluster"),
        (b"-NOPERM this user has no permissions\r\n", "does not allow a command"),
        (b"-STRANGE 10.0.0.7 is secret\r\n", "refused a command (STRANGE)"),
    ] {
        let redis = Redis::new(config(faulty(SETUP, Fault::Bytes(reply)).await, 5000));
        for _ in 0..2 {
            let failure = redis.query(Operation::Store, &load()).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Refused);
            assert!(failure.message.contains(message), "{failure:?}");
        }
        assert_eq!(redis.health(), StoreHealth::Connected);
    }
}

#[tokio::test]
async fn real_server_refuses_a_wrong_password_and_what_it_has_no_memory_for() {
    let Some(server) = RedisServer::start(&["--requirepass", "right", "--maxmemory", "1mb"]) else { return };
    let with_password = |password: Option<&str>| {
        Redis::new(RedisConfig {
            password: password.map(crate::config::Secret::new),
            ..config(server.address, 5000)
        })
    };
    for wrong in [None, Some("wrong")] {
        assert_eq!(failures(&with_password(wrong), 1).await, [FailureKind::Unavailable], "{wrong:?}");
    }
    let redis = with_password(Some("right"));
    assert_eq!(redis.query(Operation::Load, &load()).await, Ok(vec![Value::Nil]));
    let mut large = pipe();
    large.cmd("SET").arg("k").arg(vec![b'x'; 4 << 20]);
    large.cmd("SET").arg("l").arg(vec![b'x'; 1]);
    let failure = redis.query(Operation::Store, &large).await.unwrap_err();
    assert_eq!((failure.kind, &*failure.message), (FailureKind::Refused, "the store is full"));
    let mut registry = prometheus_client::registry::Registry::with_prefix("openai_shim");
    registry.register_collector(Box::new(redis));
    let mut metrics = String::new();
    prometheus_client::encoding::text::encode(&mut metrics, &registry).unwrap();
    for line in [
        "store_up 1\n",
        "store_operations_total{operation=\"load\",result=\"ok\"} 1\n",
        "store_operations_total{operation=\"store\",result=\"error\"} 1\n",
        "store_seconds_count{operation=\"load\"} 1\n",
    ] {
        assert!(metrics.contains(&format!("openai_shim_{line}")), "{line}{metrics}");
    }
}

#[tokio::test]
async fn long_values_are_read_in_parts_and_too_many_bytes_are_an_error() {
    use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
    use openai_shim_core::upstream::StateStore as _;
    let Some(server) = RedisServer::start(&[]) else { return };
    let sealer = crate::state::sealed::Sealer::new(None, &[]);
    let store = RedisStore::new(patient(&server), sealer, crate::state::owner::FormerOwners::new());
    let entry = |n: usize, size: usize| {
        let key = StateKey::new(Owner::single(), StateKind::Turn, 0, n.to_string());
        let value: Vec<u8> = (0..size).map(|at| (at * 7 + n).to_le_bytes()[0]).collect();
        StateEntry::new(key, value, Duration::from_secs(60))
    };
    // A tenth of the most bytes, in which each has an equal share, around the share of ten.
    let share = (32 << 20) / 10;
    let sizes = [0, 1, share - 2, share - 1, share, share + 1, 7 << 20, 8 << 20, 3, 0];
    let entries: Vec<_> = sizes.iter().enumerate().map(|(n, size)| entry(n, *size)).collect();
    for entry in &entries {
        store.store(vec![entry.clone()]).await.unwrap();
    }
    let mut keys: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
    let loaded = store.load(&keys).await.unwrap();
    assert!(loaded.iter().zip(&entries).all(|(value, entry)| value.as_ref() == Some(&entry.value)));
    assert_eq!(store.load(&[]).await, Ok(Vec::new()));
    keys.truncate(8);
    keys.extend(std::iter::repeat_n(keys[7].clone(), 12));
    assert!(store.load(&keys).await.unwrap_err().message.contains("more than 33554432 bytes"));
    let too_large = store.store(vec![entry(99, (8 << 20) + 1)]).await.unwrap_err();
    assert!(too_large.message.contains("the most that is stored"), "{too_large}");
}

#[tokio::test]
async fn next_configuration_keeps_the_connection_of_an_unchanged_server() {
    let same = config(faulty(SETUP, Fault::Silence).await, 5000);
    let changed = RedisConfig { timeout: Duration::from_secs(1), ..same.clone() };
    let first = Redis::for_config(Some(&same), None).unwrap();
    until_connected(&first).await;
    let next = Redis::for_config(Some(&same), Some(&first)).unwrap();
    assert!(Arc::ptr_eq(&first.0, &next.0));
    let other = Redis::for_config(Some(&changed), Some(&first)).unwrap();
    assert!(!Arc::ptr_eq(&first.0, &other.0));
    assert!(Redis::for_config(None, Some(&first)).is_none());
}
