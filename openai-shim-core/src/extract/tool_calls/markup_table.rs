//! Table of the markups in which models are trained to write tool calls, and the lookup by opener.
//!
//! The markups are those of the models' chat templates and of the parsers of vLLM, SGLang and llama.cpp.

/// One form of tool-call markup.
#[derive(Debug)]
pub(super) struct Markup {
    /// The string that begins a block.
    pub(super) opener: &'static str,
    /// The items that a block may contain.
    pub(super) items: &'static [MarkupItem],
    /// How a block ends.
    pub(super) end: BlockEnd,
}

/// How a block of markup ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum BlockEnd {
    /// With one of these strings.
    Closer(&'static [&'static str]),
    /// With one of these strings, or after any item.
    OptionalCloser(&'static [&'static str]),
    /// After its first item.
    FirstItem,
}

impl BlockEnd {
    /// The strings that end the block.
    pub(super) fn closers(self) -> &'static [&'static str] {
        match self {
            Self::Closer(closers) | Self::OptionalCloser(closers) => closers,
            Self::FirstItem => &[],
        }
    }
}

/// An item in a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum MarkupItem {
    /// A call's JSON object, or a list of them.
    Json,
    /// A call in tags.
    Tags(&'static CallTags),
    /// `<｜tool▁call▁begin｜>function<｜tool▁sep｜>name`, then JSON in a fence; or the name before the separator, then JSON.
    DeepSeek,
    /// `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>`, then JSON.
    Kimi,
    /// `name`, `[CALL_ID]…`, `[ARGS]`, then JSON; only the name and the JSON are required.
    Mistral,
    /// The name, then JSON after `<|message|>`.
    Harmony,
}

/// The tags of a call.
#[derive(Debug)]
pub(super) struct CallTags {
    /// The string before the tool's name; empty if the name has no tag.
    pub(super) name_prefix: &'static str,
    /// The string before a parameter's name.
    pub(super) param_prefix: &'static str,
    /// The string after a parameter's name.
    pub(super) param_name_suffix: &'static str,
    /// The string before a parameter's value.
    pub(super) value_prefix: &'static str,
    /// The string after a parameter's value.
    pub(super) value_suffix: &'static str,
    /// The string that ends the call.
    pub(super) call_end: &'static str,
    /// Whether the end of the call also ends the block.
    pub(super) ends_block: bool,
}

const FUNCTION: CallTags = CallTags {
    name_prefix: "<function=",
    param_prefix: "<parameter=",
    param_name_suffix: ">",
    value_prefix: "",
    value_suffix: "</parameter>",
    call_end: "</function>",
    ends_block: false,
};

const INVOKE: CallTags = CallTags {
    name_prefix: "<invoke name=",
    param_prefix: "<parameter name=",
    param_name_suffix: ">",
    value_prefix: "",
    value_suffix: "</parameter>",
    call_end: "</invoke>",
    ends_block: false,
};

const DSML: CallTags = CallTags {
    name_prefix: "<｜DSML｜invoke name=",
    param_prefix: "<｜DSML｜parameter name=",
    param_name_suffix: ">",
    value_prefix: "",
    value_suffix: "</｜DSML｜parameter>",
    call_end: "</｜DSML｜invoke>",
    ends_block: false,
};

const GLM: CallTags = CallTags {
    name_prefix: "",
    param_prefix: "<arg_key>",
    param_name_suffix: "</arg_key>",
    value_prefix: "<arg_value>",
    value_suffix: "</arg_value>",
    call_end: "</tool_call>",
    ends_block: true,
};

const fn closed(
    opener: &'static str,
    items: &'static [MarkupItem],
    closers: &'static [&'static str],
) -> Markup {
    Markup { opener, items, end: BlockEnd::Closer(closers) }
}

const fn open(
    opener: &'static str,
    items: &'static [MarkupItem],
    closers: &'static [&'static str],
) -> Markup {
    Markup { opener, items, end: BlockEnd::OptionalCloser(closers) }
}

const fn single(opener: &'static str, items: &'static [MarkupItem]) -> Markup {
    Markup { opener, items, end: BlockEnd::FirstItem }
}

/// All markups. No opener is a prefix of another opener.
pub(super) static MARKUPS: [Markup; 17] = [
    // Hermes, Qwen 2.5 and 3; Qwen3-Coder; GLM 4.5; Granite 3.1.
    closed(
        "<tool_call>",
        &[MarkupItem::Json, MarkupItem::Tags(&FUNCTION), MarkupItem::Tags(&GLM)],
        &["</tool_call>"],
    ),
    // Qwen3-Coder without the tag around the call, and Llama 3 with JSON inside.
    open("<function=", &[MarkupItem::Tags(&FUNCTION)], &["</tool_call>"]),
    // Llama 3.1 and later.
    open("<|python_tag|>", &[MarkupItem::Json], &["<|eom_id|>", "<|eot_id|>"]),
    // Mistral, all tokenizer versions.
    single("[TOOL_CALLS]", &[MarkupItem::Json, MarkupItem::Mistral]),
    // DeepSeek V3, R1 and V3.1; V3.2; V4.
    closed("<｜tool▁calls▁begin｜>", &[MarkupItem::DeepSeek], &["<｜tool▁calls▁end｜>"]),
    closed("<｜DSML｜function_calls>", &[MarkupItem::Tags(&DSML)], &["</｜DSML｜function_calls>"]),
    closed("<｜DSML｜tool_calls>", &[MarkupItem::Tags(&DSML)], &["</｜DSML｜tool_calls>"]),
    // MiniMax M1, Hunyuan and Jamba; MiniMax M2.
    closed("<tool_calls>", &[MarkupItem::Json], &["</tool_calls>"]),
    closed("<minimax:tool_call>", &[MarkupItem::Tags(&INVOKE)], &["</minimax:tool_call>"]),
    // Kimi K2.
    closed("<|tool_calls_section_begin|>", &[MarkupItem::Kimi], &["<|tool_calls_section_end|>"]),
    // Seed-OSS; Nemotron Nano; InternLM 2.
    closed("<seed:tool_call>", &[MarkupItem::Tags(&FUNCTION)], &["</seed:tool_call>"]),
    closed("<TOOLCALL>", &[MarkupItem::Json], &["</TOOLCALL>"]),
    closed("<|action_start|><|plugin|>", &[MarkupItem::Json], &["<|action_end|>"]),
    // Granite 3.0.
    single("<|tool_call|>", &[MarkupItem::Json]),
    // Claude's markup, on which other models were trained.
    closed("<function_calls>", &[MarkupItem::Tags(&INVOKE)], &["</function_calls>"]),
    // gpt-oss, where a server does not remove the channels.
    single("<|channel|>commentary to=functions.", &[MarkupItem::Harmony]),
    single("<|start|>assistant<|channel|>commentary to=functions.", &[MarkupItem::Harmony]),
];

/// What the beginning of a text is.
pub(super) enum OpenerMatch {
    Opener(&'static Markup),
    /// More text may complete it to an opener.
    Partial,
    NoOpener,
}

/// Matches the beginning of a text with the openers.
pub(super) fn match_opener(text: &str) -> OpenerMatch {
    match MARKUPS.iter().find(|markup| text.starts_with(markup.opener)) {
        Some(markup) => OpenerMatch::Opener(markup),
        None if MARKUPS.iter().any(|markup| markup.opener.starts_with(text)) => OpenerMatch::Partial,
        None => OpenerMatch::NoOpener,
    }
}
