//! Content codings (RFC 9110, section 8.4): which ones a message names, and their decoders. Compressed bytes go in as they
//! come, plain bytes come out as soon as they can.

pub(crate) mod request;
pub(crate) mod response;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, HeaderName};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

/// What is taken, for `Accept-Encoding` and for error messages.
pub(crate) const TAKEN: &str = "gzip, deflate, br, zstd";
/// How many codings may lie on top of each other: nobody needs more, and each one multiplies.
const MOST_CODINGS: usize = 3;
/// How much is decoded at once.
const STEP: usize = 16 << 10;
/// The window that RFC 9659 allows to a zstd encoder, as a power of two.
const ZSTD_WINDOW: u32 = 23;

/// One coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// zlib's format; what some send under this name instead is raw deflate.
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

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        all.into_iter().find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// Whether data in this coding can begin with this byte. For those without a mark of their own it always can.
    fn begins_with(self, first: u8) -> bool {
        match self {
            Self::Gzip => first == 0x1f,
            // A frame, or one that is to be skipped.
            Self::Zstd => first == 0x28 || (0x50..=0x5f).contains(&first),
            Self::Deflate | Self::Brotli => true,
        }
    }
}

/// The codings that a header names, in the order in which they were applied; else the name of one that is not taken.
pub(crate) fn codings(headers: &HeaderMap, header: &HeaderName) -> Result<Vec<Coding>, String> {
    let mut found = Vec::new();
    for value in headers.get_all(header) {
        let value = value.to_str().map_err(|_| String::from("?"))?;
        for name in value.split(',').map(str::trim) {
            // Chunks are the connection's business; they stand in the other header only.
            if name.is_empty() || ["identity", "chunked"].iter().any(|none| name.eq_ignore_ascii_case(none)) {
                continue;
            }
            match Coding::named(name) {
                Some(coding) if found.len() < MOST_CODINGS => found.push(coding),
                _ => return Err(value.chars().take(60).collect()),
            }
        }
    }
    Ok(found)
}

/// The bytes are not in the coding that they are said to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// A decoder of one coding.
pub(crate) struct Decoder {
    coding: Coding,
    state: State,
}

enum State {
    /// Nothing came yet.
    Start,
    Inflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    /// The flag: a frame has ended and no other one has begun.
    Zstd(DCtx<'static>, bool),
    /// The data ended; what follows is padding, or another member of gzip's.
    End,
}

/// What one step did.
struct Step {
    read: usize,
    written: usize,
    end: bool,
}

impl Decoder {
    pub(crate) fn new(coding: Coding) -> Self {
        Self { coding, state: State::Start }
    }

    /// Whether all that came is whole. Nothing at all is, too.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.state, State::Start | State::End | State::Zstd(_, true))
    }

    /// Appends to `out` what comes out of `input`, but not much more than `most` bytes; how much of the input was used.
    /// When `most` bytes came out there may be more, also of an input that was used up.
    pub(crate) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Corrupt> {
        let (start, mut used) = (out.len(), 0);
        while out.len() - start < most {
            let rest = input.get(used..).unwrap_or_default();
            if matches!(self.state, State::Start | State::End) {
                let Some(first) = rest.first() else { break };
                if matches!(self.state, State::End) && (self.coding != Coding::Gzip || *first != 0x1f) {
                    return Ok(input.len());
                }
                self.state = self.begin(*first);
            }
            let at = out.len();
            out.resize(at + STEP, 0);
            let step = self.step(rest, out.get_mut(at..).unwrap_or_default());
            let Ok(step) = step else {
                out.truncate(at);
                return Err(Corrupt);
            };
            out.truncate(at + step.written);
            used += step.read;
            if step.end {
                self.state = State::End;
            } else if step.written < STEP && (used == input.len() || step.read + step.written == 0) {
                break;
            }
        }
        Ok(used)
    }

