//! Reads the configuration: defaults, file, environment and arguments in, each overriding the one before, a checked
//! [`Config`] or all faults out.

use super::choice::choice;
use super::error::ConfigError;
use super::model_routes::ModelRoute;
use super::overrides::{Origin, Overrides};
use super::profiles::Profiles;
use super::settings::{Config, Limits, Log, LogFormat, Timeouts, UpstreamConfig};
use super::store::StoreConfig;
use super::toml_tree::{ConfigErrors, Section, Source};
use super::{keys, model_routes, origins, otel, suggest, tls, units, upstream};
use openai_shim_core::canonical::ReasoningStyle;
use openai_shim_core::exchange::{Fallback, FallbackPolicy, LossPolicy, Retry};
use std::net::SocketAddr;

/// Reads and checks the configuration.
///
/// # Errors
/// One line per fault: the place, the key, what is wrong and what to write.
pub fn read(overrides: &Overrides) -> Result<Config, ConfigError> {
    let overrides = &overrides.clone().without_blanks();
    read_source(&source(overrides)?, overrides, None)
}

/// Reads the configuration of a server that listens on `bound`.
pub(crate) fn read_again(overrides: &Overrides, bound: SocketAddr) -> Result<Config, ConfigError> {
    let source = source(overrides)?;
    // An editor may empty a file before it writes it; without settings everything would go to `echo`.
    if overrides.config.is_some() && source.is_blank() {
        return Err(source.blank_file());
    }
    read_source(&source, overrides, Some(bound))
}

fn source(overrides: &Overrides) -> Result<Source, ConfigError> {
    overrides.config.as_deref().map_or_else(|| Ok(Source::empty()), Source::read)
}

fn read_source(
    source: &Source,
    overrides: &Overrides,
    bound: Option<SocketAddr>,
) -> Result<Config, ConfigError> {
    let table = source.parse()?;
    let faults = ConfigErrors::default();
    let top = Section::top(source, table.get_ref(), &faults);
    let upstreams = upstreams(&top, source, overrides, &faults);
    let named_keys = keys::read_named_keys(&top, source.folder());
    let config = Config {
        listen: DEFAULT_LISTEN,
        tls: tls::read(&top, source.folder()),
        hosts: top.texts("hosts", "[\"shim.example.com\"]", parse_host),
        client_keys: keys::read_client_keys(&top, source.folder(), overrides, &faults),
        named_keys: named_keys.iter().map(|(_, key)| key.clone()).collect(),
        models: models(&top, &upstreams, overrides),
        upstreams,
        mode: top.text("mode", |m| choice(m, &MODES)).map_or_else(LossPolicy::default, |m| m.value),
        learn: top.flag("learn").unwrap_or(true),
        debug: top.flag("debug").unwrap_or_default(),
        reasoning: top
            .section("defaults")
            .text("reasoning", |style| choice(style, &REASONING_STYLES))
            .map_or_else(ReasoningStyle::default, |style| style.value),
        default_max_tokens: top
            .section("defaults")
            .number("max_tokens", 1..=100_000_000)
            .map(|tokens| tokens.value),
        retry: retry(&top.section("retry")),
        fallback: fallback(&top.section("fallback")),
        timeouts: timeouts(&top.section("timeouts")),
        limits: limits(&top.section("limits")),
        store: StoreConfig::read(&top.section("store"), source),
        cors_origins: top.section("cors").texts("origins", "[\"https://chat.example.com\"]", origins::parse),
        log: log(&top.section("log"), overrides, &faults),
        watch: top.flag("watch").unwrap_or_default(),
        origin: Origin(overrides.clone()),
        otel: otel::read(&top.section("otel"), source, &faults),
        record: overrides.record.clone(),
    };
    let listen = listen(&top, overrides, bound, &faults, config.needs_key());
    let exposed = bound.filter(|bound| !bound.ip().is_loopback()).unwrap_or(listen);
    keys::check_lengths(&top, &exposed, &config.client_keys, overrides, &faults);
    keys::check_named_keys(&exposed, &config.client_keys, &named_keys);
    match faults.into_error() {
        Some(error) => Err(error),
        None => Ok(Config { listen, ..config }),
    }
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);
const MODES: [(&str, LossPolicy); 2] = [("lenient", LossPolicy::Lenient), ("strict", LossPolicy::Strict)];
const REASONING_STYLES: [(&str, ReasoningStyle); 2] =
    [("field", ReasoningStyle::Field), ("tags", ReasoningStyle::Tags)];
