//! Tool calls and their results: each call has one result where the upstream accepts it, and each result its call.
//!
//! Results are put directly behind the message with their calls, in the order of the calls; everything else that stood between
//! follows them. A call without a result gets one that states so. A result without a call becomes text of the user in its place.
//! Turns in which nothing is wrong keep their messages, whatever is wrong elsewhere.

mod matching;

use super::recipient::Recipient;
use crate::accepts::ToolPairing;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role, forget_written_content,
    result_name, set_result_name,
};
use matching::Matching;

/// The result of a call that has none.
const NO_RESULT: &str = "There is no result of this call.";

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rule = recipient.accepts.messages.tool_pairing;
    // Encoders of the other dialects put the results of one turn into one message.
    let in_one_message = rule == ToolPairing::Together && recipient.is_own(request.extra.dialect);
    if rule == ToolPairing::Any || is_paired(&request.messages, in_one_message) {
        return;
    }
    // Calls and results may be in what the upstream stores.
    if request.continues_stored {
        return;
    }
    let matching = Matching::of(&request.messages);
    if rule == ToolPairing::Later && is_complete(&matching) {
        return;
    }
    let plan = Plan::new(&request.messages, &matching, in_one_message, diagnostics);
    let messages = request.messages.edit();
    *messages = plan.rebuild(std::mem::take(messages));
    if messages.is_empty() {
        messages.push(Message::text(Role::User, ""));
    }
}

/// Whether each turn with calls is followed directly by their results, and no result stands elsewhere.
fn is_paired(messages: &[Message], in_one_message: bool) -> bool {
    let mut at = 0;
    while let Some(message) = messages.get(at) {
        match results_of_turn(messages, at, in_one_message) {
            Some(results) => at += 1 + results,
            None => return false,
        }
        if !has_calls(message) && has_results(message) {
            return false;
        }
    }
    true
}

/// The number of messages behind message `at` that hold exactly the results of its calls; `None` if there are no such
/// messages. 0 for a message without calls.
fn results_of_turn(messages: &[Message], at: usize, in_one_message: bool) -> Option<usize> {
    let (message, following) = (messages.get(at)?, messages.get(at + 1..).unwrap_or_default());
    if !has_calls(message) {
        return Some(0);
    }
    if has_results(message) {
        return None;
    }
    let mut count = 0;
    for message in following.iter().take_while(|message| has_results(message)) {
        count += 1;
        let others = message.blocks.iter().skip_while(|block| is_result(block));
        if others.clone().any(is_result) || !is_result(message.blocks.first()?) {
            return None;
        }
        // Content behind the results ends them.
        if others.count() > 0 || has_calls(message) {
            break;
        }
    }
    let results = following.get(..count)?.iter().flat_map(|message| &message.blocks).filter_map(result_id);
    let calls = message.blocks.iter().filter_map(call_id);
    let is_same = calls.clone().all(|id| !id.is_empty())
        && (calls.clone().eq(results.clone()) || {
            let (mut calls, mut results): (Vec<_>, Vec<_>) = (calls.collect(), results.collect());
            calls.sort_unstable();
            results.sort_unstable();
            calls == results
        });
    (is_same && !(in_one_message && count > 1)).then_some(count)
}

fn call_id(block: &Block) -> Option<&str> {
    match block {
        Block::ToolCall { id, .. } => Some(id),
        _ => None,
    }
}

fn result_id(block: &Block) -> Option<&str> {
    match block {
        Block::ToolResult { id, .. } => Some(id),
        _ => None,
    }
}

fn is_result(block: &Block) -> bool {
    matches!(block, Block::ToolResult { .. })
}

fn has_calls(message: &Message) -> bool {
    message.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. }))
}

fn has_results(message: &Message) -> bool {
    message.blocks.iter().any(is_result)
}

/// Whether each call has one result behind it, with its id, and each result a call.
fn is_complete(matching: &Matching<'_>) -> bool {
    matching.results.iter().all(|result| result.call.is_some())
        && matching.calls.iter().all(|call| match call.results.as_slice() {
            [result] => matching
                .results
                .get(*result)
                .is_some_and(|result| result.id == call.id && result.message > call.message),
            _ => false,
        })
}

