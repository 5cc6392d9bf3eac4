//! Raw JSON values to numbers. Requests may write an integer with a zero fraction (`42.0`).

/// Parses a finite number; `1e999` is `None`.
pub(crate) fn number(raw: &str) -> Option<f64> {
    let raw = raw.trim();
    // Rust also parses `inf`, `NaN` and `+1`, which are not JSON.
    let is_json_start = raw.bytes().next().is_some_and(|b| b == b'-' || b.is_ascii_digit());
    raw.parse().ok().filter(|n: &f64| is_json_start && n.is_finite())
}

/// Parses an integer, also one written as `42.0`.
pub(crate) fn integer(raw: &str) -> Option<i64> {
    let raw = raw.trim();
    raw.parse().ok().or_else(|| {
        let number = number(raw).filter(|n| n.fract() == 0.0 && n.abs() < 9e15)?;
        // The filter ensures that the value is integral and well within the range of i64.
        #[allow(clippy::cast_possible_truncation)]
        Some(number as i64)
    })
}

/// Parses an integer that is not negative.
pub(crate) fn natural(raw: &str) -> Option<u64> {
    raw.trim().parse().ok().or_else(|| integer(raw).and_then(|n| u64::try_from(n).ok()))
}

/// Parses a count in a response, also one with a fraction or in quotes; `None` for what is no count.
pub(crate) fn reported_count(raw: &str) -> Option<u64> {
    let raw = raw.trim();
    let raw = raw.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(raw).trim();
    raw.parse().ok().or_else(|| {
        let number = number(raw).filter(|number| (0.0..1e15).contains(number))?;
        // The filter ensures that the value is in the range of u64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(number as u64)
    })
}

/// Parses an integer from 0 to `u32::MAX`.
pub(crate) fn count(raw: &str) -> Option<u32> {
    natural(raw).and_then(|n| u32::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_or_not_json_are_rejected() {
        assert_eq!((number("0.5"), number("1e3"), number("-7")), (Some(0.5), Some(1000.0), Some(-7.0)));
        for none in ["1e999", "-1e999", "NaN", "inf", "\"1\"", "true", "null", "+1", ""] {
            assert_eq!(number(none), None, "{none}");
        }
        assert_eq!((integer("42.0"), integer("4e1"), integer("4.5")), (Some(42), Some(40), None));
        assert_eq!((natural("18446744073709551615"), natural("-1")), (Some(u64::MAX), None));
        let counts = ["12", "\"12\"", "12.0", "\" 12.7 \"", "-1", "\"\"", "\"many\"", "null", "1e300"];
        let read = counts.map(reported_count);
        assert_eq!(read, [Some(12), Some(12), Some(12), Some(12), None, None, None, None, None]);
        assert_eq!((natural("1e30"), count("4294967296"), count("2.0")), (None, None, Some(2)));
    }
}
