//! How long an upstream asks to wait: in headers, in the error's members, or in its words.
//!
//! Core has no clock. A moment is a wait only beside the answer's own `date`.

use crate::error::StatusError;
use crate::json::{Object, ValueKind, string_or_json, value_kind};
use http::HeaderMap;
use std::time::Duration;

/// A year: longer is no wait but a mistake.
const LONGEST: f64 = 366.0 * 86_400.0;

/// The wait that is asked for, the most exact statement first.
pub(super) fn spec(headers: &HeaderMap, error: &StatusError) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let now = header("date").and_then(moment);
    let until = |value: &str| Some(moment(value)? - now?);
    let stated = header("retry-after-ms")
        .and_then(|v| v.parse::<f64>().ok().map(|ms| ms / 1000.0))
        .or_else(|| header("retry-after").and_then(|v| seconds(v).or_else(|| until(v))))
        .or_else(|| in_members(error));
    if let Some(stated) = stated {
        return wait(stated);
    }
    // What follows also stands in answers that were not limited.
    if !matches!(error.status, 429 | 503) {
        return None;
    }
    in_words(&error.message).or_else(|| resets(headers, now)).and_then(wait)
}

fn wait(seconds: f64) -> Option<Duration> {
    (seconds <= LONGEST).then(|| Duration::try_from_secs_f64(seconds.max(0.0)).ok()).flatten()
}

/// When the limits that are used up are reset: `x-ratelimit-reset-tokens: 6m0s`, `anthropic-ratelimit-requests-reset: <time>`.
fn resets(headers: &HeaderMap, now: Option<f64>) -> Option<f64> {
    let used_up = |remaining: &str| headers.get(remaining).is_some_and(|v| v.as_bytes() == b"0");
    let reset = |name: &str, value: &str| {
        let remaining = name.replace("reset", "remaining");
        if !used_up(&remaining) {
            return None;
        }
        let moment = moment(value).or_else(|| epoch(value));
        moment.map_or_else(|| seconds(value), |at| now.map(|now| at - now))
    };
    let waits = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        let limit = name.contains("ratelimit-") && name.contains("reset");
        limit.then(|| reset(name, value.to_str().ok()?.trim())).flatten()
    });
    waits.fold(None, |longest: Option<f64>, wait| Some(longest.map_or(wait, |l| l.max(wait))))
}

/// A count of seconds or milliseconds since 1970, as OpenRouter states resets.
fn epoch(value: &str) -> Option<f64> {
    let number: f64 = value.parse().ok()?;
    let seconds = if number > 1e11 { number / 1000.0 } else { number };
    (seconds > 1e9).then_some(seconds)
}

/// `retry_after`, and Google's `details: [{"@type": "…RetryInfo", "retryDelay": "34s"}]`.
fn in_members(error: &StatusError) -> Option<f64> {
    error.extra.iter().find_map(|(key, value)| {
        let value = value.get();
        match key.as_str() {
            "retry_after_ms" => string_or_json(value).parse::<f64>().ok().map(|ms| ms / 1000.0),
            "retry_after" | "retry_after_seconds" => seconds(&string_or_json(value)),
            "details" if value_kind(value) == ValueKind::Array => {
                let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).ok()?;
                items.into_iter().find_map(|item| {
                    let item = Object::parse(item.get().as_bytes()).ok()?;
                    seconds(&item.str("retryDelay")?)
                })
            }
            _ => None,
        }
    })
}

/// What stands before a wait in a sentence.
const BEFORE: [&str; 4] = [
    "try again in ", // Groq, OpenAI: https://github.com/danielmiessler/Fabric/issues/364
    "retry after ",  // Azure
    "retry in ",     // Gemini: https://github.com/googleapis/python-genai/pull/2114
    "available in ", // DRF's words, behind several gateways
];

fn in_words(message: &str) -> Option<f64> {
    let message = message.to_ascii_lowercase();
    BEFORE.iter().find_map(|before| {
        let (_, rest) = message.split_once(before)?;
        duration(rest.trim_start_matches(['*', '`', '\'']), true)
    })
}

/// A number of seconds, or a duration: `7`, `1.2s`, `6m0s`, `120ms`.
fn seconds(value: &str) -> Option<f64> {
    let value = value.trim();
    value.parse::<f64>().ok().filter(|s| s.is_finite()).or_else(|| duration(value, false))
}

/// Units, the longer spelling first, and their seconds.
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

/// Numbers with units, one after the other; more may follow only in a sentence.
fn duration(text: &str, in_sentence: bool) -> Option<f64> {
    let mut total = None;
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Some(number) = rest.get(..end).and_then(|n| n.parse::<f64>().ok()) else { break };
        let unit = rest.get(end..)?.trim_start();
        let named = |(name, _): &&(&str, f64)| {
            let after = unit.strip_prefix(name).and_then(|after| after.chars().next());
            unit.starts_with(name) && !after.is_some_and(char::is_alphabetic)
        };
        let Some((name, factor)) = UNITS.iter().find(named) else { break };
        total = Some(total.unwrap_or(0.0) + number * factor);
        rest = unit.get(name.len()..)?.trim_start();
    }
    total.filter(|_| in_sentence || rest.is_empty())
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The seconds since 1970 of `Wed, 21 Oct 2026 07:28:00 GMT` or `2026-10-21T07:28:00Z`.
fn moment(text: &str) -> Option<f64> {
    let (day, clock) = match text.split_once('T').filter(|(date, _)| date.contains('-')) {
        Some((date, clock)) => {
            let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
            let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
            (days(year, month, day)?, clock.strip_suffix('Z')?)
        }
        None => {
            let mut words = text.split_once(", ")?.1.split(' ');
            let day: i64 = words.next()?.parse().ok()?;
            let name = words.next()?.to_ascii_lowercase();
            let month = MONTHS.iter().position(|month| *month == name)?;
            let year: i64 = words.next()?.parse().ok()?;
            (days(year, i64::try_from(month).ok()? + 1, day)?, words.next()?)
        }
    };
    let mut parts = clock.split(':').map(|p| p.parse::<f64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    #[allow(clippy::cast_precision_loss)] // days of the calendar are few
    Some(day as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

/// Days since 1970 in the Gregorian calendar: the year begins in March, so that a leap day is its last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_servers_write_them() {
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
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(in_words("Please try again in 7.5s. Visit …"), Some(7.5));
        assert_eq!(in_words("Try again in a moment."), None);
    }

    #[test]
    fn moments_are_counted_in_the_calendar() {
        assert_eq!(moment("Thu, 01 Jan 1970 00:00:10 GMT"), Some(10.0));
        assert_eq!(moment("2000-03-01T00:00:00Z"), Some(951_868_800.0));
        assert_eq!(moment("Wed, 21 Oct 2026 07:28:00 GMT"), moment("2026-10-21T07:28:00Z"));
        for wrong in ["", "T", "x-y-zT", "2026-13-01T00:00:00Z", "Wed, 21 Foo 2026 07:28:00 GMT", "tomorrow"]
        {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
