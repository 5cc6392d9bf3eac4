//! A text to a short name that depends on the text alone.

use std::collections::BTreeSet;

/// Nine letters and digits that depend on the text and the salt (FNV-1a).
pub(super) fn short_digest(text: &str, salt: u32) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ u64::from(salt);
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let digit = |hash: u64| DIGITS.get((hash % 36) as usize).map_or('0', |d| char::from(*d));
    (0..9).scan(hash, |quotient, _| Some(std::mem::replace(quotient, *quotient / 36))).map(digit).collect()
}

/// The beginning of a name, with `_` for each character that is not accepted, and a digest of all of it: at most `max_len` bytes.
pub(super) fn digested_name(
    name: &str,
    max_len: usize,
    is_accepted: impl Fn(char) -> bool,
    salt: u32,
) -> String {
    let digest = short_digest(name, salt);
    let room = max_len.saturating_sub(digest.len() + 1);
    let beginning = name.chars().take(room).map(|c| if is_accepted(c) { c } else { '_' });
    beginning.chain(['_']).collect::<String>() + &digest
}

/// The first name, by its salt, that is not in use; it is in use then.
pub(super) fn unused_name(used: &mut BTreeSet<String>, name_of: impl Fn(u32) -> String) -> String {
    let mut salt = 0;
    while salt < u32::MAX && used.contains(&name_of(salt)) {
        salt += 1;
    }
    let name = name_of(salt);
    used.insert(name.clone());
    name
}
