//! Decodes an HTTP/1.1 body's framing (RFC 9112, section 6): bytes of the connection in, body bytes out, and where the body ends.

/// The most bytes of chunk extensions and trailers in one response; they are skipped.
const MAX_SKIPPED_BYTES: usize = 16 << 10;

/// How the rest of a body is delimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length: how many bytes are left.
    Length(u64),
    /// By chunks.
    Chunked(ChunkDecoder),
    /// By the close of the connection.
    Close,
}

/// Decodes a chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChunkDecoder {
    state: ChunkedState,
    /// The size of the chunk, or how many bytes of it are left.
    size: u64,
    /// Bytes of extensions and trailers so far.
    skipped: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkedState {
    /// Before the first digit of a size.
    Start,
    Size,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataEndLf,
    /// At the beginning of a trailer line or of the empty line.
    Line,
    Trailer,
    EndLf,
    Over,
}

/// The bytes are not a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Framing {
    pub(super) const fn chunked() -> Self {
        Self::Chunked(ChunkDecoder { state: ChunkedState::Start, size: 0, skipped: 0 })
    }

    /// Whether the body has ended.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.state == ChunkedState::Over,
            Self::Close => false,
        }
    }

    /// Appends the body bytes of `input` to `out`; returns how many bytes of `input` belong to this response.
    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
        match self {
            Self::Close => {
                out.extend_from_slice(input);
                Ok(input.len())
            }
            Self::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                out.extend_from_slice(&input[..taken]);
                *left -= taken as u64;
                Ok(taken)
            }
            Self::Chunked(chunked) => chunked.decode(input, out),
        }
    }
}

impl ChunkDecoder {
    fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut position = 0;
        while let Some(&byte) = input.get(position) {
            if self.state == ChunkedState::Data {
                let taken = usize::try_from(self.size).unwrap_or(usize::MAX).min(input.len() - position);
                out.extend_from_slice(&input[position..position + taken]);
                position += taken;
                self.size -= taken as u64;
                if self.size == 0 {
                    self.state = ChunkedState::DataEnd;
                }
                continue;
            }
            if self.state == ChunkedState::Over {
                break;
            }
            self.state = self.next_state(byte)?;
            position += 1;
        }
        Ok(position)
    }

    fn next_state(&mut self, byte: u8) -> Result<ChunkedState, Malformed> {
        Ok(match (self.state, byte) {
            (ChunkedState::Start | ChunkedState::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).ok_or(Malformed)?;
                if self.state == ChunkedState::Start {
                    self.size = 0;
                }
                self.size =
                    self.size.checked_mul(16).and_then(|s| s.checked_add(digit.into())).ok_or(Malformed)?;
                ChunkedState::Size
            }
            (ChunkedState::Size | ChunkedState::Extension, b'\r') => ChunkedState::SizeEnd,
            (ChunkedState::Size, b';' | b' ' | b'\t') => ChunkedState::Extension,
            (ChunkedState::Extension, b'\n') | (ChunkedState::Start | ChunkedState::Size, _) => {
                return Err(Malformed);
            }
            (ChunkedState::Extension, _) => self.skip(ChunkedState::Extension)?,
            (ChunkedState::SizeEnd, b'\n') if self.size == 0 => ChunkedState::Line,
            (ChunkedState::SizeEnd, b'\n') => ChunkedState::Data,
            (ChunkedState::DataEnd, b'\r') => ChunkedState::DataEndLf,
            (ChunkedState::DataEndLf, b'\n') => ChunkedState::Start,
            (ChunkedState::Line, b'\r') => ChunkedState::EndLf,
            (ChunkedState::Trailer, b'\n') => ChunkedState::Line,
            (ChunkedState::Line | ChunkedState::Trailer, _) => self.skip(ChunkedState::Trailer)?,
            (ChunkedState::EndLf, b'\n') => ChunkedState::Over,
            (
                ChunkedState::SizeEnd
                | ChunkedState::DataEnd
                | ChunkedState::DataEndLf
                | ChunkedState::EndLf
                | ChunkedState::Data
                | ChunkedState::Over,
                _,
            ) => {
                return Err(Malformed);
            }
        })
    }

    fn skip(&mut self, next: ChunkedState) -> Result<ChunkedState, Malformed> {
        self.skipped += 1;
        if self.skipped > MAX_SKIPPED_BYTES { Err(Malformed) } else { Ok(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes the input in parts of this size; returns the body, how many bytes were used, and whether it has ended.
    fn decode(
        mut framing: Framing,
        input: &[u8],
        part_size: usize,
    ) -> Result<(String, usize, bool), Malformed> {
        let (mut out, mut taken) = (Vec::new(), 0);
        for part in input.chunks(part_size) {
            let n = framing.decode(part, &mut out)?;
            taken += n;
            if n < part.len() {
                break;
            }
        }
        Ok((String::from_utf8(out).unwrap(), taken, framing.is_over()))
    }

    fn assert_at_every_split(
        framing: &Framing,
        input: &str,
        expected: &Result<(&str, usize, bool), Malformed>,
    ) {
        for part_size in 1..=input.len() {
            let got = decode(framing.clone(), input.as_bytes(), part_size);
            let got = got.as_ref().map(|(text, taken, over)| (text.as_str(), *taken, *over));
            assert_eq!(got, expected.as_ref().copied(), "{input:?} in parts of {part_size}");
        }
    }

    #[test]
    fn chunks_are_decoded_at_every_split() {
        let body = "5\r\nhello\r\n1;name=\"v\"\r\n \r\n00A \r\nwonderful!\r\n0\r\nx-trailer: 1\r\n\r\nHTTP";
        assert_at_every_split(&Framing::chunked(), body, &Ok(("hello wonderful!", body.len() - 4, true)));
        assert_at_every_split(&Framing::chunked(), "5\r\nhel", &Ok(("hel", 6, false)));
        assert_at_every_split(&Framing::chunked(), "1\r\nx\r\n0\r\n", &Ok(("x", 9, false)));
    }

    #[test]
    fn malformed_chunks_are_errors_at_every_split() {
        for body in [
            "\r\n",
            "g\r\n",
            "5\nhello",
            "1\r\nxy\r\n",
            "1\r\nx\r1",
            "-1\r\n",
            "0\r\n\rx",
            "fffffffffffffffff\r\n",
        ] {
            assert_at_every_split(&Framing::chunked(), body, &Err(Malformed));
        }
    }

    #[test]
    fn long_extensions_and_trailers_are_errors() {
        for start in ["1;", "0\r\nx: "] {
            let body = format!("{start}{}", "y".repeat(MAX_SKIPPED_BYTES + 1));
            assert_eq!(decode(Framing::chunked(), body.as_bytes(), 1000), Err(Malformed));
        }
    }

    #[test]
    fn length_delimits_the_body_and_close_does_not() {
        assert_at_every_split(&Framing::Length(5), "hello, you", &Ok(("hello", 5, true)));
        assert_at_every_split(&Framing::Length(50), "hello", &Ok(("hello", 5, false)));
        assert_at_every_split(&Framing::Close, "hello", &Ok(("hello", 5, false)));
    }
}
