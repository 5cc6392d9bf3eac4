//! A profile to its section of `docs/quirks.md`.

use openai_shim_core::Profile;
use openai_shim_core::accepts::{
    AcceptsLayer, AnyOfSiblings, AuxiliaryRules, ContentType, FormatBesideTools, MediaRules,
    MessageNamePolicy, MessageRules, ObjectSupport, ParamRules, PrefillPolicy, ReasoningAmount,
    ReasoningDefault, ReasoningField, ReasoningHistory, ReasoningParam, ReasoningRules, ReasoningVisibility,
    RefSupport, RerankFormat, ResponseFormatRules, ResponseFormatSupport, SchemaLayer, SchemaRules,
    StreamingSupport, SystemPosition, ToolCallContent, ToolCallIdFormat, ToolChoiceSupport, ToolNameFormat,
    ToolPairing, ToolRules,
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
    lines.extend(media(&accepts.media));
    lines.extend(tools(&accepts.tools));
    lines.extend(response_format(&accepts.response_format));
    lines.extend(reasoning(&accepts.reasoning));
    lines.extend(stream(&accepts.stream));
    lines.extend(embeddings(&accepts.embeddings));
    lines.extend(rankings(&accepts.rerank));
    for (name, rules) in
        [("speech", &accepts.speech), ("transcripts", &accepts.transcription), ("pictures", &accepts.images)]
    {
        lines.extend(generated_media(name, rules));
    }
    lines.extend(responses(profile.responses.clone()));
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
    lines.when(paths.auxiliary != usual.auxiliary, || {
        format!("all other routes are at `{}`", paths.auxiliary)
    });
    lines.when(!paths.forward.is_empty(), || {
        format!("requests to {} are forwarded as they come", names(&paths.forward))
    });
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
    lines.when(!rules.client_only.is_empty(), || {
        format!(
            "{} {} sent only if the client sends it",
            names(&rules.client_only),
            is_are(&rules.client_only)
        )
    });
    lines.when(rules.refused_with_500, || {
        "an unknown parameter makes it answer with the status 500".to_owned()
    });
    for (from, to) in &rules.rename {
        lines.add(format!("`{from}` is sent as `{to}`"));
    }
    for (name, [low, high]) in &rules.clamp {
        lines.add(format!("`{name}` is kept from {low} to {high}"));
    }
    for (name, [low, high]) in &rules.clamp_while_reasoning {
        lines.add(format!("`{name}` is kept from {low} to {high} while the model reasons"));
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
    lines.when(rules.logprobs_as_count, || "`logprobs` is a number of alternatives".to_owned());
    match rules.max_stop_sequences {
        None => {}
        Some(0) => lines.add("it accepts no `stop`: the shim cuts the response"),
        Some(1) => lines.add("it accepts one stop sequence: the shim applies the others"),
        Some(max) => lines.add(format!("it accepts {max} stop sequences: the shim applies the others")),
    }
    lines.0
}

fn embeddings(rules: &AuxiliaryRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!rules.drop.is_empty(), || {
        format!("{} {} dropped from requests for embeddings", names(&rules.drop), is_are(&rules.drop))
    });
    for (from, to) in &rules.rename {
        lines.add(format!("`{from}` of requests for embeddings is sent as `{to}`"));
    }
    for (name, value) in &rules.set {
        lines.add(format!("`{name}` is `{value}` in requests for embeddings if the client sent none"));
    }
    lines.when(!rules.input_type.is_empty(), || {
        format!("what embeddings are for is sent as `{}`", rules.input_type)
    });
    for (ours, theirs) in &rules.input_types {
        lines.add(format!("embeddings for `{ours}` are requested as `{theirs}`"));
    }
    if let Some(max) = rules.max_items {
        lines.add(format!("more than {max} texts to embed are sent in several requests"));
    }
    lines.0
}

