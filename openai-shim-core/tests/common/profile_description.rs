//! A profile to its section of `docs/quirks.md`.

use openai_shim_core::Profile;
use openai_shim_core::accepts::{
    AcceptsLayer, ContentType, MessageNamePolicy, MessageRules, ParamRules, PrefillPolicy, ReasoningHistory,
    ReasoningParam, ReasoningRules, ResponseFormatRules, ResponseFormatSupport, StreamingSupport,
    ToolCallContent, ToolCallIdFormat, ToolChoiceSupport, ToolRules,
};
use openai_shim_core::canonical::BuiltInTemplate;
use openai_shim_core::canonical::{AnswerQuirks, ReasoningTags};
use openai_shim_core::profile::{Auth, EndpointPaths, ModelOverride};

/// The section about one profile.
pub fn section(profile: &Profile) -> String {
    let mut head = vec![format!("{}.", profile.description)];
    if !profile.base_url.is_empty() {
        head.push(format!("Usually at `{}`.", profile.base_url));
    }
    if profile.dialect != "openai-chat" {
        head.push(format!("Its dialect is `{}`.", profile.dialect));
    }
    if !profile.hosts.is_empty() {
        head.push(format!("Selected by {}.", names(&profile.hosts)));
    }
    let mut lines = about(profile);
    let for_models =
        |rules: &ModelOverride| format!("for {}: {}", names(&rules.matches), about_models(rules).join("; "));
    lines.extend(profile.model_overrides.iter().map(for_models));
    let lines = if lines.is_empty() { "Nothing is changed for it.\n".to_owned() } else { bullets(&lines) };
    let sources: Vec<_> = profile.sources.iter().map(|source| linked(source)).collect();
    let sources =
        if sources.is_empty() { String::new() } else { format!("\nSources:\n\n{}", bullets(&sources)) };
    format!("## {}\n\n{}\n\n{lines}{sources}", profile.name, head.join(" "))
}

fn bullets(lines: &[String]) -> String {
    format!("- {}\n", lines.join("\n- "))
}

/// The rules of a profile for all models.
pub fn about(profile: &Profile) -> Vec<String> {
    let mut lines = access(&profile.auth, &profile.paths, profile.has_model_list);
    lines.extend(forwarded_headers(&profile.forward_headers));
    lines.extend(extra_dialects(&profile.extra_dialects));
    // What the dialect's own vendor accepts is not repeated.
    let accepts = profile.accepts(&AcceptsLayer::default());
    lines.extend(params(&accepts.params));
    lines.extend(messages(&accepts.messages));
    lines.extend(tools(&accepts.tools));
    lines.extend(response_format(&accepts.response_format));
    lines.extend(reasoning(&accepts.reasoning));
    lines.extend(stream(&accepts.stream));
    lines.extend(responses(profile.responses));
    lines
}

/// The rules of an override.
pub fn about_models(rules: &ModelOverride) -> Vec<String> {
    let mut rules = rules.clone();
    rules.matches = vec!["*".to_owned()];
    let mut profile = Profile::default();
    profile.model_overrides = vec![rules];
    about(&profile.for_model("any"))
}

fn access(auth: &Auth, paths: &EndpointPaths, has_model_list: bool) -> Vec<String> {
    let mut lines = Lines::default();
    let usual = Auth::default();
    lines.when(*auth != usual, || match auth.prefix.as_str() {
        "" => format!("the key is sent as `{}`, with nothing before it", auth.header),
        prefix => format!("the key is sent as `{}: {prefix}…`", auth.header),
    });
    let usual = EndpointPaths::default();
    lines.when(paths.generate != usual.generate, || {
        format!("responses are generated at `{}`", paths.generate)
    });
    lines.when(paths.models != usual.models, || format!("models are listed at `{}`", paths.models));
    for (key, value) in &paths.query_params {
        lines.add(format!("`{key}={value}` is added to every URL"));
    }
    lines.when(!has_model_list, || "it does not list its models; they must be configured".to_owned());
    lines.0
}

fn forwarded_headers(headers: &[String]) -> Vec<String> {
    let mut lines = Lines::default();
    let usual = openai_shim_core::Profile::default().forward_headers;
    lines.when(headers.is_empty(), || String::from("no client header is forwarded, not even `openai-beta`"));
    lines.when(!headers.is_empty() && headers != usual, || {
        format!("the client headers {} are forwarded", names(headers))
    });
    lines.0
}

fn extra_dialects(dialects: &[String]) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!dialects.is_empty(), || format!("further dialects: {}", names(dialects)));
    lines.0
}

