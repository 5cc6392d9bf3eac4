//! Messages to an order that the profile accepts: system messages in front, alternating roles, no user message after a tool
//! result, no assistant message at the end.

use super::change::append_content;
use super::recipient::Recipient;
use super::system_messages;
use crate::accepts::PrefillPolicy;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Messages, Request, Role};
use crate::json::raw;

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.messages;
    let messages = &mut request.messages;
    if rules.merge_system {
        merge_system(messages, diagnostics);
    }
    system_messages::normalize(messages, recipient, diagnostics);
    if rules.merge_same_role {
        merge_same_role(messages, diagnostics);
    }
    if rules.assistant_after_tool {
        insert_assistant(messages, diagnostics);
    }
    if rules.trim_prefill {
        trim_prefill(messages, diagnostics);
    }
    rewrite_prefill(messages, recipient, diagnostics);
}

/// Merges all system messages into one in front.
fn merge_system(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let is_system = |m: &Message| matches!(m.role, Role::System | Role::Developer);
    let count = messages.iter().filter(|m| is_system(m)).count();
    if count == 0 || (count == 1 && messages.first().is_some_and(is_system)) {
        return;
    }
    let messages = messages.edit();
    let (system, mut others): (Vec<_>, Vec<_>) = std::mem::take(messages).into_iter().partition(is_system);
    let text = system.iter().map(|m| Block::join_texts(&m.blocks, "\n\n")).collect::<Vec<_>>().join("\n\n");
    others.insert(0, Message::text(Role::System, text));
    *messages = others;
    diagnostics.record(
        DiagnosticCode::MessagesMerged,
        "messages",
        "system messages were merged and put first",
    );
}

/// Merges adjacent user messages, and adjacent assistant messages.
fn merge_same_role(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let mut pairs = messages.iter().zip(messages.iter().skip(1));
    if !pairs.any(|(one, next)| is_mergeable(one, next)) {
        return;
    }
    let messages = messages.edit();
    let mut merged: Vec<Message> = Vec::with_capacity(messages.len());
    let mut has_appended = false;
    for message in std::mem::take(messages) {
        match merged.last_mut() {
            Some(last) if is_mergeable(last, &message) => {
                append_content(last, message);
                has_appended = true;
            }
            last => {
                last.filter(|_| std::mem::take(&mut has_appended)).into_iter().for_each(Message::join_texts);
                merged.push(message);
            }
        }
    }
    merged.last_mut().filter(|_| has_appended).into_iter().for_each(Message::join_texts);
    *messages = merged;
    diagnostics.record(
        DiagnosticCode::MessagesMerged,
        "messages",
        "adjacent messages of one role were merged",
    );
}

/// Whether two adjacent messages belong to one turn of the user or the model.
fn is_mergeable(one: &Message, next: &Message) -> bool {
    one.role == next.role && matches!(one.role, Role::User | Role::Assistant)
}

/// Inserts an assistant message between a tool result and a user message.
fn insert_assistant(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let roles = messages.iter().zip(messages.iter().skip(1)).map(|(one, next)| (one.role, next.role));
    if !roles.into_iter().any(|roles| roles == (Role::Tool, Role::User)) {
        return;
    }
    let messages = messages.edit();
    let mut out: Vec<Message> = Vec::with_capacity(messages.len() + 1);
    for message in std::mem::take(messages) {
        if message.role == Role::User && out.last().is_some_and(|last| last.role == Role::Tool) {
            diagnostics.record(DiagnosticCode::BridgeAdded, &format!("messages[{}]", out.len()), "");
            out.push(Message::text(Role::Assistant, "OK."));
        }
        out.push(message);
    }
    *messages = out;
}

/// Removes white space at the end of an assistant message at the end.
fn trim_prefill(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let Some(last) = messages.iter_mut().next_back().filter(|m| m.role == Role::Assistant) else { return };
    let Some(Block::Text { text, .. }) = last.blocks.last() else { return };
    let trimmed = text.trim_end();
    if trimmed.len() == text.len() {
        return;
    }
    let trimmed = trimmed.to_owned();
    let blocks = &mut last.edit().blocks;
    match blocks.last_mut() {
        Some(Block::Text { text, .. }) if !trimmed.is_empty() => *text = trimmed.into(),
        _ => drop(blocks.pop()),
    }
    let is_empty = last.blocks.is_empty();
    diagnostics.record(
        DiagnosticCode::ContentRewritten,
        "messages",
        "white space at the end of the begun answer",
    );
    if is_empty {
        messages.edit().pop();
    }
}

/// Sends an assistant message at the end, which the model is to continue, as the upstream accepts it.
fn rewrite_prefill(messages: &mut Messages, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let Some(last) = messages.iter_mut().next_back().filter(|m| m.role == Role::Assistant) else { return };
    if last.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. })) {
        return;
    }
    match recipient.accepts.messages.prefill {
        PrefillPolicy::Prefix if last.extra.get("prefix").is_none() => {
            let dialect = recipient.dialect.name();
            let extra = &mut last.edit().extra;
            if extra.dialect != dialect {
                *extra = ExtraFields::new(dialect, Vec::new());
            }
            extra.members.push((String::from("prefix"), raw("true")));
            diagnostics.record(DiagnosticCode::ContentRewritten, "messages[].prefix", "");
        }
        PrefillPolicy::Continue => {
            let prefill = last.joined_text();
            let messages = messages.edit();
            messages.pop();
            let instruction = format!(
                "Go on with your answer. It begins like this, and you must not repeat it:\n\n{prefill}"
            );
            match messages.last_mut().filter(|m| m.role == Role::User) {
                Some(user) => {
                    append_content(user, Message::text(Role::User, instruction));
                    user.join_texts();
                }
                None => messages.push(Message::text(Role::User, instruction)),
            }
            diagnostics.record(DiagnosticCode::PrefillRewritten, "messages", "");
        }
        _ => {}
    }
}
