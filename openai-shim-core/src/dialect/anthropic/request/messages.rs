//! Messages of another dialect: `Message`s to the JSON of `system` and `messages`. Tool results follow their calls directly,
//! roles alternate, and no content is empty.

use super::super::{content_block, extra_fields};
use super::message_content::{ContentBlock, MessageContent, WrittenMessages};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Role};
use crate::json::encode_string;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// Adjacent messages of one role, which become one message.
#[derive(Default)]
struct RoleGroup<'m> {
    is_assistant: bool,
    content: MessageContent<'m>,
    /// Boxed, because few groups have tool calls or results.
    tools: Option<Box<ToolBlocks<'m>>>,
}

/// The tool calls and tool results of a group.
#[derive(Default)]
struct ToolBlocks<'m> {
    /// Results that are not paired with their calls yet.
    results: Vec<ToolResult<'m>>,
    /// The ids of the calls.
    call_ids: Vec<String>,
}

/// A tool result that waits for its call.
struct ToolResult<'m> {
    call_id: String,
    block: &'m Block,
    field_path: String,
}

impl<'m> RoleGroup<'m> {
    fn tools(&mut self) -> &mut ToolBlocks<'m> {
        self.tools.get_or_insert_default()
    }

    fn of_user(content: MessageContent<'m>) -> Self {
        Self { content, ..Self::default() }
    }
}

/// Writes the system prompt and the messages.
pub(super) fn write(messages: &[Message], diagnostics: &mut Diagnostics) -> WrittenMessages {
    let Grouped { mut groups, mut system } = group_by_role(messages, diagnostics);
    if groups.iter().any(|group| group.tools.is_some()) {
        pair_tool_results(&mut groups, diagnostics);
    }
    merge_adjacent(&mut groups);
    trim_prefill(&mut groups, diagnostics);
    groups.retain(|group| !group.content.is_empty());
    if groups.is_empty() && !system.is_empty() {
        diagnostics.record(
            DiagnosticCode::RoleDemoted,
            "messages[0].role",
            "system to user: there is no other message",
        );
        groups.push(RoleGroup::of_user(std::mem::take(&mut system)));
    }
    if groups.is_empty() {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "messages",
            "a conversation in which nothing is said",
        );
    }
    // The list gets its final capacity at once: a list that grows is in memory twice.
    let frame_len = |group: &RoleGroup<'_>| if group.is_assistant { 33 } else { 28 };
    let capacity: usize = groups.iter().map(|group| group.content.estimated_len() + frame_len(group)).sum();
    let mut list = String::with_capacity(capacity + 2);
    list.push('[');
    // Each group is freed once it is written.
    for group in groups {
        let role = if group.is_assistant { "assistant" } else { "user" };
        let comma = if list.len() > 1 { "," } else { "" };
        list.extend([comma, r#"{"role":""#, role, r#"","content":"#, &group.content.to_json(), "}"]);
    }
    list.push(']');
    WrittenMessages { system: (!system.is_empty()).then(|| system.to_json()), messages: list }
}

/// Drops empty groups, and merges those of one role that are adjacent then.
fn merge_adjacent(groups: &mut Vec<RoleGroup<'_>>) {
    groups.retain(|group| !group.content.is_empty());
    groups.dedup_by(|group, previous| {
        let is_same_role = group.is_assistant == previous.is_assistant;
        if is_same_role {
            previous.content.append(std::mem::take(&mut group.content));
        }
        is_same_role
    });
}

/// Messages by role, and the system prompt.
struct Grouped<'m> {
    groups: Vec<RoleGroup<'m>>,
    system: MessageContent<'m>,
}

