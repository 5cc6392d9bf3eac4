//! The log: unwritable or slow outputs do not affect requests, and untrusted text is escaped.

mod support;

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::process::Process;
use support::{Script, ScriptedUpstream, completion};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

fn before(upstream: &ScriptedUpstream) -> String {
    format!("[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n", upstream.url)
}

async fn upstream() -> ScriptedUpstream {
    ScriptedUpstream::start(vec![Script::json(&completion("hello"))]).await
}

/// A pipe whose reader is closed.
fn without_reader() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// Waits until so many lines are counted as lost.
async fn until_lost(process: &Process, lines: u64) {
    for _ in 0..500 {
        if process.metric("log_lines_lost_total").await >= lines {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", process.metric("log_lines_lost_total").await);
}

#[tokio::test]
async fn unwritable_log_is_counted_and_does_not_stop_the_server() {
    let upstream = upstream().await;
    for (errors, log) in
        [(full(), "text"), (without_reader(), "text"), (full(), "json"), (without_reader(), "json")]
    {
        let mut process = Process::spawn(&before(&upstream), &[("OPENAI_SHIM_LOG", log)], errors, "");
        for _ in 0..3 {
            assert_eq!(process.post(CHAT).await.status(), 200);
            assert_eq!(process.post("{").await.status(), 400);
        }
        until_lost(&process, 6).await;
        process.assert_alive();
        process.terminate();
        assert!(process.until_ended(Duration::from_secs(5)).await.success());
    }
}

#[tokio::test]
async fn slow_log_reader_does_not_delay_requests() {
    let upstream = upstream().await;
    let (reader, writer) = std::io::pipe().unwrap();
    let log = [("OPENAI_SHIM_LOG", "json,info,bodies=debug")];
    let mut process = Process::spawn(&before(&upstream), &log, writer.into(), "");
    let long = CHAT.replace("hi", &"x".repeat(20_000));
    for _ in 0..60 {
        assert_eq!(process.post(&long).await.status(), 200);
    }
    until_lost(&process, 1).await;
    process.terminate();
    // The process waits for the last lines, but not forever.
    assert!(process.until_ended(Duration::from_secs(8)).await.success());
    drop(reader);
}

#[tokio::test]
async fn server_works_without_stdout_and_stderr() {
    let upstream = upstream().await;
    // The address cannot be printed.
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (reader, broken) = std::io::pipe().unwrap();
    drop(reader);
    let closed = "exec \"$0\" \"$@\" >&- 2>&-";
    for (shell, out) in [(closed, Stdio::null()), ("exec \"$0\" \"$@\"", broken.into())] {
        let mut child = Command::new("sh")
            .args(["-c", shell, env!("CARGO_BIN_EXE_openai-shim"), "--listen", &listen.to_string()])
            .args(["--upstream", &upstream.url])
            .stdout(out)
            .stderr(full())
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{listen}/v1/chat/completions");
        let mut status = None;
        for _ in 0..500 {
            status = client.post(&url).body(CHAT).send().await.ok().map(|reply| reply.status().as_u16());
            if status.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((status, ended), (Some(200), None));
    }
}

#[test]
fn usage_error_sets_the_exit_code_without_stderr() {
    for errors in [full(), without_reader()] {
        let status = Command::new(env!("CARGO_BIN_EXE_openai-shim"))
            .args(["check", "--upstream", "nowhere"])
            .stdout(Stdio::null())
            .stderr(errors)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(2));
    }
}

#[tokio::test]
async fn untrusted_text_cannot_control_a_terminal_or_forge_log_lines() {
    for log in ["text,debug,bodies=debug", "json,debug,bodies=debug"] {
        let error = "{\"error\":{\"message\":\"a\u{9b}31m\u{85}b\\n2026 ERROR forged \u{202e}\"}}";
        let upstream = ScriptedUpstream::start(vec![Script::response(400, "application/json", error)]).await;
        let mut process = Process::start(&before(&upstream), &[("OPENAI_SHIM_LOG", log)]);
        process.post(&CHAT.replace("\"m\"", "\"m\u{9b}2J\u{7f}\u{2028}\"")).await;
        // The text format escapes values itself.
        process.until_logged("9b").await;
        let log = process.until_logged("forged").await;
        assert!(!log.contains(['\u{9b}', '\u{85}', '\u{7f}', '\u{202e}', '\u{2028}', '\x1b']), "{log}");
        assert!(!log.lines().any(|line| line.starts_with("2026 ERROR")), "{log}");
    }
}
