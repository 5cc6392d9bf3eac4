//! A response format to the nearest one that the profile accepts, down to a sentence in the instructions.

use super::change::append_instruction;
use super::recipient::Recipient;
use super::schema::{self, MAX_ADDED_BYTES};
use super::tool_schema::{report, strict_schema_rules};
use crate::accepts::{FormatBesideTools, ResponseFormatRules, ResponseFormatSupport};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, NATIVE_SCHEMA, Request, ResponseFormat, ResponseSpec,
    ToolChoice,
};
use crate::json::{Object, decode_string, raw};
use std::borrow::Cow;

/// A schema that allows every object.
const ANY_OBJECT: &str = r#"{"type":"object"}"#;

const FIELD: &str = "response_format";

pub(super) fn normalize(
    request: &mut Request,
    recipient: &Recipient<'_>,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.response_format;
    replace_boolean(request, diagnostics);
    let is_accepted = is_accepted_beside_tools(request, rules);
    let (schema, support) = match &*request.response_format {
        None | Some(ResponseFormat::Native { .. }) => return,
        Some(ResponseFormat::Text) => {
            if rules.omit_text {
                request.response_format.set(None);
                diagnostics.record(DiagnosticCode::NullDropped, FIELD, "text is what it answers anyway");
            }
            return;
        }
        Some(ResponseFormat::TextEnum(values)) => {
            if rules.text_enum != ResponseFormatSupport::Native || !is_accepted {
                let sentence = enum_sentence(values);
                request.response_format.set(None);
                diagnostics.record(DiagnosticCode::FormatDowngraded, FIELD, "a sentence");
                append_instruction(request, &sentence);
            }
            return;
        }
        Some(ResponseFormat::JsonObject) => (None, rules.json_object),
        // It asks for any JSON, and some upstreams refuse it.
        Some(ResponseFormat::JsonSchema { schema: None, .. }) => match rules.json_object {
            ResponseFormatSupport::Instruction => (None, ResponseFormatSupport::Instruction),
            _ => (None, rules.json_schema),
        },
        Some(ResponseFormat::JsonSchema { schema: Some(schema), .. }) => {
            let can_be_sent = !rules.schema.root_object || may_be_object(schema.as_str());
            let support = if can_be_sent { rules.json_schema } else { ResponseFormatSupport::Instruction };
            (Some(schema.as_str()), support)
        }
    };
    let support = if is_accepted { support } else { ResponseFormatSupport::Instruction };
    spec.required_json_fields = Some(schema.map(required_fields).unwrap_or_default());
    let is_schema = matches!(&*request.response_format, Some(ResponseFormat::JsonSchema { .. }));
    let (fallback, instruction) = match support {
        ResponseFormatSupport::JsonObject | ResponseFormatSupport::Native if !is_schema => {
            add_json_word(request, rules, diagnostics);
            return;
        }
        ResponseFormatSupport::Native | ResponseFormatSupport::JsonSchema if is_schema => {
            reduce_format(request, recipient, diagnostics);
            return;
        }
        ResponseFormatSupport::Native => return,
        // A schema that allows every object means the same as `json_object`.
        ResponseFormatSupport::JsonSchema => (Some(any_object()), None),
        ResponseFormatSupport::JsonObject => {
            (Some(ResponseFormat::JsonObject), Some(instruction_for(schema)))
        }
        ResponseFormatSupport::Instruction => (None, Some(instruction_for(schema))),
    };
    let code =
        if instruction.is_some() { DiagnosticCode::FormatDowngraded } else { DiagnosticCode::ParamRenamed };
    diagnostics.record(code, FIELD, fallback.as_ref().map_or("a sentence", type_name));
    request.response_format.set(fallback);
    if let Some(instruction) = instruction {
        append_instruction(request, &instruction);
    }
}

/// Whether the upstream accepts a format beside the functions that the request offers.
fn is_accepted_beside_tools(request: &Request, rules: &ResponseFormatRules) -> bool {
    let has_function = || request.tools.iter().any(|tool| tool.name().is_some());
    match rules.beside_tools {
        FormatBesideTools::Any => true,
        FormatBesideTools::Unforced => {
            let is_forced =
                matches!(*request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)));
            !is_forced || !has_function()
        }
        FormatBesideTools::Nothing => !has_function(),
    }
}

/// Replaces a Boolean schema, which no upstream takes, by the format for any JSON object.
fn replace_boolean(request: &mut Request, diagnostics: &mut Diagnostics) {
    let Some(ResponseFormat::JsonSchema { schema: Some(schema), .. }) = &*request.response_format else {
        return;
    };
    let code = match schema.as_str().trim() {
        "true" => DiagnosticCode::SchemaRewritten,
        "false" => DiagnosticCode::SchemaReduced,
        _ => return,
    };
    diagnostics.record(code, FIELD, "a Boolean schema");
    request.response_format.set(Some(ResponseFormat::JsonObject));
}

