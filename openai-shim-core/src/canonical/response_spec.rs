//! Facts of a request that decide how its response is read and written. They do not change while a response passes.

use super::{
    AnswerQuirks, Block, CUSTOM_TOOL, Context, ExtraFields, LEGACY_FUNCTIONS, Message, Request, Role, Tool,
    ToolChoice,
};
use std::collections::{BTreeMap, BTreeSet};

/// Facts of a request that decide the content of its response.
///
/// The exchange fills in what the profile adds before the request is sent; decoders, encoders and repairers only read it. What
/// changes while a response passes stands in [`ResponseContext`](super::ResponseContext).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResponseSpec {
    /// The model, by the client's name for it.
    pub model: String,
    /// The client's name for the model is an alias: responses carry it in place of the upstream's name.
    pub restore_alias: bool,
    /// The time of the request, in seconds since 1970: the creation time of a response that states none.
    pub created: u64,
    /// The client requested a stream.
    pub stream: bool,
    /// Who requested usage at the end of the stream.
    pub stream_usage: StreamUsage,
    /// The names of the functions that the model may call, as the upstream gets them.
    pub tools: Vec<String>,
    /// The client's names of the tools that the upstream gets by another name, by that name.
    pub tool_names: BTreeMap<String, String>,
    /// The client's names of parameters that the upstream gets by another name, by the tool's name (the upstream's) and by that
    /// name.
    pub property_names: BTreeMap<String, BTreeMap<String, String>>,
    /// The client's names of its custom tools.
    pub custom_tools: BTreeSet<String>,
    /// How many choices the client requested.
    pub n: u32,
    /// The client required one function by name; OpenAI then reports `stop` as the finish reason.
    pub named_tool: bool,
    /// The client used the legacy `functions` and expects `function_call`.
    pub legacy_functions: bool,
    /// Request parameters that the response repeats.
    pub echoed_params: ExtraFields,
    /// How many choices are requested from the upstream one after another; 0: all come in one response.
    pub sequential_choices: u32,
    /// Stop sequences that the upstream does not accept: the response is cut here.
    pub local_stops: Vec<String>,
    /// The client requested JSON: the fields that its schema requires of the response.
    pub required_json_fields: Option<Vec<String>>,
    /// Signatures of tool calls are attached to the calls' ids.
    pub signatures_in_ids: bool,
    /// What of the model's turn is stored for the next request.
    pub turn_storage: TurnStorage,
    /// How reasoning is shown to the client.
    pub reasoning: ReasoningStyle,
    /// Known deviations of the upstream's responses.
    pub quirks: AnswerQuirks,
    /// The request has no messages (it only loads or unloads a model): an empty response is complete.
    pub is_empty_request: bool,
    /// The request ends with the result of a tool: the model may have nothing to add to it.
    pub follows_tool_result: bool,
}

impl ResponseSpec {
    /// The facts of `request`, under the client's own name for the model; `context` has the time of the request.
    pub fn new(request: &Request, context: &Context) -> Self {
        Self {
            model: request.model.clone(),
            restore_alias: false,
            created: context.created(),
            stream: request.stream,
            stream_usage: if request.include_usage { StreamUsage::Client } else { StreamUsage::None },
            tools: callable_names(request),
            tool_names: BTreeMap::new(),
            property_names: BTreeMap::new(),
            custom_tools: custom_names(request),
            n: request.n.unwrap_or(1),
            named_tool: matches!(*request.tool_choice, Some(ToolChoice::Function(_))),
            legacy_functions: request.extra.get(LEGACY_FUNCTIONS).is_some(),
            echoed_params: request.echoed_params.clone(),
            sequential_choices: 0,
            local_stops: Vec::new(),
            required_json_fields: None,
            signatures_in_ids: false,
            turn_storage: TurnStorage::None,
            reasoning: ReasoningStyle::default(),
            quirks: AnswerQuirks::default(),
            is_empty_request: request.messages.is_empty(),
            follows_tool_result: request.messages.last().is_some_and(has_tool_result),
        }
    }

    /// Whether a turn is recorded from its beginning, also if nothing in it is opaque: its reasoning as text, or the
    /// signatures of its calls, must be sent back.
    pub fn records_whole_turn(&self) -> bool {
        match self.turn_storage {
            TurnStorage::None => false,
            TurnStorage::Opaque => self.signatures_in_ids,
            TurnStorage::OpaqueAndReasoning => true,
        }
    }
}

fn has_tool_result(message: &Message) -> bool {
    message.role == Role::Tool || message.blocks.iter().any(|block| matches!(block, Block::ToolResult { .. }))
}

/// The names of the tools whose input is free text.
fn custom_names(request: &Request) -> BTreeSet<String> {
    let custom = request.tools.iter().filter_map(|tool| match tool {
        Tool::Function { name, extra, .. } => extra.get(CUSTOM_TOOL).map(|_| name.clone()),
        Tool::Native { .. } => None,
    });
    custom.collect()
}

/// The names of the functions that the model may call.
fn callable_names(request: &Request) -> Vec<String> {
    let names = request.tools.iter().filter_map(|tool| tool.name().map(str::to_owned));
    match &*request.tool_choice {
        Some(ToolChoice::None) => Vec::new(),
        Some(ToolChoice::Allowed { names: allowed, .. }) => {
            let allowed: BTreeSet<&str> = allowed.iter().map(String::as_str).collect();
            names.filter(|name| allowed.contains(name.as_str())).collect()
        }
        _ => names.collect(),
    }
}

/// Who requested usage at the end of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamUsage {
    /// Neither the client nor the exchange: usage that the upstream sends is removed.
    #[default]
    None,
    /// The client: it gets usage, or zeros if the upstream sends none.
    Client,
    /// The exchange, for its report: usage is removed from the client's stream.
    Injected,
}

/// What of the model's turn is stored until a client sends the turn back without it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnStorage {
    /// Nothing.
    #[default]
    None,
    /// Opaque state: signatures and encrypted reasoning.
    Opaque,
    /// Opaque state, and reasoning as text that led to a tool call.
    OpaqueAndReasoning,
}

/// How reasoning is shown to clients whose dialect has no field of its own for it.
///
/// ```
/// use openai_shim_core::canonical::ReasoningStyle;
/// use openai_shim_core::exchange::Settings;
/// let mut settings = Settings::default();
/// assert_eq!(settings.reasoning, ReasoningStyle::Field);
/// settings.reasoning = ReasoningStyle::Tags;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasoningStyle {
    /// In `reasoning_content`, next to the content.
    #[default]
    Field,
    /// Between `<think>` and `</think>`, before the content.
    Tags,
}