/// Groups adjacent messages of one role, and moves system messages to the front.
fn group_by_role<'m>(messages: &'m [Message], diagnostics: &mut Diagnostics) -> Grouped<'m> {
    let (mut groups, mut system) = (Vec::with_capacity(messages.len()), MessageContent::default());
    let mut ids = CallIdWriter::default();
    let (mut has_merged, mut last_role) = (false, None);
    for (i, message) in messages.iter().enumerate() {
        let field_path = format!("messages[{i}].content");
        if message.name.is_some() && message.role != Role::Tool {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("messages[{i}].name"), "");
        }
        extra_fields::report_lost(&message.extra, &format!("messages[{i}]"), diagnostics);
        if matches!(message.role, Role::System | Role::Developer) {
            if !groups.is_empty() {
                diagnostics.record(
                    DiagnosticCode::MessagesMerged,
                    "messages",
                    "a system message in the middle went to the front",
                );
            }
            for block in &message.blocks {
                match block {
                    Block::Text { .. } => push_block(block, &field_path, &mut system, diagnostics),
                    _ => diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        &field_path,
                        "a system message that is more than text",
                    ),
                }
            }
            continue;
        }
        let is_assistant = message.role == Role::Assistant;
        if groups.last().is_none_or(|group: &RoleGroup<'_>| group.is_assistant != is_assistant) {
            groups.push(RoleGroup { is_assistant, ..RoleGroup::default() });
        } else {
            has_merged |= last_role == Some(message.role) && message.role != Role::Tool;
        }
        last_role = Some(message.role);
        let Some(group) = groups.last_mut() else { continue };
        for block in &message.blocks {
            match block {
                Block::ToolResult { id, .. } => {
                    let call_id = ids.result_id(id);
                    let field_path = field_path.clone();
                    group.tools().results.push(ToolResult { call_id, block, field_path });
                }
                Block::ToolCall { id, name, arguments, signature, extra } => {
                    let id = ids.call_id(id, &field_path, diagnostics);
                    if signature.is_some() {
                        diagnostics.record(
                            DiagnosticCode::ExtraDropped,
                            &field_path,
                            "the signature of a call",
                        );
                    }
                    extra_fields::report_lost(extra, &field_path, diagnostics);
                    let input = content_block::input_object(arguments, &field_path, diagnostics);
                    let json = content_block::tool_use(&id, name, &input, extra);
                    group.content.push(ContentBlock::Json(json));
                    group.tools().call_ids.push(id);
                }
                _ => push_block(block, &field_path, &mut group.content, diagnostics),
            }
        }
    }
    if has_merged {
        diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "adjacent messages of one role");
    }
    Grouped { groups, system }
}

/// Adds a block to a message's content; the API rejects empty texts.
fn push_block<'m>(
    block: &'m Block,
    field_path: &str,
    out: &mut MessageContent<'m>,
    diagnostics: &mut Diagnostics,
) {
    let plain_text = match block {
        Block::Text { text, extra } if extra_fields::accepted(extra).next().is_none() => {
            Some((text, Some(extra)))
        }
        Block::Refusal(text) => Some((text, None)),
        _ => None,
    };
    match plain_text {
        Some((text, _)) if text.is_empty() => {}
        Some((text, extra)) => {
            if let Some(extra) = extra {
                extra_fields::report_lost(extra, field_path, diagnostics);
            }
            out.push(ContentBlock::Text(text));
        }
        None => {
            if let Some(json) = content_block::write(block, field_path, diagnostics) {
                out.push(ContentBlock::Json(json));
            }
        }
    }
}

/// Moves each call's result into the user message directly behind the call, before all other content of that message.
fn pair_tool_results(groups: &mut Vec<RoleGroup<'_>>, diagnostics: &mut Diagnostics) {
    let mut results = UnpairedResults::take_from(groups);
    let mut call_ids: Vec<String> = Vec::new();
    // The position of each group in the new list, into which groups of missing results are inserted.
    let mut positions = Vec::with_capacity(groups.len());
    let mut paired = Vec::with_capacity(groups.len());
    for (number, mut group) in std::mem::take(groups).into_iter().enumerate() {
        let open_calls = std::mem::take(&mut call_ids);
        if group.is_assistant && !open_calls.is_empty() {
            let search = ResultSearch { first_group: number, is_next_group: false };
            paired.push(RoleGroup::of_user(results.take_all(&open_calls, search, diagnostics)));
        } else if !open_calls.is_empty() {
            let search = ResultSearch { first_group: number, is_next_group: true };
            let mut content = results.take_all(&open_calls, search, diagnostics);
            content.append(std::mem::take(&mut group.content));
            group.content = content;
        }
        call_ids = group.tools.take().map(|tools| tools.call_ids).unwrap_or_default();
        positions.push(paired.len());
        paired.push(group);
    }
    if !call_ids.is_empty() {
        let search = ResultSearch { first_group: usize::MAX, is_next_group: false };
        let content = results.take_all(&call_ids, search, diagnostics);
        paired.push(RoleGroup::of_user(content));
    }
    *groups = paired;
    for (position, orphans) in positions.into_iter().zip(results.by_group) {
        let Some(group) = groups.get_mut(position) else { continue };
        for orphan in orphans.into_iter().flatten() {
            let Block::ToolResult { blocks, .. } = orphan.block else { continue };
            diagnostics.record(
                DiagnosticCode::ContentRewritten,
                &orphan.field_path,
                "the result of a call that is not there, as what the user says",
            );
            for block in blocks {
                push_block(block, &orphan.field_path, &mut group.content, diagnostics);
            }
        }
    }
}

/// The results of a conversation that are not paired with their calls yet.
struct UnpairedResults<'m> {
    /// The results of each group; `None` where one was paired.
    by_group: Vec<Vec<Option<ToolResult<'m>>>>,
    /// The positions of the results of each call id, in order.
    positions: BTreeMap<String, VecDeque<ResultPosition>>,
}

/// The group of a result, and its position in that group.
struct ResultPosition {
    group: usize,
    result: usize,
}

/// Where results of a call are looked for.
#[derive(Clone, Copy)]
struct ResultSearch {
    /// The number of the first group whose results may be taken.
    first_group: usize,
    /// Whether that group is the user message directly behind the call.
    is_next_group: bool,
}

