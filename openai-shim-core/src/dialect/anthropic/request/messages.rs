//! The messages of another dialect as this one's turns: results stand right behind their calls, roles alternate, and
//! nothing is empty.

use super::super::{NAME, content_block};
use super::message_content::{Piece, Said};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Role};
use crate::json::encode_string;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// One turn while it is put together.
#[derive(Default)]
struct RoleGroup<'m> {
    assistant: bool,
    /// What is said.
    blocks: Said<'m>,
    /// Of turns in which tools are called or answer, which are few.
    tools: Option<Box<ToolBlocks<'m>>>,
}

/// What tools have to do with a turn.
#[derive(Default)]
struct ToolBlocks<'m> {
    /// Results, each by the id of its call, until they find it.
    results: Vec<(String, &'m Block, String)>,
    /// The ids of the calls.
    calls: Vec<String>,
}

impl<'m> RoleGroup<'m> {
    fn tools(&mut self) -> &mut ToolBlocks<'m> {
        self.tools.get_or_insert_default()
    }

    /// What the user says.
    fn of_user(blocks: Said<'m>) -> Self {
        Self { blocks, ..Self::default() }
    }
}

/// Writes the system prompt and the messages.
pub(super) fn write(messages: &[Message], diagnostics: &mut Diagnostics) -> (Option<String>, String) {
    let (mut turns, mut system) = gather(messages, diagnostics);
    if turns.iter().any(|turn| turn.tools.is_some()) {
        join(&mut turns, diagnostics);
    }
    alternate(&mut turns);
    trim_prefill(&mut turns, diagnostics);
    turns.retain(|turn| !turn.blocks.is_empty());
    if turns.is_empty() && !system.is_empty() {
        diagnostics.record(
            DiagnosticCode::RoleDemoted,
            "messages[0].role",
            "system to user: there is no other message",
        );
        turns.push(RoleGroup::of_user(std::mem::take(&mut system)));
    }
    if turns.is_empty() {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "messages",
            "a conversation in which nothing is said",
        );
    }
    // Most turns are one text. The list is made as long as it will be: one that grows is there twice.
    let size =
        turns.iter().map(|turn| turn.blocks.size() + if turn.assistant { 33 } else { 28 }).sum::<usize>();
    let mut list = String::with_capacity(size + 2);
    list.push('[');
    // Each turn is freed once it is written.
    for turn in turns {
        let role = if turn.assistant { "assistant" } else { "user" };
        let comma = if list.len() > 1 { "," } else { "" };
        list.extend([comma, r#"{"role":""#, role, r#"","content":"#, &turn.blocks.content(), "}"]);
    }
    list.push(']');
    ((!system.is_empty()).then(|| system.content()), list)
}

/// Turns without a word are left out; what then stands side by side is one turn.
fn alternate(turns: &mut Vec<RoleGroup<'_>>) {
    turns.retain(|turn| !turn.blocks.is_empty());
    turns.dedup_by(|turn, last| {
        let joins = turn.assistant == last.assistant;
        if joins {
            last.blocks.append(std::mem::take(&mut turn.blocks));
        }
        joins
    });
}

/// Messages of one role that follow one another are one turn; system messages go to the front.
fn gather<'m>(messages: &'m [Message], diagnostics: &mut Diagnostics) -> (Vec<RoleGroup<'m>>, Said<'m>) {
    let (mut turns, mut system) = (Vec::with_capacity(messages.len()), Said::default());
    let mut ids = CallIdWriter::default();
    let (mut merged, mut last) = (false, None);
    for (i, message) in messages.iter().enumerate() {
        let at = format!("messages[{i}].content");
        if message.name.is_some() && message.role != Role::Tool {
            diagnostics.record(DiagnosticCode::ExtraDropped, &format!("messages[{i}].name"), "");
        }
        for key in message.extra.dropped_keys(NAME).filter(|key| !key.starts_with("reasoning")) {
            diagnostics.record(DiagnosticCode::ExtraDropped, &format!("messages[{i}].{key}"), "");
        }
        if matches!(message.role, Role::System | Role::Developer) {
            if !turns.is_empty() {
                diagnostics.record(
                    DiagnosticCode::MessagesMerged,
                    "messages",
                    "a system message in the middle went to the front",
                );
            }
            for block in &message.blocks {
                match block {
                    Block::Text { .. } => say(block, &at, &mut system, diagnostics),
                    _ => diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        &at,
                        "a system message that is more than text",
                    ),
                }
            }
            continue;
        }
        let assistant = message.role == Role::Assistant;
        if turns.last().is_none_or(|turn: &RoleGroup<'_>| turn.assistant != assistant) {
            turns.push(RoleGroup { assistant, ..RoleGroup::default() });
        } else {
            merged |= last == Some(message.role) && message.role != Role::Tool;
        }
        last = Some(message.role);
        let Some(turn) = turns.last_mut() else { continue };
        for block in &message.blocks {
            match block {
                Block::ToolResult { id, .. } => {
                    turn.tools().results.push((ids.result(id), block, at.clone()));
                }
                Block::ToolCall { id, name, arguments, signature, extra } => {
                    let id = ids.call(id, &at, diagnostics);
                    if signature.is_some() {
                        diagnostics.record(DiagnosticCode::ExtraDropped, &at, "the signature of a call");
                    }
                    content_block::note_lost(extra, &at, diagnostics);
                    let input = content_block::input(arguments, &at, diagnostics);
                    turn.blocks.push(Piece::Json(content_block::tool_use(&id, name, &input, extra)));
                    turn.tools().calls.push(id);
                }
                _ => say(block, &at, &mut turn.blocks, diagnostics),
            }
        }
    }
    if merged {
        diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "adjacent messages of one role");
    }
    (turns, system)
}

