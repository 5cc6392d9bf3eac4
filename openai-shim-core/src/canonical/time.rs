//! Seconds since 1970 to RFC 3339 times and back.

/// Formats seconds since 1970 as an RFC 3339 time in UTC, such as `2023-11-14T22:13:20Z`.
///
/// The date follows from the days as in Howard Hinnant's `civil_from_days`: <https://howardhinnant.github.io/date_algorithms.html>.
pub fn rfc3339(seconds: u64) -> String {
    // A year has four digits: 9999 is the last.
    let seconds = seconds.min(253_402_300_799);
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin in March here, so that the leap day is the last one.
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A time since 1970 in seconds, also one that came in milliseconds, microseconds or nanoseconds.
pub fn to_seconds(time: u64) -> u64 {
    // In seconds this is the year 5138, in milliseconds 1973.
    const MAX_SECONDS: u64 = 100_000_000_000;
    let mut seconds = time;
    while seconds >= MAX_SECONDS {
        seconds /= 1000;
    }
    seconds
}

/// Reads a JSON value that states a time since 1970: a number, also with a fraction or in quotes, or an RFC 3339 time. `None` for
/// anything else, and for zero with a fraction.
pub fn read_seconds(raw: &str) -> Option<u64> {
    let text = raw.trim().trim_matches('"');
    let number = text.parse::<u64>().ok().or_else(|| {
        let number = text.parse::<f64>().ok().filter(|number| (1.0..1e19).contains(number))?;
        // The filter ensures that the value is in the range of u64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(number as u64)
    });
    number.map(to_seconds).or_else(|| seconds(text))
}

/// Parses an RFC 3339 time with any offset to seconds since 1970, without the fraction. `None` for other texts, and before 1970.
pub fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (date, clock) = text.split_at_checked(10)?;
    let clock = clock.strip_prefix(['T', 't', ' '])?;
    let number = |text: &str, len: usize| {
        (text.len() == len && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<i64>().ok())?
    };
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (time, zone) = clock.split_at_checked(8)?;
    let mut parts = time.split(':');
    let (hour, minute, second) =
        (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let zone = match zone.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => zone,
    };
    let offset = match zone {
        "Z" | "z" | "" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
            sign * (number(hours, 2)? * 3_600 + number(minutes, 2)? * 60)
        }
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (y, shifted) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let days = y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_year - 719_468;
    u64::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second - offset).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_formatted_and_parsed() {
        for (n, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(n), text);
            assert_eq!(seconds(text), Some(n));
        }
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn times_in_finer_units_become_seconds() {
        for raw in [
            "1706937715",
            "1706937715819",
            "1706937715819123",
            "1706937715819123456",
            "1706937715.819",
            "1706937715819.5",
            "\"1706937715819\"",
            "\"2024-02-03T05:21:55.819Z\"",
        ] {
            assert_eq!(read_seconds(raw), Some(1_706_937_715), "{raw}");
        }
        for none in ["null", "\"\"", "-1", "{}", "1e300", "\"soon\"", "NaN"] {
            assert_eq!(read_seconds(none), None, "{none}");
        }
        assert_eq!((to_seconds(0), to_seconds(253_402_300_799)), (0, 253_402_300));
        assert!(to_seconds(u64::MAX) < 100_000_000_000);
    }

    #[test]
    fn every_day_is_parsed_from_what_is_formatted() {
        for day in 0..60_000 {
            let n = day * 86_400 + day % 86_400;
            assert_eq!(seconds(&rfc3339(n)), Some(n));
        }
    }

    #[test]
    fn offsets_count_and_fractions_do_not() {
        assert_eq!(seconds("2023-11-14T23:13:20.123456789+01:00"), Some(1_700_000_000));
        assert_eq!(seconds("2023-11-14T17:13:20-05:00"), Some(1_700_000_000));
        for text in
            ["", "now", "2023-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "2023-11-14", "2023-11-14T22:13:20+x"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
