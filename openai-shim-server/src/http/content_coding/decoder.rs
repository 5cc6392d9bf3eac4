//! Parses the codings that a header names, and decodes gzip, deflate, brotli and zstd: compressed bytes in, plain bytes out
//! as soon as they are complete.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, HeaderName};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

/// The supported codings, for `Accept-Encoding` and for error messages.
pub(crate) const SUPPORTED: &str = "gzip, deflate, br, zstd";
/// The most codings on top of each other: each one multiplies the size, and more are not used in practice.
const MAX_CODINGS: usize = 3;
/// How many bytes one step of a decoder writes at most.
pub(super) const STEP_BYTES: usize = 16 << 10;
/// The largest zstd window that RFC 9659 allows, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 23;

/// One coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// zlib's format; some servers send raw deflate under this name.
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        all.into_iter().find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// Whether data in this coding can begin with this byte. Codings without a magic number can begin with any.
    pub(super) fn can_begin_with(self, first: u8) -> bool {
        match self {
            Self::Gzip => first == 0x1f,
            // A frame, or a skippable frame.
            Self::Zstd => first == 0x28 || (0x50..=0x5f).contains(&first),
            Self::Deflate | Self::Brotli => true,
        }
    }
}

/// Parses the codings of a header, in the order in which they were applied. The error is the value with an unsupported one.
pub(crate) fn parse_codings(headers: &HeaderMap, header: &HeaderName) -> Result<Vec<Coding>, String> {
    let mut found = Vec::new();
    for value in headers.get_all(header) {
        let value = value.to_str().map_err(|_| String::from("?"))?;
        for name in value.split(',').map(str::trim) {
            // `chunked` appears in `Transfer-Encoding` only, and is decoded by the connection.
            if name.is_empty() || ["identity", "chunked"].iter().any(|none| name.eq_ignore_ascii_case(none)) {
                continue;
            }
            match Coding::from_name(name) {
                Some(coding) if found.len() < MAX_CODINGS => found.push(coding),
                _ => return Err(value.chars().take(60).collect()),
            }
        }
    }
    Ok(found)
}

/// The bytes are not in the declared coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// A streaming decoder of one coding.
pub(crate) struct Decoder {
    coding: Coding,
    state: DecoderState,
}

enum DecoderState {
    /// No input yet.
    Start,
    Inflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    /// `between_frames`: a frame has ended and no other one has begun.
    Zstd {
        context: DCtx<'static>,
        between_frames: bool,
    },
    /// The data ended; padding or another gzip member may follow.
    End,
}

/// The result of one step: bytes read and written, and whether the data ended.
struct StepResult {
    read: usize,
    written: usize,
    end: bool,
}

impl Decoder {
    pub(crate) fn new(coding: Coding) -> Self {
        Self { coding, state: DecoderState::Start }
    }

