//! Shared by the tests: a scripted upstream, a server in front of it, and responses that are read completely.
#![allow(dead_code, unreachable_pub, missing_docs)] // each test file uses only a part

pub mod live;
pub mod process;

use openai_shim_server::config::{Overrides, read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One step of a scripted response.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends bytes as they are.
    Raw(Vec<u8>),
    /// Sends one HTTP chunk.
    Chunk(Vec<u8>),
    /// Ends a chunked body.
    End,
    /// Waits; ends the script if the client disconnects.
    Wait(Duration),
    /// Waits until the client disconnects.
    Stall,
    /// Closes the connection.
    HangUp,
}

/// What the upstream sends for one request.
#[derive(Debug, Clone, Default)]
pub struct Script(pub Vec<Step>);

impl Script {
    /// A non-streaming response.
    pub fn response(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self::response_with_headers(status, content_type, "", body)
    }

    /// A non-streaming response with further header lines, each with its CRLF.
    pub fn response_with_headers(
        status: u16,
        content_type: &str,
        headers: &str,
        body: impl AsRef<[u8]>,
    ) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n",
            body.len()
        );
        Self(vec![Step::Raw([head.as_bytes(), body].concat()), Step::HangUp])
    }

    /// A JSON response with status 200.
    pub fn json(body: &str) -> Self {
        Self::response(200, "application/json", body)
    }

    /// The head of an event stream; chunks follow.
    pub fn stream() -> Self {
        Self::stream_of_type("text/event-stream")
    }

    pub fn stream_of_type(content_type: &str) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        );
        Self(vec![Step::Raw(head.into_bytes())])
    }

    pub fn chunk(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Chunk(bytes.as_ref().to_vec()));
        self
    }

    /// Appends one HTTP chunk for each event.
    pub fn events(mut self, events: &[&str]) -> Self {
        self.0.extend(events.iter().map(|e| Step::Chunk(format!("data: {e}\n\n").into_bytes())));
        self
    }

    pub fn wait(mut self, millis: u64) -> Self {
        self.0.push(Step::Wait(Duration::from_millis(millis)));
        self
    }

    pub fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    pub fn end(self) -> Self {
        self.then(Step::End)
    }
}

/// A chunk of a chat stream with a text delta.
pub fn text(content: &str) -> String {
    format!(
        r#"{{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{content}"}},"finish_reason":null}}]}}"#
    )
}

/// The chunk with the finish reason of a chat stream.
pub fn stop() -> String {
    String::from(
        r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    )
}

/// A chat completion with a text.
pub fn completion(content: &str) -> String {
    format!(
        r#"{{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}}}"#
    )
}

/// An upstream on its own socket.
#[derive(Debug, Clone)]
pub struct ScriptedUpstream {
    pub url: String,
    requests: Arc<Mutex<Vec<(String, String)>>>,
    disconnects: Arc<AtomicUsize>,
}

impl ScriptedUpstream {
    /// Answers each request with the next script; the last script answers all further requests.
    pub async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            url: format!("http://{}/v1", listener.local_addr().unwrap()),
            requests: Arc::default(),
            disconnects: Arc::default(),
        };
        let (requests, disconnects) = (this.requests.clone(), this.disconnects.clone());
        tokio::spawn(async move {
            let mut served = 0;
            loop {
                let Ok((mut socket, _)) = listener.accept().await else { return };
                let Some(request) = Box::pin(read_request(&mut socket)).await else { continue };
                requests.lock().unwrap().push(request);
                let script = scripts[served.min(scripts.len() - 1)].clone();
                served += 1;
                let disconnects = disconnects.clone();
                tokio::spawn(async move { play(socket, script, &disconnects).await });
            }
        });
        this
    }

    /// The heads and bodies of the requests so far.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.requests.lock().unwrap().clone()
    }

    /// A request's body as JSON.
    pub fn body(&self, index: usize) -> serde_json::Value {
        serde_json::from_str(&self.requests()[index].1).unwrap()
    }

    /// How many clients disconnected before the end of their script.
    pub fn disconnects(&self) -> usize {
        self.disconnects.load(Ordering::SeqCst)
    }

    /// Waits until a client disconnects.
    pub async fn until_disconnected(&self) {
        until("the upstream's client is gone", || self.disconnects() > 0).await;
    }

    /// Waits until a request arrives.
    pub async fn until_requested(&self) {
        until("the upstream is asked", || !self.requests().is_empty()).await;
    }
}

/// Waits until a condition holds; fails after five seconds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not after five seconds: {what}");
}

/// Reads a request's head, in lower case, and its body.
pub async fn read_request(socket: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16384];
    loop {
        let n = socket.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length: usize = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length:"))
            .map_or(0, |v| v.trim().parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Some((head, String::from_utf8_lossy(&bytes[end + 4..]).into_owned()));
        }
    }
}

