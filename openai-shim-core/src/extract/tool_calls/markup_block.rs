//! One block of markup, read while it comes.

use super::arguments::{self, NamedArguments};
use super::cursor::{Cursor, ErrMode, ParseResult, ResumableScan};
use super::markup_table::{CallTags, Markup, MarkupItem};

/// What is known of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockStatus {
    /// It may go on.
    More,
    /// It is whole, and ends here.
    Done(usize),
    /// It is none; it was well-formed up to here.
    No(usize),
}

/// Where a block is. What was read is never read again.
#[derive(Debug)]
pub(super) struct MarkupBlock {
    markup: &'static Markup,
    at: usize,
    /// Where the last item ended.
    end: usize,
    calls: Vec<NamedArguments>,
    /// The form is right, but something in it is no call.
    void: bool,
    /// The call in tags that is open.
    tags: Option<OpenCall>,
    long: ResumableScan,
}

#[derive(Debug)]
struct OpenCall {
    tags: &'static CallTags,
    name: String,
    members: Vec<(String, String)>,
    /// All of them as one object, in its own text.
    json: Option<String>,
}

/// What a step of a block led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockProgress {
    Item,
    Inside,
    Closed,
}

impl MarkupBlock {
    pub(super) fn new(markup: &'static Markup) -> Self {
        // A bare `<function=` is the head of its own first item.
        let own = markup
            .items
            .iter()
            .any(|item| matches!(item, MarkupItem::Tags(tags) if tags.head == markup.opener));
        let at = if own { 0 } else { markup.opener.len() };
        Self {
            markup,
            at,
            end: 0,
            calls: Vec::new(),
            void: false,
            tags: None,
            long: ResumableScan::default(),
        }
    }

    /// How far it was read.
    pub(super) fn reach(&self) -> usize {
        self.at.max(self.long.summary)
    }

    /// The calls of a whole block; `None` if they are not all calls of these tools.
    pub(super) fn into_calls(self, tools: &[String]) -> Option<Vec<NamedArguments>> {
        let ours = !self.void && self.calls.iter().all(|(name, _)| tools.contains(name));
        (ours && !self.calls.is_empty()).then_some(self.calls)
    }

    /// Reads on in the block's text so far. `over`: nothing will follow.
    pub(super) fn step(&mut self, text: &str, over: bool) -> BlockStatus {
        loop {
            let mut cursor = Cursor { text, at: self.at, over };
            cursor.skip();
            self.at = cursor.at;
            let flow = match self.tags.take() {
                Some(open) => self.member(open, &mut cursor),
                None if self.end > 0 && over && cursor.rest().is_empty() => {
                    return BlockStatus::Done(self.at);
                }
                None => self.item(&mut cursor),
            };
            match flow {
                Ok(flow) => {
                    self.at = cursor.at;
                    if flow == BlockProgress::Closed {
                        return BlockStatus::Done(self.at);
                    }
                    if flow == BlockProgress::Item {
                        self.end = self.at;
                        if self.markup.single {
                            return BlockStatus::Done(self.end);
                        }
                    }
                }
                Err(ErrMode::More) => return BlockStatus::More,
                // What follows whole items is no concern of theirs.
                Err(ErrMode::No) if self.end > 0 && self.markup.open => return BlockStatus::Done(self.end),
                Err(ErrMode::No) => return BlockStatus::No(self.reach()),
            }
        }
    }

    /// Reads an item, or what closes the block.
    fn item(&mut self, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let mut open = false;
        match cursor.any(self.markup.closers) {
            Ok(Some(_)) if self.end > 0 => return Ok(BlockProgress::Closed),
            Ok(Some(_)) => return Err(ErrMode::No),
            Ok(None) => {}
            Err(_) => open = true,
        }
        if self.end > 0 && matches!(cursor.next(), Ok(b';' | b',')) {
            cursor.at += 1;
            cursor.space()?;
        }
        let start = cursor.at;
        for item in self.markup.items {
            match self.read(*item, cursor) {
                Err(ErrMode::No) if self.long.summary <= start && self.tags.is_none() => cursor.at = start,
                Err(ErrMode::More) if self.long.summary <= start => {
                    open = true;
                    cursor.at = start;
                }
                flow => return flow,
            }
        }
        Err(if open { ErrMode::More } else { ErrMode::No })
    }

