//! Which message may follow which.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Messages, Request, Role};
use crate::dialect::dialect;
use crate::json::raw;
use crate::profile::{PrefillPolicy, Profile};

pub(super) fn normalize(request: &mut Request, profile: &Profile, diagnostics: &mut Diagnostics) {
    let rules = &profile.messages;
    let messages = &mut request.messages;
    if rules.merge_system {
        hoist_system(messages, diagnostics);
    }
    if rules.merge_same_role {
        merge_adjacent(messages, diagnostics);
    }
    if rules.assistant_after_tool {
        insert_assistant(messages, diagnostics);
    }
    prefill(messages, profile, diagnostics);
}

/// One system message, in front.
fn hoist_system(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let is_system = |m: &Message| matches!(m.role, Role::System | Role::Developer);
    let count = messages.iter().filter(|m| is_system(m)).count();
    if count == 0 || (count == 1 && messages.first().is_some_and(is_system)) {
        return;
    }
    let messages = messages.edit();
    let (system, mut rest): (Vec<_>, Vec<_>) = std::mem::take(messages).into_iter().partition(is_system);
    let text = system.iter().map(Message::joined_text).collect::<Vec<_>>().join("\n\n");
    rest.insert(0, Message::text(Role::System, text));
    *messages = rest;
    diagnostics.record(
        DiagnosticCode::MessagesMerged,
        "messages",
        "system messages were merged and put first",
    );
}

/// No two messages of one role in a row (tool results excepted).
fn merge_adjacent(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let mut pairs = messages.iter().zip(messages.iter().skip(1));
    if !pairs.any(|(one, next)| is_mergeable(one, next)) {
        return;
    }
    let messages = messages.edit();
    let mut merged: Vec<Message> = Vec::with_capacity(messages.len());
    let mut grown = false;
    for message in std::mem::take(messages) {
        match merged.last_mut() {
            Some(last) if is_mergeable(last, &message) => {
                append(last, message);
                grown = true;
            }
            last => {
                last.filter(|_| std::mem::take(&mut grown)).into_iter().for_each(Message::join_texts);
                merged.push(message);
            }
        }
    }
    merged.last_mut().filter(|_| grown).into_iter().for_each(Message::join_texts);
    *messages = merged;
    diagnostics.record(
        DiagnosticCode::MessagesMerged,
        "messages",
        "adjacent messages of one role were merged",
    );
}

/// Whether two messages in a row are one turn of the user's or the model's.
fn is_mergeable(one: &Message, next: &Message) -> bool {
    one.role == next.role && matches!(one.role, Role::User | Role::Assistant)
}

/// Puts a message's content behind another's. Once nothing more is, its [texts are joined](Message::join_texts).
pub(super) fn append(last: &mut Message, message: Message) {
    let both_text = last.blocks.last().and_then(Block::as_text).is_some()
        && message.blocks.first().and_then(Block::as_text).is_some();
    let blocks = &mut last.edit().blocks;
    if both_text {
        blocks.push(Block::text("\n\n"));
    }
    blocks.extend(message.into_blocks());
}

/// No user message right after a tool's result.
fn insert_assistant(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let roles = messages.iter().zip(messages.iter().skip(1)).map(|(one, next)| (one.role, next.role));
    if !roles.into_iter().any(|roles| roles == (Role::Tool, Role::User)) {
        return;
    }
    let messages = messages.edit();
    let mut bridged: Vec<Message> = Vec::with_capacity(messages.len() + 1);
    for message in std::mem::take(messages) {
        if message.role == Role::User && bridged.last().is_some_and(|last| last.role == Role::Tool) {
            diagnostics.record(DiagnosticCode::BridgeAdded, &format!("messages[{}]", bridged.len()), "");
            bridged.push(Message::text(Role::Assistant, "OK."));
        }
        bridged.push(message);
    }
    *messages = bridged;
}

/// An assistant message at the end is the beginning of the answer.
fn prefill(messages: &mut Messages, profile: &Profile, diagnostics: &mut Diagnostics) {
    let Some(last) = messages.iter_mut().next_back().filter(|m| m.role == Role::Assistant) else { return };
    if last.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. })) {
        return;
    }
    match profile.messages.prefill {
        PrefillPolicy::Prefix if last.extra.get("prefix").is_none() => {
            let Ok(dialect) = dialect(&profile.dialect) else { return };
            let extra = &mut last.edit().extra;
            if extra.dialect != dialect.name() {
                *extra = ExtraFields::new(dialect.name(), Vec::new());
            }
            extra.members.push((String::from("prefix"), raw("true")));
            diagnostics.record(DiagnosticCode::ContentRewritten, "messages[].prefix", "");
        }
        PrefillPolicy::Continue => {
            let begun = last.joined_text();
            let messages = messages.edit();
            messages.pop();
            let wish = format!(
                "Go on with your answer. It begins like this, and you must not repeat it:\n\n{begun}"
            );
            match messages.last_mut().filter(|m| m.role == Role::User) {
                Some(user) => {
                    append(user, Message::text(Role::User, wish));
                    user.join_texts();
                }
                None => messages.push(Message::text(Role::User, wish)),
            }
            diagnostics.record(DiagnosticCode::PrefillRewritten, "messages", "");
        }
        _ => {}
    }
}