    fn begin(&self, first: u8) -> State {
        match self.coding {
            Coding::Gzip => State::Inflate(Decompress::new_gzip(15)),
            // No encoder begins raw deflate with the byte that zlib's format begins with.
            Coding::Deflate => State::Inflate(Decompress::new(first & 0x0f == 8 && first >> 4 <= 7)),
            Coding::Brotli => State::Brotli(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            Coding::Zstd => {
                let mut context = DCtx::create();
                // It is within what the library takes.
                let _ = context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW));
                State::Zstd(context, false)
            }
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        match &mut self.state {
            State::Start | State::End => Ok(Step { read: 0, written: 0, end: false }),
            State::Inflate(inflate) => {
                let before = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(input, output, FlushDecompress::None);
                let count = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
                Ok(Step {
                    read: count(inflate.total_in(), before.0),
                    written: count(inflate.total_out(), before.1),
                    end: status.map_err(|_| Corrupt)? == Status::StreamEnd,
                })
            }
            State::Brotli(state) => {
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
                    result => Ok(Step { read, written, end: matches!(result, BrotliResult::ResultSuccess) }),
                }
            }
            State::Zstd(context, whole) => {
                let mut from = InBuffer::around(input);
                let mut to = OutBuffer::around(output);
                // Without input it would take the end of a frame for the beginning of another.
                if !*whole || !input.is_empty() {
                    let hint = context.decompress_stream(&mut to, &mut from).map_err(|_| Corrupt)?;
                    *whole = hint == 0;
                }
                Ok(Step { read: from.pos(), written: to.pos(), end: false })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Write as _;

    /// The words in each coding, under the name of the case.
    pub(crate) fn coded(words: &[u8]) -> Vec<(&'static str, Coding, Vec<u8>)> {
        let gzip = {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(words).unwrap();
            to.finish().unwrap()
        };
        let zlib = {
            let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(words).unwrap();
            to.finish().unwrap()
        };
        let raw = {
            let mut to = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(words).unwrap();
            to.finish().unwrap()
        };
        let mut br = Vec::new();
        brotli::BrotliCompress(&mut &*words, &mut br, &brotli::enc::BrotliEncoderParams::default()).unwrap();
        let mut zstd = Vec::with_capacity(zstd_safe::compress_bound(words.len()));
        zstd_safe::compress(&mut zstd, words, 3).unwrap();
        vec![
            ("gzip", Coding::Gzip, gzip),
            ("zlib", Coding::Deflate, zlib),
            ("raw deflate", Coding::Deflate, raw),
            ("br", Coding::Brotli, br),
            ("zstd", Coding::Zstd, zstd),
        ]
    }

    fn decoded(coding: Coding, bytes: &[u8], piece: usize, most: usize) -> Result<(Vec<u8>, bool), Corrupt> {
        let (mut decoder, mut all) = (Decoder::new(coding), Vec::new());
        for part in bytes.chunks(piece.max(1)) {
            let mut part = part;
            loop {
                let mut out = Vec::new();
                let used = decoder.decode(part, &mut out, most)?;
                part = &part[used..];
                all.extend_from_slice(&out);
                assert!(out.len() < most + STEP);
                if out.len() < most {
                    assert!(part.is_empty());
                    break;
                }
            }
        }
        Ok((all, decoder.is_complete()))
    }

    fn words() -> Vec<u8> {
        (0..2_000u32).flat_map(|n| format!("{n} wörds {}\n", n * n % 97).into_bytes()).collect()
    }

    #[test]
    fn every_coding_is_decoded_however_it_is_cut() {
        for text in [words(), b"{}".to_vec(), vec![b' '; 200_000]] {
            for (name, coding, bytes) in coded(&text) {
                for (piece, most) in [(1, 64 << 10), (7, 1), (1000, 100), (bytes.len(), 64 << 10)] {
                    let got = decoded(coding, &bytes, piece, most).unwrap();
                    assert!(got == (text.clone(), true), "{name} in pieces of {piece}, {most} at most");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_is_not_complete_and_what_is_broken_is_refused() {
        let text = words();
        for (name, coding, bytes) in coded(&text) {
            for cut in [1, bytes.len() / 2, bytes.len() - 1] {
                let got = decoded(coding, &bytes[..cut], 100, 64 << 10);
                assert!(got.is_ok_and(|(_, complete)| !complete), "{name} cut at {cut}");
            }
            let mut broken = bytes.clone();
            for byte in &mut broken[20..60] {
                *byte ^= 0xa5;
            }
            let got = decoded(coding, &broken, 100, 64 << 10);
            assert!(got.map_or(true, |(out, complete)| !complete || out != text), "{name}");
        }
        for coding in [Coding::Gzip, Coding::Zstd] {
            assert_eq!(decoded(coding, b"{\"model\":\"m\"}", 100, 1000), Err(Corrupt), "{coding:?}");
        }
    }

    #[test]
    fn several_members_are_one_body_and_padding_is_none_of_it() {
        for (name, coding, bytes) in coded(b"hello ") {
            let twice = [bytes.clone(), bytes.clone()].concat();
            let padded = [bytes, vec![0; 100]].concat();
            match name {
                "gzip" => {
                    assert_eq!(decoded(coding, &twice, 5, 100).unwrap(), (b"hello hello ".to_vec(), true));
                    assert_eq!(decoded(coding, &padded, 5, 100).unwrap(), (b"hello ".to_vec(), true));
                }
                "zstd" => {
                    assert_eq!(decoded(coding, &twice, 5, 100).unwrap(), (b"hello hello ".to_vec(), true));
                }
                _ => assert_eq!(decoded(coding, &padded, 5, 100).unwrap(), (b"hello ".to_vec(), true)),
            }
        }
    }

    #[test]
    fn headers_name_codings_in_any_case_and_in_several_lines() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("content-encoding", HeaderValue::from_static(value));
            }
            codings(&headers, &http::header::CONTENT_ENCODING)
        };
        assert_eq!(of(&[]), Ok(vec![]));
        assert_eq!(of(&["identity", ""]), Ok(vec![]));
        assert_eq!(of(&["GZIP , Br", "ZSTD"]), Ok(vec![Coding::Gzip, Coding::Brotli, Coding::Zstd]));
        assert_eq!(of(&["x-gzip"]), Ok(vec![Coding::Gzip]));
        assert_eq!(of(&["gzip, compress"]), Err(String::from("gzip, compress")));
        assert_eq!(of(&["gzip,gzip,gzip,gzip"]), Err(String::from("gzip,gzip,gzip,gzip")));
    }
}
