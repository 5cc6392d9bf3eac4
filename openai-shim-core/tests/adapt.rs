//! Upstream errors to adaptations of the profile; errors unrelated to the request give none.

mod common;

use bytes::Bytes;
use common::{cases, chat};
use openai_shim_core::accepts::AuxiliaryApi;
use openai_shim_core::error::StatusError;
use openai_shim_core::json::Object;
use openai_shim_core::profile::{
    Adaptation, ModelOverride, Profile, ProfileLayer, RefusedRequest, adaptations_for,
};
use openai_shim_core::{Diagnostics, ErrorKind, UpstreamError};
use proptest::prelude::*;

fn read(status: u16, body: &str) -> StatusError {
    let status = http::StatusCode::from_u16(status).unwrap();
    let error =
        chat().decode_error(status, &http::HeaderMap::new(), body.as_bytes(), &mut Diagnostics::default());
    let UpstreamError::Status(error) = error else { panic!("{error:?}") };
    *error
}

/// The adaptations to an error, for a chat request.
fn adaptations_to(error: &StatusError, sent: &str) -> Vec<Adaptation> {
    let body = Object::parse(sent.as_bytes()).unwrap();
    let decoded = chat().decode_request("", &Bytes::from(sent.to_owned()), &mut Diagnostics::default());
    let request = decoded.unwrap_or_default();
    let refused = RefusedRequest { body: &body, request: &request, additions: &[] };
    let adaptations = adaptations_for(error, &refused);
    adaptations.iter().for_each(assert_storable);
    adaptations
}

/// What is stored or pasted into a configuration is read as the same.
fn assert_storable(adaptation: &Adaptation) {
    let stored = serde_json::to_string(adaptation).unwrap();
    assert_eq!(&serde_json::from_str::<Adaptation>(&stored).unwrap(), adaptation);
    let line = adaptation.to_string();
    assert!(!line.contains('\n'), "{line}");
    let pasted: ModelOverride = toml::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert_eq!(pasted, adaptation.layer());
    let pasted: ProfileLayer = toml::from_str(&line).unwrap();
    let (mut adapted, below) = (Profile::default(), Profile::default());
    adaptation.apply(&mut adapted);
    match below.overlay(&pasted) {
        Ok(overlaid) => assert_eq!(overlaid, adapted),
        Err(error) => assert_eq!(Err(error), below.with_adaptations(std::slice::from_ref(adaptation))),
    }
}

fn any_adaptation() -> impl Strategy<Value = Adaptation> {
    use AuxiliaryApi::{Embeddings, Images, Rerank, Speech, Transcription};
    let api = prop::sample::select(vec![Embeddings, Images, Rerank, Speech, Transcription]);
    let format = prop::sample::select(vec!["json_schema", "json_object"]).prop_map(str::to_owned);
    prop_oneof![
        ".*".prop_map(Adaptation::DropParam),
        ".*".prop_map(Adaptation::OmitAddition),
        ".*".prop_map(Adaptation::DropMessageField),
        ".*".prop_map(Adaptation::DropSchemaKeyword),
        (".*", ".*").prop_map(|(from, to)| Adaptation::RenameParam { from, to }),
        (".*", ".*").prop_map(|(from, to)| Adaptation::RenameRole { from, to }),
        (".*", -1e6..1e6_f64, -1e6..1e6_f64).prop_map(|(name, low, high)| Adaptation::ClampParam {
            name,
            low: low.to_string(),
            high: high.to_string(),
        }),
        format.prop_map(Adaptation::FormatAsInstruction),
        (api.clone(), ".*").prop_map(|(api, name)| Adaptation::DropAuxiliaryParam { api, name }),
        (api, any::<u32>()).prop_map(|(api, max)| Adaptation::LimitItems { api, max }),
        prop::sample::select(vec![
            Adaptation::MergeSystem,
            Adaptation::DropTools,
            Adaptation::RequireStreaming
        ]),
    ]
}

