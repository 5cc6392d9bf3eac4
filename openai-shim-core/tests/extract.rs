//! Reasoning, tool calls, stop sequences and fences are extracted from text; the result does not depend on how the text is
//! divided into parts.

mod common;

use openai_shim_core::extract::{
    FenceStripper, MAX_WITHHELD_BYTES, OutputParser, ReasoningTagMode, Segment, StopMatcher,
};
use proptest::prelude::*;

const TOOLS: &[&str] = &["get_weather", "add", "now"];

fn tools() -> Vec<String> {
    TOOLS.iter().map(|tool| (*tool).to_owned()).collect()
}

fn text(text: &str) -> Segment {
    Segment::Text(text.to_owned())
}

fn reasoning(text: &str) -> Segment {
    Segment::Reasoning(text.to_owned())
}

fn call(name: &str, arguments: &str) -> Segment {
    Segment::ToolCall { name: name.to_owned(), arguments: arguments.to_owned() }
}

/// Merges adjacent segments of the same kind.
fn merge(segments: Vec<Segment>) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::new();
    for segment in segments {
        match (out.last_mut(), segment) {
            (Some(Segment::Text(last)), Segment::Text(more))
            | (Some(Segment::Reasoning(last)), Segment::Reasoning(more)) => last.push_str(&more),
            (_, segment) => out.push(segment),
        }
    }
    out
}

/// Parses a text in these parts; `skip_unchanged`: parts that are unchanged are not pushed.
fn parse_parts(
    mode: ReasoningTagMode,
    tools: &[String],
    parts: &[&str],
    skip_unchanged: bool,
) -> Vec<Segment> {
    let (mut parser, mut out) = (OutputParser::new(mode, tools), Vec::new());
    for part in parts {
        if skip_unchanged && parser.is_unchanged(part) {
            out.push(text(part));
        } else {
            parser.push(part, &mut out);
        }
    }
    parser.finish(&mut out);
    let len = out.len();
    parser.finish(&mut out);
    assert_eq!(out.len(), len, "a second finish emits a segment");
    let empty =
        |segment: &Segment| matches!(segment, Segment::Text(t) | Segment::Reasoning(t) if t.is_empty());
    assert!(skip_unchanged || !out.iter().any(empty), "an empty segment: {out:?}");
    out.retain(|segment| !empty(segment));
    merge(out)
}

/// Parses a text and asserts that the result does not depend on how the text is divided.
fn parse(mode: ReasoningTagMode, tools: &[String], full_text: &str) -> Vec<Segment> {
    let expected = parse_parts(mode.clone(), tools, &[full_text], false);
    let cuts: Vec<usize> = full_text.char_indices().map(|(at, _)| at).chain([full_text.len()]).collect();
    for skip_unchanged in [false, true] {
        for at in &cuts {
            let (a, b) = full_text.split_at(*at);
            assert_eq!(
                parse_parts(mode.clone(), tools, &[a, b], skip_unchanged),
                expected,
                "divided into {a:?} and {b:?}, skip_unchanged: {skip_unchanged}"
            );
        }
        let single: Vec<&str> = cuts.windows(2).map(|w| &full_text[w[0]..w[1]]).collect();
        assert_eq!(
            parse_parts(mode.clone(), tools, &single, skip_unchanged),
            expected,
            "single characters, skip_unchanged: {skip_unchanged}"
        );
    }
    expected
}

fn calls_in(full_text: &str) -> Vec<Segment> {
    parse(ReasoningTagMode::Leading, &tools(), full_text)
}

