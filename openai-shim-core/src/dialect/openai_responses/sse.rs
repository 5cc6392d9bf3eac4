//! An event's type and JSON to the bytes of a server-sent event, with its `event:` line.

/// Appends one event.
pub(super) fn write_event(kind: &str, json: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.push(b'\n');
    crate::framing::write_event(out, |out| out.extend_from_slice(json.as_bytes()));
}
