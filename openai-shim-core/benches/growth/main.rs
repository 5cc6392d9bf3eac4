//! Measures whether work grows linearly with requests, responses, streams and errors that are large in one dimension.
//!
//! `.ci/growth.py` counts the instructions of [`TABLE`] for two sizes under valgrind. To measure the time of every client with
//! every upstream in every dimension: `cargo bench -p openai-shim-core --bench growth -- sweep
//! [requests|responses|streams|bytes|errors] [DIMENSION,…] [CLIENT] [UPSTREAM]`. `all` selects everything, and `every` as UPSTREAM
//! also selects every profile.
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod inputs;
mod table;

use inputs::{
    REQUESTS, RESPONSES, STREAMS, encode_request, push_response, request, response, start_exchange, stream,
};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::Settings;
use openai_shim_core::{Profile, profile};
use std::sync::Arc;
use table::TABLE;

/// The CPU time of this thread, in milliseconds.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.max_frame_bytes = 64 << 20;
    settings
}

/// Returns whether the time grows faster than the size, for sizes that are each four times the previous one.
fn is_superlinear(name: &str, run: impl Fn(usize) -> Option<(f64, usize)>) -> bool {
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

/// Returns a profile by name, or the default profile with the dialect `name`.
fn profile_or_dialect(name: &str) -> Profile {
    match DIALECTS.iter().find(|d| d.name() == name) {
        Some(dialect) => {
            let mut profile = profile("compatible").unwrap();
            dialect.name().clone_into(&mut profile.dialect);
            profile
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

/// Runs the work whose instructions are counted: `.ci/growth.py` selects this function by name.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    std::hint::black_box(());
}

/// Runs every second row of the table, from row `half`, with two sizes; the second is four times the first.
fn table(arguments: &[String]) {
    let half: usize = arguments.first().and_then(|half| half.parse().ok()).unwrap_or(0);
    for (at, (kind, dimension, client, upstream)) in TABLE.iter().enumerate().filter(|(at, _)| at % 2 == half)
    {
        let profile = Arc::new(profile_or_dialect(upstream));
        let dialect = profile.dialect.clone();
        for n in [1000, 4000] {
            let missing = || -> (&'static str, String) {
                panic!("row {at}: {client} or {upstream} has no {dimension}")
            };
            let settings = settings();
            if *kind == "requests" {
                let (path, body) = request(client, dimension, n).unwrap_or_else(missing);
                let body = bytes::Bytes::from(body);
                let mut input = Some((body, profile.clone(), settings));
                measured(&mut || {
                    let Some((body, profile, settings)) = input.take() else { return };
                    assert_ne!(
                        encode_request(client, path, body, profile, settings),
                        0,
                        "{client} {upstream} {dimension}"
                    );
                });
            } else {
                let is_stream = matches!(*kind, "streams" | "bytes");
                let body =
                    if is_stream { stream(&dialect, dimension, n) } else { response(&dialect, dimension, n) };
                let body = body.unwrap_or_else(|| missing().1);
                let mut exchange = start_exchange(client, is_stream, profile.clone(), settings);
                let chunk_size = if *kind == "bytes" { 1 } else { usize::MAX };
                let status = if *kind == "errors" { 400 } else { 200 };
                measured(&mut || {
                    push_response(&mut exchange, status, body.as_bytes(), chunk_size);
                });
            }
            println!("{kind} {dimension} {client} {upstream} {n}");
        }
    }
}

fn sweep(arguments: &[String]) {
    let is_selected = |at: usize, name: &str| {
        arguments.get(at).is_none_or(|selected| selected == "all" || selected.split(',').any(|s| s == name))
    };
    let dialects: Vec<&str> = DIALECTS.iter().map(|d| d.name()).collect();
    let every = arguments.get(3).is_some_and(|upstream| upstream == "every");
    let mut upstreams: Vec<String> = dialects.iter().map(|d| (*d).to_owned()).collect();
    if every {
        upstreams.extend(openai_shim_core::profile::profiles().iter().map(|p| p.name.clone()));
    }
    let mut found = 0;
    for kind in ["requests", "responses", "streams", "bytes", "errors"]
        .into_iter()
        .filter(|kind| is_selected(0, kind))
    {
        for client in dialects.iter().filter(|client| is_selected(2, client)) {
            for name in upstreams.iter().filter(|upstream| every || is_selected(3, upstream)) {
                let profile = Arc::new(profile_or_dialect(name));
                let upstream = profile.dialect.clone();
                let dimensions = match kind {
                    "requests" => REQUESTS,
                    "responses" | "errors" => RESPONSES,
                    _ => STREAMS,
                };
                for dimension in dimensions.iter().filter(|dimension| is_selected(1, dimension)) {
                    if std::env::var_os("TRACE").is_some() {
                        eprintln!("{kind} {dimension} {client} {name}");
                    }
                    let is_slow = is_superlinear(&format!("{kind} {dimension} {client} {name}"), |n| {
                        let (profile, client, upstream) = (profile.clone(), *client, upstream.as_str());
                        match kind {
                            "requests" => {
                                let (path, body) = request(client, dimension, n)?;
                                let body = bytes::Bytes::from(body);
                                let before = cpu_time();
                                let sent = encode_request(client, path, body, profile, settings());
                                Some((cpu_time() - before, sent))
                            }
                            _ => {
                                let is_stream = matches!(kind, "streams" | "bytes");
                                let status = if kind == "errors" { 400 } else { 200 };
                                let body = if is_stream {
                                    stream(upstream, dimension, n)?
                                } else {
                                    response(upstream, dimension, n)?
                                };
                                let chunk_size = if kind == "bytes" { 1 } else { usize::MAX };
                                let mut exchange = start_exchange(client, is_stream, profile, settings());
                                let before = cpu_time();
                                let sent = push_response(&mut exchange, status, body.as_bytes(), chunk_size);
                                Some((cpu_time() - before, sent))
                            }
                        }
                    });
                    found += usize::from(is_slow);
                }
            }
        }
    }
    println!("{found} grow faster than their input");
}
