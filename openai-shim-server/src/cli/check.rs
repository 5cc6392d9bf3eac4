//! `openai-shim check`: prints the configuration or what is wrong with it, or asks a running server whether it is ready.

use super::output;
use super::serve_args::ServeArgs;
use clap::Args;
use openai_shim_server::config::{Config, ConfigError, read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  openai-shim check --config shim.toml           print the configuration, or what is wrong
  openai-shim check --ready                      ask the server that this configuration starts
  openai-shim check --ready http://10.0.0.7:8000

With --ready the exit code is 0 if the server is ready, and 1 if it is not or does not
answer: a health check for containers that have no other program.";

/// How long a server has to answer.
const READY_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Ask a running server whether it is ready [default: at the configured address]
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    ready: Option<String>,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(super) fn run(args: CheckArgs) -> ExitCode {
    let overrides = args.serve.into_overrides();
    match args.ready {
        None => print(read(&overrides)),
        Some(url) if url.is_empty() => match read(&overrides) {
            Ok(config) => ready(&base_url(&config)),
            // A running server goes on with the configuration before.
            Err(error) => match overrides.listen.as_deref().and_then(|listen| listen.parse().ok()) {
                Some(listen) => ready_at(listen),
                None => output::config_error(&error),
            },
        },
        Some(url) => ready(&url),
    }
}

fn print(config: Result<Config, ConfigError>) -> ExitCode {
    match config {
        Ok(config) => {
            output::print(&format!("{config}"));
            ExitCode::SUCCESS
        }
        Err(error) => output::config_error(&error),
    }
}

/// The address of the server that a configuration starts.
fn base_url(config: &Config) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", reachable(config.listen))
}

/// The address that a client on this machine can use: `0.0.0.0` and `[::]` become loopback.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Asks the server at an address, with TLS or without.
fn ready_at(listen: SocketAddr) -> ExitCode {
    let address = reachable(listen);
    let has_tls = reqwest::Url::parse(&format!("https://{address}")).is_ok_and(|url| answer(url).is_ok());
    ready(&format!("{}://{address}", if has_tls { "https" } else { "http" }))
}

/// What the server at a URL says, with a runtime of its own.
fn answer(url: reqwest::Url) -> Result<(bool, String), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(ask(url)))
}

/// Asks the server at a URL whether it is ready, and prints its answer.
fn ready(url: &str) -> ExitCode {
    let url = match reqwest::Url::parse(url) {
        Ok(url) if url.host().is_some() && matches!(url.scheme(), "http" | "https") => url,
        _ => {
            return output::usage_error(&format!(
                "{url:?} is no address of a server; write one such as --ready http://127.0.0.1:8000"
            ));
        }
    };
    match answer(url.clone()) {
        Ok((true, body)) => {
            output::print(&body);
            ExitCode::SUCCESS
        }
        Ok((false, body)) => {
            output::print_error(body.trim_end());
            ExitCode::FAILURE
        }
        Err(reason) => {
            output::print_error(format_args!("openai-shim: {url} does not answer: {reason}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether the server is ready, and what it says.
async fn ask(mut url: reqwest::Url) -> Result<(bool, String), String> {
    openai_shim_server::upstream::http::provide_tls();
    // A server that is asked from its own machine has a certificate for another name.
    let is_own_machine = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.set_path("/readyz");
    let client = reqwest::Client::builder()
        .timeout(READY_TIMEOUT)
        .no_proxy()
        .tls_danger_accept_invalid_certs(is_own_machine)
        .build()
        .map_err(|error| reason(&error))?;
    let response = client.get(url).send().await.map_err(|error| reason(&error.without_url()))?;
    let is_ready = response.status().is_success();
    Ok((is_ready, response.text().await.map_err(|error| reason(&error.without_url()))?))
}

/// The cause that names what happened: reqwest's own text only says that something did.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
