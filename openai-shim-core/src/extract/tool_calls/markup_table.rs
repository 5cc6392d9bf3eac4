//! The markups that models are trained to write calls in, as a table.
//!
//! What they look like is taken from the models' chat templates and from the parsers of vLLM, SGLang and llama.cpp.

/// One way to write calls.
#[derive(Debug)]
pub(super) struct Markup {
    /// What begins a block.
    pub(super) opener: &'static str,
    /// What may stand in it.
    pub(super) items: &'static [MarkupItem],
    /// What ends it.
    pub(super) closers: &'static [&'static str],
    /// Whether it may end without a closer, after an item.
    pub(super) open: bool,
    /// Whether one item ends it.
    pub(super) single: bool,
}

/// What stands in a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum MarkupItem {
    /// A call's object, or a list of them.
    Json,
    /// A call in tags.
    Tags(&'static CallTags),
    /// `<｜tool▁call▁begin｜>function<｜tool▁sep｜>name`, a fence and JSON; or the name before the separator, and JSON.
    DeepSeek,
    /// `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>` and JSON.
    Kimi,
    /// `name`, `[CALL_ID]…`, `[ARGS]` and JSON; only the first and the last are needed.
    Mistral,
    /// The name, and JSON after `<|message|>`.
    Harmony,
}

/// The tags of a call.
#[derive(Debug)]
pub(super) struct CallTags {
    /// What stands before the name; nothing if the name is bare.
    pub(super) head: &'static str,
    /// What stands before a parameter's name.
    pub(super) key: &'static str,
    /// What stands after it.
    pub(super) key_end: &'static str,
    /// What stands before the value.
    pub(super) value: &'static str,
    /// What stands after the value.
    pub(super) value_end: &'static str,
    /// What ends the call.
    pub(super) end: &'static str,
    /// Whether that ends the block, too.
    pub(super) ends_block: bool,
}

const FUNCTION: CallTags = CallTags {
    head: "<function=",
    key: "<parameter=",
    key_end: ">",
    value: "",
    value_end: "</parameter>",
    end: "</function>",
    ends_block: false,
};

const INVOKE: CallTags = CallTags {
    head: "<invoke name=",
    key: "<parameter name=",
    key_end: ">",
    value: "",
    value_end: "</parameter>",
    end: "</invoke>",
    ends_block: false,
};

const DSML: CallTags = CallTags {
    head: "<｜DSML｜invoke name=",
    key: "<｜DSML｜parameter name=",
    key_end: ">",
    value: "",
    value_end: "</｜DSML｜parameter>",
    end: "</｜DSML｜invoke>",
    ends_block: false,
};

const GLM: CallTags = CallTags {
    head: "",
    key: "<arg_key>",
    key_end: "</arg_key>",
    value: "<arg_value>",
    value_end: "</arg_value>",
    end: "</tool_call>",
    ends_block: true,
};

const fn closed(
    opener: &'static str,
    items: &'static [MarkupItem],
    closers: &'static [&'static str],
) -> Markup {
    Markup { opener, items, closers, open: false, single: false }
}

const fn open(
    opener: &'static str,
    items: &'static [MarkupItem],
    closers: &'static [&'static str],
) -> Markup {
    Markup { opener, items, closers, open: true, single: false }
}

const fn single(opener: &'static str, items: &'static [MarkupItem]) -> Markup {
    Markup { opener, items, closers: &[], open: true, single: true }
}

/// All of them. No opener is the beginning of another one.
pub(super) static MARKUPS: [Markup; 17] = [
    // Hermes, Qwen 2.5 and 3; Qwen3-Coder; GLM 4.5; Granite 3.1.
    closed(
        "<tool_call>",
        &[MarkupItem::Json, MarkupItem::Tags(&FUNCTION), MarkupItem::Tags(&GLM)],
        &["</tool_call>"],
    ),
    // Qwen3-Coder when it forgets the tag around it, and Llama 3 with JSON inside.
    open("<function=", &[MarkupItem::Tags(&FUNCTION)], &["</tool_call>"]),
    // Llama 3.1 and later.
    open("<|python_tag|>", &[MarkupItem::Json], &["<|eom_id|>", "<|eot_id|>"]),
    // Mistral, all versions of its tokenizer.
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
    // Claude's, which other models were trained on.
    closed("<function_calls>", &[MarkupItem::Tags(&INVOKE)], &["</function_calls>"]),
    // gpt-oss, where a server lets its channels through.
    single("<|channel|>commentary to=functions.", &[MarkupItem::Harmony]),
    single("<|start|>assistant<|channel|>commentary to=functions.", &[MarkupItem::Harmony]),
];

/// The markup whose opener stands at the beginning of a text; the error says that one may.
pub(super) fn at(text: &str) -> Result<Option<&'static Markup>, ()> {
    let found = MARKUPS.iter().find(|markup| text.starts_with(markup.opener));
    let may = found.is_none() && MARKUPS.iter().any(|markup| markup.opener.starts_with(text));
    if may { Err(()) } else { Ok(found) }
}
