//! `openai-shim serve`: starts logging, the runtime and the server, and prints how to use it.

use super::check::reachable;
use super::output;
use openai_shim_server::Config;
use openai_shim_server::config::{Overrides, UpstreamLocation, read};
use std::net::SocketAddr;
use std::process::ExitCode;

pub(super) fn serve(overrides: &Overrides) -> ExitCode {
    let config = match read(overrides) {
        Ok(config) => config,
        Err(error) => return output::config_error(&error),
    };
    openai_shim_server::observe::access_log::init(&config.log);
    // On one core, a second thread would only add the cost of handing work over.
    let mut builder = match std::thread::available_parallelism().map(usize::from) {
        Ok(1) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    // Idle threads for large bodies end soon, and release their allocator's memory.
    builder.thread_keep_alive(std::time::Duration::from_secs(1));
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return server_failed(&format!("threads cannot be started: {error}")),
    };
    let welcome = Welcome::new(&config);
    let served =
        runtime.block_on(openai_shim_server::serve(config, |address| output::print(&welcome.text(address))));
    // Blocking threads, such as a name lookup, are not awaited.
    runtime.shutdown_background();
    openai_shim_server::observe::access_log::flush();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => server_failed(&error.to_string()),
    }
}

fn server_failed(message: &str) -> ExitCode {
    output::print_error(format_args!("openai-shim: {message}"));
    ExitCode::FAILURE
}

/// The text that is printed as soon as requests are accepted.
struct Welcome {
    upstreams: String,
    model: String,
    needs_key: bool,
    scheme: &'static str,
    /// Only `echo` is served: the user is trying the program out.
    is_echo_only: bool,
    /// The folder of the recordings.
    record: Option<String>,
}

impl Welcome {
    fn new(config: &Config) -> Self {
        let upstreams: Vec<_> =
            config.upstreams.iter().map(|u| format!("{} at {}", u.name, u.target)).collect();
        let echo_only = config.upstreams.iter().all(|u| u.target == UpstreamLocation::Echo);
        let mut configured = config.upstreams.iter().flat_map(|u| &u.models).filter(|m| !m.is_pattern());
        let model = configured.next().map(|m| m.id.clone());
        let model = model.unwrap_or_else(|| String::from(if echo_only { "echo" } else { "MODEL" }));
        let upstreams = if echo_only {
            String::from("echo, which says back what you say")
        } else {
            upstreams.join("\n            ")
        };
        Self {
            upstreams,
            model,
            scheme: if config.tls.is_some() { "https" } else { "http" },
            needs_key: config.needs_key(),
            is_echo_only: echo_only,
            record: config.record.as_ref().map(|folder| folder.display().to_string()),
        }
    }

    fn text(&self, address: SocketAddr) -> String {
        let base = format!("{}://{}/v1", self.scheme, reachable(address));
        let key = if self.needs_key { " \\\n      -H 'authorization: Bearer KEY'" } else { "" };
        let model = self.model.replace(['\'', '"', '\\'], "");
        let hint = if self.is_echo_only { REAL_MODEL_HINT } else { "" };
        let record = match &self.record {
            Some(folder) => format!("\nRecording:  {folder}"),
            None => String::new(),
        };
        format!(
            "openai-shim is listening on {address}\n\n\
             Base URL:   {base}\n\
             Key:        {}\n\
             Upstream:   {}{record}\n\n\
             Try it:\n  \
             curl -N {base}/chat/completions{key} \\\n      \
             -H 'content-type: application/json' \\\n      \
             -d '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"hello there\"}}]}}'\n{hint}",
            if self.needs_key { "one of your client keys" } else { "none needed; any text will do" },
            self.upstreams,
        )
    }
}

const REAL_MODEL_HINT: &str = "
For a real model: openai-shim --upstream URL --api-key env:NAME
(openai-shim --help says more)
";
