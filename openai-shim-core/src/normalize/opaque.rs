//! What only its maker can read (signatures, encrypted reasoning): never sent to anybody else, and put back where the client
//! that sends the turn again has dropped it.
//!
//! It is found by what the client did send back: the id of a call, or the name and arguments of the call or the words of the
//! turn, together with all of the conversation before it. So nothing of one conversation comes into another one.

use super::{Memory, touch};
use crate::canonical::{
    Asked, Block, Code, Diagnostics, Extra, KeptPart, KeptTurn, Message, Part, Request, Role, Turn, carry,
    own_id,
};
use crate::dialect::{Dialect, dialect};
use rapidhash::fast::RapidHasher;
use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Who reads what is opaque, and where it was kept.
pub(crate) struct Opaque<'m> {
    pub(crate) upstream: &'m dyn Dialect,
    /// Who makes it.
    pub(crate) by: String,
    pub(crate) memory: Option<&'m dyn Memory>,
}

impl<'m> Opaque<'m> {
    /// That of an upstream of this dialect and row.
    pub(crate) fn new(upstream: &'m dyn Dialect, row: &str, memory: Option<&'m dyn Memory>) -> Self {
        Self { upstream, by: format!("{}/{row}", upstream.name()), memory }
    }

    /// Cuts out of the history what this upstream did not make, and puts back what it made.
    pub(crate) fn settle(&self, request: &mut Request, asked: &mut Asked, notes: &mut Diagnostics) {
        asked.keep_turn = self.memory.is_some();
        asked.maker.clone_from(&self.by);
        let mut history = History::default();
        let mut used = BTreeSet::new();
        // What a turn is kept under costs a look at all of its words; their maker's name says that there are such.
        let kept = self.memory.filter(|memory| memory.recall(&self.by).is_some());
        for (i, message) in request.messages.iter_mut().enumerate() {
            let before = history.clone();
            if self.memory.is_some() {
                history.add(message);
            }
            if message.role != Role::Assistant {
                continue;
            }
            let mut changed = self.leave_out(message, &request.model, i, notes);
            if let Some(turn) = kept.and_then(|memory| self.find(message, &before, memory, &mut used)) {
                notes.note(
                    Code::ReasoningRestored,
                    &format!("messages[{i}]"),
                    "what only its maker can read",
                );
                merge(message, turn.parts);
                changed = true;
            }
            if changed {
                touch(message);
                request.touched.messages = true;
            }
        }
        asked.history = history.value();
    }

    /// Whether this upstream can have made what is said to be in this format.
    fn can_read(&self, extra: &Extra, model: &str) -> bool {
        // What a client of the dialect that signs so sent back says it without a word.
        let format = extra.detail("format").or_else(|| Some(dialect(extra.dialect).ok()?.signs()?.into()));
        match (self.upstream.signs(), format) {
            (Some(own), format) => format.is_some_and(|format| carry::same_kind(&format, own)),
            (None, format) => format.is_none_or(|format| carry::may_sign(model, &format)),
        }
    }

    fn leave_out(&self, message: &mut Message, model: &str, i: usize, notes: &mut Diagnostics) -> bool {
        let mut changed = false;
        for block in &mut message.blocks {
            let Block::Reasoning { signature: signature @ Some(_), extra, .. } = block else { continue };
            if !self.can_read(extra, model) {
                let at = format!("messages[{i}]");
                notes.note(Code::FeatureUnsupported, &at, "reasoning signed by another kind of model");
                (*signature, *extra, changed) = (None, Extra::default(), true);
            }
        }
        if changed {
            message.blocks.retain(|block| {
                !matches!(block, Block::Reasoning { text, signature: None, extra } if text.is_empty() && extra.is_empty())
            });
            // The details as they came hold it, too.
            message
                .extra
                .members
                .retain(|(key, _)| key.trim_start_matches('.') != crate::canonical::REASONING_DETAILS);
        }
        changed
    }

