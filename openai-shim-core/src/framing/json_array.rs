//! A JSON array whose items are handed out one by one: how Google streams without server-sent events.

use super::{Deviation, Frame, FrameTooLarge};

/// Reads a body that starts with `[` and then `{`.
#[derive(Debug)]
pub(super) struct ArrayReader {
    /// The item that is being read, from its first byte.
    item: Vec<u8>,
    /// How many brackets are open inside the item.
    depth: usize,
    in_string: bool,
    escaped: bool,
    state: ArrayPhase,
    limit: usize,
    pub(super) deviations: Vec<Deviation>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ArrayPhase {
    /// Before an item: white space and commas.
    Between,
    /// Inside an item.
    Item,
    /// The array is closed; what follows is no part of it.
    After,
}

impl ArrayReader {
    /// A reader of what follows the opening bracket.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            item: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            state: ArrayPhase::Between,
            limit,
            deviations: vec![Deviation::Array],
        }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLarge> {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match self.state {
                ArrayPhase::Between => self.between(rest),
                ArrayPhase::Item => self.item(rest, sink)?,
                ArrayPhase::After => {
                    self.item.extend_from_slice(rest);
                    &[]
                }
            };
            if self.item.len() > self.limit {
                return Err(FrameTooLarge { limit: self.limit });
            }
        }
        Ok(())
    }

    /// The body has ended: an item that is not complete, and what stood after the array, are handed out as they are.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let rest = std::mem::take(&mut self.item);
        let rest = rest.trim_ascii();
        if !rest.is_empty() {
            if self.state == ArrayPhase::After {
                self.deviations.push(Deviation::StrayLine);
            }
            sink(Frame::Line(rest));
        } else if self.state == ArrayPhase::Between {
            self.deviations.push(Deviation::Unterminated);
        }
        self.state = ArrayPhase::After;
    }

    /// Skips what stands between two items; what is left begins an item, or ends the array.
    fn between<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let skip = input.iter().position(|b| !b.is_ascii_whitespace() && *b != b',').unwrap_or(input.len());
        let rest = input.get(skip..).unwrap_or_default();
        match rest.split_first() {
            None => rest,
            Some((b']', after)) => {
                self.state = ArrayPhase::After;
                after
            }
            Some(_) => {
                self.state = ArrayPhase::Item;
                rest
            }
        }
    }

    /// Reads on in an item, up to its end or the input's.
    fn item<'a>(
        &mut self,
        input: &'a [u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<&'a [u8], FrameTooLarge> {
        let mut end = input.len();
        let mut complete = false;
        for (at, byte) in input.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                // An item that is no object ends where the next one, or the array's end, begins.
                b',' | b']' if self.depth == 0 => (end, complete) = (at, true),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        (end, complete) = (at + 1, true);
                    }
                }
                _ => {}
            }
            if complete {
                break;
            }
        }
        let (own, after) = input.split_at(end.min(input.len()));
        if self.item.len() + own.len() > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        if !complete {
            self.item.extend_from_slice(own);
            return Ok(after);
        }
        self.state = ArrayPhase::Between;
        if self.item.is_empty() {
            sink(Frame::Line(own.trim_ascii()));
        } else {
            self.item.extend_from_slice(own);
            let item = std::mem::take(&mut self.item);
            sink(Frame::Line(item.trim_ascii()));
            self.item = item;
            self.item.clear();
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Deviation, Frame, Framer};

    fn frames(pieces: &[&[u8]]) -> (Vec<String>, Vec<Deviation>) {
        let mut framer = Framer::new(1 << 10);
        let mut summary = Vec::new();
        let mut sink = |frame: Frame<'_>| {
            summary.push(match frame {
                Frame::Line(line) => format!("line {}", String::from_utf8_lossy(line)),
                Frame::Body(body) => format!("body {}", String::from_utf8_lossy(body)),
                Frame::Event { data, .. } => format!("event {}", String::from_utf8_lossy(data)),
            });
        };
        for piece in pieces {
            framer.push(piece, &mut sink).unwrap();
        }
        framer.finish(&mut sink);
        (summary, framer.deviations())
    }

    #[test]
    fn items_are_handed_out_one_by_one_at_any_split() {
        let bodies: [&[u8]; 8] = [
            b"[{\"a\":\"]}\\\"\"}\n,\r\n{\"b\":[{}]}]\n",
            b"[{\n \"error\": {\"code\": 400}\n}\n]",
            b" \n[ {\"a\":1},{\"b\":2",
            b"[{\"a\":1}",
            b"[]",
            b"[1,2]",
            b"[{\"a\":1},2,\"x\"]junk",
            b"[DONE]",
        ];
        let expected: [&[&str]; 8] = [
            &["line {\"a\":\"]}\\\"\"}", "line {\"b\":[{}]}"],
            &["line {\n \"error\": {\"code\": 400}\n}"],
            &["line {\"a\":1}", "line {\"b\":2"],
            &["line {\"a\":1}"],
            &["body []"],
            &["body [1,2]"],
            &["line {\"a\":1}", "line 2", "line \"x\"", "line junk"],
            &["body [DONE]"],
        ];
        for (body, expected) in bodies.iter().zip(expected) {
            let whole = frames(&[body]);
            assert_eq!(whole.0, expected, "{}", String::from_utf8_lossy(body));
            for at in 0..=body.len() {
                let (a, b) = body.split_at(at);
                assert_eq!(frames(&[a, b]), whole);
            }
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(frames(&bytes), whole);
        }
    }

    #[test]
    fn an_item_without_end_passes_the_limit() {
        for piece in [&b"\"xxxxxxxxxxxxxxxx"[..], b"{{{{{{{{", b"]]]]]]]}}}}}}}}"] {
            let mut framer = Framer::new(1 << 10);
            framer.push(b"[{\"a\":", &mut |_| {}).unwrap();
            let failed = (0..1000).any(|_| framer.push(piece, &mut |_| {}).is_err());
            assert!(failed, "{}", String::from_utf8_lossy(piece));
        }
    }
}
