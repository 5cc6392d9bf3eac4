//! The command line: subcommands, options and variables, and what each subcommand starts.

mod cassette_diff;
mod cassette_test;
mod check;
mod convert;
mod convert_batch;
mod convert_job;
mod generate;
mod junit;
mod output;
mod profiles;
mod serve;
mod serve_args;

use clap::{CommandFactory, Parser, Subcommand};
use openai_shim_server::config::Overrides;
use serve_args::ServeArgs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Any chat client, any nearly-OpenAI language-model API: nothing lost and nothing invented.
#[derive(Debug, Parser)]
#[command(name = "openai-shim", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

const EXAMPLES: &str = "\
Examples:
  openai-shim                                              serve the built-in echo on 127.0.0.1:8000
  openai-shim --upstream http://localhost:8080/v1          serve in front of another server
  openai-shim --upstream https://api.lemonfox.ai/v1 --api-key env:LEMONFOX_API_KEY
  openai-shim --config shim.toml                           several upstreams, keys, limits
  openai-shim check --config shim.toml                     print the configuration, or what is wrong
  openai-shim convert --from openai-chat --to openai-chat --kind stream < answer.sse
  openai-shim record cassettes --upstream URL              serve, and record exchanges
  openai-shim test cassettes                               compare them with golden files

Then point a chat client at http://127.0.0.1:8000/v1.

Two settings have a variable and no option:
  OPENAI_SHIM_CLIENT_KEYS   keys that clients may use, separated by commas
  OPENAI_SHIM_LOG           text or json, a level, or both: json,debug";

const RECORD_EXAMPLES: &str = "\
A cassette is a text file with one client's request, what the upstream was asked and
what it answered, as it was cut, and what the client got. Keys are replaced by [key];
read a file before you pass it on all the same.

Examples:
  openai-shim record cassettes --upstream http://localhost:8080/v1
  openai-shim --upstream replay:cassettes          answer from the recordings
  openai-shim test cassettes --bless               make golden files of them";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default without a subcommand)
    Serve(ServeArgs),
    /// Check the configuration: print it, or what is wrong and what to write instead
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Convert payloads from standard input to standard output
    #[command(after_help = convert::EXAMPLES)]
    Convert(convert_job::ConvertArgs),
    /// Serve, and record each exchange as a cassette
    #[command(after_help = RECORD_EXAMPLES)]
    Record {
        /// The folder for the cassettes
        folder: PathBuf,
        #[command(flatten)]
        serve: ServeArgs,
    },
    /// Play cassettes to clients of every dialect, and compare with golden files
    #[command(after_help = cassette_test::EXAMPLES)]
    Test(cassette_test::TestArgs),
    /// List the built-in profiles, or print one as TOML
    Profiles {
        /// The profile to print
        name: Option<String>,
    },
    /// Print what a shell needs to complete this command line
    #[command(
        after_help = "Example:\n  openai-shim completions bash > ~/.local/share/bash-completion/completions/openai-shim"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  openai-shim man | man -l -")]
    Man,
}

/// Runs the subcommand.
pub(crate) fn run(cli: Cli) -> ExitCode {
    match cli.command {
        None => serve::serve(&cli.serve.into_overrides()),
        Some(Command::Serve(args)) => serve::serve(&args.into_overrides()),
        Some(Command::Record { folder, serve }) => record(folder, serve),
        Some(Command::Test(args)) => cassette_test::run(&args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Convert(args)) => convert::run(&args),
        Some(Command::Profiles { name }) => profiles::run(name.as_deref()),
        Some(Command::Completions { shell }) => generate::completions(Cli::command(), shell),
        Some(Command::Man) => generate::manual(Cli::command()),
    }
}

fn record(folder: PathBuf, args: ServeArgs) -> ExitCode {
    if let Err(error) = std::fs::create_dir_all(&folder) {
        return output::usage_error(&format!("{} cannot be made a folder: {error}", folder.display()));
    }
    serve::serve(&Overrides { record: Some(folder), ..args.into_overrides() })
}
