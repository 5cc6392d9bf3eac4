//! `record`, `replay:` and `test`: live traffic to files, files to answers, files to golden files.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn shim(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openai-shim"));
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OPENAI_SHIM_"))
    {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// A server on a port of its own, stopped when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut command = shim(args);
        command.args(["--listen", "127.0.0.1:0"]).env("OPENAI_SHIM_CLIENT_KEYS", "hunter2-hunter2");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the server ended").unwrap();
        let address = first.rsplit(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    fn post(&self, path: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer hunter2-hunter2\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cassettes-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn test(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let folder = folder.to_str().unwrap();
    let Output { status, stdout, stderr } = shim(&[&["test", folder], args].concat()).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

const CHAT: &str =
    r#"{"model":"echo","stream":true,"messages":[{"role":"user","content":"keep hunter2-hunter2 secret"}]}"#;

/// Records two exchanges with the echo.
fn record(name: &str) -> PathBuf {
    let folder = folder(name);
    let server = Server::start(&["record", folder.to_str().unwrap()]);
    let answer = server.post("/v1/chat/completions", CHAT);
    assert!(answer.contains("data: [DONE]"), "{answer}");
    server.post(
        "/v1/messages",
        r#"{"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
    );
    let started = Instant::now();
    while files(&folder).len() < 2 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(server);
    folder
}

#[test]
fn recorded_exchanges_are_files_without_keys() {
    let folder = record("files");
    assert_eq!(files(&folder), ["0001-openai-chat-echo.cassette", "0002-anthropic-messages-echo.cassette"]);
    for name in files(&folder) {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(!text.contains("hunter2") && text.contains("authorization: [key]"), "{text}");
        assert!(
            text.contains("== upstream openai-chat openai") && text.contains("== client's response"),
            "{text}"
        );
    }
    // Another run continues the numbers.
    let server = Server::start(&["record", folder.to_str().unwrap()]);
    server.post("/v1/chat/completions", CHAT);
    drop(server);
    assert!(files(&folder).contains(&String::from("0003-openai-chat-echo.cassette")), "{:?}", files(&folder));
}

#[test]
fn recordings_answer_clients_of_other_dialects() {
    let folder = record("replay");
    let server = Server::start(&["--upstream", &format!("replay:{}", folder.display())]);
    let body = CHAT.replace("hunter2-hunter2", "[key]");
    let answer = server.post("/api/chat", &body);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""done":true"#), "{answer}");
    let missing = server.post("/v1/chat/completions", &body.replace("secret", "safe"));
    assert!(
        missing.starts_with("HTTP/1.1 501 ") && missing.contains("The nearest is 0001-openai-chat-echo"),
        "{missing}"
    );
}

#[test]
fn golden_files_are_written_once_and_every_change_is_shown() {
    let folder = record("golden");
    let (code, text) = test(&folder, &[]);
    assert!(code == Some(1) && text.contains("is missing; --bless writes it"), "{text}");
    let (code, text) = test(&folder, &["--bless"]);
    assert!(code == Some(0) && text.contains("14 conversions, 0 changed, 14 golden files written"), "{text}");
    assert_eq!(test(&folder, &[]), (Some(0), String::from("14 conversions, 0 changed\n")));

    let golden = folder.join("0001-openai-chat-echo.gemini.golden");
    let changed =
        std::fs::read_to_string(&golden).unwrap().replace("\"text\":\"keep \"", "\"text\":\"lose \"");
    std::fs::write(&golden, changed).unwrap();
    let report = folder.join("report.xml");
    let (code, text) = test(&folder, &["--to", "gemini,ollama-chat", "--junit", report.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("4 conversions, 1 changed"), "{text}");
    assert!(text.contains("\n- ") && text.contains("lose ") && text.contains("\n+ "), "{text}");
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("tests=\"4\" failures=\"1\"") && report.contains("&quot;lose "), "{report}");
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error_with_a_remedy() {
    let empty = folder("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let (code, text) = test(&empty, &[]);
    assert!(code == Some(2) && text.contains("openai-shim record"), "{text}");
    let (code, text) = test(&empty, &["--to", "klingon"]);
    assert!(code == Some(2) && text.contains("--to:") && text.contains("openai-chat"), "{text}");

    std::fs::write(empty.join("a.cassette"), "openai-shim cassette 1\n\n== client openai-chat\nPOST\n")
        .unwrap();
    let (code, text) = test(&empty, &[]);
    assert!(code == Some(2) && text.contains("a.cassette, line 4: "), "{text}");
    let output = shim(&["check", "--upstream", &format!("replay:{}", empty.display())]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && text.contains("--upstream") && text.contains("line 4"),
        "{text}"
    );
}