    /// What was kept of this turn, if anything that the client did not send back itself.
    fn find(
        &self,
        message: &Message,
        before: &History,
        memory: &dyn Memory,
        used: &mut BTreeSet<String>,
    ) -> Option<KeptTurn> {
        let signed = |block: &Block| {
            matches!(
                block,
                Block::Reasoning { signature: Some(_), .. } | Block::ToolCall { signature: Some(_), .. }
            )
        };
        if message.blocks.iter().any(signed) {
            return None;
        }
        let call = message.blocks.iter().find_map(|block| match block {
            Block::ToolCall { id, name, arguments, .. } => Some((own_id(id), digest(name, arguments))),
            _ => None,
        });
        let (keys, of) = match call {
            Some((id, of)) => (vec![by_id(id), by_digest(before, of)], Some(of)),
            None => (vec![by_digest(before, words(message.blocks.iter().filter_map(said)))], None),
        };
        keys.into_iter().find_map(|mut key| {
            let mut kept = memory.recall(&key)?;
            if let Some(other) = kept.strip_prefix('=') {
                other.clone_into(&mut key);
                kept = memory.recall(other)?;
            }
            let turn = KeptTurn::read(&kept, self.upstream.name())?;
            let fits = turn.by == self.by && of.is_none_or(|of| of == turn.of);
            // Once: a client may send one turn as several messages.
            (fits && used.insert(key)).then_some(turn)
        })
    }
}

/// Keeps what is opaque in an answer to this conversation.
pub(crate) fn keep(memory: &dyn Memory, turn: &Turn, by: &str, history: u64) {
    if !turn.is_opaque() {
        return;
    }
    let before = History(history);
    let words = words(turn.parts().iter().filter_map(|part| match part {
        Part::Text { text, .. } => Some(text.as_str()),
        _ => None,
    }));
    let call = turn.parts().iter().find_map(|part| match part {
        Part::Call { id, name, arguments, .. } => Some((id, digest(name, arguments))),
        _ => None,
    });
    let (of, here) = match call {
        Some((id, of)) if !id.is_empty() => (of, by_id(id)),
        Some((_, of)) => (of, by_digest(&before, of)),
        None => (0, by_digest(&before, words)),
    };
    let said = turn.parts().iter().any(|part| matches!(part, Part::Text { text, .. } if !text.is_empty()));
    let others = [call.map(|(_, of)| by_digest(&before, of)), said.then(|| by_digest(&before, words))];
    for other in others.into_iter().flatten().filter(|other| *other != here) {
        memory.keep(&other, &format!("={here}"));
    }
    memory.keep(&here, &turn.to_json(by, of));
    // That there is one of this maker's.
    memory.keep(by, "");
}

fn by_id(id: &str) -> String {
    format!("turn:{id}")
}

fn by_digest(before: &History, of: u64) -> String {
    let mut hasher = DefaultHasher::new();
    (before.0, of).hash(&mut hasher);
    format!("turn#{:016x}", hasher.finish())
}

/// A digest of a conversation so far.
#[derive(Debug, Clone, Default)]
struct History(u64);

impl History {
    fn value(&self) -> u64 {
        self.0
    }

    /// Texts count as they are written: a client writes the same one the same way again.
    fn add(&mut self, message: &Message) {
        let mut hasher = RapidHasher::default_const();
        self.0.hash(&mut hasher);
        message.role.hash(&mut hasher);
        for block in &message.blocks {
            add(block, &mut hasher);
        }
        self.0 = hasher.finish();
    }
}

fn add(block: &Block, hasher: &mut RapidHasher<'_>) {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => text.bytes().hash(hasher),
        Block::ToolCall { name, arguments, .. } => (name, arguments).hash(hasher),
        Block::ToolResult { blocks, .. } => {
            for block in blocks {
                add(block, hasher);
            }
        }
        // Clients leave reasoning out as it grows old.
        _ => {}
    }
}

