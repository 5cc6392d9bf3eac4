//! A response format to the nearest one that the profile accepts, down to a sentence in the instructions.

use super::change::append_instruction;
use crate::accepts::{ResponseFormatRules, ResponseFormatSupport};
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, Request, ResponseFormat, ResponseSpec};
use crate::json::{Object, decode_string, raw};

/// A schema that allows every object.
const ANY_OBJECT: &str = r#"{"type":"object"}"#;

pub(super) fn normalize(
    request: &mut Request,
    rules: &ResponseFormatRules,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    let Some(format) = (*request.response_format).clone() else { return };
    let (schema, support) = match &format {
        ResponseFormat::Text => {
            if rules.omit_text {
                request.response_format.set(None);
                diagnostics.record(
                    DiagnosticCode::NullDropped,
                    "response_format",
                    "text is what it answers anyway",
                );
            }
            return;
        }
        ResponseFormat::Native { .. } => return,
        ResponseFormat::JsonObject => (None, rules.json_object),
        ResponseFormat::JsonSchema { schema, .. } => (schema.as_ref().map(|s| s.get()), rules.json_schema),
    };
    spec.required_json_fields = Some(schema.map(required_fields).unwrap_or_default());
    let is_schema = matches!(format, ResponseFormat::JsonSchema { .. });
    let (fallback, instruction) = match support {
        ResponseFormatSupport::Native => return,
        ResponseFormatSupport::JsonSchema if is_schema => return,
        ResponseFormatSupport::JsonObject if !is_schema => return,
        // A schema that allows every object means the same as `json_object`.
        ResponseFormatSupport::JsonSchema => (Some(any_object()), None),
        ResponseFormatSupport::JsonObject => {
            (Some(ResponseFormat::JsonObject), Some(instruction_for(schema)))
        }
        ResponseFormatSupport::Instruction => (None, Some(instruction_for(schema))),
    };
    let code =
        if instruction.is_some() { DiagnosticCode::FormatDowngraded } else { DiagnosticCode::ParamRenamed };
    diagnostics.record(code, "response_format", fallback.as_ref().map_or("a sentence", type_name));
    request.response_format.set(fallback);
    if let Some(instruction) = instruction {
        append_instruction(request, &instruction);
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
        Some(schema) => format!(
            "Answer with one JSON object and nothing else, no Markdown. It must follow this JSON schema: {schema}"
        ),
        None => String::from("Answer with one JSON object and nothing else, no Markdown."),
    }
}

/// How many required fields of a schema are checked in the response.
const MAX_REQUIRED_FIELDS: usize = 64;

/// The fields that a schema requires of its object.
fn required_fields(schema: &str) -> Vec<String> {
    let object = Object::parse(schema.as_bytes()).unwrap_or_default();
    let names = object.array("required").unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| decode_string(name).map(std::borrow::Cow::into_owned))
        .take(MAX_REQUIRED_FIELDS)
        .collect()
}
