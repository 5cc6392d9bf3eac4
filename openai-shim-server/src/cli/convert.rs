//! `openai-shim convert`: a payload on standard input in, the payload that the server would send on standard output out.

use super::convert_job::{ConvertArgs, ConvertJob};
use super::{convert_batch, output};
use std::io::{Read, Write};
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
A request goes from a client to an upstream; a response, a stream or an error comes
back. Diagnostics go to standard error.

With --batch the lines of the input are
  {\"id\", \"body\"[, \"request\"][, \"status\"]}
and the lines of the output, in the same order,
  {\"id\", \"ok\", \"body\", \"outcome\", \"diagnostics\"}
A body is JSON as it stands, or a string with the payload's text: for streams, and
for payloads that are not JSON.

Examples:
  openai-shim convert --from openai-chat --to openai-chat --kind request < request.json
  openai-shim convert --from openai-chat --to openai-chat --kind stream < answer.sse
  openai-shim convert --from openai-chat --to openai-chat --kind response --batch < a.ndjson";

pub(super) fn run(args: &ConvertArgs) -> ExitCode {
    let job = match ConvertJob::new(args) {
        Ok(job) => job,
        Err(message) => return output::usage_error(&message),
    };
    let result = if args.batch { convert_batch::run(&job) } else { convert_single(&job) };
    match result {
        // A broken pipe means that the reader has seen enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            output::print_error(format_args!("openai-shim: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn convert_single(job: &ConvertJob) -> std::io::Result<()> {
    let mut body = Vec::new();
    std::io::stdin().lock().read_to_end(&mut body)?;
    let conversion = job.convert(&body, None, None);
    let mut diagnostics = std::io::stderr().lock();
    if !conversion.ok {
        writeln!(diagnostics, "not converted: the output is the error that the client gets")?;
    }
    for diagnostic in &conversion.diagnostics {
        writeln!(diagnostics, "{diagnostic}")?;
    }
    let mut out = std::io::stdout().lock();
    out.write_all(&conversion.body)?;
    out.flush()
}
