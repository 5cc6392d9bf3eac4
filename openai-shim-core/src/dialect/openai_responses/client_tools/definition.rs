//! What the table of client-run tools states.

use crate::dialect::tool_params::ParamSet;

/// A tool that the client runs, and how its calls and results are written.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ClientTool {
    /// The tool's `type`.
    pub(in super::super) tool_type: &'static str,
    /// The name of the function that stands for it.
    pub(in super::super) function: &'static str,
    /// What it does, where the tool itself does not state it.
    pub(super) description: &'static str,
    /// Members of the tool that the function's description repeats.
    pub(super) described_members: &'static [&'static str],
    /// The function's parameters, unless the tool states them itself.
    pub(super) params: &'static ParamSet,
    /// The `type` of its calls.
    pub(in super::super) call_type: &'static str,
    /// The beginning of the ids of its calls.
    pub(in super::super) id_prefix: &'static str,
    /// Where a call has the arguments.
    pub(super) payload: Payload,
    /// Members that all calls have, as JSON.
    pub(super) call_members: &'static [(&'static str, &'static str)],
    /// Members that calls in answers have too where nothing else is known, as JSON: of the call, and of its arguments.
    pub(super) answer_members: [&'static [(&'static str, &'static str)]; 2],
    /// The `type` of its results.
    pub(in super::super) output_type: &'static str,
    /// What its results are.
    pub(in super::super) output: OutputForm,
    /// Which member tells that the client runs it, and the value that does; the tool can run elsewhere too.
    pub(super) run_by: Option<RunBy>,
}

/// Where the arguments of a call are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// They are one member, which also has these members, as JSON.
    Member { key: &'static str, constants: &'static [(&'static str, &'static str)] },
    /// They are a member of the call itself.
    Inline(&'static str),
}

/// What the result of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum OutputForm {
    /// A text.
    Text,
    /// A text, and whether the call failed.
    TextWithStatus,
    /// A list of outputs of commands.
    Commands,
    /// A picture of the screen.
    Screenshot,
    /// A list of tools.
    Tools,
}

/// The member that tells who runs a tool.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RunBy {
    /// Its key in the tool and in its calls.
    pub(super) key: &'static str,
    /// The value that stands for the client; in an object it is the `type`.
    pub(super) client: &'static str,
    /// Whether the client runs it if the member is missing.
    pub(super) client_by_default: bool,
}

impl Payload {
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Member { key, .. } | Self::Inline(key) => key,
        }
    }
}
