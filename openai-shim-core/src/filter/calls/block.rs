//! One block of markup, read while it comes.

use super::cursor::{Cursor, Long, Step, Stop};
use super::markup::{Item, Markup, Tags};
use super::values::{self, Call};

/// What is known of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go on.
    More,
    /// It is whole, and ends here.
    Done(usize),
    /// It is none; it was well-formed up to here.
    No(usize),
}

/// Where a block is. What was read is never read again.
#[derive(Debug)]
pub(super) struct Block {
    markup: &'static Markup,
    at: usize,
    /// Where the last item ended.
    end: usize,
    calls: Vec<Call>,
    /// The form is right, but something in it is no call.
    void: bool,
    /// The call in tags that is open.
    tags: Option<Open>,
    long: Long,
}

#[derive(Debug)]
struct Open {
    tags: &'static Tags,
    name: String,
    members: Vec<(String, String)>,
    /// All of them as one object, in its own text.
    json: Option<String>,
}

/// What a step of a block led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Item,
    Inside,
    Closed,
}

impl Block {
    pub(super) fn new(markup: &'static Markup) -> Self {
        // A bare `<function=` is the head of its own first item.
        let own =
            markup.items.iter().any(|item| matches!(item, Item::Tags(tags) if tags.head == markup.opener));
        let at = if own { 0 } else { markup.opener.len() };
        Self { markup, at, end: 0, calls: Vec::new(), void: false, tags: None, long: Long::default() }
    }

    /// How far it was read.
    pub(super) fn reach(&self) -> usize {
        self.at.max(self.long.seen)
    }

    /// The calls of a whole block; `None` if they are not all calls of these tools.
    pub(super) fn into_calls(self, tools: &[String]) -> Option<Vec<Call>> {
        let ours = !self.void && self.calls.iter().all(|(name, _)| tools.contains(name));
        (ours && !self.calls.is_empty()).then_some(self.calls)
    }

    /// Reads on in the block's text so far. `over`: nothing will follow.
    pub(super) fn step(&mut self, text: &str, over: bool) -> Verdict {
        loop {
            let mut cursor = Cursor { text, at: self.at, over };
            cursor.skip();
            self.at = cursor.at;
            let flow = match self.tags.take() {
                Some(open) => self.member(open, &mut cursor),
                None if self.end > 0 && over && cursor.rest().is_empty() => return Verdict::Done(self.at),
                None => self.item(&mut cursor),
            };
            match flow {
                Ok(flow) => {
                    self.at = cursor.at;
                    if flow == Flow::Closed {
                        return Verdict::Done(self.at);
                    }
                    if flow == Flow::Item {
                        self.end = self.at;
                        if self.markup.single {
                            return Verdict::Done(self.end);
                        }
                    }
                }
                Err(Stop::More) => return Verdict::More,
                // What follows whole items is no concern of theirs.
                Err(Stop::No) if self.end > 0 && self.markup.open => return Verdict::Done(self.end),
                Err(Stop::No) => return Verdict::No(self.reach()),
            }
        }
    }

    /// Reads an item, or what closes the block.
    fn item(&mut self, cursor: &mut Cursor<'_>) -> Step<Flow> {
        let mut open = false;
        match cursor.any(self.markup.closers) {
            Ok(Some(_)) if self.end > 0 => return Ok(Flow::Closed),
            Ok(Some(_)) => return Err(Stop::No),
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
                Err(Stop::No) if self.long.seen <= start && self.tags.is_none() => cursor.at = start,
                Err(Stop::More) if self.long.seen <= start => {
                    open = true;
                    cursor.at = start;
                }
                flow => return flow,
            }
        }
        Err(if open { Stop::More } else { Stop::No })
    }

    fn read(&mut self, item: Item, cursor: &mut Cursor<'_>) -> Step<Flow> {
        let (name, json) = match item {
            Item::Json => {
                let json = cursor.json(&mut self.long)?;
                self.void |= !values::calls(json, &mut self.calls);
                return Ok(Flow::Item);
            }
            Item::Tags(tags) => {
                cursor.expect(tags.head)?;
                let name = match tags.head {
                    "" => cursor.word()?,
                    _ => values::attribute(cursor.name(">")?).0,
                };
                self.tags = Some(Open { tags, name: name.to_owned(), members: Vec::new(), json: None });
                return Ok(Flow::Inside);
            }
            Item::DeepSeek => self.deepseek(cursor)?,
            Item::Kimi => {
                cursor.expect("<|tool_call_begin|>")?;
                let id = cursor.name("<|tool_call_argument_begin|>")?;
                cursor.space()?;
                let json = cursor.json(&mut self.long)?;
                cursor.space()?;
                cursor.literal("<|tool_call_end|>")?;
                (kimi_name(id), json)
            }
            Item::Mistral => {
                let name = cursor.word()?;
                if cursor.literal("[CALL_ID]")? {
                    cursor.word()?;
                }
                cursor.literal("[ARGS]")?;
                cursor.space()?;
                (name, cursor.json(&mut self.long)?)
            }
            Item::Harmony => {
                let name = cursor.word()?;
                cursor.name("<|message|>")?;
                cursor.space()?;
                let json = cursor.json(&mut self.long)?;
                cursor.literal("<|call|>")?;
                (name, json)
            }
        };
        self.call(name.to_owned(), json);
        Ok(Flow::Item)
    }

    fn deepseek<'a>(&mut self, cursor: &mut Cursor<'a>) -> Step<(&'a str, &'a str)> {
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
    fn member(&mut self, mut open: Open, cursor: &mut Cursor<'_>) -> Step<Flow> {
        let read = self.read_member(&mut open, cursor);
        match read {
            Ok(Flow::Inside) | Err(Stop::More) => self.tags = Some(open),
            Ok(_) => {
                let arguments = open.json.unwrap_or_else(|| values::object(&open.members));
                self.call(open.name, &arguments);
            }
            Err(Stop::No) => {}
        }
        read
    }

    fn read_member(&mut self, open: &mut Open, cursor: &mut Cursor<'_>) -> Step<Flow> {
        let tags = open.tags;
        // Llama writes JSON where others write parameters.
        if open.members.is_empty() && cursor.next()? == b'{' {
            let json = cursor.json(&mut self.long)?;
            cursor.space()?;
            cursor.expect(tags.end)?;
            open.json = Some(json.to_owned());
            return Ok(if tags.ends_block { Flow::Closed } else { Flow::Item });
        }
        match cursor.any(&[tags.key, tags.end])? {
            Some(0) => {
                let (key, is_string) = values::attribute(cursor.name(tags.key_end)?);
                if !tags.value.is_empty() {
                    cursor.space()?;
                    cursor.expect(tags.value)?;
                }
                let value = cursor.value(tags.value_end, &mut self.long)?;
                open.members.push((key.to_owned(), values::value(value, is_string)));
                Ok(Flow::Inside)
            }
            Some(_) if tags.ends_block => Ok(Flow::Closed),
            Some(_) => Ok(Flow::Item),
            None => Err(Stop::No),
        }
    }

    fn call(&mut self, name: String, json: &str) {
        match values::arguments(json) {
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
