//! The tools that the client runs, with the members of their calls.
//!
//! <https://developers.openai.com/api/docs/guides/tools-local-shell>
//! <https://developers.openai.com/api/docs/guides/tools-shell>
//! <https://developers.openai.com/api/docs/guides/tools-apply-patch>
//! <https://developers.openai.com/api/docs/guides/tools-computer-use>
//! <https://developers.openai.com/api/docs/guides/tools-tool-search>

use super::definition::{ClientTool, OutputForm, Payload, RunBy};
use crate::dialect::tool_params::{
    ParamKind::{Integer, Objects, OneOf, Text, TextMap, Texts},
    ParamSet, Variant, optional, required,
};

/// One row for each `type` of a tool.
pub(super) static CLIENT_TOOLS: [ClientTool; 6] = [
    ClientTool {
        tool_type: "local_shell",
        function: "local_shell",
        description: "Runs a command on the user's machine and returns its output.",
        described_members: &[],
        params: &LOCAL_SHELL,
        call_type: "local_shell_call",
        id_prefix: "lsh_",
        payload: Payload::Member { key: "action", constants: &[("type", "\"exec\""), ("env", "{}")] },
        call_members: &[],
        answer_members: NONE,
        output_type: "local_shell_call_output",
        output: OutputForm::Text,
        run_by: None,
    },
    ClientTool {
        tool_type: "shell",
        function: "shell",
        description: "Runs shell commands on the user's machine and returns the output of each.",
        described_members: &[],
        params: &SHELL,
        call_type: "shell_call",
        id_prefix: "sh_",
        payload: Payload::Member { key: "action", constants: &[] },
        call_members: &[],
        answer_members: [
            &[("environment", r#"{"type":"local"}"#)],
            &[("timeout_ms", "null"), ("max_output_length", "null")],
        ],
        output_type: "shell_call_output",
        output: OutputForm::Commands,
        run_by: Some(RunBy { key: "environment", client: "local", client_by_default: true }),
    },
    ClientTool {
        tool_type: "apply_patch",
        function: "apply_patch",
        description: "Creates, changes or deletes one file.",
        described_members: &[],
        params: &APPLY_PATCH,
        call_type: "apply_patch_call",
        id_prefix: "apc_",
        payload: Payload::Member { key: "operation", constants: &[] },
        call_members: &[],
        answer_members: NONE,
        output_type: "apply_patch_call_output",
        output: OutputForm::TextWithStatus,
        run_by: None,
    },
    ClientTool {
        tool_type: "computer_use_preview",
        function: "computer",
        description: "Does one action on a computer's screen and returns a picture of the screen after it.",
        described_members: &["environment", "display_width", "display_height"],
        params: &COMPUTER_ACTION,
        call_type: "computer_call",
        id_prefix: "cu_",
        payload: Payload::Member { key: "action", constants: &[] },
        call_members: &[("pending_safety_checks", "[]")],
        answer_members: NONE,
        output_type: "computer_call_output",
        output: OutputForm::Screenshot,
        run_by: None,
    },
    ClientTool {
        tool_type: "computer",
        function: "computer",
        description: "Does actions on a computer's screen, one after another, and returns a picture of the screen after them.",
        described_members: &[],
        params: &COMPUTER_ACTIONS,
        call_type: "computer_call",
        id_prefix: "cu_",
        payload: Payload::Inline("actions"),
        call_members: &[("pending_safety_checks", "[]")],
        answer_members: NONE,
        output_type: "computer_call_output",
        output: OutputForm::Screenshot,
        run_by: None,
    },
    ClientTool {
        tool_type: "tool_search",
        function: "tool_search",
        description: "Finds tools that are not offered yet; those that it finds can be called afterwards.",
        described_members: &[],
        params: &TOOL_SEARCH,
        call_type: "tool_search_call",
        id_prefix: "tsc_",
        payload: Payload::Member { key: "arguments", constants: &[] },
        call_members: &[("execution", "\"client\"")],
        answer_members: NONE,
        output_type: "tool_search_output",
        output: OutputForm::Tools,
        run_by: Some(RunBy { key: "execution", client: "client", client_by_default: false }),
    },
];

const NONE: [&[(&str, &str)]; 2] = [&[], &[]];

static LOCAL_SHELL: ParamSet = ParamSet::of(&[
    required("command", Texts(&["bash", "-lc"]), "The program and its arguments."),
    optional("working_directory", Text, "The directory to run it in."),
    optional("timeout_ms", Integer, "After how many milliseconds it is stopped."),
    optional("env", TextMap, "Environment variables to set."),
    optional("user", Text, "The user to run it as."),
]);

static SHELL: ParamSet = ParamSet::of(&[
    required("commands", Texts(&[]), "The commands, which run one after another."),
    optional("timeout_ms", Integer, "After how many milliseconds they are stopped."),
    optional("max_output_length", Integer, "How many characters of output are returned at most."),
]);

static APPLY_PATCH: ParamSet = ParamSet {
    params: &[
        required("type", OneOf(&["create_file", "update_file", "delete_file"]), "What to do with the file."),
        required("path", Text, "The file's path, relative to the root of the workspace."),
        optional(
            "diff",
            Text,
            "The change, in the V4A diff format: lines that begin with `+` are added, with `-` removed, with a space kept, and `@@` begins a section. Needed unless the file is deleted.",
        ),
    ],
    variants: &[
        variant("create_file", &["diff"]),
        variant("update_file", &["diff"]),
        variant("delete_file", &[]),
    ],
};

static COMPUTER_ACTION: ParamSet = ParamSet {
    params: &[
        required(
            "type",
            OneOf(&[
                "click",
                "double_click",
                "drag",
                "keypress",
                "move",
                "screenshot",
                "scroll",
                "type",
                "wait",
            ]),
            "The action.",
        ),
        optional("x", Integer, "Pixels from the left: for click, double_click, move and scroll."),
        optional("y", Integer, "Pixels from the top: for click, double_click, move and scroll."),
        optional("button", OneOf(&["left", "right", "wheel", "back", "forward"]), "The button of a click."),
        optional("path", Objects(&POINT), "The points of a drag."),
        optional("scroll_x", Integer, "How far to scroll to the right."),
        optional("scroll_y", Integer, "How far to scroll down."),
        optional("keys", Texts(&[]), "The keys to press, or to hold during another action."),
        optional("text", Text, "The text to type."),
    ],
    variants: &[
        Variant { name: "click", required: &["x", "y"], defaults: &[("button", "\"left\"")] },
        variant("double_click", &["x", "y"]),
        variant("drag", &["path"]),
        variant("keypress", &["keys"]),
        variant("move", &["x", "y"]),
        variant("screenshot", &[]),
        Variant { name: "scroll", required: &["x", "y"], defaults: &[("scroll_x", "0"), ("scroll_y", "0")] },
        variant("type", &["text"]),
        variant("wait", &[]),
    ],
};

static POINT: ParamSet = ParamSet::of(&[required("x", Integer, ""), required("y", Integer, "")]);

static COMPUTER_ACTIONS: ParamSet =
    ParamSet::of(&[required("actions", Objects(&COMPUTER_ACTION), "The actions, in order.")]);

/// A tool for searches states its parameters itself.
static TOOL_SEARCH: ParamSet = ParamSet::of(&[]);

const fn variant(name: &'static str, required: &'static [&'static str]) -> Variant {
    Variant { name, required, defaults: &[] }
}
