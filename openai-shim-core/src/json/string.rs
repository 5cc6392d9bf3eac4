//! Validates a JSON string and finds its end: 16 bytes at a time, and 64 in long strings.
//!
//! In long strings no branch depends on the positions of escapes: text has one every few bytes, and a mispredicted branch
//! for each costs more than everything else. Escaping and escaped backslashes are distinguished as in Langdale and Lemire
//! (<https://arxiv.org/abs/1902.08318>, section 3.1.1).

use wide::u8x16;

/// How many steps (special bytes and plain blocks) a string may take before it is scanned in blocks of 64 bytes.
const MAX_SHORT_STEPS: usize = 6;

/// Finds the end of the string whose opening quote precedes `at`: the index after its closing quote. `None` if it is invalid or
/// has no end. A lone surrogate is valid.
pub(crate) fn skip_string(bytes: &[u8], at: usize) -> Option<usize> {
    match scan_short(bytes, at, MAX_SHORT_STEPS)? {
        StringEnd::End(end) => Some(end),
        StringEnd::Unfinished(at) => match scan_blocks(bytes, at)? {
            StringEnd::End(end) => Some(end),
            // Less than a block remains, or a block and the escape that began before it.
            StringEnd::Unfinished(at) => match scan_short(bytes, at, usize::MAX)? {
                StringEnd::End(end) => Some(end),
                StringEnd::Unfinished(_) => None,
            },
        },
    }
}

enum StringEnd {
    /// The index after the closing quote.
    End(usize),
    /// The string is valid up to this index, where the scan continues.
    Unfinished(usize),
}

/// Scans from one special byte (quote, backslash, control character) to the next, with at most `max_steps` steps.
fn scan_short(bytes: &[u8], at: usize, max_steps: usize) -> Option<StringEnd> {
    let mut rest = bytes.get(at..)?;
    for _ in 0..max_steps {
        if let Some((block, after)) = rest.split_first_chunk::<16>() {
            let block = u8x16::from(*block);
            let special = (equal(block, b'"') | equal(block, b'\\') | control(block)).to_bitmask();
            if special == 0 {
                rest = after;
                continue;
            }
            rest = rest.get(special.trailing_zeros() as usize..)?;
        }
        rest = match rest {
            [b'"', after @ ..] => return Some(StringEnd::End(bytes.len() - after.len())),
            [0x20..=0xff, after @ ..] => after.get(escape_len(rest)? - 1..)?,
            _ => return None,
        };
    }
    Some(StringEnd::Unfinished(bytes.len() - rest.len()))
}

/// The length of the escape at the beginning of `text`: 1 if there is none, `None` if it is invalid.
fn escape_len(text: &[u8]) -> Option<usize> {
    match text {
        [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => Some(6),
        [b'\\', ..] => None,
        _ => Some(1),
    }
}

/// Scans whole blocks of 64 bytes.
fn scan_blocks(bytes: &[u8], start: usize) -> Option<StringEnd> {
    let (mut at, mut carry) = (start, 0);
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<64>()) {
        let block = Lanes::from_bytes(block);
        if carry == 0 && block.is_plain() {
            at += 64;
            continue;
        }
        let (quotes, backslashes) =
            (block.find(|part| equal(part, b'"')), block.find(|part| equal(part, b'\\')));
        let escaped = escaped_bytes(backslashes, &mut carry);
        let ends = quotes & !escaped;
        // The bytes before the end, or all bytes if the string does not end here.
        let within = (ends & ends.wrapping_neg()).wrapping_sub(1);
        if block.find(control) & within != 0 {
            return None;
        }
        let mut others = escaped & within & !(quotes | backslashes);
        if others != 0 {
            // `\n` is the most common escape.
            others &= !block.find(|part| equal(part, b'n'));
        }
        while others != 0 {
            escape_len(bytes.get((at + others.trailing_zeros() as usize).checked_sub(1)?..)?)?;
            others &= others - 1;
        }
        if ends != 0 {
            return Some(StringEnd::End(at + ends.trailing_zeros() as usize + 1));
        }
        at += 64;
    }
    // If the last block ends with a backslash that escapes, the scan continues at that backslash.
    Some(StringEnd::Unfinished(at - usize::from(carry != 0)))
}

/// 64 bytes as SIMD vectors.
struct Lanes([u8x16; 4]);

impl Lanes {
    fn from_bytes(bytes: &[u8; 64]) -> Self {
        let mut block = [u8x16::splat(0); 4];
        for (part, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
            *part = u8x16::from(*bytes);
        }
        Self(block)
    }

    /// Whether no byte is a quote, a backslash or a control character.
    fn is_plain(&self) -> bool {
        let special = |part: &u8x16| equal(*part, b'"') | equal(*part, b'\\') | control(*part);
        self.0.iter().map(special).fold(u8x16::splat(0), |any, special| any | special).to_bitmask() == 0
    }

    /// A bit mask of the bytes that `matches` selects; the first byte is the lowest bit.
    fn find(&self, matches: impl Fn(u8x16) -> u8x16) -> u64 {
        self.0.iter().rev().fold(0, |found, part| found << 16 | u64::from(matches(*part).to_bitmask()))
    }
}

/// A bit mask of the bytes that are preceded by an unescaped backslash. `carry`: 1 if the previous block ended with an
/// unescaped backslash, and afterwards the same for this block.
fn escaped_bytes(backslashes: u64, carry: &mut u64) -> u64 {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    if backslashes == 0 {
        return std::mem::take(carry);
    }
    // The first backslash of a run escapes; the carry of the subtraction separates the odd from the even ones after it.
    let first = backslashes & !*carry;
    let codes = ((first << 1) | ODD).wrapping_sub(first) ^ ODD;
    let escaped = codes ^ (backslashes | *carry);
    *carry = (codes & backslashes) >> 63;
    escaped
}

fn equal(block: u8x16, byte: u8) -> u8x16 {
    block.simd_eq(u8x16::splat(byte))
}

/// A mask of the control characters, which are invalid inside a string.
fn control(block: u8x16) -> u8x16 {
    block.max(u8x16::splat(0x1f)).simd_eq(u8x16::splat(0x1f))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

        /// Long strings, mostly of special bytes: each of them occurs in every block and at every border of two blocks.
        #[test]
        fn string_ends_where_serde_json_ends_it(
            parts in prop::collection::vec(
                prop::sample::select(vec!["\\\\", "\\\"", "\\n", "\\t", "\\u00e9", "\\ud800", "n", "words", "é", "\\", "\\x", "\\u12", "\"", "\u{1}", "\u{1f}", " ", "0123456789012345678901234567890123456789012345678901234567890123"]),
                0..80,
            ),
        ) {
            let text = format!("\"{}\"", parts.concat());
            let mut first = serde_json::Deserializer::from_slice(text.as_bytes()).into_iter::<&serde_json::value::RawValue>();
            let serde = first.next().and_then(Result::ok).map(|value| value.get().len());
            prop_assert_eq!(super::skip_string(text.as_bytes(), 1), serde, "{}", text);
        }
    }
}
