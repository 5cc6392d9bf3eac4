//! A row in words.

use openai_shim_core::Profile;
use openai_shim_core::canonical::BuiltInTemplate;
use openai_shim_core::canonical::{AnswerQuirks, ReasoningTags};
use openai_shim_core::profile::{
    Auth, EndpointPaths, MessageNamePolicy, MessageRules, ModelOverride, ParamRules, PrefillPolicy,
    ReasoningHistory, ReasoningParam, ReasoningRules, ResponseFormatRules, ResponseFormatSupport,
    StreamingSupport, ToolCallIdFormat, ToolChoiceSupport, ToolRules,
};

/// The section about one row.
pub fn section(row: &Profile) -> String {
    let mut head = vec![format!("{}.", row.description)];
    if !row.base_url.is_empty() {
        head.push(format!("Usually at `{}`.", row.base_url));
    }
    if row.dialect != "openai-chat" {
        head.push(format!("It speaks `{}`.", row.dialect));
    }
    if !row.hosts.is_empty() {
        head.push(format!("Chosen for {}.", names(&row.hosts)));
    }
    let mut said = about(row);
    let for_models =
        |rules: &ModelOverride| format!("for {}: {}", names(&rules.matches), about_models(rules).join("; "));
    said.extend(row.model_overrides.iter().map(for_models));
    let said = if said.is_empty() { "Nothing is changed for it.\n".to_owned() } else { bullets(&said) };
    let sources: Vec<_> = row.sources.iter().map(|source| linked(source)).collect();
    let sources =
        if sources.is_empty() { String::new() } else { format!("\nSources:\n\n{}", bullets(&sources)) };
    format!("## {}\n\n{}\n\n{said}{sources}", row.name, head.join(" "))
}

fn bullets(lines: &[String]) -> String {
    format!("- {}\n", lines.join("\n- "))
}

/// What a row says of all models.
pub fn about(row: &Profile) -> Vec<String> {
    let mut said = access(&row.auth, &row.paths, row.has_model_list);
    said.extend(passed(&row.forward_headers));
    said.extend(also(&row.extra_dialects));
    said.extend(params(&row.params));
    said.extend(messages(&row.messages));
    said.extend(tools(&row.tools));
    said.extend(format_of(&row.response_format));
    said.extend(reasoning(&row.reasoning));
    said.extend(stream(&row.stream));
    said.extend(answers(row.responses));
    said
}

/// What rules say of their models.
pub fn about_models(rules: &ModelOverride) -> Vec<String> {
    let mut said = also(&rules.extra_dialects);
    said.extend(params(&rules.params));
    said.extend(messages(&rules.messages));
    said.extend(tools(&rules.tools));
    said.extend(format_of(&rules.response_format));
    said.extend(reasoning(&rules.reasoning));
    said.extend(stream(&rules.stream));
    said.extend(answers(rules.responses));
    said
}

fn access(auth: &Auth, paths: &EndpointPaths, lists_models: bool) -> Vec<String> {
    let mut said = Said::default();
    let usual = Auth::default();
    said.when(*auth != usual, || match auth.prefix.as_str() {
        "" => format!("the key is sent as `{}`, with nothing before it", auth.header),
        prefix => format!("the key is sent as `{}: {prefix}…`", auth.header),
    });
    let usual = EndpointPaths::default();
    said.when(paths.chat != usual.chat, || format!("answers are asked for at `{}`", paths.chat));
    said.when(paths.models != usual.models, || format!("models are listed at `{}`", paths.models));
    for (key, value) in &paths.query {
        said.add(format!("`{key}={value}` is added to every URL"));
    }
    said.when(!lists_models, || "it does not list its models: they must be configured".to_owned());
    said.0
}

fn passed(headers: &[String]) -> Vec<String> {
    let mut said = Said::default();
    let usual = openai_shim_core::Profile::default().forward_headers;
    said.when(headers.is_empty(), || {
        String::from("no header of clients is passed on, not even `openai-beta`")
    });
    said.when(!headers.is_empty() && headers != usual, || {
        format!("clients' headers {} are passed on", names(headers))
    });
    said.0
}

fn also(dialects: &[String]) -> Vec<String> {
    let mut said = Said::default();
    said.when(!dialects.is_empty(), || format!("it speaks {} besides", names(dialects)));
    said.0
}

