//! The shell, the text editor, the memory and the computer: tools with one entry and one name.
//!
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/bash-tool>
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/text-editor-tool>
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/memory-tool>
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool>

use super::definition::ClientTool;
use crate::dialect::tool_params::{
    Param,
    ParamKind::{Boolean, Integer, Integers, Number, OneOf, Text},
    ParamSet, optional, required,
};

/// One row for each beginning of a `type`; the first that fits counts.
pub(super) static TOOLS: [ClientTool; 9] = [
    ClientTool {
        type_prefix: "bash_20",
        name: "bash",
        description: "Runs a command in a bash session that lasts, and returns its output.",
        described_members: &[],
        params: &BASH,
    },
    ClientTool {
        type_prefix: "text_editor_20241022",
        name: "str_replace_editor",
        description: EDITOR_DESCRIPTION,
        described_members: &[],
        params: &EDITOR_WITH_UNDO,
    },
    ClientTool {
        type_prefix: "text_editor_20250124",
        name: "str_replace_editor",
        description: EDITOR_DESCRIPTION,
        described_members: &[],
        params: &EDITOR_WITH_UNDO,
    },
    ClientTool {
        type_prefix: "text_editor_20",
        name: "str_replace_based_edit_tool",
        description: EDITOR_DESCRIPTION,
        described_members: &["max_characters"],
        params: &EDITOR,
    },
    ClientTool {
        type_prefix: "memory_20",
        name: "memory",
        description: "Reads and changes the files under /memories, which last from one conversation to the next.",
        described_members: &[],
        params: &MEMORY,
    },
    ClientTool {
        type_prefix: "computer_20241022",
        name: "computer",
        description: COMPUTER_DESCRIPTION,
        described_members: SCREEN,
        params: &COMPUTER_OLDEST,
    },
    ClientTool {
        type_prefix: "computer_20250124",
        name: "computer",
        description: COMPUTER_DESCRIPTION,
        described_members: SCREEN,
        params: &COMPUTER,
    },
    ClientTool {
        type_prefix: "computer_20251124",
        name: "computer",
        description: COMPUTER_DESCRIPTION,
        described_members: SCREEN,
        params: &COMPUTER_WITH_ZOOM,
    },
    ClientTool {
        type_prefix: "computer_20",
        name: "computer",
        description: COMPUTER_DESCRIPTION,
        described_members: SCREEN,
        params: &COMPUTER_WITH_ZOOM,
    },
];

const EDITOR_DESCRIPTION: &str = "Views, creates and changes text files.";
const COMPUTER_DESCRIPTION: &str =
    "Does one action with the mouse and the keyboard of a computer, or takes a picture of its screen.";
const SCREEN: &[&str] = &["display_width_px", "display_height_px"];

static BASH: ParamSet = ParamSet::of(&[
    optional("command", Text, "The command. Needed unless the session is restarted."),
    optional("restart", Boolean, "Whether to restart the session."),
]);

const PATH: Param = required("path", Text, "The path of the file or directory.");
const FILE_TEXT: Param = optional("file_text", Text, "The file's content: for create.");
const OLD_TEXT: Param =
    optional("old_str", Text, "The text to replace, exactly as it is in the file: for str_replace.");
const LINE: Param =
    optional("insert_line", Integer, "The line after which to insert, 0 for the beginning: for insert.");
const INSERTED: Param = optional("insert_text", Text, "The text to insert: for insert.");
const RANGE: Param =
    optional("view_range", Integers, "The first and the last line to view, -1 for the end: for view.");

static EDITOR: ParamSet = ParamSet::of(&[
    required("command", OneOf(&["view", "create", "str_replace", "insert"]), "What to do."),
    PATH,
    FILE_TEXT,
    OLD_TEXT,
    optional("new_str", Text, "The text in its place: for str_replace."),
    LINE,
    INSERTED,
    RANGE,
]);

static EDITOR_WITH_UNDO: ParamSet = ParamSet::of(&[
    required("command", OneOf(&["view", "create", "str_replace", "insert", "undo_edit"]), "What to do."),
    PATH,
    FILE_TEXT,
    OLD_TEXT,
    optional("new_str", Text, "The text in its place: for str_replace; the text to insert: for insert."),
    LINE,
    RANGE,
]);

static MEMORY: ParamSet = ParamSet::of(&[
    required(
        "command",
        OneOf(&["view", "create", "str_replace", "insert", "delete", "rename"]),
        "What to do.",
    ),
    optional("path", Text, "The path of the file or directory; it begins with /memories. Not for rename."),
    FILE_TEXT,
    OLD_TEXT,
    optional("new_str", Text, "The text in its place: for str_replace."),
    LINE,
    INSERTED,
    RANGE,
    optional("old_path", Text, "The present path: for rename."),
    optional("new_path", Text, "The new path: for rename."),
]);

const COORDINATE: Param =
    optional("coordinate", Integers, "Where to act: pixels from the left and from the top.");
const TEXT: Param =
    optional("text", Text, "The text to type, the keys to press, or the keys to hold during another action.");
const START: Param =
    optional("start_coordinate", Integers, "Where a drag begins: pixels from the left and from the top.");
const DIRECTION: Param =
    optional("scroll_direction", OneOf(&["up", "down", "left", "right"]), "Where to scroll: for scroll.");
const AMOUNT: Param = optional("scroll_amount", Integer, "How many steps of the wheel: for scroll.");
const DURATION: Param = optional("duration", Number, "How many seconds: for hold_key and wait.");

static COMPUTER_OLDEST: ParamSet = ParamSet::of(&[
    required(
        "action",
        OneOf(&[
            "key",
            "type",
            "mouse_move",
            "left_click",
            "left_click_drag",
            "right_click",
            "middle_click",
            "double_click",
            "screenshot",
            "cursor_position",
        ]),
        "The action.",
    ),
    COORDINATE,
    TEXT,
]);

/// The actions on a screen; the newest tools have the last one too.
const ACTIONS_AND_ZOOM: [&str; 17] = [
    "key",
    "hold_key",
    "type",
    "cursor_position",
    "mouse_move",
    "left_mouse_down",
    "left_mouse_up",
    "left_click",
    "left_click_drag",
    "right_click",
    "middle_click",
    "double_click",
    "triple_click",
    "scroll",
    "wait",
    "screenshot",
    "zoom",
];
const ACTIONS: &[&str] = match ACTIONS_AND_ZOOM.split_last() {
    Some((_, others)) => others,
    None => &[],
};

static COMPUTER: ParamSet = ParamSet::of(&[
    required("action", OneOf(ACTIONS), "The action."),
    COORDINATE,
    START,
    TEXT,
    DIRECTION,
    AMOUNT,
    DURATION,
]);

static COMPUTER_WITH_ZOOM: ParamSet = ParamSet::of(&[
    required("action", OneOf(&ACTIONS_AND_ZOOM), "The action."),
    COORDINATE,
    START,
    TEXT,
    DIRECTION,
    AMOUNT,
    DURATION,
    optional("region", Integers, "The left, top, right and bottom edge of what to show larger: for zoom."),
]);
