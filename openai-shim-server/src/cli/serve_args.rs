//! The options of every subcommand that reads the configuration: arguments and variables in, overrides of the file out.

use clap::Args;
use openai_shim_server::config::Overrides;
use std::path::PathBuf;

/// Options that override the configuration file.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR", env = "OPENAI_SHIM_LISTEN")]
    listen: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "OPENAI_SHIM_CONFIG")]
    config: Option<PathBuf>,
    /// The base URL of the only upstream, `echo`, or `replay:` with a folder of cassettes [default: those of the file, else echo]
    #[arg(long, value_name = "URL|echo|replay:FOLDER", env = "OPENAI_SHIM_UPSTREAM")]
    upstream: Option<String>,
    /// The upstream's dialect [default: its profile's]
    #[arg(long, value_name = "NAME", env = "OPENAI_SHIM_DIALECT")]
    dialect: Option<String>,
    /// The upstream's profile [default: the one whose hosts match, else `compatible`]
    #[arg(long, value_name = "NAME", env = "OPENAI_SHIM_PROFILE")]
    profile: Option<String>,
    /// The upstream's key: env:NAME, file:PATH, credential:NAME (systemd), or the key itself
    #[arg(long, value_name = "REF", env = "OPENAI_SHIM_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

impl ServeArgs {
    /// The arguments, with the variables that have no option because `ps` shows arguments.
    pub(super) fn into_overrides(self) -> Overrides {
        let keys = std::env::var("OPENAI_SHIM_CLIENT_KEYS").unwrap_or_default();
        Overrides {
            listen: self.listen,
            config: self.config,
            upstream: self.upstream,
            dialect: self.dialect,
            profile: self.profile,
            api_key: self.api_key,
            record: None,
            client_keys: keys.split(',').map(str::to_owned).collect(),
            log: std::env::var("OPENAI_SHIM_LOG").ok(),
        }
    }
}
