//! A server with Redis' protocol: commands in, replies out, within a deadline. Shared by everything that replicas have in common.

mod connection;
mod failure;
mod link;
mod metrics;
mod script;
mod socket;
mod store;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;

pub(crate) use failure::{Failure, FailureKind};
pub(crate) use metrics::Operation;
pub(crate) use script::Script;
pub(crate) use store::RedisStore;

use crate::config::RedisConfig;
use crate::observe::throttled_log::LogThrottle;
use ::redis::{Pipeline, Value};
use connection::Connection;
use link::{Link, StoreHealth};
use metrics::RedisMetrics;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// A server, reached over one connection that all requests share and that is made again when it breaks.
///
/// Every operation ends within `store.timeout`. While the server is away, operations fail at once, and a task tries to
/// reach it; it needs no requests for that.
#[derive(Debug, Clone)]
pub(crate) struct Redis(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: RedisConfig,
    link: Arc<Link>,
    metrics: RedisMetrics,
    refusals: LogThrottle,
}

impl Redis {
    /// A server that is not connected yet.
    fn new(config: RedisConfig) -> Self {
        let link = Link::new(config.clone());
        Self(Arc::new(Shared {
            config,
            link,
            metrics: RedisMetrics::default(),
            refusals: LogThrottle::new(),
        }))
    }

    /// The server of a configuration: `previous` if that is the same, else a new one. It begins to connect, so that the log tells
    /// early whether the server can be reached.
    pub(crate) fn for_config(config: Option<&RedisConfig>, previous: Option<&Self>) -> Option<Self> {
        let config = config?;
        if let Some(same) = previous.filter(|previous| previous.config() == config) {
            return Some(same.clone());
        }
        let redis = Self::new(config.clone());
        // Without a runtime, the first operation connects.
        if tokio::runtime::Handle::try_current().is_ok() {
            redis.connect();
        }
        Some(redis)
    }

    fn connect(&self) {
        self.0.link.connect();
    }

    pub(crate) fn config(&self) -> &RedisConfig {
        &self.0.config
    }

    /// Whether the server can be used.
    pub(crate) fn health(&self) -> StoreHealth {
        self.0.link.health()
    }

    /// A key with the configured prefix.
    pub(crate) fn key(&self, name: &dyn std::fmt::Display) -> String {
        format!("{}{name}", self.0.config.prefix)
    }

    /// Sends commands, and returns the reply to each.
    pub(crate) async fn query(
        &self,
        operation: Operation,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, Failure> {
        self.query_until(operation, commands, self.deadline()).await
    }

    /// Runs a script. It returns an integer or a list of integers. `keys` get the configured prefix, and share a hash tag
    /// (`{…}`) if there are several.
    pub(crate) async fn run_script(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[i64],
    ) -> Result<Vec<i64>, Failure> {
        let deadline = self.deadline();
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        let by_digest = script.call_by_digest(&keys, arguments);
        let replies = match self.query_until(Operation::Script, &by_digest, deadline).await {
            Err(failure) if failure.kind == FailureKind::UnknownScript => {
                let in_full = script.call_in_full(&keys, arguments);
                self.query_until(Operation::Script, &in_full, deadline).await?
            }
            replies => replies?,
        };
        script::integers(replies)
    }

    /// When an operation that begins now must end.
    fn deadline(&self) -> Instant {
        Instant::now() + self.0.config.timeout
    }

    async fn query_until(
        &self,
        operation: Operation,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let begun = Instant::now();
        let mut used = None;
        let answered = timeout_at(deadline, self.send(operation, commands, &mut used)).await;
        let result = answered.unwrap_or_else(|_| Err(self.timed_out(used.as_deref())));
        match &result {
            Ok(_) => self.0.link.succeeded(),
            Err(failure) => self.log_refusal(failure),
        }
        self.0.metrics.count(operation, begun.elapsed(), result.as_ref().err().map(|failure| failure.kind));
        result
    }

    /// Sends the commands; once more if the connection broke and they may be repeated. `used`: the connection on which an
    /// answer is awaited.
    async fn send(
        &self,
        operation: Operation,
        commands: &Pipeline,
        used: &mut Option<Arc<Connection>>,
    ) -> Result<Vec<Value>, Failure> {
        let mut may_repeat = operation.is_repeatable();
        loop {
            let connection = self.0.link.connection().await?;
            *used = Some(connection.clone());
            match connection.send(commands).await {
                Ok(replies) => {
                    connection.set_useful();
                    return connection.check(replies);
                }
                Err(_) if may_repeat => may_repeat = false,
                Err(failure) => return Err(failure),
            }
            *used = None;
        }
    }

    fn timed_out(&self, used: Option<&Connection>) -> Failure {
        match used {
            Some(connection) => self.0.link.timed_out(connection),
            // There was no connection in time.
            None => Failure::unavailable(),
        }
    }

    /// Logs what the server refuses to do; of outages the link logs the beginning and the end.
    fn log_refusal(&self, failure: &Failure) {
        if failure.kind == FailureKind::Refused && self.0.refusals.allow() {
            tracing::warn!(store = %self.0.config, error = &*failure.message, remedy = failure.remedy, "the store refused a command");
        }
    }
}

impl Collector for Redis {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        self.0.metrics.encode(self.health() == StoreHealth::Connected, &mut encoder)
    }
}