fn adaptation(status: u16, body: &str, sent: &str) -> Option<Adaptation> {
    let mut adaptations = adaptations_to(&read(status, body), sent);
    assert!(adaptations.len() <= 1, "{adaptations:?}");
    adaptations.pop()
}

/// An error message in OpenAI's envelope.
fn error_body(message: &str) -> String {
    serde_json::json!({ "error": { "message": message, "type": "invalid_request_error" } }).to_string()
}

/// A request body with a model, one message and these members.
fn request_with(members: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{members}}}"#)
}

/// A request body with these messages.
fn request_with_messages(messages: &str) -> String {
    format!(r#"{{"model":"m","messages":[{messages}]}}"#)
}

const USER: &str = r#"{"role":"user","content":"hi"}"#;
const SYSTEM: &str = r#"{"role":"system","content":"be kind"}"#;
const DEVELOPER: &str = r#"{"role":"developer","content":"be kind"}"#;
const ANSWER: &str = r#"{"role":"assistant","content":"hello"}"#;
const CALL: &str = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}"#;
const RESULT: &str = r#"{"role":"tool","tool_call_id":"call_1","content":"1"}"#;
const PARTS: &str = r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#;
const PICTURE: &str = r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}}]}"#;
const SCHEMA: &str = r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}"#;
const NAMED: &str = r#""tool_choice":{"type":"function","function":{"name":"f"}},"tools":[]"#;

