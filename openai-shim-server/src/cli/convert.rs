//! `openai-shim convert`: payloads from standard input, converted as the server would.

use clap::Args;
use openai_shim_core::convert::{Conversion, ConversionInput, PayloadKind, convert};
use openai_shim_core::profile::native_profile;
use openai_shim_core::{Context, Dialect, Profile, dialect, profile};
use std::io::{Read, Write};
use std::path::PathBuf;
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

/// What to convert.
#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    /// The dialect of the payload that comes in
    #[arg(long, value_name = "DIALECT")]
    from: String,
    /// The dialect that it is turned into
    #[arg(long, value_name = "DIALECT")]
    to: String,
    /// What the payload is
    #[arg(long, value_parser = ["request", "response", "stream", "error"])]
    kind: String,
    /// The upstream's profile [default: that of its dialect's own API, else compatible]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The client's request that an answer belongs to
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// Convert one payload a line
    #[arg(long)]
    batch: bool,
}

/// What is the same for every payload of one run.
#[derive(Debug)]
pub(super) struct ConvertJob {
    from: &'static dyn Dialect,
    to: &'static dyn Dialect,
    pub(super) kind: PayloadKind,
    profile: Profile,
    request: Option<Vec<u8>>,
}

impl ConvertJob {
    fn new(args: &ConvertArgs) -> Result<Self, String> {
        let request = match &args.request {
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                format!(
                    "{} cannot be read ({error}); write --request FILE with the client's request",
                    path.display()
                )
            })?),
            None => None,
        };
        let from = dialect(&args.from).map_err(|error| format!("--from: {error}"))?;
        let to = dialect(&args.to).map_err(|error| format!("--to: {error}"))?;
        let kind =
            PayloadKind::parse(&args.kind).ok_or_else(|| format!("--kind: there is no {:?}", args.kind))?;
        let upstream = if kind == PayloadKind::Request { to } else { from };
        let own = || native_profile(upstream.name()).map_or_else(|| profile("compatible"), Ok);
        let row = args.profile.as_deref().map_or_else(own, profile);
        let profile = row.map_err(|error| format!("--profile: {error}"))?;
        Ok(Self { from, to, kind, profile, request })
    }

    /// Converts one payload; its own request wins over the one for all.
    pub(super) fn convert(&self, body: &[u8], request: Option<&[u8]>, status: Option<u16>) -> Conversion {
        convert(&ConversionInput {
            from: self.from,
            to: self.to,
            profile: self.profile.clone(),
            kind: self.kind,
            body,
            request: request.or(self.request.as_deref()),
            status,
            // The same payload shall always give the same bytes.
            context: Context::fixed(),
        })
    }
}

pub(super) fn run(args: &ConvertArgs) -> ExitCode {
    let plan = match ConvertJob::new(args) {
        Ok(plan) => plan,
        Err(message) => return super::usage(&message),
    };
    let done = if args.batch { super::convert_batch::run(&plan) } else { single(&plan) };
    match done {
        // A reader that has left wants no more of it.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            super::complain(format_args!("openai-shim: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn single(plan: &ConvertJob) -> std::io::Result<()> {
    let mut body = Vec::new();
    std::io::stdin().lock().read_to_end(&mut body)?;
    let conversion = plan.convert(&body, None, None);
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
