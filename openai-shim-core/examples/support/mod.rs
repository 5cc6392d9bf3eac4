//! What the recipes run against: an upstream and a client over `std::net`. A program of yours has real ones in their place.
#![allow(dead_code, unreachable_pub)] // each recipe needs a part of it
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // the bans are for core itself

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// An upstream that answers as a careless server does: without ids, with a foreign finish reason, and without `[DONE]`.
#[derive(Clone)]
pub struct Careless {
    /// Where it listens.
    pub base_url: String,
    /// The requests that it got, as text.
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Careless {
    /// Starts one.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let requests = Arc::default();
        let upstream = Self { base_url, requests: Arc::clone(&requests) };
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let requests = Arc::clone(&requests);
                thread::spawn(move || answer(socket, &requests));
            }
        });
        upstream
    }

    /// The last request that it got: the head, an empty line, the body.
    pub fn last_request(&self) -> String {
        self.requests.lock().expect("no panic").last().cloned().unwrap_or_default()
    }
}

/// The base URL in the first argument of the program, else that of an upstream of our own.
pub fn base_url() -> String {
    std::env::args().nth(1).unwrap_or_else(|| Careless::start().base_url)
}

/// The model in the second argument of the program.
pub fn model() -> String {
    std::env::args().nth(2).unwrap_or_else(|| String::from("some-model"))
}

/// The key in the environment variable `UPSTREAM_KEY`.
pub fn key() -> Option<String> {
    std::env::var("UPSTREAM_KEY").ok()
}

/// Sends `body` to `http://ADDRESS PATH`, and returns the whole response as text.
pub fn post(address: impl std::fmt::Display, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address.to_string()).expect("the service listens");
    let length = body.len();
    write!(
        socket,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer client-key\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("the request is sent");
    let mut response = String::new();
    socket.read_to_string(&mut response).expect("the response is text");
    response
}

fn answer(mut socket: TcpStream, requests: &Mutex<Vec<String>>) {
    let Some(request) = socket.try_clone().ok().and_then(read_request) else { return };
    let (kind, body) = if request.contains(r#""stream":true"#) {
        ("text/event-stream", STREAM)
    } else {
        ("application/json", COMPLETION)
    };
    requests.lock().expect("no panic").push(request);
    let length = body.len();
    let _ = write!(
        socket,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}

fn read_request(socket: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(socket);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
    }
    let head = request.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or("0", str::trim);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    request.push_str(&String::from_utf8(body).ok()?);
    Some(request)
}

const COMPLETION: &str = r#"{"choices":[{"message":{"content":"Hello there"},"finish_reason":"eos"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;

const STREAM: &str = "data:{\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\r\n\r\n\
    data:{\"choices\":[{\"delta\":{\"content\":\" there\"},\"finish_reason\":\"eos\"}]}\r\n\r\n";

/// A Redis server, which ends with this value if it was started here.
pub struct RedisServer {
    /// Its address.
    pub url: String,
    process: Option<Child>,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The Redis server in the first argument of the program, else one of our own; `None`: there is no `redis-server`.
pub fn redis_server() -> Option<RedisServer> {
    if let Some(url) = std::env::args().nth(1) {
        return Some(RedisServer { url, process: None });
    }
    // The port is free again when the listener is dropped.
    let address =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let port = address.port().to_string();
    let arguments = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
    let process = Command::new("redis-server").args(arguments).stdout(Stdio::null()).spawn().ok()?;
    let server = RedisServer { url: format!("redis://{address}/"), process: Some(process) };
    let listens = (0..100).any(|_| {
        thread::sleep(Duration::from_millis(50));
        TcpStream::connect(address).is_ok()
    });
    assert!(listens, "redis-server does not listen");
    Some(server)
}