/// What happens to the calls and results of a conversation.
struct Plan {
    /// Which messages stay as they are, with all their calls and results.
    is_kept: Vec<bool>,
    /// The calls of the other messages, in order.
    calls: Vec<PlannedCall>,
    /// The number of the call of each result in the other messages, in order; `None`: it becomes text.
    results: Vec<Option<usize>>,
}

struct PlannedCall {
    message: usize,
    id: String,
    name: String,
    results: Vec<Message>,
}

impl Plan {
    fn new(
        messages: &[Message],
        matching: &Matching<'_>,
        in_one_message: bool,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let is_kept = kept_messages(messages, matching, in_one_message);
        let is_planned = |message: usize| !is_kept.get(message).copied().unwrap_or(false);
        let mut numbers = vec![None; matching.calls.len()];
        let mut calls = Vec::new();
        for (number, call) in matching.calls.iter().enumerate().filter(|(_, call)| is_planned(call.message)) {
            if let Some(slot) = numbers.get_mut(number) {
                *slot = Some(calls.len());
            }
            if call.results.is_empty() {
                let path = format!("messages[{}]", call.message);
                diagnostics.record(DiagnosticCode::ToolResultMissing, &path, call.name);
            }
            let (id, name) = (call.id.to_owned(), call.name.to_owned());
            calls.push(PlannedCall { message: call.message, id, name, results: Vec::new() });
        }
        let turn_of_results = turns_of_results(messages);
        let mut results = Vec::new();
        for result in matching.results.iter().filter(|result| is_planned(result.message)) {
            let turn = turn_of_results.get(result.message).copied().flatten();
            let found = match result.call.and_then(|call| matching.calls.get(call)) {
                None => Some((DiagnosticCode::ToolResultOrphaned, "")),
                Some(call) if result.id != call.id => {
                    Some((DiagnosticCode::ToolResultMoved, "without the call's id"))
                }
                Some(call) if call.results.len() > 1 => {
                    Some((DiagnosticCode::ToolResultMoved, "several results of one call"))
                }
                Some(call) if turn == Some(call.message) && !in_one_message => None,
                Some(_) => Some((DiagnosticCode::ToolResultMoved, "")),
            };
            if let Some((code, detail)) = found {
                diagnostics.record(code, &format!("messages[{}]", result.message), detail);
            }
            results.push(result.call.and_then(|call| numbers.get(call).copied().flatten()));
        }
        Self { is_kept, calls, results }
    }

    /// The messages in their new order.
    fn rebuild(mut self, messages: Vec<Message>) -> Vec<Message> {
        let mut results = std::mem::take(&mut self.results).into_iter();
        let is_kept = std::mem::take(&mut self.is_kept);
        let mut left: Vec<Option<Message>> = Vec::with_capacity(messages.len());
        for (message, is_kept) in messages.into_iter().zip(is_kept) {
            let is_planned = !is_kept && has_results(&message);
            left.push(if is_planned { self.take_results(message, &mut results) } else { Some(message) });
        }
        let mut out = Vec::with_capacity(left.len());
        let mut calls = self.calls.into_iter().peekable();
        for (i, message) in left.into_iter().enumerate() {
            out.extend(message);
            while let Some(call) = calls.next_if(|call| call.message == i) {
                out.push(call.into_result());
            }
        }
        out
    }

