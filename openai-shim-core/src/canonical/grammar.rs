//! The legal order of events: a transition table, and a checker that applies it.
//!
//! A stream is `Start`, then blocks of the choices, then `End` or `Error`. Within one choice text, reasoning and refusal
//! blocks follow one another; several tool calls may be open at once, because models call tools in parallel. `Usage` and
//! `Extra` may follow anywhere after `Start`. `Error` may come anywhere, also first.

use super::{BlockKind, Event};

/// The phase of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No event yet.
    Before,
    /// Between `Start` and the end.
    Running,
    /// After `End` or `Error`.
    Over,
}

/// A class of events in the transition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventClass {
    /// `Start`
    Start,
    /// `Open`, `Delta`, `Close`, `Finish`
    Content,
    /// `Usage`, `Extra`
    Metadata,
    /// `End`
    End,
    /// `Error`
    Error,
}

/// The legal transitions: phase, class of the event, next phase. An event without a transition is illegal.
pub const TRANSITIONS: &[(Phase, EventClass, Phase)] = &[
    (Phase::Before, EventClass::Start, Phase::Running),
    (Phase::Before, EventClass::Error, Phase::Over),
    (Phase::Running, EventClass::Content, Phase::Running),
    (Phase::Running, EventClass::Metadata, Phase::Running),
    (Phase::Running, EventClass::End, Phase::Over),
    (Phase::Running, EventClass::Error, Phase::Over),
];

/// Checks the order of a stream's events.
#[derive(Debug, Clone)]
pub struct Grammar {
    phase: Phase,
    choices: Vec<ChoiceState>,
}

#[derive(Debug, Clone)]
struct ChoiceState {
    choice: u32,
    next_block: u32,
    /// The open blocks, and whether each is a tool call.
    open: Vec<(u32, bool)>,
    is_finished: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self { phase: Phase::Before, choices: Vec::new() }
    }
}

impl Grammar {
    /// A checker for the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The phase of the stream.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Checks the next event.
    ///
    /// # Errors
    /// Why the event is illegal here.
    pub fn check(&mut self, event: &Event) -> Result<(), &'static str> {
        let class = match event {
            Event::Start { .. } => EventClass::Start,
            Event::Open { .. } | Event::Delta { .. } | Event::Close { .. } | Event::Finish { .. } => {
                EventClass::Content
            }
            Event::Usage(_) | Event::Extra { .. } => EventClass::Metadata,
            Event::End => EventClass::End,
            Event::Error(_) => EventClass::Error,
        };
        let Some((_, _, next)) =
            TRANSITIONS.iter().find(|(phase, listed, _)| *phase == self.phase && *listed == class)
        else {
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
                    Some(position) => {
                        state.open.remove(position);
                        Ok(())
                    }
                    None => Err("a block closed that is not open"),
                }
            }
            Event::Finish { choice, .. } => {
                let state = self.choice(*choice);
                if state.is_finished {
                    return Err("an answer finished twice");
                }
                if !state.open.is_empty() {
                    return Err("an answer finished with a block open");
                }
                state.is_finished = true;
                Ok(())
            }
            Event::End if self.choices.iter().any(|c| !c.is_finished) => {
                Err("the stream ended with an answer unfinished")
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, choice: u32, block: u32, kind: &BlockKind) -> Result<(), &'static str> {
        let state = self.choice(choice);
        let is_tool_call = matches!(kind, BlockKind::ToolCall { .. });
        if state.is_finished {
            return Err("a block opened after its answer finished");
        }
        if block != state.next_block {
            return Err("blocks must be counted from 0 without gaps");
        }
        if state.open.iter().any(|(_, is_open_call)| !(is_tool_call && *is_open_call)) {
            return Err("only tool calls may be open side by side");
        }
        state.next_block += 1;
        state.open.push((block, is_tool_call));
        Ok(())
    }

    fn choice(&mut self, choice: u32) -> &mut ChoiceState {
        let position = match self.choices.iter().position(|c| c.choice == choice) {
            Some(position) => position,
            None => {
                self.choices.push(ChoiceState {
                    choice,
                    next_block: 0,
                    open: Vec::new(),
                    is_finished: false,
                });
                self.choices.len() - 1
            }
        };
        // The position was found or added just now.
        #[allow(clippy::indexing_slicing)]
        &mut self.choices[position]
    }
}
