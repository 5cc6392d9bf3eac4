//! Images, audio and files to the places where the profile accepts them: what tool results, the assistant or system messages may
//! not have is shown by the user.
//!
//! Nothing may stand between a call and its results: what results had goes behind all results of their turn.

use super::media::{is_accepted_in, media_of};
use crate::accepts::MediaRules;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Messages, Role, called_names};
use std::collections::BTreeMap;

/// Moves the media that stand where they are not accepted.
pub(super) fn normalize(messages: &mut Messages, rules: &MediaRules, diagnostics: &mut Diagnostics) {
    if !messages.iter().any(|message| has_misplaced(message, rules)) {
        return;
    }
    let names = called_names(messages);
    let names = names.into_iter().map(|(id, name)| (id.to_owned(), name.to_owned())).collect();
    let list = std::mem::take(messages.edit());
    let mut placement = Placement {
        rules,
        names,
        out: Vec::with_capacity(list.len() + 1),
        results: Vec::new(),
        run_len: 0,
        moved: Vec::new(),
        follows_prefill: false,
    };
    for (i, message) in list.into_iter().enumerate() {
        placement.push(message, i, diagnostics);
    }
    *messages.edit() = placement.finish(diagnostics);
}

/// Which media a message of this role may have outside of tool results.
fn accepted_by_role(role: Role, rules: &MediaRules) -> &[String] {
    match role {
        Role::Assistant => &rules.in_assistant,
        Role::System | Role::Developer => &rules.in_system,
        Role::User | Role::Tool => &rules.in_user,
    }
}

fn is_misplaced(block: &Block, accepted: &[String]) -> bool {
    media_of(block).is_some_and(|(kind, _)| !is_accepted_in(accepted, kind))
}

fn has_misplaced(message: &Message, rules: &MediaRules) -> bool {
    let accepted = accepted_by_role(message.role, rules);
    message.blocks.iter().any(|block| match block {
        Block::ToolResult { blocks, .. } => {
            blocks.iter().any(|block| is_misplaced(block, &rules.in_tool_results))
        }
        block => is_misplaced(block, accepted),
    })
}

fn is_result(block: &Block) -> bool {
    matches!(block, Block::ToolResult { .. })
}

/// The messages so far, and the media that wait for a message of the user.
struct Placement<'r> {
    rules: &'r MediaRules,
    /// The tool of each call.
    names: BTreeMap<String, String>,
    out: Vec<Message>,
    /// The media of the results since the last other message, with the id of their call.
    results: Vec<(String, Vec<Block>)>,
    /// How many results there were since then.
    run_len: usize,
    /// The media of messages, in order.
    moved: Vec<Block>,
    /// Some of it stood in an answer that the model is to continue, if no message follows.
    follows_prefill: bool,
}

impl Placement<'_> {
    fn push(&mut self, mut message: Message, i: usize, diagnostics: &mut Diagnostics) {
        let has_results = message.blocks.iter().any(is_result);
        if !has_results && !matches!(message.role, Role::System | Role::Developer) {
            self.place(Some(&mut message));
        }
        if has_misplaced(&message, self.rules) {
            let source = match message.role {
                _ if has_results => "media of a tool's result, as shown by the user",
                Role::Assistant => "media of the assistant, as shown by the user",
                _ => "media of a system message, as shown by the user",
            };
            let field_path = format!("messages[{i}].content");
            diagnostics.record(DiagnosticCode::ContentRewritten, &field_path, source);
            self.take_from(&mut message);
        }
        self.run_len += message.blocks.iter().filter(|block| is_result(block)).count();
        self.out.push(message);
    }

    fn finish(mut self, diagnostics: &mut Diagnostics) -> Vec<Message> {
        if self.follows_prefill && self.out.last().is_some_and(|last| last.role == Role::Assistant) {
            let detail = "media stand behind the begun answer";
            diagnostics.record(DiagnosticCode::PrefillRewritten, "messages", detail);
        }
        self.place(None);
        self.out
    }

    /// Takes the misplaced media out of a message.
    fn take_from(&mut self, message: &mut Message) {
        let rules = self.rules;
        let accepted = accepted_by_role(message.role, rules);
        let fields = message.edit();
        let (mut taken, mut has_calls) = (Vec::new(), false);
        for block in std::mem::take(&mut fields.blocks) {
            match block {
                Block::ToolResult { id, blocks, is_error, extra } => {
                    let (media, rest): (Vec<_>, Vec<_>) =
                        blocks.into_iter().partition(|block| is_misplaced(block, &rules.in_tool_results));
                    if !media.is_empty() {
                        self.results.push((id.clone(), media));
                    }
                    fields.blocks.push(Block::ToolResult { id, blocks: rest, is_error, extra });
                }
                block if is_misplaced(&block, accepted) => taken.push(block),
                block => {
                    has_calls |= matches!(block, Block::ToolCall { .. });
                    fields.blocks.push(block);
                }
            }
        }
        // A list of one text is needed no longer.
        fields.content_was_parts &=
            fields.blocks.iter().filter(|block| block.as_text().is_some()).count() > 1;
        if !taken.is_empty() {
            if message.role == Role::Assistant {
                self.moved.push(Block::text("This was in the assistant's last message:"));
                self.follows_prefill = !has_calls && !message.blocks.is_empty();
            }
            self.moved.append(&mut taken);
        }
    }

    /// Places what waits: behind the results of the last message, or else in front of the next message's content if that is the
    /// user's, or else in a message of its own.
    fn place(&mut self, next: Option<&mut Message>) {
        let run_len = std::mem::take(&mut self.run_len);
        let mut blocks = std::mem::take(&mut self.moved);
        for (id, mut media) in self.results.drain(..) {
            if run_len > 1 {
                let text = match self.names.get(&id) {
                    Some(name) => format!("This is from the result of {name} ({id}):"),
                    None => format!("This is from the result of {id}:"),
                };
                blocks.push(Block::text(text));
            }
            blocks.append(&mut media);
        }
        if blocks.is_empty() {
            return;
        }
        self.follows_prefill = false;
        let beside_results = self.rules.beside_results;
        let last = self.out.last_mut();
        let last = last.filter(|last| last.role == Role::User || (beside_results && last.role == Role::Tool));
        if let Some(last) = last
            && let Some(position) = last.blocks.iter().rposition(is_result)
        {
            let after = position + 1;
            last.edit().blocks.splice(after..after, blocks);
            return;
        }
        match next {
            Some(next) if next.role == Role::User => {
                next.edit().blocks.splice(0..0, blocks);
            }
            _ => self.out.push(Message::new(Role::User, blocks)),
        }
    }
}