impl<'m> UnpairedResults<'m> {
    /// Takes the results out of their groups.
    fn take_from(groups: &mut [RoleGroup<'m>]) -> Self {
        let mut unpaired = Self { by_group: Vec::with_capacity(groups.len()), positions: BTreeMap::new() };
        for (number, group) in groups.iter_mut().enumerate() {
            let tools = group.tools.as_mut();
            let found = tools.map(|tools| std::mem::take(&mut tools.results)).unwrap_or_default();
            let mut results = Vec::with_capacity(found.len());
            for mut result in found {
                let position = ResultPosition { group: number, result: results.len() };
                let call_id = std::mem::take(&mut result.call_id);
                unpaired.positions.entry(call_id).or_default().push_back(position);
                results.push(Some(result));
            }
            unpaired.by_group.push(results);
        }
        unpaired
    }

    /// Takes the results of several calls.
    fn take_all(
        &mut self,
        call_ids: &[String],
        search: ResultSearch,
        diagnostics: &mut Diagnostics,
    ) -> MessageContent<'m> {
        let mut content = MessageContent::default();
        for id in call_ids {
            content.push(ContentBlock::Json(self.take(id, search, diagnostics)));
        }
        content
    }

    /// Takes the result of a call, as JSON. If there is none, the result is an error that states so.
    fn take(&mut self, id: &str, search: ResultSearch, diagnostics: &mut Diagnostics) -> String {
        while let Some(position) = self.positions.get_mut(id).and_then(VecDeque::pop_front) {
            if position.group < search.first_group {
                continue;
            }
            let group = self.by_group.get_mut(position.group);
            let slot = group.and_then(|results| results.get_mut(position.result));
            let Some(result) = slot.and_then(Option::take) else { continue };
            if !search.is_next_group || position.group > search.first_group {
                diagnostics.record(
                    DiagnosticCode::MessagesMerged,
                    "messages",
                    "a tool's result was put behind its call",
                );
            }
            if let Block::ToolResult { blocks, is_error, extra, .. } = result.block {
                let blocks: Vec<Block> = blocks.iter().filter(|b| b.as_text() != Some("")).cloned().collect();
                let block = Block::ToolResult {
                    id: id.to_owned(),
                    blocks,
                    is_error: *is_error,
                    extra: extra.clone(),
                };
                if let Some(json) = content_block::write(&block, &result.field_path, diagnostics) {
                    return json;
                }
            }
        }
        diagnostics.record(
            DiagnosticCode::FieldFilled,
            "messages",
            "the missing result of a tool call, as an error",
        );
        let content = "There is no result of this call.";
        format!(
            r#"{{"type":"tool_result","tool_use_id":{},"content":"{content}","is_error":true}}"#,
            encode_string(id)
        )
    }
}

/// Removes white space at the end of a prefill, which the API rejects.
fn trim_prefill(groups: &mut [RoleGroup<'_>], diagnostics: &mut Diagnostics) {
    let Some(last) = groups.last_mut().filter(|group| group.is_assistant) else { return };
    let Some(ContentBlock::Text(text)) = last.content.last() else { return };
    let trimmed = text.trim_end();
    if trimmed.len() == text.len() {
        return;
    }
    diagnostics.record(
        DiagnosticCode::ContentRewritten,
        "messages",
        "white space at the end of the begun answer",
    );
    let trimmed = (!trimmed.is_empty()).then(|| ContentBlock::Trimmed(Box::new(trimmed.into())));
    last.content.pop();
    if let Some(trimmed) = trimmed {
        last.content.push(trimmed);
    }
}

/// Tool call ids in the characters that the API takes: letters, digits, `_` and `-`.
#[derive(Default)]
struct CallIdWriter {
    /// Generated ids of calls that have none, for the results that have none.
    generated: VecDeque<String>,
    count: usize,
}

impl CallIdWriter {
    fn call_id(&mut self, id: &str, field_path: &str, diagnostics: &mut Diagnostics) -> String {
        if id.is_empty() {
            self.count += 1;
            let id = format!("toolu_{}", self.count);
            diagnostics.record(DiagnosticCode::ToolIdSynthesized, field_path, "");
            self.generated.push_back(id.clone());
            return id;
        }
        match sanitize_id(id) {
            Cow::Borrowed(id) => id.to_owned(),
            Cow::Owned(sanitized) => {
                diagnostics.record(
                    DiagnosticCode::ContentRewritten,
                    field_path,
                    "signs in a tool call's id that the API does not take",
                );
                sanitized
            }
        }
    }

    fn result_id(&mut self, id: &str) -> String {
        if id.is_empty() {
            return self.generated.pop_front().unwrap_or_default();
        }
        sanitize_id(id).into_owned()
    }
}

fn sanitize_id(id: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(is_allowed) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect())
}
