//! Compares core with `switchyard-translation` on the same payloads: instructions (callgrind) and time. See README.md.

mod ours;
mod payloads;
mod theirs;

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;
use switchyard_translation::WireFormat::{AnthropicMessages, OpenAiChat};

/// One unit of work, whose output is appended.
type Work = Box<dyn FnMut(&mut Vec<u8>)>;

/// How often one work of a stream in progress can be repeated.
const EVENTS_PER_WORK: usize = 100;
const CHAT: &str = "openai-chat";
const MESSAGES: &str = "anthropic-messages";

/// A comparison.
struct Comparison {
    name: &'static str,
    /// How often one work can be repeated.
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

const COMPARISONS: [Comparison; 7] = [
    Comparison {
        name: "a small request, chat → Anthropic",
        times: 1,
        ours: || ours::request(CHAT, MESSAGES, payloads::request(false, 0)),
        theirs: || theirs::request(OpenAiChat, AnthropicMessages, payloads::request(false, 0)),
    },
    Comparison {
        name: "a 50 KB request, chat → Anthropic",
        times: 1,
        ours: || ours::request(CHAT, MESSAGES, payloads::request(false, 40)),
        theirs: || theirs::request(OpenAiChat, AnthropicMessages, payloads::request(false, 40)),
    },
    Comparison {
        name: "the same, Anthropic → chat",
        times: 1,
        ours: || ours::request(MESSAGES, CHAT, long_messages()),
        theirs: || theirs::request(AnthropicMessages, OpenAiChat, long_messages()),
    },
    Comparison {
        name: "a 50 KB request normalized, chat → chat",
        times: 1,
        ours: || ours::request(CHAT, CHAT, payloads::request(false, 40)),
        theirs: || theirs::request(OpenAiChat, OpenAiChat, payloads::request(false, 40)),
    },
    Comparison {
        name: "a stream of 200 events, chat → Anthropic",
        times: 1,
        ours: || ours::response(MESSAGES, payloads::anthropic_request(true), payloads::stream()),
        theirs: || theirs::stream(AnthropicMessages, payloads::stream()),
    },
    Comparison {
        name: "a clean event of 290 bytes, chat → chat",
        times: EVENTS_PER_WORK,
        ours: ours::one_event,
        theirs: theirs::one_event,
    },
    Comparison {
        name: "a response of 1.6 KB, chat → Anthropic",
        times: 1,
        ours: || ours::response(MESSAGES, payloads::anthropic_request(false), vec![payloads::completion()]),
        theirs: || theirs::response(AnthropicMessages, payloads::completion()),
    },
];

/// The function whose instructions callgrind counts; it is selected by name.
#[unsafe(no_mangle)]
#[inline(never)]
fn peers_measured(work: &mut Work, out: &mut Vec<u8>) {
    work(black_box(out));
}

fn buffer() -> Vec<u8> {
    Vec::with_capacity(1 << 18)
}

/// Runs in the child process under callgrind. Values that are created once are created before counting begins.
fn count(work: fn() -> Work, times: usize) {
    let mut out = buffer();
    (0..3).for_each(|_| work()(&mut out));
    for _ in 0..COUNTED {
        out.clear();
        let mut once = work();
        // Makes the allocator finish its work for memory freed earlier, so that it is not counted.
        drop(black_box(vec![1_u8; 100_000]));
        (0..times).for_each(|_| peers_measured(&mut once, &mut out));
    }
}

const COUNTED: usize = 4;

fn instructions(side: &str, at: usize, times: usize) -> u64 {
    let into = format!(
        "--callgrind-out-file={}",
        std::env::var("CALLGRIND_OUT").map_or("/dev/null".into(), |d| format!("{d}/{at}.{side}"))
    );
    let this = std::env::current_exe().unwrap();
    let valgrind = ["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=peers_measured", &into];
    let run = Command::new("valgrind")
        .args(valgrind)
        .arg(this)
        .args(["count", side, &at.to_string()])
        .output()
        .expect("valgrind");
    let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
    let collected = stderr.split("Collected :").nth(1).and_then(|after| after.split_whitespace().next());
    collected.and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{stderr}"))
        / (COUNTED * times) as u64
}

/// Returns the nanoseconds of one unit of work: the minimum of many short rounds, because other processes use the machine.
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

/// Returns all message text in an output, in order.
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
    let mut text = String::new();
    match serde_json::from_slice(output) {
        Ok(whole) => gather(&whole, &mut text),
        Err(_) => {
            for data in String::from_utf8(output.to_vec())
                .unwrap()
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
            {
                if data != "[DONE]" {
                    gather(&serde_json::from_str(data).unwrap(), &mut text);
                }
            }
        }
    }
    text
}

/// Checks that both outputs have the same text and end a stream as the API requires.
fn check(comparison: &Comparison) {
    let [ours, theirs] = [comparison.ours, comparison.theirs].map(|work| {
        let mut out = Vec::new();
        work()(&mut out);
        String::from_utf8(out).unwrap()
    });
    let content = text(ours.as_bytes());
    assert!(
        content.len() >= 2 && content == text(theirs.as_bytes()),
        "{}: texts differ\n{ours}\n{theirs}",
        comparison.name
    );
    if comparison.name.starts_with("a stream") {
        let expected: String = (0..payloads::EVENTS - 2).map(|at| format!(" word {at}")).collect();
        assert_eq!(content, expected);
        assert!(
            ours.contains("\"message_stop\"") && theirs.contains("\"message_stop\""),
            "{}: no end",
            comparison.name
        );
    }
    if std::env::var_os("SHOW").is_some() {
        println!("== {}\nours   {ours:.1500}\ntheirs {theirs:.1500}", comparison.name);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, side, at] = arguments.as_slice() {
        assert_eq!(mode, "count");
        let comparison = &COMPARISONS[at.parse::<usize>().unwrap()];
        return count(if side == "ours" { comparison.ours } else { comparison.theirs }, comparison.times);
    }
    COMPARISONS.iter().for_each(check);
    println!(
        "| input | instructions, ours | theirs | theirs / ours | time, ours | theirs | theirs / ours |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for (at, comparison) in COMPARISONS.iter().enumerate() {
        let [ours, theirs] = ["ours", "theirs"].map(|side| instructions(side, at, comparison.times));
        let [mine, its] = [comparison.ours, comparison.theirs].map(|work| time(work, comparison.times) / 1000.0);
        println!(
            "| {} | {ours} | {theirs} | {:.1} | {mine:.2} µs | {its:.2} µs | {:.1} |",
            comparison.name,
            theirs as f64 / ours as f64,
            its / mine
        );
    }
}
