//! Message roles to the roles that the profile accepts.

use super::change::{append_content, mark_changed};
use crate::canonical::{DiagnosticCode, Diagnostics, Message, Role};
use crate::profile::MessageRules;

/// Renames roles. A system message that becomes a user message joins the user's next message.
pub(super) fn rename(
    messages: &mut Vec<Message>,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) -> bool {
    if rules.roles.is_empty() {
        return false;
    }
    let mut changed = false;
    let mut rename_one = |i: usize, message: &mut Message| {
        let before = message.role;
        // The new role may itself be renamed: `developer`, `system`, `user`.
        for _ in 0..2 {
            let to = rules.roles.get(message.role.as_str()).and_then(|name| Role::parse(name));
            message.role = to.unwrap_or(message.role);
        }
        let is_renamed = message.role != before;
        if is_renamed {
            let detail = format!("{} to {}", before.as_str(), message.role.as_str());
            diagnostics.record(DiagnosticCode::RoleDemoted, &format!("messages[{i}].role"), &detail);
            mark_changed(message);
            changed = true;
        }
        is_renamed && message.role == Role::User
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
    changed
}
