//! Why there is no connection, in words that help.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The host's name has no address.
    Name(io::Error),
    /// No address took a connection.
    Refused(io::Error),
    /// The connection stands, and TLS could not be set up.
    Tls(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source().fmt(f)
    }
}

impl ConnectError {
    pub(super) fn source(&self) -> &io::Error {
        match self {
            Self::Name(error) | Self::Refused(error) | Self::Tls(error) => error,
        }
    }

    /// Whether it failed because no more files or sockets can be opened; if so, in words. A resolver does not say so.
    pub(super) fn no_descriptors(&self) -> Option<&'static str> {
        no_descriptors(self.source()).or_else(|| match self {
            Self::Name(_) => no_descriptors(&UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err()?),
            _ => None,
        })
    }

    /// What happened, and what to do: no address in it.
    pub(super) fn explained(&self) -> (String, &'static str) {
        match self {
            Self::Name(_) => {
                (String::from(NO_NAME), "Check the host in its base_url, and this machine's DNS.")
            }
            Self::Refused(error) => {
                (plain(error), "Check that it runs, and the host and port in its base_url.")
            }
            Self::Tls(error) => tls(error),
        }
    }
}

pub(super) const NO_NAME: &str = "its name cannot be resolved";
pub(super) const NOT_TRUSTED: &str = "its TLS certificate is not trusted";
const NO_TLS: &str = "Write http:// in its base_url, or the port on which it has TLS.";

fn tls(error: &io::Error) -> (String, &'static str) {
    use rustls::{CertificateError as Wrong, Error};
    const AUTHORITY: &str = "Add the authority that signed it to the system's certificates, or name a file with it in SSL_CERT_FILE.";
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidMessage(_)) => (String::from("its port answers without TLS"), NO_TLS),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            (String::from("it closed the connection when TLS began"), NO_TLS)
        }
        Some(Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. })) => {
            (format!("{NOT_TRUSTED}, because it has expired"), "Renew it, and check this machine's clock.")
        }
        Some(Error::InvalidCertificate(Wrong::NotValidForName | Wrong::NotValidForNameContext { .. })) => {
            let what = format!("{NOT_TRUSTED}, because it is for another name");
            (what, "Write the name that stands in the certificate into its base_url.")
        }
        Some(Error::InvalidCertificate(_)) => (String::from(NOT_TRUSTED), AUTHORITY),
        _ if error.to_string().contains("certificate") => (String::from(NOT_TRUSTED), AUTHORITY),
        _ => (format!("TLS failed, {}", plain(error)), "Check which TLS versions it has."),
    }
}

/// The kind of a system's error, or a library's own words.
fn plain(error: &io::Error) -> String {
    if error.raw_os_error().is_some() { error.kind().to_string() } else { error.to_string() }
}

/// Whether it failed because no more files or sockets can be opened; if so, in words.
pub(crate) fn no_descriptors(error: &io::Error) -> Option<&'static str> {
    // ENFILE and EMFILE: the same numbers on all systems that have them.
    matches!(error.raw_os_error(), Some(23 | 24)).then_some(
        "this server has no file descriptor left; raise its limit (`ulimit -n`, or LimitNOFILE= in systemd's unit)",
    )
}

/// Whether bytes begin as a TLS record does: an alert, or a handshake.
pub(crate) fn is_tls_record(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, 0..=4, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_without_tls_and_a_certificate_are_told_apart() {
        use rustls::{CertificateError, Error, InvalidMessage};
        let said = |error: Error| {
            let (what, remedy) =
                ConnectError::Tls(io::Error::new(io::ErrorKind::InvalidData, error)).explained();
            format!("{what}. {remedy}")
        };
        assert!(said(Error::InvalidMessage(InvalidMessage::InvalidContentType)).contains("http://"));
        assert!(said(Error::InvalidCertificate(CertificateError::Expired)).contains("expired"));
        assert!(said(Error::InvalidCertificate(CertificateError::NotValidForName)).contains("another name"));
        assert!(said(Error::InvalidCertificate(CertificateError::UnknownIssuer)).contains("SSL_CERT_FILE"));
        let (what, _) = ConnectError::Tls(io::ErrorKind::UnexpectedEof.into()).explained();
        assert!(what.contains("when TLS began"));
    }

    #[test]
    fn exhausted_descriptors_are_known() {
        assert!(no_descriptors(&io::Error::from_raw_os_error(24)).unwrap().contains("ulimit -n"));
        assert!(no_descriptors(&io::Error::from_raw_os_error(111)).is_none());
    }
}
