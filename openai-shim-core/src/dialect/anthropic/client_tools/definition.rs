//! What the tables of client-run tools state.

use crate::dialect::tool_params::ParamSet;

/// A tool with a `type` of its own.
pub(super) struct ClientTool {
    /// The beginning of its `type`; a date follows.
    pub(super) type_prefix: &'static str,
    /// Its name, where the tool states none.
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// Members of the tool that the function's description repeats.
    pub(super) described_members: &'static [&'static str],
    pub(super) params: &'static ParamSet,
}

/// A tool entry that stands for several tools.
pub(super) struct Toolset {
    /// The beginning of its `type`; a date follows.
    pub(super) type_prefix: &'static str,
    /// The name in the calls of its members.
    pub(super) name: &'static str,
    pub(super) members: &'static [ToolsetMember],
}

/// A tool of a toolset.
pub(super) struct ToolsetMember {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) params: &'static ParamSet,
}