    /// Whether the input so far is complete; empty input is.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(
            self.state,
            DecoderState::Start | DecoderState::End | DecoderState::Zstd { between_frames: true, .. }
        )
    }

    /// Decodes `input` into `out`, about `max_output` bytes at most; returns how many bytes of the input were used. After
    /// `max_output` bytes there may be more output, even if all input was used.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        max_output: usize,
    ) -> Result<usize, Corrupt> {
        let (start, mut used) = (out.len(), 0);
        while out.len() - start < max_output {
            let rest = input.get(used..).unwrap_or_default();
            if matches!(self.state, DecoderState::Start | DecoderState::End) {
                let Some(first) = rest.first() else { break };
                if matches!(self.state, DecoderState::End) && (self.coding != Coding::Gzip || *first != 0x1f)
                {
                    return Ok(input.len());
                }
                self.state = self.initial_state(*first);
            }
            let length = out.len();
            out.resize(length + STEP_BYTES, 0);
            let step = self.step(rest, out.get_mut(length..).unwrap_or_default());
            let Ok(step) = step else {
                out.truncate(length);
                return Err(Corrupt);
            };
            out.truncate(length + step.written);
            used += step.read;
            if step.end {
                self.state = DecoderState::End;
            } else if step.written < STEP_BYTES && (used == input.len() || step.read + step.written == 0) {
                break;
            }
        }
        Ok(used)
    }

    fn initial_state(&self, first: u8) -> DecoderState {
        match self.coding {
            Coding::Gzip => DecoderState::Inflate(Decompress::new_gzip(15)),
            // No encoder begins raw deflate with the byte that zlib's format begins with.
            Coding::Deflate => DecoderState::Inflate(Decompress::new(first & 0x0f == 8 && first >> 4 <= 7)),
            Coding::Brotli => DecoderState::Brotli(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            Coding::Zstd => {
                let mut context = DCtx::create();
                // The library accepts this value.
                let _ = context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG));
                DecoderState::Zstd { context, between_frames: false }
            }
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<StepResult, Corrupt> {
        match &mut self.state {
            DecoderState::Start | DecoderState::End => Ok(StepResult { read: 0, written: 0, end: false }),
            DecoderState::Inflate(inflate) => {
                let before = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(input, output, FlushDecompress::None);
                let count = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
                Ok(StepResult {
                    read: count(inflate.total_in(), before.0),
                    written: count(inflate.total_out(), before.1),
                    end: status.map_err(|_| Corrupt)? == Status::StreamEnd,
                })
            }
            DecoderState::Brotli(state) => {
                let (mut left, mut read, mut room, mut written) = (input.len(), 0, output.len(), 0);
                let result = BrotliDecompressStream(
                    &mut left,
                    &mut read,
                    input,
                    &mut room,
                    &mut written,
                    output,
                    &mut 0,
                    state,
                );
                match result {
                    BrotliResult::ResultFailure => Err(Corrupt),
                    result => {
                        Ok(StepResult { read, written, end: matches!(result, BrotliResult::ResultSuccess) })
                    }
                }
            }
            DecoderState::Zstd { context, between_frames } => {
                let mut from = InBuffer::around(input);
                let mut to = OutBuffer::around(output);
                // Without input the library would take the end of a frame for the beginning of another.
                if !*between_frames || !input.is_empty() {
                    let hint = context.decompress_stream(&mut to, &mut from).map_err(|_| Corrupt)?;
                    *between_frames = hint == 0;
                }
                Ok(StepResult { read: from.pos(), written: to.pos(), end: false })
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Write as _;

    /// The text in each coding, with the name of the case.
    pub(crate) fn encode_all(text: &[u8]) -> Vec<(&'static str, Coding, Vec<u8>)> {
        let gzip = {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(text).unwrap();
            to.finish().unwrap()
        };
        let zlib = {
            let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(text).unwrap();
            to.finish().unwrap()
        };
        let raw = {
            let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(text).unwrap();
            to.finish().unwrap()
        };
        let mut br = Vec::new();
        brotli::BrotliCompress(&mut &*text, &mut br, &brotli::enc::BrotliEncoderParams::default()).unwrap();
        let mut zstd = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
        zstd_safe::compress(&mut zstd, text, 3).unwrap();
        vec![
            ("gzip", Coding::Gzip, gzip),
            ("zlib", Coding::Deflate, zlib),
            ("raw deflate", Coding::Deflate, raw),
            ("br", Coding::Brotli, br),
            ("zstd", Coding::Zstd, zstd),
        ]
    }

    fn decode(
        coding: Coding,
        bytes: &[u8],
        chunk_size: usize,
        max_output: usize,
    ) -> Result<(Vec<u8>, bool), Corrupt> {
        let (mut decoder, mut all) = (Decoder::new(coding), Vec::new());
        for part in bytes.chunks(chunk_size.max(1)) {
            let mut part = part;
            loop {
                let mut out = Vec::new();
                let used = decoder.decode(part, &mut out, max_output)?;
                part = &part[used..];
                all.extend_from_slice(&out);
                assert!(out.len() < max_output + STEP_BYTES);
                if out.len() < max_output {
                    assert!(part.is_empty());
                    break;
                }
            }
        }
        Ok((all, decoder.is_complete()))
    }

    fn long_text() -> Vec<u8> {
        (0..2_000u32).flat_map(|n| format!("{n} wörds {}\n", n * n % 97).into_bytes()).collect()
    }

    #[test]
    fn every_coding_decodes_at_every_chunk_and_output_size() {
        for text in [long_text(), b"{}".to_vec(), vec![b' '; 200_000]] {
            for (name, coding, bytes) in encode_all(&text) {
                for (chunk_size, max_output) in [(1, 64 << 10), (7, 1), (1000, 100), (bytes.len(), 64 << 10)]
                {
                    let got = decode(coding, &bytes, chunk_size, max_output).unwrap();
                    assert!(
                        got == (text.clone(), true),
                        "{name} in chunks of {chunk_size}, {max_output} at most"
                    );
                }
            }
        }
    }

    #[test]
    fn truncated_data_is_incomplete_and_corrupt_data_is_an_error() {
        let text = long_text();
        for (name, coding, bytes) in encode_all(&text) {
            for cut in [1, bytes.len() / 2, bytes.len() - 1] {
                let got = decode(coding, &bytes[..cut], 100, 64 << 10);
                assert!(got.is_ok_and(|(_, complete)| !complete), "{name} cut at {cut}");
            }
            let mut broken = bytes.clone();
            for byte in &mut broken[20..60] {
                *byte ^= 0xa5;
            }
            let got = decode(coding, &broken, 100, 64 << 10);
            assert!(got.map_or(true, |(out, complete)| !complete || out != text), "{name}");
        }
        for coding in [Coding::Gzip, Coding::Zstd] {
            assert_eq!(decode(coding, b"{\"model\":\"m\"}", 100, 1000), Err(Corrupt), "{coding:?}");
        }
    }

    #[test]
    fn members_and_frames_are_joined_and_padding_is_ignored() {
        for (name, coding, bytes) in encode_all(b"hello ") {
            let twice = [bytes.clone(), bytes.clone()].concat();
            let padded = [bytes, vec![0; 100]].concat();
            match name {
                "gzip" => {
                    assert_eq!(decode(coding, &twice, 5, 100).unwrap(), (b"hello hello ".to_vec(), true));
                    assert_eq!(decode(coding, &padded, 5, 100).unwrap(), (b"hello ".to_vec(), true));
                }
                "zstd" => {
                    assert_eq!(decode(coding, &twice, 5, 100).unwrap(), (b"hello hello ".to_vec(), true));
                }
                _ => assert_eq!(decode(coding, &padded, 5, 100).unwrap(), (b"hello ".to_vec(), true)),
            }
        }
    }

    #[test]
    fn codings_are_parsed_in_any_case_and_from_several_lines() {
        let parse = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("content-encoding", HeaderValue::from_static(value));
            }
            parse_codings(&headers, &http::header::CONTENT_ENCODING)
        };
        assert_eq!(parse(&[]), Ok(vec![]));
        assert_eq!(parse(&["identity", ""]), Ok(vec![]));
        assert_eq!(parse(&["GZIP , Br", "ZSTD"]), Ok(vec![Coding::Gzip, Coding::Brotli, Coding::Zstd]));
        assert_eq!(parse(&["x-gzip"]), Ok(vec![Coding::Gzip]));
        assert_eq!(parse(&["gzip, compress"]), Err(String::from("gzip, compress")));
        assert_eq!(parse(&["gzip,gzip,gzip,gzip"]), Err(String::from("gzip,gzip,gzip,gzip")));
    }
}
