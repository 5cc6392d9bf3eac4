//! A cassette's text: the file format, written without secrets and read with errors that name the line.

use super::secrets::{redacted_chunks, redacted_header, redacted_text};
use super::{
    Cassette, RecordedAttempt, RecordedChunk, RecordedFailure, RecordedRequest, RecordedResponse,
    RecordedUpstream, body_lines,
};
use crate::dialect::{Dialect, dialect};
use bytes::Bytes;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The first line of a file; the number is the version of the format.
const FIRST_LINE: &str = "openai-shim cassette 1";
/// The mark of a section's first line.
const SECTION: &str = "== ";
/// The names of the sections that have no arguments.
const UPSTREAM_RESPONSE: &str = "upstream's response";
const UPSTREAM_FAILURE: &str = "upstream's failure";
const CLIENT_RESPONSE: &str = "client's response";

/// A text that is no cassette.
///
/// ```
/// use openai_shim_core::cassette::{Cassette, CassetteError};
/// let error: CassetteError = "a text".parse::<Cassette>().unwrap_err();
/// assert_eq!(error.line, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}", crate::error::InLowerCase(message))]
#[non_exhaustive]
pub struct CassetteError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong there, and what belongs there.
    pub message: String,
}

/// The file, without anything that has the form of a key.
impl fmt::Display for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer { out: f, secrets: &[] }.write(self)
    }
}

impl Cassette {
    /// The file, without anything that has the form of a key, and without these `secrets`: `[key]` stands in place of each.
    pub fn to_text(&self, secrets: &[&str]) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = Writer { out: &mut out, secrets }.write(self);
        out
    }
}

struct Writer<'w, W> {
    out: &'w mut W,
    secrets: &'w [&'w str],
}

impl<W: fmt::Write> Writer<'_, W> {
    fn write(&mut self, cassette: &Cassette) -> fmt::Result {
        writeln!(self.out, "{FIRST_LINE}\n\n{SECTION}client {}", cassette.client.name())?;
        self.request(&cassette.request)?;
        for attempt in &cassette.attempts {
            let upstream = cassette.upstream_of(attempt);
            writeln!(self.out, "\n{SECTION}upstream {} {}", upstream.dialect.name(), upstream.profile)?;
            self.request(&attempt.request)?;
            if let Some(response) = &attempt.response {
                writeln!(self.out, "\n{SECTION}{UPSTREAM_RESPONSE}")?;
                self.response(response)?;
            }
            if let Some(failure) = &attempt.failure {
                let (kind, message) = match failure {
                    RecordedFailure::Timeout(message) => ("timeout", message),
                    RecordedFailure::Connection(message) => ("connection", message),
                };
                writeln!(self.out, "\n{SECTION}{UPSTREAM_FAILURE}\n{kind}: {}", self.line(message))?;
            }
        }
        if let Some(response) = &cassette.response {
            writeln!(self.out, "\n{SECTION}{CLIENT_RESPONSE}")?;
            self.response(response)?;
        }
        Ok(())
    }

    /// A text on one line, without secrets.
    fn line(&self, text: &str) -> String {
        redacted_text(&one_line(text), self.secrets).into_owned()
    }

    fn request(&mut self, request: &RecordedRequest) -> fmt::Result {
        writeln!(self.out, "{} {}", request.method, self.line(&request.path))?;
        self.headers(&request.headers)?;
        let body = [RecordedChunk { at: Duration::ZERO, bytes: request.body.clone() }];
        let body = redacted_chunks(&body, self.secrets);
        body.iter().try_for_each(|chunk| body_lines::write(&chunk.bytes, self.out))
    }

    fn response(&mut self, response: &RecordedResponse) -> fmt::Result {
        writeln!(self.out, "{}", response.status)?;
        self.headers(&response.headers)?;
        for chunk in redacted_chunks(&response.chunks, self.secrets).iter() {
            writeln!(self.out, "@ {} ms", chunk.at.as_millis())?;
            body_lines::write(&chunk.bytes, self.out)?;
        }
        Ok(())
    }

    fn headers(&mut self, headers: &[(String, String)]) -> fmt::Result {
        for (name, value) in headers {
            let value = redacted_header(name, &one_line(value), self.secrets).into_owned();
            writeln!(self.out, "{}: {value}", one_line(name))?;
        }
        writeln!(self.out)
    }
}

fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

impl FromStr for Cassette {
    type Err = CassetteError;

    fn from_str(text: &str) -> Result<Self, CassetteError> {
        let mut lines = Lines { rest: text.lines(), number: 0 };
        let first = lines.next();
        if first != Some(FIRST_LINE) {
            return Err(lines.error(format!("the first line of a cassette is {FIRST_LINE:?}")));
        }
        let mut cassette: Option<Self> = None;
        let mut section = lines.next_section(true)?;
        while let Some(head) = section {
            let parts: Vec<_> = head.split(' ').collect();
            match (parts.as_slice(), &mut cassette) {
                (["client", name], None) => {
                    let (client, request) = (lines.dialect(name)?, lines.request()?);
                    cassette = Some(Self::new(client, request, client, "compatible"));
                }
                (["upstream", name, profile], Some(cassette)) => {
                    let upstream = RecordedUpstream::new(lines.dialect(name)?, *profile);
                    let request = lines.request()?;
                    cassette
                        .push_attempt(upstream, RecordedAttempt { request, ..RecordedAttempt::default() });
                }
                (_, Some(cassette)) if head == CLIENT_RESPONSE => cassette.response = Some(lines.response()?),
                (_, Some(Self { attempts, .. })) if head == UPSTREAM_RESPONSE || head == UPSTREAM_FAILURE => {
                    let Some(attempt) = attempts.last_mut() else {
                        return Err(lines.error("an upstream's response belongs behind \"== upstream …\""));
                    };
                    match head {
                        UPSTREAM_RESPONSE => attempt.response = Some(lines.response()?),
                        _ => attempt.failure = Some(lines.failure()?),
                    }
                }
                (_, None) => return Err(lines.error("the first section is \"== client DIALECT\"")),
                (_, Some(_)) => {
                    let message = format!(
                        "there is no section {head:?}; write \"upstream DIALECT PROFILE\", {UPSTREAM_RESPONSE:?}, {UPSTREAM_FAILURE:?} or {CLIENT_RESPONSE:?}"
                    );
                    return Err(lines.error(message));
                }
            }
            section = lines.next_section(false)?;
        }
        cassette.ok_or_else(|| lines.error("there is no section \"== client DIALECT\""))
    }
}

