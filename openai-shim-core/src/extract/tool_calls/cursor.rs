//! Reading a block that may not be complete: every step says whether it succeeds, fails, or cannot be told yet.

use memchr::memmem;

/// Why a step did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrMode {
    /// More text is needed.
    More,
    /// It is not what was looked for.
    No,
}

pub(super) type ParseResult<T> = Result<T, ErrMode>;

/// How long a name may be, and how much white space may stand inside an item.
const NAME: usize = 256;

/// A place in a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Nothing will follow.
    pub(super) over: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What an unfinished thing means.
    pub(super) fn unfinished(&self) -> ErrMode {
        if self.over { ErrMode::No } else { ErrMode::More }
    }

    /// Skips white space; used where the block remembers how far it came.
    pub(super) fn skip(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Skips white space inside an item: little, because it is read again with the item.
    pub(super) fn space(&mut self) -> ParseResult<()> {
        let from = self.at;
        self.skip();
        if self.at - from > NAME { Err(ErrMode::No) } else { Ok(()) }
    }

    /// The next byte.
    pub(super) fn next(&self) -> ParseResult<u8> {
        self.rest().bytes().next().ok_or(self.unfinished())
    }

    /// Whether this text comes; passes over it if so.
    pub(super) fn literal(&mut self, literal: &str) -> ParseResult<bool> {
        let rest = self.rest();
        if rest.starts_with(literal) {
            self.at += literal.len();
            return Ok(true);
        }
        if !self.over && literal.starts_with(rest) { Err(ErrMode::More) } else { Ok(false) }
    }

    pub(super) fn expect(&mut self, literal: &str) -> ParseResult<()> {
        if self.literal(literal)? { Ok(()) } else { Err(ErrMode::No) }
    }

    /// Which of these comes; passes over it. `None`: none of them.
    pub(super) fn any(&mut self, literals: &[&str]) -> ParseResult<Option<usize>> {
        let mut open = false;
        for (index, literal) in literals.iter().enumerate() {
            match self.literal(literal) {
                Ok(true) => return Ok(Some(index)),
                Ok(false) => {}
                Err(_) => open = true,
            }
        }
        if open { Err(ErrMode::More) } else { Ok(None) }
    }

    /// What stands before this end, trimmed; passes over both. Names are short and on one line.
    pub(super) fn name(&mut self, end: &str) -> ParseResult<&'a str> {
        let rest = self.rest();
        let near = rest.as_bytes().get(..NAME + end.len()).unwrap_or(rest.as_bytes());
        let found = memmem::find(near, end.as_bytes());
        let before = near.get(..found.unwrap_or(near.len())).unwrap_or_default();
        if before.trim_ascii_start().contains(&b'\n') || (found.is_none() && near.len() == NAME + end.len()) {
            return Err(ErrMode::No);
        }
        let name = rest.get(..found.ok_or(self.unfinished())?).unwrap_or_default();
        self.at += name.len() + end.len();
        Ok(name.trim())
    }

    /// A bare name of a tool.
    pub(super) fn word(&mut self) -> ParseResult<&'a str> {
        let rest = self.rest();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
        let end = rest.char_indices().take(NAME + 1).find(|(_, c)| !is_name(*c)).map(|(at, _)| at);
        match end {
            Some(0) => Err(ErrMode::No),
            Some(end) => {
                self.at += end;
                Ok(rest.get(..end).unwrap_or_default())
            }
            // A name is not so long.
            None if rest.len() > NAME => Err(ErrMode::No),
            None => Err(self.unfinished()),
        }
    }

    /// A JSON object or array, which may be long; passes over it.
    pub(super) fn json(&mut self, long: &mut ResumableScan) -> ParseResult<&'a str> {
        let end = long.json(self.text.as_bytes(), self.at).map_err(|stop| self.hurried(stop))?;
        let json = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        Ok(json)
    }

    /// What stands before this end, which may be long; passes over both.
    pub(super) fn value(&mut self, end: &str, long: &mut ResumableScan) -> ParseResult<&'a str> {
        let found = long.find(self.text.as_bytes(), self.at, end.as_bytes()).ok_or(self.unfinished())?;
        let value = self.text.get(self.at..found).unwrap_or_default();
        self.at = found + end.len();
        Ok(value)
    }

    fn hurried(&self, stop: ErrMode) -> ErrMode {
        if stop == ErrMode::More { self.unfinished() } else { stop }
    }
}

/// How far a long thing was read, so that no byte of it is looked at twice.
#[derive(Debug, Default)]
pub(super) struct ResumableScan {
    from: usize,
    pub(super) summary: usize,
    depth: usize,
    opened: u8,
    string: bool,
    escaped: bool,
}

impl ResumableScan {
    fn at(&mut self, from: usize) {
        if self.from != from || self.summary < from {
            *self = Self { from, summary: from, ..Self::default() };
        }
    }

    fn find(&mut self, text: &[u8], from: usize, end: &[u8]) -> Option<usize> {
        self.at(from);
        let found = memmem::find(text.get(self.summary..)?, end).map(|at| self.summary + at);
        // The end may stand across the border.
        self.summary = found.unwrap_or_else(|| (text.len() + 1).saturating_sub(end.len()).max(self.summary));
        found
    }

    /// Where the value that begins here ends. Its inside is checked later, by a real parser; only what cannot be the
    /// beginning of a call's object or list is seen at once, so that prose in braces is not held.
    fn json(&mut self, text: &[u8], from: usize) -> ParseResult<usize> {
        self.at(from);
        if self.depth == 0 && self.summary > from {
            return Ok(self.summary); // it ended in an earlier step, but what follows it did not come yet
        }
        while let Some(&byte) = text.get(self.summary) {
            let space = byte.is_ascii_whitespace();
            let fits = match (self.depth, self.opened) {
                (0, _) => matches!(byte, b'{' | b'['),
                (1, b'{') => space || matches!(byte, b'"' | b'}'),
                (1, b'[') => space || matches!(byte, b'{' | b']'),
                _ => true,
            };
            if !fits {
                return Err(ErrMode::No);
            }
            self.summary += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.string,
                b'"' => self.string = !self.string,
                _ if self.string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
            if self.depth == 0 {
                return Ok(self.summary);
            }
            // `opened` is the outermost bracket for as long as nothing but white space followed it.
            self.opened = match byte {
                b'{' | b'[' if self.depth == 1 && self.summary == self.from + 1 => byte,
                _ if space => self.opened,
                _ => 0,
            };
        }
        Err(ErrMode::More)
    }
}