#[test]
fn rejected_parameter_is_dropped_or_rewritten() {
    for (members, message, line) in [
        (
            r#""user":"{\"device_id\":\"0123456789abcdef\",\"session_id\":\"0123456789abcdef\",\"account\":\"\"}""#,
            "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 150 instead.",
            r#"params.drop = ["...", "user"]"#,
        ),
        (
            r#""user":"{\"device_id\":\"0123456789abcdef\"}""#,
            "user_id: The unique ID of the user must be between 6 and 128 characters in length.",
            r#"params.drop = ["...", "user"]"#,
        ),
        (
            r#""metadata":{"user_id":"{\"device_id\":\"0123456789abcdef\"}"}"#,
            "Invalid 'user_id': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            r#"params.drop = ["...", "metadata"]"#,
        ),
        (
            r#""store":true"#,
            "property 'store' is unsupported, did you mean 'stop'?",
            r#"params.drop = ["...", "store"]"#,
        ),
        (
            r#""max_tokens":9"#,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            r#"params.rename = { max_tokens = "max_completion_tokens" }"#,
        ),
        (
            r#""max_completion_tokens":9"#,
            "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted', 'input': 9}]",
            r#"params.rename = { max_completion_tokens = "max_tokens" }"#,
        ),
        (
            r#""max_completion_tokens":9,"max_tokens":9"#,
            "Unknown parameter: 'max_completion_tokens'.",
            r#"params.drop = ["...", "max_completion_tokens"]"#,
        ),
        (
            r#""temperature":0.2"#,
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
            r#"params.drop = ["...", "temperature"]"#,
        ),
        (
            r#""top_k":1,"frequency_penalty":0"#,
            "Invalid JSON payload received. Unknown name \"frequency_penalty\": Cannot find field.",
            r#"params.drop = ["...", "frequency_penalty"]"#,
        ),
        (
            r#""presence_penalty":0"#,
            "Argument not supported on this model: presencePenalty",
            r#"params.drop = ["...", "presence_penalty"]"#,
        ),
        (
            r#""reasoning_effort":"low""#,
            "Model grok-x does not support parameter reasoningEffort.",
            r#"params.drop = ["...", "reasoning_effort"]"#,
        ),
        (
            r#""reasoning_effort":"low""#,
            "`reasoning_effort` must be one of `none` or `default`",
            r#"params.drop = ["...", "reasoning_effort"]"#,
        ),
        (
            r#""parallel_tool_calls":true"#,
            "Unrecognized request argument supplied: parallel_tool_calls",
            r#"params.drop = ["...", "parallel_tool_calls"]"#,
        ),
        (
            r#""seed":1"#,
            "Extra inputs are not permitted, field: 'seed', value: 1",
            r#"params.drop = ["...", "seed"]"#,
        ),
        (
            r#""stream_options":{}"#,
            "Extra inputs are not permitted, field: 'stream_options'",
            "stream.accepts_options = false",
        ),
        (
            r#""stream_options":{}"#,
            "Validation error at #/stream_options: Extra inputs are not permitted",
            "stream.accepts_options = false",
        ),
        (
            r#""stream_options":{}"#,
            "json: unknown field \"stream_options\"",
            "stream.accepts_options = false",
        ),
        (
            r#""seed":1"#,
            "Malformed input request: #: extraneous key [seed] is not permitted, please reformat",
            r#"params.drop = ["...", "seed"]"#,
        ),
        (
            r#""frobnicate":1"#,
            "Unexpected fields in the request: {'frobnicate'}",
            r#"params.drop = ["...", "frobnicate"]"#,
        ),
        (r#""logit_bias":{}"#, "logit_bias is not supported", r#"params.drop = ["...", "logit_bias"]"#),
        (
            r#""temperature":0.5"#,
            "temperature is deprecated for this model.",
            r#"params.drop = ["...", "temperature"]"#,
        ),
        (
            r#""temperature":0.5"#,
            "Unsupported value: temperature does not support 0.5 with this model. Only the default (1) value is supported.",
            r#"params.drop = ["...", "temperature"]"#,
        ),
        (r#""top_p":0.5"#, "top_p is not allowed for reasoning models", r#"params.drop = ["...", "top_p"]"#),
        (
            r#""frequency_penalty":1"#,
            "Penalty is not enabled for this model",
            r#"params.drop = ["...", "frequency_penalty"]"#,
        ),
        (
            r#""logprobs":true"#,
            "Logprobs are not enabled for this model",
            r#"params.drop = ["...", "logprobs"]"#,
        ),
        (
            r#""temperature":0.5"#,
            "invalid temperature: only 1 is allowed for this model",
            r#"params.drop = ["...", "temperature"]"#,
        ),
        (r#""tools":[]"#, "tools: Extra inputs are not permitted", r#"params.drop = ["...", "tools"]"#),
        (
            r#""stream":true"#,
            "Unsupported value: 'stream' does not support true with this model.",
            "stream.supported = false",
        ),
        (
            r#""seed":1"#,
            "parameter.enable_thinking must be set to false for non-streaming calls",
            "stream.required = true",
        ),
        (
            r#""seed":1"#,
            "This model only support stream mode, please enable the stream parameter",
            "stream.required = true",
        ),
    ] {
        assert_eq!(
            adaptation(400, &error_body(message), &request_with(members)).map(|l| l.to_string()).as_deref(),
            Some(line),
            "{message}"
        );
    }
}

#[test]
fn stated_range_narrower_than_openais_is_adapted() {
    for (members, message, line) in [
        (r#""temperature":1.5"#, "temperature: range: 0..1", "params.clamp = { temperature = [0.0, 1.0] }"),
        (
            r#""max_tokens":9000"#,
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            "params.clamp = { max_tokens = [1.0, 8192.0] }",
        ),
        (
            r#""max_tokens":9000"#,
            "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
            "params.clamp = { max_tokens = [1.0, 8192.0] }",
        ),
        (
            r#""max_tokens":9000"#,
            "max_tokens is too large: 9000. This model supports at most 4096 completion tokens, whereas you provided 9000.",
            "params.clamp = { max_tokens = [1.0, 4096.0] }",
        ),
        (
            r#""max_tokens":9000"#,
            "Unable to submit request because it has a maxOutputTokens value of 9000 but the supported range is from 1 (inclusive) to 8193 (exclusive).",
            "params.clamp = { max_tokens = [1.0, 8192.0] }",
        ),
        (
            r#""top_p":1"#,
            "Input validation error: `top_p` must be > 0.0 and < 1.0",
            r#"params.drop = ["...", "top_p"]"#,
        ),
        (
            r#""max_tokens":9000"#,
            "max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens for some-model",
            "params.clamp = { max_tokens = [1.0, 8192.0] }",
        ),
        (
            r#""max_tokens":9000"#,
            "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window`",
            "params.clamp = { max_tokens = [1.0, 8192.0] }",
        ),
        (
            r#""max_tokens":9000"#,
            "The parameter `max_tokens` specified in the request are not valid: integer above maximum value, expected a value <= 8192, but got 9000 instead.",
            "params.clamp = { max_tokens = [1.0, 8192.0] }",
        ),
        (
            r#""max_tokens":9000"#,
            "Input validation error: `max_new_tokens` must be <= 192",
            "params.clamp = { max_tokens = [1.0, 192.0] }",
        ),
        (r#""top_k":999"#, "top_k must be between 1 and 100", "params.clamp = { top_k = [1.0, 100.0] }"),
    ] {
        assert_eq!(
            adaptation(400, &error_body(message), &request_with(members)).map(|l| l.to_string()).as_deref(),
            Some(line),
            "{message}"
        );
    }
    for (members, message) in [
        // OpenAI rejects the value too.
        (r#""temperature":9"#, "temperature must be in [0, 2], got 9.0."),
        (r#""top_p":2"#, "top_p must be in (0, 1], got 2.0."),
        (
            r#""max_tokens":-5"#,
            "Field 'max_tokens': Value must be between 1 <= value <= 2147483647, but got -5",
        ),
        // The value is in the range or absent, or there is no range.
        (r#""temperature":0.5"#, "temperature: range: 0..1"),
        (r#""seed":1"#, "temperature: range: 0..1"),
        (r#""n":5"#, "Field 'n': Value must be between 1 <= value <= 2, but got 5"),
        (r#""temperature":"hot""#, "temperature: range: 0..1"),
        (r#""max_tokens":9000"#, "max_tokens=9000 cannot be greater than max_model_len=2048."),
    ] {
        assert_eq!(adaptation(400, &error_body(message), &request_with(members)), None, "{message}");
    }
}

#[test]
fn role_rules_are_derived_from_the_sent_messages() {
    let developer = request_with_messages(&format!("{DEVELOPER},{USER}"));
    let system = request_with_messages(&format!("{SYSTEM},{USER}"));
    let two = request_with_messages(&format!("{SYSTEM},{USER},{SYSTEM},{USER}"));
    let neighbours = request_with_messages(&format!("{USER},{USER}"));
    let bridge = request_with_messages(&format!("{USER},{CALL},{RESULT},{USER}"));
    let prefix = request_with_messages(&format!("{USER},{ANSWER}"));
    for (sent, status, message, line) in [
        (
            &developer,
            422,
            "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 85",
            r#"messages.roles = { developer = "system" }"#,
        ),
        (
            &developer,
            400,
            "developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.['0].role'",
            r#"messages.roles = { developer = "system" }"#,
        ),
        (
            &developer,
            400,
            "messages[0].role: unknown variant `developer`, expected `user` or `assistant`",
            r#"messages.roles = { developer = "user" }"#,
        ),
        (&developer, 500, "Unexpected message role.", r#"messages.roles = { developer = "system" }"#),
        (
            &developer,
            500,
            "2 validation errors:\n {'type': 'literal_error', 'loc': ('body', 'messages', 0, 'A', 'role'), 'msg': \"Input should be 'system'\", 'input': 'developer'}\n {'type': 'literal_error', 'loc': ('body', 'messages', 0, 'B', 'role'), 'msg': \"Input should be 'user'\", 'input': 'developer'}",
            r#"messages.roles = { developer = "system" }"#,
        ),
        (
            &system,
            400,
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            r#"messages.roles = { system = "user" }"#,
        ),
        (&system, 400, "System role not supported", r#"messages.roles = { system = "user" }"#),
        (
            &system,
            500,
            "Only user, assistant and tool roles are supported, got system.",
            r#"messages.roles = { system = "user" }"#,
        ),
        (
            &system,
            400,
            "Developer instruction is not enabled for models/some-model",
            r#"messages.roles = { system = "user" }"#,
        ),
        (
            &system,
            400,
            "Conversation roles must alternate user/assistant/user/assistant/...",
            r#"messages.roles = { system = "user" }"#,
        ),
        (
            &two,
            500,
            "Error: Jinja Exception: System message must be at the beginning.",
            "messages.merge_system = true",
        ),
        (
            &two,
            400,
            "Conversation roles must alternate user/assistant/user/assistant/...",
            "messages.merge_system = true",
        ),
        (
            &neighbours,
            400,
            "some-reasoner does not support successive user or assistant messages (messages[0] and messages[1]).",
            "messages.merge_same_role = true",
        ),
        (
            &neighbours,
            500,
            "Jinja Exception: After the optional system message, conversation roles must alternate user and assistant roles except for tool calls and results.",
            "messages.merge_same_role = true",
        ),
        (
            &neighbours,
            400,
            "After the (optional) system message(s), user and assistant roles should be alternating.",
            "messages.merge_same_role = true",
        ),
        (&bridge, 400, "Unexpected role 'user' after role 'tool'", "messages.assistant_after_tool = true"),
        (
            &prefix,
            400,
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
            "messages.prefill = \"prefix\"",
        ),
    ] {
        assert_eq!(
            adaptation(status, &error_body(message), sent).map(|l| l.to_string()).as_deref(),
            Some(line),
            "{message}"
        );
    }
    for (sent, message) in [
        (&system, "Unexpected role 'user' after role 'tool'"),
        (&bridge, "Unexpected role 'tool' after role 'user'"),
        (&neighbours, "System message must be at the beginning."),
        (&prefix, "messages[1].role: unknown variant `tool`, expected one of `system`, `user`"),
        (&neighbours, "Unsupported value: 'messages[0].role' does not support 'developer' with this model."),
        (&system, "After the optional system message, conversation roles must alternate"),
        (&developer, "messages.0.role: Input should be 'user', 'system' or 'developer'"),
    ] {
        assert_eq!(adaptation(400, &error_body(message), sent), None, "{message}");
    }
}

#[test]
fn message_content_field_and_id_rules_are_derived() {
    let parts = request_with_messages(PARTS);
    let calls = request_with_messages(&format!("{USER},{CALL},{RESULT}"));
    let thinking = request_with_messages(&format!(
        r#"{USER},{{"role":"assistant","content":"a","reasoning_content":"b"}},{USER}"#
    ));
    let named = request_with_messages(r#"{"role":"user","name":"ann","content":"hi","annotations":[]}"#);
    let long_id = request_with_messages(&CALL.replace("call_1", &"c".repeat(51)));
    let strict = request_with(r#""tools":[{"type":"function","function":{"name":"f","strict":true}}]"#);
    for (sent, status, message, line) in [
        (
            &long_id,
            400,
            "Invalid 'messages[0].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got 51.",
            "messages.tool_call_ids = \"max_40\"",
        ),
        (
            &parts,
            400,
            "Invalid 'content' type. Expected one of: ['str'], got list.",
            "messages.content = \"string\"",
        ),
        (
            &parts,
            400,
            "Invalid JSON: [json.exception.type_error.302] type must be string, but is array",
            "messages.content = \"string\"",
        ),
        (&parts, 422, "messages.0.content: Input should be a valid string", "messages.content = \"string\""),
        (&calls, 400, "invalid message content type: <nil>", "messages.tool_call_content = \"empty\""),
        (
            &calls,
            400,
            "Invalid 'content': 'content' field must be a string or an array of objects.",
            "messages.tool_call_content = \"empty\"",
        ),
        (
            &calls,
            500,
            "can only concatenate str (not \"NoneType\") to str",
            "messages.tool_call_content = \"empty\"",
        ),
        (
            &calls,
            422,
            "messages.1.content: Input should be a valid string",
            "messages.tool_call_content = \"empty\"",
        ),
        (
            &calls,
            400,
            "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
            "messages.tool_call_ids = \"alnum_9\"",
        ),
        (
            &calls,
            400,
            "The `reasoning_content` in the thinking mode must be passed back to the API.",
            "messages.reasoning_history = \"restore\"",
        ),
        (
            &calls,
            400,
            "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1",
            "messages.reasoning_history = \"restore\"",
        ),
        (
            &thinking,
            400,
            "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]",
            "messages.reasoning_history = \"drop\"",
        ),
        (
            &thinking,
            400,
            "messages.1.assistant.reasoning_content: property 'messages.1.assistant.reasoning_content' is unsupported",
            "messages.reasoning_history = \"drop\"",
        ),
        (
            &thinking,
            422,
            "messages.1.assistant.reasoning_content: Extra inputs are not permitted",
            "messages.reasoning_history = \"drop\"",
        ),
        (&named, 400, "Only messages of role 'user' can have a name.", "messages.name_field = \"drop\""),
        (
            &named,
            422,
            "messages.0.user.name: Extra inputs are not permitted",
            "messages.name_field = \"drop\"",
        ),
        (
            &named,
            400,
            "Additional properties are not allowed ('annotations' was unexpected) - 'messages.0'",
            r#"messages.drop_fields = ["...", "annotations"]"#,
        ),
        (&strict, 422, "tools.0.function.strict: Extra inputs are not permitted", "tools.drop_strict = true"),
        (&strict, 400, "('tools.0.function' : property 'strict' is unsupported)", "tools.drop_strict = true"),
    ] {
        assert_eq!(
            adaptation(status, &error_body(message), sent).map(|l| l.to_string()).as_deref(),
            Some(line),
            "{message}"
        );
    }
    for (sent, message) in [
        (&request_with_messages(PICTURE), "Invalid 'content' type. Expected one of: ['str'], got list."),
        (&request_with_messages(&format!("{PARTS},{PICTURE}")), "type must be string, but is array"),
        (&parts, "invalid message content type: <nil>"),
        (
            &parts,
            "messages.0.content.str: Input should be a valid string; messages.0.content.list: Input should be a valid list",
        ),
        (&parts, "messages.1.assistant.reasoning_content: Extra inputs are not permitted"),
        (&calls, "messages.1.assistant.tool_calls.0.name: Extra inputs are not permitted"),
        (&strict, "Unknown name \"$schema\" at 'tools[0].function.parameters': Cannot find field."),
    ] {
        assert_eq!(adaptation(400, &error_body(message), sent), None, "{message}");
    }
}

#[test]
fn tool_choice_and_format_rules_are_derived_from_accepted_values() {
    let required = request_with(r#""tool_choice":"required","tools":[]"#);
    let named = request_with(NAMED);
    let schema = request_with(SCHEMA);
    let object = request_with(r#""response_format":{"type":"json_object"}"#);
    let text = request_with(r#""response_format":{"type":"text"}"#);
    for (sent, message, line) in [
        (
            &required,
            "tool_choice: Input should be 'auto', 'none' or 'any'",
            r#"tools.required_choice = "any""#,
        ),
        (&required, "Thinking mode does not support this tool_choice", r#"tools.required_choice = "auto""#),
        (
            &required,
            "tool_choice 'required' is incompatible with thinking enabled",
            r#"tools.required_choice = "auto""#,
        ),
        (
            &named,
            "tool_choice: Input should be 'auto', 'none' or 'any'",
            r#"tools.named_choice = "required""#,
        ),
        (
            &named,
            "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
            r#"tools.named_choice = "required""#,
        ),
        (&named, "Thinking mode does not support this tool_choice", r#"tools.named_choice = "auto""#),
        (
            &object,
            "'response_format.type' must be 'json_schema' or 'text'",
            r#"response_format.json_object = "json_schema""#,
        ),
        (
            &text,
            "'response_format.type' must be 'json_schema'",
            r#"params.drop = ["...", "response_format"]"#,
        ),
        (
            &schema,
            "This response_format type is unavailable now",
            r#"response_format.json_schema = "json_object""#,
        ),
        (
            &schema,
            "response_format.type: Input should be 'text' or 'json_object'",
            r#"response_format.json_schema = "json_object""#,
        ),
        (
            &schema,
            "response_format type must be one of \"text\" or \"json_object\", but got: json_schema",
            r#"response_format.json_schema = "json_object""#,
        ),
        (
            &schema,
            "This model does not support response format `json_schema`.",
            r#"response_format.json_schema = "json_object""#,
        ),
        (
            &schema,
            "The response_format parameter is unsupported at the moment. Leave it unset.",
            r#"response_format.json_schema = "instruction""#,
        ),
    ] {
        assert_eq!(
            adaptation(400, &error_body(message), sent).map(|l| l.to_string()).as_deref(),
            Some(line),
            "{message}"
        );
    }
    let router = r#"{"error":{"message":"No endpoints found that support the provided 'tool_choice' value.","code":404}}"#;
    assert_eq!(adaptation(404, router, &required), Some(Adaptation::RequiredAsAuto));
    for (sent, message) in [
        (&required, "tool_choice: Input should be 'auto', 'none' or 'required'"),
        (&schema, "response_format.type: Input should be 'text', 'json_object' or 'json_schema'"),
        (
            &object,
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
        ),
        (&text, "This response_format type is unavailable now"),
        (
            &required,
            "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
        ),
    ] {
        assert_eq!(adaptation(400, &error_body(message), sent), None, "{message}");
    }
}

#[test]
fn other_error_envelopes_give_the_same_adaptation() {
    let sent = request_with(r#""frequency_penalty":0,"temperature":0.1"#);
    let line = r#"params.drop = ["...", "frequency_penalty"]"#;
    for body in [
        r#"{"detail":[{"type":"extra_forbidden","loc":["body","frequency_penalty"],"msg":"Extra inputs are not permitted","input":0}]}"#,
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","frequency_penalty"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error"}"#,
        r#"{"object":"error","message":"{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"frequency_penalty\"],\"msg\":\"Extra inputs are not permitted\"}]}"}"#,
        r#"[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"frequency_penalty\": Cannot find field.","status":"INVALID_ARGUMENT"}}]"#,
        r#"{"error":{"message":"no","param":"frequency_penalty","code":"unsupported_parameter"}}"#,
        r#"{"error":{"message":"Penalties not supported with this model.","param":"frequency_penalty","code":null}}"#,
        r#"{"code":"invalid-argument","error":"Argument not supported: frequencyPenalty"}"#,
    ] {
        assert_eq!(adaptation(400, body, &sent).map(|l| l.to_string()).as_deref(), Some(line), "{body}");
    }
    let mistral =
        r#"{"object":"error","message":"no","type":"invalid_function_call","param":null,"code":"3280"}"#;
    let calls = request_with_messages(&format!("{USER},{CALL},{RESULT}"));
    assert_eq!(adaptation(400, mistral, &calls), Some(Adaptation::ToolCallIdsAlnum9));
    assert_eq!(adaptation(400, mistral, &request_with_messages(USER)), None);
}

#[test]
fn error_unrelated_to_the_request_gives_no_adaptation() {
    let sent =
        request_with(r#""temperature":0.1,"user":"ann","stop":["a"],"n":2,"tools":[{"type":"function"}]"#);
    let message = "Unsupported parameter: 'temperature' is not supported with this model.";
    for status in [401, 402, 403, 408, 409, 413, 429, 502, 503, 504] {
        assert_eq!(adaptation(status, &error_body(message), &sent), None, "{status}");
    }
    // A server error gives an adaptation only if it is about the chat template.
    assert_eq!(adaptation(500, &error_body(message), &sent), None);
    for message in [
        "",
        "Bad Request",
        "The model `temperature` does not exist or you do not have access to it.",
        "This model's maximum context length is 2048 tokens. However, you requested 9000 tokens.",
        "Incorrect API key provided: 'temperature' is not supported",
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "Unsupported parameter: 'top_k' is not supported with this model.",
        "Role user is not supported",
        "property 'name' is unsupported",
        "Unsupported parameter: 'model' is not supported",
        "Unsupported parameter: 'messages' is not supported",
        "'tools' is not supported",
        "'n' is not supported",
        "tools param requires --jinja flag",
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "Something about temperature went wrong",
        "messages 参数非法。请检查文档。",
    ] {
        assert_eq!(adaptation(400, &error_body(message), &sent), None, "{message}");
    }
}

#[test]
fn adaptation_key_is_written_as_valid_toml() {
    assert_eq!(
        Adaptation::DropParam("a\"b\\\n\u{7f}".into()).to_string(),
        r#"params.drop = ["...", "a\"b\\\n\u007f"]"#
    );
    let rename = Adaptation::RenameParam { from: "a b".into(), to: "c".into() };
    assert_eq!(rename.to_string(), r#"params.rename = { "a b" = "c" }"#);
    assert_eq!(rename.describe(), "send a b as c");
}

/// Fragments of error messages, to be combined at random.
const FRAGMENTS: [&str; 24] = [
    "Unsupported parameter: '",
    "temperature",
    "max_tokens",
    "stop",
    "' is not supported",
    "'loc': ('body', '",
    "'), 'msg': '",
    "Extra inputs are not permitted",
    "'}",
    "\"",
    "`",
    "\\",
    "messages[0].role",
    "messages.9.content",
    "unknown variant `",
    "developer",
    "` expected one of",
    "[1, ",
    "8192]",
    " must be between ",
    " and ",
    "\u{1F600}",
    "é",
    "{param}*",
];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn adaptation_survives_storage_and_its_line_of_toml(adaptation in any_adaptation()) {
        assert_storable(&adaptation);
    }

    #[test]
    fn adaptation_never_panics_and_names_only_sent_fields(
        bits in prop::collection::vec(prop_oneof![prop::sample::select(&FRAGMENTS[..]).prop_map(str::to_owned), ".{0,8}"], 0..24),
        keys in prop::collection::vec(prop_oneof![prop::sample::select(vec!["temperature", "max_tokens", "stop", "stream_options", "response_format", "tools"]).prop_map(str::to_owned), ".{0,6}"], 0..5),
        value in prop::sample::select(vec!["1", "null", "\"x\"", "[]", "{}", "1e300", "[{\"role\":\"developer\",\"content\":[]}]"]),
        status in prop::sample::select(vec![400_u16, 404, 422, 500]),
        code in prop::option::of(prop::sample::select(vec!["3280", "unsupported_parameter", "unknown_parameter"])),
        param in prop::option::of(".{0,12}"),
    ) {
        let mut error = StatusError::new(status, ErrorKind::InvalidRequest, bits.concat());
        error.code = code.map(str::to_owned);
        error.param = param;
        let mut sent = Object::new();
        for key in &keys {
            sent.set(key.clone(), value);
        }
        sent.set("messages", r#"[{"role":"developer","content":"a"},7,{"role":"assistant"}]"#);
        for adaptation in adaptations_to(&error, &sent.to_json()) {
            let name = match &adaptation {
                Adaptation::DropParam(name) | Adaptation::ClampParam { name, .. } => Some(name),
                Adaptation::RenameParam { from, .. } => Some(from),
                _ => None,
            };
            prop_assert!(name.is_none_or(|name| sent.get(name).is_some()), "{adaptation:?}");
            prop_assert!(!adaptation.to_string().is_empty() && !adaptation.describe().is_empty(), "{adaptation:?}");
        }
    }
}

#[test]
fn parameters_that_depend_on_each_other_are_dropped_together() {
    let drops = |message: &str, sent: &str| {
        let found = adaptations_to(&read(400, &error_body(message)), sent);
        found.iter().map(|adaptation| format!("{adaptation:?}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        drops(
            "Logprobs are not enabled for this model",
            r#"{"model":"m","messages":[],"logprobs":true,"top_logprobs":2}"#
        ),
        r#"DropParam("logprobs") DropParam("top_logprobs")"#
    );
    assert_eq!(
        drops(
            "Logprobs is not supported for the current model.",
            r#"{"contents":[],"generationConfig":{"responseLogprobs":true,"logprobs":2}}"#
        ),
        r#"DropParam("generationConfig.logprobs") DropParam("generationConfig.responseLogprobs")"#
    );
}