    fn read(&mut self, item: MarkupItem, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let (name, json) = match item {
            MarkupItem::Json => {
                let json = cursor.json(&mut self.long)?;
                self.void |= !arguments::calls(json, &mut self.calls);
                return Ok(BlockProgress::Item);
            }
            MarkupItem::Tags(tags) => {
                cursor.expect(tags.head)?;
                let name = match tags.head {
                    "" => cursor.word()?,
                    _ => arguments::attribute(cursor.name(">")?).0,
                };
                self.tags = Some(OpenCall { tags, name: name.to_owned(), members: Vec::new(), json: None });
                return Ok(BlockProgress::Inside);
            }
            MarkupItem::DeepSeek => self.deepseek(cursor)?,
            MarkupItem::Kimi => {
                cursor.expect("<|tool_call_begin|>")?;
                let id = cursor.name("<|tool_call_argument_begin|>")?;
                cursor.space()?;
                let json = cursor.json(&mut self.long)?;
                cursor.space()?;
                cursor.literal("<|tool_call_end|>")?;
                (kimi_name(id), json)
            }
            MarkupItem::Mistral => {
                let name = cursor.word()?;
                if cursor.literal("[CALL_ID]")? {
                    cursor.word()?;
                }
                cursor.literal("[ARGS]")?;
                cursor.space()?;
                (name, cursor.json(&mut self.long)?)
            }
            MarkupItem::Harmony => {
                let name = cursor.word()?;
                cursor.name("<|message|>")?;
                cursor.space()?;
                let json = cursor.json(&mut self.long)?;
                cursor.literal("<|call|>")?;
                (name, json)
            }
        };
        self.call(name.to_owned(), json);
        Ok(BlockProgress::Item)
    }

    fn deepseek<'a>(&mut self, cursor: &mut Cursor<'a>) -> ParseResult<(&'a str, &'a str)> {
        cursor.expect("<｜tool▁call▁begin｜>")?;
        let before = cursor.name("<｜tool▁sep｜>")?;
        let plain = cursor.next()? == b'{';
        let name = if plain { before } else { cursor.name("\n")? };
        if !plain {
            cursor.space()?;
            cursor.expect("```json")?;
            cursor.space()?;
        }
        let json = cursor.json(&mut self.long)?;
        cursor.space()?;
        if !plain {
            cursor.expect("```")?;
            cursor.space()?;
        }
        // Some answers leave this one out.
        cursor.literal("<｜tool▁call▁end｜>")?;
        Ok((name, json))
    }

    /// Reads a parameter of a call in tags, or its end.
    fn member(&mut self, mut open: OpenCall, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let read = self.read_member(&mut open, cursor);
        match read {
            Ok(BlockProgress::Inside) | Err(ErrMode::More) => self.tags = Some(open),
            Ok(_) => {
                let arguments = open.json.unwrap_or_else(|| arguments::object(&open.members));
                self.call(open.name, &arguments);
            }
            Err(ErrMode::No) => {}
        }
        read
    }

    fn read_member(&mut self, open: &mut OpenCall, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let tags = open.tags;
        // Llama writes JSON where others write parameters.
        if open.members.is_empty() && cursor.next()? == b'{' {
            let json = cursor.json(&mut self.long)?;
            cursor.space()?;
            cursor.expect(tags.end)?;
            open.json = Some(json.to_owned());
            return Ok(if tags.ends_block { BlockProgress::Closed } else { BlockProgress::Item });
        }
        match cursor.any(&[tags.key, tags.end])? {
            Some(0) => {
                let (key, is_string) = arguments::attribute(cursor.name(tags.key_end)?);
                if !tags.value.is_empty() {
                    cursor.space()?;
                    cursor.expect(tags.value)?;
                }
                let value = cursor.value(tags.value_end, &mut self.long)?;
                open.members.push((key.to_owned(), arguments::value(value, is_string)));
                Ok(BlockProgress::Inside)
            }
            Some(_) if tags.ends_block => Ok(BlockProgress::Closed),
            Some(_) => Ok(BlockProgress::Item),
            None => Err(ErrMode::No),
        }
    }

    fn call(&mut self, name: String, json: &str) {
        match arguments::arguments(json) {
            Some(arguments) => self.calls.push((name, arguments)),
            None => self.void = true,
        }
    }
}

/// The name in `functions.name:0`.
fn kimi_name(id: &str) -> &str {
    let id = id.strip_prefix("functions.").unwrap_or(id);
    match id.rsplit_once(':') {
        Some((name, index)) if index.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => id,
    }
}
