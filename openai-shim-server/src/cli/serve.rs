//! `openai-shim serve`: starts the server, and says how to use it.

use openai_shim_server::Config;
use openai_shim_server::config::{Overrides, UpstreamLocation, read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

pub(super) fn serve(overrides: &Overrides) -> ExitCode {
    let config = match read(overrides) {
        Ok(config) => config,
        Err(error) => return super::refused(&error),
    };
    openai_shim_server::observe::access_log::init(&config.log);
    // With one core to run on, a second thread would only hand work over.
    let mut builder = match std::thread::available_parallelism().map(usize::from) {
        Ok(1) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    // Threads for large bodies go soon, and take with them what their allocator kept.
    builder.thread_keep_alive(std::time::Duration::from_secs(1));
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("threads cannot be started: {error}")),
    };
    let welcome = Welcome::new(&config);
    let served =
        runtime.block_on(openai_shim_server::serve(config, |address| super::print(&welcome.at(address))));
    // What a thread of the runtime still does (a name that is looked up) is not waited for.
    runtime.shutdown_background();
    openai_shim_server::observe::access_log::flush();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(message: &str) -> ExitCode {
    super::complain(format_args!("openai-shim: {message}"));
    ExitCode::FAILURE
}

/// What is printed once requests are taken.
struct Welcome {
    upstreams: String,
    model: String,
    needs_key: bool,
    /// Only the echo is served: someone is looking around.
    first_steps: bool,
}

impl Welcome {
    fn new(config: &Config) -> Self {
        let upstreams: Vec<_> =
            config.upstreams.iter().map(|u| format!("{} at {}", u.name, u.target)).collect();
        let echo_only = config.upstreams.iter().all(|u| u.target == UpstreamLocation::Echo);
        let named = config.upstreams.iter().flat_map(|u| &u.models).map(|m| m.id.clone()).next();
        let model = named.unwrap_or_else(|| String::from(if echo_only { "echo" } else { "MODEL" }));
        let upstreams = if echo_only {
            String::from("echo, which says back what you say")
        } else {
            upstreams.join("\n            ")
        };
        Self { upstreams, model, needs_key: !config.client_keys.is_empty(), first_steps: echo_only }
    }

    fn at(&self, address: SocketAddr) -> String {
        let base = format!("http://{}/v1", reachable(address));
        let key = if self.needs_key { " \\\n      -H 'authorization: Bearer KEY'" } else { "" };
        let model = self.model.replace(['\'', '"', '\\'], "");
        let next = if self.first_steps { REAL } else { "" };
        format!(
            "openai-shim is listening on {address}\n\n\
             Base URL:   {base}\n\
             Key:        {}\n\
             Upstream:   {}\n\n\
             Try it:\n  \
             curl -N {base}/chat/completions{key} \\\n      \
             -H 'content-type: application/json' \\\n      \
             -d '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"hello there\"}}]}}'\n{next}",
            if self.needs_key { "one of your client keys" } else { "none needed; any text will do" },
            self.upstreams,
        )
    }
}

const REAL: &str = "
For a real model: openai-shim --upstream URL --api-key env:NAME
(openai-shim --help says more)
";

/// An address that a client on this machine can use: all interfaces is none.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
