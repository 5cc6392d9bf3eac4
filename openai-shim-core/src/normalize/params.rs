//! Parameters of an encoded body to those that the profile accepts: dropped, renamed, or moved into a range.

use super::recipient::{Recipient, RequestDefaults};
use super::strict::ensure_lossless;
use crate::accepts::{Accepts, ParamRules, ToolChoiceSupport};
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::Unsupported;
use crate::json::{Object, ValueKind, value_kind};
use std::collections::BTreeSet;

/// Parameters that are never dropped as unlisted: without them there is no request.
const ALWAYS_ALLOWED: [&str; 4] = ["model", "messages", "stream", "stream_options"];

/// Applies the upstream's rules for parameters to a request body.
///
/// # Errors
/// In strict mode, when anything of the request was lost so far.
pub fn params(
    body: &mut Object<'_>,
    recipient: &Recipient<'_>,
    defaults: &RequestDefaults,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let accepts = recipient.accepts;
    drop_choice_without_tools(body, diagnostics);
    write_required_choice(body, accepts, diagnostics);
    rename(body, &accepts.params, diagnostics);
    clamp(body, &accepts.params, diagnostics);
    drop_refused(body, &accepts.params, diagnostics);
    if defaults.strict { ensure_lossless(recipient, diagnostics) } else { Ok(()) }
}

/// Drops an empty list of tools, and without tools the choice among them: OpenAI refuses both.
fn drop_choice_without_tools(body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let is_empty = |tools: &str| tools.strip_prefix('[').is_some_and(|end| end.trim_start() == "]");
    if body.get("tools").is_some_and(is_empty) {
        body.remove("tools");
        diagnostics.record(DiagnosticCode::NullDropped, "tools", "an empty list");
    }
    if body.non_null("tools").is_some() || body.non_null("functions").is_some() {
        return;
    }
    for key in ["tool_choice", "parallel_tool_calls"] {
        let Some(value) = body.non_null(key) else { continue };
        let has_no_effect = matches!(value.trim(), "\"auto\"" | "\"none\"" | "true" | "false");
        let code = if has_no_effect { DiagnosticCode::NullDropped } else { DiagnosticCode::ParamDropped };
        diagnostics.record(code, key, "there are no tools");
        body.remove(key);
    }
}

/// Writes `tool_choice: "required"` as `any`, for upstreams that name it so.
fn write_required_choice(body: &mut Object<'_>, accepts: &Accepts, diagnostics: &mut Diagnostics) {
    if body.str("tool_choice").as_deref() == Some("required")
        && accepts.tools.required_choice == ToolChoiceSupport::Any
    {
        body.set("tool_choice", "\"any\"");
        diagnostics.record(DiagnosticCode::ParamRenamed, "tool_choice", "any");
    }
}

fn rename(body: &mut Object<'_>, rules: &ParamRules, diagnostics: &mut Diagnostics) {
    for (from, to) in &rules.rename {
        if from == to || body.non_null(from).is_none() {
            continue;
        }
        if let Some(value) = body.remove(from) {
            // If the client sent both, the upstream's own name wins.
            if body.non_null(to).is_none() {
                body.set(to.clone(), value);
            }
            diagnostics.record(DiagnosticCode::ParamRenamed, from, to);
        }
    }
}

fn clamp(body: &mut Object<'_>, rules: &ParamRules, diagnostics: &mut Diagnostics) {
    for (key, [low, high]) in &rules.clamp {
        let number = body.get(key).filter(|v| value_kind(v) == ValueKind::Number);
        let Some(value) = number.and_then(|v| v.trim().parse::<f64>().ok()) else { continue };
        let clamped = value.clamp(low.min(*high), high.max(*low));
        if value < *low || value > *high {
            body.set(key.clone(), format!("{clamped}"));
            diagnostics.record(DiagnosticCode::ParamClamped, key, &format!("{value} to {clamped}"));
        }
    }
}

fn drop_refused(body: &mut Object<'_>, rules: &ParamRules, diagnostics: &mut Diagnostics) {
    let is_unlisted = |key: &str| {
        !rules.allow.is_empty()
            && !ALWAYS_ALLOWED.contains(&key)
            && !rules.allow.iter().any(|allowed| allowed == key)
    };
    let is_refused = |key: &str| rules.drop.iter().any(|dropped| dropped == key) || is_unlisted(key);
    let mut reported = BTreeSet::new();
    for key in body.iter().map(|(key, _)| key).filter(|key| is_refused(key)) {
        if reported.insert(key) && body.non_null(key).is_some() {
            diagnostics.record(DiagnosticCode::ParamDropped, key, "");
        }
    }
    body.retain(|key, _| !is_refused(key));
}
