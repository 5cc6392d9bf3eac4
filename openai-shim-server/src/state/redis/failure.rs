//! Why an operation of the store failed: replies and errors of the connection in, a message for clients and a remedy for the
//! operator out.

use ::redis::{ServerError, ServerErrorKind};
use openai_shim_core::upstream::StateError;
use std::borrow::Cow;

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// The rest of a sentence, without addresses: clients may get it.
    pub(crate) message: Cow<'static, str>,
    /// What an operator may do about it.
    pub(crate) remedy: &'static str,
}

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The server cannot be reached, which was known before: nothing was sent.
    Unavailable,
    /// There was no reply before the deadline.
    Timeout,
    /// The connection broke, or the reply could not be read.
    Broken,
    /// The server replied with an error.
    Refused,
    /// The server does not have a script.
    UnknownScript,
}

impl Failure {
    pub(super) fn unavailable() -> Self {
        let message = Cow::Borrowed("the store cannot be reached");
        Self { kind: FailureKind::Unavailable, message, remedy: "" }
    }

    pub(super) fn timeout() -> Self {
        let message = Cow::Borrowed("the store did not answer in time");
        Self { kind: FailureKind::Timeout, message, remedy: "" }
    }

    pub(super) fn broken() -> Self {
        let message = Cow::Borrowed("the connection to the store broke");
        Self { kind: FailureKind::Broken, message, remedy: "" }
    }

    /// A reply of another kind than the command has.
    pub(super) fn unreadable() -> Self {
        let message = Cow::Borrowed("the store gave a reply that cannot be read");
        Self { kind: FailureKind::Broken, message, remedy: "" }
    }

    /// An error that the server replied with.
    pub(super) fn refused(error: &ServerError) -> Self {
        let kind = match error.kind() {
            Some(ServerErrorKind::NoScript) => FailureKind::UnknownScript,
            _ => FailureKind::Refused,
        };
        let known = REFUSALS.iter().find(|(code, ..)| *code == error.code());
        let (message, remedy) = match known {
            Some((_, message, remedy)) => (Cow::Borrowed(*message), *remedy),
            None => (Cow::Owned(format!("the store refused a command ({})", short(error.code()))), ""),
        };
        Self { kind, message, remedy }
    }
}

/// Codes of errors, what they mean, and what helps.
const REFUSALS: [(&str, &str, &str); 11] = [
    ("OOM", "the store is full", "raise its maxmemory, and set maxmemory-policy volatile-lru"),
    (
        "READONLY",
        "the store takes no writes, since it is a replica",
        "write the primary's address into store.url",
    ),
    (
        "MISCONF",
        "the store takes no writes, since it cannot write its disk",
        "make room on its disk, or turn its snapshots off",
    ),
    ("NOREPLICAS", "the store takes no writes, since it has too few replicas", "bring its replicas back"),
    ("LOADING", "the store is starting", "wait until it has read its data"),
    ("BUSY", "the store is busy with a script", "find out who runs long scripts there"),
    ("NOAUTH", "the store wants a password", "write it into store.password"),
    ("WRONGPASS", "the store does not take the password", "check store.password and the user in store.url"),
    (
        "NOPERM",
        "the store does not allow a command",
        "allow GETRANGE, SET, DEL, PING, EVAL and EVALSHA for its user",
    ),
    (
        "MOVED",
        "the store is a node of a cluster",
        "write the address of a proxy for the cluster, or of a server that is in none",
    ),
    ("CLUSTERDOWN", "the store's cluster is down", "bring its nodes back"),
];

/// A code of an unknown server may be of any length.
fn short(code: &str) -> String {
    code.chars().filter(char::is_ascii_graphic).take(40).collect()
}

impl From<Failure> for StateError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.message)
    }
}
