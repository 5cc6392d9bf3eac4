//! A text to a short name that depends on the text alone.

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