fn rankings(rules: &AuxiliaryRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!rules.drop.is_empty(), || {
        format!("{} {} dropped from requests for rankings", names(&rules.drop), is_are(&rules.drop))
    });
    for (from, to) in &rules.rename {
        lines.add(format!("`{from}` of requests for rankings is sent as `{to}`"));
    }
    for (name, value) in &rules.set {
        lines.add(format!("`{name}` is `{value}` in requests for rankings if the client sent none"));
    }
    if let Some(max) = rules.max_items {
        lines.add(format!("more than {max} documents to rank are sent in several requests"));
    }
    match rules.format {
        RerankFormat::Jina => {}
        RerankFormat::None => lines.add("it ranks no documents"),
        RerankFormat::Cohere => lines.add("it ranks documents in the form of Cohere's second version"),
        RerankFormat::CohereV1 => lines.add("it ranks documents in the form of Cohere's first version"),
        RerankFormat::Tei => lines.add("it ranks documents in the form of Text Embeddings Inference"),
        RerankFormat::Voyage => lines.add("it ranks documents in the form of Voyage"),
        other => panic!("{other:?}"),
    }
    lines.when(!rules.path.is_empty(), || format!("it ranks documents at `{}`", rules.path));
    lines.0
}

fn generated_media(name: &str, rules: &AuxiliaryRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!rules.drop.is_empty(), || {
        format!("{} {} dropped from requests for {name}", names(&rules.drop), is_are(&rules.drop))
    });
    for (from, to) in &rules.rename {
        lines.add(format!("`{from}` of requests for {name} is sent as `{to}`"));
    }
    for (parameter, value) in &rules.set {
        lines.add(format!("`{parameter}` is `{value}` in requests for {name} if the client sent none"));
    }
    for (ours, theirs) in &rules.voices {
        lines.add(format!("the voice `{ours}` is `{theirs}`"));
    }
    lines.when(rules.predict, || format!("{name} are requested by `predict`"));
    if let Some(max) = rules.max_items {
        lines.add(format!("more than {max} {name} are requested in several requests"));
    }
    for (what, list) in
        [("formats", &rules.formats), ("ratios", &rules.aspect_ratios), ("resolutions", &rules.resolutions)]
    {
        lines.when(!list.is_empty(), || format!("the {what} of {name} are {}", names(list)));
    }
    lines.when(!rules.input_type.is_empty() || !rules.input_types.is_empty(), || {
        format!("{name} have a type of input: {} {:?}", rules.input_type, rules.input_types)
    });
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
        (rules.drop_empty_text, "empty text is dropped, and so are messages that have nothing else"),
        (
            rules.drop_blank_text,
            "text of white space only is dropped, and so are messages that have nothing else",
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
        (rules.object_arguments, "the arguments of a tool call that are no JSON object are put into one"),
        (rules.require_user, "if there are only system messages, the last one is sent as `user`"),
        (rules.trim_prefill, "an assistant message at the end loses the white space at its end"),
    ] {
        lines.when(on, || line.to_owned());
    }
    let lines_differ = rules.drop_system_lines != MessageRules::default().drop_system_lines;
    lines.when(lines_differ && rules.drop_system_lines.is_empty(), || {
        String::from("no line of a system message is dropped")
    });
    for beginning in rules.drop_system_lines.iter().filter(|_| lines_differ) {
        lines.add(format!("lines of system messages that begin with `{beginning}` are dropped"));
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
        ToolCallIdFormat::Max40 => "tool call ids have at most 40 characters",
        ToolCallIdFormat::Max64 => "tool call ids have at most 64 characters",
        ToolCallIdFormat::Word => "tool call ids are sent as letters, digits, `_` and `-`",
        _ => "tool call ids are sent as up to 64 letters, digits, `_` and `-`",
    });
    lines.keyword(rules.tool_pairing, |keyword| match keyword {
        ToolPairing::Later => "each tool call has one result, behind it",
        ToolPairing::Together => {
            "each tool call has one result; those of one message follow it in one message"
        }
        _ => "each tool call has one result, directly behind the message with the call",
    });
    lines.keyword(rules.system_position, |keyword| match keyword {
        SystemPosition::AfterUser => "system messages that do not follow the user's are put first",
        _ => "system messages are put first",
    });
    lines.keyword(rules.reasoning_history, |keyword| match keyword {
        ReasoningHistory::Drop => "the reasoning of earlier turns is dropped",
        _ => "the reasoning of earlier turns is required: what the client does not send is restored where it is known",
    });
    lines.keyword(rules.reasoning_field, |keyword| match keyword {
        ReasoningField::ReasoningContent => "the reasoning of earlier turns is sent as `reasoning_content`",
        ReasoningField::Reasoning => "the reasoning of earlier turns is sent as `reasoning`",
        ReasoningField::Both => {
            "the reasoning of earlier turns is sent as `reasoning_content` and as `reasoning`"
        }
        ReasoningField::ThinkTags => {
            "the reasoning of earlier turns is sent in the content, between `<think>` and `</think>`"
        }
        _ => "the reasoning of earlier turns, and signatures of calls, are dropped: no field has them",
    });
    lines.keyword(rules.unsigned_reasoning, |_| "reasoning of earlier turns without a signature is dropped");
    lines.when(rules.chat_template.is_set(), || match rules.chat_template.name {
        BuiltInTemplate::None => "a conversation is written as one prompt".to_owned(),
        name => format!(
            "a conversation is written as one prompt, by the template `{}`",
            format!("{name:?}").to_lowercase()
        ),
    });
    lines.0
}

