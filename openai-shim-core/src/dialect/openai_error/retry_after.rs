//! How long an upstream requests to wait: headers, fields and text of an error in, a duration out.
//!
//! Core has no clock: a point in time becomes a wait only with the response's own `date`.

use crate::error::{ErrorKind, StatusError};
use crate::json::{Object, ValueKind, string_or_json, value_kind};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// A year: a longer wait is a mistake of the upstream.
const MAX_WAIT_SECONDS: f64 = 366.0 * 86_400.0;

/// Returns the requested wait, from the most exact statement that there is.
pub(super) fn find_wait(headers: &HeaderMap, error: &StatusError) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let now = header("date").and_then(parse_time);
    let seconds_until = |value: &str| Some(parse_time(value)? - now?);
    let stated = header("retry-after-ms")
        .and_then(|v| v.parse::<f64>().ok().map(|ms| ms / 1000.0))
        .or_else(|| header("retry-after").and_then(|v| parse_seconds(v).or_else(|| seconds_until(v))))
        .or_else(|| wait_in_fields(error));
    if let Some(stated) = stated {
        return to_duration(stated);
    }
    // The text and the limits' headers are in other errors as well.
    if !matches!(error.status, 429 | 503) {
        return None;
    }
    wait_in_text(&error.message).or_else(|| wait_for_reset(headers, now)).and_then(to_duration)
}

/// Returns the wait that the headers of a response with this status request.
pub fn wait_in_headers(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    find_wait(headers, &StatusError::new(status.as_u16(), ErrorKind::of_status(status.as_u16()), ""))
}

fn to_duration(seconds: f64) -> Option<Duration> {
    (seconds <= MAX_WAIT_SECONDS).then(|| Duration::try_from_secs_f64(seconds.max(0.0)).ok()).flatten()
}

/// Returns the wait until the used-up limits are reset: `x-ratelimit-reset-tokens: 6m0s`,
/// `anthropic-ratelimit-requests-reset: <time>`.
fn wait_for_reset(headers: &HeaderMap, now: Option<f64>) -> Option<f64> {
    let used_up = |remaining: &str| headers.get(remaining).is_some_and(|v| v.as_bytes() == b"0");
    let reset = |name: &str, value: &str| {
        let remaining = name.replace("reset", "remaining");
        if !used_up(&remaining) {
            return None;
        }
        let time = parse_time(value).or_else(|| parse_epoch(value));
        time.map_or_else(|| parse_seconds(value), |time| now.map(|now| time - now))
    };
    let waits = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        let is_reset = name.contains("ratelimit-") && name.contains("reset");
        is_reset.then(|| reset(name, value.to_str().ok()?.trim())).flatten()
    });
    waits.fold(None, |longest: Option<f64>, wait| Some(longest.map_or(wait, |longest| longest.max(wait))))
}

/// Parses seconds or milliseconds since 1970, as OpenRouter states resets.
fn parse_epoch(value: &str) -> Option<f64> {
    let number: f64 = value.parse().ok()?;
    let seconds = if number > 1e11 { number / 1000.0 } else { number };
    (seconds > 1e9).then_some(seconds)
}

/// Reads `retry_after`, and Google's `details: [{"@type": "…RetryInfo", "retryDelay": "34s"}]`.
fn wait_in_fields(error: &StatusError) -> Option<f64> {
    error.extra.iter().find_map(|(key, value)| {
        let value = value.as_str();
        match key.as_str() {
            "retry_after_ms" => string_or_json(value).parse::<f64>().ok().map(|ms| ms / 1000.0),
            "retry_after" | "retry_after_seconds" => parse_seconds(&string_or_json(value)),
            "details" if value_kind(value) == ValueKind::Array => {
                let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).ok()?;
                items.into_iter().find_map(|item| {
                    let item = Object::parse(item.get().as_bytes()).ok()?;
                    parse_seconds(&item.str("retryDelay")?)
                })
            }
            _ => None,
        }
    })
}

/// The words in front of a wait in a sentence.
const WAIT_PREFIXES: [&str; 4] = [
    "try again in ", // Groq, OpenAI: https://github.com/danielmiessler/Fabric/issues/364
    "retry after ",  // Azure
    "retry in ",     // Gemini: https://github.com/googleapis/python-genai/pull/2114
    "available in ", // Django REST framework, behind several gateways
];

