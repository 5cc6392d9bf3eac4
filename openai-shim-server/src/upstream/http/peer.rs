//! An upstream as its failures name it: what happened, which upstream it was, what to do.
//!
//! Clients read the upstream's name, never its address: that is in the log.

use super::connect_error::ConnectError;
use crate::config::{Timeouts, UpstreamConfig};
use http::StatusCode;
use openai_shim_core::error::StatusError;
use openai_shim_core::{ErrorKind, UpstreamError};
use std::io;
use std::time::Duration;

/// An upstream's name, address and limits.
#[derive(Debug)]
pub(super) struct Peer {
    name: String,
    /// The base URL's beginning: scheme, host and port.
    address: String,
    pub(super) timeouts: Timeouts,
}

/// A setting that ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
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
    pub(super) fn new(base: &str, config: &UpstreamConfig, timeouts: Timeouts) -> Self {
        let (scheme, rest) = base.split_once("://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        Self { name: config.name.clone(), address: format!("{scheme}://{host}"), timeouts }
    }

    /// How long such a wait may be.
    pub(super) fn limit(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Connect => self.timeouts.connect,
            Wait::FirstByte => self.timeouts.first_byte,
            Wait::Idle => self.timeouts.idle,
            Wait::Whole => self.timeouts.whole,
        }
    }

    /// A wait that was too long.
    pub(super) fn late(&self, wait: Wait) -> UpstreamError {
        let (name, seconds) = (&self.name, self.limit(wait).as_secs_f64());
        let text = match wait {
            Wait::Connect => format!(
                "The upstream {name:?} could not be connected to within {seconds} s (timeouts.connect). Check that it \
                 runs, and the host and port in its base_url."
            ),
            Wait::FirstByte => format!(
                "The upstream {name:?} did not begin to answer within {seconds} s (timeouts.first_byte). If its models \
                 need longer, set timeouts.first_byte higher."
            ),
            Wait::Idle => format!(
                "The upstream {name:?} fell silent for {seconds} s in its answer (timeouts.idle). If its models pause \
                 for longer, set timeouts.idle higher."
            ),
            Wait::Whole => format!(
                "The upstream {name:?} did not complete its answer within {seconds} s (timeouts.whole). Ask for a \
                 stream, or set timeouts.whole higher."
            ),
        };
        self.warn(&format_args!("an upstream was too slow: {text}"));
        UpstreamError::timeout(text)
    }

    /// There is no connection.
    pub(super) fn unreachable(&self, error: &ConnectError) -> UpstreamError {
        self.warn(&format_args!("an upstream could not be reached: {error}"));
        if let Some(text) = error.no_descriptors() {
            return self.no_descriptors(text);
        }
        let (what, remedy) = error.explained();
        UpstreamError::transport(format!(
            "The upstream {:?} could not be reached: {what}. {remedy}",
            self.name
        ))
    }

    /// The same, through a proxy.
    pub(super) fn unreachable_by_proxy(&self, what: &str) -> UpstreamError {
        UpstreamError::transport(format!("The upstream {:?} could not be reached: {what}.", self.name))
    }

    /// No more files or sockets can be opened: a fault of this machine's settings.
    pub(super) fn no_descriptors(&self, text: &str) -> UpstreamError {
        let text = format!("No connection to the upstream {:?} could be opened: {text}.", self.name);
        UpstreamError::Status(Box::new(StatusError::new(503, ErrorKind::Overloaded, text)))
    }

    /// The connection ended before the answer did.
    pub(super) fn broken(&self, error: &io::Error) -> UpstreamError {
        self.warn(&format_args!("an upstream broke off the connection: {error}"));
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => String::from("its answer was not complete"),
            kind if error.raw_os_error().is_some() => kind.to_string(),
            _ => error.to_string(),
        };
        self.broke_off(&text)
    }

    /// The same, in words.
    pub(super) fn broke_off(&self, text: &str) -> UpstreamError {
        UpstreamError::transport(format!("The upstream {:?} broke off the connection: {text}.", self.name))
    }

    /// What came is not HTTP as we read it.
    pub(super) fn malformed(&self, reason: &str) -> UpstreamError {
        self.warn(&format_args!("an upstream cannot be understood: {reason}"));
        UpstreamError::transport(format!("The upstream {:?} cannot be understood: {reason}.", self.name))
    }

    /// A redirection that was not followed.
    pub(super) fn redirected(&self, status: StatusCode) -> UpstreamError {
        let text = format!(
            "The upstream {:?} answered {} and wants to be asked at another address; correct its base_url (https \
             instead of http, or another path).",
            self.name,
            status.as_u16()
        );
        UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text)))
    }

    pub(super) fn warn(&self, what: &dyn std::fmt::Display) {
        tracing::warn!(upstream = self.name, address = self.address, "{what}");
    }
}
