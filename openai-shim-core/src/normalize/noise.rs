//! System messages to the same without lines that a client writes for its own vendor only.

use crate::accepts::MessageRules;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Messages, Role, Text};
use memchr::memmem;

/// Drops the lines that the profile names. Each makes the prompt another one than that of the request before.
pub(super) fn drop_system_lines(
    messages: &mut Messages,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) {
    if rules.drop_system_lines.is_empty() {
        return;
    }
    let is_system = |role: Role| matches!(role, Role::System | Role::Developer);
    for (i, message) in messages.iter_mut().enumerate().filter(|(_, message)| is_system(message.role)) {
        let mut has_dropped = false;
        message.edit_each_block(|block| {
            let Block::Text { text, .. } = &**block else { return };
            let Some(remaining) = without_lines(text, &rules.drop_system_lines) else { return };
            has_dropped = true;
            if let Block::Text { text, .. } = block.edit() {
                *text = Text::from(remaining);
            }
        });
        if has_dropped {
            message.retain_blocks(|block| block.as_text() != Some(""));
            let detail = "a line that differs with each request";
            diagnostics.record(DiagnosticCode::ContentRewritten, &format!("messages[{i}].content"), detail);
        }
    }
    messages
        .retain(|message| !(is_system(message.role) && message.is_changed() && message.blocks.is_empty()));
}

/// The text without lines that begin with one of `beginnings`; `None` if it has no such line.
fn without_lines(text: &Text, beginnings: &[String]) -> Option<String> {
    // A beginning that is escaped in JSON would not be found: none is.
    if beginnings.iter().all(|beginning| memmem::find(text.bytes(), beginning.as_bytes()).is_none()) {
        return None;
    }
    let unescaped = text.unescaped();
    let is_dropped =
        |line: &&str| beginnings.iter().any(|beginning| line.trim_start().starts_with(beginning.as_str()));
    let lines = || unescaped.split('\n');
    lines().any(|line| is_dropped(&line)).then(|| {
        let remaining: Vec<&str> = lines().filter(|line| !is_dropped(line)).collect();
        remaining.join("\n").trim_start_matches('\n').to_owned()
    })
}
