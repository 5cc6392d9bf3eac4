//! Numbers of an encoded body: which mean the same as no parameter, and the ranges that the others are moved into.

use super::body_path;
use super::recipient::Recipient;
use crate::canonical::{DiagnosticCode, Diagnostics, is_default};
use crate::json::{Object, ValueKind, value_kind};
use std::collections::BTreeMap;

/// The values that mean the same as no parameter at the APIs that refuse others.
const API_DEFAULTS: [(&str, f64); 7] = [
    ("frequencyPenalty", 0.0),
    ("frequency_penalty", 0.0),
    ("presencePenalty", 0.0),
    ("presence_penalty", 0.0),
    ("repetition_penalty", 1.0),
    ("temperature", 1.0),
    ("top_p", 1.0),
];

/// Whether the value of a parameter means the same as no parameter.
pub(super) fn is_api_default(path: &str, value: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    let number = value.trim().parse::<f64>().ok();
    let has_default = |default: f64| number.is_some_and(|number| (number - default).abs() < f64::EPSILON);
    is_default(path, value)
        || API_DEFAULTS.iter().any(|(known, default)| *known == name && has_default(*default))
}

/// The number at a place of the body.
fn number(body: &Object<'_>, path: &str) -> Option<f64> {
    let value = body_path::get(body, path).filter(|value| value_kind(value) == ValueKind::Number)?;
    value.trim().parse().ok()
}

/// Moves parameters into their ranges.
pub(super) fn clamp(
    body: &mut Object<'_>,
    ranges: &BTreeMap<String, [f64; 2]>,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) {
    for (path, [low, high]) in ranges {
        let Some(value) = number(body, path) else { continue };
        let clamped = value.clamp(low.min(*high), high.max(*low));
        if value >= *low && value <= *high {
            continue;
        }
        if is_api_default(path, &value.to_string()) {
            body_path::remove(body, path);
            diagnostics.record(DiagnosticCode::DefaultDropped, recipient.client_name_of(path), "");
        } else {
            body_path::set(body, path, format!("{clamped}"));
            let detail = format!("{value} to {clamped}");
            diagnostics.record(DiagnosticCode::ParamClamped, recipient.client_name_of(path), &detail);
        }
    }
}

/// Moves the limit on the output into the range that the API and the model take.
pub(super) fn limit_output(body: &mut Object<'_>, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.params;
    if rules.min_output_tokens.is_none() && rules.max_output_tokens.is_none() {
        return;
    }
    let path = recipient.dialect.params().path("max_tokens").unwrap_or("max_tokens");
    for path in [path, "max_completion_tokens"] {
        let Some(tokens) = body_path::get(body, path).and_then(|value| value.trim().parse::<u64>().ok())
        else {
            continue;
        };
        let least = tokens.max(rules.min_output_tokens.unwrap_or(0));
        let limit = rules.max_output_tokens.map_or(least, |most| least.min(most));
        if limit != tokens {
            body_path::set(body, path, limit.to_string());
            let detail = format!("{tokens} to {limit}");
            diagnostics.record(DiagnosticCode::ParamClamped, recipient.client_name_of(path), &detail);
        }
    }
}
