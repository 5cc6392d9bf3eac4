//! The program as its own process: signals, systemd, logs, and a machine without root certificates.

mod support;

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Answer, Script, Scripted, Step, completion, stop, text};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"the secret of life; my key is client-key-1, and sk-0123456789abcdef"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

struct Process {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
    client: reqwest::Client,
}

impl Process {
    /// Starts the program, and waits until it says where it listens.
    fn start(config: &str, environment: &[(&str, &str)]) -> Self {
        openai_shim_server::upstream::http::provide_tls();
        let folder = std::env::temp_dir();
        let file = folder.join(format!(
            "shim-process-{}-{:?}.toml",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\n{config}")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_openai-shim"))
            .arg("--config")
            .arg(&file)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        let (written, errors) = (log.clone(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                written.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line} {}", log.lock().unwrap());
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        let _ = std::fs::remove_file(file);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: format!("http://{address}"), log, client }
    }

    async fn post(&self, body: &'static str) -> reqwest::Response {
        let request = self.client.post(format!("{}/v1/chat/completions", self.url)).body(body);
        request.header("authorization", "Bearer client-key-1").send().await.unwrap()
    }

    fn terminate(&self) {
        assert!(
            Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap().success()
        );
    }

    async fn ended(&mut self, within: Duration) -> ExitStatus {
        let begun = Instant::now();
        while begun.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still running: {}", self.log());
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until something is logged; all that was logged.
    async fn logged(&mut self, what: &str) -> String {
        for _ in 0..500 {
            if self.log().contains(what) {
                return self.log();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what} was not logged, {:?}: {}", self.child.try_wait(), self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn before(upstream: &Scripted) -> String {
    format!(
        "client_keys = [\"client-key-1\"]\n[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\napi_key = \"upstream-key-1\"\n",
        upstream.url
    )
}

#[tokio::test]
async fn told_to_stop_it_lets_streams_finish_and_tells_systemd() {
    let path = std::env::temp_dir().join(format!("shim-notify-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let told = || {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let script =
        Script::stream().events(&[&text("one")]).wait(700).events(&[&text(" two"), &stop(), "[DONE]"]).end();
    let upstream = Scripted::start(vec![script]).await;
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut process = Process::start(&before(&upstream), &environment);
    let mut first = vec![told(), told(), told()];
    first.sort();
    assert_eq!(first, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);

    let mut response = process.post(STREAM).await;
    assert!(response.chunk().await.unwrap().is_some());
    process.terminate();
    process.logged("stopping").await;
    assert!(process.client.get(format!("{}/healthz", process.url)).send().await.is_err());
    let rest = Answer::of(response).await;
    assert!(rest.body.contains("two") && rest.is_done());
    assert!(process.ended(Duration::from_secs(3)).await.success());
    while told() != "STOPPING=1" {}
    let _ = std::fs::remove_file(path);
}

#[tokio::test]
async fn told_twice_it_stops_at_once() {
    let upstream = Scripted::start(vec![Script::stream().events(&[&text("one")]).then(Step::Stall)]).await;
    let mut process = Process::start(&before(&upstream), &[]);
    let mut response = process.post(STREAM).await;
    assert!(response.chunk().await.unwrap().is_some());
    process.terminate();
    process.logged("stopping").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    process.terminate();
    process.ended(Duration::from_secs(3)).await;
    upstream.until_gone().await;
    // Either the connection breaks, or the upstream's does first and the client is told.
    let rest = response.text().await;
    assert!(rest.is_err() || rest.is_ok_and(|rest| rest.contains("\"error\"") && !rest.contains("[DONE]")));
}

#[tokio::test]
async fn a_request_is_one_line_of_json_without_secrets_or_messages() {
    let upstream = Scripted::start(vec![Script::json(&completion("forty-two"))]).await;
    let mut process = Process::start(&before(&upstream), &[("OPENAI_SHIM_LOG", "json,trace")]);
    let id = process.post(CHAT).await.headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = process.logged("\"exchange\"").await;
    let lines: Vec<_> = log.lines().filter(|line| line.contains("\"exchange\"")).collect();
    assert_eq!(lines.len(), 1);
    let line: Value = serde_json::from_str(lines[0]).unwrap();
    for (key, value) in [
        ("id", id.as_str()),
        ("method", "POST"),
        ("path", "/v1/chat/completions"),
        ("dialect", "openai-chat"),
        ("upstream", "up"),
        ("model", "m"),
        ("outcome", "complete"),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    for (key, value) in [("status", 200), ("attempts", 1), ("tokens_in", 1), ("tokens_out", 1)] {
        assert_eq!(line[key], value, "{line}");
    }
    assert!(line["total_ms"].as_f64() >= line["first_byte_ms"].as_f64());
    assert!(line["diagnostics"].is_string());
    for secret in ["client-key-1", "upstream-key-1", "secret of life", "forty-two"] {
        assert!(!log.contains(secret), "{secret}:\n{log}");
    }
}

#[tokio::test]
async fn requests_and_answers_are_logged_for_those_who_ask_with_secrets_redacted() {
    let upstream = Scripted::start(vec![
        Script::json(&completion("forty-two")),
        Script::stream().events(&[&text("half")]).end(),
    ])
    .await;
    let mut process = Process::start(&before(&upstream), &[("OPENAI_SHIM_LOG", "json,info,bodies=debug")]);
    process.post(CHAT).await;
    process.post(STREAM).await.text().await.unwrap();
    process.logged("half").await;
    let log = process.logged("\"way\":\"reply\"").await;
    for way in ["request", "to upstream", "from upstream", "reply"] {
        let line = log
            .lines()
            .find(|line| line.contains(&format!("\"way\":\"{way}\"")))
            .unwrap_or_else(|| panic!("{way}: {log}"));
        assert!(
            line.contains(if way.contains("request") || way == "to upstream" {
                "secret of life"
            } else {
                "forty-two"
            }),
            "{line}"
        );
        let id = serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("req_"));
    }
    assert!(log.contains("my key is [redacted], and [redacted]"), "{log}");
    for secret in ["client-key-1", "upstream-key-1", "sk-0123456789abcdef"] {
        assert!(!log.contains(secret), "{secret}:\n{log}");
    }
}

#[tokio::test]
async fn it_serves_without_any_root_certificates_on_the_machine() {
    let upstream = Scripted::start(vec![Script::json(&completion("x"))]).await;
    let more = "[[upstream]]\nname = \"tls\"\nbase_url = \"https://127.0.0.1:1\"\n[retry]\nattempts = 1\n";
    let nowhere = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    let process = Process::start(&format!("{}{more}", before(&upstream)), &nowhere);
    let answer =
        Answer::of(process.post(r#"{"model":"up/m","messages":[{"role":"user","content":"hi"}]}"#).await)
            .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer =
        Answer::of(process.post(r#"{"model":"tls/m","messages":[{"role":"user","content":"hi"}]}"#).await)
            .await;
    assert_eq!(answer.error()["message"], "The upstream could not be reached: connection refused.");
}

#[tokio::test]
async fn a_model_name_of_megabytes_writes_no_log_line_of_megabytes() {
    let refusal = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
    let name = "x".repeat(20 << 20);
    // One upstream repeats the name in an error.
    let unknown = format!(r#"{{"error":{{"message":"no model {}","type":"x"}}}}"#, "x".repeat(900_000));
    let upstream = Scripted::start(vec![
        Script::whole(400, "application/json", refusal),
        Script::json(&completion("hello")),
        Script::whole(404, "application/json", unknown),
    ])
    .await;
    let mut process = Process::start(&before(&upstream), &[]);
    let body =
        format!(r#"{{"model":"{name}","max_tokens":5,"messages":[{{"role":"user","content":"hi"}}]}}"#);
    for expected in [200, 404] {
        let request = process.client.post(format!("{}/v1/chat/completions", process.url)).body(body.clone());
        let answer = request.header("authorization", "Bearer client-key-1").send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
    let log = process.logged("status=404").await;
    assert!(log.contains("learned") && log.contains('…'), "{log}");
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest < 4000, "a line of {longest} bytes");
}
