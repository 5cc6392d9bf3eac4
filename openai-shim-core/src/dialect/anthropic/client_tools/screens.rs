//! The toolsets of a computer and of a browser: one entry for many tools.
//!
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool>

use super::definition::{Toolset, ToolsetMember};
use crate::dialect::tool_params::{
    Param,
    ParamKind::{Integer, Integers, Number, Object, OneOf, Scalar, Text, Texts},
    ParamSet, Variant, optional, required,
};

/// One row for each beginning of a `type`.
pub(super) static TOOLSETS: [Toolset; 2] = [
    Toolset { type_prefix: "computer_toolset_20", name: "computer", members: COMPUTER },
    Toolset { type_prefix: "browser_toolset_20", name: "browser", members: BROWSER },
];

const fn member(name: &'static str, description: &'static str, params: &'static ParamSet) -> ToolsetMember {
    ToolsetMember { name, description, params }
}

static COMPUTER: &[ToolsetMember] = &[
    member("key", "Presses a key, or keys that are joined by +.", &PRESS),
    member("hold_key", "Holds a key, or keys that are joined by +, for some seconds.", &HOLD),
    member("type", "Types a text.", &TYPE),
    member("cursor_position", "Returns where the cursor is, in pixels.", &NOTHING),
    member("mouse_move", "Moves the cursor without a click.", &POSITION),
    member("left_mouse_down", "Presses the left mouse button where the cursor is, and holds it.", &NOTHING),
    member("left_mouse_up", "Releases the left mouse button.", &NOTHING),
    member("left_click", "Clicks with the left mouse button.", &CLICK),
    member("left_click_drag", "Drags with the left mouse button.", &DRAG),
    member("right_click", "Clicks with the right mouse button.", &CLICK),
    member("middle_click", "Clicks with the middle mouse button.", &CLICK),
    member("double_click", "Clicks twice with the left mouse button.", &CLICK),
    member("triple_click", "Clicks three times with the left mouse button.", &CLICK),
    member("scroll", "Turns the mouse wheel.", &SCROLL),
    member("wait", "Waits.", &WAIT),
    member("screenshot", "Takes a picture of the screen.", &NOTHING),
    member("zoom", "Takes a picture of a part of the screen, larger than it is.", &ZOOM),
];

static BROWSER: &[ToolsetMember] = &[
    member("navigate", "Opens an address, or goes back or forward in the history, or reloads.", &NAVIGATE),
    member("list_tabs", "Lists the open tabs with their ids, titles and addresses.", &NOTHING),
    member("new_tab", "Opens an empty tab and returns its id.", &NOTHING),
    member("switch_tab", "Makes a tab the active one.", &THIS_TAB),
    member("close_tab", "Closes a tab.", &THIS_TAB),
    member("read_page", "Returns the page as a tree of elements, each with a reference.", &READ_PAGE),
    member("get_page_text", "Returns the text that the page shows.", &ANY_TAB),
    member("read_console", "Returns the console's entries since the last call.", &ANY_TAB),
    member("read_network", "Returns the network requests since the last call.", &ANY_TAB),
    member("find", "Finds elements by a description, and returns references to them.", &FIND),
    member("form_input", "Sets the value of a form's element.", &FORM_INPUT),
    member("file_upload", "Selects files in an element for uploads.", &FILE_UPLOAD),
    member("scroll_to", "Scrolls an element into view.", &ELEMENT),
    member("screenshot", "Takes a picture of what the browser shows.", &ANY_TAB),
    member("zoom", "Takes a picture of a part of what the browser shows, larger than it is.", &BROWSER_ZOOM),
    member("left_click", "Clicks with the left mouse button.", &BROWSER_CLICK),
    member("right_click", "Clicks with the right mouse button.", &BROWSER_CLICK),
    member("middle_click", "Clicks with the middle mouse button.", &BROWSER_CLICK),
    member("double_click", "Clicks twice with the left mouse button.", &BROWSER_CLICK),
    member("triple_click", "Clicks three times with the left mouse button.", &BROWSER_CLICK),
    member("hover", "Moves the cursor over a point or an element.", &HOVER),
    member("left_click_drag", "Drags with the left mouse button.", &BROWSER_DRAG),
    member("left_mouse_down", "Presses the left mouse button and holds it.", &POINT_TARGET),
    member("left_mouse_up", "Releases the left mouse button.", &POINT_TARGET),
    member("mouse_move", "Moves the cursor without a click.", &POINT_TARGET),
    member("scroll", "Turns the mouse wheel.", &BROWSER_SCROLL),
    member("type", "Types a text.", &BROWSER_TYPE),
    member("key", "Presses a key, keys that are joined by +, or several of these in a row.", &BROWSER_PRESS),
    member("hold_key", "Holds a key, or keys that are joined by +, for some seconds.", &BROWSER_HOLD),
    member("wait", "Waits.", &BROWSER_WAIT),
    member(
        "javascript_exec",
        "Runs JavaScript in the page and returns the value of the last expression.",
        &SCRIPT,
    ),
];

const KEYS: Param = required("text", Text, "The keys.");
const REPEAT: Param = optional("repeat", Integer, "How many times; once if it is missing.");
const SECONDS: Param = required("duration", Integer, "How many seconds.");
const TYPED: Param = required("text", Text, "The text.");
const COORDINATE: Param = optional(
    "coordinate",
    Integers,
    "Pixels from the left and from the top; where the cursor is if it is missing.",
);
const POINT: Param = required("coordinate", Integers, "Pixels from the left and from the top.");
const HELD: Param = optional("text", Text, "Keys to hold during the action, joined by +.");
const DIRECTION: Param = required("scroll_direction", OneOf(&["up", "down", "left", "right"]), "Where to.");
const REGION: Param = required("region", Integers, "The left, top, right and bottom edge, in pixels.");