fn media(rules: &MediaRules) -> Vec<String> {
    let (mut lines, usual) = (Lines::default(), MediaRules::default());
    let listed = |items: &[String]| if items.is_empty() { "nothing".to_owned() } else { names(items) };
    for (place, kinds, usual) in [
        ("users show", &rules.in_user, &usual.in_user),
        ("tool results have", &rules.in_tool_results, &usual.in_tool_results),
        ("messages of the assistant have", &rules.in_assistant, &usual.in_assistant),
        ("system messages have", &rules.in_system, &usual.in_system),
    ] {
        lines.when(kinds != usual, || format!("besides text, {place} {}", listed(kinds)));
    }
    for (kind, forms, usual) in [
        ("images", &rules.image_sources, &usual.image_sources),
        ("audio", &rules.audio_sources, &usual.audio_sources),
        ("files", &rules.file_sources, &usual.file_sources),
    ] {
        lines.when(forms != usual, || format!("{kind} are given by {}", listed(forms)));
    }
    lines.when(!rules.image_types.is_empty(), || format!("images are {}", names(&rules.image_types)));
    lines.when(!rules.audio_types.is_empty(), || format!("audio is {}", names(&rules.audio_types)));
    lines.when(!rules.file_types.is_empty(), || format!("files are {}", names(&rules.file_types)));
    if let Some(details) = &rules.image_details {
        lines.add(format!("the `detail` of an image is {}", listed(details)));
    }
    lines.when(rules.beside_results, || "media of tool results stand beside the results".to_owned());
    lines.when(!rules.file_id_prefix.is_empty(), || {
        format!("ids of files begin with `{}`", rules.file_id_prefix)
    });
    lines.when(!rules.url_schemes.is_empty(), || {
        format!("URLs of media have the schemes {}", names(&rules.url_schemes))
    });
    lines.when(rules.untyped, || "base64 is sent without its media type".to_owned());
    lines.when(rules.named != usual.named, || format!("only {} keep their name", listed(&rules.named)));
    lines.0
}

