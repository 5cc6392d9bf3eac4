//! Text of one block of tool-call markup, as it arrives, to tool calls.

use super::arguments::{self, NamedArguments};
use super::cursor::{Cursor, ErrMode, ParseResult, ResumableScan};
use super::markup_table::{BlockEnd, CallTags, Markup, MarkupItem};

/// The result of reading a block so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockStatus {
    /// More text is needed.
    Incomplete,
    /// The block is complete and ends at this index.
    Complete(usize),
    /// The text is not a block; it was well-formed up to this index.
    Invalid(usize),
}

/// A block of markup. No text is read twice.
#[derive(Debug)]
pub(super) struct MarkupBlock {
    markup: &'static Markup,
    at: usize,
    /// The end of the last item.
    items_end: Option<usize>,
    calls: Vec<NamedArguments>,
    /// An item is well-formed markup but not a call.
    has_invalid_call: bool,
    open_call: Option<OpenCall>,
    scan: ResumableScan,
}

/// A call in tags whose end was not read.
#[derive(Debug)]
struct OpenCall {
    tags: &'static CallTags,
    name: String,
    arguments: CallArguments,
}

#[derive(Debug)]
enum CallArguments {
    /// Parameters in tags: name and JSON value.
    Params(Vec<(String, String)>),
    /// One JSON text.
    Json(String),
}

/// What one step has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockProgress {
    /// A whole item.
    Item,
    /// A part of a call in tags.
    CallPart,
    /// The end of the block.
    Closer,
}

impl MarkupBlock {
    pub(super) fn new(markup: &'static Markup) -> Self {
        // `<function=` without a tag around it is the opener and also the beginning of the first item.
        let is_opener_in_item = markup
            .items
            .iter()
            .any(|item| matches!(item, MarkupItem::Tags(tags) if tags.name_prefix == markup.opener));
        Self {
            markup,
            at: if is_opener_in_item { 0 } else { markup.opener.len() },
            items_end: None,
            calls: Vec::new(),
            has_invalid_call: false,
            open_call: None,
            scan: ResumableScan::default(),
        }
    }

    /// The end of the text that was read.
    pub(super) fn scanned(&self) -> usize {
        self.at.max(self.scan.scanned)
    }

    /// Returns the calls of a complete block; `None` if not all of its items are calls of `tools`.
    pub(super) fn into_calls(self, tools: &[String]) -> Option<Vec<NamedArguments>> {
        let is_valid = !self.has_invalid_call && self.calls.iter().all(|call| tools.contains(&call.name));
        (is_valid && !self.calls.is_empty()).then_some(self.calls)
    }

    /// Reads the block's text so far.
    pub(super) fn advance(&mut self, text: &str, is_final: bool) -> BlockStatus {
        loop {
            let mut cursor = Cursor { text, at: self.at, is_final };
            cursor.skip_space();
            self.at = cursor.at;
            let progress = match self.open_call.take() {
                Some(call) => self.continue_call(call, &mut cursor),
                None if self.items_end.is_some() && is_final && cursor.remaining().is_empty() => {
                    return BlockStatus::Complete(self.at);
                }
                None => self.read_item_or_closer(&mut cursor),
            };
            match progress {
                Ok(progress) => {
                    self.at = cursor.at;
                    if progress == BlockProgress::Closer {
                        return BlockStatus::Complete(self.at);
                    }
                    if progress == BlockProgress::Item {
                        self.items_end = Some(self.at);
                        if matches!(self.markup.end, BlockEnd::FirstItem) {
                            return BlockStatus::Complete(self.at);
                        }
                    }
                }
                Err(ErrMode::Incomplete) => return BlockStatus::Incomplete,
                Err(ErrMode::Backtrack) => {
                    // If the closer is optional, the block ends after its last item, whatever text follows.
                    return match (self.items_end, self.markup.end) {
                        (Some(end), BlockEnd::OptionalCloser(_)) => BlockStatus::Complete(end),
                        _ => BlockStatus::Invalid(self.scanned()),
                    };
                }
            }
        }
    }

    /// Reads the next item, or the end of the block.
    fn read_item_or_closer(&mut self, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let mut is_incomplete = false;
        match cursor.consume_any(self.markup.end.closers()) {
            Ok(Some(_)) if self.items_end.is_some() => return Ok(BlockProgress::Closer),
            Ok(Some(_)) => return Err(ErrMode::Backtrack),
            Ok(None) => {}
            Err(_) => is_incomplete = true,
        }
        if self.items_end.is_some() && matches!(cursor.peek_byte(), Ok(b';' | b',')) {
            cursor.at += 1;
            cursor.skip_short_space()?;
        }
        let start = cursor.at;
        for item in self.markup.items {
            match self.read_item(*item, cursor) {
                Err(ErrMode::Backtrack) if self.scan.scanned <= start && self.open_call.is_none() => {
                    cursor.at = start;
                }
                Err(ErrMode::Incomplete) if self.scan.scanned <= start => {
                    is_incomplete = true;
                    cursor.at = start;
                }
                progress => return progress,
            }
        }
        Err(if is_incomplete { ErrMode::Incomplete } else { ErrMode::Backtrack })
    }

