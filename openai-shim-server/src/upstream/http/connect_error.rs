//! Why a connection could not be made: an I/O or TLS error in, a sentence and a remedy out.

use crate::http::socket_errors::describe_no_descriptors;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};

/// Why a connection could not be made.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The host name could not be resolved.
    Name(io::Error),
    /// No address accepted a connection.
    Refused(io::Error),
    /// TCP connected, but the TLS handshake failed.
    Tls(io::Error),
}

/// A cause, as the end of a sentence, and a sentence with the remedy.
pub(crate) struct Explanation {
    pub(crate) cause: String,
    pub(crate) remedy: &'static str,
}

impl Explanation {
    fn new(cause: impl Into<String>, remedy: &'static str) -> Self {
        Self { cause: cause.into(), remedy }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source().fmt(f)
    }
}

impl ConnectError {
    pub(crate) fn source(&self) -> &io::Error {
        match self {
            Self::Name(error) | Self::Refused(error) | Self::Tls(error) => error,
        }
    }

    /// A description, if the cause is that no more files or sockets can be opened. The resolver's error does not reveal that:
    /// after one, a socket is opened to find out.
    pub(crate) fn describe_no_descriptors(&self) -> Option<&'static str> {
        describe_no_descriptors(self.source()).or_else(|| match self {
            Self::Name(_) => describe_no_descriptors(&UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err()?),
            _ => None,
        })
    }

    /// Describes the cause and the remedy, without the address.
    pub(crate) fn explain(&self) -> Explanation {
        match self {
            Self::Name(_) => {
                Explanation::new(NAME_UNRESOLVED, "Check the host in its base_url, and this machine's DNS.")
            }
            Self::Refused(error) => Explanation::new(
                describe_io(error),
                "Check that it runs, and the host and port in its base_url.",
            ),
            Self::Tls(error) => explain_tls(error),
        }
    }
}

pub(crate) const NAME_UNRESOLVED: &str = "its name cannot be resolved";
pub(crate) const NOT_TRUSTED: &str = "its TLS certificate is not trusted";
const TLS_REMEDY: &str = "Write http:// in its base_url, or the port on which it has TLS.";

fn explain_tls(error: &io::Error) -> Explanation {
    use rustls::{CertificateError, Error};
    const AUTHORITY: &str = "Add the authority that signed it to the system's certificates, or name a file with it in SSL_CERT_FILE.";
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidMessage(_)) => Explanation::new("its port answers without TLS", TLS_REMEDY),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Explanation::new("it closed the connection when TLS began", TLS_REMEDY)
        }
        Some(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Explanation::new(
            format!("{NOT_TRUSTED}, because it has expired"),
            "Renew it, and check this machine's clock.",
        ),
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => {
            let what = format!("{NOT_TRUSTED}, because it is for another name");
            Explanation::new(what, "Write the name that stands in the certificate into its base_url.")
        }
        Some(Error::InvalidCertificate(_)) => Explanation::new(NOT_TRUSTED, AUTHORITY),
        _ if error.to_string().contains("certificate") => Explanation::new(NOT_TRUSTED, AUTHORITY),
        _ => Explanation::new(
            format!("TLS failed, {}", describe_io(error)),
            "Check which TLS versions it has.",
        ),
    }
}

/// The kind of a system error, or a library's own text.
fn describe_io(error: &io::Error) -> String {
    if error.raw_os_error().is_some() { error.kind().to_string() } else { error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_failures_have_different_causes_and_remedies() {
        use rustls::{CertificateError, Error, InvalidMessage};
        let explain = |error: Error| {
            let Explanation { cause, remedy } =
                ConnectError::Tls(io::Error::new(io::ErrorKind::InvalidData, error)).explain();
            format!("{cause}. {remedy}")
        };
        assert!(explain(Error::InvalidMessage(InvalidMessage::InvalidContentType)).contains("http://"));
        assert!(explain(Error::InvalidCertificate(CertificateError::Expired)).contains("expired"));
        assert!(
            explain(Error::InvalidCertificate(CertificateError::NotValidForName)).contains("another name")
        );
        assert!(
            explain(Error::InvalidCertificate(CertificateError::UnknownIssuer)).contains("SSL_CERT_FILE")
        );
        let eof = ConnectError::Tls(io::ErrorKind::UnexpectedEof.into()).explain();
        assert!(eof.cause.contains("when TLS began"));
    }
}
