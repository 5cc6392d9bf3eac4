//! What must be remembered of a request while its answer is read and written.

use super::{AnswerQuirks, Block, Context, ExtraFields, Request, ToolChoice, call_id};
use std::collections::BTreeSet;
use std::time::Duration;

/// What the client asked for, as far as it decides the form of the answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResponseSpec {
    /// The model by the client's name for it.
    pub model: String,
    /// Answers shall carry the client's name: an alias was in force.
    pub restore_alias: bool,
    /// The client wants a stream.
    pub stream: bool,
    /// The client wants usage at the end of the stream.
    pub include_usage: bool,
    /// Usage is asked from the upstream although the client did not ask for it.
    pub usage_injected: bool,
    /// The names of the functions that may be called.
    pub tools: Vec<String>,
    /// The ids of the calls so far: an answer's calls have others.
    pub used_call_ids: BTreeSet<String>,
    /// How many answers the client wants.
    pub n: u32,
    /// The client demanded one function by name: OpenAI itself then ends with `stop`.
    pub named_tool: bool,
    /// The client used the legacy `functions`, and expects `function_call`.
    pub legacy_functions: bool,
    /// Parameters that the answer repeats.
    pub echoed_params: ExtraFields,
    /// How many answers the upstream must be asked for one by one; 0: none.
    pub sequential_choices: u32,
    /// Stop sequences that we apply, because the upstream does not.
    pub local_stops: Vec<String>,
    /// The client asked for JSON; the members that the answer must have.
    pub required_json_fields: Option<Vec<String>>,
    /// Signatures of tool calls are carried in the calls' ids.
    pub signatures_in_ids: bool,
    /// Reasoning that leads to a tool call must be kept for the next turn.
    pub store_reasoning: bool,
    /// What only the answer's maker can read must be kept for the next turn.
    pub store_turn: bool,
    /// How reasoning is shown.
    pub reasoning: ReasoningStyle,
    /// How the upstream's answers are known to deviate.
    pub quirks: AnswerQuirks,
    /// The client asked nothing: a model is only loaded or unloaded, and an empty answer is a complete one.
    pub is_empty_request: bool,
    /// How long a whole answer took, by the caller's clock, where it is known.
    pub elapsed: Option<Duration>,
    /// Time and ids.
    pub context: Context,
}

impl ResponseSpec {
    /// What `request` asks for, under the client's own name for the model.
    pub fn new(request: &Request, context: Context) -> Self {
        Self {
            model: request.model.clone(),
            restore_alias: false,
            stream: request.stream,
            include_usage: request.include_usage,
            usage_injected: false,
            tools: request
                .tools
                .iter()
                .filter(|_| !matches!(request.tool_choice, Some(ToolChoice::None)))
                .filter_map(|tool| tool.name().map(str::to_owned))
                .collect(),
            used_call_ids: called(request),
            n: request.n.unwrap_or(1),
            named_tool: matches!(request.tool_choice, Some(ToolChoice::Function(_))),
            legacy_functions: request.extra.get("functions").is_some(),
            echoed_params: request.echoed_params.clone(),
            sequential_choices: 0,
            local_stops: Vec::new(),
            required_json_fields: None,
            signatures_in_ids: false,
            store_reasoning: false,
            store_turn: false,
            reasoning: ReasoningStyle::default(),
            quirks: AnswerQuirks::default(),
            is_empty_request: request.messages.is_empty(),
            elapsed: None,
            context,
        }
    }

    /// Whether a turn must be noted also where nothing in it is sealed: its reasoning as text, or its calls' signatures, must
    /// come back.
    pub fn note_whole_turn(&self) -> bool {
        self.store_turn && (self.store_reasoning || self.signatures_in_ids)
    }

    /// A new id for a call, where an earlier one has its id: clients would mix up the results of an upstream that counts its
    /// calls anew in every answer. It does not begin like the old one: Claude Code takes `call_0_1` for part of `call_0`.
    pub fn replace_repeated_id(&mut self, id: &str) -> Option<String> {
        let repeated = !id.is_empty() && !self.used_call_ids.insert(id.to_owned());
        repeated.then(|| self.context.id("call_"))
    }
}

/// The ids of the calls in the history, without what they carry.
fn called(request: &Request) -> BTreeSet<String> {
    let blocks = request.messages.iter().flat_map(|message| &message.blocks);
    let ids = blocks.filter_map(|block| match block {
        Block::ToolCall { id, .. } => Some(call_id::detach(id).map_or(id.as_str(), |(own, _)| own)),
        _ => None,
    });
    ids.map(str::to_owned).collect()
}

/// How reasoning is shown to clients of dialects that have no place of their own for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasoningStyle {
    /// In `reasoning_content`, beside the content.
    #[default]
    Field,
    /// Between `<think>` and `</think>`, in front of the content.
    Tags,
}