/// Says a block; the API refuses empty text.
fn say<'m>(block: &'m Block, at: &str, out: &mut Said<'m>, diagnostics: &mut Diagnostics) {
    let plain = match block {
        Block::Text { text, extra } if content_block::own(extra).next().is_none() => {
            Some((text, Some(extra)))
        }
        Block::Refusal(text) => Some((text, None)),
        _ => None,
    };
    match plain {
        Some((text, _)) if text.is_empty() => {}
        Some((text, extra)) => {
            if let Some(extra) = extra {
                content_block::note_lost(extra, at, diagnostics);
            }
            out.push(Piece::Words(text));
        }
        None => {
            if let Some(json) = content_block::write(block, at, diagnostics) {
                out.push(Piece::Json(json));
            }
        }
    }
}

/// Gives every call its result, in the turn right behind it, before all else that is said there.
fn join(turns: &mut Vec<RoleGroup<'_>>, diagnostics: &mut Diagnostics) {
    let mut results = Results::take(turns);
    let mut calls: Vec<String> = Vec::new();
    let mut numbers = Vec::with_capacity(turns.len());
    let mut joined = Vec::with_capacity(turns.len());
    for (at, mut turn) in std::mem::take(turns).into_iter().enumerate() {
        let waiting = std::mem::take(&mut calls);
        if turn.assistant && !waiting.is_empty() {
            joined.push(RoleGroup::of_user(results.answer(&waiting, at, false, diagnostics)));
        } else if !waiting.is_empty() {
            let mut blocks = results.answer(&waiting, at, true, diagnostics);
            blocks.append(std::mem::take(&mut turn.blocks));
            turn.blocks = blocks;
        }
        calls = turn.tools.take().map(|tools| tools.calls).unwrap_or_default();
        numbers.push(joined.len());
        joined.push(turn);
    }
    if !calls.is_empty() {
        let blocks = results.answer(&calls, usize::MAX, false, diagnostics);
        joined.push(RoleGroup::of_user(blocks));
    }
    *turns = joined;
    for (number, rest) in numbers.into_iter().zip(results.turns) {
        let Some(turn) = turns.get_mut(number) else { continue };
        for (result, at) in rest.into_iter().flatten() {
            let Block::ToolResult { blocks, .. } = result else { continue };
            diagnostics.record(
                DiagnosticCode::ContentRewritten,
                &at,
                "the result of a call that is not there, as what the user says",
            );
            for block in blocks {
                say(block, &at, &mut turn.blocks, diagnostics);
            }
        }
    }
}

/// The results of a conversation until their calls claim them.
struct Results<'m> {
    /// Those of each turn, and where each stands in its payload.
    turns: Vec<Vec<Option<(&'m Block, String)>>>,
    /// The turns and places of the results of each call, in order.
    places: BTreeMap<String, VecDeque<(usize, usize)>>,
}

impl<'m> Results<'m> {
    /// Takes the results out of their turns.
    fn take(turns: &mut [RoleGroup<'m>]) -> Self {
        let mut results = Self { turns: Vec::with_capacity(turns.len()), places: BTreeMap::new() };
        for (number, turn) in turns.iter_mut().enumerate() {
            let found =
                turn.tools.as_mut().map(|tools| std::mem::take(&mut tools.results)).unwrap_or_default();
            let mut own = Vec::with_capacity(found.len());
            for (id, result, at) in found {
                results.places.entry(id).or_default().push_back((number, own.len()));
                own.push(Some((result, at)));
            }
            results.turns.push(own);
        }
        results
    }

    /// The results of calls, for the turn behind these. `from` is the number of the first turn whose results they may be;
    /// `own`: that turn is the one behind them.
    fn answer(
        &mut self,
        calls: &[String],
        from: usize,
        own: bool,
        diagnostics: &mut Diagnostics,
    ) -> Said<'m> {
        let mut said = Said::default();
        for id in calls {
            said.push(Piece::Json(self.take_result(id, from, own, diagnostics)));
        }
        said
    }

