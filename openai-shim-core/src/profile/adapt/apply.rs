//! An adaptation to the layer of rules that it sets, and to a changed profile.

use super::adaptation::Adaptation;
use crate::accepts::{
    ContentType, MessageNamePolicy, PrefillPolicy, ReasoningHistory, ResponseFormatSupport, SharedList,
    ToolCallContent, ToolCallIdFormat, ToolChoiceSupport,
};
use crate::overlay::INHERITED;
use crate::profile::definition::{ModelOverride, Profile};
use std::collections::BTreeMap;

impl Adaptation {
    /// Sets the adaptation's rule in a profile. Returns whether that changes the profile.
    /// [`Profile::with_adaptations`] also checks the result.
    pub fn apply(&self, profile: &mut Profile) -> bool {
        let before = profile.clone();
        if let Self::RenameParam { to, .. } = self {
            // The opposite rename, of the name that is refused now.
            if let Some(rename) = &mut profile.params.rename {
                rename.remove(to);
            }
        }
        self.layer().apply(profile);
        *profile != before
    }

    /// The layer that sets the adaptation's rule, for no model yet.
    pub fn layer(&self) -> ModelOverride {
        let mut layer = ModelOverride::default();
        let (params, messages, tools) = (&mut layer.params, &mut layer.messages, &mut layer.tools);
        let (format, stream) = (&mut layer.response_format, &mut layer.stream);
        match self {
            Self::DropParam(name) => params.drop = inherited_and(name),
            Self::OmitAddition(name) => params.client_only = inherited_and(name),
            Self::RenameParam { from, to } => params.rename = one_entry(from, to.clone()),
            Self::ClampParam { name, low, high } => {
                if let (Ok(low), Ok(high)) = (low.parse(), high.parse()) {
                    params.clamp = one_entry(name, [low, high]);
                }
            }
            Self::RenameRole { from, to } => messages.roles = one_entry(from, to.clone()),
            Self::DropMessageField(name) => messages.drop_fields = inherited_and(name),
            Self::FormatAsInstruction(name) if name == "json_object" => {
                format.json_object = Some(ResponseFormatSupport::Instruction);
            }
            Self::FormatAsInstruction(_) => format.json_schema = Some(ResponseFormatSupport::Instruction),
            Self::ContentAsString => messages.content = Some(ContentType::String),
            Self::MergeSystem => messages.merge_system = Some(true),
            Self::MergeSameRole => messages.merge_same_role = Some(true),
            Self::EmptyContent => messages.tool_call_content = Some(ToolCallContent::Empty),
            Self::AssistantAfterTool => messages.assistant_after_tool = Some(true),
            Self::PrefixPrefill => messages.prefill = Some(PrefillPolicy::Prefix),
            Self::ToolCallIdsAlnum9 => messages.tool_call_ids = Some(ToolCallIdFormat::Alnum9),
            Self::ToolCallIdsMax40 => messages.tool_call_ids = Some(ToolCallIdFormat::Max40),
            Self::RestoreReasoning => messages.reasoning_history = Some(ReasoningHistory::Restore),
            Self::DropReasoning => messages.reasoning_history = Some(ReasoningHistory::Drop),
            Self::DropMessageNames => messages.name_field = Some(MessageNamePolicy::Drop),
            Self::DropStreamOptions => stream.accepts_options = Some(false),
            Self::DisableStreaming => stream.supported = Some(false),
            Self::RequireStreaming => stream.required = Some(true),
            Self::RequiredAsAny => tools.required_choice = Some(ToolChoiceSupport::Any),
            Self::RequiredAsAuto => tools.required_choice = Some(ToolChoiceSupport::Auto),
            Self::NamedAsRequired => tools.named_choice = Some(ToolChoiceSupport::Required),
            Self::NamedAsAuto => tools.named_choice = Some(ToolChoiceSupport::Auto),
            Self::DropStrict => tools.drop_strict = Some(true),
            Self::DropSchemaKeyword(name) => {
                tools.schema.drop_keywords = inherited_and(name).map(SharedList::from);
            }
            Self::DropTools => tools.supported = Some(false),
            Self::SchemaAsJsonObject => format.json_schema = Some(ResponseFormatSupport::JsonObject),
            Self::DropAuxiliaryParam { api, name } => layer.auxiliary_mut(*api).drop = inherited_and(name),
            Self::LimitItems { api, max } => layer.auxiliary_mut(*api).max_items = Some(Some(*max)),
            Self::JsonObjectAsSchema => format.json_object = Some(ResponseFormatSupport::JsonSchema),
        }
        layer
    }
}

/// A list that adds a name to the list of the layer below.
fn inherited_and(name: &str) -> Option<Vec<String>> {
    Some(vec![INHERITED.to_owned(), name.to_owned()])
}

fn one_entry<V>(key: &str, value: V) -> Option<BTreeMap<String, V>> {
    Some(BTreeMap::from([(key.to_owned(), value)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accepts::AuxiliaryApi;

    #[test]
    fn the_line_of_toml_is_the_layer() {
        let text = String::from;
        for adaptation in [
            Adaptation::DropParam(text("user")),
            Adaptation::OmitAddition(text("tools.strict")),
            Adaptation::RenameParam { from: text("a"), to: text("b c") },
            Adaptation::ClampParam { name: text("top_p"), low: text("0.0"), high: text("0.5") },
            Adaptation::RenameRole { from: text("system"), to: text("user") },
            Adaptation::ContentAsString,
            Adaptation::MergeSystem,
            Adaptation::MergeSameRole,
            Adaptation::EmptyContent,
            Adaptation::AssistantAfterTool,
            Adaptation::PrefixPrefill,
            Adaptation::ToolCallIdsAlnum9,
            Adaptation::ToolCallIdsMax40,
            Adaptation::RestoreReasoning,
            Adaptation::DropReasoning,
            Adaptation::DropMessageNames,
            Adaptation::DropMessageField(text("annotations")),
            Adaptation::DropStreamOptions,
            Adaptation::DisableStreaming,
            Adaptation::RequireStreaming,
            Adaptation::RequiredAsAny,
            Adaptation::RequiredAsAuto,
            Adaptation::NamedAsRequired,
            Adaptation::NamedAsAuto,
            Adaptation::DropStrict,
            Adaptation::DropSchemaKeyword(text("$schema")),
            Adaptation::DropTools,
            Adaptation::SchemaAsJsonObject,
            Adaptation::JsonObjectAsSchema,
            Adaptation::FormatAsInstruction(text("json_schema")),
            Adaptation::FormatAsInstruction(text("json_object")),
            Adaptation::DropAuxiliaryParam { api: AuxiliaryApi::Embeddings, name: text("dimensions") },
            Adaptation::LimitItems { api: AuxiliaryApi::Embeddings, max: 10 },
            Adaptation::DropAuxiliaryParam { api: AuxiliaryApi::Rerank, name: text("return_documents") },
            Adaptation::LimitItems { api: AuxiliaryApi::Rerank, max: 32 },
        ] {
            let read: ModelOverride = toml::from_str(&adaptation.to_string()).unwrap();
            assert_eq!(read, adaptation.layer());
            assert!(adaptation.apply(&mut Profile::default()), "{adaptation:?}");
            let stored = serde_json::to_string(&adaptation).unwrap();
            assert_eq!(serde_json::from_str::<Adaptation>(&stored).unwrap(), adaptation);
        }
    }
}
