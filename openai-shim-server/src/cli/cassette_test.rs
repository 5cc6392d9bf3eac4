//! `openai-shim test`: cassettes in, golden files compared or written.

use super::cassette_diff::diff;
use super::junit::{self, TestCase};
use super::output;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use openai_shim_core::Dialect;
use openai_shim_core::cassette::Cassette;
use openai_shim_core::dialect::{DIALECTS, dialect};
use openai_shim_server::cassettes;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

pub(super) const EXAMPLES: &str = "\
Each cassette is played to a client of each dialect, and the result is compared with
the golden file beside it, CASSETTE.DIALECT.golden: outcome, status, diagnostics, the
requests to the upstream, and the client's response.

Exit code: 0 if nothing changed, 1 if something did or a golden file is missing, 2 if
the folder cannot be used.

Examples:
  openai-shim test cassettes                        compare
  openai-shim test cassettes --bless                write the golden files
  openai-shim test cassettes --to openai-chat,gemini
  openai-shim test cassettes --junit report.xml     for a build server";

/// The arguments of `test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The folder of the cassettes
    folder: PathBuf,
    /// The clients' dialects, with commas between, or `all`
    #[arg(long, value_name = "DIALECTS", default_value = "all")]
    to: String,
    /// Write golden files that are missing or differ
    #[arg(long)]
    bless: bool,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) fn run(args: &TestArgs) -> ExitCode {
    let loaded = clients(&args.to).and_then(|clients| Ok((clients, cassettes::read_folder(&args.folder)?)));
    let (clients, cassettes) = match loaded {
        Ok(loaded) => loaded,
        Err(message) => return output::usage_error(&message),
    };
    let progress = ProgressBar::new((cassettes.len() * clients.len()) as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        progress.set_style(style);
    }
    let mut cases = Vec::new();
    let mut written = 0;
    for (path, cassette) in &cassettes {
        progress.set_message(cassettes::name_of(path));
        for client in &clients {
            match check(path, cassette, *client, args.bless) {
                Ok(Checked { case, is_written }) => {
                    written += usize::from(is_written);
                    if let Some((message, difference)) = &case.failure {
                        progress.suspend(|| output::print(&format!("{message}\n{difference}\n")));
                    }
                    cases.push(case);
                }
                Err(message) => return output::usage_error(&message),
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    if let Some(file) = &args.junit
        && let Err(error) = std::fs::write(file, junit::report(&cases))
    {
        return output::usage_error(&format!("--junit: {} cannot be written: {error}", file.display()));
    }
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let written = if written > 0 { format!(", {written} golden files written") } else { String::new() };
    output::print(&format!("{} conversions, {failed} changed{written}\n", cases.len()));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn clients(names: &str) -> Result<Vec<Dialect>, String> {
    if names == "all" {
        return Ok(DIALECTS.to_vec());
    }
    let named = names.split(',').map(|name| dialect(name.trim()).map_err(|error| format!("--to: {error}")));
    named.collect()
}

struct Checked {
    case: TestCase,
    is_written: bool,
}

/// Plays a cassette to one client, and compares or writes its golden file.
fn check(path: &Path, cassette: &Cassette, client: Dialect, bless: bool) -> Result<Checked, String> {
    let started = Instant::now();
    let playback = cassette.convert_to(client);
    let duration = started.elapsed();
    let actual = playback.to_string();
    let golden = path.with_extension(format!("{}.golden", client.name()));
    let expected = match std::fs::read_to_string(&golden) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{} cannot be read: {error}", golden.display())),
    };
    let mut case =
        TestCase { cassette: cassettes::name_of(path), dialect: client.name(), duration, failure: None };
    if expected.as_deref() == Some(actual.as_str()) {
        return Ok(Checked { case, is_written: false });
    }
    if bless {
        std::fs::write(&golden, &actual)
            .map_err(|error| format!("{} cannot be written: {error}", golden.display()))?;
        return Ok(Checked { case, is_written: true });
    }
    let shown = match &expected {
        None => (format!("{} is missing; --bless writes it", golden.display()), String::new()),
        Some(expected) => {
            let difference = diff(expected, &actual, has_colours());
            let diagnostics = match playback.diagnostics_text() {
                none if none.is_empty() => String::from("no diagnostics\n"),
                some => format!("diagnostics now:\n{some}"),
            };
            (format!("{} differs", golden.display()), format!("{difference}{diagnostics}"))
        }
    };
    case.failure = Some(shown);
    Ok(Checked { case, is_written: false })
}

/// Whether standard output is a terminal that shows colours (<https://no-color.org>).
fn has_colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
