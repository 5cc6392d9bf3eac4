//! Where a JSON string ends, and whether it is one: sixteen bytes at a time, and 64 in long ones.
//!
//! In long strings no step depends on where escapes stand: texts have one every few bytes, and a branch for each that no
//! processor can foretell costs more than all else. How the backslashes that escape are told from those that are escaped
//! is Langdale's and Lemire's way (<https://arxiv.org/abs/1902.08318>, section 3.1.1).

use super::scan::ScanEnd;
use wide::u8x16;

/// How many marks and blocks of a string are looked at one by one before it counts as a long one.
const FEW: usize = 6;

/// Where the string ends whose opening quote stands before `at`: behind its closing quote. Half a surrogate pair is JSON.
pub(crate) fn string(bytes: &[u8], at: usize) -> ScanEnd {
    match steps(bytes, at, FEW)? {
        StringEnd::End(end) => Some(end),
        StringEnd::On(at) => match blocks(bytes, at)? {
            StringEnd::End(end) => Some(end),
            // What is left is less than a block, or than the block before which an escape stands.
            StringEnd::On(at) => match steps(bytes, at, usize::MAX)? {
                StringEnd::End(end) => Some(end),
                StringEnd::On(_) => None,
            },
        },
    }
}

enum StringEnd {
    /// The string ends here.
    End(usize),
    /// So far it is good; it is to be looked at from here.
    On(usize),
}

/// Goes from mark to mark, so many steps at most.
fn steps(bytes: &[u8], at: usize, most: usize) -> Option<StringEnd> {
    let mut rest = bytes.get(at..)?;
    for _ in 0..most {
        if let Some((block, after)) = rest.split_first_chunk::<16>() {
            let block = u8x16::from(*block);
            let marked = (is(block, b'"') | is(block, b'\\') | control(block)).to_bitmask();
            if marked == 0 {
                rest = after;
                continue;
            }
            rest = rest.get(marked.trailing_zeros() as usize..)?;
        }
        rest = match rest {
            [b'"', after @ ..] => return Some(StringEnd::End(bytes.len() - after.len())),
            [0x20..=0xff, after @ ..] => after.get(escape(rest)? - 1..)?,
            _ => return None,
        };
    }
    Some(StringEnd::On(bytes.len() - rest.len()))
}

/// How many bytes the escape has that a text begins with, or 1 if it begins with none; `None` if it is a bad one.
fn escape(text: &[u8]) -> Option<usize> {
    match text {
        [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => Some(6),
        [b'\\', ..] => None,
        _ => Some(1),
    }
}

/// Goes on in blocks of 64 bytes, as long as there are such.
fn blocks(bytes: &[u8], start: usize) -> Option<StringEnd> {
    let (mut at, mut carried) = (start, 0);
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<64>()) {
        let block = Lanes::of(block);
        if carried == 0 && block.is_calm() {
            at += 64;
            continue;
        }
        let (quotes, backslashes) = (block.find(|part| is(part, b'"')), block.find(|part| is(part, b'\\')));
        let escaped = escaped(backslashes, &mut carried);
        let ends = quotes & !escaped;
        // What stands before the end; all, if there is none.
        let within = (ends & ends.wrapping_neg()).wrapping_sub(1);
        if block.find(control) & within != 0 {
            return None;
        }
        let mut others = escaped & within & !(quotes | backslashes);
        if others != 0 {
            // Line breaks are the commonest.
            others &= !block.find(|part| is(part, b'n'));
        }
        while others != 0 {
            escape(bytes.get((at + others.trailing_zeros() as usize).checked_sub(1)?..)?)?;
            others &= others - 1;
        }
        if ends != 0 {
            return Some(StringEnd::End(at + ends.trailing_zeros() as usize + 1));
        }
        at += 64;
    }
    // An escape that was begun is begun again.
    Some(StringEnd::On(at - usize::from(carried != 0)))
}

struct Lanes([u8x16; 4]);

impl Lanes {
    fn of(bytes: &[u8; 64]) -> Self {
        let mut block = [u8x16::splat(0); 4];
        for (part, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
            *part = u8x16::from(*bytes);
        }
        Self(block)
    }

    /// Whether every byte stands for itself.
    fn is_calm(&self) -> bool {
        let marked = |part: &u8x16| is(*part, b'"') | is(*part, b'\\') | control(*part);
        self.0.iter().map(marked).fold(u8x16::splat(0), |any, marked| any | marked).to_bitmask() == 0
    }

    /// Where the bytes stand that are looked for; the first in the lowest bit.
    fn find(&self, wanted: impl Fn(u8x16) -> u8x16) -> u64 {
        self.0.iter().rev().fold(0, |found, part| found << 16 | u64::from(wanted(*part).to_bitmask()))
    }
}

/// The bytes that a backslash stands before which is not itself escaped. `carried`: whether the block before ended with one.
fn escaped(backslashes: u64, carried: &mut u64) -> u64 {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    if backslashes == 0 {
        return std::mem::take(carried);
    }
    // A run's first backslash escapes: the carry of the subtraction tells the even from the odd ones after it.
    let first = backslashes & !*carried;
    let codes = ((first << 1) | ODD).wrapping_sub(first) ^ ODD;
    let escaped = codes ^ (backslashes | *carried);
    *carried = (codes & backslashes) >> 63;
    escaped
}

fn is(block: u8x16, byte: u8) -> u8x16 {
    block.simd_eq(u8x16::splat(byte))
}

/// The control characters.
fn control(block: u8x16) -> u8x16 {
    block.max(u8x16::splat(0x1f)).simd_eq(u8x16::splat(0x1f))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

        /// Long strings of little but marks: every block and every border between two sees all of them.
        #[test]
        fn a_string_ends_where_serde_says(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["\\\\", "\\\"", "\\n", "\\t", "\\u00e9", "\\ud800", "n", "words", "é", "\\", "\\x", "\\u12", "\"", "\u{1}", "\u{1f}", " ", "0123456789012345678901234567890123456789012345678901234567890123"]),
                0..80,
            ),
        ) {
            let text = format!("\"{}\"", pieces.concat());
            let mut first = serde_json::Deserializer::from_slice(text.as_bytes()).into_iter::<&serde_json::value::RawValue>();
            let serde = first.next().and_then(Result::ok).map(|value| value.get().len());
            prop_assert_eq!(super::string(text.as_bytes(), 1), serde, "{}", text);
        }
    }
}
