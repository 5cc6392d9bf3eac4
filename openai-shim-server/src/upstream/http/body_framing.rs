//! Where an answer's body ends, and what of the bytes on the wire is body: RFC 9112, section 6.

/// The most bytes of chunk extensions and trailers in one answer: nobody needs them, and they must end some time.
const MAX_EXTRAS: usize = 16 << 10;

/// How the rest of a body is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// All until the connection closes.
    Close,
}

/// Where in a chunked body we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunked {
    at: ChunkedState,
    /// The size of the chunk, or what is left of it.
    size: u64,
    extras: usize,
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
    /// At the beginning of a trailer line, or of the empty one.
    Line,
    Trailer,
    EndLf,
    Over,
}

/// Bytes that are no chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Framing {
    pub(super) const fn chunked() -> Self {
        Self::Chunked(Chunked { at: ChunkedState::Start, size: 0, extras: 0 })
    }

    /// Nothing follows.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.at == ChunkedState::Over,
            Self::Close => false,
        }
    }

    /// Appends to `out` what is body; how many bytes of `input` belong to this answer.
    pub(super) fn take(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
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
            Self::Chunked(chunked) => chunked.take(input, out),
        }
    }
}

impl Chunked {
    fn take(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.at == ChunkedState::Data {
                let taken = usize::try_from(self.size).unwrap_or(usize::MAX).min(input.len() - at);
                out.extend_from_slice(&input[at..at + taken]);
                at += taken;
                self.size -= taken as u64;
                if self.size == 0 {
                    self.at = ChunkedState::DataEnd;
                }
                continue;
            }
            if self.at == ChunkedState::Over {
                break;
            }
            self.at = self.byte(byte)?;
            at += 1;
        }
        Ok(at)
    }

    fn byte(&mut self, byte: u8) -> Result<ChunkedState, Malformed> {
        Ok(match (self.at, byte) {
            (ChunkedState::Start | ChunkedState::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).ok_or(Malformed)?;
                if self.at == ChunkedState::Start {
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
            (ChunkedState::Extension, _) => self.extra(ChunkedState::Extension)?,
            (ChunkedState::SizeEnd, b'\n') if self.size == 0 => ChunkedState::Line,
            (ChunkedState::SizeEnd, b'\n') => ChunkedState::Data,
            (ChunkedState::DataEnd, b'\r') => ChunkedState::DataEndLf,
            (ChunkedState::DataEndLf, b'\n') => ChunkedState::Start,
            (ChunkedState::Line, b'\r') => ChunkedState::EndLf,
            (ChunkedState::Trailer, b'\n') => ChunkedState::Line,
            (ChunkedState::Line | ChunkedState::Trailer, _) => self.extra(ChunkedState::Trailer)?,
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

    fn extra(&mut self, next: ChunkedState) -> Result<ChunkedState, Malformed> {
        self.extras += 1;
        if self.extras > MAX_EXTRAS { Err(Malformed) } else { Ok(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the input is cut into pieces of this size; how much was taken; whether it is over.
    fn read(mut framing: Framing, input: &[u8], piece: usize) -> Result<(String, usize, bool), Malformed> {
        let (mut out, mut taken) = (Vec::new(), 0);
        for part in input.chunks(piece) {
            let n = framing.take(part, &mut out)?;
            taken += n;
            if n < part.len() {
                break;
            }
        }
        Ok((String::from_utf8(out).unwrap(), taken, framing.is_over()))
    }

    fn everywhere(framing: &Framing, input: &str, expected: &Result<(&str, usize, bool), Malformed>) {
        for piece in 1..=input.len() {
            let got = read(framing.clone(), input.as_bytes(), piece);
            let got = got.as_ref().map(|(text, taken, over)| (text.as_str(), *taken, *over));
            assert_eq!(got, expected.as_ref().copied(), "{input:?} in pieces of {piece}");
        }
    }

    #[test]
    fn chunks_are_joined_however_they_are_cut() {
        let body = "5\r\nhello\r\n1;name=\"v\"\r\n \r\n00A \r\nwonderful!\r\n0\r\nx-trailer: 1\r\n\r\nHTTP";
        everywhere(&Framing::chunked(), body, &Ok(("hello wonderful!", body.len() - 4, true)));
        everywhere(&Framing::chunked(), "5\r\nhel", &Ok(("hel", 6, false)));
        everywhere(&Framing::chunked(), "1\r\nx\r\n0\r\n", &Ok(("x", 9, false)));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
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
            everywhere(&Framing::chunked(), body, &Err(Malformed));
        }
    }

    #[test]
    fn extensions_and_trailers_end_some_time() {
        for start in ["1;", "0\r\nx: "] {
            let body = format!("{start}{}", "y".repeat(MAX_EXTRAS + 1));
            assert_eq!(read(Framing::chunked(), body.as_bytes(), 1000), Err(Malformed));
        }
    }

    #[test]
    fn a_length_is_counted_and_a_close_is_not() {
        everywhere(&Framing::Length(5), "hello, you", &Ok(("hello", 5, true)));
        everywhere(&Framing::Length(50), "hello", &Ok(("hello", 5, false)));
        everywhere(&Framing::Close, "hello", &Ok(("hello", 5, false)));
    }
}
