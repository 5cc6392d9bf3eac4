//! Forms on forwarded routes: large ones are sent on while they arrive, under the upstream's name for their model.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::process::Process;
use support::{TestServer, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An upstream that counts the bytes of bodies without keeping them.
#[derive(Clone, Default)]
struct Counting {
    url: String,
    received: Arc<AtomicUsize>,
    /// For each request: its head, and the last bytes of its body with their framing.
    requests: Arc<Mutex<Vec<(String, String)>>>,
    /// How many requests ended before their body did.
    broken: Arc<AtomicUsize>,
}

/// When an upstream answers.
#[derive(Clone, Copy, PartialEq)]
enum When {
    AtEnd,
    /// After the first bytes of the body, with this status.
    AtOnce(u16),
    /// At the end, but a chunked body is refused.
    NotChunked,
}

impl Counting {
    async fn start(when: When) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self { url: format!("http://{}/v1", listener.local_addr().unwrap()), ..Self::default() };
        let upstream = this.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let upstream = upstream.clone();
                tokio::spawn(async move { upstream.serve(socket, when).await });
            }
        });
        this
    }

    async fn serve(&self, mut socket: TcpStream, when: When) {
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        let head_end = loop {
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            if read == 0 {
                return;
            }
            bytes.extend_from_slice(&buffer[..read]);
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let mut received = bytes.len() - head_end;
        let mut tail = bytes.split_off(head_end);
        if let When::AtOnce(status) = when {
            self.answer(&mut socket, status).await;
        }
        while length.map_or(!tail.ends_with(b"\r\n0\r\n\r\n"), |length| received < length) {
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            if read == 0 {
                self.broken.fetch_add(1, Ordering::SeqCst);
                return;
            }
            received += read;
            self.received.store(received, Ordering::SeqCst);
            tail.extend_from_slice(&buffer[..read]);
            tail.drain(..tail.len().saturating_sub(4000));
        }
        self.requests.lock().unwrap().push((head, String::from_utf8_lossy(&tail).into_owned()));
        match when {
            When::AtEnd => self.answer(&mut socket, 200).await,
            When::NotChunked => self.answer(&mut socket, if length.is_some() { 200 } else { 411 }).await,
            When::AtOnce(_) => {}
        }
    }

    async fn answer(&self, socket: &mut TcpStream, status: u16) {
        let body = if status == 200 { r#"{"text":"hello"}"# } else { r#"{"error":{"message":"no"}}"# };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
    }

    fn request(&self) -> (String, String) {
        self.requests.lock().unwrap().pop().expect("no request arrived whole")
    }
}

const FILE: &str = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\n";

fn model(name: &str) -> String {
    format!("--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{name}\r\n")
}

/// Sends a form: bytes before a file, the file of this size, and bytes behind it. `is_chunked`: without a length.
async fn send(root: &str, (before, size, after): (&str, usize, &str), is_chunked: bool) -> (u16, String) {
    let mut socket = TcpStream::connect(root.trim_start_matches("http://")).await.unwrap();
    let length = before.len() + size + after.len();
    let framing = if is_chunked {
        String::from("transfer-encoding: chunked")
    } else {
        format!("content-length: {length}")
    };
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=X\r\n{framing}\r\nconnection: close\r\n\r\n"
    );
    let (mut reader, mut writer) = socket.split();
    let writing = async {
        writer.write_all(head.as_bytes()).await?;
        let block = "0123456789abcde\n".repeat(4096);
        let mut left = size;
        let mut chunks = vec![before];
        while left > 0 {
            let chunk = &block[..left.min(block.len())];
            left -= chunk.len();
            chunks.push(chunk);
        }
        chunks.push(after);
        for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
            if is_chunked {
                writer.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await?;
            } else {
                writer.write_all(chunk.as_bytes()).await?;
            }
        }
        if is_chunked { writer.write_all(b"0\r\n\r\n").await } else { Ok(()) }
    };
    let mut answer = Vec::new();
    let (_, _) = tokio::join!(writing, reader.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer)
}

const LIMITS: &str = "[limits]\nrequest_body = \"256MiB\"\nform_prefix = \"64KiB\"\n";
const MODELS: &str = "models = [{ id = \"mine\", upstream = \"its/whisper\" }]\n";

fn config(upstreams: &[(&str, &Counting, &str)]) -> String {
    let section = |(name, upstream, more): &(&str, &Counting, &str)| {
        format!("[[upstream]]\nname = \"{name}\"\nbase_url = \"{}\"\n{more}", upstream.url)
    };
    format!("{}{LIMITS}", upstreams.iter().map(section).collect::<String>())
}

