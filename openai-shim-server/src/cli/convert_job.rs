//! The job of `openai-shim convert`: its arguments, and the conversion of one payload.

use clap::Args;
use openai_shim_core::convert::{Conversion, ConversionInput, PayloadKind, convert};
use openai_shim_core::{Dialect, Profile, dialect, profile};
use std::path::PathBuf;

/// The arguments of `convert`.
#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    /// The dialect of the input
    #[arg(long, value_name = "DIALECT")]
    from: String,
    /// The dialect of the output
    #[arg(long, value_name = "DIALECT")]
    to: String,
    /// The kind of payload
    #[arg(long, value_parser = ["request", "response", "stream", "error"])]
    kind: String,
    /// The upstream's profile [default: that of its dialect's own API, else compatible]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The client's request that a response belongs to
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// Convert one payload per line
    #[arg(long)]
    pub(super) batch: bool,
}

/// Everything that is the same for all payloads of one run.
#[derive(Debug)]
pub(super) struct ConvertJob {
    from: Dialect,
    to: Dialect,
    pub(super) kind: PayloadKind,
    profile: Profile,
    request: Option<Vec<u8>>,
}

impl ConvertJob {
    /// Reads the request file and looks up dialects and profile.
    pub(super) fn new(args: &ConvertArgs) -> Result<Self, String> {
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
        let kind = args.kind.parse::<PayloadKind>().map_err(|error| format!("--kind: {error}"))?;
        let upstream = if kind == PayloadKind::Request { to } else { from };
        let default_profile = || Profile::native(upstream).map_or_else(|| profile("compatible"), Ok);
        let profile = args.profile.as_deref().map_or_else(default_profile, profile);
        let profile = profile.map_err(|error| format!("--profile: {error}"))?;
        Ok(Self { from, to, kind, profile, request })
    }

    /// Converts one payload. `request`: the client's request of this payload, instead of the one for all.
    pub(super) fn convert(&self, body: &[u8], request: Option<&[u8]>, status: Option<u16>) -> Conversion {
        convert(&{
            let mut input =
                ConversionInput::new(self.kind, self.from, body).to(self.to).profile(self.profile.clone());
            input.request = request.or(self.request.as_deref());
            input.status = status;
            input
        })
    }
}
