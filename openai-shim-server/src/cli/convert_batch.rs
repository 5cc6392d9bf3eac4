//! `openai-shim convert --batch`: one payload per NDJSON line in, one result per line out; JSON text keeps its numbers and key
//! order.

use super::convert_job::ConvertJob;
use openai_shim_core::convert::{Conversion, PayloadKind};
use openai_shim_core::json::{self, decode_string};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, BufWriter, Write};

/// A line of the input. Raw values keep numbers and the order of keys.
#[derive(Deserialize)]
struct BatchLine<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    body: &'a RawValue,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    status: Option<u16>,
}

/// Converts line by line. Only I/O can fail.
pub(super) fn run(job: &ConvertJob) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let (mut line, mut out) = (Vec::new(), Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            convert_line(job, line.trim_ascii(), &mut out);
            output.write_all(&out)?;
        }
        // A program that sends the next line only after this result must receive it.
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        out.clear();
    }
    output.flush()
}

fn convert_line(job: &ConvertJob, line: &[u8], out: &mut Vec<u8>) {
    let parsed: BatchLine<'_> = match serde_json::from_slice(line) {
        Ok(parsed) => parsed,
        Err(error) => return write_invalid_line(line, &error.to_string(), out),
    };
    let body = payload_text(parsed.body);
    let request = parsed.request.filter(|request| request.get() != "null").map(payload_text);
    let conversion = job.convert(body.as_bytes(), request.as_deref().map(str::as_bytes), parsed.status);
    write_result(parsed.id, &conversion, job.kind, out);
}

/// The text of a payload: a string's content, or the JSON itself.
fn payload_text(raw: &RawValue) -> Cow<'_, str> {
    decode_string(raw.get()).unwrap_or(Cow::Borrowed(raw.get()))
}

fn write_result(id: Option<&RawValue>, conversion: &Conversion, kind: PayloadKind, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(id.map_or("null", RawValue::get).as_bytes());
    out.extend_from_slice(if conversion.ok { b",\"ok\":true,\"body\":" } else { b",\"ok\":false,\"body\":" });
    let is_error = conversion.status.is_some_and(|status| status >= 400);
    let is_embedded = (kind != PayloadKind::Stream || is_error) && embed(&conversion.body, out);
    if !is_embedded {
        encode_string(&String::from_utf8_lossy(&conversion.body), out);
    }
    out.extend_from_slice(b",\"outcome\":");
    match conversion.outcome {
        Some(outcome) => encode_string(outcome.as_str(), out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"diagnostics\":[");
    for (index, d) in conversion.diagnostics.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_diagnostic(d.code.as_str(), d.severity().as_str(), &d.path, &d.detail, d.count, out);
    }
    out.extend_from_slice(b"]}\n");
}

/// Writes a payload as JSON, if it is JSON but not a string: a reader would take a string for the payload's text.
fn embed(body: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else { return false };
    let raw = raw.get();
    if json::value_kind(raw) == json::ValueKind::String {
        return false;
    }
    // JSON has line breaks only between tokens; without them the result stays on one line.
    if raw.contains(['\n', '\r']) {
        out.extend(raw.bytes().filter(|b| !matches!(b, b'\n' | b'\r')));
    } else {
        out.extend_from_slice(raw.as_bytes());
    }
    true
}

/// Writes the result of an invalid line.
fn write_invalid_line(line: &[u8], error: &str, out: &mut Vec<u8>) {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    let id = serde_json::from_slice::<Id<'_>>(line).ok().and_then(|line| line.id);
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(id.map_or("null", RawValue::get).as_bytes());
    out.extend_from_slice(b",\"ok\":false,\"body\":null,\"outcome\":\"errored\",\"diagnostics\":[");
    let detail = format!("the line is no {{\"id\", \"body\"}} object: {error}");
    write_diagnostic("line-invalid", "error", "", &detail, 1, out);
    out.extend_from_slice(b"]}\n");
}

fn write_diagnostic(code: &str, severity: &str, path: &str, detail: &str, count: u32, out: &mut Vec<u8>) {
    for (key, value) in
        [("{\"code\":", code), (",\"severity\":", severity), (",\"path\":", path), (",\"detail\":", detail)]
    {
        out.extend_from_slice(key.as_bytes());
        encode_string(value, out);
    }
    out.extend_from_slice(format!(",\"count\":{count}}}").as_bytes());
}

fn encode_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(json::encode_string(text).as_bytes());
}
