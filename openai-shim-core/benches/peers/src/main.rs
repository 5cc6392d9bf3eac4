//! Core beside `switchyard-translation` on the same payloads: instructions (callgrind) and time. See README.md.

mod ours;
mod payloads;
mod theirs;

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;
use switchyard_translation::WireFormat::{AnthropicMessages, OpenAiChat};

/// One unit of work, whose output is appended.
type Work = Box<dyn FnMut(&mut Vec<u8>)>;

/// How often the work of a row that is in the middle of something can be done.
const EVENTS_IN_A_ROW: usize = 100;
const CHAT: &str = "openai-chat";
const MESSAGES: &str = "anthropic-messages";

struct Row {
    name: &'static str,
    /// How often one work can be done.
    times: usize,
    ours: fn() -> Work,
    theirs: fn() -> Work,
}

/// The long request as a client of Anthropic's API sends it.
fn long_messages() -> Vec<u8> {
    let mut body = Vec::new();
    ours::request(CHAT, MESSAGES, payloads::request(false, 40))(&mut body);
    body
}

const ROWS: [Row; 7] = [
    Row {
        name: "a small request, chat → Anthropic",
        times: 1,
        ours: || ours::request(CHAT, MESSAGES, payloads::request(false, 0)),
        theirs: || theirs::request(OpenAiChat, AnthropicMessages, payloads::request(false, 0)),
    },
    Row {
        name: "a 50 KB request, chat → Anthropic",
        times: 1,
        ours: || ours::request(CHAT, MESSAGES, payloads::request(false, 40)),
        theirs: || theirs::request(OpenAiChat, AnthropicMessages, payloads::request(false, 40)),
    },
    Row {
        name: "the same, Anthropic → chat",
        times: 1,
        ours: || ours::request(MESSAGES, CHAT, long_messages()),
        theirs: || theirs::request(AnthropicMessages, OpenAiChat, long_messages()),
    },
    Row {
        name: "a 50 KB request normalized, chat → chat",
        times: 1,
        ours: || ours::request(CHAT, CHAT, payloads::request(false, 40)),
        theirs: || theirs::request(OpenAiChat, OpenAiChat, payloads::request(false, 40)),
    },
    Row {
        name: "a stream of 200 events, chat → Anthropic",
        times: 1,
        ours: || ours::answer(MESSAGES, payloads::anthropic_request(true), payloads::stream()),
        theirs: || theirs::stream(AnthropicMessages, payloads::stream()),
    },
    Row {
        name: "a clean event of 290 bytes, chat → chat",
        times: EVENTS_IN_A_ROW,
        ours: ours::one_event,
        theirs: theirs::one_event,
    },
    Row {
        name: "a whole answer of 1.6 KB, chat → Anthropic",
        times: 1,
        ours: || ours::answer(MESSAGES, payloads::anthropic_request(false), vec![payloads::whole()]),
        theirs: || theirs::whole_answer(AnthropicMessages, payloads::whole()),
    },
];

/// What callgrind counts, by this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn peers_measured(work: &mut Work, out: &mut Vec<u8>) {
    work(black_box(out));
}

fn buffer() -> Vec<u8> {
    Vec::with_capacity(1 << 18)
}

/// The child that runs under callgrind: everything that is made once is made before.
fn count(work: fn() -> Work, times: usize) {
    let mut out = buffer();
    (0..3).for_each(|_| work()(&mut out));
    for _ in 0..COUNTED {
        out.clear();
        let mut once = work();
        // What the allocator still has to tidy of what was freed before is nobody's cost.
        drop(black_box(vec![1_u8; 100_000]));
        (0..times).for_each(|_| peers_measured(&mut once, &mut out));
    }
}

const COUNTED: usize = 4;

fn instructions(who: &str, at: usize, times: usize) -> u64 {
    let into = format!(
        "--callgrind-out-file={}",
        std::env::var("CALLGRIND_OUT").map_or("/dev/null".into(), |d| format!("{d}/{at}.{who}"))
    );
    let this = std::env::current_exe().unwrap();
    let valgrind = ["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=peers_measured", &into];
    let run = Command::new("valgrind")
        .args(valgrind)
        .arg(this)
        .args(["count", who, &at.to_string()])
        .output()
        .expect("valgrind");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let collected = said.split("Collected :").nth(1).and_then(|rest| rest.split_whitespace().next());
    collected.and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{said}"))
        / (COUNTED * times) as u64
}

/// Nanoseconds of one unit: the least of many short rounds, as others use the machine.
fn time(work: fn() -> Work, times: usize) -> f64 {
    let mut out = buffer();
    let mut round = |units: usize| {
        let mut prepared: Vec<Work> = (0..units).map(|_| work()).collect();
        let begin = Instant::now();
        for once in &mut prepared {
            for _ in 0..times {
                out.clear();
                once(black_box(&mut out));
            }
        }
        begin.elapsed().as_nanos() as f64 / (units * times) as f64
    };
    round(4);
    (0..100).map(|_| round(4)).fold(f64::INFINITY, f64::min)
}

/// All text that an output says, in its order: the roles' contents of a request, the words of an answer.
fn text(output: &[u8]) -> String {
    fn gather(value: &serde_json::Value, into: &mut String) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        serde_json::Value::String(s) if name == "content" || name == "text" => {
                            into.push_str(s)
                        }
                        _ => gather(value, into),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, into)),
            _ => {}
        }
    }
    let mut said = String::new();
    match serde_json::from_slice(output) {
        Ok(whole) => gather(&whole, &mut said),
        Err(_) => {
            for data in String::from_utf8(output.to_vec())
                .unwrap()
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
            {
                if data != "[DONE]" {
                    gather(&serde_json::from_str(data).unwrap(), &mut said);
                }
            }
        }
    }
    said
}

/// Both say the same words, and end a stream as the API wants it.
fn check(row: &Row) {
    let [ours, theirs] = [row.ours, row.theirs].map(|work| {
        let mut out = Vec::new();
        work()(&mut out);
        String::from_utf8(out).unwrap()
    });
    let said = text(ours.as_bytes());
    assert!(
        said.len() >= 2 && said == text(theirs.as_bytes()),
        "{}: texts differ\n{ours}\n{theirs}",
        row.name
    );
    if row.name.starts_with("a stream") {
        let expected: String = (0..payloads::EVENTS - 2).map(|at| format!(" word {at}")).collect();
        assert_eq!(said, expected);
        assert!(
            ours.contains("\"message_stop\"") && theirs.contains("\"message_stop\""),
            "{}: no end",
            row.name
        );
    }
    if std::env::var_os("SHOW").is_some() {
        println!("== {}\nours   {ours:.1500}\ntheirs {theirs:.1500}", row.name);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, who, at] = arguments.as_slice() {
        assert_eq!(mode, "count");
        let row = &ROWS[at.parse::<usize>().unwrap()];
        return count(if who == "ours" { row.ours } else { row.theirs }, row.times);
    }
    ROWS.iter().for_each(check);
    println!(
        "| input | instructions, ours | theirs | theirs / ours | time, ours | theirs | theirs / ours |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for (at, row) in ROWS.iter().enumerate() {
        let [ours, theirs] = ["ours", "theirs"].map(|who| instructions(who, at, row.times));
        let [mine, its] = [row.ours, row.theirs].map(|work| time(work, row.times) / 1000.0);
        println!(
            "| {} | {ours} | {theirs} | {:.1} | {mine:.2} µs | {its:.2} µs | {:.1} |",
            row.name,
            theirs as f64 / ours as f64,
            its / mine
        );
    }
}