fn tools(rules: &ToolRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.when(!rules.supported, || {
        "tools are dropped, unless a call is demanded or the history has calls".to_owned()
    });
    lines.when(rules.unique_names, || "of several tools of one name, the last one is sent".to_owned());
    lines.keyword(rules.names, |keyword| {
        let form = match keyword {
            ToolNameFormat::Word64 => "up to 64 letters, digits, `_` and `-`",
            ToolNameFormat::Word128 => "up to 128 letters, digits, `_` and `-`",
            ToolNameFormat::Identifier64 => "up to 64 letters, digits, `_` and `-`, a letter or `_` first",
            _ => "up to 128 letters, digits, `_`, `-`, `.` and `:`, a letter or `_` first",
        };
        format!("names of tools are sent as {form}")
    });
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
    lines.when(rules.allowed_choice == ToolChoiceSupport::Native, || {
        "the choice among some tools (`allowed_tools`) is sent".to_owned()
    });
    for (on, line) in [
        (rules.drop_strict, "`strict` is dropped from functions"),
        (rules.omit, "it calls no tools: none are sent"),
        (rules.choice_needs_functions, "without functions no choice is sent"),
        (rules.omit_for_none, "with `tool_choice: none` no tools are sent"),
        (rules.require_parameters, "functions without parameters get an empty schema"),
        (
            rules.declare_from_history,
            "tools that the history calls are declared, even if the client no longer offers any",
        ),
    ] {
        lines.when(on, || line.to_owned());
    }
    lines.0.extend(schema("schemas of functions", &rules.schema));
    lines.0.extend(schema("schemas of strict functions", &strict(&rules.strict_schema)));
    lines.0
}

/// The rules of a layer alone.
fn strict(layer: &SchemaLayer) -> SchemaRules {
    let mut rules = SchemaRules::default();
    rules.overlay(layer);
    rules
}

fn schema(what: &str, rules: &SchemaRules) -> Vec<String> {
    let mut lines = Lines::default();
    for (keywords, text) in [
        (&rules.keywords, "keep only the keywords"),
        (&rules.drop_keywords, "lose the keywords"),
        (&rules.formats, "keep only the formats"),
    ] {
        lines.when(!keywords.is_empty(), || format!("{text} {}", names(keywords)));
    }
    for (on, line) in [
        (!rules.number_formats, "lose the formats of numbers"),
        (rules.plain_patterns, "lose patterns with look-around or back references"),
        (!rules.boolean_schemas, "have objects in place of Boolean schemas"),
        (rules.current_draft, "are spelled as in draft 2020-12"),
        (rules.typed, "name the type of each schema in them"),
        (rules.const_as_enum, "have `enum` in place of `const`"),
        (rules.one_of_as_any_of, "have `anyOf` in place of `oneOf`"),
        (rules.nullable_as_null, "have the type `null` in place of `nullable`"),
        (rules.root_object, "have an object as their root"),
        (rules.plain_root, "have no `anyOf` or the like at their root: its branches are merged"),
        (rules.require_members, "get missing `properties` and `items`"),
        (rules.omit_empty, "are not sent if they are empty objects"),
        (rules.tolerant, "of clients of the same dialect are sent unchanged"),
    ] {
        lines.when(on, || line.to_owned());
    }
    if let Some(max) = rules.max_min_items {
        lines.add(format!("have a `minItems` of at most {max}"));
    }
    lines.keyword(rules.any_of_siblings, |keyword| match keyword {
        AnyOfSiblings::NoType => "have no `type` beside `anyOf`: it is moved into the branches",
        AnyOfSiblings::Annotations => "have only `title`, `description` and `default` beside `anyOf`",
        _ => "have nothing beside `anyOf`",
    });
    lines.keyword(rules.refs, |keyword| match keyword {
        RefSupport::Alone => "have no `$ref` with other keywords beside it",
        RefSupport::Acyclic => "have no `$ref` that leads back to itself",
        _ => "have each `$ref` replaced by the schema that it refers to",
    });
    lines.keyword(rules.objects, |keyword| match keyword {
        ObjectSupport::Required => "get `additionalProperties: false` and every key required",
        _ => "get `additionalProperties: false`",
    });
    lines.0.into_iter().map(|line| format!("{what} {line}")).collect()
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
    lines.keyword(rules.beside_tools, |keyword| match keyword {
        FormatBesideTools::Unforced => {
            "beside functions of which one must be called a sentence states a response format"
        }
        _ => "beside functions a sentence states a response format",
    });
    lines.0.extend(schema("schemas of response formats", &rules.schema));
    lines.0.extend(schema("schemas of strict response formats", &strict(&rules.strict_schema)));
    lines.when(rules.requires_json_word, || {
        "with `json_object` a sentence asks for JSON, unless a message has the word".to_owned()
    });
    lines.when(rules.restrict_names, || {
        "names of response formats have at most 64 letters, digits, `_` and `-`".to_owned()
    });
    lines.when(rules.text_enum == ResponseFormatSupport::Native, || {
        "an answer that is one of some texts is requested as such".to_owned()
    });
    lines.when(rules.omit_text, || "`response_format: text` is dropped".to_owned());
    lines.when(rules.disable_streaming, || {
        "with a `response_format` it does not stream: the client gets a simulated stream".to_owned()
    });
    lines.0
}

