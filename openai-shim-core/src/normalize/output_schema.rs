//! The form of the answer: asked for natively where that works, else by the next best way, down to a sentence.

use super::append_instruction;
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, Request, ResponseFormat, ResponseSpec};
use crate::json::{Object, decode_string, raw};
use crate::profile::{ResponseFormatRules, ResponseFormatSupport};

const ANY_OBJECT: &str = r#"{"type":"object"}"#;

pub(super) fn normalize(
    request: &mut Request,
    rules: &ResponseFormatRules,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    let Some(format) = (*request.response_format).clone() else { return };
    let (wish, way) = match &format {
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
    spec.required_json_fields = Some(wish.map(required).unwrap_or_default());
    let is_schema = matches!(format, ResponseFormat::JsonSchema { .. });
    let (lesser, sentence) = match way {
        ResponseFormatSupport::Native => return,
        ResponseFormatSupport::JsonSchema if is_schema => return,
        ResponseFormatSupport::JsonObject if !is_schema => return,
        // A schema that allows any object says what `json_object` says.
        ResponseFormatSupport::JsonSchema => (Some(any_object()), None),
        ResponseFormatSupport::JsonObject => (Some(ResponseFormat::JsonObject), Some(sentence(wish))),
        ResponseFormatSupport::Instruction => (None, Some(sentence(wish))),
    };
    let code =
        if sentence.is_some() { DiagnosticCode::FormatDowngraded } else { DiagnosticCode::ParamRenamed };
    diagnostics.record(code, "response_format", lesser.as_ref().map_or("a sentence", word));
    request.response_format.set(lesser);
    if let Some(sentence) = sentence {
        append_instruction(request, &sentence);
    }
}

fn word(format: &ResponseFormat) -> &'static str {
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

fn sentence(schema: Option<&str>) -> String {
    match schema {
        Some(schema) => format!(
            "Answer with one JSON object and nothing else, no Markdown. It must follow this JSON schema: {schema}"
        ),
        None => String::from("Answer with one JSON object and nothing else, no Markdown."),
    }
}

/// The members that a schema demands of its object.
fn required(schema: &str) -> Vec<String> {
    let object = Object::parse(schema.as_bytes()).unwrap_or_default();
    let names = object.array("required").unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| decode_string(name).map(std::borrow::Cow::into_owned))
        .take(64)
        .collect()
}