async fn play(mut socket: TcpStream, script: Script, disconnects: &AtomicUsize) {
    let _ = socket.set_nodelay(true);
    for step in script.0 {
        let written = match step {
            Step::Raw(bytes) => socket.write_all(&bytes).await,
            Step::Chunk(bytes) => {
                let frame = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                socket.write_all(&frame).await
            }
            Step::End => socket.write_all(b"0\r\n\r\n").await,
            Step::Wait(duration) => match tokio::time::timeout(duration, closed(&mut socket)).await {
                Ok(()) => {
                    disconnects.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Err(_) => Ok(()),
            },
            Step::Stall => {
                closed(&mut socket).await;
                disconnects.fetch_add(1, Ordering::SeqCst);
                return;
            }
            Step::HangUp => {
                let _ = socket.shutdown().await;
                return;
            }
        };
        if written.is_err() {
            disconnects.fetch_add(1, Ordering::SeqCst);
            return;
        }
    }
}

async fn closed(socket: &mut TcpStream) {
    let mut buffer = [0; 64];
    while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
}

static FILES: AtomicUsize = AtomicUsize::new(0);

/// Reads a configuration file's text.
pub fn parse(config: &str) -> openai_shim_server::Config {
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("openai-shim-{}-{number}.toml", std::process::id()));
    std::fs::write(&file, config).unwrap();
    let overrides = Overrides { config: Some(file.clone()), ..Overrides::default() };
    let config = read(&overrides).unwrap_or_else(|e| panic!("{e}"));
    let _ = std::fs::remove_file(file);
    config
}

/// A server on its own socket; it stops when this is dropped.
#[derive(Debug)]
pub struct TestServer {
    pub url: String,
    pub client: reqwest::Client,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    pub task: tokio::task::JoinHandle<()>,
}

impl TestServer {
    /// A server with this configuration.
    pub async fn with_config(config: &str) -> Self {
        Self::with(parse(config)).await
    }

    /// The same for a configuration that was read.
    pub async fn with(config: openai_shim_server::Config) -> Self {
        openai_shim_server::upstream::http::provide_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            openai_shim_server::serve_on(listener, config, stopped).await.unwrap();
        });
        Self { url, client: reqwest::Client::builder().no_proxy().build().unwrap(), stop: Some(stop), task }
    }

    /// A server in front of an upstream without a profile, with quick retries and further configuration.
    pub async fn in_front_of(upstream: &ScriptedUpstream, more: &str) -> Self {
        let retry = if more.contains("[retry]") { "" } else { "[retry]\nattempts = 2\nbackoff = \"10ms\"\n" };
        Self::with_config(&format!(
            "[[upstream]]\nname = \"up\"\nbase_url = \"{}\"\n{more}\n{retry}",
            upstream.url
        ))
        .await
    }

    /// Starts the shutdown.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub async fn post(&self, path: &str, body: &str) -> reqwest::Response {
        self.client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// Sends a request and reads the whole response.
    pub async fn send(
        &self,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> TestResponse {
        TestResponse::read(request(&self.client, &self.url).send().await.unwrap()).await
    }

    /// Sends raw bytes; returns what is received until the server is silent.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut socket = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let (mut reply, mut buffer) = (Vec::new(), vec![0; 16384]);
        while let Ok(Ok(n)) = tokio::time::timeout(Duration::from_millis(500), socket.read(&mut buffer)).await
        {
            if n == 0 {
                break;
            }
            reply.extend_from_slice(&buffer[..n]);
        }
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// Sends a non-streaming chat request for a model.
    pub async fn chat_with_model(&self, model: &str) -> TestResponse {
        let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        TestResponse::read(self.post("/v1/chat/completions", &body.to_string()).await).await
    }

    /// Gets a path and reads the whole response.
    pub async fn fetch(&self, path: &str) -> TestResponse {
        TestResponse::read(self.get(path).await).await
    }

    /// Sends a chat request, streaming or not.
    pub async fn chat(&self, stream: bool) -> TestResponse {
        let body =
            format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#);
        TestResponse::read(self.post("/v1/chat/completions", &body).await).await
    }
}

/// A response that was read to its end, or to where its connection broke.
#[derive(Debug)]
pub struct TestResponse {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
    /// The connection ended before the body did.
    pub is_broken: bool,
}

impl TestResponse {
    pub async fn read(mut response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let is_broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend(chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        Self { status, headers, body: String::from_utf8_lossy(&body).into_owned(), is_broken }
    }

    /// The response of a router without a socket.
    pub async fn of_router(response: axum::response::Response) -> Self {
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
            is_broken: false,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// A JSON response with status 200.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// The text of a chat response, streaming or not.
    pub fn text(&self) -> String {
        if !self.is_stream() {
            return self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned();
        }
        self.chunks().iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect()
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type").starts_with("text/event-stream")
    }

    /// The JSON of every event of a stream but `[DONE]`; each is one `data: ` line and a blank line, or a comment.
    pub fn chunks(&self) -> Vec<serde_json::Value> {
        let mut chunks = Vec::new();
        for event in
            self.body.split_terminator("\n\n").filter(|e| !e.starts_with(':') && *e != "data: [DONE]")
        {
            let data = event.strip_prefix("data: ").unwrap_or_else(|| panic!("no event: {event:?}"));
            chunks.push(serde_json::from_str(data).unwrap_or_else(|e| panic!("{e}: {data}")));
        }
        chunks
    }

    /// Whether the stream ends with `[DONE]`.
    pub fn is_done(&self) -> bool {
        self.body.ends_with("data: [DONE]\n\n")
    }

    /// The error in OpenAI's envelope, of a response or of a stream's last event.
    pub fn error(&self) -> serde_json::Value {
        let holder = if self.is_stream() { self.chunks().pop().unwrap_or_default() } else { self.json() };
        let error = holder["error"].clone();
        assert!(
            error["message"].as_str().is_some_and(|m| !m.is_empty() && !m.contains('<')),
            "{}",
            self.body
        );
        assert!(error["type"].is_string(), "{}", self.body);
        for key in ["param", "code"] {
            assert!(error[key].is_string() || error[key].is_null(), "{}", self.body);
        }
        error
    }
}