static NOTHING: ParamSet = ParamSet::of(&[]);
static PRESS: ParamSet = ParamSet::of(&[KEYS, REPEAT]);
static HOLD: ParamSet = ParamSet::of(&[KEYS, SECONDS]);
static TYPE: ParamSet = ParamSet::of(&[TYPED]);
static POSITION: ParamSet = ParamSet::of(&[POINT]);
static CLICK: ParamSet = ParamSet::of(&[COORDINATE, HELD]);
static DRAG: ParamSet = ParamSet::of(&[
    required("start_coordinate", Integers, "Where the drag begins: pixels from the left and from the top."),
    POINT,
    HELD,
]);
static SCROLL: ParamSet = ParamSet::of(&[
    DIRECTION,
    required("scroll_amount", Integer, "How many steps of the wheel."),
    COORDINATE,
    HELD,
]);
static WAIT: ParamSet = ParamSet::of(&[SECONDS]);
static ZOOM: ParamSet = ParamSet::of(&[REGION]);

const TAB: Param = optional("tab_id", Text, "The tab; the active one if it is missing.");
const TARGET: Param = required("target", Object(&CLICK_TARGET), "A point, or an element by its reference.");
const POINT_ONLY: Param = required("target", Object(&POINT_SET), "A point.");
const ELEMENT_ONLY: Param = required("target", Object(&ELEMENT_SET), "An element by its reference.");
const MODIFIERS: Param = optional("modifiers", Text, "Keys to hold during the action, joined by +.");
const BROWSER_SECONDS: Param = required("duration", Number, "How many seconds, 30 at most.");
const X: Param = optional("x", Integer, "Pixels from the left: for a coordinate.");
const Y: Param = optional("y", Integer, "Pixels from the top: for a coordinate.");
const REFERENCE: Param =
    optional("ref", Text, "The reference that a page or a search gave to the element: for a ref.");

static CLICK_TARGET: ParamSet = ParamSet {
    params: &[required("type", OneOf(&["coordinate", "ref"]), ""), X, Y, REFERENCE],
    variants: &[
        Variant { name: "coordinate", required: &["x", "y"], defaults: &[] },
        Variant { name: "ref", required: &["ref"], defaults: &[] },
    ],
};
static POINT_SET: ParamSet = ParamSet::of(&[
    required("type", OneOf(&["coordinate"]), ""),
    required("x", Integer, "Pixels from the left."),
    required("y", Integer, "Pixels from the top."),
]);
static ELEMENT_SET: ParamSet = ParamSet::of(&[
    required("type", OneOf(&["ref"]), ""),
    required("ref", Text, "The reference that a page or a search gave to the element."),
]);

static NAVIGATE: ParamSet =
    ParamSet::of(&[required("url", Text, "The address, or `back`, `forward` or `reload`."), TAB]);
static THIS_TAB: ParamSet = ParamSet::of(&[required("tab_id", Text, "The tab.")]);
static ANY_TAB: ParamSet = ParamSet::of(&[TAB]);
static READ_PAGE: ParamSet = ParamSet::of(&[
    optional("depth", Integer, "How deep the tree is at most."),
    optional(
        "filter",
        OneOf(&["all", "interactive"]),
        "Which elements it has; those that are visible if it is missing.",
    ),
    optional("ref", Text, "The element at its root; the page if it is missing."),
    TAB,
]);
static FIND: ParamSet = ParamSet::of(&[required("query", Text, "What to find."), TAB]);
static FORM_INPUT: ParamSet = ParamSet::of(&[ELEMENT_ONLY, required("value", Scalar, "The value."), TAB]);
static FILE_UPLOAD: ParamSet = ParamSet::of(&[
    ELEMENT_ONLY,
    optional("paths", Texts(&[]), "The paths of the files."),
    optional("document_ids", Texts(&[]), "The ids of files that were provided."),
    TAB,
]);
static ELEMENT: ParamSet = ParamSet::of(&[ELEMENT_ONLY, TAB]);
static BROWSER_ZOOM: ParamSet = ParamSet::of(&[REGION, TAB]);
static BROWSER_CLICK: ParamSet = ParamSet::of(&[TARGET, MODIFIERS, TAB]);
static HOVER: ParamSet = ParamSet::of(&[TARGET, TAB]);
static BROWSER_DRAG: ParamSet =
    ParamSet::of(&[required("from", Object(&POINT_SET), "Where the drag begins."), POINT_ONLY, TAB]);
static POINT_TARGET: ParamSet = ParamSet::of(&[POINT_ONLY, TAB]);
static BROWSER_SCROLL: ParamSet = ParamSet::of(&[
    DIRECTION,
    POINT_ONLY,
    optional("scroll_amount", Integer, "How many steps of the wheel."),
    TAB,
]);
static BROWSER_TYPE: ParamSet = ParamSet::of(&[TYPED, TAB]);
static BROWSER_PRESS: ParamSet = ParamSet::of(&[KEYS, REPEAT, TAB]);
static BROWSER_HOLD: ParamSet = ParamSet::of(&[KEYS, BROWSER_SECONDS, TAB]);
static BROWSER_WAIT: ParamSet = ParamSet::of(&[BROWSER_SECONDS, TAB]);
static SCRIPT: ParamSet = ParamSet::of(&[required("text", Text, "The code."), TAB]);