    /// Gives the results of a message to their calls. Returns what is left of the message.
    fn take_results(
        &mut self,
        mut message: Message,
        calls: &mut impl Iterator<Item = Option<usize>>,
    ) -> Option<Message> {
        // A message of one result stays a message, with its name and fields.
        if let [Block::ToolResult { .. }] = message.blocks.as_slice()
            && message.role == Role::Tool
        {
            if let Some(call) = calls.next().flatten().and_then(|call| self.calls.get_mut(call)) {
                call.results.push(message);
                return None;
            }
            let fields = message.edit();
            if let Some(Block::ToolResult { blocks, .. }) = fields.blocks.pop() {
                fields.blocks = without_empty_texts(blocks);
            }
            (fields.role, fields.name) = (Role::User, None);
            return (!message.blocks.is_empty()).then_some(message);
        }
        let mut others = Vec::with_capacity(message.blocks.len());
        for block in std::mem::take(&mut message.edit().blocks) {
            if !is_result(&block) {
                others.push(block);
                continue;
            }
            match (calls.next().flatten().and_then(|call| self.calls.get_mut(call)), block) {
                (Some(call), block) => call.results.push(Message::new(Role::Tool, vec![block])),
                (None, Block::ToolResult { blocks, .. }) => others.extend(without_empty_texts(blocks)),
                (None, _) => {}
            }
        }
        let fields = message.edit();
        fields.blocks = others;
        if fields.role == Role::Tool {
            (fields.role, fields.name) = (Role::User, None);
        }
        (!message.blocks.is_empty()).then_some(message)
    }
}

/// The content of a result that becomes the user's.
fn without_empty_texts(mut blocks: Vec<Block>) -> Vec<Block> {
    blocks.retain(|block| block.as_text() != Some(""));
    blocks
}

impl PlannedCall {
    /// The message with the result of this call.
    fn into_result(self) -> Message {
        let Self { id: call_id, name: call_name, results, .. } = self;
        let Some(mut message) = results.into_iter().reduce(merge) else {
            let blocks = vec![Block::text(NO_RESULT)];
            let extra = ExtraFields::default();
            return Message::new(
                Role::Tool,
                vec![Block::ToolResult { id: call_id, blocks, is_error: true, extra }],
            );
        };
        let fields = message.edit();
        if let Some(Block::ToolResult { id, extra, .. }) = fields.blocks.first_mut() {
            if result_name(extra).is_some_and(|name| name != call_name) {
                set_result_name(extra, &call_name);
            }
            *id = call_id;
        }
        message
    }
}

/// Two results of one call as one.
fn merge(mut message: Message, more: Message) -> Message {
    let fields = message.edit();
    fields.content_was_parts = true;
    let result = fields.blocks.first_mut().zip(more.into_blocks().pop());
    if let Some((
        Block::ToolResult { blocks, is_error, extra, .. },
        Block::ToolResult { blocks: more, is_error: is_more_error, .. },
    )) = result
    {
        blocks.extend(more);
        *is_error &= is_more_error;
        forget_written_content(extra);
    }
    message
}

/// For each message that begins with results, the message with calls that it follows, with nothing but results in between.
fn turns_of_results(messages: &[Message]) -> Vec<Option<usize>> {
    let mut turn = None;
    let turns = messages.iter().enumerate().map(|(i, message)| {
        let begins_with_result = message.blocks.first().is_some_and(is_result);
        let own = turn.filter(|_| begins_with_result);
        if has_calls(message) {
            turn = Some(i);
        } else if !message.blocks.iter().all(is_result) {
            turn = None;
        }
        own
    });
    turns.collect()
}

/// Marks the messages of turns in which nothing is wrong, and those without calls and results.
fn kept_messages(messages: &[Message], matching: &Matching<'_>, in_one_message: bool) -> Vec<bool> {
    let mut is_kept: Vec<bool> =
        messages.iter().map(|message| !has_calls(message) && !has_results(message)).collect();
    let mut has_extra_results = vec![false; messages.len()];
    for call in matching.calls.iter().filter(|call| call.results.len() != 1) {
        if let Some(flag) = has_extra_results.get_mut(call.message) {
            *flag = true;
        }
    }
    let mut at = 0;
    while let Some(message) = messages.get(at) {
        let count = match results_of_turn(messages, at, in_one_message) {
            Some(count) if has_calls(message) && !has_extra_results.get(at).copied().unwrap_or(true) => {
                is_kept.get_mut(at..=at + count).into_iter().for_each(|turn| turn.fill(true));
                count
            }
            _ => 0,
        };
        at += 1 + count;
    }
    is_kept
}
