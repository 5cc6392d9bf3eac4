//! Results of `openai-shim test` as JUnit's XML, which build servers read.

use std::fmt::Write;
use std::time::Duration;

/// One cassette for one dialect.
#[derive(Debug)]
pub(super) struct TestCase {
    pub(super) cassette: String,
    pub(super) dialect: &'static str,
    pub(super) duration: Duration,
    /// Why it failed: one sentence, and the difference.
    pub(super) failure: Option<(String, String)>,
}

/// The report of all cases.
pub(super) fn report(cases: &[TestCase]) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let seconds: f64 = cases.iter().map(|case| case.duration.as_secs_f64()).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a string cannot fail.
    let _ = writeln!(
        out,
        "<testsuites>\n  <testsuite name=\"cassettes\" tests=\"{}\" failures=\"{failures}\" time=\"{seconds:.6}\">",
        cases.len()
    );
    for TestCase { cassette, dialect, duration, failure } in cases {
        let (cassette, seconds) = (escape(cassette), duration.as_secs_f64());
        let _ =
            write!(out, "    <testcase classname=\"{cassette}\" name=\"{dialect}\" time=\"{seconds:.6}\"");
        let _ = match failure {
            None => writeln!(out, "/>"),
            Some((message, difference)) => writeln!(
                out,
                ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                escape(message),
                escape(difference)
            ),
        };
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text for XML: characters with a meaning are escaped, and those that XML does not allow are replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
