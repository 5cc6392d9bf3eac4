//! Whole text that is one JSON tool call, fenced or not, or `name[ARGS]{…}` calls: what Mistral's markup becomes where a server
//! removes special tokens.

use super::arguments::{self, NamedArguments};
use super::cursor::{Cursor, ErrMode, ParseResult, ResumableScan};
use std::ops::Range;

/// The keys with which a call's object may begin. Any other key shows at once that the text is JSON for the user.
const KEYS: &[&str] = &["\"name\"", "\"arguments\"", "\"parameters\"", "\"type\"", "\"function\""];

/// The maximum length of the language after the opening fence.
const MAX_LANGUAGE_BYTES: usize = 20;

/// Reads a text for as long as it may consist of calls only.
#[derive(Debug, Default)]
pub(super) struct BareCall {
    at: usize,
    phase: BarePhase,
    /// The call's object.
    object: Option<Range<usize>>,
    /// The calls of the form `name[ARGS]{…}`.
    named: Vec<NamedSpan>,
    scan: ResumableScan,
}

#[derive(Debug)]
struct NamedSpan {
    name: String,
    /// The range of the arguments in the text.
    arguments: Range<usize>,
}

/// What is read next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum BarePhase {
    #[default]
    Start,
    Object {
        is_fenced: bool,
    },
    NamedCall,
    ClosingFence,
    End,
}

impl BareCall {
    /// Reads the text so far. `Backtrack`: it is not a call. `Ok` is returned only when the text is final.
    pub(super) fn advance(&mut self, text: &str, is_final: bool, tools: &[String]) -> ParseResult<()> {
        loop {
            let mut cursor = Cursor { text, at: self.at, is_final };
            cursor.skip_space();
            self.at = cursor.at;
            self.phase = match self.phase {
                BarePhase::Start => match cursor.peek_byte()? {
                    b'`' => {
                        read_opening_fence(&mut cursor)?;
                        BarePhase::Object { is_fenced: true }
                    }
                    b'{' => BarePhase::Object { is_fenced: false },
                    _ => BarePhase::NamedCall,
                },
                BarePhase::NamedCall
                    if cursor.remaining().is_empty() && is_final && !self.named.is_empty() =>
                {
                    return Ok(());
                }
                BarePhase::NamedCall => {
                    let name = take_offered_name(&mut cursor, tools)?;
                    let start = cursor.at;
                    cursor.take_json(&mut self.scan)?;
                    self.named.push(NamedSpan { name: name.to_owned(), arguments: start..cursor.at });
                    BarePhase::NamedCall
                }
                BarePhase::Object { is_fenced } => {
                    let start = cursor.at;
                    check_call_beginning(cursor, tools)?;
                    cursor.take_json(&mut self.scan)?;
                    self.object = Some(start..cursor.at);
                    if is_fenced { BarePhase::ClosingFence } else { BarePhase::End }
                }
                BarePhase::ClosingFence => {
                    cursor.expect("```")?;
                    BarePhase::End
                }
                BarePhase::End if cursor.remaining().is_empty() => {
                    return if is_final { Ok(()) } else { Err(ErrMode::Incomplete) };
                }
                BarePhase::End => return Err(ErrMode::Backtrack),
            };
            self.at = cursor.at;
        }
    }

    /// The end of the text that was read.
    pub(super) fn scanned(&self) -> usize {
        self.at.max(self.scan.scanned)
    }

    /// Decodes the calls; `None` if not all of them are calls of `tools`.
    pub(super) fn into_calls(self, text: &str, tools: &[String]) -> Option<Vec<NamedArguments>> {
        let mut calls = Vec::new();
        for NamedSpan { name, arguments } in self.named {
            calls
                .push(NamedArguments { name, arguments: arguments::decode_arguments(text.get(arguments)?)? });
        }
        if let Some(object) = self.object {
            let json = text.get(object).filter(|json| arguments::has_arguments(json))?;
            if !arguments::decode_calls(json, &mut calls) {
                return None;
            }
        }
        calls.iter().all(|call| tools.contains(&call.name)).then_some(calls)
    }
}

fn read_opening_fence(cursor: &mut Cursor<'_>) -> ParseResult<()> {
    cursor.expect("```")?;
    let language = cursor.take_name("\n")?;
    let is_language = language.len() <= MAX_LANGUAGE_BYTES
        && language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_language { Ok(()) } else { Err(ErrMode::Backtrack) }
}

/// Consumes the name of an offered tool, up to its arguments.
fn take_offered_name<'a>(cursor: &mut Cursor<'a>, tools: &[String]) -> ParseResult<&'a str> {
    let remaining = cursor.remaining();
    let name = match cursor.take_bare_name() {
        Err(ErrMode::Incomplete) if !tools.iter().any(|tool| tool.starts_with(remaining)) => {
            return Err(ErrMode::Backtrack);
        }
        name => name?,
    };
    if !tools.iter().any(|tool| tool == name) {
        return Err(ErrMode::Backtrack);
    }
    if cursor.consume("[CALL_ID]")? {
        cursor.take_bare_name()?;
    }
    cursor.consume("[ARGS]")?;
    if cursor.peek_byte()? == b'{' { Ok(name) } else { Err(ErrMode::Backtrack) }
}

/// Checks that an object begins like a call of an offered tool. Reads few bytes, because it is repeated with each part.
fn check_call_beginning(mut cursor: Cursor<'_>, tools: &[String]) -> ParseResult<()> {
    cursor.expect("{")?;
    cursor.skip_short_space()?;
    match cursor.consume_any(KEYS)? {
        None => Err(ErrMode::Backtrack),
        Some(0) => {
            cursor.skip_short_space()?;
            cursor.expect(":")?;
            cursor.skip_short_space()?;
            cursor.expect("\"")?;
            let remaining = cursor.remaining();
            match remaining.split_once('"') {
                Some((name, _)) if tools.iter().any(|tool| tool == name) => Ok(()),
                None if tools.iter().any(|tool| tool.starts_with(remaining)) => Err(cursor.end_error()),
                _ => Err(ErrMode::Backtrack),
            }
        }
        Some(_) => Ok(()),
    }
}
