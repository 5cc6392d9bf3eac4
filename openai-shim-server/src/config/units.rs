//! Parses and prints durations and sizes with units, such as `10s` and `32MiB`.

use std::time::Duration;

/// The longest duration: longer ones are typing errors, and clocks cannot add them.
const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);
/// The largest size in bytes.
const MAX_SIZE_BYTES: f64 = 1e12;

/// Parses `10s`, `250ms`, `2m` or `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let examples = "write one with a unit, such as \"10s\", \"250ms\", \"2m\" or \"1h\"";
    let invalid = || format!("{text:?} is no duration; {examples}");
    let (number, unit) = split(text).ok_or_else(invalid)?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        "" => {
            return Err(format!("{text:?} has no unit; write \"{number}s\" for seconds, or \"{number}ms\""));
        }
        _ => return Err(invalid()),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= MAX_DURATION => Ok(duration),
        _ => Err(format!("{text:?} is too long; write at most \"720h\"")),
    }
}

/// Parses a duration that must not be zero.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        d if d < Duration::from_millis(1) => Err(format!("{text:?} is too short; write at least \"1ms\"")),
        d => Ok(d),
    }
}

/// Parses a duration that must not be zero, or `off`.
pub(crate) fn wait_or_off(text: &str) -> Result<Option<Duration>, String> {
    match text.trim() {
        "off" => Ok(None),
        text => wait(text).map(Some).map_err(|what| format!("{what}, or \"off\"")),
    }
}

/// Parses `32MiB`, `64 KiB`, `1GB` or a number of bytes.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let examples = "write one such as \"32MiB\", \"64 KiB\", \"1GB\" or a number of bytes";
    let invalid = || format!("{text:?} is no size; {examples}");
    let (number, unit) = split(text).ok_or_else(invalid)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1024.0 * 1024.0,
        "mb" => 1e6,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "gb" => 1e9,
        _ => return Err(invalid()),
    };
    let bytes = number * factor;
    if !(1.0..=MAX_SIZE_BYTES).contains(&bytes) {
        return Err(format!("{text:?} is out of range; write a size from 1 byte to \"1000GB\""));
    }
    format!("{bytes:.0}").parse().map_err(|_| invalid())
}

/// Prints a duration in a form that [`duration`] parses.
pub(crate) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis > 0 && millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

/// Prints a size in a form that [`size`] parses, except for `bytes`.
pub(crate) fn show_size(bytes: usize) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_without_unit_is_rejected() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("10").is_err_and(|e| e.contains("\"10s\"")));
        for wrong in ["-1s", "", "s", "1.2.3s", "1 fortnight", "99999999h", "1e30h"] {
            assert!(duration(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn wait_of_zero_is_rejected() {
        assert!(wait("0s").is_err_and(|e| e.contains("\"1ms\"")));
        assert_eq!(wait("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(wait_or_off("10s"), Ok(Some(Duration::from_secs(10))));
        assert_eq!(wait_or_off("off"), Ok(None));
        assert!(wait_or_off("never").is_err_and(|e| e.ends_with("or \"off\"")));
    }

    #[test]
    fn sizes_are_parsed_with_their_units() {
        assert_eq!(size("32MiB"), Ok(32 << 20));
        assert_eq!(size("64 KiB"), Ok(65536));
        assert_eq!(size("1GB"), Ok(1_000_000_000));
        assert_eq!(size("100"), Ok(100));
        for wrong in ["0", "", "3 apples", "9999999GB", "-1MiB"] {
            assert!(size(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn printed_durations_and_sizes_parse_to_the_same_value() {
        for d in [0, 1, 250, 1000, 90_000, 3_600_000].map(Duration::from_millis) {
            assert_eq!(duration(&show_duration(d)), Ok(d));
        }
        for s in [1, 1000, 1024, 8 << 20, 5 << 30] {
            assert_eq!(size(&show_size(s).replace(" bytes", "")), Ok(s));
        }
    }
}
