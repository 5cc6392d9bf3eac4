//! Recognizes exhausted file descriptors in I/O errors, and TLS records in bytes.

use std::io;

/// A description with the remedy, if the error means that no more files or sockets can be opened.
pub(crate) fn describe_no_descriptors(error: &io::Error) -> Option<&'static str> {
    // ENFILE and EMFILE: the same numbers on all systems that have them.
    matches!(error.raw_os_error(), Some(23 | 24)).then_some(
        "this server has no file descriptor left; raise its limit (`ulimit -n`, or LimitNOFILE= in systemd's unit)",
    )
}

/// Whether bytes begin as a TLS record does: an alert or a handshake.
pub(crate) fn is_tls_record(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, 0..=4, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exhausted_descriptors_are_recognized_by_their_error_numbers() {
        assert!(describe_no_descriptors(&io::Error::from_raw_os_error(24)).unwrap().contains("ulimit -n"));
        assert!(describe_no_descriptors(&io::Error::from_raw_os_error(111)).is_none());
    }
}