const FALLBACK_POLICIES: [(&str, FallbackPolicy); 3] =
    [("never", FallbackPolicy::Never), ("empty", FallbackPolicy::Empty), ("always", FallbackPolicy::Always)];
const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The address to listen on. One that other machines can reach needs client keys or `allow_anonymous = true`, and so does the
/// one that a running server is bound to.
fn listen(
    top: &Section<'_>,
    overrides: &Overrides,
    bound: Option<SocketAddr>,
    faults: &ConfigErrors,
    has_keys: bool,
) -> SocketAddr {
    let anonymous = top.flag("allow_anonymous").unwrap_or_default();
    let is_open = |address: SocketAddr| !address.ip().is_loopback() && !has_keys && !anonymous;
    if let Some(bound) = bound.filter(|bound| is_open(*bound)) {
        let what = format!(
            "{bound}, where this server listens, {REACHABLE}; write client_keys = [\"env:SHIM_KEY\"]"
        );
        faults.outside("client_keys", what);
        return bound;
    }
    let configured = top.text("listen", parse_address);
    if let Some(text) = &overrides.listen {
        return match parse_address(text) {
            Ok(address) => {
                if is_open(address) {
                    let what = "set OPENAI_SHIM_CLIENT_KEYS=env:NAME, or write allow_anonymous = true into the file of \
                                --config if everyone may use it";
                    faults.outside("--listen", format!("{address} {REACHABLE}; {what}"));
                }
                address
            }
            Err(what) => {
                faults.outside("--listen", what);
                DEFAULT_LISTEN
            }
        };
    }
    let Some(configured) = configured else { return DEFAULT_LISTEN };
    if is_open(configured.value) {
        let what = "write client_keys = [\"env:SHIM_KEY\"] or a [[key]], or allow_anonymous = true if everyone may use it";
        top.fault("listen", &configured.span, format!("{} {REACHABLE}; {what}", configured.value));
    }
    configured.value
}

const REACHABLE: &str = "can be reached from other machines, and no client key is set";

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let host = text.trim().strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    host.as_deref().unwrap_or(text.trim()).parse().map_err(|_| {
        let port = text.trim().trim_start_matches(':').parse::<u16>().unwrap_or(DEFAULT_LISTEN.port());
        format!("{text:?} is no address with a port; write one such as \"127.0.0.1:{port}\"")
    })
}

/// Parses a host name without a port into lower case.
fn parse_host(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!(
            "{text:?} is no name of a host; write one such as \"shim.example.com\", without a scheme, a port or a path"
        ));
    }
    Ok(name.strip_suffix('.').map_or(name.clone(), str::to_owned))
}

fn upstreams(
    top: &Section<'_>,
    source: &Source,
    overrides: &Overrides,
    faults: &ConfigErrors,
) -> Vec<UpstreamConfig> {
    let profiles = Profiles::read(top);
    let mut upstreams = upstream::from_file(top, source.folder(), &profiles);
    let target = overrides.upstream.as_deref().or((top.get("upstream").is_none()).then_some("echo"));
    if let Some(target) = target {
        return upstream::from_arguments(target, overrides, &profiles, faults).into_iter().collect();
    }
    match upstreams.as_mut_slice() {
        [only] => upstream::apply_overrides(only, overrides, &profiles, faults),
        _ => {
            let options = [
                ("--profile", &overrides.profile),
                ("--dialect", &overrides.dialect),
                ("--api-key", &overrides.api_key),
            ];
            for (option, _) in options.into_iter().filter(|(_, value)| value.is_some()) {
                let key = option.trim_start_matches('-').replace('-', "_");
                let what = format!(
                    "the file has several upstreams, and this is for one; write {key} = … under its [[upstream]]"
                );
                faults.outside(option, what);
            }
        }
    }
    upstreams
}

/// The models of the file. They are ignored as its upstreams are, if the arguments name another one.
fn models(top: &Section<'_>, upstreams: &[UpstreamConfig], overrides: &Overrides) -> Vec<ModelRoute> {
    // An upstream that has a fault is named all the same.
    let in_file = upstream::names_in_file(top);
    let mut names: Vec<&str> = in_file.iter().map(String::as_str).collect();
    names.extend(upstreams.iter().map(|u| u.name.as_str()).filter(|name| !in_file.iter().any(|n| n == name)));
    let routes = model_routes::from_file(top, &names);
    if overrides.upstream.is_some() { Vec::new() } else { routes }
}