fn params(rules: &ParamRules) -> Vec<String> {
    let mut said = Said::default();
    said.when(!rules.allow.is_empty(), || format!("only {} are sent", names(&rules.allow)));
    said.when(!rules.drop.is_empty(), || format!("{} {} left out", names(&rules.drop), is_are(&rules.drop)));
    for (from, to) in &rules.rename {
        said.add(format!("`{from}` is sent as `{to}`"));
    }
    for (name, [low, high]) in &rules.clamp {
        said.add(format!("`{name}` is kept from {low} to {high}"));
    }
    said.when(rules.require_max_tokens, || {
        "it wants `max_tokens`: the configured default is sent if none was".to_owned()
    });
    said.when(rules.single_choice, || "`n` must be 1: for more answers it is asked several times".to_owned());
    match rules.max_stop_sequences {
        None => {}
        Some(0) => said.add("it takes no `stop`: answers are cut here"),
        Some(1) => said.add("it takes one stop sequence: the others are applied here"),
        Some(most) => said.add(format!("it takes {most} stop sequences: the others are applied here")),
    }
    said.0
}

fn messages(rules: &MessageRules) -> Vec<String> {
    let mut said = Said::default();
    for (from, to) in &rules.roles {
        said.add(format!("role `{from}` is sent as `{to}`"));
    }
    match rules.input_modalities.as_deref() {
        None => {}
        Some([]) => said.add("it reads text only: pictures, sound and files are refused"),
        Some(kinds) => said.add(format!("besides text it reads {}; other parts are refused", names(kinds))),
    }
    for (on, line) in [
        (rules.flatten_text, "lists of text parts are sent as one string"),
        (rules.parts_only, "a string is sent as a list of one text part"),
        (
            rules.signatures_in_ids,
            "signatures of tool calls must come back: they are carried in the calls' ids",
        ),
        (!rules.placeholder_signature.is_empty(), "a call whose signature nobody knows is marked as such"),
        (
            rules.data_urls_only,
            "pictures and files are read from data URLs only; addresses are refused by name",
        ),
        (rules.empty_content, "beside tool calls, `content` is `\"\"` and not `null`"),
        (rules.null_content, "beside tool calls, `content` is `null` and not `\"\"`"),
        (rules.drop_empty_assistant, "assistant messages that say nothing are left out"),
        (rules.drop_null_fields, "members of messages that are `null` are left out"),
        (rules.tool_result_name, "tool results carry the tool's name"),
        (rules.merge_system, "system messages are merged into one and put first"),
        (rules.merge_same_role, "adjacent messages of one role are merged"),
        (
            rules.assistant_after_tool,
            "between a tool's result and a user message an assistant message is put",
        ),
    ] {
        said.when(on, || line.to_owned());
    }
    said.word(rules.name_field, |word| match word {
        MessageNamePolicy::Tool => "only tool results keep their `name`",
        _ => "messages lose their `name`",
    });
    said.word(rules.prefill, |word| match word {
        PrefillPolicy::Prefix => "an assistant message at the end is sent with `prefix: true`",
        _ => "an assistant message at the end becomes the user's wish to go on from there",
    });
    said.word(rules.tool_call_ids, |word| match word {
        ToolCallIdFormat::Alnum9 => "ids of tool calls are made nine letters and digits, and back",
        _ => "ids of tool calls are kept to forty characters",
    });
    said.word(rules.reasoning_history, |word| match word {
        ReasoningHistory::Drop => "reasoning is left out of the history",
        _ => "reasoning must come back: what the client does not send is put back where it is known",
    });
    said.when(rules.chat_template.is_set(), || match rules.chat_template.name {
        BuiltInTemplate::None => "a conversation is written as one prompt".to_owned(),
        name => format!(
            "a conversation is written as one prompt, as `{}` does",
            format!("{name:?}").to_lowercase()
        ),
    });
    said.0
}

