//! A lesson, put into the row that it was learnt about.

use super::Adaptation;
use crate::profile::{
    MessageNamePolicy, PrefillPolicy, Profile, ReasoningHistory, ResponseFormatSupport, ToolCallIdFormat,
    ToolChoiceSupport,
};

impl Adaptation {
    /// Puts the lesson into a row; false if the row says so already, so that it changes nothing.
    pub fn apply(&self, row: &mut Profile) -> bool {
        let before = row.clone();
        match self {
            Self::DropParam(name) => add(&mut row.params.drop, name),
            Self::RenameParam { from, to } => {
                row.params.rename.remove(to);
                row.params.rename.insert(from.clone(), to.clone());
            }
            Self::ClampParam { name, low, high } => {
                if let (Ok(low), Ok(high)) = (low.parse(), high.parse()) {
                    row.params.clamp.insert(name.clone(), [low, high]);
                }
            }
            Self::Role { from, to } => drop(row.messages.roles.insert(from.clone(), to.clone())),
            Self::DropMessageField(name) => add(&mut row.messages.drop_fields, name),
            Self::FormatInstruction(form) if form == "json_object" => {
                row.response_format.json_object = ResponseFormatSupport::Instruction;
            }
            Self::FormatInstruction(_) => {
                row.response_format.json_schema = ResponseFormatSupport::Instruction
            }
            Self::FlattenText => row.messages.flatten_text = true,
            Self::SingleSystem => row.messages.merge_system = true,
            Self::Alternate => row.messages.merge_same_role = true,
            Self::EmptyContent => row.messages.empty_content = true,
            Self::BridgeToolUser => row.messages.assistant_after_tool = true,
            Self::PrefixAssistant => row.messages.prefill = PrefillPolicy::Prefix,
            Self::ToolIdsNine => row.messages.tool_call_ids = ToolCallIdFormat::Alnum9,
            Self::ToolIdsForty => row.messages.tool_call_ids = ToolCallIdFormat::Max40,
            Self::ReasoningRequired => row.messages.reasoning_history = ReasoningHistory::Restore,
            Self::ReasoningRefused => row.messages.reasoning_history = ReasoningHistory::Drop,
            Self::DropName => row.messages.name_field = MessageNamePolicy::Drop,
            Self::NoStreamOptions => row.stream.accepts_options = false,
            Self::NoStream => row.stream.supported = false,
            Self::StreamOnly => row.stream.required = true,
            Self::RequiredAsAny => row.tools.required_choice = ToolChoiceSupport::Any,
            Self::RequiredAsAuto => row.tools.required_choice = ToolChoiceSupport::Auto,
            Self::NamedAsRequired => row.tools.named_choice = ToolChoiceSupport::Required,
            Self::NamedAsAuto => row.tools.named_choice = ToolChoiceSupport::Auto,
            Self::DropStrict => row.tools.drop_strict = true,
            Self::FormatJsonObject => row.response_format.json_schema = ResponseFormatSupport::JsonObject,
            Self::FormatJsonSchema => row.response_format.json_object = ResponseFormatSupport::JsonSchema,
        }
        *row != before
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}
