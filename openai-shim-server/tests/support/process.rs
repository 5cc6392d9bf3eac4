//! The program as a child process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

static FILES: AtomicUsize = AtomicUsize::new(0);

/// The running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    pub child: Child,
    pub url: String,
    log: Arc<Mutex<String>>,
    pub client: reqwest::Client,
}

impl Process {
    /// Starts the program, and waits until it prints its address.
    pub fn start(config: &str, environment: &[(&str, &str)]) -> Self {
        Self::spawn(config, environment, Stdio::piped(), "")
    }

    /// Starts the program with another standard error, after shell commands such as `ulimit -n 40;`.
    pub fn spawn(config: &str, environment: &[(&str, &str)], errors: Stdio, shell: &str) -> Self {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("shim-process-{}-{number}.toml", std::process::id()));
        std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\n{config}")).unwrap();
        let process = Self::with_file(&file, environment, errors, shell);
        let _ = std::fs::remove_file(file);
        process
    }

    /// Starts the program with a configuration file, which stays where it is.
    pub fn with_file(file: &Path, environment: &[(&str, &str)], errors: Stdio, shell: &str) -> Self {
        openai_shim_server::upstream::http::provide_tls();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{shell} exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_openai-shim")])
            .arg("--config")
            .arg(file)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        if let Some(errors) = child.stderr.take() {
            let written = log.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    written.lock().unwrap().push_str(&(line + "\n"));
                }
            });
        }
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line} {}", log.lock().unwrap());
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: format!("http://{address}"), log, client }
    }

    pub async fn post(&self, body: &str) -> reqwest::Response {
        let request = self.client.post(format!("{}/v1/chat/completions", self.url)).body(body.to_owned());
        request.header("authorization", "Bearer client-key-1").send().await.unwrap()
    }

    pub async fn fetch(&self, path: &str) -> String {
        let request =
            self.client.get(format!("{}{path}", self.url)).header("authorization", "Bearer client-key-1");
        request.send().await.unwrap().text().await.unwrap()
    }

    /// The value of a metric without labels.
    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.fetch("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("openai_shim_{name} ")));
        line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Waits until the process ends.
    pub async fn until_ended(&mut self, within: Duration) -> ExitStatus {
        let begun = Instant::now();
        while begun.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still running: {}", self.log());
    }

    /// Fails if the process has ended.
    pub fn assert_alive(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it has ended: {}", self.log());
    }

    /// What was logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a text is logged; returns the whole log.
    pub async fn until_logged(&mut self, text: &str) -> String {
        for _ in 0..500 {
            if self.log().contains(text) {
                return self.log();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{text} was not logged, {:?}: {}", self.child.try_wait(), self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