fn retry(section: &Section<'_>) -> Retry {
    let mut retry = Retry::default();
    if let Some(attempts) = section.number("attempts", 1..=10) {
        retry.attempts = u32::try_from(attempts.value).unwrap_or(retry.attempts);
    }
    if let Some(backoff) = section.text("backoff", units::duration) {
        retry.backoff = backoff.value;
        // A first wait longer than the default maximum raises the maximum.
        retry.max_backoff = retry.max_backoff.max(backoff.value);
    }
    if let Some(max) = section.text("max_backoff", units::duration) {
        if max.value < retry.backoff {
            let first = units::show_duration(retry.backoff);
            section.fault(
                "max_backoff",
                &max.span,
                format!("is shorter than backoff; write at least \"{first}\""),
            );
        }
        retry.max_backoff = max.value;
    }
    retry
}

fn fallback(section: &Section<'_>) -> Fallback {
    let mut fallback = Fallback::default();
    if let Some(when) = section.text("when", |when| choice(when, &FALLBACK_POLICIES)) {
        fallback.when = when.value;
    }
    let message = section.text("message", |message| match message.trim() {
        "" => Err(String::from("is empty; write what the answer shall say, or leave the key out")),
        _ => Ok(message.to_owned()),
    });
    fallback.message = message.map(|message| message.value);
    fallback
}

fn timeouts(section: &Section<'_>) -> Timeouts {
    let or = |key: &str, default| section.text(key, units::wait).map_or(default, |wait| wait.value);
    let default = Timeouts::default();
    Timeouts {
        connect: or("connect", default.connect),
        first_byte: or("first_byte", default.first_byte),
        idle: or("idle", default.idle),
        whole: or("whole", default.whole),
        write: or("write", default.write),
        total: section.text("total", units::wait_or_off).and_then(|wait| wait.value),
        keepalive: or("keepalive", default.keepalive),
    }
}

fn limits(section: &Section<'_>) -> Limits {
    let or = |key: &str, default| section.size(key).map_or(default, |size| size.value);
    let default = Limits::default();
    let concurrent = section.number("concurrent", 1..=1_000_000).and_then(|n| usize::try_from(n.value).ok());
    let request_body = or("request_body", default.request_body);
    let bodies = section.size("bodies");
    if let Some(bodies) = bodies.as_ref().filter(|bodies| bodies.value < request_body) {
        let one = units::show_size(request_body);
        let what = format!(
            "is less than request_body, so that no large one would ever fit; write at least \"{one}\""
        );
        section.fault("bodies", &bodies.span, what);
    }
    Limits {
        request_body,
        form_prefix: or("form_prefix", default.form_prefix),
        response_body: or("response_body", default.response_body),
        frame: or("frame", default.frame),
        // A single body always fits.
        bodies: bodies.map_or(default.bodies.max(request_body), |bodies| bodies.value),
        concurrent: concurrent.unwrap_or(default.concurrent),
    }
}

fn log(section: &Section<'_>, overrides: &Overrides, faults: &ConfigErrors) -> Log {
    let format = section.text("format", |format| choice(format, &LOG_FORMATS)).map(|format| format.value);
    let filter = section.text("filter", parse_filter).map(|filter| filter.value);
    let mut log = Log { format: format.unwrap_or_default(), filter };
    let (mut formats, mut filters) = (Vec::new(), Vec::new());
    for part in overrides.log.iter().flat_map(|log| log.split(',')).map(str::trim).filter(|w| !w.is_empty()) {
        match choice(part, &LOG_FORMATS) {
            Ok(format) => formats.push(format),
            Err(_) => filters.push(part),
        }
    }
    if let Some(format) = formats.last() {
        log.format = *format;
    }
    if !filters.is_empty() {
        match parse_filter(&filters.join(",")) {
            Ok(filter) => log.filter = Some(filter),
            Err(what) => faults.outside("OPENAI_SHIM_LOG", what),
        }
    }
    log
}

/// Checks a filter: a level, or a list of levels and `target=level`. `tracing` would take an unknown level for a target.
fn parse_filter(text: &str) -> Result<String, String> {
    for directive in text.split(',').map(str::trim) {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if !LOG_LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            return Err(format!("{directive:?} is no level; {}", suggest::instead(level, &LOG_LEVELS)));
        }
    }
    match text.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => {
            Err(format!("{text:?} is no filter; write a level such as \"debug\", or \"info,hyper=warn\""))
        }
    }
}