/// Adds the sentence without which some upstreams refuse `json_object`.
fn add_json_word(request: &mut Request, rules: &ResponseFormatRules, diagnostics: &mut Diagnostics) {
    if !rules.requires_json_word || !request.references.is_empty() {
        return;
    }
    let has_word = |block: &Block| match block {
        Block::ToolResult { .. } => false,
        block => block.as_text().is_some_and(has_json_word),
    };
    if !request.messages.iter().any(|message| message.blocks.iter().any(has_word)) {
        append_instruction(request, "Answer with JSON.");
        diagnostics.record(DiagnosticCode::ContentRewritten, "messages", "the word JSON was added");
    }
}

/// Whether a text has the word JSON, in any case.
fn has_json_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'j', b'J', bytes)
        .any(|at| bytes.get(at..at + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"json")))
}

/// Reduces the schema of a format, and puts its name right.
fn reduce_format(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.response_format;
    let Some(ResponseFormat::JsonSchema { name, schema, strict, extra }) = &*request.response_format else {
        return;
    };
    let family = recipient.dialect.extra_fields_name();
    let is_tolerated = rules.schema.tolerant && recipient.is_own(recipient.client.extra_fields_name());
    if is_tolerated || extra.of(family).iter().any(|(key, _)| key == NATIVE_SCHEMA) {
        return;
    }
    let schema_rules = match strict {
        Some(true) => strict_schema_rules(&rules.schema, &rules.strict_schema),
        _ => Cow::Borrowed(&rules.schema),
    };
    let mut room = MAX_ADDED_BYTES;
    let reduced =
        schema.as_ref().and_then(|schema| schema::reduce(schema.as_str(), &schema_rules, &mut room));
    let accepted_name = accepted_name(name, rules);
    if reduced.is_none() && accepted_name.is_none() {
        return;
    }
    if let Some(reduced) = &reduced {
        report(reduced, FIELD, diagnostics);
    }
    if accepted_name.is_some() {
        diagnostics.record(DiagnosticCode::SchemaRewritten, FIELD, "its name");
    }
    if let Some(ResponseFormat::JsonSchema { name, schema, .. }) = request.response_format.edit() {
        if let Some(json) = reduced.and_then(|reduced| reduced.json) {
            *schema = Some(raw(json));
        }
        if let Some(accepted) = accepted_name {
            *name = accepted;
        }
    }
}

/// The longest name of a schema: <https://platform.openai.com/docs/api-reference/chat/create>.
const MAX_NAME_LENGTH: usize = 64;

/// The name in place of one that is not accepted.
fn accepted_name(name: &str, rules: &ResponseFormatRules) -> Option<String> {
    let is_accepted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let fits = !name.is_empty() && name.len() <= MAX_NAME_LENGTH && name.chars().all(is_accepted);
    if !rules.restrict_names || fits {
        return None;
    }
    let replaced = name.chars().take(MAX_NAME_LENGTH).map(|c| if is_accepted(c) { c } else { '_' });
    Some(replaced.collect()).filter(|name: &String| !name.is_empty()).or_else(|| Some("response".to_owned()))
}

/// Whether the root of a schema may be an object: it names no other type, or several, or alternatives.
fn may_be_object(schema: &str) -> bool {
    let Ok(root) = Object::parse(schema.as_bytes()) else { return schema.trim() == "true" };
    let types = root.str("type").map(|name| vec![name]).or_else(|| {
        let names = root.array("type")?;
        Some(names.into_iter().filter_map(decode_string).collect())
    });
    match types {
        Some(types) => types.iter().any(|name| name == "object"),
        None => root.get("items").is_none() && root.get("enum").is_none() && root.get("const").is_none(),
    }
}

fn type_name(format: &ResponseFormat) -> &'static str {
    if matches!(format, ResponseFormat::JsonObject) { "json_object" } else { "json_schema" }
}

fn any_object() -> ResponseFormat {
    ResponseFormat::JsonSchema {
        name: String::from("object"),
        schema: Some(raw(ANY_OBJECT)),
        strict: None,
        extra: ExtraFields::default(),
    }
}

fn instruction_for(schema: Option<&str>) -> String {
    match schema {
        Some(schema) if may_be_object(schema) => format!(
            "Answer with one JSON object and nothing else, no Markdown. It must follow this JSON schema: {schema}"
        ),
        Some(schema) => format!(
            "Answer with one JSON value and nothing else, no Markdown. It must follow this JSON schema: {schema}"
        ),
        None => String::from("Answer with one JSON object and nothing else, no Markdown."),
    }
}

/// The sentence that asks for one of some texts.
fn enum_sentence(values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
    format!("Answer with exactly one of these texts and nothing else: {}.", values.join(", "))
}

/// How many required fields of a schema are checked in the response.
const MAX_REQUIRED_FIELDS: usize = 64;

/// The fields that a schema requires of its object.
fn required_fields(schema: &str) -> Vec<String> {
    let object = Object::parse(schema.as_bytes()).unwrap_or_default();
    let names = object.array("required").unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| decode_string(name).map(Cow::into_owned))
        .take(MAX_REQUIRED_FIELDS)
        .collect()
}
