//! Parameters, by their name on the wire: left out, renamed, respelled, or moved into a range.

use super::{RequestDefaults, ensure_lossless, thinking};
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::Unsupported;
use crate::json::{Object, ValueKind, value_kind};
use crate::profile::{ParamRules, Profile, ToolChoiceSupport};
use std::collections::BTreeSet;

/// Members without which a request is none.
const NEEDED: [&str; 4] = ["model", "messages", "stream", "stream_options"];

/// Applies the profile's parameter rows to a request body.
///
/// # Errors
/// In strict mode, when anything of the request was lost on its way here.
pub fn params(
    body: &mut Object<'_>,
    profile: &Profile,
    defaults: &RequestDefaults,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    without_tools(body, diagnostics);
    forced(body, profile, diagnostics);
    thinking::write_effort(body, &profile.reasoning, diagnostics);
    rename(body, &profile.params, diagnostics);
    clamp(body, &profile.params, diagnostics);
    drop_some(body, &profile.params, diagnostics);
    if defaults.strict { ensure_lossless(profile, diagnostics) } else { Ok(()) }
}

/// Without tools there is no choice among them: OpenAI refuses an empty list and what depends on it.
fn without_tools(body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let empty = |tools: &str| tools.strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]");
    if body.get("tools").is_some_and(empty) {
        body.remove("tools");
        diagnostics.record(DiagnosticCode::NullDropped, "tools", "an empty list");
    }
    if body.non_null("tools").is_some() || body.non_null("functions").is_some() {
        return;
    }
    for key in ["tool_choice", "parallel_tool_calls"] {
        let Some(value) = body.non_null(key) else { continue };
        let idle = matches!(value.trim(), "\"auto\"" | "\"none\"" | "true" | "false");
        let code = if idle { DiagnosticCode::NullDropped } else { DiagnosticCode::ParamDropped };
        diagnostics.record(code, key, "there are no tools");
        body.remove(key);
    }
}

/// A forced choice by the upstream's own word.
fn forced(body: &mut Object<'_>, profile: &Profile, diagnostics: &mut Diagnostics) {
    if body.str("tool_choice").as_deref() == Some("required")
        && profile.tools.required_choice == ToolChoiceSupport::Any
    {
        body.set("tool_choice", "\"any\"");
        diagnostics.record(DiagnosticCode::ParamRenamed, "tool_choice", "any");
    }
}

fn rename(body: &mut Object<'_>, rules: &ParamRules, diagnostics: &mut Diagnostics) {
    for (from, to) in &rules.rename {
        if body.non_null(from).is_none() {
            continue;
        }
        if let Some(value) = body.remove(from) {
            // Where both are there the upstream's own name wins.
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

fn drop_some(body: &mut Object<'_>, rules: &ParamRules, diagnostics: &mut Diagnostics) {
    let unknown = |key: &str| {
        !rules.allow.is_empty() && !NEEDED.contains(&key) && !rules.allow.iter().any(|known| known == key)
    };
    let refused = |key: &str| rules.drop.iter().any(|dropped| dropped == key) || unknown(key);
    let mut known = BTreeSet::new();
    for key in body.iter().map(|(key, _)| key).filter(|key| refused(key)) {
        if known.insert(key) && body.non_null(key).is_some() {
            diagnostics.record(DiagnosticCode::ParamDropped, key, "");
        }
    }
    body.retain(|key, _| !refused(key));
}
