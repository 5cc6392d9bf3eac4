//! Turns transport failures of an upstream into errors: what happened, which upstream, what to do.
//!
//! Clients see the upstream's name, never its address; the log has the address.

use super::connect_error::{ConnectError, Explanation};
use crate::config::{Timeouts, UpstreamConfig};
use http::StatusCode;
use openai_shim_core::error::StatusError;
use openai_shim_core::{ErrorKind, UpstreamError};
use std::io;
use std::time::Duration;

/// An upstream's name, address and timeouts.
#[derive(Debug)]
pub(crate) struct Peer {
    name: String,
    /// Scheme, host and port of the base URL.
    address: String,
    pub(crate) timeouts: Timeouts,
}

/// What a call waits for; each kind has its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitKind {
    /// `timeouts.connect`
    Connect,
    /// `timeouts.first_byte`
    FirstByte,
    /// `timeouts.idle`
    Idle,
    /// `timeouts.whole`
    Whole,
}

impl Peer {
    pub(crate) fn new(base: &str, config: &UpstreamConfig, timeouts: Timeouts) -> Self {
        let (scheme, rest) = base.split_once("://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        Self { name: config.name.clone(), address: format!("{scheme}://{host}"), timeouts }
    }

    /// The limit of a wait.
    pub(crate) fn limit(&self, wait: WaitKind) -> Duration {
        match wait {
            WaitKind::Connect => self.timeouts.connect,
            WaitKind::FirstByte => self.timeouts.first_byte,
            WaitKind::Idle => self.timeouts.idle,
            WaitKind::Whole => self.timeouts.whole,
        }
    }

    /// The error of a wait that exceeded its limit.
    pub(crate) fn timed_out(&self, wait: WaitKind) -> UpstreamError {
        let (name, seconds) = (&self.name, self.limit(wait).as_secs_f64());
        let text = match wait {
            WaitKind::Connect => format!(
                "The upstream {name:?} could not be connected to within {seconds} s (timeouts.connect). Check that it \
                 runs, and the host and port in its base_url."
            ),
            WaitKind::FirstByte => format!(
                "The upstream {name:?} did not begin to answer within {seconds} s (timeouts.first_byte). If its models \
                 need longer, set timeouts.first_byte higher."
            ),
            WaitKind::Idle => format!(
                "The upstream {name:?} fell silent for {seconds} s in its answer (timeouts.idle). If its models pause \
                 for longer, set timeouts.idle higher."
            ),
            WaitKind::Whole => format!(
                "The upstream {name:?} did not complete its answer within {seconds} s (timeouts.whole). Ask for a \
                 stream, or set timeouts.whole higher."
            ),
        };
        self.warn(&format_args!("an upstream was too slow: {text}"));
        UpstreamError::timeout(text)
    }

    /// The error when no connection could be made.
    pub(crate) fn unreachable(&self, error: &ConnectError) -> UpstreamError {
        self.warn(&format_args!("an upstream could not be reached: {error}"));
        if let Some(text) = error.describe_no_descriptors() {
            return self.no_descriptors(text);
        }
        let Explanation { cause, remedy } = error.explain();
        UpstreamError::transport(format!(
            "The upstream {:?} could not be reached: {cause}. {remedy}",
            self.name
        ))
    }

    /// The error when no connection could be made through a proxy.
    pub(crate) fn unreachable_through_proxy(&self, cause: &str) -> UpstreamError {
        UpstreamError::transport(format!("The upstream {:?} could not be reached: {cause}.", self.name))
    }

    /// The error when this process cannot open more files or sockets.
    pub(crate) fn no_descriptors(&self, text: &str) -> UpstreamError {
        let text = format!("No connection to the upstream {:?} could be opened: {text}.", self.name);
        UpstreamError::Status(Box::new(StatusError::new(503, ErrorKind::Overloaded, text)))
    }

    /// The error when reading or writing failed before the response was complete.
    pub(crate) fn broken(&self, error: &io::Error) -> UpstreamError {
        self.warn(&format_args!("an upstream broke off the connection: {error}"));
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => String::from("its answer was not complete"),
            kind if error.raw_os_error().is_some() => kind.to_string(),
            _ => error.to_string(),
        };
        self.disconnected(&text)
    }

    /// The error when the connection ended before the response was complete; `text` is the cause.
    pub(crate) fn disconnected(&self, text: &str) -> UpstreamError {
        UpstreamError::transport(format!("The upstream {:?} broke off the connection: {text}.", self.name))
    }

    /// The error when the response is not valid HTTP/1.1.
    pub(crate) fn malformed(&self, reason: &str) -> UpstreamError {
        self.warn(&format_args!("an upstream cannot be understood: {reason}"));
        UpstreamError::transport(format!("The upstream {:?} cannot be understood: {reason}.", self.name))
    }

    /// The error for a redirection that is not followed.
    pub(crate) fn redirected(&self, status: StatusCode) -> UpstreamError {
        let text = format!(
            "The upstream {:?} answered {} and wants to be asked at another address; correct its base_url (https \
             instead of http, or another path).",
            self.name,
            status.as_u16()
        );
        UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text)))
    }

    /// Logs a warning with the upstream's name and address.
    pub(crate) fn warn(&self, what: &dyn std::fmt::Display) {
        tracing::warn!(upstream = self.name, address = self.address, "{what}");
    }
}