/// A block of each JSON markup with two calls: its name and text.
const PARIS: &str = r#"{"city": "Paris", "days":2}"#;
const JSON_BLOCKS: &[(&str, &str)] = &[
    (
        "hermes",
        "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
    ),
    (
        "two objects in one block",
        "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}\n{\"name\": \"now\"}</tool_call>",
    ),
    (
        "arguments as a string, under function",
        "<tool_call>{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\": \\\"Paris\\\", \\\"days\\\":2}\"}},{\"name\":\"now\",\"arguments\":null}</tool_call>",
    ),
    (
        "llama python tag",
        "<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\":2}}; {\"name\": \"now\", \"parameters\": {}}<|eom_id|>",
    ),
    (
        "llama function",
        "<function=get_weather>{\"city\": \"Paris\", \"days\":2}</function>\n<function=now>{}</function>",
    ),
    (
        "mistral list",
        "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}, {\"name\": \"now\", \"arguments\": {}}]",
    ),
    ("mistral names", "[TOOL_CALLS]get_weather{\"city\": \"Paris\", \"days\":2}[TOOL_CALLS]now{}"),
    (
        "mistral arguments and ids",
        "[TOOL_CALLS]get_weather[CALL_ID]a1B2[ARGS]{\"city\": \"Paris\", \"days\":2}[TOOL_CALLS]now[ARGS]{}",
    ),
    (
        "deepseek v3",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Paris\", \"days\":2}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    (
        "deepseek v3.1",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Paris\", \"days\":2}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    (
        "minimax m1",
        "<tool_calls>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}\n{\"name\": \"now\", \"arguments\": {}}\n</tool_calls>",
    ),
    (
        "hunyuan",
        "<tool_calls>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}, {\"name\": \"now\"}]</tool_calls>",
    ),
    (
        "nemotron",
        "<TOOLCALL>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}, {\"name\": \"now\"}]</TOOLCALL>",
    ),
    (
        "internlm",
        "<|action_start|><|plugin|>\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\":2}}<|action_end|>\n<|action_start|><|plugin|>{\"name\": \"now\"}<|action_end|>",
    ),
    (
        "kimi k2",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\": \"Paris\", \"days\":2}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
    ),
    (
        "granite",
        "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}, {\"name\": \"now\", \"arguments\": {}}]",
    ),
    (
        "granite 3.1",
        "<tool_call>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\":2}}, {\"name\": \"now\", \"arguments\": {}}]",
    ),
    (
        "harmony",
        "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"Paris\", \"days\":2}<|call|><|start|>assistant<|channel|>commentary to=functions.now<|constrain|>json<|message|>{}",
    ),
];

