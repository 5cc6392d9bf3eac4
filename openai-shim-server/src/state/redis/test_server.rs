//! A `redis-server` of a test: on a port and in a folder of its own, ended with the value.
#![allow(dead_code, unreachable_pub)] // integration tests use it, too

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A running server, or one that can be started again.
#[derive(Debug)]
pub struct RedisServer {
    pub address: SocketAddr,
    folder: PathBuf,
    options: Vec<String>,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts a server with further options; `None` where there is none, which is an error in CI.
    pub fn start(options: &[&str]) -> Option<Self> {
        let is_installed =
            Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok();
        if !is_installed {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no redis-server");
            println!("skipped: there is no redis-server");
            return None;
        }
        // The port is free again when the listener is dropped.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("shim-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let options = options.iter().map(ToString::to_string).collect();
        let mut server = Self { address, folder, options, process: None };
        server.resume();
        Some(server)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Kills the server; what it kept is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts a server that was killed.
    pub fn resume(&mut self) {
        let port = self.address.port().to_string();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"])
            .args(&self.options)
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends commands, each on a line; returns the last line of the last reply.
    pub fn command(&self, commands: &str) -> String {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(format!("{commands}\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut replies = String::new();
        BufReader::new(socket).read_to_string(&mut replies).unwrap();
        replies.trim_end().lines().rev().nth(1).unwrap_or_default().to_owned()
    }

    /// The value of a key as bytes.
    pub fn value(&self, key: &str) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(format!("GET {key}\r\n").as_bytes()).unwrap();
        let mut reader = BufReader::new(socket);
        let mut head = String::new();
        reader.read_line(&mut head).unwrap();
        let length = head.trim().trim_start_matches('$').parse().unwrap();
        let mut value = vec![0; length];
        reader.read_exact(&mut value).unwrap();
        value
    }

    /// All keys.
    pub fn keys(&self) -> Vec<String> {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(b"KEYS *\r\nQUIT\r\n").unwrap();
        let mut replies = String::new();
        BufReader::new(socket).read_to_string(&mut replies).unwrap();
        replies.lines().filter(|line| !line.starts_with(['*', '$', '+'])).map(str::to_owned).collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