fn params(rules: &ParamRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!rules.allow.is_empty(), || format!("only {} are sent", names(&rules.allow)));
    lines.when(!rules.drop.is_empty(), || format!("{} {} dropped", names(&rules.drop), is_are(&rules.drop)));
    for (from, to) in &rules.rename {
        lines.add(format!("`{from}` is sent as `{to}`"));
    }
    for (name, [low, high]) in &rules.clamp {
        lines.add(format!("`{name}` is kept from {low} to {high}"));
    }
    for (list, when) in [
        (&rules.default_only, "with the default value only"),
        (&rules.default_only_while_reasoning, "with the default value only while the model reasons"),
        (
            &rules.default_only_unless_reasoning_off,
            "with the default value only, unless reasoning is switched off",
        ),
    ] {
        lines.when(!list.is_empty(), || format!("{} {} accepted {when}", names(list), is_are(list)));
    }
    for (name, other) in &rules.exclusive {
        lines.add(format!("`{name}` is dropped beside `{other}`"));
    }
    for (version, removed) in &rules.removed_in {
        lines.add(format!("{} {} gone from API version {version} on", names(removed), is_are(removed)));
    }
    for (name, value) in &rules.force_with_tools {
        lines.add(format!("`{name}` is always `{value}` where functions are offered"));
    }
    for (name, value) in &rules.set {
        lines.add(format!("`{name}` is `{value}` if the client sent none"));
    }
    for (name, value) in &rules.force {
        lines.add(format!("`{name}` is always `{value}`"));
    }
    lines.when(rules.require_max_tokens, || {
        "a limit on the output is required: one is sent if the client sent none".to_owned()
    });
    lines.when(rules.drop_blank_stops, || "stop sequences of white space are dropped".to_owned());
    match (rules.min_output_tokens, rules.max_output_tokens) {
        (None, None) => {}
        (Some(min), None) => lines.add(format!("the limit on the output is at least {min}")),
        (None, Some(max)) => lines.add(format!("the limit on the output is at most {max}")),
        (Some(min), Some(max)) => lines.add(format!("the limit on the output is from {min} to {max}")),
    }
    if let Some(max) = rules.max_user_length {
        lines.add(format!("the end user's identifier has at most {max} characters"));
    }
    match rules.max_choices {
        None => {}
        Some(1) => lines.add("`n` must be 1: for more choices several requests are sent"),
        Some(max) => lines.add(format!("`n` is at most {max}: for more choices several requests are sent")),
    }
    match rules.max_stop_sequences {
        None => {}
        Some(0) => lines.add("it accepts no `stop`: the shim cuts the response"),
        Some(1) => lines.add("it accepts one stop sequence: the shim applies the others"),
        Some(max) => lines.add(format!("it accepts {max} stop sequences: the shim applies the others")),
    }
    lines.0
}

fn messages(rules: &MessageRules) -> Vec<String> {
    let mut lines = Lines::default();
    for (from, to) in &rules.roles {
        lines.add(format!("role `{from}` is sent as `{to}`"));
    }
    match rules.input_modalities.as_deref() {
        None => {}
        Some([]) => lines.add("it accepts text only: images, audio and files are refused"),
        Some(kinds) => {
            lines.add(format!("besides text it accepts {}; other parts are refused", names(kinds)));
        }
    }
    for (on, line) in [
        (rules.signatures_in_ids, "signatures of tool calls must come back: the calls' ids contain them"),
        (!rules.placeholder_signature.is_empty(), "a tool call of unknown signature gets a placeholder"),
        (
            rules.data_urls_only,
            "images and files are accepted as data URLs only; other URLs are refused by name",
        ),
        (rules.drop_empty_assistant, "empty assistant messages are dropped"),
        (rules.drop_null_fields, "fields of messages that are `null` are dropped"),
        (rules.tool_result_name, "tool results contain the tool's name"),
        (rules.merge_system, "system messages are merged into one and put first"),
        (rules.merge_same_role, "adjacent messages of one role are merged"),
        (
            rules.assistant_after_tool,
            "an assistant message is inserted between a tool result and a user message",
        ),
    ] {
        lines.when(on, || line.to_owned());
    }
    lines.keyword(rules.content, |keyword| match keyword {
        ContentType::String => "lists of text parts are sent as one string",
        _ => "a string is sent as a list of one text part",
    });
    lines.keyword(rules.tool_call_content, |keyword| match keyword {
        ToolCallContent::Empty => "beside tool calls, `content` is `\"\"` and not `null`",
        _ => "beside tool calls, `content` is `null` and not `\"\"`",
    });
    if !rules.drop_fields.is_empty() {
        lines.add(format!(
            "{} {} dropped from messages",
            names(&rules.drop_fields),
            is_are(&rules.drop_fields)
        ));
    }
    lines.keyword(rules.name_field, |keyword| match keyword {
        MessageNamePolicy::Tool => "only tool results keep their `name`",
        _ => "messages lose their `name`",
    });
    lines.keyword(rules.prefill, |keyword| match keyword {
        PrefillPolicy::Prefix => "an assistant message at the end is sent with `prefix: true`",
        _ => "an assistant message at the end is sent as a user message that asks to continue it",
    });
    lines.keyword(rules.tool_call_ids, |keyword| match keyword {
        ToolCallIdFormat::Alnum9 => "tool call ids are sent as nine letters and digits",
        _ => "tool call ids have at most forty characters",
    });
    lines.keyword(rules.reasoning_history, |keyword| match keyword {
        ReasoningHistory::Drop => "the reasoning of earlier turns is dropped",
        _ => "the reasoning of earlier turns is required: what the client does not send is restored where it is known",
    });
    lines.when(rules.chat_template.is_set(), || match rules.chat_template.name {
        BuiltInTemplate::None => "a conversation is written as one prompt".to_owned(),
        name => format!(
            "a conversation is written as one prompt, by the template `{}`",
            format!("{name:?}").to_lowercase()
        ),
    });
    lines.0
}

