//! The legal order of events, as a table, and a checker that follows it.
//!
//! A stream is `Start`, then blocks of the answers, then `End` or `Error`. Within one answer text, reasoning and refusal
//! blocks follow one another; tool calls may be open side by side, because models call tools in parallel. `Usage` and
//! `Extra` may stand anywhere after `Start`. `Error` may stand anywhere, also first.

use super::{BlockKind, Event};

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing came yet.
    Before,
    /// Between `Start` and the end.
    Running,
    /// `End` or `Error` came.
    Over,
}

/// A kind of event, for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventClass {
    /// `Start`
    Start,
    /// `Open`, `Delta`, `Close`, `Finish`
    Content,
    /// `Usage`, `Extra`
    Aside,
    /// `End`
    End,
    /// `Error`
    Error,
}

/// Every legal step: in this phase, this step leads to that phase. What is not listed is illegal.
pub const TRANSITIONS: &[(Phase, EventClass, Phase)] = &[
    (Phase::Before, EventClass::Start, Phase::Running),
    (Phase::Before, EventClass::Error, Phase::Over),
    (Phase::Running, EventClass::Content, Phase::Running),
    (Phase::Running, EventClass::Aside, Phase::Running),
    (Phase::Running, EventClass::End, Phase::Over),
    (Phase::Running, EventClass::Error, Phase::Over),
];

/// Follows a stream and says what is out of order.
#[derive(Debug, Clone)]
pub struct Grammar {
    phase: Phase,
    choices: Vec<ChoiceState>,
}

#[derive(Debug, Clone)]
struct ChoiceState {
    choice: u32,
    next: u32,
    /// Open blocks, and whether each is a tool call.
    open: Vec<(u32, bool)>,
    finished: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self { phase: Phase::Before, choices: Vec::new() }
    }
}

impl Grammar {
    /// A stream of which nothing came yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the stream stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Takes one event; the reason, if it may not stand here.
    pub fn check(&mut self, event: &Event) -> Result<(), &'static str> {
        let step = match event {
            Event::Start { .. } => EventClass::Start,
            Event::Open { .. } | Event::Delta { .. } | Event::Close { .. } | Event::Finish { .. } => {
                EventClass::Content
            }
            Event::Usage(_) | Event::Extra { .. } => EventClass::Aside,
            Event::End => EventClass::End,
            Event::Error(_) => EventClass::Error,
        };
        let Some((_, _, next)) = TRANSITIONS.iter().find(|(p, s, _)| *p == self.phase && *s == step) else {
            return Err(match self.phase {
                Phase::Before => "the first event must be Start or Error",
                Phase::Running => "Start came twice",
                Phase::Over => "nothing may follow End or Error",
            });
        };
        self.phase = *next;
        match event {
            Event::Open { choice, block, kind } => self.open(*choice, *block, kind),
            Event::Delta { choice, block, .. } => {
                let state = self.choice(*choice);
                if state.open.iter().any(|(b, _)| b == block) {
                    Ok(())
                } else {
                    Err("a delta for a block that is not open")
                }
            }
            Event::Close { choice, block } => {
                let state = self.choice(*choice);
                match state.open.iter().position(|(b, _)| b == block) {
                    Some(at) => {
                        state.open.remove(at);
                        Ok(())
                    }
                    None => Err("a block closed that is not open"),
                }
            }
            Event::Finish { choice, .. } => {
                let state = self.choice(*choice);
                if state.finished {
                    return Err("an answer finished twice");
                }
                if !state.open.is_empty() {
                    return Err("an answer finished with a block open");
                }
                state.finished = true;
                Ok(())
            }
            Event::End if self.choices.iter().any(|c| !c.finished) => {
                Err("the stream ended with an answer unfinished")
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, choice: u32, block: u32, kind: &BlockKind) -> Result<(), &'static str> {
        let state = self.choice(choice);
        let tool = matches!(kind, BlockKind::ToolCall { .. });
        if state.finished {
            return Err("a block opened after its answer finished");
        }
        if block != state.next {
            return Err("blocks must be counted from 0 without gaps");
        }
        if state.open.iter().any(|(_, is_tool)| !(tool && *is_tool)) {
            return Err("only tool calls may be open side by side");
        }
        state.next += 1;
        state.open.push((block, tool));
        Ok(())
    }

    fn choice(&mut self, choice: u32) -> &mut ChoiceState {
        let at = match self.choices.iter().position(|c| c.choice == choice) {
            Some(at) => at,
            None => {
                self.choices.push(ChoiceState { choice, next: 0, open: Vec::new(), finished: false });
                self.choices.len() - 1
            }
        };
        // The position was found or made just now.
        #[allow(clippy::indexing_slicing)]
        &mut self.choices[at]
    }
}