fn wait_in_text(message: &str) -> Option<f64> {
    let message = message.to_ascii_lowercase();
    WAIT_PREFIXES.iter().find_map(|prefix| {
        let (_, wait) = message.split_once(prefix)?;
        parse_duration(wait.trim_start_matches(['*', '`', '\'']), true)
    })
}

/// Parses a number of seconds or a duration: `7`, `1.2s`, `6m0s`, `120ms`.
fn parse_seconds(value: &str) -> Option<f64> {
    let value = value.trim();
    value.parse::<f64>().ok().filter(|s| s.is_finite()).or_else(|| parse_duration(value, false))
}

/// Units and their seconds; a longer name stands in front of its prefixes.
const UNITS: [(&str, f64); 14] = [
    ("milliseconds", 0.001),
    ("ms", 0.001),
    ("seconds", 1.0),
    ("second", 1.0),
    ("sec", 1.0),
    ("s", 1.0),
    ("minutes", 60.0),
    ("minute", 60.0),
    ("min", 60.0),
    ("m", 60.0),
    ("hours", 3600.0),
    ("hour", 3600.0),
    ("h", 3600.0),
    ("d", 86_400.0),
];

/// Parses numbers with units, one after the other. Other text may follow only in a sentence.
fn parse_duration(text: &str, in_sentence: bool) -> Option<f64> {
    let mut total = None;
    let mut remaining = text;
    loop {
        let end = remaining.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(remaining.len());
        let Some(number) = remaining.get(..end).and_then(|n| n.parse::<f64>().ok()) else { break };
        let unit = remaining.get(end..)?.trim_start();
        let is_unit = |(name, _): &&(&str, f64)| {
            let after = unit.strip_prefix(name).and_then(|after| after.chars().next());
            unit.starts_with(name) && !after.is_some_and(char::is_alphabetic)
        };
        let Some((name, factor)) = UNITS.iter().find(is_unit) else { break };
        total = Some(total.unwrap_or(0.0) + number * factor);
        remaining = unit.get(name.len()..)?.trim_start();
    }
    total.filter(|_| in_sentence || remaining.is_empty())
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Parses `Wed, 21 Oct 2026 07:28:00 GMT` or `2026-10-21T07:28:00Z` as seconds since 1970.
fn parse_time(text: &str) -> Option<f64> {
    let (day, clock) = match text.split_once('T').filter(|(date, _)| date.contains('-')) {
        Some((date, clock)) => {
            let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
            let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
            (days_since_1970(year, month, day)?, clock.strip_suffix('Z')?)
        }
        None => {
            let mut fields = text.split_once(", ")?.1.split(' ');
            let day: i64 = fields.next()?.parse().ok()?;
            let name = fields.next()?.to_ascii_lowercase();
            let month = MONTHS.iter().position(|month| *month == name)?;
            let year: i64 = fields.next()?.parse().ok()?;
            (days_since_1970(year, i64::try_from(month).ok()? + 1, day)?, fields.next()?)
        }
    };
    let mut parts = clock.split(':').map(|p| p.parse::<f64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    #[allow(clippy::cast_precision_loss)] // the calendar ends with the year 9999
    Some(day as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

/// Counts the days since 1970 in the Gregorian calendar. The year begins in March here, so that a leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_servers_are_parsed() {
        for (text, expected) in [
            ("7", Some(7.0)),
            ("1.5s", Some(1.5)),
            ("6m0s", Some(360.0)),
            ("120ms", Some(0.12)),
            ("1h2m3s", Some(3723.0)),
            ("20 seconds", Some(20.0)),
            ("soon", None),
            ("5 parsecs", None),
            ("", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(parse_seconds(text), expected, "{text}");
        }
        assert_eq!(wait_in_text("Please try again in 7.5s. Visit …"), Some(7.5));
        assert_eq!(wait_in_text("Try again in a moment."), None);
    }

    #[test]
    fn times_are_counted_in_the_calendar() {
        assert_eq!(parse_time("Thu, 01 Jan 1970 00:00:10 GMT"), Some(10.0));
        assert_eq!(parse_time("2000-03-01T00:00:00Z"), Some(951_868_800.0));
        assert_eq!(parse_time("Wed, 21 Oct 2026 07:28:00 GMT"), parse_time("2026-10-21T07:28:00Z"));
        for wrong in ["", "T", "x-y-zT", "2026-13-01T00:00:00Z", "Wed, 21 Foo 2026 07:28:00 GMT", "tomorrow"]
        {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }
}
