//! What is taken out of a text, what stays in it, and that the way it is cut changes neither.

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

fn thought(text: &str) -> Segment {
    Segment::Reasoning(text.to_owned())
}

fn call(name: &str, arguments: &str) -> Segment {
    Segment::ToolCall { name: name.to_owned(), arguments: arguments.to_owned() }
}

/// Neighbours of one kind made one.
fn merged(pieces: Vec<Segment>) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::new();
    for piece in pieces {
        match (out.last_mut(), piece) {
            (Some(Segment::Text(last)), Segment::Text(more))
            | (Some(Segment::Reasoning(last)), Segment::Reasoning(more)) => last.push_str(&more),
            (_, piece) => out.push(piece),
        }
    }
    out
}

/// The pieces of a text that comes in these parts; `fast`: parts that pass are not pushed.
fn split_parts(think: ReasoningTagMode, tools: &[String], parts: &[&str], fast: bool) -> Vec<Segment> {
    let (mut splitter, mut out) = (OutputParser::new(think, tools), Vec::new());
    for part in parts {
        if fast && splitter.is_unchanged(part) {
            out.push(text(part));
        } else {
            splitter.push(part, &mut out);
        }
    }
    splitter.finish(&mut out);
    let said = out.len();
    splitter.finish(&mut out);
    assert_eq!(out.len(), said, "a second finish says something");
    let empty = |piece: &Segment| matches!(piece, Segment::Text(t) | Segment::Reasoning(t) if t.is_empty());
    assert!(fast || !out.iter().any(empty), "an empty piece: {out:?}");
    out.retain(|piece| !empty(piece));
    merged(out)
}

/// The pieces of a text, which are the same however it is cut.
fn split(think: ReasoningTagMode, tools: &[String], whole: &str) -> Vec<Segment> {
    let expected = split_parts(think, tools, &[whole], false);
    let cuts: Vec<usize> = whole.char_indices().map(|(at, _)| at).chain([whole.len()]).collect();
    for fast in [false, true] {
        for at in &cuts {
            let (a, b) = whole.split_at(*at);
            assert_eq!(
                split_parts(think, tools, &[a, b], fast),
                expected,
                "cut as {a:?} {b:?}, fast: {fast}"
            );
        }
        let single: Vec<&str> = cuts.windows(2).map(|w| &whole[w[0]..w[1]]).collect();
        assert_eq!(split_parts(think, tools, &single, fast), expected, "single characters, fast: {fast}");
    }
    expected
}

fn calls_in(whole: &str) -> Vec<Segment> {
    split(ReasoningTagMode::Leading, &tools(), whole)
}

