//! A whole text that is one call's object, fenced or not.

use super::cursor::{Cursor, Long, Step, Stop};
use super::values::{self, Call};

/// The keys that a call's object may begin with. Another one shows at once that the text is JSON for the reader.
const KEYS: &[&str] = &["\"name\"", "\"arguments\"", "\"parameters\"", "\"type\"", "\"function\""];

/// The longest word after a fence's opening.
const WORD: usize = 20;

/// Follows a text for as long as it may be such an object.
#[derive(Debug, Default)]
pub(super) struct Bare {
    at: usize,
    place: Place,
    fenced: bool,
    json: Option<(usize, usize)>,
    long: Long,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Json,
    Fence,
    After,
}

impl Bare {
    /// Reads on; `Err(No)`: it is none. `Ok` comes only when the text is over.
    pub(super) fn step(&mut self, text: &str, over: bool, tools: &[String]) -> Step<()> {
        loop {
            let mut cursor = Cursor { text, at: self.at, over };
            cursor.skip();
            self.at = cursor.at;
            self.place = match self.place {
                Place::Before => {
                    self.fenced = cursor.next()? == b'`';
                    if self.fenced {
                        cursor.expect("```")?;
                        let word = cursor.name("\n")?;
                        if word.len() > WORD || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                        {
                            return Err(Stop::No);
                        }
                    }
                    Place::Json
                }
                Place::Json => {
                    let start = cursor.at;
                    begins_call(cursor, tools)?;
                    cursor.json(&mut self.long)?;
                    self.json = Some((start, cursor.at));
                    if self.fenced { Place::Fence } else { Place::After }
                }
                Place::Fence => {
                    cursor.expect("```")?;
                    Place::After
                }
                Place::After if cursor.rest().is_empty() => {
                    return if over { Ok(()) } else { Err(Stop::More) };
                }
                Place::After => return Err(Stop::No),
            };
            self.at = cursor.at;
        }
    }

    /// How much of the text it took.
    pub(super) fn reach(&self) -> usize {
        self.at.max(self.long.seen)
    }

    /// The call, if it is one of these tools'.
    pub(super) fn into_call(self, text: &str, tools: &[String]) -> Option<Call> {
        let (start, end) = self.json?;
        let json = text.get(start..end).filter(|json| values::has_arguments(json))?;
        let mut calls = Vec::new();
        let valid = values::calls(json, &mut calls);
        calls.pop().filter(|(name, _)| valid && tools.contains(name))
    }
}

/// Whether an object begins like a call of one of these tools; cheap enough to ask again.
fn begins_call(mut cursor: Cursor<'_>, tools: &[String]) -> Step<()> {
    cursor.expect("{")?;
    cursor.space()?;
    match cursor.any(KEYS)? {
        None => Err(Stop::No),
        Some(0) => {
            cursor.space()?;
            cursor.expect(":")?;
            cursor.space()?;
            cursor.expect("\"")?;
            let rest = cursor.rest();
            match rest.split_once('"') {
                Some((name, _)) if tools.iter().any(|tool| tool == name) => Ok(()),
                None if tools.iter().any(|tool| tool.starts_with(rest)) => Err(cursor.unfinished()),
                _ => Err(Stop::No),
            }
        }
        Some(_) => Ok(()),
    }
}
