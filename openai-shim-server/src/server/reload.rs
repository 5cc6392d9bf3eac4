//! Reads the configuration again while the server runs: on SIGHUP, and with `watch = true` when one of its files changes.
//!
//! A configuration that can be used replaces the one before as a whole; one that cannot changes nothing.

use super::watch::FileWatcher;
use crate::app_state::AppState;
use crate::config::{self, Config, UpstreamConfig};
use crate::current_app::CurrentApp;
use crate::http::shutdown::Hangups;
use crate::http::systemd::{self, ServiceState};
use crate::upstream;
use std::net::SocketAddr;
use std::sync::Arc;

/// Reloads the configuration of one server.
pub(crate) struct Reloader {
    current: Arc<CurrentApp>,
    /// The address that the server was told to listen on, and the one that it listens on.
    listen: [SocketAddr; 2],
}

impl Reloader {
    /// `configured`: the address of the configuration, where `current` has the one that is really bound.
    pub(crate) fn new(current: Arc<CurrentApp>, configured: SocketAddr) -> Self {
        let bound = current.get().config.listen;
        Self { current, listen: [configured, bound] }
    }

    /// Reloads whenever it is asked for.
    pub(crate) async fn run(self, mut hangups: Hangups) {
        let mut watcher = if self.is_watching() { self.watcher().await } else { None };
        loop {
            let reason = tokio::select! {
                () = hangups.received() => "SIGHUP",
                () = changed(watcher.as_mut()) => "a file has changed",
            };
            // Before the files are read, and even if it is configured only now: what changes meanwhile is read once more.
            watcher = self.watcher().await;
            systemd::notify(ServiceState::Reloading);
            self.reload(reason).await;
            systemd::notify(ServiceState::Ready);
            watcher = watcher.filter(|_| self.is_watching());
        }
    }

    fn is_watching(&self) -> bool {
        self.current.get().config.watch
    }

    /// Watches the files of the configuration.
    async fn watcher(&self) -> Option<FileWatcher> {
        let app = self.current.get();
        let watch = move || FileWatcher::new(config::files(&app.config.origin.0));
        tokio::task::spawn_blocking(watch).await.ok()
    }

    async fn reload(&self, reason: &str) {
        let (previous, listen) = (self.current.get(), self.listen);
        let status = &previous.process.reload_status;
        let app = previous.clone();
        let next = tokio::task::spawn_blocking(move || next(&app, listen)).await;
        match next.unwrap_or_else(|_| Err(String::from("a fault of openai-shim"))) {
            Ok(next) => {
                log_changes(reason, &previous.config, &next.config);
                self.current.replace(next);
                status.succeeded();
            }
            Err(faults) => {
                tracing::error!(
                    "{reason}: the configuration cannot be used, the one before remains in effect"
                );
                faults.lines().for_each(|fault| tracing::error!("{fault}"));
                status.failed(faults);
            }
        }
    }
}

async fn changed(watcher: Option<&mut FileWatcher>) {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

/// The state of the configuration as its files are now, or what is wrong with them.
fn next(app: &AppState, [configured, bound]: [SocketAddr; 2]) -> Result<AppState, String> {
    let mut config = config::read_again(&app.config.origin.0, bound).map_err(|error| error.to_string())?;
    for setting in needing_restart(&app.config, &config, configured) {
        tracing::warn!("{setting} has changed, which takes effect when the server is restarted");
    }
    config.listen = bound;
    config.log = app.config.log.clone();
    config.otel.clone_from(&app.config.otel);
    let transports = upstream::connect(&config)
        .map_err(|unusable| format!("the upstream {:?}: {}", unusable.name, unusable.reason))?;
    Ok(app.next(config, transports))
}

/// The settings that a running server cannot change.
fn needing_restart(old: &Config, new: &Config, listen: SocketAddr) -> Vec<&'static str> {
    let all =
        [("listen", new.listen != listen), ("[log]", new.log != old.log), ("[otel]", new.otel != old.otel)];
    all.into_iter().filter_map(|(setting, is_changed)| is_changed.then_some(setting)).collect()
}

/// Logs that a configuration is in effect, and the names of the upstreams that it changes.
fn log_changes(reason: &str, old: &Config, new: &Config) {
    let is_changed = |new: &UpstreamConfig, old: &UpstreamConfig| {
        !new.is_same_server(old) || new.api_keys != old.api_keys || new.models != old.models
    };
    tracing::info!(
        new = names(new, |upstream| find(old, &upstream.name).is_none()),
        changed =
            names(new, |upstream| find(old, &upstream.name).is_some_and(|old| is_changed(upstream, old))),
        removed = names(old, |upstream| find(new, &upstream.name).is_none()),
        "{reason}: the configuration was read again and is in effect"
    );
}

fn find<'c>(config: &'c Config, name: &str) -> Option<&'c UpstreamConfig> {
    config.upstreams.iter().find(|upstream| upstream.name == name)
}

/// The names of some upstreams; `None` if there are none.
fn names(config: &Config, holds: impl Fn(&UpstreamConfig) -> bool) -> Option<String> {
    let names: Vec<_> =
        config.upstreams.iter().filter(|u| holds(u)).map(|upstream| upstream.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