/// Each markup with two calls where it can have them, and what the first and the second one are.
const PARIS: &str = r#"{"city": "Paris", "days":2}"#;
const TWO: &[(&str, &str)] = &[
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

/// The same with tags, where the arguments are written anew.
const TAGS: &[(&str, &str)] = &[
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
fn every_markup_is_read() {
    for (name, block) in TWO {
        assert_eq!(calls_in(block), [call("get_weather", PARIS), call("now", "{}")], "{name}");
    }
    for (name, block) in TAGS {
        let expected = [call("get_weather", r#"{"city":"Paris","days":2}"#), call("now", "{}")];
        assert_eq!(calls_in(block), expected, "{name}");
    }
}

#[test]
fn text_around_a_block_stays_and_white_space_alone_does_not() {
    for (name, block) in TWO.iter().chain(TAGS) {
        let pieces = calls_in(&format!("  \n{block} \n"));
        assert!(
            matches!(&pieces[..], [Segment::ToolCall { .. }, Segment::ToolCall { .. }]),
            "{name}: {pieces:?}"
        );
        if *name == "granite 3.1" {
            continue; // it has no closer: only the end of the text is one
        }
        let pieces = calls_in(&format!("Let me <b>look</b>.\n\n{block}\nDone."));
        assert_eq!(pieces.len(), 4, "{name}: {pieces:?}");
        assert_eq!(pieces[0], text("Let me <b>look</b>.\n\n"), "{name}");
        assert_eq!(pieces[3], text("\nDone."), "{name}");
    }
}

#[test]
fn a_block_of_a_tool_that_is_not_offered_stays_text() {
    for (name, block) in TWO.iter().chain(TAGS) {
        for unknown in [block.replace("now", "then"), block.replace("get_weather", "get_news")] {
            let pieces = calls_in(&unknown);
            let said: String =
                pieces.iter().map(|p| if let Segment::Text(t) = p { t.as_str() } else { "" }).collect();
            let wrong = pieces
                .iter()
                .any(|p| matches!(p, Segment::ToolCall { name, .. } if !TOOLS.contains(&name.as_str())));
            assert!(!wrong && !said.is_empty(), "{name}: {pieces:?}");
        }
        let unknown = block.replace("now", "then").replace("get_weather", "get_news");
        assert_eq!(calls_in(&unknown), [text(&unknown)], "{name}");
        assert_eq!(split(ReasoningTagMode::Leading, &[], block), [text(block)], "{name}: no tools");
    }
}

#[test]
fn all_calls_of_a_block_are_offered_or_none_is_taken() {
    let block = "<tool_calls>{\"name\":\"now\"}\n{\"name\":\"then\"}</tool_calls>";
    assert_eq!(calls_in(block), [text(block)]);
    let block = "<tool_call>{\"name\":\"now\",\"arguments\":[1]}</tool_call>";
    assert_eq!(calls_in(block), [text(block)]);
    let nested = r#"<tool_call>{"name":"then","arguments":{"x":"<function=now>{}</function>"}}</tool_call>"#;
    assert_eq!(calls_in(nested), [text(nested)]);
}

#[test]
fn prose_about_a_markup_is_not_eaten() {
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
fn a_call_after_prose_about_calls_is_found() {
    let now = [text("First <tool_call> opens. "), call("now", "{}")];
    assert_eq!(calls_in("First <tool_call> opens. <tool_call>{\"name\":\"now\"}</tool_call>"), now);
    let code = "```\nx `y`\n```\n`<tool_call>` and ```inline```: ";
    let found = calls_in(&format!("{code}<tool_call>{{\"name\":\"now\"}}</tool_call>"));
    assert_eq!(found, [text(code), call("now", "{}")]);
    let encode_string = "A lone ` in a paragraph.\n\n";
    let found = calls_in(&format!("{encode_string}<tool_call>{{\"name\":\"now\"}}</tool_call>"));
    assert_eq!(found, [text(encode_string), call("now", "{}")]);
    let said = "<function=now></function> and <function=now> is how";
    assert_eq!(calls_in(said), [call("now", "{}"), text(" and <function=now> is how")]);
    assert_eq!(calls_in("<<tool_call>{\"name\":\"now\"}</tool_call>"), [text("<"), call("now", "{}")]);
}

#[test]
fn a_closer_inside_an_argument_closes_nothing() {
    let arguments = r#"{"city":"</tool_call> \" } ]"}"#;
    let block = format!("<tool_call>{{\"name\":\"get_weather\",\"arguments\":{arguments}}}</tool_call>");
    assert_eq!(calls_in(&block), [call("get_weather", arguments)]);
}

#[test]
fn the_end_of_the_text_closes_a_block_whose_items_are_whole() {
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
fn values_in_tags_are_json_where_they_can_be() {
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
fn a_whole_text_that_is_a_calls_object_is_a_call() {
    for whole in [
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
        assert_eq!(calls_in(whole), [call("add", "{\"a\":1}")], "{whole}");
    }
    for whole in [
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
        assert_eq!(calls_in(whole), [text(whole)], "{whole}");
    }
}

#[test]
fn two_calls_without_their_special_tokens_are_two_calls() {
    assert_eq!(calls_in("now[ARGS]{}add[ARGS]{\"a\":1}"), [call("now", "{}"), call("add", "{\"a\":1}")]);
}

#[test]
fn json_for_the_reader_is_not_held() {
    let (mut splitter, mut out) = (OutputParser::new(ReasoningTagMode::Leading, &tools()), Vec::new());
    splitter.push("{\"city\":", &mut out);
    assert_eq!(out, [text("{\"city\":")]);
    let (mut splitter, mut out) = (OutputParser::new(ReasoningTagMode::Leading, &tools()), Vec::new());
    splitter.push("{\"name\": \"add up", &mut out);
    assert_eq!(merged(out), [text("{\"name\": \"add up")]);
}

#[test]
fn a_thought_that_opens_the_text_is_split_off() {
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
            split(ReasoningTagMode::Leading, &[], &format!(" \n{open}\nHm, 1 < 2.\n{close}\n\nYes. <think>"));
        let answer = if close.starts_with("<|") { "\n\nYes. <think>" } else { "Yes. <think>" };
        assert_eq!(plain, [thought("\nHm, 1 < 2.\n"), text(answer)], "{open}");
        assert_eq!(
            split(ReasoningTagMode::Leading, &[], &format!("{open}Hm")),
            [thought("Hm")],
            "{open}: unclosed"
        );
        let none = split(ReasoningTagMode::Leading, &[], &format!("{open}\n\n{close}Yes"));
        assert_eq!(none, [text("Yes")], "{open}: empty");
        let off = format!("{open}Hm{close}");
        assert_eq!(split(ReasoningTagMode::Ignore, &[], &off), [text(&off)]);
        let late = format!("Then {off}");
        assert_eq!(split(ReasoningTagMode::Leading, &[], &late), [text(&late)]);
    }
    for prose in ["<thi", "<thinker>", "  ", "[THIN", "", "<|channel|>commentary to=", "<|start|>user"] {
        assert_eq!(
            split(ReasoningTagMode::Leading, &[], prose),
            if prose.is_empty() { vec![] } else { vec![text(prose)] }
        );
    }
}

#[test]
fn a_thought_that_the_prompt_opened_ends_at_the_first_close() {
    let inside = |whole| split(ReasoningTagMode::Prefilled, &tools(), whole);
    assert_eq!(inside("Hm.\n</think>\n\nYes.</think>"), [thought("Hm.\n"), text("Yes.</think>")]);
    assert_eq!(inside("<think>Hm.</think>Yes."), [thought("Hm."), text("Yes.")]);
    assert_eq!(inside("Hm.[/THINK]Yes."), [thought("Hm."), text("Yes.")]);
    assert_eq!(inside("Hm."), [thought("Hm.")]);
    assert_eq!(inside("<thi"), [thought("<thi")]);
    assert_eq!(inside("\n\n</think>\n\nYes."), [text("Yes.")]);
    let called = inside("Call <tool_call>?</think>\n\n<tool_call>{\"name\":\"now\"}</tool_call>");
    assert_eq!(called, [thought("Call <tool_call>?"), call("now", "{}")]);
}

#[test]
fn the_channels_of_harmony_are_told_apart() {
    let leaked = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}<|call|>";
    assert_eq!(calls_in(leaked), [thought("Hm."), text("I look."), call("now", "{}")]);
    let leaked =
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>";
    assert_eq!(calls_in(leaked), [thought("Hm."), text("Yes.")]);
}

#[test]
fn what_passes_is_plain_text() {
    let mut splitter = OutputParser::new(ReasoningTagMode::Leading, &tools());
    let mut out = Vec::new();
    assert!(!splitter.is_unchanged("Hello"), "a tag may still come");
    splitter.push("Hello", &mut out);
    assert!(splitter.is_unchanged(", world\n\n"));
    assert!(!splitter.is_unchanged("a < b") && !splitter.is_unchanged("a[0]") && !splitter.is_unchanged("`"));
    splitter.push(" ```\n", &mut out);
    assert!(!splitter.is_unchanged("at the beginning of a line of code"));
    splitter.push("let x", &mut out);
    assert!(splitter.is_unchanged(": [u8; 2] < y") && !splitter.is_unchanged("\n"));
    splitter.push("\n```\n<tool", &mut out);
    assert!(!splitter.is_unchanged("x"), "something is held");
    assert!(OutputParser::new(ReasoningTagMode::Ignore, &[]).is_unchanged("<think>"));
    assert!(!OutputParser::new(ReasoningTagMode::Prefilled, &[]).is_unchanged("x"));
}

#[test]
fn what_is_held_is_bounded() {
    let long = "x".repeat(1000);
    for (start, think) in [
        ("<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":\"", ReasoningTagMode::Ignore),
        ("<function=now><parameter=a>", ReasoningTagMode::Ignore),
        ("{\"name\":\"now\",\"arguments\":{\"a\":\"", ReasoningTagMode::Leading),
    ] {
        let (mut splitter, mut out) = (OutputParser::new(think, &tools()), Vec::new());
        splitter.push(start, &mut out);
        for _ in 0..MAX_WITHHELD_BYTES / 1000 {
            splitter.push(&long, &mut out);
        }
        assert!(out.is_empty());
        for _ in 0..10 {
            splitter.push(&long, &mut out);
        }
        let rest = "\"}}</tool_call></parameter></function><function=now></function>";
        assert!(splitter.is_unchanged(rest));
        splitter.push(rest, &mut out);
        splitter.finish(&mut out);
        let whole = format!("{start}{}{rest}", long.repeat(MAX_WITHHELD_BYTES / 1000 + 10));
        assert!(merged(out) == [text(&whole)]);
        // The limit is on the block, not on the pushes.
        assert!(split_parts(think, &tools(), &[&whole], false) == [text(&whole)]);
    }
    let blank = " ".repeat(MAX_WITHHELD_BYTES + 10_000);
    for think in [ReasoningTagMode::Ignore, ReasoningTagMode::Leading, ReasoningTagMode::Prefilled] {
        let (mut splitter, mut out) = (OutputParser::new(think, &tools()), Vec::new());
        splitter.push(&blank, &mut out);
        assert_eq!(out.len(), 1, "white space is not held for ever");
    }
}

#[test]
fn hostile_text_takes_no_longer_than_its_length_allows() {
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
        let whole = part.repeat(MAX_WITHHELD_BYTES / 4 / part.len());
        let whole = format!("<tool_call>{{\"name\":\"now\"}}</tool_call>{whole}"); // so that white space is held
        let pieces = split_parts(ReasoningTagMode::Leading, &tools(), &[&whole, "</parameter>x"], false);
        assert!(!pieces.is_empty());
        let parts: Vec<&str> = whole.split_inclusive(['>', ' ']).collect();
        let pieces = split_parts(ReasoningTagMode::Leading, &tools(), &parts, false);
        assert!(!pieces.is_empty());
    }
}

fn stopped(stops: &[&str], parts: &[&str], fast: bool) -> (String, bool) {
    let mut machine = StopMatcher::new(stops.iter().map(|s| (*s).to_owned()).collect());
    let (mut out, mut hit) = (String::new(), false);
    for part in parts {
        if fast && machine.is_unchanged(part) {
            out.push_str(part);
        } else {
            hit = machine.push(part, &mut out);
        }
    }
    machine.finish(&mut out);
    (out, hit)
}

fn cut_everywhere<T: PartialEq + std::fmt::Debug>(whole: &str, run: impl Fn(&[&str]) -> T) -> T {
    let expected = run(&[whole]);
    let cuts: Vec<usize> = whole.char_indices().map(|(at, _)| at).chain([whole.len()]).collect();
    for at in &cuts {
        let (a, b) = whole.split_at(*at);
        assert_eq!(run(&[a, b]), expected, "cut as {a:?} {b:?}");
    }
    let single: Vec<&str> = cuts.windows(2).map(|w| &whole[w[0]..w[1]]).collect();
    assert_eq!(run(&single), expected, "single characters of {whole:?}");
    expected
}

#[test]
fn a_text_ends_before_its_stop_sequence() {
    for (stops, whole, expected, hit) in [
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
        for fast in [false, true] {
            let found = cut_everywhere(whole, |parts| stopped(stops, parts, fast).0);
            assert_eq!(found, expected);
        }
        assert_eq!(stopped(stops, &[whole], false).1, hit);
    }
    let mut stops = StopMatcher::new(vec!["x".to_owned()]);
    let mut out = String::new();
    assert!(stops.push("ax", &mut out) && stops.push("b", &mut out) && !stops.is_unchanged("c"));
    stops.finish(&mut out);
    assert_eq!(out, "a");
}

fn unfenced(parts: &[&str]) -> (String, bool) {
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
fn a_fence_around_the_whole_text_is_taken_off() {
    for (whole, inner) in [
        ("```json\n{\"a\":1}\n```", "{\"a\":1}"),
        ("\n ``` \r\n{\"a\":1}\r\n``` \n\n", "{\"a\":1}"),
        ("```JSON5 strict\n{\"a\":1}```", "{\"a\":1}"),
        ("````md\n```js\nx\n```\n````", "```js\nx\n```"),
        ("```\n```", ""),
        ("```\n\n\n```", "\n"),
        ("```c++\n  é\n\n  🙂\n```\n", "  é\n\n  🙂"),
    ] {
        assert_eq!(cut_everywhere(whole, unfenced), (inner.to_owned(), true), "{whole:?}");
    }
    for whole in [
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
        assert_eq!(cut_everywhere(whole, unfenced), (whole.to_owned(), false), "{whole:?}");
    }
}

#[test]
fn a_fenced_text_is_held_only_so_long() {
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

fn think() -> impl Strategy<Value = ReasoningTagMode> {
    prop::sample::select(vec![
        ReasoningTagMode::Ignore,
        ReasoningTagMode::Leading,
        ReasoningTagMode::Prefilled,
    ])
}

/// Whole blocks, halves of them, and prose between.
fn blocks() -> impl Strategy<Value = Vec<String>> {
    let all: Vec<&str> = TWO.iter().chain(TAGS).map(|(_, block)| *block).collect();
    let whole = prop::sample::select(all.clone()).prop_map(str::to_owned);
    let half = (prop::sample::select(all), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(block, at, head)| {
            let cuts: Vec<usize> = block.char_indices().map(|(at, _)| at).collect();
            let (a, b) = block.split_at(cuts[at.index(cuts.len())]);
            if head { a } else { b }.to_owned()
        },
    );
    let other = prop::sample::select(FRAGMENTS).prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![whole, half, other], 0..6)
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn blocks_cut_anywhere_say_the_same(parts in blocks(), think in think(), size in 1..9_usize) {
        let whole = parts.concat();
        let expected = split_parts(think, &tools(), &[&whole], false);
        let chars: Vec<char> = whole.chars().collect();
        let small: Vec<String> = chars.chunks(size).map(|c| c.iter().collect()).collect();
        let (small, parts) = ([&small, &parts], [false, true]);
        for cut in small {
            let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
            for fast in parts {
                prop_assert_eq!(&split_parts(think, &tools(), &cut, fast), &expected, "fast: {}", fast);
            }
        }
        let known = |piece: &Segment| !matches!(piece, Segment::ToolCall { name, .. } if !TOOLS.contains(&name.as_str()));
        prop_assert!(expected.iter().all(known));
    }

    #[test]
    fn fragments_of_markup_cut_anywhere_say_the_same(parts in fragments(), think in think()) {
        let whole = parts.concat();
        let expected = split_parts(think, &tools(), &[&whole], false);
        prop_assert_eq!(&split_parts(think, &tools(), &parts, false), &expected, "fragments");
        prop_assert_eq!(&split_parts(think, &tools(), &parts, true), &expected, "fast");
        let single: Vec<String> = whole.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        prop_assert_eq!(&split_parts(think, &tools(), &single, false), &expected, "characters");
        prop_assert_eq!(&split_parts(think, &tools(), &single, true), &expected, "fast characters");
    }

    #[test]
    fn nothing_is_lost_where_nothing_is_found(parts in fragments()) {
        let whole = parts.concat();
        let pieces = split_parts(ReasoningTagMode::Ignore, &tools(), &[&whole], false);
        if !pieces.iter().any(|piece| matches!(piece, Segment::ToolCall { .. })) {
            let expected = if whole.is_empty() { vec![] } else { vec![text(&whole)] };
            prop_assert_eq!(pieces, expected);
        }
        prop_assert_eq!(unfenced(&parts), unfenced(&[&whole]));
        let (out, stripped) = unfenced(&parts);
        prop_assert!(stripped || out == whole);
    }

    #[test]
    fn stops_cut_where_a_search_would(whole in "[abc]{0,30}", stops in prop::collection::vec("[abc]{0,4}", 0..4), size in 1..4_usize) {
        let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
        let ends = stops.iter().filter(|s| !s.is_empty()).filter_map(|s| whole.find(s).map(|at| (at + s.len(), at)));
        let expected = ends.min().map_or(whole.as_str(), |(_, at)| &whole[..at]);
        let parts: Vec<&str> = whole.as_bytes().chunks(size).map(|c| std::str::from_utf8(c).unwrap()).collect();
        for fast in [false, true] {
            let found = stopped(&stops, &parts, fast).0;
            prop_assert_eq!(found.as_str(), expected);
        }
    }
}