/// A block of each markup with tags, whose arguments are encoded by the parser.
const TAG_BLOCKS: &[(&str, &str)] = &[
    (
        "qwen3 coder",
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=now>\n</function>\n</tool_call>",
    ),
    (
        "seed",
        "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Paris</parameter>\n<parameter=days>2</parameter>\n</function>\n<function=now></function>\n</seed:tool_call>",
    ),
    (
        "qwen3 coder without the tag around it, closed all the same",
        "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call><function=now></function>",
    ),
    (
        "minimax m2",
        "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Paris</parameter>\n<parameter name=\"days\">2</parameter>\n</invoke>\n<invoke name=\"now\">\n</invoke>\n</minimax:tool_call>",
    ),
    (
        "claude",
        "<function_calls>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Paris</parameter>\n<parameter name=\"days\">2</parameter>\n</invoke>\n<invoke name='now'></invoke>\n</function_calls>",
    ),
    (
        "deepseek v3.2",
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"now\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    ),
    (
        "deepseek v4",
        "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"now\">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
    ),
    (
        "glm 4.5",
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>now\n</tool_call>",
    ),
];

#[test]
fn calls_in_every_markup_are_extracted() {
    for (name, block) in JSON_BLOCKS {
        assert_eq!(calls_in(block), [call("get_weather", PARIS), call("now", "{}")], "{name}");
    }
    for (name, block) in TAG_BLOCKS {
        let expected = [call("get_weather", r#"{"city":"Paris","days":2}"#), call("now", "{}")];
        assert_eq!(calls_in(block), expected, "{name}");
    }
}

#[test]
fn text_around_a_block_is_kept_and_white_space_alone_is_dropped() {
    for (name, block) in JSON_BLOCKS.iter().chain(TAG_BLOCKS) {
        let segments = calls_in(&format!("  \n{block} \n"));
        assert!(
            matches!(&segments[..], [Segment::ToolCall { .. }, Segment::ToolCall { .. }]),
            "{name}: {segments:?}"
        );
        if *name == "granite 3.1" {
            continue; // without a closer it ends only with the text
        }
        let segments = calls_in(&format!("Let me <b>look</b>.\n\n{block}\nDone."));
        assert_eq!(segments.len(), 4, "{name}: {segments:?}");
        assert_eq!(segments[0], text("Let me <b>look</b>.\n\n"), "{name}");
        assert_eq!(segments[3], text("\nDone."), "{name}");
    }
}

#[test]
fn block_of_a_tool_that_is_not_offered_stays_text() {
    for (name, block) in JSON_BLOCKS.iter().chain(TAG_BLOCKS) {
        for unknown in [block.replace("now", "then"), block.replace("get_weather", "get_news")] {
            let segments = calls_in(&unknown);
            let remaining: String =
                segments.iter().map(|p| if let Segment::Text(t) = p { t.as_str() } else { "" }).collect();
            let wrong = segments
                .iter()
                .any(|p| matches!(p, Segment::ToolCall { name, .. } if !TOOLS.contains(&name.as_str())));
            assert!(!wrong && !remaining.is_empty(), "{name}: {segments:?}");
        }
        let unknown = block.replace("now", "then").replace("get_weather", "get_news");
        assert_eq!(calls_in(&unknown), [text(&unknown)], "{name}");
        assert_eq!(parse(ReasoningTagMode::Leading, &[], block), [text(block)], "{name}: no tools");
    }
}

#[test]
fn block_is_extracted_only_if_all_its_tools_are_offered() {
    let block = "<tool_calls>{\"name\":\"now\"}\n{\"name\":\"then\"}</tool_calls>";
    assert_eq!(calls_in(block), [text(block)]);
    let block = "<tool_call>{\"name\":\"now\",\"arguments\":[1]}</tool_call>";
    assert_eq!(calls_in(block), [text(block)]);
    let nested = r#"<tool_call>{"name":"then","arguments":{"x":"<function=now>{}</function>"}}</tool_call>"#;
    assert_eq!(calls_in(nested), [text(nested)]);
}

#[test]
fn prose_about_markup_stays_text() {
    for prose in [
        "Qwen writes <tool_call> and </tool_call> around a call.",
        "Use `<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>` for that.",
        "Use ``<tool_call>{\"name\":\"now\"}</tool_call> ` `` for that.",
        "Like this:\n```xml\n<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>\n```\nSee?",
        "Like this:\n````\n```\n<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>\n```\n````\nSee?",
        "```\nprint(\"```\")\n<function=now>{}</function>\n```",
        "<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>",
        "<function=",
        "<tool_call>{\"name\":\"now\"",
        "<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":}}</tool_call>",
        "<tool_calls></tool_calls>",
        "<function=now> is how Llama begins a call",
        "[TOOL_CALLS] is a token of Mistral's, [TOOL_CALLS][ as well",
        "a < b, a[0] <| and <｜ [",
        "<|channel|>commentary to=functions.now and so on",
        "<function_calls><invoke name=\"now\"><parameter name=\"a\">1</invoke></function_calls>",
    ] {
        assert_eq!(calls_in(prose), [text(prose)]);
    }
}

#[test]
fn call_after_prose_about_markup_is_extracted() {
    let now = [text("First <tool_call> opens. "), call("now", "{}")];
    assert_eq!(calls_in("First <tool_call> opens. <tool_call>{\"name\":\"now\"}</tool_call>"), now);
    let code = "```\nx `y`\n```\n`<tool_call>` and ```inline```: ";
    let found = calls_in(&format!("{code}<tool_call>{{\"name\":\"now\"}}</tool_call>"));
    assert_eq!(found, [text(code), call("now", "{}")]);
    let lone_backtick = "A lone ` in a paragraph.\n\n";
    let found = calls_in(&format!("{lone_backtick}<tool_call>{{\"name\":\"now\"}}</tool_call>"));
    assert_eq!(found, [text(lone_backtick), call("now", "{}")]);
    let prose = "<function=now></function> and <function=now> is how";
    assert_eq!(calls_in(prose), [call("now", "{}"), text(" and <function=now> is how")]);
    assert_eq!(calls_in("<<tool_call>{\"name\":\"now\"}</tool_call>"), [text("<"), call("now", "{}")]);
}

#[test]
fn closer_inside_an_argument_does_not_end_the_block() {
    let arguments = r#"{"city":"</tool_call> \" } ]"}"#;
    let block = format!("<tool_call>{{\"name\":\"get_weather\",\"arguments\":{arguments}}}</tool_call>");
    assert_eq!(calls_in(&block), [call("get_weather", arguments)]);
}

#[test]
fn end_of_text_closes_a_block_with_complete_items() {
    assert_eq!(calls_in("<tool_call>{\"name\":\"now\"}"), [call("now", "{}")]);
    assert_eq!(calls_in("<tool_call>\n<function=now>\n</function>\n"), [call("now", "{}")]);
    let begun = "<function=now><parameter=a>1";
    assert_eq!(calls_in(begun), [text(begun)]);
    let begun = "<function=now></function><function=now><parameter=a>1";
    assert_eq!(calls_in(begun), [call("now", "{}"), text("<function=now><parameter=a>1")]);
    let begun = "<|python_tag|>{\"name\":\"now\"}; {\"na";
    assert_eq!(calls_in(begun), [call("now", "{}"), text("; {\"na")]);
}

#[test]
fn parameter_in_tags_is_json_if_it_parses() {
    for (value, json) in [
        ("2", "2"),
        ("-1.5e3", "-1.5e3"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("true", "true"),
        ("null", "null"),
        ("{\"a\": [1]}", "{\"a\": [1]}"),
        ("\n[1, 2]\n", "[1, 2]"),
        ("", "\"\""),
        ("02139", "\"02139\""),
        ("True", "\"True\""),
        ("\"quoted\"", "\"\\\"quoted\\\"\""),
        ("\n  two\n lines\n\n", "\"  two\\n lines\\n\""),
        ("\r\nx\r\n", "\"x\""),
        ("a < b && `c`", "\"a < b && `c`\""),
    ] {
        let block = format!("<function=add><parameter=a>{value}</parameter></function>");
        assert_eq!(calls_in(&block), [call("add", &format!("{{\"a\":{json}}}"))], "{value:?}");
    }
    let twice = "<function=add><parameter=a>1</parameter><parameter=a>2</parameter></function>";
    assert_eq!(calls_in(twice), [call("add", "{\"a\":2}")]);
    let typed = "<｜DSML｜tool_calls><｜DSML｜invoke name=\"add\"><｜DSML｜parameter name=\"a\" string=\"true\">2</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>";
    assert_eq!(calls_in(typed), [call("add", "{\"a\":\"2\"}")]);
}

#[test]
fn text_that_is_only_a_call_is_extracted() {
    for full_text in [
        "{\"name\":\"add\",\"arguments\":{\"a\":1}}",
        " \n{ \"name\" : \"add\", \"parameters\": {\"a\":1} } \n",
        "{\"type\":\"function\",\"name\":\"add\",\"parameters\":{\"a\":1}}",
        "{\"arguments\":{\"a\":1},\"name\":\"add\"}",
        "```json\n{\"name\":\"add\",\"arguments\":{\"a\":1}}\n```\n",
        "```\n{\"name\":\"add\",\"arguments\":{\"a\":1}}```",
        "add[ARGS]{\"a\":1}",
        "\nadd[CALL_ID]x9[ARGS]{\"a\":1}\n",
        "add{\"a\":1}",
    ] {
        assert_eq!(calls_in(full_text), [call("add", "{\"a\":1}")], "{full_text}");
    }
    for full_text in [
        "{\"name\":\"add\"}",
        "{\"name\":\"subtract\",\"arguments\":{\"a\":1}}",
        "{\"name\":\"add\",\"arguments\":{\"a\":1}} is a call",
        "See: {\"name\":\"add\",\"arguments\":{\"a\":1}}",
        "```json\n{\"name\":\"add\",\"arguments\":{\"a\":1}}\n``` is a call",
        "```json\n{\"name\":\"add\",\"arguments\":{\"a\":1}}\n",
        "{\"name\":\"add\",\"arguments\":{\"a\":1}",
        "{\"city\":\"Paris\"}",
        "[{\"name\":\"add\",\"arguments\":{\"a\":1}}]",
        "``",
        " \n ",
        "add",
        "add up {\"a\":1}",
        "additional",
        "add[ARGS]{\"a\":1} is a call",
        "add{\"a\":1",
        "add[0]",
        "now[ARGS]{}then[ARGS]{}",
        "subtract[ARGS]{\"a\":1}",
    ] {
        assert_eq!(calls_in(full_text), [text(full_text)], "{full_text}");
    }
}

#[test]
fn two_bare_calls_without_special_tokens_are_extracted() {
    assert_eq!(calls_in("now[ARGS]{}add[ARGS]{\"a\":1}"), [call("now", "{}"), call("add", "{\"a\":1}")]);
}

#[test]
fn json_that_is_not_a_call_is_not_withheld() {
    let (mut parser, mut out) = (OutputParser::new(ReasoningTagMode::Leading, &tools()), Vec::new());
    parser.push("{\"city\":", &mut out);
    assert_eq!(out, [text("{\"city\":")]);
    let (mut parser, mut out) = (OutputParser::new(ReasoningTagMode::Leading, &tools()), Vec::new());
    parser.push("{\"name\": \"add up", &mut out);
    assert_eq!(merge(out), [text("{\"name\": \"add up")]);
}

#[test]
fn leading_reasoning_is_extracted() {
    for (open, close) in [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<reasoning>", "</reasoning>"),
        ("<seed:think>", "</seed:think>"),
        ("<mm:think>", "</mm:think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ] {
        let plain =
            parse(ReasoningTagMode::Leading, &[], &format!(" \n{open}\nHm, 1 < 2.\n{close}\n\nYes. <think>"));
        let answer = if close.starts_with("<|") { "\n\nYes. <think>" } else { "Yes. <think>" };
        assert_eq!(plain, [reasoning("\nHm, 1 < 2.\n"), text(answer)], "{open}");
        assert_eq!(
            parse(ReasoningTagMode::Leading, &[], &format!("{open}Hm")),
            [reasoning("Hm")],
            "{open}: unclosed"
        );
        let none = parse(ReasoningTagMode::Leading, &[], &format!("{open}\n\n{close}Yes"));
        assert_eq!(none, [text("Yes")], "{open}: empty");
        let off = format!("{open}Hm{close}");
        assert_eq!(parse(ReasoningTagMode::Ignore, &[], &off), [text(&off)]);
        let late = format!("Then {off}");
        assert_eq!(parse(ReasoningTagMode::Leading, &[], &late), [text(&late)]);
    }
    for prose in ["<thi", "<thinker>", "  ", "[THIN", "", "<|channel|>commentary to=", "<|start|>user"] {
        assert_eq!(
            parse(ReasoningTagMode::Leading, &[], prose),
            if prose.is_empty() { vec![] } else { vec![text(prose)] }
        );
    }
}

#[test]
fn prefilled_reasoning_ends_at_the_first_closing_tag() {
    let inside = |full_text| parse(ReasoningTagMode::Prefilled, &tools(), full_text);
    assert_eq!(inside("Hm.\n</think>\n\nYes.</think>"), [reasoning("Hm.\n"), text("Yes.</think>")]);
    assert_eq!(inside("<think>Hm.</think>Yes."), [reasoning("Hm."), text("Yes.")]);
    assert_eq!(inside("Hm.[/THINK]Yes."), [reasoning("Hm."), text("Yes.")]);
    assert_eq!(inside("Hm."), [reasoning("Hm.")]);
    assert_eq!(inside("<thi"), [reasoning("<thi")]);
    assert_eq!(inside("\n\n</think>\n\nYes."), [text("Yes.")]);
    let called = inside("Call <tool_call>?</think>\n\n<tool_call>{\"name\":\"now\"}</tool_call>");
    assert_eq!(called, [reasoning("Call <tool_call>?"), call("now", "{}")]);
}

#[test]
fn harmony_channels_become_reasoning_text_and_calls() {
    let leaked = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}<|call|>";
    assert_eq!(calls_in(leaked), [reasoning("Hm."), text("I look."), call("now", "{}")]);
    let leaked =
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>";
    assert_eq!(calls_in(leaked), [reasoning("Hm."), text("Yes.")]);
}

#[test]
fn only_plain_text_is_unchanged() {
    let mut parser = OutputParser::new(ReasoningTagMode::Leading, &tools());
    let mut out = Vec::new();
    assert!(!parser.is_unchanged("Hello"), "a tag may still follow");
    parser.push("Hello", &mut out);
    assert!(parser.is_unchanged(", world\n\n"));
    assert!(!parser.is_unchanged("a < b") && !parser.is_unchanged("a[0]") && !parser.is_unchanged("`"));
    parser.push(" ```\n", &mut out);
    assert!(!parser.is_unchanged("at the beginning of a line of code"));
    parser.push("let x", &mut out);
    assert!(parser.is_unchanged(": [u8; 2] < y") && !parser.is_unchanged("\n"));
    parser.push("\n```\n<tool", &mut out);
    assert!(!parser.is_unchanged("x"), "text is withheld");
    assert!(OutputParser::new(ReasoningTagMode::Ignore, &[]).is_unchanged("<think>"));
    assert!(!OutputParser::new(ReasoningTagMode::Prefilled, &[]).is_unchanged("x"));
}

#[test]
fn withheld_text_is_limited() {
    let long = "x".repeat(1000);
    for (start, mode) in [
        ("<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":\"", ReasoningTagMode::Ignore),
        ("<function=now><parameter=a>", ReasoningTagMode::Ignore),
        ("{\"name\":\"now\",\"arguments\":{\"a\":\"", ReasoningTagMode::Leading),
    ] {
        let (mut parser, mut out) = (OutputParser::new(mode.clone(), &tools()), Vec::new());
        parser.push(start, &mut out);
        for _ in 0..MAX_WITHHELD_BYTES / 1000 {
            parser.push(&long, &mut out);
        }
        assert!(out.is_empty());
        for _ in 0..10 {
            parser.push(&long, &mut out);
        }
        let rest = "\"}}</tool_call></parameter></function><function=now></function>";
        assert!(parser.is_unchanged(rest));
        parser.push(rest, &mut out);
        parser.finish(&mut out);
        let full_text = format!("{start}{}{rest}", long.repeat(MAX_WITHHELD_BYTES / 1000 + 10));
        assert!(merge(out) == [text(&full_text)]);
        // The limit applies to the block, not to a single push.
        assert!(parse_parts(mode.clone(), &tools(), &[&full_text], false) == [text(&full_text)]);
    }
    let blank = " ".repeat(MAX_WITHHELD_BYTES + 10_000);
    for mode in [ReasoningTagMode::Ignore, ReasoningTagMode::Leading, ReasoningTagMode::Prefilled] {
        let (mut parser, mut out) = (OutputParser::new(mode, &tools()), Vec::new());
        parser.push(&blank, &mut out);
        assert_eq!(out.len(), 1, "white space is withheld up to a limit");
    }
}

#[test]
fn hostile_text_is_parsed_in_linear_time() {
    for part in [
        "<tool_call>",
        "<function=now><parameter=a>",
        "<function=",
        "[TOOL_CALLS]now",
        "<tool_call>{\"name\":\"",
        "`<tool_call>",
        "<tool_call>{\"name\":\"now\"} </parameter>",
        "<|python_tag|>{\"name\":\"x\"};",
        "<|channel|>final<|message|><|end|>",
        "<tool_call>now\n<arg_key>a",
        "<tool_calls>{\"name\":\"now\"}",
        "```\n",
        " ",
    ] {
        let full_text = part.repeat(MAX_WITHHELD_BYTES / 4 / part.len());
        let full_text = format!("<tool_call>{{\"name\":\"now\"}}</tool_call>{full_text}"); // so that white space is withheld
        let segments =
            parse_parts(ReasoningTagMode::Leading, &tools(), &[&full_text, "</parameter>x"], false);
        assert!(!segments.is_empty());
        let parts: Vec<&str> = full_text.split_inclusive(['>', ' ']).collect();
        let segments = parse_parts(ReasoningTagMode::Leading, &tools(), &parts, false);
        assert!(!segments.is_empty());
    }
}

fn apply_stops(stops: &[&str], parts: &[&str], skip_unchanged: bool) -> (String, bool) {
    let mut matcher = StopMatcher::new(stops.iter().map(|s| (*s).to_owned()).collect());
    let (mut out, mut hit) = (String::new(), false);
    for part in parts {
        if skip_unchanged && matcher.is_unchanged(part) {
            out.push_str(part);
        } else {
            hit = matcher.push(part, &mut out);
        }
    }
    matcher.finish(&mut out);
    (out, hit)
}

fn divide_everywhere<T: PartialEq + std::fmt::Debug>(full_text: &str, run: impl Fn(&[&str]) -> T) -> T {
    let expected = run(&[full_text]);
    let cuts: Vec<usize> = full_text.char_indices().map(|(at, _)| at).chain([full_text.len()]).collect();
    for at in &cuts {
        let (a, b) = full_text.split_at(*at);
        assert_eq!(run(&[a, b]), expected, "divided into {a:?} and {b:?}");
    }
    let single: Vec<&str> = cuts.windows(2).map(|w| &full_text[w[0]..w[1]]).collect();
    assert_eq!(run(&single), expected, "single characters of {full_text:?}");
    expected
}

#[test]
fn text_ends_before_its_stop_sequence() {
    for (stops, full_text, expected, hit) in [
        (&["\nUser:"][..], "Hi.\nUse\nUser: no\nUser:", "Hi.\nUse", true),
        (&["aab"], "aaaab", "aa", true),
        (&["", "é🙂"], "naé🙂ïve", "na", true),
        (&["x", "abc"], "aabcx", "a", true),
        (&["bcd", "c"], "abcd", "ab", true),
        (&["bc", "c"], "abcd", "a", true),
        (&["END"], "The EN", "The EN", false),
        (&["END"], "", "", false),
        (&[""], "all of it", "all of it", false),
        (&[], "all of it", "all of it", false),
    ] {
        for skip_unchanged in [false, true] {
            let found = divide_everywhere(full_text, |parts| apply_stops(stops, parts, skip_unchanged).0);
            assert_eq!(found, expected);
        }
        assert_eq!(apply_stops(stops, &[full_text], false).1, hit);
    }
    let mut stops = StopMatcher::new(vec!["x".to_owned()]);
    let mut out = String::new();
    assert!(stops.push("ax", &mut out) && stops.push("b", &mut out) && !stops.is_unchanged("c"));
    stops.finish(&mut out);
    assert_eq!(out, "a");
}

fn strip_fence(parts: &[&str]) -> (String, bool) {
    let (mut fences, mut out) = (FenceStripper::new(), String::new());
    for part in parts {
        if fences.is_unchanged(part) {
            out.push_str(part);
        } else {
            fences.push(part, &mut out);
        }
    }
    fences.finish(&mut out);
    (out, fences.has_stripped())
}

#[test]
fn fence_around_the_whole_text_is_removed() {
    for (full_text, inner) in [
        ("```json\n{\"a\":1}\n```", "{\"a\":1}"),
        ("\n ``` \r\n{\"a\":1}\r\n``` \n\n", "{\"a\":1}"),
        ("```JSON5 strict\n{\"a\":1}```", "{\"a\":1}"),
        ("````md\n```js\nx\n```\n````", "```js\nx\n```"),
        ("```\n```", ""),
        ("```\n\n\n```", "\n"),
        ("```c++\n  é\n\n  🙂\n```\n", "  é\n\n  🙂"),
    ] {
        assert_eq!(divide_everywhere(full_text, strip_fence), (inner.to_owned(), true), "{full_text:?}");
    }
    for full_text in [
        "",
        "{\"a\":1}",
        " `x` ",
        "``\nx\n``",
        "```json\n{\"a\":1}",
        "```json\n{\"a\":1}\n``",
        "```json {\"a\":1}```",
        "Here:\n```json\n{\"a\":1}\n```",
        "```json\n{\"a\":1}\n```\nThere.",
        "```a\n1\n```\n\n```b\n2\n```",
        "```",
        "```\n",
    ] {
        assert_eq!(divide_everywhere(full_text, strip_fence), (full_text.to_owned(), false), "{full_text:?}");
    }
}

#[test]
fn fenced_text_is_withheld_up_to_the_limit() {
    let (mut fences, mut out) = (FenceStripper::new(), String::new());
    fences.push("```\n", &mut out);
    for _ in 0..=MAX_WITHHELD_BYTES / 1000 {
        fences.push(&"x".repeat(1000), &mut out);
    }
    assert!(fences.is_unchanged("x") && out.len() > MAX_WITHHELD_BYTES);
    fences.push("\n```", &mut out);
    fences.finish(&mut out);
    assert!(!fences.has_stripped() && out.ends_with("x\n```"));
}

const FRAGMENTS: &[&str] = &[
    "<tool_call>",
    "</tool_call>",
    "<function=",
    "now",
    ">",
    "<parameter=a>",
    "</parameter>",
    "</function>",
    "{",
    "}",
    "\"name\":",
    "\"now\"",
    "\"arguments\":",
    "{\"name\":\"now\",\"arguments\":{}}",
    "[TOOL_CALLS]",
    "[ARGS]",
    "[",
    "]",
    "<|python_tag|>",
    ";",
    "<think>",
    "</think>",
    "\n",
    " ",
    "`",
    "```",
    "```json\n",
    "\n```\n",
    "\"",
    "\\",
    "é",
    "🙂",
    "x",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁sep｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁calls▁end｜>",
    "<|tool_calls_section_begin|>",
    "<|tool_call_begin|>",
    "functions.now:0",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
    "<|tool_calls_section_end|>",
    "<tool_calls>",
    "</tool_calls>",
    "<minimax:tool_call>",
    "</minimax:tool_call>",
    "<invoke name=\"now\">",
    "<parameter name=\"a\">",
    "</invoke>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "<|tool_call|>",
    "<|channel|>",
    "analysis<|message|>",
    "final<|message|>",
    "<|end|>",
    "<|start|>assistant",
    "commentary to=functions.",
    "<|message|>",
    "<|call|>",
    "[THINK]",
    "[/THINK]",
    "<",
    "｜",
    "<|",
];

fn fragments() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(FRAGMENTS), 0..24)
}

