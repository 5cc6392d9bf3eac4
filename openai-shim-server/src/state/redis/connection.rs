//! One connection: an address in, a connection that has answered once out, or why there is none.

use super::failure::Failure;
use super::socket::{ByteSocket, SocketState, WatchedSocket};
use crate::config::{RedisConfig, Secret};
use crate::upstream::http::connect::{connect_tcp, tls_without_http};
use crate::upstream::http::connect_error::ConnectError;
use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, ErrorKind, Pipeline, RedisConnectionInfo, RedisError, ServerErrorKind, Value, pipe,
};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

/// How long a connection may take. Requests do not wait that long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The age from which on a connection to a replica is given up: its name may have come to stand for the primary.
const MIN_AGE_OF_REPLICA: Duration = Duration::from_secs(5);

/// A connection that all requests share.
#[derive(Debug)]
pub(super) struct Connection {
    commands: MultiplexedConnection,
    socket: Arc<SocketState>,
    driver: AbortHandle,
    opened: Instant,
    /// It has answered a request.
    was_useful: AtomicBool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Connects, and waits for the first reply. The error is the rest of a sentence for the log.
    pub(super) async fn open(config: &RedisConfig) -> Result<Self, String> {
        let opened = timeout(CONNECT_TIMEOUT, Self::connect(config)).await;
        let connection =
            opened.unwrap_or_else(|_| Err(format!("it did not answer within {CONNECT_TIMEOUT:?}")))?;
        let mut ping = pipe();
        ping.cmd("PING");
        // One that is too slow for requests is not used for them.
        match timeout(config.timeout, connection.send(&ping)).await {
            Ok(Ok(replies)) => match connection.check(replies) {
                Ok(_) => Ok(connection),
                Err(failure) => Err(format!("{}; {}", failure.message, failure.remedy)),
            },
            Ok(Err(failure)) => Err(failure.message.into_owned()),
            Err(_) => Err(format!(
                "it needs more than {:?} for an answer; raise store.timeout if that is its usual time",
                config.timeout
            )),
        }
    }

    async fn connect(config: &RedisConfig) -> Result<Self, String> {
        let socket = connect_socket(config).await?;
        let (socket, state) = WatchedSocket::new(socket);
        let mut info = RedisConnectionInfo::default()
            .set_db(config.database.into())
            .set_lib_name("openai-shim", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &config.user {
            info = info.set_username(user);
        }
        if let Some(password) = config.password.as_ref().map(Secret::expose) {
            info = info.set_password(password);
        }
        // The deadline of a request is shorter, and includes the wait for a connection.
        let settings = AsyncConnectionConfig::new().set_response_timeout(None);
        let connected = MultiplexedConnection::new_with_config(&info, socket, settings).await;
        let (commands, driver) = connected.map_err(|error| describe(&error))?;
        let driver = tokio::spawn(driver).abort_handle();
        Ok(Self {
            commands,
            socket: state,
            driver,
            opened: Instant::now(),
            was_useful: AtomicBool::new(false),
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.socket.is_closed()
    }

    pub(super) fn was_useful(&self) -> bool {
        self.was_useful.load(Ordering::Relaxed)
    }

    pub(super) fn set_useful(&self) {
        self.was_useful.store(true, Ordering::Relaxed);
    }

    /// Sends commands, and returns the reply to each. When that fails, the connection is not used again.
    pub(super) async fn send(&self, commands: &Pipeline) -> Result<Vec<Value>, Failure> {
        let replies = self.commands.clone().send_packed_commands(commands, 0, commands.len()).await;
        self.socket.reply_ended();
        replies.map_err(|_| {
            self.socket.set_closed();
            Failure::broken()
        })
    }

    /// The replies, unless one of them is an error.
    pub(super) fn check(&self, replies: Vec<Value>) -> Result<Vec<Value>, Failure> {
        let error = replies.iter().find_map(|reply| match reply {
            Value::ServerError(error) => Some(error),
            _ => None,
        });
        let Some(error) = error else { return Ok(replies) };
        if error.kind() == Some(ServerErrorKind::ReadOnly) && self.opened.elapsed() > MIN_AGE_OF_REPLICA {
            self.socket.set_closed();
        }
        Err(Failure::refused(error))
    }
}

async fn connect_socket(config: &RedisConfig) -> Result<Box<dyn ByteSocket>, String> {
    let explain = |error: &ConnectError| error.explain().cause;
    let stream = connect_tcp(&config.host, config.port).await.map_err(|error| explain(&error))?;
    if !config.tls {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(config.host.clone()).map_err(|_| "its host has no valid name")?;
    let connector = TlsConnector::from(tls_without_http()?);
    let stream = connector.connect(name, stream).await.map_err(|error| explain(&ConnectError::Tls(error)))?;
    Ok(Box::new(stream))
}

/// Why the first commands failed.
fn describe(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::AuthenticationFailed => {
            String::from("it does not take the password; check store.password and the user in store.url")
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
            String::from("its answer is not that of a Redis server; check the host and port in store.url")
        }
        ErrorKind::Io => String::from(
            "it closed the connection; check the port in store.url, and whether it wants rediss://",
        ),
        _ => format!("it refused the connection ({error})"),
    }
}
