//! Parameters that an upstream accepts under a condition: with their default value only, not while the model reasons, not
//! beside another one, not in this version of its API.

use super::body_path;
use super::param_ranges::{clamp, is_api_default};
use super::recipient::Recipient;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, member_path};

/// What of a body asks for reasoning, and the value that switches it off.
const REASONING: [(&str, &str); 6] = [
    ("thinking.type", "\"disabled\""),
    ("reasoning_effort", "\"none\""),
    ("reasoning.effort", "\"none\""),
    ("reasoning.enabled", "false"),
    ("enable_thinking", "false"),
    ("think", "false"),
];

pub(super) fn apply(body: &mut Object<'_>, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.params;
    for (version, removed) in &rules.removed_in {
        // Versions are dates.
        if recipient.api_version >= version.as_str() {
            let why = format!("not since version {version}");
            for path in removed {
                drop(body, path, recipient, &why, diagnostics);
            }
        }
    }
    for path in &rules.default_only {
        drop_unless_default(body, path, recipient, "", diagnostics);
    }
    let has_conditions =
        !rules.default_only_while_reasoning.is_empty() || !rules.clamp_while_reasoning.is_empty();
    if has_conditions && reasons(body) == Some(true) {
        clamp(body, &rules.clamp_while_reasoning, recipient, diagnostics);
        for path in &rules.default_only_while_reasoning {
            drop_unless_default(body, path, recipient, "not while reasoning", diagnostics);
        }
    }
    if !rules.default_only_unless_reasoning_off.is_empty() && reasons(body) != Some(false) {
        for path in &rules.default_only_unless_reasoning_off {
            drop_unless_default(body, path, recipient, "only without reasoning", diagnostics);
        }
    }
    for (path, other) in &rules.exclusive {
        if body_path::non_null(body, path).is_none() || body_path::non_null(body, other).is_none() {
            continue;
        }
        // The one that says nothing goes.
        let says_nothing = body_path::get(body, other).is_some_and(|value| is_api_default(other, &value));
        let dropped = if says_nothing { other } else { path };
        drop(body, dropped, recipient, &format!("not beside {other}"), diagnostics);
    }
}

/// Whether the body asks for reasoning, or switches it off; `None`: neither.
fn reasons(body: &Object<'_>) -> Option<bool> {
    REASONING.iter().find_map(|(path, off)| body_path::non_null(body, path).map(|value| value.trim() != *off))
}

fn drop_unless_default(
    body: &mut Object<'_>,
    path: &str,
    recipient: &Recipient<'_>,
    why: &str,
    diagnostics: &mut Diagnostics,
) {
    if body_path::get(body, path).is_none_or(|value| !is_api_default(path, &value)) {
        drop(body, path, recipient, why, diagnostics);
    }
}

/// Drops a parameter. It is a loss unless its value means the same as no parameter.
pub(super) fn drop(
    body: &mut Object<'_>,
    path: &str,
    recipient: &Recipient<'_>,
    why: &str,
    diagnostics: &mut Diagnostics,
) {
    let Some(value) = body_path::get(body, path) else {
        // The members of a list's items (`tools.cache_control`).
        if path.contains('.') && member_path::remove(body, &path.split('.').collect::<Vec<_>>()) {
            diagnostics.record(DiagnosticCode::ParamDropped, recipient.client_name_of(path), why);
        }
        return;
    };
    let is_default = is_api_default(path, &value);
    if value.trim() != "null" {
        let code = if is_default { DiagnosticCode::DefaultDropped } else { DiagnosticCode::ParamDropped };
        diagnostics.record(code, recipient.client_name_of(path), why);
    }
    body_path::remove(body, path);
}
