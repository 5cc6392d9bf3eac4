//! `openai-shim profiles`: what upstreams are known to accept, and how they deviate.

use openai_shim_core::Profile;
use openai_shim_core::profile::{profile, profiles};
use std::fmt::Write;
use std::process::ExitCode;
use toml::{Table, Value};

pub(super) fn run(name: Option<&str>) -> ExitCode {
    let text = match name {
        None => list(),
        Some(name) => match profile(name) {
            Ok(row) => one(&row),
            Err(error) => return super::usage(&error.to_string()),
        },
    };
    super::print(&text);
    ExitCode::SUCCESS
}

/// Name, meaning and hosts of every row.
fn list() -> String {
    let width = profiles().iter().map(|row| row.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for row in profiles() {
        let hosts = match row.hosts.as_slice() {
            [] => String::new(),
            hosts => format!(" ({})", hosts.join(", ")),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:width$}  {}{hosts}", row.name, row.about);
    }
    text.push_str("\n`openai-shim profiles NAME` prints one of them as TOML.\n");
    text
}

const FIRST: [&str; 5] = ["name", "about", "sources", "hosts", "dialect"];

/// A row as TOML. The keys are dotted, so that the lines are the same alone and under `[upstream.quirks]`.
fn one(row: &Profile) -> String {
    let mut text =
        format!("# {}. Put under [upstream.quirks] what shall differ for your upstream.\n", row.about);
    let mut entries: Vec<_> = Table::try_from(row).unwrap_or_default().into_iter().collect();
    // What it is comes first, then how it is.
    entries.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    for (key, value) in entries {
        match value {
            Value::Table(below) => {
                for (inner, value) in below {
                    let _ = writeln!(text, "{key}.{inner} = {value}");
                }
            }
            value => {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
    }
    text
}
