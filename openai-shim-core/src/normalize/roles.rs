//! Message roles to the roles that the profile accepts.

use super::change::append_content;
use crate::accepts::MessageRules;
use crate::canonical::{DiagnosticCode, Diagnostics, Message, Messages, Role};

/// Renames roles. A system message that becomes a user message joins the user's next message.
pub(super) fn rename(messages: &mut Messages, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    let mut renamed = rules.roles.keys().filter_map(|name| Role::parse(name));
    if !renamed.any(|role| messages.iter().any(|message| message.role == role)) {
        return;
    }
    let messages = messages.edit();
    let mut rename_one = |i: usize, message: &mut Message| {
        let (before, role) = (message.role, accepted_role(message.role, rules));
        if role == before {
            return false;
        }
        let detail = format!("{} to {}", before.as_str(), role.as_str());
        diagnostics.record(DiagnosticCode::RoleDemoted, &format!("messages[{i}].role"), &detail);
        message.edit().role = role;
        role == Role::User
    };
    // Messages are joined in place: a second list of a long conversation would be large.
    let (mut i, mut has_appended) = (0, false);
    let mut became_user = messages.first_mut().is_some_and(|first| rename_one(0, first));
    messages.dedup_by(|message, last| {
        i += 1;
        let joins_next = std::mem::take(&mut became_user);
        became_user = rename_one(i, message);
        if joins_next && message.role == Role::User {
            append_content(last, std::mem::replace(message, Message::new(Role::User, Vec::new())));
            has_appended = true;
            return true;
        }
        if std::mem::take(&mut has_appended) {
            last.join_texts();
        }
        false
    });
    messages.last_mut().filter(|_| has_appended).into_iter().for_each(Message::join_texts);
}

/// The role under which the upstream gets messages of `role`.
fn accepted_role(mut role: Role, rules: &MessageRules) -> Role {
    // The new role may itself be renamed: `developer`, `system`, `user`.
    for _ in 0..2 {
        role = rules.roles.get(role.as_str()).and_then(|name| Role::parse(name)).unwrap_or(role);
    }
    role
}
