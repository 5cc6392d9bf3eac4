//! JSON in, one line of NDJSON out.

/// Writes one line, whose JSON `write` appends.
pub(super) fn write_line(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    // A line break between JSON tokens becomes a space; JSON strings contain none.
    let line = out.get_mut(start..).unwrap_or_default();
    line.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
    out.push(b'\n');
}