/// The most memory that a process had, in bytes.
fn peak_memory(process: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

#[tokio::test]
async fn memory_does_not_grow_with_a_file_that_is_sent_on() {
    let upstream = Counting::start(When::AtEnd).await;
    let process = Process::start(&config(&[("up", &upstream, MODELS)]), &[]);
    let (before, after) = (model("mine") + FILE, String::from("\r\n--X--\r\n"));
    let (late_before, late_after) = (String::from(FILE), format!("\r\n{}--X--\r\n", model("up/mine")));
    assert_eq!(send(&process.url, (&before, 1 << 20, &after), false).await.0, 200);
    let small = peak_memory(&process);
    let size = 96 << 20;
    for is_chunked in [false, true] {
        assert_eq!(send(&process.url, (&before, size, &after), is_chunked).await.0, 200);
        assert_eq!(send(&process.url, (&late_before, size, &late_after), is_chunked).await.0, 200);
    }
    let grown = peak_memory(&process).saturating_sub(small);
    assert!(grown < 16 << 20, "{grown} bytes for files of {size}");
    assert!(upstream.received.load(Ordering::SeqCst) > size);
}

#[tokio::test]
async fn model_of_a_large_form_is_replaced_before_and_behind_its_file() {
    let upstream = Counting::start(When::AtEnd).await;
    let shim = TestServer::with_config(&config(&[("up", &upstream, MODELS)])).await;
    let size = 3 << 20;
    for name in ["mine", "up/mine", "up/its/whisper", "other"] {
        let expected = if name == "other" { "other" } else { "its/whisper" };
        let before = model(name) + FILE;
        let after = String::from("\r\n--X--\r\nepilogue");
        assert_eq!(send(&shim.url, (&before, size, &after), false).await.0, 200, "{name}");
        let (head, _) = upstream.request();
        let length = before.len() + size + after.len() + expected.len() - name.len();
        assert!(head.contains(&format!("content-length: {length}\r\n")), "{name}: {head}");
        assert!(!head.contains("transfer-encoding"), "{head}");

        let after = format!("\r\n{}--X--\r\n", model(name));
        assert_eq!(send(&shim.url, (FILE, size, &after), false).await.0, 200, "{name}");
        let (head, tail) = upstream.request();
        assert!(
            head.contains("transfer-encoding: chunked\r\n") && !head.contains("content-length"),
            "{head}"
        );
        assert!(tail.contains(&format!("\r\n\r\n{expected}")), "{name}: {}", &tail[tail.len() - 300..]);
    }
    // Nothing is lost or added when there is no model at all.
    assert_eq!(send(&shim.url, (FILE, size, "\r\n--X--\r\n"), false).await.0, 200);
    let metrics = shim.fetch("/metrics").await.body;
    assert!(metrics.contains("openai_shim_body_bytes 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_large_form_goes_through_a_proxy_while_it_arrives() {
    let proxy = Counting::start(When::AtEnd).await;
    let address = proxy.url.trim_end_matches("/v1");
    let config =
        format!("[[upstream]]\nname = \"up\"\nbase_url = \"http://upstream.test/v1\"\n{MODELS}{LIMITS}");
    let process = Process::start(&config, &[("HTTP_PROXY", address), ("http_proxy", address)]);
    let (size, end) = (8 << 20, "\r\n--X--\r\n");
    let before = format!("{}{FILE}", model("mine"));
    for is_chunked in [false, true] {
        let (status, answer) = send(&process.url, (&before, size, end), is_chunked).await;
        assert_eq!(status, 200, "{answer}");
        let (head, last) = proxy.request();
        assert!(
            head.to_lowercase().starts_with("post http://upstream.test/v1/audio/transcriptions "),
            "{head}"
        );
        assert!(last.contains("--X--"), "{last}");
        assert!(proxy.received.load(Ordering::SeqCst) > size);
    }
}

#[tokio::test]
async fn form_up_to_the_prefix_keeps_its_length_wherever_its_model_is() {
    let upstream = Counting::start(When::AtEnd).await;
    let shim = TestServer::with_config(&config(&[("up", &upstream, MODELS)])).await;
    for is_chunked in [false, true] {
        let after = format!("\r\n{}--X--\r\n", model("mine"));
        assert_eq!(send(&shim.url, (FILE, 60_000, &after), is_chunked).await.0, 200);
        let (head, tail) = upstream.request();
        let length = FILE.len() + 60_000 + after.len() + "its/whisper".len() - "mine".len();
        assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
        assert!(tail.ends_with("\r\n\r\nits/whisper\r\n--X--\r\n"), "{tail}");
    }
}

#[tokio::test]
async fn form_that_several_upstreams_may_serve_goes_to_the_one_of_its_model() {
    let (a, b) = (Counting::start(When::AtEnd).await, Counting::start(When::AtEnd).await);
    let shim =
        TestServer::with_config(&config(&[("a", &a, "models = [\"chat\"]\n"), ("b", &b, MODELS)])).await;
    let size = 3 << 20;
    let after = format!("\r\n{}--X--\r\n", model("mine"));
    assert_eq!(send(&shim.url, (FILE, size, &after), false).await.0, 200);
    assert_eq!(send(&shim.url, (&(model("mine") + FILE), size, "\r\n--X--\r\n"), false).await.0, 200);
    assert!(a.requests.lock().unwrap().is_empty());
    for (head, _) in b.requests.lock().unwrap().iter() {
        assert!(head.contains("content-length: "), "{head}");
    }
    assert_eq!(b.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn form_over_the_limit_is_refused_and_its_request_broken_off() {
    let upstream = Counting::start(When::AtEnd).await;
    let limits = "[limits]\nrequest_body = \"2MiB\"\nform_prefix = \"64KiB\"\n";
    let config = config(&[("up", &upstream, MODELS)]).replace(LIMITS, limits);
    let shim = TestServer::with_config(&config).await;
    let before = model("mine") + FILE;
    for is_chunked in [true, false] {
        let (status, answer) = send(&shim.url, (&before, 3 << 20, "\r\n--X--\r\n"), is_chunked).await;
        assert_eq!(status, 413, "{answer}");
        assert!(answer.contains("limits.request_body"), "{answer}");
    }
    // A length over the limit is refused at once.
    until("the upstream sees the end", || upstream.broken.load(Ordering::SeqCst) > 0).await;
    assert_eq!(upstream.broken.load(Ordering::SeqCst), 1);
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn client_that_goes_away_breaks_its_form_off() {
    let upstream = Counting::start(When::AtEnd).await;
    let shim = TestServer::with_config(&config(&[("up", &upstream, MODELS)])).await;
    for (framing, end) in [("content-length: 5000000", ""), ("transfer-encoding: chunked", "\r\n")] {
        let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
        let size = if end.is_empty() { String::new() } else { format!("{:x}\r\n", 1_000_000 + FILE.len()) };
        let body = FILE.to_owned() + &"x".repeat(1_000_000);
        let request = format!(
            "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=X\r\n{framing}\r\n\r\n{size}{body}{end}"
        );
        let broken = upstream.broken.load(Ordering::SeqCst);
        socket.write_all(request.as_bytes()).await.unwrap();
        until("the upstream is asked", || upstream.received.load(Ordering::SeqCst) > 900_000).await;
        drop(socket);
        until("the upstream sees the end", || upstream.broken.load(Ordering::SeqCst) > broken).await;
        upstream.received.store(0, Ordering::SeqCst);
    }
    assert!(upstream.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn client_receives_an_answer_that_comes_before_its_form_has_ended() {
    for (status, expected) in [(401, "\"no\""), (200, "hello")] {
        let upstream = Counting::start(When::AtOnce(status)).await;
        let shim = TestServer::with_config(&config(&[("up", &upstream, MODELS)])).await;
        let before = model("mine") + FILE;
        let (got, answer) = send(&shim.url, (&before, 8 << 20, "\r\n--X--\r\n"), false).await;
        assert_eq!(got, status, "{answer}");
        assert!(answer.contains(expected), "{answer}");
    }
}

#[tokio::test]
async fn upstream_that_refuses_chunks_gets_later_forms_with_their_length() {
    let upstream = Counting::start(When::NotChunked).await;
    let shim = TestServer::with_config(&config(&[("up", &upstream, MODELS)])).await;
    let after = format!("\r\n{}--X--\r\n", model("mine"));
    let (status, answer) = send(&shim.url, (FILE, 3 << 20, &after), false).await;
    assert!(status == 411 && answer.contains("send it again"), "{answer}");
    assert_eq!(send(&shim.url, (FILE, 3 << 20, &after), false).await.0, 200);
}

#[tokio::test]
async fn client_that_waits_for_an_interim_response_gets_it_or_the_refusal() {
    let upstream = Counting::start(When::AtEnd).await;
    let shim = TestServer::with_config(&config(&[("up", &upstream, MODELS)])).await;
    let head = |length: usize| {
        format!(
            "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=X\r\nexpect: 100-continue\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    let refused = shim.raw(head(300 << 20).as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
    let form = format!("{}{FILE}{}\r\n--X--\r\n", model("mine"), "x".repeat(200_000));
    let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(head(form.len()).as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1024];
    let read = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut buffer)).await.unwrap().unwrap();
    assert!(buffer[..read].starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&buffer[..read]));
    socket.write_all(form.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("hello"), "{answer}");
}

#[tokio::test]
async fn form_cut_anywhere_around_its_model_is_renamed() {
    let upstream = Counting::start(When::AtEnd).await;
    let shim = TestServer::with_config(
        &config(&[("up", &upstream, MODELS)]).replace("form_prefix = \"64KiB\"", "form_prefix = \"1\""),
    )
    .await;
    let form = format!("{FILE}z\r\n{}--X--\r\n", model("mine"));
    let begin = form.find("\r\nmine").unwrap() - 4;
    for cut in begin..form.len() - 1 {
        let mut socket = TcpStream::connect(shim.url.trim_start_matches("http://")).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let head = format!(
            "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            form.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        for chunk in [&form[..begin - 50], &form[begin - 50..cut], &form[cut..]] {
            socket.write_all(chunk.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(8)).await;
        }
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("hello"), "{cut}: {answer}");
        let (head, tail) = upstream.request();
        assert!(head.contains("chunked"), "{cut}: {head}");
        assert!(tail.contains("its/whisper") && !tail.contains("mine"), "{cut}: {tail}");
    }
}
