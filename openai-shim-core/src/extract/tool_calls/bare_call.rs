//! A whole text that is one call's object, fenced or not; or `name[ARGS]{…}`, which is left of Mistral's markup where a
//! server drops special tokens.

use super::arguments::{self, NamedArguments};
use super::cursor::{Cursor, ErrMode, ParseResult, ResumableScan};

/// The keys that a call's object may begin with. Another one shows at once that the text is JSON for the reader.
const KEYS: &[&str] = &["\"name\"", "\"arguments\"", "\"parameters\"", "\"type\"", "\"function\""];

/// The longest word after a fence's opening.
const WORD: usize = 20;

/// Follows a text for as long as it may be such an object.
#[derive(Debug, Default)]
pub(super) struct BareCall {
    at: usize,
    place: BareState,
    fenced: bool,
    json: Option<(usize, usize)>,
    named: Vec<(String, usize, usize)>,
    long: ResumableScan,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum BareState {
    #[default]
    Before,
    Json,
    Named,
    Fence,
    After,
}

impl BareCall {
    /// Reads on; `Err(No)`: it is none. `Ok` comes only when the text is over.
    pub(super) fn step(&mut self, text: &str, over: bool, tools: &[String]) -> ParseResult<()> {
        loop {
            let mut cursor = Cursor { text, at: self.at, over };
            cursor.skip();
            self.at = cursor.at;
            self.place = match self.place {
                BareState::Before => {
                    let first = cursor.next()?;
                    self.fenced = first == b'`';
                    if self.fenced {
                        cursor.expect("```")?;
                        let word = cursor.name("\n")?;
                        if word.len() > WORD || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                        {
                            return Err(ErrMode::No);
                        }
                    }
                    if self.fenced || first == b'{' { BareState::Json } else { BareState::Named }
                }
                BareState::Named if cursor.rest().is_empty() && over && !self.named.is_empty() => {
                    return Ok(());
                }
                BareState::Named => {
                    let name = offered(&mut cursor, tools)?;
                    let start = cursor.at;
                    cursor.json(&mut self.long)?;
                    self.named.push((name.to_owned(), start, cursor.at));
                    BareState::Named
                }
                BareState::Json => {
                    let start = cursor.at;
                    begins_call(cursor, tools)?;
                    cursor.json(&mut self.long)?;
                    self.json = Some((start, cursor.at));
                    if self.fenced { BareState::Fence } else { BareState::After }
                }
                BareState::Fence => {
                    cursor.expect("```")?;
                    BareState::After
                }
                BareState::After if cursor.rest().is_empty() => {
                    return if over { Ok(()) } else { Err(ErrMode::More) };
                }
                BareState::After => return Err(ErrMode::No),
            };
            self.at = cursor.at;
        }
    }

    /// How much of the text it took.
    pub(super) fn reach(&self) -> usize {
        self.at.max(self.long.summary)
    }

    /// The calls, if they are all of these tools.
    pub(super) fn into_calls(self, text: &str, tools: &[String]) -> Option<Vec<NamedArguments>> {
        let mut calls = Vec::new();
        for (name, start, end) in self.named {
            calls.push((name, arguments::arguments(text.get(start..end)?)?));
        }
        if let Some((start, end)) = self.json {
            let json = text.get(start..end).filter(|json| arguments::has_arguments(json))?;
            if !arguments::calls(json, &mut calls) {
                return None;
            }
        }
        calls.iter().all(|(name, _)| tools.contains(name)).then_some(calls)
    }
}

/// The name of a tool right before its arguments.
fn offered<'a>(cursor: &mut Cursor<'a>, tools: &[String]) -> ParseResult<&'a str> {
    let rest = cursor.rest();
    let name = match cursor.word() {
        Err(ErrMode::More) if !tools.iter().any(|tool| tool.starts_with(rest)) => return Err(ErrMode::No),
        word => word?,
    };
    if !tools.iter().any(|tool| tool == name) {
        return Err(ErrMode::No);
    }
    if cursor.literal("[CALL_ID]")? {
        cursor.word()?;
    }
    cursor.literal("[ARGS]")?;
    if cursor.next()? == b'{' { Ok(name) } else { Err(ErrMode::No) }
}

/// Whether an object begins like a call of one of these tools; cheap enough to ask again.
fn begins_call(mut cursor: Cursor<'_>, tools: &[String]) -> ParseResult<()> {
    cursor.expect("{")?;
    cursor.space()?;
    match cursor.any(KEYS)? {
        None => Err(ErrMode::No),
        Some(0) => {
            cursor.space()?;
            cursor.expect(":")?;
            cursor.space()?;
            cursor.expect("\"")?;
            let rest = cursor.rest();
            match rest.split_once('"') {
                Some((name, _)) if tools.iter().any(|tool| tool == name) => Ok(()),
                None if tools.iter().any(|tool| tool.starts_with(rest)) => Err(cursor.unfinished()),
                _ => Err(ErrMode::No),
            }
        }
        Some(_) => Ok(()),
    }
}