fn said(block: &Block) -> Option<&str> {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => Some(text),
        _ => None,
    }
}

/// A digest of what is said; clients trim and wrap.
fn words<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for text in texts {
        text.split_whitespace().for_each(|word| hasher.write(word.as_bytes()));
    }
    hasher.finish()
}

/// A digest of a call; clients write its arguments anew.
fn digest(name: &str, arguments: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    match serde_json::from_str::<serde_json::Value>(arguments) {
        Ok(value) => value_of(&value, &mut hasher),
        Err(_) if arguments.trim().is_empty() => value_of(&serde_json::json!({}), &mut hasher),
        Err(_) => arguments.hash(&mut hasher),
    }
    hasher.finish()
}

fn value_of(value: &serde_json::Value, hasher: &mut DefaultHasher) {
    use serde_json::Value;
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(b) => b.hash(hasher),
        Value::Number(n) => n.as_f64().map(f64::to_bits).hash(hasher),
        Value::String(s) => s.hash(hasher),
        Value::Array(items) => {
            items.len().hash(hasher);
            for item in items {
                value_of(item, hasher);
            }
        }
        // Its keys are sorted.
        Value::Object(members) => {
            members.len().hash(hasher);
            for (key, value) in members {
                key.hash(hasher);
                value_of(value, hasher);
            }
        }
    }
}

/// Puts what was kept into the turn that the client sent, each part where it stood.
fn merge(message: &mut Message, parts: Vec<KeptPart>) {
    let mut rest: VecDeque<Block> = std::mem::take(&mut message.blocks).into();
    if parts.iter().any(|part| matches!(part, KeptPart::Reasoning(_))) {
        // What the client kept of it has no signature.
        rest.retain(|block| !matches!(block, Block::Reasoning { .. }));
    }
    let mut texts = parts.iter().filter(|part| matches!(part, KeptPart::Text(..))).count();
    let mut out = Vec::with_capacity(rest.len() + parts.len());
    for part in parts {
        match part {
            KeptPart::Reasoning(block) => out.push(block),
            KeptPart::Text(len, own) => {
                texts -= 1;
                match take_text(&mut rest, len, texts == 0) {
                    Some(text) if own.is_empty() => out.push(text),
                    Some(Block::Text { text, .. }) => out.push(Block::Text { text, extra: own }),
                    None if len == 0 && !own.is_empty() => {
                        out.push(Block::Text { text: "".into(), extra: own });
                    }
                    _ => {}
                }
            }
            KeptPart::Call(signed) => {
                let Some(at) = rest.iter().position(|block| matches!(block, Block::ToolCall { .. })) else {
                    continue;
                };
                out.extend(rest.drain(..=at));
                if let Some(Block::ToolCall { signature, .. }) = out.last_mut() {
                    *signature = signature.take().or(signed);
                }
            }
        }
    }
    out.extend(rest);
    // Thinking that led to what the client left out leads nowhere, and is refused.
    while out.last().is_some_and(|block| matches!(block, Block::Reasoning { .. })) {
        out.pop();
    }
    message.blocks = out;
}

/// The next text, of so many bytes where more texts follow in what may be one block now.
fn take_text(rest: &mut VecDeque<Block>, len: usize, last: bool) -> Option<Block> {
    if len == 0 {
        return None;
    }
    match rest.front_mut() {
        Some(Block::Text { text, extra }) if !last && extra.is_empty() && text.len() > len => {
            let whole = std::mem::take(text);
            match whole.split_at_checked(len) {
                Some((first, more)) => {
                    *text = more.into();
                    Some(Block::text(first))
                }
                None => {
                    *text = whole;
                    rest.pop_front()
                }
            }
        }
        Some(Block::Text { .. } | Block::Refusal(_)) => rest.pop_front(),
        _ => None,
    }
}
