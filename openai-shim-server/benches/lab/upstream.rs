//! A chat upstream with canned responses, selected by `GET /__set?mode=whole|stream|paced&careless=0|1&rate=N`.
//!
//! Every event is its own HTTP chunk. `stream` writes eight at a time without pause. `paced` sends `rate` events per second to
//! all open streams together, one stream after the other, until `GET /__over`; `GET /__stats` returns their number.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;

/// Events of a stream, without `[DONE]`.
const EVENTS: usize = 200;
const TEXT: &str = "A proxy that translates between chat clients and upstream servers keeps the order of events, hands on errors in the shape \
    that a client expects, and takes as little time as it can. It reads a request once, checks what it knows, keeps what it does not know and \
    writes it again. The answer comes back the same way, in one piece or as many, and every piece leaves as soon as it is there.";

/// Canned responses, built once: a careful and a careless set.
struct Responses {
    completion: Vec<u8>,
    first: Vec<u8>,
    deltas: Vec<Vec<u8>>,
    last: Vec<u8>,
}

struct State {
    mode: Mutex<String>,
    careless: AtomicBool,
    rate: AtomicU64,
    written: AtomicU64,
    open: Mutex<Vec<Arc<TcpStream>>>,
    over: watch::Sender<u64>,
    responses: [Responses; 2],
}

fn chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

fn http_response(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The responses of a careful upstream; a careless one repeats the role, sends usage in every event, and omits fields.
fn responses(careless: bool) -> Responses {
    let event = |delta: &str, finish: &str, count: usize| {
        chunk(&if careless {
            format!(
                "data: {{\"id\":\"gen-1763000000-9f2c1e7ab4\",\"provider\":\"Example\",\"model\":\"lab-model\",\"object\":\"chat.completion.chunk\",\"created\":1763000000,\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":{delta}}},\"finish_reason\":{finish},\"native_finish_reason\":{finish},\"logprobs\":null}}],\"usage\":{{\"prompt_tokens\":142,\"completion_tokens\":{count},\"total_tokens\":{}}}}}\n\n",
                142 + count
            )
        } else {
            let delta = if count == 0 {
                format!("\"role\":\"assistant\",\"content\":{delta},\"refusal\":null")
            } else if finish == "null" {
                format!("\"content\":{delta}")
            } else {
                String::new()
            };
            format!(
                "data: {{\"id\":\"chatcmpl-9f2c1e7ab4d84c1fa2\",\"object\":\"chat.completion.chunk\",\"created\":1763000000,\"model\":\"lab-model\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5c1e8a\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":{finish}}}],\"obfuscation\":\"{}\"}}\n\n",
                // Differs in every event, as in OpenAI's own streams.
                &"aJx81kQbT07mZc4wLp"[count % 11..][..7]
            )
        })
    };
    let texts: Vec<&str> = TEXT.split_ascii_whitespace().collect();
    let deltas = (1..EVENTS - 1)
        .map(|index| event(&format!("\" {}\"", texts[index % texts.len()]), "null", index))
        .collect();
    let last =
        [event("\"\"", "\"stop\"", EVENTS - 1), chunk("data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()].concat();
    let completion = if careless {
        format!(
            "{{\"id\":\"gen-1763000000-9f2c1e7ab4\",\"provider\":\"Example\",\"model\":\"lab-model\",\"created\":1763000000,\"choices\":[{{\"message\":{{\"content\":\"{TEXT}\",\"reasoning\":null}},\"finish_reason\":\"eos\",\"native_finish_reason\":\"eos\"}}],\"usage\":{{\"prompt_tokens\":142,\"completion_tokens\":96}}}}"
        )
    } else {
        format!(
            "{{\"id\":\"chatcmpl-9f2c1e7ab4d84c1fa2\",\"object\":\"chat.completion\",\"created\":1763000000,\"model\":\"lab-model\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{TEXT}\",\"refusal\":null,\"annotations\":[]}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":142,\"completion_tokens\":96,\"total_tokens\":238,\"prompt_tokens_details\":{{\"cached_tokens\":0,\"audio_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":0,\"audio_tokens\":0}}}},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5c1e8a\"}}"
        )
    };
    Responses { completion: http_response(&completion), first: event("\"\"", "null", 0), deltas, last }
}

pub(crate) async fn serve(address: &str) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("reuse");
    socket.bind(address.parse().expect("an address")).expect("free");
    let listener = socket.listen(8192).expect("listens");
    let state = Arc::new(State {
        mode: Mutex::new("whole".to_owned()),
        careless: AtomicBool::new(false),
        rate: AtomicU64::new(1000),
        written: AtomicU64::new(0),
        open: Mutex::default(),
        over: watch::channel(0).0,
        responses: [responses(false), responses(true)],
    });
    let paced = state.clone();
    std::thread::spawn(move || pace(&paced));
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let (stream, state) = (Arc::new(stream), state.clone());
            tokio::task::spawn_local(async move { connection(&stream, &state).await });
        }
    }
}

