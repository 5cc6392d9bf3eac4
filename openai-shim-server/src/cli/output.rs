//! Writes to standard output and standard error, and maps errors to exit codes.

use openai_shim_server::config::ConfigError;
use std::io::Write;
use std::process::ExitCode;

/// The exit code for wrong arguments and wrong configurations.
const USAGE_ERROR: u8 = 2;

/// Reports a configuration that cannot be used.
pub(super) fn config_error(error: &ConfigError) -> ExitCode {
    print_error(error);
    ExitCode::from(USAGE_ERROR)
}

/// Reports a wrong argument.
pub(super) fn usage_error(message: &str) -> ExitCode {
    print_error(format_args!("openai-shim: {message}"));
    ExitCode::from(USAGE_ERROR)
}

/// Prints a line on standard error. A failure is ignored: the exit code remains.
pub(super) fn print_error(message: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Prints a text on standard output. A failure is ignored: the reader has closed the pipe.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