    /// The result of a call, from the turn behind it or a later one; one that says that there is none, if there is none.
    fn take_result(&mut self, id: &str, from: usize, own: bool, diagnostics: &mut Diagnostics) -> String {
        while let Some((turn, place)) = self.places.get_mut(id).and_then(VecDeque::pop_front) {
            if turn < from {
                continue;
            }
            let found = self.turns.get_mut(turn).and_then(|results| results.get_mut(place));
            let Some((result, at)) = found.and_then(Option::take) else { continue };
            if !own || turn > from {
                diagnostics.record(
                    DiagnosticCode::MessagesMerged,
                    "messages",
                    "a tool's result was put behind its call",
                );
            }
            if let Block::ToolResult { blocks, is_error, extra, .. } = result {
                let blocks: Vec<Block> = blocks.iter().filter(|b| b.as_text() != Some("")).cloned().collect();
                let result = Block::ToolResult {
                    id: id.to_owned(),
                    blocks,
                    is_error: *is_error,
                    extra: extra.clone(),
                };
                if let Some(json) = content_block::write(&result, &at, diagnostics) {
                    return json;
                }
            }
        }
        diagnostics.record(
            DiagnosticCode::FieldFilled,
            "messages",
            "the missing result of a tool call, as an error",
        );
        let none = "There is no result of this call.";
        format!(
            r#"{{"type":"tool_result","tool_use_id":{},"content":"{none}","is_error":true}}"#,
            encode_string(id)
        )
    }
}

/// An answer that was begun may not end in white space.
fn trim_prefill(turns: &mut [RoleGroup<'_>], diagnostics: &mut Diagnostics) {
    let Some(last) = turns.last_mut().filter(|turn| turn.assistant) else { return };
    let Some(Piece::Words(text)) = last.blocks.last() else { return };
    let trimmed = text.trim_end();
    if trimmed.len() == text.len() {
        return;
    }
    diagnostics.record(
        DiagnosticCode::ContentRewritten,
        "messages",
        "white space at the end of the begun answer",
    );
    let trimmed = (!trimmed.is_empty()).then(|| Piece::Trimmed(Box::new(trimmed.into())));
    last.blocks.pop();
    if let Some(trimmed) = trimmed {
        last.blocks.push(trimmed);
    }
}

/// Whether the calls that wait for an answer came without the thinking that led to them.
pub(super) fn calls_without_thinking(messages: &[Message]) -> bool {
    let last = messages.iter().rev().take_while(|m| m.role != Role::User || only_results(m));
    let (mut calls, mut thinks) = (false, false);
    for block in last.filter(|m| m.role == Role::Assistant).flat_map(|m| &m.blocks) {
        calls |= matches!(block, Block::ToolCall { .. });
        thinks |= matches!(block, Block::Reasoning { signature: Some(_), .. });
    }
    calls && !thinks
}

fn only_results(message: &Message) -> bool {
    message.blocks.iter().all(|block| matches!(block, Block::ToolResult { .. }))
}

/// Ids of calls, as the API takes them: letters, digits, `_` and `-`.
#[derive(Default)]
struct CallIdWriter {
    /// Calls without an id that wait for results without one.
    nameless: VecDeque<String>,
    count: usize,
}

impl CallIdWriter {
    fn call(&mut self, id: &str, at: &str, diagnostics: &mut Diagnostics) -> String {
        if id.is_empty() {
            self.count += 1;
            let id = format!("toolu_{}", self.count);
            diagnostics.record(DiagnosticCode::ToolIdSynthesized, at, "");
            self.nameless.push_back(id.clone());
            return id;
        }
        match clean(id) {
            Cow::Borrowed(id) => id.to_owned(),
            Cow::Owned(clean) => {
                diagnostics.record(
                    DiagnosticCode::ContentRewritten,
                    at,
                    "signs in a tool call's id that the API does not take",
                );
                clean
            }
        }
    }

    fn result(&mut self, id: &str) -> String {
        if id.is_empty() { self.nameless.pop_front().unwrap_or_default() } else { clean(id).into_owned() }
    }
}

fn clean(id: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(fits) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|c| if fits(c) { c } else { '_' }).collect())
}
