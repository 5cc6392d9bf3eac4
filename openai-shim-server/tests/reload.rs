//! The configuration read again while the server runs: what takes effect, what stays, and what a bad file does not do.
#![cfg(unix)]

mod support;

use serde_json::Value;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::live::{Folder, reloads, run, until_reloaded, upstream_at, with_listen};
use support::process::Process;
use support::{Script, ScriptedUpstream, Step, TestResponse, completion, stop, text};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// A running program and its configuration file.
struct Live {
    folder: Folder,
    process: Process,
}

impl Live {
    fn start(config: &str) -> Self {
        let folder = Folder::new();
        let file = folder.write("shim.toml", &with_listen(config));
        Self { process: run(&file), folder }
    }

    /// Writes another configuration, and waits until it is read.
    async fn reload(&self, config: &str) {
        self.folder.write("shim.toml", &with_listen(config));
        self.hang_up().await;
    }

    /// Sends SIGHUP, and waits until the configuration is read.
    async fn hang_up(&self) {
        let before = reloads(&self.process).await;
        self.process.signal("HUP");
        until_reloaded(&self.process, before).await;
    }

    async fn chat_with_key(&self, key: &str) -> TestResponse {
        let request = self.process.client.post(format!("{}/v1/chat/completions", self.process.url));
        TestResponse::read(request.bearer_auth(key).body(CHAT).send().await.unwrap()).await
    }

    async fn chat(&self) -> TestResponse {
        self.chat_with_key(KEY).await
    }
}

const KEY: &str = "client-key-1";

/// An upstream that answers every request with this text.
async fn answering(content: &str) -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::json(&completion(content))]).await
}

#[tokio::test]
async fn client_key_works_from_the_reload_that_adds_it_to_the_one_that_removes_it() {
    let upstream = answering("x").await;
    let config = |keys: &str| format!("client_keys = [{keys}]\n{}", upstream_at("up", &upstream.url, ""));
    let live = Live::start(&config("\"client-key-1\""));
    let other = "client-key-2";
    assert_eq!((live.chat().await.status, live.chat_with_key(other).await.status), (200, 401));
    live.reload(&config("\"client-key-1\", \"client-key-2\"")).await;
    assert_eq!((live.chat().await.status, live.chat_with_key(other).await.status), (200, 200));
    live.reload(&config("\"client-key-1\"")).await;
    assert_eq!((live.chat().await.status, live.chat_with_key(other).await.status), (200, 401));
}

#[tokio::test]
async fn limits_of_a_key_change_with_a_reload_and_what_it_used_stays_counted() {
    let upstream = answering("x").await;
    let config = |name: &str, limits: &str| {
        let key = format!("[[key]]\nname = \"{name}\"\nkey = \"{KEY}\"\n{limits}\n");
        format!("{key}{}", upstream_at("up", &upstream.url, ""))
    };
    let mut live = Live::start(&config("team-a", "requests_per_minute = 2"));
    assert_eq!(
        (live.chat().await.status, live.chat().await.status, live.chat().await.status),
        (200, 200, 429)
    );
    // Nothing of the minute is left, whatever its limit is.
    live.reload(&config("team-a", "requests_per_minute = 4")).await;
    let refused = live.chat().await;
    assert_eq!((refused.status, refused.header("x-ratelimit-limit-requests")), (429, "4"));
    live.reload(&config("team-a", "")).await;
    assert_eq!(live.chat().await.status, 200);
    let metrics = live.process.fetch("/metrics").await;
    assert!(metrics.contains("openai_shim_key_requests_total{key=\"team-a\"} 3\n"), "{metrics}");
    // Another name is another key.
    live.reload(&config("team-b", "requests_per_minute = 1")).await;
    assert_eq!((live.chat().await.status, live.chat().await.status), (200, 429));
    let log = live.process.until_logged("key=\"team-b\"").await;
    assert!(log.contains("key=\"team-a\"") && !log.contains(KEY), "{log}");
}