fn tools(rules: &ToolRules) -> Vec<String> {
    let mut lines = Lines::default();
    for (what, how) in
        [("`tool_choice: required`", rules.required_choice), ("a tool chosen by name", rules.named_choice)]
    {
        lines.keyword(how, |how| {
            let how = match how {
                ToolChoiceSupport::Any => "`any`",
                ToolChoiceSupport::Required => "`required`, and only that tool is offered",
                _ => "`auto`, and a sentence asks for the call",
            };
            format!("{what} is sent as {how}")
        });
    }
    lines.when(!rules.drop_schema_keywords.is_empty(), || {
        format!(
            "{} {} dropped from schemas",
            names(&rules.drop_schema_keywords),
            is_are(&rules.drop_schema_keywords)
        )
    });
    for (on, line) in [
        (rules.drop_strict, "`strict` is dropped from functions"),
        (rules.inline_refs, "`$ref` in schemas is replaced by the schema that it refers to"),
        (
            rules.close_strict_schemas,
            "schemas of strict functions get every key required and `additionalProperties: false`",
        ),
        (
            rules.declare_from_history,
            "tools that the history calls are declared, even if the client no longer offers any",
        ),
    ] {
        lines.when(on, || line.to_owned());
    }
    lines.0
}

fn response_format(rules: &ResponseFormatRules) -> Vec<String> {
    let mut lines = Lines::default();
    for (what, how) in [("a JSON schema", rules.json_schema), ("any JSON object", rules.json_object)] {
        lines.keyword(how, |how| {
            let how = match how {
                ResponseFormatSupport::JsonSchema => "by a schema",
                ResponseFormatSupport::JsonObject => "by `json_object`, and a sentence states the schema",
                _ => "by a sentence only",
            };
            format!("{what} is requested {how}")
        });
    }
    lines.when(rules.omit_text, || "`response_format: text` is dropped".to_owned());
    lines.when(rules.disable_streaming, || {
        "with a `response_format` it does not stream: the client gets a simulated stream".to_owned()
    });
    lines.0
}

fn reasoning(rules: &ReasoningRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.keyword(rules.param, |keyword| match keyword {
        ReasoningParam::Reasoning => "`reasoning_effort` is sent as `reasoning: {effort}`",
        ReasoningParam::Thinking => "`reasoning_effort` is sent as `thinking: {type}`",
        ReasoningParam::EnableThinking => "`reasoning_effort` is sent as `enable_thinking`",
        ReasoningParam::ChatTemplateKwargs => {
            "`reasoning_effort` is sent as `chat_template_kwargs: {enable_thinking}`"
        }
        _ => "`reasoning_effort` is dropped",
    });
    lines.when(!rules.efforts.is_empty(), || {
        format!("it accepts the efforts {}: the nearest one is sent", names(&rules.efforts))
    });
    lines.when(rules.use_token_budget, || "it takes a token budget for reasoning, and no effort".to_owned());
    lines.0
}

fn stream(rules: &StreamingSupport) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!rules.supported, || "it does not stream: clients get simulated streams".to_owned());
    lines.when(!rules.accepts_options, || "`stream_options` is dropped".to_owned());
    lines.when(rules.required, || {
        "it only streams: streams for non-streaming clients are collected".to_owned()
    });
    lines.0
}

fn responses(rules: AnswerQuirks) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(rules.cumulative_deltas, || {
        "every delta repeats all text so far: only the new text is passed on".to_owned()
    });
    lines.when(rules.keep_tool_markup, || "tool calls that are written into the text stay there".to_owned());
    lines.keyword(rules.reasoning_tags, |keyword| match keyword {
        ReasoningTags::Prefilled => "its text begins with reasoning, up to `</think>`",
        _ => "`<think>` is ordinary text",
    });
    lines.0
}

/// The lines about a profile.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    fn when(&mut self, on: bool, line: impl FnOnce() -> String) {
        if on {
            self.0.push(line());
        }
    }

    /// Adds a line about a keyword that is not the default.
    fn keyword<K: Default + PartialEq, S: Into<String>>(&mut self, keyword: K, line: impl FnOnce(K) -> S) {
        if keyword != K::default() {
            self.0.push(line(keyword).into());
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