fn tools(rules: &ToolRules) -> Vec<String> {
    let mut said = Said::default();
    for (what, how) in
        [("`tool_choice: required`", rules.required_choice), ("a tool chosen by name", rules.named_choice)]
    {
        said.word(how, |how| {
            let how = match how {
                ToolChoiceSupport::Any => "`any`",
                ToolChoiceSupport::Required => "`required` with no other tool on offer",
                _ => "`auto` and a sentence that asks for it",
            };
            format!("{what} is sent as {how}")
        });
    }
    said.when(!rules.drop_schema_keywords.is_empty(), || {
        format!(
            "{} {} left out of schemas",
            names(&rules.drop_schema_keywords),
            is_are(&rules.drop_schema_keywords)
        )
    });
    for (on, line) in [
        (rules.drop_strict, "`strict` is left out of functions"),
        (rules.inline_refs, "in schemas `$ref` is replaced by what it refers to"),
        (
            rules.close_strict_schemas,
            "schemas of strict functions get every key required, and no others allowed",
        ),
        (
            rules.declare_from_history,
            "tools that the history calls are declared, even if none is offered any more",
        ),
    ] {
        said.when(on, || line.to_owned());
    }
    said.0
}

fn format_of(rules: &ResponseFormatRules) -> Vec<String> {
    let mut said = Said::default();
    for (what, how) in [("a JSON schema", rules.json_schema), ("any JSON object", rules.json_object)] {
        said.word(how, |how| {
            let how = match how {
                ResponseFormatSupport::JsonSchema => "by a schema",
                ResponseFormatSupport::JsonObject => "by `json_object` and a sentence that tells the schema",
                _ => "by a sentence only",
            };
            format!("{what} is asked for {how}")
        });
    }
    said.when(rules.omit_text, || "`response_format: text` is left out".to_owned());
    said.when(rules.disable_streaming, || {
        "with a `response_format` it does not stream: the answer is cut into a stream here".to_owned()
    });
    said.0
}

fn reasoning(rules: &ReasoningRules) -> Vec<String> {
    let mut said = Said::default();
    said.word(rules.param, |word| match word {
        ReasoningParam::Reasoning => "`reasoning_effort` is sent as `reasoning: {effort}`",
        ReasoningParam::Thinking => "`reasoning_effort` is sent as `thinking: {type}`",
        ReasoningParam::EnableThinking => "`reasoning_effort` is sent as `enable_thinking`",
        ReasoningParam::ChatTemplateKwargs => {
            "`reasoning_effort` is sent as `chat_template_kwargs: {enable_thinking}`"
        }
        _ => "`reasoning_effort` is left out",
    });
    said.when(!rules.efforts.is_empty(), || {
        format!("it knows the efforts {}: the nearest one is sent", names(&rules.efforts))
    });
    said.when(rules.use_token_budget, || "how much to think is said in tokens".to_owned());
    said.0
}

fn stream(rules: &StreamingSupport) -> Vec<String> {
    let mut said = Said::default();
    said.when(!rules.supported, || "it does not stream: streams are made here".to_owned());
    said.when(!rules.accepts_options, || "`stream_options` is left out".to_owned());
    said.when(rules.required, || "it only streams: whole answers are put together here".to_owned());
    said.0
}

fn answers(rules: AnswerQuirks) -> Vec<String> {
    let mut said = Said::default();
    said.when(rules.cumulative_deltas, || {
        "every delta repeats all text so far: only what is new is passed on".to_owned()
    });
    said.when(rules.keep_tool_markup, || "tool calls written into the text are left there".to_owned());
    said.word(rules.reasoning_tags, |word| match word {
        ReasoningTags::Prefilled => "its text begins inside of thinking, up to `</think>`",
        _ => "`<think>` is text",
    });
    said.0
}

/// Sentences.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn add(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    fn when(&mut self, on: bool, line: impl FnOnce() -> String) {
        if on {
            self.0.push(line());
        }
    }

    /// What a word says that is not the usual one.
    fn word<W: Default + PartialEq, S: Into<String>>(&mut self, word: W, line: impl FnOnce(W) -> S) {
        if word != W::default() {
            self.0.push(line(word).into());
        }
    }
}

fn names(items: &[String]) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

fn is_are(items: &[String]) -> &str {
    if items.len() == 1 { "is" } else { "are" }
}

fn linked(source: &str) -> String {
    match source.split_once(" (") {
        Some((place, ids)) if place.starts_with("https://") => format!("<{place}> ({ids}"),
        None if source.starts_with("https://") => format!("<{source}>"),
        _ => source.to_owned(),
    }
}
