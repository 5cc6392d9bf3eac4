//! Parameters of an encoded body that get a value of the profile: where the client sent none, or whatever it sent.

use super::additions::may_add;
use super::body_path;
use super::recipient::Recipient;
use crate::canonical::{Addition, DiagnosticCode, Diagnostics};
use crate::json::Object;
use serde_json::Value;

/// Sets what an upstream requires beside functions: what the client asked for instead is lost.
pub(super) fn force_with_tools(
    body: &mut Object<'_>,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.params.force_with_tools;
    if rules.is_empty() || body.non_null("tools").is_none() {
        return;
    }
    // An upstream may have several dialects: a rule is for those that have the parameter.
    for (path, value) in rules.iter().filter(|(path, _)| recipient.dialect.params().name(path).is_some()) {
        if force(body, path, value) {
            let detail = format!("{value} beside tools");
            diagnostics.record(DiagnosticCode::ParamClamped, recipient.client_name_of(path), &detail);
        }
    }
}

/// Writes OpenAI's switch for log probabilities as a number of alternatives, for upstreams that take only that.
pub(super) fn count_logprobs(
    body: &mut Object<'_>,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) {
    if !recipient.accepts.params.logprobs_as_count || body.bool("logprobs").is_none() {
        return;
    }
    let count = body.u64("top_logprobs").unwrap_or_default().max(1);
    if body.bool("logprobs") == Some(true) {
        body.set("logprobs", count.to_string());
        diagnostics.record(DiagnosticCode::ParamRenamed, recipient.client_name_of("logprobs"), "a number");
    } else {
        body.remove("logprobs");
    }
    body.remove("top_logprobs");
}

pub(super) fn set(
    body: &mut Object<'_>,
    recipient: &Recipient<'_>,
    additions: &mut Vec<Addition>,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.params;
    for (path, value) in &rules.set {
        if body_path::non_null(body, path).is_none() && may_add(path, &rules.client_only) {
            body_path::set(body, path, value.to_string());
            additions.push(Addition::member(path.clone()));
            diagnostics.record(DiagnosticCode::ParamDefaulted, recipient.client_name_of(path), "");
        }
    }
    for (path, value) in &rules.force {
        if force(body, path, value) {
            diagnostics.record(DiagnosticCode::ParamForced, recipient.client_name_of(path), "");
        }
    }
}

/// Sets a value. Returns whether there was none, or another one.
fn force(body: &mut Object<'_>, path: &str, value: &Value) -> bool {
    let current = body_path::get(body, path).and_then(|json| serde_json::from_str::<Value>(&json).ok());
    let differs = current.as_ref() != Some(value);
    if differs {
        body_path::set(body, path, value.to_string());
    }
    differs
}