/// The lines of a file, and the number of the last one.
struct Lines<'t> {
    rest: std::str::Lines<'t>,
    number: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let line = self.rest.next()?;
        self.number += 1;
        Some(line)
    }

    /// The next line, unless it begins a section or there is none.
    fn next_in_section(&mut self) -> Option<&'t str> {
        self.rest.clone().next().filter(|line| !line.starts_with(SECTION))?;
        self.next()
    }

    fn error(&self, message: impl Into<String>) -> CassetteError {
        CassetteError { line: self.number.max(1), message: message.into() }
    }

    /// The head of the next section. Between sections are empty lines, and comments behind `#`.
    fn next_section(&mut self, is_first: bool) -> Result<Option<&'t str>, CassetteError> {
        while let Some(line) = self.next() {
            match line.strip_prefix(SECTION) {
                Some(head) => return Ok(Some(head.trim_end())),
                None if line.trim().is_empty() || line.starts_with('#') => {}
                None if is_first => return Err(self.error("the first section is \"== client DIALECT\"")),
                None => return Err(self.error("a section begins with \"== \"")),
            }
        }
        Ok(None)
    }

    fn dialect(&self, name: &str) -> Result<Dialect, CassetteError> {
        dialect(name).map_err(|error| self.error(error.to_string()))
    }

    fn request(&mut self) -> Result<RecordedRequest, CassetteError> {
        let start = self.next_in_section().unwrap_or_default();
        let Some((method, path)) = start.split_once(' ') else {
            return Err(self
                .error("a request begins with its method and path, such as \"POST /v1/chat/completions\""));
        };
        let mut request = RecordedRequest::post(path, Bytes::new());
        method.clone_into(&mut request.method);
        request.headers = self.headers()?;
        let mut body = Vec::new();
        while let Some(line) = self.next_in_section() {
            self.body_line(line, Some(&mut body))?;
        }
        request.body = body.into();
        Ok(request)
    }

    fn response(&mut self) -> Result<RecordedResponse, CassetteError> {
        let status = self.next_in_section().and_then(|line| line.trim().parse().ok());
        let Some(status) = status.filter(|status| (100..1000).contains(status)) else {
            return Err(self.error("a response begins with its status, such as \"200\""));
        };
        let mut response = RecordedResponse::new(status, self.headers()?);
        let mut chunk: Option<(Duration, Vec<u8>)> = None;
        while let Some(line) = self.next_in_section() {
            if let Some(time) = line.strip_prefix("@ ") {
                let Some(milliseconds) = time.trim_end().strip_suffix(" ms").and_then(|ms| ms.parse().ok())
                else {
                    return Err(self.error("a part of a body begins with its time, such as \"@ 35 ms\""));
                };
                let next = (Duration::from_millis(milliseconds), Vec::new());
                response.chunks.extend(chunk.replace(next).map(to_chunk));
            } else {
                self.body_line(line, chunk.as_mut().map(|(_, bytes)| bytes))?;
            }
        }
        response.chunks.extend(chunk.map(to_chunk));
        Ok(response)
    }

    fn headers(&mut self) -> Result<Vec<(String, String)>, CassetteError> {
        let mut headers = Vec::new();
        while let Some(line) = self.next_in_section().filter(|line| !line.trim().is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                return Err(self.error("a header is \"name: value\"; an empty line ends the headers"));
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(headers)
    }

    /// Reads a line of a body; empty lines and comments separate sections. `body` is `None` before the first part.
    fn body_line(&self, line: &str, body: Option<&mut Vec<u8>>) -> Result<(), CassetteError> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let Some(body) = body else {
            return Err(self.error("a part of a body begins with its time, such as \"@ 35 ms\""));
        };
        body_lines::read(line, body).ok_or_else(|| {
            self.error("a line of a body is \"| text\", \"> text\" without a line break at its end, or \"|\\text\" with escapes")
        })
    }

    fn failure(&mut self) -> Result<RecordedFailure, CassetteError> {
        match self.next_in_section().and_then(|line| line.split_once(": ")) {
            Some(("timeout", message)) => Ok(RecordedFailure::Timeout(message.to_owned())),
            Some(("connection", message)) => Ok(RecordedFailure::Connection(message.to_owned())),
            _ => Err(self.error("a failure is \"timeout: …\" or \"connection: …\"")),
        }
    }
}

fn to_chunk((at, bytes): (Duration, Vec<u8>)) -> RecordedChunk {
    RecordedChunk { at, bytes: bytes.into() }
}
