//! One named event and its JSON in, the bytes of a server-sent event out.

/// Writes one event of a stream.
pub(super) fn write_event(out: &mut Vec<u8>, name: &str, json: &str) {
    write_event_line(out, name);
    crate::framing::write_event(out, |out| out.extend_from_slice(json.as_bytes()));
}

/// Writes the `event:` line, which the event's data follows.
pub(super) fn write_event_line(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
}
