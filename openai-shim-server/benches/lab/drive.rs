//! Load generator: a closed loop over several connections, or streams that are held open. Prints its counts as one line of JSON.
//!
//! Each response is checked when it is complete: how often it contains the needle, and that it ends as expected.

use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

#[derive(Default)]
struct Options {
    address: String,
    wire: Vec<u8>,
    needle: Vec<u8>,
    end: Vec<u8>,
    want: usize,
    total: usize,
    until: Option<Instant>,
    sample: Option<String>,
    hold: bool,
    conns: usize,
}

#[derive(Default)]
struct LoadSummary {
    started: usize,
    done: usize,
    events: usize,
    bad: usize,
    bytes: usize,
    /// Streams whose first event has arrived.
    open: usize,
    why: String,
}

fn options(arguments: &[String]) -> Options {
    let mut options = Options { conns: 8, ..Options::default() };
    let (mut url, mut body, mut secs) = (String::new(), Vec::new(), 0.0);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        if name == "--hold" {
            options.hold = true;
            continue;
        }
        let value = rest.next().expect("a value");
        match name.as_str() {
            "--url" => url.clone_from(value),
            "--body" => body = std::fs::read(value).expect("the body"),
            "--needle" => options.needle = value.clone().into_bytes(),
            "--end" => options.end = value.clone().into_bytes(),
            "--want" => options.want = value.parse().expect("a number"),
            "--total" => options.total = value.parse().expect("a number"),
            "--conns" => options.conns = value.parse().expect("a number"),
            "--secs" => secs = value.parse().expect("a number"),
            "--sample" => options.sample = Some(value.clone()),
            _ => panic!("no such option: {name}"),
        }
    }
    let (address, path) = url.strip_prefix("http://").and_then(|u| u.split_once('/')).expect("an http URL");
    assert!(address.starts_with("127.0.0.1:"), "loopback only");
    options.wire = format!(
        "POST /{path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nauthorization: Bearer sk-lab\r\nuser-agent: lab\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    options.wire.extend_from_slice(&body);
    address.clone_into(&mut options.address);
    options.until = (secs > 0.0).then(|| Instant::now() + Duration::from_secs_f64(secs));
    options
}

pub(crate) async fn drive(arguments: &[String]) {
    let options = Rc::new(options(arguments));
    let summary = Rc::new(RefCell::new(LoadSummary::default()));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..options.conns {
        let stream = TcpStream::connect(&options.address).await.expect("connects");
        stream.set_nodelay(true).expect("no delay");
        let (options, summary) = (options.clone(), summary.clone());
        tasks.push(tokio::task::spawn_local(async move {
            loop {
                let begun = summary.borrow().started;
                let enough = options.until.is_some_and(|until| Instant::now() >= until);
                if enough || (options.total > 0 && begun >= options.total) {
                    return;
                }
                summary.borrow_mut().started += 1;
                if let Err(error) = exchange(&stream, &options, &summary).await {
                    let mut summary = summary.borrow_mut();
                    summary.bad += 1;
                    summary.why = error.to_string();
                    return;
                }
                if options.hold {
                    return;
                }
            }
        }));
        // One after the other, so that no accept queue overflows.
        tokio::task::yield_now().await;
    }
    for task in tasks {
        let _ = task.await;
    }
    let summary = summary.borrow();
    println!(
        "{{\"started\":{},\"done\":{},\"events\":{},\"bad\":{},\"bytes\":{},\"wall\":{:.3},\"why\":{:?}}}",
        summary.started,
        summary.done,
        summary.events,
        summary.bad,
        summary.bytes,
        begin.elapsed().as_secs_f64(),
        summary.why
    );
}

/// Sends one request, reads the whole response, then checks it.
async fn exchange(
    stream: &TcpStream,
    options: &Options,
    summary: &RefCell<LoadSummary>,
) -> std::io::Result<()> {
    crate::write(stream, &options.wire).await?;
    let mut raw = Vec::with_capacity(if options.hold { 1024 } else { 1 << 17 });
    let (mut head, mut length, mut opened) = (0, None, false);
    loop {
        let filled = raw.len();
        raw.resize(filled + if options.hold { 2048 } else { 1 << 15 }, 0);
        let read = crate::read(stream, &mut raw[filled..]).await?;
        raw.truncate(filled + read);
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if head == 0 {
            let Some(end) = memchr::memmem::find(&raw, b"\r\n\r\n") else { continue };
            head = end + 4;
            let text = String::from_utf8_lossy(&raw[..head]).to_ascii_lowercase();
            length = text
                .split_once("content-length:")
                .and_then(|(_, rest)| rest.lines().next()?.trim().parse::<usize>().ok());
        }
        if options.hold && !opened && memchr::memmem::find(&raw[head..], &options.needle).is_some() {
            opened = true;
            summary.borrow_mut().open += 1;
            if summary.borrow().open == options.conns {
                println!("open");
                std::io::stdout().flush()?;
            }
        }
        match length {
            Some(length) if raw.len() >= head + length => break,
            None if raw.ends_with(b"\r\n0\r\n\r\n") => break,
            _ => {}
        }
    }
    let body = if length.is_some() { raw[head..].to_vec() } else { dechunked(&raw[head..]) };
    let mut summary = summary.borrow_mut();
    let events = memchr::memmem::find_iter(&body, &options.needle).count();
    let ends = memchr::memmem::rfind(&body, &options.end)
        .is_some_and(|start| body.len() - start < options.end.len() + 400);
    let is_valid = raw.starts_with(b"HTTP/1.1 200") && ends && (options.want == 0 || events == options.want);
    summary.done += 1;
    summary.events += events;
    summary.bytes += raw.len();
    if !is_valid {
        summary.bad += 1;
        summary.why =
            format!("{events} events, ends: {ends}: {}", String::from_utf8_lossy(&raw[..raw.len().min(400)]));
    }
    if let (Some(file), 1) = (&options.sample, summary.done) {
        std::fs::write(file, [&raw[..head], &body].concat())?;
    }
    Ok(())
}

/// A body without its chunked framing.
fn dechunked(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(raw.len());
    while let Some(end) = memchr::memmem::find(raw, b"\r\n") {
        let size = std::str::from_utf8(&raw[..end])
            .ok()
            .and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && end + 4 + size <= raw.len()) else { break };
        body.extend_from_slice(&raw[end + 2..end + 2 + size]);
        raw = &raw[end + 4 + size..];
    }
    body
}