    fn read_item(&mut self, item: MarkupItem, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let (name, json) = match item {
            MarkupItem::Json => {
                let json = cursor.take_json(&mut self.scan)?;
                self.has_invalid_call |= !arguments::decode_calls(json, &mut self.calls);
                return Ok(BlockProgress::Item);
            }
            MarkupItem::Tags(tags) => {
                cursor.expect(tags.name_prefix)?;
                let name = match tags.name_prefix {
                    "" => cursor.take_bare_name()?,
                    _ => arguments::parse_tag_name(cursor.take_name(">")?).name,
                };
                let arguments = CallArguments::Params(Vec::new());
                self.open_call = Some(OpenCall { tags, name: name.to_owned(), arguments });
                return Ok(BlockProgress::CallPart);
            }
            MarkupItem::DeepSeek => self.read_deepseek(cursor)?,
            MarkupItem::Kimi => {
                cursor.expect("<|tool_call_begin|>")?;
                let id = cursor.take_name("<|tool_call_argument_begin|>")?;
                cursor.skip_short_space()?;
                let json = cursor.take_json(&mut self.scan)?;
                cursor.skip_short_space()?;
                cursor.consume("<|tool_call_end|>")?;
                (name_in_kimi_id(id), json)
            }
            MarkupItem::Mistral => {
                let name = cursor.take_bare_name()?;
                if cursor.consume("[CALL_ID]")? {
                    cursor.take_bare_name()?;
                }
                cursor.consume("[ARGS]")?;
                cursor.skip_short_space()?;
                (name, cursor.take_json(&mut self.scan)?)
            }
            MarkupItem::Harmony => {
                let name = cursor.take_bare_name()?;
                cursor.take_name("<|message|>")?;
                cursor.skip_short_space()?;
                let json = cursor.take_json(&mut self.scan)?;
                cursor.consume("<|call|>")?;
                (name, json)
            }
        };
        self.push_call(name.to_owned(), json);
        Ok(BlockProgress::Item)
    }

    /// Reads a DeepSeek call; returns its name and JSON arguments.
    fn read_deepseek<'a>(&mut self, cursor: &mut Cursor<'a>) -> ParseResult<(&'a str, &'a str)> {
        cursor.expect("<｜tool▁call▁begin｜>")?;
        let before_separator = cursor.take_name("<｜tool▁sep｜>")?;
        let is_fenced = cursor.peek_byte()? != b'{';
        let name = if is_fenced { cursor.take_name("\n")? } else { before_separator };
        if is_fenced {
            cursor.skip_short_space()?;
            cursor.expect("```json")?;
            cursor.skip_short_space()?;
        }
        let json = cursor.take_json(&mut self.scan)?;
        cursor.skip_short_space()?;
        if is_fenced {
            cursor.expect("```")?;
            cursor.skip_short_space()?;
        }
        // Some responses omit this tag.
        cursor.consume("<｜tool▁call▁end｜>")?;
        Ok((name, json))
    }

    /// Reads the next part of a call in tags; records the call at its end.
    fn continue_call(&mut self, mut call: OpenCall, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let progress = self.read_call_part(&mut call, cursor);
        match progress {
            Ok(BlockProgress::CallPart) | Err(ErrMode::Incomplete) => self.open_call = Some(call),
            Ok(BlockProgress::Item | BlockProgress::Closer) => {
                let json = match call.arguments {
                    CallArguments::Params(params) => arguments::encode_params(&params),
                    CallArguments::Json(json) => json,
                };
                self.push_call(call.name, &json);
            }
            Err(ErrMode::Backtrack) => {}
        }
        progress
    }

    /// Reads a parameter, the JSON arguments, or the end of the call.
    fn read_call_part(&mut self, call: &mut OpenCall, cursor: &mut Cursor<'_>) -> ParseResult<BlockProgress> {
        let tags = call.tags;
        let end = if tags.ends_block { BlockProgress::Closer } else { BlockProgress::Item };
        let CallArguments::Params(params) = &mut call.arguments else { return Err(ErrMode::Backtrack) };
        // Llama writes JSON in place of parameters.
        if params.is_empty() && cursor.peek_byte()? == b'{' {
            let json = cursor.take_json(&mut self.scan)?;
            cursor.skip_short_space()?;
            cursor.expect(tags.call_end)?;
            call.arguments = CallArguments::Json(json.to_owned());
            return Ok(end);
        }
        match cursor.consume_any(&[tags.param_prefix, tags.call_end])? {
            Some(0) => {
                let tag_name = arguments::parse_tag_name(cursor.take_name(tags.param_name_suffix)?);
                if !tags.value_prefix.is_empty() {
                    cursor.skip_short_space()?;
                    cursor.expect(tags.value_prefix)?;
                }
                let value = cursor.take_until(tags.value_suffix, &mut self.scan)?;
                params.push((tag_name.name.to_owned(), arguments::encode_param(value, tag_name.is_string)));
                Ok(BlockProgress::CallPart)
            }
            Some(_) => Ok(end),
            None => Err(ErrMode::Backtrack),
        }
    }

    fn push_call(&mut self, name: String, json: &str) {
        match arguments::decode_arguments(json) {
            Some(arguments) => self.calls.push(NamedArguments { name, arguments }),
            None => self.has_invalid_call = true,
        }
    }
}

/// Returns the name in an id of the form `functions.name:0`.
fn name_in_kimi_id(id: &str) -> &str {
    let id = id.strip_prefix("functions.").unwrap_or(id);
    match id.rsplit_once(':') {
        Some((name, index)) if index.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => id,
    }
}
