//! Work grows as its input does: requests, answers, streams and errors that are large in one dimension.
//!
//! `.ci/growth.py` counts the instructions of [`TABLE`] for two sizes under valgrind. By hand, every client before every row in
//! every dimension, by time: `cargo bench -p openai-shim-core --bench growth -- sweep
//! [requests|answers|streams|bytes|errors] [DIMENSION,…] [CLIENT] [ROW]`, where `all` is each of them, and `every` each profile.
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod inputs;
mod table;

use inputs::{ANSWERS, REQUESTS, STREAMS, answer, ask, request, settle, stream, waiting};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::Settings;
use openai_shim_core::{Profile, profile};
use std::sync::Arc;
use table::TABLE;

/// How long this thread has worked, in milliseconds.
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.max_frame_bytes = 64 << 20;
    settings
}

/// Whether the time for three sizes, each four times the last, grows faster than they do.
fn measure(name: &str, run: impl Fn(usize) -> Option<(f64, usize)>) -> bool {
    let mut times = Vec::new();
    for n in [1000, 4000, 16000, 64000] {
        let Some((time, _)) = run(n) else { return false };
        times.push(time);
        if let [.., before, last] = times[..]
            && last > 7.0 * before
            && last > 60.0
        {
            println!("{name}: {}", times.iter().map(|t| format!("{t:.1} ms")).collect::<Vec<_>>().join(", "));
            return true;
        }
    }
    if let [_, before, last] = times[..]
        && (last > 5.5 * before && last > 60.0 || last > 2000.0)
    {
        println!("{name}: {}", times.iter().map(|t| format!("{t:.1} ms")).collect::<Vec<_>>().join(", "));
        return true;
    }
    false
}

fn row(name: &str) -> Profile {
    match DIALECTS.iter().find(|d| d.name() == name) {
        Some(dialect) => {
            let mut row = profile("compatible").unwrap();
            dialect.name().clone_into(&mut row.dialect);
            row
        }
        None => profile(name).unwrap(),
    }
}

fn main() {
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("sweep") => sweep(&arguments.split_off(1)),
        Some("table") => table(&arguments.split_off(1)),
        _ => println!("growth sweep … | growth table HALF"),
    }
}

/// What is counted stands in here.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    std::hint::black_box(());
}

/// Runs every row of the table with two sizes, of which the second is four times the first; of two halves of it one.
fn table(arguments: &[String]) {
    let half: usize = arguments.first().and_then(|half| half.parse().ok()).unwrap_or(0);
    for (at, (kind, dimension, client, upstream)) in TABLE.iter().enumerate().filter(|(at, _)| at % 2 == half)
    {
        let row = Arc::new(row(upstream));
        let dialect = row.dialect.clone();
        for n in [1000, 4000] {
            let none = || -> (&'static str, String) {
                panic!("row {at}: {client} or {upstream} has no {dimension}")
            };
            let settings = settings();
            if *kind == "requests" {
                let (path, body) = request(client, dimension, n).unwrap_or_else(none);
                let body = bytes::Bytes::from(body);
                let mut input = Some((body, row.clone(), settings));
                measured(&mut || {
                    let Some((body, row, settings)) = input.take() else { return };
                    assert_ne!(ask(client, path, body, row, settings), 0, "{client} {upstream} {dimension}");
                });
            } else {
                let streams = matches!(*kind, "streams" | "bytes");
                let body =
                    if streams { stream(&dialect, dimension, n) } else { answer(&dialect, dimension, n) };
                let body = body.unwrap_or_else(|| none().1);
                let mut exchange = waiting(client, streams, row.clone(), settings);
                let piece = if *kind == "bytes" { 1 } else { usize::MAX };
                let status = if *kind == "errors" { 400 } else { 200 };
                measured(&mut || {
                    settle(&mut exchange, status, body.as_bytes(), piece);
                });
            }
            println!("{kind} {dimension} {client} {upstream} {n}");
        }
    }
}

fn sweep(arguments: &[String]) {
    let wanted = |at: usize, name: &str| {
        arguments.get(at).is_none_or(|wanted| wanted == "all" || wanted.split(',').any(|w| w == name))
    };
    let dialects: Vec<&str> = DIALECTS.iter().map(|d| d.name()).collect();
    let every = arguments.get(3).is_some_and(|row| row == "every");
    let mut rows: Vec<String> = dialects.iter().map(|d| (*d).to_owned()).collect();
    if every {
        rows.extend(openai_shim_core::profile::profiles().iter().map(|p| p.name.clone()));
    }
    let mut found = 0;
    for kind in
        ["requests", "answers", "streams", "bytes", "errors"].into_iter().filter(|kind| wanted(0, kind))
    {
        for client in dialects.iter().filter(|client| wanted(2, client)) {
            for name in rows.iter().filter(|row| every || wanted(3, row)) {
                let row = Arc::new(row(name));
                let upstream = row.dialect.clone();
                let dimensions = match kind {
                    "requests" => REQUESTS,
                    "answers" | "errors" => ANSWERS,
                    _ => STREAMS,
                };
                for dimension in dimensions.iter().filter(|dimension| wanted(1, dimension)) {
                    if std::env::var_os("TRACE").is_some() {
                        eprintln!("{kind} {dimension} {client} {name}");
                    }
                    let slow = measure(&format!("{kind} {dimension} {client} {name}"), |n| {
                        let (row, client, upstream) = (row.clone(), *client, upstream.as_str());
                        match kind {
                            "requests" => {
                                let (path, body) = request(client, dimension, n)?;
                                let body = bytes::Bytes::from(body);
                                let before = worked();
                                let sent = ask(client, path, body, row, settings());
                                Some((worked() - before, sent))
                            }
                            _ => {
                                let streams = matches!(kind, "streams" | "bytes");
                                let status = if kind == "errors" { 400 } else { 200 };
                                let body = if streams {
                                    stream(upstream, dimension, n)?
                                } else {
                                    answer(upstream, dimension, n)?
                                };
                                let piece = if kind == "bytes" { 1 } else { usize::MAX };
                                let mut exchange = waiting(client, streams, row, settings());
                                let before = worked();
                                let sent = settle(&mut exchange, status, body.as_bytes(), piece);
                                Some((worked() - before, sent))
                            }
                        }
                    });
                    found += usize::from(slow);
                }
            }
        }
    }
    println!("{found} grow too fast");
}
