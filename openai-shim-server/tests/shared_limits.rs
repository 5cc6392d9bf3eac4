//! Limits that replicas hold together in Redis. Time is real: what refills while a test runs is taken into account.

#[path = "../src/state/redis/test_server.rs"]
mod redis_server;
mod support;
#[path = "support/team.rs"]
mod team;

use axum::Router;
use http::Method;
use redis_server::RedisServer;
use std::time::{Duration, Instant};
use team::{Counting, begin_stream, call, chat, key, metric, next, shim};

/// A replica. Its store may take long: what is tested is no speed.
fn replica(server: &RedisServer, keys: &str, upstream: &Counting) -> Router {
    store(server, keys, upstream, "5s")
}

fn store(server: &RedisServer, keys: &str, upstream: &Counting, timeout: &str) -> Router {
    let secret = "0123456789abcdef0123456789abcdef";
    let store = format!(
        "[store]\nurl = \"{}\"\nprefix = \"t:\"\nsecret = \"{secret}\"\ntimeout = \"{timeout}\"\n",
        server.url()
    );
    shim(&format!("{keys}{store}"), upstream)
}

/// Waits until a request of a key is admitted: requests end at the server a moment after their clients know.
async fn until_admitted(shim: &Router, name: &str) {
    for _ in 0..200 {
        if chat(shim, name).await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no request of {name} is admitted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_hold_one_limit_of_requests_exactly() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let keys = key("a", "requests_per_minute = 600") + &key("b", "requests_per_minute = 600");
    let upstream = Counting::reporting(1, 1);
    let replicas = [replica(&server, &keys, &upstream), replica(&server, &keys, &upstream)];
    let begun = Instant::now();
    let clients: Vec<_> = (0..64)
        .map(|number| {
            let shim = replicas[number % 2].clone();
            tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..20 {
                    admitted += u64::from(chat(&shim, "a").await.status == 200);
                }
                admitted
            })
        })
        .collect();
    let mut admitted = 0;
    for client in clients {
        admitted += client.await.unwrap();
    }
    let refilled = begun.elapsed().as_millis() / 100;
    let most = 600 + u64::try_from(refilled).unwrap();
    assert!((600..=most).contains(&admitted), "{admitted}, not from 600 to {most}");
    let answer = chat(&replicas[0], "b").await;
    assert_eq!((answer.status, answer.header("x-ratelimit-remaining-requests")), (200, "599"));
    let answer = chat(&replicas[1], "b").await;
    assert!(["598", "599"].contains(&answer.header("x-ratelimit-remaining-requests")));
    for replica in &replicas {
        assert_eq!(metric(replica, "b", "limits_local_decisions_total").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_hold_one_limit_of_tokens_exactly() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let keys = key("a", "tokens_per_minute = 6000");
    // As many as a request reserves: a prompt of about 5, and a bound of 10.
    let upstream = Counting::reporting(5, 10);
    let replicas = [replica(&server, &keys, &upstream), replica(&server, &keys, &upstream)];
    let begun = Instant::now();
    let clients: Vec<_> = (0..32)
        .map(|number| {
            let shim = replicas[number % 2].clone();
            tokio::spawn(async move {
                let (mut used, mut refused) = (0, 0);
                while refused < 3 {
                    match chat(&shim, "a").await.status {
                        200 => used += 15,
                        _ => refused += 1,
                    }
                }
                used
            })
        })
        .collect();
    let mut used = 0;
    for client in clients {
        used += client.await.unwrap();
    }
    let refilled = u64::try_from(begun.elapsed().as_millis() / 10).unwrap();
    let most = 6000 + refilled;
    assert!(used <= most + 15 && used * 100 >= 6000 * 99, "{used} of {most}");
    let remaining = server.command("HGET t:limits:{a}:used h");
    // All are charged and none is reserved, once the server was told.
    for _ in 0..200 {
        if server.command("HGET t:limits:{a}:used h") == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("reserved: {remaining}");
}

#[tokio::test]
async fn permits_are_shared_and_those_of_a_replica_that_is_gone_end() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let keys = key("a", "concurrent = 2\ntokens_per_minute = 100000");
    let upstream = Counting::reporting(1, 1);
    let replicas = [replica(&server, &keys, &upstream), replica(&server, &keys, &upstream)];
    let mut first = begin_stream(&replicas[0], "a").await;
    let second = begin_stream(&replicas[1], "a").await;
    for replica in &replicas {
        let refused = chat(replica, "a").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    }
    drop(second);
    until_admitted(&replicas[0], "a").await;
    upstream.end();
    while next(&mut first).await.is_some() {}
    until_admitted(&replicas[1], "a").await;
    // Two requests of a replica that is gone: their leases have ended, in 1970.
    server.command("ZADD t:limits:{a}:open 1 8:50000 2 9:50000\r\nHINCRBY t:limits:{a}:used h 100000");
    let answer = chat(&replicas[0], "a").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("x-ratelimit-remaining-tokens").parse::<u64>().unwrap() > 99_000);
}

#[tokio::test]
async fn what_is_shared_has_an_end_and_no_secrets() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let keys = key("a", "requests_per_minute = 60\ntokens_per_minute = 600\nconcurrent = 2");
    let shim = replica(&server, &keys, &Counting::reporting(1, 1));
    let _open = begin_stream(&shim, "a").await;
    let mut names = server.keys();
    names.sort();
    assert_eq!(names, ["t:limits:{a}:open", "t:limits:{a}:used"]);
    for name in names {
        let lifetime: i64 = server.command(&format!("PTTL {name}")).trim_start_matches(':').parse().unwrap();
        assert!((1..=61_000).contains(&lifetime), "{name}: {lifetime}");
    }
}

#[tokio::test]
async fn without_its_store_each_replica_holds_the_limits_itself_and_no_request_waits() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let keys = key("a", "requests_per_minute = 3\nconcurrent = 5");
    let shim = store(&server, &keys, &Counting::reporting(1, 1), "500ms");
    assert_eq!(chat(&shim, "a").await.status, 200);
    assert_eq!(metric(&shim, "a", "limits_local_decisions_total").await, 0);
    server.kill();
    let begun = Instant::now();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(chat(&shim, "a").await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(metric(&shim, "a", "limits_local_decisions_total").await, 4);
    // The new server has no counters: the first request that it decides about is the first of its minute.
    server.resume();
    until_admitted(&shim, "a").await;
    let metrics = call(&shim, "a", Method::GET, "/metrics", "").await.body;
    assert!(metrics.contains("openai_shim_key_open_requests{key=\"a\"} 0"), "{metrics}");
}