/// Sends one event to one open stream after the other, at the configured rate.
fn pace(state: &State) {
    let (mut index, mut due) = (0, Instant::now());
    loop {
        let every = Duration::from_nanos(1_000_000_000 / state.rate.load(Relaxed));
        let now = Instant::now();
        if now < due {
            std::thread::sleep(due - now);
        }
        // A delay is not caught up in a burst.
        due = (due + every).max(Instant::now());
        let stream = {
            let open = state.open.lock().expect("no panic");
            index = if index + 1 < open.len() { index + 1 } else { 0 };
            open.get(index).cloned()
        };
        let Some(stream) = stream else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        let deltas = &state.responses[usize::from(state.careless.load(Relaxed))].deltas;
        let event = &deltas[usize::try_from(state.written.load(Relaxed)).expect("small") % deltas.len()];
        if stream.try_write(event).is_ok_and(|written| written == event.len()) {
            state.written.fetch_add(1, Relaxed);
        } else {
            eprintln!("an event could not be written whole");
        }
    }
}

async fn connection(stream: &Arc<TcpStream>, state: &State) -> Option<()> {
    let (mut buffer, mut filled) = (vec![0; 1 << 16], 0);
    loop {
        let head = loop {
            if let Some(end) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
                break end + 4;
            }
            let read = crate::read(stream, &mut buffer[filled..]).await.ok().filter(|read| *read > 0)?;
            filled += read;
        };
        let text = std::str::from_utf8(&buffer[..head]).ok()?;
        let path = text.split(' ').nth(1)?.to_owned();
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let mut rest = (head + length.unwrap_or(0)).saturating_sub(filled);
        buffer.copy_within((head + length.unwrap_or(0)).min(filled)..filled, 0);
        filled = filled.saturating_sub(head + length.unwrap_or(0));
        while rest > 0 {
            let room = rest.min(buffer.len());
            rest -= crate::read(stream, &mut buffer[..room]).await.ok().filter(|read| *read > 0)?;
        }
        if length.is_none() {
            crate::write(stream, &http_response(&control(&path, state))).await.ok()?;
            continue;
        }
        let responses = &state.responses[usize::from(state.careless.load(Relaxed))];
        let mode = state.mode.lock().expect("no panic").clone();
        match mode.as_str() {
            "whole" => crate::write(stream, &responses.completion).await.ok()?,
            "stream" => {
                let events: Vec<&[u8]> =
                    std::iter::once(&responses.first).chain(&responses.deltas).map(Vec::as_slice).collect();
                crate::write(stream, HEAD).await.ok()?;
                for together in events.chunks(8) {
                    crate::write(stream, &together.concat()).await.ok()?;
                }
                crate::write(stream, &responses.last).await.ok()?;
            }
            _ => {
                let mut over = state.over.subscribe();
                crate::write(stream, &[HEAD, &responses.first, &responses.deltas[0]].concat()).await.ok()?;
                state.written.fetch_add(1, Relaxed);
                state.open.lock().expect("no panic").push(stream.clone());
                over.changed().await.ok()?;
                crate::write(stream, &responses.last).await.ok()?;
            }
        }
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

fn control(path: &str, state: &State) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "mode" => value.clone_into(&mut state.mode.lock().expect("no panic")),
            "careless" => state.careless.store(value == "1", Relaxed),
            "rate" => state.rate.store(value.parse::<u64>().unwrap_or(1000).max(1), Relaxed),
            _ => {}
        }
    }
    let mut status = String::new();
    let mut open = state.open.lock().expect("no panic");
    match path {
        "/__over" => {
            // Removed first: nothing may be written to a stream that ends.
            open.clear();
            state.over.send_modify(|times| *times += 1);
        }
        "/__set" | "/__stats" => {}
        _ => return r#"{"object":"list","data":[{"id":"lab-model","object":"model","created":1763000000,"owned_by":"lab"}]}"#.to_owned(),
    }
    let _ =
        write!(status, "{{\"ok\":true,\"written\":{},\"open\":{}}}", state.written.load(Relaxed), open.len());
    status
}