#[tokio::test]
async fn running_stream_ends_at_the_upstream_where_it_began_and_new_requests_go_to_the_new_one() {
    let slow = Script::stream()
        .events(&[&text("old ")])
        .wait(700)
        .events(&[&text("answer"), &stop(), "[DONE]"])
        .end();
    let (old, new) = (ScriptedUpstream::start(vec![slow]).await, answering("new answer").await);
    let live = Live::start(&upstream_at("up", &old.url, ""));
    let mut stream = live.process.post(STREAM).await;
    assert!(stream.chunk().await.unwrap().is_some());
    live.reload(&upstream_at("up", &new.url, "")).await;
    assert_eq!(live.chat().await.text(), "new answer");
    let rest = TestResponse::read(stream).await;
    assert!(rest.text().ends_with("answer") && rest.is_done(), "{}", rest.body);
    assert_eq!((old.requests().len(), new.requests().len()), (1, 1));
}

#[tokio::test]
async fn model_that_is_no_longer_named_is_unknown_and_others_stay() {
    let (one, two) = (answering("one").await, answering("two").await);
    let config = |models: &str| {
        upstream_at("one", &one.url, &format!("models = [{models}]"))
            + &upstream_at("two", &two.url, "models = [\"n\"]")
    };
    let live = Live::start(&config("\"m\", \"k\""));
    assert_eq!(live.chat().await.text(), "one");
    live.reload(&config("\"k\"")).await;
    let refused = live.chat().await;
    assert_eq!(refused.status, 404, "{}", refused.body);
    let models = live.process.fetch("/v1/models").await;
    let models: Value = serde_json::from_str(&models).unwrap();
    let ids: Vec<_> = models["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["k", "n"]);
}

#[tokio::test]
async fn bad_file_changes_nothing_and_all_its_faults_are_shown() {
    let upstream = answering("x").await;
    let good = format!("client_keys = [\"{KEY}\"]\n{}", upstream_at("up", &upstream.url, ""));
    let mut live = Live::start(&good);
    live.reload(&format!("{good}[retry]\nattempts = 99\n[limits]\nconcurrent = 0\n")).await;
    assert_eq!(live.chat().await.status, 200);
    let log = live.process.until_logged("limits.concurrent").await;
    assert!(
        log.contains("shim.toml:8: retry.attempts: 99 is out of range") && log.contains("remains in effect"),
        "{log}"
    );
    let ready: Value = serde_json::from_str(&live.process.fetch("/readyz").await).unwrap();
    assert_eq!((&ready["status"], &ready["config"]), (&"ready".into(), &"not reloaded".into()));
    assert!(ready["faults"][0].as_str().unwrap().contains("retry.attempts"), "{ready}");
    assert!(ready["faults"][1].as_str().unwrap().contains("limits.concurrent"), "{ready}");
    // Without a key, a caller learns nothing of the files.
    let url = format!("{}/readyz", live.process.url);
    let stranger = TestResponse::read(live.process.client.get(url).send().await.unwrap()).await;
    assert_eq!(stranger.status, 200);
    assert!(stranger.body.contains("see the log") && !stranger.body.contains("retry"), "{}", stranger.body);
    assert_eq!(live.process.metric("config_last_reload_successful").await, 0);
    live.reload(&good).await;
    assert_eq!(live.process.metric("config_last_reload_successful").await, 1);
    assert_eq!(reloads(&live.process).await, [1, 1]);
    assert_eq!(live.process.fetch("/readyz").await, r#"{"status":"ready"}"#);
}

#[tokio::test]
async fn empty_or_missing_file_changes_nothing() {
    let upstream = answering("x").await;
    let mut live = Live::start(&upstream_at("up", &upstream.url, ""));
    live.folder.write("shim.toml", "\n");
    live.hang_up().await;
    live.process.until_logged("shim.toml: is empty").await;
    std::fs::remove_file(live.folder.0.join("shim.toml")).unwrap();
    live.hang_up().await;
    live.process.until_logged("shim.toml: cannot be read").await;
    assert_eq!(live.chat().await.text(), "x");
    assert_eq!(reloads(&live.process).await, [0, 2]);
}

#[tokio::test]
async fn secret_in_a_file_is_read_again_when_the_file_changes() {
    let upstream = answering("x").await;
    let folder = Folder::new();
    folder.write("key", "first-key\n");
    let config = upstream_at("up", &upstream.url, "api_key = \"file:key\"");
    let file = folder.write("shim.toml", &with_listen(&format!("watch = true\n{config}")));
    let process = run(&file);
    let sent = |index: usize| upstream.requests()[index].0.clone();
    process.post(CHAT).await;
    assert!(sent(0).contains("authorization: bearer first-key"), "{}", sent(0));
    let before = reloads(&process).await;
    folder.write("key", "second-key\n");
    until_reloaded(&process, before).await;
    process.post(CHAT).await;
    assert!(sent(1).contains("authorization: bearer second-key"), "{}", sent(1));
    // A key that cannot be used is a bad file like any other.
    let before = reloads(&process).await;
    folder.write("key", "\n");
    until_reloaded(&process, before).await;
    process.post(CHAT).await;
    assert!(sent(2).contains("authorization: bearer second-key"), "{}", sent(2));
    assert_eq!(reloads(&process).await, [1, 1]);
}

#[tokio::test]
async fn swapped_link_to_another_folder_is_noticed_time_and_again() {
    // As Kubernetes mounts a ConfigMap.
    let upstreams = [answering("zero").await, answering("one").await, answering("two").await];
    let folder = Folder::new();
    let publish = |version: usize| {
        let data = format!("..version-{version}");
        std::fs::create_dir(folder.0.join(&data)).unwrap();
        let config = upstream_at("up", &upstreams[version].url, "");
        std::fs::write(
            folder.0.join(&data).join("shim.toml"),
            with_listen(&format!("watch = true\n{config}")),
        )
        .unwrap();
        symlink(&data, folder.0.join("..data_tmp")).unwrap();
        std::fs::rename(folder.0.join("..data_tmp"), folder.0.join("..data")).unwrap();
    };
    publish(0);
    symlink("..data/shim.toml", folder.0.join("shim.toml")).unwrap();
    let process = run(&folder.0.join("shim.toml"));
    let answered = async || TestResponse::read(process.post(CHAT).await).await.text();
    assert_eq!(answered().await, "zero");
    for (version, answer) in [(1, "one"), (2, "two")] {
        let before = reloads(&process).await;
        publish(version);
        std::fs::remove_dir_all(folder.0.join(format!("..version-{}", version - 1))).unwrap();
        until_reloaded(&process, before).await;
        assert_eq!(answered().await, answer);
    }
}

#[tokio::test]
async fn file_that_is_replaced_or_written_in_place_is_read_once_and_other_files_do_not_matter() {
    let (one, two) = (answering("one").await, answering("two").await);
    let config = |url: &str| format!("watch = true\n{}", upstream_at("up", url, ""));
    let live = Live::start(&config(&one.url));
    for (count, url, answer) in [(1, &two.url, "two"), (2, &one.url, "one")] {
        let file = live.folder.0.join("shim.toml");
        let before = reloads(&live.process).await;
        if count == 1 {
            live.folder.write("shim.toml", &with_listen(&config(url)));
        } else {
            std::fs::write(file, with_listen(&config(url))).unwrap();
        }
        until_reloaded(&live.process, before).await;
        assert_eq!(live.chat().await.text(), answer);
        live.folder.write("unrelated", answer);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(reloads(&live.process).await, [count, 0]);
    }
}

#[tokio::test]
async fn watching_begins_and_ends_with_a_reload() {
    let (one, two) = (answering("one").await, answering("two").await);
    let live = Live::start(&upstream_at("up", &one.url, ""));
    live.reload(&format!("watch = true\n{}", upstream_at("up", &one.url, ""))).await;
    let before = reloads(&live.process).await;
    live.folder.write("shim.toml", &with_listen(&upstream_at("up", &two.url, "")));
    until_reloaded(&live.process, before).await;
    assert_eq!(live.chat().await.text(), "two");
    live.folder.write("shim.toml", &with_listen(&upstream_at("up", &one.url, "")));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(live.chat().await.text(), "two");
}

#[tokio::test]
async fn what_needs_a_restart_is_logged_and_the_rest_takes_effect() {
    let (one, two) = (answering("one").await, answering("two").await);
    let mut live = Live::start(&upstream_at("up", &one.url, ""));
    let config =
        format!("listen = \"127.0.0.1:1\"\n{}[log]\nformat = \"json\"\n", upstream_at("up", &two.url, ""));
    live.folder.write("shim.toml", &config);
    live.hang_up().await;
    let log = live.process.until_logged("is in effect").await;
    for setting in ["listen", "[log]"] {
        assert!(log.contains(&format!("{setting} has changed, which takes effect when")), "{log}");
    }
    assert!(log.contains("changed=\"up\""), "{log}");
    assert_eq!(live.chat().await.text(), "two");
}

#[tokio::test]
async fn server_that_others_reach_is_not_opened_by_a_file_without_keys() {
    let upstream = answering("x").await;
    let folder = Folder::new();
    let config = upstream_at("up", &upstream.url, "");
    let keys = "client_keys = [\"a-long-client-key-of-a-team\"]\n";
    let file = folder.write("shim.toml", &format!("listen = \"0.0.0.0:0\"\n{keys}{config}"));
    // `Process` asks loopback addresses.
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_openai-shim"))
        .arg("--config")
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let line = lines.next().unwrap().unwrap();
    let port = line.rsplit(':').next().unwrap().to_owned();
    let mut log = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    for unsafe_config in
        [format!("listen = \"127.0.0.1:0\"\n{config}"), format!("client_keys = [\"short\"]\n{config}")]
    {
        folder.write("shim.toml", &unsafe_config);
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
        let fault = log.find_map(|line| line.ok().filter(|line| line.contains("client_keys"))).unwrap();
        assert!(fault.contains("can be reached from other machines"), "{fault}");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("http://127.0.0.1:{port}/v1/chat/completions")).body(CHAT);
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn limit_on_concurrent_requests_holds_for_new_ones_together_with_those_that_run() {
    let upstream =
        ScriptedUpstream::start(vec![Script::stream().events(&[&text("a")]).then(Step::Stall)]).await;
    let config =
        |limit: u32| format!("[limits]\nconcurrent = {limit}\n{}", upstream_at("up", &upstream.url, ""));
    let live = Live::start(&config(1));
    let first = live.process.post(STREAM).await;
    assert_eq!(
        (first.status(), live.process.post(STREAM).await.status()),
        (reqwest::StatusCode::OK, reqwest::StatusCode::SERVICE_UNAVAILABLE)
    );
    live.reload(&config(2)).await;
    let second = live.process.post(STREAM).await;
    assert_eq!((second.status().as_u16(), live.process.post(STREAM).await.status().as_u16()), (200, 503));
    live.reload(&config(1)).await;
    drop(second);
    upstream.until_disconnected().await;
    assert_eq!(live.process.post(STREAM).await.status().as_u16(), 503);
    drop(first);
    support::until("both are gone", || upstream.disconnects() == 2).await;
    for _ in 0..500 {
        let status = live.process.post(STREAM).await.status().as_u16();
        if status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no permit became free");
}

#[tokio::test]
async fn metrics_stored_responses_and_open_connections_outlive_a_reload() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let accepted = std::sync::Arc::<AtomicUsize>::default();
    let counted = accepted.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                while support::read_request(&mut socket).await.is_some() {
                    let body = completion("x");
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    let answer = format!("{head}{body}");
                    tokio::io::AsyncWriteExt::write_all(&mut socket, answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let keys = format!("client_keys = [\"{KEY}\"]\n");
    let live = Live::start(&format!("{keys}{}", upstream_at("up", &url, "")));
    let respond = async |body: &str| {
        let request = live.process.client.post(format!("{}/v1/responses", live.process.url)).bearer_auth(KEY);
        TestResponse::read(request.body(body.to_owned()).send().await.unwrap()).await
    };
    let first = respond(r#"{"model":"m","input":"hi"}"#).await.json();
    live.reload(&format!("debug = true\n{keys}{}", upstream_at("up", &url, "models = [\"m\"]"))).await;
    let id = first["id"].as_str().unwrap();
    let second = respond(&format!(r#"{{"model":"m","input":"and?","previous_response_id":"{id}"}}"#)).await;
    assert_eq!(second.status, 200, "{}", second.body);
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
    let metrics = live.process.fetch("/metrics").await;
    let line = r#"openai_shim_requests_total{route="openai-responses",upstream="up",status="200"} 2"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn many_signals_at_once_are_survived() {
    let upstream = answering("x").await;
    let mut live = Live::start(&upstream_at("up", &upstream.url, ""));
    for round in 0..20 {
        for _ in 0..10 {
            live.process.signal("HUP");
        }
        assert_eq!(live.chat().await.text(), "x", "{round}");
    }
    live.hang_up().await;
    live.process.assert_alive();
    let [successes, failures] = reloads(&live.process).await;
    assert!((1..=201).contains(&successes) && failures == 0, "{successes} {failures}");
}

#[tokio::test]
async fn nothing_is_dropped_while_streams_run_and_the_configuration_changes() {
    const CLIENTS: usize = 64;
    const RELOADS: usize = 20;
    let answer = Script::stream()
        .events(&[&text("one ")])
        .wait(120)
        .events(&[&text("two ")])
        .wait(120)
        .events(&[&text("three"), &stop(), "[DONE]"])
        .end();
    let upstreams =
        [ScriptedUpstream::start(vec![answer.clone()]).await, ScriptedUpstream::start(vec![answer]).await];
    let config = |turn: usize| {
        let key = format!("client_keys = [\"{KEY}\"]\n");
        let bad = if turn % 5 == 4 { "nonsense = 1\n" } else { "" };
        format!("{key}{bad}{}", upstream_at("up", &upstreams[turn % 2].url, ""))
    };
    let live = Live::start(&config(0));
    let finished = std::sync::Arc::<AtomicUsize>::default();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, url) =
                (live.process.client.clone(), format!("{}/v1/chat/completions", live.process.url));
            let (finished, done) = (finished.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let sent = client.post(&url).bearer_auth(KEY).body(STREAM).send().await.unwrap();
                    let answer = TestResponse::read(sent).await;
                    assert!(answer.status == 200 && answer.is_done() && !answer.is_broken, "{}", answer.body);
                    assert_eq!(answer.text(), "one two three");
                    finished.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for turn in 1..=RELOADS {
        live.reload(&config(turn)).await;
        let before = finished.load(Ordering::SeqCst);
        support::until("streams end", || finished.load(Ordering::SeqCst) >= before + CLIENTS / 8).await;
    }
    done.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(reloads(&live.process).await, [16, 4]);
    assert!(upstreams.iter().all(|upstream| upstream.requests().len() > CLIENTS / 8));
}

#[tokio::test]
async fn systemd_is_notified_when_a_reload_begins_and_when_it_has_ended() {
    let folder = Folder::new();
    let address = folder.0.join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let file = folder.write("shim.toml", &with_listen(&upstream_at("up", "echo", "")));
    let environment = [("NOTIFY_SOCKET", address.to_str().unwrap())];
    let process = Process::with_file(&file, &environment, Stdio::piped(), "");
    let received = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(received().trim(), "READY=1");
    for config in ["", "nonsense = 1"] {
        folder.write("shim.toml", &with_listen(config));
        process.signal("HUP");
        let begins = received();
        let time = begins.trim().strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        assert!(time.is_some_and(|time| time.parse::<u64>().is_ok()), "{begins}");
        assert_eq!(received().trim(), "READY=1");
    }
}