fn any_mode() -> impl Strategy<Value = ReasoningTagMode> {
    prop::sample::select(vec![
        ReasoningTagMode::Ignore,
        ReasoningTagMode::Leading,
        ReasoningTagMode::Prefilled,
    ])
}

/// Whole blocks, halves of blocks, and fragments between them.
fn blocks() -> impl Strategy<Value = Vec<String>> {
    let all: Vec<&str> = JSON_BLOCKS.iter().chain(TAG_BLOCKS).map(|(_, block)| *block).collect();
    let full_text = prop::sample::select(all.clone()).prop_map(str::to_owned);
    let half = (prop::sample::select(all), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(block, at, head)| {
            let cuts: Vec<usize> = block.char_indices().map(|(at, _)| at).collect();
            let (a, b) = block.split_at(cuts[at.index(cuts.len())]);
            if head { a } else { b }.to_owned()
        },
    );
    let other = prop::sample::select(FRAGMENTS).prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![full_text, half, other], 0..6)
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn blocks_do_not_depend_on_how_the_text_is_divided(parts in blocks(), mode in any_mode(), size in 1..9_usize) {
        let full_text = parts.concat();
        let expected = parse_parts(mode.clone(), &tools(), &[&full_text], false);
        let chars: Vec<char> = full_text.chars().collect();
        let small: Vec<String> = chars.chunks(size).map(|c| c.iter().collect()).collect();
        let (small, parts) = ([&small, &parts], [false, true]);
        for cut in small {
            let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
            for skip_unchanged in parts {
                prop_assert_eq!(&parse_parts(mode.clone(), &tools(), &cut, skip_unchanged), &expected, "skip_unchanged: {}", skip_unchanged);
            }
        }
        let known = |segment: &Segment| !matches!(segment, Segment::ToolCall { name, .. } if !TOOLS.contains(&name.as_str()));
        prop_assert!(expected.iter().all(known));
    }

    #[test]
    fn markup_fragments_do_not_depend_on_how_the_text_is_divided(parts in fragments(), mode in any_mode()) {
        let full_text = parts.concat();
        let expected = parse_parts(mode.clone(), &tools(), &[&full_text], false);
        prop_assert_eq!(&parse_parts(mode.clone(), &tools(), &parts, false), &expected, "fragments");
        prop_assert_eq!(&parse_parts(mode.clone(), &tools(), &parts, true), &expected, "fast");
        let single: Vec<String> = full_text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        prop_assert_eq!(&parse_parts(mode.clone(), &tools(), &single, false), &expected, "characters");
        prop_assert_eq!(&parse_parts(mode.clone(), &tools(), &single, true), &expected, "fast characters");
    }

    #[test]
    fn text_without_markup_is_kept_completely(parts in fragments()) {
        let full_text = parts.concat();
        let segments = parse_parts(ReasoningTagMode::Ignore, &tools(), &[&full_text], false);
        if !segments.iter().any(|segment| matches!(segment, Segment::ToolCall { .. })) {
            let expected = if full_text.is_empty() { vec![] } else { vec![text(&full_text)] };
            prop_assert_eq!(segments, expected);
        }
        prop_assert_eq!(strip_fence(&parts), strip_fence(&[&full_text]));
        let (out, stripped) = strip_fence(&parts);
        prop_assert!(stripped || out == full_text);
    }

    #[test]
    fn stop_matcher_ends_where_a_search_would(full_text in "[abc]{0,30}", stops in prop::collection::vec("[abc]{0,4}", 0..4), size in 1..4_usize) {
        let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
        let ends = stops.iter().filter(|s| !s.is_empty()).filter_map(|s| full_text.find(s).map(|at| (at + s.len(), at)));
        let expected = ends.min().map_or(full_text.as_str(), |(_, at)| &full_text[..at]);
        let parts: Vec<&str> = full_text.as_bytes().chunks(size).map(|c| std::str::from_utf8(c).unwrap()).collect();
        for skip_unchanged in [false, true] {
            let found = apply_stops(&stops, &parts, skip_unchanged).0;
            prop_assert_eq!(found.as_str(), expected);
        }
    }
}