fn reasoning(rules: &ReasoningRules) -> Vec<String> {
    let mut lines = Lines::default();
    lines.keyword(rules.param, |keyword| match keyword {
        ReasoningParam::ReasoningEffort => "every request for reasoning is sent as `reasoning_effort`",
        ReasoningParam::Reasoning => "every request for reasoning is sent as `reasoning: {effort}`",
        ReasoningParam::Thinking => "every request for reasoning is sent as `thinking: {type}`",
        ReasoningParam::EnableThinking => "every request for reasoning is sent as `enable_thinking`",
        ReasoningParam::ChatTemplateKwargs => {
            "every request for reasoning is sent as `chat_template_kwargs: {enable_thinking}`"
        }
        _ => "requests for reasoning are dropped",
    });
    lines.when(!rules.efforts.is_empty(), || {
        format!("it accepts the efforts {}: the nearest one is sent", names(&rules.efforts))
    });
    lines.keyword(rules.amount, |keyword| match keyword {
        ReasoningAmount::Effort => "a token budget for reasoning is sent as the nearest effort",
        _ => "an effort of reasoning is sent as a token budget",
    });
    for (effort, budget) in &rules.budgets {
        lines.add(format!("the effort `{effort}` is a budget of {budget} tokens"));
    }
    if let Some(min) = rules.min_budget {
        lines.add(format!("its smallest budget for reasoning is {min} tokens"));
    }
    if let Some(max) = rules.max_budget {
        lines.add(format!("its largest budget for reasoning is {max} tokens"));
    }
    lines.when(rules.budget_below_max_tokens, || {
        "a budget for reasoning is kept below the limit on the response's length".to_owned()
    });
    lines.when(!rules.larger_budget_feature.is_empty(), || {
        format!("with the feature `{}` it may be larger", rules.larger_budget_feature)
    });
    lines.when(!rules.modes.is_empty(), || {
        format!("of the types of thinking it accepts {}: the nearest one is sent", names(&rules.modes))
    });
    lines.when(!rules.max_effort_off.is_empty(), || {
        format!("without thinking it accepts no effort above `{}`", rules.max_effort_off)
    });
    lines.keyword(rules.default, |keyword| match keyword {
        ReasoningDefault::Off => "it reasons only on request",
        _ => "it reasons unless it is switched off, if it can be",
    });
    lines.keyword(rules.display, |keyword| match keyword {
        ReasoningVisibility::Optional => "reasoning is shown as the client requests it",
        ReasoningVisibility::OnRequest => "reasoning is requested for clients that show it",
        _ => "it shows no reasoning",
    });
    for (on, line) in [
        (rules.effort_of_response, "an effort concerns the whole response"),
        (!rules.with_forced_tools, "reasoning is switched off while a tool call is forced"),
        (
            rules.requires_signed_calls,
            "a budget for reasoning is dropped where the reasoning before the last tool calls is missing",
        ),
    ] {
        lines.when(on, || line.to_owned());
    }
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
        ReasoningTags::Prefilled => "its text begins with reasoning, up to `</think>`".to_owned(),
        ReasoningTags::Own(tags) if tags.open.is_empty() => {
            format!("its text begins with reasoning, up to `{}`", tags.close)
        }
        ReasoningTags::Own(tags) => format!("its reasoning is between `{}` and `{}`", tags.open, tags.close),
        _ => "`<think>` is ordinary text".to_owned(),
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
