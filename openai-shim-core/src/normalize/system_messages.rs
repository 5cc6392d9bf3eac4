//! System messages to the places that the upstream accepts, and to a user message where there is no other message.

use super::recipient::Recipient;
use crate::accepts::SystemPosition;
use crate::canonical::{DiagnosticCode, Diagnostics, Message, Messages, Role};

pub(super) fn normalize(messages: &mut Messages, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.messages;
    put_first(messages, rules.system_position, recipient.dialect.name(), diagnostics);
    if rules.require_user {
        require_user(messages, diagnostics);
    }
}

fn is_system(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer)
}

/// Puts system messages where others precede them in front of these, behind the system messages that are there.
fn put_first(
    messages: &mut Messages,
    position: SystemPosition,
    dialect: &str,
    diagnostics: &mut Diagnostics,
) {
    let is_misplaced = |before: Option<&Message>, message: &Message| {
        is_system(message)
            && match position {
                SystemPosition::Any => false,
                SystemPosition::AfterUser => {
                    message.extra.dialect != dialect
                        || !before.is_some_and(|m| matches!(m.role, Role::User | Role::Tool))
                }
                SystemPosition::Front => true,
            }
    };
    let first = messages.iter().take_while(|message| is_system(message)).count();
    let others = messages.get(first..).unwrap_or_default();
    let pairs = || std::iter::once(None).chain(others.iter().map(Some)).zip(others);
    if !pairs().any(|(before, message)| is_misplaced(before, message)) {
        return;
    }
    let moves: Vec<bool> = pairs().map(|(before, message)| is_misplaced(before, message)).collect();
    let messages = messages.edit();
    let (mut moved, mut left) = (Vec::new(), Vec::with_capacity(messages.len()));
    for (message, is_moved) in messages.drain(first..).zip(moves) {
        if is_moved { &mut moved } else { &mut left }.push(message);
    }
    messages.append(&mut moved);
    messages.append(&mut left);
    diagnostics.record(DiagnosticCode::MessagesMerged, "messages", "system messages were put first");
}

/// Sends the last system message as the user's if there is no other message.
fn require_user(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    if !messages.iter().all(is_system) {
        return;
    }
    let i = messages.len().saturating_sub(1);
    if let Some(message) = messages.iter_mut().next_back() {
        let detail = format!("{} to user: there is no other message", message.role.as_str());
        diagnostics.record(DiagnosticCode::RoleDemoted, &format!("messages[{i}].role"), &detail);
        message.edit().role = Role::User;
    }
}
